//! Who may read an incident: the field of the forms that tell one, and the form that changes it.

use axum::Extension;
use axum::extract::State;
use domain::access::Permission;
use domain::id::IncidentId;
use domain::incident::Audience;

use crate::App;
use crate::access::{Access, Caller};
use crate::extract::{Form, Path};
use crate::language::say;
use crate::pages::console::respond::{Typed, then_back};
use crate::pages::{Answer, Choice};
use crate::routes::Route;

pub(crate) fn routes() -> Vec<Route> {
    vec![Route::post(
        "/console/incidents/{id}/audience",
        Access::Holder(Permission::TellCustomers),
        set,
    )]
}

/// What a form offers, with the word that was chosen.
pub(in crate::pages) fn choices(chosen: &str) -> Vec<Choice> {
    let choice = |one: Audience| Choice {
        name: name(one).to_owned(),
        value: one.as_str().to_owned(),
        chosen: one.as_str() == chosen,
    };
    Audience::ALL.into_iter().map(choice).collect()
}

fn name(audience: Audience) -> &'static str {
    match audience {
        Audience::Everybody => say("audience-everybody"),
        Audience::Affected => say("audience-affected"),
    }
}

#[derive(serde::Deserialize)]
struct New {
    audience: Audience,
}

async fn set(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<IncidentId>,
    Form(new): Form<New>,
) -> Answer {
    let set = app.engine().set_audience(id, caller.name(), new.audience);
    then_back(&app, id, set.await, Typed::default()).await
}
