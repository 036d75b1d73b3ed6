//! Reports and sign-in outcomes, as they came in. Never counts distinct sites; `domain` does.

use domain::detection::PastHour;
use domain::id::{HolderId, ReportId, SeriesId, SiteId};
use domain::name::ProductName;
use domain::report::{Channel, Contact, Report, ReportText};
use domain::site::Zone;
use jiff::Timestamp;
use semver::Version;

use crate::db::{Change, Row, corrupt, params};
use crate::{Store, StoreError};

/// A stored report, with the release that its site ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredReport {
    /// The report.
    pub report: Report,
    /// The release that the site ran when it reported.
    pub running: Version,
}

/// Sign-ins of one site in one minute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteMinute {
    /// The site.
    pub site: SiteId,
    /// Its product.
    pub product: ProductName,
    /// Its zone.
    pub zone: Zone,
    /// Sign-ins that ended.
    pub attempts: u32,
    /// Those that failed, by error code.
    pub failures: Vec<(String, u32)>,
}

/// Tells a batch of outcomes that came again from a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutcomeBatch {
    /// Who sent it.
    pub sender: HolderId,
    /// The series that its sender numbers it in.
    pub series: SeriesId,
    /// Above the number of every batch of the series that was taken before.
    pub number: u64,
}

impl Store {
    /// Adds a report, unless its site has one under `idempotency_key` already; gives the one that is
    /// stored. Another site may use the same key: it is another sender's.
    ///
    /// # Errors
    /// When the database fails, or the site is not stored.
    pub async fn add_report(
        &self,
        stored: &StoredReport,
        idempotency_key: Option<&str>,
    ) -> Result<StoredReport, StoreError> {
        const ADD: &str = "INSERT INTO reports (id, site, text, contact, channel, at, running, \
            idempotency_key) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
            ON CONFLICT (idempotency_key) DO UPDATE SET idempotency_key = excluded.idempotency_key \
            RETURNING id, site, text, contact, channel, at, running";
        let StoredReport { report, running } = stored;
        let key = idempotency_key.map(|key| format!("{} {key}", report.site));
        let params = params![
            report.id,
            report.site,
            report.text.as_str(),
            report.contact.as_ref().map(Contact::as_str),
            report.channel.as_str(),
            report.at,
            running,
            key,
        ];
        let outcomes = self.db.write(Change::new().run(ADD, params)).await?;
        let row = outcomes.first().and_then(|outcome| outcome.rows.first());
        row.map_or_else(|| Ok(stored.clone()), read)
    }

    /// One report.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn report(&self, id: ReportId) -> Result<Option<StoredReport>, StoreError> {
        const FIND: &str =
            "SELECT id, site, text, contact, channel, at, running FROM reports WHERE id = $1";
        let rows = self.db.read(FIND, params![id]).await?;
        rows.first().map(read).transpose()
    }

    /// Reports after `(at, id)`, oldest first, at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn reports_after(
        &self,
        at: Timestamp,
        id: Option<ReportId>,
        limit: u32,
    ) -> Result<Vec<StoredReport>, StoreError> {
        const LIST: &str = "SELECT id, site, text, contact, channel, at, running FROM reports \
            WHERE at > $1 OR (at = $1 AND id > $2) ORDER BY at, id LIMIT $3";
        let after = id.map_or(vec![], |id| id.as_bytes().to_vec());
        let rows = self.db.read(LIST, params![at, after, limit]).await?;
        rows.iter().map(read).collect()
    }

    /// Reports before `(at, id)`, newest first, at most `limit`; of one site when it is given.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn reports_before(
        &self,
        (at, id): (Timestamp, Option<ReportId>),
        site: Option<SiteId>,
        limit: u32,
    ) -> Result<Vec<StoredReport>, StoreError> {
        const ALL: &str = "SELECT id, site, text, contact, channel, at, running FROM reports \
            WHERE at < $1 OR (at = $1 AND id < $2) ORDER BY at DESC, id DESC LIMIT $3";
        const OF_SITE: &str = "SELECT id, site, text, contact, channel, at, running FROM reports \
            WHERE (at < $1 OR (at = $1 AND id < $2)) AND site = $4 ORDER BY at DESC, id DESC LIMIT $3";
        let before = id.map_or(vec![], |id| id.as_bytes().to_vec());
        let rows = match site {
            None => self.db.read(ALL, params![at, before, limit]).await?,
            Some(site) => {
                self.db
                    .read(OF_SITE, params![at, before, limit, site])
                    .await?
            }
        };
        rows.iter().map(read).collect()
    }

    /// Sites with at least one report since `at`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sites_reported_since(&self, at: Timestamp) -> Result<Vec<SiteId>, StoreError> {
        const LIST: &str = "SELECT DISTINCT site FROM reports WHERE at >= $1";
        let rows = self.db.read(LIST, params![at]).await?;
        rows.iter()
            .map(|row| row.id(0, SiteId::from_bytes))
            .collect()
    }

    /// Adds the sign-ins of many sites to their minute and their hour; false, and nothing is added,
    /// when the batch was added before.
    ///
    /// # Errors
    /// When the database fails; then nothing is added.
    pub async fn add_outcomes(
        &self,
        rows: &[SiteMinute],
        at: Timestamp,
        batch: Option<&OutcomeBatch>,
    ) -> Result<bool, StoreError> {
        const MINUTE: &str = "INSERT INTO outcome_minutes (site, minute, code, count) \
            VALUES ($1, $2, $3, $4) ON CONFLICT (site, minute, code) \
            DO UPDATE SET count = outcome_minutes.count + excluded.count";
        const HOUR: &str = "INSERT INTO outcome_hours (product, zone, hour, attempts, failures) \
            VALUES ($1, $2, $3, $4, $5) ON CONFLICT (product, zone, hour) \
            DO UPDATE SET attempts = outcome_hours.attempts + excluded.attempts, \
            failures = outcome_hours.failures + excluded.failures";
        let minute = floor(at, 60_000);
        let minutes = rows.iter().flat_map(|row| {
            let attempts = std::iter::once(("", row.attempts));
            let failures = row
                .failures
                .iter()
                .map(|(code, count)| (code.as_str(), *count));
            attempts
                .chain(failures)
                .map(|(code, count)| params![row.site, minute, code, count])
        });
        let hour = floor(at, 3_600_000);
        let mut sums: std::collections::BTreeMap<(&ProductName, &Zone), (u64, u64)> =
            std::collections::BTreeMap::new();
        for row in rows {
            let sum = sums.entry((&row.product, &row.zone)).or_default();
            let failed: u64 = row
                .failures
                .iter()
                .map(|(_, count)| u64::from(*count))
                .sum();
            *sum = (sum.0 + u64::from(row.attempts), sum.1 + failed);
        }
        let hours = sums
            .into_iter()
            .map(|((product, zone), (attempts, failures))| {
                params![product, zone, hour, attempts, failures]
            });
        let change = match batch {
            None => Change::new(),
            Some(batch) => taken(batch, at),
        };
        let change = change
            .run_many(MINUTE, minutes.collect())
            .run_many(HOUR, hours.collect());
        match self.db.write(change).await {
            // Only the batch has a guard.
            Err(StoreError::Conflict { .. }) => Ok(false),
            done => done.map(|_| true),
        }
    }

    /// Sign-ins by product, zone and hour from `from` on; at most 200,000 rows.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn outcome_hours(&self, from: Timestamp) -> Result<Vec<PastHour>, StoreError> {
        const LIST: &str = "SELECT product, zone, hour, attempts, failures FROM outcome_hours \
            WHERE hour >= $1 ORDER BY hour LIMIT 200000";
        let rows = self.db.read(LIST, params![from]).await?;
        rows.iter()
            .map(|row| {
                let zone = row.str(1)?;
                Ok(PastHour {
                    product: row.parse(0, "product")?,
                    zone: Zone::parse(zone).map_err(|_| corrupt("zone", &zone))?,
                    start: row.time(2)?,
                    attempts: row.count(3)?,
                    failures: row.count(4)?,
                })
            })
            .collect()
    }

    /// Sign-ins and failures of one site since `from`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn site_outcomes(
        &self,
        site: SiteId,
        from: Timestamp,
    ) -> Result<(u64, u64), StoreError> {
        const SUMS: &str = "SELECT CAST(COALESCE(SUM(CASE WHEN code = '' THEN count ELSE 0 END), 0) \
            AS BIGINT), CAST(COALESCE(SUM(CASE WHEN code = '' THEN 0 ELSE count END), 0) AS BIGINT) \
            FROM outcome_minutes WHERE site = $1 AND minute >= $2";
        let rows = self.db.read(SUMS, params![site, from]).await?;
        rows.first()
            .map_or(Ok((0, 0)), |row| Ok((row.count(0)?, row.count(1)?)))
    }

    /// Forgets sign-in minutes and batches before `minutes`, and hours before `hours`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_outcomes(
        &self,
        minutes: Timestamp,
        hours: Timestamp,
    ) -> Result<(), StoreError> {
        const MINUTES: &str = "DELETE FROM outcome_minutes WHERE minute < $1";
        const HOURS: &str = "DELETE FROM outcome_hours WHERE hour < $1";
        const BATCHES: &str = "DELETE FROM outcome_batches WHERE at < $1";
        let change = Change::new()
            .run(MINUTES, params![minutes])
            .run(BATCHES, params![minutes])
            .run(HOURS, params![hours]);
        self.db.write(change).await.map(drop)
    }
}

/// Remembers a batch; refuses the change when its number, or a later one, was taken already.
fn taken(batch: &OutcomeBatch, at: Timestamp) -> Change {
    const TAKE: &str = "INSERT INTO outcome_batches (sender, series, number, at) \
        VALUES ($1, $2, $3, $4) ON CONFLICT (sender, series) \
        DO UPDATE SET number = excluded.number, at = excluded.at \
        WHERE outcome_batches.number < excluded.number";
    let params = params![batch.sender, batch.series, batch.number, at];
    Change::new().run(TAKE, params).expect_rows(1)
}

fn floor(at: Timestamp, ms: i64) -> i64 {
    at.as_millisecond().div_euclid(ms) * ms
}

fn read(row: &Row) -> Result<StoredReport, StoreError> {
    let (text, channel) = (row.str(2)?, row.str(4)?);
    let contact = row.optional(3, |row| row.text(3))?;
    Ok(StoredReport {
        report: Report {
            id: row.id(0, ReportId::from_bytes)?,
            site: row.id(1, SiteId::from_bytes)?,
            text: ReportText::parse(text).map_err(|_| corrupt("report text", &text))?,
            contact: contact
                .map(|contact| Contact::parse(&contact).map_err(|_| corrupt("contact", &contact)))
                .transpose()?
                .flatten(),
            channel: Channel::parse(channel).ok_or_else(|| corrupt("channel", &channel))?,
            at: row.time(5)?,
        },
        running: row.parse(6, "version")?,
    })
}
