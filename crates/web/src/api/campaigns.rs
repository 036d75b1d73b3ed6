//! Campaigns: plan, create, command, watch; and actions on one site.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json as JsonBody};
use domain::access::Permission;
use domain::campaign::pace::Pace;
use domain::campaign::{Action, Command, Order};
use domain::id::{CampaignId, IncidentId};
use domain::name::Hostname;
use engine::{CampaignView, PlanView, Progress};
use store::CampaignRow;

use crate::App;
use crate::access::{Access, Caller};
use crate::error::ApiError;
use crate::extract::{Json, Path, Query, page_size};
use crate::routes::Route;

/// Room for a selection of 30,000 host names.
const ORDER_BYTES_MAX: usize = 1 << 20;
const CAMPAIGNS_PER_PAGE_MAX: u32 = 500;
const SITES_PER_PAGE_MAX: u32 = 1_000;

pub(crate) fn routes() -> Vec<Route> {
    let see = Access::Holder(Permission::SeeConsole);
    let run = Access::Holder(Permission::RunCampaigns);
    let restore = Access::Holder(Permission::RestoreSite);
    vec![
        Route::post("/api/v1/campaigns/plan", run, plan).body_max(ORDER_BYTES_MAX),
        Route::post("/api/v1/campaigns", run, create).body_max(ORDER_BYTES_MAX),
        Route::get("/api/v1/campaigns", see, list),
        Route::get("/api/v1/campaigns/{id}", see, progress),
        Route::get("/api/v1/campaigns/{id}/sites", see, sites),
        Route::post("/api/v1/campaigns/{id}/start", run, start),
        Route::post("/api/v1/campaigns/{id}/pause", run, pause),
        Route::post("/api/v1/campaigns/{id}/resume", run, resume),
        Route::post("/api/v1/campaigns/{id}/abort", run, abort),
        Route::post("/api/v1/campaigns/{id}/pace", run, set_pace),
        Route::get("/api/v1/incidents/{id}/proposed-campaign", see, proposed),
        Route::post("/api/v1/sites/{hostname}/actions", restore, act),
    ]
}

async fn plan(
    State(app): State<App>,
    Json(order): Json<Order>,
) -> Result<JsonBody<PlanView>, ApiError> {
    Ok(JsonBody(app.engine().plan_campaign(&order).await?))
}

async fn create(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Json(order): Json<Order>,
) -> Result<(StatusCode, JsonBody<CampaignView>), ApiError> {
    let campaign = app.engine().create_campaign(&order, caller.name()).await?;
    Ok((StatusCode::CREATED, JsonBody(campaign)))
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    limit: Option<u32>,
}

async fn list(
    State(app): State<App>,
    Query(query): Query<ListQuery>,
) -> Result<JsonBody<Vec<CampaignView>>, ApiError> {
    let limit = page_size(query.limit, 100, CAMPAIGNS_PER_PAGE_MAX)?;
    Ok(JsonBody(app.engine().campaigns(limit).await?))
}

async fn progress(
    State(app): State<App>,
    Path(id): Path<CampaignId>,
) -> Result<JsonBody<Progress>, ApiError> {
    Ok(JsonBody(app.engine().campaign_progress(id).await?))
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct SitesQuery {
    state: Option<String>,
    after: Option<u64>,
    limit: Option<u32>,
}

/// A site of a campaign as the API shows it.
#[derive(serde::Serialize)]
struct RowView {
    hostname: Option<Hostname>,
    position: u64,
    #[serde(flatten)]
    row: CampaignRowView,
}

#[derive(serde::Serialize)]
struct CampaignRowView {
    wave: usize,
    state: &'static str,
    tries: u32,
    reason: String,
    changed_at: jiff::Timestamp,
}

async fn sites(
    State(app): State<App>,
    Path(id): Path<CampaignId>,
    Query(query): Query<SitesQuery>,
) -> Result<Response, ApiError> {
    let limit = page_size(query.limit, 100, SITES_PER_PAGE_MAX)?;
    let from = query.after.map_or(0, |after| after.saturating_add(1));
    let rows = app
        .engine()
        .campaign_rows(id, query.state.as_deref(), from, limit)
        .await?;
    let full = rows.len() == limit as usize;
    let after = rows.last().filter(|_| full).map(|row| row.position);
    let sites: Vec<_> = rows.into_iter().map(|row| view(&app, row)).collect();
    Ok(JsonBody(serde_json::json!({ "sites": sites, "after": after })).into_response())
}

fn view(app: &App, row: CampaignRow) -> RowView {
    let fleet = app.engine().fleet();
    let site = fleet.index(row.site).and_then(|index| fleet.site(index));
    RowView {
        hostname: site.map(|site| site.hostname.clone()),
        position: row.position,
        row: CampaignRowView {
            wave: row.wave,
            state: row.progress.as_str(),
            tries: row.tries,
            reason: row.reason,
            changed_at: row.changed_at,
        },
    }
}

async fn start(
    app: State<App>,
    caller: Extension<Caller>,
    id: Path<CampaignId>,
) -> Result<JsonBody<CampaignView>, ApiError> {
    command(app, caller, id, Command::Start).await
}

async fn pause(
    app: State<App>,
    caller: Extension<Caller>,
    id: Path<CampaignId>,
) -> Result<JsonBody<CampaignView>, ApiError> {
    command(app, caller, id, Command::Pause).await
}

async fn resume(
    app: State<App>,
    caller: Extension<Caller>,
    id: Path<CampaignId>,
) -> Result<JsonBody<CampaignView>, ApiError> {
    command(app, caller, id, Command::Resume).await
}

async fn abort(
    app: State<App>,
    caller: Extension<Caller>,
    id: Path<CampaignId>,
) -> Result<JsonBody<CampaignView>, ApiError> {
    command(app, caller, id, Command::Abort).await
}

async fn command(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<CampaignId>,
    command: Command,
) -> Result<JsonBody<CampaignView>, ApiError> {
    let campaign = app.engine().command_campaign(id, command, caller.name());
    Ok(JsonBody(campaign.await?))
}

async fn set_pace(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<CampaignId>,
    Json(pace): Json<Pace>,
) -> Result<JsonBody<CampaignView>, ApiError> {
    let campaign = app.engine().set_campaign_pace(id, pace, caller.name());
    Ok(JsonBody(campaign.await?))
}

async fn proposed(
    State(app): State<App>,
    Path(id): Path<IncidentId>,
) -> Result<Response, ApiError> {
    let engine = app.engine();
    let order = engine.proposed_campaign(id).await?.ok_or_else(|| {
        ApiError::not_found("no site of this incident is left to restore: no campaign is proposed")
    })?;
    let plan = engine.plan_campaign(&order).await?;
    Ok(JsonBody(serde_json::json!({ "order": order, "plan": plan })).into_response())
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct SiteAction {
    action: Action,
}

async fn act(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(hostname): Path<Hostname>,
    Json(SiteAction { action }): Json<SiteAction>,
) -> Result<(StatusCode, JsonBody<CampaignView>), ApiError> {
    let releases = matches!(action, Action::ActivateRelease { .. });
    if releases && !caller.0.role.may(Permission::RunCampaigns) {
        return Err(ApiError::forbidden(
            "support restores sites; releases are the engineers'",
        ));
    }
    let campaign = app
        .engine()
        .act_on_site(&hostname, action, caller.name())
        .await?;
    Ok((StatusCode::ACCEPTED, JsonBody(campaign)))
}
