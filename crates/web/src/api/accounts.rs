//! Accounts that sign in to sites, and sessions brought over from another provider.

use axum::Extension;
use axum::extract::State;
use domain::access::Permission;
use domain::id::AccountId;
use domain::sign_in::Email;
use signin::{NewAccount, Password, PasswordHash, SESSION_COOKIE};

use crate::App;
use crate::access::{Access, Caller};
use crate::error::ApiError;
use crate::extract::Json;
use crate::reply::Created;
use crate::routes::{Api, Route};

/// A thousand accounts, each with its hash.
const BULK_BYTES_MAX: usize = 1 << 20;

pub(crate) fn routes() -> Vec<Route> {
    let manage = Access::Holder(Permission::ManageAccess);
    vec![
        Api::post("/api/v1/accounts", manage, "Make an account", make),
        Api::post("/api/v1/accounts/bulk", manage, "Make accounts", make_many)
            .about("All of them are made, or none is.")
            .body_max(BULK_BYTES_MAX),
        Api::post(
            "/api/v1/accounts/unlock",
            manage,
            "Forget failed sign-ins",
            unlock,
        )
        .about("The account may try again at once. Whether there is one is not said."),
        Api::post(
            "/api/v1/accounts/sessions",
            manage,
            "Bring over sessions",
            make_sessions,
        )
        .about(
            "Each account gets a session as if it had signed in: for moving from another provider.",
        )
        .body_max(BULK_BYTES_MAX),
    ]
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewAccount")]
struct New {
    /// Its address; case is ignored.
    email: String,
    /// Its password, in plain text: send this or its hash, or neither for an account that cannot
    /// sign in by password.
    password: Option<String>,
    /// The hash that another provider kept.
    password_hash: Option<String>,
    /// Whether probes sign in with it.
    #[serde(default)]
    canary: bool,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewAccounts")]
struct Bulk {
    /// At most what fits into the body.
    accounts: Vec<New>,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewSessions")]
struct Sessions {
    /// The addresses of accounts.
    emails: Vec<String>,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Unlock {
    /// The address.
    email: String,
}

/// An account was made.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct AccountMade {
    /// Its identifier.
    id: Option<AccountId>,
}

/// Accounts were made.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct AccountsMade {
    /// Their identifiers, in the order they were sent.
    ids: Vec<AccountId>,
}

/// Sessions were made.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct SessionsMade {
    /// The name of the cookie.
    cookie: &'static str,
    /// The value that each account's cookie gets.
    sessions: Vec<SessionMade>,
}

/// The session of one account.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct SessionMade {
    /// The account.
    email: Email,
    /// The value of its cookie. It can be read only now.
    value: String,
}

/// What became of an address's failed sign-ins.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct Unlocked {
    /// The address.
    email: Email,
    /// Whether any were forgotten.
    unlocked: bool,
}

impl New {
    fn read(self, at: &str) -> Result<NewAccount, ApiError> {
        let password = match (self.password, self.password_hash) {
            (Some(_), Some(_)) => {
                let reason = "send either password or password_hash";
                return Err(ApiError::refused(&format!("{at}.password"), reason));
            }
            (Some(password), None) => Password::Plain(password),
            (None, Some(hash)) => {
                let hash = PasswordHash::parse(&hash);
                let at = format!("{at}.password_hash");
                Password::Hash(hash.map_err(|e| ApiError::refused(&at, e))?)
            }
            (None, None) => Password::None,
        };
        let email = read_email(&self.email, &format!("{at}.email"))?;
        Ok(NewAccount {
            email,
            password,
            canary: self.canary,
        })
    }
}

fn read_email(text: &str, at: &str) -> Result<Email, ApiError> {
    Email::parse(text).map_err(|e| ApiError::refused(at, e))
}

async fn make(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Json(new): Json<New>,
) -> Result<Created<AccountMade>, ApiError> {
    let ids = app
        .provider()
        .add_accounts(vec![new.read("account")?], caller.name())
        .await?;
    let id = ids.into_iter().next();
    Ok(Created(AccountMade { id }))
}

async fn make_many(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Json(bulk): Json<Bulk>,
) -> Result<Created<AccountsMade>, ApiError> {
    let read = |(at, new): (usize, New)| new.read(&format!("accounts[{at}]"));
    let new = bulk
        .accounts
        .into_iter()
        .enumerate()
        .map(read)
        .collect::<Result<Vec<_>, _>>()?;
    let ids = app.provider().add_accounts(new, caller.name()).await?;
    Ok(Created(AccountsMade { ids }))
}

async fn make_sessions(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Json(sessions): Json<Sessions>,
) -> Result<Created<SessionsMade>, ApiError> {
    let read = |(at, text): (usize, &String)| read_email(text, &format!("emails[{at}]"));
    let emails = sessions
        .emails
        .iter()
        .enumerate()
        .map(read)
        .collect::<Result<Vec<_>, _>>()?;
    let cookies = app.provider().mint_sessions(&emails, caller.name()).await?;
    let pair = |(email, value)| SessionMade { email, value };
    let sessions = emails.into_iter().zip(cookies).map(pair).collect();
    let cookie = SESSION_COOKIE;
    Ok(Created(SessionsMade { cookie, sessions }))
}

/// Whether there is an account is not said: attempts are counted for every address alike.
async fn unlock(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Json(unlock): Json<Unlock>,
) -> Result<axum::Json<Unlocked>, ApiError> {
    let email = read_email(&unlock.email, "email")?;
    let unlocked = app.provider().unlock(&email, caller.name()).await?;
    Ok(axum::Json(Unlocked { email, unlocked }))
}
