//! Publishes documents: checks, signs, saves all in one change, pushes.
//! Never activates anything on a site.

use std::collections::BTreeSet;

use domain::document::{DOCUMENT_BYTES_MAX, Document, DocumentKey, Lane, check_coverage};
use domain::name::{ProductName, ServiceName};
use domain::release::ReleaseState;
use domain::sign_in::{self, ClientSettings, ProviderFacts};
use semver::{Version, VersionReq};
use serde_json::Value;
use store::{Publication, StoreError};
use tuf::{Entry, MetadataFile, role_name};

use crate::banner::is_banners;
use crate::delivery::{METADATA_EXPIRES_AFTER, Repository, after, signing, stored};
use crate::{Engine, EngineError};

/// A document to be published.
#[derive(Clone, Debug)]
pub struct NewDocument {
    /// Where it belongs.
    pub key: DocumentKey,
    /// The releases that can honour it.
    pub accepts: VersionReq,
    /// How urgent it is.
    pub lane: Lane,
    /// What its JSON must look like: `type` and `required` of JSON Schema.
    pub schema: Option<Value>,
    /// JSON, at most [`DOCUMENT_BYTES_MAX`] bytes.
    pub body: Vec<u8>,
}

impl Engine {
    /// Publishes a new version of a document; gives its version.
    ///
    /// # Errors
    /// When the body is too large, is not JSON or breaks its schema, when it holds settings for
    /// sign-in that this provider cannot honour, when a live or staged release
    /// would be left without a version it accepts, or when the store fails. Nothing is changed then.
    pub async fn publish_document(&self, new: NewDocument, who: &str) -> Result<u64, EngineError> {
        if is_banners(&new.key) {
            let rule = "banners are published by themselves; change them with `lamplighter banner`";
            return Err(EngineError::refused_at("service", rule));
        }
        self.publish(new, who).await
    }

    /// As [`Engine::publish_document`], also for what is published by itself.
    pub(crate) async fn publish(&self, new: NewDocument, who: &str) -> Result<u64, EngineError> {
        check_body(&new)?;
        if self.fleet().product(&new.key.product).is_none() {
            return Err(EngineError::not_found("product", &new.key.product));
        }
        if sign_in::is_settings(&new.key) {
            self.check_settings(&new.body).await?;
        }
        let delivery = &self.0.delivery;
        let _alone = delivery.publishing.lock().await;
        let mut tries = 0;
        loop {
            match self.try_publish(&new, who).await {
                // Another process published in between: look again, and do it on top of that.
                Err(EngineError::Store(StoreError::Conflict { .. })) if tries < 5 => {
                    tries += 1;
                    self.reload_repository().await?;
                }
                outcome => return outcome,
            }
        }
    }

    /// Settings that the provider cannot honour would stop every sign-in of their sites, and nobody
    /// could sign in to say so.
    async fn check_settings(&self, body: &[u8]) -> Result<(), EngineError> {
        let keys = self.store().public_signing_keys().await?;
        let provider = ProviderFacts {
            issuer: &self.settings().base_url,
            keys: &keys,
        };
        let checked =
            ClientSettings::parse(body).and_then(|settings| settings.check_with(provider));
        checked.map_err(|bad| {
            let at = bad
                .at()
                .map_or("body".into(), |field| format!("body.{field}"));
            EngineError::refused_at(&at, bad)
        })
    }

    async fn try_publish(&self, new: &NewDocument, who: &str) -> Result<u64, EngineError> {
        let before = self.repository();
        let document = next_version(&before, new);
        if !is_banners(&document.key) {
            self.check_releases(&before, &document).await?;
        }
        let version = document.version;
        let files = self.sign_with(&before, &document)?;
        let what = format!("{} version {version}", document.key);
        let detail = format!("accepts {}", document.accepts);
        let audit = self.audit(who, "published a document", &what, &detail);
        let publication = Publication {
            follows: before.version,
            document: Some(document),
            files: files.into_iter().map(stored).collect(),
        };
        self.store()
            .publish(&publication, self.clock().now(), &audit)
            .await?;
        self.reload_repository().await?;
        tracing::info!("published {what}");
        Ok(version)
    }

    /// The releases of a product that must find a document: live, staged, or run by a site.
    pub(crate) async fn needed_releases(
        &self,
        product: &ProductName,
    ) -> Result<Vec<Version>, EngineError> {
        let releases = self.store().releases().await?;
        let listed = releases
            .into_iter()
            .filter(|one| one.product == *product && one.state != ReleaseState::Retired)
            .map(|one| one.version);
        let fleet = self.fleet();
        let running = fleet
            .sites()
            .filter(|(_, site)| site.product == *product)
            .map(|(_, site)| site.running.clone());
        Ok(listed
            .chain(running)
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect())
    }

    async fn check_releases(
        &self,
        before: &Repository,
        document: &Document,
    ) -> Result<(), EngineError> {
        let releases = self.needed_releases(&document.key.product).await?;
        let mut versions = outlines(before, &document.key.product);
        versions.retain(|one| one.key == document.key);
        versions.push(outline(document));
        check_coverage(&versions, &releases).map_err(|uncovered| {
            let all: Vec<_> = uncovered.iter().map(ToString::to_string).collect();
            EngineError::refused_at("accepts", all.join("; "))
        })
    }

    /// Signs all metadata anew, so that it does not expire. Callers hold `publishing`.
    pub(crate) async fn sign_again(&self, before: &Repository) -> Result<(), EngineError> {
        let keys = &self.0.delivery.keys;
        let expires = after(self.clock(), METADATA_EXPIRES_AFTER);
        let next = |role: &str| before.current.get(role).map_or(0, |file| file.version) + 1;
        let services: BTreeSet<_> = before
            .documents()
            .keys()
            .map(|key| (&key.product, &key.service))
            .collect();
        let mut files = vec![];
        for (product, service) in &services {
            let role = role_name(product, service);
            let own =
                |entry: &Entry| entry.key.product == **product && entry.key.service == **service;
            let entries: Vec<_> = before.entries().filter(own).collect();
            files.push(
                tuf::delegated(keys, &role, next(&role), expires, &entries).map_err(signing)?,
            );
        }
        files.push(tuf::targets(keys, next("targets"), expires, services).map_err(signing)?);
        let snapshot = tuf::snapshot(keys, before.version + 1, expires, &files).map_err(signing)?;
        files.push(snapshot);
        let audit = self.audit(
            "lamplighter",
            "signed metadata anew",
            "repository",
            "before it expires",
        );
        let files = files.into_iter().map(stored).collect();
        let publication = Publication {
            follows: before.version,
            document: None,
            files,
        };
        self.store()
            .publish(&publication, self.clock().now(), &audit)
            .await?;
        self.reload_repository().await
    }

    /// New metadata for a repository that gains `document`.
    fn sign_with(
        &self,
        before: &Repository,
        document: &Document,
    ) -> Result<Vec<MetadataFile>, EngineError> {
        let keys = &self.0.delivery.keys;
        let expires = after(self.clock(), METADATA_EXPIRES_AFTER);
        let next = |role: &str| before.current.get(role).map_or(0, |file| file.version) + 1;
        let (product, service) = (&document.key.product, &document.key.service);
        let role = role_name(product, service);
        let own = |entry: &Entry| entry.key.product == *product && entry.key.service == *service;
        let mut entries: Vec<Entry> = before.entries().filter(own).collect();
        entries.push(Entry::of(document));
        let known = before.current.contains_key(&role);
        let mut files =
            vec![tuf::delegated(keys, &role, next(&role), expires, &entries).map_err(signing)?];
        if !known {
            let mut services: BTreeSet<(&ProductName, &ServiceName)> = before
                .documents()
                .keys()
                .map(|key| (&key.product, &key.service))
                .collect();
            services.insert((product, service));
            let targets = tuf::targets(keys, next("targets"), expires, services);
            files.push(targets.map_err(signing)?);
        }
        let replaced: BTreeSet<&str> = files.iter().map(|file| file.role.as_str()).collect();
        let kept = before
            .current
            .values()
            .filter(|file| file.role != "snapshot" && !replaced.contains(file.role.as_str()));
        let all: Vec<&MetadataFile> = kept.chain(&files).collect();
        let snapshot = tuf::snapshot(keys, before.version + 1, expires, all).map_err(signing)?;
        files.push(snapshot);
        Ok(files)
    }
}

fn check_body(new: &NewDocument) -> Result<(), EngineError> {
    let length = new.body.len();
    if length > DOCUMENT_BYTES_MAX {
        let reason = format!(
            "document {} has {length} bytes; at most {DOCUMENT_BYTES_MAX} are accepted",
            new.key
        );
        return Err(EngineError::refused_at("body", reason));
    }
    let body: Value = serde_json::from_slice(&new.body).map_err(|e| {
        EngineError::refused_at("body", format!("document {} is not JSON: {e}", new.key))
    })?;
    match &new.schema {
        Some(schema) => check_schema(schema, &body),
        None => Ok(()),
    }
}

/// `type` and `required` at the top level. Other keywords are refused: a check that is written
/// down and not made is worse than none.
fn check_schema(schema: &Value, body: &Value) -> Result<(), EngineError> {
    let fail = |reason: String| EngineError::refused_at("schema", reason);
    let keywords = schema
        .as_object()
        .ok_or_else(|| fail("a schema is a JSON object".into()))?;
    for (keyword, value) in keywords {
        match (keyword.as_str(), value) {
            ("type", Value::String(kind)) if kind == kind_of(body) => {}
            ("type", Value::String(kind)) => {
                return Err(fail(format!(
                    "the document is {}, not {kind}",
                    kind_of(body)
                )));
            }
            ("required", Value::Array(names)) => {
                let missing = names
                    .iter()
                    .filter_map(Value::as_str)
                    .find(|name| body.get(name).is_none());
                if let Some(name) = missing {
                    return Err(fail(format!("the document has no {name:?}")));
                }
            }
            _ => {
                return Err(fail(format!(
                    "{keyword:?} is not checked yet; use \"type\" and \"required\""
                )));
            }
        }
    }
    Ok(())
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn next_version(before: &Repository, new: &NewDocument) -> Document {
    let newest = before
        .documents()
        .get(&new.key)
        .and_then(|versions| versions.first());
    Document {
        key: new.key.clone(),
        version: newest.map_or(0, |document| document.version) + 1,
        accepts: new.accepts.clone(),
        lane: new.lane,
        body: new.body.clone(),
    }
}

/// All versions of a product's documents that code may need, without their bodies.
pub(crate) fn outlines(repository: &Repository, product: &ProductName) -> Vec<Document> {
    let own = repository
        .documents()
        .iter()
        .filter(|(key, _)| key.product == *product && !is_banners(key));
    own.flat_map(|(_, versions)| versions.iter().map(|one| outline(one)))
        .collect()
}

fn outline(document: &Document) -> Document {
    Document {
        key: document.key.clone(),
        version: document.version,
        accepts: document.accepts.clone(),
        lane: document.lane,
        body: vec![],
    }
}
