//! What a root says: which keys sign which role, how many of them must, and until when.
//! Never decides whether the root is to be believed; [`crate::Trust::would_follow`] does.

use jiff::Timestamp;
use serde_json::Value;

use crate::schema::{Header, Kind as _, Root};
use crate::sign::{PublicKey, Signers};
use crate::{KeyError, Keys, SigningKey, TrustError};

/// The keys of one role, and how many of them must sign.
#[derive(Clone, Debug, PartialEq)]
pub struct RoleSays {
    /// Its keys.
    pub keys: Vec<PublicKey>,
    /// How many must sign.
    pub threshold: u64,
}

/// What a root says.
#[derive(Clone, Debug, PartialEq)]
pub struct RootSays {
    /// Its version.
    pub version: u64,
    /// Until when it is good.
    pub expires: Timestamp,
    /// Who signs root.
    pub root: RoleSays,
    /// Who signs targets.
    pub targets: RoleSays,
    /// Who signs the snapshot.
    pub snapshot: RoleSays,
    /// Who signs the timestamp.
    pub timestamp: RoleSays,
}

impl RootSays {
    /// Reads a signed root file, or the payload of one that is not signed yet.
    ///
    /// # Errors
    /// When it is neither, or has a key of a kind that is not known.
    pub fn read(bytes: &[u8]) -> Result<Self, TrustError> {
        let fail = |reason: String| TrustError::Parse {
            file: "root.json".into(),
            reason,
        };
        let whole: Value = serde_json::from_slice(bytes).map_err(|e| fail(e.to_string()))?;
        let says = whole.get("signed").unwrap_or(&whole);
        let header = Header::read(says, Root::TYPE).map_err(fail)?;
        let role = |name: &str| role(says, name).map_err(|e| fail(format!("{name}: {e}")));
        Ok(Self {
            version: header.version.get(),
            expires: header.expires,
            root: role("root")?,
            targets: role("targets")?,
            snapshot: role("snapshot")?,
            timestamp: role("timestamp")?,
        })
    }

    /// Its roles by name.
    #[must_use]
    pub fn roles(&self) -> [(&'static str, &RoleSays); 4] {
        [
            ("root", &self.root),
            ("targets", &self.targets),
            ("snapshot", &self.snapshot),
            ("timestamp", &self.timestamp),
        ]
    }

    /// The keys to sign with: those of this root, as far as they are `held`, and `documents`.
    ///
    /// # Errors
    /// When a role has too many keys, or a threshold that they cannot meet.
    pub fn keys(
        &self,
        held: impl Fn(&PublicKey) -> Option<SigningKey>,
        documents: SigningKey,
    ) -> Result<Keys, KeyError> {
        let signers = |role: &RoleSays| {
            let here = role.keys.iter().filter_map(&held).collect();
            Signers::several(role.keys.clone(), role.threshold, here)
        };
        Ok(Keys {
            root: signers(&self.root)?,
            targets: signers(&self.targets)?,
            documents: Signers::one(documents),
            snapshot: signers(&self.snapshot)?,
            timestamp: signers(&self.timestamp)?,
        })
    }
}

impl RoleSays {
    /// One key, and it must sign.
    #[must_use]
    pub fn one(key: PublicKey) -> Self {
        Self {
            keys: vec![key],
            threshold: 1,
        }
    }
}

fn role(says: &Value, name: &str) -> Result<RoleSays, String> {
    let role = &says["roles"][name];
    let ids = role["keyids"].as_array().ok_or("it has no keyids")?;
    let threshold = role["threshold"].as_u64().ok_or("it has no threshold")?;
    let key = |id: &Value| {
        let id = id.as_str().ok_or("a key's id is no text")?;
        let json = says["keys"]
            .get(id)
            .ok_or_else(|| format!("key {id} is not listed"))?;
        let key = PublicKey::read(json.to_string().as_bytes()).map_err(|e| e.to_string())?;
        if key.id() == id {
            Ok(key)
        } else {
            Err(format!("key {id} is not what its id says"))
        }
    };
    let keys = ids.iter().map(key).collect::<Result<_, String>>()?;
    Ok(RoleSays { keys, threshold })
}
