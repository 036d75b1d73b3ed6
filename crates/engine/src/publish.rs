//! Publishes documents: checks, signs, saves all in one change, pushes.
//! Never activates anything on a site, never decides how far a new version spreads.

mod again;
mod history;
mod schema;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::document::{
    DOCUMENT_BYTES_MAX, Document, DocumentKey, Lane, Releases, check_coverage, kept,
};
use domain::name::{ProductName, ServiceName};
use domain::release::ReleaseState;
use domain::rollout::Rollout;
use domain::sign_in::{self, ClientSettings, ProviderFacts};
use domain::text::is_blank;
use semver::{Version, VersionReq};
use serde_json::Value;
use store::{AuditEntry, KeyChange, NewVersion, Publication, Spread, StoreError};
use tuf::{Entry, MetadataFile, role_name};

use crate::banner::is_banners;
use crate::delivery::{METADATA_EXPIRES_AFTER, Repository, after, signing, stored};
use crate::spread::Canaries;
use crate::{Engine, EngineError};

pub use history::{Difference, History, PastVersion};

/// The longest reason, in characters.
pub const WHY_CHARACTERS_MAX: usize = 300;

/// A document to be published.
#[derive(Clone, Debug)]
pub struct NewDocument {
    /// Where it belongs.
    pub key: DocumentKey,
    /// The releases that can honour it.
    pub accepts: VersionReq,
    /// How urgent it is; `None` for as urgent as the version before.
    pub lane: Option<Lane>,
    /// The JSON Schema that it must fit; `None` for that of the version before.
    pub schema: Option<Value>,
    /// JSON, at most [`DOCUMENT_BYTES_MAX`] bytes.
    pub body: Vec<u8>,
    /// How it comes to the sites.
    pub how: How,
}

/// How a version comes to the sites.
#[derive(Clone, Debug, Default)]
pub struct How {
    /// To all of them, without canaries and waves.
    pub at_once: bool,
    /// Also when a live or staged release is left without a version that it accepts.
    pub bypass_coverage: bool,
    /// Why; needed where a check is left out. It is written into the audit.
    pub why: String,
}

/// What a publication does to the documents before it.
#[derive(Default)]
pub(crate) struct Changed {
    pub(crate) document: Option<NewVersion>,
    pub(crate) spread: Vec<Spread>,
    /// The keys that sign what changed, if they change too.
    pub(crate) keys: KeyChange,
}

type Documents = BTreeMap<DocumentKey, Vec<Arc<Document>>>;

impl Engine {
    /// Publishes a new version of a document; gives its version. When sites read another version now,
    /// it goes to canaries first, and from wave to wave by itself.
    ///
    /// # Errors
    /// When the body is too large, is not JSON or breaks its schema, when it holds settings for
    /// sign-in that this provider cannot honour, when a live or staged release
    /// would be left without a version it accepts, when another version is on its way, or when the
    /// store fails. Nothing is changed then.
    pub async fn publish_document(&self, new: NewDocument, who: &str) -> Result<u64, EngineError> {
        if is_banners(&new.key) {
            let rule = "banners are published by themselves; change them with `lamplighter banner`";
            return Err(EngineError::refused_at("service", rule));
        }
        check_how(&new.how)?;
        self.publish(new, None, who).await
    }

    /// As [`Engine::publish_document`], also for what is published by itself, and for a version that
    /// `repeats` another.
    pub(crate) async fn publish(
        &self,
        mut new: NewDocument,
        repeats: Option<u64>,
        who: &str,
    ) -> Result<u64, EngineError> {
        if self.fleet().product(&new.key.product).is_none() {
            return Err(EngineError::not_found("product", &new.key.product));
        }
        check_body(&new)?;
        if sign_in::is_settings(&new.key) {
            self.check_settings(&new.body).await?;
        }
        new.how.at_once |= is_banners(&new.key);
        // Before the lock: a schema may take a while, and probes take seconds.
        let json_schema = self.fit_schema(&new).await?;
        let canaries = if new.how.at_once {
            Canaries::default()
        } else {
            self.choose_canaries(&new.key, &new.accepts).await
        };
        let delivery = &self.0.delivery;
        let _alone = delivery.publishing.lock().await;
        let mut tries = 0;
        loop {
            match self
                .try_publish(&new, (&json_schema, repeats), &canaries, who)
                .await
            {
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

    async fn try_publish(
        &self,
        new: &NewDocument,
        (json_schema, repeats): (&Option<Box<str>>, Option<u64>),
        canaries: &Canaries,
        who: &str,
    ) -> Result<u64, EngineError> {
        let before = self.repository();
        let newest = before.documents().get(&new.key).and_then(|all| all.first());
        if new.schema.is_none()
            && newest.and_then(|one| one.json_schema.as_ref()) != json_schema.as_ref()
        {
            let reason = format!("somebody else published {} just now; try again", new.key);
            return Err(EngineError::conflict(reason));
        }
        let last = self.store().document_history(&new.key, u64::MAX, 1).await?;
        let lane = new.lane.or_else(|| newest.map(|newest| newest.lane));
        let mut document = Document {
            key: new.key.clone(),
            version: last.first().map_or(0, |last| last.version) + 1,
            accepts: new.accepts.clone(),
            lane: lane.unwrap_or(Lane::Other),
            json_schema: json_schema.clone(),
            rollout: Rollout::everywhere(),
            body: new.body.clone(),
        };
        let version = document.version;
        let releases = self.releases_of(&new.key.product).await?;
        if !new.how.at_once {
            document.rollout = first_wave(&before, &document, canaries, &releases)?;
        }
        let spread = end_others(&before, &document, new.how.at_once)?;
        if !is_banners(&document.key) && !new.how.bypass_coverage {
            check_releases(&before, &document, &releases)?;
        }
        let audit = self.audit_of(&document, &new.how, repeats, who);
        let document = NewVersion {
            witnesses: if document.rollout.is_everywhere() {
                BTreeSet::new()
            } else {
                canaries.witnesses.clone()
            },
            document,
            by: who.into(),
            why: new.how.why.trim().into(),
            repeats,
        };
        let changed = Changed {
            document: Some(document),
            spread,
            ..Changed::default()
        };
        self.commit(&before, changed, &audit).await?;
        tracing::info!("published {} version {version}", new.key);
        Ok(version)
    }

    /// The schema of the version that `new` becomes, its own or that of the version before, once the body
    /// fits it. Off the threads that serve requests.
    async fn fit_schema(&self, new: &NewDocument) -> Result<Option<Box<str>>, EngineError> {
        let json_schema = match &new.schema {
            Some(schema) => schema::written(schema)?,
            None => {
                let repository = self.repository();
                let newest = repository.documents().get(&new.key);
                newest.and_then(|all| all.first()?.json_schema.clone())
            }
        };
        let Some(text) = json_schema.clone() else {
            return Ok(None);
        };
        let body = new.body.clone();
        let checked = tokio::task::spawn_blocking(move || schema::check(&text, &body));
        checked
            .await
            .map_err(|e| EngineError::remote("check the schema", &e))??;
        Ok(json_schema)
    }

    fn audit_of(
        &self,
        document: &Document,
        how: &How,
        repeats: Option<u64>,
        who: &str,
    ) -> AuditEntry {
        let act = match (how.bypass_coverage, repeats) {
            (true, _) => "published a document, bypassing the check of releases",
            (false, Some(_)) => "rolled a document back",
            (false, None) => "published a document",
        };
        let mut detail = format!("accepts {}", document.accepts);
        if let Some(repeated) = repeats {
            detail += &format!("; repeats version {repeated}");
        }
        if !document.rollout.is_everywhere() {
            detail += "; to canaries first";
        } else if how.at_once && !is_banners(&document.key) {
            detail += "; to all sites at once";
        }
        if !is_blank(&how.why) {
            detail += &format!("; {}", how.why.trim());
        }
        let what = format!("{} version {}", document.key, document.version);
        self.audit(who, act, &what, &detail)
    }

    /// Signs and saves a change of the documents, and serves it. Callers hold `publishing`.
    pub(crate) async fn commit(
        &self,
        before: &Repository,
        changed: Changed,
        audit: &AuditEntry,
    ) -> Result<(), EngineError> {
        let touched: BTreeSet<DocumentKey> = changed
            .document
            .iter()
            .map(|new| new.document.key.clone())
            .chain(changed.spread.iter().map(|one| one.key.clone()))
            .collect();
        let mut documents = apply(before.documents(), &changed);
        let dropped = self.drop_unread(&mut documents, &touched).await?;
        let services: BTreeSet<_> = touched.iter().map(service_of).collect();
        let files = self.sign(before, &documents, &services)?;
        self.save_publication(before, documents, changed, dropped, files, audit)
            .await
    }

    async fn save_publication(
        &self,
        before: &Repository,
        documents: Documents,
        changed: Changed,
        dropped: Vec<(DocumentKey, u64)>,
        files: Vec<MetadataFile>,
        audit: &AuditEntry,
    ) -> Result<(), EngineError> {
        let repository = before.followed_by(documents, &files);
        // A banner that is over is in the audit; nobody rolls one back.
        let (forgotten, dropped) = dropped.into_iter().partition(|(key, _)| is_banners(key));
        let publication = Publication {
            follows: before.version,
            document: changed.document,
            spread: changed.spread,
            dropped,
            forgotten,
            files: files.into_iter().map(stored).collect(),
            keys: changed.keys,
        };
        self.store()
            .publish(&publication, self.clock().now(), audit)
            .await?;
        self.put_in_place(repository).await
    }

    /// Takes away the versions of `keys` that no site reads or will read; says which.
    async fn drop_unread(
        &self,
        documents: &mut Documents,
        keys: &BTreeSet<DocumentKey>,
    ) -> Result<Vec<(DocumentKey, u64)>, EngineError> {
        let mut dropped = vec![];
        for key in keys {
            let releases = if is_banners(key) {
                Releases::default()
            } else {
                self.releases_of(&key.product).await?
            };
            if let Some(versions) = documents.get_mut(key) {
                let kept = kept(versions.iter().map(|one| &**one), &releases);
                let gone = versions.iter().map(|one| one.version);
                let gone = gone.filter(|version| !kept.contains(version));
                dropped.extend(gone.map(|version| (key.clone(), version)));
                versions.retain(|one| kept.contains(&one.version));
            }
        }
        Ok(dropped)
    }

    /// The releases of a product: those that must find a document, because they are live, staged, run
    /// by a site or what a site may go back to; and those that are over.
    pub(crate) async fn releases_of(&self, product: &ProductName) -> Result<Releases, EngineError> {
        let mut releases = Releases::default();
        for release in self.store().releases().await? {
            if release.product == *product {
                let retired = release.state == ReleaseState::Retired;
                let list = if retired {
                    &mut releases.retired
                } else {
                    &mut releases.needed
                };
                list.insert(release.version);
            }
        }
        let fleet = self.fleet();
        let own = fleet.sites().filter(|(_, site)| site.product == *product);
        for (_, site) in own {
            for version in std::iter::once(&site.running).chain(&site.ran_before) {
                if !releases.needed.contains(version) {
                    releases.needed.insert(version.clone());
                }
            }
        }
        let Releases { needed, retired } = &mut releases;
        retired.retain(|version| !needed.contains(version));
        Ok(releases)
    }

    /// New metadata for a repository whose documents of these services changed; the snapshot last.
    fn sign(
        &self,
        before: &Repository,
        documents: &Documents,
        services: &BTreeSet<(ProductName, ServiceName)>,
    ) -> Result<Vec<MetadataFile>, EngineError> {
        let keys = &self.0.delivery.keys.load();
        let expires = after(self.clock(), METADATA_EXPIRES_AFTER);
        let mut files = vec![];
        for (product, service) in services {
            let role = role_name(product, service);
            let own = documents
                .iter()
                .filter(|(key, _)| key.product == *product && key.service == *service);
            let entries: Vec<_> = own
                .flat_map(|(_, versions)| versions.iter().rev().map(|one| Entry::of(one)))
                .collect();
            let version = next(before, &role);
            files.push(tuf::delegated(keys, &role, version, expires, &entries).map_err(signing)?);
        }
        if files
            .iter()
            .any(|file| !before.current.contains_key(&file.role))
        {
            files.push(self.sign_targets(before, documents)?);
        }
        files.push(self.sign_snapshot(before, &files)?);
        Ok(files)
    }

    fn sign_targets(
        &self,
        before: &Repository,
        documents: &Documents,
    ) -> Result<MetadataFile, EngineError> {
        let services: BTreeSet<_> = documents
            .keys()
            .map(|key| (&key.product, &key.service))
            .collect();
        let expires = after(self.clock(), METADATA_EXPIRES_AFTER);
        let keys = &self.0.delivery.keys.load();
        tuf::targets(keys, next(before, "targets"), expires, services).map_err(signing)
    }

    fn sign_snapshot(
        &self,
        before: &Repository,
        signed: &[MetadataFile],
    ) -> Result<MetadataFile, EngineError> {
        let replaced: BTreeSet<&str> = signed.iter().map(|file| file.role.as_str()).collect();
        let stays = |file: &&MetadataFile| {
            file.role != "snapshot" && !replaced.contains(file.role.as_str())
        };
        let all = before.current.values().filter(stays).chain(signed);
        let expires = after(self.clock(), METADATA_EXPIRES_AFTER);
        let keys = &self.0.delivery.keys.load();
        tuf::snapshot(keys, before.version + 1, expires, all).map_err(signing)
    }
}

fn next(before: &Repository, role: &str) -> u64 {
    before.current.get(role).map_or(0, |file| file.version) + 1
}

fn service_of(key: &DocumentKey) -> (ProductName, ServiceName) {
    (key.product.clone(), key.service.clone())
}

fn apply(before: &Documents, changed: &Changed) -> Documents {
    let mut documents = before.clone();
    for one in &changed.spread {
        let versions = documents.get_mut(&one.key).into_iter().flatten();
        for version in versions.filter(|version| version.version == one.version) {
            let mut moved = Document::clone(version);
            moved.rollout = one.rollout.clone();
            *version = Arc::new(moved);
        }
    }
    if let Some(new) = &changed.document {
        let versions = documents.entry(new.document.key.clone()).or_default();
        versions.insert(0, Arc::new(new.document.clone()));
    }
    documents
}

/// Waves are for what changes what some site reads: a version that waits for a release comes to a site
/// together with the release, and the first version of a document is missing everywhere.
fn first_wave(
    before: &Repository,
    document: &Document,
    canaries: &Canaries,
    releases: &Releases,
) -> Result<Rollout, EngineError> {
    let is_covered = |code: &&Version| before.document_for_all(&document.key, code).is_some();
    let own = releases.needed.iter();
    let own = own.filter(|code| document.accepts.matches(code));
    let (covered, open): (Vec<_>, Vec<_>) = own.partition(is_covered);
    match open.first() {
        _ if covered.is_empty() || canaries.sites.is_empty() => Ok(Rollout::everywhere()),
        None => Ok(Rollout::canaries(canaries.sites.iter().cloned())),
        Some(code) => {
            let reason = format!(
                "release {code} has no version of {} yet and cannot wait for the waves: publish at once, or for that release alone first",
                document.key
            );
            Err(EngineError::refused_at("accepts", reason))
        }
    }
}

/// What becomes of other versions of a document that are still on their way.
fn end_others(
    before: &Repository,
    document: &Document,
    at_once: bool,
) -> Result<Vec<Spread>, EngineError> {
    let versions = before.documents().get(&document.key);
    let on_their_way: Vec<_> = versions
        .into_iter()
        .flatten()
        .filter(|one| !one.rollout.is_everywhere())
        .collect();
    match on_their_way.first() {
        Some(other) if !at_once => {
            let reason = format!(
                "version {} of {} is still on its way to the sites: wait for it, halt it, or publish at once",
                other.version, document.key
            );
            Err(EngineError::conflict(reason))
        }
        _ => {
            let end = |other: &&Arc<Document>| Spread {
                key: other.key.clone(),
                version: other.version,
                rollout: Rollout::nowhere(),
                halted: format!("replaced by version {}", document.version),
            };
            Ok(on_their_way.iter().map(end).collect())
        }
    }
}

fn check_releases(
    before: &Repository,
    document: &Document,
    releases: &Releases,
) -> Result<(), EngineError> {
    let mut versions = outlines(before, &document.key.product);
    versions.retain(|one| one.key == document.key);
    versions.push(outline(document));
    let needed: Vec<_> = releases.needed.iter().cloned().collect();
    check_coverage(&versions, &needed).map_err(|uncovered| {
        let all: Vec<_> = uncovered.iter().map(ToString::to_string).collect();
        EngineError::refused_at("accepts", all.join("; "))
    })
}

fn check_how(how: &How) -> Result<(), EngineError> {
    if how.at_once || how.bypass_coverage || !how.why.is_empty() {
        return check_why(&how.why);
    }
    Ok(())
}

/// A check is left out only for a reason.
pub(crate) fn check_why(why: &str) -> Result<(), EngineError> {
    let fits = why.chars().count() <= WHY_CHARACTERS_MAX && !why.chars().any(char::is_control);
    if fits && !is_blank(why) {
        return Ok(());
    }
    let rule = format!("say why, in at most {WHY_CHARACTERS_MAX} characters on one line");
    Err(EngineError::refused_at("why", rule))
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
    let read: Result<Value, _> = serde_json::from_slice(&new.body);
    read.map(drop).map_err(|e| {
        EngineError::refused_at("body", format!("document {} is not JSON: {e}", new.key))
    })
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
        json_schema: None,
        rollout: document.rollout.clone(),
        body: vec![],
    }
}
