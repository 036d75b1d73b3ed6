//! `/console/design`: what pages are made of, shown by being used. Whoever adds a page looks here.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use domain::access::Permission;
use domain::incident::Stage;
use domain::site::state::SiteState;
use jiff::Timestamp;

use crate::App;
use crate::access::Access;
use crate::language::{say, tell};
use crate::pages::public::incident::stage;
use crate::pages::words::{self, Moment, Reader};
use crate::pages::{Answer, Page, render};
use crate::routes::Route;

pub(crate) fn routes() -> Vec<Route> {
    let see = Access::Holder(Permission::SeeConsole);
    vec![Route::get("/console/design", see, look)]
}

#[derive(Template)]
#[template(path = "console/design.html")]
struct View {
    page: Page,
    colours: Vec<(&'static str, &'static str)>,
    states: Vec<(&'static str, &'static str)>,
    stages: Vec<(&'static str, &'static str)>,
    promise: String,
    moments: (Moment, Moment),
}

/// The names that the style sheet gives to colours, and what each is for.
const COLOURS: &[(&str, &str)] = &[
    ("paper", "design-colour-paper"),
    ("card", "design-colour-card"),
    ("ink", "design-colour-ink"),
    ("muted", "design-colour-muted"),
    ("line", "design-colour-line"),
    ("edge", "design-colour-edge"),
    ("link", "design-colour-link"),
    ("focus", "design-colour-focus"),
    ("button", "design-colour-button"),
    ("well", "design-colour-well"),
    ("restored", "design-colour-restored"),
    ("restoring", "design-colour-restoring"),
    ("reported", "design-colour-reported"),
    ("failing", "design-colour-failing"),
];

/// Moments that examples have: an incident begins, an update is due, and what broke is known.
const EXAMPLES: [&str; 3] = [
    "2023-07-11T21:10:00Z",
    "2023-07-11T22:30:00Z",
    "2023-07-11T23:27:00Z",
];

async fn look(State(app): State<App>) -> Answer {
    let [began, due, known] = EXAMPLES.map(|at| at.parse().unwrap_or(Timestamp::UNIX_EPOCH));
    let reader = Reader {
        language: crate::language::here(),
        zone: app.engine().settings().home_zone.clone(),
        now: known,
    };
    let due = reader.moment(due).text;
    let view = View {
        page: Page::console(say("design-title"), "/console/design"),
        colours: COLOURS
            .iter()
            .map(|(name, key)| (*name, say(key)))
            .collect(),
        states: SiteState::ALL
            .into_iter()
            .map(|state| (state.as_str(), words::state(state)))
            .collect(),
        stages: Stage::ALL
            .into_iter()
            .map(|one| (one.as_str(), stage(one)))
            .collect(),
        promise: tell("promise-update", [("when", due.into())]),
        moments: (reader.moment(began), reader.moment(known)),
    };
    Ok(render(StatusCode::OK, &view))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_colours_are_those_of_the_style_sheet() {
        let css = include_str!("../../../assets/lamplighter.css");
        for (name, _) in COLOURS {
            assert!(css.contains(&format!("--{name}: ")), "--{name}");
            assert!(css.contains(&format!(".swatch.{name} ")), ".swatch.{name}");
        }
    }
}
