//! Incidents: what customers may read, and what the vendor's people do about them.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json as JsonBody};
use domain::access::Permission;
use domain::detection::Alarm;
use domain::id::{IncidentId, UpdateId};
use domain::incident::template::read_in;
use domain::incident::timeline::TimelineEntry;
use domain::incident::{FollowUp, Maintenance, Posted, PromiseKind};
use domain::site::Zone;
use engine::{Acceptance, IncidentView, NewCorrection, NewUpdate, Opening};
use serde_json::{Value, json};
use store::{ScheduledUpdate, StoredReport};

use crate::App;
use crate::access::{Access, Caller};
use crate::error::ApiError;
use crate::extract::{Json, Path, Query, page_size};
use crate::pages::prose::document;
use crate::pdf;
use crate::routes::Route;

/// How many incidents one answer lists: the newest; no more are kept in memory.
const INCIDENTS_PER_PAGE_MAX: usize = 200;

pub(crate) fn routes() -> Vec<Route> {
    let see = Access::Holder(Permission::SeeConsole);
    let tell = Access::Holder(Permission::TellCustomers);
    vec![
        Route::get("/api/v1/public/incidents", Access::Public, public_list),
        Route::get("/api/v1/public/incidents/{id}", Access::Public, public_show),
        Route::get("/api/v1/incidents", see, list),
        Route::post("/api/v1/incidents", tell, open),
        Route::get("/api/v1/incidents/{id}", see, show),
        Route::get("/api/v1/incidents/{id}/timeline", see, timeline),
        Route::get("/api/v1/incidents/{id}/report.md", see, report_markdown),
        Route::get("/api/v1/incidents/{id}/report.html", see, report_html),
        Route::get("/api/v1/incidents/{id}/report.pdf", see, report_pdf),
        Route::post("/api/v1/incidents/{id}/accept", tell, accept),
        Route::post("/api/v1/incidents/{id}/dismiss", tell, dismiss),
        Route::post("/api/v1/incidents/{id}/updates", tell, post_update),
        Route::post(
            "/api/v1/incidents/{id}/updates/{update}/correct",
            tell,
            correct,
        ),
        Route::post(
            "/api/v1/incidents/{id}/official-comment",
            tell,
            official_comment,
        ),
        Route::get("/api/v1/incidents/{id}/scheduled", see, scheduled),
        Route::post(
            "/api/v1/incidents/{id}/scheduled/{update}/cancel",
            tell,
            cancel,
        ),
    ]
}

async fn public_list(State(app): State<App>) -> JsonBody<Value> {
    let views = app.engine().public_incidents();
    let incidents: Vec<_> = views
        .iter()
        .take(INCIDENTS_PER_PAGE_MAX)
        .map(|view| for_customers(&app, view))
        .collect();
    JsonBody(json!({ "incidents": incidents }))
}

async fn public_show(
    State(app): State<App>,
    Path(id): Path<IncidentId>,
) -> Result<JsonBody<Value>, ApiError> {
    // A proposal is not there, as far as a customer can tell.
    let view = app
        .engine()
        .find_incident(id)
        .await?
        .filter(|view| view.incident.is_public());
    view.map(|view| JsonBody(for_customers(&app, &view)))
        .ok_or_else(|| nothing(id))
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    limit: Option<usize>,
}

async fn list(
    State(app): State<App>,
    Query(query): Query<ListQuery>,
) -> Result<JsonBody<Value>, ApiError> {
    let limit = page_size(query.limit, INCIDENTS_PER_PAGE_MAX, INCIDENTS_PER_PAGE_MAX)?;
    let views = app.engine().all_incidents();
    let incidents: Vec<_> = views
        .iter()
        .take(limit)
        .map(|view| for_staff(&app, view))
        .collect();
    Ok(JsonBody(json!({ "incidents": incidents })))
}

/// One incident, with everything that is linked to it.
async fn show(
    State(app): State<App>,
    Path(id): Path<IncidentId>,
) -> Result<JsonBody<Value>, ApiError> {
    let view = app.engine().find_incident(id).await?;
    let view = view.ok_or_else(|| nothing(id))?;
    let case = app.engine().case(&view).await?;
    let mut all = for_staff(&app, &view);
    let alarm = |one: &Alarm| json!({"id": one.id, "at": one.at, "sentence": one.sentence()});
    let site = |id| {
        let fleet = app.engine().fleet();
        let site = fleet.index(id).and_then(|index| fleet.site(index));
        site.map(|site| site.hostname.clone())
    };
    let report = |one: &StoredReport| {
        json!({"id": one.report.id, "at": one.report.at, "site": site(one.report.site),
            "text": one.report.text.as_str()})
    };
    all["case"] = json!({
        "alarms": case.alarms.iter().map(alarm).collect::<Vec<_>>(),
        "reports_total": case.reports_total,
        "reports": case.reports.iter().map(report).collect::<Vec<_>>(),
        "campaigns": case.campaigns,
        "releases": case.releases,
    });
    Ok(JsonBody(all))
}

async fn timeline(
    State(app): State<App>,
    Path(id): Path<IncidentId>,
) -> Result<JsonBody<Vec<TimelineEntry>>, ApiError> {
    Ok(JsonBody(app.engine().incident_timeline(id).await?))
}

async fn open(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Json(opening): Json<Opening>,
) -> Result<JsonBody<Value>, ApiError> {
    let id = app.engine().open_incident(caller.name(), opening).await?;
    answer(&app, id).await
}

async fn accept(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<IncidentId>,
    Json(acceptance): Json<Acceptance>,
) -> Result<JsonBody<Value>, ApiError> {
    app.engine()
        .accept_incident(id, caller.name(), acceptance)
        .await?;
    answer(&app, id).await
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Dismissal {
    reason: String,
}

async fn dismiss(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<IncidentId>,
    Json(dismissal): Json<Dismissal>,
) -> Result<JsonBody<Value>, ApiError> {
    app.engine()
        .dismiss_incident(id, caller.name(), &dismissal.reason)
        .await?;
    answer(&app, id).await
}

/// `NewUpdate`, and whether it is only to be looked at. Taken apart by hand: a flattened struct
/// cannot refuse unknown fields.
async fn post_update(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<IncidentId>,
    Json(mut body): Json<serde_json::Map<String, Value>>,
) -> Result<JsonBody<Value>, ApiError> {
    let preview = match body.remove("preview") {
        None => false,
        Some(Value::Bool(preview)) => preview,
        Some(_) => return Err(ApiError::refused("preview", "give true or false")),
    };
    let post_at = body.remove("post_at").filter(|at| !at.is_null());
    let update: NewUpdate = serde_json::from_value(body.into()).map_err(|e| {
        ApiError::bad_request(format!("the body is not the JSON expected here: {e}"))
    })?;
    if let (Some(at), false) = (post_at, preview) {
        let at = at.as_str().and_then(|at| at.parse().ok()).ok_or_else(|| {
            ApiError::refused("post_at", "give a moment such as 2023-07-11T18:00:00-05:00")
        })?;
        let engine = app.engine();
        let waits = engine
            .schedule_update(id, caller.name(), update, at)
            .await?;
        return Ok(JsonBody(
            json!({ "scheduled": waiting(&app, &waits).await }),
        ));
    }
    let posted = if preview {
        app.engine()
            .preview_update(id, caller.name(), update)
            .await?
    } else {
        app.engine().post_update(id, caller.name(), update).await?
    };
    Ok(JsonBody(posted_view(&app, &posted, preview)))
}

/// Updates that wait for their moment, the soonest first.
async fn scheduled(
    State(app): State<App>,
    Path(id): Path<IncidentId>,
) -> Result<JsonBody<Value>, ApiError> {
    let view = app.engine().find_incident(id).await?;
    let view = view.ok_or_else(|| nothing(id))?;
    let mut all = vec![];
    for one in &view.scheduled {
        all.push(waiting(&app, one).await);
    }
    Ok(JsonBody(json!({ "scheduled": all })))
}

/// An update that waits: what it would say now, or why it could not be posted.
async fn waiting(app: &App, one: &ScheduledUpdate) -> Value {
    let mut view = json!({"id": one.id, "at": one.at, "by": one.by, "made_at": one.made_at});
    match app.engine().preview_scheduled(one).await {
        Ok(posted) => view["body"] = json!(at_home(app, &posted.update.body)),
        Err(error) => view["problem"] = json!(error.to_string()),
    }
    view
}

async fn cancel(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path((id, update)): Path<(IncidentId, UpdateId)>,
) -> Result<StatusCode, ApiError> {
    let engine = app.engine();
    engine.unschedule_update(id, update, caller.name()).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn correct(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path((id, update)): Path<(IncidentId, UpdateId)>,
    Json(correction): Json<NewCorrection>,
) -> Result<JsonBody<Value>, ApiError> {
    app.engine()
        .correct_update(id, update, caller.name(), correction)
        .await?;
    answer(&app, id).await
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Comment {
    text: String,
}

async fn official_comment(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<IncidentId>,
    Json(comment): Json<Comment>,
) -> Result<JsonBody<Value>, ApiError> {
    let posted = app
        .engine()
        .official_comment(id, caller.name(), comment.text)
        .await?;
    Ok(JsonBody(posted_view(&app, &posted, false)))
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct ReportQuery {
    /// The reader's time zone; the vendor's own without one.
    zone: Option<String>,
}

async fn report_markdown(
    State(app): State<App>,
    Path(id): Path<IncidentId>,
    Query(query): Query<ReportQuery>,
) -> Result<Response, ApiError> {
    let markdown = drafted(&app, id, &query).await?;
    Ok((
        [(header::CONTENT_TYPE, "text/markdown; charset=utf-8")],
        markdown,
    )
        .into_response())
}

async fn report_html(
    State(app): State<App>,
    Path(id): Path<IncidentId>,
    Query(query): Query<ReportQuery>,
) -> Result<Response, ApiError> {
    let body = document(&drafted(&app, id, &query).await?);
    let page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>Incident report</title></head>\n\
         <body><main>\n{body}</main></body>\n</html>\n"
    );
    Ok(([(header::CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response())
}

async fn report_pdf(
    State(app): State<App>,
    Path(id): Path<IncidentId>,
    Query(query): Query<ReportQuery>,
) -> Result<Response, ApiError> {
    let markdown = drafted(&app, id, &query).await?;
    let view = app.engine().find_incident(id).await?;
    let view = view.ok_or_else(|| nothing(id))?;
    let about = pdf::About {
        title: format!("Draft of the incident report: {}", view.incident.title),
        author: "Lamplighter".to_owned(),
        created_at: app.engine().clock().now(),
        byline: "A draft, from the recorded timeline. It is not posted.".to_owned(),
        base_url: app.engine().settings().base_url.clone(),
    };
    Ok(pdf::answer(id, markdown, about).await?)
}

async fn drafted(app: &App, id: IncidentId, query: &ReportQuery) -> Result<String, ApiError> {
    let zone = match &query.zone {
        Some(name) => Zone::parse(name).map_err(|e| ApiError::refused("zone", e))?,
        None => app.engine().settings().home_zone.clone(),
    };
    Ok(app.engine().report_draft(id, zone).await?.markdown())
}

async fn answer(app: &App, id: IncidentId) -> Result<JsonBody<Value>, ApiError> {
    let view = app
        .engine()
        .find_incident(id)
        .await?
        .ok_or_else(|| nothing(id))?;
    Ok(JsonBody(for_staff(app, &view)))
}

fn nothing(id: IncidentId) -> ApiError {
    ApiError::not_found(format!("there is no incident {id}"))
}

/// What everybody may read of an incident.
pub(crate) fn for_customers(app: &App, view: &IncidentView) -> Value {
    let incident = &view.incident;
    let updates: Vec<_> = view
        .updates
        .iter()
        .map(|update| json!({"id": update.id, "at": update.at, "state": update.state,
            "body": at_home(app, &update.body), "kind": update.kind, "corrections": update.corrections}))
        .collect();
    json!({
        "id": incident.id,
        "state": incident.state.stage(),
        "impact": incident.impact,
        "title": incident.title,
        "started_at": incident.started_at,
        "updates": updates,
        "follow_ups": view.follow_ups.iter().map(follow_up).collect::<Vec<_>>(),
        "affected": app.engine().affected_by(view),
        "report_due_at": view.due_at(PromiseKind::Report),
        "next_update_due_at": view.due_at(PromiseKind::NextUpdate),
        "maintenance": incident.maintenance.as_ref().map(planned),
    })
}

/// When planned work is done, as customers read it.
fn planned(work: &Maintenance) -> Value {
    json!({"window": work.window, "from": work.from, "until": work.until})
}

/// What will be done, as customers read it: without its owner.
fn follow_up(one: &FollowUp) -> Value {
    let state = match &one.end {
        None => "open",
        Some(end) if end.dropped.is_none() => "done",
        Some(_) => "dropped",
    };
    json!({"text": one.text, "due": one.due, "state": state})
}

/// Everything: who posted, from which template, which alarms, which sites.
fn for_staff(app: &App, view: &IncidentView) -> Value {
    let mut all = for_customers(app, view);
    all["updates"] = json!(view.updates);
    all["alarms"] = json!(view.alarms);
    all["scope"] = json!(view.incident.scope);
    all["version"] = json!(view.incident.version);
    all["accepted_at"] = json!(view.incident.accepted_at);
    all["detail"] = json!(view.incident.state);
    all["promises"] = json!(view.promises);
    all["follow_ups"] = json!(view.follow_ups);
    all
}

/// A post as programs read it: moments on the vendor's clock.
fn at_home(app: &App, post: &str) -> String {
    read_in(&app.engine().settings().home_zone, post)
}

pub(crate) fn posted_view(app: &App, posted: &Posted, preview: bool) -> Value {
    let mut update = json!(posted.update);
    update["body"] = json!(at_home(app, &posted.update.body));
    json!({
        "preview": preview,
        "update": update,
        "state": posted.incident.state.stage(),
        "promises": posted.made,
    })
}
