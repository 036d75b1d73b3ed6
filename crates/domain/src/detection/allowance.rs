//! Bounds what one site adds to what is counted, so that a broken sender or an attack on one town
//! neither alarms for others nor hides their trouble. Never decides what is unusual.

use std::collections::HashMap;

use jiff::Timestamp;

use super::counts::Counts;
use crate::id::SiteId;

/// Sign-ins of one site that count in one window. The largest city of a fleet with 277,000 sign-ins a
/// day has some 3% of them: 23 a minute at the day's peak, and this is 60.
pub const SITE_ATTEMPTS_MAX: u32 = 10;
/// Short, so that a site that has used it up soon counts again and does not look silent.
const WINDOW_SECONDS: i64 = 10;

/// What each site has had counted in the current window.
#[derive(Debug, Default)]
pub struct Allowance {
    window: i64,
    counted: HashMap<SiteId, u32>,
}

impl Allowance {
    /// The part of a site's sign-ins that counts, taken at `now`. Baselines must be learned from the
    /// same part.
    ///
    /// Of more than is left, attempts and failures are cut by the same factor `c <= 1`. That keeps
    /// the promise: evidence `L` becomes `L^c` or less, and `E[L^c] <= E[L]^c` by Jensen's inequality.
    pub fn grant(&mut self, site: SiteId, counts: Counts, now: Timestamp) -> Counts {
        let window = now.as_second().div_euclid(WINDOW_SECONDS);
        if window != self.window {
            self.window = window;
            self.counted.clear();
        }
        let counted = self.counted.entry(site).or_default();
        let attempts = counts.attempts.min(SITE_ATTEMPTS_MAX - *counted);
        *counted += attempts;
        counts.cut_to(attempts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_counts_up_to_its_allowance_and_keeps_its_share_of_failures() {
        let site = SiteId::from_bytes(&[1; 16]).unwrap();
        let other = SiteId::from_bytes(&[2; 16]).unwrap();
        let mut allowance = Allowance::default();
        for (time, site, sent, counted) in [
            ("21:06:01", site, (4, 1), (4, 1)),
            ("21:06:02", site, (60, 30), (6, 3)),
            ("21:06:09", site, (5, 5), (0, 0)),
            ("21:06:09", other, (u32::MAX, u32::MAX), (10, 10)),
            ("21:06:10", site, (5, 5), (5, 5)),
        ] {
            let now = format!("2023-07-11T{time}Z").parse().unwrap();
            let counts = |(attempts, failed): (u32, u32)| Counts {
                attempts,
                failures: [("x".to_owned(), failed)]
                    .into_iter()
                    .filter(|(_, failed)| *failed > 0)
                    .collect(),
            };
            assert_eq!(
                allowance.grant(site, counts(sent), now),
                counts(counted),
                "{time}"
            );
        }
    }
}
