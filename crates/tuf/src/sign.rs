//! Who signs a role, and signing: here, or on another machine that gets only what is to be signed.
//!
//! A root key need not be where the repository is built: [`Unsigned::payload`] travels to it, a
//! [`DetachedSignature`] comes back. Never decides whether a file is believed: that is the client's.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tough::schema::decoded::{Decoded, Hex};
use tough::schema::key::Key;
use tough::schema::{Role, RoleKeys};

use crate::schema::{self, Header, Kind as _, canonical};
use crate::{BuildError, KeyError, MetadataFile, SMALL_METADATA_BYTES_MAX, SigningKey, TrustError};

/// Keys that may sign one role.
pub const SIGNERS_MAX: usize = 64;
const PUBLIC_KEY_BYTES_MAX: usize = 16 << 10;

/// The public half of a key, wherever the other half is.
#[derive(Clone, Debug, PartialEq)]
pub struct PublicKey {
    key: Key,
    id: Decoded<Hex>,
}

/// Who signs a role: its public keys, how many of them must sign, and the keys that are here.
pub struct Signers {
    public: Vec<PublicKey>,
    threshold: NonZeroU64,
    here: Vec<SigningKey>,
}

/// A role as it will be signed.
#[derive(Clone, Debug)]
pub struct Unsigned {
    role: String,
    version: u64,
    signed: Value,
    payload: Vec<u8>,
}

/// A signature that travels on its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DetachedSignature {
    /// The id of the key.
    pub keyid: String,
    /// The signature, in hex.
    pub sig: String,
}

impl PublicKey {
    pub(crate) fn of(key: Key) -> Result<Self, KeyError> {
        let id = key.key_id().map_err(|_| KeyError::Public)?;
        Ok(Self { key, id })
    }

    /// Reads a key as metadata lists it: a JSON object with `keytype`, `scheme` and `keyval`.
    ///
    /// # Errors
    /// When it is something else, or of a kind that is not known.
    pub fn read(json: &[u8]) -> Result<Self, KeyError> {
        if json.len() > PUBLIC_KEY_BYTES_MAX {
            return Err(KeyError::Public);
        }
        let key = serde_json::from_slice(json).map_err(|_| KeyError::Public)?;
        Self::of(key)
    }

    /// The key as [`PublicKey::read`] takes it.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn json(&self) -> Result<Vec<u8>, KeyError> {
        serde_json::to_vec(&self.key).map_err(|_| KeyError::Public)
    }

    /// Its id, in hex: a hash of the key.
    #[must_use]
    pub fn id(&self) -> String {
        hex::encode(&self.id)
    }
}

impl Signers {
    /// One key, here, and it must sign.
    #[must_use]
    pub fn one(key: SigningKey) -> Self {
        Self {
            public: vec![key.public_key().clone()],
            threshold: NonZeroU64::MIN,
            here: vec![key],
        }
    }

    /// Several keys, of which `threshold` must sign; those that are `here` will.
    ///
    /// # Errors
    /// When the threshold is 0 or more than there are different keys, there are too many, or a key
    /// that is here is not among the public ones.
    pub fn several(
        public: Vec<PublicKey>,
        threshold: u64,
        here: Vec<SigningKey>,
    ) -> Result<Self, KeyError> {
        let ids: BTreeSet<&[u8]> = public.iter().map(|key| key.id.as_ref()).collect();
        let known = |key: &SigningKey| ids.contains::<[u8]>(key.public_key().id.as_ref());
        let fits = ids.len() == public.len()
            && ids.len() <= SIGNERS_MAX
            && threshold <= ids.len() as u64
            && here.iter().all(known);
        match NonZeroU64::new(threshold) {
            Some(threshold) if fits => Ok(Self {
                public,
                threshold,
                here,
            }),
            _ => Err(KeyError::Signers),
        }
    }

    /// Whether the keys that are here are enough.
    #[must_use]
    pub fn is_here(&self) -> bool {
        self.here.len() as u64 >= self.threshold.get()
    }

    /// Whether no key is here.
    #[must_use]
    pub fn is_elsewhere(&self) -> bool {
        self.here.is_empty()
    }

    /// Its keys, wherever they are.
    #[must_use]
    pub fn public(&self) -> &[PublicKey] {
        &self.public
    }

    /// How many of its keys must sign.
    #[must_use]
    pub fn needed(&self) -> u64 {
        self.threshold.get()
    }

    /// The keys that sign here.
    #[must_use]
    pub fn here(&self) -> Vec<&SigningKey> {
        self.here.iter().collect()
    }

    pub(crate) fn role_keys(&self) -> RoleKeys {
        RoleKeys {
            keyids: self.ids(),
            threshold: self.threshold,
            _extra: Default::default(),
        }
    }

    pub(crate) fn ids(&self) -> Vec<Decoded<Hex>> {
        self.public.iter().map(|key| key.id.clone()).collect()
    }

    pub(crate) fn threshold(&self) -> NonZeroU64 {
        self.threshold
    }

    pub(crate) fn listed(&self) -> impl Iterator<Item = (Decoded<Hex>, Key)> {
        let public = self.public.iter();
        public.map(|key| (key.id.clone(), key.key.clone()))
    }
}

impl Unsigned {
    pub(crate) fn of(name: &str, version: u64, role: &impl Role) -> Result<Self, BuildError> {
        let fail = |e: serde_json::Error| BuildError::Schema {
            role: name.into(),
            reason: e.to_string(),
        };
        let signed = serde_json::to_value(role).map_err(fail)?;
        let payload = canonical(&signed).map_err(fail)?;
        Ok(Self {
            role: name.into(),
            version,
            signed,
            payload,
        })
    }

    /// Reads the payload of a root on the machine that signs it.
    ///
    /// # Errors
    /// When it is not a root that a client could follow, or not written in the canonical form: what
    /// is signed must be what was read.
    pub fn read_root(payload: &[u8]) -> Result<Self, TrustError> {
        let file = "the payload";
        let fail = |reason: String| TrustError::Parse {
            file: file.into(),
            reason,
        };
        let (found, limit) = (payload.len() as u64, SMALL_METADATA_BYTES_MAX);
        if found > limit {
            let file = file.into();
            return Err(TrustError::TooLarge { file, found, limit });
        }
        let signed: Value = serde_json::from_slice(payload).map_err(|e| fail(e.to_string()))?;
        if canonical(&signed).map_err(|e| fail(e.to_string()))? != payload {
            return Err(fail("it is not in the canonical form".into()));
        }
        let header = Header::read(&signed, schema::Root::TYPE).map_err(fail)?;
        schema::Root::deserialize(&signed).map_err(|e| fail(e.to_string()))?;
        Ok(Self {
            role: "root".into(),
            version: header.version.get(),
            signed,
            payload: payload.to_vec(),
        })
    }

    /// What the signatures are over, to be carried to the keys.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// What it says, to be read by a person before signing.
    #[must_use]
    pub fn says(&self) -> &Value {
        &self.signed
    }

    /// Signs it with one key.
    #[must_use]
    pub fn sign(&self, key: &SigningKey) -> DetachedSignature {
        DetachedSignature {
            keyid: key.public_key().id(),
            sig: hex::encode(key.sign(&self.payload)),
        }
    }

    /// The file, with signatures from wherever they were made. A second one by the same key is left
    /// out, because clients refuse a file that has it.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn signed_by(&self, signatures: &[DetachedSignature]) -> Result<MetadataFile, BuildError> {
        let fail = |e: serde_json::Error| BuildError::Schema {
            role: self.role.clone(),
            reason: e.to_string(),
        };
        let mut ids = BTreeSet::new();
        let signatures: Vec<_> = signatures
            .iter()
            .filter(|one| ids.insert(&one.keyid))
            .collect();
        let signatures = serde_json::to_value(signatures).map_err(fail)?;
        // Sorted, so that equal metadata has equal bytes.
        let whole = BTreeMap::from([("signatures", &signatures), ("signed", &self.signed)]);
        Ok(MetadataFile {
            role: self.role.clone(),
            version: self.version,
            bytes: serde_json::to_vec(&whole).map_err(fail)?,
        })
    }
}
