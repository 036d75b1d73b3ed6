//! `/console/config`: the documents that configure shared services, and which code each serves.

mod document;

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use domain::access::Permission;
use domain::document::{DocumentKey, Lane};
use domain::layer::Layer;
use domain::name::{DocumentName, ProductName, ServiceName};
use engine::{EngineError, How, NewDocument};
use semver::VersionReq;

use crate::App;
use crate::access::{Access, Caller};
use crate::extract::Form;
use crate::language::{reworded, say, tell};
use crate::pages::words;
use crate::pages::{Answer, Page, PageError, render};
use crate::routes::Route;
use document::Typed;

/// The largest document, each byte written as `%xx`.
const FORM_BYTES_MAX: usize = 4 << 20;

pub(crate) fn routes() -> Vec<Route> {
    let see = Access::Holder(Permission::SeeConsole);
    let change = Access::Holder(Permission::ChangeDelivery);
    vec![
        Route::get("/console/config", see, list),
        Route::post("/console/config", change, publish).body_max(FORM_BYTES_MAX),
    ]
    .into_iter()
    .chain(document::routes())
    .collect()
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
    layers: usize,
    versions: usize,
    accepts: String,
    lane: &'static str,
    bytes: String,
}

async fn list(State(app): State<App>) -> Answer {
    let repository = app.engine().repository();
    let bases = repository.documents().iter();
    let bases = bases.filter(|(key, _)| key.layer.is_base());
    let documents = bases.filter_map(|(key, versions)| {
        let newest = versions.iter().max_by_key(|document| document.version)?;
        Some(Line {
            key: key.clone(),
            version: newest.version,
            layers: repository.layers_of(key).count(),
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

fn lane(lane: Lane) -> &'static str {
    match lane {
        Lane::First => say("config-lane-first"),
        Lane::Other => say("config-lane-other"),
    }
}

#[derive(serde::Deserialize)]
struct Publish {
    product: String,
    service: String,
    name: String,
    #[serde(default)]
    layer: String,
    accepts: String,
    #[serde(default)]
    lane: String,
    body: String,
    #[serde(default)]
    schema: String,
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
    let key = form.key().map_err(|e| PageError::refused(reworded(e)))?;
    let published = match form.document(&key) {
        Ok(new) => app.engine().publish_document(new, caller.name()).await,
        Err(error) => Err(error),
    };
    let error = match published {
        Ok(_) => {
            let to = document::address(&key);
            return Ok(Redirect::to(&to).into_response());
        }
        Err(error) => error,
    };
    let typed = Typed {
        accepts: form.accepts,
        lane: Lane::parse(&form.lane).unwrap_or(Lane::Other),
        body: form.body,
        schema: form.schema,
        why: form.why,
        at_once: form.at_once,
    };
    document::refused(&app, &key, typed, error).await
}

impl Publish {
    fn key(&self) -> Result<DocumentKey, EngineError> {
        let bad = |at: &str, e: &dyn std::fmt::Display| EngineError::refused_at(at, e);
        let base = DocumentKey::base(
            ProductName::parse(&self.product).map_err(|e| bad("product", &e))?,
            ServiceName::parse(self.service.trim()).map_err(|e| bad("service", &e))?,
            DocumentName::parse(self.name.trim()).map_err(|e| bad("name", &e))?,
        );
        let layer = Layer::parse(self.layer.trim()).map_err(|e| bad("layer", &e))?;
        Ok(base.with_layer(layer))
    }

    /// An empty field is a schema that fits everything, not that of the version before: it shows that.
    fn read_schema(&self) -> Result<Option<serde_json::Value>, EngineError> {
        if domain::text::is_blank(&self.schema) {
            return Ok(Some(serde_json::Value::Bool(true)));
        }
        let read = serde_json::from_str(&self.schema);
        read.map(Some).map_err(|e| {
            EngineError::refused_at("schema", format!("this is no usable JSON Schema: {e}"))
        })
    }

    fn document(&self, key: &DocumentKey) -> Result<NewDocument, EngineError> {
        let accepts = VersionReq::parse(self.accepts.trim())
            .map_err(|_| EngineError::refused_at("accepts", say("config-accepts-rule")))?;
        Ok(NewDocument {
            key: key.clone(),
            accepts,
            lane: Lane::parse(&self.lane),
            schema: if key.layer.is_base() {
                self.read_schema()?
            } else {
                None
            },
            body: self.body.clone().into_bytes(),
            how: How {
                at_once: self.at_once,
                bypass_coverage: false,
                why: self.why.trim().into(),
            },
        })
    }
}
