//! The drafted incident report: what the records say, in order, with the record behind each figure.
//! Never writes what no record holds: cause and follow-ups are left to a person, and say so.

mod markdown;
mod version;

pub use version::{Approval, BadReport, ReportVersion, VERSIONS_MAX, is_finished};

use jiff::{SignedDuration, Timestamp};

use super::timeline::{Fact, TimelineEntry};
use super::{FollowUp, Incident};
use crate::id::EntryId;
use crate::site::Zone;

/// A report as far as the records can write it.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct ReportDraft {
    /// The incident's title.
    pub title: String,
    /// Whose times it is written in.
    pub zone: Zone,
    /// Impact, detection, response, cause, what went well, follow-ups.
    pub sections: [Section; 6],
    /// The records that figures come from, in the order they are first used.
    pub sources: Vec<TimelineEntry>,
}

/// A part of a report.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Section {
    /// Its heading.
    pub heading: &'static str,
    /// Its sentences.
    pub lines: Vec<Line>,
}

/// A sentence.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// From the records.
    Recorded(Vec<Piece>),
    /// For a person to write.
    ToWrite(&'static str),
}

/// A piece of a sentence.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Piece {
    /// Words of ours.
    Words(&'static str),
    /// Words that somebody wrote or that name something.
    Quoted(String),
    /// A moment.
    Moment(Timestamp, EntryId),
    /// A count.
    Count(u64, EntryId),
    /// The time between two records.
    Span(SignedDuration, [EntryId; 2]),
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
        let sections = [
            Section {
                heading: "Impact",
                lines: impact(incident, &records),
            },
            Section {
                heading: "Detection",
                lines: detection(&records),
            },
            Section {
                heading: "Response",
                lines: response(&records),
            },
            Section {
                heading: "Cause",
                lines: vec![Line::ToWrite(
                    "what failed, and why it was not seen before the release",
                )],
            },
            Section {
                heading: "What went well",
                lines: vec![Line::ToWrite("what helped, and should be kept")],
            },
            Section {
                heading: "Follow-ups",
                lines: follow_ups(planned),
            },
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

/// What will be done, by whom and by when, as far as it is decided.
fn follow_ups(planned: &[FollowUp]) -> Vec<Line> {
    use Piece::{Quoted, Words};
    if planned.is_empty() {
        let what = "what will change, who does it, and by when";
        return vec![Line::ToWrite(what)];
    }
    let line = |one: &FollowUp| {
        let state = match &one.end {
            None => Words("."),
            Some(end) if end.dropped.is_some() => Words(" (dropped)."),
            Some(_) => Words(" (done)."),
        };
        let due = Quoted(one.due.strftime("%B %-d, %Y").to_string());
        let (text, owner) = (Quoted(one.text.clone()), Quoted(one.owner.clone()));
        sentence([
            Words("- "),
            text,
            Words(" "),
            owner,
            Words(", by "),
            due,
            state,
        ])
    };
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
    use Piece::{Count, Quoted, Words};
    let mut lines = vec![];
    // The last count: an incident that grew was counted again.
    let counted = records.last(|fact| match fact {
        Fact::SitesCounted { total, .. } => Some(*total),
        _ => None,
    });
    if let Some((entry, total)) = counted {
        let scope = incident.scope.to_string();
        lines.push(sentence([
            Words("Sign-in was affected on "),
            Quoted(scope),
            Words(": "),
            Count(total, entry.id),
            Words(" sites."),
        ]));
    }
    for entry in records.0 {
        if let Fact::SignInsCounted {
            attempts,
            failures,
            from,
            until,
        } = &entry.fact
        {
            lines.push(sentence([
                Words("Between "),
                Piece::Moment(*from, entry.id),
                Words(" and "),
                Piece::Moment(*until, entry.id),
                Words(", "),
                Count(*failures, entry.id),
                Words(" of "),
                Count(*attempts, entry.id),
                Words(" sign-ins failed."),
            ]));
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
        lines.push(sentence([
            Words("It was restored everywhere "),
            span(began, ended),
            Words(" after it began, at "),
            moment(ended),
            Words("."),
        ]));
    }
    lines
}

fn detection(records: &Records<'_>) -> Vec<Line> {
    use Piece::{Count, Quoted, Words};
    let mut lines = vec![];
    let release = records.first(|fact| match fact {
        Fact::ReleaseActivated {
            product,
            version,
            sites,
        } => Some((format!("{product} {version}"), *sites)),
        _ => None,
    });
    if let Some((entry, (release, sites))) = &release {
        lines.push(sentence([
            Words("At "),
            moment(entry),
            Words(", the rollout of "),
            Quoted(release.clone()),
            Words(" had begun; it reached "),
            Count(*sites, entry.id),
            Words(" sites before the incident was proposed."),
        ]));
    }
    let report = records.moment(|fact| matches!(fact, Fact::FirstReport { .. }));
    if let Some(report) = report {
        lines.push(sentence([
            Words("At "),
            moment(report),
            Words(", the first customer reported an error at sign-in."),
        ]));
    }
    let alarm = records.first(|fact| match fact {
        Fact::AlarmRaised { words, .. } => Some(words.clone()),
        _ => None,
    });
    if let Some((entry, words)) = alarm {
        let mut pieces = vec![
            Words("At "),
            moment(entry),
            Words(", detection raised an alarm: "),
            Quoted(words),
        ];
        if let Some(report) = report {
            pieces.extend([
                Words(", "),
                span(report, entry),
                Words(" after the first report"),
            ]);
        }
        pieces.push(Words("."));
        lines.push(Line::Recorded(pieces));
    }
    lines
}

fn response(records: &Records<'_>) -> Vec<Line> {
    records.0.iter().filter_map(act).collect()
}

/// What people and campaigns did, one sentence each.
fn act(entry: &TimelineEntry) -> Option<Line> {
    use Piece::{Count, Quoted, Words};
    let at = || [Words("At "), moment(entry), Words(", ")];
    let by = || Quoted(entry.by.clone());
    let rest = match &entry.fact {
        Fact::Opened => vec![by(), Words(" opened the incident.")],
        Fact::AddedAfterwards { .. } => {
            vec![by(), Words(" added the incident, after it was over.")]
        }
        Fact::Planned => vec![by(), Words(" announced the work.")],
        Fact::Moved { .. } => vec![by(), Words(" moved the work to another time.")],
        Fact::Accepted => vec![by(), Words(" accepted the incident.")],
        Fact::PageAcknowledged { .. } => vec![by(), Words(" acknowledged the page.")],
        Fact::Updated {
            template: Some(template),
            ..
        } => {
            vec![
                by(),
                Words(" told customers: "),
                Quoted(template.clone()),
                Words("."),
            ]
        }
        Fact::Updated { .. } => vec![by(), Words(" posted an update for customers.")],
        Fact::CampaignStarted { action, sites, .. } => vec![
            Words("a campaign began ("),
            Quoted(action.clone()),
            Words(") over "),
            Count(*sites, entry.id),
            Words(" sites, paced so that their servers could bear it."),
        ],
        Fact::CampaignPaused { reason, .. } => {
            vec![
                Words("the campaign was paused: "),
                Quoted(reason.clone()),
                Words("."),
            ]
        }
        Fact::CampaignResumed { .. } => vec![Words("the campaign went on.")],
        Fact::CampaignFinished { done, failed, .. } => vec![
            Words("the campaign ended: sign-in was verified by a probe on "),
            Count(*done, entry.id),
            Words(" sites, and not yet on "),
            Count(*failed, entry.id),
            Words("."),
        ],
        Fact::WatchEnded { failing } => {
            vec![
                Words("the watch period ended; "),
                Count(*failing, entry.id),
                Words(" sites failed."),
            ]
        }
        Fact::Completed => vec![Words("the incident was completed.")],
        Fact::Noted { words } => vec![Quoted(words.clone())],
        _ => return None,
    };
    Some(Line::Recorded(at().into_iter().chain(rest).collect()))
}

fn sentence<const N: usize>(pieces: [Piece; N]) -> Line {
    Line::Recorded(pieces.into())
}

fn moment(entry: &TimelineEntry) -> Piece {
    Piece::Moment(entry.at, entry.id)
}

fn span(from: &TimelineEntry, to: &TimelineEntry) -> Piece {
    Piece::Span(to.at.duration_since(from.at), [from.id, to.id])
}

impl Piece {
    /// The records a figure comes from.
    fn records(&self) -> &[EntryId] {
        match self {
            Self::Words(_) | Self::Quoted(_) => &[],
            Self::Moment(_, entry) | Self::Count(_, entry) => std::slice::from_ref(entry),
            Self::Span(_, entries) => entries,
        }
    }
}

fn sources(sections: &[Section], timeline: &[TimelineEntry]) -> Vec<TimelineEntry> {
    let mut used: Vec<EntryId> = vec![];
    for line in sections.iter().flat_map(|section| &section.lines) {
        if let Line::Recorded(pieces) = line {
            for id in pieces.iter().flat_map(Piece::records) {
                if !used.contains(id) {
                    used.push(*id);
                }
            }
        }
    }
    let find = |id: &EntryId| timeline.iter().find(|entry| entry.id == *id).cloned();
    used.iter().filter_map(find).collect()
}

#[cfg(test)]
mod tests;
