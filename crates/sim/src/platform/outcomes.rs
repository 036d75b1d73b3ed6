//! Counts sign-ins at each site, and hands the counts to whoever is to send them on.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use protocol::outcome::{Outcomes, SiteOutcomes};

use super::{Platform, Source};

#[derive(Default)]
pub(super) struct Counts(Mutex<HashMap<usize, Count>>);

#[derive(Default)]
struct Count {
    attempts: u32,
    failures: BTreeMap<String, u32>,
}

impl Counts {
    pub(super) fn count(&self, site: usize, failure: Option<&str>) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(site).or_default();
        count.attempts += 1;
        if let Some(code) = failure {
            *count.failures.entry(code.to_owned()).or_default() += 1;
        }
    }

    fn take(&self) -> HashMap<usize, Count> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Hands the counts of each site to the agent of its host, every `every`, for ever. Sites with the
/// old kind of cache have nobody to tell.
pub async fn send_outcomes(platform: Platform, every: Duration) {
    let Source::Agents { agents } = &platform.0.source else {
        return;
    };
    loop {
        platform.0.clock.sleep(every).await;
        let at_ms = platform.0.clock.now().as_millisecond();
        let mut by_agent: HashMap<usize, Vec<SiteOutcomes>> = HashMap::new();
        for (site, count) in platform.0.counts.take() {
            let hostname = platform.0.fleet.sites()[site].hostname.clone();
            let Count { attempts, failures } = count;
            let row = SiteOutcomes {
                site: hostname,
                attempts,
                failures,
            };
            by_agent.entry(site % agents.len()).or_default().push(row);
        }
        for (agent, rows) in by_agent {
            let address = format!("{}/v1/outcomes", agents[agent]);
            let sent = platform
                .0
                .http
                .post(&address)
                .json(&Outcomes { at_ms, rows })
                .send()
                .await;
            if let Err(e) = sent.and_then(reqwest::Response::error_for_status) {
                tracing::warn!("an agent did not take outcomes: {e}");
            }
        }
    }
}
