//! What drills showed: recorded once each, listed without their courses.

use domain::drill::{Course, DrillResult};
use domain::id::DrillId;
use jiff::Timestamp;

use crate::db::{Change, Row, corrupt, params};
use crate::{AuditEntry, Store, StoreError};

/// A drill's result, and who recorded it.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedDrill {
    /// What it showed.
    pub result: DrillResult,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// Who recorded it, by name.
    pub recorded_by: String,
}

/// What became of a result that was to be recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recording {
    /// It is kept from now on.
    Kept,
    /// The same one was kept before.
    KeptBefore,
    /// Another one is kept under its identifier.
    Other,
}

impl Store {
    /// Records a result, unless one is kept under its identifier.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn record_drill(
        &self,
        drill: &RecordedDrill,
        audit: &AuditEntry,
    ) -> Result<Recording, StoreError> {
        const ADD: &str = "INSERT INTO drills (id, scenario, began_at, body, courses, recorded_at, recorded_by) \
            VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING";
        const KEPT: &str = "SELECT body, courses FROM drills WHERE id = $1";
        let RecordedDrill {
            result,
            recorded_at,
            recorded_by,
        } = drill;
        let (body, courses) = written(result);
        let row = params![
            result.id,
            &result.scenario,
            result.began_at,
            &body,
            &courses,
            *recorded_at,
            recorded_by,
        ];
        let change = Change::new().run(ADD, row).expect_rows(1);
        match self.db.write(change.audit(audit)).await {
            Ok(_) => return Ok(Recording::Kept),
            Err(StoreError::Conflict { .. }) => {}
            Err(error) => return Err(error),
        }
        // As texts: a number that was read and written again is the same text.
        let rows = self.db.read(KEPT, params![result.id]).await?;
        let same = match rows.first() {
            Some(row) => row.str(0)? == body && row.str(1)? == courses,
            None => false,
        };
        Ok(if same {
            Recording::KeptBefore
        } else {
            Recording::Other
        })
    }

    /// A drill with its courses.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn drill(&self, id: DrillId) -> Result<Option<RecordedDrill>, StoreError> {
        const GET: &str =
            "SELECT body, recorded_at, recorded_by, courses FROM drills WHERE id = $1";
        let rows = self.db.read(GET, params![id]).await?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        let mut drill = recorded(row)?;
        let text = row.str(3)?;
        let courses: [Option<Course>; 2] =
            serde_json::from_str(text).map_err(|_| corrupt("courses of a drill", &text))?;
        let acts = [&mut drill.result.act1, &mut drill.result.act2];
        for (act, course) in acts.into_iter().zip(courses) {
            if let (Some(act), Some(course)) = (act, course) {
                act.course = course;
            }
        }
        Ok(Some(drill))
    }

    /// Drills without their courses, those that began last first, at most `limit`; those before the
    /// drill `before`, if given.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn drills(
        &self,
        before: Option<DrillId>,
        limit: u32,
    ) -> Result<Vec<RecordedDrill>, StoreError> {
        const NEWEST: &str = "SELECT body, recorded_at, recorded_by FROM drills \
            ORDER BY began_at DESC, id DESC LIMIT $1";
        const BEFORE: &str = "SELECT body, recorded_at, recorded_by FROM drills \
            WHERE (began_at, id) < (SELECT began_at, id FROM drills WHERE id = $1) \
            ORDER BY began_at DESC, id DESC LIMIT $2";
        let rows = match before {
            None => self.db.read(NEWEST, params![limit]).await?,
            Some(before) => self.db.read(BEFORE, params![before, limit]).await?,
        };
        rows.iter().map(recorded).collect()
    }

    /// The drill of the same scenario that began before a drill, without its courses.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn drill_before(
        &self,
        drill: &DrillResult,
    ) -> Result<Option<RecordedDrill>, StoreError> {
        const GET: &str = "SELECT body, recorded_at, recorded_by FROM drills \
            WHERE scenario = $1 AND (began_at, id) < ($2, $3) \
            ORDER BY began_at DESC, id DESC LIMIT 1";
        let key = params![&drill.scenario, drill.began_at, drill.id];
        let rows = self.db.read(GET, key).await?;
        rows.first().map(recorded).transpose()
    }
}

/// A result as it is stored: its body, and its courses.
fn written(result: &DrillResult) -> (String, String) {
    let mut body = result.clone();
    let take = |act: &mut domain::drill::Act| std::mem::take(&mut act.course);
    let courses = [body.act1.as_mut().map(take), body.act2.as_mut().map(take)];
    let json = |written: Result<String, _>| written.unwrap_or_default();
    (
        json(serde_json::to_string(&body)),
        json(serde_json::to_string(&courses)),
    )
}

fn recorded(row: &Row) -> Result<RecordedDrill, StoreError> {
    let body = row.str(0)?;
    Ok(RecordedDrill {
        result: serde_json::from_str(body).map_err(|_| corrupt("drill", &body))?,
        recorded_at: row.time(1)?,
        recorded_by: row.text(2)?,
    })
}
