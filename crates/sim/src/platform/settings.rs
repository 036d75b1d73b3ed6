//! The sign-in settings document, as a site's code reads it.

use openidconnect::core::CoreJsonWebKeySet;
use openidconnect::{AuthUrl, IssuerUrl, Scope, TokenUrl};

/// What a site needs to know of its provider. Fields it does not know are left alone.
#[derive(Debug, serde::Deserialize)]
pub(super) struct ClientSettings {
    pub(super) issuer: IssuerUrl,
    pub(super) authorization_endpoint: AuthUrl,
    pub(super) token_endpoint: TokenUrl,
    pub(super) jwks: CoreJsonWebKeySet,
    #[serde(default)]
    pub(super) pkce: Pkce,
    #[serde(default = "redirect_path")]
    pub(super) redirect_path: String,
    #[serde(default)]
    pub(super) scopes: Vec<Scope>,
}

/// Whether the provider asks for proof that who began a sign-in ends it (RFC 7636).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Pkce {
    #[default]
    Optional,
    Required,
}

fn redirect_path() -> String {
    "/sign-in/callback".into()
}
