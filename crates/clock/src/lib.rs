//! Time and chance for every component, given from the outside.
//!
//! Owns the only call to the system clock. A component holds a [`Clock`], asks it for the time and
//! waits on it; whether an hour takes an hour or a minute is decided where the process starts.
//! Never decides what to do with the time.

mod hand;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

pub use hand::Hand;
use jiff::Timestamp;
use uuid::{ContextV7, Uuid};

/// Says how scenario time relates to the machine's time.
///
/// Both ends are absolute, so that processes started at different moments agree on the time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// A moment of the machine's clock.
    pub wall_at: Timestamp,
    /// The scenario time at that moment.
    pub scenario_at: Timestamp,
    /// Scenario seconds that pass in one second of the machine's clock. At least 0.001.
    pub speed: f64,
}

impl std::fmt::Display for Pace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (wall, scenario) = (
            self.wall_at.as_millisecond(),
            self.scenario_at.as_millisecond(),
        );
        write!(f, "{wall}/{scenario}/{}", self.speed)
    }
}

impl std::str::FromStr for Pace {
    type Err = String;

    /// Reads `WALL_MS/SCENARIO_MS/SPEED`, as `Display` writes it.
    fn from_str(text: &str) -> Result<Self, String> {
        let fail = || format!("a pace reads WALL_MS/SCENARIO_MS/SPEED, not {text:?}");
        let mut parts = text.split('/');
        let mut part = || parts.next().ok_or_else(fail);
        let millis = |text: &str| {
            text.parse()
                .ok()
                .and_then(|ms| Timestamp::from_millisecond(ms).ok())
        };
        let wall_at = millis(part()?).ok_or_else(fail)?;
        let scenario_at = millis(part()?).ok_or_else(fail)?;
        let speed: f64 = part()?.parse().map_err(|_| fail())?;
        if !(0.001..=100_000.0).contains(&speed) || parts.next().is_some() {
            return Err(fail());
        }
        Ok(Self {
            wall_at,
            scenario_at,
            speed,
        })
    }
}

/// The time, waiting, and fresh identifiers. Cheap to clone.
#[derive(Clone)]
pub struct Clock(Arc<Inner>);

struct Inner {
    kind: Kind,
    /// A manual clock's chance, drawn from its seed.
    chance: Mutex<Seeded>,
    /// Of the machine's clock that nobody sets.
    made_at: Instant,
    /// Counts within a millisecond, so that what is made later sorts later.
    ids: Mutex<ContextV7>,
}

enum Kind {
    System,
    Paced(Pace),
    Manual(Hand),
}

impl Clock {
    /// The machine's own clock.
    #[must_use]
    pub fn system() -> Self {
        Self::of(Kind::System)
    }

    /// A clock that runs faster or slower than the machine's.
    #[must_use]
    pub fn paced(pace: Pace) -> Self {
        Self::of(Kind::Paced(pace))
    }

    /// A clock that starts now, at `scenario_at`, and runs at `speed`.
    #[must_use]
    pub fn starting_at(scenario_at: Timestamp, speed: f64) -> (Self, Pace) {
        let pace = Pace {
            wall_at: wall_now(),
            scenario_at,
            speed,
        };
        (Self::paced(pace), pace)
    }

    /// A clock that moves only when its hand is moved: for tests.
    #[must_use]
    pub fn manual(start: Timestamp) -> (Self, Hand) {
        Self::seeded(start, 0)
    }

    /// A manual clock whose chance is drawn from a seed: for simulations.
    #[must_use]
    pub fn seeded(start: Timestamp, seed: u64) -> (Self, Hand) {
        let hand = Hand::new(start);
        let kind = Kind::Manual(hand.clone());
        (Self::with_chance(kind, Seeded(seed)), hand)
    }

    fn of(kind: Kind) -> Self {
        Self::with_chance(kind, Seeded(0))
    }

    fn with_chance(kind: Kind, chance: Seeded) -> Self {
        Self(Arc::new(Inner {
            kind,
            chance: Mutex::new(chance),
            made_at: machine_now(),
            ids: Mutex::new(ContextV7::new()),
        }))
    }

    /// How much of this clock's time has passed since it was made. Goes on evenly when somebody sets
    /// the machine's clock, so what is measured within this process is measured with it.
    #[must_use]
    pub fn passed(&self) -> Duration {
        let machine = || machine_now().saturating_duration_since(self.0.made_at);
        match &self.0.kind {
            Kind::System => machine(),
            Kind::Paced(pace) => machine().mul_f64(pace.speed),
            Kind::Manual(hand) => hand.passed(),
        }
    }

    /// Chance: any number from 0 to 1, without 1. A manual clock's are the same in every run.
    #[must_use]
    pub fn chance(&self) -> f64 {
        match &self.0.kind {
            Kind::System | Kind::Paced(_) => rand::random(),
            Kind::Manual(_) => {
                // A panic while the lock was held would have left a number that still counts.
                let mut chance = self.0.chance.lock().unwrap_or_else(PoisonError::into_inner);
                chance.next()
            }
        }
    }

    /// The time, to the millisecond: the precision that everything is stored with.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let now = match &self.0.kind {
            Kind::System => wall_now(),
            Kind::Paced(pace) => {
                let elapsed = wall_now().duration_since(pace.wall_at).as_secs_f64() * pace.speed;
                let elapsed = jiff::SignedDuration::try_from_secs_f64(elapsed).unwrap_or_default();
                pace.scenario_at
                    .saturating_add(elapsed)
                    .unwrap_or(Timestamp::MAX)
            }
            Kind::Manual(hand) => hand.now(),
        };
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }

    /// Waits for `duration` of this clock's time.
    pub async fn sleep(&self, duration: Duration) {
        match &self.0.kind {
            Kind::Manual(hand) => hand.wait(duration).await,
            _ => machine_sleep(self.on_machine(duration)).await,
        }
    }

    /// Waits until this clock shows `moment`; returns at once when it has passed.
    pub async fn sleep_until(&self, moment: Timestamp) {
        let left = moment.duration_since(self.now());
        if let Ok(left) = Duration::try_from(left) {
            self.sleep(left).await;
        }
    }

    /// How long `duration` of this clock's time takes on the machine's clock. For socket timeouts,
    /// which count in the machine's time. A manual clock answers with `duration` itself.
    #[must_use]
    pub fn on_machine(&self, duration: Duration) -> Duration {
        match &self.0.kind {
            Kind::Paced(pace) => duration.div_f64(pace.speed),
            Kind::System | Kind::Manual(_) => duration,
        }
    }

    /// A fresh identifier (UUID version 7: it sorts by this clock's time, and within a millisecond in the
    /// order that this clock gave them).
    #[must_use]
    pub fn id<T: From<Uuid>>(&self) -> T {
        let now = self.now();
        let seconds = u64::try_from(now.as_second()).unwrap_or(0);
        let nanos = u32::try_from(now.subsec_nanosecond()).unwrap_or(0);
        // A panic while the lock was held would have left a counter that still counts.
        let ids = self.0.ids.lock().unwrap_or_else(PoisonError::into_inner);
        let at = uuid::Timestamp::from_unix(&*ids, seconds, nanos);
        T::from(Uuid::new_v7(at))
    }
}

/// SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
struct Seeded(u64);

impl Seeded {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let upper = u32::try_from((mixed ^ (mixed >> 31)) >> 32).unwrap_or(0);
        f64::from(upper) / (f64::from(u32::MAX) + 1.0)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the machine's clock"
)]
fn wall_now() -> Timestamp {
    Timestamp::now()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the machine's clock that nobody sets"
)]
fn machine_now() -> Instant {
    Instant::now()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that waits on the machine's clock"
)]
async fn machine_sleep(duration: Duration) {
    tokio::time::sleep(duration).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_reads_back_what_it_writes() {
        let pace: Pace = "1700000000000/1689109200000/60".parse().unwrap();
        assert_eq!(pace.to_string().parse::<Pace>().unwrap(), pace);
        for bad in ["", "1/2", "1/2/0", "1/2/nan", "1/2/3/4", "x/2/3"] {
            assert!(bad.parse::<Pace>().is_err(), "{bad}");
        }
    }

    #[test]
    fn identifiers_of_one_millisecond_sort_as_they_were_given() {
        let (clock, _) = Clock::manual(Timestamp::UNIX_EPOCH);
        let ids: Vec<Uuid> = (0..2_000).map(|_| clock.clone().id()).collect();
        assert!(ids.is_sorted_by(|one, next| one < next));
    }

    #[tokio::test]
    async fn a_paced_clock_compresses_waiting() {
        let start: Timestamp = "2023-07-11T21:00:00Z".parse().unwrap();
        let (clock, _) = Clock::starting_at(start, 600.0);
        clock.sleep(Duration::from_secs(60)).await;
        let passed = clock.now().duration_since(start).as_secs_f64();
        assert!((60.0..600.0).contains(&passed), "{passed}");
    }

    #[test]
    fn setting_a_clock_lets_no_time_pass() {
        let start: Timestamp = "2023-07-11T21:00:00Z".parse().unwrap();
        let (clock, hand) = Clock::manual(start);
        hand.advance(Duration::from_secs(60));
        hand.set(jiff::SignedDuration::from_hours(-2));
        assert_eq!(clock.passed(), Duration::from_secs(60));
        assert_eq!(clock.now().to_string(), "2023-07-11T19:01:00Z");
    }

    #[test]
    fn chance_of_a_seed_is_the_same_again() {
        let draw = |seed| {
            let (clock, _) = Clock::seeded(Timestamp::UNIX_EPOCH, seed);
            std::array::from_fn::<f64, 1_000, _>(|_| clock.chance())
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        let mean = draw(7).iter().sum::<f64>() / 1_000.0;
        assert!((0.45..0.55).contains(&mean), "{mean}");
        assert!(draw(7).iter().all(|one| (0.0..1.0).contains(one)));
    }

    #[tokio::test]
    async fn a_manual_clock_wakes_sleepers_when_its_hand_passes_them() {
        let start: Timestamp = "2023-07-11T21:00:00Z".parse().unwrap();
        let (clock, hand) = Clock::manual(start);
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep(Duration::from_secs(30)).await }
        });
        // The sleeper starts to wait before the hand moves.
        tokio::task::yield_now().await;
        hand.advance(Duration::from_secs(29));
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        hand.advance(Duration::from_secs(1));
        sleeper.await.unwrap();
    }
}
