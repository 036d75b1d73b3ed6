//! When a signing key may begin and when it may go, so that no site refuses a token that was rightly
//! signed: keys overlap for a token's lifetime and for as long as somebody may hold older keys.

use jiff::{SignedDuration, Timestamp};

use crate::document::DocumentKey;

/// Who read the public keys, or settings that list them, may go on with them for this long: the age at
/// which an agent calls itself stale.
pub const KEYS_STALE_AFTER: SignedDuration = SignedDuration::from_mins(5);

/// Why a key may not move yet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TooEarly {
    /// Sites may not know it.
    #[error(
        "sites may not know this key before {0}: let it sign then, or at once if the others are not safe any more"
    )]
    Unknown(Timestamp),
    /// Tokens that it signed may still be checked.
    #[error(
        "sites may still check what this key signed until {0}: retire it then, or at once if it is not safe any more"
    )]
    Checked(Timestamp),
    /// Settings that sites read, or may go back to, sign with it.
    #[error(
        "{document} version {version} names this key to sign with: publish settings that name another key first, or retire it at once if it is not safe any more"
    )]
    Named {
        /// The document that holds them.
        document: DocumentKey,
        /// Its version.
        version: u64,
    },
}

/// Checks that a key may sign for whoever names none: everybody had the time to learn of it.
///
/// # Errors
/// Says when it may.
pub fn may_sign(published_at: Timestamp, now: Timestamp) -> Result<(), TooEarly> {
    let from = later(published_at, KEYS_STALE_AFTER);
    (now >= from).then_some(()).ok_or(TooEarly::Unknown(from))
}

/// Checks that a key may be retired: it signed nothing since `signed_at` that anybody could still check.
/// A token lasts for `token_lifetime`, and may be checked by who read older settings before it was made.
///
/// # Errors
/// Says when it may.
pub fn may_retire(
    signed_at: Option<Timestamp>,
    token_lifetime: SignedDuration,
    now: Timestamp,
) -> Result<(), TooEarly> {
    let Some(signed_at) = signed_at else {
        return Ok(());
    };
    let from = later(later(signed_at, token_lifetime), KEYS_STALE_AFTER);
    (now >= from).then_some(()).ok_or(TooEarly::Checked(from))
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_overlap_for_a_tokens_lifetime_and_the_age_of_what_sites_hold() {
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let lifetime = SignedDuration::from_mins(10);
        assert_eq!(may_sign(at(0), at(299)), Err(TooEarly::Unknown(at(300))));
        assert_eq!(may_sign(at(0), at(300)), Ok(()));
        let retire = |now| may_retire(Some(at(0)), lifetime, at(now));
        assert_eq!(retire(899), Err(TooEarly::Checked(at(900))));
        assert_eq!(retire(900), Ok(()));
        assert_eq!(may_retire(None, lifetime, at(0)), Ok(()), "it never signed");
        let never = may_retire(Some(Timestamp::MAX), lifetime, Timestamp::MAX);
        assert_eq!(never, Ok(()), "no overflow");
    }
}
