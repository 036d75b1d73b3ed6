//! `/console/config/{product}/{service}/{name}`: one document, who reads which version of it, how far a
//! new one has spread, and the way back.

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use domain::access::Permission;
use domain::document::{Document, DocumentKey, Lane};
use domain::layer::Layer;
use domain::name::{DocumentName, ProductName, ServiceName};
use domain::rollout::Rollout;
use engine::{EngineError, Kind, LayerLine, OnItsWay, PastVersion};
use url::form_urlencoded::byte_serialize;

use super::lane;
use crate::App;
use crate::access::{Access, Caller};
use crate::extract::{Form, Path, Query};
use crate::language::{in_words, reworded, say, tell};
use crate::pages::words::{self, Moment, Reader};
use crate::pages::{Answer, Page, PageError, reader, render};
use crate::routes::Route;

type Key = Path<(ProductName, ServiceName, DocumentName)>;

pub(super) fn routes() -> Vec<Route> {
    let see = Access::Holder(Permission::SeeConsole);
    let change = Access::Holder(Permission::ChangeDelivery);
    let path = "/console/config/{product}/{service}/{name}";
    vec![
        Route::get(path, see, read),
        Route::post(path, change, command),
    ]
}

/// What somebody typed into the form of the next version.
pub(super) struct Typed {
    pub(super) accepts: String,
    pub(super) lane: Lane,
    pub(super) body: String,
    pub(super) schema: String,
    pub(super) why: String,
    pub(super) at_once: bool,
}

impl Typed {
    fn of(document: &Document) -> Self {
        Self {
            accepts: document.accepts.to_string(),
            lane: document.lane,
            body: pretty(&document.body),
            schema: document
                .json_schema
                .as_ref()
                .map_or(String::new(), |schema| pretty(schema.as_bytes())),
            why: String::new(),
            at_once: false,
        }
    }
}

#[derive(Template)]
#[template(path = "console/document.html")]
struct View {
    page: Page,
    key: DocumentKey,
    /// The page of the document, and this page: of the document or of a layer.
    path: String,
    here: String,
    /// What links to this page ask first: its layer.
    asks: String,
    layers: Vec<LayerRow>,
    more_layers: Option<String>,
    problem: Option<String>,
    lead: String,
    on_its_way: Option<Way>,
    versions: Vec<Line>,
    older: Option<u64>,
    difference: Option<Compared>,
    may_change: bool,
    /// Versions to go back to, with the code that each accepts.
    older_ones: Vec<(u64, String)>,
    typed: Typed,
    lane: &'static str,
    served: Vec<(String, String)>,
}

/// A version that is on its way.
struct Way {
    version: u64,
    since: Moment,
    says: String,
    waits: Option<String>,
    waves: Vec<Step>,
}

struct Step {
    name: String,
    is_done: bool,
    is_now: bool,
}

struct Line {
    number: u64,
    accepts: String,
    lane: &'static str,
    bytes: String,
    published: Option<Moment>,
    by: String,
    why: String,
    state: String,
    class: &'static str,
    holding: String,
    reading: String,
    /// The version before it on the page.
    before: Option<u64>,
    here: bool,
}

/// A layer of the document.
struct LayerRow {
    layer: String,
    /// As an address asks for it.
    asked: String,
    version: u64,
    accepts: String,
    sites: String,
    reading: String,
}

/// The lines of a difference.
struct Compared {
    title: String,
    lines: Vec<(&'static str, String)>,
}

/// What is shown, and to whom.
struct Shown {
    which: Which,
    may_change: bool,
}

#[derive(Default, serde::Deserialize)]
struct Which {
    #[serde(default)]
    layer: Layer,
    version: Option<u64>,
    /// Compared with this one.
    from: Option<u64>,
    /// The history before this one.
    before: Option<u64>,
}

async fn read(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(path): Key,
    Query(which): Query<Which>,
) -> Answer {
    let key = key(path, which.layer.clone());
    let shown = Shown {
        which,
        may_change: caller.0.role.may(Permission::ChangeDelivery),
    };
    show(&app, StatusCode::OK, &key, &shown, None).await
}

/// The page again, with what was typed and why it was refused.
pub(super) async fn refused(
    app: &App,
    key: &DocumentKey,
    typed: Typed,
    error: EngineError,
) -> Answer {
    let status = match error.kind() {
        Kind::Refused => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::Conflict => StatusCode::CONFLICT,
        _ => return Err(error.into()),
    };
    let shown = Shown {
        which: Which::default(),
        may_change: true,
    };
    let said = (typed, reworded(&error));
    show(app, status, key, &shown, Some(said)).await
}

async fn show(
    app: &App,
    status: StatusCode,
    key: &DocumentKey,
    Shown { which, may_change }: &Shown,
    refused: Option<(Typed, String)>,
) -> Answer {
    let missing = || PageError::not_found(say("config-no-document"));
    let history = match app.engine().document_history(key, which.before).await {
        Ok(history) => history,
        Err(error) if error.kind() == Kind::NotFound && refused.is_some() => engine::History {
            versions: vec![],
            before: None,
            sites: 0,
        },
        Err(error) if error.kind() == Kind::NotFound => return Err(missing()),
        Err(error) => return Err(error.into()),
    };
    let newest = history
        .versions
        .first()
        .map(|newest| newest.version.version);
    let last = history.versions.first().map(|past| past.version.version);
    let number = which.version.or(newest).or(last);
    let shown = match number {
        Some(number) => Some(version(app, key, number).await?.ok_or_else(missing)?),
        None => None,
    };
    let reader = reader(app, None, &app.engine().settings().home_zone);
    let lead = match &shown {
        Some(shown) => tell(
            "config-shown",
            [
                ("version", shown.version.to_string().into()),
                ("accepts", shown.accepts.to_string().into()),
            ],
        ),
        None => say("config-not-published").into(),
    };
    let difference = match (which.from, number) {
        (Some(from), Some(to)) => Some(difference(app, key, from, to).await?),
        _ => None,
    };
    let on_its_way = app.engine().on_its_way(key).await?;
    let (typed, problem) = match (refused, &shown) {
        (Some((typed, problem)), _) => (typed, Some(problem)),
        (None, Some(shown)) => (Typed::of(shown), None),
        (None, None) => return Err(missing()),
    };
    let (layers, more) = if key.layer.is_base() {
        app.engine().layers_of(key)
    } else {
        (vec![], 0)
    };
    let view = View {
        page: Page::console(key.to_string(), "/console/config"),
        problem,
        lead,
        on_its_way: on_its_way.map(|way| on_the_way(way, &reader)),
        may_change: *may_change,
        older_ones: history
            .versions
            .iter()
            .filter(|past| Some(past.version.version) != newest)
            .map(|past| (past.version.version, past.version.accepts.to_string()))
            .collect(),
        versions: lines(&history.versions, number, &reader),
        older: history.before,
        difference,
        lane: typed.lane.as_str(),
        typed,
        served: if key.layer.is_base() {
            served(app, key)
        } else {
            vec![]
        },
        layers: layers.iter().map(layer_row).collect(),
        more_layers: (more > 0).then(|| tell("config-layers-more", [("n", more.into())])),
        path: format!("/console/config/{}", key.path()),
        here: address(key),
        asks: asks(key),
        key: key.clone(),
    };
    Ok(render(status, &view))
}

fn layer_row(one: &LayerLine) -> LayerRow {
    LayerRow {
        layer: one.layer.to_string(),
        asked: asked(&one.layer),
        version: one.version,
        accepts: one.accepts.to_string(),
        sites: words::count(one.sites),
        reading: words::count(one.reading),
    }
}

/// The address of the page of a document or of a layer.
pub(super) fn address(key: &DocumentKey) -> String {
    let path = key.path();
    match &key.layer {
        Layer::Base => format!("/console/config/{path}"),
        layer => format!("/console/config/{path}?layer={}", asked(layer)),
    }
}

fn asks(key: &DocumentKey) -> String {
    match &key.layer {
        Layer::Base => String::new(),
        layer => format!("layer={}&", asked(layer)),
    }
}

fn asked(layer: &Layer) -> String {
    byte_serialize(layer.to_string().as_bytes()).collect()
}

async fn version(app: &App, key: &DocumentKey, number: u64) -> Result<Option<Document>, PageError> {
    match app.engine().document_version(key, number).await {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == Kind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn on_the_way(way: OnItsWay, reader: &Reader) -> Way {
    let canaries = way.rollout.canary_sites().len();
    let steps = [
        (0, tell("config-wave-canaries", [("n", canaries.into())])),
        (10, say("config-wave-1").to_owned()),
        (100, say("config-wave-10").to_owned()),
        (1_000, say("config-wave-all").to_owned()),
    ];
    let now = way.rollout.permille();
    let waves = steps.into_iter().map(|(share, name)| Step {
        name,
        is_done: share < now,
        is_now: share == now,
    });
    let values = [("held", way.held.into()), ("sites", way.sites.into())];
    Way {
        version: way.version,
        since: reader.moment(way.since),
        says: tell("config-way-held", values),
        waits: way.waiting.map(|waiting| {
            let what = in_words().rollout_waits(&waiting);
            tell("config-way-waits", [("what", what.into())])
        }),
        waves: waves.collect(),
    }
}

fn lines(versions: &[PastVersion], here: Option<u64>, reader: &Reader) -> Vec<Line> {
    let numbers: Vec<u64> = versions.iter().map(|past| past.version.version).collect();
    let line = |(at, past): (usize, &PastVersion)| {
        let version = &past.version;
        let (class, state) = state(past);
        Line {
            number: version.version,
            accepts: version.accepts.to_string(),
            lane: lane(version.lane),
            bytes: words::count(usize::try_from(version.bytes).unwrap_or(usize::MAX)),
            published: Some(reader.moment(version.published_at)),
            by: version.by.clone(),
            why: why(past),
            state,
            class,
            holding: words::count(past.holding),
            reading: words::count(past.reading),
            before: numbers.get(at + 1).copied(),
            here: Some(version.version) == here,
        }
    };
    versions.iter().enumerate().map(line).collect()
}

fn why(past: &PastVersion) -> String {
    let version = &past.version;
    let repeats = version
        .repeats
        .map(|number| tell("config-repeats", [("version", number.to_string().into())]));
    let parts = repeats
        .into_iter()
        .chain([version.why.clone(), reworded(&version.halted)]);
    let parts: Vec<_> = parts.filter(|words| !words.is_empty()).collect();
    parts.join("; ")
}

/// What became of a version, and the class of its tag.
fn state(past: &PastVersion) -> (&'static str, String) {
    let rollout: &Rollout = &past.version.rollout;
    if rollout.is_nowhere() {
        let refused = past.refused;
        let words = if refused > 0 {
            tell("config-state-refused", [("n", refused.into())])
        } else {
            say("config-state-halted").into()
        };
        return ("failing", words);
    }
    if !rollout.is_everywhere() {
        return ("in_progress", say("config-state-on-its-way").into());
    }
    match (past.version.is_kept, past.reading) {
        (false, _) => ("", say("config-state-over").into()),
        (true, 0) => ("", say("config-state-waits").into()),
        (true, _) => ("", say("config-state-read").into()),
    }
}

async fn difference(
    app: &App,
    key: &DocumentKey,
    from: u64,
    to: u64,
) -> Result<Compared, PageError> {
    let found = app.engine().document_difference(key, from, to).await?;
    let class = |line: &str| match line.as_bytes().first() {
        Some(b'+') => "new",
        Some(b'-') => "gone",
        Some(b'@') => "at",
        _ => "",
    };
    let lines = found.unified.lines();
    let lines: Vec<_> = lines.map(|line| (class(line), line.to_owned())).collect();
    let values = [
        ("from", from.to_string().into()),
        ("to", to.to_string().into()),
    ];
    Ok(Compared {
        title: tell("config-difference", values),
        lines,
    })
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
                    [("version", one.version().to_string().into())],
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
struct OfLayer {
    #[serde(default)]
    layer: Layer,
}

#[derive(serde::Deserialize)]
struct Command {
    act: Act,
    version: u64,
    why: String,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "snake_case")]
enum Act {
    Rollback,
    Halt,
    Hasten,
}

async fn command(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(path): Key,
    Query(of): Query<OfLayer>,
    Form(Command { act, version, why }): Form<Command>,
) -> Answer {
    let (key, engine, who) = (key(path, of.layer), app.engine(), caller.name());
    let done = match act {
        Act::Rollback => engine
            .roll_document_back(&key, version, &why, who)
            .await
            .map(drop),
        Act::Halt => {
            let rollout = Rollout::nowhere();
            engine
                .end_rollout((&key, version), rollout, &why, who)
                .await
        }
        Act::Hasten => {
            let rollout = Rollout::everywhere();
            engine
                .end_rollout((&key, version), rollout, &why, who)
                .await
        }
    };
    let Err(error) = done else {
        return Ok(Redirect::to(&address(&key)).into_response());
    };
    if matches!(error.kind(), Kind::NotFound) {
        return Err(error.into());
    }
    let repository = engine.repository();
    let newest = repository.documents().get(&key).and_then(|all| all.first());
    match newest {
        Some(newest) => refused(&app, &key, Typed::of(newest), error).await,
        None => Err(error.into()),
    }
}

fn key(
    (product, service, name): (ProductName, ServiceName, DocumentName),
    layer: Layer,
) -> DocumentKey {
    DocumentKey::base(product, service, name).with_layer(layer)
}
