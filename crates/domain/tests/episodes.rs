//! Which alarms are kept back: those of trouble that is known, and no others.
#![allow(clippy::unwrap_used, reason = "a test may panic: that is how it fails")]

use domain::detection::baseline::Baseline;
use domain::detection::{
    Alarm, Cell, Counts, Detector, Population, Settings, Sighting, SiteCounts, Stream,
};
use domain::id::{AlarmId, SiteId};
use domain::name::ProductName;
use domain::site::Zone;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

const ZONES: [&str; 4] = [
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Phoenix",
];
const SITES: usize = 400;

/// A fleet of one product with 100 sites in each zone, and its detector.
struct World {
    detector: Detector,
    at: Timestamp,
    alarms: Vec<Alarm>,
}

fn cell(site: usize) -> Cell {
    Cell {
        product: ProductName::parse("web-central").unwrap(),
        zone: Zone::parse(ZONES[site % ZONES.len()]).unwrap(),
        release: semver::Version::new(5, 2, 0),
    }
}

fn site_id(site: usize) -> SiteId {
    SiteId::from(Uuid::from_u128(site as u128 + 1))
}

impl World {
    fn new() -> Self {
        let at = "2023-07-11T15:00:00Z".parse().unwrap();
        let population: Population = (0..SITES).map(cell).collect();
        let baseline = Baseline::unknown(0.029);
        let detector = Detector::new(Settings::default(), population, baseline, at);
        let alarms = vec![];
        Self {
            detector,
            at,
            alarms,
        }
    }

    fn pass(&mut self, minutes: i64) {
        self.at += SignedDuration::from_mins(minutes);
    }

    fn reports(&mut self, sites: impl IntoIterator<Item = usize>) {
        for site in sites {
            self.at += SignedDuration::from_secs(20);
            let seen = Sighting {
                site: site_id(site),
                cell: cell(site),
                terms: vec![],
                at: self.at,
            };
            let id = AlarmId::from(Uuid::from_u128(self.alarms.len() as u128 + 1));
            self.alarms
                .extend(self.detector.observe_report(&seen, || id));
        }
    }

    /// Two minutes of a sign-in each second, of which those that `fails` names fail.
    fn sign_ins(&mut self, fails: impl Fn(usize) -> bool) {
        for second in 0..120 {
            self.at += SignedDuration::from_secs(1);
            let site = second * 7 % SITES;
            let failures = fails(site).then(|| ("provider_down".to_owned(), 1));
            let counts = Counts {
                attempts: 1,
                failures: failures.into_iter().collect(),
            };
            let id = AlarmId::from(Uuid::from_u128(self.alarms.len() as u128 + 1));
            let counts = [SiteCounts {
                site: site_id(site),
                cell: cell(site),
                counts,
            }];
            self.alarms
                .extend(self.detector.advance(&counts, self.at, || id));
        }
    }

    fn dismiss(&mut self) {
        let alarm = self.alarms.last().unwrap().id;
        self.detector.dismiss_episode(alarm, self.at);
    }

    /// What was raised since the last time, as stream and sites.
    fn raised(&mut self) -> Vec<String> {
        let raised = self
            .alarms
            .iter()
            .map(|alarm| format!("{}: {}", alarm.stream.as_str(), alarm.localisation));
        raised.collect()
    }
}

/// Sites of one zone, the `from`th to the `until`th.
fn zone(number: usize, of_zone: std::ops::Range<usize>) -> impl Iterator<Item = usize> {
    of_zone.map(move |site| site * ZONES.len() + number)
}

const FLEET_REPORTS: &str = "reports: the whole fleet";
const FLEET_FAILURES: &str = "failures: the whole fleet";
const PHOENIX_REPORTS: &str = "reports: zone America/Phoenix";

#[test]
fn a_dismissal_keeps_back_only_more_of_the_same() {
    let quiet: fn(&mut World) = |_| {};
    for (name, then, raised) in [
        ("nothing", quiet, vec![FLEET_REPORTS]),
        (
            "a few more reports",
            |w| w.reports(10..14),
            vec![FLEET_REPORTS],
        ),
        (
            "many more reports",
            |w| w.reports(10..40),
            vec![FLEET_REPORTS, FLEET_REPORTS],
        ),
        (
            "sign-ins fail",
            |w| w.sign_ins(|site| site % 10 > 0),
            vec![FLEET_REPORTS, FLEET_FAILURES],
        ),
        (
            "after its time",
            |w| {
                w.pass(121);
                w.reports(10..20);
            },
            vec![FLEET_REPORTS, FLEET_REPORTS],
        ),
        (
            "continuing does not prolong it",
            |w| {
                for hour in 1..4 {
                    w.pass(59);
                    w.reports(hour * 20..hour * 20 + 4);
                }
            },
            vec![FLEET_REPORTS, FLEET_REPORTS],
        ),
    ] {
        let mut world = World::new();
        world.reports(0..8);
        world.dismiss();
        then(&mut world);
        assert_eq!(world.raised(), raised, "{name}");
    }
}

#[test]
fn a_dismissed_zone_does_not_keep_back_the_fleet() {
    let mut world = World::new();
    world.reports(zone(3, 0..5));
    world.dismiss();
    world.reports(0..12);
    assert_eq!(world.raised(), [PHOENIX_REPORTS, FLEET_REPORTS]);
}

#[test]
fn open_trouble_takes_what_lies_inside_and_is_raised_once_more_when_it_is_wider() {
    let mut world = World::new();
    world.reports(zone(3, 0..5));
    world.sign_ins(|site| site % ZONES.len() == 3);
    assert_eq!(
        world.raised(),
        [PHOENIX_REPORTS],
        "the same sites, seen otherwise"
    );
    for _ in 0..5 {
        world.sign_ins(|_| false);
    }
    for _ in 0..30 {
        world.sign_ins(|site| site % 10 > 0);
    }
    world.reports(0..40);
    assert_eq!(world.raised(), [PHOENIX_REPORTS, FLEET_FAILURES]);
    assert_eq!(world.alarms[1].stream, Stream::Failures);
}
