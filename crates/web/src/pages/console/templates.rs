//! `/console/templates`: the texts that posts are made from, and the team's own to write.

use std::collections::{BTreeMap, HashMap};

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use domain::access::Permission;
use domain::calendar::DEFAULT_NAME;
use domain::incident::template::{
    GAPS_MAX, Kind, NewPlaceholder, NewTemplate, Placeholder, Template as PostTemplate, Value,
    read_in,
};
use domain::incident::{PromiseKind, Stage};
use engine::{EngineError, Kind as ErrorKind};

use crate::App;
use crate::access::{Access, Caller};
use crate::extract::{Form, Query};
use crate::language::say;
use crate::pages::console::compose::{counting, staff, value};
use crate::pages::prose::prose;
use crate::pages::public::incident::stage;
use crate::pages::words::Moment;
use crate::pages::{Answer, Choice, Page, render};
use crate::routes::Route;

/// Room for a text of 20,000 characters, each of four bytes written as `%xx`.
const FORM_BYTES_MAX: usize = 512 << 10;
/// Gaps that may be added at once.
const FREE_ROWS: usize = 3;

pub(crate) fn routes() -> Vec<Route> {
    let see = Access::Holder(Permission::SeeConsole);
    let tell = Access::Holder(Permission::TellCustomers);
    vec![
        Route::get("/console/templates", see, list),
        Route::get("/console/templates/edit", see, edit),
        Route::post("/console/templates", tell, save).body_max(FORM_BYTES_MAX),
        Route::post("/console/templates/withdraw", tell, withdraw),
    ]
}

#[derive(Template)]
#[template(path = "console/templates.html")]
struct List {
    page: Page,
    templates: Vec<Line>,
}

struct Line {
    name: String,
    version: u32,
    text: String,
    is_own: bool,
    state: Option<&'static str>,
}

async fn list(State(app): State<App>) -> Answer {
    let built_in = PostTemplate::built_in(&app.engine().settings().team);
    let line = |one: PostTemplate| Line {
        is_own: built_in.iter().all(|known| known.name != one.name),
        text: one.text.replace("[[", "").replace("]]", ""),
        state: one.state.map(stage),
        version: one.version,
        name: one.name,
    };
    let view = List {
        page: Page::console(say("templates-title"), "/console/templates"),
        templates: app.engine().templates().into_iter().map(line).collect(),
    };
    Ok(render(StatusCode::OK, &view))
}

#[derive(Template)]
#[template(path = "console/template.html")]
struct View {
    page: Page,
    problem: Option<String>,
    name: String,
    /// The version that is changed; 0 for a new template.
    follows: u32,
    text: String,
    rows: Vec<Row>,
    /// Whether there is a choice of calendars.
    has_calendars: bool,
    states: Vec<Choice>,
    promises: Vec<Choice>,
    promise_gap: String,
    /// What it would say, with made-up values.
    example: Option<String>,
    versions: Vec<(u32, Moment, String, bool)>,
}

/// A gap in the form.
struct Row {
    number: usize,
    name: String,
    kinds: Vec<Choice>,
    required: bool,
    default: String,
    /// What may count it.
    calendars: Vec<Choice>,
}

#[derive(serde::Deserialize)]
struct Which {
    /// The template that is changed; a new one without it.
    #[serde(default)]
    name: String,
    /// The template that a new one begins as.
    #[serde(default)]
    copy: String,
}

async fn edit(State(app): State<App>, Query(which): Query<Which>) -> Answer {
    let templates = app.engine().templates();
    let named = |name: &str| templates.iter().find(|one| one.name == name);
    let own = app.engine().template_versions(&which.name).await.is_ok();
    let (draft, follows) = match named(&which.name).filter(|_| own) {
        Some(known) => (Draft::of(known, &known.name), known.version),
        None => (
            named(&which.copy).map_or_else(Draft::default, |one| Draft::of(one, "")),
            0,
        ),
    };
    show(&app, StatusCode::OK, None, draft, follows).await
}

/// A template as the form holds it.
#[derive(Clone, Default)]
struct Draft {
    name: String,
    new: NewTemplate,
    /// Defaults as they were typed, by the number of their gap.
    defaults: Vec<String>,
}

impl Draft {
    fn of(template: &PostTemplate, name: &str) -> Self {
        let gap = |one: &Placeholder| NewPlaceholder {
            name: one.name.clone(),
            kind: one.kind,
            required: one.required,
            default: None,
            calendar: one.calendar.clone(),
        };
        let default = |one: &Placeholder| one.default.as_ref().map_or_else(String::new, typed);
        Self {
            name: name.to_owned(),
            defaults: template.placeholders.iter().map(default).collect(),
            new: NewTemplate {
                text: template.text.clone(),
                placeholders: template.placeholders.iter().map(gap).collect(),
                state: template.state,
                promise: template.promise.clone(),
            },
        }
    }

    /// Reads the form: gaps without a name are rows that were left free.
    fn read(app: &App, fields: &HashMap<String, String>) -> Self {
        let field = |name: &str| fields.get(name).map(|text| text.trim()).unwrap_or_default();
        let (mut placeholders, mut defaults) = (vec![], vec![]);
        for number in 0..GAPS_MAX + FREE_ROWS {
            let of = |part: &str| field(&format!("g{number}-{part}"));
            if of("name").is_empty() {
                continue;
            }
            let kind = Kind::parse(of("kind")).unwrap_or(Kind::Text);
            let default = of("default");
            placeholders.push(NewPlaceholder {
                name: of("name").to_owned(),
                kind,
                required: !of("required").is_empty(),
                default: (!default.is_empty()).then(|| value(app, kind, default)),
                calendar: Some(of("calendar"))
                    .filter(|name| !name.is_empty() && *name != DEFAULT_NAME)
                    .map(str::to_owned),
            });
            defaults.push(default.to_owned());
        }
        let promise = PromiseKind::parse(field("promise"));
        Self {
            name: field("name").to_owned(),
            defaults,
            new: NewTemplate {
                text: field("text").to_owned(),
                placeholders,
                state: Stage::parse(field("state")),
                promise: promise.map(|kind| (kind, field("promise_gap").to_owned())),
            },
        }
    }
}

/// A value as one would type it.
fn typed(value: &Value) -> String {
    match value {
        Value::Duration(length) | Value::Within(length) => length.to_string(),
        Value::DateTime(at) | Value::By(at) => at.to_string(),
        Value::Text(words) | Value::LongText(words) => words.clone(),
        Value::ProductList(names) => listed(names),
        Value::SiteList(names) => listed(names),
    }
}

fn listed<T: ToString>(names: &[T]) -> String {
    let names: Vec<_> = names.iter().map(T::to_string).collect();
    names.join(", ")
}

async fn save(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Form(fields): Form<HashMap<String, String>>,
) -> Answer {
    let draft = Draft::read(&app, &fields);
    let follows = fields.get("follows").and_then(|text| text.parse().ok());
    let follows = follows.unwrap_or(0);
    if fields.get("act").is_some_and(|act| act == "look") {
        return show(&app, StatusCode::OK, None, draft, follows).await;
    }
    let (name, new) = (draft.name.clone(), draft.new.clone());
    let saved = app
        .engine()
        .save_template(&name, new, Some(follows), caller.name());
    match saved.await {
        Ok(_) => Ok(Redirect::to("/console/templates").into_response()),
        Err(error) if matches!(error.kind(), ErrorKind::Refused | ErrorKind::Conflict) => {
            let status = match error.kind() {
                ErrorKind::Conflict => StatusCode::CONFLICT,
                _ => StatusCode::UNPROCESSABLE_ENTITY,
            };
            show(&app, status, Some(error.to_string()), draft, follows).await
        }
        Err(error) => Err(error.into()),
    }
}

#[derive(serde::Deserialize)]
struct Named {
    name: String,
}

async fn withdraw(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Form(form): Form<Named>,
) -> Answer {
    app.engine()
        .withdraw_template(&form.name, caller.name())
        .await?;
    Ok(Redirect::to("/console/templates").into_response())
}

async fn show(
    app: &App,
    status: StatusCode,
    problem: Option<String>,
    draft: Draft,
    follows: u32,
) -> Answer {
    let (example, wrong) = match example(app, &draft.new) {
        _ if draft.new.text.is_empty() => (None, None),
        Ok(html) => (Some(html), None),
        Err(error) => (None, Some(error.to_string())),
    };
    let reader = staff(app);
    let versions = match app.engine().template_versions(&draft.name).await {
        Ok(versions) => versions,
        Err(error) if error.kind() == ErrorKind::NotFound => vec![],
        Err(error) => return Err(error.into()),
    };
    let choice = |value: &str, name: &str, chosen: &str| Choice {
        chosen: value == chosen,
        name: name.to_owned(),
        value: value.to_owned(),
    };
    let state = draft.new.state.map_or("", Stage::as_str);
    let states = [
        Stage::Investigating,
        Stage::Identified,
        Stage::Monitoring,
        Stage::Completed,
    ];
    let states = states.map(|one| choice(one.as_str(), stage(one), state));
    let (promise, promise_gap) = match &draft.new.promise {
        Some((kind, gap)) => (kind.as_str(), gap.clone()),
        None => ("", String::new()),
    };
    let rows = rows(app, &draft);
    let view = View {
        page: Page::console(
            if follows == 0 {
                say("templates-new-page")
            } else {
                say("templates-change-page")
            },
            "/console/templates",
        ),
        problem: problem.or(wrong),
        has_calendars: rows.iter().any(|row| row.calendars.len() > 1),
        rows,
        states: std::iter::once(choice("", say("templates-state-stays"), state))
            .chain(states)
            .collect(),
        promises: vec![
            choice("", say("templates-promise-nothing"), promise),
            choice("next_update", say("templates-promise-update"), promise),
            choice("report", say("templates-promise-report"), promise),
        ],
        promise_gap,
        example,
        versions: versions
            .into_iter()
            .map(|one| {
                (
                    one.version,
                    reader.moment(one.saved_at),
                    one.saved_by,
                    one.draft.is_none(),
                )
            })
            .collect(),
        name: draft.name,
        text: draft.new.text,
        follows,
    };
    Ok(render(status, &view))
}

fn rows(app: &App, draft: &Draft) -> Vec<Row> {
    let there: Vec<_> = app.engine().calendars().into_keys().collect();
    let kinds = |chosen: Kind| {
        let kind = |one: Kind| Choice {
            name: named(one).to_owned(),
            value: one.as_str().to_owned(),
            chosen: one == chosen,
        };
        Kind::ALL.into_iter().map(kind).collect()
    };
    let described = draft.new.placeholders.iter().zip(&draft.defaults);
    let described = described.map(|(one, default)| (one.clone(), default.clone()));
    let free = NewPlaceholder {
        name: String::new(),
        kind: Kind::Text,
        required: false,
        default: None,
        calendar: None,
    };
    let free = (0..FREE_ROWS).map(|_| (free.clone(), String::new()));
    let all = described.chain(free).take(GAPS_MAX).enumerate();
    all.map(|(number, (one, default))| Row {
        number,
        kinds: kinds(one.kind),
        calendars: counting(&there, one.calendar.as_deref()),
        name: one.name,
        required: one.required,
        default,
    })
    .collect()
}

fn named(kind: Kind) -> &'static str {
    match kind {
        Kind::Duration => say("templates-kind-duration"),
        Kind::DateTime => say("templates-kind-moment"),
        Kind::Timeline => say("templates-kind-timeline"),
        Kind::Text => say("templates-kind-text"),
        Kind::LongText => say("templates-kind-long-text"),
        Kind::ProductList => say("templates-kind-products"),
        Kind::SiteList => say("templates-kind-sites"),
    }
}

/// What the template would say if every gap were filled.
fn example(app: &App, new: &NewTemplate) -> Result<String, EngineError> {
    let fleet = app.engine().fleet();
    let product = fleet.products().next().map(|one| one.name.to_string());
    let site = fleet
        .sites()
        .next()
        .map(|(_, site)| site.hostname.to_string());
    let now = app.engine().clock().now().to_string();
    let made_up = |one: &NewPlaceholder| {
        let value = match one.kind {
            Kind::Duration | Kind::Timeline => "4 business hours".into(),
            Kind::DateTime => now.clone().into(),
            Kind::Text | Kind::LongText => format!("({})", one.name).into(),
            Kind::ProductList => product.iter().cloned().collect(),
            Kind::SiteList => site.iter().cloned().collect(),
        };
        (one.name.clone(), value)
    };
    let open = new.placeholders.iter().filter(|one| one.default.is_none());
    let values: BTreeMap<_, _> = open.map(made_up).collect();
    let filled = app.engine().preview_template(new.clone(), &values)?;
    Ok(prose(&read_in(
        &app.engine().settings().home_zone,
        &filled.body,
    )))
}
