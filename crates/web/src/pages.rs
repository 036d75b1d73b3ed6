//! The pages people read: public status, a site's own page, the report form, the console.
//!
//! One file for each page with its view. Every page works without script. Never decides.

mod accounts;
mod alarms;
mod api;
mod assets;
mod audit;
mod banners;
mod calendar;
mod calendars;
mod campaign;
mod campaigns;
mod case;
mod comments;
mod compose;
mod config;
mod console;
mod design;
mod embed;
mod errors;
mod feed;
mod find;
mod fleet;
mod follow;
mod follow_ups;
mod followers;
mod history;
mod incident;
mod incident_report;
mod incidents;
pub(crate) mod lamps;
mod live;
mod maintenance;
mod maintenances;
mod moderation;
mod nav;
mod on_call;
mod open_incident;
mod organization;
mod past_incident;
mod people;
pub(crate) mod prose;
mod releases;
mod report;
mod reports;
mod respond;
mod sign_in;
mod site;
mod staff_site;
mod status;
mod templates;
mod words;
mod write_report;

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use domain::site::Zone;

use crate::App;
use crate::access::Access;
use crate::error::ApiError;
use crate::routes::Route;
pub(crate) use follow::followed;
pub(crate) use incident::stage;
pub(crate) use maintenance::window;

use assets::{ASSETS, Assets};
use errors::PageError;
use lamps::bands::Band;
use words::Reader;

/// Pages may load our own style, script and pictures, and nothing else.
const CONTENT_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; \
     connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
);

pub(crate) fn routes() -> Vec<Route> {
    let mut routes = vec![Route::get("/assets/{name}", Access::Public, assets::asset)];
    routes.extend(status::routes());
    routes.extend(incident::routes());
    routes.extend(incident_report::routes());
    routes.extend(write_report::routes());
    routes.extend(embed::routes());
    routes.extend(feed::routes());
    routes.extend(comments::routes());
    routes.extend(moderation::routes());
    routes.extend(calendar::routes());
    routes.extend(maintenances::routes());
    routes.extend(site::routes());
    routes.extend(organization::routes());
    routes.extend(follow::routes());
    routes.extend(followers::routes());
    routes.extend(report::routes());
    routes.extend(api::routes());
    routes.extend(sign_in::routes());
    routes.extend(console::routes());
    routes.extend(live::routes());
    routes.extend(open_incident::routes());
    routes.extend(history::routes());
    routes.extend(past_incident::routes());
    routes.extend(respond::routes());
    routes.extend(compose::routes());
    routes.extend(campaign::routes());
    routes.extend(fleet::routes());
    routes.extend(audit::routes());
    routes.extend(banners::routes());
    routes.extend(follow_ups::routes());
    routes.extend(templates::routes());
    routes.extend(find::routes());
    routes.extend(incidents::routes());
    routes.extend(alarms::routes());
    routes.extend(reports::routes());
    routes.extend(campaigns::routes());
    routes.extend(staff_site::routes());
    routes.extend(releases::routes());
    routes.extend(config::routes());
    routes.extend(people::routes());
    routes.extend(on_call::routes());
    routes.extend(calendars::routes());
    routes.extend(accounts::routes());
    routes.extend(design::routes());
    routes
}

/// What every page is framed with.
struct Page {
    title: String,
    /// The address of the entry of the navigation that is shown as current.
    here: &'static str,
    wide: bool,
    signed_in: bool,
    assets: &'static Assets,
}

impl Page {
    fn public(title: impl Into<String>, here: &'static str) -> Self {
        Self {
            title: title.into(),
            here,
            wide: false,
            signed_in: false,
            assets: &ASSETS,
        }
    }

    fn console(title: impl Into<String>, here: &'static str) -> Self {
        Self {
            title: title.into(),
            here,
            wide: true,
            signed_in: true,
            assets: &ASSETS,
        }
    }

    fn links(&self) -> Vec<nav::Link> {
        nav::bar(self.signed_in, self.here)
    }

    /// The other pages of the console's section.
    fn beside(&self) -> Vec<nav::Link> {
        if self.signed_in {
            nav::beside(self.here)
        } else {
            vec![]
        }
    }
}

/// A zone that a reader may choose.
struct Choice {
    name: String,
    value: String,
    chosen: bool,
}

/// The reader of a page: the zone asked for, or `fallback`. An unknown zone is no error: the page
/// names the zone it uses.
fn reader(app: &App, asked: Option<&str>, fallback: &Zone) -> Reader {
    let zone = asked
        .and_then(|name| Zone::parse(name).ok())
        .unwrap_or_else(|| fallback.clone());
    Reader {
        zone,
        now: app.engine().clock().now(),
    }
}

/// The zones of the fleet, the vendor's own and the chosen one.
fn zone_choices(bands: &[Band], home: &Zone, reader: &Reader) -> Vec<Choice> {
    let mut choices: Vec<Choice> = vec![];
    let of_bands = bands.iter().map(|band| (band.name.clone(), &band.zone));
    let others = [home, &reader.zone].map(|zone| (zone.as_str().replace('_', " "), zone));
    for (name, zone) in of_bands.chain(others) {
        let value = zone.as_str().to_owned();
        if choices.iter().all(|choice| choice.value != value) {
            choices.push(Choice {
                name,
                chosen: *zone == reader.zone,
                value,
            });
        }
    }
    choices
}

/// Renders a page. Public pages may be kept by a browser as long as it asks whether they changed.
fn render(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => {
            let headers = [
                (header::CONTENT_SECURITY_POLICY, CONTENT_POLICY),
                (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
            ];
            (status, headers, Html(html)).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "could not render a page");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// For an address that leads nowhere.
pub(crate) fn nothing_here() -> Response {
    PageError::not_found("Perhaps its address was cut or mistyped.").into_response()
}

/// For a form that cannot be read.
pub(crate) fn bad_form(error: &ApiError) -> Response {
    PageError::bad_form(error.status(), error.message()).into_response()
}

/// For an address that tried too often.
pub(crate) fn too_many(error: &ApiError) -> Response {
    let mut page = PageError::too_many(error.message()).into_response();
    let after = error.retry_after();
    page.headers_mut()
        .extend(after.map(|after| (header::RETRY_AFTER, after)));
    page
}

/// For somebody who is known, and may not do this.
pub(crate) fn not_allowed(says: &str) -> Response {
    PageError::not_allowed(says).into_response()
}

type Answer = Result<Response, PageError>;
