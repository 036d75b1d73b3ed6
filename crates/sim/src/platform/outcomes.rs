//! Notes how sign-ins ended at each site, and tells the agents.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::{Platform, Source};

#[derive(Default)]
pub(super) struct Ended(Mutex<Vec<(usize, Option<String>)>>);

impl Ended {
    pub(super) fn note(&self, site: usize, failure: Option<&str>) {
        let mut ended = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ended.push((site, failure.map(str::to_owned)));
    }

    fn take(&self) -> Vec<(usize, Option<String>)> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Tells the agent of each site's host how its sign-ins ended, every `every`, for ever. Sites with
/// the old kind of cache have nobody to tell.
pub async fn send_outcomes(platform: Platform, every: Duration) {
    loop {
        platform.0.clock.sleep(every).await;
        let ended = platform.0.ended.take();
        let Source::Agents { agents } = &platform.0.source else {
            continue;
        };
        let mut by_agent: HashMap<usize, Vec<serde_json::Value>> = HashMap::new();
        for (site, error) in ended {
            let row = serde_json::json!({"site": platform.hostname(site), "error": error});
            by_agent.entry(site % agents.len()).or_default().push(row);
        }
        for (agent, rows) in by_agent {
            let address = format!("{}/v1/outcomes", agents[agent]);
            let sent = platform.0.http.post(&address).json(&rows).send().await;
            if let Err(e) = sent.and_then(reqwest::Response::error_for_status) {
                tracing::warn!("an agent did not take outcomes: {e}");
            }
        }
    }
}
