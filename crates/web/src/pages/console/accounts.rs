//! `/console/accounts`: the sign-in service itself: its keys, and the accounts of residents.

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use domain::access::Permission;
use domain::sign_in::Email;
use signin::{KeyState, NewAccount, Password};

use crate::App;
use crate::access::{Access, Caller};
use crate::error::ApiError;
use crate::extract::Form;
use crate::language::{reworded, say, tell};
use crate::pages::{Answer, Page, PageError, render};
use crate::routes::Route;

pub(crate) fn routes() -> Vec<Route> {
    let see = Access::Holder(Permission::SeeConsole);
    let manage = Access::Holder(Permission::ManageAccess);
    vec![
        Route::get("/console/accounts", see, look),
        Route::post("/console/accounts", manage, add),
        Route::post("/console/accounts/unlock", manage, unlock),
        Route::post("/console/keys", manage, key),
    ]
}

#[derive(Template)]
#[template(path = "console/accounts.html")]
struct View {
    page: Page,
    issuer: String,
    keys: Vec<Key>,
    problem: Option<String>,
    done: Option<String>,
    email: String,
}

struct Key {
    kid: String,
    state: &'static str,
    /// The state it may be put into next, and the name of that act.
    next: Option<(&'static str, &'static str)>,
}

async fn look(State(app): State<App>) -> Answer {
    Ok(show(&app, StatusCode::OK, |_| {}))
}

fn show(app: &App, status: StatusCode, change: impl FnOnce(&mut View)) -> axum::response::Response {
    let keys = app.provider().signing_keys().into_iter();
    let mut view = View {
        page: Page::console(say("accounts-title"), "/console/accounts"),
        issuer: app.engine().settings().base_url.clone(),
        keys: keys
            .map(|key| Key {
                kid: key.public.kid.clone(),
                state: name(key.state),
                next: match key.state {
                    KeyState::Next => Some(("active", say("accounts-sign-with"))),
                    KeyState::Active => Some(("retired", say("accounts-retire"))),
                    KeyState::Retired => None,
                },
            })
            .collect(),
        problem: None,
        done: None,
        email: String::new(),
    };
    change(&mut view);
    render(status, &view)
}

fn name(state: KeyState) -> &'static str {
    match state {
        KeyState::Next => say("accounts-key-next"),
        KeyState::Active => say("accounts-key-active"),
        KeyState::Retired => say("accounts-key-retired"),
    }
}

#[derive(serde::Deserialize)]
struct Account {
    email: String,
    #[serde(default)]
    password: String,
}

async fn add(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Form(form): Form<Account>,
) -> Answer {
    let added = match Email::parse(&form.email) {
        Ok(email) => {
            let password = match form.password.is_empty() {
                true => Password::None,
                false => Password::Plain(form.password),
            };
            let new = NewAccount {
                email,
                password,
                canary: false,
            };
            let added = app.provider().add_accounts(vec![new], caller.name()).await;
            added.map(drop).map_err(ApiError::from)
        }
        Err(bad) => Err(ApiError::refused("email", bad)),
    };
    let said = tell("accounts-added", [("who", form.email.trim().into())]);
    answer(&app, added, said, form.email)
}

/// The page again, with what was done or why it was not.
fn answer(app: &App, done: Result<(), ApiError>, said: String, email: String) -> Answer {
    Ok(match done {
        Ok(()) => show(app, StatusCode::OK, |view| view.done = Some(said)),
        Err(error) if error.status().is_client_error() => show(app, error.status(), |view| {
            view.problem = Some(reworded(error.message()));
            view.email = email;
        }),
        Err(error) => return Ok(error.into_response()),
    })
}

async fn unlock(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Form(form): Form<Account>,
) -> Answer {
    let unlocked = match Email::parse(&form.email) {
        Ok(email) => {
            let unlocked = app.provider().unlock(&email, caller.name()).await;
            unlocked.map(drop).map_err(ApiError::from)
        }
        Err(bad) => Err(ApiError::refused("email", bad)),
    };
    // Whether there is an account is not said: attempts are counted for every address alike.
    let said = tell("accounts-unlocked", [("who", form.email.trim().into())]);
    answer(&app, unlocked, said, form.email)
}

#[derive(serde::Deserialize)]
struct KeyAct {
    /// The key; a new one is made without it.
    #[serde(default)]
    kid: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    at_once: String,
}

async fn key(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Form(form): Form<KeyAct>,
) -> Answer {
    let provider = app.provider();
    let done = if form.kid.is_empty() {
        provider.new_signing_key(caller.name()).await.map(drop)
    } else {
        let state = KeyState::parse(&form.state)
            .ok_or_else(|| PageError::refused(say("accounts-key-states")))?;
        provider
            .set_key_state(&form.kid, (state, !form.at_once.is_empty()), caller.name())
            .await
    };
    match done.map_err(ApiError::from) {
        Ok(()) => Ok(Redirect::to("/console/accounts").into_response()),
        Err(error) => answer(&app, Err(error), String::new(), String::new()),
    }
}
