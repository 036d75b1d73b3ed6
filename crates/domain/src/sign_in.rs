//! Sign-in: the settings a site holds for it, and the rules the provider applies to the site.
//! Never signs, hashes or stores.

mod client;
mod email;

pub use client::{
    BadSettings, ClientSettings, CodeHistory, Jwk, Jwks, Pkce, Rules, SettingsVersion, rules_at,
};
pub use email::Email;

/// The service whose documents hold a site's settings for sign-in.
pub const SERVICE: &str = "sign-in";
/// The document of [`SERVICE`] that holds them.
pub const DOCUMENT: &str = "client";
