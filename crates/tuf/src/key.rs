//! Ed25519 signing keys, as bytes that a store can seal. Never stores them.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use tough::schema::key::{Ed25519Key, Ed25519Scheme, Key};

use crate::PublicKey;

/// Why a key could not be made or read.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The provider has no randomness.
    #[error("could not make a signing key")]
    Make,
    /// The bytes are not an Ed25519 key in PKCS#8.
    #[error("these bytes are not an Ed25519 key in PKCS#8")]
    Read,
    /// Not a public key of a known kind, as JSON.
    #[error("this is not a public key of a known kind, as a JSON object")]
    Public,
    /// A threshold that no set of signatures, or not this set of keys, can meet.
    #[error("a role needs different keys, at most {max} of them, a threshold from 1 to their number, and signs only with its own", max = crate::SIGNERS_MAX)]
    Signers,
}

/// A key that signs metadata.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    public: PublicKey,
}

impl SigningKey {
    /// Makes a fresh key, as PKCS#8.
    ///
    /// # Errors
    /// When the provider has no randomness.
    pub fn generate() -> Result<Vec<u8>, KeyError> {
        let random = aws_lc_rs::rand::SystemRandom::new();
        let document = Ed25519KeyPair::generate_pkcs8(&random).map_err(|_| KeyError::Make)?;
        Ok(document.as_ref().to_vec())
    }

    /// Reads a key that [`SigningKey::generate`] made.
    ///
    /// # Errors
    /// When the bytes are something else.
    pub fn from_pkcs8(bytes: &[u8]) -> Result<Self, KeyError> {
        let pair = Ed25519KeyPair::from_pkcs8(bytes).map_err(|_| KeyError::Read)?;
        let keyval = Ed25519Key {
            public: pair.public_key().as_ref().to_vec().into(),
            _extra: Default::default(),
        };
        let public = PublicKey::of(Key::Ed25519 {
            keyval,
            scheme: Ed25519Scheme::Ed25519,
            _extra: Default::default(),
        })?;
        Ok(Self { pair, public })
    }

    /// The half of it that everybody may know.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.pair.sign(message).as_ref().to_vec()
    }
}
