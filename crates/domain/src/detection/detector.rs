//! The whole detector: streams in, alarms out, one for each episode of trouble and one more each
//! time that it turns out wider.
//! Its state can be rebuilt by taking the reports of the last day again. Never stores or notifies.

use jiff::Timestamp;

use super::alarm::{Alarm, Stream};
use super::baseline::Baseline;
use super::counts::SiteCounts;
use super::episode::Episode;
use super::localise::{Explanation, Localisation, localise};
use super::nodes::{Node, Population};
use super::outcomes::{OutcomeBaseline, OutcomeStream};
use super::reports::{Crossing, ReportStream, Sighting};
use crate::id::AlarmId;

/// What is promised and counted.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// A: expected false alarms are at most one in this time, over the whole fleet.
    pub promise_seconds: f64,
    /// A site that reported counts again after this long without a report.
    pub window_seconds: f64,
    /// An episode of trouble ends by itself after this long without new evidence.
    pub quiet_seconds: f64,
    /// More of what was dismissed stays quiet for this long after the dismissal.
    pub dismissed_seconds: f64,
    /// Fewer distinct sites than this are a complaint, not an alarm about a shared service.
    pub sites_min: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            promise_seconds: 30.0 * 86_400.0,
            window_seconds: 3_600.0,
            quiet_seconds: 6.0 * 3_600.0,
            // Complaints about one thing trail off within hours; nobody is deaf for a working day.
            dismissed_seconds: 2.0 * 3_600.0,
            sites_min: 3,
        }
    }
}

/// Watches every stream of a fleet.
#[derive(Debug)]
pub struct Detector {
    settings: Settings,
    reports: ReportStream,
    outcomes: OutcomeStream,
    episodes: Vec<Episode>,
}

impl Detector {
    /// Begins to watch at `now`, with nothing seen.
    #[must_use]
    pub fn new(
        settings: Settings,
        population: Population,
        baseline: Baseline,
        now: Timestamp,
    ) -> Self {
        Self {
            outcomes: OutcomeStream::new(settings.clone(), &population, now),
            reports: ReportStream::new(settings.clone(), population, baseline, now),
            settings,
            episodes: vec![],
        }
    }

    /// Takes a report; an alarm when it begins an episode. `fresh` makes the alarm's identifier.
    pub fn observe_report(
        &mut self,
        seen: &Sighting,
        mut fresh: impl FnMut() -> AlarmId,
    ) -> Option<Alarm> {
        let crossed = self.reports.observe(seen);
        self.first_alarm(crossed, seen.at, &mut fresh)
    }

    /// Lets time pass until `now`, with the sign-ins counted since the last call.
    pub fn advance(
        &mut self,
        counts: &[SiteCounts],
        now: Timestamp,
        mut fresh: impl FnMut() -> AlarmId,
    ) -> Option<Alarm> {
        self.reports.advance(now);
        let crossed = self.outcomes.advance(counts, now);
        self.first_alarm(crossed, now, &mut fresh)
    }

    /// Takes the fleet as it is now.
    pub fn set_population(&mut self, population: Population) {
        self.outcomes.set_population(&population);
        self.reports.set_population(population);
    }

    /// Takes baselines learned since.
    pub fn set_baselines(&mut self, reports: Baseline, outcomes: OutcomeBaseline) {
        self.reports.set_baseline(reports);
        self.outcomes.set_baseline(outcomes);
    }

    /// The streams that reports are counted on.
    #[must_use]
    pub fn nodes(&self) -> Vec<Node> {
        self.reports.nodes()
    }

    /// Continues the episode of an alarm that was raised before, so that it is not raised again.
    pub fn resume_episode(&mut self, alarm: &Alarm) {
        if self.episodes.iter().all(|known| known.alarm != alarm.id) {
            self.episodes.push(Episode::new(alarm));
        }
    }

    /// A person dismissed an alarm at `at`: more of the same stays quiet for a while. Another
    /// stream, more sites than it pointed at, or much more than was seen by then is news.
    pub fn dismiss_episode(&mut self, alarm: AlarmId, at: Timestamp) {
        let dismissed = self
            .episodes
            .iter_mut()
            .filter(|known| known.alarm == alarm);
        dismissed.for_each(|episode| episode.dismiss(at));
    }

    /// Ends the episode of an alarm: its trouble is over, and more of it is news.
    pub fn close_episode(&mut self, alarm: AlarmId) {
        let over = self
            .episodes
            .extract_if(.., |episode| episode.alarm == alarm);
        for episode in over {
            self.reports.forget(&episode.scope);
        }
    }

    /// Of streams that crossed at one moment, the one with the most evidence tells of them all.
    fn first_alarm(
        &mut self,
        crossed: Vec<Crossing>,
        at: Timestamp,
        fresh: &mut impl FnMut() -> AlarmId,
    ) -> Option<Alarm> {
        let mut alarms: Vec<(Crossing, Localisation)> = vec![];
        for crossing in crossed {
            let found = locate(&crossing);
            if !self.is_known(&crossing, &found, at) {
                alarms.push((crossing, found));
            }
        }
        let best = alarms
            .into_iter()
            .max_by(|a, b| strength(&a.1).total_cmp(&strength(&b.1)));
        let (
            Crossing {
                node,
                stream,
                evidence,
                ..
            },
            localisation,
        ) = best?;
        let promise_seconds = self.settings.promise_seconds;
        let id = fresh();
        let alarm = Alarm {
            id,
            at,
            node,
            stream,
            evidence,
            localisation,
            promise_seconds,
        };
        self.episodes
            .retain(|episode| !episode.is_over(at, &self.settings));
        self.resume_episode(&alarm);
        Some(alarm)
    }

    /// Whether the crossing belongs to trouble that is known; every episode it belongs to goes on.
    fn is_known(&mut self, crossing: &Crossing, found: &Localisation, at: Timestamp) -> bool {
        let (settings, population) = (&self.settings, self.reports.population());
        let mut known = false;
        for episode in &mut self.episodes {
            known |= episode.takes(crossing, found, at, settings, population);
        }
        known
    }
}

fn strength(found: &Localisation) -> f64 {
    found.explanations.first().map_or(0.0, |best| best.score)
}

/// Where the trouble is; a stream without counts to compare is its own explanation.
fn locate(crossing: &Crossing) -> Localisation {
    if crossing.stream != Stream::Silence {
        let mut found = localise(&crossing.tallies);
        found
            .explanations
            .iter_mut()
            .for_each(|one| within(one, &crossing.node));
        return found;
    }
    let count = f64::from(u32::try_from(crossing.evidence.count).unwrap_or(u32::MAX));
    let expected = crossing.evidence.expected;
    let score = if count > 0.0 {
        count * (count / expected).ln()
    } else {
        0.0
    } + expected
        - count;
    let mut whole = Explanation {
        count,
        expected,
        score,
        ..Explanation::default()
    };
    within(&mut whole, &crossing.node);
    Localisation {
        explanations: vec![whole],
    }
}

/// A stream's own product and zone bound what was seen in it.
fn within(explanation: &mut Explanation, node: &Node) {
    let (product, zone) = match node {
        Node::Fleet | Node::Term { .. } => (None, None),
        Node::Product { product } => (Some(product), None),
        Node::Zone { zone } => (None, Some(zone)),
        Node::ProductZone { product, zone } => (Some(product), Some(zone)),
    };
    if let Some(product) = product {
        explanation.products = Some([product.clone()].into());
    }
    if let Some(zone) = zone {
        explanation.zones = Some([zone.clone()].into());
    }
}
