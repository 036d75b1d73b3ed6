//! The keys that sign config: shown, rotated, and root's kept elsewhere.
//!
//! A change of keys is one commit: the new root, all metadata signed anew, the new keys kept and the old ones
//! forgotten. Whatever stops it in the middle leaves the old keys with the old files, or the new with the new.

mod ending;
mod held;
mod root;
mod rotate;

use jiff::Timestamp;
use store::{AuditEntry, KeyChange, StoreError};
use tuf::{Keys, MetadataFile, PublicKey, RoleSays, RootSays, Signers, SigningKey, Trust};

use crate::delivery::{Repository, expires};
use crate::publish::Changed;
use crate::{Engine, EngineError};
pub(crate) use ending::Warned;
pub use ending::{Ending, Ends, OVERDUE_DAYS_BEFORE};
pub use held::Held;
pub(crate) use held::current;
pub use root::{Draft, NewRoot, ROOT_GOOD_FOR_DAYS_MAX, ROOT_WARNED_DAYS_BEFORE};
pub use rotate::Rotated;

/// A role whose key can be rotated.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum KeyRole {
    /// Says which keys sign the others.
    Root,
    /// Says which roles there are for documents.
    Targets,
    /// Signs the lists of documents.
    Documents,
    /// Says which files belong together.
    Snapshot,
    /// Says what is newest, every few seconds.
    Timestamp,
}

/// Who signs a role.
#[derive(Clone, Debug)]
pub struct RoleView {
    /// The role.
    pub role: KeyRole,
    /// How many of its keys must sign.
    pub threshold: u64,
    /// Its keys: the id, and whether the private half is on this server.
    pub keys: Vec<(String, bool)>,
    /// A key that was made for it here and waits for a root that names it.
    pub waiting: Option<String>,
}

/// The keys of the repository, and how long what they signed is good.
#[derive(Clone, Debug)]
pub struct KeysView {
    /// The version of the root.
    pub root_version: u64,
    /// Until when the root is good.
    pub root_expires: Timestamp,
    /// Whether root is signed elsewhere.
    pub root_elsewhere: bool,
    /// Whether somebody should sign a new root soon.
    pub root_expires_soon: bool,
    /// What ends soon and needs a person.
    pub endings: Vec<Ending>,
    /// Who signs what.
    pub roles: Vec<RoleView>,
    /// The newest file of each other role, with its version, and until when it is good; signed anew here before that.
    pub files: Vec<(String, u64, Option<Timestamp>)>,
}

impl KeyRole {
    /// All roles, in the order in which they vouch for each other.
    pub const ALL: [Self; 5] = [
        Self::Root,
        Self::Targets,
        Self::Documents,
        Self::Snapshot,
        Self::Timestamp,
    ];

    /// Its name; what its key is stored as.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Targets => "targets",
            Self::Documents => "documents",
            Self::Snapshot => "snapshot",
            Self::Timestamp => "timestamp",
        }
    }

    /// What its next key is stored as, while no root names it.
    #[must_use]
    pub fn next_name(self) -> String {
        format!("next {}", self.name())
    }

    fn of(self, keys: &Keys) -> &Signers {
        match self {
            Self::Root => &keys.root,
            Self::Targets => &keys.targets,
            Self::Documents => &keys.documents,
            Self::Snapshot => &keys.snapshot,
            Self::Timestamp => &keys.timestamp,
        }
    }

    /// What a root says of it; `None` for documents, whose key targets names.
    fn said_by(self, root: &mut RootSays) -> Option<&mut RoleSays> {
        match self {
            Self::Root => Some(&mut root.root),
            Self::Targets => Some(&mut root.targets),
            Self::Documents => None,
            Self::Snapshot => Some(&mut root.snapshot),
            Self::Timestamp => Some(&mut root.timestamp),
        }
    }
}

impl Engine {
    /// Who signs what, and how long it is good.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn signing_keys(&self) -> Result<KeysView, EngineError> {
        let repository = self.repository();
        let held = self.held(&repository).await?;
        let keys = held.keys_of(&held.root)?;
        let view = |role: KeyRole| {
            let signers = role.of(&keys);
            let here = signers.here();
            let place = |key: &PublicKey| {
                let is_here = here.iter().any(|one| one.public_key() == key);
                (key.id(), is_here)
            };
            RoleView {
                role,
                threshold: signers.needed(),
                keys: signers.public().iter().map(place).collect(),
                waiting: held.waiting(role).map(|key| key.public_key().id()),
            }
        };
        let files = repository.current.values();
        let files = files.map(|file| (file.role.clone(), file.version, expires(file)));
        Ok(KeysView {
            root_version: held.root.version,
            root_expires: held.root.expires,
            root_elsewhere: !keys.root.is_here(),
            root_expires_soon: self.is_soon(held.root.expires),
            endings: self.config_endings()?,
            roles: KeyRole::ALL.map(view).to_vec(),
            files: files.collect(),
        })
    }

    async fn held(&self, repository: &Repository) -> Result<Held, EngineError> {
        let root = read_root(&repository.root)?;
        let keys = self.store().repository_keys().await?;
        Ok(Held { root, keys })
    }

    /// Signs the next root with the keys of both that are here, and all else by the keys that it names.
    async fn sign_root_here(
        &self,
        before: &Repository,
        held: &Held,
        next: &RootSays,
        audit: &AuditEntry,
    ) -> Result<(), EngineError> {
        let root = held.sign_root(before, next)?;
        let changed = (held.keys_of(next)?, held.change_to(next));
        self.switch(before, changed, Some(root), audit).await
    }

    /// Signs everything with `keys` and saves it with them as one. Callers hold `publishing`.
    async fn switch(
        &self,
        before: &Repository,
        (keys, change): (Keys, KeyChange),
        root: Option<MetadataFile>,
        audit: &AuditEntry,
    ) -> Result<(), EngineError> {
        let delivery = &self.0.delivery;
        // Nobody else signs meanwhile: that, too, is done under `publishing`.
        let old = delivery.keys.swap(keys.into());
        let changed = Changed {
            keys: change,
            ..Changed::default()
        };
        let outcome = self.sign_all(before, changed, root, audit).await;
        if outcome.is_err() && self.repository().version() == before.version() {
            delivery.keys.store(old);
        }
        outcome.map_err(|e| match e {
            EngineError::Store(StoreError::Conflict { .. }) => EngineError::conflict(
                "somebody else published just now; look at the keys, and try again",
            ),
            e => e,
        })
    }
}

/// Whether an agent at the newest root would take this one.
fn check_followed(before: &Repository, root: &MetadataFile) -> Result<(), EngineError> {
    let trust = Trust::pin(&before.root).map_err(|e| EngineError::remote("read the root", &e))?;
    trust.would_follow(&root.bytes).map_err(|e| {
        EngineError::refused_at(
            "signatures",
            format!("agents would not follow this root: {e}"),
        )
    })
}

fn read_root(root: &[u8]) -> Result<RootSays, EngineError> {
    RootSays::read(root).map_err(|e| EngineError::remote("read the root", &e))
}

fn id_of(pkcs8: &[u8]) -> Result<String, EngineError> {
    let key = SigningKey::from_pkcs8(pkcs8).map_err(keys_fail)?;
    Ok(key.public_key().id())
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "named in `map_err`, which passes by value"
)]
fn keys_fail(error: tuf::KeyError) -> EngineError {
    EngineError::remote("use the signing keys", &error)
}
