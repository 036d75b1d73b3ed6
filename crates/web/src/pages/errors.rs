//! A page that says what went wrong and what to do next. Never says more than the reader may know.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use engine::{EngineError, Kind};

use super::{Page, render};
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
            title: "This page is not here",
            says: says.into(),
        }
    }

    pub(crate) fn not_allowed(says: &str) -> Self {
        let mut says = format!("{says}.");
        if let Some(first) = says.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        Self {
            status: StatusCode::FORBIDDEN,
            title: "This is not yours to do",
            says,
        }
    }

    pub(crate) fn bad_form(status: StatusCode, says: &str) -> Self {
        Self {
            status,
            title: "This form did not arrive as it should",
            ..Self::not_allowed(says)
        }
    }

    pub(crate) fn too_many(says: &str) -> Self {
        Self {
            status: StatusCode::TOO_MANY_REQUESTS,
            title: "Too often",
            ..Self::not_allowed(says)
        }
    }

    /// Something of ours failed.
    pub(crate) fn failed(status: StatusCode, says: &str) -> Self {
        Self {
            status,
            title: "It was not done",
            ..Self::not_allowed(says)
        }
    }

    pub(crate) fn refused(says: impl Into<String>) -> Self {
        let title = "This cannot be done";
        Self {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            title,
            says: says.into(),
        }
    }
}

impl From<EngineError> for PageError {
    fn from(error: EngineError) -> Self {
        let says = error.to_string();
        match error.kind() {
            Kind::NotFound => Self::not_found(says),
            Kind::Refused => Self::refused(says),
            Kind::Conflict => Self {
                status: StatusCode::CONFLICT,
                title: "It was not done",
                says,
            },
            Kind::Overloaded => Self {
                status: StatusCode::SERVICE_UNAVAILABLE,
                title: "Too much at once",
                says: "Many people are here at this moment. Please try again in a few seconds."
                    .into(),
            },
            Kind::Disk => {
                tracing::error!("a page failed: {says}");
                Self {
                    status: StatusCode::SERVICE_UNAVAILABLE,
                    title: "It was not saved",
                    says: "Our server cannot save anything at this moment. Please try again later."
                        .into(),
                }
            }
            Kind::Internal => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "a page failed: {says}"
                );
                Self {
                    status: StatusCode::INTERNAL_SERVER_ERROR,
                    title: "Something failed on our side",
                    says: "It was logged. Please try again in a minute.".into(),
                }
            }
        }
    }
}

impl From<PdfError> for PageError {
    fn from(error: PdfError) -> Self {
        match error {
            PdfError::TooLong => Self::refused("This report is too long for a PDF."),
            PdfError::Fonts | PdfError::Write(_) => {
                tracing::error!("a report could not be drawn: {error}");
                Self {
                    status: StatusCode::INTERNAL_SERVER_ERROR,
                    title: "Something failed on our side",
                    says: "It was logged. The report can be read on its page.".into(),
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
