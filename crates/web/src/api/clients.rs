//! Secrets of sites, as clients of sign-in.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, response::IntoResponse};
use domain::access::Permission;
use domain::name::{Hostname, ProductName};

use crate::App;
use crate::access::{Access, Caller};
use crate::error::ApiError;
use crate::extract::Json;
use crate::routes::Route;

const LIMIT_DEFAULT: usize = 5_000;
const LIMIT_MAX: usize = 20_000;

pub(crate) fn routes() -> Vec<Route> {
    let manage = Access::Holder(Permission::ManageAccess);
    vec![Route::post("/api/v1/clients/issue", manage, issue)]
}

/// Which sites get a fresh secret: the one named, or those of the product after `after`, by name.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Issue {
    product: ProductName,
    client_id: Option<Hostname>,
    after: Option<Hostname>,
    limit: Option<usize>,
}

async fn issue(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Json(issue): Json<Issue>,
) -> Result<impl IntoResponse, ApiError> {
    let fleet = app.engine().fleet();
    if fleet.product(&issue.product).is_none() {
        return Err(ApiError::not_found(format!(
            "there is no product {}",
            issue.product
        )));
    }
    let limit = issue.limit.unwrap_or(LIMIT_DEFAULT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(ApiError::refused("limit", format!("1 to {LIMIT_MAX}")));
    }
    let asked = |hostname: &Hostname| {
        issue.client_id.as_ref().is_none_or(|one| hostname == one)
            && issue.after.as_ref().is_none_or(|after| hostname > after)
    };
    let sites = fleet.sites().map(|(_, site)| site);
    let sites = sites.filter(|site| site.product == issue.product && asked(&site.hostname));
    let mut clients: Vec<_> = sites.map(|site| site.hostname.clone()).collect();
    if clients.is_empty() && issue.client_id.is_some() {
        return Err(ApiError::not_found(
            "the product has no site with this client_id",
        ));
    }
    clients.sort_unstable();
    let more = clients.len() > limit;
    clients.truncate(limit);
    let issued = app
        .provider()
        .issue_secrets(&clients, caller.name())
        .await?;
    let next = clients.last().filter(|_| more);
    let body = serde_json::json!({ "clients": issued, "next": next });
    Ok((StatusCode::CREATED, axum::Json(body)))
}
