//! Promises: what a post said would follow, by when, and when its makers are reminded. Never pages
//! anybody.

use jiff::Timestamp;

use crate::calendar::{Calendar, Length};
use crate::id::UpdateId;

/// How long the team works before somebody is paged again about a promise that is late.
const ESCALATE_HOURS: u32 = 4;
/// More than this, and nobody listens.
const STEPS_MAX: u32 = 20;

/// What a post promised.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Promise {
    /// What will follow.
    pub kind: PromiseKind,
    /// By when.
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
    /// The promise that a post makes by naming a length; its clock starts with the post.
    #[must_use]
    pub fn make(
        kind: PromiseKind,
        within: Length,
        post: (UpdateId, Timestamp),
        calendar: &Calendar,
    ) -> Self {
        let (made_by, made_at) = post;
        Self {
            kind,
            due_at: calendar.deadline(made_at, within),
            made_by,
            made_at,
            kept_at: None,
        }
    }

    /// The last step of reminding that has come: the first before it falls due, the second when it
    /// does, and then one for each time that the team worked four hours on and it was not kept. None
    /// once it is kept, or before the first.
    #[must_use]
    pub fn step(&self, now: Timestamp, calendar: &Calendar) -> Option<u32> {
        if self.kept_at.is_some() || now < self.reminded_at() {
            return None;
        }
        if now < self.due_at {
            return Some(0);
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

    /// When its makers are first reminded: a fifth of its time is left.
    fn reminded_at(&self) -> Timestamp {
        let time = self.due_at.duration_since(self.made_at);
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
    use super::*;
    use crate::site::Zone;

    /// Of a post at 9:00 am Central on a Tuesday, which promises within five hours.
    fn check(at: &str, step: Option<u32>) {
        let made_at = "2023-07-11T14:00:00Z".parse().unwrap();
        let calendar = Calendar::in_zone(Zone::parse("America/Chicago").unwrap());
        let post = (UpdateId::from_bytes(&[1; 16]).unwrap(), made_at);
        let within = "5 hours".parse().unwrap();
        let promise = Promise::make(PromiseKind::NextUpdate, within, post, &calendar);
        assert_eq!(promise.step(at.parse().unwrap(), &calendar), step, "{at}");
        let kept = Promise {
            kept_at: Some(made_at),
            ..promise
        };
        assert_eq!(
            kept.step(at.parse().unwrap(), &calendar),
            None,
            "kept, {at}"
        );
    }

    #[test]
    fn reminders_come_before_and_after_a_promise_falls_due() {
        check("2023-07-11T17:59:59Z", None);
        check("2023-07-11T18:00:00Z", Some(0));
        check("2023-07-11T19:00:00Z", Some(1));
        check("2023-07-11T22:59:59Z", Some(1));
        check("2023-07-11T23:00:00Z", Some(2));
        // The team goes home at seven, and is back at seven: three hours later it is the fourth hour.
        check("2023-07-12T14:59:59Z", Some(2));
        check("2023-07-12T15:00:00Z", Some(3));
        check("2024-07-12T15:00:00Z", Some(20));
    }
}
