//! Imports a fleet: all of the file or nothing.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use domain::name::{Hostname, ProductName};
use domain::product::{Product, ProductSettings};
use domain::site::import::{About, BadFile, BadLine, Defaults, Line, NewSite, read_lines};
use domain::site::update::FieldChange;
use domain::site::{Organization, Site};
use store::FleetRows;

use crate::{Engine, EngineError};

/// The most changed sites that the answer to an import names.
const CHANGES_MAX: usize = 100;
/// The most changed sites that the audit names.
const AUDITED_MAX: usize = 20;

/// How a fleet file is imported.
#[derive(Clone, Copy, Debug, Default)]
pub struct Import {
    /// Known sites are changed by what the file says of them; without it, a known site is refused.
    pub update: bool,
    /// Says what would be done, and does nothing.
    pub dry_run: bool,
}

/// What an import added and changed, or would.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Imported {
    /// Whether it was only tried, and nothing was done.
    pub dry_run: bool,
    /// Organizations that are new.
    pub organizations: usize,
    /// Sites that are new.
    pub sites: usize,
    /// Known sites that the file changed.
    pub changed: usize,
    /// Known sites of which the file says nothing new: they are left as they are.
    pub unchanged: usize,
    /// What changed, of the first 100 sites.
    pub changes: Vec<SiteChange>,
}

/// What a file changed of a site.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct SiteChange {
    /// The site.
    pub hostname: Hostname,
    /// What differs.
    pub fields: Vec<FieldChange>,
}

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// These lines are wrong; nothing was imported.
    #[error("nothing was imported: {0}")]
    BadLines(BadFile),
    /// The import failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// What a file comes to, before anything is stored.
#[derive(Default)]
struct Decided {
    new: Vec<NewSite>,
    changed: Vec<Site>,
    changes: Vec<SiteChange>,
    unchanged: usize,
}

impl Engine {
    /// Imports a fleet file of new sites; products that it names and that do not exist are added.
    ///
    /// # Errors
    /// The bad lines, with their numbers and reasons, or what else failed. Nothing is changed then.
    pub async fn import_fleet(
        &self,
        csv: &[u8],
        defaults: &Defaults,
        who: &str,
    ) -> Result<Imported, ImportError> {
        self.import_fleet_as(Import::default(), csv, defaults, who)
            .await
    }

    /// Imports a fleet file; products that its new sites name and that do not exist are added. A file that
    /// says nothing new changes nothing, and leaves no trace in the audit.
    ///
    /// # Errors
    /// The bad lines, with their numbers and reasons, or what else failed. Nothing is changed then.
    pub async fn import_fleet_as(
        &self,
        how: Import,
        csv: &[u8],
        defaults: &Defaults,
        who: &str,
    ) -> Result<Imported, ImportError> {
        let about = match how.update {
            true => About::AnySites,
            false => About::NewSites,
        };
        let lines = read_lines(csv, about).map_err(ImportError::BadLines)?;
        let _turn = self.0.importing.lock().await;
        let decided = self.decide(lines, how, defaults)?;
        let products = self.new_products(&decided.new);
        let rows = self.rows(decided.new, decided.changed);
        let imported = Imported {
            dry_run: how.dry_run,
            organizations: rows.organizations.len(),
            sites: rows.sites.len(),
            changed: rows.changed.len(),
            unchanged: decided.unchanged,
            changes: decided.changes,
        };
        if how.dry_run || imported.sites + imported.changed == 0 {
            return Ok(imported);
        }
        for name in products {
            let settings = ProductSettings::default();
            self.save_product(&Product { name, settings }, None, who)
                .await?;
        }
        let audit = self.audit(who, "imported a fleet", "fleet", &detail(&rows));
        let saved = self.store().import_fleet(&rows, &audit).await;
        saved.map_err(EngineError::from)?;
        self.reload_fleet().await?;
        Ok(imported)
    }

    fn decide(
        &self,
        lines: Vec<Line>,
        how: Import,
        defaults: &Defaults,
    ) -> Result<Decided, ImportError> {
        let fleet = self.fleet();
        let (mut decided, mut bad) = (Decided::default(), vec![]);
        for line in lines {
            let Some(known) = fleet.site_at(&line.hostname) else {
                match line.new_site(defaults) {
                    Ok(site) => decided.new.push(site),
                    Err(line) => bad.push(line),
                }
                continue;
            };
            if !how.update {
                let reason = format!(
                    "site {} is already in the fleet; to change what is known of it, import with update",
                    line.hostname
                );
                let line = line.number;
                bad.push(BadLine { line, reason });
                continue;
            }
            let organization = fleet.organization(known.organization).unwrap_or_default();
            match line.update(&known, &organization) {
                Ok(None) => decided.unchanged += 1,
                Ok(Some((site, fields))) => {
                    let hostname = site.hostname.clone();
                    decided.changed.push(site);
                    if decided.changes.len() < CHANGES_MAX {
                        decided.changes.push(SiteChange { hostname, fields });
                    }
                }
                Err(line) => bad.push(line),
            }
        }
        if bad.is_empty() {
            Ok(decided)
        } else {
            Err(ImportError::BadLines(bad.into_iter().collect()))
        }
    }

    fn new_products(&self, new: &[NewSite]) -> Vec<ProductName> {
        let fleet = self.fleet();
        let named: BTreeSet<_> = new.iter().map(|site| &site.product).collect();
        let unknown = named
            .into_iter()
            .filter(|name| fleet.product(name).is_none());
        unknown.cloned().collect()
    }

    fn rows(&self, new: Vec<NewSite>, changed: Vec<Site>) -> FleetRows {
        let clock = self.clock();
        let now = clock.now();
        let mut known: HashMap<Arc<str>, _> = self.fleet().organization_ids();
        let mut rows = FleetRows {
            changed,
            ..FleetRows::default()
        };
        for site in new {
            let name: Arc<str> = site.organization.into();
            let organization = *known.entry(Arc::clone(&name)).or_insert_with(|| {
                let organization = Organization {
                    id: clock.id(),
                    name,
                };
                rows.organizations.push(organization.clone());
                organization.id
            });
            rows.sites.push(Site {
                id: clock.id(),
                hostname: site.hostname,
                organization,
                product: site.product,
                kind: site.kind.into(),
                area: site.area,
                zone: site.zone,
                population: site.population,
                running: site.running,
                ran_before: None,
                activated_at: now,
            });
        }
        rows
    }
}

/// What the audit says of an import.
fn detail(rows: &FleetRows) -> String {
    let (organizations, sites) = (rows.organizations.len(), rows.sites.len());
    let mut detail = format!("{organizations} organizations, {sites} sites");
    if !rows.changed.is_empty() {
        let named = rows.changed.iter().take(AUDITED_MAX);
        let named: Vec<_> = named.map(|site| site.hostname.as_str()).collect();
        detail += &format!(
            " added, {} sites changed: {}",
            rows.changed.len(),
            named.join(", ")
        );
        if let more @ 1.. = rows.changed.len() - named.len() {
            detail += &format!(" and {more} more");
        }
    }
    detail
}
