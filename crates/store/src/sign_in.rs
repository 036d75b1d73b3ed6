//! What the OpenID Connect provider keeps: accounts, attempts, sessions, codes, tokens, client
//! secrets and signing keys. Never sees a secret that only needs comparing; its SHA-256 is given.

mod keys;

use domain::id::AccountId;
use domain::name::Hostname;
use domain::sign_in::{Email, Jwk};
use jiff::{SignedDuration, Timestamp};

use crate::db::{Change, Row, corrupt, params};
use crate::{AuditEntry, Store, StoreError};

pub use keys::{KeyState, SigningKeyRow};

/// The SHA-256 of a secret.
pub type Hash = [u8; 32];

/// Whoever signs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its identifier; the subject of ID tokens.
    pub id: AccountId,
    /// How it is found.
    pub email: Email,
    /// An argon2id hash as a PHC string; without one, only sessions sign it in.
    pub password: Option<String>,
    /// Whether probes sign in with it.
    pub canary: bool,
}

/// A browser that signed in at the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Of the cookie.
    pub token_hash: Hash,
    /// Whose it is.
    pub account: AccountId,
    /// When the password was given.
    pub signed_in_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// An authorization code, until it becomes tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    /// Of the code.
    pub code_hash: Hash,
    /// The client that it was made for.
    pub client_id: Hostname,
    /// Where it was sent.
    pub redirect_uri: String,
    /// Who signed in.
    pub account: AccountId,
    /// What was asked for, separated by spaces.
    pub scope: String,
    /// Ties the ID token to the client's request.
    pub nonce: Option<String>,
    /// The challenge of PKCE (S256), if the client sent one.
    pub challenge: Option<String>,
    /// The key chosen when the sign-in began; any active one without it.
    pub signing_kid: Option<String>,
    /// When the password was given.
    pub signed_in_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// A password that was right.
#[derive(Clone, Copy, Debug)]
pub struct SignedIn<'a> {
    /// Whose attempts are forgotten.
    pub email_hash: &'a Hash,
    /// The session that the browser had before.
    pub replaced: Option<&'a Hash>,
    /// The session that it has now.
    pub session: &'a Session,
    /// For the site.
    pub code: &'a Code,
    /// The hash that was checked, and the one to keep in its place.
    pub rehashed: Option<(&'a str, &'a str)>,
}

/// An access token about to be handed out.
#[derive(Clone, Debug)]
pub struct NewAccessToken {
    /// Of the token.
    pub token_hash: Hash,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// What a client shows to exchange a code.
#[derive(Clone, Copy, Debug)]
pub struct Exchange<'a> {
    /// Of the code.
    pub code_hash: &'a Hash,
    /// The client, already proven by its secret.
    pub client_id: &'a Hostname,
    /// Must be the one the code was sent to.
    pub redirect_uri: &'a str,
    /// Must be the code's; computed from the verifier.
    pub challenge: Option<&'a str>,
}

/// What an exchange of a code came to. The code is spent in every case but `NoSuchCode`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exchanged {
    /// The access token stands.
    Done(Box<Code>, Email),
    /// The redirect URI or the proof is not the code's.
    Mismatch(Box<Code>),
    /// Never made for this client, too old, or used before. A second use withdrew what the first got.
    NoSuchCode,
}

/// What an access token stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Who signed in.
    pub account: AccountId,
    /// Its address.
    pub email: Email,
    /// What may be told, separated by spaces.
    pub scope: String,
}

/// Bounds on password attempts for one address.
#[derive(Clone, Copy, Debug)]
pub struct AttemptLimit {
    /// Attempts before the address is locked.
    pub attempts_max: u32,
    /// How long it is locked, and how long attempts are remembered.
    pub lock: SignedDuration,
}

const INSERT_SESSION: &str = "INSERT INTO sign_in_sessions (token_hash, account, signed_in_at, \
    expires_at) VALUES ($1, $2, $3, $4)";
const INSERT_CODE: &str = "INSERT INTO authorization_codes (code_hash, client_id, redirect_uri, \
    account, scope, nonce, challenge, signing_kid, signed_in_at, expires_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";

const FORGET_ATTEMPTS: &str = "DELETE FROM sign_in_attempts WHERE email_hash = $1";

impl Store {
    /// Adds accounts, all or none.
    ///
    /// # Errors
    /// When the database fails, or an address has an account already.
    pub async fn add_accounts(
        &self,
        accounts: &[Account],
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        const ADD: &str = "INSERT INTO accounts (id, email, password, canary, created_at) \
            VALUES ($1, $2, $3, $4, $5) ON CONFLICT (email) DO NOTHING";
        let row = |account: &Account| {
            let password = account.password.as_deref();
            params![
                account.id,
                account.email.as_str(),
                password,
                account.canary,
                audit.at
            ]
        };
        let change = Change::new()
            .run_many(ADD, accounts.iter().map(row).collect())
            .expect_rows(accounts.len() as u64)
            .audit(audit);
        self.db.write(change).await.map(drop)
    }

    /// The account with this address.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn account_by_email(&self, email: &Email) -> Result<Option<Account>, StoreError> {
        const FIND: &str = "SELECT id, email, password, canary FROM accounts WHERE email = $1";
        let rows = self.db.read(FIND, params![email.as_str()]).await?;
        rows.first().map(account).transpose()
    }

    /// The first canary account.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn canary_account(&self) -> Result<Option<Account>, StoreError> {
        const FIND: &str = "SELECT id, email, password, canary FROM accounts WHERE canary = 1 \
            ORDER BY id LIMIT 1";
        let rows = self.db.read(FIND, vec![]).await?;
        rows.first().map(account).transpose()
    }

    /// Counts an attempt before it is checked, so that attempts at once cannot outrun the limit;
    /// false when the address is locked, and then nothing is counted.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_attempt(
        &self,
        email_hash: &Hash,
        limit: AttemptLimit,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        // The end moves with each attempt until the limit is reached, and stands from then on.
        // What a lock turns away leaves no trace: the count is of attempts that were let through,
        // so that giving some of them back ends at the right number.
        const COUNT: &str = "INSERT INTO sign_in_attempts (email_hash, attempts, ends_at) \
            VALUES ($1, 1, $3) ON CONFLICT (email_hash) DO UPDATE SET \
            attempts = CASE WHEN sign_in_attempts.ends_at <= $2 THEN 1 \
                ELSE sign_in_attempts.attempts + 1 END, ends_at = excluded.ends_at \
            WHERE sign_in_attempts.ends_at <= $2 OR sign_in_attempts.attempts < $4";
        let ends_at = now.saturating_add(limit.lock).unwrap_or(Timestamp::MAX);
        let params = params![&email_hash[..], now, ends_at, limit.attempts_max];
        let outcomes = self.db.write(Change::new().run(COUNT, params)).await?;
        Ok(outcomes.iter().any(|counted| counted.affected > 0))
    }

    /// Gives back an attempt that was counted and then not checked.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn give_back_attempt(&self, email_hash: &Hash) -> Result<(), StoreError> {
        const GIVE_BACK: &str = "UPDATE sign_in_attempts SET attempts = attempts - 1 \
            WHERE email_hash = $1 AND attempts > 0";
        let change = Change::new().run(GIVE_BACK, params![&email_hash[..]]);
        self.db.write(change).await.map(drop)
    }

    /// Forgets the attempts of an address, so that it is no longer locked; false when none count.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_attempts(
        &self,
        email_hash: &Hash,
        audit: &AuditEntry,
    ) -> Result<bool, StoreError> {
        let change = Change::new()
            .run(FORGET_ATTEMPTS, params![&email_hash[..]])
            .expect_rows(1)
            .audit(audit);
        match self.db.write(change).await {
            Err(StoreError::Conflict { .. }) => Ok(false),
            done => done.map(|_| true),
        }
    }

    /// Saves that a password was right: forgets the attempts, replaces the browser's old session
    /// and perhaps the password's hash, and adds the code for the site.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn save_sign_in(&self, signed_in: SignedIn<'_>) -> Result<(), StoreError> {
        // A password that was changed meanwhile stays changed.
        const REHASH: &str = "UPDATE accounts SET password = $3 WHERE id = $1 AND password = $2";
        const REPLACE: &str = "DELETE FROM sign_in_sessions WHERE token_hash = $1";
        let SignedIn {
            email_hash,
            replaced,
            session,
            code,
            rehashed,
        } = signed_in;
        let mut change = Change::new()
            .run(FORGET_ATTEMPTS, params![&email_hash[..]])
            .run(INSERT_SESSION, session_params(session))
            .run(INSERT_CODE, code_params(code));
        if let Some(replaced) = replaced {
            change = change.run(REPLACE, params![&replaced[..]]);
        }
        if let Some((from, to)) = rehashed {
            change = change.run(REHASH, params![session.account, from, to]);
        }
        self.db.write(change).await.map(drop)
    }

    /// Adds a session.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add_session(&self, session: &Session) -> Result<(), StoreError> {
        let change = Change::new().run(INSERT_SESSION, session_params(session));
        self.db.write(change).await.map(drop)
    }

    /// Adds a session for each address, all or none; times are the audit entry's and `expires_at`.
    ///
    /// # Errors
    /// `Conflict` when an address has no account.
    pub async fn add_sessions(
        &self,
        sessions: &[(Email, Hash)],
        expires_at: Timestamp,
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        const ADD: &str = "INSERT INTO sign_in_sessions (token_hash, account, signed_in_at, \
            expires_at) SELECT $1, id, $3, $4 FROM accounts WHERE email = $2";
        let row = |(email, hash): &(Email, Hash)| {
            params![&hash[..], email.as_str(), audit.at, expires_at]
        };
        let change = Change::new()
            .run_many(ADD, sessions.iter().map(row).collect())
            .expect_rows(sessions.len() as u64)
            .audit(audit);
        self.db.write(change).await.map(drop)
    }

    /// The session with this hash, unless it ended.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn session(
        &self,
        token_hash: &Hash,
        now: Timestamp,
    ) -> Result<Option<Session>, StoreError> {
        const FIND: &str = "SELECT account, signed_in_at, expires_at FROM sign_in_sessions \
            WHERE token_hash = $1 AND expires_at > $2";
        let rows = self.db.read(FIND, params![&token_hash[..], now]).await?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        Ok(Some(Session {
            token_hash: *token_hash,
            account: row.id(0, AccountId::from_bytes)?,
            signed_in_at: row.time(1)?,
            expires_at: row.time(2)?,
        }))
    }

    /// Adds a code.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add_code(&self, code: &Code) -> Result<(), StoreError> {
        let change = Change::new().run(INSERT_CODE, code_params(code));
        self.db.write(change).await.map(drop)
    }

    /// Spends a code, once whoever else tries, and adds the access token if everything fits.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn exchange_code(
        &self,
        exchange: Exchange<'_>,
        token: &NewAccessToken,
        now: Timestamp,
    ) -> Result<Exchanged, StoreError> {
        const SPEND: &str = "UPDATE authorization_codes SET consumed_at = $3 \
            WHERE code_hash = $1 AND client_id = $2 AND consumed_at IS NULL AND expires_at > $3 \
            RETURNING account, redirect_uri, scope, nonce, challenge, signing_kid, signed_in_at, \
            expires_at, (SELECT email FROM accounts WHERE accounts.id = authorization_codes.account)";
        const GRANT: &str = "INSERT INTO access_tokens (token_hash, code_hash, account, client_id, \
            scope, expires_at) SELECT $1, code_hash, account, client_id, scope, $2 \
            FROM authorization_codes WHERE code_hash = $3 AND redirect_uri = $4 AND challenge = $5";
        let Exchange {
            code_hash,
            client_id,
            redirect_uri,
            challenge,
        } = exchange;
        let challenge = challenge.unwrap_or_default();
        let grant = params![
            &token.token_hash[..],
            token.expires_at,
            &code_hash[..],
            redirect_uri,
            challenge
        ];
        let change = Change::new()
            .run(SPEND, params![&code_hash[..], client_id, now])
            .expect_rows(1)
            .run(GRANT, grant);
        let outcomes = match self.db.write(change).await {
            Err(StoreError::Conflict { .. }) => {
                self.withdraw_grants(code_hash, client_id).await?;
                return Ok(Exchanged::NoSuchCode);
            }
            outcomes => outcomes?,
        };
        let row = outcomes.first().and_then(|spent| spent.rows.first());
        let row = row.ok_or_else(|| corrupt("spent code", &"nothing"))?;
        let code = Box::new(code(row, code_hash, client_id)?);
        if outcomes.get(1).is_some_and(|granted| granted.affected == 1) {
            Ok(Exchanged::Done(code, row.parse(8, "e-mail address")?))
        } else {
            Ok(Exchanged::Mismatch(code))
        }
    }

    /// Withdraws what a code got: it was shown twice, so somebody else may have it (RFC 6749, 4.1.2).
    async fn withdraw_grants(
        &self,
        code_hash: &Hash,
        client_id: &Hostname,
    ) -> Result<(), StoreError> {
        const WITHDRAW: &str = "DELETE FROM access_tokens WHERE code_hash = $1 AND client_id = $2";
        let change = Change::new().run(WITHDRAW, params![&code_hash[..], client_id]);
        self.db.write(change).await.map(drop)
    }

    /// What the access token with this hash stands for, unless it ended.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn grant(
        &self,
        token_hash: &Hash,
        now: Timestamp,
    ) -> Result<Option<Grant>, StoreError> {
        const FIND: &str = "SELECT t.account, a.email, t.scope FROM access_tokens t \
            JOIN accounts a ON a.id = t.account WHERE t.token_hash = $1 AND t.expires_at > $2";
        let rows = self.db.read(FIND, params![&token_hash[..], now]).await?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        Ok(Some(Grant {
            account: row.id(0, AccountId::from_bytes)?,
            email: row.parse(1, "e-mail address")?,
            scope: row.text(2)?,
        }))
    }

    /// Replaces the secrets of clients, all or none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn replace_client_secrets(
        &self,
        secrets: &[(Hostname, Hash)],
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        const REPLACE: &str = "INSERT INTO client_secrets (client_id, secret_hash, issued_at) \
            VALUES ($1, $2, $3) ON CONFLICT (client_id) DO UPDATE SET \
            secret_hash = excluded.secret_hash, issued_at = excluded.issued_at";
        let row = |(client, hash): &(Hostname, Hash)| params![client, &hash[..], audit.at];
        let change = Change::new()
            .run_many(REPLACE, secrets.iter().map(row).collect())
            .audit(audit);
        self.db.write(change).await.map(drop)
    }

    /// The hash of a client's secret.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn client_secret(&self, client_id: &Hostname) -> Result<Option<Hash>, StoreError> {
        const FIND: &str = "SELECT secret_hash FROM client_secrets WHERE client_id = $1";
        let rows = self.db.read(FIND, params![client_id]).await?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        let hash = row.bytes(0)?;
        hash.try_into()
            .map(Some)
            .map_err(|_| corrupt("client secret", &hash.len()))
    }

    /// Deletes what has ended, at most `limit` rows of each kind; gives the largest number deleted
    /// of one kind, so that a caller goes on while it equals `limit`.
    ///
    /// Codes are kept for `codes_kept` after their end, so that a second use is still recognised.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn purge_sign_in(
        &self,
        codes_kept: SignedDuration,
        limit: u32,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        const CODES: &str = "DELETE FROM authorization_codes WHERE code_hash IN \
            (SELECT code_hash FROM authorization_codes WHERE expires_at <= $1 LIMIT $2)";
        const OTHERS: [&str; 4] = [
            "DELETE FROM access_tokens WHERE token_hash IN \
                (SELECT token_hash FROM access_tokens WHERE expires_at <= $1 LIMIT $2)",
            "DELETE FROM sign_in_sessions WHERE token_hash IN \
                (SELECT token_hash FROM sign_in_sessions WHERE expires_at <= $1 LIMIT $2)",
            "DELETE FROM reader_sessions WHERE token_hash IN \
                (SELECT token_hash FROM reader_sessions WHERE expires_at <= $1 LIMIT $2)",
            "DELETE FROM sign_in_attempts WHERE email_hash IN \
                (SELECT email_hash FROM sign_in_attempts WHERE ends_at <= $1 LIMIT $2)",
        ];
        let codes_end = now.saturating_sub(codes_kept).unwrap_or(Timestamp::MIN);
        let change = OTHERS.iter().fold(
            Change::new().run(CODES, params![codes_end, limit]),
            |change, sql| change.run(sql, params![now, limit]),
        );
        let outcomes = self.db.write(change).await?;
        Ok(outcomes
            .iter()
            .map(|outcome| outcome.affected)
            .max()
            .unwrap_or(0))
    }
}

fn account(row: &Row) -> Result<Account, StoreError> {
    Ok(Account {
        id: row.id(0, AccountId::from_bytes)?,
        email: row.parse(1, "e-mail address")?,
        password: row.optional(2, |row| row.text(2))?,
        canary: row.flag(3)?,
    })
}

fn session_params(session: &Session) -> Vec<crate::db::Value> {
    params![
        &session.token_hash[..],
        session.account,
        session.signed_in_at,
        session.expires_at
    ]
}

fn code_params(code: &Code) -> Vec<crate::db::Value> {
    params![
        &code.code_hash[..],
        &code.client_id,
        &code.redirect_uri,
        code.account,
        &code.scope,
        code.nonce.as_deref(),
        code.challenge.as_deref().unwrap_or_default(),
        code.signing_kid.as_deref().unwrap_or_default(),
        code.signed_in_at,
        code.expires_at,
    ]
}

fn code(row: &Row, code_hash: &Hash, client_id: &Hostname) -> Result<Code, StoreError> {
    let unless_empty = |column| {
        row.text(column)
            .map(|text| Some(text).filter(|t| !t.is_empty()))
    };
    Ok(Code {
        code_hash: *code_hash,
        client_id: client_id.clone(),
        account: row.id(0, AccountId::from_bytes)?,
        redirect_uri: row.text(1)?,
        scope: row.text(2)?,
        nonce: row.optional(3, |row| row.text(3))?,
        challenge: unless_empty(4)?,
        signing_kid: unless_empty(5)?,
        signed_in_at: row.time(6)?,
        expires_at: row.time(7)?,
    })
}
