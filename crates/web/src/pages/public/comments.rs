//! `/incidents/{id}/comments`: what customers write under an incident. Read by everybody, written by
//! who is signed in.

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect};
use domain::comment::{Comment, NAME_CHARACTERS_MAX, TEXT_CHARACTERS_MAX};
use domain::id::{CommentId, IncidentId};
use engine::{EngineError, Kind};

use crate::App;
use crate::access::Access;
use crate::client_address::Client;
use crate::extract::{Form, Path, Query};
use crate::language::{kept, say, tell};
use crate::pages::errors::reason;
use crate::pages::public::own::readable;
use crate::pages::words::{self, Moment, Reader as Clock};
use crate::pages::{Answer, Page, PageError, reader, render};
use crate::reader::{self, Back};
use crate::routes::Route;

/// How many comments one page shows.
const PER_PAGE: u32 = 30;
const FORM_BYTES_MAX: usize = 16 << 10;

pub(crate) fn routes() -> Vec<Route> {
    let public = Access::Public;
    let form = |route: Route| route.body_max(FORM_BYTES_MAX);
    vec![
        Route::get("/incidents/{id}/comments", public, list),
        form(Route::post("/incidents/{id}/comments", public, write)),
        form(Route::post(
            "/incidents/{id}/comments/{comment}/vote",
            public,
            vote,
        )),
        form(Route::post(
            "/incidents/{id}/comments/{comment}/report",
            public,
            report,
        )),
        Route::get("/incidents/{id}/comments/sign-in", public, sign_in),
        form(Route::post(
            "/incidents/{id}/comments/sign-out",
            public,
            sign_out,
        )),
        Route::get(signin::READER_RETURNS_TO, public, signed_in),
    ]
}

/// A comment as people read it.
pub(in crate::pages) struct Shown {
    id: CommentId,
    pub(in crate::pages) name: String,
    pub(in crate::pages) text: String,
    pub(in crate::pages) at: Moment,
    votes: u64,
    helpful: String,
}

impl Shown {
    pub(in crate::pages) fn of(comment: &Comment, clock: &Clock) -> Self {
        Self {
            id: comment.id,
            name: comment.name.clone(),
            text: comment.text.clone(),
            at: clock.moment(comment.at),
            votes: comment.votes,
            helpful: tell("helpful-to", [("n", comment.votes.into())]),
        }
    }
}

#[derive(Template)]
#[template(path = "comments.html")]
struct View {
    page: Page,
    id: IncidentId,
    title: String,
    total: String,
    comments: Vec<Shown>,
    next: Option<CommentId>,
    /// The address of who is signed in.
    signed_in: Option<String>,
    banned: Option<String>,
    problem: Option<String>,
    thanks: &'static str,
    typed: Typed,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Typed {
    name: String,
    text: String,
}

#[derive(Default, serde::Deserialize)]
struct Asked {
    before: Option<CommentId>,
    /// What was just done.
    #[serde(default)]
    done: String,
}

/// What is said and shown beside the comments.
#[derive(Default)]
struct Said {
    problem: Option<String>,
    typed: Typed,
}

async fn list(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Answer {
    show(
        &app,
        &id,
        (StatusCode::OK, asked),
        &headers,
        Said::default(),
    )
    .await
}

async fn show(
    app: &App,
    id: &str,
    (status, asked): (StatusCode, Asked),
    headers: &HeaderMap,
    said: Said,
) -> Answer {
    let view = readable(app, headers, id).await?;
    let id = view.incident.id;
    let clock = reader(app, None, &app.engine().settings().home_zone);
    let comments = app.engine().shown_comments(id, asked.before, PER_PAGE);
    let comments = comments.await?;
    let reader = reader::reader(app, headers)
        .await
        .map_err(PageError::of_api)?;
    let more = comments.len() >= PER_PAGE as usize;
    let page = View {
        page: Page::public(say("comments"), "/"),
        id,
        title: view.incident.title.clone(),
        total: words::comments(view.comments_total),
        next: comments.last().filter(|_| more).map(|last| last.id),
        comments: comments.iter().map(|one| Shown::of(one, &clock)).collect(),
        banned: reader.as_ref().and_then(|reader| reader.banned.clone()),
        signed_in: reader.map(|reader| reader.email.to_string()),
        problem: said.problem,
        thanks: thanks(&asked.done),
        typed: said.typed,
    };
    Ok(render(status, &page))
}

fn thanks(done: &str) -> &'static str {
    match done {
        "shown" => say("thanks-shown"),
        "held" => say("thanks-held"),
        "reported" => say("thanks-reported"),
        _ => "",
    }
}

async fn write(
    State(app): State<App>,
    Path(id): Path<IncidentId>,
    client: Client,
    headers: HeaderMap,
    Form(typed): Form<Typed>,
) -> Answer {
    admit(&app, client)?;
    let writer = reader::writer(&app, &headers)
        .await
        .map_err(PageError::of_api)?;
    let written = (&*typed.name, &*typed.text);
    match app.engine().add_comment(id, &writer, written).await {
        Ok(comment) => {
            let done = comment.standing.as_str();
            let to = format!("/incidents/{id}/comments?done={done}");
            Ok(Redirect::to(&kept(&to)).into_response())
        }
        Err(error) => again(&app, id, &headers, error, typed).await,
    }
}

/// The form with what was typed, and why it was refused.
async fn again(
    app: &App,
    id: IncidentId,
    headers: &HeaderMap,
    error: EngineError,
    typed: Typed,
) -> Answer {
    let status = match error.kind() {
        Kind::Refused => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::Conflict => StatusCode::CONFLICT,
        _ => return Err(error.into()),
    };
    let said = Said {
        problem: Some(reason("comment-refused", &error.to_string())),
        typed,
    };
    show(
        app,
        &id.to_string(),
        (status, Asked::default()),
        headers,
        said,
    )
    .await
}

#[derive(serde::Deserialize)]
struct Vote {
    helpful: u8,
}

async fn vote(
    State(app): State<App>,
    Path((id, comment)): Path<(IncidentId, CommentId)>,
    client: Client,
    headers: HeaderMap,
    Form(vote): Form<Vote>,
) -> Answer {
    admit(&app, client)?;
    let writer = reader::writer(&app, &headers)
        .await
        .map_err(PageError::of_api)?;
    let helpful = vote.helpful > 0;
    let voted = app.engine().vote_for_comment(comment, &writer, helpful);
    match voted.await {
        Ok(()) => {
            let to = format!("/incidents/{id}/comments#comment-{comment}");
            Ok(Redirect::to(&kept(&to)).into_response())
        }
        Err(error) => again(&app, id, &headers, error, Typed::default()).await,
    }
}

async fn report(
    State(app): State<App>,
    Path((id, comment)): Path<(IncidentId, CommentId)>,
    client: Client,
    headers: HeaderMap,
) -> Answer {
    admit(&app, client)?;
    let writer = reader::writer(&app, &headers)
        .await
        .map_err(PageError::of_api)?;
    match app.engine().report_comment(comment, &writer).await {
        Ok(()) => {
            let to = format!("/incidents/{id}/comments?done=reported");
            Ok(Redirect::to(&kept(&to)).into_response())
        }
        Err(error) => again(&app, id, &headers, error, Typed::default()).await,
    }
}

async fn sign_in(State(app): State<App>, Path(id): Path<IncidentId>, headers: HeaderMap) -> Answer {
    reader::begin(&app, &headers, Back::Comments(id)).map_err(PageError::of_api)
}

#[derive(serde::Deserialize)]
struct Came {
    #[serde(default)]
    state: String,
    #[serde(default)]
    code: String,
}

async fn signed_in(State(app): State<App>, Query(came): Query<Came>, headers: HeaderMap) -> Answer {
    let finished = reader::finish(&app, &headers, (&came.state, &came.code)).await;
    finished
        .map_err(PageError::of_api)?
        .ok_or_else(|| PageError::refused(say("sign-in-not-begun")))
}

async fn sign_out(
    State(app): State<App>,
    Path(id): Path<IncidentId>,
    headers: HeaderMap,
) -> Answer {
    let ended = reader::end(&app, &headers, Back::Comments(id)).await;
    ended.map_err(PageError::of_api)
}

/// Votes and comments of one address are limited as its reports are.
fn admit(app: &App, client: Client) -> Result<(), PageError> {
    let now = app.engine().clock().now();
    app.comment_limit()
        .admit(client, now)
        .map_err(PageError::of_api)
}
