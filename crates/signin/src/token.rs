//! Where a code becomes tokens (OpenID Connect Core 1.0, section 3.1.3; RFC 6749, section 4.1.3).

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::name::Hostname;
use domain::sign_in::Email;
use store::{Code, Exchange, Exchanged, NewAccessToken};
use url::form_urlencoded;

use crate::error::OauthError;
use crate::params::Params;
use crate::provider::after;
use crate::{Provider, SignInError, secret};

#[derive(serde::Serialize)]
struct Tokens {
    access_token: String,
    token_type: &'static str,
    expires_in: i64,
    scope: String,
    id_token: String,
}

/// The claims of an ID token (OpenID Connect Core 1.0, section 2).
#[derive(serde::Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: String,
    aud: &'a str,
    exp: i64,
    iat: i64,
    auth_time: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
    at_hash: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
}

/// What a client shows to prove who it is.
struct Shown {
    client_id: String,
    client_secret: String,
}

pub(crate) async fn exchange(
    State(provider): State<Provider>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, OauthError> {
    let params = Params::parse(&body);
    if let Some(name) = params.repeated() {
        let description = format!("the parameter {name:?} comes twice");
        return Err(OauthError::new("invalid_request", description));
    }
    let client_id = authenticate(&provider, shown(&headers, &params)?).await?;
    match params.get("grant_type") {
        Some("authorization_code") => {}
        None => return Err(OauthError::new("invalid_request", "grant_type is missing")),
        Some(_) => {
            let description = "only grant_type=authorization_code is offered";
            return Err(OauthError::new("unsupported_grant_type", description));
        }
    }
    let tokens = spend(&provider, &client_id, &params).await?;
    let no_store = [
        (header::CACHE_CONTROL, "no-store"),
        (header::PRAGMA, "no-cache"),
    ];
    Ok((no_store, Json(tokens)).into_response())
}

/// Reads `client_secret_basic` or `client_secret_post`, never both (RFC 6749, section 2.3).
fn shown(headers: &HeaderMap, params: &Params) -> Result<Shown, OauthError> {
    let posted = params.get("client_secret");
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        let id = params
            .get("client_id")
            .ok_or_else(OauthError::invalid_client)?;
        let secret = posted.ok_or_else(OauthError::invalid_client)?;
        return Ok(Shown {
            client_id: id.into(),
            client_secret: secret.into(),
        });
    };
    if posted.is_some() {
        let description = "the client shows its secret twice: in a header and in the body";
        return Err(OauthError::new("invalid_request", description));
    }
    let shown = value
        .to_str()
        .ok()
        .and_then(basic)
        .ok_or_else(OauthError::invalid_client)?;
    if params
        .get("client_id")
        .is_some_and(|id| id != shown.client_id)
    {
        return Err(OauthError::invalid_client());
    }
    Ok(shown)
}

fn basic(value: &str) -> Option<Shown> {
    let (scheme, encoded) = value.split_once(' ')?;
    let decoded = STANDARD.decode(encoded.trim()).ok()?;
    let decoded = String::from_utf8(decoded).ok()?;
    let (id, secret) = decoded
        .split_once(':')
        .filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    Some(Shown {
        client_id: form_decoded(id),
        client_secret: form_decoded(secret),
    })
}

/// Both halves of the header are encoded as in a form (RFC 6749, section 2.3.1).
fn form_decoded(text: &str) -> String {
    let pair = format!("x={text}");
    let value = form_urlencoded::parse(pair.as_bytes()).next();
    value
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

async fn authenticate(provider: &Provider, shown: Shown) -> Result<Hostname, OauthError> {
    let client = Hostname::parse(&shown.client_id).map_err(|_| OauthError::invalid_client())?;
    let known = provider.store().client_secret(&client).await?;
    // An unknown client is compared with what no secret hashes to.
    let right = secret::same(
        &known.unwrap_or_default(),
        &secret::hash(&shown.client_secret),
    );
    if right {
        Ok(client)
    } else {
        Err(OauthError::invalid_client())
    }
}

async fn spend(
    provider: &Provider,
    client_id: &Hostname,
    params: &Params,
) -> Result<Tokens, OauthError> {
    let missing = |name| OauthError::new("invalid_request", format!("{name} is missing"));
    let code = params.get("code").ok_or_else(|| missing("code"))?;
    let redirect_uri = params
        .get("redirect_uri")
        .ok_or_else(|| missing("redirect_uri"))?;
    let challenge = params.get("code_verifier").map(challenge).transpose()?;
    let access_token = secret::fresh()?;
    let now = provider.now();
    let new = NewAccessToken {
        token_hash: secret::hash(&access_token),
        expires_at: after(now, provider.settings().token_lifetime),
    };
    let exchange = Exchange {
        code_hash: &secret::hash(code),
        client_id,
        redirect_uri,
        challenge: challenge.as_deref(),
    };
    match provider.store().exchange_code(exchange, &new, now).await? {
        Exchanged::Done(code, email) => Ok(tokens(provider, &code, &email, access_token).await?),
        Exchanged::Mismatch(code) => {
            let wrong = mismatch(&code, redirect_uri, challenge.as_deref());
            Err(OauthError::new("invalid_grant", wrong))
        }
        Exchanged::NoSuchCode => {
            let description = "the code is unknown, too old, used before, or another client's";
            Err(OauthError::new("invalid_grant", description))
        }
    }
}

/// The S256 challenge of a verifier (RFC 7636, section 4.6).
fn challenge(verifier: &str) -> Result<String, OauthError> {
    let unreserved = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    if !(43..=128).contains(&verifier.len()) || !verifier.bytes().all(unreserved) {
        let description = "code_verifier is not 43 to 128 unreserved characters";
        return Err(OauthError::new("invalid_request", description));
    }
    Ok(secret::encode(&secret::hash(verifier)))
}

fn mismatch(code: &Code, redirect_uri: &str, challenge: Option<&str>) -> &'static str {
    if code.redirect_uri != redirect_uri {
        return "redirect_uri is not the one that the code was sent to";
    }
    match (&code.challenge, challenge) {
        (Some(_), None) => "code_verifier is missing: the sign-in began with PKCE",
        (None, Some(_)) => "code_verifier is shown, but the sign-in began without PKCE",
        _ => "code_verifier does not fit the code_challenge",
    }
}

async fn tokens(
    provider: &Provider,
    code: &Code,
    email: &Email,
    access_token: String,
) -> Result<Tokens, SignInError> {
    let settings = provider.settings();
    let now = provider.now();
    let claims = Claims {
        iss: &settings.issuer,
        sub: code.account.to_string(),
        aud: code.client_id.as_str(),
        exp: after(now, settings.token_lifetime).as_second(),
        iat: now.as_second(),
        auth_time: code.signed_in_at.as_second(),
        nonce: code.nonce.as_deref(),
        at_hash: secret::encode(&secret::hash(&access_token)[..16]),
        email: tells_email(&code.scope).then_some(email.as_str()),
    };
    let key = provider.signing_key(code.signing_kid.as_deref()).await?;
    Ok(Tokens {
        id_token: key.sign(&claims)?,
        access_token,
        token_type: "Bearer",
        expires_in: settings.token_lifetime.as_secs(),
        scope: code.scope.clone(),
    })
}

/// Whether a scope lets the address be told.
pub(crate) fn tells_email(scope: &str) -> bool {
    scope.split(' ').any(|word| word == "email")
}
