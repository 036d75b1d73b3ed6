//! The OpenID Connect provider: residents sign in here, sites are its clients.
//!
//! Authorization code flow with PKCE (OpenID Connect Core 1.0, RFC 6749, 7636, 9207, 9700).
//! Which rules hold for a client is asked of [`Clients`]; never decided here.

mod accounts;
mod authorize;
mod clients;
mod discovery;
mod error;
mod keys;
mod language;
mod page;
mod params;
mod password;
mod provider;
mod reader;
mod secret;
mod session;
mod sign_in;
mod token;
#[cfg(feature = "trial")]
pub mod trial;
mod userinfo;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};

pub use accounts::{NewAccount, Password};
pub use clients::{ClientPolicy, ClientSecret, Clients, HeldSettings};
pub use error::SignInError;
pub use keys::PublishedKey;
pub use password::{PLAIN_PASSWORDS_PER_CALL_MAX, PasswordHash};
pub use provider::{Provider, Settings};
pub use reader::{READER_RETURNS_TO, ReaderFlow};
pub use session::SESSION_COOKIE;
pub use store::{KeyState, Reader};

/// The largest body of a request to the provider, in bytes.
const BODY_BYTES_MAX: usize = 64 << 10;

/// Everything that the provider answers over HTTP.
pub fn router(provider: Provider) -> Router {
    Router::new()
        .route(
            "/.well-known/openid-configuration",
            get(discovery::metadata),
        )
        .route("/oidc/jwks", get(discovery::jwks))
        .route(
            "/oidc/authorize",
            get(authorize::by_get).post(authorize::by_post),
        )
        .route(
            "/oidc/sign-in",
            get(sign_in::not_begun).post(sign_in::submit),
        )
        .route("/oidc/token", post(token::exchange))
        .route("/oidc/userinfo", get(userinfo::show).post(userinfo::show))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(provider)
}
