//! Seals secrets that must be read back: signing keys, webhook secrets.
//! Never holds what only needs to be compared; that is hashed.

use std::io::Write as _;
use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, RandomizedNonceKey};

use crate::folder::{SEALING_KEY, private_file};

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
    /// The key is gone, and there is something that only it opens.
    #[error(
        "the sealing key {file} is missing; restore it from your backup, because nothing else opens the signing keys and webhook secrets in the database"
    )]
    Missing {
        /// Where it should be.
        file: String,
    },
    /// The key does not fit, or the sealed bytes were changed.
    #[error("a sealed secret ({context}) does not open with this sealing key")]
    Open {
        /// What the secret is for.
        context: String,
    },
}

/// What to do where there is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyMissing {
    /// One is made: nothing is sealed yet.
    Made,
    /// That is an error: something was sealed with it.
    Refused,
}

/// Seals with AES-256-GCM under a key in the data folder.
pub struct Sealer(RandomizedNonceKey);

impl Sealer {
    /// Reads the key from `folder/sealing-key`, or makes it, readable by its owner only.
    ///
    /// # Errors
    /// When the file is missing and may not be made, cannot be read or made, or has another length.
    pub fn open(folder: &Path, missing: KeyMissing) -> Result<Self, SealError> {
        let file = folder.join(SEALING_KEY);
        let fail = |reason: String| SealError::Key {
            file: file.display().to_string(),
            reason,
        };
        let key = match std::fs::read(&file) {
            Ok(key) => key,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => match missing {
                KeyMissing::Made => make_key(&file).map_err(|e| fail(e.to_string()))?,
                KeyMissing::Refused => {
                    let file = file.display().to_string();
                    return Err(SealError::Missing { file });
                }
            },
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
    // Half a key would be refused from then on: it appears whole or not at all.
    let fresh = file.with_extension("new");
    let mut out = private_file(&fresh)?;
    out.set_len(0)?;
    out.write_all(&key)?;
    out.sync_all()?;
    std::fs::rename(fresh, file)?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_opens_only_for_its_context_and_unchanged() {
        let folder = tempfile::tempdir().unwrap();
        let sealer = Sealer::open(folder.path(), KeyMissing::Made).unwrap();
        let sealed = sealer.seal("key 1", b"secret").unwrap();
        let again = Sealer::open(folder.path(), KeyMissing::Made).unwrap();
        assert_eq!(again.unseal("key 1", &sealed).unwrap(), b"secret");
        assert!(again.unseal("key 2", &sealed).is_err());
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(again.unseal("key 1", &changed).is_err(), "byte {at}");
        }
        assert!(again.unseal("key 1", b"short").is_err());
    }

    #[tokio::test]
    async fn a_key_that_sealed_something_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let place = crate::Place {
            folder: folder.path().to_owned(),
            postgres: None,
        };
        let (file, away) = (place.folder.join(SEALING_KEY), place.folder.join("away"));
        let store = crate::Store::open(&place).await.unwrap();
        std::fs::rename(&file, &away).unwrap();
        // Nothing is sealed yet: as good as a first start.
        let store = {
            drop(store);
            crate::Store::open(&place).await.unwrap()
        };
        let seal = "INSERT INTO repository_keys (name, sealed) VALUES ('root', $1)";
        let change = crate::db::Change::new().run(seal, crate::db::params![&[1u8; 9][..]]);
        store.db.write(change).await.unwrap();
        std::fs::rename(&file, &away).unwrap();
        let Err(error) = crate::Store::open(&place).await else {
            panic!("it opened");
        };
        let expected = format!("the sealing key {} is missing; restore it", file.display());
        assert!(error.to_string().starts_with(&expected), "{error}");
        assert!(!file.exists());
        std::fs::rename(&away, &file).unwrap();
        crate::Store::open(&place).await.unwrap();
    }
}
