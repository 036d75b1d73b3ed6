//! Whether this process lives, and whether it can do its work: save what it is told.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;

use crate::App;
use crate::access::Access;
use crate::open_api::{Gives, Sheet};
use crate::routes::{Api, Route};

/// Anybody may ask, so the disk is not asked each time.
const TRY_EVERY: SignedDuration = SignedDuration::from_secs(5);

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Api::get(
            "/livez",
            Access::Public,
            "Ask whether the process lives",
            || async { "ok" },
        ),
        Api::get(
            "/readyz",
            Access::Public,
            "Ask whether the server can save",
            ready,
        )
        .about("The answer may be five seconds old."),
    ]
}

/// What the last try to save something brought.
#[derive(Default)]
pub(crate) struct Readiness(Mutex<Option<Tried>>);

#[derive(Clone, Copy)]
struct Tried {
    at: Timestamp,
    /// Says what is wrong, if something is.
    trouble: Option<&'static str>,
}

impl Readiness {
    /// What is wrong, as it was a few seconds ago at most. Who asks meanwhile waits for the same try.
    async fn trouble(&self, app: &App) -> Option<&'static str> {
        let now = app.engine().clock().now();
        let mut last = self.0.lock().await;
        let fresh = |tried: &Tried| now.duration_since(tried.at).abs() < TRY_EVERY;
        if let Some(tried) = last.filter(fresh) {
            return tried.trouble;
        }
        let trouble = try_write(app).await;
        *last = Some(Tried { at: now, trouble });
        trouble
    }
}

async fn try_write(app: &App) -> Option<&'static str> {
    use store::StoreError as E;
    let error = app.engine().store().try_write().await.err()?;
    tracing::warn!(
        error = &error as &dyn std::error::Error,
        "not ready: nothing can be saved: {error}"
    );
    Some(match error {
        E::DiskFull(_) => "the disk of the server is full",
        E::DiskFails(_) => "the disk of the server fails",
        _ => "the store does not answer",
    })
}

/// Why nothing can be saved.
struct NotReady(&'static str);

impl IntoResponse for NotReady {
    fn into_response(self) -> Response {
        (StatusCode::SERVICE_UNAVAILABLE, self.0).into_response()
    }
}

impl Gives for NotReady {
    fn gives(sheet: &mut Sheet<'_>) {
        let schema = serde_json::json!({"type": "string"});
        let words = "Nothing can be saved; the text says why.";
        sheet.reply(503, words, Some(("text/plain", schema)));
    }
}

async fn ready(State(app): State<App>) -> Result<&'static str, NotReady> {
    match app.readiness().trouble(&app).await {
        None => Ok("ok"),
        Some(trouble) => Err(NotReady(trouble)),
    }
}
