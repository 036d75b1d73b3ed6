//! Incidents that are added after they were over: what must hold of them, and the records they become.
//! Never reads another page's file; `statuspage` does. Promises nothing and tells nobody: it is over.

use jiff::Timestamp;

use super::post::check_text;
use super::{Audience, Impact, Incident, Scope, Stage, State, Update, UpdateKind};
use crate::id::{IncidentId, UpdateId};
use crate::text::{grouped, is_blank};

/// The most updates of one incident.
pub const UPDATES_MAX: usize = 200;
/// The longest title, in characters; longer than ours, since it was written elsewhere.
pub const TITLE_CHARACTERS_MAX: usize = 255;
/// The longest key that a sender knows an incident by, in characters.
pub const KEY_CHARACTERS_MAX: usize = 100;

/// What is said of what began earlier.
pub const TOO_EARLY: &str = "an incident began in 1990 or later";
/// No incident began before this: 1990-01-01. The web is younger, and readers of feeds know no other years.
pub const EARLIEST: Timestamp = Timestamp::constant(631_152_000, 0);

/// The states that an update of the past may have led to.
const SAID: [Stage; 4] = [
    Stage::Investigating,
    Stage::Identified,
    Stage::Monitoring,
    Stage::Completed,
];

/// An incident of the past, as somebody asks to add it.
#[derive(
    Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct NewPast {
    /// What its sender knows it by: added again with the same key, it is one incident.
    #[serde(default)]
    pub key: Option<String>,
    /// One line, such as "Sign-in failed on some sites".
    pub title: String,
    /// How bad it was. The fleet of today cannot say.
    pub impact: Impact,
    /// Which sites it was about; all without one.
    #[serde(default)]
    pub scope: Scope,
    /// When it began.
    #[schemars(with = "crate::schema::Moment")]
    pub started_at: Timestamp,
    /// When it was over.
    #[schemars(with = "crate::schema::Moment")]
    pub resolved_at: Timestamp,
    /// What was said of it, in any order; at least one.
    pub updates: Vec<NewPastUpdate>,
}

/// What was said of an incident of the past.
#[derive(
    Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct NewPastUpdate {
    /// When it was said.
    #[schemars(with = "crate::schema::Moment")]
    pub at: Timestamp,
    /// How far the incident had come.
    pub state: Stage,
    /// Whether it was one of many or the official comment.
    #[serde(default = "one_of_many")]
    pub kind: UpdateKind,
    /// Markdown.
    pub text: String,
}

fn one_of_many() -> UpdateKind {
    UpdateKind::Update
}

/// An incident of the past that can be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastIncident(NewPast);

/// Why an incident of the past cannot be added.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {reason}")]
pub struct BadPast {
    /// Which part of it is wrong.
    pub place: Place,
    /// What is wrong with it.
    pub reason: String,
}

/// A part of an incident of the past. Displays its name in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Its key.
    Key,
    /// Its title.
    Title,
    /// When it began.
    StartedAt,
    /// When it was over.
    ResolvedAt,
    /// Its updates as a whole.
    Updates,
    /// When the update at this place was posted.
    UpdateAt(usize),
    /// The state that the update at this place led to.
    UpdateState(usize),
    /// The text of the update at this place.
    UpdateText(usize),
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Key => f.write_str("key"),
            Self::Title => f.write_str("title"),
            Self::StartedAt => f.write_str("started_at"),
            Self::ResolvedAt => f.write_str("resolved_at"),
            Self::Updates => f.write_str("updates"),
            Self::UpdateAt(at) => write!(f, "updates[{at}].at"),
            Self::UpdateState(at) => write!(f, "updates[{at}].state"),
            Self::UpdateText(at) => write!(f, "updates[{at}].text"),
        }
    }
}

impl NewPast {
    /// Checks that it is over, in order, and fit to be read.
    ///
    /// # Errors
    /// The first part that is wrong.
    pub fn check(self, now: Timestamp) -> Result<PastIncident, BadPast> {
        if let Some(key) = &self.key {
            line(Place::Key, key, KEY_CHARACTERS_MAX)?;
        }
        let title = line(Place::Title, &self.title, TITLE_CHARACTERS_MAX)?;
        self.check_times(now)?;
        self.check_count()?;
        for (place, update) in self.updates.iter().enumerate() {
            self.check_update(place, update, now)?;
        }
        Ok(PastIncident(Self { title, ..self }))
    }

    fn check_times(&self, now: Timestamp) -> Result<(), BadPast> {
        if self.resolved_at > now {
            let reason = "an incident of the past cannot end in the future";
            return Err(bad(Place::ResolvedAt, reason));
        }
        if self.started_at > self.resolved_at {
            let reason = "it cannot begin after it was over";
            return Err(bad(Place::StartedAt, reason));
        }
        if self.started_at < EARLIEST {
            return Err(bad(Place::StartedAt, TOO_EARLY));
        }
        Ok(())
    }

    fn check_count(&self) -> Result<(), BadPast> {
        let count = self.updates.len();
        if count == 0 {
            let reason = "give at least one update: it says what happened";
            return Err(bad(Place::Updates, reason));
        }
        if count > UPDATES_MAX {
            let count = grouped(count as u64);
            let reason = format!("there are {count} updates; {UPDATES_MAX} are allowed");
            return Err(bad(Place::Updates, reason));
        }
        Ok(())
    }

    fn check_update(
        &self,
        place: usize,
        update: &NewPastUpdate,
        now: Timestamp,
    ) -> Result<(), BadPast> {
        if update.at > now {
            let reason = "an update of the past cannot be of the future";
            return Err(bad(Place::UpdateAt(place), reason));
        }
        if update.at < self.started_at {
            let reason = "it is older than the beginning of the incident";
            return Err(bad(Place::UpdateAt(place), reason));
        }
        if !SAID.contains(&update.state) {
            let reason = "it can be investigating, identified, monitoring or completed";
            return Err(bad(Place::UpdateState(place), reason));
        }
        check_text(&update.text).map_err(|e| bad(Place::UpdateText(place), e))
    }
}

impl PastIncident {
    /// What its sender knows it by.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.0.key.as_deref()
    }

    /// Its title.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.0.title
    }

    /// Which sites it was about.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.0.scope
    }

    /// The same incident, about these sites.
    #[must_use]
    pub fn within(self, scope: Scope) -> Self {
        Self(NewPast { scope, ..self.0 })
    }

    /// The records it becomes: an incident that is over, and its updates, the first one first, each of
    /// its own moment. It counts as told to customers since its first update, as it was.
    pub fn records(
        self,
        id: IncidentId,
        (by, now): (&str, Timestamp),
        mut next_id: impl FnMut() -> UpdateId,
    ) -> (Incident, Vec<Update>) {
        let past = self.0;
        let mut said = past.updates;
        said.sort_by_key(|update| update.at);
        let incident = Incident {
            id,
            version: 1,
            state: State::Completed {
                at: past.resolved_at,
                by: by.into(),
            },
            impact: past.impact,
            title: past.title,
            scope: past.scope,
            audience: Audience::Everybody,
            started_at: past.started_at,
            accepted_at: said.first().map(|update| update.at),
            complete_after_watch: false,
            maintenance: None,
            added_at: Some(now),
        };
        let updates = said.into_iter().map(|update| Update {
            id: next_id(),
            at: update.at,
            by: by.into(),
            state: update.state,
            body: update.text,
            template: None,
            kind: update.kind,
            corrections: vec![],
        });
        (incident, updates.collect())
    }
}

/// A text of one line that says something, without the space around it.
pub(super) fn line(place: Place, text: &str, characters_max: usize) -> Result<String, BadPast> {
    let text = text.trim();
    let fits = !is_blank(text) && text.chars().count() <= characters_max;
    if !fits || text.chars().any(char::is_control) {
        let rule = format!("give 1 to {characters_max} characters on one line");
        return Err(bad(place, rule));
    }
    Ok(text.to_owned())
}

fn bad(place: Place, reason: impl ToString) -> BadPast {
    BadPast {
        place,
        reason: reason.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2023-07-11T20:30:00Z";

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn asked() -> NewPast {
        serde_json::from_str(
            r#"{"title": " Sign-in was slow ", "impact": "minor",
                "started_at": "2023-03-01T14:00:00Z", "resolved_at": "2023-03-01T16:00:00Z",
                "updates": [
                    {"at": "2023-03-01T16:00:00Z", "state": "completed", "text": "It is over."},
                    {"at": "2023-03-01T14:10:00Z", "state": "investigating", "text": "We look."}]}"#,
        )
        .unwrap()
    }

    #[test]
    fn it_becomes_records_of_its_own_time() {
        let past = asked().check(at(NOW)).unwrap();
        let (id, mut last) = (IncidentId::from_bytes(&[1; 16]).unwrap(), 1);
        let next = || {
            last += 1;
            UpdateId::from_bytes(&[last; 16]).unwrap()
        };
        let (incident, updates) = past.records(id, ("Kim", at(NOW)), next);
        assert_eq!(incident.title, "Sign-in was slow");
        assert!(incident.is_public() && !incident.is_open());
        assert_eq!(incident.accepted_at, Some(at("2023-03-01T14:10:00Z")));
        assert_eq!(incident.added_at, Some(at(NOW)));
        let said: Vec<_> = updates.iter().map(|one| (one.at, one.state)).collect();
        assert_eq!(said[0], (at("2023-03-01T14:10:00Z"), Stage::Investigating));
        assert_eq!(said[1], (at("2023-03-01T16:00:00Z"), Stage::Completed));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let check = |change: fn(&mut NewPast), says: &str| {
            let mut past = asked();
            change(&mut past);
            let bad = past.check(at(NOW)).unwrap_err().to_string();
            assert_eq!(bad, says);
        };
        check(
            |past| past.title = "a\u{200b}\nb".into(),
            "title: give 1 to 255 characters on one line",
        );
        check(
            |past| past.title = "\u{200b}".into(),
            "title: give 1 to 255 characters on one line",
        );
        check(
            |past| past.key = Some("k".repeat(101)),
            "key: give 1 to 100 characters on one line",
        );
        check(
            |past| past.resolved_at = at("2023-07-11T20:30:01Z"),
            "resolved_at: an incident of the past cannot end in the future",
        );
        check(
            |past| past.started_at = at("2023-03-01T16:00:01Z"),
            "started_at: it cannot begin after it was over",
        );
        check(
            |past| past.started_at = at("1989-12-31T23:59:59Z"),
            "started_at: an incident began in 1990 or later",
        );
        check(
            |past| past.started_at = at("-009999-01-02T01:59:59Z"),
            "started_at: an incident began in 1990 or later",
        );
        check(
            |past| past.updates.clear(),
            "updates: give at least one update: it says what happened",
        );
        check(
            |past| past.updates = vec![past.updates[0].clone(); 201],
            "updates: there are 201 updates; 200 are allowed",
        );
        check(
            |past| past.updates[1].at = at("2023-03-01T13:59:59Z"),
            "updates[1].at: it is older than the beginning of the incident",
        );
        check(
            |past| past.updates[0].at = at("2023-08-01T13:59:59Z"),
            "updates[0].at: an update of the past cannot be of the future",
        );
        check(
            |past| past.updates[0].state = Stage::Dismissed,
            "updates[0].state: it can be investigating, identified, monitoring or completed",
        );
        check(
            |past| past.updates[1].text = " ".into(),
            "updates[1].text: The text is empty.",
        );
    }
}
