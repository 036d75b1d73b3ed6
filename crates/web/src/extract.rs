//! Reads requests, and says what and where when one cannot be read.

use axum::body::Bytes;
use axum::extract::rejection::FormRejection;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;

use crate::access::wants_page;
use crate::error::ApiError;
use crate::pages;

/// A JSON body.
pub(crate) struct Json<T>(pub(crate) T);

/// A raw body within the endpoint's limit.
pub(crate) struct Body(pub(crate) Bytes);

/// Parameters of the query.
pub(crate) struct Query<T>(pub(crate) T);

/// Parameters of the path.
pub(crate) struct Path<T>(pub(crate) T);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        Bytes::from_request(request, state)
            .await
            .map(Self)
            .map_err(|rejection| {
                if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
                    ApiError::too_large("the body is larger than this endpoint takes")
                } else {
                    ApiError::bad_request("the body ended early: send the request again")
                }
            })
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let Body(body) = Body::from_request(request, state).await?;
        serde_json::from_slice(&body).map(Self).map_err(|e| {
            ApiError::bad_request(format!("the body is not the JSON expected here: {e}"))
        })
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Misread;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Misread> {
        axum::extract::Query::try_from_uri(&parts.uri)
            .map(|axum::extract::Query(query)| Self(query))
            .map_err(|e| {
                let why = plainly(e.body_text());
                let words = format!("the query after `?` does not fit here: {why}");
                Misread::of(parts, ApiError::bad_request(words))
            })
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Misread;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Misread> {
        axum::extract::Path::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Path(path)| Self(path))
            .map_err(|e| {
                let why = plainly(e.body_text());
                let words = format!("the path names nothing here: {why}");
                Misread::of(parts, ApiError::not_found(words))
            })
    }
}

/// A form of one of our pages.
pub(crate) struct Form<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Form<T> {
    type Rejection = Misread;

    async fn from_request(request: Request, state: &S) -> Result<Self, Misread> {
        let by_person = wants_page(request.headers());
        let form = axum::Form::from_request(request, state).await;
        let bad = |rejection| Misread {
            error: form_error(&rejection),
            by_person,
            is_form: true,
        };
        form.map(|axum::Form(form)| Self(form)).map_err(bad)
    }
}

/// Why a form, a path or a query cannot be read: a person reads a page, a program reads JSON.
pub(crate) struct Misread {
    error: ApiError,
    by_person: bool,
    is_form: bool,
}

impl Misread {
    fn of(parts: &Parts, error: ApiError) -> Self {
        let is_api = parts.uri.path().starts_with("/api/");
        Self {
            error,
            by_person: wants_page(&parts.headers) && !is_api,
            is_form: false,
        }
    }
}

impl IntoResponse for Misread {
    fn into_response(self) -> Response {
        if self.by_person && self.is_form {
            pages::bad_form(&self.error)
        } else if self.by_person {
            pages::bad_address(&self.error)
        } else {
            self.error.into_response()
        }
    }
}

fn form_error(rejection: &FormRejection) -> ApiError {
    match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            ApiError::too_large("the form is larger than this page takes: shorten its texts")
        }
        StatusCode::UNSUPPORTED_MEDIA_TYPE => ApiError::unsupported(
            "send the form as `Content-Type: application/x-www-form-urlencoded`",
        ),
        _ => {
            let why = plainly(rejection.body_text());
            ApiError::bad_request(format!("the form cannot be read: {why}"))
        }
    }
}

/// What is wrong, without the name of the step that noticed it.
fn plainly(text: String) -> String {
    const STEPS: [&str; 4] = [
        "Failed to deserialize query string: ",
        "Failed to deserialize form body: ",
        "Failed to deserialize form: ",
        "Invalid URL: ",
    ];
    let step = STEPS.into_iter().find_map(|step| text.strip_prefix(step));
    step.map_or_else(|| text.clone(), Into::into)
}

/// How many things one page of a list has: as asked, and at most `max`.
///
/// # Errors
/// When none are asked for: a list would look empty that is not.
pub(crate) fn page_size<N>(asked: Option<N>, default: N, max: N) -> Result<N, ApiError>
where
    N: Ord + From<u8> + std::fmt::Display,
{
    match asked {
        None => Ok(default),
        Some(none) if none == N::from(0) => {
            Err(ApiError::refused("limit", format!("ask for 1 to {max}")))
        }
        Some(asked) => Ok(asked.min(max)),
    }
}
