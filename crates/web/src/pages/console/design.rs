//! `/console/design`: what pages are made of, shown by being used. Whoever adds a page looks here.

use askama::Template;
use axum::http::StatusCode;
use domain::access::Permission;
use domain::incident::Stage;
use domain::site::state::SiteState;

use crate::access::Access;
use crate::pages::public::incident::stage;
use crate::pages::words;
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
    colours: &'static [(&'static str, &'static str)],
    states: Vec<(&'static str, &'static str)>,
    stages: Vec<(&'static str, &'static str)>,
}

/// The names that the style sheet gives to colours, and what each is for.
const COLOURS: &[(&str, &str)] = &[
    ("paper", "the page"),
    ("card", "what lies on it"),
    ("ink", "text"),
    ("muted", "text that can be skipped"),
    ("line", "what parts things"),
    ("edge", "edges of fields"),
    ("link", "links"),
    ("focus", "where the keyboard is"),
    ("button", "what acts"),
    ("well", "works"),
    ("restored", "works again"),
    ("restoring", "under way"),
    ("reported", "somebody says so"),
    ("failing", "fails, and what cannot be undone"),
];

async fn look() -> Answer {
    let view = View {
        page: Page::console("Design", "/console/design"),
        colours: COLOURS,
        states: SiteState::ALL
            .into_iter()
            .map(|state| (state.as_str(), words::state(state)))
            .collect(),
        stages: Stage::ALL
            .into_iter()
            .map(|one| (one.as_str(), stage(one)))
            .collect(),
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
