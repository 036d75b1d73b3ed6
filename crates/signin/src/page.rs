//! The provider's own pages. They run no script and load nothing.

use std::sync::LazyLock;

use askama::Template;
use aws_lc_rs::digest::{SHA256, digest};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::language::Language;
use store::StoreError;
use url::Url;

use crate::SignInError;
use crate::error::RETRY_AFTER_SECONDS;
use crate::language::{say, tell_site};

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
    language: Language,
    /// The other languages, and the same request in them.
    others: Vec<(Language, String)>,
    site: &'a str,
    request: &'a str,
    email: &'a str,
    problem: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "problem.html")]
struct Problem<'a> {
    style: &'static str,
    language: Language,
    title: &'a str,
    says: &'a str,
}

impl Form<'_> {
    fn say(&self, key: &'static str) -> &'static str {
        say(self.language, key)
    }

    fn of_site(&self, key: &'static str) -> String {
        tell_site(self.language, key, self.site)
    }
}

/// What the form shows.
pub(crate) struct FormView<'a> {
    pub(crate) language: Language,
    pub(crate) status: StatusCode,
    /// The other languages, and the same request in them.
    pub(crate) others: Vec<(Language, String)>,
    /// The site that is signed in to.
    pub(crate) site: &'a str,
    /// Where the browser is sent afterwards.
    pub(crate) redirect_uri: &'a str,
    /// The sealed sign-in that was begun.
    pub(crate) request: &'a str,
    pub(crate) email: &'a str,
    /// The key of a text.
    pub(crate) problem: Option<&'static str>,
}

pub(crate) fn form(view: FormView<'_>) -> Response {
    let form = Form {
        style: STYLE,
        language: view.language,
        others: view.others,
        site: view.site,
        request: view.request,
        email: view.email,
        problem: view.problem.map(|key| say(view.language, key)),
    };
    let page = (view.language, form.render());
    render(view.status, page, Some(view.redirect_uri))
}

/// A problem that must not be sent to a site, because it is not certain which site asks: the keys of
/// its texts, said when it is shown.
#[derive(Debug)]
pub(crate) struct ProblemPage {
    status: StatusCode,
    title: &'static str,
    says: &'static str,
    /// A site that the text names.
    site: Option<String>,
}

impl ProblemPage {
    pub(crate) fn bad_request(title: &'static str, says: &'static str) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            title,
            says,
            site: None,
        }
    }

    /// With a site in its text.
    pub(crate) fn about(self, site: String) -> Self {
        Self {
            site: Some(site),
            ..self
        }
    }

    pub(crate) fn show(&self, language: Language) -> Response {
        let says = match &self.site {
            Some(site) => tell_site(language, self.says, site),
            None => say(language, self.says).to_owned(),
        };
        let page = Problem {
            style: STYLE,
            language,
            title: say(language, self.title),
            says: &says,
        };
        let mut response = render(self.status, (language, page.render()), None);
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, RETRY_AFTER_SECONDS.into());
        }
        response
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
            return Self {
                status: StatusCode::SERVICE_UNAVAILABLE,
                title: "busy-title",
                says: "busy",
                site: None,
            };
        }
        let status = match error {
            SignInError::Store(error) if error.is_disk() => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self {
            status,
            title: "failed-title",
            says: "failed",
            site: None,
        }
    }
}

impl From<StoreError> for ProblemPage {
    fn from(error: StoreError) -> Self {
        SignInError::from(error).into()
    }
}

/// A page whose form, if it has one, ends at `redirect_uri`.
fn render(
    status: StatusCode,
    (language, page): (Language, Result<String, askama::Error>),
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
        (header::CONTENT_LANGUAGE, language.tag()),
        (header::VARY, "accept-language"),
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
