//! The history of a Statuspage: its `incidents.json`, as `GET /api/v2/incidents.json` answers it.
//! A file that cannot be read says what is wrong and where; nothing of it is taken then.
//!
//! Shape: <https://metastatuspage.com/api/v2>. Fields that mean nothing here are not looked at.

mod html;
mod walk;

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use jiff::Timestamp;
use serde_json::Value;

use super::backfill::{
    BadPast, KEY_CHARACTERS_MAX, NewPast, NewPastUpdate, PastIncident, Place, TITLE_CHARACTERS_MAX,
};
use super::{Impact, Scope, Stage, UpdateKind};
use crate::name::ProductName;
use crate::text::{grouped, is_blank, shown};
use walk::Node;

/// The largest file, in bytes.
pub const FILE_BYTES_MAX: usize = 4 << 20;
/// The most incidents of one file.
pub const INCIDENTS_MAX: usize = 2_000;
/// The most problems that one answer names.
pub const PROBLEMS_MAX: usize = 100;

/// Stands where an update said nothing: Statuspage allows that, and its state and time still tell.
const NO_TEXT: &str = "This update has no text.";

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// The name of the page, in whose name its updates were posted.
    pub page: Option<String>,
    /// Incidents that are over, in the order of the file.
    pub incidents: Vec<Entry>,
    /// What is left out, and why.
    pub skipped: Vec<Skipped>,
}

/// An incident of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its identifier on the page.
    pub id: String,
    /// What happened.
    pub past: PastIncident,
    /// The names of the components that it was about.
    pub components: Vec<String>,
}

/// An incident that is left out.
#[derive(
    Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
pub struct Skipped {
    /// Where it stands in the file.
    pub at: String,
    /// Its identifier on the page.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Why it is left out.
    pub reason: String,
}

/// Something wrong in a file.
#[derive(
    Clone,
    Debug,
    PartialEq,
    Eq,
    serde::Serialize,
    serde::Deserialize,
    thiserror::Error,
    schemars::JsonSchema,
)]
#[error("{at}: {reason}")]
pub struct Problem {
    /// Where, such as `incidents[3].incident_updates[1].display_at`.
    pub at: String,
    /// What is wrong there.
    pub reason: String,
}

/// A file that cannot be taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BadHistory {
    /// The first problem of each incident, at most [`PROBLEMS_MAX`] of them.
    pub problems: Vec<Problem>,
    /// How many incidents have one.
    pub count: usize,
}

impl std::error::Error for BadHistory {}

impl std::fmt::Display for BadHistory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.problems.as_slice() {
            [] => f.write_str("nothing is wrong"),
            [one] => one.fmt(f),
            [first, ..] => write!(
                f,
                "{} incidents cannot be read, the first: {first}",
                grouped(self.count as u64)
            ),
        }
    }
}

impl BadHistory {
    fn add(&mut self, problem: Problem) {
        self.count += 1;
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(problem);
        }
    }
}

impl From<Problem> for BadHistory {
    fn from(problem: Problem) -> Self {
        Self {
            problems: vec![problem],
            count: 1,
        }
    }
}

impl Entry {
    /// Which sites it was about: those of the products that its components name, as
    /// `Sign-in on web-central` or `web-central`. All without any: a component of another page says
    /// nothing of the sites here.
    #[must_use]
    pub fn scope(&self, is_product: impl Fn(&ProductName) -> bool) -> Scope {
        let products = self.components.iter().filter_map(|name| {
            let name = name.trim().to_lowercase();
            let name = name.strip_prefix("sign-in on ").unwrap_or(&name);
            ProductName::parse(name).ok()
        });
        Scope {
            products: products.filter(is_product).collect(),
            ..Scope::default()
        }
    }
}

/// Reads a file: what is over is taken, what still goes on or was planned work is left out.
///
/// # Errors
/// When it is too large, is not JSON of this shape, or some incident of it breaks a rule.
pub fn read(file: &[u8], now: Timestamp) -> Result<History, BadHistory> {
    let root = parse(file)?;
    let root = Node::root(&root);
    let listed = root.get("incidents").items()?;
    if listed.len() > INCIDENTS_MAX {
        let count = grouped(listed.len() as u64);
        let most = grouped(INCIDENTS_MAX as u64);
        let reason = format!("there are {count} incidents; {most} are allowed: split the file");
        return Err(root.get("incidents").problem(reason).into());
    }
    let mut history = History {
        page: root.get("page").get("name").optional_line()?,
        incidents: vec![],
        skipped: vec![],
    };
    let (mut bad, mut seen) = (BadHistory::default(), HashMap::new());
    for node in &listed {
        match incident(node, now).and_then(|read| once(read, node, &mut seen)) {
            Ok(Read::Over(entry)) => history.incidents.push(*entry),
            Ok(Read::LeftOut(skipped)) => history.skipped.push(skipped),
            Err(problem) => bad.add(problem),
        }
    }
    if bad.count == 0 {
        Ok(history)
    } else {
        Err(bad)
    }
}

fn parse(file: &[u8]) -> Result<Value, Problem> {
    let whole = |reason: String| Problem {
        at: "file".into(),
        reason,
    };
    if file.len() > FILE_BYTES_MAX {
        let (count, most) = (grouped(file.len() as u64), grouped(FILE_BYTES_MAX as u64));
        return Err(whole(format!("it has {count} bytes; {most} are allowed")));
    }
    // Some programs begin UTF-8 with a mark.
    let json = file.strip_prefix("\u{feff}".as_bytes()).unwrap_or(file);
    serde_json::from_slice(json).map_err(|e| whole(format!("it is not JSON: {e}")))
}

/// An incident that was read.
enum Read {
    Over(Box<Entry>),
    LeftOut(Skipped),
}

/// Refuses an identifier that the file has already.
fn once(read: Read, node: &Node<'_>, seen: &mut HashMap<String, String>) -> Result<Read, Problem> {
    let id = match &read {
        Read::Over(entry) => entry.id.clone(),
        Read::LeftOut(skipped) => skipped.id.clone(),
    };
    match seen.insert(id, node.at.clone()) {
        None => Ok(read),
        Some(first) => Err(node.get("id").problem(format!("it is that of {first} too"))),
    }
}

fn incident(node: &Node<'_>, now: Timestamp) -> Result<Read, Problem> {
    let id = node.get("id").line(KEY_CHARACTERS_MAX)?;
    let title = node.get("name").line(TITLE_CHARACTERS_MAX)?;
    if let Some(reason) = left_out(node)? {
        return Ok(Read::LeftOut(Skipped {
            at: node.at.clone(),
            id,
            title,
            reason,
        }));
    }
    let updates = node.get("incident_updates").items()?;
    let updates: Vec<_> = updates.iter().map(update).collect::<Result<_, _>>()?;
    let (started_at, resolved_at) = times(node, &updates)?;
    let past = NewPast {
        key: Some(id.clone()),
        title,
        impact: impact(&node.get("impact"))?,
        scope: Scope::default(),
        started_at,
        resolved_at,
        updates,
    };
    Ok(Read::Over(Box::new(Entry {
        id,
        past: past.check(now).map_err(|bad| placed(node, &bad))?,
        components: components(node),
    })))
}

/// Why an incident is left out; `None` for one that is over.
fn left_out(node: &Node<'_>) -> Result<Option<String>, Problem> {
    let planned = || Some("it was planned work, not an incident".to_owned());
    if !node.get("scheduled_for").is_nothing() || node.get("impact").word() == Some("maintenance") {
        return Ok(planned());
    }
    let status = node.get("status");
    match status.word() {
        Some("resolved" | "postmortem") => {
            let updates = node.get("incident_updates").items()?;
            let silent = "it has no updates: there is nothing to read";
            Ok(updates.is_empty().then(|| silent.to_owned()))
        }
        Some(open @ ("investigating" | "identified" | "monitoring")) => Ok(Some(format!(
            "it is still {open}: import the file of a later day, when it is resolved"
        ))),
        Some("scheduled" | "in_progress" | "verifying" | "completed") => Ok(planned()),
        _ => {
            Err(status.not_one_of("investigating, identified, monitoring, resolved or postmortem"))
        }
    }
}

fn impact(node: &Node<'_>) -> Result<Impact, Problem> {
    node.word()
        .and_then(Impact::parse)
        .ok_or_else(|| node.not_one_of("none, minor, major or critical"))
}

fn update(node: &Node<'_>) -> Result<NewPastUpdate, Problem> {
    let (display, created) = (node.get("display_at"), node.get("created_at"));
    let at = if display.is_nothing() {
        created.moment()?
    } else {
        display.moment()?
    };
    let status = node.get("status");
    let (state, kind) = match status.word() {
        Some("investigating") => (Stage::Investigating, UpdateKind::Update),
        Some("identified") => (Stage::Identified, UpdateKind::Update),
        Some("monitoring") => (Stage::Monitoring, UpdateKind::Update),
        Some("resolved") => (Stage::Completed, UpdateKind::Update),
        Some("postmortem") => (Stage::Completed, UpdateKind::OfficialComment),
        _ => {
            let words = "investigating, identified, monitoring, resolved or postmortem";
            return Err(status.not_one_of(words));
        }
    };
    let text = html::to_markdown(node.get("body").optional_text()?.unwrap_or_default());
    Ok(NewPastUpdate {
        at,
        state,
        kind,
        text: if is_blank(&text) {
            NO_TEXT.into()
        } else {
            text
        },
    })
}

/// When it began and when it was over. An update before the beginning proves that it began by then;
/// without a time of its end, the first update that says so is it.
fn times(node: &Node<'_>, updates: &[NewPastUpdate]) -> Result<(Timestamp, Timestamp), Problem> {
    let (started, created) = (node.get("started_at"), node.get("created_at"));
    let began = if started.is_nothing() {
        created.moment()?
    } else {
        started.moment()?
    };
    let first = updates.iter().map(|update| update.at).min();
    let ends = updates
        .iter()
        .filter(|update| update.state == Stage::Completed);
    let said = ends.map(|update| update.at).min();
    let resolved = node.get("resolved_at");
    let over = match said {
        Some(said) if resolved.is_nothing() => said,
        _ => resolved.moment()?,
    };
    Ok((first.map_or(began, |first| first.min(began)), over))
}

/// Names of components; they only help to find the scope, so that one that cannot be read is none.
fn components(node: &Node<'_>) -> Vec<String> {
    let listed = node.get("components").items().unwrap_or_default();
    let names = listed.iter().filter_map(|one| one.get("name").word());
    names.map(str::to_owned).collect()
}

/// A broken rule, by the names of the file.
fn placed(node: &Node<'_>, bad: &BadPast) -> Problem {
    let update = |place: usize, part: &str| {
        let at = &node.at;
        format!("{at}.incident_updates[{place}].{part}")
    };
    let at = match bad.place {
        Place::Key => node.get("id").at,
        Place::Title => node.get("name").at,
        Place::StartedAt => node.get("started_at").at,
        Place::ResolvedAt => node.get("resolved_at").at,
        Place::Updates => node.get("incident_updates").at,
        Place::UpdateAt(place) => update(place, "display_at"),
        Place::UpdateState(place) => update(place, "status"),
        Place::UpdateText(place) => update(place, "body"),
    };
    Problem {
        at,
        reason: bad.reason.clone(),
    }
}

impl Node<'_> {
    fn not_one_of(&self, words: &str) -> Problem {
        match self.word() {
            Some(word) => self.problem(format!("{} is not one of {words}", shown(word))),
            None => self.problem(format!("give {words}")),
        }
    }
}
