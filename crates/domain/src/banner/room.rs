//! How many banners one document has room for. Decides which are left out of a document that would be
//! too long for agents, which read it whole or not at all.

use std::cmp::Reverse;

use jiff::Timestamp;

use super::Banner;
use crate::id::BannerId;

/// What surrounds the banners of a document.
const ENVELOPE_BYTES: usize = r#"{"banners":[]}"#.len();

/// How long a document of these banners is, in bytes of JSON.
#[must_use]
pub fn bytes(banners: &[Banner]) -> usize {
    let all: usize = banners.iter().map(own_bytes).sum();
    ENVELOPE_BYTES + all
}

/// With the comma after it.
fn own_bytes(banner: &Banner) -> usize {
    let json = serde_json::to_vec(banner);
    // What cannot be written has no room anywhere; nothing in a banner is such.
    json.map_or(usize::MAX / 1_024, |json| json.len() + 1)
}

/// Leaves out whole banners until the rest fit into a document, and gives those: first what is over,
/// then what is milder, then what begins later. The order of the rest stays.
pub fn make_room(banners: &mut Vec<Banner>, now: Timestamp, bytes_max: usize) -> Vec<BannerId> {
    if bytes(banners) <= bytes_max {
        return vec![];
    }
    let mut by_need: Vec<_> = banners.iter().collect();
    by_need.sort_by_key(|one| (one.is_over(now), Reverse(one.severity), one.from, one.id));
    let mut left = bytes_max.saturating_sub(ENVELOPE_BYTES);
    let mut out = vec![];
    for banner in by_need {
        match left.checked_sub(own_bytes(banner)) {
            Some(rest) => left = rest,
            None => out.push(banner.id),
        }
    }
    banners.retain(|one| !out.contains(&one.id));
    out
}

#[cfg(test)]
mod tests {
    use super::super::{Area, Severity};
    use super::*;
    use crate::name::Hostname;

    const NOW: &str = "2023-07-11T21:00:00Z";

    /// A banner of some thousand bytes for each of `thousands`.
    fn banner(id: u8, severity: Severity, from: &str, thousands: usize) -> Banner {
        let name = |at| Hostname::parse(&format!("{at:03}.{}.example", "x".repeat(60))).unwrap();
        Banner {
            id: BannerId::from_bytes(&[id; 16]).unwrap(),
            version: 1,
            text: "We \"know\".".into(),
            severity,
            area: Area {
                sites: (0..thousands * 1_000 / 75).map(name).collect(),
                ..Area::default()
            },
            from: from.parse().unwrap(),
            until: None,
        }
    }

    fn left_out(banners: &[Banner], thousands: usize) -> Vec<u8> {
        let mut rest = banners.to_vec();
        let out = make_room(&mut rest, NOW.parse().unwrap(), thousands * 1_000);
        assert!(bytes(&rest) <= thousands * 1_000);
        assert_eq!(rest.len() + out.len(), banners.len());
        out.iter().map(|id| id.as_bytes()[0]).collect()
    }

    #[test]
    fn the_least_needed_banners_are_left_out() {
        use Severity::{Critical, Info, Warning};
        let early = "2023-07-11T20:00:00Z";
        let mut over = banner(5, Critical, early, 10);
        over.until = Some(NOW.parse().unwrap());
        let all = [
            banner(1, Info, early, 10),
            banner(2, Warning, NOW, 10),
            banner(3, Warning, early, 10),
            banner(4, Critical, NOW, 10),
            over,
        ];
        assert_eq!(left_out(&all, 60), [0u8; 0]);
        assert_eq!(left_out(&all, 45), [5]);
        assert_eq!(left_out(&all, 35), [1, 5]);
        assert_eq!(left_out(&all, 25), [2, 1, 5]);
        // A long one makes room for short ones that are milder.
        let long = [banner(1, Critical, early, 30), banner(2, Info, early, 1)];
        assert_eq!(left_out(&long, 20), [1]);
    }

    #[test]
    fn a_document_is_as_long_as_it_is_said_to_be() {
        for count in [0, 1, 3] {
            let one = |id| banner(id, Severity::Info, NOW, 1);
            let banners: Vec<_> = (1..=count).map(one).collect();
            let json = serde_json::to_string(&serde_json::json!({ "banners": banners })).unwrap();
            // The last has no comma.
            let commas = usize::from(count > 0);
            assert_eq!(bytes(&banners), json.len() + commas);
        }
    }
}
