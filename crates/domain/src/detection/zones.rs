//! The hour of the week where a site is. Never knows sites.

use jiff::Timestamp;

use crate::site::Zone;

/// Hours of a week.
pub(crate) const HOURS: usize = 168;
/// Every zone in use is whole quarters of an hour from UTC, so hours turn only on quarters.
pub(crate) const STEP_SECONDS: i64 = 900;

/// 0 for Monday 00:00 to 00:59 on the clocks of `zone`, up to 167.
pub(crate) fn hour_of_week(zone: &Zone, at: Timestamp) -> usize {
    let local = zone.rules().to_datetime(at);
    let day = local.weekday().to_monday_zero_offset();
    usize::try_from(i16::from(day) * 24 + i16::from(local.hour())).unwrap_or(0) % HOURS
}

/// The start of the quarter of an hour that holds `at`.
pub(crate) fn step_start(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second().div_euclid(STEP_SECONDS) * STEP_SECONDS).unwrap_or(at)
}

/// The start of the next quarter of an hour.
pub(crate) fn step_end(at: Timestamp) -> Timestamp {
    let end = jiff::SignedDuration::from_secs(STEP_SECONDS);
    step_start(at).saturating_add(end).unwrap_or(Timestamp::MAX)
}

/// Seconds from `from` to `to`; zero when `to` is earlier.
pub(crate) fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64().max(0.0)
}
