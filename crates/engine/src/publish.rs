//! Publishes documents: checks, signs, saves all in one change, pushes.
//! Never activates anything on a site, never decides how far a new version spreads.

mod again;
mod history;
mod layers;
mod outline;
pub(crate) mod plan;
mod schema;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use domain::document::{DOCUMENT_BYTES_MAX, Document, DocumentKey, Lane, Releases};
use domain::layer::Layer;
use domain::name::ProductName;
use domain::rollout::Rollout;
use domain::text::is_blank;
use semver::VersionReq;
use serde_json::Value;
use store::{AuditEntry, Delivery, KeyChange, NewVersion, Page, Publication, Spread, StoreError};
use tuf::{Keys, MetadataFile};

use crate::banner::is_banners;
use crate::delivery::{Repository, stored};
use crate::spread::Canaries;
use crate::told::{Retold, Telling};
use crate::{Engine, EngineError};

use plan::{
    Documents, Signing, apply, check_releases, drop_unread, end_others, first_wave, releases_among,
    service_of,
};

pub use history::{Difference, History, PastVersion};
use layers::Fitted;
pub use outline::LayerLine;
pub(crate) use plan::outlines;

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
    /// Which sites agents are told of anew.
    pub(crate) retold: Retold,
    /// The keys that sign what changed, if they change too.
    pub(crate) keys: KeyChange,
    /// The keys of sign-in that its settings name to sign with.
    pub(crate) signing_kids: BTreeSet<String>,
    /// A call to the people on duty because of it.
    pub(crate) page: Option<(Page, Vec<Delivery>)>,
}

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
        self.check_layer(&new)?;
        // A site is its own canary.
        new.how.at_once |= is_banners(&new.key) || new.key.layer.is_site();
        // Before the lock: a schema may take a while, and probes take seconds.
        let json_schema = self.schema_of(&new)?;
        let fitted = self.fit(&new, json_schema.clone()).await?;
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
                .try_publish(&new, (&json_schema, &fitted, repeats), &canaries, who)
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

    async fn try_publish(
        &self,
        new: &NewDocument,
        (json_schema, fitted, repeats): (&Option<Box<str>>, &Fitted, Option<u64>),
        canaries: &Canaries,
        who: &str,
    ) -> Result<u64, EngineError> {
        let before = self.repository();
        let newest = before.documents().get(&new.key).and_then(|all| all.first());
        let releases = self.releases_of(&new.key.product).await?;
        if !fitted.stands(&before, &new.key, &releases) {
            let reason = format!("somebody else published {} just now; try again", new.key);
            return Err(EngineError::conflict(reason));
        }
        self.check_signing_kids(&fitted.signing_kids).await?;
        let last = self.store().document_history(&new.key, u64::MAX, 1).await?;
        // A layer is as urgent as its document.
        let base = new.key.with_layer(Layer::Base);
        let base = before.documents().get(&base).and_then(|all| all.first());
        let lane = new
            .lane
            .or_else(|| newest.or(base).map(|before| before.lane));
        let mut document = Document {
            key: new.key.clone(),
            version: last.first().map_or(0, |last| last.version) + 1,
            accepts: new.accepts.clone(),
            lane: lane.unwrap_or(Lane::Other),
            json_schema: json_schema.clone(),
            rollout: Rollout::everywhere(),
            published: before.version + 1,
            body: new.body.clone(),
        };
        let version = document.version;
        if !new.how.at_once {
            document.rollout = first_wave(&before, &document, &canaries.sites, &releases)?;
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
            retold: retold(&new.key),
            signing_kids: fitted.signing_kids.clone(),
            ..Changed::default()
        };
        self.commit(&before, changed, &audit).await?;
        tracing::info!("published {} version {version}", new.key);
        Ok(version)
    }

    /// Says which key was retired since the settings were checked; the commit is guarded by the same.
    async fn check_signing_kids(&self, named: &BTreeSet<String>) -> Result<(), EngineError> {
        if named.is_empty() {
            return Ok(());
        }
        let keys = self.store().public_signing_keys().await?;
        let is_retired = |kid: &&String| keys.iter().all(|key| key.kid != **kid);
        match named.iter().find(is_retired) {
            Some(kid) => Err(EngineError::conflict(format!(
                "somebody else retired the key {kid} just now: name another one to sign with"
            ))),
            None => Ok(()),
        }
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
        let new = changed.document.as_ref().map(|new| &new.document);
        let mut documents = apply(before.documents(), new, &changed.spread);
        let dropped = self.drop_unread(&mut documents, &touched).await?;
        let published = touched.iter().map(|key| &key.product).collect();
        let retold = &changed.retold;
        let telling = Telling::new(&before.told, &documents, retold, &published, self)?;
        if touched.is_empty() && telling.roles.is_empty() {
            return Ok(());
        }
        let listed = touched.iter().filter(|key| !key.layer.is_site());
        let services: BTreeSet<_> = listed.map(service_of).collect();
        let keys = self.0.delivery.keys.load_full();
        let files = self
            .signing(&keys, before)
            .changed(&documents, &services, &telling)?;
        let documents = (documents, dropped);
        self.save_publication(before, documents, changed, (files, telling), audit)
            .await
    }

    async fn save_publication(
        &self,
        before: &Repository,
        (documents, dropped): (Documents, Vec<(DocumentKey, u64)>),
        changed: Changed,
        (files, telling): (Vec<MetadataFile>, Telling),
        audit: &AuditEntry,
    ) -> Result<(), EngineError> {
        let repository = before.followed_by(documents, telling.told, &files);
        // A banner that is over is in the audit; nobody rolls one back.
        let (forgotten, dropped) = dropped.into_iter().partition(|(key, _)| is_banners(key));
        let publication = Publication {
            follows: before.version,
            document: changed.document,
            spread: changed.spread,
            dropped,
            forgotten,
            shards: telling.shards,
            files: files.into_iter().map(stored).collect(),
            keys: changed.keys,
            signing_kids: changed.signing_kids.into_iter().collect(),
            pages: changed.page.into_iter().collect(),
        };
        self.store()
            .publish(&publication, self.clock().now(), audit)
            .await?;
        self.put_in_place(repository).await;
        for (page, _) in &publication.pages {
            self.paged(page).await?;
        }
        Ok(())
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
                let gone = drop_unread(versions, &releases, &self.refused_of(key));
                dropped.extend(gone.into_iter().map(|version| (key.clone(), version)));
            }
        }
        Ok(dropped)
    }

    /// The releases of a product: those that must find a document, because they are live, staged, run
    /// by a site or what a site may go back to; and those that are over.
    pub(crate) async fn releases_of(&self, product: &ProductName) -> Result<Releases, EngineError> {
        let all = self.store().releases().await?;
        let own = all.iter().filter(|release| release.product == *product);
        let fleet = self.fleet();
        let sites = fleet.sites().map(|(_, site)| site);
        let sites: Vec<_> = sites.filter(|site| site.product == *product).collect();
        let run = sites
            .iter()
            .flat_map(|site| std::iter::once(&site.running).chain(&site.ran_before));
        Ok(releases_among(own, run))
    }

    fn signing<'a>(&self, keys: &'a Keys, before: &'a Repository) -> Signing<'a> {
        Signing {
            keys,
            before,
            now: self.clock().now(),
        }
    }
}

/// A site's own layer travels with what is told of the site.
fn retold(key: &DocumentKey) -> Retold {
    match &key.layer {
        Layer::Site(site) => Retold::Site(key.product.clone(), site.clone()),
        _ => Retold::New,
    }
}

fn check_how(how: &How) -> Result<(), EngineError> {
    if how.at_once || how.bypass_coverage || !how.why.is_empty() {
        return check_why(&how.why);
    }
    Ok(())
}

/// A check is left out only for a reason.
pub(crate) fn check_why(why: &str) -> Result<(), EngineError> {
    check_why_at("why", why)
}

/// As [`check_why`], of a field with another name.
pub(crate) fn check_why_at(field: &'static str, why: &str) -> Result<(), EngineError> {
    let fits = why.chars().count() <= WHY_CHARACTERS_MAX && !why.chars().any(char::is_control);
    if fits && !is_blank(why) {
        return Ok(());
    }
    let rule = format!("say why, in at most {WHY_CHARACTERS_MAX} characters on one line");
    Err(EngineError::refused_at(field, rule))
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
