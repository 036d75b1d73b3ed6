//! Random secrets, their hashes, and comparing without telling by time.
//! Never stores one.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq as _;

use crate::SignInError;

const SECRET_BYTES: usize = 32;
/// A secret of 32 bytes as base64url, which is also the length of a PKCE challenge.
pub(crate) const SECRET_CHARACTERS: usize = 43;

/// A fresh secret: 256 random bits as base64url.
pub(crate) fn fresh() -> Result<String, SignInError> {
    let mut secret = [0; SECRET_BYTES];
    aws_lc_rs::rand::fill(&mut secret).map_err(|_| SignInError::Crypto("draw a secret"))?;
    Ok(encode(&secret))
}

/// What is stored of a secret. Secrets are random, so a plain SHA-256 cannot be searched backwards.
pub(crate) fn hash(secret: &str) -> store::Hash {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, secret.as_bytes()).as_ref());
    hash
}

/// Compares in a time that depends on the lengths only.
pub(crate) fn same(one: &[u8], other: &[u8]) -> bool {
    one.ct_eq(other).into()
}

/// Whether `text` has the form of [`fresh`]'s secrets.
pub(crate) fn is_secret(text: &str) -> bool {
    let base64url = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    text.len() == SECRET_CHARACTERS && text.bytes().all(base64url)
}

/// base64url without padding.
pub(crate) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads base64url without padding.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}
