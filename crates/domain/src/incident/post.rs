//! Posting: what an update does to an incident, and which promises it makes and keeps.

use jiff::{SignedDuration, Timestamp};

use super::{
    Impact, Incident, Promise, PromiseKind, Stage, State, TEXT_CHARACTERS_MAX, Update, UpdateKind,
    WrongAct,
};
use crate::calendar::{Calendar, DEFAULT_NAME, Length};
use crate::id::UpdateId;
use crate::text::{has_controls, is_blank};

/// How long a fix is watched unless somebody says otherwise.
const WATCH_HOURS: i64 = 24;

/// What somebody wants to post.
#[derive(Clone, Debug, PartialEq)]
pub struct Post {
    /// What customers will read: Markdown.
    pub body: String,
    /// The template it was made from.
    pub template: Option<(String, u32)>,
    /// Whether it is one of many or the official comment.
    pub kind: UpdateKind,
    /// The state the incident is in from now on; as before without one.
    pub stage: Option<Stage>,
    /// The end of the watch period, when `stage` is monitoring; in 24 hours without one.
    pub watch_until: Option<Timestamp>,
    /// Complete the incident when its watch period ends and no site in scope fails. A post that
    /// names a `stage` decides this anew; one that names none can only ask for it.
    pub complete_after_watch: bool,
    /// How bad it is; as before without one.
    pub impact: Option<Impact>,
    /// What it promises, and how soon.
    pub promises: Vec<(PromiseKind, Length)>,
    /// The name of the calendar that its promises are counted on; the default one without.
    pub calendar: Option<String>,
}

/// What a post does.
#[derive(Clone, Debug, PartialEq)]
pub struct Posted {
    /// The incident's next version.
    pub incident: Incident,
    /// The entry that customers read.
    pub update: Update,
    /// Promises it makes.
    pub made: Vec<Promise>,
    /// Promises it keeps.
    pub kept: PromiseKind,
    /// Whether it completes the incident; what is posted after that does not.
    pub completes: bool,
}

/// Why a post was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPost {
    /// The incident's state does not allow it.
    #[error(transparent)]
    WrongAct(#[from] WrongAct),
    /// Nothing to read.
    #[error("The text is empty.")]
    Empty,
    /// Nothing that can be read.
    #[error("The text holds control characters; only line ends and tabs are allowed.")]
    Controls,
    /// A watch period must end later than it begins.
    #[error("The watch period must end in the future.")]
    WatchIsOver,
    /// Nothing follows what is over.
    #[error("This incident is completed: nothing more can be promised.")]
    PromiseAfterEnd(PromiseKind),
    /// A draft's gap is no text for customers.
    #[error("Something is still to be written: look for “To be written by a person”.")]
    Unfinished,
    /// A correction that corrects nothing.
    #[error("This is the text that stands there already.")]
    Unchanged,
    /// Too many corrections to follow.
    #[error(
        "This update was corrected {} times: post a new update.",
        super::CORRECTIONS_MAX
    )]
    CorrectedTooOften,
    /// Too much to read.
    #[error("The text has {0} characters; {TEXT_CHARACTERS_MAX} are allowed.")]
    TooLong(usize),
}

impl BadPost {
    /// The part of the post that is wrong; none where the incident's state is.
    #[must_use]
    pub fn at(&self) -> Option<&'static str> {
        match self {
            Self::WrongAct(_) => None,
            Self::Empty
            | Self::Controls
            | Self::TooLong(_)
            | Self::Unfinished
            | Self::Unchanged
            | Self::CorrectedTooOften => Some("text"),
            Self::WatchIsOver => Some("watch_until"),
            Self::PromiseAfterEnd(PromiseKind::NextUpdate) => Some("next_update_within"),
            Self::PromiseAfterEnd(PromiseKind::Report) => Some("report_within"),
        }
    }
}

impl Post {
    /// Checks what can be said of a post to an incident in this stage.
    fn check(&self, stage: Stage, now: Timestamp) -> Result<(), BadPost> {
        check_text(&self.body)?;
        if !super::report::is_finished(&self.body) {
            return Err(BadPost::Unfinished);
        }
        if self.watch_until.is_some_and(|until| until <= now) {
            return Err(BadPost::WatchIsOver);
        }
        // The post that completes an incident may still promise its report.
        let over = matches!(stage, Stage::Completed | Stage::Cancelled);
        let ends = self.stage == Some(Stage::Completed);
        let late = |kind| over || (ends && kind == PromiseKind::NextUpdate);
        let mut kinds = self.promises.iter().map(|(kind, _)| *kind);
        kinds
            .find(|kind| late(*kind))
            .map_or(Ok(()), |kind| Err(BadPost::PromiseAfterEnd(kind)))
    }
}

/// Checks a text that customers will read.
pub(super) fn check_text(text: &str) -> Result<(), BadPost> {
    let length = text.chars().count();
    if is_blank(text) {
        return Err(BadPost::Empty);
    }
    if length > TEXT_CHARACTERS_MAX {
        return Err(BadPost::TooLong(length));
    }
    if has_controls(text) {
        return Err(BadPost::Controls);
    }
    Ok(())
}

impl Incident {
    /// Posts an entry. An update keeps the promise of a next update; the official comment is the
    /// incident report, and keeps the promise of one. `calendar` is the one that the post names.
    ///
    /// # Errors
    /// When the state does not allow it, the text cannot be read or is too long, the watch period is
    /// over, or a promise comes too late.
    pub fn post(
        self,
        post: Post,
        id: UpdateId,
        (by, now): (&str, Timestamp),
        calendar: &Calendar,
    ) -> Result<Posted, BadPost> {
        post.check(self.state.stage(), now)?;
        let watch_ends = post.watch_until.unwrap_or_else(|| {
            now.saturating_add(SignedDuration::from_hours(WATCH_HOURS))
                .unwrap_or(Timestamp::MAX)
        });
        let mut incident = self.after(|state| move_to(state, post.stage, watch_ends, (by, now)))?;
        incident.impact = post.impact.unwrap_or(incident.impact);
        // A fix that did not hold takes back what was said of its watch period.
        let asked_before = post.stage.is_none() && incident.complete_after_watch;
        incident.complete_after_watch = asked_before || post.complete_after_watch;
        let completes = post.stage == Some(Stage::Completed);
        let update = Update {
            id,
            at: now,
            by: by.into(),
            state: incident.state.stage(),
            body: post.body,
            template: post.template,
            kind: post.kind,
            corrections: vec![],
        };
        let name = post.calendar.as_deref().unwrap_or(DEFAULT_NAME);
        let made = post
            .promises
            .into_iter()
            .map(|(kind, within)| Promise::make(kind, within, (id, now), (name, calendar)));
        let kept = match post.kind {
            UpdateKind::Update => PromiseKind::NextUpdate,
            UpdateKind::OfficialComment => PromiseKind::Report,
        };
        Ok(Posted {
            incident,
            update,
            made: made.collect(),
            kept,
            completes,
        })
    }
}

fn move_to(
    state: State,
    to: Option<Stage>,
    watch_ends: Timestamp,
    (by, now): (&str, Timestamp),
) -> Result<State, WrongAct> {
    match to {
        None => state.comment(),
        Some(Stage::Investigating) => state.investigate(),
        Some(Stage::Identified) => state.identify(),
        Some(Stage::Monitoring) => state.monitor(watch_ends, now),
        Some(Stage::Completed) => state.complete(now, by),
        Some(Stage::InProgress) => state.begin(),
        Some(Stage::Verifying) => state.verify(),
        Some(Stage::Cancelled) => state.cancel(now, by),
        Some(other) => Err(WrongAct::NotByUpdate(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{AlarmId, IncidentId};
    use crate::incident::Scope;

    fn post(body: &str, stage: Option<Stage>) -> Post {
        Post {
            body: body.into(),
            template: None,
            kind: UpdateKind::Update,
            stage,
            watch_until: None,
            complete_after_watch: false,
            impact: None,
            promises: vec![(PromiseKind::Report, Length::REPORT)],
            calendar: None,
        }
    }

    #[test]
    fn completing_after_the_watch_can_be_taken_back() {
        use Stage::{Investigating, Monitoring};
        let now: Timestamp = "2023-07-11T23:27:00Z".parse().unwrap();
        let id = IncidentId::from_bytes(&[1; 16]).unwrap();
        let alarm = AlarmId::from_bytes(&[2; 16]).unwrap();
        let proposed = Incident::propose(id, alarm, "Sign-in".into(), Scope::default(), now);
        let mut incident = proposed.accept(now).unwrap();
        for (stage, asked, expected) in [
            (Some(Monitoring), true, true),
            // A comment says nothing of the watch period.
            (None, false, true),
            (Some(Investigating), false, false),
            (Some(Monitoring), false, false),
            (None, true, true),
            (Some(Monitoring), false, false),
        ] {
            let post = Post {
                complete_after_watch: asked,
                ..post("News.", stage)
            };
            let update = UpdateId::from_bytes(&[3; 16]).unwrap();
            let posted = incident.post(post, update, ("Kim", now), &Calendar::default());
            incident = posted.unwrap().incident;
            assert_eq!(incident.complete_after_watch, expected, "{stage:?} {asked}");
        }
    }

    #[test]
    fn the_fix_of_july_11_promises_a_report_by_thursday() {
        let now: Timestamp = "2023-07-11T23:27:00Z".parse().unwrap();
        let (id, alarm) = (
            IncidentId::from_bytes(&[1; 16]),
            AlarmId::from_bytes(&[2; 16]),
        );
        let proposed = Incident::propose(
            id.unwrap(),
            alarm.unwrap(),
            "Sign-in".into(),
            Scope::default(),
            now,
        );
        let update = UpdateId::from_bytes(&[3; 16]).unwrap();
        let calendar = Calendar::default();
        let early = proposed
            .clone()
            .post(post("Fixed.", None), update, ("Kim", now), &calendar);
        assert_eq!(
            early.unwrap_err().to_string(),
            "This incident is only proposed; accept it first."
        );
        let accepted = proposed.accept(now).unwrap();
        let try_text = |text: &str| {
            accepted
                .clone()
                .post(post(text, None), update, ("Kim", now), &calendar)
        };
        assert_eq!(try_text(" "), Err(BadPost::Empty));
        assert_eq!(try_text("\u{200b}\u{feff}"), Err(BadPost::Empty));
        assert_eq!(try_text("Fixed.\u{1b}[2J"), Err(BadPost::Controls));
        assert!(try_text("Two\r\n\tlines.").is_ok());
        let past = Post {
            watch_until: Some(now),
            ..post("Fixed.", None)
        };
        let past = accepted.clone().post(past, update, ("Kim", now), &calendar);
        assert_eq!(past, Err(BadPost::WatchIsOver));
        assert_eq!(try_text(&"x".repeat(20_001)), Err(BadPost::TooLong(20_001)));
        let fixed = post("Fixed.", Some(Stage::Monitoring));
        let posted = accepted
            .post(fixed, update, ("Kim", now), &calendar)
            .unwrap();
        assert_eq!(
            posted.made[0].due_at,
            "2023-07-13T23:27:00Z".parse().unwrap()
        );
        assert_eq!(posted.incident.version, 3);
        assert_eq!(
            posted.incident.state,
            State::Monitoring {
                until: "2023-07-12T23:27:00Z".parse().unwrap()
            }
        );
        let done = posted.incident.post(
            post("Over.", Some(Stage::Completed)),
            update,
            ("Kim", now),
            &calendar,
        );
        let done = done.unwrap();
        assert_eq!(
            (done.update.state, done.completes),
            (Stage::Completed, true)
        );
        let comment = Post {
            promises: vec![],
            ..post("Thank you.", None)
        };
        let comment = done
            .incident
            .clone()
            .post(comment, update, ("Kim", now), &calendar);
        let comment = comment.unwrap();
        assert_eq!(
            (comment.update.state, comment.completes),
            (Stage::Completed, false)
        );
        let more = done
            .incident
            .post(post("More.", None), update, ("Kim", now), &calendar);
        let late = BadPost::PromiseAfterEnd(PromiseKind::Report);
        assert_eq!(more, Err(late));
    }
}
