//! What can go wrong, for operators, and for clients as OAuth says it (RFC 6749, section 5.2).

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use store::StoreError;

/// What an operator's call can fail with.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// The store failed, or refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The cryptographic provider failed.
    #[error("could not {0}")]
    Crypto(&'static str),
    /// A client's settings name a key that is retired or never was.
    #[error(
        "no signing key {0} is in use; publish sign-in/client with a signing_kid that \
        GET /api/v1/keys lists"
    )]
    UnknownKey(String),
    /// A value breaks a rule; nothing was changed.
    #[error("{reason}")]
    Refused {
        /// Where it is.
        at: String,
        /// What is expected.
        reason: String,
    },
    /// Too many passwords wait to be checked; try again soon.
    #[error("too many passwords wait to be checked; try again in a few seconds")]
    Busy,
}

impl SignInError {
    #[expect(
        clippy::needless_pass_by_value,
        reason = "callers pass errors and texts alike"
    )]
    pub(crate) fn refused(at: impl Into<String>, reason: impl ToString) -> Self {
        Self::Refused {
            at: at.into(),
            reason: reason.to_string(),
        }
    }
}

/// Seconds after which a caller may try again.
pub(crate) const RETRY_AFTER_SECONDS: u32 = 2;

/// An error of the token and userinfo endpoints.
#[derive(Debug)]
pub(crate) struct OauthError {
    pub(crate) status: StatusCode,
    pub(crate) error: &'static str,
    pub(crate) description: String,
}

impl OauthError {
    pub(crate) fn new(error: &'static str, description: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            error,
            description: description.into(),
        }
    }

    /// The client did not prove who it is. One answer for every reason: none tells whether the
    /// client exists.
    pub(crate) fn invalid_client() -> Self {
        let description = "the client_id or client_secret is wrong";
        Self {
            status: StatusCode::UNAUTHORIZED,
            ..Self::new("invalid_client", description)
        }
    }

    pub(crate) fn invalid_token() -> Self {
        let description = "the access token is missing, wrong, withdrawn or too old";
        Self {
            status: StatusCode::UNAUTHORIZED,
            ..Self::new("invalid_token", description)
        }
    }
}

impl From<SignInError> for OauthError {
    fn from(error: SignInError) -> Self {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "a sign-in failed: {error}"
        );
        let (status, code) = match error {
            SignInError::Busy | SignInError::Store(StoreError::Overloaded) => {
                (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable")
            }
            SignInError::Store(error) if error.is_disk() => {
                (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable")
            }
            _ => (StatusCode::INTERNAL_SERVER_ERROR, "server_error"),
        };
        Self {
            status,
            ..Self::new(code, "something failed on our side; it was logged")
        }
    }
}

impl From<StoreError> for OauthError {
    fn from(error: StoreError) -> Self {
        SignInError::from(error).into()
    }
}

impl IntoResponse for OauthError {
    fn into_response(self) -> Response {
        let body = serde_json::json!({
            "error": self.error,
            "error_description": self.description,
        });
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge = match self.error {
                "invalid_token" => "Bearer error=\"invalid_token\"",
                _ => "Basic realm=\"sign-in\"",
            };
            headers.insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static(challenge),
            );
        }
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, RETRY_AFTER_SECONDS.into());
        }
        response
    }
}
