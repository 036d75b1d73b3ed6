//! Signatures: which keys signed, and whether those are enough. Never reads what was signed.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU64;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey,
    VerificationAlgorithm,
};
use serde::Deserialize;
use serde_json::Value;

use crate::TrustError;

/// A public key. One of a kind that is not known here verifies nothing, and does no harm.
#[derive(Debug, Deserialize)]
pub(crate) struct Key {
    keytype: String,
    scheme: String,
    keyval: Value,
}

/// The keys that may sign a role, and how many must.
#[derive(Debug, Deserialize)]
pub(crate) struct RoleKeys {
    pub(crate) keyids: Vec<String>,
    pub(crate) threshold: NonZeroU64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Signature {
    pub(crate) keyid: String,
    pub(crate) sig: String,
}

impl RoleKeys {
    /// Whether the same keys may sign.
    pub(crate) fn same_keys(&self, other: &Self) -> bool {
        let set = |keys: &Self| keys.keyids.iter().cloned().collect::<BTreeSet<_>>();
        set(self) == set(other)
    }

    /// Checks that enough different keys of the role signed `message`.
    ///
    /// Keys are counted, not their ids: one that is listed twice counts once. A signature that does
    /// not verify, or of a key that is not the role's, counts nothing; two by one id are an error.
    pub(crate) fn verify(
        &self,
        file: &str,
        keys: &BTreeMap<String, Key>,
        message: &[u8],
        signatures: &[Signature],
    ) -> Result<(), TrustError> {
        let fail = |reason: String| TrustError::Signature {
            file: file.into(),
            reason,
        };
        let mut signed_by = BTreeSet::new();
        let mut seen = BTreeSet::new();
        for Signature { keyid, sig } in signatures {
            if !seen.insert(keyid) {
                return Err(fail(format!("two signatures by key {keyid}")));
            }
            let key = keys.get(keyid).filter(|_| self.keyids.contains(keyid));
            signed_by.extend(key.and_then(|key| key.verified(message, sig)));
        }
        let (valid, threshold) = (signed_by.len() as u64, self.threshold.get());
        if valid >= threshold {
            return Ok(());
        }
        Err(fail(format!(
            "{valid} of its keys signed, and {threshold} must"
        )))
    }
}

impl Key {
    /// The public key when the signature is its own.
    fn verified(&self, message: &[u8], sig: &str) -> Option<Vec<u8>> {
        let public = self.public()?;
        let sig = hex::decode(sig).ok()?;
        UnparsedPublicKey::new(self.algorithm()?, &public)
            .verify(message, &sig)
            .ok()?;
        Some(public)
    }

    fn algorithm(&self) -> Option<&'static dyn VerificationAlgorithm> {
        match (self.keytype.as_str(), self.scheme.as_str()) {
            ("ed25519", "ed25519") => Some(&ED25519),
            // The second is what the type was called before specification 1.0.
            ("ecdsa" | "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256") => {
                Some(&ECDSA_P256_SHA256_ASN1)
            }
            ("rsa", "rsassa-pss-sha256") => Some(&RSA_PSS_2048_8192_SHA256),
            _ => None,
        }
    }

    /// PEM, or the raw key in hex.
    fn public(&self) -> Option<Vec<u8>> {
        let text = self.keyval.get("public")?.as_str()?;
        if text.starts_with("-----BEGIN") {
            pem::parse(text).ok().map(pem::Pem::into_contents)
        } else {
            hex::decode(text).ok()
        }
    }
}
