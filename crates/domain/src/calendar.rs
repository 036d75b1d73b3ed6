//! Business hours: when a promise such as "within 24 business hours" falls due.
//! Decides moments from a start and a length; never knows what was promised, or to whom.

mod holiday;
mod kept;

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

pub use holiday::federal_holiday;
pub use kept::{
    BadBusinessCalendar, BusinessCalendar, DEFAULT_NAME, HOLIDAYS_MAX, NAME_CHARACTERS_MAX,
};

use crate::language::Language;
use crate::site::Zone;

/// The longest promise that is counted, in hours or days of its unit.
pub const AMOUNT_MAX: u32 = 10_000;

/// When a team works: the same hours each weekday of one zone, holidays excepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calendar {
    zone: Zone,
    /// `zone`'s rules, looked up once.
    rules: TimeZone,
    opens: Time,
    closes: Time,
    federal_holidays: bool,
    closed_on: BTreeSet<Date>,
}

/// Why a calendar was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadCalendar {
    /// A day without a single business minute would let no promise ever fall due.
    #[error("a business day must open before it closes, not at {opens} and {closes}")]
    NeverOpen {
        /// When it was to open.
        opens: Time,
        /// When it was to close.
        closes: Time,
    },
}

impl Default for Calendar {
    /// 7:00 to 19:00 on weekdays in Chicago, without US federal holidays.
    fn default() -> Self {
        let zone = Zone::parse("America/Chicago").unwrap_or_else(|_| Zone::utc());
        let (opens, closes) = (Time::constant(7, 0, 0, 0), Time::constant(19, 0, 0, 0));
        let rules = zone.rules();
        Self {
            zone,
            rules,
            opens,
            closes,
            federal_holidays: true,
            closed_on: BTreeSet::new(),
        }
    }
}

impl Calendar {
    /// A calendar of `opens` to `closes` on weekdays in `zone`, closed on US federal holidays and on
    /// `closed_on`.
    ///
    /// # Errors
    /// When a day would not open before it closes.
    pub fn new(
        zone: Zone,
        opens: Time,
        closes: Time,
        closed_on: BTreeSet<Date>,
    ) -> Result<Self, BadCalendar> {
        if opens >= closes {
            return Err(BadCalendar::NeverOpen { opens, closes });
        }
        let rules = zone.rules();
        Ok(Self {
            zone,
            rules,
            opens,
            closes,
            federal_holidays: true,
            closed_on,
        })
    }

    /// 7:00 to 19:00 on weekdays in `zone`, without US federal holidays.
    #[must_use]
    pub fn in_zone(zone: Zone) -> Self {
        let rules = zone.rules();
        Self {
            zone,
            rules,
            ..Self::default()
        }
    }

    /// The same calendar, open on US federal holidays.
    #[must_use]
    pub fn without_federal_holidays(self) -> Self {
        Self {
            federal_holidays: false,
            ..self
        }
    }

    /// The zone its hours are in.
    #[must_use]
    pub fn zone(&self) -> &Zone {
        &self.zone
    }

    /// The moment `length` after `start`, counted in the length's own unit.
    #[must_use]
    pub fn deadline(&self, start: Timestamp, length: Length) -> Timestamp {
        let hours = SignedDuration::from_hours(i64::from(length.amount));
        match length.unit {
            Unit::Hours => start.saturating_add(hours).unwrap_or(Timestamp::MAX),
            Unit::BusinessHours => self.after_business_time(start, hours),
            Unit::BusinessDays => self.after_business_days(start, length.amount),
        }
    }

    /// The moment at which `left` of business time has passed since `start`. Nothing passes at
    /// night; a length that ends with a day ends at its closing, not at the next opening.
    #[must_use]
    pub fn after_business_time(&self, start: Timestamp, mut left: SignedDuration) -> Timestamp {
        if left <= SignedDuration::ZERO {
            return start;
        }
        for (opens, closes) in self.open_times(start) {
            let from = opens.max(start);
            let open = closes.duration_since(from);
            if left <= open {
                return from.saturating_add(left).unwrap_or(Timestamp::MAX);
            }
            left = left.saturating_sub(open);
        }
        Timestamp::MAX
    }

    /// The closing of the `days`-th business day after the day of `start`; `start` itself for none.
    #[must_use]
    pub fn after_business_days(&self, start: Timestamp, days: u32) -> Timestamp {
        let Some(skipped) = usize::try_from(days)
            .ok()
            .and_then(|days| days.checked_sub(1))
        else {
            return start;
        };
        let today = start.to_zoned_datetime(self.rules.clone()).date();
        let mut later = self.business_days(today).filter(|day| *day > today);
        later
            .nth(skipped)
            .and_then(|day| self.open_time(day))
            .map_or(Timestamp::MAX, |day| day.1)
    }

    /// How much business time lies between two moments; nothing when `to` is before `from`.
    #[must_use]
    pub fn business_time_between(&self, from: Timestamp, to: Timestamp) -> SignedDuration {
        self.open_times(from)
            .take_while(|(opens, _)| *opens < to)
            .map(|(opens, closes)| closes.min(to).duration_since(opens.max(from)))
            .fold(SignedDuration::ZERO, SignedDuration::saturating_add)
    }

    /// Whether `moment` is within business hours.
    #[must_use]
    pub fn is_open(&self, moment: Timestamp) -> bool {
        let day = moment.to_zoned_datetime(self.rules.clone()).date();
        self.is_business_day(day)
            && self
                .open_time(day)
                .is_some_and(|(opens, closes)| (opens..closes).contains(&moment))
    }

    /// Whether `day` is worked on.
    #[must_use]
    pub fn is_business_day(&self, day: Date) -> bool {
        let is_weekend = matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
        let is_holiday = self.federal_holidays && federal_holiday(day).is_some();
        !(is_weekend || is_holiday || self.closed_on.contains(&day))
    }

    /// Opening and closing of each business day that closes after `start`.
    fn open_times(&self, start: Timestamp) -> impl Iterator<Item = (Timestamp, Timestamp)> + '_ {
        let today = start.to_zoned_datetime(self.rules.clone()).date();
        self.business_days(today)
            .filter_map(|day| self.open_time(day))
            .skip_while(move |(_, closes)| *closes <= start)
    }

    fn business_days(&self, from: Date) -> impl Iterator<Item = Date> + '_ {
        std::iter::successors(Some(from), |day| day.tomorrow().ok())
            .filter(|day| self.is_business_day(*day))
    }

    /// A wall time that a change of clocks skips or doubles is read as RFC 5545 does.
    fn open_time(&self, day: Date) -> Option<(Timestamp, Timestamp)> {
        let at = |time| {
            self.rules
                .to_ambiguous_timestamp(day.to_datetime(time))
                .compatible()
                .ok()
        };
        Some((at(self.opens)?, at(self.closes)?))
    }
}

/// What a promise is counted in.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Hours that pass only while the team works.
    BusinessHours,
    /// Days that the team works, to their closing.
    BusinessDays,
    /// Hours of the wall clock.
    Hours,
}

/// A length that a customer is promised, such as "24 business hours".
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(try_from = "Amount")]
#[schemars(deny_unknown_fields)]
pub struct Length {
    /// How many.
    amount: u32,
    /// Of what.
    unit: Unit,
}

/// A length that a customer is promised, such as "24 business hours".
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Length")]
struct Amount {
    /// How many.
    amount: u32,
    /// Of what.
    unit: Unit,
}

impl TryFrom<Amount> for Length {
    type Error = BadLength;

    fn try_from(Amount { amount, unit }: Amount) -> Result<Self, BadLength> {
        Self::new(amount, unit)
    }
}

/// Why a length was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a length such as \"24 business hours\", \"2 business days\" or \"6 hours\", from 1 to {AMOUNT_MAX}"
)]
pub struct BadLength(String);

impl Length {
    /// A length of 1 to [`AMOUNT_MAX`] units.
    ///
    /// # Errors
    /// When the amount is out of that range.
    pub fn new(amount: u32, unit: Unit) -> Result<Self, BadLength> {
        let length = Self { amount, unit };
        if (1..=AMOUNT_MAX).contains(&amount) {
            Ok(length)
        } else {
            Err(BadLength(length.to_string()))
        }
    }

    /// The promise of an incident report: 24 business hours.
    pub const REPORT: Self = Self::business_hours(24);

    /// Whether a calendar says how long it lasts.
    #[must_use]
    pub fn is_business(self) -> bool {
        matches!(self.unit, Unit::BusinessHours | Unit::BusinessDays)
    }

    /// Hours that pass only while the team works.
    pub(crate) const fn business_hours(amount: u32) -> Self {
        let unit = Unit::BusinessHours;
        Self { amount, unit }
    }
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.unit {
            Unit::BusinessHours => "business hour",
            Unit::BusinessDays => "business day",
            Unit::Hours => "hour",
        };
        let plural = if self.amount == 1 { "" } else { "s" };
        write!(f, "{} {unit}{plural}", self.amount)
    }
}

impl Length {
    /// As people say it: "4 business hours", "4 horas hábiles".
    #[must_use]
    pub fn in_words(self, language: Language) -> String {
        let unit = match (language, self.unit, self.amount) {
            (Language::English, ..) => return self.to_string(),
            (Language::Spanish, Unit::BusinessHours, 1) => "hora hábil",
            (Language::Spanish, Unit::BusinessHours, _) => "horas hábiles",
            (Language::Spanish, Unit::BusinessDays, 1) => "día hábil",
            (Language::Spanish, Unit::BusinessDays, _) => "días hábiles",
            (Language::Spanish, Unit::Hours, 1) => "hora",
            (Language::Spanish, Unit::Hours, _) => "horas",
        };
        format!("{} {unit}", self.amount)
    }
}

impl FromStr for Length {
    type Err = BadLength;

    fn from_str(text: &str) -> Result<Self, BadLength> {
        let fail = || BadLength(text.chars().take(80).collect());
        let (amount, unit) = text.trim().split_once(' ').ok_or_else(fail)?;
        let unit = match unit.trim().trim_end_matches('s') {
            "business hour" => Unit::BusinessHours,
            "business day" => Unit::BusinessDays,
            "hour" => Unit::Hours,
            _ => return Err(fail()),
        };
        Self::new(amount.parse().map_err(|_| fail())?, unit)
    }
}

#[cfg(test)]
mod tests;
