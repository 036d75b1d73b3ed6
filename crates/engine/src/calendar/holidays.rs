//! Holidays out of an iCalendar file (RFC 5545): whole-day events, each day of them.
//! Never guesses: what has a time of day or repeats is left out, and named.

use std::collections::BTreeMap;

use domain::text::shown;
use icalendar::parser::{Property, unfold};
use jiff::civil::Date;

/// The largest file, in bytes.
pub const FILE_BYTES_MAX: usize = 1 << 20;
/// The most events that are looked at.
const EVENTS_MAX: usize = 5_000;
/// The longest event that counts as a holiday, in days.
const DAYS_MAX: usize = 31;
/// Where an event stands.
const EVENT: [&str; 2] = ["VCALENDAR", "VEVENT"];
const NO_CALENDAR: &str = "this is no iCalendar file; it begins with BEGIN:VCALENDAR";
const NAME_CHARACTERS_MAX: usize = 100;

/// What a file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Holidays {
    /// The days, and their names.
    pub(super) days: BTreeMap<Date, String>,
    /// Events that are left out, and why.
    pub(super) skipped: Vec<(String, &'static str)>,
}

/// The properties of an event.
type Event<'a> = Vec<Property<'a>>;

/// Reads a file.
pub(super) fn read(file: &str) -> Result<Holidays, String> {
    let unfolded = unfold(file);
    let mut holidays = Holidays::default();
    for event in events(&unfolded)? {
        let name = name(&event);
        match days(&event) {
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

/// The events of a file. Each line is parsed by itself: the library's parser of whole files descends as
/// deep as a file does, where it leaves the stack, and looks through the rest of the file at each line.
fn events(file: &str) -> Result<Vec<Event<'_>>, String> {
    let (mut open, mut events) = (vec![], vec![]);
    for line in file.lines().filter(|line| !line.trim().is_empty()) {
        if let Some(name) = after(line, "BEGIN:") {
            open.push(name);
            let outermost = open.first();
            if !outermost.is_some_and(|one| one.eq_ignore_ascii_case(EVENT[0])) {
                return Err(NO_CALENDAR.into());
            }
            if is_event(&open) {
                events.push(vec![]);
            }
            if events.len() > EVENTS_MAX {
                return Err(format!("it holds more than {EVENTS_MAX} events"));
            }
        } else if let Some(name) = after(line, "END:") {
            let last = open.pop();
            if !last.is_some_and(|last| last.eq_ignore_ascii_case(name)) {
                return Err(format!("{} ends nothing that was begun", shown(line)));
            }
        } else if open.is_empty() {
            return Err(NO_CALENDAR.into());
        } else if is_event(&open)
            && let Some(event) = events.last_mut()
        {
            let property = Property::try_from(line);
            event.push(property.map_err(|_| format!("{} is no property", shown(line)))?);
        }
    }
    match open.last() {
        Some(name) => Err(format!("it ends before END:{name}")),
        None if file.trim().is_empty() => Err(NO_CALENDAR.into()),
        None => Ok(events),
    }
}

fn after<'a>(line: &'a str, word: &str) -> Option<&'a str> {
    let (start, rest) = line.split_at_checked(word.len())?;
    start.eq_ignore_ascii_case(word).then(|| rest.trim())
}

fn is_event(open: &[&str]) -> bool {
    let same = |(one, other): (&&str, &str)| one.eq_ignore_ascii_case(other);
    open.len() == EVENT.len() && open.iter().zip(EVENT).all(same)
}

fn find<'a>(event: &'a Event<'_>, name: &str) -> Option<&'a Property<'a>> {
    let named = |one: &&Property<'_>| one.name.as_str().eq_ignore_ascii_case(name);
    event.iter().find(named)
}

fn text(event: &Event<'_>, name: &str) -> Option<String> {
    let property = find(event, name)?;
    Some(property.val.clone().unescape_text().as_str().to_owned())
}

fn name(event: &Event<'_>) -> String {
    let name = text(event, "SUMMARY").unwrap_or_default();
    let visible = name.chars().filter(|c| !c.is_control());
    let name: String = visible.take(NAME_CHARACTERS_MAX).collect();
    match domain::text::is_blank(&name) {
        true => "Holiday".into(),
        false => name,
    }
}

fn days(event: &Event<'_>) -> Result<Vec<Date>, &'static str> {
    if find(event, "RRULE").is_some() || find(event, "RDATE").is_some() {
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
        for (file, says) in [
            ("", "begins with BEGIN:VCALENDAR"),
            ("hello", "begins with BEGIN:VCALENDAR"),
            (
                "BEGIN:VEVENT\r\nEND:VEVENT\r\n",
                "begins with BEGIN:VCALENDAR",
            ),
            (
                "BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VCALENDAR\n",
                "\"END:VCALENDAR\" ends nothing",
            ),
            (
                "BEGIN:VCALENDAR\nEND:VCALENDAR\nEND:VCALENDAR",
                "ends nothing that was begun",
            ),
        ] {
            let bad = read(file).unwrap_err();
            assert!(bad.contains(says), "{file:?}: {bad}");
        }
    }

    #[test]
    fn a_file_as_deep_as_it_is_long_is_read_line_by_line() {
        for line in [
            "BEGIN:VEVENT\n",
            "begin:vevent\r\n",
            " \tBEGIN:VEVENT\n",
            "BEGIN:VEVENT\r",
            "BEG\r\n IN:VEVENT\r\n",
            // The end stands in a value: a line ends with \n.
            "BEGIN:VEVENT\nX:a\rEND:\n",
            "BEGIN:VEVENT\nX;Y=\"\nEND:VEVENT\n\":z\n",
        ] {
            let deep = format!("BEGIN:VCALENDAR\r\n{}", line.repeat(50_000));
            assert!(read(&deep).is_err(), "{line:?}");
        }
    }

    /// Each line was once looked for in all the rest of the file: this took minutes.
    #[test]
    fn a_long_file_without_carriage_returns_takes_no_time() {
        let more = "X:a\n".repeat(240_000);
        let end = "DTSTART;VALUE=DATE:20260703\nSUMMARY:Day\nEND:VEVENT\nEND:VCALENDAR\n";
        let read = read(&format!("BEGIN:VCALENDAR\nBEGIN:VEVENT\n{more}{end}")).unwrap();
        let day = "2026-07-03".parse().unwrap();
        assert_eq!(read.days, [(day, "Day".to_owned())].into());
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
