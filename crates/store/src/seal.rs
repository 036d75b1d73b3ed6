//! Seals secrets that must be read back: signing keys, webhook secrets.
//! Never holds what only needs to be compared; that is hashed.

use std::io::Write as _;
use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, RandomizedNonceKey};

const KEY_BYTES: usize = 32;

/// Why a secret could not be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The key file is missing its bytes, or cannot be read or made.
    #[error("could not use the sealing key {file}: {reason}")]
    Key {
        /// Where it is.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The key does not fit, or the sealed bytes were changed.
    #[error("a sealed secret ({context}) does not open with this sealing key")]
    Open {
        /// What the secret is for.
        context: String,
    },
}

/// Seals with AES-256-GCM under a key in the data folder.
pub struct Sealer(RandomizedNonceKey);

impl Sealer {
    /// Reads the key from `folder/sealing-key`, or makes it, readable by its owner only.
    ///
    /// # Errors
    /// When the file cannot be read or made, or has another length.
    pub fn open(folder: &Path) -> Result<Self, SealError> {
        let file = folder.join("sealing-key");
        let fail = |reason: String| SealError::Key {
            file: file.display().to_string(),
            reason,
        };
        let key = match std::fs::read(&file) {
            Ok(key) => key,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                make_key(&file).map_err(|e| fail(e.to_string()))?
            }
            Err(e) => return Err(fail(e.to_string())),
        };
        if key.len() != KEY_BYTES {
            return Err(fail(format!(
                "{} bytes; {KEY_BYTES} are expected",
                key.len()
            )));
        }
        RandomizedNonceKey::new(&AES_256_GCM, &key)
            .map(Self)
            .map_err(|_| fail("not usable as a key".into()))
    }

    /// Seals `secret` for one use, which must be named again to open it.
    ///
    /// # Errors
    /// When the provider has no randomness.
    pub fn seal(&self, context: &str, secret: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut sealed = secret.to_vec();
        let nonce = self
            .0
            .seal_in_place_append_tag(Aad::from(context.as_bytes()), &mut sealed)
            .map_err(|_| SealError::Open {
                context: context.into(),
            })?;
        sealed.extend_from_slice(nonce.as_ref());
        Ok(sealed)
    }

    /// Opens what [`Sealer::seal`] sealed for the same context.
    ///
    /// # Errors
    /// When the key or the context is another, or a byte was changed.
    pub fn unseal(&self, context: &str, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let fail = || SealError::Open {
            context: context.into(),
        };
        let (body, nonce) = sealed.split_last_chunk::<NONCE_LEN>().ok_or_else(fail)?;
        let mut secret = body.to_vec();
        let length = self
            .0
            .open_in_place(nonce.into(), Aad::from(context.as_bytes()), &mut secret)
            .map_err(|_| fail())?
            .len();
        secret.truncate(length);
        Ok(secret)
    }
}

fn make_key(file: &Path) -> std::io::Result<Vec<u8>> {
    let mut key = vec![0; KEY_BYTES];
    aws_lc_rs::rand::fill(&mut key).map_err(|_| std::io::Error::other("no randomness"))?;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut out = options.open(file)?;
    out.write_all(&key)?;
    out.sync_all()?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_opens_only_for_its_context_and_unchanged() {
        let folder = tempfile::tempdir().unwrap();
        let sealer = Sealer::open(folder.path()).unwrap();
        let sealed = sealer.seal("key 1", b"secret").unwrap();
        let again = Sealer::open(folder.path()).unwrap();
        assert_eq!(again.unseal("key 1", &sealed).unwrap(), b"secret");
        assert!(again.unseal("key 2", &sealed).is_err());
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(again.unseal("key 1", &changed).is_err(), "byte {at}");
        }
        assert!(again.unseal("key 1", b"short").is_err());
    }
}
