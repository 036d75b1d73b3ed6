//! The words and figures of pages: times in a reader's zone, counts, sentences about states.
//! Never decides what is true.

use domain::site::state::SiteState;
use domain::site::{Area, Zone};
use jiff::civil::{Date, DateTime, Time};
use jiff::{Timestamp, ZonedDateTime};

pub(crate) use texts::count;

use super::lamps::bands::Counts;
use crate::language::{Language, Says as _, here, say, tell};

/// A moment as a page shows it: for people, and for machines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    /// Such as "Tue, Jul 11, 4:06 PM CDT".
    pub(crate) text: String,
    /// RFC 3339, UTC.
    pub(crate) iso: String,
}

/// In whose language and on whose clock a page's times are written, and when the page is written.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    pub(crate) language: Language,
    pub(crate) zone: Zone,
    pub(crate) now: Timestamp,
}

impl Reader {
    /// A moment in the reader's zone; the year is told when it is not this year.
    pub(crate) fn moment(&self, at: Timestamp) -> Moment {
        let local = at.to_zoned_datetime(self.zone.rules());
        let this_year = self.now.to_zoned_datetime(self.zone.rules()).year();
        let key = if local.year() == this_year {
            "moment"
        } else {
            "moment-of-year"
        };
        let time = time_of_day(self.language, &local);
        Moment {
            text: dated(self.language, key, local.date(), time),
            iso: at.to_string(),
        }
    }

    /// A moment for paper, which does not know the year it is read in: such as
    /// "July 11, 2023, 4:06 PM CDT".
    pub(crate) fn date(&self, at: Timestamp) -> String {
        let local = at.to_zoned_datetime(self.zone.rules());
        let day = day_in(self.language, "day", "months", local.date());
        format!("{day}, {}", time_of_day(self.language, &local))
    }

    /// A moment to the second, for audits.
    pub(crate) fn exact(&self, at: Timestamp) -> Moment {
        let local = at.to_zoned_datetime(self.zone.rules());
        let text = local.strftime("%Y-%m-%d %H:%M:%S %Z").to_string();
        Moment {
            text,
            iso: at.to_string(),
        }
    }

    /// Now.
    pub(crate) fn now(&self) -> Moment {
        self.moment(self.now)
    }
}

/// The time of day in a zone, such as "4:06 PM CDT".
pub(crate) fn clock_time(at: Timestamp, zone: &Zone) -> String {
    time_of_day(here(), &at.to_zoned_datetime(zone.rules()))
}

fn time_of_day(language: Language, local: &ZonedDateTime) -> String {
    let values = [
        ("clock", local.strftime("%-I:%M").to_string().into()),
        ("half", half(language, local.hour()).into()),
        ("zone", local.strftime("%Z").to_string().into()),
    ];
    language.tell("clock-time", values)
}

fn half(language: Language, hour: i8) -> &'static str {
    language.say(if hour < 12 { "half-am" } else { "half-pm" })
}

/// A moment on any clock, such as "Tue, Jul 11, 4:06 PM".
pub(crate) fn wall(at: &DateTime) -> String {
    dated(here(), "moment", at.date(), time(at.time()))
}

/// A time of day on any clock, such as "7:00 AM".
pub(crate) fn time(at: Time) -> String {
    let language = here();
    let values = [
        ("clock", at.strftime("%-I:%M").to_string().into()),
        ("half", half(language, at.hour()).into()),
    ];
    language.tell("clock-wall", values)
}

/// A day of the week with its date, such as "Tue, Jul 4, 2023".
pub(crate) fn weekday(day: Date) -> String {
    dated(here(), "calendars-day", day, String::new())
}

fn dated(language: Language, key: &'static str, day: Date, time: String) -> String {
    let weekday = day.weekday().to_sunday_zero_offset();
    let values = [
        ("weekday", of_list(language, "weekdays", weekday).into()),
        (
            "month",
            of_list(language, "months-short", day.month() - 1).into(),
        ),
        ("day", day.day().to_string().into()),
        ("year", day.year().to_string().into()),
        ("time", time.into()),
    ];
    language.tell(key, values)
}

/// A word of a text that is a list.
fn of_list(language: Language, key: &'static str, place: i8) -> &'static str {
    let place = usize::try_from(place).unwrap_or_default();
    let mut words = language.say(key).split(' ');
    words.nth(place).unwrap_or_default()
}

/// A day with its year: "July 11, 2023".
pub(crate) fn day(day: Date) -> String {
    calendar_day("day", "months", day)
}

/// A day in few letters: "Jul 11, 2023".
pub(crate) fn day_short(day: Date) -> String {
    calendar_day("day-short", "months-short", day)
}

/// A month with its year: "March 2023".
pub(crate) fn month(day: Date) -> String {
    calendar_day("month-of-year", "months", day)
}

fn calendar_day(key: &'static str, months: &'static str, day: Date) -> String {
    day_in(here(), key, months, day)
}

fn day_in(language: Language, key: &'static str, months: &'static str, day: Date) -> String {
    let values = [
        ("month", of_list(language, months, day.month() - 1).into()),
        ("day", day.day().to_string().into()),
        ("year", day.year().to_string().into()),
    ];
    language.tell(key, values)
}

/// What the clock of a band is called.
pub(crate) fn zone_name(name: &str) -> String {
    let key = match name {
        "Hawaii" => "zone-hawaii",
        "Alaska" => "zone-alaska",
        "Pacific" => "zone-pacific",
        "Arizona" => "zone-arizona",
        "Mountain" => "zone-mountain",
        "Central" => "zone-central",
        "Eastern" => "zone-eastern",
        "Atlantic" => "zone-atlantic",
        city => return city.to_owned(),
    };
    say(key).to_owned()
}

/// "1 site", "3,405 sites".
pub(crate) fn sites(n: usize) -> String {
    tell("sites", [("n", n.into())])
}

/// "1 comment", "30 comments".
pub(crate) fn comments(n: u64) -> String {
    tell("comments-counted", [("n", n.into())])
}

/// A length of time in two units at most: "1 h 4 min", "45 s".
pub(crate) fn duration(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
    }
}

/// How long `sites` take at a measured pace, as far as such a measure can be believed: "a few
/// minutes", "about 20 minutes". Nothing where the pace is none.
pub(crate) fn left(sites: usize, per_second: Option<f64>) -> Option<String> {
    #[expect(clippy::cast_precision_loss, reason = "sites are fewer than 2^52")]
    let minutes = sites as f64 / per_second.filter(|pace| *pace > 0.0)? / 60.0;
    let number = |key, n: f64| tell(key, [("n", n.into())]);
    Some(match minutes {
        ..2.0 => say("left-minute-or-two").into(),
        2.0..5.0 => say("left-few-minutes").into(),
        5.0..60.0 => number("left-minutes", (minutes / 5.0).ceil() * 5.0),
        60.0..90.0 => say("left-hour").into(),
        90.0..720.0 => number("left-hours", (minutes / 60.0).round_ties_even()),
        _ => say("left-half-a-day").into(),
    })
}

/// The beginning of a long text, cut between characters.
pub(crate) fn cut(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default().trim_end()),
        None => text.to_owned(),
    }
}

/// Where a site is, unless its organization's name says it: "City of Mesa, AZ" does.
pub(crate) fn place_beside(organization: &str, area: &Area) -> Option<String> {
    let is_said = organization.contains(&*area.city);
    (!is_said).then(|| format!("{}, {}", area.city, area.state))
}

/// What a state is called to a person.
pub(crate) fn state(state: SiteState) -> &'static str {
    match state {
        SiteState::Well => say("state-well"),
        SiteState::Restored => say("state-restored"),
        SiteState::Restoring => say("state-restoring"),
        SiteState::Reported => say("state-reported"),
        SiteState::Failing => say("state-failing"),
        SiteState::Unknown => say("state-unknown"),
    }
}

/// What a state is called after the number of sites that are in it.
pub(crate) fn state_of(known: SiteState, n: usize) -> String {
    match known {
        SiteState::Well => tell("state-of-well", [("n", n.into())]),
        SiteState::Restored => tell("state-of-restored", [("n", n.into())]),
        other => state(other).to_owned(),
    }
}

/// The states that occur, in words: "480 works, 110 failing".
pub(crate) fn states(counts: &Counts) -> String {
    let parts: Vec<_> = counts
        .each()
        .filter(|(_, n)| *n > 0)
        .map(|(known, n)| format!("{} {}", count(n), state_of(known, n)))
        .collect();
    if parts.is_empty() {
        say("no-sites").into()
    } else {
        parts.join(", ")
    }
}

/// How many of a band are not well; nothing where all are.
pub(crate) fn not_well(affected: usize) -> String {
    if affected > 0 {
        tell("not-well", [("n", affected.into())])
    } else {
        String::new()
    }
}

/// The first sentence of the public page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Headline {
    pub(crate) sentence: String,
    pub(crate) lead: String,
    /// The state whose mood the page takes.
    pub(crate) mood: SiteState,
}

/// Says how sign-in is, from what is known of the sites; never more than is known.
pub(crate) fn headline(counts: &Counts) -> Headline {
    let total = counts.total();
    let of = |key, n: usize| tell(key, [("n", n.into()), ("total", total.into())]);
    let some = |key, n: usize| tell(key, [("n", n.into())]);
    let (failing, reported) = (
        counts.get(SiteState::Failing),
        counts.get(SiteState::Reported),
    );
    let (restoring, restored) = (
        counts.get(SiteState::Restoring),
        counts.get(SiteState::Restored),
    );
    let unknown = counts.get(SiteState::Unknown);
    let (sentence, mood) = if failing > 0 {
        (of("headline-failing", failing), SiteState::Failing)
    } else if restoring > 0 {
        (of("headline-restoring", restoring), SiteState::Restoring)
    } else if reported > 0 {
        (of("headline-reported", reported), SiteState::Reported)
    } else if unknown == 0 {
        (of("headline-well", total), SiteState::Well)
    } else {
        let mood = if unknown == total {
            SiteState::Unknown
        } else {
            SiteState::Well
        };
        (say("headline-unknown").into(), mood)
    };
    let mut rest = vec![];
    if matches!(mood, SiteState::Failing) && restoring > 0 {
        rest.push(some("lead-restoring", restoring));
    }
    if restored > 0 {
        rest.push(some("lead-restored", restored));
    }
    if matches!(mood, SiteState::Failing | SiteState::Restoring) && reported > 0 {
        rest.push(some("lead-reported", reported));
    }
    let lead = match (mood, rest.is_empty()) {
        (SiteState::Unknown, _) => some("lead-none-checked", total),
        (SiteState::Well, _) if unknown > 0 => of("lead-rest-unchecked", counts.working()),
        (SiteState::Well, _) if restored == 0 => say("lead-all-checked").into(),
        (_, true) => say("lead-on-it").into(),
        (_, false) => sentence_of(&rest),
    };
    Headline {
        sentence,
        lead,
        mood,
    }
}

fn sentence_of(parts: &[String]) -> String {
    let mut text = parts.join("; ");
    text.push('.');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(now: &str) -> Reader {
        Reader {
            language: Language::English,
            zone: Zone::parse("America/Chicago").unwrap(),
            now: now.parse().unwrap(),
        }
    }

    #[test]
    fn a_moment_names_its_zone_and_another_year() {
        let at = "2023-07-13T23:27:00Z".parse().unwrap();
        assert_eq!(
            reader("2023-07-11T21:00:00Z").moment(at).text,
            "Thu, Jul 13, 6:27 PM CDT"
        );
        assert_eq!(
            reader("2024-01-01T21:00:00Z").moment(at).text,
            "Thu, Jul 13, 2023, 6:27 PM CDT"
        );
        let spanish = Reader {
            language: Language::Spanish,
            ..reader("2024-01-01T21:00:00Z")
        };
        assert_eq!(
            spanish.moment(at).text,
            "jue, 13 jul 2023, 6:27 p.\u{a0}m. CDT"
        );
    }

    #[track_caller]
    fn check(states: &[(SiteState, usize)], sentence: &str, lead: &str) {
        let mut counts = Counts::default();
        states.iter().for_each(|(state, n)| counts.add(*state, *n));
        let headline = headline(&counts);
        assert_eq!(
            (headline.sentence.as_str(), headline.lead.as_str()),
            (sentence, lead)
        );
    }

    #[test]
    fn the_headline_says_what_is_known_and_no_more() {
        use SiteState as S;
        check(
            &[(S::Well, 3_000), (S::Restored, 405)],
            "Sign-in works on 3,405 of 3,405 sites.",
            "405 were restored and checked.",
        );
        check(
            &[(S::Well, 5), (S::Unknown, 5)],
            "Nothing is known to be wrong with sign-in.",
            "It is proved to work on 5 of 10 sites; the rest were not checked yet.",
        );
        check(
            &[(S::Failing, 9), (S::Restoring, 2), (S::Reported, 1)],
            "Sign-in fails on 9 of 12 sites.",
            "2 are being restored; 1 more is reported.",
        );
        check(
            &[(S::Unknown, 1)],
            "Nothing is known to be wrong with sign-in.",
            "We know of 1 site; none was checked yet.",
        );
    }

    #[test]
    fn an_estimate_claims_no_more_than_it_knows() {
        let left = |sites, pace| left(sites, Some(pace)).unwrap_or_default();
        assert_eq!(left(100, 1.0), "a minute or two");
        assert_eq!(left(1_000, 1.0), "about 20 minutes");
        assert_eq!(left(3_405, 0.1), "about 9 hours");
        assert_eq!(left(3_405, 0.0), "");
    }

    #[test]
    fn figures_read_well() {
        assert_eq!(
            [count(0), count(999), count(13_732), count(1_000_000)],
            ["0", "999", "13,732", "1,000,000"]
        );
        assert_eq!(
            [duration(45), duration(61), duration(3_840)],
            ["45 s", "2 min", "1 h 4 min"]
        );
    }
}
