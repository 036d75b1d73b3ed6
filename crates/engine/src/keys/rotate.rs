//! A role gets a new key: at once, or when a root that is signed elsewhere names it.

use jiff::SignedDuration;
use tuf::{Signers, SigningKey};

use super::held::Held;
use super::root::{Draft, ROOT_GOOD_FOR_DAYS, draft};
use super::{KeyRole, id_of, keys_fail};
use crate::delivery::{ROOT_EXPIRES_AFTER, later};
use crate::{Engine, EngineError};

const ROOT_IS_ELSEWHERE: &str = "root is signed elsewhere: draft one that names its new keys, sign it there with enough of the old and of the new, and publish it";

/// What came of a rotation.
#[derive(Clone, Debug)]
pub enum Rotated {
    /// The new key signs from now on.
    Done {
        /// Its id.
        key: String,
        /// The version of the root that names it.
        root_version: u64,
    },
    /// The new key is kept, and signs when this root is signed elsewhere and published.
    Drafted(Draft),
}

impl Engine {
    /// Makes a new key for a role, in place of the one with the id `replaces`, and signs with it from now on. Where root
    /// is signed elsewhere, and names the role's keys, the key waits for a root that names it.
    ///
    /// # Errors
    /// When the role has another key by now, or several, or is root and signed elsewhere; when the store fails.
    pub async fn rotate_key(
        &self,
        role: KeyRole,
        replaces: &str,
        who: &str,
    ) -> Result<Rotated, EngineError> {
        let _alone = self.0.delivery.publishing.lock().await;
        let before = self.repository();
        let mut held = self.held(&before).await?;
        let keys = held.keys_of(&held.root)?;
        let elsewhere = !keys.root.is_here();
        if role == KeyRole::Root && elsewhere {
            return Err(EngineError::refused_at("role", ROOT_IS_ELSEWHERE));
        }
        check_replaced(role, role.of(&keys), replaces)?;
        if elsewhere && role != KeyRole::Documents {
            return self.keep_next(role, held, who).await.map(Rotated::Drafted);
        }
        let fresh = SigningKey::generate().map_err(keys_fail)?;
        let id = id_of(&fresh)?;
        let audit = |root: u64| {
            let detail = format!("{replaces} gave way to {id}; root version {root}");
            self.audit(who, "rotated a key of config", role.name(), &detail)
        };
        if role == KeyRole::Documents {
            let audit = audit(held.root.version);
            let change = held.replace(role.name(), fresh);
            let keys = held.keys_of(&held.root)?;
            self.switch(&before, (keys, change), None, &audit).await?;
        } else {
            held.replace(&role.next_name(), fresh);
            let next = held.next_root(later(self.clock().now(), ROOT_EXPIRES_AFTER));
            let audit = audit(next.version);
            self.sign_root_here(&before, &held, &next, &audit).await?;
            held.root = next;
        }
        Ok(Rotated::Done {
            key: id,
            root_version: held.root.version,
        })
    }

    /// Keeps a new key for a role until a root names it, and drafts that root. One that waits already is kept: a
    /// draft that names it may be on its way.
    async fn keep_next(
        &self,
        role: KeyRole,
        mut held: Held,
        who: &str,
    ) -> Result<Draft, EngineError> {
        if held.waiting(role).is_none() {
            let fresh = SigningKey::generate().map_err(keys_fail)?;
            let detail = format!("{} waits for a root that names it", id_of(&fresh)?);
            let audit = self.audit(who, "made a key of config", role.name(), &detail);
            let name = role.next_name();
            let added = self.store().add_repository_key(&name, &fresh, &audit);
            added.await?;
            held.replace(&name, fresh);
        }
        let days = SignedDuration::from_hours(24 * i64::from(ROOT_GOOD_FOR_DAYS));
        let next = held.next_root(later(self.clock().now(), days));
        draft(&held, &next)
    }
}

fn check_replaced(role: KeyRole, signers: &Signers, replaces: &str) -> Result<(), EngineError> {
    let name = role.name();
    match signers.public() {
        [one] if one.id() == replaces => Ok(()),
        [one] => {
            let reason = format!(
                "{name} has key {} by now; look at the keys, and try again",
                one.id()
            );
            Err(EngineError::conflict(reason))
        }
        several => {
            let count = several.len();
            let reason = format!("{name} has {count} keys: draft a root that names its new keys");
            Err(EngineError::refused_at("role", reason))
        }
    }
}
