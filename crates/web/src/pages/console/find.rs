//! `/console/find`: pages, sites, incidents, campaigns and releases by the words in their names.
//! The script of the console shows the same answer while one types.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use domain::access::Permission;
use engine::EngineError;

use crate::App;
use crate::access::Access;
use crate::extract::Query;
use crate::language::say;
use crate::pages::console::campaign::{named, state_name};
use crate::pages::nav;
use crate::pages::public::incident::stage;
use crate::pages::public::site;
use crate::pages::{Answer, Page, render};
use crate::routes::Route;

/// The most entries of each kind.
const EACH_MAX: usize = 8;
/// Among how many of the newest campaigns is looked.
const CAMPAIGNS_MAX: u32 = 100;
/// The longest question, in characters.
const QUESTION_CHARACTERS_MAX: usize = 200;

pub(crate) fn routes() -> Vec<Route> {
    let see = Access::Holder(Permission::SeeConsole);
    vec![Route::get("/console/find", see, find)]
}

#[derive(Template)]
#[template(path = "console/find.html")]
struct View {
    page: Page,
    q: String,
    kinds: Vec<Kind>,
}

/// What was found of one kind.
struct Kind {
    name: &'static str,
    entries: Vec<Entry>,
}

struct Entry {
    name: String,
    about: String,
    to: String,
}

#[derive(serde::Deserialize)]
struct Question {
    #[serde(default)]
    q: String,
}

async fn find(State(app): State<App>, Query(question): Query<Question>) -> Answer {
    let q: String = question.q.chars().take(QUESTION_CHARACTERS_MAX).collect();
    let q = q.trim().to_owned();
    let words = Words::of(&q);
    let kinds = [
        (say("find-pages"), pages(&words)),
        (say("nav-sites"), sites(&app, &q)),
        (say("nav-incidents"), incidents(&app, &words)),
        (say("nav-campaigns"), campaigns(&app, &words).await?),
        (say("nav-releases"), releases(&app, &words).await?),
    ];
    let kinds = kinds.into_iter().filter(|(_, entries)| !entries.is_empty());
    let view = View {
        page: Page::console(say("find"), "/console/find"),
        kinds: kinds
            .map(|(name, entries)| Kind { name, entries })
            .collect(),
        q,
    };
    Ok(render(StatusCode::OK, &view))
}

/// What is looked for: every word must be there.
struct Words(Vec<String>);

impl Words {
    fn of(question: &str) -> Self {
        let question = question.to_lowercase();
        Self(question.split_whitespace().map(str::to_owned).collect())
    }

    fn are_in(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        self.0.iter().all(|word| text.contains(word.as_str()))
    }

    /// Of things without number nothing is listed before something is asked for.
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn pages(words: &Words) -> Vec<Entry> {
    let all = nav::CONSOLE.iter().flat_map(|section| {
        let entry = |(name, to): &(&'static str, &'static str)| Entry {
            name: say(name).into(),
            about: if section.name == *name {
                String::new()
            } else {
                say(section.name).into()
            },
            to: (*to).into(),
        };
        section.pages.iter().map(entry)
    });
    all.filter(|entry| words.are_in(&format!("{} {}", entry.about, entry.name)))
        .collect()
}

fn sites(app: &App, q: &str) -> Vec<Entry> {
    let found = site::find(&app.engine().fleet(), q).into_iter();
    let entry = |one: site::Found| Entry {
        about: format!("{}, {}", one.organization, one.state),
        to: format!("/console/sites/{}", one.hostname),
        name: one.hostname,
    };
    found.take(EACH_MAX).map(entry).collect()
}

fn incidents(app: &App, words: &Words) -> Vec<Entry> {
    let incidents = app.engine().all_incidents().into_iter();
    let all = incidents.chain(app.engine().maintenances());
    all.filter(|view| !words.is_empty() && words.are_in(&view.incident.title))
        .take(EACH_MAX)
        .map(|view| Entry {
            name: view.incident.title.clone(),
            about: stage(view.incident.state.stage()).into(),
            to: format!("/console/incidents/{}", view.incident.id),
        })
        .collect()
}

async fn campaigns(app: &App, words: &Words) -> Result<Vec<Entry>, EngineError> {
    if words.is_empty() {
        return Ok(vec![]);
    }
    let newest = app.engine().campaigns(CAMPAIGNS_MAX).await?.into_iter();
    let entry = |one: engine::CampaignView| Entry {
        name: named(&one),
        about: state_name(one.state).to_owned(),
        to: format!("/console/campaigns/{}", one.id),
    };
    let named = newest.map(entry).filter(|one| words.are_in(&one.name));
    Ok(named.take(EACH_MAX).collect())
}

async fn releases(app: &App, words: &Words) -> Result<Vec<Entry>, EngineError> {
    if words.is_empty() {
        return Ok(vec![]);
    }
    let all = app.engine().releases().await?.into_iter();
    let entry = |one: domain::release::Release| Entry {
        name: format!("{} {}", one.product, one.version),
        about: super::releases::state_name(Some(one.state)).to_owned(),
        to: "/console/releases".into(),
    };
    let found = all.map(entry).filter(|one| words.are_in(&one.name));
    Ok(found.take(EACH_MAX).collect())
}
