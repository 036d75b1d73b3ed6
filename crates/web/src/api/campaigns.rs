//! Campaigns: plan, create, command, watch; and actions on one site.

use axum::extract::State;
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
use crate::reply::{Accepted, Created};
use crate::routes::{Api, Route};

/// Room for a selection of 30,000 host names.
const ORDER_BYTES_MAX: usize = 1 << 20;
const CAMPAIGNS_PER_PAGE_MAX: u32 = 500;
const SITES_PER_PAGE_MAX: u32 = 1_000;

pub(crate) fn routes() -> Vec<Route> {
    let see = Access::Holder(Permission::SeeConsole);
    let run = Access::Holder(Permission::RunCampaigns);
    let restore = Access::Holder(Permission::RestoreSite);
    vec![
        Api::post("/api/v1/campaigns/plan", run, "Plan a campaign", plan)
            .about("Says what a campaign would do, and does nothing.")
            .body_max(ORDER_BYTES_MAX),
        Api::post("/api/v1/campaigns", run, "Create a campaign", create)
            .about("It begins when it is started.")
            .body_max(ORDER_BYTES_MAX),
        Api::get(
            "/api/v1/campaigns",
            see,
            "List campaigns, newest first",
            list,
        ),
        Api::get(
            "/api/v1/campaigns/{id}",
            see,
            "Show how far a campaign is",
            progress,
        ),
        Api::get(
            "/api/v1/campaigns/{id}/sites",
            see,
            "List the sites of a campaign",
            sites,
        ),
        Api::post(
            "/api/v1/campaigns/{id}/start",
            run,
            "Start a campaign",
            start,
        ),
        Api::post(
            "/api/v1/campaigns/{id}/pause",
            run,
            "Pause a campaign",
            pause,
        )
        .about("Sites that were begun are finished."),
        Api::post(
            "/api/v1/campaigns/{id}/resume",
            run,
            "Resume a campaign",
            resume,
        )
        .about("Also one that stopped itself."),
        Api::post(
            "/api/v1/campaigns/{id}/abort",
            run,
            "Abort a campaign",
            abort,
        )
        .about("Sites that were not begun are left alone, for good."),
        Api::post(
            "/api/v1/campaigns/{id}/pace",
            run,
            "Change the pace of a campaign",
            set_pace,
        ),
        Api::get(
            "/api/v1/incidents/{id}/proposed-campaign",
            see,
            "Propose a campaign for an incident",
            proposed,
        )
        .about("404 when no site of the incident is left to restore."),
        Api::post(
            "/api/v1/sites/{hostname}/actions",
            restore,
            "Act on one site",
            act,
        )
        .about("A campaign of one site, started at once. Support may not activate releases."),
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
) -> Result<Created<CampaignView>, ApiError> {
    let campaign = app.engine().create_campaign(&order, caller.name()).await?;
    Ok(Created(campaign))
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    /// At most so many; 100 unless it is said. More than 500 are never given.
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

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct SitesQuery {
    /// Only those in this state, such as `failed`.
    state: Option<String>,
    /// Where the page before ended.
    after: Option<u64>,
    /// At most so many; 100 unless it is said. More than 1,000 are never given.
    limit: Option<u32>,
}

/// A page of the sites of a campaign.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct CampaignSites {
    /// In the order they are begun.
    sites: Vec<RowView>,
    /// The position of the last one, when more follow.
    after: Option<u64>,
}

/// A campaign that would restore the sites of an incident.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct ProposedCampaign {
    /// What to send to create it.
    order: Order,
    /// What it would do.
    plan: PlanView,
}

/// A site of a campaign as the API shows it.
#[derive(serde::Serialize, schemars::JsonSchema)]
#[schemars(rename = "CampaignSite")]
struct RowView {
    /// The site; none when the fleet has it no more.
    hostname: Option<Hostname>,
    /// Its place in the order.
    position: u64,
    #[serde(flatten)]
    row: CampaignRowView,
}

#[derive(serde::Serialize, schemars::JsonSchema)]
struct CampaignRowView {
    /// Its wave; counts from 0.
    wave: usize,
    /// `waiting`, `sent`, `acted`, `verified`, `failed` or `skipped`.
    state: &'static str,
    /// How often it was begun.
    tries: u32,
    /// Why it failed or waits; empty without a reason.
    reason: String,
    /// When its state last changed.
    #[schemars(with = "domain::schema::Moment")]
    changed_at: jiff::Timestamp,
}

async fn sites(
    State(app): State<App>,
    Path(id): Path<CampaignId>,
    Query(query): Query<SitesQuery>,
) -> Result<JsonBody<CampaignSites>, ApiError> {
    let limit = page_size(query.limit, 100, SITES_PER_PAGE_MAX)?;
    let from = query.after.map_or(0, |after| after.saturating_add(1));
    let rows = app
        .engine()
        .campaign_rows(id, query.state.as_deref(), from, limit)
        .await?;
    let full = rows.len() == limit as usize;
    let after = rows.last().filter(|_| full).map(|row| row.position);
    let sites = rows.into_iter().map(|row| view(&app, row)).collect();
    Ok(JsonBody(CampaignSites { sites, after }))
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
) -> Result<JsonBody<ProposedCampaign>, ApiError> {
    let engine = app.engine();
    let order = engine.proposed_campaign(id).await?.ok_or_else(|| {
        ApiError::not_found("no site of this incident is left to restore: no campaign is proposed")
    })?;
    let plan = engine.plan_campaign(&order).await?;
    Ok(JsonBody(ProposedCampaign { order, plan }))
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct SiteAction {
    /// What is done to it.
    action: Action,
}

async fn act(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(hostname): Path<Hostname>,
    Json(SiteAction { action }): Json<SiteAction>,
) -> Result<Accepted<CampaignView>, ApiError> {
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
    Ok(Accepted(campaign))
}
