//! Does what the control plane asks for on a site, once, and says what became of it.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use domain::name::Hostname;
use futures_util::StreamExt as _;
use futures_util::stream;
use protocol::action::{Act, Action, ActionResult};
use semver::Version;

use crate::{AgentError, LOOKS_APART_MIN, Shared, pause, pause_after};

/// Actions are looked for this often although no event says so: events may be lost. Less by chance, so that agents
/// which began as one do not go on so.
const LOOK_EACH: Duration = Duration::from_secs(30);
const LOOK_MACHINE_MIN: Duration = Duration::from_millis(250);
const AT_ONCE: usize = 16;

pub(crate) async fn work(shared: &Shared) {
    let done = Done::default();
    loop {
        let wait =
            LOOK_EACH.mul_f64(LOOKS_APART_MIN + (1.0 - LOOKS_APART_MIN) * shared.clock.chance());
        tokio::select! {
            biased;
            () = shared.actions_due.notified() => {}
            () = pause(&shared.clock, wait, LOOK_MACHINE_MIN) => {}
        }
        while work_once(shared, &done).await {}
    }
}

/// Fetches, does and reports one list. True when there may be more.
pub(crate) async fn work_once(shared: &Shared, done: &Done) -> bool {
    let token = &shared.identity.token;
    let actions: Vec<Action> = match shared.origins.get("/agent/v1/actions", token).await {
        Ok(actions) => actions,
        Err(e) => {
            tracing::debug!("could not fetch actions: {e}");
            shared.note_if_turned_away(&e);
            return false;
        }
    };
    if actions.is_empty() {
        return false;
    }
    let results: Vec<ActionResult> = stream::iter(
        actions
            .into_iter()
            .map(|action| perform(shared, done, action)),
    )
    .buffer_unordered(AT_ONCE)
    .collect()
    .await;
    report(shared, &results).await
}

/// False where the control plane refuses it for good: it asks again when it wants to.
async fn report(shared: &Shared, results: &[ActionResult]) -> bool {
    let token = &shared.identity.token;
    let mut failures = 0;
    loop {
        let told = shared
            .origins
            .post("/agent/v1/actions/results", token, &results);
        let Err(e) = told.await else {
            return true;
        };
        if !shared.note_if_turned_away(&e) {
            tracing::warn!("could not report {} actions: {e}", results.len());
        }
        if let AgentError::Answer {
            status: 400..=499, ..
        } = e
        {
            return false;
        }
        pause_after(shared, failures, &e).await;
        failures = failures.saturating_add(1);
    }
}

async fn perform(shared: &Shared, done: &Done, action: Action) -> ActionResult {
    let refused = if done.has(&action.site, action.generation) {
        None
    } else {
        let outcome = act(shared, &action.site, &action.act).await;
        if outcome.is_ok() {
            done.mark(&action.site, action.generation);
        }
        outcome.err()
    };
    ActionResult {
        campaign: action.campaign,
        site: action.site,
        fence: action.fence,
        refused,
    }
}

async fn act(shared: &Shared, site: &Hostname, act: &Act) -> Result<(), String> {
    if shared.cache.product_of(site).is_none() {
        return Err(format!("this agent does not serve {site}"));
    }
    match act {
        // This cache cannot hold config for other code; looking again is all that clearing can do.
        Act::ClearCache | Act::Refresh => {
            let asked_at = shared.clock.passed();
            shared.refresh(asked_at).await.map_err(|e| e.to_string())
        }
        Act::ActivateRelease {
            version,
            repository,
        } => activate(shared, site, version, *repository).await,
    }
}

/// Only with verified documents for the release on this disk.
async fn activate(
    shared: &Shared,
    site: &Hostname,
    version: &Version,
    repository: u64,
) -> Result<(), String> {
    if shared.cache.view().listed < repository {
        // The order came before the push. Whatever becomes of this look, what is known by then decides.
        let asked_at = shared.clock.passed();
        let _ = shared.refresh(asked_at).await;
    }
    shared.cache.ready_for(site, version, repository)?;
    let hook = shared.settings.activate_hook.as_ref();
    let hook = hook.ok_or("this agent has no activate hook: it cannot switch the site's code")?;
    let body = serde_json::json!({"site": site, "version": version});
    shared
        .origins
        .post_hook(hook, &body)
        .await
        .map_err(|e| e.to_string())
}

/// The newest generation done on each site. Lost in a restart: doing it again does no harm.
#[derive(Default)]
pub(crate) struct Done(Mutex<HashMap<Hostname, u64>>);

impl Done {
    fn has(&self, site: &Hostname, generation: u64) -> bool {
        let done = self.0.lock().ok();
        done.is_some_and(|done| done.get(site).is_some_and(|newest| *newest >= generation))
    }

    fn mark(&self, site: &Hostname, generation: u64) {
        if let Ok(mut done) = self.0.lock() {
            let newest = done.entry(site.clone()).or_default();
            *newest = generation.max(*newest);
        }
    }
}
