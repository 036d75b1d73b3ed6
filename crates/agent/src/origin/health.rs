//! Which origin is asked first, and which is left alone for a while: decided from how each did until now.
//!
//! Never asks anybody. Time and chance are arguments; moments are what passed of a clock that nobody sets: one that was
//! set back would make a frozen origin look well for as long. A machine that sleeps lets nothing pass.

use std::time::Duration;

/// What one more failure weighs against all before it.
const FAILURE_WEIGHT: f64 = 0.5;
/// What one more wait weighs against all before it.
const LATENCY_WEIGHT: f64 = 0.3;
/// The rest after a first failure; each further one doubles it.
const REST_FIRST: Duration = Duration::from_secs(1);
const REST_DOUBLINGS_MAX: u32 = 10;
/// A control plane signs a timestamp each 15 seconds, and a mirror copies it: an origin that shows the same
/// for longer is frozen, or has lost touch.
const BEHIND_AFTER: Duration = Duration::from_secs(45);

/// What an origin is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// A control plane: it signs, so nothing is newer than what it has.
    Server,
    /// A copy of what a control plane signed.
    Mirror,
}

/// How an origin did until now.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Health {
    /// The share of tries that failed, 0 to 1; recent ones weigh more.
    pub(crate) failing: f64,
    /// How long a good try took; recent ones weigh more. `None` before the first.
    pub(crate) latency: Option<Duration>,
    /// Left alone until then.
    pub(crate) rests_until: Option<Duration>,
    /// The timestamp that it showed last, by its version. 0 before the first.
    pub(crate) timestamp: u64,
    failures_in_a_row: u32,
    /// When it showed that timestamp first.
    timestamp_since: Option<Duration>,
    behind: bool,
}

impl Health {
    /// It gave a timestamp that passes the checks and is not older than what is believed.
    pub(crate) fn answered(&mut self, now: Duration, took: Duration, timestamp: u64) {
        self.reached();
        self.latency = Some(match self.latency {
            Some(before) => before.mul_f64(1.0 - LATENCY_WEIGHT) + took.mul_f64(LATENCY_WEIGHT),
            None => took,
        });
        if timestamp != self.timestamp {
            self.timestamp = timestamp;
            self.timestamp_since = Some(now);
        }
        let since = *self.timestamp_since.get_or_insert(now);
        self.behind = now.saturating_sub(since) > BEHIND_AFTER;
    }

    /// It can be reached again, whatever it has.
    pub(crate) fn reached(&mut self) {
        self.failures_in_a_row = 0;
        self.rests_until = None;
        self.failing *= 1.0 - FAILURE_WEIGHT;
    }

    /// It gave nothing that passes the checks. It rests for a time that doubles with each failure, up to
    /// `rest_max`, and less by `chance` (0 to 1), so that many agents do not come back as one.
    pub(crate) fn failed(&mut self, now: Duration, rest_max: Duration, chance: f64) {
        let rest = REST_FIRST * 2_u32.pow(self.failures_in_a_row.min(REST_DOUBLINGS_MAX));
        let rest = rest.min(rest_max).mul_f64(1.0 - chance / 2.0);
        self.rests_until = Some(now + rest);
        self.failures_in_a_row = self.failures_in_a_row.saturating_add(1);
        self.failing += (1.0 - self.failing) * FAILURE_WEIGHT;
    }

    /// Its last try was good, and what it has is not frozen.
    pub(crate) fn is_well(&self) -> bool {
        self.failures_in_a_row == 0 && !self.behind
    }

    /// Whether it shows the same timestamp for too long.
    pub(crate) fn is_behind(&self) -> bool {
        self.behind
    }

    fn rests(&self, now: Duration) -> bool {
        self.rests_until.is_some_and(|until| until > now)
    }

    /// In steps, so that two origins do not change places with each hiccup.
    fn rank(&self, kind: Kind) -> (bool, Kind, u32, u32) {
        let failing = (self.failing * 8.0) as u32;
        let milliseconds = self.latency.map_or(0, |latency| latency.as_millis());
        let latency = u128::BITS - milliseconds.leading_zeros();
        (!self.is_well(), kind, failing, latency)
    }
}

/// The origins to ask, by their index, the best first: those that are well, of them control planes, of those
/// the ones that fail least, then the fastest, then as they were named. Who rests is left out; when all rest, the
/// one whose rest ends first is asked, because an agent never has nobody to ask.
pub(crate) fn turns(origins: &[(Kind, Health)], now: Duration) -> Vec<usize> {
    let awake = |(_, (_, health)): &(usize, &(Kind, Health))| !health.rests(now);
    let mut asked: Vec<_> = origins.iter().enumerate().filter(awake).collect();
    asked.sort_by_key(|(_, (kind, health))| health.rank(*kind));
    if asked.is_empty() {
        let all = origins.iter().enumerate();
        asked.extend(all.min_by_key(|(_, (_, health))| health.rests_until));
    }
    asked.into_iter().map(|(index, _)| index).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const REST_MAX: Duration = Duration::from_secs(21);

    fn at(second: u64) -> Duration {
        Duration::from_secs(second)
    }

    /// Reads what happened to an origin: `S` or `M` for what it is, then in order `+` a good answer with a new
    /// timestamp (`+9` took 9 hundredths of a second), `=` one with the same as before, `-` a failure, `~` it was reached, and
    /// `@7` the second from which on things happen.
    fn origin(story: &str) -> (Kind, Health) {
        let (kind, rest) = story.split_at(1);
        let kind = if kind == "S" {
            Kind::Server
        } else {
            Kind::Mirror
        };
        let (mut health, mut now) = (Health::default(), at(0));
        for word in rest.split_whitespace() {
            let (act, number) = word.split_at(1);
            let number: Option<u64> = number.parse().ok();
            let took = Duration::from_millis(number.unwrap_or(1) * 10);
            match act {
                "@" => now = at(number.unwrap()),
                "+" => health.answered(now, took, health.timestamp + 1),
                "=" => health.answered(now, took, health.timestamp),
                "-" => health.failed(now, REST_MAX, 0.0),
                "~" => health.reached(),
                other => panic!("{other}"),
            }
        }
        (kind, health)
    }

    fn check(now: u64, stories: &[&str], expected: &[usize]) {
        let origins: Vec<_> = stories.iter().map(|story| origin(story)).collect();
        let found = turns(&origins, at(now));
        assert_eq!(found, expected, "at {now}: {stories:?}");
    }

    #[test]
    fn the_best_is_asked_first_and_who_failed_rests() {
        check(0, &["S", "S", "M"], &[0, 1, 2]);
        // Mirrors come after control planes however they are named, and however fast they are.
        check(5, &["M +", "S +90", "M"], &[1, 2, 0]);
        check(5, &["S +", "M +", "S +"], &[0, 2, 1]);
        // One that failed rests for a second, then comes after all that are well.
        check(0, &["S -", "M +"], &[1]);
        check(2, &["S -", "M +"], &[1, 0]);
        check(2, &["S - @1 +", "M +"], &[0, 1]);
        check(1, &["S - ~", "M +"], &[0, 1]);
        // The rest doubles up to its bound.
        check(3, &["S - - -", "M +"], &[1]);
        check(4, &["S - - -", "M +"], &[1, 0]);
        check(20, &["S - - - - - - - - - - - - - -", "M +"], &[1]);
        check(21, &["S - - - - - - - - - - - - - -", "M +"], &[1, 0]);
        // When all rest, the one whose rest ends first.
        check(1, &["S - - -", "M - -", "M - - - -"], &[1]);
        // A frozen one is asked after all that move, and is good again when it moves.
        check(50, &["S + @46 =", "M @40 +"], &[1, 0]);
        check(50, &["S + @45 =", "M @40 +"], &[0, 1]);
        check(50, &["S + @46 = @48 +", "M @40 +"], &[0, 1]);
        // A mirror that fails again and again stays behind one that does not, also right after it was good.
        check(99, &["M + - - @50 +", "M + @50 +"], &[1, 0]);
        // The faster of two mirrors, in powers of two.
        check(9, &["M +30", "M +9"], &[1, 0]);
        check(9, &["M +12", "M +10"], &[0, 1]);
        check(0, &[], &[]);
    }

    #[test]
    fn chance_shortens_a_rest_by_half_at_most() {
        for (chance, expected) in [(0.0, 21_000), (0.5, 15_750), (1.0, 10_500)] {
            let mut health = Health {
                failures_in_a_row: 30,
                ..Health::default()
            };
            health.failed(at(0), REST_MAX, chance);
            let rest = health.rests_until.unwrap();
            assert_eq!(rest.as_millis(), expected, "{chance}");
        }
    }
}
