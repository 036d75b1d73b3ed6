//! What a client can find out by itself (OpenID Connect Discovery 1.0): endpoints and keys.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use domain::language::Language;

use crate::Provider;

const JSON: (header::HeaderName, &str) = (header::CONTENT_TYPE, "application/json");
/// Short, because a client that meets an unknown key asks again, and must then find it.
const CACHE: (header::HeaderName, &str) = (header::CACHE_CONTROL, "public, max-age=60");

pub(crate) async fn metadata(State(provider): State<Provider>) -> impl IntoResponse {
    ([JSON, CACHE], provider.inner().metadata.clone())
}

pub(crate) async fn jwks(State(provider): State<Provider>) -> impl IntoResponse {
    ([JSON, CACHE], provider.inner().keys.load().jwks.clone())
}

pub(crate) fn document(issuer: &str) -> Bytes {
    let at = |path: &str| format!("{issuer}/oidc/{path}");
    let document = serde_json::json!({
        "issuer": issuer,
        "authorization_endpoint": at("authorize"),
        "token_endpoint": at("token"),
        "userinfo_endpoint": at("userinfo"),
        "jwks_uri": at("jwks"),
        "scopes_supported": ["openid", "email"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "code_challenge_methods_supported": ["S256"],
        "claims_supported": ["sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "email"],
        "claims_parameter_supported": false,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
        "authorization_response_iss_parameter_supported": true,
        "prompt_values_supported": ["none", "login"],
        "ui_locales_supported": Language::ALL.map(Language::tag),
    });
    document.to_string().into()
}
