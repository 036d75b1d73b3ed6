//! Pages to the people on call, and the outbox that delivers them. A delivery is claimed for a
//! while under a fence; what a worker says after its claim was taken over is not counted.

use domain::id::{DeliveryId, IncidentId, PageId, UpdateId};
use domain::incident::PromiseKind;
use jiff::Timestamp;

use crate::db::{Change, Row, corrupt, params};
use crate::{AuditEntry, Store, StoreError};

/// A step of the on-call list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnCallStep {
    /// Where a page goes.
    pub url: String,
    /// Signs the page (Standard Webhooks, `whsec_…`); unsigned without one.
    pub secret: Option<String>,
    /// Seconds after the page was made, unless it was acknowledged before.
    pub after_seconds: u32,
}

/// A page to the people on call.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Page {
    /// Its identifier.
    pub id: PageId,
    /// What it is about.
    pub incident: Option<IncidentId>,
    /// What it says, on one line.
    pub words: String,
    /// When it was made.
    #[schemars(with = "domain::schema::Moment")]
    pub made_at: Timestamp,
    /// When and by whom it was acknowledged.
    #[schemars(with = "Option<(domain::schema::Moment, String)>")]
    pub acknowledged: Option<(Timestamp, String)>,
}

/// A message that waits to be delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its identifier; the same at each attempt, so that a receiver can drop doubles.
    pub id: DeliveryId,
    /// The page it carries.
    pub page: PageId,
    /// Where it goes.
    pub url: String,
    /// Signs it.
    pub secret: Option<String>,
    /// The body: JSON.
    pub body: String,
    /// Not before this moment.
    pub next_at: Timestamp,
    /// Attempts so far, a claimed one included.
    pub attempts: u32,
    /// The claim it was taken under.
    pub fence: u64,
}

/// What became of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// It arrived.
    Delivered,
    /// It did not; try again then.
    Again {
        /// When.
        at: Timestamp,
        /// Why.
        failure: String,
    },
    /// It never will.
    GivenUp {
        /// Why.
        failure: String,
    },
}

/// A step of reminding people of a promise, and the page that did it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reminder {
    /// The incident.
    pub incident: IncidentId,
    /// What was promised.
    pub kind: PromiseKind,
    /// The post that promised it.
    pub made_by: UpdateId,
    /// The step, from 0.
    pub step: u32,
}

/// A reminder that was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reminded {
    /// Of what.
    pub of: Reminder,
    /// The page.
    pub page: PageId,
    /// When.
    pub at: Timestamp,
    /// Whether somebody has answered the page.
    pub acknowledged: bool,
}

impl Attempt {
    /// What is recorded of it: the state, when it is next due, and why it failed.
    pub(crate) fn recorded(&self, due_at: Timestamp) -> (&'static str, Timestamp, Option<&String>) {
        match self {
            Self::Delivered => ("delivered", due_at, None),
            Self::Again { at, failure } => ("waiting", *at, Some(failure)),
            Self::GivenUp { failure } => ("given_up", due_at, Some(failure)),
        }
    }
}

impl Store {
    /// Replaces the on-call list.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn save_on_call(
        &self,
        steps: &[OnCallStep],
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        const CLEAR: &str = "DELETE FROM on_call";
        const ADD: &str =
            "INSERT INTO on_call (position, url, secret, after_seconds) VALUES ($1, $2, $3, $4)";
        let rows = steps.iter().enumerate().map(|(position, step)| {
            Ok(params![
                position,
                &step.url,
                self.sealed(step.secret.as_deref())?,
                step.after_seconds
            ])
        });
        let rows = rows.collect::<Result<Vec<_>, StoreError>>()?;
        self.db
            .write(
                Change::new()
                    .run(CLEAR, vec![])
                    .run_many(ADD, rows)
                    .audit(audit),
            )
            .await
            .map(drop)
    }

    /// The on-call list, first step first.
    ///
    /// # Errors
    /// When the database fails or a secret does not open.
    pub async fn on_call(&self) -> Result<Vec<OnCallStep>, StoreError> {
        const LIST: &str =
            "SELECT url, secret, after_seconds FROM on_call ORDER BY position LIMIT 1000";
        let rows = self.db.read(LIST, params![]).await?;
        rows.iter()
            .map(|row| {
                Ok(OnCallStep {
                    url: row.text(0)?,
                    secret: self.unsealed(row, 1)?,
                    after_seconds: u32::try_from(row.count(2)?).unwrap_or(u32::MAX),
                })
            })
            .collect()
    }

    /// Adds a page with the deliveries that carry it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add_page(&self, page: &Page, deliveries: &[Delivery]) -> Result<(), StoreError> {
        self.db
            .write(self.page_change(page, deliveries)?)
            .await
            .map(drop)
    }

    /// As [`Store::add_page`], as a step of reminding; false when that step was taken before, and
    /// nothing is added.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add_reminder(
        &self,
        reminder: Reminder,
        page: &Page,
        deliveries: &[Delivery],
    ) -> Result<bool, StoreError> {
        const ADD: &str = "INSERT INTO incident_reminders (incident, kind, made_by, step, page) \
            VALUES ($1, $2, $3, $4, $5) ON CONFLICT (incident, kind, made_by, step) DO NOTHING";
        let Reminder {
            incident,
            kind,
            made_by,
            step,
        } = reminder;
        let set = params![incident, kind.as_str(), made_by, step, page.id];
        let change = self.page_change(page, deliveries)?;
        match self.db.write(change.run(ADD, set).expect_rows(1)).await {
            Err(StoreError::Conflict { .. }) => Ok(false),
            done => done.map(|_| true),
        }
    }

    /// The reminders of an incident's promises, in order, at most 1,000.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn reminders(&self, incident: IncidentId) -> Result<Vec<Reminded>, StoreError> {
        const LIST: &str = "SELECT r.kind, r.made_by, r.step, r.page, p.made_at, p.acknowledged_at \
            FROM incident_reminders r JOIN pages p ON p.id = r.page \
            WHERE r.incident = $1 ORDER BY p.made_at, r.step LIMIT 1000";
        let rows = self.db.read(LIST, params![incident]).await?;
        rows.iter().map(|row| reminded(incident, row)).collect()
    }

    fn page_change(&self, page: &Page, deliveries: &[Delivery]) -> Result<Change, StoreError> {
        self.with_page(Change::new(), page, deliveries)
    }

    /// A change that also adds a page with the deliveries that carry it.
    pub(crate) fn with_page(
        &self,
        change: Change,
        page: &Page,
        deliveries: &[Delivery],
    ) -> Result<Change, StoreError> {
        const PAGE: &str =
            "INSERT INTO pages (id, incident, words, made_at) VALUES ($1, $2, $3, $4)";
        const DELIVERY: &str = "INSERT INTO outbox (id, page, url, secret, body, next_at, attempts, fence, \
            leased_until, state) VALUES ($1, $2, $3, $4, $5, $6, 0, 0, 0, 'waiting')";
        let rows = deliveries.iter().map(|one| {
            let secret = self.sealed(one.secret.as_deref())?;
            Ok(params![
                one.id,
                one.page,
                &one.url,
                secret,
                &one.body,
                one.next_at
            ])
        });
        let rows = rows.collect::<Result<Vec<_>, StoreError>>()?;
        let page = params![page.id, page.incident, &page.words, page.made_at];
        Ok(change.run(PAGE, page).run_many(DELIVERY, rows))
    }

    /// Takes at most `limit` deliveries that are due, until `leased_until`. Nobody else gets them
    /// before then; afterwards they are due again.
    ///
    /// # Errors
    /// When the database fails or a secret does not open.
    pub async fn claim_deliveries(
        &self,
        now: Timestamp,
        leased_until: Timestamp,
        limit: u32,
    ) -> Result<Vec<Delivery>, StoreError> {
        // The outer conditions hold also for the row that another claim has just changed.
        const CLAIM: &str = "UPDATE outbox SET fence = fence + 1, attempts = attempts + 1, leased_until = $2 \
            WHERE id IN (SELECT id FROM outbox WHERE state = 'waiting' AND next_at <= $1 AND leased_until <= $1 \
                ORDER BY next_at LIMIT $3) AND state = 'waiting' AND next_at <= $1 AND leased_until <= $1 \
            RETURNING id, page, url, secret, body, next_at, attempts, fence";
        let outcomes = self
            .db
            .write(Change::new().run(CLAIM, params![now, leased_until, limit]))
            .await?;
        outcomes
            .iter()
            .flat_map(|outcome| &outcome.rows)
            .map(|row| self.delivery(row))
            .collect()
    }

    /// Records what became of a claimed delivery; false when the claim had been taken over, or the
    /// page acknowledged, so that nothing was changed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn finish_delivery(
        &self,
        claimed: &Delivery,
        attempt: &Attempt,
    ) -> Result<bool, StoreError> {
        const FINISH: &str = "UPDATE outbox SET state = $3, next_at = $4, failure = $5, leased_until = 0 \
            WHERE id = $1 AND fence = $2 AND state = 'waiting'";
        let (state, next_at, failure) = attempt.recorded(claimed.next_at);
        let params = params![claimed.id, claimed.fence, state, next_at, failure];
        let outcomes = self.db.write(Change::new().run(FINISH, params)).await?;
        Ok(outcomes.iter().any(|outcome| outcome.affected == 1))
    }

    /// When the next delivery is due, or its claim runs out.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn next_delivery_at(&self) -> Result<Option<Timestamp>, StoreError> {
        const NEXT: &str = "SELECT next_at, leased_until FROM outbox WHERE state = 'waiting' \
            ORDER BY CASE WHEN leased_until > next_at THEN leased_until ELSE next_at END LIMIT 1";
        let rows = self.db.read(NEXT, params![]).await?;
        rows.first()
            .map(|row| Ok(row.time(0)?.max(row.time(1)?)))
            .transpose()
    }

    /// Acknowledges a page: what was not delivered yet stays here. False when it was acknowledged
    /// before; `None` when there is no such page.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn acknowledge_page(
        &self,
        id: PageId,
        at: Timestamp,
        by: &str,
    ) -> Result<Option<bool>, StoreError> {
        const ACKNOWLEDGE: &str = "UPDATE pages SET acknowledged_at = $2, acknowledged_by = $3 \
            WHERE id = $1 AND acknowledged_at IS NULL";
        const DROP: &str =
            "UPDATE outbox SET state = 'dropped' WHERE page = $1 AND state = 'waiting'";
        if self.page(id).await?.is_none() {
            return Ok(None);
        }
        let change = Change::new()
            .run(ACKNOWLEDGE, params![id, at, by])
            .run(DROP, params![id]);
        let outcomes = self.db.write(change).await?;
        Ok(Some(
            outcomes
                .first()
                .is_some_and(|outcome| outcome.affected == 1),
        ))
    }

    /// A page.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn page(&self, id: PageId) -> Result<Option<Page>, StoreError> {
        const GET: &str = "SELECT id, incident, words, made_at, acknowledged_at, acknowledged_by \
            FROM pages WHERE id = $1";
        self.db
            .read(GET, params![id])
            .await?
            .first()
            .map(page)
            .transpose()
    }

    /// The newest pages, newest first, at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn pages(&self, limit: u32) -> Result<Vec<Page>, StoreError> {
        const LIST: &str = "SELECT id, incident, words, made_at, acknowledged_at, acknowledged_by \
            FROM pages ORDER BY made_at DESC, id DESC LIMIT $1";
        self.db
            .read(LIST, params![limit])
            .await?
            .iter()
            .map(page)
            .collect()
    }

    fn sealed(&self, secret: Option<&str>) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(secret
            .map(|secret| self.sealer.seal(SECRET_CONTEXT, secret.as_bytes()))
            .transpose()?)
    }

    fn unsealed(&self, row: &Row, column: usize) -> Result<Option<String>, StoreError> {
        row.optional(column, |row| {
            let secret = self.sealer.unseal(SECRET_CONTEXT, row.bytes(column)?)?;
            Ok(String::from_utf8_lossy(&secret).into_owned())
        })
    }

    fn delivery(&self, row: &Row) -> Result<Delivery, StoreError> {
        Ok(Delivery {
            id: row.id(0, DeliveryId::from_bytes)?,
            page: row.id(1, PageId::from_bytes)?,
            url: row.text(2)?,
            secret: self.unsealed(row, 3)?,
            body: row.text(4)?,
            next_at: row.time(5)?,
            attempts: u32::try_from(row.count(6)?).unwrap_or(u32::MAX),
            fence: row.count(7)?,
        })
    }
}

/// What the secrets of on-call steps are sealed for.
const SECRET_CONTEXT: &str = "on-call webhook";

fn reminded(incident: IncidentId, row: &Row) -> Result<Reminded, StoreError> {
    let (kind, step) = (row.str(0)?, row.count(2)?);
    Ok(Reminded {
        of: Reminder {
            incident,
            kind: PromiseKind::parse(kind).ok_or_else(|| corrupt("promise", &kind))?,
            made_by: row.id(1, UpdateId::from_bytes)?,
            step: u32::try_from(step).map_err(|_| corrupt("step", &step))?,
        },
        page: row.id(3, PageId::from_bytes)?,
        at: row.time(4)?,
        acknowledged: !row.is_null(5),
    })
}

fn page(row: &Row) -> Result<Page, StoreError> {
    Ok(Page {
        id: row.id(0, PageId::from_bytes)?,
        incident: row.optional(1, |row| row.id(1, IncidentId::from_bytes))?,
        words: row.text(2)?,
        made_at: row.time(3)?,
        acknowledged: row.optional(4, |row| Ok((row.time(4)?, row.text(5)?)))?,
    })
}
