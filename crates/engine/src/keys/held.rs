//! The keys that are on this server, and what each root makes of them. Never stores or signs.

use jiff::Timestamp;
use store::KeyChange;
use tuf::{Keys, MetadataFile, PublicKey, RoleSays, RootSays, SigningKey};

use super::{KeyRole, check_followed, keys_fail, read_root};
use crate::EngineError;
use crate::delivery::{Repository, signing};

/// What the store has, and what the root says.
pub struct Held {
    /// The newest root.
    pub root: RootSays,
    /// Private keys by name, in PKCS#8.
    pub keys: Vec<(String, Vec<u8>)>,
}

impl Held {
    /// Puts a key in place of the one of that name.
    pub fn replace(&mut self, name: &str, key: Vec<u8>) -> KeyChange {
        self.keys.retain(|(known, _)| known != name);
        self.keys.push((name.into(), key.clone()));
        KeyChange {
            kept: vec![(name.into(), key)],
            forgotten: vec![],
        }
    }

    pub(super) fn find(&self, name: &str) -> Option<&[u8]> {
        let found = self.keys.iter().find(|(known, _)| known == name);
        found.map(|(_, key)| key.as_slice())
    }

    /// The name and the private half of a public key, if it is here.
    pub(super) fn named(&self, public: &PublicKey) -> Option<(&str, &[u8])> {
        let found = self.keys.iter().find(|(_, bytes)| {
            let key = SigningKey::from_pkcs8(bytes);
            key.is_ok_and(|key| key.public_key() == public)
        });
        found.map(|(name, key)| (name.as_str(), key.as_slice()))
    }

    /// The keys to sign with while `root` is the newest.
    ///
    /// # Errors
    /// When a key does not read, or is missing.
    pub fn keys_of(&self, root: &RootSays) -> Result<Keys, EngineError> {
        let documents = self.find(KeyRole::Documents.name()).unwrap_or_default();
        let documents = SigningKey::from_pkcs8(documents).map_err(keys_fail)?;
        let held = |public: &PublicKey| SigningKey::from_pkcs8(self.named(public)?.1).ok();
        root.keys(held, documents).map_err(keys_fail)
    }

    /// The key that waits for a role.
    pub(super) fn waiting(&self, role: KeyRole) -> Option<SigningKey> {
        SigningKey::from_pkcs8(self.find(&role.next_name())?).ok()
    }

    /// The root after this one: what waits takes the place of what signs now.
    #[must_use]
    pub fn next_root(&self, expires: Timestamp) -> RootSays {
        let mut next = self.root.clone();
        next.version += 1;
        next.expires = expires;
        for role in KeyRole::ALL {
            let waiting = self.waiting(role);
            if let (Some(key), Some(says)) = (waiting, role.said_by(&mut next)) {
                *says = RoleSays::one(key.public_key().clone());
            }
        }
        next
    }

    /// Signs the next root with the keys of both that are here.
    ///
    /// # Errors
    /// When these are not enough for agents.
    pub fn sign_root(
        &self,
        before: &Repository,
        next: &RootSays,
    ) -> Result<MetadataFile, EngineError> {
        let (old, new) = (self.keys_of(&self.root)?, self.keys_of(next)?);
        let unsigned = tuf::unsigned_root(&new, next.version, next.expires).map_err(signing)?;
        let both = old.root.here().into_iter().chain(new.root.here());
        let signatures: Vec<_> = both.map(|key| unsigned.sign(key)).collect();
        let root = unsigned.signed_by(&signatures).map_err(signing)?;
        check_followed(before, &root)?;
        Ok(root)
    }

    /// What becomes of the keys that are here once `root` is the newest: those that it names take the names of their
    /// roles, and all others of those names are forgotten. What still waits goes on waiting.
    #[must_use]
    pub fn change_to(&self, root: &RootSays) -> KeyChange {
        let mut change = KeyChange::default();
        for (name, says) in root.roles() {
            let named = says.keys.iter().find_map(|key| self.named(key));
            match named {
                Some((known, _)) if known == name => {}
                Some((known, key)) => {
                    change.kept.push((name.into(), key.to_vec()));
                    change.forgotten.push(known.into());
                }
                None => change.forgotten.push(name.into()),
            }
        }
        change
    }
}

/// The keys to sign with, from what the store keeps and what the newest root says.
pub(crate) fn current(root: &[u8], keys: Vec<(String, Vec<u8>)>) -> Result<Keys, EngineError> {
    let root = read_root(root)?;
    let held = Held { root, keys };
    held.keys_of(&held.root)
}
