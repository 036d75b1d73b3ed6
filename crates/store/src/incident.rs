//! Incidents with their updates, promises and timeline. Every change names the version it was
//! decided on: of two people who act at once, one is told to look again.

use domain::id::{AlarmId, EntryId, IncidentId, ReportId, UpdateId};
use domain::incident::timeline::TimelineEntry;
use domain::incident::{
    Audience, Correction, Impact, Incident, Promise, PromiseKind, Scope, Stage, State, Update,
    UpdateKind,
};
use jiff::Timestamp;

use crate::db::{Change, Row, Value, corrupt, params};
use crate::notification::announcement_params;
use crate::post::spend;
use crate::{Announcement, AuditEntry, Store, StoreError};

/// What a change of an incident adds to it.
#[derive(Clone, Debug, Default)]
pub struct IncidentAdditions {
    /// Alarms that belong to it from now on.
    pub alarms: Vec<AlarmId>,
    /// Reports that belong to it from now on.
    pub reports: Vec<ReportId>,
    /// Posts.
    pub updates: Vec<Update>,
    /// Posts whose text was corrected last, as they stand now.
    pub corrected: Vec<Update>,
    /// Promises those posts make.
    pub promises: Vec<Promise>,
    /// Promises that are kept by now; only open ones change.
    pub kept: Vec<(PromiseKind, Timestamp)>,
    /// What happened.
    pub timeline: Vec<TimelineEntry>,
    /// Posts that do not wait any more: all of them must have waited until now.
    pub spent: Vec<UpdateId>,
    /// Versions of its report that posts publish.
    pub published: Vec<(u32, UpdateId)>,
    /// What followers are told of it.
    pub announced: Vec<Announcement>,
}

impl Store {
    /// Adds an incident with its first records.
    ///
    /// # Errors
    /// `Conflict` when one of the alarms belongs to an incident already; when the database fails.
    pub async fn add_incident(
        &self,
        incident: &Incident,
        added: &IncidentAdditions,
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        let change = inserted(incident, added).audit(audit);
        self.db.write(change).await.map(drop)
    }

    /// Saves the next version of an incident with what was added to it.
    ///
    /// # Errors
    /// `Conflict` when its version is not the one before, so that somebody else was faster; when the
    /// database fails.
    pub async fn save_incident(
        &self,
        incident: &Incident,
        added: &IncidentAdditions,
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        const SAVE: &str = "UPDATE incidents SET version = $2, stage = $3, state = $4, impact = $5, \
            title = $6, scope = $7, started_at = $8, accepted_at = $9, complete_after_watch = $10, \
            maintenance = $11, added_at = $12, audience = $13 WHERE id = $1 AND version = $2 - 1";
        let change = Change::new()
            .run(SAVE, incident_params(incident))
            .expect_rows(1);
        self.db
            .write(add(change, incident.id, added).audit(audit))
            .await
            .map(drop)
    }

    /// Adds entries to an incident's timeline, which change nothing else.
    ///
    /// # Errors
    /// When the database fails, or there is no such incident.
    pub async fn note(
        &self,
        incident: IncidentId,
        entries: &[TimelineEntry],
    ) -> Result<(), StoreError> {
        self.db
            .write(Change::new().run_many(ADD_ENTRY, entry_sets(incident, entries)))
            .await
            .map(drop)
    }

    /// An incident.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn incident(&self, id: IncidentId) -> Result<Option<Incident>, StoreError> {
        const GET: &str = "SELECT id, version, state, impact, title, scope, started_at, accepted_at, \
            complete_after_watch, maintenance, added_at, audience FROM incidents WHERE id = $1";
        self.db
            .read(GET, params![id])
            .await?
            .first()
            .map(incident)
            .transpose()
    }

    /// The newest incidents, newest first, at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn incidents(&self, limit: u32) -> Result<Vec<Incident>, StoreError> {
        const LIST: &str = "SELECT id, version, state, impact, title, scope, started_at, accepted_at, \
            complete_after_watch, maintenance, added_at, audience FROM incidents ORDER BY started_at DESC, id DESC LIMIT $1";
        self.db
            .read(LIST, params![limit])
            .await?
            .iter()
            .map(incident)
            .collect()
    }

    /// Incidents that still go on, oldest first, at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn open_incidents(&self, limit: u32) -> Result<Vec<Incident>, StoreError> {
        const LIST: &str = "SELECT id, version, state, impact, title, scope, started_at, accepted_at, \
            complete_after_watch, maintenance, added_at, audience FROM incidents WHERE stage NOT IN ('completed', 'dismissed', 'cancelled') \
            ORDER BY started_at, id LIMIT $1";
        self.db
            .read(LIST, params![limit])
            .await?
            .iter()
            .map(incident)
            .collect()
    }

    /// Incidents that time may still change although they are over: posts wait under them, or promises are
    /// open; oldest first, at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn owing_incidents(&self, limit: u32) -> Result<Vec<Incident>, StoreError> {
        const LIST: &str = "SELECT id, version, state, impact, title, scope, started_at, accepted_at, \
            complete_after_watch, maintenance, added_at, audience FROM incidents WHERE id IN \
            (SELECT incident FROM scheduled_updates UNION \
            SELECT incident FROM incident_promises WHERE kept_at IS NULL) \
            ORDER BY started_at, id LIMIT $1";
        let rows = self.db.read(LIST, params![limit]).await?;
        rows.iter().map(incident).collect()
    }

    /// The posts of an incident, newest first, at most 1,000.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn updates(&self, incident: IncidentId) -> Result<Vec<Update>, StoreError> {
        const LIST: &str = "SELECT id, at, author, stage, body, template, template_version, kind \
            FROM incident_updates WHERE incident = $1 ORDER BY at DESC, id DESC LIMIT 1000";
        const CORRECTED: &str = "SELECT c.post, c.at, c.author, c.reason, c.body_before \
            FROM incident_corrections c JOIN incident_updates u ON u.id = c.post \
            WHERE u.incident = $1 ORDER BY c.post, c.number";
        let rows = self.db.read(LIST, params![incident]).await?;
        let mut updates: Vec<_> = rows.iter().map(update).collect::<Result<_, _>>()?;
        for row in &self.db.read(CORRECTED, params![incident]).await? {
            let (post, correction) = correction(row)?;
            let of = updates.iter_mut().find(|update| update.id == post);
            of.into_iter()
                .for_each(|update| update.corrections.push(correction.clone()));
        }
        Ok(updates)
    }

    /// The promises of an incident, soonest first, at most 1,000.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn promises(&self, incident: IncidentId) -> Result<Vec<Promise>, StoreError> {
        const LIST: &str = "SELECT kind, due_at, made_by, made_at, kept_at, calendar, within FROM incident_promises \
            WHERE incident = $1 ORDER BY due_at LIMIT 1000";
        self.db
            .read(LIST, params![incident])
            .await?
            .iter()
            .map(promise)
            .collect()
    }

    /// What happened in an incident, in order, at most 10,000 entries.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn timeline(&self, incident: IncidentId) -> Result<Vec<TimelineEntry>, StoreError> {
        const LIST: &str = "SELECT id, at, author, fact FROM incident_timeline \
            WHERE incident = $1 ORDER BY at, id LIMIT 10000";
        self.db
            .read(LIST, params![incident])
            .await?
            .iter()
            .map(entry)
            .collect()
    }

    /// The alarms that belong to an incident, first one first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn incident_alarms(&self, incident: IncidentId) -> Result<Vec<AlarmId>, StoreError> {
        const LIST: &str =
            "SELECT alarm FROM incident_alarms WHERE incident = $1 ORDER BY alarm LIMIT 10000";
        let rows = self.db.read(LIST, params![incident]).await?;
        rows.iter()
            .map(|row| row.id(0, AlarmId::from_bytes))
            .collect()
    }

    /// The incident that an alarm belongs to.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn incident_of_alarm(
        &self,
        alarm: AlarmId,
    ) -> Result<Option<IncidentId>, StoreError> {
        const GET: &str = "SELECT incident FROM incident_alarms WHERE alarm = $1";
        let rows = self.db.read(GET, params![alarm]).await?;
        rows.first()
            .map(|row| row.id(0, IncidentId::from_bytes))
            .transpose()
    }

    /// The reports that belong to an incident, first one first, at most 10,000.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn incident_reports(
        &self,
        incident: IncidentId,
    ) -> Result<Vec<ReportId>, StoreError> {
        const LIST: &str =
            "SELECT report FROM incident_reports WHERE incident = $1 ORDER BY report LIMIT 10000";
        let rows = self.db.read(LIST, params![incident]).await?;
        rows.iter()
            .map(|row| row.id(0, ReportId::from_bytes))
            .collect()
    }
}

const ADD_ENTRY: &str =
    "INSERT INTO incident_timeline (id, incident, at, author, fact) VALUES ($1, $2, $3, $4, $5)";

/// The change that adds an incident with its first records.
pub(crate) fn inserted(incident: &Incident, added: &IncidentAdditions) -> Change {
    const ADD: &str = "INSERT INTO incidents (id, version, stage, state, impact, title, scope, \
        started_at, accepted_at, complete_after_watch, maintenance, added_at, audience) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    let change = Change::new().run(ADD, incident_params(incident));
    add(change, incident.id, added)
}

/// Adds the rows beside an incident to its change.
fn add(change: Change, id: IncidentId, added: &IncidentAdditions) -> Change {
    // An alarm has one incident: the guard refuses a second one instead of failing on the key.
    const ALARM: &str = "INSERT INTO incident_alarms (alarm, incident) VALUES ($1, $2) ON CONFLICT (alarm) DO NOTHING";
    const REPORT: &str = "INSERT INTO incident_reports (incident, report) VALUES ($1, $2) \
        ON CONFLICT (incident, report) DO NOTHING";
    const UPDATE: &str = "INSERT INTO incident_updates (id, incident, at, author, stage, body, template, \
        template_version, kind) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    const PROMISE: &str = "INSERT INTO incident_promises (incident, kind, due_at, made_by, made_at, kept_at, \
        calendar, within) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    // Kept before made: an update keeps the promise of the last one, not its own.
    const KEPT: &str = "UPDATE incident_promises SET kept_at = $3 \
        WHERE incident = $1 AND kind = $2 AND kept_at IS NULL";
    const CORRECT: &str = "UPDATE incident_updates SET body = $3 WHERE id = $1 AND incident = $2";
    const CORRECTION: &str = "INSERT INTO incident_corrections (post, number, at, author, reason, body_before) \
        VALUES ($1, $2, $3, $4, $5, $6)";
    const ANNOUNCE: &str = "INSERT INTO announcements (id, incident, post, made_at, only_new) VALUES ($1, $2, $3, $4, $5)";
    const PUBLISH: &str = "UPDATE incident_reports_written SET published = $3 \
        WHERE incident = $1 AND number = $2 AND published IS NULL AND approved_at IS NOT NULL";
    let published = added.published.iter();
    let published = published.map(|(number, post)| params![id, *number, *post]);
    let announced = added.announced.iter().map(announcement_params).collect();
    let corrected = added
        .corrected
        .iter()
        .map(|one| params![one.id, id, &one.body])
        .collect();
    let corrections = added.corrected.iter().filter_map(correction_params);
    let alarms = added
        .alarms
        .iter()
        .map(|alarm| params![*alarm, id])
        .collect::<Vec<_>>();
    let count = alarms.len() as u64;
    let reports = added
        .reports
        .iter()
        .map(|report| params![id, *report])
        .collect();
    let updates = added
        .updates
        .iter()
        .map(|one| update_params(id, one))
        .collect();
    let kept = added
        .kept
        .iter()
        .map(|(kind, at)| params![id, kind.as_str(), *at])
        .collect();
    let promises = added
        .promises
        .iter()
        .map(|one| promise_params(id, one))
        .collect();
    spend(change, id, &added.spent)
        .run_many(ALARM, alarms)
        .expect_rows(count)
        .run_many(REPORT, reports)
        .run_many(UPDATE, updates)
        .run_many(PUBLISH, published.collect())
        .expect_rows(added.published.len() as u64)
        .run_many(CORRECT, corrected)
        .expect_rows(added.corrected.len() as u64)
        .run_many(CORRECTION, corrections.collect())
        .run_many(KEPT, kept)
        .run_many(PROMISE, promises)
        .run_many(ADD_ENTRY, entry_sets(id, &added.timeline))
        .run_many(ANNOUNCE, announced)
}

fn incident_params(incident: &Incident) -> Vec<Value> {
    params![
        incident.id,
        incident.version,
        incident.state.stage().as_str(),
        json(&incident.state),
        incident.impact.as_str(),
        &incident.title,
        json(&incident.scope),
        incident.started_at,
        incident.accepted_at,
        incident.complete_after_watch,
        incident.maintenance.as_ref().map(json),
        incident.added_at,
        incident.audience.as_str(),
    ]
}

fn update_params(id: IncidentId, update: &Update) -> Vec<Value> {
    let (template, version) = update.template.clone().unzip();
    params![
        update.id,
        id,
        update.at,
        &update.by,
        update.state.as_str(),
        &update.body,
        template,
        version,
        update.kind.as_str(),
    ]
}

/// The last correction of an update.
fn correction_params(update: &Update) -> Option<Vec<Value>> {
    let Correction {
        at,
        by,
        reason,
        before,
    } = update.corrections.last()?;
    let number = update.corrections.len() as u64;
    Some(params![update.id, number, *at, by, reason, before])
}

fn promise_params(id: IncidentId, promise: &Promise) -> Vec<Value> {
    let Promise {
        kind,
        within,
        calendar,
        due_at,
        made_by,
        made_at,
        kept_at,
    } = promise;
    let within = within.as_ref().map(json);
    let kind = kind.as_str();
    params![
        id, kind, *due_at, *made_by, *made_at, *kept_at, calendar, within
    ]
}

fn entry_sets(id: IncidentId, entries: &[TimelineEntry]) -> Vec<Vec<Value>> {
    entries
        .iter()
        .map(|entry| params![entry.id, id, entry.at, &entry.by, json(&entry.fact)])
        .collect()
}

/// These types have no map with keys that are not text, which is all that JSON refuses.
fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn read_json<T: serde::de::DeserializeOwned>(
    row: &Row,
    column: usize,
    what: &'static str,
) -> Result<T, StoreError> {
    let text = row.str(column)?;
    serde_json::from_str(text).map_err(|_| corrupt(what, &text))
}

fn word<T>(row: &Row, column: usize, read: fn(&str) -> Option<T>) -> Result<T, StoreError> {
    let word = row.str(column)?;
    read(word).ok_or_else(|| corrupt("word", &word))
}

fn incident(row: &Row) -> Result<Incident, StoreError> {
    Ok(Incident {
        id: row.id(0, IncidentId::from_bytes)?,
        version: row.count(1)?,
        state: read_json::<State>(row, 2, "state")?,
        impact: word(row, 3, Impact::parse)?,
        title: row.text(4)?,
        scope: read_json::<Scope>(row, 5, "scope")?,
        started_at: row.time(6)?,
        accepted_at: row.optional(7, |row| row.time(7))?,
        complete_after_watch: row.flag(8)?,
        maintenance: row.optional(9, |row| read_json(row, 9, "planned work"))?,
        added_at: row.optional(10, |row| row.time(10))?,
        audience: word(row, 11, Audience::parse)?,
    })
}

fn update(row: &Row) -> Result<Update, StoreError> {
    let template = row.optional(5, |row| {
        let version = row.count(6)?;
        Ok((
            row.text(5)?,
            u32::try_from(version).map_err(|_| corrupt("template version", &version))?,
        ))
    })?;
    Ok(Update {
        id: row.id(0, UpdateId::from_bytes)?,
        at: row.time(1)?,
        by: row.text(2)?,
        state: word(row, 3, Stage::parse)?,
        body: row.text(4)?,
        template,
        kind: word(row, 7, UpdateKind::parse)?,
        corrections: vec![],
    })
}

fn correction(row: &Row) -> Result<(UpdateId, Correction), StoreError> {
    let correction = Correction {
        at: row.time(1)?,
        by: row.text(2)?,
        reason: row.text(3)?,
        before: row.text(4)?,
    };
    Ok((row.id(0, UpdateId::from_bytes)?, correction))
}

fn promise(row: &Row) -> Result<Promise, StoreError> {
    Ok(Promise {
        kind: word(row, 0, PromiseKind::parse)?,
        due_at: row.time(1)?,
        made_by: row.id(2, UpdateId::from_bytes)?,
        made_at: row.time(3)?,
        kept_at: row.optional(4, |row| row.time(4))?,
        calendar: row.text(5)?,
        within: row.optional(6, |row| read_json(row, 6, "length of a promise"))?,
    })
}

fn entry(row: &Row) -> Result<TimelineEntry, StoreError> {
    Ok(TimelineEntry {
        id: row.id(0, EntryId::from_bytes)?,
        at: row.time(1)?,
        by: row.text(2)?,
        fact: read_json(row, 3, "timeline entry")?,
    })
}
