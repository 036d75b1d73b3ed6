//! Named groups of sites, which layers of documents can be for. Never asks why a site is in one.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use domain::layer::GROUPS_OF_SITE_MAX;
use domain::name::{GroupName, Hostname};
use store::{Store, StoreError};

use crate::{Engine, EngineError, Signal};

/// The most named groups.
pub const GROUPS_MAX: usize = 200;
/// The most sites of one group.
pub const GROUP_SITES_MAX: usize = 20_000;

/// The groups in memory.
#[derive(Default)]
pub(crate) struct Groups {
    sites: BTreeMap<GroupName, BTreeSet<Hostname>>,
    by_site: HashMap<Hostname, BTreeSet<GroupName>>,
}

impl Groups {
    pub(crate) async fn load(store: &Store) -> Result<Self, StoreError> {
        Ok(Self::new(store.groups().await?))
    }

    fn new(sites: BTreeMap<GroupName, BTreeSet<Hostname>>) -> Self {
        let mut by_site: HashMap<Hostname, BTreeSet<GroupName>> = HashMap::new();
        for (group, of) in &sites {
            for site in of {
                by_site
                    .entry(site.clone())
                    .or_default()
                    .insert(group.clone());
            }
        }
        Self { sites, by_site }
    }

    /// The groups of a site.
    pub(crate) fn of(&self, site: &Hostname) -> BTreeSet<GroupName> {
        self.by_site.get(site).cloned().unwrap_or_default()
    }
}

impl Engine {
    /// The named groups of sites, each with its sites.
    #[must_use]
    pub fn groups(&self) -> BTreeMap<GroupName, BTreeSet<Hostname>> {
        self.0.groups.load().sites.clone()
    }

    /// The sites of a group.
    ///
    /// # Errors
    /// When there is no such group.
    pub fn group(&self, name: &GroupName) -> Result<BTreeSet<Hostname>, EngineError> {
        let found = self.0.groups.load().sites.get(name).cloned();
        found.ok_or_else(|| EngineError::not_found("group", name))
    }

    /// Puts the sites of a group in the place of those there were; without a site the group is no more.
    ///
    /// # Errors
    /// When a site is unknown, there are too many, a site would belong to too many groups, or the store
    /// fails.
    pub async fn set_group(
        &self,
        name: &GroupName,
        sites: BTreeSet<Hostname>,
        who: &str,
    ) -> Result<BTreeSet<Hostname>, EngineError> {
        let _alone = self.0.grouping.lock().await;
        let before = self.0.groups.load_full();
        self.check_group(&before, name, &sites)?;
        let known = before.sites.get(name);
        let (had, has) = (known.map_or(0, BTreeSet::len), sites.len());
        let added = sites
            .iter()
            .filter(|site| !known.is_some_and(|known| known.contains(site)));
        let added: Vec<_> = added.take(10).map(Hostname::as_str).collect();
        let detail = format!("{has} sites, {had} before; new: {}", added.join(", "));
        let audit = self.audit(who, "set the sites of a group", name.as_str(), &detail);
        self.store().set_group(name, &sites, &audit).await?;
        let groups = Groups::load(self.store()).await?;
        self.0.groups.store(groups.into());
        self.signal(Signal::GroupsChanged);
        Ok(sites)
    }

    fn check_group(
        &self,
        before: &Groups,
        name: &GroupName,
        sites: &BTreeSet<Hostname>,
    ) -> Result<(), EngineError> {
        let refused = |rule: String| Err(EngineError::refused_at("sites", rule));
        if sites.len() > GROUP_SITES_MAX {
            return refused(format!("a group has at most {GROUP_SITES_MAX} sites"));
        }
        if before.sites.len() >= GROUPS_MAX && !before.sites.contains_key(name) {
            return refused(format!("there are at most {GROUPS_MAX} groups"));
        }
        let fleet = self.fleet();
        if let Some(unknown) = sites.iter().find(|site| fleet.find(site).is_none()) {
            return Err(EngineError::not_found("site", unknown));
        }
        let others = |site: &Hostname| before.of(site).iter().filter(|one| *one != name).count();
        if let Some(site) = sites.iter().find(|site| others(site) >= GROUPS_OF_SITE_MAX) {
            return refused(format!(
                "{site} belongs to {GROUPS_OF_SITE_MAX} groups already, and a site belongs to no more"
            ));
        }
        Ok(())
    }
}
