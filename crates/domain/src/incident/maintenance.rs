//! Planned work: an incident that is announced before it begins, with a window for each site.

use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};

use crate::site::Zone;

/// The longest window, in hours: what takes longer is planned in parts.
pub const WINDOW_HOURS_MAX: i64 = 14 * 24;
/// How far ahead work may be planned, in days.
pub const AHEAD_DAYS_MAX: i64 = 400;
/// The longest time before the work that followers can be told again, in minutes.
pub const REMIND_MINUTES_MAX: u32 = 30 * 24 * 60;

/// What an incident that was planned knows beside the rest.
#[derive(
    Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
pub struct Maintenance {
    /// When it is done on each site.
    pub window: Window,
    /// When the first site's window begins.
    #[schemars(with = "crate::schema::Moment")]
    pub from: Timestamp,
    /// When the last site's window ends.
    #[schemars(with = "crate::schema::Moment")]
    pub until: Timestamp,
    /// How long before it begins followers are told again; never without one.
    pub remind_minutes: Option<u32>,
    /// Complete it by itself when the window ends; else a person says how it went.
    pub completes_itself: bool,
    /// Whether followers were reminded of this window.
    #[serde(default)]
    pub reminded: bool,
    /// Whether the people on call were told that this window ended and nobody said how it went.
    #[serde(default)]
    pub overran: bool,
}

/// When planned work is done.
#[derive(
    Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Window {
    /// At the same moments everywhere.
    At {
        /// Its begin.
        #[schemars(with = "crate::schema::Moment")]
        from: Timestamp,
        /// Its end.
        #[schemars(with = "crate::schema::Moment")]
        until: Timestamp,
    },
    /// At the same time of day everywhere: on each site's own clock.
    Local {
        /// Its begin, such as 2023-07-12T22:00.
        #[schemars(with = "crate::schema::WallTime")]
        from: DateTime,
        /// Its end.
        #[schemars(with = "crate::schema::WallTime")]
        until: DateTime,
    },
}

/// What is wrong with planned work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadWindow {
    /// It ends before it begins.
    #[error("a window must end after it begins")]
    Backwards,
    /// It is over already.
    #[error("a window must end in the future")]
    Past,
    /// It takes too long.
    #[error("a window lasts {} days at most; plan longer work in parts", WINDOW_HOURS_MAX / 24)]
    TooLong,
    /// It is too far ahead to be known.
    #[error("a window begins within {AHEAD_DAYS_MAX} days")]
    TooFar,
    /// No site is concerned.
    #[error("no site is concerned")]
    Nowhere,
    /// The reminder is out of range.
    #[error("followers can be reminded 1 to {REMIND_MINUTES_MAX} minutes before")]
    Reminder,
}

impl BadWindow {
    /// The field it is about.
    #[must_use]
    pub fn at(self) -> &'static str {
        match self {
            Self::Backwards | Self::Past | Self::TooLong | Self::TooFar => "window",
            Self::Nowhere => "scope",
            Self::Reminder => "remind_minutes",
        }
    }
}

impl Window {
    /// Begin and end for a site in a zone. A wall time that a change of clocks skips or doubles is
    /// read as RFC 5545 does. Where that puts the begin behind the end, it lasts as long as the clock says.
    #[must_use]
    pub fn in_zone(&self, zone: &Zone) -> (Timestamp, Timestamp) {
        match self {
            Self::At { from, until } => (*from, *until),
            Self::Local { from, until } => {
                let rules = zone.rules();
                let at = |wall: DateTime| {
                    let ambiguous = rules.to_ambiguous_timestamp(wall);
                    ambiguous.compatible().unwrap_or(Timestamp::MAX)
                };
                let (begins, ends) = (at(*from), at(*until));
                if ends > begins {
                    return (begins, ends);
                }
                let long = begins.saturating_add(until.duration_since(*from));
                (begins, long.unwrap_or(Timestamp::MAX))
            }
        }
    }

    /// From the first begin to the last end among zones; nothing for no zone.
    #[must_use]
    pub fn span<'a>(
        &self,
        zones: impl IntoIterator<Item = &'a Zone>,
    ) -> Option<(Timestamp, Timestamp)> {
        let windows = zones.into_iter().map(|zone| self.in_zone(zone));
        windows.reduce(|(from, until), (begins, ends)| (from.min(begins), until.max(ends)))
    }

    fn is_backwards(&self) -> bool {
        match self {
            Self::At { from, until } => until <= from,
            Self::Local { from, until } => until <= from,
        }
    }
}

impl Maintenance {
    /// Plans work in the zones of the sites concerned.
    ///
    /// # Errors
    /// When the window or the reminder cannot be meant, or no zone is given.
    pub fn plan<'a>(
        window: Window,
        zones: impl IntoIterator<Item = &'a Zone>,
        (remind_minutes, completes_itself): (Option<u32>, bool),
        now: Timestamp,
    ) -> Result<Self, BadWindow> {
        if window.is_backwards() {
            return Err(BadWindow::Backwards);
        }
        let (from, until) = window.span(zones).ok_or(BadWindow::Nowhere)?;
        let ahead = SignedDuration::from_hours(24 * AHEAD_DAYS_MAX);
        // The span of a window on local clocks is longer than each site's by the width of the fleet.
        let longest = SignedDuration::from_hours(WINDOW_HOURS_MAX + 26);
        let remind = |minutes: u32| !(1..=REMIND_MINUTES_MAX).contains(&minutes);
        match () {
            () if until <= now => Err(BadWindow::Past),
            () if until.duration_since(from) > longest => Err(BadWindow::TooLong),
            () if from.duration_since(now) > ahead => Err(BadWindow::TooFar),
            () if remind_minutes.is_some_and(remind) => Err(BadWindow::Reminder),
            () => Ok(Self {
                window,
                from,
                until,
                remind_minutes,
                completes_itself,
                reminded: false,
                overran: false,
            }),
        }
    }

    /// Whether followers are to be told again now that it will begin.
    #[must_use]
    pub fn is_reminder_due(&self, now: Timestamp) -> bool {
        let minutes = self.remind_minutes.filter(|_| !self.reminded);
        let left = self.from.duration_since(now);
        minutes.is_some_and(|minutes| {
            left > SignedDuration::ZERO && left <= SignedDuration::from_mins(i64::from(minutes))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> Zone {
        Zone::parse(name).unwrap()
    }

    fn local(from: &str, until: &str) -> Window {
        Window::Local {
            from: from.parse().unwrap(),
            until: until.parse().unwrap(),
        }
    }

    #[test]
    fn a_local_window_is_each_sites_own() {
        let window = local("2023-07-12T22:00", "2023-07-13T02:00");
        let at = |name: &str| window.in_zone(&zone(name)).0.to_string();
        assert_eq!(at("America/New_York"), "2023-07-13T02:00:00Z");
        assert_eq!(at("America/Anchorage"), "2023-07-13T06:00:00Z");
        let zones = [
            zone("America/Anchorage"),
            zone("America/New_York"),
            zone("America/Denver"),
        ];
        let (from, until) = window.span(&zones).unwrap();
        assert_eq!(from.to_string(), "2023-07-13T02:00:00Z");
        assert_eq!(until.to_string(), "2023-07-13T10:00:00Z");
        // Clocks skip 2:30 in the night of March 12.
        for (from, until, begins, ends) in [
            ("02:30", "03:30", "09:30:00", "10:30:00"),
            ("02:30", "03:10", "09:30:00", "10:10:00"),
            ("02:00", "03:00", "09:00:00", "10:00:00"),
            ("02:10", "02:50", "09:10:00", "09:50:00"),
            // What goes around it ends when the clock says so.
            ("01:30", "03:10", "08:30:00", "09:10:00"),
            ("02:30", "04:00", "09:30:00", "10:00:00"),
        ] {
            let day = |time: &str| format!("2023-03-12T{time}");
            let skipped = local(&day(from), &day(until));
            let (first, last) = skipped.in_zone(&zone("America/Denver"));
            let expected = (format!("{}Z", day(begins)), format!("{}Z", day(ends)));
            assert_eq!((first.to_string(), last.to_string()), expected, "{from}");
            // Elsewhere the clocks stand as ever.
            let (first, last) = skipped.in_zone(&zone("America/Phoenix"));
            assert!(first < last, "{first} {last}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let now: Timestamp = "2023-07-11T21:00:00Z".parse().unwrap();
        let denver = [zone("America/Denver")];
        let plan = |window: Window, remind| {
            let planned = Maintenance::plan(window, &denver, (remind, true), now);
            planned.err()
        };
        let night = || local("2023-07-12T22:00", "2023-07-13T02:00");
        assert_eq!(plan(night(), Some(60)), None);
        assert_eq!(plan(night(), Some(0)), Some(BadWindow::Reminder));
        let backwards = local("2023-07-12T22:00", "2023-07-12T22:00");
        assert_eq!(plan(backwards, None), Some(BadWindow::Backwards));
        let past = local("2023-07-10T22:00", "2023-07-11T02:00");
        assert_eq!(plan(past, None), Some(BadWindow::Past));
        let long = local("2023-07-12T22:00", "2023-08-13T02:00");
        assert_eq!(plan(long, None), Some(BadWindow::TooLong));
        let far = local("2024-12-12T22:00", "2024-12-13T02:00");
        assert_eq!(plan(far, None), Some(BadWindow::TooFar));
        let nowhere = Maintenance::plan(night(), &[], (None, true), now);
        assert_eq!(nowhere, Err(BadWindow::Nowhere));
    }

    #[test]
    fn followers_are_reminded_once_before_it_begins() {
        let now: Timestamp = "2023-07-11T21:00:00Z".parse().unwrap();
        let denver = [zone("America/Denver")];
        let night = local("2023-07-12T22:00", "2023-07-13T02:00");
        let planned = Maintenance::plan(night, &denver, (Some(60), true), now).unwrap();
        let due = |at: &str| planned.is_reminder_due(at.parse().unwrap());
        assert!(!due("2023-07-13T02:59:59Z"));
        assert!(due("2023-07-13T03:00:00Z") && due("2023-07-13T03:59:59Z"));
        assert!(!due("2023-07-13T04:00:00Z"));
        let told = Maintenance {
            reminded: true,
            ..planned.clone()
        };
        assert!(!told.is_reminder_due("2023-07-13T03:30:00Z".parse().unwrap()));
    }
}
