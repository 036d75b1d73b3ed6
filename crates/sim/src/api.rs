//! Lamplighter's API, as an engineer's scripts call it: with a token, and again when nobody answers.

use std::time::Duration;

use clock::Clock;
use http::Method;
use serde_json::Value;

/// How long a call is tried again while the server does not answer, in the machine's time: it may be
/// restarting.
const TRY_AGAIN_SECONDS_MAX: u32 = 30;
/// Between two tries, in the machine's time.
const TRY_AGAIN_EVERY: Duration = Duration::from_millis(100);

/// A connection to the API. Cheap to clone.
#[derive(Clone)]
pub struct Api {
    http: reqwest::Client,
    server: String,
    token: String,
}

/// A call that did not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum ApiFailure {
    /// Nobody answered, for long.
    #[error("{method} {path}: nobody answers: {source}")]
    Lost {
        /// The method.
        method: Method,
        /// The path.
        path: String,
        /// Why.
        source: reqwest::Error,
    },
    /// The answer was an error.
    #[error("{method} {path}: {status}: {message}")]
    Refused {
        /// The method.
        method: Method,
        /// The path.
        path: String,
        /// The status.
        status: u16,
        /// What it said.
        message: String,
    },
}

impl ApiFailure {
    /// The status of an error answer.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Lost { .. } => None,
            Self::Refused { status, .. } => Some(*status),
        }
    }
}

impl Api {
    /// Speaks to `server` (no slash at its end) as the holder of `token`.
    #[must_use]
    pub fn new(http: reqwest::Client, server: &str, token: &str) -> Self {
        Self {
            http,
            server: server.into(),
            token: token.into(),
        }
    }

    /// Where it speaks to.
    #[must_use]
    pub fn server(&self) -> &str {
        &self.server
    }

    /// `GET` as JSON.
    ///
    /// # Errors
    /// When nobody answers, or with an error.
    pub async fn get(&self, path: &str) -> Result<Value, ApiFailure> {
        self.json(Method::GET, path, None).await
    }

    /// `POST` of JSON.
    ///
    /// # Errors
    /// When nobody answers, or with an error.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, ApiFailure> {
        self.json(Method::POST, path, Some(Body::Json(body))).await
    }

    /// `PUT` of JSON.
    ///
    /// # Errors
    /// When nobody answers, or with an error.
    pub async fn put(&self, path: &str, body: &Value) -> Result<Value, ApiFailure> {
        self.json(Method::PUT, path, Some(Body::Json(body))).await
    }

    /// `POST` of bytes as they are.
    ///
    /// # Errors
    /// When nobody answers, or with an error.
    pub async fn post_bytes(&self, path: &str, body: Vec<u8>) -> Result<Value, ApiFailure> {
        self.json(Method::POST, path, Some(Body::Bytes(&body)))
            .await
    }

    /// `GET` as text.
    ///
    /// # Errors
    /// When nobody answers, or with an error.
    pub async fn get_text(&self, path: &str) -> Result<String, ApiFailure> {
        self.call(Method::GET, path, None).await
    }

    async fn json(
        &self,
        method: Method,
        path: &str,
        body: Option<Body<'_>>,
    ) -> Result<Value, ApiFailure> {
        let text = self.call(method, path, body).await?;
        Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<Body<'_>>,
    ) -> Result<String, ApiFailure> {
        let mut tries_left = TRY_AGAIN_SECONDS_MAX * 10;
        loop {
            let lost = match self.send(&method, path, body.as_ref()).await {
                Ok((status, text)) if status.is_success() => return Ok(text),
                Ok((status, text)) => {
                    let (path, status) = (path.to_owned(), status.as_u16());
                    return Err(ApiFailure::Refused {
                        method,
                        path,
                        status,
                        message: words(&text),
                    });
                }
                Err(lost) => lost,
            };
            if tries_left == 0 {
                return Err(ApiFailure::Lost {
                    method,
                    path: path.to_owned(),
                    source: lost,
                });
            }
            tries_left -= 1;
            // The machine's time: a server restarts no faster because a drill compresses time.
            Clock::system().sleep(TRY_AGAIN_EVERY).await;
        }
    }

    async fn send(
        &self,
        method: &Method,
        path: &str,
        body: Option<&Body<'_>>,
    ) -> reqwest::Result<(http::StatusCode, String)> {
        let address = if path.starts_with("http") {
            path.to_owned()
        } else {
            format!("{}{path}", self.server)
        };
        let request = self
            .http
            .request(method.clone(), address)
            .bearer_auth(&self.token);
        let request = match body {
            None => request,
            Some(Body::Json(body)) => request.json(body),
            Some(Body::Bytes(body)) => request.body(body.to_vec()),
        };
        let response = request.send().await?;
        Ok((response.status(), response.text().await?))
    }
}

enum Body<'a> {
    Json(&'a Value),
    Bytes(&'a [u8]),
}

/// What an error answer says to people, with what belongs to it.
fn words(text: &str) -> String {
    let body: Value = serde_json::from_str(text).unwrap_or(Value::Null);
    let message = body["error"]["message"].as_str().unwrap_or(text).to_owned();
    match body["error"]["at"].as_str() {
        Some(at) => format!("{message} (at {at})"),
        None => message.chars().take(300).collect(),
    }
}
