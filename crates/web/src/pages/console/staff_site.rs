//! `/console/sites/{hostname}`: one site, for those who help its people: what is known of it, what
//! was said and done, and the button that restores it.

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use domain::access::Permission;
use domain::campaign::Action;
use domain::campaign::row::Row as Progress;
use domain::document::Document;
use domain::id::{CampaignId, IncidentId};
use domain::layer::Layer;
use domain::name::Hostname;
use domain::site::Site;
use engine::{EngineError, NotReady, SiteIndex};
use jiff::Timestamp;

use crate::App;
use crate::access::{Access, Caller};
use crate::extract::{Form, Path};
use crate::language::{reworded, say, tell};
use crate::pages::console::campaign::capital;
use crate::pages::console::reports::{self, Line as Told};
use crate::pages::public::site;
use crate::pages::words::{self, Moment, Reader};
use crate::pages::{Answer, Page, PageError, reader, render};
use crate::routes::Route;

/// The newest reports and acts that the page tells.
const REPORTS_MAX: u32 = 10;
const DONE_MAX: u32 = 20;

pub(crate) fn routes() -> Vec<Route> {
    let see = Access::Holder(Permission::SeeConsole);
    let restore = Access::Holder(Permission::RestoreSite);
    vec![
        Route::get("/console/sites/{hostname}", see, look),
        Route::post("/console/sites/{hostname}", restore, act),
    ]
}

#[derive(Template)]
#[template(path = "console/site.html")]
struct View {
    page: Page,
    hostname: String,
    state: &'static str,
    state_class: &'static str,
    lead: &'static str,
    organization: String,
    place: String,
    zone: String,
    time_there: String,
    runs: String,
    ran_before: Option<String>,
    since: Moment,
    served: String,
    documents: Vec<(String, String)>,
    incidents: Vec<(IncidentId, String)>,
    done: Vec<Done>,
    reports: Vec<Told>,
    problem: Option<String>,
}

/// What a campaign did to the site.
struct Done {
    at: Moment,
    words: String,
    campaign: CampaignId,
}

async fn look(State(app): State<App>, Path(hostname): Path<Hostname>) -> Answer {
    show(&app, &hostname, StatusCode::OK, None).await
}

async fn show(
    app: &App,
    hostname: &Hostname,
    status: StatusCode,
    problem: Option<String>,
) -> Answer {
    let fleet = app.engine().fleet();
    let found = fleet.find(hostname);
    let found = found.and_then(|index| Some((index, fleet.site(index)?)));
    let (index, site) =
        found.ok_or_else(|| PageError::not_found(say("staff-site-not-in-fleet")))?;
    let reader = reader(app, None, &app.engine().settings().home_zone);
    let state = fleet.state(index);
    let organization = fleet.organization(site.organization).unwrap_or_default();
    let reports = app
        .engine()
        .reports_before((Timestamp::MAX, None), Some(site.id), REPORTS_MAX)
        .await?;
    let view = View {
        page: Page::console(hostname.as_str(), "/console/fleet"),
        hostname: hostname.to_string(),
        state: words::state(state),
        state_class: state.as_str(),
        lead: site::answer(state).1,
        organization: organization.to_string(),
        place: format!("{}, {}", site.area.city, site.area.state),
        zone: site.zone.to_string(),
        time_there: words::clock_time(reader.now, &site.zone),
        runs: format!("{} {}", site.product, site.running),
        ran_before: site.ran_before.as_ref().map(ToString::to_string),
        since: reader.moment(site.activated_at),
        served: served(app, index, &site),
        documents: documents(app, &site),
        incidents: incidents(app, &site),
        done: done(app, &site, &reader).await?,
        reports: reports
            .iter()
            .filter_map(|stored| reports::line(&fleet, stored, &reader))
            .collect(),
        problem,
    };
    Ok(render(status, &view))
}

/// Who keeps the site's config, and whether it holds what the running code needs.
fn served(app: &App, index: SiteIndex, site: &Site) -> String {
    match app.engine().is_ready(index, &site.running) {
        Ok(()) => say("staff-site-holds").into(),
        Err(reason) => format!("{}.", capital(&why_not(&reason))),
    }
}

/// Why a site may not run a release, as [`NotReady`] says it in English.
pub(in crate::pages) fn why_not(reason: &NotReady) -> String {
    match reason {
        NotReady::NoDocuments => say("staff-site-no-documents").into(),
        NotReady::NoDocument(version) => {
            let values = [("version", version.to_string().into())];
            tell("staff-site-no-document", values)
        }
        NotReady::NoAgent => say("staff-site-no-agent").into(),
        NotReady::Silent(host) => tell("staff-site-silent", [("host", (&**host).into())]),
        NotReady::NotItsTurn(key) => tell(
            "staff-site-not-its-turn",
            [("document", key.to_string().into())],
        ),
        NotReady::NotAccepted(key) => tell(
            "staff-site-not-accepted",
            [("document", key.to_string().into())],
        ),
        NotReady::NotTold => say("staff-site-not-told").into(),
        NotReady::Behind { host, held } => {
            let values = [
                ("host", (&**host).into()),
                ("document", held.key.to_string().into()),
                ("version", held.version.to_string().into()),
            ];
            tell("staff-site-behind", values)
        }
    }
}

/// The documents of its product, and the version that its code is given.
fn documents(app: &App, site: &Site) -> Vec<(String, String)> {
    let repository = app.engine().repository();
    let keys = repository.documents().keys();
    let of_product = keys.filter(|key| key.product == site.product && key.layer.is_base());
    let version = |key| {
        let document = app.engine().document_for(key, &site.running, Some(site));
        document.map_or_else(
            || say("staff-site-none-accepts").into(),
            |read| {
                read.pieces()
                    .iter()
                    .map(|one| piece(one))
                    .collect::<Vec<_>>()
                    .join(", ")
            },
        )
    };
    of_product
        .map(|key| (key.to_string(), version(key)))
        .collect()
}

/// A version that a site reads, of the document or of a layer.
fn piece(one: &Document) -> String {
    let version = one.version.to_string();
    match &one.key.layer {
        Layer::Base => tell("staff-site-version", [("version", version.into())]),
        layer => {
            let values = [
                ("layer", layer.to_string().into()),
                ("version", version.into()),
            ];
            tell("staff-site-layer", values)
        }
    }
}

fn incidents(app: &App, site: &Site) -> Vec<(IncidentId, String)> {
    let all = app.engine().all_incidents().into_iter();
    all.filter(|view| view.incident.is_open() && view.incident.scope.holds(site))
        .map(|view| (view.incident.id, view.incident.title.clone()))
        .collect()
}

async fn done(app: &App, site: &Site, reader: &Reader) -> Result<Vec<Done>, EngineError> {
    let rows = app.engine().done_to_site(site.id, DONE_MAX).await?;
    let line = |row: store::CampaignRow| Done {
        at: reader.moment(row.changed_at),
        words: match row.progress {
            Progress::Waiting => say("staff-site-waiting").into(),
            Progress::Sent { .. } => say("staff-site-sent").into(),
            Progress::Acted { .. } => say("staff-site-acted").into(),
            Progress::Verified { .. } => say("staff-site-verified").into(),
            Progress::Failed { .. } => tell(
                "staff-site-failed",
                [("reason", reworded(row.reason).into())],
            ),
            Progress::Skipped => say("staff-site-skipped").into(),
        },
        campaign: row.campaign,
    };
    Ok(rows.into_iter().map(line).collect())
}

#[derive(serde::Deserialize)]
struct Act {
    action: String,
}

async fn act(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(hostname): Path<Hostname>,
    Form(form): Form<Act>,
) -> Answer {
    let action = match form.action.as_str() {
        "refresh" => Action::Refresh,
        "clear_cache" => Action::ClearCache,
        _ => return Err(PageError::refused(say("staff-site-no-action"))),
    };
    match app
        .engine()
        .act_on_site(&hostname, action, caller.name())
        .await
    {
        Ok(campaign) => {
            let to = format!("/console/campaigns/{}", campaign.id);
            Ok(Redirect::to(&to).into_response())
        }
        Err(error) if error.kind() == engine::Kind::Refused => {
            let problem = Some(reworded(&error));
            show(&app, &hostname, StatusCode::UNPROCESSABLE_ENTITY, problem).await
        }
        Err(error) => Err(error.into()),
    }
}
