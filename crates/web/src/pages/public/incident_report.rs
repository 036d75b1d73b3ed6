//! `/incidents/{id}/report`: the vendor's word on the whole incident, as a document.

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use domain::id::IncidentId;
use domain::incident::Update;
use engine::IncidentView;

use crate::App;
use crate::access::Access;
use crate::extract::{Path, Query};
use crate::language::{here, read_post, say, tell, wrote};
use crate::pages::console::follow_ups;
use crate::pages::prose::document;
use crate::pages::public::own::{about, readable};
use crate::pages::public::status::ZoneQuery;
use crate::pages::words::Moment;
use crate::pages::{Answer, Page, PageError, reader, render};
use crate::pdf::{About, answer};
use crate::routes::Route;

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::get("/incidents/{id}/report", Access::Public, read).kept(),
        Route::get("/incidents/{id}/report.pdf", Access::Public, pdf).kept(),
    ]
}

#[derive(Template)]
#[template(path = "incident_report.html")]
struct View {
    page: Page,
    id: IncidentId,
    title: String,
    /// The zone it is written in.
    zone: String,
    at: Moment,
    by: String,
    html: String,
    /// A report begins with its own heading; a plain comment has none.
    has_heading: bool,
    follow_ups: Vec<follow_ups::Shown>,
}

async fn read(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(query): Query<ZoneQuery>,
    headers: HeaderMap,
) -> Answer {
    let view = readable(&app, &headers, &id).await?;
    let comment = posted(&view)?;
    let home = &app.engine().settings().home_zone;
    let reader = reader(&app, query.zone.as_deref(), home);
    let html = document(&read_post(&reader.zone, &comment.body));
    let page = View {
        page: Page::public(say("official-comment"), "/"),
        id: view.incident.id,
        title: view.incident.title.clone(),
        zone: reader.zone.as_str().to_owned(),
        at: reader.moment(comment.at),
        by: comment.by.clone(),
        has_heading: html.starts_with("<h1"),
        follow_ups: follow_ups::of(&app, &view.follow_ups),
        html,
    };
    Ok(about(&view, render(StatusCode::OK, &page)))
}

async fn pdf(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(query): Query<ZoneQuery>,
    headers: HeaderMap,
) -> Answer {
    let view = readable(&app, &headers, &id).await?;
    let comment = posted(&view)?;
    let home = &app.engine().settings().home_zone;
    let reader = reader(&app, query.zone.as_deref(), home);
    let markdown = read_post(&reader.zone, &comment.body);
    let about_it = About {
        title: format!("{} {}", say("report-of"), view.incident.title),
        author: comment.by.clone(),
        created_at: comment.at,
        byline: format!(
            "{} {}.",
            tell("posted-by", [("who", comment.by.as_str().into())]),
            reader.date(comment.at)
        ),
        language: here(),
        wrote: wrote(),
        base_url: app.engine().settings().base_url.clone(),
    };
    let file = answer(view.incident.id, markdown, about_it).await?;
    Ok(about(&view, file))
}

fn posted(view: &IncidentView) -> Result<&Update, PageError> {
    view.official_comment()
        .ok_or_else(|| PageError::not_found(say("error-no-report")))
}
