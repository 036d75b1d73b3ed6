//! Groups sites by the clock their people live by, west to east.
//! Never places a lamp.

use std::collections::BTreeMap;

use domain::site::state::SiteState;
use domain::site::{Site, Zone};
use engine::{Fleet, SiteIndex};
use jiff::Timestamp;

/// All sites whose clocks show the same time all year round.
///
/// Grouped by the rules of the zone, not by today's offset: Arizona shares Pacific's clock in July
/// and is still another band.
pub(crate) struct Band {
    pub(crate) name: String,
    /// The name in addresses, such as `pacific`.
    pub(crate) slug: String,
    /// The zone of most of its sites.
    pub(crate) zone: Zone,
    pub(crate) sites: Vec<SiteIndex>,
    pub(crate) first_lamp: usize,
    pub(crate) lamps: usize,
}

/// How many sites stand in each state, in the order of [`SiteState::ALL`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts([usize; 6]);

impl Counts {
    pub(crate) fn of(fleet: &Fleet, sites: impl IntoIterator<Item = SiteIndex>) -> Self {
        let mut counts = Self::default();
        sites
            .into_iter()
            .for_each(|site| counts.add(fleet.state(site), 1));
        counts
    }

    pub(crate) fn of_all(fleet: &Fleet) -> Self {
        let sites = u32::try_from(fleet.len()).unwrap_or(u32::MAX);
        Self::of(fleet, (0..sites).map(SiteIndex))
    }

    pub(crate) fn add(&mut self, state: SiteState, sites: usize) {
        let slots = SiteState::ALL.into_iter().zip(&mut self.0);
        slots
            .filter(|(known, _)| *known == state)
            .for_each(|(_, n)| *n += sites);
    }

    pub(crate) fn get(&self, state: SiteState) -> usize {
        SiteState::ALL
            .into_iter()
            .zip(self.0)
            .find(|(known, _)| *known == state)
            .map_or(0, |(_, n)| n)
    }

    pub(crate) fn total(&self) -> usize {
        self.0.iter().sum()
    }

    /// Sites where sign-in is proved to work.
    pub(crate) fn working(&self) -> usize {
        self.get(SiteState::Well) + self.get(SiteState::Restored)
    }

    /// Sites that are not well as far as is known.
    pub(crate) fn affected(&self) -> usize {
        self.get(SiteState::Failing)
            + self.get(SiteState::Reported)
            + self.get(SiteState::Restoring)
    }

    pub(crate) fn each(&self) -> impl Iterator<Item = (SiteState, usize)> {
        SiteState::ALL.into_iter().zip(self.0)
    }
}

/// The bands of a fleet, the westernmost first.
pub(crate) fn west_to_east<'a>(sites: impl Iterator<Item = (SiteIndex, &'a Site)>) -> Vec<Band> {
    let mut zones: BTreeMap<Zone, Vec<SiteIndex>> = BTreeMap::new();
    for (index, site) in sites {
        zones.entry(site.zone.clone()).or_default().push(index);
    }
    type Zones = Vec<(Zone, Vec<SiteIndex>)>;
    let mut clocks: BTreeMap<(i32, i32), Zones> = BTreeMap::new();
    for (zone, sites) in zones {
        clocks.entry(rules(&zone)).or_default().push((zone, sites));
    }
    clocks
        .into_iter()
        .filter_map(|(clock, zones)| band(clock, zones))
        .collect()
}

/// Seconds from UTC in January and in July of one year: enough to tell the clocks apart.
fn rules(zone: &Zone) -> (i32, i32) {
    const JANUARY_2023: i64 = 1_673_784_000;
    const JULY_2023: i64 = 1_689_422_400;
    let at = |second| {
        let moment = Timestamp::from_second(second).unwrap_or(Timestamp::UNIX_EPOCH);
        zone.rules().to_offset(moment).seconds()
    };
    (at(JANUARY_2023), at(JULY_2023))
}

fn band(clock: (i32, i32), zones: Vec<(Zone, Vec<SiteIndex>)>) -> Option<Band> {
    let zone = zones.iter().max_by_key(|(_, sites)| sites.len())?.0.clone();
    let name = name(clock, &zone);
    let slug = name
        .to_lowercase()
        .replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    let mut sites: Vec<_> = zones.into_iter().flat_map(|(_, sites)| sites).collect();
    sites.sort_unstable();
    Some(Band {
        name,
        slug,
        zone,
        sites,
        first_lamp: 0,
        lamps: 0,
    })
}

/// What people call the clock of a zone, such as "Pacific".
pub(crate) fn name_of(zone: &Zone) -> String {
    name(rules(zone), zone)
}

/// The city that a zone is named after.
pub(crate) fn city_of(zone: &Zone) -> String {
    let city = zone.as_str().rsplit('/').next();
    city.unwrap_or_default().replace('_', " ")
}

fn name((january, july): (i32, i32), zone: &Zone) -> String {
    let american = zone.as_str().starts_with("America/") || zone.as_str().starts_with("Pacific/");
    let known = match (january / 3600, july / 3600) {
        (-10, -10) => Some("Hawaii"),
        (-9, -8) => Some("Alaska"),
        (-8, -7) => Some("Pacific"),
        (-7, -7) => Some("Arizona"),
        (-7, -6) => Some("Mountain"),
        (-6, -5) => Some("Central"),
        (-5, -4) => Some("Eastern"),
        (-4, -4) => Some("Atlantic"),
        _ => None,
    };
    match known.filter(|_| american) {
        Some(name) => name.to_owned(),
        None => city_of(zone),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(zone: &str, expected: &str) {
        let zone = Zone::parse(zone).unwrap();
        assert_eq!(name(rules(&zone), &zone), expected);
    }

    #[test]
    fn zones_with_the_same_clock_share_a_name() {
        check("America/Los_Angeles", "Pacific");
        check("America/Phoenix", "Arizona");
        check("America/Boise", "Mountain");
        check("America/Indiana/Indianapolis", "Eastern");
        check("Pacific/Honolulu", "Hawaii");
        check("Europe/Berlin", "Berlin");
        check("Asia/Ho_Chi_Minh", "Ho Chi Minh");
    }
}
