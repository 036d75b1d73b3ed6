//! Calendars as a team keeps them: by name, with holidays that are told why.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use jiff::civil::{Date, Time};

use super::{BadCalendar, Calendar};
use crate::site::Zone;
use crate::text::is_blank;

/// The name of the calendar that promises are counted on unless they name one.
pub const DEFAULT_NAME: &str = "default";
/// The longest name of a calendar, in characters.
pub const NAME_CHARACTERS_MAX: usize = 60;
/// The most holidays of a calendar.
pub const HOLIDAYS_MAX: usize = 2_000;
/// The shortest business day, in minutes: promises are counted day by day, and must fall due.
const OPEN_MINUTES_MIN: i64 = 60;
/// The longest name of a holiday, in characters.
const HOLIDAY_CHARACTERS_MAX: usize = 100;

/// When a team works, as it is kept.
#[derive(
    Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct BusinessCalendar {
    /// Whose clock.
    pub zone: Zone,
    /// When each weekday opens, such as 07:00:00.
    #[schemars(with = "crate::schema::TimeOfDay")]
    pub opens: Time,
    /// When it closes.
    #[schemars(with = "crate::schema::TimeOfDay")]
    pub closes: Time,
    /// Whether US federal holidays are free, by the law's rules for any year.
    #[serde(default = "yes")]
    pub federal_holidays: bool,
    /// Other days that are free, and why.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, String>")]
    pub holidays: BTreeMap<Date, String>,
}

fn yes() -> bool {
    true
}

/// What is wrong with a calendar that is to be kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadBusinessCalendar {
    /// Its name.
    #[error("a calendar's name is 1 to {NAME_CHARACTERS_MAX} characters on one line")]
    Name,
    /// Its hours.
    #[error(transparent)]
    Hours(#[from] BadCalendar),
    /// Hardly any.
    #[error("a business day lasts {OPEN_MINUTES_MIN} minutes at least")]
    TooShort,
    /// Too many holidays.
    #[error("a calendar has {HOLIDAYS_MAX} holidays at most; leave out the years that are over")]
    TooMany,
    /// The name of one.
    #[error(
        "the holiday on {0} needs a name of 1 to {HOLIDAY_CHARACTERS_MAX} characters on one line"
    )]
    Holiday(Date),
}

impl BadBusinessCalendar {
    /// The field it is about.
    #[must_use]
    pub fn at(&self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Hours(_) | Self::TooShort => "closes",
            Self::TooMany | Self::Holiday(_) => "holidays",
        }
    }
}

impl BusinessCalendar {
    /// 7:00 to 19:00 on weekdays in `zone`, without US federal holidays.
    #[must_use]
    pub fn in_zone(zone: Zone) -> Self {
        Self {
            zone,
            opens: Time::constant(7, 0, 0, 0),
            closes: Time::constant(19, 0, 0, 0),
            federal_holidays: true,
            holidays: BTreeMap::new(),
        }
    }

    /// Checks what the types leave open.
    ///
    /// # Errors
    /// Names the rule that is broken.
    pub fn check(self, name: &str) -> Result<Self, BadBusinessCalendar> {
        if !fits(name, NAME_CHARACTERS_MAX) {
            return Err(BadBusinessCalendar::Name);
        }
        self.calendar()?;
        let shortest = SignedDuration::from_mins(OPEN_MINUTES_MIN);
        if self.closes.duration_since(self.opens) < shortest {
            return Err(BadBusinessCalendar::TooShort);
        }
        if self.holidays.len() > HOLIDAYS_MAX {
            return Err(BadBusinessCalendar::TooMany);
        }
        let unnamed = |(_, why): &(&Date, &String)| !fits(why, HOLIDAY_CHARACTERS_MAX);
        match self.holidays.iter().find(unnamed) {
            Some((day, _)) => Err(BadBusinessCalendar::Holiday(*day)),
            None => Ok(self),
        }
    }

    /// What promises are counted on.
    ///
    /// # Errors
    /// When a day would not open before it closes.
    pub fn calendar(&self) -> Result<Calendar, BadCalendar> {
        let free = self.holidays.keys().copied().collect();
        let calendar = Calendar::new(self.zone.clone(), self.opens, self.closes, free)?;
        Ok(match self.federal_holidays {
            true => calendar,
            false => calendar.without_federal_holidays(),
        })
    }
}

fn fits(text: &str, characters: usize) -> bool {
    !is_blank(text) && text.chars().count() <= characters && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::Length;

    #[test]
    fn a_holiday_of_its_own_moves_a_promise_by_a_day() {
        let mut kept = BusinessCalendar::in_zone(Zone::parse("America/Chicago").unwrap());
        let fixed = "2023-07-11T23:27:00Z".parse().unwrap();
        let due = |kept: &BusinessCalendar| {
            let calendar = kept.clone().check("Texas").unwrap().calendar().unwrap();
            calendar.deadline(fixed, Length::REPORT).to_string()
        };
        assert_eq!(due(&kept), "2023-07-13T23:27:00Z");
        kept.holidays
            .insert("2023-07-12".parse().unwrap(), "Town day".into());
        assert_eq!(due(&kept), "2023-07-14T23:27:00Z");
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let kept = BusinessCalendar::in_zone(Zone::utc());
        let at = |kept: BusinessCalendar, name: &str| kept.check(name).err().map(|bad| bad.at());
        assert_eq!(at(kept.clone(), "default"), None);
        assert_eq!(at(kept.clone(), " "), Some("name"));
        let never = BusinessCalendar {
            closes: kept.opens,
            ..kept.clone()
        };
        assert_eq!(at(never, "a"), Some("closes"));
        for (closes, bad) in [
            (Time::constant(7, 0, 0, 1), Some("closes")),
            (Time::constant(7, 59, 59, 0), Some("closes")),
            (Time::constant(8, 0, 0, 0), None),
        ] {
            let short = BusinessCalendar {
                closes,
                ..kept.clone()
            };
            assert_eq!(at(short, "a"), bad, "{closes}");
        }
        let unnamed = BusinessCalendar {
            holidays: [("2026-07-03".parse().unwrap(), String::new())].into(),
            ..kept
        };
        assert_eq!(at(unnamed, "a"), Some("holidays"));
    }
}
