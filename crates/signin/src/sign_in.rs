//! The form: e-mail and password.
//!
//! What a site asked for travels sealed in the form, with the rules that held when it began, tied
//! to the browser by a cookie: another site can neither read, change nor submit it.

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use domain::language::Language;
use domain::sign_in::Email;
use jiff::{SignedDuration, Timestamp};
use store::{Account, AttemptLimit, Session, SignedIn};

use crate::authorize::{Authorization, redirect};
use crate::language::asked;
use crate::page::{FormView, ProblemPage, form};
use crate::params::Params;
use crate::password::{PASSWORD_BYTES_MAX, Verdict};
use crate::provider::after;
use crate::session::{FORM_COOKIE, SESSION_COOKIE, cookie_value};
use crate::{Provider, SignInError, secret};

const SEAL: &str = "sign-in form";
const ATTEMPTS: AttemptLimit = AttemptLimit {
    attempts_max: 5,
    lock: SignedDuration::from_mins(30),
};
const WRONG: &str = "wrong";
/// Said of addresses without an account as well: their attempts are counted alike.
const LOCKED: &str = "locked";

/// A sign-in that waits for a password.
#[derive(serde::Serialize, serde::Deserialize)]
struct Pending {
    asked: Authorization,
    browser: String,
    begun_at: Timestamp,
}

/// The form of a sign-in, in a language.
struct Page<'a> {
    pending: &'a Pending,
    language: Language,
}

/// What the resident filled in.
struct Filled {
    email: String,
    password: String,
    remember: bool,
}

/// Shows the form for the first time.
pub(crate) fn begin(
    provider: &Provider,
    (headers, language): (&HeaderMap, Language),
    asked: &Authorization,
) -> Result<Response, SignInError> {
    // A browser may fill in forms of several sites at once: it keeps its cookie.
    let browser = match cookie_value(headers, FORM_COOKIE) {
        Some(browser) => browser,
        None => secret::fresh()?,
    };
    let pending = &Pending {
        asked: asked.clone(),
        browser,
        begun_at: provider.now(),
    };
    let email = asked.login_hint.as_deref().unwrap_or_default();
    let page = Page { pending, language };
    let mut response = page.show(provider, StatusCode::OK, email, None)?;
    if let Some(cookie) = provider.cookie(FORM_COOKIE, &pending.browser, None) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// A form that nobody began.
pub(crate) async fn not_begun(
    State(provider): State<Provider>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let page = ProblemPage::bad_request("not-begun-title", "not-begun");
    page.show(spoken(&provider, &headers, query))
}

/// The address of the form keeps its language.
fn spoken(provider: &Provider, headers: &HeaderMap, query: Option<String>) -> Language {
    let params = Params::parse(query.unwrap_or_default().as_bytes());
    asked(headers, &params, provider.settings().language)
}

pub(crate) async fn submit(
    State(provider): State<Provider>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Response {
    let language = spoken(&provider, &headers, query);
    let answer = take(&provider, (&headers, language), &Params::parse(&body)).await;
    answer.unwrap_or_else(|problem| problem.show(language))
}

async fn take(
    provider: &Provider,
    (headers, language): (&HeaderMap, Language),
    params: &Params,
) -> Result<Response, ProblemPage> {
    let pending = &resume(provider, headers, params)?;
    let text = |name| params.get(name).unwrap_or_default().to_owned();
    let filled = Filled {
        email: text("email"),
        password: text("password"),
        remember: params.get("remember").is_some(),
    };
    let page = Page { pending, language };
    Ok(sign_in(provider, headers, &page, filled).await?)
}

/// Opens the sealed sign-in, and makes sure that this browser was given it, not long ago.
fn resume(
    provider: &Provider,
    headers: &HeaderMap,
    params: &Params,
) -> Result<Pending, ProblemPage> {
    let again = |says| ProblemPage::bad_request("again-title", says);
    let strange = || again("strange-form");
    if !same_origin(headers) {
        return Err(strange());
    }
    let pending = params
        .get("request")
        .and_then(|sealed| open(provider, sealed));
    let pending = pending.ok_or_else(strange)?;
    let browser = cookie_value(headers, FORM_COOKIE).unwrap_or_default();
    if !secret::same(browser.as_bytes(), pending.browser.as_bytes()) {
        return Err(strange());
    }
    if provider.now() >= after(pending.begun_at, provider.settings().form_lifetime) {
        return Err(again("late-form"));
    }
    Ok(pending)
}

async fn sign_in(
    provider: &Provider,
    headers: &HeaderMap,
    page: &Page<'_>,
    filled: Filled,
) -> Result<Response, SignInError> {
    let Ok(email) = Email::parse(&filled.email) else {
        return page.show(provider, StatusCode::OK, &filled.email, Some(WRONG));
    };
    if filled.password.len() > PASSWORD_BYTES_MAX {
        return page.show(provider, StatusCode::OK, email.as_str(), Some(WRONG));
    }
    let email_hash = secret::hash(email.as_str());
    if !provider
        .store()
        .count_attempt(&email_hash, ATTEMPTS, provider.now())
        .await?
    {
        let status = StatusCode::TOO_MANY_REQUESTS;
        return page.show(provider, status, email.as_str(), Some(LOCKED));
    }
    let checked = match check(provider, &email, filled.password).await {
        Ok(checked) => checked,
        Err(error) => {
            // Nothing was learnt about the password: whoever is turned away keeps the attempt.
            provider.store().give_back_attempt(&email_hash).await?;
            return Err(error);
        }
    };
    let Some((account, better_hash)) = checked else {
        return page.show(provider, StatusCode::OK, email.as_str(), Some(WRONG));
    };
    let settings = provider.settings();
    let lifetime = if filled.remember {
        settings.remembered_lifetime
    } else {
        settings.session_lifetime
    };
    let cookie = secret::fresh()?;
    let session = Session {
        token_hash: secret::hash(&cookie),
        account: account.id,
        signed_in_at: provider.now(),
        expires_at: after(provider.now(), lifetime),
    };
    let (code, url) = page.pending.asked.code(provider, &session)?;
    let replaced = cookie_value(headers, SESSION_COOKIE).map(|cookie| secret::hash(&cookie));
    provider
        .store()
        .save_sign_in(SignedIn {
            email_hash: &email_hash,
            replaced: replaced.as_ref(),
            session: &session,
            code: &code,
            rehashed: account.password.as_deref().zip(better_hash.as_deref()),
        })
        .await?;
    let mut response = redirect(&url);
    let kept = filled.remember.then_some(lifetime);
    if let Some(cookie) = provider.cookie(SESSION_COOKIE, &cookie, kept) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// The account, if it has this password, and the hash to keep instead of the one it has.
async fn check(
    provider: &Provider,
    email: &Email,
    password: String,
) -> Result<Option<(Account, Option<String>)>, SignInError> {
    let account = provider.store().account_by_email(email).await?;
    let hash = account
        .as_ref()
        .and_then(|account| account.password.clone());
    let better_hash = match provider.inner().passwords.verify(password, hash).await? {
        Verdict::Wrong => return Ok(None),
        Verdict::Right => None,
        Verdict::RightWithBetterHash(hash) => Some(hash),
    };
    Ok(account.map(|account| (account, better_hash)))
}

impl Page<'_> {
    fn show(
        &self,
        provider: &Provider,
        status: StatusCode,
        email: &str,
        problem: Option<&'static str>,
    ) -> Result<Response, SignInError> {
        let Self { pending, language } = *self;
        let plain = serde_json::to_vec(pending).map_err(|_| SignInError::Crypto("seal a form"))?;
        let sealed = provider.store().sealer().seal(SEAL, &plain);
        let sealed = sealed.map_err(|_| SignInError::Crypto("seal a form"))?;
        let others = Language::ALL.into_iter().filter(|one| *one != language);
        Ok(form(FormView {
            language,
            status,
            others: others
                .map(|one| (one, pending.asked.address(one)))
                .collect(),
            site: pending.asked.client_id.as_str(),
            redirect_uri: &pending.asked.redirect_uri,
            request: &secret::encode(&sealed),
            email,
            problem,
        }))
    }
}

fn open(provider: &Provider, sealed: &str) -> Option<Pending> {
    let sealed = secret::decode(sealed)?;
    let plain = provider.store().sealer().unseal(SEAL, &sealed).ok()?;
    serde_json::from_slice(&plain).ok()
}

/// Whether our own page sent the form, as far as the browser says. The cookie decides where it
/// says nothing.
fn same_origin(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return site == "same-origin";
    }
    let Some(origin) = text("origin") else {
        return true;
    };
    origin
        .split_once("://")
        .is_some_and(|(_, host)| Some(host) == text("host"))
}
