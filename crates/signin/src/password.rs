//! Passwords: argon2id with 19 MiB, two passes, one lane (OWASP), on a bounded pool.
//!
//! Two checks run at once and a few wait; more are turned away, so that a flood of passwords takes
//! neither the memory nor the processors that signed-in residents need.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash as Phc, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use tokio::sync::Semaphore;

use crate::{SignInError, secret};

const CHECKS_AT_ONCE: usize = 2;
/// At about 25 ms each, the last to wait is answered within a second.
const CHECKS_WAITING_MAX: usize = 64;
/// A longer text is refused unread.
pub(crate) const PASSWORD_BYTES_MAX: usize = 1_024;
/// The shortest password that may be set (NIST SP 800-63B-4).
pub(crate) const PASSWORD_CHARACTERS_MIN: usize = 8;
/// Passwords to hash in one call; imports bring hashes.
pub const PLAIN_PASSWORDS_PER_CALL_MAX: usize = 20;

/// An argon2id hash, as a PHC string, that costs no more to check than we can bear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Reads a hash from another system.
    ///
    /// # Errors
    /// When it is not argon2id, or asks for more than 64 MiB, 10 passes or 4 lanes.
    pub fn parse(text: &str) -> Result<Self, SignInError> {
        let fail = |reason: &str| SignInError::refused("password_hash", reason);
        let phc = Phc::new(text).map_err(|_| fail("not a PHC string such as $argon2id$v=19$…"))?;
        let params = Params::try_from(&phc).map_err(|_| fail("its parameters do not read"))?;
        let bearable = params.m_cost() <= 64 << 10 && params.t_cost() <= 10 && params.p_cost() <= 4;
        if phc.algorithm.as_str() != "argon2id" || phc.salt.is_none() || phc.hash.is_none() {
            return Err(fail("an argon2id hash with salt and output is expected"));
        }
        if !bearable {
            return Err(fail("it asks for more than 64 MiB, 10 passes or 4 lanes"));
        }
        Ok(Self(text.into()))
    }

    pub(crate) fn into_text(self) -> String {
        self.0
    }
}

/// Checks and hashes passwords.
pub(crate) struct Passwords {
    permits: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    memory: Arc<Memory>,
}

/// The blocks that argon2 works in, one set for each check at once. Kept, because every thread that
/// had allocated its own 19 MiB would keep them: a dozen threads, hundreds of MiB.
#[derive(Default)]
struct Memory(Mutex<Vec<Vec<Block>>>);

impl Default for Passwords {
    fn default() -> Self {
        Self {
            permits: Arc::new(Semaphore::new(CHECKS_AT_ONCE)),
            waiting: Arc::default(),
            memory: Arc::default(),
        }
    }
}

impl Passwords {
    /// Whether `password` is the one behind `hash`. Without a hash the same work is done for
    /// nothing, so that the time does not tell whether there is an account.
    pub(crate) async fn verify(
        &self,
        password: String,
        hash: Option<String>,
    ) -> Result<bool, SignInError> {
        let memory = Arc::clone(&self.memory);
        self.run(move || match hash.as_deref().map(Phc::new) {
            Some(Ok(phc)) => Ok(memory.matches(&password, &phc)),
            _ => memory.derive(&password, &[0; 16]).map(|_| false),
        })
        .await
    }

    /// Hashes a new password with a fresh salt.
    pub(crate) async fn hash(&self, password: String) -> Result<PasswordHash, SignInError> {
        let memory = Arc::clone(&self.memory);
        self.run(move || {
            let mut salt = [0; 16];
            aws_lc_rs::rand::fill(&mut salt).map_err(|_| SignInError::Crypto("draw a salt"))?;
            memory.derive(&password, &salt).map(PasswordHash)
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, SignInError> + Send + 'static,
    ) -> Result<T, SignInError> {
        let _place = Place::take(&self.waiting)?;
        let permits = Arc::clone(&self.permits);
        let permit = permits
            .acquire_owned()
            .await
            .map_err(|_| SignInError::Busy)?;
        let work = move || {
            // Held by the work itself: a caller that goes away does not free the processor.
            let _permit = permit;
            work()
        };
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|_| SignInError::Crypto("hash a password"))?
    }
}

/// A place in the queue, given back when dropped.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(waiting: &Arc<AtomicUsize>) -> Result<Self, SignInError> {
        let place = Self(Arc::clone(waiting));
        if waiting.fetch_add(1, Ordering::Relaxed) < CHECKS_WAITING_MAX {
            Ok(place)
        } else {
            Err(SignInError::Busy)
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Memory {
    /// A PHC string. The crate's default parameters are OWASP's: 19 MiB, two passes, one lane.
    fn derive(&self, password: &str, salt: &[u8]) -> Result<String, SignInError> {
        let fail = || SignInError::Crypto("hash a password");
        let params = Params::DEFAULT;
        let length = params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN);
        let output = self
            .output(&params, password, salt, length)
            .ok_or_else(fail)?;
        let phc = Phc {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(&params).map_err(|_| fail())?,
            salt: Some(Salt::new(salt).map_err(|_| fail())?),
            hash: Some(Output::new(&output).map_err(|_| fail())?),
        };
        Ok(phc.to_string())
    }

    /// Whether `password` is the one behind `phc`. False also for a hash that cannot be computed.
    fn matches(&self, password: &str, phc: &Phc) -> bool {
        let (Ok(params), Some(salt), Some(hash)) = (Params::try_from(phc), &phc.salt, &phc.hash)
        else {
            return false;
        };
        let Ok(version) = phc.version.map_or(Ok(Version::V0x13), Version::try_from) else {
            return false;
        };
        let output = self.output((&params, version), password, salt.as_ref(), hash.len());
        output.is_some_and(|output| secret::same(&output, hash.as_bytes()))
    }

    fn output(
        &self,
        (params, version): (&Params, Version),
        password: &str,
        salt: &[u8],
        length: usize,
    ) -> Option<Vec<u8>> {
        let mut blocks = self.kept().pop().unwrap_or_default();
        blocks.resize(params.block_count().max(blocks.len()), Block::default());
        let mut output = vec![0; length];
        let argon2 = Argon2::new(Algorithm::Argon2id, version, params.clone());
        let used = &mut blocks[..params.block_count()];
        let done =
            argon2.hash_password_into_with_memory(password.as_bytes(), salt, &mut output, used);
        // An imported hash may ask for more than ours do: that much is not kept.
        if blocks.len() <= Params::DEFAULT.block_count() {
            self.kept().push(blocks);
        }
        done.is_ok().then_some(output)
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Vec<Vec<Block>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_known_by_its_hash() {
        let passwords = Passwords::default();
        let hash = passwords.hash("correct horse".into()).await.unwrap();
        assert!(
            hash.0.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash:?}"
        );
        assert_eq!(PasswordHash::parse(&hash.0).unwrap(), hash);
        let text = Some(hash.into_text());
        assert!(
            passwords
                .verify("correct horse".into(), text.clone())
                .await
                .unwrap()
        );
        assert!(!passwords.verify("wrong".into(), text).await.unwrap());
        assert!(!passwords.verify("wrong".into(), None).await.unwrap());
    }

    #[tokio::test]
    async fn a_flood_is_turned_away() {
        let passwords = Arc::new(Passwords::default());
        let tries = (0..CHECKS_WAITING_MAX + 5).map(|_| {
            let passwords = Arc::clone(&passwords);
            tokio::spawn(async move { passwords.run(|| Ok(())).await })
        });
        // One thread: all are queued before the first is answered.
        let mut busy = 0;
        for one in tries.collect::<Vec<_>>() {
            busy += usize::from(matches!(one.await.unwrap(), Err(SignInError::Busy)));
        }
        assert_eq!(busy, 5);
        assert!(passwords.run(|| Ok(())).await.is_ok());
    }

    #[test]
    fn hashes_that_cost_too_much_are_refused() {
        for (text, reason) in [
            ("secret", "PHC"),
            (
                "$argon2i$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$RdescudvJCsgt3ub+b3dWRWJTmaaJObG",
                "argon2id",
            ),
            (
                "$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHQ$RdescudvJCsgt3ub+b3dWRWJTmaaJObG",
                "64 MiB",
            ),
            ("$argon2id$v=19$m=19456,t=2,p=1", "salt"),
        ] {
            let error = PasswordHash::parse(text).unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
