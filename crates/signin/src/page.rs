//! The provider's own pages. They run no script and load nothing.

use std::sync::LazyLock;

use askama::Template;
use aws_lc_rs::digest::{SHA256, digest};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use store::StoreError;
use url::Url;

use crate::SignInError;
use crate::error::RETRY_AFTER_SECONDS;

const STYLE: &str = include_str!("../templates/style.css");

static STYLE_SOURCE: LazyLock<String> = LazyLock::new(|| {
    format!(
        "'sha256-{}'",
        STANDARD.encode(digest(&SHA256, STYLE.as_bytes()))
    )
});

/// The form for e-mail and password.
#[derive(Template)]
#[template(path = "sign_in.html")]
struct Form<'a> {
    style: &'static str,
    site: &'a str,
    request: &'a str,
    email: &'a str,
    problem: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "problem.html")]
struct Problem<'a> {
    style: &'static str,
    title: &'a str,
    says: &'a str,
}

/// What the form shows.
pub(crate) struct FormView<'a> {
    pub(crate) status: StatusCode,
    /// The site that is signed in to.
    pub(crate) site: &'a str,
    /// Where the browser is sent afterwards.
    pub(crate) redirect_uri: &'a str,
    /// The sealed sign-in that was begun.
    pub(crate) request: &'a str,
    pub(crate) email: &'a str,
    pub(crate) problem: Option<&'a str>,
}

pub(crate) fn form(view: &FormView<'_>) -> Response {
    let FormView {
        site,
        request,
        email,
        problem,
        ..
    } = *view;
    let form = Form {
        style: STYLE,
        site,
        request,
        email,
        problem,
    };
    render(view.status, form.render(), Some(view.redirect_uri))
}

/// A problem that must not be sent to a site, because it is not certain which site asks.
#[derive(Debug)]
pub(crate) struct ProblemPage {
    status: StatusCode,
    title: &'static str,
    says: String,
}

impl ProblemPage {
    pub(crate) fn bad_request(title: &'static str, says: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            title,
            says: says.into(),
        }
    }
}

impl From<SignInError> for ProblemPage {
    fn from(error: SignInError) -> Self {
        let busy = matches!(
            error,
            SignInError::Busy | SignInError::Store(StoreError::Overloaded)
        );
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "a sign-in failed: {error}"
        );
        if busy {
            let says = "Very many people are signing in. Please try again in a few seconds.";
            let status = StatusCode::SERVICE_UNAVAILABLE;
            return Self {
                status,
                title: "Please try again",
                says: says.into(),
            };
        }
        let says = "Something failed on our side, and was logged. Please try again.";
        let status = match error {
            SignInError::Store(error) if error.is_disk() => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self {
            status,
            title: "That did not work",
            says: says.into(),
        }
    }
}

impl From<StoreError> for ProblemPage {
    fn from(error: StoreError) -> Self {
        SignInError::from(error).into()
    }
}

impl IntoResponse for ProblemPage {
    fn into_response(self) -> Response {
        let page = Problem {
            style: STYLE,
            title: self.title,
            says: &self.says,
        };
        let mut response = render(self.status, page.render(), None);
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, RETRY_AFTER_SECONDS.into());
        }
        response
    }
}

/// A page whose form, if it has one, ends at `redirect_uri`.
fn render(
    status: StatusCode,
    page: Result<String, askama::Error>,
    redirect_uri: Option<&str>,
) -> Response {
    let Ok(page) = page else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let mut response = (status, Html(page)).into_response();
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::from_str(&content_policy(redirect_uri)) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        // Not `no-referrer`: browsers would then send `Origin: null` with the form.
        (header::REFERRER_POLICY, "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Chromium applies `form-action` also to where a form's answer redirects: to the site.
fn content_policy(redirect_uri: Option<&str>) -> String {
    let style = &*STYLE_SOURCE;
    let site = redirect_uri.and_then(|uri| Url::parse(uri).ok());
    let actions = match site {
        Some(site) => format!("'self' {}", site.origin().ascii_serialization()),
        None => "'none'".to_owned(),
    };
    format!(
        "default-src 'none'; style-src {style}; form-action {actions}; base-uri 'none'; \
         frame-ancestors 'none'"
    )
}
