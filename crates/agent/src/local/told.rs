//! What sites tell: how sign-ins ended, and that they doubt the config they read.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::name::Hostname;

use super::{freshness, not_served};
use crate::Shared;
use crate::doubt::Looked;

/// Longer reasons are cut: they are only logged.
const REASON_CHARACTERS_MAX: usize = 300;

/// How a sign-in ended: `error` is absent when it went well.
#[derive(serde::Deserialize)]
pub(super) struct Outcome {
    site: Hostname,
    #[serde(default)]
    error: Option<String>,
}

#[derive(serde::Deserialize)]
#[serde(untagged)]
pub(super) enum OneOrMany {
    One(Outcome),
    Many(Vec<Outcome>),
}

/// Counts them. A failure may mean that the config is not what it should be: the agent looks.
pub(super) async fn outcomes(
    State(shared): State<Arc<Shared>>,
    Json(body): Json<OneOrMany>,
) -> Response {
    let outcomes = match body {
        OneOrMany::One(outcome) => vec![outcome],
        OneOrMany::Many(outcomes) => outcomes,
    };
    let foreign = |one: &Outcome| shared.cache.product_of(&one.site).is_none();
    if let Some(one) = outcomes.iter().find(|one| foreign(one)) {
        return not_served(&one.site);
    }
    for outcome in &outcomes {
        shared
            .outcomes
            .count(&outcome.site, outcome.error.as_deref());
    }
    if outcomes.iter().any(|one| one.error.is_some()) {
        shared.doubts.soon();
    }
    StatusCode::ACCEPTED.into_response()
}

/// Why a site doubts what it reads.
#[derive(serde::Deserialize)]
pub(super) struct Doubt {
    reason: String,
}

/// Looks for newer config at once, and says whether there was some.
pub(super) async fn doubt(
    State(shared): State<Arc<Shared>>,
    Path(site): Path<Hostname>,
    Json(Doubt { reason }): Json<Doubt>,
) -> Response {
    if shared.cache.product_of(&site).is_none() {
        return not_served(&site);
    }
    let words = reason.chars().filter(|c| !c.is_control());
    let reason: String = words.take(REASON_CHARACTERS_MAX).collect();
    // By what is read, not by what is whole: the first lane goes ahead.
    let before = shared.cache.view().listed;
    let looked = shared.doubts.look(&shared).await;
    let view = shared.cache.view();
    let (now, newer) = (view.repository, view.listed != before);
    tracing::info!(%site, repository = now, newer, "doubt of {site}: {reason}");
    let (looked, error, again) = match looked {
        Looked::Now => (true, None, None),
        Looked::InVain(e) => (true, Some(e), None),
        // Rounded up: who asks again then is not too early.
        Looked::Recently { again_in } => (false, None, Some(again_in.as_secs() + 1)),
    };
    let fresh = freshness(&shared);
    Json(serde_json::json!({
        "looked": looked,
        "newer": newer,
        "repository_version": now,
        "age_seconds": fresh.age.map(|age| age.as_secs()),
        "stale": fresh.stale,
        "error": error,
        "looks_again_in_seconds": again,
    }))
    .into_response()
}
