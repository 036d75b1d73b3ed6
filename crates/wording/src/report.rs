//! A drafted report as Markdown, in the language of the team and in the zone of whoever reads it. Words from
//! outside are escaped, so that a note with a bracket in it stays a note.

use std::fmt::Write as _;

use domain::id::EntryId;
use domain::incident::FollowUp;
use domain::incident::report::{Heading, Line, ReportDraft, Span, Statement, open_mark};
use domain::incident::template::{written, written_day};
use domain::incident::timeline::{Fact, TimelineEntry};
use domain::language::Language;
use jiff::Timestamp;

use crate::Words;

/// What a draft says by itself, in whole paragraphs and headings.
const WHOLE: [&str; 7] = [
    "report-impact",
    "report-detection",
    "report-response",
    "report-cause",
    "report-well",
    "report-follow-ups",
    "report-nothing",
];
/// What its other headings and paragraphs begin with; a name follows.
const BEGINNINGS: [&str; 2] = ["report-title", "report-times"];

impl Words {
    /// A draft as Markdown, with footnotes that name the record behind each figure.
    #[must_use]
    pub fn report(self, draft: &ReportDraft) -> String {
        let writer = Writer { words: self, draft };
        writer.write()
    }

    /// What a report that was drafted in another language says by itself, in this one, and what follows it;
    /// nothing where that is not as it was drafted. `is_whole` if `text` is all of its heading or paragraph.
    #[must_use]
    pub fn drafted(self, text: &str, is_whole: bool) -> Option<(&'static str, String)> {
        let others = || Language::ALL.into_iter().filter(|one| *one != self.0);
        let is_said = |key: &'static str| others().any(|other| Words(other).say(key) == text);
        if let Some(key) = WHOLE.into_iter().find(|key| is_whole && is_said(key)) {
            return Some((self.say(key), String::new()));
        }
        others().find_map(|other| {
            BEGINNINGS.into_iter().find_map(|key| {
                let rest = text
                    .strip_prefix(Words(other).say(key))?
                    .strip_prefix(' ')?;
                Some((self.say(key), rest.to_owned()))
            })
        })
    }

    fn heading(self, heading: Heading) -> &'static str {
        match heading {
            Heading::Impact => self.say("report-impact"),
            Heading::Detection => self.say("report-detection"),
            Heading::Response => self.say("report-response"),
            Heading::Cause => self.say("report-cause"),
            Heading::WentWell => self.say("report-well"),
            Heading::FollowUps => self.say("report-follow-ups"),
        }
    }

    /// What a person writes under a heading; nothing where records do.
    fn to_write(self, heading: Heading) -> &'static str {
        match heading {
            Heading::Impact | Heading::Detection | Heading::Response => "",
            Heading::Cause => self.say("report-write-cause"),
            Heading::WentWell => self.say("report-write-well"),
            Heading::FollowUps => self.say("report-write-follow-ups"),
        }
    }
}

/// Writes one draft.
#[derive(Clone, Copy)]
struct Writer<'a> {
    words: Words,
    draft: &'a ReportDraft,
}

impl Writer<'_> {
    fn write(self) -> String {
        let Self { words, draft } = self;
        let (title, zone) = (escaped(&draft.title), escaped(draft.zone.as_str()));
        let mut text = format!("# {} {title}\n", words.say("report-title"));
        let _ = write!(text, "\n{} {zone}.\n", words.say("report-times"));
        for section in &draft.sections {
            let _ = write!(text, "\n## {}\n", words.heading(section.heading));
            for line in &section.lines {
                let _ = write!(text, "\n{}\n", self.line(line));
            }
            if section.lines.is_empty() {
                let _ = write!(text, "\n{}\n", words.say("report-nothing"));
            }
        }
        for (number, entry) in (1..).zip(&draft.sources) {
            let values = [
                ("id", entry.id.to_string().into()),
                ("at", self.moment(entry.at).into()),
                ("line", escaped(&words.happened(entry, &[])).into()),
            ];
            let record = words.tell("report-record", values);
            let _ = write!(text, "\n[^{number}]: {record}\n");
        }
        text
    }

    fn line(self, line: &Line) -> String {
        match line {
            Line::ToWrite(heading) => {
                let mark = open_mark(self.words.0);
                format!("> **{mark}** {}.", self.words.to_write(*heading))
            }
            Line::Recorded(statement) => {
                self.sentence(statement) + &self.notes(&statement.records())
            }
        }
    }

    fn sentence(self, statement: &Statement) -> String {
        let words = self.words;
        let moment = |at| self.moment(at).into();
        match statement {
            Statement::Affected { scope, sites } => {
                let scope = escaped(&words.scope(scope)).into();
                words.tell(
                    "report-affected",
                    [("scope", scope), ("n", sites.is.into())],
                )
            }
            Statement::SignInsFailed {
                from,
                until,
                failures,
                attempts,
            } => words.tell(
                "report-sign-ins",
                [
                    ("from", moment(from.is)),
                    ("until", moment(until.is)),
                    ("failures", failures.is.into()),
                    ("n", attempts.is.into()),
                ],
            ),
            Statement::Restored { after, at } => words.tell(
                "report-restored",
                [("after", long(*after).into()), ("at", moment(at.is))],
            ),
            Statement::RolledOut {
                at,
                product,
                version,
                sites,
            } => words.tell(
                "report-rollout",
                [
                    ("at", moment(at.is)),
                    ("release", escaped(&format!("{product} {version}")).into()),
                    ("n", sites.is.into()),
                ],
            ),
            Statement::FirstReported { at } => words.tell("report-first", [("at", moment(at.is))]),
            Statement::Alarmed {
                at,
                words: said,
                after,
            } => {
                let (at, said) = (("at", moment(at.is)), ("words", escaped(said).into()));
                match after {
                    None => words.tell("report-alarm", [at, said]),
                    Some(after) => {
                        let after = ("after", long(*after).into());
                        words.tell("report-alarm-after", [at, said, after])
                    }
                }
            }
            Statement::Act(entry) => self.act(entry),
            Statement::FollowUp(one) => self.follow_up(one),
        }
    }

    /// What people and campaigns did.
    fn act(self, entry: &TimelineEntry) -> String {
        let words = self.words;
        let at = || ("at", self.moment(entry.at).into());
        let by = || ("by", escaped(words.who(&entry.by)).into());
        let quoted = |name, text: &str| (name, escaped(text).into());
        match &entry.fact {
            Fact::Opened => words.tell("report-opened", [at(), by()]),
            Fact::AddedAfterwards { .. } => words.tell("report-added", [at(), by()]),
            Fact::Planned => words.tell("report-planned", [at(), by()]),
            Fact::Moved { .. } => words.tell("report-moved", [at(), by()]),
            Fact::Accepted => words.tell("report-accepted", [at(), by()]),
            Fact::PageAcknowledged { .. } => words.tell("report-acknowledged", [at(), by()]),
            Fact::Updated {
                template: Some(template),
                ..
            } => {
                let template = quoted("template", words.template_name(template));
                words.tell("report-told", [at(), by(), template])
            }
            Fact::Updated { .. } => words.tell("report-posted", [at(), by()]),
            Fact::CampaignStarted { action, sites, .. } => {
                let action = quoted("action", &words.action(action));
                words.tell("report-campaign", [at(), action, ("n", (*sites).into())])
            }
            Fact::CampaignPaused { reason, .. } => {
                words.tell("report-campaign-paused", [at(), quoted("reason", reason)])
            }
            Fact::CampaignResumed { .. } => words.tell("report-campaign-resumed", [at()]),
            Fact::CampaignFinished { done, failed, .. } => {
                let (done, failed) = (("done", (*done).into()), ("failed", (*failed).into()));
                words.tell("report-campaign-ended", [at(), done, failed])
            }
            Fact::WatchEnded { failing } => {
                words.tell("report-watch-ended", [at(), ("n", (*failing).into())])
            }
            Fact::Completed => words.tell("report-completed", [at()]),
            Fact::Noted { words: note } => {
                words.tell("report-noted", [at(), quoted("words", note)])
            }
            // The domain makes sentences of no other.
            _ => escaped(&words.happened(entry, &[])),
        }
    }

    fn follow_up(self, one: &FollowUp) -> String {
        let values = [
            ("text", escaped(&one.text).into()),
            ("owner", escaped(&one.owner).into()),
            ("due", written_day(self.words.0, one.due).into()),
        ];
        let line = match &one.end {
            None => self.words.tell("report-follow-up", values),
            Some(end) if end.dropped.is_some() => {
                self.words.tell("report-follow-up-dropped", values)
            }
            Some(_) => self.words.tell("report-follow-up-done", values),
        };
        format!("- {line}")
    }

    fn moment(self, at: Timestamp) -> String {
        written((&self.draft.zone, self.words.0), at)
    }

    fn notes(self, records: &[EntryId]) -> String {
        let sources = &self.draft.sources;
        let number = |id: &EntryId| sources.iter().position(|entry| entry.id == *id);
        let numbers = records.iter().filter_map(number);
        numbers.map(|at| format!("[^{}]", at + 1)).collect()
    }
}

/// "2 h 27 min", "3 min 5 s": symbols of the International System, the same in every language.
fn long(span: Span) -> String {
    let seconds = span.time.as_secs().max(0);
    match (seconds / 3_600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, min, 0) => format!("{min} min"),
        (0, min, s) => format!("{min} min {s} s"),
        (h, 0, _) => format!("{h} h"),
        (h, min, _) => format!("{h} h {min} min"),
    }
}

/// Every character that Markdown could read as a mark, CommonMark 0.31 section 2.4.
fn escaped(words: &str) -> String {
    let mut text = String::with_capacity(words.len());
    for letter in words.chars() {
        match letter {
            '\n' | '\r' => text.push(' '),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '<' | '>' | '#' | '|' | '~' | '&'
            | '!' => {
                text.push('\\');
                text.push(letter);
            }
            _ => text.push(letter),
        }
    }
    text
}

#[cfg(test)]
mod tests;
