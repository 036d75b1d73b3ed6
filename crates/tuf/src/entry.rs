//! Documents as targets: their names in the repository and their custom metadata.
//! Never decides which document a site reads.

use std::collections::HashMap;

use domain::document::{DOCUMENT_BYTES_MAX, Document, DocumentKey, Lane};
use domain::layer::{Layer, Piece};
use domain::name::{DocumentName, ProductName, ServiceName};
use domain::rollout::{CANARIES_MAX, Rollout};
use semver::VersionReq;
use serde_json::Value;
use tough::TargetName;
use tough::schema::{Hashes, Target};

/// Custom metadata: where the document goes while it is new; absent when that is everywhere.
const ROLLOUT: &str = "rollout";
/// Custom metadata: the layer of the document; absent for the document itself.
const LAYER: &str = "layer";
/// Custom metadata: the repository version that brought it.
const PUBLISHED: &str = "published";
/// Custom metadata: the SHA-256 of the JSON Schema.
const SCHEMA: &str = "schema";

/// One version of a document, as signed metadata lists it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Entry {
    /// Where the document belongs.
    pub key: DocumentKey,
    /// Its version within the key.
    pub version: u64,
    /// The releases that can honour it.
    pub accepts: VersionReq,
    /// How urgent it is.
    pub lane: Lane,
    /// Which sites are given it.
    pub rollout: Rollout,
    /// The repository version that brought it; 0 where that was not written down.
    pub published: u64,
    /// SHA-256 of the JSON Schema that the body was checked with.
    pub json_schema: Option<[u8; 32]>,
    /// Length of the body in bytes.
    pub length: u64,
    /// SHA-256 of the body.
    pub sha256: [u8; 32],
}

/// The role that signs the documents of one service of one product: `product.service`.
#[must_use]
pub fn role_name(product: &ProductName, service: &ServiceName) -> String {
    format!("{product}.{service}")
}

/// The product in the name of a delegated role; `None` when the role is not one of ours.
#[must_use]
pub fn role_product(role: &str) -> Option<&str> {
    role.split_once('.').map(|(product, _)| product)
}

/// `product/service/document/version.json`, and of a layer `product/service/document/LAYER.version.json`.
#[must_use]
pub fn target_name(key: &DocumentKey, version: u64) -> String {
    format!("{}/{}", key.path(), last_part(key, version))
}

fn last_part(key: &DocumentKey, version: u64) -> String {
    if key.layer.is_base() {
        return format!("{version}.json");
    }
    format!("{}.{version}.json", key.layer.slug())
}

/// Where the body lies below the folder of targets: the name with the hash before its last part,
/// as consistent snapshots have it.
#[must_use]
pub fn target_file(key: &DocumentKey, version: u64, sha256: &[u8; 32]) -> String {
    let last = last_part(key, version);
    format!("{}/{}.{last}", key.path(), hex::encode(sha256))
}

impl Entry {
    /// The entry of a document.
    #[must_use]
    pub fn of(document: &Document) -> Self {
        Self {
            key: document.key.clone(),
            version: document.version,
            accepts: document.accepts.clone(),
            lane: document.lane,
            rollout: document.rollout.clone(),
            published: document.published,
            json_schema: document
                .json_schema
                .as_ref()
                .map(|schema| crate::sha256(schema.as_bytes())),
            length: document.body.len() as u64,
            sha256: crate::sha256(&document.body),
        }
    }

    /// Where its body lies below the folder of targets.
    #[must_use]
    pub fn file(&self) -> String {
        target_file(&self.key, self.version, &self.sha256)
    }

    /// Whether `body` is, to the byte, what the signed metadata promises.
    #[must_use]
    pub fn fits(&self, body: &[u8]) -> bool {
        body.len() as u64 == self.length && crate::sha256(body) == self.sha256
    }

    pub(crate) fn target(&self) -> Option<(TargetName, Target)> {
        let name = TargetName::new(target_name(&self.key, self.version)).ok()?;
        let hashes = Hashes {
            sha256: self.sha256.to_vec().into(),
            _extra: HashMap::new(),
        };
        let mut custom = HashMap::from([
            ("product".to_owned(), Value::from(self.key.product.as_str())),
            ("service".to_owned(), Value::from(self.key.service.as_str())),
            ("document".to_owned(), Value::from(self.key.name.as_str())),
            ("accepts".to_owned(), Value::from(self.accepts.to_string())),
            ("lane".to_owned(), Value::from(self.lane.as_str())),
        ]);
        if !self.key.layer.is_base() {
            custom.insert(LAYER.into(), self.key.layer.to_string().into());
        }
        if self.published > 0 {
            custom.insert(PUBLISHED.into(), self.published.into());
        }
        if !self.rollout.is_everywhere() {
            custom.insert(ROLLOUT.into(), serde_json::to_value(&self.rollout).ok()?);
        }
        if let Some(schema) = self.json_schema {
            custom.insert(SCHEMA.into(), Value::from(hex::encode(schema)));
        }
        let target = Target {
            length: self.length,
            hashes,
            custom,
            _extra: HashMap::new(),
        };
        Some((name, target))
    }

    /// Reads an entry; `None` when the name and the custom metadata disagree or do not parse.
    pub(crate) fn read(name: &TargetName, target: &Target) -> Option<Self> {
        let word = |name: &str| target.custom.get(name).and_then(Value::as_str);
        let key = DocumentKey::base(
            ProductName::parse(word("product")?).ok()?,
            ServiceName::parse(word("service")?).ok()?,
            DocumentName::parse(word("document")?).ok()?,
        );
        let key = key.with_layer(Layer::parse(word(LAYER).unwrap_or_default()).ok()?);
        let last = name.raw().rsplit('/').next()?.strip_suffix(".json")?;
        let version: u64 = last.rsplit('.').next()?.parse().ok()?;
        // What is for one site travels with the site.
        let is_ours = version > 0 && !key.layer.is_site();
        let named = target_name(&key, version) == name.raw() && is_ours;
        let entry = Self {
            key,
            version,
            accepts: VersionReq::parse(word("accepts")?).ok()?,
            lane: Lane::parse(word("lane")?)?,
            rollout: rollout(target.custom.get(ROLLOUT))?,
            published: target
                .custom
                .get(PUBLISHED)
                .map_or(Some(0), Value::as_u64)?,
            json_schema: match word(SCHEMA) {
                Some(digest) => Some(hex::decode(digest).ok()?.try_into().ok()?),
                None => None,
            },
            length: target.length,
            sha256: target.hashes.sha256.as_ref().try_into().ok()?,
        };
        (named && entry.length <= DOCUMENT_BYTES_MAX as u64).then_some(entry)
    }
}

fn rollout(custom: Option<&Value>) -> Option<Rollout> {
    let Some(custom) = custom else {
        return Some(Rollout::everywhere());
    };
    let rollout: Rollout = serde_json::from_value(custom.clone()).ok()?;
    (rollout.canary_sites().len() <= CANARIES_MAX).then_some(rollout)
}

impl Piece for Entry {
    fn accepts(&self) -> &VersionReq {
        &self.accepts
    }

    fn rollout(&self) -> &Rollout {
        &self.rollout
    }
}
