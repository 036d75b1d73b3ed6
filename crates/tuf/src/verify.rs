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

/// An uncompressed point of the curve; a key in PEM ends with it.
const P256_POINT_BYTES: usize = 65;

/// A public key. One of a kind that is not known here verifies nothing, and does no harm.
#[derive(Clone, Debug, Deserialize)]
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
    /// What the key is, however it is written, when the signature is its own.
    fn verified(&self, message: &[u8], sig: &str) -> Option<Vec<u8>> {
        let (algorithm, public, key) = self.read()?;
        let sig = hex::decode(sig).ok()?;
        UnparsedPublicKey::new(algorithm, &public)
            .verify(message, &sig)
            .ok()?;
        Some(key)
    }

    /// The algorithm, the key as it is written, and the key itself: one key may be written in two
    /// ways, and must not count as two.
    fn read(&self) -> Option<(&'static dyn VerificationAlgorithm, Vec<u8>, Vec<u8>)> {
        let text = self.keyval.get("public")?.as_str()?;
        let pem = || {
            pem::parse(text)
                .ok()
                .filter(|pem| pem.tag() == "PUBLIC KEY")
        };
        match (self.keytype.as_str(), self.scheme.as_str()) {
            ("ed25519", "ed25519") => {
                let public = hex::decode(text).ok().filter(|key| key.len() == 32)?;
                Some((&ED25519, public.clone(), public))
            }
            // The second is what the type was called before specification 1.0; keys of that time
            // are the bare point in hex.
            ("ecdsa" | "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256") => {
                let public = match hex::decode(text) {
                    Ok(point) => point,
                    Err(_) => pem()?.into_contents(),
                };
                let point = public.len().checked_sub(P256_POINT_BYTES)?;
                let point = public.get(point..)?.to_vec();
                Some((&ECDSA_P256_SHA256_ASN1, public, point))
            }
            ("rsa", "rsassa-pss-sha256") => {
                let public = pem()?.into_contents();
                Some((&RSA_PSS_2048_8192_SHA256, public.clone(), public))
            }
            _ => None,
        }
    }
}
