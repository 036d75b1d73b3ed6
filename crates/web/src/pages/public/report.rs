//! `/report`: tell us that sign-in does not work. Signed out, without script.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use domain::name::Hostname;
use domain::report::Channel;
use engine::{EngineError, NewReport};

use crate::App;
use crate::access::Access;
use crate::client_address::Client;
use crate::extract::{Form, Query};
use crate::language::say;
use crate::pages::console::banners::{Shown, on_site};
use crate::pages::errors::reason;
use crate::pages::public::site::{Found, find, host_of};
use crate::pages::{Answer, Page, render};
use crate::routes::Route;

/// The largest form, in bytes: a report of 4,000 characters, each written as `%xx` thrice.
const FORM_BYTES_MAX: usize = 48 << 10;
/// The most sites offered where the name typed is none.
const OFFERED_MAX: usize = 8;

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::get("/report", Access::Public, form),
        Route::post("/report", Access::Public, take).body_max(FORM_BYTES_MAX),
    ]
}

/// What a customer typed, kept when it has to be shown again.
#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Typed {
    site: String,
    text: String,
    contact: String,
    /// A site that was offered, and chosen by the button with its name.
    chosen: String,
}

#[derive(Default)]
struct Problems {
    site: Option<String>,
    text: Option<String>,
    contact: Option<String>,
    other: Option<String>,
}

#[derive(Template)]
#[template(path = "report.html")]
struct View {
    page: Page,
    typed: Typed,
    problems: Problems,
    offered: Vec<Found>,
    /// What stands on the pages of the site that is named.
    banners: Vec<Shown>,
}

#[derive(Template)]
#[template(path = "thanks.html")]
struct Thanks {
    page: Page,
    hostname: String,
    id: String,
    answered: bool,
}

#[derive(serde::Deserialize)]
struct About {
    #[serde(default)]
    site: String,
}

async fn form(State(app): State<App>, Query(about): Query<About>) -> Answer {
    let typed = Typed {
        site: about.site,
        ..Typed::default()
    };
    Ok(show(&app, StatusCode::OK, typed, Problems::default()))
}

async fn take(State(app): State<App>, client: Client, Form(mut typed): Form<Typed>) -> Answer {
    if !typed.chosen.is_empty() {
        typed.site = std::mem::take(&mut typed.chosen);
    }
    if let Err(error) = app.report_limit().admit(client, app.engine().clock().now()) {
        let problems = Problems {
            other: Some(reason("says-too-often", error.message())),
            ..Problems::default()
        };
        return Ok(show(&app, StatusCode::TOO_MANY_REQUESTS, typed, problems));
    }
    let Ok(site) = Hostname::parse(&host_of(&typed.site)) else {
        let says = if typed.site.trim().is_empty() {
            say("name-your-site")
        } else {
            say("no-address")
        };
        let problems = Problems {
            site: Some(says.into()),
            ..Problems::default()
        };
        return Ok(show(
            &app,
            StatusCode::UNPROCESSABLE_ENTITY,
            typed,
            problems,
        ));
    };
    let report = NewReport {
        site: &site,
        text: &typed.text,
        contact: &typed.contact,
        channel: Channel::Web,
        idempotency_key: None,
    };
    match app.engine().take_report(&report).await {
        Ok(id) => {
            let page = Page::public(say("thank-you"), "/report");
            let answered = !typed.contact.trim().is_empty();
            let thanks = Thanks {
                page,
                hostname: site.to_string(),
                id: id.to_string(),
                answered,
            };
            Ok(render(StatusCode::OK, &thanks))
        }
        Err(error) => {
            let problems = problems(error)?;
            Ok(show(
                &app,
                StatusCode::UNPROCESSABLE_ENTITY,
                typed,
                problems,
            ))
        }
    }
}

/// The reasons beside the fields they belong to; an error that is ours stays an error.
fn problems(error: EngineError) -> Result<Problems, EngineError> {
    let mut problems = Problems::default();
    match &error {
        EngineError::NotFound { .. } => {
            let says = say("one-of-those");
            problems.site = Some(says.into());
        }
        EngineError::Refused { reason: why, at } => {
            let (field, key) = match at.as_deref() {
                Some("text") => (&mut problems.text, "text-refused"),
                Some("contact") => (&mut problems.contact, "contact-refused"),
                _ => (&mut problems.other, "says-refused"),
            };
            *field = Some(reason(key, why));
        }
        _ => return Err(error),
    }
    Ok(problems)
}

fn show(
    app: &App,
    status: StatusCode,
    typed: Typed,
    problems: Problems,
) -> axum::response::Response {
    let mut offered = vec![];
    if problems.site.is_some() {
        // "springfield.gov" finds Springfield: the first label is the likeliest part of the name.
        let host = host_of(&typed.site);
        let words = host.split('.').next().unwrap_or_default().replace('-', " ");
        offered = find(&app.engine().fleet(), &words);
        offered.truncate(OFFERED_MAX);
    }
    let title = if problems.any() {
        say("please-look-again")
    } else {
        say("report-a-problem")
    };
    let named = Hostname::parse(&host_of(&typed.site)).ok();
    let site = named.and_then(|name| app.engine().fleet().site_at(&name));
    let view = View {
        page: Page::public(title, "/report"),
        banners: site.map_or_else(Vec::new, |site| on_site(app, &site)),
        typed,
        problems,
        offered,
    };
    render(status, &view)
}

impl Problems {
    fn any(&self) -> bool {
        [&self.site, &self.text, &self.contact, &self.other]
            .into_iter()
            .any(Option::is_some)
    }
}
