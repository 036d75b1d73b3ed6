//! Holidays out of an iCalendar file (RFC 5545): whole-day events, each day of them.
//! Never guesses: what has a time of day or repeats is left out, and named.

use std::collections::BTreeMap;

use icalendar::parser::{Component, read_calendar, unfold};
use jiff::civil::Date;

/// The largest file, in bytes.
pub const FILE_BYTES_MAX: usize = 1 << 20;
/// The most events that are looked at.
const EVENTS_MAX: usize = 5_000;
/// The longest event that counts as a holiday, in days.
const DAYS_MAX: usize = 31;
/// How deep components may lie in each other: a calendar, an event, an alarm.
const DEPTH_MAX: usize = 4;
const NAME_CHARACTERS_MAX: usize = 100;

/// What a file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Holidays {
    /// The days, and their names.
    pub(super) days: BTreeMap<Date, String>,
    /// Events that are left out, and why.
    pub(super) skipped: Vec<(String, &'static str)>,
}

/// Reads a file.
pub(super) fn read(file: &str) -> Result<Holidays, String> {
    let unfolded = unfold(file);
    if depth(&unfolded) > DEPTH_MAX {
        return Err(format!(
            "components lie more than {DEPTH_MAX} deep in each other"
        ));
    }
    let calendar = read_calendar(&unfolded)
        .map_err(|_| "this is no iCalendar file; it begins with BEGIN:VCALENDAR".to_owned())?;
    let events = || {
        calendar
            .components
            .iter()
            .filter(|one| one.name == "VEVENT")
    };
    if events().count() > EVENTS_MAX {
        return Err(format!("it holds more than {EVENTS_MAX} events"));
    }
    let mut holidays = Holidays::default();
    for event in events() {
        let name = name(event);
        match days(event) {
            Ok(days) => {
                for day in days {
                    holidays.days.entry(day).or_insert_with(|| name.clone());
                }
            }
            Err(why) => holidays.skipped.push((name, why)),
        }
    }
    Ok(holidays)
}

/// The parser descends as deep as a file does, and would leave the stack. Asked of what it will read:
/// a folded line hides a word.
fn depth(file: &str) -> usize {
    let begins = |line: &str, word: &str| {
        let start = line.trim_start().get(..word.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(word))
    };
    let (mut now, mut most) = (0_usize, 0);
    for line in file.split(['\r', '\n']) {
        if begins(line, "BEGIN:") {
            now += 1;
            most = most.max(now);
        } else if begins(line, "END:") {
            now = now.saturating_sub(1);
        }
    }
    most
}

fn text(event: &Component<'_>, name: &str) -> Option<String> {
    let property = event.find_prop(name)?;
    Some(property.val.clone().unescape_text().as_str().to_owned())
}

fn name(event: &Component<'_>) -> String {
    let name = text(event, "SUMMARY").unwrap_or_default();
    let visible = name.chars().filter(|c| !c.is_control());
    let name: String = visible.take(NAME_CHARACTERS_MAX).collect();
    match domain::text::is_blank(&name) {
        true => "Holiday".into(),
        false => name,
    }
}

fn days(event: &Component<'_>) -> Result<Vec<Date>, &'static str> {
    if event.find_prop("RRULE").is_some() || event.find_prop("RDATE").is_some() {
        return Err("it repeats; export its days one by one");
    }
    let first = text(event, "DTSTART").ok_or("it has no day")?;
    let first = day(&first)?;
    // The end is the day after the last (RFC 5545, section 3.6.1).
    let after = match text(event, "DTEND") {
        Some(end) => day(&end)?,
        None => first.tomorrow().map_err(|_| "its day is out of range")?,
    };
    let mut days: Vec<_> = first
        .series(jiff::Span::new().days(1))
        .take_while(|day| *day < after)
        .take(DAYS_MAX + 1)
        .collect();
    if days.is_empty() {
        days.push(first);
    }
    match days.len() > DAYS_MAX {
        true => Err("it lasts more than a month"),
        false => Ok(days),
    }
}

fn day(text: &str) -> Result<Date, &'static str> {
    let text = text.trim();
    if text.len() != 8 {
        return Err("it has a time of day; a holiday is a whole day");
    }
    Date::strptime("%Y%m%d", text).map_err(|_| "its day cannot be read")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FILE: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//EN\r\n\
        BEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\nDTSTART;VALUE=DATE:20260703\r\nDTEND;VALUE=DATE:20260704\r\nSUMMARY:Independence Day\\, obser\r\n ved\r\nEND:VEVENT\r\n\
        BEGIN:VEVENT\r\nUID:2\r\nDTSTAMP:20260101T000000Z\r\nDTSTART;VALUE=DATE:20261224\r\nDTEND;VALUE=DATE:20261226\r\nSUMMARY:Christmas\r\nEND:VEVENT\r\n\
        BEGIN:VEVENT\r\nUID:3\r\nDTSTAMP:20260101T000000Z\r\nDTSTART;VALUE=DATE:20260101\r\nRRULE:FREQ=YEARLY\r\nSUMMARY:New Year\r\nEND:VEVENT\r\n\
        BEGIN:VEVENT\r\nUID:4\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:20260601T120000Z\r\nSUMMARY:Lunch\r\nEND:VEVENT\r\n\
        END:VCALENDAR\r\n";

    #[test]
    fn whole_days_are_holidays_and_the_rest_is_named() {
        let read = read(FILE).unwrap();
        let days: Vec<_> = read
            .days
            .iter()
            .map(|(day, why)| format!("{day} {why}"))
            .collect();
        assert_eq!(
            days,
            [
                "2026-07-03 Independence Day, observed",
                "2026-12-24 Christmas",
                "2026-12-25 Christmas"
            ]
        );
        let skipped: Vec<_> = read.skipped.iter().map(|(name, _)| &**name).collect();
        assert_eq!(skipped, ["New Year", "Lunch"]);
    }

    #[test]
    fn what_is_no_calendar_is_refused() {
        assert!(read("hello").is_err());
        for line in [
            "BEGIN:VEVENT\n",
            "begin:vevent\r\n",
            " \tBEGIN:VEVENT\n",
            "BEGIN:VEVENT\r",
            "BEG\r\n IN:VEVENT\r\n",
        ] {
            let deep = format!("BEGIN:VCALENDAR\r\n{}", line.repeat(50_000));
            assert!(read(&deep).is_err(), "{line:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_makes_the_parser_fall_over(
            text in "(BEGIN:VCALENDAR\r\n)?(BEGIN:VEVENT\r\n)?[ -~\r\n:;=\"\\\\]{0,300}(END:VEVENT\r\n)?(END:VCALENDAR)?"
        ) {
            let _ = read(&text);
        }
    }
}
