//! A root that is signed elsewhere: drafted, published, and renewed in time.

use jiff::{SignedDuration, Timestamp};
use tuf::{DetachedSignature, Keys, PublicKey, RoleSays, RootSays, SIGNERS_MAX, Signers, Unsigned};

use super::held::Held;
use super::{KeyRole, check_followed, read_root};
use crate::delivery::{ROOT_EXPIRES_AFTER, later, signing};
use crate::{Engine, EngineError};

/// A root that is kept elsewhere is told to be signed anew when less than this is left.
pub const ROOT_WARNED_DAYS_BEFORE: i64 = 60;
/// A root is good for as long, unless the draft says otherwise.
pub(super) const ROOT_GOOD_FOR_DAYS: u32 = 365;
/// The longest time for which a root is drafted.
pub const ROOT_GOOD_FOR_DAYS_MAX: u32 = 3_650;
/// A root that a client would refuse tomorrow is not published.
const ROOT_LEFT_MIN: SignedDuration = SignedDuration::from_hours(24);

/// A root that is not signed yet.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Its version.
    pub version: u64,
    /// What is to be signed, to the byte: canonical JSON.
    pub payload: String,
}

/// Who shall sign root.
#[derive(Clone, Debug, Default)]
pub struct NewRoot {
    /// Public keys; empty for those that sign it now.
    pub keys: Vec<serde_json::Value>,
    /// How many must sign; needed with keys.
    pub threshold: Option<u64>,
    /// For how many days it is good.
    pub days: Option<u32>,
}

impl Engine {
    /// Drafts the root after this one, for keys that sign it elsewhere. Changes nothing.
    ///
    /// # Errors
    /// When the keys, the threshold or the days break a rule, or the store fails.
    pub async fn draft_root(&self, new: NewRoot) -> Result<Draft, EngineError> {
        let days = new.days.unwrap_or(ROOT_GOOD_FOR_DAYS);
        if !(2..=ROOT_GOOD_FOR_DAYS_MAX).contains(&days) {
            let rule = format!("a root is good for 2 to {ROOT_GOOD_FOR_DAYS_MAX} days");
            return Err(EngineError::refused_at("days", rule));
        }
        let held = self.held(&self.repository()).await?;
        let days = SignedDuration::from_hours(24 * i64::from(days));
        let mut next = held.next_root(later(self.clock().now(), days));
        if !new.keys.is_empty() || new.threshold.is_some() {
            next.root = new_signers(&new)?;
        }
        draft(&held, &next)
    }

    /// Publishes a root that was signed elsewhere, adds this server's signature where it holds a key of root, and signs
    /// all else anew. A private key of root that it does not name any more is forgotten. Gives its version.
    ///
    /// # Errors
    /// When agents would not follow it, it is over within a day, it names keys for other roles that this server does
    /// not hold, or the store fails. Nothing is changed then.
    pub async fn publish_root(
        &self,
        payload: &str,
        signatures: &[DetachedSignature],
        who: &str,
    ) -> Result<u64, EngineError> {
        let refused = |reason: String| EngineError::refused_at("root", reason);
        if signatures.len() > SIGNERS_MAX {
            let rule = format!("a root takes at most {SIGNERS_MAX} signatures");
            return Err(EngineError::refused_at("signatures", rule));
        }
        let _alone = self.0.delivery.publishing.lock().await;
        let before = self.repository();
        let held = self.held(&before).await?;
        let unsigned = Unsigned::read_root(payload.as_bytes());
        let unsigned = unsigned.map_err(|e| refused(e.to_string()))?;
        let next = RootSays::read(payload.as_bytes()).map_err(|e| refused(e.to_string()))?;
        if next.version != held.root.version + 1 {
            let (found, newest) = (next.version, held.root.version);
            let reason = format!(
                "this is root version {found}, and the newest is {newest}: draft the next one again"
            );
            return Err(EngineError::conflict(reason));
        }
        if next.expires < later(self.clock().now(), ROOT_LEFT_MIN) {
            let reason = format!(
                "this root is good until {}; agents refuse it then",
                next.expires
            );
            return Err(refused(reason));
        }
        check_online(&held.keys_of(&next)?)?;
        let own = held.keys_of(&held.root)?;
        let own = own.root.here().into_iter().map(|key| unsigned.sign(key));
        let all: Vec<_> = signatures.iter().cloned().chain(own).collect();
        let root = unsigned.signed_by(&all).map_err(signing)?;
        check_followed(&before, &root)?;
        let detail = if held.keys_of(&next)?.root.is_here() {
            "signed here, too"
        } else {
            "this server holds no key of root that could sign the next"
        };
        let what = format!("version {}", next.version);
        let audit = self.audit(who, "published a root of config", &what, detail);
        let changed = (held.keys_of(&next)?, held.change_to(&next));
        self.switch(&before, changed, Some(root), &audit).await?;
        Ok(next.version)
    }

    /// Signs a root anew before it is over, where this server can. Callers hold `publishing`.
    pub(crate) async fn look_after_root(&self) -> Result<(), EngineError> {
        let before = self.repository();
        let root = read_root(&before.root)?;
        if !self.is_soon(root.expires) {
            return Ok(());
        }
        let held = self.held(&before).await?;
        if !held.keys_of(&held.root)?.root.is_here() {
            return Ok(());
        }
        let next = held.next_root(later(self.clock().now(), ROOT_EXPIRES_AFTER));
        let what = format!("version {}", next.version);
        let act = "published a root of config";
        let audit = self.audit("lamplighter", act, &what, "before it expires");
        self.sign_root_here(&before, &held, &next, &audit).await
    }

    pub(super) fn is_soon(&self, expires: Timestamp) -> bool {
        let warned = SignedDuration::from_hours(24 * ROOT_WARNED_DAYS_BEFORE);
        later(self.clock().now(), warned) > expires
    }
}

/// All roles but root are signed here, so their keys must be.
fn check_online(keys: &Keys) -> Result<(), EngineError> {
    for role in [KeyRole::Targets, KeyRole::Snapshot, KeyRole::Timestamp] {
        if !role.of(keys).is_here() {
            let name = role.name();
            let reason = format!(
                "this root names keys of {name} that this server does not hold: draft it here again"
            );
            return Err(EngineError::refused_at("root", reason));
        }
    }
    Ok(())
}

fn new_signers(new: &NewRoot) -> Result<RoleSays, EngineError> {
    let read = |(index, key): (usize, &serde_json::Value)| {
        let key = PublicKey::read(key.to_string().as_bytes());
        key.map_err(|e| EngineError::refused_at(&format!("keys[{index}]"), e))
    };
    let keys = new.keys.iter().enumerate().map(read);
    let keys = keys.collect::<Result<Vec<_>, _>>()?;
    let threshold = new.threshold.unwrap_or(0);
    let checked = Signers::several(keys.clone(), threshold, vec![]);
    checked.map_err(|e| EngineError::refused_at("threshold", e))?;
    Ok(RoleSays { keys, threshold })
}

pub(super) fn draft(held: &Held, next: &RootSays) -> Result<Draft, EngineError> {
    let keys = held.keys_of(next)?;
    let unsigned = tuf::unsigned_root(&keys, next.version, next.expires).map_err(signing)?;
    Ok(Draft {
        version: next.version,
        payload: String::from_utf8_lossy(unsigned.payload()).into_owned(),
    })
}
