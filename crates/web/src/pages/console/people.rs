//! `/console/people`: who holds a token, and a fresh one for whoever is new. A token is shown once.

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use domain::access::{Permission, Role};
use domain::id::HolderId;
use engine::Kind;

use crate::App;
use crate::access::{Access, Caller};
use crate::extract::{Form, Path, Query};
use crate::language::{reworded, say};
use crate::pages::words::Moment;
use crate::pages::{Answer, Page, reader, render};
use crate::routes::Route;

const HOLDERS_PER_PAGE: u32 = 100;

pub(crate) fn routes() -> Vec<Route> {
    let manage = Access::Holder(Permission::ManageAccess);
    vec![
        Route::get("/console/people", manage, list),
        Route::post("/console/people", manage, make),
        Route::post("/console/people/{id}/withdraw", manage, withdraw),
    ]
}

#[derive(Default, serde::Deserialize)]
struct After {
    after: Option<HolderId>,
}

#[derive(Template)]
#[template(path = "console/people.html")]
struct View {
    page: Page,
    roles: Vec<RoleLine>,
    holders: Vec<Line>,
    more: Option<HolderId>,
    problem: Option<String>,
    name: String,
    /// Whose token this is, and the token.
    made: Option<(String, String)>,
}

struct RoleLine {
    word: &'static str,
    name: &'static str,
    may: &'static str,
}

struct Line {
    id: HolderId,
    name: String,
    role: &'static str,
    made: Moment,
    is_caller: bool,
}

async fn list(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Query(query): Query<After>,
) -> Answer {
    show(&app, &caller, StatusCode::OK, query.after, |_| {}).await
}

async fn show(
    app: &App,
    caller: &Caller,
    status: StatusCode,
    after: Option<HolderId>,
    change: impl FnOnce(&mut View),
) -> Answer {
    let reader = reader(app, None, &app.engine().settings().home_zone);
    let holders = app.engine().holders(after, HOLDERS_PER_PAGE).await?;
    let full = holders.len() >= HOLDERS_PER_PAGE as usize;
    let mut view = View {
        page: Page::console(say("people-title"), "/console/people"),
        roles: Role::ALL.into_iter().map(role).collect(),
        more: holders.last().filter(|_| full).map(|last| last.holder.id),
        holders: holders
            .into_iter()
            .map(|one| Line {
                is_caller: one.holder.id == caller.0.id,
                id: one.holder.id,
                name: one.holder.name,
                role: name(one.holder.role),
                made: reader.moment(one.made_at),
            })
            .collect(),
        problem: None,
        name: String::new(),
        made: None,
    };
    change(&mut view);
    Ok(render(status, &view))
}

fn role(role: Role) -> RoleLine {
    RoleLine {
        word: role.as_str(),
        name: name(role),
        may: match role {
            Role::Admin => say("people-may-admin"),
            Role::Engineer => say("people-may-engineer"),
            Role::Support => say("people-may-support"),
            Role::Agent => say("people-may-agent"),
            Role::Site => say("people-may-site"),
        },
    }
}

fn name(role: Role) -> &'static str {
    match role {
        Role::Admin => say("people-role-admin"),
        Role::Engineer => say("people-role-engineer"),
        Role::Support => say("people-role-support"),
        Role::Agent => say("people-role-agent"),
        Role::Site => say("people-role-site"),
    }
}

#[derive(serde::Deserialize)]
struct New {
    name: String,
    role: String,
}

async fn make(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Form(new): Form<New>,
) -> Answer {
    let role = Role::parse(&new.role).unwrap_or(Role::Support);
    match app
        .engine()
        .make_token(&new.name, role, caller.name())
        .await
    {
        Ok(made) => {
            let made = Some((made.holder.name, made.token));
            show(&app, &caller, StatusCode::CREATED, None, |view| {
                view.made = made;
            })
            .await
        }
        Err(error) if error.kind() == Kind::Refused => {
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            show(&app, &caller, status, None, |view| {
                view.problem = Some(reworded(&error));
                view.name = new.name;
            })
            .await
        }
        Err(error) => Err(error.into()),
    }
}

async fn withdraw(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<HolderId>,
) -> Answer {
    app.engine().withdraw_token(id, caller.name()).await?;
    Ok(Redirect::to("/console/people").into_response())
}
