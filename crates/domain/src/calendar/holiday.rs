//! US federal holidays, by rule. Source: 5 U.S.C. 6103 and Executive Order 11582.
//! Never knows a calendar's own closed days.

use jiff::civil::{Date, Weekday};

/// The federal holiday that is kept on `day`, if one is. One that falls on a Saturday is kept on
/// the Friday before, one that falls on a Sunday on the Monday after.
#[must_use]
pub fn federal_holiday(day: Date) -> Option<&'static str> {
    match day.weekday() {
        Weekday::Saturday | Weekday::Sunday => named(day),
        Weekday::Friday => named(day).or_else(|| fixed(day.tomorrow().ok()?)),
        Weekday::Monday => named(day).or_else(|| fixed(day.yesterday().ok()?)),
        _ => named(day),
    }
}

fn named(day: Date) -> Option<&'static str> {
    fixed(day).or_else(|| floating(day))
}

fn fixed(day: Date) -> Option<&'static str> {
    match (day.month(), day.day()) {
        (1, 1) => Some("New Year's Day"),
        // A holiday since 2021 (Public Law 117-17).
        (6, 19) if day.year() >= 2021 => Some("Juneteenth"),
        (7, 4) => Some("Independence Day"),
        (11, 11) => Some("Veterans Day"),
        (12, 25) => Some("Christmas Day"),
        _ => None,
    }
}

fn floating(day: Date) -> Option<&'static str> {
    let nth = (day.day() + 6) / 7;
    let last = day.day() + 7 > day.days_in_month();
    match (day.month(), day.weekday()) {
        (1, Weekday::Monday) if nth == 3 => Some("Birthday of Martin Luther King, Jr."),
        (2, Weekday::Monday) if nth == 3 => Some("Washington's Birthday"),
        (5, Weekday::Monday) if last => Some("Memorial Day"),
        (9, Weekday::Monday) if nth == 1 => Some("Labor Day"),
        (10, Weekday::Monday) if nth == 2 => Some("Columbus Day"),
        (11, Weekday::Thursday) if nth == 4 => Some("Thanksgiving Day"),
        _ => None,
    }
}
