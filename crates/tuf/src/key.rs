//! Ed25519 signing keys, as bytes that a store can seal. Never stores them.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use tough::schema::decoded::{Decoded, Hex};
use tough::schema::key::{Ed25519Key, Ed25519Scheme, Key};

/// Why a key could not be made or read.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The provider has no randomness.
    #[error("could not make a signing key")]
    Make,
    /// The bytes are not an Ed25519 key in PKCS#8.
    #[error("these bytes are not an Ed25519 key in PKCS#8")]
    Read,
}

/// A key that signs metadata.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    public: Key,
    id: Decoded<Hex>,
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
        let public = Key::Ed25519 {
            keyval,
            scheme: Ed25519Scheme::Ed25519,
            _extra: Default::default(),
        };
        let id = public.key_id().map_err(|_| KeyError::Read)?;
        Ok(Self { pair, public, id })
    }

    pub(crate) fn public(&self) -> &Key {
        &self.public
    }

    pub(crate) fn id(&self) -> &Decoded<Hex> {
        &self.id
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.pair.sign(message).as_ref().to_vec()
    }
}
