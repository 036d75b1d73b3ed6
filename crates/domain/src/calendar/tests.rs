//! Business hours, case by case.

use jiff::civil::date;
use proptest::prelude::*;

use super::*;

const CENTRAL: &str = "America/Chicago";

/// Wall times in Central, as `2023-07-11 18:27`.
fn central(text: &str) -> Timestamp {
    let zone = TimeZone::get(CENTRAL).unwrap();
    text.parse::<jiff::civil::DateTime>()
        .unwrap()
        .to_zoned_datetime(zone)
        .unwrap()
        .timestamp()
}

fn check(start: &str, length: &str, ends: &str) {
    let calendar = Calendar::default();
    let found = calendar.deadline(central(start), length.parse().unwrap());
    let wall = found
        .to_zoned_datetime(TimeZone::get(CENTRAL).unwrap())
        .datetime();
    assert_eq!(wall, ends.parse().unwrap(), "{length} from {start}");
}

#[test]
fn the_report_of_july_11_is_due_on_thursday() {
    check("2023-07-11 18:27", "24 business hours", "2023-07-13 18:27");
}

#[test]
fn starts_outside_business_hours_count_from_the_next_opening() {
    check("2023-07-11 05:00", "1 business hour", "2023-07-11 08:00");
    check("2023-07-11 19:00", "1 business hour", "2023-07-12 08:00");
    check("2023-07-14 23:59", "2 business hours", "2023-07-17 09:00"); // over a weekend
    check("2023-07-15 12:00", "12 business hours", "2023-07-17 19:00"); // ends at a closing
    check("2023-07-03 18:00", "2 business hours", "2023-07-05 08:00"); // over July 4
}

#[test]
fn clocks_that_change_do_not_change_business_hours() {
    // Both changes of 2023 fall on the Sunday between these days.
    check("2023-03-10 18:00", "2 business hours", "2023-03-13 08:00");
    check("2023-11-03 18:00", "2 business hours", "2023-11-06 08:00");
    check("2023-03-11 12:00", "24 hours", "2023-03-12 13:00");
    check("2023-03-12 01:45", "30 minutes", "2023-03-12 03:15");
}

#[test]
fn business_days_end_at_their_closing() {
    check("2023-07-11 18:27", "1 business day", "2023-07-12 19:00");
    check("2023-07-14 09:00", "1 business day", "2023-07-17 19:00");
    check("2023-12-22 09:00", "2 business days", "2023-12-27 19:00"); // Christmas Day is a Monday
}

#[test]
fn federal_holidays_follow_their_rules() {
    // As the Office of Personnel Management lists them.
    let y2021: &[&str] = &[
        "2021-01-01",
        "2021-01-18",
        "2021-02-15",
        "2021-05-31",
        "2021-06-18",
        "2021-07-05",
        "2021-09-06",
        "2021-10-11",
        "2021-11-11",
        "2021-11-25",
        "2021-12-24",
        "2021-12-31",
    ];
    let y2023: &[&str] = &[
        "2023-01-02",
        "2023-01-16",
        "2023-02-20",
        "2023-05-29",
        "2023-06-19",
        "2023-07-04",
        "2023-09-04",
        "2023-10-09",
        "2023-11-10",
        "2023-11-23",
        "2023-12-25",
    ];
    for (year, kept) in [(2021, y2021), (2023, y2023)] {
        let days = std::iter::successors(Some(date(year, 1, 1)), |day| day.tomorrow().ok())
            .take_while(|day| day.year() == year)
            .filter(|day| !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday))
            .filter(|day| federal_holiday(*day).is_some());
        let days: Vec<_> = days.map(|day| day.to_string()).collect();
        assert_eq!(days, kept);
    }
    assert_eq!(federal_holiday(date(2020, 6, 19)), None);
}

#[test]
fn a_calendar_that_never_opens_is_refused() {
    let noon = Time::constant(12, 0, 0, 0);
    assert!(Calendar::new(Zone::utc(), noon, noon, BTreeSet::new()).is_err());
}

#[test]
fn lengths_read_back_what_they_write() {
    for good in ["24 business hours", "1 business day", "6 hours"] {
        assert_eq!(good.parse::<Length>().unwrap().to_string(), good);
    }
    let units = [
        Unit::BusinessHours,
        Unit::BusinessDays,
        Unit::Hours,
        Unit::Minutes,
    ];
    for (amount, unit) in units.into_iter().flat_map(|unit| [(1, unit), (24, unit)]) {
        let length = Length::new(amount, unit).unwrap();
        for language in Language::ALL {
            let words = length.in_words(language);
            assert_eq!(words.parse(), Ok(length), "{words}");
            assert_eq!(words.to_uppercase().parse(), Ok(length), "{words}");
        }
    }
    for (said, says) in [
        ("24 horas habiles", "24 business hours"),
        ("1 hora hábil", "1 business hour"),
        ("2 días\u{a0}hábiles", "2 business days"),
        (" 2  di\u{301}as   ha\u{301}biles ", "2 business days"),
        ("2 Dias Habiles", "2 business days"),
        ("6 horas", "6 hours"),
        ("30 minutos", "30 minutes"),
        ("1 minute", "1 minute"),
        ("6 Hours", "6 hours"),
        ("1 business days", "1 business day"),
    ] {
        assert_eq!(said.parse::<Length>().unwrap().to_string(), says, "{said}");
    }
    for bad in [
        "",
        "24",
        "0 hours",
        "10001 hours",
        "-1 hours",
        "3 weeks",
        "soon",
        "pronto",
        "24 horas hábile",
        "24 hábiles horas",
        "24 business horas",
        "2 días",
        "2 business hourss",
        "dos horas",
        "2,5 horas",
    ] {
        assert!(bad.parse::<Length>().is_err(), "{bad}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// From 2020 to 2030: a deadline leaves exactly the promised business time behind it, does not
    /// fall outside business hours, and two promises in a row make their sum.
    #[test]
    fn deadlines_hold_what_was_promised(
        second in 1_577_836_800_i64..1_893_456_000,
        first_minutes in 1_i64..6_000,
        then_minutes in 1_i64..6_000,
    ) {
        let calendar = Calendar::default();
        let start = Timestamp::from_second(second).unwrap();
        let (first, then) = (SignedDuration::from_mins(first_minutes), SignedDuration::from_mins(then_minutes));
        let end = calendar.after_business_time(start, first);
        prop_assert!(end > start);
        prop_assert_eq!(calendar.business_time_between(start, end), first);
        let just_before = end.checked_sub(SignedDuration::from_secs(1)).unwrap();
        prop_assert!(calendar.is_open(just_before), "{} is not in business hours", just_before);
        prop_assert_eq!(
            calendar.after_business_time(end, then),
            calendar.after_business_time(start, first + then)
        );
    }

    #[test]
    fn a_later_start_never_ends_earlier(
        second in 1_577_836_800_i64..1_893_456_000,
        later in 0_i64..1_000_000,
        hours in 1_u32..100,
    ) {
        let calendar = Calendar::default();
        for unit in [Unit::BusinessHours, Unit::BusinessDays, Unit::Hours] {
            let length = Length::new(hours, unit).unwrap();
            let end = |second| calendar.deadline(Timestamp::from_second(second).unwrap(), length);
            prop_assert!(end(second) <= end(second + later));
        }
    }
}
