//! What agents are told of sites: which layers of documents are a site's own, in shards that are signed
//! like documents. Only products whose documents have layers have any.
//!
//! A site reads by what was told of it, not by what the fleet says since: its agent decides the same.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use domain::document::{DOCUMENT_BYTES_MAX, Document, DocumentKey};
use domain::layer::{Facts, Layer};
use domain::name::{Hostname, ProductName};
use domain::site::Site;
use protocol::told::{SiteLayer, ToldSite, ToldSites};
use store::{StoreError, StoredShard};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;
use tuf::{LEVEL_MAX, Shard, ShardEntry, ShardRole, level_for};

use crate::delivery::Repository;
use crate::publish::Changed;
use crate::publish::plan::Documents;
use crate::{Engine, EngineError, Signal};

/// How often what was told is compared with the fleet when no signal says so.
const LOOK_EACH: Duration = Duration::from_secs(60);

/// What is told of all sites, by product. Cheap to clone.
#[derive(Clone, Default)]
pub struct Told {
    products: BTreeMap<ProductName, Arc<Product>>,
    /// Bodies of shards, by their file below the folder of targets.
    files: Arc<HashMap<String, Bytes>>,
}

struct Product {
    level: u8,
    /// By number; a shard without a site is not there.
    shards: BTreeMap<u16, Arc<Part>>,
}

struct Part {
    entry: ShardEntry,
    body: Bytes,
    sites: BTreeMap<Hostname, ToldSite>,
}

/// What changes of it.
#[derive(Clone, Default)]
pub struct Telling {
    /// What is told from now on.
    pub told: Told,
    /// Shards with another body; one that is no more has none.
    pub shards: Vec<StoredShard>,
    /// The roles that sign them.
    pub roles: BTreeSet<ShardRole>,
}

/// Where sites are, and which groups they belong to, as of now.
pub trait Census {
    /// All sites of a product.
    fn of_product(&self, product: &ProductName) -> Vec<(Hostname, Facts)>;
    /// One of them, if it is.
    fn of_site(&self, product: &ProductName, site: &Hostname) -> Option<Facts>;
}

impl Telling {
    /// What is told of sites once `documents` are the documents, of which those of the products `published` change.
    ///
    /// # Errors
    /// When a shard of one of these products would be longer than agents read. Of another product, sites are told
    /// what they were told before: what is wrong with one product stops nothing of the others.
    pub fn new(
        before: &Told,
        documents: &Documents,
        retold: &Retold,
        published: &BTreeSet<&ProductName>,
        census: &impl Census,
    ) -> Result<Self, EngineError> {
        let layered = documents.keys().filter(|key| !key.layer.is_base());
        let layered: BTreeSet<_> = layered.map(|key| &key.product).collect();
        let (mut products, mut shards) = (before.products.clone(), vec![]);
        let mut roles = BTreeSet::new();
        for name in layered {
            let known = before.products.get(name);
            let product = match (known, retold) {
                (Some(_), Retold::New) => continue,
                (Some(_), Retold::Site(of, _)) if of != name => continue,
                (Some(known), Retold::Site(_, site)) => {
                    with_site(known, (name, site), documents, census)
                }
                _ => product_told(name, documents, census),
            };
            let product = match product {
                Err(error) if !published.contains(name) => {
                    tracing::error!(
                        product = %name,
                        "agents are told of the sites of {name} what they were told before: {error}"
                    );
                    continue;
                }
                product => product?,
            };
            let changed = changed(known.map(|one| &**one), &product, name);
            let is_same_level = known.is_some_and(|known| known.level == product.level);
            if !is_same_level {
                roles.extend(ShardRole::all(name, product.level));
            }
            roles.extend(changed.iter().map(|(shard, _)| shard.role()));
            shards.extend(changed.into_iter().map(|(shard, body)| StoredShard {
                product: shard.product,
                level: shard.level,
                number: shard.number,
                body,
            }));
            products.insert(name.clone(), Arc::new(product));
        }
        let told = if roles.is_empty() {
            before.clone()
        } else {
            Told::of(products)
        };
        Ok(Self {
            told,
            shards,
            roles,
        })
    }

    /// All of it again, as it was.
    #[must_use]
    pub fn of_all(told: Told) -> Self {
        Self {
            roles: told.roles().collect(),
            shards: vec![],
            told,
        }
    }
}

/// Which sites are told of anew.
#[derive(Clone, Debug, Default)]
pub enum Retold {
    /// Those of products that nothing was told of yet, where they have layers now.
    #[default]
    New,
    /// This one, because its own layer changes.
    Site(ProductName, Hostname),
    /// All: the fleet or its groups changed.
    All,
}

impl Told {
    pub(crate) fn build(stored: Vec<StoredShard>) -> Result<Self, EngineError> {
        let mut products: BTreeMap<ProductName, Product> = BTreeMap::new();
        for one in stored {
            let unreadable = |e| EngineError::remote("read what was told of sites", &e);
            let read: ToldSites = serde_json::from_slice(&one.body).map_err(unreadable)?;
            let (product, level, number) = (one.product, one.level, one.number);
            let of = products.entry(product.clone()).or_insert(Product {
                level,
                shards: BTreeMap::new(),
            });
            let shard = Shard {
                product,
                level,
                number,
            };
            let part = Part {
                entry: ShardEntry::of(shard, &one.body),
                body: one.body.into(),
                sites: read.sites,
            };
            of.shards.insert(number, Arc::new(part));
        }
        let products = products.into_iter();
        Ok(Self::of(
            products.map(|(name, one)| (name, Arc::new(one))).collect(),
        ))
    }

    fn of(products: BTreeMap<ProductName, Arc<Product>>) -> Self {
        let parts = products.values().flat_map(|one| one.shards.values());
        let files = parts.map(|part| (part.entry.file(), part.body.clone()));
        Self {
            files: Arc::new(files.collect()),
            products,
        }
    }

    /// What is told of a site; `None` where nothing is.
    pub(crate) fn site(&self, product: &ProductName, site: &Hostname) -> Option<&ToldSite> {
        let of = self.products.get(product)?;
        let shard = Shard::of(product, of.level, site);
        of.shards.get(&shard.number)?.sites.get(site)
    }

    /// Bodies of shards, by their file below the folder of targets.
    pub(crate) fn files(&self) -> &HashMap<String, Bytes> {
        &self.files
    }

    /// All roles of it.
    pub(crate) fn roles(&self) -> impl Iterator<Item = ShardRole> {
        let products = self.products.iter();
        products.flat_map(|(name, one)| ShardRole::all(name, one.level))
    }

    /// What a role lists.
    pub(crate) fn entries(&self, role: &ShardRole) -> impl Iterator<Item = &ShardEntry> {
        let of = self.products.get(&role.product);
        let parts = of.into_iter().flat_map(|one| one.shards.values());
        parts
            .map(|part| &part.entry)
            .filter(|entry| entry.shard.role() == *role)
    }
}

impl Engine {
    /// Tells agents of sites whenever the fleet or its groups say something else than what was told, until
    /// it is stopped.
    pub(crate) async fn tell_of_sites(self, stop: CancellationToken) {
        let mut signals = self.signals();
        loop {
            if let Err(error) = self.retell_sites().await {
                tracing::warn!("could not tell agents of their sites: {error}");
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.clock().sleep(LOOK_EACH) => {}
                () = next_change(&mut signals) => {}
            }
        }
    }

    async fn retell_sites(&self) -> Result<(), EngineError> {
        let repository = self.repository();
        if repository.documents().keys().all(|key| key.layer.is_base()) {
            return Ok(());
        }
        // Mostly nothing changed. To find that out takes a moment for each site, in which others may publish.
        let engine = self.clone();
        let look = move || engine.is_to_retell(&repository);
        let looked = tokio::task::spawn_blocking(look).await;
        if !looked.map_err(|e| EngineError::remote("tell of sites", &e))?? {
            return Ok(());
        }
        let _alone = self.0.delivery.publishing.lock().await;
        let what = "which layers of config are theirs";
        let audit = self.audit("lamplighter", "told agents of sites", what, "");
        let changed = Changed {
            retold: Retold::All,
            ..Changed::default()
        };
        match self.commit(&self.repository(), changed, &audit).await {
            // Another process published in between; the next look tells.
            Err(EngineError::Store(StoreError::Conflict { .. })) => self.reload_repository().await,
            done => done,
        }
    }

    fn is_to_retell(&self, repository: &Repository) -> Result<bool, EngineError> {
        let (told, documents) = (&repository.told, repository.documents());
        let telling = Telling::new(told, documents, &Retold::All, &BTreeSet::new(), self)?;
        Ok(!telling.roles.is_empty())
    }

    /// Where a site is, and which groups it belongs to, as of now.
    pub(crate) fn facts(&self, site: &Site) -> Facts {
        let groups = self.0.groups.load();
        Facts::of(site, groups.of(&site.hostname))
    }
}

impl Census for Engine {
    fn of_product(&self, product: &ProductName) -> Vec<(Hostname, Facts)> {
        let fleet = self.fleet();
        let sites = fleet.sites().map(|(_, site)| site);
        let own = sites.filter(|site| site.product == *product);
        own.map(|site| (site.hostname.clone(), self.facts(&site)))
            .collect()
    }

    fn of_site(&self, product: &ProductName, site: &Hostname) -> Option<Facts> {
        let found = self.fleet().site_at(site);
        let found = found.filter(|one| one.product == *product)?;
        Some(self.facts(&found))
    }
}

/// What is told of all sites of a product.
fn product_told(
    name: &ProductName,
    documents: &Documents,
    census: &impl Census,
) -> Result<Product, EngineError> {
    let mut own = layers_of_sites(name, documents);
    let told = |(site, facts): (Hostname, Facts)| {
        let layers = own.remove(&site).unwrap_or_default();
        (site, ToldSite { facts, layers })
    };
    divided(
        name,
        &census.of_product(name).into_iter().map(told).collect(),
    )
}

/// A product with one shard made anew, because a site's own layers changed. All of them, where it is too long then.
fn with_site(
    known: &Product,
    (name, site): (&ProductName, &Hostname),
    documents: &Documents,
    census: &impl Census,
) -> Result<Product, EngineError> {
    let shard = Shard::of(name, known.level, site);
    let number = shard.number;
    let mut shards = known.shards.clone();
    let mut sites = shards
        .get(&number)
        .map_or_else(BTreeMap::new, |part| part.sites.clone());
    let Some(of_fleet) = census.of_site(name, site) else {
        return Err(EngineError::not_found("site of this product", site));
    };
    let told = sites.get(site).map(|told| told.facts.clone());
    let facts = told.unwrap_or(of_fleet);
    let layers = layers_of(name, site, documents);
    sites.insert(site.clone(), ToldSite { facts, layers });
    let Ok(part) = part(shard, sites) else {
        return product_told(name, documents, census);
    };
    shards.insert(number, Arc::new(part));
    Ok(Product {
        level: known.level,
        shards,
    })
}

/// Returns when agents may have to be told something else. Part of a `select`: it must lose nothing when
/// dropped, and `recv` does not.
async fn next_change(signals: &mut broadcast::Receiver<Signal>) {
    loop {
        match signals.recv().await {
            Ok(Signal::FleetChanged | Signal::GroupsChanged)
            | Err(broadcast::error::RecvError::Lagged(_)) => return,
            Ok(_) => {}
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}

/// The layers for single sites of a product.
fn layers_of_sites(
    product: &ProductName,
    documents: &Documents,
) -> HashMap<Hostname, Vec<SiteLayer>> {
    let mut layers: HashMap<Hostname, Vec<SiteLayer>> = HashMap::new();
    for (key, versions) in documents.iter().filter(|(key, _)| key.product == *product) {
        if let Layer::Site(site) = &key.layer {
            let told = versions.iter().rev().filter_map(|one| site_layer(one));
            layers.entry(site.clone()).or_default().extend(told);
        }
    }
    layers
}

fn layers_of(product: &ProductName, site: &Hostname, documents: &Documents) -> Vec<SiteLayer> {
    let bases = documents
        .keys()
        .filter(|key| key.product == *product && key.layer.is_base());
    let own = bases.filter_map(|key| documents.get(&key.with_layer(Layer::Site(site.clone()))));
    own.flat_map(|versions| versions.iter().rev().filter_map(|one| site_layer(one)))
        .collect()
}

fn site_layer(document: &Document) -> Option<SiteLayer> {
    let DocumentKey { service, name, .. } = &document.key;
    Some(SiteLayer {
        service: service.clone(),
        name: name.clone(),
        version: document.version,
        accepts: document.accepts.clone(),
        published: document.published,
        body: serde_json::from_slice(&document.body).ok()?,
    })
}

/// Divides the sites of a product into shards: into as few as their number asks for, and into more where long layers of
/// single sites would make one longer than agents read.
fn divided(
    name: &ProductName,
    sites: &BTreeMap<Hostname, ToldSite>,
) -> Result<Product, EngineError> {
    let lowest = level_for(sites.len());
    let mut product = divided_at(name, lowest, sites);
    for level in lowest + 1..=LEVEL_MAX {
        if product.is_ok() {
            break;
        }
        product = divided_at(name, level, sites);
    }
    product
}

fn divided_at(
    name: &ProductName,
    level: u8,
    sites: &BTreeMap<Hostname, ToldSite>,
) -> Result<Product, EngineError> {
    let mut shards: BTreeMap<u16, BTreeMap<Hostname, ToldSite>> = BTreeMap::new();
    for (site, told) in sites {
        let number = Shard::of(name, level, site).number;
        let shard = shards.entry(number).or_default();
        shard.insert(site.clone(), told.clone());
    }
    let parts = shards.into_iter().map(|(number, sites)| {
        let shard = Shard {
            product: name.clone(),
            level,
            number,
        };
        Ok((number, Arc::new(part(shard, sites)?)))
    });
    let shards = parts.collect::<Result<_, EngineError>>()?;
    Ok(Product { level, shards })
}

fn part(shard: Shard, sites: BTreeMap<Hostname, ToldSite>) -> Result<Part, EngineError> {
    let told = ToldSites { sites };
    let body = serde_json::to_vec(&told).map_err(|e| EngineError::remote("tell of sites", &e))?;
    if body.len() > DOCUMENT_BYTES_MAX {
        let rule = format!(
            "what is told of {} sites with their own layers would be {} bytes long, and agents read at most {DOCUMENT_BYTES_MAX}: make the layers of single sites shorter, or move what they share into a layer of a group",
            told.sites.len(),
            body.len()
        );
        return Err(EngineError::refused_at("body", rule));
    }
    Ok(Part {
        entry: ShardEntry::of(shard, &body),
        body: body.into(),
        sites: told.sites,
    })
}

/// The shards that differ, with their bodies; empty for one that is no more.
fn changed(before: Option<&Product>, after: &Product, name: &ProductName) -> Vec<(Shard, Vec<u8>)> {
    let known = before.filter(|before| before.level == after.level);
    let known = |number: &u16| known.and_then(|before| before.shards.get(number));
    let is_new = |(number, part): &(&u16, &Arc<Part>)| {
        known(number).is_none_or(|known| known.entry.sha256 != part.entry.sha256)
    };
    let new = after.shards.iter().filter(is_new);
    let new = new.map(|(_, part)| (part.entry.shard.clone(), part.body.to_vec()));
    let gone = before.into_iter().flat_map(|one| one.shards.keys());
    let gone = gone.filter(|number| !after.shards.contains_key(number) && known(number).is_some());
    let gone = gone.map(|number| {
        let shard = Shard {
            product: name.clone(),
            level: after.level,
            number: *number,
        };
        (shard, vec![])
    });
    new.chain(gone).collect()
}
