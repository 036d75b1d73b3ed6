//! The drafted incident report: what the records say, in order, with the record behind each figure.
//! Yields facts, which the crate `wording` says in a language. Never writes what no record holds: cause and
//! follow-ups are left to a person.

mod version;

pub use version::{
    Approval, BadReport, ReportVersion, VERSIONS_MAX, is_finished, left_open, open_mark,
};

use jiff::{SignedDuration, Timestamp};
use semver::Version;

use super::timeline::{Fact, TimelineEntry};
use super::{FollowUp, Incident, Scope};
use crate::id::EntryId;
use crate::name::ProductName;
use crate::site::Zone;

/// A report as far as the records can write it.
#[derive(Clone, Debug, PartialEq)]
pub struct ReportDraft {
    /// The incident's title.
    pub title: String,
    /// Whose times it is written in.
    pub zone: Zone,
    /// One for each heading, in order.
    pub sections: [Section; 6],
    /// The records that figures come from, in the order they are first used.
    pub sources: Vec<TimelineEntry>,
}

/// A part of a report.
#[derive(Clone, Debug, PartialEq)]
pub struct Section {
    /// What it is about.
    pub heading: Heading,
    /// Its sentences.
    pub lines: Vec<Line>,
}

/// What a part of a report is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heading {
    /// Whom it concerned, and for how long.
    Impact,
    /// How it was seen.
    Detection,
    /// What was done.
    Response,
    /// Why it happened.
    Cause,
    /// What should be kept.
    WentWell,
    /// What will be done.
    FollowUps,
}

/// A sentence.
#[derive(Clone, Debug, PartialEq)]
pub enum Line {
    /// From the records.
    Recorded(Statement),
    /// For a person to write: what belongs under this heading.
    ToWrite(Heading),
}

/// What a record gives, and which record it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figure<T> {
    /// A moment or a count.
    pub is: T,
    /// The record.
    pub record: EntryId,
}

/// The time between two records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// How long.
    pub time: SignedDuration,
    /// The records.
    pub records: [EntryId; 2],
}

/// What the records say.
#[derive(Clone, Debug, PartialEq)]
pub enum Statement {
    /// How many sites it concerned.
    Affected {
        /// Which.
        scope: Scope,
        /// How many.
        sites: Figure<u64>,
    },
    /// How many sign-ins failed.
    SignInsFailed {
        /// From when.
        from: Figure<Timestamp>,
        /// Until when.
        until: Figure<Timestamp>,
        /// How many failed.
        failures: Figure<u64>,
        /// How many were tried.
        attempts: Figure<u64>,
    },
    /// When it was restored everywhere.
    Restored {
        /// How long after it began.
        after: Span,
        /// When.
        at: Figure<Timestamp>,
    },
    /// A release was activated shortly before.
    RolledOut {
        /// When.
        at: Figure<Timestamp>,
        /// Of which product.
        product: ProductName,
        /// Which.
        version: Version,
        /// On how many sites.
        sites: Figure<u64>,
    },
    /// The first customer reported it.
    FirstReported {
        /// When.
        at: Figure<Timestamp>,
    },
    /// Detection raised an alarm.
    Alarmed {
        /// When.
        at: Figure<Timestamp>,
        /// What it said.
        words: String,
        /// How long after the first report.
        after: Option<Span>,
    },
    /// Somebody, or a campaign, did something: the record says what.
    Act(TimelineEntry),
    /// What will be done, as far as it is decided.
    FollowUp(FollowUp),
}

impl ReportDraft {
    /// Drafts the report of an incident from its timeline, in order of time.
    #[must_use]
    pub fn from_records(
        incident: &Incident,
        (timeline, planned): (&[TimelineEntry], &[FollowUp]),
        zone: Zone,
    ) -> Self {
        let records = Records(timeline);
        let section = |heading, lines| Section { heading, lines };
        let open = |heading| section(heading, vec![Line::ToWrite(heading)]);
        let sections = [
            section(Heading::Impact, impact(incident, &records)),
            section(Heading::Detection, detection(&records)),
            section(Heading::Response, response(&records)),
            open(Heading::Cause),
            open(Heading::WentWell),
            section(Heading::FollowUps, follow_ups(planned)),
        ];
        let sources = sources(&sections, timeline);
        Self {
            title: incident.title.clone(),
            zone,
            sections,
            sources,
        }
    }
}

fn follow_ups(planned: &[FollowUp]) -> Vec<Line> {
    if planned.is_empty() {
        return vec![Line::ToWrite(Heading::FollowUps)];
    }
    let line = |one: &FollowUp| Line::Recorded(Statement::FollowUp(one.clone()));
    planned.iter().map(line).collect()
}

/// The timeline, asked for facts.
struct Records<'a>(&'a [TimelineEntry]);

impl<'a> Records<'a> {
    fn first<T>(&self, fact: impl Fn(&'a Fact) -> Option<T>) -> Option<(&'a TimelineEntry, T)> {
        self.0
            .iter()
            .find_map(|entry| Some((entry, fact(&entry.fact)?)))
    }

    fn last<T>(&self, fact: impl Fn(&'a Fact) -> Option<T>) -> Option<(&'a TimelineEntry, T)> {
        self.0
            .iter()
            .rev()
            .find_map(|entry| Some((entry, fact(&entry.fact)?)))
    }

    fn moment(&self, is: impl Fn(&Fact) -> bool) -> Option<&'a TimelineEntry> {
        self.0.iter().find(|entry| is(&entry.fact))
    }
}

fn impact(incident: &Incident, records: &Records<'_>) -> Vec<Line> {
    let mut lines = vec![];
    // The last count: an incident that grew was counted again.
    let counted = records.last(|fact| match fact {
        Fact::SitesCounted { total, .. } => Some(*total),
        _ => None,
    });
    if let Some((entry, total)) = counted {
        lines.push(Line::Recorded(Statement::Affected {
            scope: incident.scope.clone(),
            sites: figure(entry, total),
        }));
    }
    for entry in records.0 {
        if let Fact::SignInsCounted {
            attempts,
            failures,
            from,
            until,
        } = &entry.fact
        {
            lines.push(Line::Recorded(Statement::SignInsFailed {
                from: figure(entry, *from),
                until: figure(entry, *until),
                failures: figure(entry, *failures),
                attempts: figure(entry, *attempts),
            }));
        }
    }
    let began = records.moment(|fact| {
        matches!(
            fact,
            Fact::ReleaseActivated { .. } | Fact::FirstReport { .. }
        )
    });
    let ended = records
        .last(|fact| matches!(fact, Fact::CampaignFinished { .. }).then_some(()))
        .map(|(entry, ())| entry);
    if let (Some(began), Some(ended)) = (began, ended) {
        lines.push(Line::Recorded(Statement::Restored {
            after: span(began, ended),
            at: moment(ended),
        }));
    }
    lines
}

fn detection(records: &Records<'_>) -> Vec<Line> {
    let mut lines = vec![];
    let release = records.first(|fact| match fact {
        Fact::ReleaseActivated {
            product,
            version,
            sites,
        } => Some((product, version, *sites)),
        _ => None,
    });
    if let Some((entry, (product, version, sites))) = release {
        lines.push(Line::Recorded(Statement::RolledOut {
            at: moment(entry),
            product: product.clone(),
            version: version.clone(),
            sites: figure(entry, sites),
        }));
    }
    let report = records.moment(|fact| matches!(fact, Fact::FirstReport { .. }));
    if let Some(report) = report {
        let at = moment(report);
        lines.push(Line::Recorded(Statement::FirstReported { at }));
    }
    let alarm = records.first(|fact| match fact {
        Fact::AlarmRaised { words, .. } => Some(words.clone()),
        _ => None,
    });
    if let Some((entry, words)) = alarm {
        lines.push(Line::Recorded(Statement::Alarmed {
            at: moment(entry),
            words,
            after: report.map(|report| span(report, entry)),
        }));
    }
    lines
}

fn response(records: &Records<'_>) -> Vec<Line> {
    let acts = records.0.iter().filter(|entry| is_act(&entry.fact));
    acts.map(|entry| Line::Recorded(Statement::Act(entry.clone())))
        .collect()
}

/// What people and campaigns did is told in the response.
fn is_act(fact: &Fact) -> bool {
    matches!(
        fact,
        Fact::Opened
            | Fact::AddedAfterwards { .. }
            | Fact::Planned
            | Fact::Moved { .. }
            | Fact::Accepted
            | Fact::PageAcknowledged { .. }
            | Fact::Updated { .. }
            | Fact::CampaignStarted { .. }
            | Fact::CampaignPaused { .. }
            | Fact::CampaignResumed { .. }
            | Fact::CampaignFinished { .. }
            | Fact::WatchEnded { .. }
            | Fact::Completed
            | Fact::Noted { .. }
    )
}

fn figure<T>(entry: &TimelineEntry, is: T) -> Figure<T> {
    let record = entry.id;
    Figure { is, record }
}

fn moment(entry: &TimelineEntry) -> Figure<Timestamp> {
    figure(entry, entry.at)
}

fn span(from: &TimelineEntry, to: &TimelineEntry) -> Span {
    Span {
        time: to.at.duration_since(from.at),
        records: [from.id, to.id],
    }
}

impl Statement {
    /// The records that its figures come from, each once, in the order of the sentence.
    #[must_use]
    pub fn records(&self) -> Vec<EntryId> {
        let named = match self {
            Self::Affected { sites, .. } => vec![sites.record],
            Self::SignInsFailed {
                from,
                until,
                failures,
                attempts,
            } => vec![from.record, until.record, failures.record, attempts.record],
            Self::Restored { after, at } => [&after.records[..], &[at.record]].concat(),
            Self::RolledOut { at, sites, .. } => vec![at.record, sites.record],
            Self::FirstReported { at } => vec![at.record],
            Self::Alarmed { at, after, .. } => {
                let after = after.iter().flat_map(|after| after.records);
                std::iter::once(at.record).chain(after).collect()
            }
            Self::Act(entry) => vec![entry.id],
            Self::FollowUp(_) => vec![],
        };
        let mut records: Vec<EntryId> = vec![];
        for id in named {
            if !records.contains(&id) {
                records.push(id);
            }
        }
        records
    }
}

fn sources(sections: &[Section], timeline: &[TimelineEntry]) -> Vec<TimelineEntry> {
    let mut used: Vec<EntryId> = vec![];
    for line in sections.iter().flat_map(|section| &section.lines) {
        if let Line::Recorded(statement) = line {
            for id in statement.records() {
                if !used.contains(&id) {
                    used.push(id);
                }
            }
        }
    }
    let find = |id: &EntryId| timeline.iter().find(|entry| entry.id == *id).cloned();
    used.iter().filter_map(find).collect()
}
