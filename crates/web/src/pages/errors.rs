//! A page that says what went wrong and what to do next. Never says more than the reader may know.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use engine::{EngineError, Kind};

use super::{Page, render};
use crate::language::{known, say};
use crate::pdf::PdfError;

/// Why a page cannot be shown.
#[derive(Debug)]
pub(crate) struct PageError {
    status: StatusCode,
    title: &'static str,
    says: String,
    /// Where somebody signs in whom it may be there for.
    sign_in: Option<String>,
}

#[derive(Template)]
#[template(path = "error.html")]
struct View {
    page: Page,
    says: String,
    sign_in: Option<String>,
}

impl PageError {
    fn of(status: StatusCode, title: &'static str, says: impl Into<String>) -> Self {
        Self {
            status,
            title,
            says: says.into(),
            sign_in: None,
        }
    }

    /// The same, with a way to sign in.
    pub(crate) fn with_sign_in(self, address: String) -> Self {
        Self {
            sign_in: Some(address),
            ..self
        }
    }

    pub(crate) fn not_found(says: impl Into<String>) -> Self {
        Self::of(StatusCode::NOT_FOUND, say("error-not-here"), says)
    }

    pub(crate) fn not_allowed(says: &str) -> Self {
        Self::of(
            StatusCode::FORBIDDEN,
            say("error-not-yours"),
            reason("says-not-allowed", &sentence(says)),
        )
    }

    pub(crate) fn bad_form(status: StatusCode, says: &str) -> Self {
        Self::of(
            status,
            say("error-form"),
            reason("says-form", &sentence(says)),
        )
    }

    /// A path or a query that cannot be read.
    pub(crate) fn bad_address(status: StatusCode, says: &str) -> Self {
        Self::of(
            status,
            say("error-not-here"),
            reason("says-not-found", &sentence(says)),
        )
    }

    pub(crate) fn too_many(says: &str) -> Self {
        Self::of(
            StatusCode::TOO_MANY_REQUESTS,
            say("error-too-often"),
            reason("says-too-often", &sentence(says)),
        )
    }

    /// Something of ours failed.
    pub(crate) fn failed(status: StatusCode, says: &str) -> Self {
        Self::of(
            status,
            say("error-not-done"),
            reason("says-failed", &sentence(says)),
        )
    }

    pub(crate) fn refused(says: impl Into<String>) -> Self {
        let title = say("error-cannot");
        Self::of(StatusCode::UNPROCESSABLE_ENTITY, title, says)
    }
}

/// What the engine and the API say, in the reader's language; where that cannot be said, the rule in
/// general.
pub(in crate::pages) fn reason(key: &'static str, english: &str) -> String {
    known(english).unwrap_or_else(|| say(key).to_owned())
}

fn sentence(says: &str) -> String {
    let mut says = format!("{says}.");
    if let Some(first) = says.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    says
}

impl From<EngineError> for PageError {
    fn from(error: EngineError) -> Self {
        let says = error.to_string();
        match error.kind() {
            Kind::NotFound => Self::not_found(reason("says-not-found", &says)),
            Kind::Refused => Self::refused(reason("says-refused", &says)),
            Kind::Conflict => Self::of(
                StatusCode::CONFLICT,
                say("error-not-done"),
                reason("says-conflict", &says),
            ),
            Kind::Overloaded => Self::of(
                StatusCode::SERVICE_UNAVAILABLE,
                say("error-too-much"),
                say("error-many-people"),
            ),
            Kind::Disk => {
                tracing::error!("a page failed: {says}");
                Self::of(
                    StatusCode::SERVICE_UNAVAILABLE,
                    say("error-not-saved"),
                    say("error-disk"),
                )
            }
            Kind::Internal => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "a page failed: {says}"
                );
                Self::of(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    say("error-failed"),
                    say("error-logged"),
                )
            }
        }
    }
}

impl From<PdfError> for PageError {
    fn from(error: PdfError) -> Self {
        match error {
            PdfError::TooLong => Self::refused(say("error-pdf-long")),
            PdfError::Fonts | PdfError::Write(_) => {
                tracing::error!("a report could not be drawn: {error}");
                Self::of(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    say("error-failed"),
                    say("error-pdf"),
                )
            }
        }
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let view = View {
            page: Page::public(self.title, ""),
            says: self.says,
            sign_in: self.sign_in,
        };
        render(self.status, &view)
    }
}
