//! Watches what time does to incidents: watch periods that end, promises that fall due, posts whose
//! moment has come.
//! Completes an incident only when it was told to, and only when no site in scope fails.

use std::time::Duration;

use domain::id::IncidentId;
use domain::incident::timeline::{Fact, TimelineEntry};
use domain::incident::{Post, Promise, PromiseKind, Stage, State, UpdateKind};
use jiff::Timestamp;
use store::Reminder;
use tokio_util::sync::CancellationToken;

use super::{How, IncidentView};
use crate::{Engine, EngineError};

/// How often open incidents are looked at. A watch period may end this much late.
const LOOK_SECONDS: u64 = 30;
/// Who completes an incident after its watch period.
const WATCH: &str = "the watch";

/// Looks at open incidents until it is stopped.
pub(crate) async fn watch(engine: Engine, stop: CancellationToken) {
    engine.relight().await;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = engine.clock().sleep(Duration::from_secs(LOOK_SECONDS)) => {}
        }
        for view in engine.incidents().all() {
            if let Err(e) = look(&engine, &view).await {
                let id = view.incident.id;
                tracing::warn!(incident.id = %id, error = &e as &dyn std::error::Error, "could not watch incident {id}");
            }
        }
    }
}

async fn look(engine: &Engine, view: &IncidentView) -> Result<(), EngineError> {
    remind(engine, view).await?;
    engine.post_due(view).await?;
    engine.keep_window(view).await?;
    let now = engine.clock().now();
    match view.incident.state {
        State::Monitoring { until } if until <= now => end_watch(engine, view, until).await,
        _ => Ok(()),
    }
}

/// Pages the people on call about promises: before they fall due, when they do, and again while they
/// are late and nobody has answered.
async fn remind(engine: &Engine, view: &IncidentView) -> Result<(), EngineError> {
    let now = engine.clock().now();
    let open = view.promises.iter().filter(|one| one.kept_at.is_none());
    for promise in open {
        let calendar = engine.calendar_now(&promise.calendar);
        let Some(step) = promise.step(now, &calendar) else {
            continue;
        };
        let of = Reminder {
            incident: view.incident.id,
            kind: promise.kind,
            made_by: promise.made_by,
            step,
        };
        if is_due(of, view) {
            engine.remind(of, &words(view, promise, step)).await?;
        }
    }
    Ok(())
}

/// Whether a step is to be taken: not twice, and not after somebody answered an earlier one that was
/// as urgent.
fn is_due(of: Reminder, view: &IncidentView) -> bool {
    let same = |one: &Reminder| one.kind == of.kind && one.made_by == of.made_by;
    let given = view.reminders.iter().filter(|one| same(&one.of));
    let mut urgent = given.filter(|one| one.of.step >= of.step.min(1));
    !urgent.any(|one| one.of.step >= of.step || one.acknowledged)
}

fn words(view: &IncidentView, promise: &Promise, step: u32) -> String {
    let (title, due) = (&view.incident.title, promise.due_at);
    let what = match promise.kind {
        PromiseKind::NextUpdate => "an update",
        PromiseKind::Report => "the incident report",
    };
    match step {
        0 => format!("{title}: {what} is promised by {due}"),
        1 => format!("{title}: {what} was promised by {due} and is overdue"),
        _ => format!("{title}: {what} was promised by {due}, is overdue, and nobody has answered"),
    }
}

async fn end_watch(
    engine: &Engine,
    view: &IncidentView,
    until: Timestamp,
) -> Result<(), EngineError> {
    let id = view.incident.id;
    let affected = engine.affected(&view.incident.scope);
    if !is_told(engine, id, until).await? {
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

/// Whether the timeline says already that the watch has ended.
async fn is_told(engine: &Engine, id: IncidentId, until: Timestamp) -> Result<bool, EngineError> {
    let timeline = engine.incident_timeline(id).await?;
    let tells =
        |entry: &TimelineEntry| entry.at >= until && matches!(entry.fact, Fact::WatchEnded { .. });
    Ok(timeline.iter().any(tells))
}

async fn complete(engine: &Engine, id: IncidentId) -> Result<(), EngineError> {
    let incident = engine.stored_incident(id).await?;
    let post = Post {
        stage: Some(Stage::Completed),
        ..super::plain(COMPLETED.into(), UpdateKind::Update)
    };
    let posted = engine.posted(incident, post, WATCH)?;
    engine.save_post(&posted, WATCH, How::default()).await
}

const COMPLETED: &str = "The watch period has ended and sign-in works on every site that was affected. \
    This incident is completed.";
