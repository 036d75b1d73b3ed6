//! `/console/audit`: who did what, newest first.

mod acts;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use domain::access::Permission;
use domain::id::AuditId;
use store::AuditEntry;

use crate::App;
use crate::access::Access;
use crate::extract::Query;
use crate::language::say;
use crate::pages::words::{Moment, Reader};
use crate::pages::{Answer, Page, reader, render};
use crate::routes::Route;

const ENTRIES_PER_PAGE: u32 = 100;

pub(crate) fn routes() -> Vec<Route> {
    vec![Route::get(
        "/console/audit",
        Access::Holder(Permission::SeeConsole),
        audit,
    )]
}

#[derive(serde::Deserialize)]
struct Before {
    /// The last entry of the page before.
    before: Option<AuditId>,
}

#[derive(Template)]
#[template(path = "console/audit.html")]
struct View {
    page: Page,
    entries: Vec<Line>,
    older: Option<AuditId>,
}

struct Line {
    at: Moment,
    who: String,
    act: String,
    what: String,
    detail: String,
}

async fn audit(State(app): State<App>, Query(query): Query<Before>) -> Answer {
    let entries = app
        .engine()
        .audit_before(query.before, ENTRIES_PER_PAGE)
        .await?;
    let full = entries.len() >= ENTRIES_PER_PAGE as usize;
    let older = entries.last().filter(|_| full).map(|entry| entry.id);
    let reader = reader(&app, None, &app.engine().settings().home_zone);
    let entries = entries
        .into_iter()
        .map(|entry| line(entry, &reader))
        .collect();
    let view = View {
        page: Page::console(say("audit-title"), "/console/audit"),
        entries,
        older,
    };
    Ok(render(StatusCode::OK, &view))
}

fn line(entry: AuditEntry, reader: &Reader) -> Line {
    let AuditEntry {
        at,
        who,
        act,
        what,
        detail,
        ..
    } = entry;
    Line {
        at: reader.exact(at),
        who,
        act: acts::act(act),
        what,
        detail,
    }
}
