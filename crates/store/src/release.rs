//! Products and releases, and which release each site runs.

use domain::id::SiteId;
use domain::name::ProductName;
use domain::product::{Product, ProductSettings};
use domain::release::{Release, ReleaseState};
use jiff::Timestamp;
use semver::Version;

use crate::db::{Change, corrupt, params};
use crate::{AuditEntry, Store, StoreError};

impl Store {
    /// Adds a product or replaces its settings; keeps its webhook secret unless one is given.
    ///
    /// # Errors
    /// When the database or the sealing key fails.
    pub async fn save_product(
        &self,
        product: &Product,
        webhook_secret: Option<&[u8]>,
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        const SAVE: &str = "INSERT INTO products (name, settings, webhook_secret) VALUES ($1, $2, $3) \
            ON CONFLICT (name) DO UPDATE SET settings = excluded.settings, \
            webhook_secret = coalesce(excluded.webhook_secret, products.webhook_secret)";
        let settings = serde_json::to_string(&product.settings).unwrap_or_default();
        let sealed = webhook_secret
            .map(|secret| self.sealer.seal(&secret_context(&product.name), secret))
            .transpose()?;
        let change = Change::new()
            .run(SAVE, params![&product.name, settings, sealed])
            .audit(audit);
        self.db.write(change).await.map(drop)
    }

    /// All products, by name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn products(&self) -> Result<Vec<Product>, StoreError> {
        let rows = self
            .db
            .read("SELECT name, settings FROM products ORDER BY name", vec![])
            .await?;
        rows.iter()
            .map(|row| {
                let settings: ProductSettings = serde_json::from_str(row.str(1)?)
                    .map_err(|e| corrupt("product settings", &e.to_string()))?;
                Ok(Product {
                    name: row.parse(0, "product")?,
                    settings,
                })
            })
            .collect()
    }

    /// The secret that signs a product's webhooks, if one was set.
    ///
    /// # Errors
    /// When the database or the sealing key fails.
    pub async fn webhook_secret(
        &self,
        product: &ProductName,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        const FIND: &str = "SELECT webhook_secret FROM products WHERE name = $1";
        let rows = self.db.read(FIND, params![product]).await?;
        let Some(row) = rows.first().filter(|row| !row.is_null(0)) else {
            return Ok(None);
        };
        Ok(Some(
            self.sealer
                .unseal(&secret_context(product), row.bytes(0)?)?,
        ))
    }

    /// Adds a release, or moves one to another state.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn save_release(
        &self,
        release: &Release,
        now: Timestamp,
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        const SAVE: &str = "INSERT INTO releases (product, version, state, staged_at) \
            VALUES ($1, $2, $3, $4) ON CONFLICT (product, version) DO UPDATE SET state = excluded.state";
        let params = params![
            &release.product,
            &release.version,
            release.state.as_str(),
            now
        ];
        self.db
            .write(Change::new().run(SAVE, params).audit(audit))
            .await
            .map(drop)
    }

    /// Makes a staged release live.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it is not staged; or when the database fails.
    pub async fn make_release_live(
        &self,
        product: &ProductName,
        version: &Version,
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        const LIVE: &str = "UPDATE releases SET state = 'live' \
            WHERE product = $1 AND version = $2 AND state = 'staged'";
        let change = Change::new()
            .run(LIVE, params![product, version])
            .expect_rows(1)
            .audit(audit);
        self.db.write(change).await.map(drop)
    }

    /// All releases, also retired ones, by product and version.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn releases(&self) -> Result<Vec<Release>, StoreError> {
        const LIST: &str = "SELECT product, version, state FROM releases";
        let rows = self.db.read(LIST, vec![]).await?;
        let mut releases = rows
            .iter()
            .map(|row| {
                let state = row.str(2)?;
                Ok(Release {
                    product: row.parse(0, "product")?,
                    version: row.parse(1, "version")?,
                    state: ReleaseState::parse(state)
                        .ok_or_else(|| corrupt("release state", &state))?,
                })
            })
            .collect::<Result<Vec<_>, StoreError>>()?;
        releases.sort_by(|a, b| (&a.product, &a.version).cmp(&(&b.product, &b.version)));
        Ok(releases)
    }

    /// Records that sites run `version` from `now` on. Sites that run it already keep their moment.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn activate(
        &self,
        sites: &[SiteId],
        version: &Version,
        now: Timestamp,
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        const ACTIVATE: &str = "UPDATE sites SET ran_before = running, running = $2, activated_at = $3 \
            WHERE id = $1 AND running <> $2";
        let sets = sites
            .iter()
            .map(|site| params![*site, version, now])
            .collect();
        self.db
            .write(Change::new().run_many(ACTIVATE, sets).audit(audit))
            .await
            .map(drop)
    }
}

fn secret_context(product: &ProductName) -> String {
    format!("webhook secret of product {product}")
}
