//! One exchange with an origin: HTTP, or what a simulation puts in its place.
//! Never decides whom to ask, or whether to believe the answer.

use std::time::Duration;

use bytes::Bytes;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde::Serialize;

/// The way to all origins.
#[derive(Clone)]
pub(crate) enum Wire {
    Http(Client),
    #[cfg(feature = "trial")]
    Trial(std::sync::Arc<dyn crate::trial::Network>),
}

/// A request, not sent yet.
pub(crate) enum Call {
    Http(RequestBuilder),
    #[cfg(feature = "trial")]
    Trial(crate::trial::Call),
}

/// An answer whose body still comes.
pub(crate) enum Answer {
    Http(Response),
    #[cfg(feature = "trial")]
    Trial(crate::trial::Reply),
}

/// Why no answer, or no more of one, came.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WireError {
    #[error(transparent)]
    Http(#[from] reqwest::Error),
    #[cfg(feature = "trial")]
    #[error("{0}")]
    Trial(String),
}

impl Wire {
    pub(crate) fn get(&self, url: impl AsRef<str>) -> Call {
        match self {
            Self::Http(client) => Call::Http(client.get(url.as_ref())),
            #[cfg(feature = "trial")]
            Self::Trial(network) => Call::Trial(crate::trial::Call::new(network, url.as_ref())),
        }
    }

    pub(crate) fn post(&self, url: impl AsRef<str>) -> Call {
        match self {
            Self::Http(client) => Call::Http(client.post(url.as_ref())),
            #[cfg(feature = "trial")]
            Self::Trial(network) => Call::Trial(crate::trial::Call::new(network, url.as_ref())),
        }
    }
}

impl Call {
    pub(crate) fn bearer_auth(self, token: &str) -> Self {
        match self {
            Self::Http(request) => Self::Http(request.bearer_auth(token)),
            #[cfg(feature = "trial")]
            Self::Trial(call) => Self::Trial(call.with_token(token)),
        }
    }

    pub(crate) fn json(self, body: &impl Serialize) -> Self {
        match self {
            Self::Http(request) => Self::Http(request.json(body)),
            #[cfg(feature = "trial")]
            Self::Trial(call) => Self::Trial(call.with_body(body)),
        }
    }

    /// Until the last byte of the answer.
    pub(crate) fn timeout(self, timeout: Duration) -> Self {
        match self {
            Self::Http(request) => Self::Http(request.timeout(timeout)),
            #[cfg(feature = "trial")]
            Self::Trial(call) => Self::Trial(call.within(timeout)),
        }
    }

    pub(crate) async fn send(self) -> Result<Answer, WireError> {
        match self {
            Self::Http(request) => Ok(Answer::Http(request.send().await?)),
            #[cfg(feature = "trial")]
            Self::Trial(call) => {
                let reply = call.send().await;
                reply.map(Answer::Trial).map_err(WireError::Trial)
            }
        }
    }
}

impl Answer {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Http(response) => response.status(),
            #[cfg(feature = "trial")]
            Self::Trial(reply) => StatusCode::from_u16(reply.status).unwrap_or_default(),
        }
    }

    /// When the origin has time, as it says.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Http(response) => {
                let says = response.headers().get(reqwest::header::RETRY_AFTER)?;
                let seconds = says.to_str().ok()?.trim().parse().ok()?;
                Some(Duration::from_secs(seconds))
            }
            #[cfg(feature = "trial")]
            Self::Trial(_) => None,
        }
    }

    /// The next bytes of the body; `None` at its end.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, WireError> {
        match self {
            Self::Http(response) => Ok(response.chunk().await?),
            #[cfg(feature = "trial")]
            Self::Trial(reply) => reply.chunk().await.map_err(WireError::Trial),
        }
    }
}
