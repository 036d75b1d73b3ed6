//! Incidents: what customers may read, and what the vendor's people do about them.

mod view;

use axum::extract::State;
use axum::{Extension, Json as JsonBody};
use domain::access::Permission;
use domain::detection::Alarm;
use domain::id::{IncidentId, UpdateId};
use domain::incident::Audience;
use domain::incident::timeline::TimelineEntry;
use domain::site::Zone;
use engine::{Acceptance, NewCorrection, NewUpdate, Opening};
use serde_json::{Map, Value};
use store::{ScheduledUpdate, StoredReport};

use crate::App;
use crate::access::{Access, Caller};
use crate::error::ApiError;
use crate::extract::{Json, Path, Query, page_size};
use crate::language::{Says as _, in_language};
use crate::pages::prose::document;
use crate::pdf;
use crate::reply::{Bare, Html, Markdown, PdfFile, Raw};
use crate::routes::{Api, Route};
use view::{
    CaseAlarm, CaseReport, CaseView, PostAnswer, PublicIncidents, Scheduled, StaffIncidents,
    Waiting, WholeIncident, at_home,
};
pub(crate) use view::{
    PostedView, PublicIncident, StaffIncident, for_customers, for_staff, posted_view,
};

/// How many incidents one answer lists: the newest; no more are kept in memory.
const INCIDENTS_PER_PAGE_MAX: usize = 200;

pub(crate) fn routes() -> Vec<Route> {
    let see = Access::Holder(Permission::SeeConsole);
    let tell = Access::Holder(Permission::TellCustomers);
    vec![
        Api::get(
            "/api/v1/public/incidents",
            Access::Public,
            "List incidents, as customers read them",
            public_list,
        )
        .kept(),
        Api::get(
            "/api/v1/public/incidents/{id}",
            Access::Public,
            "Show an incident, as customers read it",
            public_show,
        ),
        Api::get("/api/v1/incidents", see, "List incidents", list),
        Api::post("/api/v1/incidents", tell, "Open an incident", open),
        Api::get(
            "/api/v1/incidents/{id}",
            see,
            "Show an incident and its case",
            show,
        ),
        Api::get(
            "/api/v1/incidents/{id}/timeline",
            see,
            "List what happened",
            timeline,
        ),
        Api::get(
            "/api/v1/incidents/{id}/report.md",
            see,
            "Draft the incident report as Markdown",
            report_markdown,
        ),
        Api::get(
            "/api/v1/incidents/{id}/report.html",
            see,
            "Draft the incident report as HTML",
            report_html,
        ),
        Api::get(
            "/api/v1/incidents/{id}/report.pdf",
            see,
            "Draft the incident report as PDF",
            report_pdf,
        ),
        Api::post(
            "/api/v1/incidents/{id}/accept",
            tell,
            "Accept a proposal",
            accept,
        )
        .about("From then on customers read it."),
        Api::post(
            "/api/v1/incidents/{id}/audience",
            tell,
            "Say who may read an incident",
            audience,
        )
        .about("`everybody`, or `affected`: members of the organizations with a site in its scope, signed in."),
        Api::post(
            "/api/v1/incidents/{id}/dismiss",
            tell,
            "Dismiss a proposal",
            dismiss,
        ),
        Api::post(
            "/api/v1/incidents/{id}/updates",
            tell,
            "Post an update",
            post_update,
        )
        .about("With `preview` nothing is posted; with `post_at` it is posted at that moment."),
        Api::post(
            "/api/v1/incidents/{id}/updates/{update}/correct",
            tell,
            "Correct an update",
            correct,
        )
        .about("Customers read that it was corrected, and why."),
        Api::post(
            "/api/v1/incidents/{id}/official-comment",
            tell,
            "Post the official comment",
            official_comment,
        ),
        Api::get(
            "/api/v1/incidents/{id}/scheduled",
            see,
            "List updates that wait for their moment",
            scheduled,
        ),
        Api::post(
            "/api/v1/incidents/{id}/scheduled/{update}/cancel",
            tell,
            "Cancel an update that waits",
            cancel,
        ),
    ]
}

async fn public_list(State(app): State<App>) -> JsonBody<PublicIncidents> {
    let views = app.engine().public_incidents();
    let incidents = views
        .iter()
        .take(INCIDENTS_PER_PAGE_MAX)
        .map(|view| for_customers(&app, view))
        .collect();
    JsonBody(PublicIncidents { incidents })
}

async fn public_show(
    State(app): State<App>,
    Path(id): Path<IncidentId>,
) -> Result<JsonBody<PublicIncident>, ApiError> {
    // A proposal is not there, as far as a customer can tell.
    let view = app
        .engine()
        .find_incident(id)
        .await?
        .filter(|view| view.incident.is_public());
    view.map(|view| JsonBody(for_customers(&app, &view)))
        .ok_or_else(|| nothing(id))
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    /// At most so many: 1 to 200, and 200 unless it is said.
    limit: Option<usize>,
}

async fn list(
    State(app): State<App>,
    Query(query): Query<ListQuery>,
) -> Result<JsonBody<StaffIncidents>, ApiError> {
    let limit = page_size(query.limit, INCIDENTS_PER_PAGE_MAX, INCIDENTS_PER_PAGE_MAX)?;
    let views = app.engine().all_incidents();
    let incidents = views
        .iter()
        .take(limit)
        .map(|view| for_staff(&app, view))
        .collect();
    Ok(JsonBody(StaffIncidents { incidents }))
}

/// One incident, with everything that is linked to it.
async fn show(
    State(app): State<App>,
    Path(id): Path<IncidentId>,
) -> Result<JsonBody<WholeIncident>, ApiError> {
    let view = app.engine().find_incident(id).await?;
    let view = view.ok_or_else(|| nothing(id))?;
    let case = app.engine().case(&view).await?;
    let alarm = |one: &Alarm| CaseAlarm {
        id: one.id,
        at: one.at,
        sentence: one.sentence(),
    };
    let site = |id| {
        let fleet = app.engine().fleet();
        let site = fleet.index(id).and_then(|index| fleet.site(index));
        site.map(|site| site.hostname.clone())
    };
    let report = |one: &StoredReport| CaseReport {
        id: one.report.id,
        at: one.report.at,
        site: site(one.report.site),
        text: one.report.text.as_str().into(),
    };
    let case = CaseView {
        alarms: case.alarms.iter().map(alarm).collect(),
        reports_total: case.reports_total,
        reports: case.reports.iter().map(report).collect(),
        campaigns: case.campaigns,
        releases: case.releases,
    };
    let incident = for_staff(&app, &view);
    Ok(JsonBody(WholeIncident { incident, case }))
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
) -> Result<JsonBody<StaffIncident>, ApiError> {
    let id = app.engine().open_incident(caller.name(), opening).await?;
    found(&app, id).await
}

async fn accept(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<IncidentId>,
    Json(acceptance): Json<Acceptance>,
) -> Result<JsonBody<StaffIncident>, ApiError> {
    app.engine()
        .accept_incident(id, caller.name(), acceptance)
        .await?;
    found(&app, id).await
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Dismissal {
    /// Why it is none; the timeline keeps it.
    reason: String,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewAudience {
    /// Who may read it from now on.
    audience: Audience,
}

async fn audience(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<IncidentId>,
    Json(new): Json<NewAudience>,
) -> Result<JsonBody<StaffIncident>, ApiError> {
    let set = app.engine().set_audience(id, caller.name(), new.audience);
    set.await?;
    found(&app, id).await
}

async fn dismiss(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<IncidentId>,
    Json(dismissal): Json<Dismissal>,
) -> Result<JsonBody<StaffIncident>, ApiError> {
    app.engine()
        .dismiss_incident(id, caller.name(), &dismissal.reason)
        .await?;
    found(&app, id).await
}

// Taken apart by hand: a flattened struct cannot refuse unknown fields.
/// An update, as somebody wants it, and whether it is only to be looked at, or waits for a moment.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(transparent)]
#[schemars(
    rename = "UpdateToPost",
    extend("examples" = [{"text": "We look into it."}])
)]
struct ToPost(#[schemars(with = "PostFields")] Map<String, Value>);

#[derive(schemars::JsonSchema)]
#[schemars(inline, deny_unknown_fields)]
#[expect(dead_code, reason = "says what the fields of a body are")]
struct PostFields {
    #[serde(flatten)]
    new: NewUpdate,
    /// Whether it is only to be looked at.
    preview: Option<bool>,
    /// When it is to be posted; now without one.
    #[schemars(with = "Option<domain::schema::Moment>")]
    post_at: Option<jiff::Timestamp>,
}

async fn post_update(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<IncidentId>,
    Json(ToPost(mut body)): Json<ToPost>,
) -> Result<JsonBody<PostAnswer>, ApiError> {
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
        let scheduled = waiting(&app, &waits).await;
        return Ok(JsonBody(PostAnswer::Scheduled { scheduled }));
    }
    let posted = if preview {
        app.engine()
            .preview_update(id, caller.name(), update)
            .await?
    } else {
        app.engine().post_update(id, caller.name(), update).await?
    };
    let posted = posted_view(&app, &posted, preview);
    Ok(JsonBody(PostAnswer::Posted(posted)))
}

/// Updates that wait for their moment, the soonest first.
async fn scheduled(
    State(app): State<App>,
    Path(id): Path<IncidentId>,
) -> Result<JsonBody<Scheduled>, ApiError> {
    let view = app.engine().find_incident(id).await?;
    let view = view.ok_or_else(|| nothing(id))?;
    let mut all = vec![];
    for one in &view.scheduled {
        all.push(waiting(&app, one).await);
    }
    Ok(JsonBody(Scheduled { scheduled: all }))
}

/// An update that waits: what it would say now, or why it could not be posted.
async fn waiting(app: &App, one: &ScheduledUpdate) -> Waiting {
    let (body, problem) = match app.engine().preview_scheduled(one).await {
        Ok(posted) => (Some(at_home(app, &posted.update.body)), None),
        Err(error) => (None, Some(error.to_string())),
    };
    Waiting {
        id: one.id,
        at: one.at,
        by: one.by.clone(),
        made_at: one.made_at,
        body,
        problem,
    }
}

async fn cancel(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path((id, update)): Path<(IncidentId, UpdateId)>,
) -> Result<Bare<204>, ApiError> {
    let engine = app.engine();
    engine.unschedule_update(id, update, caller.name()).await?;
    Ok(Bare)
}

async fn correct(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path((id, update)): Path<(IncidentId, UpdateId)>,
    Json(correction): Json<NewCorrection>,
) -> Result<JsonBody<StaffIncident>, ApiError> {
    app.engine()
        .correct_update(id, update, caller.name(), correction)
        .await?;
    found(&app, id).await
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "OfficialComment")]
struct Comment {
    /// Markdown.
    text: String,
}

async fn official_comment(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<IncidentId>,
    Json(comment): Json<Comment>,
) -> Result<JsonBody<PostedView>, ApiError> {
    let posted = app
        .engine()
        .official_comment(id, caller.name(), comment.text)
        .await?;
    Ok(JsonBody(posted_view(&app, &posted, false)))
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct ReportQuery {
    /// The reader's time zone; the vendor's own without one.
    zone: Option<String>,
}

async fn report_markdown(
    State(app): State<App>,
    Path(id): Path<IncidentId>,
    Query(query): Query<ReportQuery>,
) -> Result<Raw<Markdown>, ApiError> {
    Ok(Raw::new(drafted(&app, id, &query).await?))
}

async fn report_html(
    State(app): State<App>,
    Path(id): Path<IncidentId>,
    Query(query): Query<ReportQuery>,
) -> Result<Raw<Html>, ApiError> {
    let markdown = drafted(&app, id, &query).await?;
    // A draft is the team's, though the API speaks English.
    let team = app.engine().settings().language;
    let body = in_language(&app, team, || document(&markdown));
    let (tag, title) = (team.tag(), team.say("incident-report"));
    let page = format!(
        "<!doctype html>\n<html lang=\"{tag}\">\n<head><meta charset=\"utf-8\"><title>{title}</title></head>\n\
         <body><main>\n{body}</main></body>\n</html>\n"
    );
    Ok(Raw::new(page))
}

async fn report_pdf(
    State(app): State<App>,
    Path(id): Path<IncidentId>,
    Query(query): Query<ReportQuery>,
) -> Result<PdfFile, ApiError> {
    let markdown = drafted(&app, id, &query).await?;
    let view = app.engine().find_incident(id).await?;
    let view = view.ok_or_else(|| nothing(id))?;
    let (team, title) = (app.engine().settings().language, &*view.incident.title);
    let about = pdf::About {
        title: team.tell("report-draft-of", [("title", title.into())]),
        author: "Lamplighter".to_owned(),
        created_at: app.engine().clock().now(),
        byline: team.say("report-draft-byline").to_owned(),
        base_url: app.engine().settings().base_url.clone(),
        language: team,
        wrote: None,
    };
    Ok(PdfFile(pdf::answer(id, markdown, about).await?))
}

async fn drafted(app: &App, id: IncidentId, query: &ReportQuery) -> Result<String, ApiError> {
    let zone = match &query.zone {
        Some(name) => Zone::parse(name).map_err(|e| ApiError::refused("zone", e))?,
        None => app.engine().settings().home_zone.clone(),
    };
    Ok(app.engine().report_draft(id, zone).await?)
}

/// An incident as staff reads it.
pub(super) async fn found(app: &App, id: IncidentId) -> Result<JsonBody<StaffIncident>, ApiError> {
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
