//! Writes a draft as Markdown, in the zone of whoever reads it. Words from outside are escaped, so
//! that a note with a bracket in it stays a note.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};

use super::version::OPEN;
use super::{Line, Piece, ReportDraft};
use crate::id::EntryId;
use crate::incident::template::written;
use crate::text::grouped;

impl ReportDraft {
    /// The report as Markdown, with footnotes that name the record behind each figure.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = format!("# Incident Report: {}\n", escaped(&self.title));
        let _ = write!(
            text,
            "\nTimes are those of {}.\n",
            escaped(self.zone.as_str())
        );
        for section in &self.sections {
            let _ = write!(text, "\n## {}\n", section.heading);
            for line in &section.lines {
                let _ = write!(text, "\n{}\n", self.line(line));
            }
            if section.lines.is_empty() {
                text.push_str("\nNothing was recorded.\n");
            }
        }
        for (number, entry) in (1..).zip(&self.sources) {
            let at = written(entry.at, &self.zone);
            let _ = write!(
                text,
                "\n[^{number}]: Record {}, {at}: {}\n",
                entry.id,
                escaped(&entry.line())
            );
        }
        text
    }

    fn line(&self, line: &Line) -> String {
        match line {
            Line::ToWrite(what) => format!("> **{OPEN}** {what}."),
            Line::Recorded(pieces) => {
                let words: String = pieces.iter().map(|piece| self.piece(piece)).collect();
                words + &self.notes(pieces)
            }
        }
    }

    fn piece(&self, piece: &Piece) -> String {
        match piece {
            Piece::Words(words) => (*words).to_owned(),
            Piece::Quoted(words) => escaped(words),
            Piece::Moment(at, _) => self.moment(*at),
            Piece::Count(count, _) => grouped(*count),
            Piece::Span(span, _) => long(*span),
        }
    }

    fn moment(&self, at: Timestamp) -> String {
        written(at, &self.zone)
    }

    /// The footnotes of a sentence, each once.
    fn notes(&self, pieces: &[Piece]) -> String {
        let mut used: Vec<EntryId> = vec![];
        for id in pieces.iter().flat_map(Piece::records) {
            if !used.contains(id) {
                used.push(*id);
            }
        }
        let number = |id: &EntryId| self.sources.iter().position(|entry| entry.id == *id);
        used.iter()
            .filter_map(number)
            .map(|at| format!("[^{}]", at + 1))
            .collect()
    }
}

/// "2 h 27 min", "3 min 5 s".
fn long(span: SignedDuration) -> String {
    let seconds = span.as_secs().max(0);
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
