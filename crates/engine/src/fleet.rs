//! The fleet in memory: facts of every site, its running release and its lamp.
//!
//! About 300 bytes a site. Reads take no lock that a writer holds.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use arc_swap::ArcSwap;
use domain::id::{OrganizationId, SiteId};
use domain::name::{Hostname, ProductName};
use domain::place::County;
use domain::product::Product;
use domain::site::state::{Evidence, Lamp, SiteState};
use domain::site::{Organization, Site};
use jiff::Timestamp;
use semver::Version;
use store::{Store, StoreError};

use crate::{Engine, EngineError, Signal};

const PAGE: u32 = 5_000;

/// A site's place in this process's fleet: stable until the process ends, 0 to `fleet.len() - 1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
pub struct SiteIndex(pub u32);

/// Every organization, product and site.
pub struct Fleet {
    slots: Vec<Slot>,
    by_id: HashMap<SiteId, SiteIndex>,
    by_hostname: HashMap<Hostname, SiteIndex>,
    /// Each in the order of the index.
    by_county: BTreeMap<County, Vec<SiteIndex>>,
    organizations: HashMap<OrganizationId, Arc<str>>,
    products: HashMap<ProductName, Arc<Product>>,
}

struct Slot {
    site: ArcSwap<Site>,
    /// A [`Lamp`]: its state, and [`BELIEVED`].
    lamp: AtomicU8,
}

/// Set in a slot's lamp that is only believed to fail.
const BELIEVED: u8 = 1 << 7;

impl Fleet {
    pub(crate) async fn load(store: &Store) -> Result<Self, StoreError> {
        let mut sites: Vec<Site> = vec![];
        loop {
            let page = store.sites(sites.last().map(|site| site.id), PAGE).await?;
            let last = page.len() < PAGE as usize;
            sites.extend(page);
            if last {
                break;
            }
        }
        let mut organizations: Vec<Organization> = vec![];
        loop {
            let page = store
                .organizations(organizations.last().map(|one| one.id), PAGE)
                .await?;
            let last = page.len() < PAGE as usize;
            organizations.extend(page);
            if last {
                break;
            }
        }
        let products = store.products().await?;
        Ok(Self::new(sites, organizations, products))
    }

    fn new(sites: Vec<Site>, organizations: Vec<Organization>, products: Vec<Product>) -> Self {
        let mut fleet = Self {
            slots: Vec::with_capacity(sites.len()),
            by_id: HashMap::with_capacity(sites.len()),
            by_hostname: HashMap::with_capacity(sites.len()),
            by_county: BTreeMap::new(),
            organizations: organizations
                .into_iter()
                .map(|one| (one.id, one.name))
                .collect(),
            products: products
                .into_iter()
                .map(|one| (one.name.clone(), Arc::new(one)))
                .collect(),
        };
        for (index, site) in (0u32..).map(SiteIndex).zip(sites) {
            fleet.by_id.insert(site.id, index);
            fleet.by_hostname.insert(site.hostname.clone(), index);
            if let Some(county) = &site.area.county {
                let county = County::of(&site.area.state, county);
                fleet.by_county.entry(county).or_default().push(index);
            }
            fleet.slots.push(Slot {
                site: ArcSwap::from_pointee(site),
                lamp: AtomicU8::new(packed(Lamp::default())),
            });
        }
        fleet
    }

    /// How many sites there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether no fleet was imported yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// The site at `index`, as it is now.
    #[must_use]
    pub fn site(&self, index: SiteIndex) -> Option<Arc<Site>> {
        self.slots
            .get(index.0 as usize)
            .map(|slot| slot.site.load_full())
    }

    /// The lamp of the site at `index`; `Unknown` for an index that is none.
    #[must_use]
    pub fn state(&self, index: SiteIndex) -> SiteState {
        self.lamp(index).state
    }

    fn lamp(&self, index: SiteIndex) -> Lamp {
        let slot = self.slots.get(index.0 as usize);
        slot.map_or_else(Lamp::default, |slot| {
            unpacked(slot.lamp.load(Ordering::Relaxed))
        })
    }

    /// What evidence makes of a lamp; true when another state is shown than before.
    pub(crate) fn learn(&self, index: SiteIndex, evidence: Evidence) -> bool {
        let Some(slot) = self.slots.get(index.0 as usize) else {
            return false;
        };
        let after = |lamp: u8| Some(packed(unpacked(lamp).after(evidence)));
        let (set, fetch) = (Ordering::Relaxed, Ordering::Relaxed);
        let before = slot.lamp.fetch_update(set, fetch, after);
        before.is_ok_and(|before| {
            let before = unpacked(before);
            before.after(evidence).state != before.state
        })
    }

    fn set_lamp(&self, index: SiteIndex, lamp: Lamp) {
        if let Some(slot) = self.slots.get(index.0 as usize) {
            slot.lamp.store(packed(lamp), Ordering::Relaxed);
        }
    }

    /// Every site with its index, in the order of the index.
    pub fn sites(&self) -> impl Iterator<Item = (SiteIndex, Arc<Site>)> + '_ {
        (0u32..)
            .map(SiteIndex)
            .zip(&self.slots)
            .map(|(index, slot)| (index, slot.site.load_full()))
    }

    /// The index of a site.
    #[must_use]
    pub fn index(&self, id: SiteId) -> Option<SiteIndex> {
        self.by_id.get(&id).copied()
    }

    /// The index of the site that answers at `hostname`.
    #[must_use]
    pub fn find(&self, hostname: &Hostname) -> Option<SiteIndex> {
        self.by_hostname.get(hostname).copied()
    }

    /// The site that answers at `hostname`.
    #[must_use]
    pub fn site_at(&self, hostname: &Hostname) -> Option<Arc<Site>> {
        self.site(self.find(hostname)?)
    }

    /// The sites of a county, in the order of the index.
    #[must_use]
    pub fn in_county(&self, county: &County) -> &[SiteIndex] {
        self.by_county.get(county).map_or(&[], Vec::as_slice)
    }

    /// The name of an organization.
    #[must_use]
    pub fn organization(&self, id: OrganizationId) -> Option<Arc<str>> {
        self.organizations.get(&id).cloned()
    }

    /// The organizations whose names hold all words of `words`, by name.
    #[must_use]
    pub fn organizations_named(&self, words: &str) -> Vec<(OrganizationId, Arc<str>)> {
        let words = words.to_lowercase();
        let words: Vec<_> = words.split_whitespace().collect();
        let holds = |name: &str| {
            let name = name.to_lowercase();
            words.iter().all(|word| name.contains(word))
        };
        let all = self.organizations.iter().filter(|(_, name)| holds(name));
        let mut all: Vec<_> = all.map(|(id, name)| (*id, Arc::clone(name))).collect();
        all.sort_by(|(_, one), (_, other)| one.cmp(other));
        all
    }

    pub(crate) fn organization_ids(&self) -> HashMap<Arc<str>, OrganizationId> {
        self.organizations
            .iter()
            .map(|(id, name)| (Arc::clone(name), *id))
            .collect()
    }

    /// A product.
    #[must_use]
    pub fn product(&self, name: &ProductName) -> Option<Arc<Product>> {
        self.products.get(name).cloned()
    }

    /// All products.
    pub fn products(&self) -> impl Iterator<Item = &Arc<Product>> {
        self.products.values()
    }

    pub(crate) fn set_running(&self, id: SiteId, version: &Version, at: Timestamp) {
        let Some(slot) = self
            .index(id)
            .and_then(|index| self.slots.get(index.0 as usize))
        else {
            return;
        };
        slot.site.rcu(|site| {
            let mut site = Site::clone(site);
            if site.running != *version {
                site.ran_before = Some(std::mem::replace(&mut site.running, version.clone()));
                site.activated_at = at;
            }
            site
        });
    }
}

fn packed(lamp: Lamp) -> u8 {
    lamp.state as u8 | if lamp.is_believed { BELIEVED } else { 0 }
}

fn unpacked(byte: u8) -> Lamp {
    let state = byte & !BELIEVED;
    let known = SiteState::ALL.into_iter();
    Lamp {
        state: known
            .into_iter()
            .find(|known| *known as u8 == state)
            .unwrap_or_default(),
        is_believed: byte & BELIEVED != 0,
    }
}

impl Engine {
    /// The fleet as it is now.
    #[must_use]
    pub fn fleet(&self) -> Arc<Fleet> {
        self.0.fleet.load_full()
    }

    /// Loads the fleet again after an import; lamps keep their state.
    ///
    /// # Errors
    /// When the state cannot be loaded.
    pub async fn reload_fleet(&self) -> Result<(), EngineError> {
        let _alone = self.0.reading_fleet.write().await;
        let fleet = Fleet::load(&self.0.store).await?;
        let before = self.fleet();
        for (index, site) in before.sites() {
            if let Some(new) = fleet.index(site.id) {
                fleet.set_lamp(new, before.lamp(index));
            }
        }
        self.0.fleet.store(Arc::new(fleet));
        self.told();
        self.signal(Signal::FleetChanged);
        Ok(())
    }

    /// Adds a product or replaces its settings.
    ///
    /// # Errors
    /// When the settings break a rule or the store fails.
    pub async fn save_product(
        &self,
        product: &Product,
        webhook_secret: Option<&[u8]>,
        who: &str,
    ) -> Result<(), EngineError> {
        let checked = product.settings.check();
        checked.map_err(|bad| EngineError::refused_at(bad.at, &bad))?;
        if webhook_secret.is_some_and(<[u8]>::is_empty) {
            let reason = "an empty secret signs nothing; leave it out to keep the one there is";
            return Err(EngineError::refused_at("webhook_secret", reason));
        }
        let audit = self.audit(who, "saved a product", product.name.as_str(), "");
        self.0
            .store
            .save_product(product, webhook_secret, &audit)
            .await?;
        self.reload_fleet().await
    }

    /// Records in store and memory that sites run a release of their product from now on. A staged
    /// release is live before the first of them runs it.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn set_running(
        &self,
        sites: &[SiteId],
        (product, version): (&ProductName, &Version),
        audit: &AuditOf<'_>,
    ) -> Result<(), EngineError> {
        self.make_live(product, version, audit.who).await?;
        let now = self.0.clock.now();
        let entry = self.audit(audit.who, audit.act, audit.what, audit.detail);
        let _not_read_again = self.0.reading_fleet.read().await;
        self.0.store.activate(sites, version, now, &entry).await?;
        let fleet = self.fleet();
        for site in sites {
            fleet.set_running(*site, version, now);
        }
        Ok(())
    }
}

/// What an audit entry says, before it has its time.
pub(crate) struct AuditOf<'a> {
    pub(crate) who: &'a str,
    pub(crate) act: &'a str,
    pub(crate) what: &'a str,
    pub(crate) detail: &'a str,
}
