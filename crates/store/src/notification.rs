//! What followers are told, and the messages that carry it. A notification is claimed for a while
//! under a fence; what a worker says after its claim was taken over is not counted.

use domain::id::{AnnouncementId, FollowerId, IncidentId, NotificationId, UpdateId};
use jiff::Timestamp;

use crate::db::{Change, Row, Value, corrupt, params};
use crate::{Attempt, AuditEntry, Store, StoreError};

pub(crate) const ADD_NOTIFICATION: &str = "INSERT INTO notifications (id, follower, announcement, lane, next_at, state, \
    attempts, fence, leased_until) VALUES ($1, $2, $3, $4, $5, 'waiting', 0, 0, 0)";

/// Something posted that followers are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// Its identifier.
    pub id: AnnouncementId,
    /// The incident.
    pub incident: IncidentId,
    /// The post; none when the incident became public.
    pub post: Option<UpdateId>,
    /// When.
    pub made_at: Timestamp,
    /// Whether it is for those only who were told nothing of the incident yet.
    pub only_new: bool,
    /// The last follower that notifications were made for.
    pub follower: Option<FollowerId>,
}

/// Which way a notification goes. A slow way must not hold up the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// The mail server.
    Mail,
    /// Requests to the followers' own addresses.
    Webhook,
}

impl Lane {
    /// The word it is stored as.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Webhook => "webhook",
        }
    }
}

/// A message to one follower.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// Its identifier; the same at each attempt, so that a receiver can drop doubles.
    pub id: NotificationId,
    /// To whom.
    pub follower: FollowerId,
    /// What; none for the question whether to follow.
    pub announcement: Option<AnnouncementId>,
    /// Not before this moment.
    pub next_at: Timestamp,
    /// Attempts so far, a claimed one included.
    pub attempts: u32,
    /// The claim it was taken under.
    pub fence: u64,
}

/// How the notifications of an incident fare.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Told {
    /// Not sent yet, or tried again later.
    pub waiting: u64,
    /// Arrived.
    pub delivered: u64,
    /// Tried too often, or refused for good.
    pub given_up: u64,
    /// Not wanted any more.
    pub dropped: u64,
    /// Some that failed and when they are tried again, if they are: identifier and reason.
    pub failures: Vec<(NotificationId, String)>,
}

pub(crate) fn announcement_params(one: &Announcement) -> Vec<Value> {
    params![one.id, one.incident, one.post, one.made_at, one.only_new]
}

impl Store {
    /// The oldest announcement that not all followers have notifications of.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn next_announcement(&self) -> Result<Option<Announcement>, StoreError> {
        const NEXT: &str = "SELECT id, incident, post, made_at, follower, only_new FROM announcements \
            WHERE spread_at IS NULL ORDER BY made_at, id LIMIT 1";
        let rows = self.db.read(NEXT, vec![]).await?;
        rows.first().map(announcement).transpose()
    }

    /// An announcement.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn announcement(
        &self,
        id: AnnouncementId,
    ) -> Result<Option<Announcement>, StoreError> {
        const GET: &str = "SELECT id, incident, post, made_at, follower, only_new FROM announcements WHERE id = $1";
        let rows = self.db.read(GET, params![id]).await?;
        rows.first().map(announcement).transpose()
    }

    /// Makes notifications of an announcement and moves it past `until`; with none, everybody has
    /// theirs.
    ///
    /// # Errors
    /// `Conflict` when it was moved since it was read; when the database fails.
    pub async fn spread(
        &self,
        announcement: &Announcement,
        told: &[(NotificationId, FollowerId, Lane)],
        until: Option<FollowerId>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        const MOVE: &str = "UPDATE announcements SET follower = $2 WHERE id = $1 AND spread_at IS NULL \
            AND COALESCE(follower, $3) = $3";
        const END: &str = "UPDATE announcements SET spread_at = $2 WHERE id = $1 AND spread_at IS NULL \
            AND COALESCE(follower, $3) = $3";
        let before = announcement
            .follower
            .map_or_else(Vec::new, |id| id.as_bytes().to_vec());
        let change = match until {
            Some(until) => Change::new().run(MOVE, params![announcement.id, until, before]),
            None => Change::new().run(END, params![announcement.id, now, before]),
        };
        let sets = told.iter().map(|(id, follower, lane)| {
            params![*id, *follower, announcement.id, lane.as_str(), now]
        });
        let change = change
            .expect_rows(1)
            .run_many(ADD_NOTIFICATION, sets.collect());
        self.db.write(change).await.map(drop)
    }

    /// Those followers between two, both included, that were told of an incident.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn followers_told(
        &self,
        incident: IncidentId,
        (first, last): (FollowerId, FollowerId),
    ) -> Result<Vec<FollowerId>, StoreError> {
        const LIST: &str = "SELECT DISTINCT n.follower FROM notifications n \
            JOIN announcements a ON a.id = n.announcement \
            WHERE a.incident = $1 AND n.follower >= $2 AND n.follower <= $3";
        let rows = self.db.read(LIST, params![incident, first, last]).await?;
        rows.iter()
            .map(|row| row.id(0, FollowerId::from_bytes))
            .collect()
    }

    /// Takes at most `limit` notifications that are due, until `leased_until`. Nobody else gets them
    /// before then; afterwards they are due again.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claim_notifications(
        &self,
        lane: Lane,
        (now, leased_until): (Timestamp, Timestamp),
        limit: u32,
    ) -> Result<Vec<Notification>, StoreError> {
        // The outer conditions hold also for the row that another claim has just changed.
        const CLAIM: &str = "UPDATE notifications SET fence = fence + 1, attempts = attempts + 1, leased_until = $2 \
            WHERE id IN (SELECT id FROM notifications WHERE lane = $4 AND state = 'waiting' AND next_at <= $1 \
                AND leased_until <= $1 ORDER BY next_at LIMIT $3) \
                AND state = 'waiting' AND next_at <= $1 AND leased_until <= $1 \
            RETURNING id, follower, announcement, next_at, attempts, fence";
        let claim = params![now, leased_until, limit, lane.as_str()];
        let outcomes = self.db.write(Change::new().run(CLAIM, claim)).await?;
        let rows = outcomes.iter().flat_map(|outcome| &outcome.rows);
        rows.map(notification).collect()
    }

    /// Records what became of claimed notifications, in one commit; how many. Not counted is one whose claim
    /// had been taken over, or whose follower is gone: nothing was changed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn finish_notifications(
        &self,
        outcomes: &[(Notification, Attempt)],
    ) -> Result<u64, StoreError> {
        const FINISH: &str = "UPDATE notifications SET state = $3, next_at = $4, failure = $5, leased_until = 0 \
            WHERE id = $1 AND fence = $2 AND state = 'waiting'";
        let sets = outcomes.iter().map(|(claimed, attempt)| {
            let (state, next_at, failure) = attempt.recorded(claimed.next_at);
            params![claimed.id, claimed.fence, state, next_at, failure]
        });
        let change = Change::new().run_many(FINISH, sets.collect());
        let outcomes = self.db.write(change).await?;
        Ok(outcomes.iter().map(|outcome| outcome.affected).sum())
    }

    /// When the next notification of a lane is due, or its claim runs out.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn next_notification_at(&self, lane: Lane) -> Result<Option<Timestamp>, StoreError> {
        const NEXT: &str = "SELECT next_at, leased_until FROM notifications WHERE lane = $1 AND state = 'waiting' \
            ORDER BY CASE WHEN leased_until > next_at THEN leased_until ELSE next_at END LIMIT 1";
        let rows = self.db.read(NEXT, params![lane.as_str()]).await?;
        rows.first()
            .map(|row| Ok(row.time(0)?.max(row.time(1)?)))
            .transpose()
    }

    /// How the notifications of an incident fare, with at most `limit` failures.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn told(&self, incident: IncidentId, limit: u32) -> Result<Told, StoreError> {
        const COUNT: &str = "SELECT n.state, COUNT(*) FROM notifications n JOIN announcements a ON a.id = n.announcement \
            WHERE a.incident = $1 GROUP BY n.state LIMIT 10";
        const FAILED: &str = "SELECT n.id, n.failure FROM notifications n JOIN announcements a ON a.id = n.announcement \
            WHERE a.incident = $1 AND n.failure IS NOT NULL AND n.state IN ('waiting', 'given_up') \
            ORDER BY n.id DESC LIMIT $2";
        let mut told = Told::default();
        for row in self.db.read(COUNT, params![incident]).await? {
            let count = match row.str(0)? {
                "waiting" => &mut told.waiting,
                "delivered" => &mut told.delivered,
                "given_up" => &mut told.given_up,
                "dropped" => &mut told.dropped,
                other => return Err(corrupt("state of a notification", &other)),
            };
            *count = row.count(1)?;
        }
        let failed = self.db.read(FAILED, params![incident, limit]).await?;
        let read = |row: &Row| Ok((row.id(0, NotificationId::from_bytes)?, row.text(1)?));
        told.failures = failed.iter().map(read).collect::<Result<_, StoreError>>()?;
        Ok(told)
    }

    /// Tries a notification that was given up again; false when there is none such.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn retry_notification(
        &self,
        id: NotificationId,
        now: Timestamp,
        audit: &AuditEntry,
    ) -> Result<bool, StoreError> {
        const RETRY: &str = "UPDATE notifications SET state = 'waiting', next_at = $2, attempts = 0 \
            WHERE id = $1 AND state = 'given_up'";
        let change = Change::new().run(RETRY, params![id, now]).expect_rows(1);
        match self.db.write(change.audit(audit)).await {
            Ok(_) => Ok(true),
            Err(StoreError::Conflict { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn announcement(row: &Row) -> Result<Announcement, StoreError> {
    Ok(Announcement {
        id: row.id(0, AnnouncementId::from_bytes)?,
        incident: row.id(1, IncidentId::from_bytes)?,
        post: row.optional(2, |row| row.id(2, UpdateId::from_bytes))?,
        made_at: row.time(3)?,
        follower: row.optional(4, |row| row.id(4, FollowerId::from_bytes))?,
        only_new: row.flag(5)?,
    })
}

fn notification(row: &Row) -> Result<Notification, StoreError> {
    Ok(Notification {
        id: row.id(0, NotificationId::from_bytes)?,
        follower: row.id(1, FollowerId::from_bytes)?,
        announcement: row.optional(2, |row| row.id(2, AnnouncementId::from_bytes))?,
        next_at: row.time(3)?,
        attempts: u32::try_from(row.count(4)?).unwrap_or(u32::MAX),
        fence: row.count(5)?,
    })
}
