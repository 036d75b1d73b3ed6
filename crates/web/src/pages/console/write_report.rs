//! `/console/incidents/{id}/report`: where the report is drafted from the records, written, approved by
//! somebody else, and published.

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use domain::access::Permission;
use domain::id::IncidentId;
use domain::incident::report::{ReportVersion, is_finished};
use engine::{EngineError, Kind};

use crate::App;
use crate::access::{Access, Caller};
use crate::extract::{Form, Path, Query};
use crate::language::{read_post, reworded, say};
use crate::pages::prose::document;
use crate::pages::words::{Moment, Reader};
use crate::pages::{Answer, Choice, Page, PageError, reader, render, zone_choices};
use crate::routes::Route;

/// Room for a report of 20,000 characters of any language, as a form encodes it.
const FORM_BYTES_MAX: usize = 512 << 10;

pub(crate) fn routes() -> Vec<Route> {
    let see = Access::Holder(Permission::SeeConsole);
    let tell = Access::Holder(Permission::TellCustomers);
    vec![
        Route::get("/console/incidents/{id}/report", see, look),
        Route::post("/console/incidents/{id}/report", tell, save).body_max(FORM_BYTES_MAX),
        Route::post("/console/incidents/{id}/report/{number}", tell, go_on),
    ]
}

#[derive(Template)]
#[template(path = "console/report_draft.html")]
struct View {
    page: Page,
    id: IncidentId,
    problem: Option<String>,
    html: String,
    markdown: String,
    /// The version that is shown; 0 for the draft from the records.
    number: u32,
    versions: Vec<Line>,
    /// Customers may read the incident, so its report can be published.
    public: bool,
    zone: String,
    zones: Vec<Choice>,
}

/// A version in the list, with what may be done with it.
struct Line {
    number: u32,
    by: String,
    at: Moment,
    approved: Option<(String, Moment)>,
    is_published: bool,
    is_finished: bool,
    may_approve: bool,
    may_publish: bool,
}

#[derive(Default, serde::Deserialize)]
struct Asked {
    zone: Option<String>,
    /// The version to show; the newest without one, 0 for the draft.
    version: Option<u32>,
}

async fn look(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<IncidentId>,
    Query(asked): Query<Asked>,
) -> Answer {
    show(&app, id, &caller, asked, (StatusCode::OK, None), None).await
}

#[derive(serde::Deserialize)]
struct Written {
    #[serde(default)]
    text: String,
    #[serde(default)]
    base: u32,
}

async fn save(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<IncidentId>,
    Form(written): Form<Written>,
) -> Answer {
    // Forms send line ends of their own.
    let text = written.text.replace("\r\n", "\n");
    let report = (written.base, text.clone());
    match app.engine().save_report(id, report, caller.name()).await {
        Ok(_) => Ok(back(id)),
        Err(error) => refused(&app, id, &caller, error, Some(text)).await,
    }
}

#[derive(serde::Deserialize)]
struct Step {
    /// approve or publish.
    act: String,
}

async fn go_on(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path((id, number)): Path<(IncidentId, u32)>,
    Form(step): Form<Step>,
) -> Answer {
    let engine = app.engine();
    let done = match &*step.act {
        "publish" => {
            let published = engine.publish_report(id, number, caller.name());
            published.await.map(drop)
        }
        "approve" => {
            let approved = engine.approve_report(id, number, caller.name());
            approved.await.map(drop)
        }
        _ => Err(EngineError::refused_at("act", "choose approve or publish")),
    };
    match done {
        Ok(()) => Ok(back(id)),
        Err(error) => refused(&app, id, &caller, error, None).await,
    }
}

fn back(id: IncidentId) -> axum::response::Response {
    Redirect::to(&format!("/console/incidents/{id}/report")).into_response()
}

async fn refused(
    app: &App,
    id: IncidentId,
    caller: &Caller,
    error: EngineError,
    typed: Option<String>,
) -> Answer {
    let status = match error.kind() {
        Kind::Refused => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::Conflict => StatusCode::CONFLICT,
        _ => return Err(error.into()),
    };
    let said = (status, Some(reworded(&error)));
    show(app, id, caller, Asked::default(), said, typed).await
}

async fn show(
    app: &App,
    id: IncidentId,
    caller: &Caller,
    asked: Asked,
    (status, problem): (StatusCode, Option<String>),
    typed: Option<String>,
) -> Answer {
    let engine = app.engine();
    let view = engine.find_incident(id).await?;
    let view = view.ok_or_else(|| PageError::not_found(say("no-such-incident")))?;
    let home = &engine.settings().home_zone;
    let reader = reader(app, asked.zone.as_deref(), home);
    let versions = engine.report_versions(id).await?;
    let newest = versions.first().map_or(0, |newest| newest.number);
    let number = asked.version.unwrap_or(newest);
    let shown = versions.iter().find(|version| version.number == number);
    let markdown = match shown {
        Some(version) => version.text.clone(),
        None => engine.report_draft(id, reader.zone.clone()).await?,
    };
    let lamps = app.drawn().lamps(&engine.fleet());
    let public = view.incident.is_told();
    let line = |version: &ReportVersion| line(version, (&versions, public), caller, &reader);
    let page = View {
        page: Page::console(say("the-incident-report"), "/console/incidents"),
        id,
        problem,
        html: document(&read_post(&reader.zone, &markdown)),
        markdown: typed.unwrap_or(markdown),
        number: shown.map_or(0, |version| version.number),
        versions: versions.iter().map(line).collect(),
        public,
        zone: reader.zone.as_str().to_owned(),
        zones: zone_choices(&lamps.bands, home, &reader),
    };
    Ok(render(status, &page))
}

fn line(
    version: &ReportVersion,
    (all, public): (&[ReportVersion], bool),
    caller: &Caller,
    reader: &Reader,
) -> Line {
    let is_newest = all
        .first()
        .is_some_and(|newest| newest.number == version.number);
    let is_finished = is_finished(&version.text);
    let approved = version.approved.as_ref();
    Line {
        number: version.number,
        by: version.by.clone(),
        at: reader.moment(version.at),
        approved: approved.map(|approval| (approval.by.clone(), reader.moment(approval.at))),
        is_published: version.published.is_some(),
        is_finished,
        may_approve: is_newest && is_finished && approved.is_none() && version.by != caller.name(),
        may_publish: is_newest && public && version.may_publish(all).is_ok(),
    }
}
