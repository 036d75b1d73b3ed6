//! Decides whether a crossing belongs to trouble that an alarm told of before. Only ever keeps alarms
//! back, which cannot break the promise; never raises one.

use jiff::{SignedDuration, Timestamp};

use super::alarm::{Alarm, Evidence, Stream};
use super::detector::Settings;
use super::localise::{Explanation, Localisation};
use super::nodes::Population;
use super::reports::Crossing;
use crate::id::AlarmId;

/// A dismissal was decided on what was seen then. This many times as much is another matter.
const STRONGER: f64 = 3.0;

/// Trouble that an alarm told of and that is not over.
#[derive(Debug)]
pub(crate) struct Episode {
    pub(crate) alarm: AlarmId,
    pub(crate) scope: Vec<Explanation>,
    stream: Stream,
    since: Timestamp,
    last: Timestamp,
    /// The most distinct sites, and the most times what is usual, that were seen of it.
    sites: u64,
    times_usual: f64,
    dismissed_at: Option<Timestamp>,
}

impl Episode {
    /// Begins with the alarm that tells of it.
    pub(crate) fn new(alarm: &Alarm) -> Self {
        Self {
            alarm: alarm.id,
            scope: alarm.localisation.explanations.clone(),
            stream: alarm.stream,
            since: alarm.evidence.since,
            last: alarm.at,
            sites: alarm.evidence.sites,
            times_usual: times_usual(&alarm.evidence),
            dismissed_at: None,
        }
    }

    /// A person says that it is no trouble.
    pub(crate) fn dismiss(&mut self, at: Timestamp) {
        self.dismissed_at = Some(at);
    }

    /// Whether it says nothing about `at` any more. New evidence prolongs trouble that is open; of
    /// a dismissed one nobody looks at it, so that it ends on time whatever comes.
    pub(crate) fn is_over(&self, at: Timestamp, settings: &Settings) -> bool {
        let (from, seconds) = match self.dismissed_at {
            Some(dismissed_at) => (dismissed_at, settings.dismissed_seconds),
            None => (self.last, settings.quiet_seconds),
        };
        let lasts = SignedDuration::try_from_secs_f64(seconds).unwrap_or_default();
        from.saturating_add(lasts).unwrap_or(Timestamp::MAX) < at
    }

    /// Whether a crossing tells nothing new, so that it is kept back. Trouble that is open takes all
    /// that lies within its sites; a dismissed one only more of the same.
    pub(crate) fn takes(
        &mut self,
        crossing: &Crossing,
        found: &Localisation,
        at: Timestamp,
        settings: &Settings,
        population: &Population,
    ) -> bool {
        let is_now = self.since <= at && !self.is_over(at, settings);
        if !is_now || !self.takes_in(found, population) {
            return false;
        }
        if self.dismissed_at.is_some_and(|dismissed| dismissed < at) {
            return self.is_more_of_the_same(crossing, found);
        }
        self.last = self.last.max(at);
        if crossing.stream == self.stream {
            self.sites = self.sites.max(crossing.evidence.sites);
            self.times_usual = self.times_usual.max(times_usual(&crossing.evidence));
        }
        true
    }

    /// What explains an alarm as well as its best explanation is no wider trouble.
    fn takes_in(&self, found: &Localisation, population: &Population) -> bool {
        self.pairs(found)
            .any(|(old, new)| old.takes_in(new, population))
            || self.scope.is_empty()
    }

    fn is_more_of_the_same(&self, crossing: &Crossing, found: &Localisation) -> bool {
        let evidence = &crossing.evidence;
        let more_sites = self.sites > 0 && grew(real(self.sites), real(evidence.sites));
        // Of a few reports this is chance; of many sign-ins it is how badly they fail.
        let worse =
            self.stream == Stream::Failures && grew(self.times_usual, times_usual(evidence));
        let codes =
            self.scope.is_empty() || self.pairs(found).any(|(old, new)| old.shares_codes(new));
        crossing.stream == self.stream && codes && !more_sites && !worse
    }

    fn pairs<'a>(
        &'a self,
        found: &'a Localisation,
    ) -> impl Iterator<Item = (&'a Explanation, &'a Explanation)> {
        let new = found.explanations.iter();
        new.flat_map(|new| self.scope.iter().map(move |old| (old, new)))
    }
}

fn grew(before: f64, now: f64) -> bool {
    now >= STRONGER * before
}

fn times_usual(evidence: &Evidence) -> f64 {
    real(evidence.count) / evidence.expected.max(1e-9)
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn real(count: u64) -> f64 {
    count as f64
}
