//! Accounts that sign in to sites, and sessions brought over from another provider.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, response::IntoResponse};
use domain::access::Permission;
use domain::sign_in::Email;
use signin::{NewAccount, Password, PasswordHash, SESSION_COOKIE};

use crate::App;
use crate::access::{Access, Caller};
use crate::error::ApiError;
use crate::extract::Json;
use crate::routes::Route;

/// A thousand accounts, each with its hash.
const BULK_BYTES_MAX: usize = 1 << 20;

pub(crate) fn routes() -> Vec<Route> {
    let manage = Access::Holder(Permission::ManageAccess);
    vec![
        Route::post("/api/v1/accounts", manage, make),
        Route::post("/api/v1/accounts/bulk", manage, make_many).body_max(BULK_BYTES_MAX),
        Route::post("/api/v1/accounts/unlock", manage, unlock),
        Route::post("/api/v1/accounts/sessions", manage, make_sessions).body_max(BULK_BYTES_MAX),
    ]
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    email: String,
    password: Option<String>,
    password_hash: Option<String>,
    #[serde(default)]
    canary: bool,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Bulk {
    accounts: Vec<New>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Sessions {
    emails: Vec<String>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Unlock {
    email: String,
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
) -> Result<impl IntoResponse, ApiError> {
    let ids = app
        .provider()
        .add_accounts(vec![new.read("account")?], caller.name())
        .await?;
    Ok((
        StatusCode::CREATED,
        axum::Json(serde_json::json!({ "id": ids.first() })),
    ))
}

async fn make_many(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Json(bulk): Json<Bulk>,
) -> Result<impl IntoResponse, ApiError> {
    let read = |(at, new): (usize, New)| new.read(&format!("accounts[{at}]"));
    let new = bulk
        .accounts
        .into_iter()
        .enumerate()
        .map(read)
        .collect::<Result<Vec<_>, _>>()?;
    let ids = app.provider().add_accounts(new, caller.name()).await?;
    Ok((
        StatusCode::CREATED,
        axum::Json(serde_json::json!({ "ids": ids })),
    ))
}

async fn make_sessions(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Json(sessions): Json<Sessions>,
) -> Result<impl IntoResponse, ApiError> {
    let read = |(at, text): (usize, &String)| read_email(text, &format!("emails[{at}]"));
    let emails = sessions
        .emails
        .iter()
        .enumerate()
        .map(read)
        .collect::<Result<Vec<_>, _>>()?;
    let cookies = app.provider().mint_sessions(&emails, caller.name()).await?;
    let pair = |(email, value)| serde_json::json!({ "email": email, "value": value });
    let sessions: Vec<_> = emails.iter().zip(cookies).map(pair).collect();
    let body = serde_json::json!({ "cookie": SESSION_COOKIE, "sessions": sessions });
    Ok((StatusCode::CREATED, axum::Json(body)))
}

/// Whether there is an account is not said: attempts are counted for every address alike.
async fn unlock(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Json(unlock): Json<Unlock>,
) -> Result<impl IntoResponse, ApiError> {
    let email = read_email(&unlock.email, "email")?;
    let unlocked = app.provider().unlock(&email, caller.name()).await?;
    let body = serde_json::json!({ "email": email.as_str(), "unlocked": unlocked });
    Ok(axum::Json(body))
}
