//! The pager: a listener for signed pages.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use clock::Clock;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::platform::signed;

/// A page as it arrives.
#[derive(Clone, Debug, serde::Deserialize)]
pub struct Page {
    /// What it is about.
    pub words: String,
    /// The incident, if any.
    pub incident: Option<String>,
    /// Where it is acknowledged.
    pub acknowledge_url: String,
}

/// Takes pages.
#[derive(Clone)]
pub struct Pager {
    clock: Clock,
    secret: Arc<str>,
    seen: Arc<Mutex<HashSet<String>>>,
    pages: UnboundedSender<Page>,
}

impl Pager {
    /// A pager that believes what is signed with `secret`, and what comes out of it.
    #[must_use]
    pub fn new(clock: Clock, secret: &str) -> (Self, UnboundedReceiver<Page>) {
        let (pages, taken) = unbounded_channel();
        (
            Self {
                clock,
                secret: secret.into(),
                seen: Arc::default(),
                pages,
            },
            taken,
        )
    }

    /// What it answers over HTTP: `POST /pages`.
    pub fn router(self) -> Router {
        Router::new().route("/pages", post(take)).with_state(self)
    }
}

#[derive(serde::Deserialize)]
struct Envelope {
    data: Page,
}

async fn take(State(pager): State<Pager>, headers: HeaderMap, body: Bytes) -> StatusCode {
    if !signed(
        &pager.secret,
        &headers,
        &body,
        pager.clock.now().as_second(),
    ) {
        return StatusCode::UNAUTHORIZED;
    }
    let Ok(Envelope { data: page }) = serde_json::from_slice(&body) else {
        return StatusCode::BAD_REQUEST;
    };
    let id = headers
        .get("webhook-id")
        .and_then(|id| id.to_str().ok())
        .unwrap_or_default();
    let fresh = pager
        .seen
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .insert(id.to_owned());
    if fresh {
        // The engineer may have gone home; the page was delivered all the same.
        let _ = pager.pages.send(page);
    }
    StatusCode::NO_CONTENT
}
