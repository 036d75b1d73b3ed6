//! Comments: written by signed-in customers under what they may see, judged by staff.

use domain::comment::{Comment, Standing};
use domain::id::{CommentId, IncidentId};
use domain::text::reads_alike;
use jiff::SignedDuration;
use store::{Reader, StoreError, WrittenComment};

use crate::{Engine, EngineError};

/// How many comments an account may write within [`WRITTEN_MINUTES`].
pub const WRITTEN_MAX: u64 = 5;
const WRITTEN_MINUTES: i64 = 10;
/// The most comments that are shown under an incident: a discussion belongs elsewhere.
pub const SHOWN_MAX: u64 = 5_000;
/// The longest reason of staff, in characters.
const REASON_CHARACTERS_MAX: usize = 200;

impl Engine {
    /// Adds a comment under an incident.
    ///
    /// # Errors
    /// When the author may read no such incident, the author may not write or wrote too much just now, a
    /// field breaks its rule, or the store fails.
    pub async fn add_comment(
        &self,
        incident: IncidentId,
        reader: &Reader,
        (name, text): (&str, &str),
    ) -> Result<Comment, EngineError> {
        self.readable(incident, reader).await?;
        may_write(reader)?;
        if reads_alike(name, &self.settings().team) {
            let rule = "this is what our own team is called; give another name";
            return Err(EngineError::refused_at("name", rule));
        }
        let _turn = self.0.commenting.lock().await;
        let now = self.clock().now();
        let minutes = SignedDuration::from_mins(WRITTEN_MINUTES);
        let since = now.saturating_sub(minutes).unwrap_or(now);
        let (recent, is_known) = self.store().written_by(reader.account, since).await?;
        if recent >= WRITTEN_MAX {
            let reason = format!(
                "You wrote {WRITTEN_MAX} comments in {WRITTEN_MINUTES} minutes; please wait a little."
            );
            return Err(EngineError::conflict(reason));
        }
        if self.store().count_comments(incident).await? >= SHOWN_MAX {
            let reason =
                format!("There are {SHOWN_MAX} comments here already; please report instead.");
            return Err(EngineError::conflict(reason));
        }
        let ids = (self.clock().id(), incident, reader.account);
        let comment = Comment::write(ids, (name, text), is_known, now)
            .map_err(|bad| EngineError::refused_at(bad.at(), bad))?;
        let who = format!("account {}", reader.account);
        let what = format!("{incident}, comment {}", comment.id);
        let audit = self.audit(&who, "commented", &what, comment.standing.as_str());
        let added = self.store().add_comment(&comment, &audit).await;
        added.map_err(|error| match error {
            // Banned since the reader was looked up.
            StoreError::Conflict { .. } => {
                EngineError::conflict("You may not write here any more.")
            }
            error => error.into(),
        })?;
        self.incident_changed(incident).await?;
        Ok(comment)
    }

    /// Counts a reader's vote for a comment, or takes it back.
    ///
    /// # Errors
    /// When no such comment is shown, the reader may not write, or the store fails.
    pub async fn vote_for_comment(
        &self,
        id: CommentId,
        reader: &Reader,
        helpful: bool,
    ) -> Result<(), EngineError> {
        let incident = self.shown_comment(id).await?.incident;
        self.readable(incident, reader).await?;
        may_write(reader)?;
        let account = reader.account;
        // No kept page shows votes: a crowd that votes makes none of them old.
        Ok(self.store().vote_for_comment(id, account, helpful).await?)
    }

    /// Notes that a reader finds that a comment should not stand there. Enough of them hold it until
    /// staff have looked.
    ///
    /// # Errors
    /// As [`Engine::vote_for_comment`].
    pub async fn report_comment(&self, id: CommentId, reader: &Reader) -> Result<(), EngineError> {
        let incident = self.shown_comment(id).await?.incident;
        self.readable(incident, reader).await?;
        may_write(reader)?;
        self.store().report_comment(id, reader.account).await?;
        let known = self.store().comment(id).await?;
        if known.is_some_and(|known| known.comment.is_reported_away()) {
            let audit = self.audit("readers", "held a comment", &id.to_string(), REPORTED);
            let how = (Standing::Held, REPORTED);
            match self.store().judge_comment(id, how, None, &audit).await {
                Ok(()) | Err(StoreError::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
            self.incident_changed(incident).await?;
        }
        Ok(())
    }

    /// Shows, holds or hides a comment; staff decide, and readers' reports change it no more.
    ///
    /// # Errors
    /// When there is no such comment, the reason is too long, or the store fails.
    pub async fn judge_comment(
        &self,
        id: CommentId,
        standing: Standing,
        (who, reason): (&str, &str),
    ) -> Result<WrittenComment, EngineError> {
        let reason = reason_of(reason)?;
        let known = self.written_comment(id).await?;
        let act = match standing {
            Standing::Shown => "showed a comment",
            Standing::Held => "held a comment",
            Standing::Hidden => "hid a comment",
        };
        let audit = self.audit(who, act, &id.to_string(), &reason);
        let how = (standing, &*reason);
        let store = self.store();
        store.judge_comment(id, how, Some(who), &audit).await?;
        self.incident_changed(known.comment.incident).await?;
        self.written_comment(id).await
    }

    /// Lets the author of a comment write no more, and hides what the author wrote.
    ///
    /// # Errors
    /// When there is no such comment, the reason is empty or too long, or the store fails.
    pub async fn ban_commenter(
        &self,
        id: CommentId,
        (who, reason): (&str, &str),
    ) -> Result<WrittenComment, EngineError> {
        let reason = reason_of(reason)?;
        if reason.is_empty() {
            return Err(EngineError::refused_at("reason", "say why"));
        }
        let known = self.written_comment(id).await?;
        let account = known.comment.account;
        let what = format!("account {account}");
        let audit = self.audit(who, "banned a commenter", &what, &reason);
        let store = self.store();
        {
            let _turn = self.0.commenting.lock().await;
            store.ban_commenter(account, (who, &reason), &audit).await?;
        }
        // What was written under other incidents is gone from their pages too.
        let views = self.incidents().all().into_iter();
        for view in views.filter(|view| view.comments_total > 0) {
            self.incident_changed(view.incident.id).await?;
        }
        self.written_comment(id).await
    }

    /// Lets the author of a comment write again.
    ///
    /// # Errors
    /// When there is no such comment, its author was not banned, or the store fails.
    pub async fn unban_commenter(
        &self,
        id: CommentId,
        who: &str,
    ) -> Result<WrittenComment, EngineError> {
        let account = self.written_comment(id).await?.comment.account;
        let what = format!("account {account}");
        let audit = self.audit(who, "allowed a commenter again", &what, "");
        match self.store().unban_commenter(account, &audit).await {
            Err(StoreError::Conflict { .. }) => {
                Err(EngineError::conflict("This author may write already."))
            }
            done => {
                done?;
                self.written_comment(id).await
            }
        }
    }

    /// Comments of a standing before `before`, the newest first, at most `limit`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn comments(
        &self,
        standing: Standing,
        before: Option<CommentId>,
        limit: u32,
    ) -> Result<Vec<WrittenComment>, EngineError> {
        Ok(self.store().comments(standing, before, limit).await?)
    }

    /// Comments that are shown under an incident, before `before`, the newest first. Whoever shows
    /// them asks first who may read the incident.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn shown_comments(
        &self,
        incident: IncidentId,
        before: Option<CommentId>,
        limit: u32,
    ) -> Result<Vec<Comment>, EngineError> {
        Ok(self.store().shown_comments(incident, before, limit).await?)
    }

    async fn shown_comment(&self, id: CommentId) -> Result<Comment, EngineError> {
        let known = self.store().comment(id).await?.map(|known| known.comment);
        known
            .filter(|comment| comment.standing == Standing::Shown)
            .ok_or_else(|| EngineError::not_found("comment", id))
    }

    async fn written_comment(&self, id: CommentId) -> Result<WrittenComment, EngineError> {
        let known = self.store().comment(id).await?;
        known.ok_or_else(|| EngineError::not_found("comment", id))
    }

    async fn readable(&self, id: IncidentId, reader: &Reader) -> Result<(), EngineError> {
        let view = self.find_incident(id).await?;
        let own = self.organizations_of(reader.email.as_str()).await?;
        let may = view.is_some_and(|view| self.may_read(&view.incident, &own));
        may.then_some(())
            .ok_or_else(|| EngineError::not_found("incident", id))
    }
}

const REPORTED: &str = "Readers reported it.";

fn may_write(reader: &Reader) -> Result<(), EngineError> {
    match &reader.banned {
        None => Ok(()),
        Some(reason) => Err(EngineError::conflict(format!(
            "You may not write here any more: {reason}"
        ))),
    }
}

fn reason_of(reason: &str) -> Result<String, EngineError> {
    let reason = reason.trim();
    let fits = reason.chars().count() <= REASON_CHARACTERS_MAX;
    if !fits || reason.chars().any(char::is_control) {
        let rule = format!("give at most {REASON_CHARACTERS_MAX} characters on one line");
        return Err(EngineError::refused_at("reason", rule));
    }
    Ok(reason.to_owned())
}
