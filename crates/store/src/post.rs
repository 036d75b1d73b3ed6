//! What posts are made from, and posts that wait for their moment.

use domain::id::{IncidentId, UpdateId};
use domain::incident::template::NewTemplate;
use jiff::Timestamp;

use crate::db::{Change, Row, corrupt, params};
use crate::{AuditEntry, Store, StoreError};

/// The most versions of a template that are listed.
const VERSIONS_MAX: u32 = 100;

/// A version of a template of the team's own.
#[derive(Clone, Debug, PartialEq, serde::Serialize, schemars::JsonSchema)]
#[schemars(rename = "TemplateVersion")]
pub struct StoredTemplate {
    /// Its name.
    pub name: String,
    /// Grows with every change.
    pub version: u32,
    /// What it says; nothing in the version that withdraws it.
    pub draft: Option<NewTemplate>,
    /// When it was saved.
    #[schemars(with = "domain::schema::Moment")]
    pub saved_at: Timestamp,
    /// By whom.
    pub saved_by: String,
}

/// A post that waits for its moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduledUpdate {
    /// The identifier that the post will have.
    pub id: UpdateId,
    /// Its incident.
    pub incident: IncidentId,
    /// When it is to be posted.
    pub at: Timestamp,
    /// Who wrote it.
    pub by: String,
    /// What was asked for: JSON.
    pub asked: String,
    /// When it was asked for.
    pub made_at: Timestamp,
}

impl Store {
    /// Adds the next version of a template.
    ///
    /// # Errors
    /// `Conflict` when there is that version already, so that somebody else was faster; when the
    /// database fails.
    pub async fn save_template(
        &self,
        template: &StoredTemplate,
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        const ADD: &str = "INSERT INTO templates (name, version, draft, saved_at, saved_by) \
            VALUES ($1, $2, $3, $4, $5) ON CONFLICT (name, version) DO NOTHING";
        // A draft has no map with keys that are not text, which is all that JSON refuses.
        let json = |draft: &NewTemplate| serde_json::to_string(draft).unwrap_or_default();
        let change = Change::new().run(
            ADD,
            params![
                &template.name,
                template.version,
                template.draft.as_ref().map(json),
                template.saved_at,
                &template.saved_by,
            ],
        );
        self.db
            .write(change.expect_rows(1).audit(audit))
            .await
            .map(drop)
    }

    /// The newest version of every template, withdrawn ones among them, by name; at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn templates(&self, limit: u32) -> Result<Vec<StoredTemplate>, StoreError> {
        const LIST: &str = "SELECT name, version, draft, saved_at, saved_by FROM templates t \
            WHERE version = (SELECT MAX(version) FROM templates m WHERE m.name = t.name) \
            ORDER BY name LIMIT $1";
        let rows = self.db.read(LIST, params![limit]).await?;
        rows.iter().map(template).collect()
    }

    /// The versions of a template, newest first, at most 100.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn template_versions(&self, name: &str) -> Result<Vec<StoredTemplate>, StoreError> {
        const LIST: &str = "SELECT name, version, draft, saved_at, saved_by FROM templates \
            WHERE name = $1 ORDER BY version DESC LIMIT $2";
        let rows = self.db.read(LIST, params![name, VERSIONS_MAX]).await?;
        rows.iter().map(template).collect()
    }

    /// Keeps a post for its moment.
    ///
    /// # Errors
    /// When the database fails, or there is no such incident.
    pub async fn schedule(
        &self,
        update: &ScheduledUpdate,
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        const ADD: &str = "INSERT INTO scheduled_updates (id, incident, at, author, asked, made_at) \
            VALUES ($1, $2, $3, $4, $5, $6)";
        let ScheduledUpdate {
            id,
            incident,
            at,
            by,
            asked,
            made_at,
        } = update;
        let change = Change::new().run(ADD, params![*id, *incident, *at, by, asked, *made_at]);
        self.db.write(change.audit(audit)).await.map(drop)
    }

    /// Gives up a post that waits; false when it does not wait any more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn unschedule(
        &self,
        incident: IncidentId,
        id: UpdateId,
        audit: &AuditEntry,
    ) -> Result<bool, StoreError> {
        let change = spend(Change::new(), incident, &[id]).audit(audit);
        match self.db.write(change).await {
            Err(StoreError::Conflict { .. }) => Ok(false),
            done => done.map(|_| true),
        }
    }

    /// The posts of an incident that wait, the soonest first, at most 100.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn scheduled(
        &self,
        incident: IncidentId,
    ) -> Result<Vec<ScheduledUpdate>, StoreError> {
        const LIST: &str = "SELECT id, incident, at, author, asked, made_at FROM scheduled_updates \
            WHERE incident = $1 ORDER BY at, id LIMIT 100";
        let rows = self.db.read(LIST, params![incident]).await?;
        rows.iter().map(scheduled).collect()
    }
}

/// Ends the waiting of posts, in the change that posts them or gives them up: all, or the change is
/// refused.
pub(crate) fn spend(change: Change, incident: IncidentId, posts: &[UpdateId]) -> Change {
    const SPEND: &str = "DELETE FROM scheduled_updates WHERE id = $1 AND incident = $2";
    let sets = posts.iter().map(|id| params![*id, incident]).collect();
    change.run_many(SPEND, sets).expect_rows(posts.len() as u64)
}

fn template(row: &Row) -> Result<StoredTemplate, StoreError> {
    let version = row.count(1)?;
    Ok(StoredTemplate {
        name: row.text(0)?,
        version: u32::try_from(version).map_err(|_| corrupt("template version", &version))?,
        draft: row.optional(2, |row| {
            let text = row.str(2)?;
            serde_json::from_str(text).map_err(|_| corrupt("template", &text))
        })?,
        saved_at: row.time(3)?,
        saved_by: row.text(4)?,
    })
}

fn scheduled(row: &Row) -> Result<ScheduledUpdate, StoreError> {
    Ok(ScheduledUpdate {
        id: row.id(0, UpdateId::from_bytes)?,
        incident: row.id(1, IncidentId::from_bytes)?,
        at: row.time(2)?,
        by: row.text(3)?,
        asked: row.text(4)?,
        made_at: row.time(5)?,
    })
}
