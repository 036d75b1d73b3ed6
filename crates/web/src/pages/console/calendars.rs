//! `/console/calendars`: when the team works, and its holidays.

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use domain::access::Permission;
use domain::calendar::{BusinessCalendar, DEFAULT_NAME};
use domain::site::Zone;
use engine::{EngineError, ImportedHolidays, Kind};

use crate::App;
use crate::access::{Access, Caller};
use crate::extract::Form;
use crate::language::{reworded, say, tell};
use crate::pages::console::typed::{read, time};
use crate::pages::words;
use crate::pages::{Answer, Page, render};
use crate::routes::Route;

/// Room for a file of holidays, as a form encodes it.
const FORM_BYTES_MAX: usize = 3 << 20;
/// How many holidays of a calendar the page names: the next ones.
const NAMED_MAX: usize = 15;

pub(crate) fn routes() -> Vec<Route> {
    let see = Access::Holder(Permission::SeeConsole);
    let change = Access::Holder(Permission::ChangeOnCall);
    vec![
        Route::get("/console/calendars", see, list),
        Route::post("/console/calendars", change, act).body_max(FORM_BYTES_MAX),
    ]
}

#[derive(Template)]
#[template(path = "console/calendars.html")]
struct View {
    page: Page,
    problem: Option<String>,
    done: Option<String>,
    calendars: Vec<Line>,
    zone_name: String,
}

struct Line {
    name: String,
    /// Its hours, and how many holidays it has.
    says: String,
    holidays: Vec<(String, String)>,
    is_default: bool,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Typed {
    name: String,
    zone: String,
    opens: String,
    closes: String,
    federal_holidays: String,
    /// An iCalendar file.
    file: String,
    /// save, import or remove.
    act: String,
}

async fn list(State(app): State<App>) -> Answer {
    Ok(show(&app, StatusCode::OK, (None, None)))
}

async fn act(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Form(typed): Form<Typed>,
) -> Answer {
    match typed.carry_out(&app, caller.name()).await {
        Ok(None) => Ok(Redirect::to("/console/calendars").into_response()),
        Ok(done) => Ok(show(&app, StatusCode::OK, (None, done))),
        Err(error) => {
            let status = match error.kind() {
                Kind::Refused => StatusCode::UNPROCESSABLE_ENTITY,
                Kind::Conflict => StatusCode::CONFLICT,
                _ => return Err(error.into()),
            };
            Ok(show(&app, status, (Some(reworded(&error)), None)))
        }
    }
}

impl Typed {
    /// What there is to say of it, if anything.
    async fn carry_out(&self, app: &App, who: &str) -> Result<Option<String>, EngineError> {
        let (engine, name) = (app.engine(), self.name.trim());
        match &*self.act {
            "import" => {
                let imported = engine.import_holidays(name, self.file.as_bytes(), who);
                Ok(Some(says(&imported.await?)))
            }
            "remove" => engine.remove_calendar(name, who).await.map(|()| None),
            _ => {
                let holidays = engine.calendars().remove(name);
                let calendar = BusinessCalendar {
                    zone: read("zone", &self.zone, Zone::parse)?,
                    opens: read("opens", &self.opens, time)?,
                    closes: read("closes", &self.closes, time)?,
                    federal_holidays: !self.federal_holidays.is_empty(),
                    holidays: holidays.map(|known| known.holidays).unwrap_or_default(),
                };
                let saved = engine.save_calendar(name, calendar, who);
                saved.await.map(|_| None)
            }
        }
    }
}

fn says(imported: &ImportedHolidays) -> String {
    let mut says = tell("calendars-imported", [("n", imported.added.len().into())]);
    for event in imported.skipped.iter().take(NAMED_MAX) {
        let values = [
            ("name", event.name.as_str().into()),
            ("reason", reworded(&event.reason).into()),
        ];
        says += " ";
        says += &tell("calendars-left-out", values);
    }
    says
}

fn show(
    app: &App,
    status: StatusCode,
    (problem, done): (Option<String>, Option<String>),
) -> axum::response::Response {
    let calendars = app.engine().calendars().into_iter();
    let view = View {
        page: Page::console(say("calendars-title"), "/console/calendars"),
        problem,
        done,
        calendars: calendars.map(|(name, one)| line(app, name, &one)).collect(),
        zone_name: app.engine().settings().home_zone.to_string(),
    };
    render(status, &view)
}

fn line(app: &App, name: String, calendar: &BusinessCalendar) -> Line {
    let today = app.engine().today();
    let next = calendar.holidays.range(today..).take(NAMED_MAX);
    let mut says = tell(
        "calendars-hours",
        [
            ("opens", words::time(calendar.opens).into()),
            ("closes", words::time(calendar.closes).into()),
            ("zone", calendar.zone.as_str().into()),
        ],
    );
    if calendar.federal_holidays {
        says = tell("calendars-without-federal", [("hours", says.into())]);
    }
    Line {
        is_default: name == DEFAULT_NAME,
        name,
        says: tell(
            "calendars-of-its-own",
            [
                ("hours", says.into()),
                ("n", calendar.holidays.len().into()),
            ],
        ),
        holidays: next
            .map(|(day, why)| (words::weekday(*day), why.clone()))
            .collect(),
    }
}
