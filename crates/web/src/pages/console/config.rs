//! `/console/config`: the documents that configure shared services, and which code each serves.

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use domain::access::Permission;
use domain::document::{Document, DocumentKey, Lane};
use domain::name::{DocumentName, ProductName, ServiceName};
use engine::{EngineError, How, Kind, NewDocument};
use semver::VersionReq;

use crate::App;
use crate::access::{Access, Caller};
use crate::extract::{Form, Path, Query};
use crate::language::{say, tell};
use crate::pages::words;
use crate::pages::{Answer, Page, PageError, render};
use crate::routes::Route;

/// The largest document, each byte written as `%xx`.
const FORM_BYTES_MAX: usize = 4 << 20;

pub(crate) fn routes() -> Vec<Route> {
    let see = Access::Holder(Permission::SeeConsole);
    let change = Access::Holder(Permission::ChangeDelivery);
    vec![
        Route::get("/console/config", see, list),
        Route::post("/console/config", change, publish).body_max(FORM_BYTES_MAX),
        Route::get("/console/config/{product}/{service}/{name}", see, read),
    ]
}

#[derive(Template)]
#[template(path = "console/config.html")]
struct List {
    page: Page,
    documents: Vec<Line>,
    lead: String,
}

/// A document with its newest version.
struct Line {
    key: DocumentKey,
    version: u64,
    versions: usize,
    accepts: String,
    lane: &'static str,
    bytes: String,
}

async fn list(State(app): State<App>) -> Answer {
    let repository = app.engine().repository();
    let documents = repository.documents().iter().filter_map(|(key, versions)| {
        let newest = versions.iter().max_by_key(|document| document.version)?;
        Some(Line {
            key: key.clone(),
            version: newest.version,
            versions: versions.len(),
            accepts: newest.accepts.to_string(),
            lane: lane(newest.lane),
            bytes: words::count(newest.body.len()),
        })
    });
    let view = List {
        page: Page::console(say("config-title"), "/console/config"),
        documents: documents.collect(),
        lead: tell(
            "config-lead",
            [
                ("version", repository.version().to_string().into()),
                ("n", app.engine().agent_count().into()),
            ],
        ),
    };
    Ok(render(StatusCode::OK, &view))
}

#[derive(Template)]
#[template(path = "console/document.html")]
struct View {
    page: Page,
    key: DocumentKey,
    problem: Option<String>,
    versions: Vec<Version>,
    shown: u64,
    body: String,
    accepts: String,
    lane: &'static str,
    served: Vec<(String, String)>,
}

struct Version {
    number: u64,
    accepts: String,
    lane: &'static str,
    bytes: String,
    here: bool,
}

#[derive(serde::Deserialize)]
struct Which {
    version: Option<u64>,
}

async fn read(
    State(app): State<App>,
    Path((product, service, name)): Path<(ProductName, ServiceName, DocumentName)>,
    Query(which): Query<Which>,
) -> Answer {
    let key = DocumentKey {
        product,
        service,
        name,
    };
    let repository = app.engine().repository();
    let missing = || PageError::not_found(say("config-no-document"));
    let versions = repository.documents().get(&key).ok_or_else(missing)?;
    let wanted = |document: &&std::sync::Arc<Document>| {
        which
            .version
            .is_none_or(|version| version == document.version)
    };
    let shown = versions.iter().filter(wanted);
    let shown = shown.max_by_key(|one| one.version).ok_or_else(missing)?;
    Ok(show(&app, StatusCode::OK, shown, None))
}

fn show(
    app: &App,
    status: StatusCode,
    shown: &Document,
    problem: Option<String>,
) -> axum::response::Response {
    let repository = app.engine().repository();
    let versions = repository
        .documents()
        .get(&shown.key)
        .cloned()
        .unwrap_or_default();
    let mut lines: Vec<_> = versions
        .iter()
        .map(|one| Version {
            number: one.version,
            accepts: one.accepts.to_string(),
            lane: lane(one.lane),
            bytes: words::count(one.body.len()),
            here: one.version == shown.version,
        })
        .collect();
    lines.sort_by_key(|one| std::cmp::Reverse(one.number));
    let view = View {
        page: Page::console(shown.key.to_string(), "/console/config"),
        problem,
        versions: lines,
        shown: shown.version,
        body: pretty(&shown.body),
        accepts: shown.accepts.to_string(),
        lane: shown.lane.as_str(),
        served: served(app, &shown.key),
        key: shown.key.clone(),
    };
    render(status, &view)
}

fn lane(lane: Lane) -> &'static str {
    match lane {
        Lane::First => say("config-lane-first"),
        Lane::Other => say("config-lane-other"),
    }
}

/// Which version the code of each release is given.
fn served(app: &App, key: &DocumentKey) -> Vec<(String, String)> {
    let fleet = app.engine().fleet();
    let of_product = fleet
        .sites()
        .filter(|(_, site)| site.product == key.product);
    let releases: std::collections::BTreeSet<_> =
        of_product.map(|(_, site)| site.running.clone()).collect();
    let version = |release: &semver::Version| {
        let document = app.engine().document_for(key, release, None);
        document.map_or_else(
            || say("config-no-version").into(),
            |one| {
                tell(
                    "config-version-of",
                    [("version", one.version.to_string().into())],
                )
            },
        )
    };
    let releases = releases.iter().rev();
    releases
        .map(|release| (release.to_string(), version(release)))
        .collect()
}

fn pretty(body: &[u8]) -> String {
    let value: Result<serde_json::Value, _> = serde_json::from_slice(body);
    value
        .and_then(|value| serde_json::to_string_pretty(&value))
        .unwrap_or_else(|_| String::from_utf8_lossy(body).into_owned())
}

#[derive(serde::Deserialize)]
struct Publish {
    product: String,
    service: String,
    name: String,
    accepts: String,
    #[serde(default)]
    lane: String,
    body: String,
    #[serde(default)]
    at_once: bool,
    #[serde(default)]
    why: String,
}

async fn publish(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Form(form): Form<Publish>,
) -> Answer {
    let key = form.key().map_err(|e| PageError::refused(e.to_string()))?;
    let published = match form.document(&key) {
        Ok(new) => app.engine().publish_document(new, caller.name()).await,
        Err(error) => Err(error),
    };
    let error = match published {
        Ok(_) => {
            let to = format!("/console/config/{key}");
            return Ok(Redirect::to(&to).into_response());
        }
        Err(error) => error,
    };
    let status = match error.kind() {
        Kind::Refused => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::Conflict => StatusCode::CONFLICT,
        _ => return Err(error.into()),
    };
    let typed = Document {
        version: 0,
        accepts: VersionReq::parse(&form.accepts).unwrap_or_default(),
        lane: Lane::parse(&form.lane).unwrap_or(Lane::Other),
        json_schema: None,
        rollout: domain::rollout::Rollout::everywhere(),
        body: form.body.into_bytes(),
        key,
    };
    Ok(show(&app, status, &typed, Some(error.to_string())))
}

impl Publish {
    fn key(&self) -> Result<DocumentKey, EngineError> {
        let bad = |at: &str, e: &dyn std::fmt::Display| EngineError::refused_at(at, e);
        Ok(DocumentKey {
            product: ProductName::parse(&self.product).map_err(|e| bad("product", &e))?,
            service: ServiceName::parse(self.service.trim()).map_err(|e| bad("service", &e))?,
            name: DocumentName::parse(self.name.trim()).map_err(|e| bad("name", &e))?,
        })
    }

    fn document(&self, key: &DocumentKey) -> Result<NewDocument, EngineError> {
        let accepts = VersionReq::parse(self.accepts.trim()).map_err(|e| {
            let rule = tell("config-accepts-rule", [("problem", e.to_string().into())]);
            EngineError::refused_at("accepts", rule)
        })?;
        Ok(NewDocument {
            key: key.clone(),
            accepts,
            lane: Lane::parse(&self.lane),
            schema: None,
            body: self.body.clone().into_bytes(),
            how: How {
                at_once: self.at_once,
                bypass_coverage: false,
                why: self.why.trim().into(),
            },
        })
    }
}
