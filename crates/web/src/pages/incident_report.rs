//! `/incidents/{id}/report`: the vendor's word on the whole incident, as a document. And its draft
//! for staff at `/console/incidents/{id}/report`, where it is finished and posted.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use domain::access::Permission;
use domain::id::IncidentId;
use domain::incident::Update;
use domain::incident::template::read_in;
use engine::IncidentView;

use super::incident::public;
use super::prose::document;
use super::status::ZoneQuery;
use super::words::Moment;
use super::{Answer, Choice, Page, PageError, follow_ups, reader, render, zone_choices};
use crate::App;
use crate::access::Access;
use crate::extract::{Path, Query};
use crate::pdf::{About, answer};
use crate::routes::Route;

pub(crate) fn routes() -> Vec<Route> {
    let see = Access::Holder(Permission::SeeConsole);
    vec![
        Route::get("/incidents/{id}/report", Access::Public, read).kept(),
        Route::get("/incidents/{id}/report.pdf", Access::Public, pdf).kept(),
        Route::get("/console/incidents/{id}/report", see, draft),
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
) -> Answer {
    let view = public(&app, &id).await?;
    let comment = posted(&view)?;
    let home = &app.engine().settings().home_zone;
    let reader = reader(&app, query.zone.as_deref(), home);
    let html = document(&read_in(&reader.zone, &comment.body));
    let page = View {
        page: Page::public("Official comment", "/"),
        id: view.incident.id,
        title: view.incident.title.clone(),
        zone: reader.zone.as_str().to_owned(),
        at: reader.moment(comment.at),
        by: comment.by.clone(),
        has_heading: html.starts_with("<h1"),
        follow_ups: follow_ups::of(&app, &view.follow_ups),
        html,
    };
    Ok(render(StatusCode::OK, &page))
}

async fn pdf(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(query): Query<ZoneQuery>,
) -> Answer {
    let view = public(&app, &id).await?;
    let comment = posted(&view)?;
    let home = &app.engine().settings().home_zone;
    let reader = reader(&app, query.zone.as_deref(), home);
    let markdown = read_in(&reader.zone, &comment.body);
    let about = About {
        title: format!("Incident report: {}", view.incident.title),
        author: comment.by.clone(),
        created_at: comment.at,
        byline: format!("Posted by {}, {}.", comment.by, reader.date(comment.at)),
        base_url: app.engine().settings().base_url.clone(),
    };
    Ok(answer(view.incident.id, markdown, about).await?)
}

fn posted(view: &IncidentView) -> Result<&Update, PageError> {
    view.official_comment().ok_or_else(|| {
        PageError::not_found(
            "The report of this incident is not written yet. Its page says when it comes.",
        )
    })
}

#[derive(Template)]
#[template(path = "console/report_draft.html")]
struct Draft {
    page: Page,
    id: IncidentId,
    zone: String,
    html: String,
    markdown: String,
    /// Customers may read the incident, so its official comment can be posted.
    public: bool,
    posted: bool,
    zones: Vec<Choice>,
}

async fn draft(
    State(app): State<App>,
    Path(id): Path<IncidentId>,
    Query(query): Query<ZoneQuery>,
) -> Answer {
    let engine = app.engine();
    let view = engine.find_incident(id).await?;
    let view = view.ok_or_else(|| PageError::not_found("There is no such incident."))?;
    let home = &engine.settings().home_zone;
    let reader = reader(&app, query.zone.as_deref(), home);
    let draft = engine.report_draft(id, reader.zone.clone()).await?;
    let markdown = draft.markdown();
    let lamps = app.drawn().lamps(&engine.fleet());
    let page = Draft {
        page: Page::console("Draft of the incident report", "/console/incidents"),
        id,
        zone: reader.zone.as_str().to_owned(),
        html: document(&markdown),
        markdown,
        public: view.incident.is_public(),
        posted: view.official_comment().is_some(),
        zones: zone_choices(&lamps.bands, home, &reader),
    };
    Ok(render(StatusCode::OK, &page))
}
