//! Sign-in: the settings a site holds for it, and the rules the provider applies to the site.
//! Never signs, hashes or stores.

mod client;
mod email;
mod overlap;

pub use client::{
    BadSettings, ClientSettings, CodeHistory, Jwk, Jwks, Pkce, ProviderFacts, Rules,
    SettingsVersion, rules_at,
};
pub use email::Email;
pub use overlap::{KEYS_STALE_AFTER, TooEarly, may_retire, may_sign};

use crate::document::DocumentKey;
use crate::name::{DocumentName, ProductName, ServiceName};

/// The service whose documents hold a site's settings for sign-in.
pub const SERVICE: &str = "sign-in";
/// The document of [`SERVICE`] that holds them.
pub const DOCUMENT: &str = "client";

/// Whether a document holds settings that the provider itself reads.
#[must_use]
pub fn is_settings(key: &DocumentKey) -> bool {
    key.service.as_str() == SERVICE && key.name.as_str() == DOCUMENT
}

/// Where a product's settings for sign-in are published.
#[must_use]
pub fn settings_of(product: ProductName) -> Option<DocumentKey> {
    Some(DocumentKey::base(
        product,
        ServiceName::parse(SERVICE).ok()?,
        DocumentName::parse(DOCUMENT).ok()?,
    ))
}
