//! Actions that wait for agents to fetch them, and for their results. In memory: a process that
//! dies finds the rows again, probes, and asks again under a new fence.

use std::collections::HashMap;
use std::sync::Mutex;

use domain::id::SiteId;
use protocol::action::{Action, ActionResult};
use tokio::sync::oneshot;

/// What became of an action: done, or why not.
pub(super) type Outcome = Result<(), String>;

#[derive(Default)]
pub(crate) struct Desk {
    waiting: Mutex<HashMap<SiteId, Waiting>>,
}

struct Waiting {
    action: Action,
    done: oneshot::Sender<Outcome>,
}

impl Desk {
    /// Lays an action out for the site's agent. A newer action of the same site takes its place.
    pub(super) fn lay_out(&self, site: SiteId, action: Action) -> oneshot::Receiver<Outcome> {
        let (done, outcome) = oneshot::channel();
        self.with(|waiting| waiting.insert(site, Waiting { action, done }));
        outcome
    }

    /// Takes an action back that nobody answered.
    pub(super) fn take_back(&self, site: SiteId, fence: u64) {
        self.with(|waiting| {
            if waiting
                .get(&site)
                .is_some_and(|one| one.action.fence == fence)
            {
                waiting.remove(&site);
            }
        });
    }

    pub(crate) fn actions_for(&self, sites: &[SiteId], limit: usize) -> Vec<Action> {
        self.with(|waiting| {
            if waiting.is_empty() {
                return vec![];
            }
            let known = sites.iter().filter_map(|site| waiting.get(site));
            known.map(|one| one.action.clone()).take(limit).collect()
        })
    }

    /// True when the result was awaited, under this fence.
    pub(crate) fn take(&self, site: SiteId, result: &ActionResult) -> bool {
        self.with(|waiting| {
            let fits = |one: &Waiting| {
                one.action.fence == result.fence && one.action.campaign == result.campaign
            };
            if !waiting.get(&site).is_some_and(fits) {
                return false;
            }
            let outcome = result.refused.clone().map_or(Ok(()), Err);
            waiting
                .remove(&site)
                .is_some_and(|one| one.done.send(outcome).is_ok())
        })
    }

    fn with<T>(&self, act: impl FnOnce(&mut HashMap<SiteId, Waiting>) -> T) -> T {
        // Nothing that holds this lock can panic half way: a poisoned map is still whole.
        act(&mut self
            .waiting
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}
