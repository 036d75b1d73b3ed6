//! The detector's worker: replays the last day, then takes each report and each second of
//! sign-ins, and saves the alarms. Never decides when reports form a spike; `domain` does.

use std::collections::HashMap;

use domain::detection::baseline::{Baseline, History, PRIOR_REPORTS_PER_SITE_DAY};
use domain::detection::{
    Alarm, Cell, Detector, Node, OutcomeBaseline, Population, Settings, Sighting, Term,
};
use domain::id::{IncidentId, ReportId, SiteId};
use domain::incident::{Stage, State};
use jiff::{SignedDuration, Timestamp};
use store::StoredReport;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use crate::ingest::cell;
use crate::{Engine, EngineError, Fleet, Signal};

/// Reports older than this add nothing to a detector's state.
const REPLAY: SignedDuration = SignedDuration::from_hours(24);
/// What is usual is learned from this long.
const HISTORY: SignedDuration = SignedDuration::from_hours(28 * 24);
/// Sign-in minutes are kept this long.
const MINUTES_KEPT: SignedDuration = SignedDuration::from_hours(6);
/// What is usual is learned again after this long.
const LEARN_EACH: SignedDuration = SignedDuration::from_hours(1);
/// An alarm's trouble says nothing about what is usual, for this long after it.
const TROUBLE: SignedDuration = SignedDuration::from_hours(12);
/// Reports read at once.
const PAGE: u32 = 2_000;
/// Reports that history reads at most: four weeks of a fleet 18 times as large as 13,732 sites.
const HISTORY_REPORTS_MAX: usize = 200_000;
/// Sign-ins are taken in by the detector each second.
const TICK: std::time::Duration = std::time::Duration::from_secs(1);

/// The detector with its place in the stream of reports.
struct Watch {
    engine: Engine,
    detector: Detector,
    /// The newest report taken in: reports after it are news.
    cursor: (Timestamp, Option<ReportId>),
    /// Reports taken in within the overlap, so that a late commit is neither lost nor doubled.
    taken: HashMap<ReportId, Timestamp>,
    learn_at: Timestamp,
}

/// Two reports that are taken at once may commit in the other order: look back this far.
const OVERLAP: SignedDuration = SignedDuration::from_secs(60);

impl Engine {
    /// Runs the detector until `stop`; begins again from the store when something fails.
    pub(crate) async fn detect(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let done = tokio::select! {
                () = stop.cancelled() => return,
                done = self.detect_until_failure() => done,
            };
            if let Err(e) = done {
                let error = &e as &dyn std::error::Error;
                tracing::error!(error, "the detector failed and begins again: {e}");
            }
            self.clock().sleep(TICK).await;
        }
    }

    async fn detect_until_failure(&self) -> Result<(), EngineError> {
        // Before the replay: what is signalled meanwhile waits in the channel.
        let mut signals = self.signals();
        let mut watch = Watch::replay(self.clone()).await?;
        let mut next_tick = self.clock().now();
        loop {
            tokio::select! {
                signal = signals.recv() => match signal {
                    // Others of a burst were read with the first.
                    Ok(Signal::ReportTaken(id)) if !watch.taken.contains_key(&id) => {
                        watch.take_reports().await?;
                    }
                    Ok(Signal::FleetChanged) => watch.take_fleet(),
                    Ok(Signal::IncidentChanged(id)) => {
                        watch.heed_dismissal(id).await?;
                        watch.close_if_over(id).await?;
                    }
                    Err(RecvError::Lagged(_)) => {
                        watch.take_fleet();
                        watch.take_reports().await?;
                    }
                    Ok(_) => {}
                    Err(RecvError::Closed) => return Ok(()),
                },
                () = self.clock().sleep_until(next_tick) => {
                    watch.tick().await?;
                    next_tick = self.clock().now() + TICK;
                }
            }
        }
    }
}

impl Watch {
    /// Rebuilds the state from the last day of reports. What was raised before is not raised again;
    /// an alarm that a crash kept from being stored is.
    async fn replay(engine: Engine) -> Result<Self, EngineError> {
        let now = engine.clock().now();
        let from = earlier(now, REPLAY);
        let population = population(&engine.fleet());
        let settings = Settings::default();
        let baseline = Baseline::unknown(PRIOR_REPORTS_PER_SITE_DAY);
        let detector = Detector::new(settings, population, baseline, from);
        let (cursor, taken) = ((from, None), HashMap::new());
        let mut watch = Self {
            engine,
            detector,
            cursor,
            taken,
            learn_at: now,
        };
        watch.learn(now).await?;
        let mut incidents = vec![];
        for alarm in watch.engine.store().alarms_since(from, PAGE).await? {
            watch.detector.resume_episode(&alarm);
            // A crash may have come between the alarm and its incident.
            incidents.push(watch.engine.propose_incident(&alarm).await?);
        }
        for incident in &incidents {
            watch.heed_dismissal(*incident).await?;
        }
        watch.take_reports().await?;
        // Only now: trouble that is over must not be raised from its old reports.
        for incident in incidents {
            watch.close_if_over(incident).await?;
        }
        Ok(watch)
    }

    /// Takes in every report that is stored and was not yet.
    async fn take_reports(&mut self) -> Result<(), EngineError> {
        let (mut at, mut id) = (earlier(self.cursor.0, OVERLAP), None);
        loop {
            let page = self.engine.store().reports_after(at, id, PAGE).await?;
            let Some(last) = page.last() else { break };
            (at, id) = (last.report.at, Some(last.report.id));
            for stored in &page {
                self.take_report(stored).await?;
            }
            if page.len() < PAGE as usize {
                break;
            }
        }
        let oldest = earlier(self.cursor.0, OVERLAP);
        self.taken.retain(|_, at| *at >= oldest);
        Ok(())
    }

    async fn take_report(&mut self, stored: &StoredReport) -> Result<(), EngineError> {
        if self
            .taken
            .insert(stored.report.id, stored.report.at)
            .is_some()
        {
            return Ok(());
        }
        self.cursor = self.cursor.max((stored.report.at, Some(stored.report.id)));
        let Some(seen) = sighting(&self.engine.fleet(), stored) else {
            return Ok(());
        };
        let clock = self.engine.clock().clone();
        match self.detector.observe_report(&seen, || clock.id()) {
            Some(alarm) => self.engine.raise(alarm).await,
            None => Ok(()),
        }
    }

    /// A second: sign-ins go in, and what fleet and history say is looked at again when due.
    async fn tick(&mut self) -> Result<(), EngineError> {
        let now = self.engine.clock().now();
        if self.learn_at <= now {
            self.take_fleet();
            self.learn(now).await?;
        }
        let counts = self.engine.0.pending.take();
        let clock = self.engine.clock().clone();
        match self.detector.advance(&counts, now, || clock.id()) {
            Some(alarm) => self.engine.raise(alarm).await,
            None => Ok(()),
        }
    }

    /// When an incident is completed, more of its trouble is news.
    async fn close_if_over(&mut self, id: IncidentId) -> Result<(), EngineError> {
        let store = self.engine.store();
        let incident = store.incident(id).await?;
        if incident.is_some_and(|incident| incident.state.stage() == Stage::Completed) {
            for alarm in store.incident_alarms(id).await? {
                self.detector.close_episode(alarm);
            }
        }
        Ok(())
    }

    /// A dismissed incident is not over: somebody looked, and asking again at the next report would
    /// be a nuisance. For how long and for what, the detector decides.
    async fn heed_dismissal(&mut self, id: IncidentId) -> Result<(), EngineError> {
        let store = self.engine.store();
        let state = store.incident(id).await?.map(|incident| incident.state);
        if let Some(State::Dismissed { at, .. }) = state {
            for alarm in store.incident_alarms(id).await? {
                self.detector.dismiss_episode(alarm, at);
            }
        }
        Ok(())
    }

    fn take_fleet(&mut self) {
        self.detector
            .set_population(population(&self.engine.fleet()));
    }

    async fn learn(&mut self, now: Timestamp) -> Result<(), EngineError> {
        let (store, from) = (self.engine.store(), earlier(now, HISTORY));
        let history = history(&self.engine, from, now).await?;
        let population = population(&self.engine.fleet());
        let nodes: Vec<Node> = self.detector.nodes();
        let reports = Baseline::learn(&history, &population, &nodes, PRIOR_REPORTS_PER_SITE_DAY);
        let mut hours = store.outcome_hours(from).await?;
        hours.retain(|hour| {
            history.trouble.iter().all(|(from, until)| {
                hour.start >= *until || hour.start + SignedDuration::from_hours(1) <= *from
            })
        });
        self.detector
            .set_baselines(reports, OutcomeBaseline::learn(&hours));
        store
            .forget_outcomes(earlier(now, MINUTES_KEPT), from)
            .await?;
        self.learn_at = now + LEARN_EACH;
        Ok(())
    }
}

impl Engine {
    /// Alarms raised at `since` or later, newest first, at most `limit`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn alarms_since(
        &self,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<Alarm>, EngineError> {
        Ok(self.store().alarms_since(since, limit).await?)
    }

    async fn raise(&self, alarm: Alarm) -> Result<(), EngineError> {
        self.store().add_alarm(&alarm).await?;
        tracing::warn!(alarm = %alarm.id, "alarm: {}", alarm.sentence());
        self.signal(Signal::AlarmRaised(alarm.id));
        self.propose_incident(&alarm).await.map(drop)
    }
}

/// History from the first report on, since before it nobody could have reported; without the last
/// hour, which may be trouble that is not known yet. Distinct sites are counted, as in detection.
async fn history(engine: &Engine, from: Timestamp, now: Timestamp) -> Result<History, EngineError> {
    let (fleet, until) = (engine.fleet(), earlier(now, LEARN_EACH));
    let trouble = engine
        .store()
        .alarms_since(earlier(from, TROUBLE), PAGE)
        .await?;
    let trouble = trouble
        .iter()
        .map(|alarm| (alarm.evidence.since, alarm.at + TROUBLE))
        .collect();
    let window = SignedDuration::try_from_secs_f64(Settings::default().window_seconds);
    let window = window.unwrap_or(LEARN_EACH);
    let mut sightings: Vec<Sighting> = vec![];
    let mut last_of_site: HashMap<SiteId, Timestamp> = HashMap::new();
    let (mut at, mut id) = (from, None);
    while sightings.len() < HISTORY_REPORTS_MAX && at < until {
        let page = engine.store().reports_after(at, id, PAGE).await?;
        let Some(last) = page.last() else { break };
        (at, id) = (last.report.at, Some(last.report.id));
        for seen in page.iter().filter_map(|stored| sighting(&fleet, stored)) {
            let before = last_of_site.insert(seen.site, seen.at);
            let fresh = before.is_none_or(|before| seen.at.duration_since(before) >= window);
            if fresh && seen.at < until {
                sightings.push(seen);
            }
        }
    }
    let from = sightings.first().map_or(until, |first| first.at);
    Ok(History {
        from,
        until,
        sightings,
        trouble,
    })
}

fn sighting(fleet: &Fleet, stored: &StoredReport) -> Option<Sighting> {
    let report = &stored.report;
    let site = fleet.site(fleet.index(report.site)?)?;
    let terms = Term::all_in(report.text.as_str());
    Some(Sighting {
        site: site.id,
        cell: cell(&site, stored),
        terms,
        at: report.at,
    })
}

fn population(fleet: &Fleet) -> Population {
    fleet.sites().map(|(_, site)| Cell::from(&*site)).collect()
}

fn earlier(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_sub(by).unwrap_or(Timestamp::MIN)
}
