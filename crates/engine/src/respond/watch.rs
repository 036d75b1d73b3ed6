//! Watches what time does to incidents: watch periods that end, promises that fall due.
//! Completes an incident only when it was told to, and only when no site in scope fails.

use std::collections::HashSet;
use std::time::Duration;

use domain::id::{IncidentId, UpdateId};
use domain::incident::timeline::Fact;
use domain::incident::{Post, PromiseKind, Stage, State, UpdateKind};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::IncidentView;
use crate::{Engine, EngineError};

/// How often open incidents are looked at. A watch period may end this much late.
const LOOK_SECONDS: u64 = 30;
/// Who completes an incident after its watch period.
const WATCH: &str = "the watch";

/// What was said once already, by this process.
#[derive(Default)]
struct Said {
    ended: HashSet<(IncidentId, Timestamp)>,
    overdue: HashSet<(UpdateId, PromiseKind)>,
}

/// Looks at open incidents until it is stopped.
pub(crate) async fn watch(engine: Engine, stop: CancellationToken) {
    engine.relight().await;
    let mut said = Said::default();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = engine.clock().sleep(Duration::from_secs(LOOK_SECONDS)) => {}
        }
        for view in engine.all_incidents() {
            if let Err(e) = look(&engine, &view, &mut said).await {
                let id = view.incident.id;
                tracing::warn!(incident.id = %id, error = &e as &dyn std::error::Error, "could not watch incident {id}");
            }
        }
    }
}

async fn look(engine: &Engine, view: &IncidentView, said: &mut Said) -> Result<(), EngineError> {
    remind(engine, view, said).await?;
    let now = engine.clock().now();
    match view.incident.state {
        State::Monitoring { until } if until <= now => end_watch(engine, view, until, said).await,
        _ => Ok(()),
    }
}

/// Pages the people on call, once for each promise that was not kept in time.
async fn remind(engine: &Engine, view: &IncidentView, said: &mut Said) -> Result<(), EngineError> {
    let now = engine.clock().now();
    for promise in view
        .promises
        .iter()
        .filter(|promise| promise.is_overdue(now))
    {
        if said.overdue.insert((promise.made_by, promise.kind)) {
            let what = match promise.kind {
                PromiseKind::NextUpdate => "an update",
                PromiseKind::Report => "the incident report",
            };
            let words = format!(
                "{}: {what} was promised by {} and is overdue",
                view.incident.title, promise.due_at
            );
            engine.page(Some(view.incident.id), &words).await?;
        }
    }
    Ok(())
}

async fn end_watch(
    engine: &Engine,
    view: &IncidentView,
    until: Timestamp,
    said: &mut Said,
) -> Result<(), EngineError> {
    let id = view.incident.id;
    let affected = engine.affected(&view.incident.scope);
    if said.ended.insert((id, until)) {
        let failing = affected.failing as u64;
        engine
            .note(id, engine.entry_now(WATCH, Fact::WatchEnded { failing }))
            .await?;
    }
    if view.incident.complete_after_watch && affected.is_quiet() {
        complete(engine, id).await?;
    }
    Ok(())
}

async fn complete(engine: &Engine, id: IncidentId) -> Result<(), EngineError> {
    let incident = engine.stored_incident(id).await?;
    let post = Post {
        stage: Some(Stage::Completed),
        ..super::plain(COMPLETED.into(), UpdateKind::Update)
    };
    let posted = engine.posted(incident, post, WATCH)?;
    engine.save_post(&posted, WATCH, false).await
}

const COMPLETED: &str = "The watch period has ended and sign-in works on every site that was affected. \
    This incident is completed.";
