//! How staff write an update: from a template with its gaps or in their own words, looked at first,
//! posted at once or at a moment. A part of the incident's page in the console.

use std::collections::{BTreeMap, HashMap};

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use domain::access::Permission;
use domain::calendar::DEFAULT_NAME;
use domain::id::{IncidentId, UpdateId};
use domain::incident::template::{Kind, Placeholder, Template as PostTemplate};
use domain::incident::{Posted, Stage};
use engine::{EngineError, IncidentView, NewUpdate};
use wording::Words;

use crate::App;
use crate::access::{Access, Caller};
use crate::extract::{Form, Path};
use crate::language::{in_words, say};
use crate::pages::console::respond::{Choice, Typed, show, then_back};
use crate::pages::console::typed::local;
use crate::pages::public::incident::{Promised, Said, promised, said, stage};
use crate::pages::words::{Moment, Reader};
use crate::pages::{Answer, Choice as Calendar, reader};
use crate::routes::Route;

pub(crate) fn routes() -> Vec<Route> {
    let tell = Access::Holder(Permission::TellCustomers);
    vec![
        Route::post("/console/incidents/{id}/updates", tell, update),
        Route::post(
            "/console/incidents/{id}/scheduled/{update}/cancel",
            tell,
            cancel,
        ),
    ]
}

/// The forms, and what waits.
pub(in crate::pages) struct Compose {
    pub(in crate::pages) templates: Vec<Gaps>,
    pub(in crate::pages) stages: Vec<Choice>,
    /// What was typed in one's own words.
    pub(in crate::pages) text: String,
    pub(in crate::pages) next_update_within: String,
    /// What may count that; a choice where there is more than one.
    pub(in crate::pages) calendars: Vec<Calendar>,
    pub(in crate::pages) post_at: String,
    /// Whether no follower shall be told.
    pub(in crate::pages) quiet: bool,
    pub(in crate::pages) zone_name: String,
    pub(in crate::pages) preview: Option<Preview>,
    pub(in crate::pages) waiting: Vec<Waiting>,
}

/// A template with a field for each of its gaps.
pub(in crate::pages) struct Gaps {
    pub(in crate::pages) name: String,
    /// Its name before readers.
    pub(in crate::pages) title: String,
    pub(in crate::pages) number: usize,
    pub(in crate::pages) text: String,
    pub(in crate::pages) gaps: Vec<Gap>,
    /// What may count its promise; a choice where there is more than one.
    pub(in crate::pages) calendars: Vec<Calendar>,
    /// Whether it was being filled.
    pub(in crate::pages) open: bool,
}

pub(in crate::pages) struct Gap {
    pub(in crate::pages) name: String,
    pub(in crate::pages) label: String,
    pub(in crate::pages) hint: &'static str,
    pub(in crate::pages) required: bool,
    pub(in crate::pages) is_long: bool,
    pub(in crate::pages) value: String,
}

/// An update as customers will read it, with what was typed to make it.
pub(in crate::pages) struct Preview {
    pub(in crate::pages) said: Said,
    pub(in crate::pages) promises: Vec<Promised>,
    pub(in crate::pages) fields: Vec<(String, String)>,
    pub(in crate::pages) at: Option<Moment>,
}

/// An update that waits for its moment.
pub(in crate::pages) struct Waiting {
    pub(in crate::pages) id: UpdateId,
    pub(in crate::pages) at: Moment,
    pub(in crate::pages) by: String,
    pub(in crate::pages) said: Option<Said>,
    pub(in crate::pages) problem: Option<String>,
}

/// What a form of an update holds, by field.
pub(in crate::pages) type Fields = HashMap<String, String>;

impl Compose {
    pub(in crate::pages) async fn of(
        app: &App,
        view: &IncidentView,
        reader: &Reader,
        (fields, preview): (&Fields, Option<Posted>),
    ) -> Self {
        let typed = |name: &str| fields.get(name).cloned().unwrap_or_default();
        let mut waiting = vec![];
        for one in &view.scheduled {
            let posted = app.engine().preview_scheduled(one).await;
            waiting.push(Waiting {
                id: one.id,
                at: reader.moment(one.at),
                by: one.by.clone(),
                problem: posted.as_ref().err().map(ToString::to_string),
                said: posted.ok().map(|posted| said(&posted.update, reader)),
            });
        }
        let templates = app.engine().templates();
        let stages = stages(view, &typed("state"));
        // A template that leads where this cannot go is of no use here.
        let leads = |template: &&PostTemplate| {
            let mut stages = stages.iter().map(|stage| stage.value);
            template
                .state
                .is_none_or(|to| stages.any(|stage| stage == to.as_str()))
        };
        let there: Vec<_> = app.engine().calendars().into_keys().collect();
        let gaps = |(number, template)| gaps(number, template, fields, &there);
        Self {
            templates: templates
                .iter()
                .filter(leads)
                .enumerate()
                .map(gaps)
                .collect(),
            stages,
            text: typed("text"),
            next_update_within: typed("next_update_within"),
            calendars: counting(&there, fields.get("calendar").map(String::as_str)),
            post_at: typed("post_at"),
            quiet: !typed("quiet").is_empty(),
            zone_name: app.engine().settings().home_zone.to_string(),
            preview: preview.map(|posted| Preview::of(app, &posted, fields, reader)),
            waiting,
        }
    }
}

impl Preview {
    fn of(app: &App, posted: &Posted, fields: &Fields, reader: &Reader) -> Self {
        let home = &app.engine().settings().home_zone;
        let at = fields
            .get("post_at")
            .map(String::as_str)
            .unwrap_or_default();
        let at = local("post_at", at, home).ok().flatten();
        let kept = fields.iter().filter(|(name, _)| *name != "act");
        let mut kept: Vec<_> = kept
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        kept.sort_unstable();
        Self {
            said: said(&posted.update, reader),
            promises: posted
                .made
                .iter()
                .filter_map(|promise| promised(promise, reader))
                .collect(),
            fields: kept,
            at: at.map(|at| reader.moment(at)),
        }
    }
}

async fn update(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<IncidentId>,
    Form(fields): Form<Fields>,
) -> Answer {
    let only_look = fields.get("act").is_some_and(|act| act == "look");
    let done = match new_update(&app, &fields) {
        Ok((update, _)) if only_look => {
            let looked = app.engine().preview_update(id, caller.name(), update).await;
            match looked {
                Ok(posted) => {
                    let typed = Typed::update(fields);
                    return show(&app, id, (StatusCode::OK, None), typed, Some(posted)).await;
                }
                Err(error) => Err(error),
            }
        }
        Ok((update, Some(at))) => {
            let engine = app.engine();
            let waits = engine.schedule_update(id, caller.name(), update, at).await;
            waits.map(drop)
        }
        Ok((update, None)) => {
            let posted = app.engine().post_update(id, caller.name(), update).await;
            posted.map(drop)
        }
        Err(error) => Err(error),
    };
    then_back(&app, id, done, Typed::update(fields)).await
}

async fn cancel(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path((id, update)): Path<(IncidentId, UpdateId)>,
) -> Answer {
    let engine = app.engine();
    engine.unschedule_update(id, update, caller.name()).await?;
    Ok(Redirect::to(&format!("/console/incidents/{id}")).into_response())
}

/// Reads an update: of a template with its gaps, or of a person's own words; and its moment.
fn new_update(
    app: &App,
    fields: &Fields,
) -> Result<(NewUpdate, Option<jiff::Timestamp>), EngineError> {
    let filled = |name: &str| {
        fields
            .get(name)
            .map(|text| text.trim())
            .filter(|text| !text.is_empty())
    };
    let within = filled("next_update_within").map(str::parse).transpose();
    let within = within.map_err(|e| EngineError::refused_at("next_update_within", e))?;
    let mut update = NewUpdate {
        state: filled("state").and_then(Stage::parse),
        next_update_within: within,
        calendar: filled("calendar").map(str::to_owned),
        quiet: filled("quiet").is_some(),
        ..NewUpdate::default()
    };
    let mut promises = false;
    match filled("template") {
        Some(name) => {
            let templates = app.engine().templates();
            let template = templates.iter().find(|template| template.name == name);
            promises = template.is_some_and(|template| template.promise.is_some());
            update.values = template.map_or_else(BTreeMap::new, |one| values(app, one, fields));
            update.template = Some(name.to_owned());
        }
        None => update.text = filled("text").map(str::to_owned),
    }
    // The form names a calendar also where nothing is promised: there it counts nothing.
    if update.next_update_within.is_none() && !promises {
        update.calendar = None;
    }
    let home = &app.engine().settings().home_zone;
    let at = local("post_at", filled("post_at").unwrap_or_default(), home)?;
    Ok((update, at))
}

fn values(
    app: &App,
    template: &PostTemplate,
    fields: &Fields,
) -> BTreeMap<String, serde_json::Value> {
    let value = |gap: &Placeholder| {
        let text = fields.get(&format!("gap-{}", gap.name))?.trim();
        (!text.is_empty()).then(|| (gap.name.clone(), value(app, gap.kind, text)))
    };
    template.placeholders.iter().filter_map(value).collect()
}

/// A gap's value as a field gives it: lists have commas or line ends between their items, and a moment
/// is on the vendor's clock.
pub(in crate::pages) fn value(app: &App, kind: Kind, text: &str) -> serde_json::Value {
    let home = &app.engine().settings().home_zone;
    match kind {
        _ if kind.is_list() => crate::pages::console::typed::split(text).collect(),
        Kind::DateTime | Kind::Timeline => match local("at", text, home) {
            Ok(Some(at)) => at.to_string().into(),
            _ => text.into(),
        },
        _ => text.into(),
    }
}

fn stages(view: &IncidentView, chosen: &str) -> Vec<Choice> {
    use Stage::{
        Cancelled, Completed, Identified, InProgress, Investigating, Monitoring, Verifying,
    };
    let later = match view.incident.maintenance {
        None => [Investigating, Identified, Monitoring, Completed],
        Some(_) => [InProgress, Verifying, Completed, Cancelled],
    };
    let each = later.into_iter().map(|one| Choice {
        value: one.as_str(),
        name: stage(one),
        chosen: one.as_str() == chosen,
    });
    std::iter::once(Choice {
        value: "",
        name: say("leave-the-state"),
        chosen: chosen.is_empty(),
    })
    .chain(each)
    .collect()
}

fn gaps(number: usize, template: &PostTemplate, fields: &Fields, there: &[String]) -> Gaps {
    let open = fields.get("template") == Some(&template.name);
    let typed = fields.get("calendar").filter(|_| open);
    let calendar = typed.map(String::as_str).or(template.calendar());
    let gap = |one: &Placeholder| Gap {
        name: one.name.clone(),
        label: label(template, &one.name),
        hint: hint(one.kind),
        required: one.required && one.default.is_none(),
        is_long: one.kind == Kind::LongText || one.kind == Kind::SiteList,
        value: fields
            .get(&format!("gap-{}", one.name))
            .filter(|_| open)
            .cloned()
            .unwrap_or_default(),
    };
    Gaps {
        name: template.name.clone(),
        title: in_words().template_name(&template.name).to_owned(),
        number,
        text: template.text.replace("[[", "").replace("]]", ""),
        gaps: template.placeholders.iter().map(gap).collect(),
        calendars: match template.promise {
            Some(_) => counting(there, calendar),
            None => vec![],
        },
        open,
    }
}

/// The calendars that may count a promise, the chosen one among them also when it is gone.
pub(in crate::pages) fn counting(there: &[String], chosen: Option<&str>) -> Vec<Calendar> {
    let chosen = chosen.unwrap_or(DEFAULT_NAME);
    let gone = Some(chosen).filter(|name| !there.iter().any(|one| one == name));
    let all = there.iter().map(String::as_str).chain(gone);
    let choice = |name: &str| Calendar {
        value: name.to_owned(),
        name: match name {
            DEFAULT_NAME => say("calendar-default").to_owned(),
            name => name.to_owned(),
        },
        chosen: name == chosen,
    };
    all.map(choice).collect()
}

/// What a gap takes, in words beside its field.
fn hint(kind: Kind) -> &'static str {
    match kind {
        Kind::Duration => say("gap-duration"),
        Kind::DateTime => say("gap-moment"),
        Kind::Timeline => say("gap-timeline"),
        Kind::Text => "",
        Kind::LongText => say("gap-long-text"),
        Kind::ProductList => say("gap-products"),
        Kind::SiteList => say("gap-sites"),
    }
}

fn label(template: &PostTemplate, gap: &str) -> String {
    let known = in_words().gap_name(gap);
    let known = known.filter(|_| Words::is_built_in(&template.name));
    known.map_or_else(|| sentence_case(gap), str::to_owned)
}

fn sentence_case(name: &str) -> String {
    crate::pages::console::campaign::capital(&name.replace('_', " "))
}

/// The reader of the console's pages: on the vendor's clock.
pub(in crate::pages) fn staff(app: &App) -> Reader {
    reader(app, None, &app.engine().settings().home_zone)
}
