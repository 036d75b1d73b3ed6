//! The promise, in simulation: realised false alarms of the whole detector stay at or below it, and
//! a detector whose threshold is ten times too low is caught by the same check.
#![allow(clippy::unwrap_used, reason = "a test may panic: that is how it fails")]

use domain::detection::baseline::{Baseline, History};
use domain::detection::{Cell, Detector, Population, Settings, Sighting, Term};
use domain::id::{AlarmId, SiteId};
use domain::name::ProductName;
use domain::site::Zone;
use jiff::{SignedDuration, Timestamp};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use uuid::Uuid;

const SEED: u64 = 20_230_711;
const SITES: usize = 200;
const PER_SITE_DAY: f64 = 1.0;
/// A, short so that there is something to count; half of all false alarms are the reports'.
const PROMISE_SECONDS: f64 = 6.0 * 3_600.0;
const REPORTS_SHARE: f64 = 0.5;

struct World {
    random: ChaCha8Rng,
    sites: Vec<(SiteId, Cell)>,
    at: Timestamp,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let zones = ["America/New_York", "America/Chicago", "America/Los_Angeles"];
        let site = |number: usize| {
            let product = ["web-central", "permits"][number % 2];
            let cell = Cell {
                product: ProductName::parse(product).unwrap(),
                zone: Zone::parse(zones[number % 3]).unwrap(),
                release: semver::Version::new(5, 2, 0),
            };
            (SiteId::from(Uuid::from_u128(random.random())), cell)
        };
        let sites = (0..SITES).map(site).collect();
        Self {
            random,
            sites,
            at: "2023-06-01T00:00:00Z".parse().unwrap(),
        }
    }

    fn population(&self) -> Population {
        self.sites.iter().map(|(_, cell)| cell.clone()).collect()
    }

    /// The next report: every site alike and independent, at `per_site_day`.
    fn next(&mut self, per_site_day: f64) -> Sighting {
        let rate = per_site_day * SITES as f64 / 86_400.0;
        let gap = -(1.0 - self.random.random::<f64>()).ln() / rate;
        self.at += SignedDuration::from_secs_f64(gap);
        let (site, cell) = self.sites[self.random.random_range(0..SITES)].clone();
        let terms = Term::ALL
            .into_iter()
            .filter(|_| self.random.random_bool(0.5))
            .collect();
        Sighting {
            site,
            cell,
            terms,
            at: self.at,
        }
    }
}

fn settings(promise_seconds: f64) -> Settings {
    // Each crossing is its own alarm here: linking could only hide some.
    Settings {
        promise_seconds,
        quiet_seconds: 0.0,
        sites_min: 1,
        ..Settings::default()
    }
}

/// Alarms over what was promised, in `days` without trouble.
fn alarms_over_promised(world: &mut World, mut detector: Detector, days: i64, rise: f64) -> f64 {
    let start = world.at;
    let end = start + SignedDuration::from_hours(24 * days);
    let mut alarms = 0u32;
    while world.at < end {
        let seen = world.next(PER_SITE_DAY * rise);
        let id = || AlarmId::from(Uuid::nil());
        if let Some(alarm) = detector.observe_report(&seen, id) {
            detector.close_episode(alarm.id);
            alarms += 1;
        }
    }
    let promised = 86_400.0 * days as f64 * REPORTS_SHARE / PROMISE_SECONDS;
    f64::from(alarms) / promised
}

/// Three standard deviations of a Poisson count of what is promised in `days`.
fn margin(days: i64) -> f64 {
    let promised = 86_400.0 * days as f64 * REPORTS_SHARE / PROMISE_SECONDS;
    1.0 + 3.0 / promised.sqrt()
}

#[test]
fn false_alarms_stay_within_the_promise_and_a_low_threshold_is_caught() {
    let days = 150;
    let realised = |promise_seconds| {
        let mut world = World::new(SEED);
        let baseline = Baseline::known(PER_SITE_DAY);
        let settings = settings(promise_seconds);
        let detector = Detector::new(settings, world.population(), baseline, world.at);
        alarms_over_promised(&mut world, detector, days, 1.0)
    };
    let (right, broken) = (realised(PROMISE_SECONDS), realised(PROMISE_SECONDS / 10.0));
    println!(
        "seed {SEED}: {right:.2} of the promise; {broken:.2} with a threshold 10 times too low"
    );
    assert!(right <= margin(days), "{right}");
    assert!(
        broken > margin(days),
        "the check would not catch a broken threshold: {broken}"
    );
}

#[test]
fn a_learned_baseline_keeps_the_promise_also_where_the_prior_is_far_too_low() {
    let mut world = World::new(SEED + 1);
    let from = world.at;
    let until = from + SignedDuration::from_hours(24 * 28);
    let mut sightings = vec![];
    while world.at < until {
        sightings.push(world.next(PER_SITE_DAY));
    }
    let history = History {
        from,
        until,
        sightings,
        trouble: vec![],
    };
    let population = world.population();
    let unlearned = Baseline::unknown(PER_SITE_DAY / 30.0);
    let detector = || {
        Detector::new(
            settings(PROMISE_SECONDS),
            population.clone(),
            unlearned.clone(),
            until,
        )
    };
    let nodes = detector().nodes();
    let learned = Baseline::learn(&history, &population, &nodes, PER_SITE_DAY / 30.0);
    world.at = until;
    let without = alarms_over_promised(&mut world, detector(), 28, 1.0);
    world.at = until;
    let mut detector = detector();
    detector.set_baselines(learned, domain::detection::OutcomeBaseline::default());
    let with = alarms_over_promised(&mut world, detector, 28, 1.0);
    println!(
        "seed {}: {with:.2} of the promise; {without:.2} without history",
        SEED + 1
    );
    assert!(with <= margin(28), "{with}");
    assert!(
        without > margin(28),
        "the prior was not low enough to tell: {without}"
    );
}

#[test]
fn an_outage_is_one_alarm_that_names_its_product() {
    let mut world = World::new(SEED + 2);
    let baseline = Baseline::unknown(PER_SITE_DAY);
    let mut detector = Detector::new(Settings::default(), world.population(), baseline, world.at);
    let start = world.at + SignedDuration::from_hours(24);
    while world.at < start {
        let seen = world.next(PER_SITE_DAY);
        assert_eq!(
            detector.observe_report(&seen, || AlarmId::from(Uuid::nil())),
            None
        );
    }
    let mut alarms = vec![];
    for number in 0..60u32 {
        let (site, cell) = world.sites[number as usize * 2].clone();
        let at = world.at + SignedDuration::from_secs(i64::from(number) * 15);
        let seen = Sighting {
            site,
            cell,
            terms: vec![Term::SignIn],
            at,
        };
        alarms.extend(detector.observe_report(&seen, || AlarmId::from(Uuid::from_u128(7))));
    }
    let [alarm] = alarms.as_slice() else {
        panic!("{alarms:?}")
    };
    let delay = alarm.at.duration_since(world.at).as_secs();
    assert!(delay <= 180, "{delay} s");
    assert_eq!(
        alarm.localisation.to_string(),
        "product web-central",
        "{}",
        alarm.sentence()
    );
    println!("{}", alarm.sentence());
}
