//! Organizations and sites. An import is one change: all of it or nothing.

use domain::id::{OrganizationId, SiteId};
use domain::place::Point;
use domain::site::{Area, Organization, Site};

use crate::db::{Change, Row, params};
use crate::{AuditEntry, Store, StoreError};

/// What an import adds and changes.
#[derive(Clone, Debug, Default)]
pub struct FleetRows {
    /// Organizations that are not stored yet.
    pub organizations: Vec<Organization>,
    /// Sites that are not stored yet.
    pub sites: Vec<Site>,
    /// Stored sites with what became known of them: where they are, their zone, kind and population.
    pub changed: Vec<Site>,
}

const SITE_COLUMNS: &str = "SELECT id, hostname, organization, product, kind, state, city, zone, \
    population, running, ran_before, activated_at, county, longitude, latitude FROM sites WHERE id > $1 ORDER BY id LIMIT $2";

impl Store {
    /// Adds organizations and sites, and changes what is known of stored ones, all or none. Products must
    /// exist.
    ///
    /// # Errors
    /// When the database fails, a name or host name is there already, or a changed site is not.
    pub async fn import_fleet(
        &self,
        rows: &FleetRows,
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        const ORGANIZATION: &str = "INSERT INTO organizations (id, name) VALUES ($1, $2)";
        const SITE: &str = "INSERT INTO sites (id, hostname, organization, product, kind, state, city, \
            zone, population, running, ran_before, activated_at, county, longitude, latitude) \
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)";
        // Never what a site runs: it may be activated meanwhile.
        const CHANGED: &str = "UPDATE sites SET kind = $2, state = $3, city = $4, zone = $5, \
            population = $6, county = $7, longitude = $8, latitude = $9 WHERE id = $1";
        let organizations = rows
            .organizations
            .iter()
            .map(|one| params![one.id, &*one.name])
            .collect();
        let sites = rows.sites.iter().map(site_params).collect();
        let change = Change::new()
            .run_many(ORGANIZATION, organizations)
            .run_many(SITE, sites)
            .run_many(CHANGED, rows.changed.iter().map(changed_params).collect())
            .expect_rows(rows.changed.len() as u64)
            .audit(audit);
        self.db.write(change).await.map(drop)
    }

    /// Organizations after `after`, by identifier, at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn organizations(
        &self,
        after: Option<OrganizationId>,
        limit: u32,
    ) -> Result<Vec<Organization>, StoreError> {
        const LIST: &str = "SELECT id, name FROM organizations WHERE id > $1 ORDER BY id LIMIT $2";
        let after = after.map_or(vec![], |id| id.as_bytes().to_vec());
        let rows = self.db.read(LIST, params![after, limit]).await?;
        rows.iter()
            .map(|row| {
                let id = row.id(0, OrganizationId::from_bytes)?;
                Ok(Organization {
                    id,
                    name: row.str(1)?.into(),
                })
            })
            .collect()
    }

    /// Sites after `after`, by identifier, at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sites(&self, after: Option<SiteId>, limit: u32) -> Result<Vec<Site>, StoreError> {
        let after = after.map_or(vec![], |id| id.as_bytes().to_vec());
        let rows = self.db.read(SITE_COLUMNS, params![after, limit]).await?;
        rows.iter().map(site).collect()
    }
}

fn site_params(site: &Site) -> Vec<crate::db::Value> {
    params![
        site.id,
        &site.hostname,
        site.organization,
        &site.product,
        &*site.kind,
        &*site.area.state,
        &*site.area.city,
        &site.zone,
        site.population,
        &site.running,
        site.ran_before.as_ref(),
        site.activated_at,
        site.area.county.as_deref(),
        site.area.point.map(|point| i64::from(point.parts().0)),
        site.area.point.map(|point| i64::from(point.parts().1)),
    ]
}

fn changed_params(site: &Site) -> Vec<crate::db::Value> {
    params![
        site.id,
        &*site.kind,
        &*site.area.state,
        &*site.area.city,
        &site.zone,
        site.population,
        site.area.county.as_deref(),
        site.area.point.map(|point| i64::from(point.parts().0)),
        site.area.point.map(|point| i64::from(point.parts().1)),
    ]
}

fn site(row: &Row) -> Result<Site, StoreError> {
    let zone = row.str(7)?;
    Ok(Site {
        id: row.id(0, SiteId::from_bytes)?,
        hostname: row.parse(1, "host name")?,
        organization: row.id(2, OrganizationId::from_bytes)?,
        product: row.parse(3, "product")?,
        kind: row.str(4)?.into(),
        area: Area {
            state: row.str(5)?.into(),
            city: row.str(6)?.into(),
            county: row.optional(12, |row| row.text(12))?.map(Into::into),
            point: point(row)?,
        },
        zone: domain::site::Zone::parse(zone).map_err(|_| crate::db::corrupt("zone", &zone))?,
        population: row
            .optional(8, |row| row.int(8))?
            .and_then(|count| u32::try_from(count).ok()),
        running: row.parse(9, "version")?,
        ran_before: row.optional(10, |row| row.parse(10, "version"))?,
        activated_at: row.time(11)?,
    })
}

fn point(row: &Row) -> Result<Option<Point>, StoreError> {
    let part = |at| -> Result<Option<i32>, StoreError> {
        let part = row.optional(at, |row| row.int(at))?;
        let fits =
            part.map(|part| i32::try_from(part).map_err(|_| crate::db::corrupt("degrees", &part)));
        fits.transpose()
    };
    let both = part(13)?.zip(part(14)?);
    Ok(both.map(|(longitude, latitude)| Point::from_parts(longitude, latitude)))
}
