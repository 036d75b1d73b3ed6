//! Errors of the API: `{"error": {"code", "message", "at"}}`.
//!
//! The caller reads what to do next; the log says which, who and why.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use engine::{EngineError, Kind};
use signin::SignInError;

use crate::pdf::PdfError;

/// An error as it is sent.
#[derive(serde::Serialize, schemars::JsonSchema)]
#[schemars(rename = "Error")]
pub(crate) struct ErrorBody {
    /// What went wrong.
    error: ErrorParts,
}

impl ErrorBody {
    pub(crate) fn new(code: &'static str, message: String) -> Self {
        let at = None;
        Self {
            error: ErrorParts { code, message, at },
        }
    }

    /// About a part of the request.
    pub(crate) fn at(mut self, at: Option<String>) -> Self {
        self.error.at = at;
        self
    }
}

/// What went wrong.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct ErrorParts {
    /// For programs, such as `refused` or `not_found`.
    code: &'static str,
    /// For people: what to do next.
    message: String,
    /// The part of the request that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<String>,
}

/// An error as a caller of the API reads it.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
    at: Option<String>,
    retry_after_seconds: Option<u32>,
}

impl ApiError {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            at: None,
            retry_after_seconds: None,
        }
    }

    pub(crate) fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", message)
    }

    pub(crate) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", message)
    }

    /// The request cannot be read.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", message)
    }

    /// The request can be read, and its part `at` breaks a rule.
    pub(crate) fn refused(at: &str, message: impl ToString) -> Self {
        let refused = Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "refused",
            message.to_string(),
        );
        Self {
            at: Some(at.into()),
            ..refused
        }
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    pub(crate) fn too_large(message: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
    }

    pub(crate) fn unsupported(message: impl Into<String>) -> Self {
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        Self::new(status, "unsupported_media_type", message)
    }

    pub(crate) fn too_many(message: impl Into<String>, retry_after_seconds: u32) -> Self {
        let error = Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", message);
        Self {
            retry_after_seconds: Some(retry_after_seconds),
            ..error
        }
    }

    /// Too many want this at once.
    pub(crate) fn busy(seconds: u32) -> Self {
        let says = format!("too much is being done at once; try again in {seconds} s");
        Self {
            retry_after_seconds: Some(seconds),
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", says)
        }
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    pub(crate) fn retry_after(&self) -> Option<HeaderValue> {
        self.retry_after_seconds.map(HeaderValue::from)
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }
}

impl From<EngineError> for ApiError {
    fn from(error: EngineError) -> Self {
        let message = error.to_string();
        match error.kind() {
            Kind::NotFound => Self::not_found(message),
            Kind::Refused => {
                let at = match error {
                    EngineError::Refused { at, .. } => at,
                    _ => None,
                };
                Self {
                    at,
                    ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "refused", message)
                }
            }
            Kind::Conflict => Self::new(StatusCode::CONFLICT, "conflict", message),
            Kind::Overloaded => Self {
                retry_after_seconds: Some(5),
                ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", message)
            },
            Kind::Disk => {
                tracing::error!("a request failed: {message}");
                let message = match error {
                    EngineError::Store(error) => error.to_string(),
                    _ => message,
                };
                Self {
                    retry_after_seconds: Some(60),
                    ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "disk", message)
                }
            }
            Kind::Internal => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "a request failed: {message}"
                );
                let says = "something failed on our side; it was logged";
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", says)
            }
        }
    }
}

impl From<SignInError> for ApiError {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::Refused { at, reason } => Self::refused(&at, reason),
            SignInError::Store(error) => EngineError::from(error).into(),
            SignInError::Busy => Self {
                retry_after_seconds: Some(5),
                ..Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "overloaded",
                    error.to_string(),
                )
            },
            SignInError::Crypto(_) | SignInError::UnknownKey(_) => {
                tracing::error!("a request failed: {error}");
                let says = "something failed on our side; it was logged";
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", says)
            }
        }
    }
}

impl From<PdfError> for ApiError {
    fn from(error: PdfError) -> Self {
        match error {
            PdfError::TooLong => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "refused",
                error.to_string(),
            ),
            PdfError::Fonts | PdfError::Write(_) => {
                tracing::error!("a report could not be drawn: {error}");
                let says = "something failed on our side; it was logged";
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", says)
            }
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let error = ErrorParts {
            code: self.code,
            message: self.message,
            at: self.at,
        };
        let mut response = (self.status, Json(ErrorBody { error })).into_response();
        if let Some(seconds) = self.retry_after_seconds {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, seconds.into());
        }
        if self.status == StatusCode::UNAUTHORIZED {
            let bearer = HeaderValue::from_static("Bearer");
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, bearer);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use store::StoreError;

    use super::*;

    #[test]
    fn a_disk_that_takes_nothing_is_no_error_of_the_program() {
        let cases: [(StoreError, u16, &str, &str); 3] = [
            (
                StoreError::DiskFull("13".into()),
                503,
                "disk",
                "the disk of the server is full",
            ),
            (
                StoreError::DiskFails("10".into()),
                503,
                "disk",
                "the disk of the server fails",
            ),
            (
                StoreError::Database {
                    act: "write",
                    source: "1".into(),
                },
                500,
                "internal",
                "something failed on our side",
            ),
        ];
        for (error, status, code, says) in cases {
            let of = error.to_string();
            let error = ApiError::from(SignInError::from(error));
            assert_eq!((error.status.as_u16(), error.code), (status, code), "{of}");
            assert!(error.message.starts_with(says), "{}", error.message);
        }
    }
}
