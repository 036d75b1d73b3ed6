//! What the team reads and does: one file for each page of the console.

pub(in crate::pages) mod accounts;
pub(in crate::pages) mod alarms;
pub(in crate::pages) mod audience;
pub(in crate::pages) mod audit;
pub(in crate::pages) mod banners;
pub(in crate::pages) mod calendars;
pub(in crate::pages) mod campaign;
pub(in crate::pages) mod campaigns;
pub(in crate::pages) mod case;
pub(in crate::pages) mod compose;
pub(in crate::pages) mod config;
pub(in crate::pages) mod design;
pub(in crate::pages) mod drills;
pub(in crate::pages) mod find;
pub(in crate::pages) mod fleet;
pub(in crate::pages) mod follow_ups;
pub(in crate::pages) mod followers;
pub(in crate::pages) mod incidents;
pub(in crate::pages) mod live;
pub(in crate::pages) mod maintenances;
mod map;
pub(in crate::pages) mod moderation;
pub(in crate::pages) mod on_call;
pub(in crate::pages) mod open_incident;
pub(in crate::pages) mod organizations;
pub(in crate::pages) mod overview;
pub(in crate::pages) mod past_incident;
pub(in crate::pages) mod people;
pub(in crate::pages) mod releases;
pub(in crate::pages) mod reports;
pub(in crate::pages) mod respond;
pub(in crate::pages) mod sign_in;
pub(in crate::pages) mod staff_site;
pub(in crate::pages) mod templates;
pub(in crate::pages) mod typed;
pub(in crate::pages) mod write_report;

use crate::routes::Route;

pub(super) fn routes() -> Vec<Route> {
    let mut routes = vec![];
    routes.extend(accounts::routes());
    routes.extend(alarms::routes());
    routes.extend(audience::routes());
    routes.extend(audit::routes());
    routes.extend(banners::routes());
    routes.extend(calendars::routes());
    routes.extend(campaign::routes());
    routes.extend(campaigns::routes());
    routes.extend(compose::routes());
    routes.extend(config::routes());
    routes.extend(design::routes());
    routes.extend(drills::routes());
    routes.extend(find::routes());
    routes.extend(fleet::routes());
    routes.extend(follow_ups::routes());
    routes.extend(followers::routes());
    routes.extend(incidents::routes());
    routes.extend(live::routes());
    routes.extend(maintenances::routes());
    routes.extend(moderation::routes());
    routes.extend(on_call::routes());
    routes.extend(open_incident::routes());
    routes.extend(organizations::routes());
    routes.extend(overview::routes());
    routes.extend(past_incident::routes());
    routes.extend(people::routes());
    routes.extend(releases::routes());
    routes.extend(reports::routes());
    routes.extend(respond::routes());
    routes.extend(sign_in::routes());
    routes.extend(staff_site::routes());
    routes.extend(templates::routes());
    routes.extend(write_report::routes());
    routes
}
