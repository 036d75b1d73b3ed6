//! What people type into forms, read. What a library says of a bad value is English and for programmers, so
//! that moments, days and releases are refused by a rule of ours, in the reader's language.

use domain::site::Zone;
use engine::EngineError;
use jiff::civil::{DateTime, Time};
use semver::Version;

use crate::language::say;

/// Reads a field; what is wrong is said with its name.
pub(in crate::pages) fn read<'a, T, E: ToString>(
    at: &str,
    text: &'a str,
    parse: impl Fn(&'a str) -> Result<T, E>,
) -> Result<T, EngineError> {
    parse(text.trim()).map_err(|e| EngineError::refused_at(at, format!("{at}: {}", e.to_string())))
}

/// As [`read`], of a field that may be empty.
pub(in crate::pages) fn optional<'a, T, E: ToString>(
    at: &str,
    text: &'a str,
    parse: impl Fn(&'a str) -> Result<T, E>,
) -> Result<Option<T>, EngineError> {
    let given = Some(text).filter(|text| !text.trim().is_empty());
    given.map(|text| read(at, text, parse)).transpose()
}

/// The words between spaces, commas and line ends.
pub(in crate::pages) fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split([' ', ',', ';', '\n', '\r', '\t'])
        .filter(|word| !word.is_empty())
}

/// A day and a time without a zone, as browsers send them.
pub(in crate::pages) fn wall(at: &str, text: &str) -> Result<Option<DateTime>, EngineError> {
    let read = Some(text.trim()).filter(|text| !text.is_empty());
    let read = read.map(|text| text.parse().map_err(|_| refused(at, "rule-moment")));
    read.transpose()
}

/// A moment on the clock of `zone`; `None` of an empty field.
pub(in crate::pages) fn local(
    at: &str,
    text: &str,
    zone: &Zone,
) -> Result<Option<jiff::Timestamp>, EngineError> {
    let rules = zone.rules();
    let moment = wall(at, text)?.map(|moment| rules.to_timestamp(moment));
    moment.transpose().map_err(|_| refused(at, "rule-moment"))
}

/// A time of day.
pub(in crate::pages) fn time(text: &str) -> Result<Time, &'static str> {
    text.parse().map_err(|_| say("rule-time"))
}

/// A version of the code.
pub(in crate::pages) fn release(text: &str) -> Result<Version, &'static str> {
    Version::parse(text).map_err(|_| say("rule-release"))
}

fn refused(at: &str, rule: &'static str) -> EngineError {
    EngineError::refused_at(at, say(rule))
}
