//! What layers of documents need to know of sites: named groups, and what was told to agents.

use std::collections::{BTreeMap, BTreeSet};

use domain::name::{GroupName, Hostname, ProductName};

use crate::db::{Change, params};
use crate::{AuditEntry, Store, StoreError};

/// A shard of what agents are told of a product's sites.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredShard {
    /// The product.
    pub product: ProductName,
    /// Into how many shards its sites are divided: 4 to the power of this.
    pub level: u8,
    /// Which of them.
    pub number: u16,
    /// JSON, as it is signed; empty for a shard without a site, which is not kept.
    pub body: Vec<u8>,
}

impl Store {
    /// The named groups of sites, each with at least one site.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn groups(&self) -> Result<BTreeMap<GroupName, BTreeSet<Hostname>>, StoreError> {
        const LIST: &str = "SELECT name, site FROM site_groups ORDER BY name, site";
        let rows = self.db.read(LIST, vec![]).await?;
        let mut groups: BTreeMap<GroupName, BTreeSet<Hostname>> = BTreeMap::new();
        for row in &rows {
            let (name, site) = (row.parse(0, "group")?, row.parse(1, "site")?);
            groups.entry(name).or_default().insert(site);
        }
        Ok(groups)
    }

    /// Puts the sites of a group in the place of those there were; without a site the group is no more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_group(
        &self,
        name: &GroupName,
        sites: &BTreeSet<Hostname>,
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        const CLEAR: &str = "DELETE FROM site_groups WHERE name = $1";
        const ADD: &str = "INSERT INTO site_groups (name, site) VALUES ($1, $2)";
        let each = sites.iter().map(|site| params![name, site]);
        let change = Change::new()
            .run(CLEAR, params![name])
            .run_many(ADD, each.collect())
            .audit(audit);
        self.db.write(change).await.map(drop)
    }

    /// What agents were told of sites, shard by shard.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn shards(&self) -> Result<Vec<StoredShard>, StoreError> {
        const LIST: &str =
            "SELECT product, level, number, body FROM site_shards ORDER BY product, number";
        let rows = self.db.read(LIST, vec![]).await?;
        let shard = |row: &crate::db::Row| {
            let number = |at: usize| row.count(at);
            Ok(StoredShard {
                product: row.parse(0, "product")?,
                level: u8::try_from(number(1)?).unwrap_or(u8::MAX),
                number: u16::try_from(number(2)?).unwrap_or(u16::MAX),
                body: row.bytes(3)?.to_vec(),
            })
        };
        rows.iter().map(shard).collect()
    }
}

/// Adds to a change what a publication tells agents of sites.
pub(crate) fn save_shards(change: Change, shards: &[StoredShard]) -> Change {
    // What is divided otherwise is of before.
    const CLEAR: &str = "DELETE FROM site_shards WHERE product = $1 AND level <> $2";
    const DROP: &str = "DELETE FROM site_shards WHERE product = $1 AND number = $2";
    const ADD: &str =
        "INSERT INTO site_shards (product, level, number, body) VALUES ($1, $2, $3, $4)";
    let levels: BTreeSet<_> = shards.iter().map(|one| (&one.product, one.level)).collect();
    let levels = levels
        .into_iter()
        .map(|(product, level)| params![product, u64::from(level)]);
    let dropped = shards
        .iter()
        .map(|one| params![&one.product, u64::from(one.number)]);
    let added = shards.iter().filter(|one| !one.body.is_empty()).map(|one| {
        params![
            &one.product,
            u64::from(one.level),
            u64::from(one.number),
            &one.body[..]
        ]
    });
    change
        .run_many(CLEAR, levels.collect())
        .run_many(DROP, dropped.collect())
        .run_many(ADD, added.collect())
}
