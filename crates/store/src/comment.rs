//! Comments of customers, their votes and reports, and who may write no more.

use domain::comment::{Comment, Standing};
use domain::id::{AccountId, CommentId, IncidentId};
use domain::sign_in::Email;
use jiff::Timestamp;

use crate::db::{Change, Row, corrupt, params};
use crate::sign_in::Hash;
use crate::{AuditEntry, Store, StoreError};

/// A customer who is signed in on the public pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reader {
    /// The account.
    pub account: AccountId,
    /// Its address; for staff and the account itself only.
    pub email: Email,
    /// Why it may not write, if it may not.
    pub banned: Option<String>,
}

/// A comment as staff see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenComment {
    /// The comment.
    pub comment: Comment,
    /// Its author's address.
    pub email: Email,
    /// Whether the author may write no more.
    pub banned: bool,
}

impl Store {
    /// Adds a session of the public pages.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add_reader_session(
        &self,
        token_hash: &Hash,
        account: AccountId,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        const ADD: &str =
            "INSERT INTO reader_sessions (token_hash, account, expires_at) VALUES ($1, $2, $3)";
        let change = Change::new().run(ADD, params![&token_hash[..], account, expires_at]);
        self.db.write(change).await.map(drop)
    }

    /// Ends a session of the public pages; doing it twice is fine.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end_reader_session(&self, token_hash: &Hash) -> Result<(), StoreError> {
        const END: &str = "DELETE FROM reader_sessions WHERE token_hash = $1";
        let change = Change::new().run(END, params![&token_hash[..]]);
        self.db.write(change).await.map(drop)
    }

    /// Who holds a session of the public pages, unless it ended.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn reader(
        &self,
        token_hash: &Hash,
        now: Timestamp,
    ) -> Result<Option<Reader>, StoreError> {
        const FIND: &str = "SELECT s.account, a.email, b.reason FROM reader_sessions s \
            JOIN accounts a ON a.id = s.account LEFT JOIN comment_bans b ON b.account = s.account \
            WHERE s.token_hash = $1 AND s.expires_at > $2";
        let rows = self.db.read(FIND, params![&token_hash[..], now]).await?;
        let reader = |row: &Row| {
            Ok(Reader {
                account: row.id(0, AccountId::from_bytes)?,
                email: row.parse(1, "e-mail address")?,
                banned: row.optional(2, |row| row.text(2))?,
            })
        };
        rows.first().map(reader).transpose()
    }

    /// Adds a comment.
    ///
    /// # Errors
    /// `Conflict` when its author may write no more; when the database fails, or there is no such incident
    /// or account.
    pub async fn add_comment(
        &self,
        comment: &Comment,
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        const ADD: &str = "INSERT INTO comments (id, incident, account, name, body, at, standing, reason) \
            SELECT $1, $2, $3, $4, $5, CAST($6 AS BIGINT), $7, CAST($8 AS TEXT) \
            WHERE NOT EXISTS (SELECT 1 FROM comment_bans WHERE account = $3)";
        let change = Change::new().run(
            ADD,
            params![
                comment.id,
                comment.incident,
                comment.account,
                &comment.name,
                &comment.text,
                comment.at,
                comment.standing.as_str(),
                comment.reason.clone(),
            ],
        );
        let change = change.expect_rows(1).audit(audit);
        self.db.write(change).await.map(drop)
    }

    /// Decides about a comment. `who` is none where readers' reports decide, which only a comment
    /// that staff have not looked at obeys.
    ///
    /// # Errors
    /// `Conflict` when there is no such comment, or staff were faster; when the database fails.
    pub async fn judge_comment(
        &self,
        id: CommentId,
        (standing, reason): (Standing, &str),
        who: Option<&str>,
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        const JUDGE: &str = "UPDATE comments SET standing = $2, reason = $3, decided_by = CAST($4 AS TEXT) \
            WHERE id = $1 AND (CAST($4 AS TEXT) IS NOT NULL OR decided_by IS NULL)";
        let params = params![id, standing.as_str(), reason, who.map(str::to_owned)];
        let change = Change::new().run(JUDGE, params).expect_rows(1);
        self.db.write(change.audit(audit)).await.map(drop)
    }

    /// Lets an account write no more, and hides what it wrote.
    ///
    /// # Errors
    /// When the database fails, or there is no such account.
    pub async fn ban_commenter(
        &self,
        account: AccountId,
        (who, reason): (&str, &str),
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        const BAN: &str = "INSERT INTO comment_bans (account, at, author, reason) VALUES ($1, $2, $3, $4) \
            ON CONFLICT (account) DO UPDATE SET at = $2, author = $3, reason = $4";
        const HIDE: &str = "UPDATE comments SET standing = 'hidden', reason = $2, decided_by = $3 \
            WHERE account = $1 AND standing <> 'hidden'";
        let change = Change::new()
            .run(BAN, params![account, audit.at, who, reason])
            .run(HIDE, params![account, reason, who]);
        self.db.write(change.audit(audit)).await.map(drop)
    }

    /// Lets an account write again. What was hidden stays hidden.
    ///
    /// # Errors
    /// `Conflict` when it was allowed to; when the database fails.
    pub async fn unban_commenter(
        &self,
        account: AccountId,
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        const UNBAN: &str = "DELETE FROM comment_bans WHERE account = $1";
        let change = Change::new().run(UNBAN, params![account]).expect_rows(1);
        self.db.write(change.audit(audit)).await.map(drop)
    }

    /// Counts a reader's vote for a comment, or takes it back; doing it twice is fine.
    ///
    /// # Errors
    /// When the database fails, or there is no such comment.
    pub async fn vote_for_comment(
        &self,
        id: CommentId,
        account: AccountId,
        helpful: bool,
    ) -> Result<(), StoreError> {
        const VOTE: &str = "INSERT INTO comment_votes (comment, account) VALUES ($1, $2) \
            ON CONFLICT (comment, account) DO NOTHING";
        const TAKE_BACK: &str = "DELETE FROM comment_votes WHERE comment = $1 AND account = $2";
        let sql = if helpful { VOTE } else { TAKE_BACK };
        let change = Change::new().run(sql, params![id, account]);
        self.db.write(change).await.map(drop)
    }

    /// Notes that a reader reports a comment; doing it twice is fine.
    ///
    /// # Errors
    /// When the database fails, or there is no such comment.
    pub async fn report_comment(
        &self,
        id: CommentId,
        account: AccountId,
    ) -> Result<(), StoreError> {
        const REPORT: &str = "INSERT INTO comment_reports (comment, account) VALUES ($1, $2) \
            ON CONFLICT (comment, account) DO NOTHING";
        let change = Change::new().run(REPORT, params![id, account]);
        self.db.write(change).await.map(drop)
    }

    /// A comment.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn comment(&self, id: CommentId) -> Result<Option<WrittenComment>, StoreError> {
        const GET: &str = "SELECT c.id, c.incident, c.account, c.name, c.body, c.at, c.standing, c.reason, \
            c.decided_by, (SELECT COUNT(*) FROM comment_votes v WHERE v.comment = c.id), \
            (SELECT COUNT(*) FROM comment_reports r WHERE r.comment = c.id), a.email, b.reason \
            FROM comments c JOIN accounts a ON a.id = c.account \
            LEFT JOIN comment_bans b ON b.account = c.account WHERE c.id = $1";
        let rows = self.db.read(GET, params![id]).await?;
        rows.first().map(written).transpose()
    }

    /// Comments under an incident that are shown, before `before`, the newest first, at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn shown_comments(
        &self,
        incident: IncidentId,
        before: Option<CommentId>,
        limit: u32,
    ) -> Result<Vec<Comment>, StoreError> {
        const LIST: &str = "SELECT c.id, c.incident, c.account, c.name, c.body, c.at, c.standing, c.reason, \
            c.decided_by, (SELECT COUNT(*) FROM comment_votes v WHERE v.comment = c.id), \
            (SELECT COUNT(*) FROM comment_reports r WHERE r.comment = c.id) \
            FROM comments c WHERE c.incident = $1 AND c.standing = 'shown' AND c.id < $2 \
            ORDER BY c.id DESC LIMIT $3";
        let before = before.unwrap_or(LAST);
        let rows = self.db.read(LIST, params![incident, before, limit]).await?;
        rows.iter().map(comment).collect()
    }

    /// How many comments under an incident are shown.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_comments(&self, incident: IncidentId) -> Result<u64, StoreError> {
        const COUNT: &str =
            "SELECT COUNT(*) FROM comments WHERE incident = $1 AND standing = 'shown'";
        let rows = self.db.read(COUNT, params![incident]).await?;
        rows.first().map_or(Ok(0), |row| row.count(0))
    }

    /// How many comments an account wrote since a moment, and whether staff ever showed one of its.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn written_by(
        &self,
        account: AccountId,
        since: Timestamp,
    ) -> Result<(u64, bool), StoreError> {
        const COUNT: &str = "SELECT (SELECT COUNT(*) FROM comments WHERE account = $1 AND at > $2), \
            (SELECT COUNT(*) FROM comments WHERE account = $1 AND standing = 'shown' \
            AND decided_by IS NOT NULL)";
        let rows = self.db.read(COUNT, params![account, since]).await?;
        let counts = |row: &Row| Ok((row.count(0)?, row.count(1)? > 0));
        rows.first().map_or(Ok((0, false)), counts)
    }

    /// Comments of a standing under all incidents, before `before`, the newest first, at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn comments(
        &self,
        standing: Standing,
        before: Option<CommentId>,
        limit: u32,
    ) -> Result<Vec<WrittenComment>, StoreError> {
        const LIST: &str = "SELECT c.id, c.incident, c.account, c.name, c.body, c.at, c.standing, c.reason, \
            c.decided_by, (SELECT COUNT(*) FROM comment_votes v WHERE v.comment = c.id), \
            (SELECT COUNT(*) FROM comment_reports r WHERE r.comment = c.id), a.email, b.reason \
            FROM comments c JOIN accounts a ON a.id = c.account \
            LEFT JOIN comment_bans b ON b.account = c.account \
            WHERE c.standing = $1 AND c.id < $2 ORDER BY c.id DESC LIMIT $3";
        let before = before.unwrap_or(LAST);
        let rows = self
            .db
            .read(LIST, params![standing.as_str(), before, limit]);
        rows.await?.iter().map(written).collect()
    }
}

/// After every identifier that can be drawn.
const LAST: CommentId = CommentId::MAX;

fn comment(row: &Row) -> Result<Comment, StoreError> {
    let standing = row.str(6)?;
    Ok(Comment {
        id: row.id(0, CommentId::from_bytes)?,
        incident: row.id(1, IncidentId::from_bytes)?,
        account: row.id(2, AccountId::from_bytes)?,
        name: row.text(3)?,
        text: row.text(4)?,
        at: row.time(5)?,
        standing: Standing::parse(standing).ok_or_else(|| corrupt("standing", &standing))?,
        reason: row.optional(7, |row| row.text(7))?,
        decided_by: row.optional(8, |row| row.text(8))?,
        votes: row.count(9)?,
        reports: row.count(10)?,
    })
}

fn written(row: &Row) -> Result<WrittenComment, StoreError> {
    Ok(WrittenComment {
        comment: comment(row)?,
        email: row.parse(11, "e-mail address")?,
        banned: row.optional(12, |row| row.text(12))?.is_some(),
    })
}
