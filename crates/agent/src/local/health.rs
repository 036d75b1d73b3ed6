//! What the agent says about itself: what it holds, and whether it is alive, ready and fresh.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::freshness;
use crate::Shared;
use crate::origin::{Kind, OriginTally};

pub(super) async fn status(State(shared): State<Arc<Shared>>) -> Response {
    let fresh = freshness(&shared);
    let view = shared.cache.view();
    let documents: Vec<_> = view
        .all()
        .map(|document| {
            let entry = &document.entry;
            serde_json::json!({"document": entry.key, "version": entry.version,
                "accepts": entry.accepts.to_string(), "lane": entry.lane})
        })
        .collect();
    let last = shared.counts.last_error();
    let last = last.map(|(at, what)| serde_json::json!({"at": at, "what": what}));
    let origins = shared.origins.tallies();
    let origins: Vec<_> = origins.iter().map(origin).collect();
    Json(serde_json::json!({
        "agent": shared.identity.agent,
        "repository_version": view.repository,
        "age_seconds": fresh.age.map(|age| age.as_secs()),
        "stale": fresh.stale,
        "sites": shared.cache.site_count(),
        "documents": documents,
        "documents_missing": view.missing_count(),
        "origins": origins,
        "last_error": last,
    }))
    .into_response()
}

fn origin(one: &OriginTally<'_>) -> serde_json::Value {
    let health = &one.health;
    let kind = match one.kind {
        Kind::Server => "server",
        Kind::Mirror => "mirror",
    };
    serde_json::json!({
        "origin": one.origin,
        "kind": kind,
        "well": health.is_well(),
        "behind": health.is_behind(),
        "failing": health.failing,
        "latency_seconds": health.latency.map(|latency| latency.as_secs_f64()),
        "rests_until": one.rests_until,
        "timestamp_version": health.timestamp,
        "asked": one.asked,
        "failed": one.failed,
    })
}

/// Ready is: it has config, and knows that it is fresh. It serves in any case.
pub(super) async fn ready(State(shared): State<Arc<Shared>>) -> Response {
    let view = shared.cache.view();
    if view.repository == 0 {
        let says = match view.missing_count() {
            0 => "no verified config yet".to_owned(),
            missing => format!("config is on its way: {missing} versions of documents are missing"),
        };
        return (StatusCode::SERVICE_UNAVAILABLE, says).into_response();
    }
    if freshness(&shared).stale {
        return (StatusCode::SERVICE_UNAVAILABLE, "STALE").into_response();
    }
    "ok".into_response()
}

/// Alive is: it answers. What it holds is no matter: a restart would mend nothing.
pub(super) async fn live() -> &'static str {
    "ok"
}
