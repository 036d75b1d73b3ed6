//! Posts that wait for their moment. The post and the end of its waiting are one commit: it is posted
//! once, also when the process is killed in between.

use domain::id::UpdateId;
use store::ScheduledUpdate;

use super::*;
use crate::Kind;

/// The most posts of an incident that wait.
const SCHEDULED_MAX: usize = 20;
/// How far ahead a post may wait, in hours.
const AHEAD_HOURS_MAX: i64 = 30 * 24;

impl Engine {
    /// Keeps an update for a moment; it is checked now, and again when it is posted.
    ///
    /// # Errors
    /// As [`Engine::post_update`]; when the moment has passed or is more than 30 days ahead, or 20
    /// wait already.
    pub async fn schedule_update(
        &self,
        id: IncidentId,
        who: &str,
        update: NewUpdate,
        at: Timestamp,
    ) -> Result<ScheduledUpdate, EngineError> {
        let now = self.clock().now();
        let ahead = at.duration_since(now);
        if ahead <= SignedDuration::ZERO || ahead > SignedDuration::from_hours(AHEAD_HOURS_MAX) {
            let rule = "an update may wait for a moment within 30 days from now";
            return Err(EngineError::refused_at("post_at", rule));
        }
        let asked =
            serde_json::to_string(&update).map_err(|e| EngineError::refused_at("values", e))?;
        self.preview_update(id, who, update).await?;
        let _turn = self.incidents().scheduling.lock().await;
        if self.store().scheduled(id).await?.len() >= SCHEDULED_MAX {
            let reason =
                format!("{SCHEDULED_MAX} updates of this incident wait already; cancel one first");
            return Err(EngineError::conflict(reason));
        }
        let scheduled = ScheduledUpdate {
            id: self.clock().id(),
            incident: id,
            at,
            by: who.to_owned(),
            asked,
            made_at: now,
        };
        let audit = self.audit(who, "scheduled an update", &id.to_string(), &at.to_string());
        self.store().schedule(&scheduled, &audit).await?;
        self.look_again(id).await?;
        Ok(scheduled)
    }

    /// Gives up an update that waits.
    ///
    /// # Errors
    /// When it does not wait any more, or the store fails.
    pub async fn unschedule_update(
        &self,
        id: IncidentId,
        update: UpdateId,
        who: &str,
    ) -> Result<(), EngineError> {
        let what = format!("{id}, update {update}");
        let audit = self.audit(who, "cancelled a scheduled update", &what, "");
        if !self.store().unschedule(id, update, &audit).await? {
            return Err(EngineError::not_found("update that waits", update));
        }
        self.look_again(id).await
    }

    /// What an update that waits would say if it were posted now.
    ///
    /// # Errors
    /// When it cannot be posted.
    pub async fn preview_scheduled(
        &self,
        scheduled: &ScheduledUpdate,
    ) -> Result<Posted, EngineError> {
        let incident = self.stored_incident(scheduled.incident).await?;
        let made = self.made_of(scheduled, incident);
        made.map(|(posted, _)| posted)
    }

    /// Posts what has waited long enough. What cannot be posted any more is given up, and the people on
    /// call learn of it: nobody else is there.
    pub(super) async fn post_due(&self, view: &IncidentView) -> Result<(), EngineError> {
        let now = self.clock().now();
        for scheduled in view.scheduled.iter().filter(|one| one.at <= now) {
            let incident = self.stored_incident(scheduled.incident).await?;
            match self.made_of(scheduled, incident) {
                Ok((posted, quiet)) => {
                    let spent = &[scheduled.id];
                    let how = How {
                        quiet,
                        spent,
                        ..How::default()
                    };
                    self.save_post(&posted, &scheduled.by, how).await?;
                }
                Err(error) if matches!(error.kind(), Kind::Refused | Kind::Conflict) => {
                    self.give_up(view, scheduled, &error.to_string()).await?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The post, and whether no follower is told.
    fn made_of(
        &self,
        scheduled: &ScheduledUpdate,
        incident: Incident,
    ) -> Result<(Posted, bool), EngineError> {
        let asked: NewUpdate = serde_json::from_str(&scheduled.asked)
            .map_err(|e| EngineError::refused_at("values", e))?;
        // "Still watching" after "it is over" is wrong; who writes after the end means it.
        let over = incident.state.over_since();
        if asked.state.is_none() && over.is_some_and(|over| over >= scheduled.made_at) {
            return Err(EngineError::conflict(OVER));
        }
        let quiet = asked.quiet;
        let post = self.written(asked, incident.is_open())?;
        let posted = self.posted_as(scheduled.id, incident, post, &scheduled.by)?;
        Ok((posted, quiet))
    }

    async fn give_up(
        &self,
        view: &IncidentView,
        scheduled: &ScheduledUpdate,
        reason: &str,
    ) -> Result<(), EngineError> {
        let id = view.incident.id;
        let what = format!("{id}, update {}", scheduled.id);
        let audit = self.audit(WAITING, "gave up a scheduled update", &what, reason);
        if !self.store().unschedule(id, scheduled.id, &audit).await? {
            return Ok(());
        }
        // A caller reads it as any refusal; the people on call read what the team reads.
        let reason = match reason {
            OVER => self.words().was_over_before(),
            // Refusals are English; the audit keeps this one.
            reason => self.words().refused_because(reason),
        };
        let wrote = (&*scheduled.by, scheduled.at);
        let title = &view.incident.title;
        let words = self.team().page_not_posted(title, wrote, reason);
        let entry = self.entry_now(
            WAITING,
            Fact::Noted {
                words: words.clone(),
            },
        );
        self.note(id, entry).await?;
        self.page(Some(id), &words).await.map(drop)
    }
}

const OVER: &str = "This incident was over before the moment came.";
/// Who gives up posts that wait.
const WAITING: &str = "the schedule";
