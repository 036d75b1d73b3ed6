//! Large bodies of callers who have shown nothing yet: few at once, and none for long, or anybody could fill the
//! memory. Never asks what is in them.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use clock::Clock;
use tokio::sync::Semaphore;

use crate::error::ApiError;

/// A host enrols once: even a fleet that comes as one waits for seconds only.
const AT_ONCE: usize = 8;
/// Those who send slowly must not keep others out.
const WITHIN: Duration = Duration::from_secs(60);
const AGAIN_IN_SECONDS: u32 = 5;

/// The places of one endpoint.
#[derive(Clone)]
pub(crate) struct Places {
    free: Arc<Semaphore>,
    body_bytes_max: usize,
}

impl Places {
    pub(crate) fn new(body_bytes_max: usize) -> Self {
        Self {
            free: Arc::new(Semaphore::new(AT_ONCE)),
            body_bytes_max,
        }
    }
}

/// Reads the body before anything else is done, where there is a place.
pub(crate) async fn few(State(places): State<Places>, request: Request, next: Next) -> Response {
    let Ok(_place) = places.free.try_acquire() else {
        let words = "too many clients at once; try again soon";
        return ApiError::too_many(words, AGAIN_IN_SECONDS).into_response();
    };
    let (parts, body) = request.into_parts();
    // One byte more, so that who reads the body says that it is too large.
    let clock = Clock::system();
    let read = tokio::select! {
        read = to_bytes(body, places.body_bytes_max + 1) => Some(read),
        () = clock.sleep(WITHIN) => None,
    };
    match read {
        Some(Ok(bytes)) => {
            next.run(Request::from_parts(parts, Body::from(bytes)))
                .await
        }
        Some(Err(_)) => {
            ApiError::too_large("the body is larger than this endpoint takes").into_response()
        }
        None => {
            ApiError::bad_request("the body ended early: send the request again").into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Bytes;
    use axum::http::StatusCode;
    use axum::middleware::from_fn_with_state;
    use axum::routing::post;
    use futures_util::StreamExt as _;
    use tower::ServiceExt as _;

    use super::*;

    #[tokio::test]
    async fn few_large_bodies_are_read_at_once() {
        let places = Places::new(4);
        let app = Router::new()
            .route("/", post(async |body: Bytes| body.len().to_string()))
            .layer(from_fn_with_state(places.clone(), few));
        let ask = |body: Body| app.clone().oneshot(Request::post("/").body(body).unwrap());
        let status = async |body: &'static str| ask(body.into()).await.unwrap().status();
        assert_eq!(status("four").await, StatusCode::OK);
        assert_eq!(status("five and more").await, StatusCode::PAYLOAD_TOO_LARGE);
        let part = || futures_util::stream::once(async { Ok::<_, std::io::Error>("x") });
        let slow = || Body::from_stream(part().chain(futures_util::stream::pending()));
        let slow: Vec<_> = (0..AT_ONCE).map(|_| tokio::spawn(ask(slow()))).collect();
        while places.free.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(status("four").await, StatusCode::TOO_MANY_REQUESTS);
        slow.iter().for_each(tokio::task::JoinHandle::abort);
        while places.free.available_permits() < AT_ONCE {
            tokio::task::yield_now().await;
        }
        assert_eq!(status("four").await, StatusCode::OK);
    }
}
