//! Followers: addresses sealed, found by hashes. An ended follower is deleted.

use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use domain::follower::{About, Channel, Email, Follower, Shape};
use domain::id::{FollowerId, NotificationId, OrganizationId, SiteId};
use domain::language::Language;
use jiff::Timestamp;

use crate::db::{Change, Row, Value, corrupt, params};
use crate::notification::ADD_NOTIFICATION;
use crate::{AuditEntry, Lane, Store, StoreError};

/// What addresses, secrets and tokens of followers are sealed for.
const ADDRESS: &str = "follower address";
const SECRET: &str = "follower secret";
const TOKEN: &str = "follower token";
/// What is waiting for a follower who is gone goes nowhere.
const DROP: &str =
    "UPDATE notifications SET state = 'dropped' WHERE follower = $1 AND state = 'waiting'";

/// Followers read by one statement.
const READ_AT_ONCE: usize = 64;
/// One text for both databases, which share no way to pass a list.
static OF: LazyLock<String> = LazyLock::new(|| {
    let places: Vec<_> = (1..=READ_AT_ONCE).map(|at| format!("${at}")).collect();
    format!(
        "SELECT id, channel, address, secret, product, organization, site, asked_at, confirmed_at, language, \
        token FROM followers WHERE id IN ({})",
        places.join(", ")
    )
});

/// How many followers share a channel and what they follow.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct FollowerCount {
    /// `email`, or the shape of a webhook.
    pub channel: String,
    /// `everything`, `product`, `organization` or `site`.
    pub about: String,
    /// Those who said yes.
    pub confirmed: u64,
    /// Those who were asked and did not answer yet.
    pub asked: u64,
}

impl Store {
    /// Adds a follower, known by `token` from now on. With a notification, its holder is asked first.
    ///
    /// # Errors
    /// When this address follows this already; when the database fails.
    pub async fn add_follower(
        &self,
        follower: &Follower,
        token: &str,
        ask: Option<NotificationId>,
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        const ADD: &str = "INSERT INTO followers (id, channel, address, address_hash, secret, token, token_hash, \
            product, organization, site, about, asked_at, confirmed_at, language) \
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) \
            ON CONFLICT (address_hash, about) DO NOTHING";
        let address = follower.channel.address();
        let secret = match &follower.channel {
            Channel::Webhook { secret, .. } => secret.as_deref(),
            Channel::Email(_) => None,
        };
        let about = &follower.about;
        let add = params![
            follower.id,
            follower.channel.as_str(),
            self.sealer.seal(ADDRESS, address.as_bytes())?,
            hash(address),
            secret
                .map(|secret| self.sealer.seal(SECRET, secret.as_bytes()))
                .transpose()?,
            self.sealer.seal(TOKEN, token.as_bytes())?,
            hash(token),
            about.product.as_ref(),
            about.organization,
            about.site,
            about_key(about),
            follower.asked_at,
            follower.confirmed_at,
            follower.language.tag(),
        ];
        let at = follower.asked_at;
        let change = Change::new().run(ADD, add).expect_rows(1);
        let change = asked(change, ask, (follower.id, at)).audit(audit);
        self.db.write(change).await.map(drop)
    }

    /// Asks a follower who did not say yes again, in a language.
    ///
    /// # Errors
    /// `Conflict` when the follower is gone or said yes; when the database fails.
    pub async fn ask_again(
        &self,
        follower: FollowerId,
        ask: NotificationId,
        (at, language): (Timestamp, Language),
    ) -> Result<(), StoreError> {
        const ASK: &str = "UPDATE followers SET asked_at = $2, language = $3 \
            WHERE id = $1 AND confirmed_at IS NULL";
        let change = Change::new()
            .run(ASK, params![follower, at, language.tag()])
            .expect_rows(1);
        let change = asked(change, Some(ask), (follower, at));
        self.db.write(change).await.map(drop)
    }

    /// When an address was asked since a moment without a yes, the last one first, at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn asked_since(
        &self,
        address: &str,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<Timestamp>, StoreError> {
        const LIST: &str = "SELECT at FROM follow_questions WHERE address_hash = $1 AND at > $2 \
            ORDER BY at DESC LIMIT $3";
        let rows = self.db.read(LIST, params![hash(address), since, limit]);
        rows.await?.iter().map(|row| row.time(0)).collect()
    }

    /// What an address follows, at most `limit`.
    ///
    /// # Errors
    /// When the database fails or a secret does not open.
    pub async fn followers_at(
        &self,
        address: &str,
        limit: u32,
    ) -> Result<Vec<Follower>, StoreError> {
        const LIST: &str = "SELECT id, channel, address, secret, product, organization, site, asked_at, \
            confirmed_at, language FROM followers WHERE address_hash = $1 ORDER BY id LIMIT $2";
        self.followers_read(LIST, params![hash(address), limit])
            .await
    }

    /// The follower that a token names.
    ///
    /// # Errors
    /// When the database fails or a secret does not open.
    pub async fn follower_by_token(&self, token: &str) -> Result<Option<Follower>, StoreError> {
        const GET: &str = "SELECT id, channel, address, secret, product, organization, site, asked_at, \
            confirmed_at, language FROM followers WHERE token_hash = $1";
        Ok(self.followers_read(GET, params![hash(token)]).await?.pop())
    }

    /// A follower with the token that its messages carry.
    ///
    /// # Errors
    /// When the database fails or a secret does not open.
    pub async fn follower(&self, id: FollowerId) -> Result<Option<(Follower, String)>, StoreError> {
        const GET: &str = "SELECT id, channel, address, secret, product, organization, site, asked_at, \
            confirmed_at, language, token FROM followers WHERE id = $1";
        let rows = self.db.read(GET, params![id]).await?;
        let read = |row: &Row| Ok((self.follower_of(row)?, self.open_text(TOKEN, row, 10)?));
        rows.first().map(read).transpose()
    }

    /// Those of `ids` that are still there, with the tokens that their messages carry.
    ///
    /// # Errors
    /// When the database fails or a secret does not open.
    pub async fn followers_of(
        &self,
        ids: &[FollowerId],
    ) -> Result<Vec<(Follower, String)>, StoreError> {
        let mut found = Vec::with_capacity(ids.len());
        for ids in ids.chunks(READ_AT_ONCE) {
            // What is left of the statement's places repeats the last one.
            let ids = (0..READ_AT_ONCE).filter_map(|at| ids.get(at).or(ids.last()));
            let ids = ids.map(|id| Value::from(*id)).collect();
            for row in &self.db.read(&OF, ids).await? {
                found.push((self.follower_of(row)?, self.open_text(TOKEN, row, 10)?));
            }
        }
        Ok(found)
    }

    /// Followers after `after`, at most `limit`.
    ///
    /// # Errors
    /// When the database fails or a secret does not open.
    pub async fn followers_after(
        &self,
        after: Option<FollowerId>,
        limit: u32,
    ) -> Result<Vec<Follower>, StoreError> {
        const LIST: &str = "SELECT id, channel, address, secret, product, organization, site, asked_at, \
            confirmed_at, language FROM followers WHERE id > $1 ORDER BY id LIMIT $2";
        let after = after.map_or_else(|| vec![0; 16], |id| id.as_bytes().to_vec());
        self.followers_read(LIST, params![after, limit]).await
    }

    /// How many followers there are, by channel and by what they follow.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn follower_counts(&self) -> Result<Vec<FollowerCount>, StoreError> {
        const COUNT: &str = "SELECT channel, kind, COUNT(confirmed_at), COUNT(*) FROM (SELECT channel, confirmed_at, \
            CASE WHEN site IS NOT NULL THEN 'site' WHEN organization IS NOT NULL THEN 'organization' \
            WHEN product IS NOT NULL THEN 'product' ELSE 'everything' END AS kind FROM followers) AS one \
            GROUP BY channel, kind ORDER BY channel, kind LIMIT 100";
        let rows = self.db.read(COUNT, vec![]).await?;
        let read = |row: &Row| {
            let confirmed = row.count(2)?;
            Ok(FollowerCount {
                channel: row.text(0)?,
                about: row.text(1)?,
                confirmed,
                asked: row.count(3)?.saturating_sub(confirmed),
            })
        };
        rows.iter().map(read).collect()
    }

    /// Remembers that a follower said yes, and forgets what its address was asked; false when it had
    /// before, or is gone.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn confirm_follower(
        &self,
        id: FollowerId,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        const CONFIRM: &str =
            "UPDATE followers SET confirmed_at = $2 WHERE id = $1 AND confirmed_at IS NULL";
        const ANSWERED: &str = "DELETE FROM follow_questions WHERE address_hash IN \
            (SELECT address_hash FROM followers WHERE id = $1)";
        let change = Change::new()
            .run(CONFIRM, params![id, at])
            .run(ANSWERED, params![id]);
        let done = self.db.write(change).await?;
        Ok(done.first().is_some_and(|outcome| outcome.affected == 1))
    }

    /// Forgets a follower, and drops what waits for it. Doing it twice is a conflict.
    ///
    /// # Errors
    /// `Conflict` when it is gone already; when the database fails.
    pub async fn end_follower(&self, id: FollowerId, audit: &AuditEntry) -> Result<(), StoreError> {
        const END: &str = "DELETE FROM followers WHERE id = $1";
        let change = Change::new()
            .run(END, params![id])
            .expect_rows(1)
            .run(DROP, params![id]);
        self.db.write(change.audit(audit)).await.map(drop)
    }

    /// Forgets those who were asked before `before` and never said yes, and when they were asked; how
    /// many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn purge_unconfirmed(&self, before: Timestamp) -> Result<u64, StoreError> {
        const DROP: &str = "UPDATE notifications SET state = 'dropped' WHERE state = 'waiting' AND follower IN \
            (SELECT id FROM followers WHERE confirmed_at IS NULL AND asked_at < $1)";
        const PURGE: &str = "DELETE FROM followers WHERE confirmed_at IS NULL AND asked_at < $1";
        const FORGET: &str = "DELETE FROM follow_questions WHERE at < $1";
        let change = Change::new()
            .run(FORGET, params![before])
            .run(DROP, params![before])
            .run(PURGE, params![before]);
        let outcomes = self.db.write(change).await?;
        Ok(outcomes.last().map_or(0, |outcome| outcome.affected))
    }

    async fn followers_read(
        &self,
        sql: &'static str,
        params: Vec<Value>,
    ) -> Result<Vec<Follower>, StoreError> {
        let rows = self.db.read(sql, params).await?;
        rows.iter().map(|row| self.follower_of(row)).collect()
    }

    fn follower_of(&self, row: &Row) -> Result<Follower, StoreError> {
        let (word, address) = (row.text(1)?, self.open_text(ADDRESS, row, 2)?);
        let channel = match Shape::parse(&word) {
            Some(shape) => Channel::Webhook {
                url: address,
                shape,
                secret: row.optional(3, |row| self.open_text(SECRET, row, 3))?,
            },
            None => Channel::Email(Email::parse(&address).map_err(|_| corrupt("address", &word))?),
        };
        Ok(Follower {
            id: row.id(0, FollowerId::from_bytes)?,
            channel,
            about: About {
                product: row.optional(4, |row| row.parse(4, "product"))?,
                organization: row.optional(5, |row| row.id(5, OrganizationId::from_bytes))?,
                site: row.optional(6, |row| row.id(6, SiteId::from_bytes))?,
            },
            asked_at: row.time(7)?,
            confirmed_at: row.optional(8, |row| row.time(8))?,
            language: row.parse(9, "language")?,
        })
    }

    fn open_text(&self, context: &str, row: &Row, column: usize) -> Result<String, StoreError> {
        let text = self.sealer.unseal(context, row.bytes(column)?)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }
}

/// Adds the question to a change, with a mail that asks it.
fn asked(
    change: Change,
    ask: Option<NotificationId>,
    (follower, at): (FollowerId, Timestamp),
) -> Change {
    const COUNT: &str = "INSERT INTO follow_questions (id, address_hash, at) \
        SELECT $1, address_hash, CAST($3 AS BIGINT) FROM followers WHERE id = $2";
    let Some(ask) = ask else {
        return change;
    };
    let none: Option<domain::id::AnnouncementId> = None;
    let mail = params![ask, follower, none, Lane::Mail.as_str(), at];
    let change = change.run(ADD_NOTIFICATION, mail);
    change.run(COUNT, params![ask, follower, at])
}

fn hash(text: &str) -> Vec<u8> {
    digest(&SHA256, text.as_bytes()).as_ref().to_vec()
}

fn about_key(about: &About) -> String {
    let product = about.product.as_ref().map(ToString::to_string);
    let organization = about.organization.map(|id| id.to_string());
    let site = about.site.map(|id| id.to_string());
    [product, organization, site]
        .map(Option::unwrap_or_default)
        .join("/")
}
