//! Imports a fleet: all of the file or nothing.

use std::collections::HashMap;
use std::sync::Arc;

use domain::product::{Product, ProductSettings};
use domain::site::import::{BadFile, BadLine, Defaults, NewSite, read};
use domain::site::{Organization, Site};
use store::FleetRows;

use crate::{Engine, EngineError};

/// What an import added.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
pub struct Imported {
    /// Organizations that are new.
    pub organizations: usize,
    /// Sites that are new.
    pub sites: usize,
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

impl Engine {
    /// Imports a fleet file; products that it names and that do not exist are added.
    ///
    /// # Errors
    /// The bad lines, with their numbers and reasons, or what else failed. Nothing is changed then.
    pub async fn import_fleet(
        &self,
        csv: &[u8],
        defaults: &Defaults,
        who: &str,
    ) -> Result<Imported, ImportError> {
        let new = read(csv, defaults).map_err(ImportError::BadLines)?;
        self.refuse_known(&new)?;
        for name in new
            .iter()
            .map(|site| &site.product)
            .collect::<std::collections::BTreeSet<_>>()
        {
            if self.fleet().product(name).is_none() {
                let product = Product {
                    name: name.clone(),
                    settings: ProductSettings::default(),
                };
                self.save_product(&product, None, who).await?;
            }
        }
        let rows = self.rows(new);
        let imported = Imported {
            organizations: rows.organizations.len(),
            sites: rows.sites.len(),
        };
        let detail = format!(
            "{} organizations, {} sites",
            imported.organizations, imported.sites
        );
        let audit = self.audit(who, "imported a fleet", "fleet", &detail);
        self.store()
            .import_fleet(&rows, &audit)
            .await
            .map_err(EngineError::from)?;
        self.reload_fleet().await?;
        Ok(imported)
    }

    fn refuse_known(&self, new: &[NewSite]) -> Result<(), ImportError> {
        let fleet = self.fleet();
        let known: BadFile = (2u64..)
            .zip(new)
            .filter(|(_, site)| fleet.find(&site.hostname).is_some())
            .map(|(line, site)| BadLine {
                line,
                reason: format!("site {} is already in the fleet", site.hostname),
            })
            .collect();
        if known.count == 0 {
            Ok(())
        } else {
            Err(ImportError::BadLines(known))
        }
    }

    fn rows(&self, new: Vec<NewSite>) -> FleetRows {
        let clock = self.clock();
        let now = clock.now();
        let mut known: HashMap<Arc<str>, _> = self.fleet().organization_ids();
        let mut rows = FleetRows::default();
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
