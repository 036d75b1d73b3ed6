//! Moments within a post: kept as marks, written in the zone of whoever reads them.

use jiff::Timestamp;
use jiff::civil::Date;

use crate::language::Language;
use crate::site::Zone;

/// Markdown takes it for a link to an address that leads nowhere, so that a mark that nobody wrote
/// out is still a moment that can be read.
const OPEN: &str = "<time:";
const CLOSE: char = '>';

/// A moment as a post holds it, such as `<time:2023-07-11T23:27:00Z>`.
pub(super) fn mark(moment: Timestamp) -> String {
    format!("{OPEN}{moment}{CLOSE}")
}

/// A post as somebody in `zone` reads it, its moments in English. What only looks like a mark stays as it is.
#[must_use]
pub fn read_in(zone: &Zone, post: &str) -> String {
    read_as((zone, Language::English), post)
}

/// The same, its moments in the language that the post is written in.
#[must_use]
pub fn read_as((zone, language): (&Zone, Language), post: &str) -> String {
    let (mut read, mut rest) = (String::with_capacity(post.len()), post);
    while let Some((before, from)) = rest.split_once(OPEN) {
        read.push_str(before);
        let marked = from.split_once(CLOSE);
        match marked.and_then(|(text, after)| Some((text.parse().ok()?, after))) {
            Some((moment, after)) => {
                read.push_str(&written((zone, language), moment));
                rest = after;
            }
            None => {
                read.push_str(OPEN);
                rest = from;
            }
        }
    }
    read.push_str(rest);
    read
}

/// A moment as people write it, such as "July 11, 2023 at 6:27pm CDT" or
/// "11 de julio de 2023 a las 6:27 p. m. CDT".
#[must_use]
pub fn written((zone, language): (&Zone, Language), moment: Timestamp) -> String {
    let local = moment.to_zoned_datetime(zone.rules());
    let day = written_day(language, local.date());
    let clock = |form: &str| local.strftime(form).to_string();
    match language {
        Language::English => format!("{day} at {}", clock("%-I:%M%P %Z")),
        Language::Spanish => {
            let at = if local.hour() % 12 == 1 {
                "a la"
            } else {
                "a las"
            };
            let half = if local.hour() < 12 { 'a' } else { 'p' };
            let (time, name) = (clock("%-I:%M"), clock("%Z"));
            format!("{day} {at} {time} {half}.\u{a0}m. {name}")
        }
    }
}

/// A day as people write it, such as "July 11, 2023" or "11 de julio de 2023".
#[must_use]
pub fn written_day(language: Language, day: Date) -> String {
    const MONTHS: [&str; 12] = [
        "enero",
        "febrero",
        "marzo",
        "abril",
        "mayo",
        "junio",
        "julio",
        "agosto",
        "septiembre",
        "octubre",
        "noviembre",
        "diciembre",
    ];
    match language {
        Language::English => day.strftime("%B %-d, %Y").to_string(),
        Language::Spanish => {
            let month = usize::try_from(day.month() - 1).unwrap_or_default();
            let month = MONTHS.get(month).copied().unwrap_or_default();
            format!("{} de {month} de {}", day.day(), day.year())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_read_in_the_zone_of_its_reader() {
        let post = "By <time:2023-07-11T23:27:00Z>, or <time:soon>, <time:2023-07-12T00:00:00Z>";
        for (zone, says) in [
            (
                "America/Chicago",
                "By July 11, 2023 at 6:27pm CDT, or <time:soon>, July 11, 2023 at 7:00pm CDT",
            ),
            (
                "America/Anchorage",
                "By July 11, 2023 at 3:27pm AKDT, or <time:soon>, July 11, 2023 at 4:00pm AKDT",
            ),
        ] {
            assert_eq!(read_in(&Zone::parse(zone).unwrap(), post), says);
        }
        assert_eq!(read_in(&Zone::utc(), "<time:<time:"), "<time:<time:");
        for (moment, says) in [
            (
                "2023-07-11T23:27:00Z",
                "11 de julio de 2023 a las 6:27 p.\u{a0}m. CDT",
            ),
            (
                "2023-12-01T07:05:00Z",
                "1 de diciembre de 2023 a la 1:05 a.\u{a0}m. CST",
            ),
        ] {
            let zone = Zone::parse("America/Chicago").unwrap();
            let post = format!("El <time:{moment}>.");
            let read = read_as((&zone, Language::Spanish), &post);
            assert_eq!(read, format!("El {says}."));
        }
    }
}
