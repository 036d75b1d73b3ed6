//! Counts how sign-ins end on the sites of this host, and sends the counts in bulk.
//! Never knows who signed in.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;
use std::time::Duration;

use domain::id::SeriesId;
use domain::name::Hostname;
use jiff::Timestamp;
use protocol::outcome::{ATTEMPTS_MAX, Batch, Outcomes, SITES_MAX, SiteOutcomes};

use crate::{AgentError, Shared, pause};

const SEND_EACH: Duration = Duration::from_secs(1);
const SEND_MACHINE_MIN: Duration = Duration::from_millis(200);
/// Codes of one site beyond this many are counted together: a caller cannot fill the memory.
/// The control plane takes as many, the one for the others among them.
const CODES_MAX: usize = 32;
const CODE_BYTES_MAX: usize = 64;
const OTHER_CODE: &str = "other";

#[derive(Clone, Default)]
struct Count {
    attempts: u32,
    failures: BTreeMap<String, u32>,
}

/// Counts since the last sending.
#[derive(Default)]
pub(crate) struct Counter(Mutex<BTreeMap<Hostname, Count>>);

impl Counter {
    /// Counts one sign-in; `error` is absent when it went well.
    pub(crate) fn count(&self, site: &Hostname, error: Option<&str>) {
        let Ok(mut counts) = self.0.lock() else {
            return;
        };
        let count = counts.entry(site.clone()).or_default();
        // The control plane takes no more of a site at once, and refuses the others with it.
        if count.attempts == ATTEMPTS_MAX {
            return;
        }
        count.attempts += 1;
        if let Some(code) = error {
            let known = count.failures.contains_key(code);
            let room = is_plain(code) && count.failures.len() < CODES_MAX - 1;
            let code = if known || room { code } else { OTHER_CODE };
            *count.failures.entry(code.to_owned()).or_default() += 1;
        }
    }

    fn take(&self) -> BTreeMap<Hostname, Count> {
        self.0
            .lock()
            .map(|mut counts| std::mem::take(&mut *counts))
            .unwrap_or_default()
    }
}

fn is_plain(code: &str) -> bool {
    (1..=CODE_BYTES_MAX).contains(&code.len()) && !code.chars().any(char::is_control)
}

pub(crate) async fn send(shared: &Shared) {
    let mut outbox = Outbox::new(shared.clock.id());
    loop {
        pause(&shared.clock, SEND_EACH, SEND_MACHINE_MIN).await;
        if outbox.unanswered.is_empty() {
            outbox.fill(shared.outcomes.take(), shared.clock.now());
        }
        outbox.send(shared).await;
    }
}

/// Batches that no answer came for yet. They may have been counted, so they are sent again as they
/// are, before anything newer; meanwhile the counter goes on. Lost in a restart, as the counts are.
struct Outbox {
    series: SeriesId,
    /// Of the batch made last.
    number: u64,
    unanswered: VecDeque<Outcomes>,
}

impl Outbox {
    fn new(series: SeriesId) -> Self {
        Self {
            series,
            number: 0,
            unanswered: VecDeque::new(),
        }
    }

    fn fill(&mut self, counts: BTreeMap<Hostname, Count>, now: Timestamp) {
        let mut rows = counts.into_iter().map(row).peekable();
        while rows.peek().is_some() {
            self.number += 1;
            let (series, number) = (self.series, self.number);
            self.unanswered.push_back(Outcomes {
                at_ms: now.as_millisecond(),
                rows: rows.by_ref().take(SITES_MAX).collect(),
                batch: Some(Batch { series, number }),
            });
        }
    }

    /// Sends what waits, and stops at the first batch without an answer: the order must hold.
    async fn send(&mut self, shared: &Shared) {
        while let Some(batch) = self.unanswered.front() {
            let sent = shared
                .origins
                .post("/agent/v1/outcomes", &shared.identity.token, batch);
            match sent.await {
                Ok(()) => {}
                // Refused for what it says, or for its age: the same again would be refused forever.
                Err(
                    e @ AgentError::Answer {
                        status: 400 | 413 | 422,
                        ..
                    },
                ) => {
                    let sites = batch.rows.len();
                    tracing::warn!("outcomes of {sites} sites were refused and are dropped: {e}");
                }
                Err(e) => {
                    let sites = batch.rows.len();
                    tracing::debug!("could not send outcomes of {sites} sites: {e}");
                    return;
                }
            }
            self.unanswered.pop_front();
        }
    }
}

fn row((site, count): (Hostname, Count)) -> SiteOutcomes {
    SiteOutcomes {
        site,
        attempts: count.attempts,
        failures: count.failures,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_bounded_and_attempts_are_not_lost() {
        let counter = Counter::default();
        let site = Hostname::parse("a.gov").unwrap();
        counter.count(&site, None);
        for number in 0..100 {
            counter.count(&site, Some(&format!("code-{number}")));
        }
        counter.count(&site, Some("a\nb"));
        counter.count(&site, Some(""));
        let counts = counter.take();
        let count = &counts[&site];
        assert!(count.failures.keys().all(|code| is_plain(code)));
        assert_eq!(count.attempts, 103);
        assert_eq!(count.failures.values().sum::<u32>(), 102);
        assert_eq!(count.failures.len(), CODES_MAX);
        assert!(counter.take().is_empty());
        for _ in 0..ATTEMPTS_MAX + 9 {
            counter.count(&site, Some("x"));
        }
        let count = &counter.take()[&site];
        assert_eq!(
            (count.attempts, count.failures["x"]),
            (ATTEMPTS_MAX, ATTEMPTS_MAX)
        );
    }

    #[test]
    fn batches_are_numbered_and_hold_no_more_sites_than_are_taken() {
        let site = |number| Hostname::parse(&format!("s{number}.gov")).unwrap();
        let counts = || (0..SITES_MAX + 1).map(|number| (site(number), Count::default()));
        let mut outbox = Outbox::new(clock::Clock::system().id());
        let now = "2023-07-11T21:00:00Z".parse().unwrap();
        outbox.fill(counts().collect(), now);
        outbox.fill(BTreeMap::new(), now);
        outbox.fill(counts().take(1).collect(), now);
        let batches = outbox.unanswered.iter();
        let made: Vec<_> = batches
            .map(|one| (one.batch.unwrap().number, one.rows.len()))
            .collect();
        assert_eq!(made, [(1, SITES_MAX), (2, 1), (3, 1)]);
    }
}
