//! Checks what sites will read before it is published: the document with each set of layers that some site
//! has. Never decides which site reads what; `domain::layer` does.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::document::{DOCUMENT_BYTES_MAX, Document, DocumentKey, Releases};
use domain::layer::{Layer, merge};
use domain::name::{Hostname, ProductName};
use domain::sign_in::{ClientSettings, Jwk, ProviderFacts, is_settings};
use domain::site::Site;
use semver::Version;
use serde_json::Value;

use super::schema::{self, Schema};
use super::{Documents, NewDocument};
use crate::banner::is_banners;
use crate::delivery::Repository;
use crate::fleet::Fleet;
use crate::{Engine, EngineError};

/// The most layers of one document for more than one site: agents read them all.
pub(super) const LAYERS_MAX: usize = 500;
/// The most bytes that are merged to check one publication.
const MERGED_BYTES_MAX: usize = 4 << 30;

/// What a publication was checked with.
pub(super) struct Fitted {
    versions: BTreeMap<DocumentKey, Option<u64>>,
    releases: BTreeSet<Version>,
    /// The keys of sign-in that settings name to sign with. None of them may be retired before the settings are
    /// published: nobody could sign in.
    pub(super) signing_kids: BTreeSet<String>,
}

impl Fitted {
    /// Whether these still are the newest versions of the document and its layers, and no other release than
    /// these needs it.
    pub(super) fn stands(
        &self,
        repository: &Repository,
        key: &DocumentKey,
        releases: &Releases,
    ) -> bool {
        self.versions == newest(repository.documents(), key)
            && releases.needed.is_subset(&self.releases)
    }
}

/// The versions of all documents with layers that a release was checked with.
pub(crate) struct FittedRelease(BTreeMap<DocumentKey, BTreeMap<DocumentKey, Option<u64>>>);

impl FittedRelease {
    /// The first document whose versions are others by now.
    pub(crate) fn changed(
        &self,
        repository: &Repository,
        product: &ProductName,
    ) -> Option<DocumentKey> {
        let now = layered(repository, product);
        let keys: BTreeSet<_> = now.keys().chain(self.0.keys()).collect();
        let mut keys = keys.into_iter();
        keys.find(|key| now.get(key) != self.0.get(key)).cloned()
    }
}

/// The documents of a product that have layers, with the newest versions of both.
fn layered(
    repository: &Repository,
    product: &ProductName,
) -> BTreeMap<DocumentKey, BTreeMap<DocumentKey, Option<u64>>> {
    let documents = repository.documents();
    let own = documents.keys().filter(|key| key.product == *product);
    let own = own.filter(|key| key.layer.is_base() && repository.has_layers(key));
    own.map(|key| (key.clone(), newest(documents, key)))
        .collect()
}

/// Those that it was checked with: one that changed meanwhile was not.
fn newest(documents: &Documents, key: &DocumentKey) -> BTreeMap<DocumentKey, Option<u64>> {
    let of = of_document(documents, key);
    of.map(|(one, versions)| (one.clone(), versions.first().map(|one| one.version)))
        .collect()
}

/// A document and its layers, as far as they may be merged with a piece of it.
fn of_document<'a>(
    documents: &'a Documents,
    key: &'a DocumentKey,
) -> impl Iterator<Item = (&'a DocumentKey, &'a Vec<Arc<Document>>)> {
    let of = documents.range(base_of(key)..);
    of.take_while(|(one, _)| one.is_of(key))
        .filter(|(one, _)| concerns(one, key))
}

/// Whether a piece of a document may be merged with another piece of it: what is for one site is not for another.
fn concerns(one: &DocumentKey, key: &DocumentKey) -> bool {
    !one.layer.is_site() || !key.layer.is_site() || one.layer == key.layer
}

/// The sites that may be in a layer: one where it is a site's own, whatever the size of the fleet.
fn sites_of<'a>(fleet: &'a Fleet, layer: &Layer) -> Box<dyn Iterator<Item = Arc<Site>> + 'a> {
    match layer {
        Layer::Site(site) => Box::new(fleet.site_at(site).into_iter()),
        _ => Box::new(fleet.sites().map(|(_, site)| site)),
    }
}

fn base_of(key: &DocumentKey) -> DocumentKey {
    key.with_layer(Layer::Base)
}

/// Everything that decides what sites may come to read.
struct Check {
    /// What is being published, or the document that a release is staged for.
    key: DocumentKey,
    /// `None` where a release is staged.
    new: Option<NewDocument>,
    documents: Documents,
    /// Each set of layers of some site, and one such site.
    sets: BTreeMap<Vec<Layer>, Hostname>,
    releases: Vec<Version>,
    json_schema: Option<Box<str>>,
    provider: Option<(String, Vec<Jwk>)>,
}

impl Engine {
    /// What only a layer must be.
    pub(super) fn check_layer(&self, new: &NewDocument) -> Result<(), EngineError> {
        let key = &new.key;
        if key.layer.is_base() {
            return Ok(());
        }
        let refused = |at: &str, rule: String| Err(EngineError::refused_at(at, rule));
        if is_banners(key) {
            return refused(
                "layer",
                "banners have no layers: they name their area".into(),
            );
        }
        let repository = self.repository();
        if !repository.documents().contains_key(&base_of(key)) {
            return Err(EngineError::not_found("document", key.path()));
        }
        if new.schema.is_some() {
            let rule = "a layer has no schema of its own: the document with its layers must fit that of the document";
            return refused("schema", rule.into());
        }
        let body: Result<Value, _> = serde_json::from_slice(&new.body);
        if !body.is_ok_and(|body| body.is_object()) {
            let rule = "a layer is a merge patch (RFC 7396): a JSON object with the members that differ, null for those that go";
            return refused("body", rule.into());
        }
        let fleet = self.fleet();
        let is_in = |site: Arc<Site>| {
            site.product == key.product && self.facts(&site).has(&site.hostname, &key.layer)
        };
        if !sites_of(&fleet, &key.layer).any(is_in) {
            let rule = format!("no site of {} is in {}", key.product, key.layer);
            return refused("layer", rule);
        }
        let others = repository.documents().keys();
        let others = others.filter(|one| one.is_of(key) && !one.layer.is_site());
        let is_known = repository.documents().contains_key(key) || key.layer.is_site();
        if !is_known && others.count() > LAYERS_MAX {
            let rule = format!("a document has at most {LAYERS_MAX} layers for more than one site");
            return refused("layer", rule);
        }
        Ok(())
    }

    /// The schema of the version that `new` becomes: its own, or that of the version before.
    pub(super) fn schema_of(&self, new: &NewDocument) -> Result<Option<Box<str>>, EngineError> {
        if let Some(schema) = &new.schema {
            return schema::written(schema);
        }
        let repository = self.repository();
        let newest = repository.documents().get(&new.key);
        Ok(newest.and_then(|all| all.first()?.json_schema.clone()))
    }

    /// Checks that what sites may come to read fits its schema and its size, and that this provider can
    /// honour it. Off the threads that serve requests.
    pub(super) async fn fit(
        &self,
        new: &NewDocument,
        json_schema: Option<Box<str>>,
    ) -> Result<Fitted, EngineError> {
        let repository = self.repository();
        let releases = self.releases_of(&new.key.product).await?.needed;
        let check = Check {
            releases: releases.iter().cloned().collect(),
            new: Some(new.clone()),
            json_schema,
            ..self.check_of(&repository, &new.key).await?
        };
        let signing_kids = run(check).await?;
        Ok(Fitted {
            versions: newest(repository.documents(), &new.key),
            releases,
            signing_kids,
        })
    }

    /// As a publication is checked, of all that a product has published when a release of it is staged: until then
    /// no site could read the versions that wait for it.
    pub(crate) async fn fit_release(
        &self,
        product: &ProductName,
        version: &Version,
    ) -> Result<FittedRelease, EngineError> {
        let repository = self.repository();
        let layered = layered(&repository, product);
        for key in layered.keys() {
            let check = Check {
                releases: vec![version.clone()],
                ..self.check_of(&repository, key).await?
            };
            run(check).await?;
        }
        Ok(FittedRelease(layered))
    }

    async fn check_of(
        &self,
        repository: &Repository,
        key: &DocumentKey,
    ) -> Result<Check, EngineError> {
        let of = of_document(repository.documents(), key);
        let of: Documents = of
            .map(|(key, versions)| (key.clone(), versions.clone()))
            .collect();
        let provider = if is_settings(key) {
            let keys = self.store().public_signing_keys().await?;
            Some((self.settings().base_url.clone(), keys))
        } else {
            None
        };
        Ok(Check {
            key: key.clone(),
            new: None,
            sets: self.sets_of_layers(key, &of),
            documents: of,
            releases: vec![],
            json_schema: None,
            provider,
        })
    }

    /// Each set of the layers of a document that some site has, where `key` is among them.
    fn sets_of_layers(&self, key: &DocumentKey, of: &Documents) -> BTreeMap<Vec<Layer>, Hostname> {
        let mut layers: BTreeSet<&Layer> = of.keys().map(|one| &one.layer).collect();
        layers.insert(&key.layer);
        layers.remove(&Layer::Base);
        let mut sets = BTreeMap::new();
        if layers.is_empty() {
            return sets;
        }
        let fleet = self.fleet();
        let all = sites_of(&fleet, &key.layer);
        for site in all.filter(|site| site.product == key.product) {
            let mut own = self.facts(&site).layers(&site.hostname);
            own.retain(|layer| layers.contains(layer));
            if !own.is_empty() && (key.layer.is_base() || own.contains(&key.layer)) {
                sets.entry(own).or_insert_with(|| site.hostname.clone());
            }
        }
        sets
    }
}

/// Gives the keys of sign-in that settings name to sign with.
async fn run(check: Check) -> Result<BTreeSet<String>, EngineError> {
    let checked = tokio::task::spawn_blocking(move || check.run());
    checked
        .await
        .map_err(|e| EngineError::remote("check the document", &e))?
}

/// A piece as it may come to be read.
struct Part<'a> {
    /// 0 for what is being published.
    version: u64,
    body: &'a [u8],
    json_schema: Option<&'a str>,
}

/// What was met while checking.
#[derive(Default)]
struct Met<'a> {
    /// Reading one takes longer than checking a body.
    schemas: BTreeMap<&'a str, Schema>,
    /// The keys that settings name to sign with.
    signing_kids: BTreeSet<String>,
}

impl Check {
    fn run(self) -> Result<BTreeSet<String>, EngineError> {
        let mut checked = BTreeSet::new();
        let mut met = Met::default();
        let mut bytes = 0;
        if let Some(new) = self.new.as_ref().filter(|_| self.key.layer.is_base()) {
            self.check(&[self.part_of(new)], None, &mut met)
                .map_err(|reason| refused(&reason))?;
        }
        for (set, site) in &self.sets {
            for (code, settled) in self
                .releases
                .iter()
                .flat_map(|code| [(code, false), (code, true)])
            {
                let Some((layers, parts)) = self.parts(set, code, settled) else {
                    continue;
                };
                let which: Vec<_> = layers
                    .iter()
                    .zip(&parts)
                    .map(|(layer, part)| (*layer, part.version))
                    .collect();
                if !checked.insert(which) {
                    continue;
                }
                bytes += parts.iter().map(|part| part.body.len()).sum::<usize>();
                if bytes > MERGED_BYTES_MAX {
                    let rule = "the document and its layers are too large to check for every site: make them shorter";
                    return Err(EngineError::refused_at("body", rule));
                }
                let names: Vec<_> = layers
                    .iter()
                    .filter(|one| !one.is_base())
                    .map(|one| self.name_of(one))
                    .collect();
                let names = names.join(", ");
                let whose = |reason: String| {
                    format!("merged with {names} for {site} on release {code}: {reason}")
                };
                self.check(&parts, Some(&whose), &mut met)
                    .map_err(|(at, reason)| match &self.new {
                        Some(_) => refused(&(at, reason)),
                        None => EngineError::refused_at("version", reason),
                    })?;
            }
        }
        Ok(met.signing_kids)
    }

    /// Who publishes knows which document it is; who stages a release has many.
    fn name_of(&self, layer: &Layer) -> String {
        match &self.new {
            Some(_) => layer.to_string(),
            None => self.key.with_layer(layer.clone()).to_string(),
        }
    }

    fn part_of<'a>(&'a self, new: &'a NewDocument) -> Part<'a> {
        Part {
            version: 0,
            body: &new.body,
            json_schema: self.json_schema.as_deref(),
        }
    }

    /// The pieces that a site with these layers may come to read on a release: the newest of each, or the
    /// newest that are for all sites. `None` where there is a new version, and it is not among them.
    fn parts<'a>(
        &'a self,
        set: &'a [Layer],
        code: &Version,
        settled: bool,
    ) -> Option<(Vec<&'a Layer>, Vec<Part<'a>>)> {
        let (mut layers, mut parts) = (vec![], vec![]);
        for layer in std::iter::once(&Layer::Base).chain(set) {
            let new = self.new.as_ref();
            let new = new.filter(|new| *layer == self.key.layer && new.accepts.matches(code));
            let part = if let Some(new) = new {
                Some(self.part_of(new))
            } else {
                let versions = self.documents.get(&self.key.with_layer(layer.clone()));
                let mut versions = versions.into_iter().flatten();
                let is_read = |one: &&Arc<Document>| {
                    let given = if settled {
                        one.rollout.is_everywhere()
                    } else {
                        !one.rollout.is_nowhere()
                    };
                    given && one.accepts.matches(code)
                };
                versions.find(is_read).map(|one| Part {
                    version: one.version,
                    body: &one.body,
                    json_schema: one.json_schema.as_deref(),
                })
            };
            match part {
                Some(part) => {
                    layers.push(layer);
                    parts.push(part);
                }
                None if layer.is_base() => return None,
                None => {}
            }
        }
        let concerns = self.new.is_none() || parts.iter().any(|part| part.version == 0);
        concerns.then_some((layers, parts))
    }

    /// Checks what comes of some pieces.
    fn check<'a>(
        &self,
        parts: &[Part<'a>],
        whose: Option<&dyn Fn(String) -> String>,
        met: &mut Met<'a>,
    ) -> Result<(), (String, String)> {
        let named = |at: &str, reason: String| match whose {
            Some(whose) => (at.to_owned(), whose(reason)),
            None => (at.to_owned(), reason),
        };
        let Some((base, patches)) = parts.split_first() else {
            return Ok(());
        };
        let body = if patches.is_empty() {
            base.body.to_vec()
        } else {
            let merged = merge(base.body, patches.iter().map(|part| part.body));
            merged.map_err(|e| named("body", e.to_string()))?
        };
        if body.len() > DOCUMENT_BYTES_MAX {
            let length = body.len();
            let key = &self.key;
            let reason = format!(
                "document {key} has {length} bytes; at most {DOCUMENT_BYTES_MAX} are accepted"
            );
            return Err(named("body", reason));
        }
        if let Some(json_schema) = base.json_schema {
            if !met.schemas.contains_key(json_schema) {
                let schema = Schema::read(json_schema);
                let schema = schema.map_err(|e| named("schema", e.to_string()))?;
                met.schemas.insert(json_schema, schema);
            }
            let body = serde_json::from_slice(&body).map_err(|e| named("body", e.to_string()))?;
            let schema = met.schemas.get(json_schema);
            let fits = schema.map_or(Ok(()), |schema| schema.check(&body));
            fits.map_err(|reason| named("body", reason))?;
        }
        let Some((issuer, keys)) = &self.provider else {
            return Ok(());
        };
        // Settings that the provider cannot honour would stop every sign-in of their sites, and nobody
        // could sign in to say so.
        let provider = ProviderFacts { issuer, keys };
        let checked = ClientSettings::parse(&body).and_then(|settings| {
            settings.check_with(provider)?;
            Ok(settings.signing_kid)
        });
        let signing_kid = checked.map_err(|bad| {
            let at = bad
                .at()
                .map_or("body".into(), |field| format!("body.{field}"));
            named(&at, bad.to_string())
        })?;
        met.signing_kids.insert(signing_kid);
        Ok(())
    }
}

fn refused((at, reason): &(String, String)) -> EngineError {
    EngineError::refused_at(at, reason)
}
