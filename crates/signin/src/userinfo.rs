//! Where an access token becomes claims (OpenID Connect Core 1.0, section 5.3; RFC 6750).

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};

use crate::error::OauthError;
use crate::token::tells_email;
use crate::{Provider, secret};

pub(crate) async fn show(
    State(provider): State<Provider>,
    headers: HeaderMap,
) -> Result<Response, OauthError> {
    let token = bearer(&headers).ok_or_else(OauthError::invalid_token)?;
    let grant = provider
        .store()
        .grant(&secret::hash(token), provider.now())
        .await?;
    let grant = grant.ok_or_else(OauthError::invalid_token)?;
    let mut claims = serde_json::json!({ "sub": grant.account });
    if tells_email(&grant.scope) {
        claims["email"] = grant.email.as_str().into();
    }
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(claims)).into_response())
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(token.trim())
}
