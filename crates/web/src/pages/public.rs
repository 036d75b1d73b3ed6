//! What the public reads: status, incidents, a site's own page, the report form. Without an account.

pub(in crate::pages) mod api;
pub(in crate::pages) mod calendar;
pub(in crate::pages) mod comments;
pub(in crate::pages) mod embed;
pub(in crate::pages) mod feed;
pub(in crate::pages) mod follow;
pub(in crate::pages) mod history;
pub(in crate::pages) mod incident;
pub(in crate::pages) mod incident_report;
pub(crate) mod live;
pub(in crate::pages) mod maintenance;
pub(in crate::pages) mod organization;
pub(in crate::pages) mod own;
pub(in crate::pages) mod report;
pub(in crate::pages) mod site;
pub(in crate::pages) mod status;

use crate::routes::Route;

pub(super) fn routes() -> Vec<Route> {
    let mut routes = vec![];
    routes.extend(api::routes());
    routes.extend(calendar::routes());
    routes.extend(comments::routes());
    routes.extend(embed::routes());
    routes.extend(feed::routes());
    routes.extend(follow::routes());
    routes.extend(history::routes());
    routes.extend(incident::routes());
    routes.extend(incident_report::routes());
    routes.extend(live::routes());
    routes.extend(organization::routes());
    routes.extend(own::routes());
    routes.extend(report::routes());
    routes.extend(site::routes());
    routes.extend(status::routes());
    routes
}
