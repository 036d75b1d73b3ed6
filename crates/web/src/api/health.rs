//! Whether this process lives, and whether it can do its work.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::App;
use crate::access::Access;
use crate::routes::Route;

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::get("/livez", Access::Public, || async { "ok" }),
        Route::get("/readyz", Access::Public, ready),
    ]
}

async fn ready(State(app): State<App>) -> Response {
    match app.engine().store().ping().await {
        Ok(()) => "ok".into_response(),
        Err(e) => {
            tracing::warn!(
                error = &e as &dyn std::error::Error,
                "not ready: the store fails"
            );
            (StatusCode::SERVICE_UNAVAILABLE, "the store does not answer").into_response()
        }
    }
}
