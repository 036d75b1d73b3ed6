//! Adds incidents that are over: by hand, or from the history of a Statuspage.
//!
//! They are recorded as they happened. No follower is told, nobody is paged, no lamp changes: it is no
//! news to anybody, and nothing of it needs an answer.

use domain::incident::State;
use domain::incident::backfill::{NewPast, PastIncident};
use domain::incident::statuspage::{BadHistory, Entry, Skipped, read};
use store::Source;

use super::*;

/// What keys of a Statuspage are kept as.
const STATUSPAGE: &str = "statuspage";
/// What keys that a sender gave are kept as.
const SENDER: &str = "sender";

/// An incident of the past that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backfilled {
    /// The incident.
    pub id: IncidentId,
    /// Whether it was added now; else one of its key was there already.
    pub is_new: bool,
}

/// What an import of a history did.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct ImportedHistory {
    /// Whether it was only tried: nothing was added.
    pub dry_run: bool,
    /// How many incidents were added.
    pub added: usize,
    /// How many are here already.
    pub already_there: usize,
    /// What was left out, and why.
    pub skipped: Vec<Skipped>,
    /// Those that were added, in the order of the file.
    pub incidents: Vec<ImportedIncident>,
}

/// An incident that an import added.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct ImportedIncident {
    /// The incident; none where it was only tried.
    pub id: Option<IncidentId>,
    /// What the page knows it by.
    pub source_id: String,
    /// Its title.
    pub title: String,
}

/// Why no history was imported.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The file breaks rules; nothing was imported.
    #[error("nothing was imported: {0}")]
    Bad(BadHistory),
    /// The import failed. What it had added stays; imported again, the file adds the rest.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl Engine {
    /// Adds an incident that is over. One of the same key is one incident.
    ///
    /// # Errors
    /// When it breaks a rule, or the store fails.
    pub async fn backfill_incident(
        &self,
        who: &str,
        new: NewPast,
    ) -> Result<Backfilled, EngineError> {
        let past = new.check(self.clock().now());
        let past =
            past.map_err(|bad| EngineError::refused_at(&bad.place.to_string(), bad.reason))?;
        let source = past.key().map(|key| Source {
            source: SENDER,
            key: key.to_owned(),
        });
        if let Some(id) = self.added_before(source.as_ref()).await? {
            return Ok(Backfilled { id, is_new: false });
        }
        let added = self.add_past((who, who), past, source.as_ref()).await?;
        match added {
            Some(id) => Ok(Backfilled { id, is_new: true }),
            // Somebody was faster by a moment.
            None => match self.added_before(source.as_ref()).await? {
                Some(id) => Ok(Backfilled { id, is_new: false }),
                None => Err(EngineError::conflict("try again")),
            },
        }
    }

    /// Adds the incidents of a Statuspage's `incidents.json` that are over and not here yet; with
    /// `dry_run`, says what that would do.
    ///
    /// # Errors
    /// When the file breaks a rule, and nothing was added; when the store fails.
    pub async fn import_history(
        &self,
        who: &str,
        file: &[u8],
        dry_run: bool,
    ) -> Result<ImportedHistory, HistoryError> {
        let history = read(file, self.clock().now()).map_err(HistoryError::Bad)?;
        let by = history.page.unwrap_or_else(|| self.settings().team.clone());
        let mut imported = ImportedHistory {
            dry_run,
            added: 0,
            already_there: 0,
            skipped: history.skipped,
            incidents: vec![],
        };
        for entry in history.incidents {
            let (source_id, title) = (entry.id.clone(), entry.past.title().to_owned());
            match self.import_entry((who, &by), entry, dry_run).await? {
                Taken::AlreadyThere => imported.already_there += 1,
                Taken::Added(id) => imported.incidents.push(ImportedIncident {
                    id,
                    source_id,
                    title,
                }),
            }
        }
        imported.added = imported.incidents.len();
        Ok(imported)
    }

    async fn import_entry(
        &self,
        people: (&str, &str),
        entry: Entry,
        dry_run: bool,
    ) -> Result<Taken, EngineError> {
        let source = Source {
            source: STATUSPAGE,
            key: entry.id.clone(),
        };
        if self.added_before(Some(&source)).await?.is_some() || self.is_ours(&entry.id).await? {
            return Ok(Taken::AlreadyThere);
        }
        if dry_run {
            return Ok(Taken::Added(None));
        }
        let fleet = self.fleet();
        let scope = entry.scope(|name| fleet.product(name).is_some());
        let past = entry.past.within(scope);
        let added = self.add_past(people, past, Some(&source)).await?;
        Ok(added.map_or(Taken::AlreadyThere, |id| Taken::Added(Some(id))))
    }

    async fn added_before(
        &self,
        source: Option<&Source>,
    ) -> Result<Option<IncidentId>, EngineError> {
        match source {
            Some(source) => Ok(self.store().incident_from(source).await?),
            None => Ok(None),
        }
    }

    /// Whether a file brings back what this server answered: its own incidents.
    async fn is_ours(&self, id: &str) -> Result<bool, EngineError> {
        match id.parse::<IncidentId>() {
            Ok(id) => Ok(self.store().incident(id).await?.is_some()),
            Err(_) => Ok(false),
        }
    }

    /// Adds what `who` asked for, in the name of `by`; `None` when one of its source is there already.
    async fn add_past(
        &self,
        (who, by): (&str, &str),
        past: PastIncident,
        source: Option<&Source>,
    ) -> Result<Option<IncidentId>, EngineError> {
        let (clock, now) = (self.clock(), self.clock().now());
        let (incident, updates) = past.records(clock.id(), (by, now), || clock.id());
        let from = source.map(|from| format!("{} {}", from.source, from.key));
        let added = IncidentAdditions {
            timeline: self.past_timeline(&incident, &updates, (who, from.clone())),
            updates,
            ..IncidentAdditions::default()
        };
        let id = incident.id;
        let detail = match from {
            Some(from) => format!("{}, from {from}", incident.title),
            None => incident.title.clone(),
        };
        let audit = self.audit(
            who,
            "added an incident of the past",
            &id.to_string(),
            &detail,
        );
        let add = self
            .store()
            .add_past_incident(&incident, &added, source, &audit);
        if !add.await? {
            return Ok(None);
        }
        self.look_again(id).await?;
        Ok(Some(id))
    }

    /// What happened then, and that it was added now.
    fn past_timeline(
        &self,
        incident: &Incident,
        updates: &[Update],
        (who, source): (&str, Option<String>),
    ) -> Vec<TimelineEntry> {
        let said = updates
            .iter()
            .map(|update| self.entry(update.at, &update.by, fact_of(update)));
        let mut timeline: Vec<_> = said.collect();
        if let State::Completed { at, by } = &incident.state {
            timeline.push(self.entry(*at, by, Fact::Completed));
        }
        timeline.push(self.entry_now(who, Fact::AddedAfterwards { source }));
        timeline
    }
}

/// What became of an incident of a file.
enum Taken {
    AlreadyThere,
    Added(Option<IncidentId>),
}
