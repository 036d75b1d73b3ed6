//! Counts how sign-ins end on the sites of this host, and sends the counts in bulk.
//! Never knows who signed in.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use domain::name::Hostname;
use protocol::outcome::{ATTEMPTS_MAX, Outcomes, SITES_MAX, SiteOutcomes};

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
        let failures = error.map(|code| (code.to_owned(), 1)).into_iter().collect();
        self.add(
            site,
            Count {
                attempts: 1,
                failures,
            },
        );
    }

    fn add(&self, site: &Hostname, more: Count) {
        let Ok(mut counts) = self.0.lock() else {
            return;
        };
        let count = counts.entry(site.clone()).or_default();
        let attempts = count.attempts.saturating_add(more.attempts);
        // The control plane takes no more of a site at once, and refuses the others with it.
        if attempts > ATTEMPTS_MAX {
            return;
        }
        count.attempts = attempts;
        for (code, failed) in more.failures {
            let known = count.failures.contains_key(&code);
            let room = is_plain(&code) && count.failures.len() < CODES_MAX - 1;
            let code = if known || room {
                code
            } else {
                OTHER_CODE.to_owned()
            };
            let failures = count.failures.entry(code).or_default();
            *failures = failures.saturating_add(failed);
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
    loop {
        pause(&shared.clock, SEND_EACH, SEND_MACHINE_MIN).await;
        let counts = shared.outcomes.take();
        if !counts.is_empty() {
            send_counts(shared, counts).await;
        }
    }
}

/// Counts that cannot be sent are kept and go with the next ones.
async fn send_counts(shared: &Shared, counts: BTreeMap<Hostname, Count>) {
    let all: Vec<_> = counts.into_iter().collect();
    let at_ms = shared.clock.now().as_millisecond();
    for part in all.chunks(SITES_MAX) {
        let rows = part.iter().map(|(site, count)| SiteOutcomes {
            site: site.clone(),
            attempts: count.attempts,
            failures: count.failures.clone(),
        });
        let outcomes = Outcomes {
            at_ms,
            rows: rows.collect(),
        };
        let sent = shared
            .origins
            .post("/agent/v1/outcomes", &shared.identity.token, &outcomes);
        match sent.await {
            Ok(()) => {}
            // Refused for what it says: the same again would be refused forever.
            Err(
                e @ AgentError::Answer {
                    status: 400 | 413 | 422,
                    ..
                },
            ) => {
                tracing::warn!(
                    "outcomes of {} sites were refused and are dropped: {e}",
                    part.len()
                );
            }
            Err(e) => {
                tracing::debug!("could not send outcomes of {} sites: {e}", part.len());
                part.iter()
                    .for_each(|(site, count)| shared.outcomes.add(site, count.clone()));
            }
        }
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
}
