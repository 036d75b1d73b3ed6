//! Passwords: argon2id with 19 MiB, two passes, one lane (OWASP), on a bounded pool of threads.
//!
//! Two checks run at once and a few wait; more are turned away, so that a flood of passwords takes
//! neither the memory nor the processors that signed-in residents need.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash as Phc, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use tokio::sync::oneshot;

use crate::SignInError;

const CHECKS_AT_ONCE: usize = 2;
/// At about 25 ms each, the last to wait is answered within a second.
const CHECKS_WAITING_MAX: usize = 64;
/// Of imported hashes: what one check may hold.
const KIB_MAX: u32 = 64 << 10;
/// Of imported hashes: memory times passes, which is what a check's time grows with, about 1.1 ms for
/// each MiB. Much slower than our own, and the time would tell which addresses have an account.
const PASSES_KIB_MAX: u64 = 128 << 10;
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
    /// When it is not argon2id, or takes longer to check than we can bear.
    pub fn parse(text: &str) -> Result<Self, SignInError> {
        let fail = |reason: &str| SignInError::refused("password_hash", reason);
        let phc = Phc::new(text).map_err(|_| fail("not a PHC string such as $argon2id$v=19$…"))?;
        let params = Params::try_from(&phc).map_err(|_| fail("its parameters do not read"))?;
        let passes_kib = u64::from(params.m_cost()) * u64::from(params.t_cost());
        let bearable =
            params.m_cost() <= KIB_MAX && passes_kib <= PASSES_KIB_MAX && params.p_cost() <= 4;
        if phc.algorithm.as_str() != "argon2id" || phc.salt.is_none() || phc.hash.is_none() {
            return Err(fail("an argon2id hash with salt and output is expected"));
        }
        if !bearable {
            return Err(fail(
                "it costs too much to check: memory times passes is 128 MiB at most (about 0.15 s; 64 MiB with 2 passes, 32 MiB with 4), with up to 64 MiB and 4 lanes. Leave it out, and let the resident set a new password",
            ));
        }
        Ok(Self(text.into()))
    }

    pub(crate) fn into_text(self) -> String {
        self.0
    }
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Wrong,
    Right,
    /// The hash came from another system, and costs another time to check than ours. In its place
    /// belongs this one.
    RightWithBetterHash(String),
}

/// Checks and hashes passwords.
pub(crate) struct Passwords {
    jobs: SyncSender<Job>,
}

type Job = Box<dyn FnOnce(&mut Hasher) + Send>;

impl Default for Passwords {
    fn default() -> Self {
        let (jobs, waiting) = sync_channel(CHECKS_WAITING_MAX);
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..CHECKS_AT_ONCE {
            let waiting = Arc::clone(&waiting);
            std::thread::spawn(move || work(&waiting));
        }
        Self { jobs }
    }
}

/// Does jobs until nobody can send more.
fn work(waiting: &Mutex<Receiver<Job>>) {
    let mut hasher = Hasher::default();
    loop {
        let next = waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .recv();
        let Ok(job) = next else { return };
        // One job that panics answers its caller with an error; the thread goes on.
        let _ = catch_unwind(AssertUnwindSafe(|| job(&mut hasher)));
    }
}

impl Passwords {
    /// Whether `password` is the one behind `hash`. Without a hash the same work is done for
    /// nothing, so that the time does not tell whether there is an account.
    pub(crate) async fn verify(
        &self,
        password: String,
        hash: Option<String>,
    ) -> Result<Verdict, SignInError> {
        self.run(move |hasher| match hash.as_deref().map(Phc::new) {
            Some(Ok(phc)) => hasher.judge(&password, &phc),
            _ => hasher.derive(&password, &[0; 16]).map(|_| Verdict::Wrong),
        })
        .await
    }

    /// Hashes a new password with a fresh salt.
    pub(crate) async fn hash(&self, password: String) -> Result<PasswordHash, SignInError> {
        self.run(move |hasher| hasher.salted(&password).map(PasswordHash))
            .await
    }

    /// Runs `work` when its turn comes, also when the caller has gone away.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Hasher) -> Result<T, SignInError> + Send + 'static,
    ) -> Result<T, SignInError> {
        let (answer, answered) = oneshot::channel();
        let job = Box::new(move |hasher: &mut Hasher| drop(answer.send(work(hasher))));
        self.jobs.try_send(job).map_err(|refused| match refused {
            TrySendError::Full(_) => SignInError::Busy,
            TrySendError::Disconnected(_) => SignInError::Crypto("hash a password"),
        })?;
        answered
            .await
            .map_err(|_| SignInError::Crypto("hash a password"))?
    }
}

/// Works out hashes, in memory that it keeps: given back to the allocator after each hash, it came
/// back a little cut, so that the next hash took 19 MiB more, hundreds in all.
#[derive(Default)]
struct Hasher {
    blocks: Vec<Block>,
}

impl Hasher {
    fn judge(&mut self, password: &str, phc: &Phc) -> Result<Verdict, SignInError> {
        if !self.is_right(password, phc)? {
            return Ok(Verdict::Wrong);
        }
        if is_ours(phc) {
            return Ok(Verdict::Right);
        }
        self.salted(password).map(Verdict::RightWithBetterHash)
    }

    fn is_right(&mut self, password: &str, phc: &Phc) -> Result<bool, SignInError> {
        let (Some(salt), Some(expected)) = (&phc.salt, &phc.hash) else {
            return Ok(false);
        };
        let version = phc
            .version
            .map_or(Ok(Version::default()), Version::try_from);
        let params = Params::try_from(phc);
        let (Ok(version), Ok(params)) = (version, params) else {
            return Ok(false);
        };
        let argon2 = Argon2::new(Algorithm::Argon2id, version, params);
        let mut out = vec![0; expected.len()];
        self.fill(&argon2, password, salt, &mut out)?;
        Ok(aws_lc_rs::constant_time::verify_slices_are_equal(&out, expected.as_ref()).is_ok())
    }

    fn salted(&mut self, password: &str) -> Result<String, SignInError> {
        let mut salt = [0; 16];
        aws_lc_rs::rand::fill(&mut salt).map_err(|_| SignInError::Crypto("draw a salt"))?;
        self.derive(password, &salt)
    }

    fn derive(&mut self, password: &str, salt: &[u8]) -> Result<String, SignInError> {
        // The crate's default parameters are OWASP's: 19 MiB, two passes, one lane.
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::DEFAULT);
        let mut out = [0; Params::DEFAULT_OUTPUT_LEN];
        self.fill(&argon2, password, salt, &mut out)?;
        phc(salt, &out)
            .map(|phc| phc.to_string())
            .map_err(|_| SignInError::Crypto("hash a password"))
    }

    fn fill(
        &mut self,
        argon2: &Argon2<'_>,
        password: &str,
        salt: &[u8],
        out: &mut [u8],
    ) -> Result<(), SignInError> {
        let needed = argon2.params().block_count();
        let ours = Params::DEFAULT.block_count();
        self.blocks.resize(needed.max(ours), Block::new());
        let blocks = self.blocks.get_mut(..needed).unwrap_or_default();
        let filled = argon2.hash_password_into_with_memory(password.as_bytes(), salt, out, blocks);
        // Hashes from other systems may want more than ours; nobody does twice.
        self.blocks.truncate(ours);
        self.blocks.shrink_to(ours);
        filled.map_err(|_| SignInError::Crypto("hash a password"))
    }
}

/// One of our own hashes as a PHC string.
fn phc(salt: &[u8], hash: &[u8]) -> argon2::password_hash::Result<Phc> {
    Ok(Phc {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(&Params::DEFAULT)?,
        salt: Some(Salt::new(salt)?),
        hash: Some(Output::new(hash)?),
    })
}

/// Whether a hash costs what our own do.
fn is_ours(phc: &Phc) -> bool {
    let ours = Params::DEFAULT;
    Params::try_from(phc).is_ok_and(|params| {
        (params.m_cost(), params.t_cost(), params.p_cost())
            == (ours.m_cost(), ours.t_cost(), ours.p_cost())
    })
}

#[cfg(test)]
mod tests {
    use argon2::password_hash::PasswordHasher as _;

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
        let verify = async |password: &str, hash| passwords.verify(password.into(), hash).await;
        assert_eq!(
            verify("correct horse", text.clone()).await.unwrap(),
            Verdict::Right
        );
        assert_eq!(verify("wrong", text).await.unwrap(), Verdict::Wrong);
        assert_eq!(verify("wrong", None).await.unwrap(), Verdict::Wrong);
    }

    #[tokio::test]
    async fn a_hash_from_another_system_is_replaced_by_ours() {
        let passwords = Passwords::default();
        let params = Params::new(64, 3, 1, None).unwrap();
        let other = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let phc: Phc = other
            .hash_password_with_salt(b"correct horse", &[1; 16])
            .unwrap();
        let text = Some(PasswordHash::parse(&phc.to_string()).unwrap().into_text());
        let verify = async |password: &str, hash| passwords.verify(password.into(), hash).await;
        assert_eq!(verify("wrong", text.clone()).await.unwrap(), Verdict::Wrong);
        let Verdict::RightWithBetterHash(ours) = verify("correct horse", text).await.unwrap()
        else {
            panic!("it stays");
        };
        assert_eq!(
            verify("correct horse", Some(ours)).await.unwrap(),
            Verdict::Right
        );
    }

    #[tokio::test]
    async fn a_flood_is_turned_away() {
        let passwords = Arc::new(Passwords::default());
        // Both threads are held up, and say so.
        let (begun, mut begins) = tokio::sync::mpsc::unbounded_channel();
        let (hold, held) = std::sync::mpsc::channel::<()>();
        let held = Arc::new(Mutex::new(held));
        for _ in 0..CHECKS_AT_ONCE {
            let (begun, held) = (begun.clone(), Arc::clone(&held));
            let job = move |_: &mut Hasher| {
                begun.send(()).unwrap();
                let _ = held.lock().unwrap().recv();
            };
            passwords.jobs.try_send(Box::new(job)).unwrap();
            begins.recv().await.unwrap();
        }
        let mut tries = tokio::task::JoinSet::new();
        for _ in 0..CHECKS_WAITING_MAX + 5 {
            let passwords = Arc::clone(&passwords);
            tries.spawn(async move { passwords.run(|_| Ok(())).await });
        }
        // Whoever found no place is answered while the others still wait.
        for _ in 0..5 {
            let answer = tries.join_next().await.unwrap().unwrap();
            assert!(matches!(answer, Err(SignInError::Busy)), "{answer:?}");
        }
        drop(hold);
        while let Some(answer) = tries.join_next().await {
            assert!(answer.unwrap().is_ok());
        }
        assert!(passwords.run(|_| Ok(())).await.is_ok());
    }

    #[tokio::test]
    async fn a_job_that_panics_leaves_the_pool_whole() {
        let passwords = Passwords::default();
        for _ in 0..CHECKS_AT_ONCE + 1 {
            let answer = passwords.run::<()>(|_| panic!("on purpose")).await;
            assert!(matches!(answer, Err(SignInError::Crypto(_))));
        }
        assert!(passwords.run(|_| Ok(())).await.is_ok());
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
            (
                "$argon2id$v=19$m=65536,t=3,p=1$c29tZXNhbHQ$RdescudvJCsgt3ub+b3dWRWJTmaaJObG",
                "128 MiB",
            ),
            (
                "$argon2id$v=19$m=65536,t=10,p=1$c29tZXNhbHQ$RdescudvJCsgt3ub+b3dWRWJTmaaJObG",
                "0.15 s",
            ),
            ("$argon2id$v=19$m=19456,t=2,p=1", "salt"),
        ] {
            let error = PasswordHash::parse(text).unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
        for cost in [
            "m=65536,t=2,p=4",
            "m=32768,t=4,p=1",
            "m=19456,t=2,p=1",
            "m=8,t=1,p=1",
        ] {
            let hash = "c29tZXNhbHQ$RdescudvJCsgt3ub+b3dWRWJTmaaJObG";
            PasswordHash::parse(&format!("$argon2id$v=19${cost}${hash}")).unwrap();
        }
    }
}
