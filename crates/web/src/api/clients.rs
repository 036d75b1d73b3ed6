//! Secrets of sites, as clients of sign-in.

use axum::Extension;
use axum::extract::State;
use domain::access::Permission;
use domain::name::{Hostname, ProductName};
use signin::ClientSecret;

use crate::App;
use crate::access::{Access, Caller};
use crate::error::ApiError;
use crate::extract::Json;
use crate::reply::Created;
use crate::routes::{Api, Route};

const LIMIT_DEFAULT: usize = 5_000;
const LIMIT_MAX: usize = 20_000;

pub(crate) fn routes() -> Vec<Route> {
    let manage = Access::Holder(Permission::ManageAccess);
    vec![Api::post("/api/v1/clients/issue", manage, "Issue client secrets", issue)
        .about("A fresh secret replaces the one before. `next` is the `after` of the next call; none when all are done.")]
}

/// Which sites get a fresh secret: the one named, or those of the product after `after`, by name.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "IssueSecrets")]
struct Issue {
    /// The product whose sites they are.
    product: ProductName,
    /// Only this site.
    client_id: Option<Hostname>,
    /// Only sites whose name comes after this one.
    after: Option<Hostname>,
    /// 1 to 20,000; 5,000 unless it is said.
    limit: Option<usize>,
}

/// Fresh secrets. They can be read only now.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct SecretsIssued {
    /// One for each site.
    clients: Vec<ClientSecret>,
    /// The last site, when more follow.
    next: Option<Hostname>,
}

async fn issue(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Json(issue): Json<Issue>,
) -> Result<Created<SecretsIssued>, ApiError> {
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
    let next = clients.pop().filter(|_| more);
    Ok(Created(SecretsIssued {
        clients: issued,
        next,
    }))
}
