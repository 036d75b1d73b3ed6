//! The form: e-mail and password.
//!
//! What a site asked for travels sealed in the form, with the rules that held when it began, tied
//! to the browser by a cookie: another site can neither read, change nor submit it.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use domain::sign_in::Email;
use jiff::{SignedDuration, Timestamp};
use store::{Account, AttemptLimit, Session, SignedIn};

use crate::authorize::{Authorization, redirect};
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
const WRONG: &str = "That e-mail address and password do not match.";
/// Said of addresses without an account as well: their attempts are counted alike.
const LOCKED: &str =
    "There were too many attempts for this address. Please try again in 30 minutes.";

/// A sign-in that waits for a password.
#[derive(serde::Serialize, serde::Deserialize)]
struct Pending {
    asked: Authorization,
    browser: String,
    begun_at: Timestamp,
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
    headers: &HeaderMap,
    asked: &Authorization,
) -> Result<Response, SignInError> {
    // A browser may fill in forms of several sites at once: it keeps its cookie.
    let browser = match cookie_value(headers, FORM_COOKIE) {
        Some(browser) => browser,
        None => secret::fresh()?,
    };
    let pending = Pending {
        asked: asked.clone(),
        browser,
        begun_at: provider.now(),
    };
    let email = asked.login_hint.as_deref().unwrap_or_default();
    let mut response = show(provider, &pending, StatusCode::OK, email, None)?;
    if let Some(cookie) = provider.cookie(FORM_COOKIE, &pending.browser, None) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// A form that nobody began.
pub(crate) async fn not_begun() -> ProblemPage {
    let says = "Please open the site that you want to sign in to, and sign in from there.";
    ProblemPage::bad_request("Nothing to sign in to", says)
}

pub(crate) async fn submit(
    State(provider): State<Provider>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ProblemPage> {
    let params = Params::parse(&body);
    let pending = resume(&provider, &headers, &params)?;
    let text = |name| params.get(name).unwrap_or_default().to_owned();
    let filled = Filled {
        email: text("email"),
        password: text("password"),
        remember: params.get("remember").is_some(),
    };
    Ok(sign_in(&provider, &headers, &pending, filled).await?)
}

/// Opens the sealed sign-in, and makes sure that this browser was given it, not long ago.
fn resume(
    provider: &Provider,
    headers: &HeaderMap,
    params: &Params,
) -> Result<Pending, ProblemPage> {
    let again = |says| ProblemPage::bad_request("Please sign in again from the site", says);
    let strange = || again("This form was not filled in on our page in this browser.");
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
        return Err(again("The form was open for too long."));
    }
    Ok(pending)
}

async fn sign_in(
    provider: &Provider,
    headers: &HeaderMap,
    pending: &Pending,
    filled: Filled,
) -> Result<Response, SignInError> {
    let Ok(email) = Email::parse(&filled.email) else {
        return show(
            provider,
            pending,
            StatusCode::OK,
            &filled.email,
            Some(WRONG),
        );
    };
    if filled.password.len() > PASSWORD_BYTES_MAX {
        return show(
            provider,
            pending,
            StatusCode::OK,
            email.as_str(),
            Some(WRONG),
        );
    }
    let email_hash = secret::hash(email.as_str());
    if !provider
        .store()
        .count_attempt(&email_hash, ATTEMPTS, provider.now())
        .await?
    {
        let status = StatusCode::TOO_MANY_REQUESTS;
        return show(provider, pending, status, email.as_str(), Some(LOCKED));
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
        return show(
            provider,
            pending,
            StatusCode::OK,
            email.as_str(),
            Some(WRONG),
        );
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
    let (code, url) = pending.asked.code(provider, &session)?;
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

fn show(
    provider: &Provider,
    pending: &Pending,
    status: StatusCode,
    email: &str,
    problem: Option<&str>,
) -> Result<Response, SignInError> {
    let plain = serde_json::to_vec(pending).map_err(|_| SignInError::Crypto("seal a form"))?;
    let sealed = provider.store().sealer().seal(SEAL, &plain);
    let sealed = sealed.map_err(|_| SignInError::Crypto("seal a form"))?;
    Ok(form(&FormView {
        status,
        site: pending.asked.client_id.as_str(),
        redirect_uri: &pending.asked.redirect_uri,
        request: &secret::encode(&sealed),
        email,
        problem,
    }))
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
