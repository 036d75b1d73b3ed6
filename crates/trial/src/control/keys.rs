//! The keys that sign config, as an operator rotates them: by the server where it holds root, by people elsewhere
//! where it does not. The rules are the engine's (`engine::rules::HeldKeys`).

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_lc_rs::signature::Ed25519KeyPair;
use engine::rules;
use jiff::{SignedDuration, Timestamp};
use protocol::delivery::Push;
use tuf::{Keys, MetadataFile, RoleSays, RootSays, SigningKey, Trust};

use super::{Control, Told, said};

/// A root is good for longer than any run.
const GOOD_FOR: SignedDuration = SignedDuration::from_hours(24 * 3_650);
/// So many people hold a key of root, and so many of them must sign.
const PEOPLE: usize = 3;
const NEEDED: usize = 2;

/// All keys that there are, and that there were.
pub(crate) struct Ring {
    held: rules::HeldKeys,
    /// Those of root, where people hold them.
    people: Vec<Vec<u8>>,
    /// By role, the newest last.
    retired: BTreeMap<&'static str, Vec<Vec<u8>>>,
    made: u64,
}

impl Ring {
    /// The same keys in every run: what is signed is the same then, to the byte.
    pub(super) fn new() -> Told<(Self, Keys)> {
        let mut made = 0;
        let mut keys = vec![];
        for name in Keys::NAMES {
            made += 1;
            keys.push((name.to_owned(), key(made)?));
        }
        let find = |name: &str| {
            let found = keys.iter().find(|(known, _)| known == name);
            found.map(|(_, key)| key.clone())
        };
        let signing = Keys::read(find).map_err(said)?;
        let root = tuf::root(&signing, 1, later(crate::fleet::start())).map_err(said)?;
        let root = RootSays::read(&root.bytes).map_err(said)?;
        let ring = Self {
            held: rules::HeldKeys { root, keys },
            people: vec![],
            retired: BTreeMap::new(),
            made,
        };
        Ok((ring, signing))
    }

    fn fresh(&mut self) -> Told<Vec<u8>> {
        self.made += 1;
        key(self.made)
    }

    fn find(&self, name: &str) -> Option<Vec<u8>> {
        let found = self.held.keys.iter().find(|(known, _)| known == name);
        found.map(|(_, key)| key.clone())
    }

    fn retire(&mut self, role: &'static str, keys: impl IntoIterator<Item = Vec<u8>>) {
        self.retired.entry(role).or_default().extend(keys);
    }

    /// The keys of a role that sign no more, the newest first.
    pub(crate) fn retired(&self, role: &str) -> Vec<Vec<u8>> {
        let all = self.retired.get(role).cloned();
        let mut all = all.unwrap_or_default();
        all.reverse();
        all
    }

    /// Too few of the keys that sign root now: none where one is enough.
    pub(crate) fn too_few_of_root(&self) -> Vec<Vec<u8>> {
        let few = self.people.len().min(NEEDED.saturating_sub(1));
        self.people.iter().take(few).cloned().collect()
    }

    /// The version of the newest root.
    pub(crate) fn root_version(&self) -> u64 {
        self.held.root.version
    }

    /// The root after this one, signed by whoever holds root, and by those who will.
    fn signed(&self, next: &RootSays, old: &[Vec<u8>], new: &[Vec<u8>]) -> Told<MetadataFile> {
        let keys = self.held.keys_of(next).map_err(said)?;
        let unsigned = tuf::unsigned_root(&keys, next.version, next.expires).map_err(said)?;
        let signatures = old.iter().chain(new).map(|key| {
            let key = SigningKey::from_pkcs8(key).map_err(said)?;
            Ok(unsigned.sign(&key))
        });
        let signatures: Vec<_> = signatures.collect::<Told<_>>()?;
        unsigned.signed_by(&signatures).map_err(said)
    }
}

impl Control {
    /// Another key signs a role that is on the server from now on.
    pub(crate) fn rotate(
        &mut self,
        role: &'static str,
        now: Timestamp,
        stops: bool,
    ) -> Told<Option<Push>> {
        let fresh = self.ring.fresh()?;
        let old = self.ring.find(role);
        let root = if role == "documents" {
            self.ring.held.replace(role, fresh);
            None
        } else {
            self.ring.held.replace(&format!("next {role}"), fresh);
            let next = self.ring.held.next_root(later(now));
            let root = if self.ring.people.is_empty() {
                let signed = self.ring.held.sign_root(&self.repository, &next);
                signed.map_err(said)?
            } else {
                let enough = enough(&self.ring.people);
                self.ring.signed(&next, enough, &[])?
            };
            let change = self.ring.held.change_to(&next);
            self.ring
                .held
                .keys
                .retain(|(name, _)| !change.forgotten.contains(name));
            for (name, key) in change.kept {
                self.ring.held.replace(&name, key);
            }
            self.ring.held.root = next;
            Some(root)
        };
        self.ring.retire(role, old);
        self.sign_all(root, now, stops)
    }

    /// Others sign root from now on: the server by itself, or people elsewhere, of whom two must.
    pub(crate) fn rotate_root(
        &mut self,
        by_people: bool,
        now: Timestamp,
        stops: bool,
    ) -> Told<Option<Push>> {
        let old: Vec<_> = self.root_keys();
        let count = if by_people { PEOPLE } else { 1 };
        let new = (0..count).map(|_| self.ring.fresh());
        let new: Vec<_> = new.collect::<Told<_>>()?;
        let public = new.iter().map(|key| {
            let key = SigningKey::from_pkcs8(key).map_err(said)?;
            Ok(key.public_key().clone())
        });
        let mut next = self.ring.held.next_root(later(now));
        next.root = RoleSays {
            keys: public.collect::<Told<_>>()?,
            threshold: enough(&new).len() as u64,
        };
        let root = self.ring.signed(&next, enough(&old), enough(&new))?;
        let trust = Trust::pin(&self.repository.root()).map_err(said)?;
        trust.would_follow(&root.bytes).map_err(said)?;
        let ring = &mut self.ring;
        ring.held.keys.retain(|(name, _)| name != "root");
        if by_people {
            ring.people = new;
        } else {
            ring.people.clear();
            ring.held
                .keys
                .extend(new.into_iter().map(|key| ("root".into(), key)));
        }
        ring.held.root = next;
        ring.retire("root", old);
        self.sign_all(Some(root), now, stops)
    }

    fn root_keys(&self) -> Vec<Vec<u8>> {
        if self.ring.people.is_empty() {
            self.ring.find("root").into_iter().collect()
        } else {
            self.ring.people.clone()
        }
    }

    /// Signs everything anew by the keys of the newest root.
    pub(super) fn sign_all(
        &mut self,
        root: Option<MetadataFile>,
        now: Timestamp,
        stops: bool,
    ) -> Told<Option<Push>> {
        self.keys = self.ring.held.keys_of(&self.ring.held.root).map_err(said)?;
        let before = Arc::clone(&self.repository);
        let mut documents = before.documents().clone();
        for key in before.documents().keys() {
            self.drop_unread(&mut documents, key);
        }
        let telling = rules::Telling::of_all(self.told.clone());
        let signing = rules::Signing {
            keys: &self.keys,
            before: &before,
            now,
        };
        let mut files = signing.all(&documents, &telling).map_err(said)?;
        files.extend(root);
        self.repository = Arc::new(before.followed_by(documents, telling.told, &files));
        self.remember();
        if stops {
            self.stop();
            return Ok(None);
        }
        self.sign_timestamp(now)?;
        Ok(Some(self.repository.push_after(&before, &self.timestamp)))
    }
}

/// As many of them as must sign.
fn enough(keys: &[Vec<u8>]) -> &[Vec<u8>] {
    keys.get(..NEEDED)
        .filter(|_| keys.len() > 1)
        .unwrap_or(keys)
}

fn later(now: Timestamp) -> Timestamp {
    now.saturating_add(GOOD_FOR).unwrap_or(Timestamp::MAX)
}

/// The key of this number, in PKCS#8.
pub(crate) fn key(number: u64) -> Told<Vec<u8>> {
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&number.to_le_bytes());
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(said)?;
    Ok(pair.to_pkcs8().map_err(said)?.as_ref().to_vec())
}
