//! In which order a campaign goes through its sites: canaries, sites that reported, then waves by
//! time zone from west to east. The same sites give the same plan. Never decides how fast.

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;
use jiff::tz::Dst;

use crate::id::{OrganizationId, SiteId};
use crate::site::{Site, Zone};

/// One site of this many is a canary.
const SITES_PER_CANARY: usize = 100;
/// More canaries would teach no more, and would be a wave of their own.
const CANARIES_MAX: usize = 20;

/// A selected site, and what is known of it.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// The site.
    pub site: &'a Site,
    /// Whether a customer reported it.
    pub reported: bool,
}

/// Waves in the order they are done. One at a time: with two, a bad release cannot be told from a
/// bad site.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Plan {
    /// The waves; none is empty.
    pub waves: Vec<Wave>,
    /// How much a mistake would touch.
    pub blast_radius: BlastRadius,
}

/// Sites that are done together.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Wave {
    /// "canaries", "reported", or the name of a time zone.
    pub name: String,
    /// Its sites, in the order they are begun.
    pub sites: Vec<SiteId>,
}

/// How much a mistake would touch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct BlastRadius {
    /// Sites, all waves together.
    pub sites: usize,
    /// Customers with at least one of the sites.
    pub organizations: usize,
    /// Time zones.
    pub zones: usize,
    /// People the sites serve, where known.
    pub people: u64,
    /// Sites touched before the first evidence is in.
    pub canaries: usize,
}

impl Plan {
    /// Plans a campaign over `candidates`. `now` says which offsets count as standard time.
    #[must_use]
    pub fn new(candidates: &[Candidate<'_>], now: Timestamp) -> Self {
        let zones = by_zone(candidates, now);
        let canaries = canaries(&zones, candidates.len());
        let canary_set: HashSet<SiteId> = canaries.iter().copied().collect();
        let rest = |candidate: &&Candidate<'_>| !canary_set.contains(&candidate.site.id);
        let reported = zones.iter().flat_map(|(_, sites)| sites).filter(rest);
        let reported = reported
            .filter(|one| one.reported)
            .map(|one| one.site.id)
            .collect();

        let mut waves = vec![
            Wave {
                name: "canaries".into(),
                sites: canaries,
            },
            Wave {
                name: "reported".into(),
                sites: reported,
            },
        ];
        waves.extend(zones.iter().map(|(zone, sites)| {
            Wave {
                name: zone.to_string(),
                sites: sites
                    .iter()
                    .filter(rest)
                    .filter(|c| !c.reported)
                    .map(|c| c.site.id)
                    .collect(),
            }
        }));
        waves.retain(|wave| !wave.sites.is_empty());
        Self {
            waves,
            blast_radius: blast_radius(candidates, zones.len(), canary_set.len()),
        }
    }

    /// Sites, all waves together.
    #[must_use]
    pub fn sites(&self) -> usize {
        self.blast_radius.sites
    }

    /// How long it takes at a steady `rate_per_second`.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "sites are fewer than 2^52")]
    pub fn estimate_seconds(&self, rate_per_second: f64) -> Option<f64> {
        (rate_per_second > 0.0).then(|| self.sites() as f64 / rate_per_second)
    }
}

/// The sites of `candidates` that something new is tried on first, as a campaign's canaries are chosen.
#[must_use]
pub fn canaries_of(candidates: &[Candidate<'_>], now: Timestamp) -> Vec<SiteId> {
    canaries(&by_zone(candidates, now), candidates.len())
}

type Zoned<'a> = Vec<(Zone, Vec<Candidate<'a>>)>;

/// Zones west to east, each with its sites by host name.
fn by_zone<'a>(candidates: &[Candidate<'a>], now: Timestamp) -> Zoned<'a> {
    let mut zones: BTreeMap<Zone, Vec<Candidate<'a>>> = BTreeMap::new();
    for candidate in candidates {
        zones
            .entry(candidate.site.zone.clone())
            .or_default()
            .push(*candidate);
    }
    for sites in zones.values_mut() {
        sites.sort_by(|a, b| a.site.hostname.cmp(&b.site.hostname));
    }
    let mut zones: Vec<_> = zones.into_iter().collect();
    zones.sort_by_cached_key(|(zone, _)| (standard_offset_seconds(zone, now), zone.clone()));
    zones
}

/// The zone's offset in standard time. By standard time, so that the order of waves does not change
/// with the season.
#[must_use]
pub fn standard_offset_seconds(zone: &Zone, now: Timestamp) -> i32 {
    let rules = zone.rules();
    let info = rules.to_offset_info(now);
    let next = rules
        .following(now)
        .next()
        .map(|change| (change.dst(), change.offset()));
    match (info.dst(), next) {
        (Dst::Yes, Some((Dst::No, offset))) => offset.seconds(),
        _ => info.offset().seconds(),
    }
}

/// Canaries: one from each zone in turn, the zones with most sites first, and within a zone the
/// sites that serve the fewest people: if the action is wrong, it hurts the fewest.
fn canaries(zones: &Zoned<'_>, sites: usize) -> Vec<SiteId> {
    let count = (sites / SITES_PER_CANARY).clamp(1, CANARIES_MAX);
    let mut queues: Vec<(usize, _)> = zones
        .iter()
        .map(|(_, candidates)| {
            let mut order: Vec<&Site> = candidates.iter().map(|one| one.site).collect();
            order.sort_by_key(|site| (site.population.unwrap_or(u32::MAX), &site.hostname));
            (order.len(), order.into_iter().map(|site| site.id))
        })
        .collect();
    queues.sort_by_key(|(sites, _)| std::cmp::Reverse(*sites));
    let mut canaries = Vec::with_capacity(count);
    while canaries.len() < count {
        let before = canaries.len();
        let round = queues.iter_mut().filter_map(|(_, queue)| queue.next());
        canaries.extend(round.take(count - before));
        if canaries.len() == before {
            break;
        }
    }
    canaries
}

fn blast_radius(candidates: &[Candidate<'_>], zones: usize, canaries: usize) -> BlastRadius {
    let organizations: HashSet<OrganizationId> =
        candidates.iter().map(|one| one.site.organization).collect();
    BlastRadius {
        sites: candidates.len(),
        organizations: organizations.len(),
        zones,
        people: candidates
            .iter()
            .filter_map(|one| one.site.population)
            .map(u64::from)
            .sum(),
        canaries,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::name::{Hostname, ProductName};
    use crate::site::Area;

    pub(crate) fn site(hostname: &str, zone: &str, population: Option<u32>) -> Site {
        let digest = hostname
            .bytes()
            .fold(7u128, |sum, byte| sum.wrapping_mul(31) + u128::from(byte));
        Site {
            id: uuid::Uuid::from_u128(digest).into(),
            hostname: Hostname::parse(hostname).unwrap(),
            organization: uuid::Uuid::from_u128(digest).into(),
            product: ProductName::parse("web").unwrap(),
            kind: "City".into(),
            area: Area {
                state: "XX".into(),
                city: "X".into(),
                county: None,
                point: None,
            },
            zone: Zone::parse(zone).unwrap(),
            population,
            running: semver::Version::new(5, 1, 0),
            ran_before: None,
            activated_at: Timestamp::UNIX_EPOCH,
        }
    }

    fn show(plan: &Plan, sites: &[Site]) -> String {
        let name = |id: &SiteId| {
            sites
                .iter()
                .find(|s| s.id == *id)
                .unwrap()
                .hostname
                .to_string()
        };
        let line = |wave: &Wave| {
            format!(
                "{}: {}",
                wave.name,
                wave.sites.iter().map(name).collect::<Vec<_>>().join(" ")
            )
        };
        plan.waves.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn waves_go_west_to_east_by_zone_name() {
        let sites = [
            site("d.gov", "America/New_York", Some(9)),
            site("c.gov", "America/Denver", Some(9)),
            site("p.gov", "America/Phoenix", Some(9)),
            site("b.gov", "America/Los_Angeles", Some(9)),
            site("b2.gov", "America/Los_Angeles", Some(3)),
            site("a.gov", "Pacific/Honolulu", Some(9)),
            site("r.gov", "America/Chicago", Some(9)),
        ];
        let reported = |site: &Site| site.hostname.as_str() == "r.gov";
        let candidates: Vec<_> = sites
            .iter()
            .map(|site| Candidate {
                site,
                reported: reported(site),
            })
            .collect();
        let expected = "canaries: b2.gov\nreported: r.gov\nPacific/Honolulu: a.gov\n\
            America/Los_Angeles: b.gov\nAmerica/Denver: c.gov\nAmerica/Phoenix: p.gov\n\
            America/New_York: d.gov";
        for day in ["2023-07-11T21:00:00Z", "2023-01-11T21:00:00Z"] {
            let mut shuffled = candidates.clone();
            shuffled.reverse();
            let plan = Plan::new(&shuffled, day.parse().unwrap());
            assert_eq!(show(&plan, &sites), expected, "{day}");
            assert_eq!((plan.sites(), plan.blast_radius.people), (7, 57));
        }
    }

    #[test]
    fn canaries_are_one_percent_and_spread_over_zones() {
        let zones = ["America/New_York", "America/Chicago", "America/Boise"];
        let fleet = |count: usize| -> Vec<Site> {
            (0..count)
                .map(|i| site(&format!("s{i}.gov"), zones[i % 3], None))
                .collect()
        };
        for (count, expected) in [(1, 1), (99, 1), (250, 2), (900, 9), (5_000, 20)] {
            let sites = fleet(count);
            let candidates: Vec<_> = sites
                .iter()
                .map(|site| Candidate {
                    site,
                    reported: false,
                })
                .collect();
            let plan = Plan::new(&candidates, Timestamp::UNIX_EPOCH);
            assert_eq!(plan.waves[0].sites.len(), expected);
            let zones: HashSet<_> = plan.waves[0]
                .sites
                .iter()
                .map(|id| sites.iter().find(|s| s.id == *id).unwrap().zone.clone())
                .collect();
            assert_eq!(zones.len(), expected.min(3));
            let total: usize = plan.waves.iter().map(|wave| wave.sites.len()).sum();
            assert_eq!(total, count, "every site is in exactly one wave");
        }
    }

    #[test]
    fn nothing_selected_is_a_plan_without_waves() {
        let plan = Plan::new(&[], Timestamp::UNIX_EPOCH);
        assert_eq!(plan.waves, vec![]);
        assert_eq!(plan.estimate_seconds(0.0), None);
    }
}
