//! `/console/comments`: what customers wrote, and what staff decide about it.

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use domain::access::Permission;
use domain::comment::Standing;
use domain::id::{CommentId, IncidentId};
use engine::EngineError;
use store::WrittenComment;

use crate::App;
use crate::access::{Access, Caller};
use crate::extract::{Form, Path, Query};
use crate::language::{reworded, say, tell};
use crate::pages::console::compose::staff;
use crate::pages::words::{Moment, Reader};
use crate::pages::{Answer, Page, render};
use crate::routes::Route;

/// How many comments one page shows.
const PER_PAGE: u32 = 50;

pub(crate) fn routes() -> Vec<Route> {
    let see = Access::Holder(Permission::SeeConsole);
    let tell = Access::Holder(Permission::TellCustomers);
    vec![
        Route::get("/console/comments", see, list),
        Route::post("/console/comments/{id}", tell, decide),
    ]
}

#[derive(Template)]
#[template(path = "console/comments.html")]
struct View {
    page: Page,
    choices: Vec<Choice>,
    standing: &'static str,
    comments: Vec<Line>,
    next: Option<CommentId>,
}

struct Choice {
    value: &'static str,
    name: &'static str,
    here: bool,
}

struct Line {
    id: CommentId,
    incident: IncidentId,
    title: String,
    name: String,
    email: String,
    text: String,
    at: Moment,
    standing: &'static str,
    reason: Option<String>,
    decided_by: Option<String>,
    /// What readers did with it.
    found: String,
    banned: bool,
}

#[derive(serde::Deserialize)]
struct Asked {
    standing: Option<Standing>,
    before: Option<CommentId>,
}

async fn list(State(app): State<App>, Query(asked): Query<Asked>) -> Answer {
    let standing = asked.standing.unwrap_or(Standing::Held);
    let comments = app.engine().comments(standing, asked.before, PER_PAGE);
    let comments = comments.await?;
    let reader = staff(&app);
    let more = comments.len() >= PER_PAGE as usize;
    let view = View {
        page: Page::console(say("moderation-title"), "/console/comments"),
        choices: Standing::ALL
            .into_iter()
            .map(|one| Choice {
                value: one.as_str(),
                name: name(one),
                here: one == standing,
            })
            .collect(),
        standing: standing.as_str(),
        next: comments.last().filter(|_| more).map(|last| last.comment.id),
        comments: comments
            .iter()
            .map(|one| line(&app, one, &reader))
            .collect(),
    };
    Ok(render(StatusCode::OK, &view))
}

fn name(standing: Standing) -> &'static str {
    match standing {
        Standing::Shown => say("moderation-shown"),
        Standing::Held => say("moderation-held"),
        Standing::Hidden => say("moderation-hidden"),
    }
}

fn line(app: &App, one: &WrittenComment, reader: &Reader) -> Line {
    let comment = &one.comment;
    let view = app.engine().incident_view(comment.incident);
    let reason = comment.reason.clone().filter(|reason| !reason.is_empty());
    Line {
        id: comment.id,
        incident: comment.incident,
        title: view.map_or_else(
            || say("moderation-earlier").into(),
            |view| view.incident.title.clone(),
        ),
        name: comment.name.clone(),
        email: one.email.to_string(),
        text: comment.text.clone(),
        at: reader.moment(comment.at),
        standing: comment.standing.as_str(),
        reason: reason.map(reworded),
        decided_by: comment.decided_by.clone(),
        found: tell(
            "moderation-found",
            [
                ("votes", comment.votes.into()),
                ("n", comment.reports.into()),
            ],
        ),
        banned: one.banned,
    }
}

#[derive(serde::Deserialize)]
struct Decision {
    /// shown, held, hidden, ban or unban.
    act: String,
    #[serde(default)]
    reason: String,
    /// The list that was looked at.
    #[serde(default)]
    back: String,
}

async fn decide(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<CommentId>,
    Form(decision): Form<Decision>,
) -> Answer {
    let how = (caller.name(), &*decision.reason);
    let engine = app.engine();
    match (&*decision.act, Standing::parse(&decision.act)) {
        (_, Some(standing)) => engine.judge_comment(id, standing, how).await?,
        ("ban", _) => engine.ban_commenter(id, how).await?,
        ("unban", _) => engine.unban_commenter(id, caller.name()).await?,
        _ => {
            let rule = "choose shown, held, hidden, ban or unban";
            return Err(EngineError::refused_at("act", rule).into());
        }
    };
    let back = Standing::parse(&decision.back).unwrap_or(Standing::Held);
    let to = format!("/console/comments?standing={}", back.as_str());
    Ok(Redirect::to(&to).into_response())
}
