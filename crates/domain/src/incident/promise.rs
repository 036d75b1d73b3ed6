//! Promises: what a post said would follow, by when, and when its makers are reminded. Never pages
//! anybody.

use jiff::Timestamp;

use crate::calendar::{Calendar, Length};
use crate::id::UpdateId;

/// How long the team works before somebody is paged again about a promise that is late.
const ESCALATE_HOURS: u32 = 4;
/// More than this, and nobody listens.
const STEPS_MAX: u32 = 20;
/// Of a promise that is further off, time is not counted day by day: the weeks even out.
const COUNTED_DAYS_MAX: i64 = 366;

/// What a post promised.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Promise {
    /// What will follow.
    pub kind: PromiseKind,
    /// How soon, as it was said; none for promises from before it was kept.
    pub within: Option<Length>,
    /// The business calendar that it is counted on, by name.
    pub calendar: String,
    /// By when; it stays when the calendar is changed or removed.
    #[schemars(with = "crate::schema::Moment")]
    pub due_at: Timestamp,
    /// The post that promised it.
    pub made_by: UpdateId,
    /// When that post was made.
    #[schemars(with = "crate::schema::Moment")]
    pub made_at: Timestamp,
    /// When it followed.
    #[schemars(with = "Option<crate::schema::Moment>")]
    pub kept_at: Option<Timestamp>,
}

/// What will follow.
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
pub enum PromiseKind {
    /// Another update.
    NextUpdate,
    /// The incident report.
    Report,
}

impl PromiseKind {
    /// The word it is stored and sent as.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NextUpdate => "next_update",
            Self::Report => "report",
        }
    }

    /// Reads the word it is stored and sent as.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::NextUpdate, Self::Report]
            .into_iter()
            .find(|kind| kind.as_str() == word)
    }
}

impl Promise {
    /// The promise that a post makes by naming a length, counted on a calendar of some name; its clock
    /// starts with the post.
    #[must_use]
    pub fn make(
        kind: PromiseKind,
        within: Length,
        post: (UpdateId, Timestamp),
        (name, calendar): (&str, &Calendar),
    ) -> Self {
        let (made_by, made_at) = post;
        Self {
            kind,
            within: Some(within),
            calendar: name.into(),
            due_at: calendar.deadline(made_at, within),
            made_by,
            made_at,
            kept_at: None,
        }
    }

    /// The last step of reminding that has come, by its calendar as it is now: the first before it falls due, the second when it
    /// does, and then one for each time that the team worked four hours on and it was not kept. None
    /// once it is kept, or before the first.
    #[must_use]
    pub fn step(&self, now: Timestamp, calendar: &Calendar) -> Option<u32> {
        if self.kept_at.is_some() || now < self.made_at {
            return None;
        }
        if now < self.due_at {
            return (now >= self.reminded_at(calendar)).then_some(0);
        }
        let late = Length::business_hours(ESCALATE_HOURS);
        let mut step = 1;
        let mut at = calendar.deadline(self.due_at, late);
        while at <= now && step < STEPS_MAX {
            step += 1;
            at = calendar.deadline(at, late);
        }
        Some(step)
    }

    /// When its makers are first reminded: a fifth of its time is left, business time where it was
    /// promised in that.
    fn reminded_at(&self, calendar: &Calendar) -> Timestamp {
        let time = self.due_at.duration_since(self.made_at);
        if self.within.is_some_and(Length::is_business) && time.as_hours() <= 24 * COUNTED_DAYS_MAX
        {
            let open = calendar.business_time_between(self.made_at, self.due_at);
            // A calendar that was changed since may have no business time left in it.
            if !open.is_zero() {
                return calendar.after_business_time(self.made_at, open.saturating_sub(open / 5));
            }
        }
        self.due_at.saturating_sub(time / 5).unwrap_or(self.due_at)
    }

    /// Whether it is late.
    #[must_use]
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        self.kept_at.is_none() && self.due_at < now
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use jiff::civil::Time;

    use super::*;
    use crate::site::Zone;

    fn promised(made_at: &str, within: &str, calendar: &Calendar) -> Promise {
        let post = (
            UpdateId::from_bytes(&[1; 16]).unwrap(),
            made_at.parse().unwrap(),
        );
        let within = within.parse().unwrap();
        Promise::make(PromiseKind::NextUpdate, within, post, ("any", calendar))
    }

    fn central() -> Calendar {
        Calendar::in_zone(Zone::parse("America/Chicago").unwrap())
    }

    /// 9:00 to 13:00 in Denver, also on US federal holidays; free on the Wednesday after July 11, 2023.
    fn mornings() -> Calendar {
        let at = |hour| Time::constant(hour, 0, 0, 0);
        let free = BTreeSet::from(["2023-07-12".parse().unwrap()]);
        let zone = Zone::parse("America/Denver").unwrap();
        let calendar = Calendar::new(zone, at(9), at(13), free).unwrap();
        calendar.without_federal_holidays()
    }

    fn check(promise: &Promise, calendar: &Calendar, steps: &[(&str, Option<u32>)]) {
        for (at, step) in steps {
            let now = at.parse().unwrap();
            assert_eq!(promise.step(now, calendar), *step, "{at}");
            let kept = Promise {
                kept_at: Some(promise.made_at),
                ..promise.clone()
            };
            assert_eq!(kept.step(now, calendar), None, "kept, {at}");
        }
    }

    #[test]
    fn reminders_come_before_and_after_a_promise_falls_due() {
        // 9:00 am Central on a Tuesday.
        let promise = promised("2023-07-11T14:00:00Z", "5 hours", &central());
        let steps = [
            ("2023-07-11T17:59:59Z", None),
            ("2023-07-11T18:00:00Z", Some(0)),
            ("2023-07-11T19:00:00Z", Some(1)),
            ("2023-07-11T22:59:59Z", Some(1)),
            ("2023-07-11T23:00:00Z", Some(2)),
            // The team goes home at seven, and is back at seven: three hours later it is the fourth hour.
            ("2023-07-12T14:59:59Z", Some(2)),
            ("2023-07-12T15:00:00Z", Some(3)),
            ("2024-07-12T15:00:00Z", Some(20)),
        ];
        check(&promise, &central(), &steps);
    }

    #[test]
    fn a_promise_in_business_hours_is_recalled_while_the_team_works() {
        // 6:00 pm Central on a Friday: one hour then, four on Monday. Four fifths of five hours is four.
        let promise = promised("2023-07-14T23:00:00Z", "5 business hours", &central());
        assert_eq!(promise.due_at.to_string(), "2023-07-17T16:00:00Z");
        let steps = [
            ("2023-07-17T14:59:59Z", None),
            ("2023-07-17T15:00:00Z", Some(0)),
            ("2023-07-17T16:00:00Z", Some(1)),
        ];
        check(&promise, &central(), &steps);
    }

    #[test]
    fn reminders_and_escalations_count_by_the_calendar_of_the_promise() {
        let calendar = mornings();
        // 10:00 am Mountain on Tuesday: three hours then, none on Wednesday, two on Thursday.
        let promise = promised("2023-07-11T16:00:00Z", "5 business hours", &calendar);
        assert_eq!(promise.due_at.to_string(), "2023-07-13T17:00:00Z");
        let steps = [
            ("2023-07-13T15:59:59Z", None),
            ("2023-07-13T16:00:00Z", Some(0)),
            ("2023-07-13T17:00:00Z", Some(1)),
            // Two hours on Thursday, two on Friday; then a whole day, Monday's.
            ("2023-07-14T16:59:59Z", Some(1)),
            ("2023-07-14T17:00:00Z", Some(2)),
            ("2023-07-17T16:59:59Z", Some(2)),
            ("2023-07-17T17:00:00Z", Some(3)),
        ];
        check(&promise, &calendar, &steps);
    }

    #[test]
    fn a_holiday_of_the_law_stops_one_calendar_and_not_the_other() {
        // 9:00 am Mountain on the Monday before July 4.
        let made_at = "2023-07-03T15:00:00Z";
        let promise = promised(made_at, "8 business hours", &mornings());
        assert_eq!(promise.due_at.to_string(), "2023-07-04T19:00:00Z");
        // 6.4 hours in: 2.4 hours into July 4.
        let steps = [
            ("2023-07-04T17:23:59Z", None),
            ("2023-07-04T17:24:00Z", Some(0)),
            ("2023-07-05T19:00:00Z", Some(2)),
        ];
        check(&promise, &mornings(), &steps);
        let promise = promised(made_at, "14 business hours", &central());
        // 10:00 am to 7:00 pm on Monday, and five hours on Wednesday.
        assert_eq!(promise.due_at.to_string(), "2023-07-05T17:00:00Z");
        let steps = [
            ("2023-07-05T14:11:59Z", None),
            ("2023-07-05T14:12:00Z", Some(0)),
        ];
        check(&promise, &central(), &steps);
    }

    #[test]
    fn a_promise_from_before_lengths_were_kept_is_recalled_by_the_clock() {
        let old = Promise {
            within: None,
            ..promised("2023-07-14T23:00:00Z", "5 business hours", &central())
        };
        // 65 hours, of which 13 are left: Sunday night.
        let steps = [
            ("2023-07-17T02:59:59Z", None),
            ("2023-07-17T03:00:00Z", Some(0)),
        ];
        check(&old, &central(), &steps);
    }

    #[test]
    fn a_promise_keeps_its_moment_when_its_calendar_has_no_time_left_in_it() {
        let promise = promised("2023-07-11T16:00:00Z", "1 business hours", &mornings());
        let free = ["2023-07-11", "2023-07-12"].map(|day| day.parse().unwrap());
        let at = |hour| Time::constant(hour, 0, 0, 0);
        let zone = Zone::parse("America/Denver").unwrap();
        let changed = Calendar::new(zone, at(9), at(13), free.into()).unwrap();
        let steps = [
            ("2023-07-11T16:47:59Z", None),
            ("2023-07-11T16:48:00Z", Some(0)),
            ("2023-07-11T17:00:00Z", Some(1)),
        ];
        check(&promise, &changed, &steps);
    }

    #[test]
    fn a_promise_that_is_years_off_is_recalled_without_counting_its_days() {
        let promise = promised("2023-07-11T16:00:00Z", "10000 business days", &mornings());
        assert_eq!(
            promise.step("2040-01-01T00:00:00Z".parse().unwrap(), &mornings()),
            None
        );
        let late = promise.due_at - jiff::SignedDuration::from_hours(24);
        assert_eq!(promise.step(late, &mornings()), Some(0));
    }
}
