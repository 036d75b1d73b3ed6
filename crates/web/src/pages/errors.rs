//! A page that says what went wrong and what to do next. Never says more than the reader may know.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use engine::{EngineError, Kind};

use super::{Page, render};
use crate::language::{Language, here, say};
use crate::pdf::PdfError;

/// Why a page cannot be shown.
#[derive(Debug)]
pub(crate) struct PageError {
    status: StatusCode,
    title: &'static str,
    says: String,
}

#[derive(Template)]
#[template(path = "error.html")]
struct View {
    page: Page,
    says: String,
}

impl PageError {
    pub(crate) fn not_found(says: impl Into<String>) -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            title: say("error-not-here"),
            says: says.into(),
        }
    }

    pub(crate) fn not_allowed(says: &str) -> Self {
        Self {
            says: reason("says-not-allowed", sentence(says)),
            status: StatusCode::FORBIDDEN,
            title: say("error-not-yours"),
        }
    }

    pub(crate) fn bad_form(status: StatusCode, says: &str) -> Self {
        Self {
            status,
            title: say("error-form"),
            says: reason("says-form", sentence(says)),
        }
    }

    pub(crate) fn too_many(says: &str) -> Self {
        Self {
            status: StatusCode::TOO_MANY_REQUESTS,
            title: say("error-too-often"),
            says: reason("says-too-often", sentence(says)),
        }
    }

    /// Something of ours failed.
    pub(crate) fn failed(status: StatusCode, says: &str) -> Self {
        Self {
            status,
            title: say("error-not-done"),
            says: reason("says-failed", sentence(says)),
        }
    }

    pub(crate) fn refused(says: impl Into<String>) -> Self {
        let title = say("error-cannot");
        Self {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            title,
            says: says.into(),
        }
    }
}

/// What the engine and the API say is English: who reads another language is told the rule in general.
pub(in crate::pages) fn reason(key: &'static str, english: String) -> String {
    match here() {
        Language::English => english,
        Language::Spanish => say(key).to_owned(),
    }
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
            Kind::NotFound => Self::not_found(reason("says-not-found", says)),
            Kind::Refused => Self::refused(reason("says-refused", says)),
            Kind::Conflict => Self {
                status: StatusCode::CONFLICT,
                title: say("error-not-done"),
                says: reason("says-conflict", says),
            },
            Kind::Overloaded => Self {
                status: StatusCode::SERVICE_UNAVAILABLE,
                title: say("error-too-much"),
                says: say("error-many-people").into(),
            },
            Kind::Disk => {
                tracing::error!("a page failed: {says}");
                Self {
                    status: StatusCode::SERVICE_UNAVAILABLE,
                    title: say("error-not-saved"),
                    says: say("error-disk").into(),
                }
            }
            Kind::Internal => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "a page failed: {says}"
                );
                Self {
                    status: StatusCode::INTERNAL_SERVER_ERROR,
                    title: say("error-failed"),
                    says: say("error-logged").into(),
                }
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
                Self {
                    status: StatusCode::INTERNAL_SERVER_ERROR,
                    title: say("error-failed"),
                    says: say("error-pdf").into(),
                }
            }
        }
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let view = View {
            page: Page::public(self.title, ""),
            says: self.says,
        };
        render(self.status, &view)
    }
}
