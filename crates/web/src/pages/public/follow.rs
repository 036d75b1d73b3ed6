//! `/follow` and `/following/TOKEN`: be told by e-mail, and stop it. A GET changes nothing, because
//! scanners of mail open every link.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use domain::follower::{About, Follower};
use domain::name::Hostname;
use engine::EngineError;

use crate::App;
use crate::access::Access;
use crate::client_address::Client;
use crate::extract::{Body, Form, Path, Query};
use crate::language::{here, kept, say, tell};
use crate::pages::errors::reason;
use crate::pages::public::site::host_of;
use crate::pages::words::Moment;
use crate::pages::{Answer, Page, reader, render};
use crate::routes::Route;

const FORM_BYTES_MAX: usize = 4 << 10;

pub(crate) fn routes() -> Vec<Route> {
    let public = Access::Public;
    vec![
        Route::get("/follow", public, form).kept(),
        Route::post("/follow", public, ask).body_max(FORM_BYTES_MAX),
        Route::get("/following/{token}", public, show),
        Route::post("/following/{token}/confirm", public, confirm).body_max(FORM_BYTES_MAX),
        // Mail programs without one click open the address: they get the page with the button.
        Route::get("/following/{token}/end", public, show),
        Route::post("/following/{token}/end", public, end).body_max(FORM_BYTES_MAX),
    ]
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Typed {
    email: String,
    /// `everything`, `site` or `organization`: that of the site.
    about: String,
    site: String,
}

#[derive(Default)]
struct Problems {
    email: Option<String>,
    site: Option<String>,
    other: Option<String>,
}

#[derive(Template)]
#[template(path = "follow.html")]
struct View {
    page: Page,
    typed: Typed,
    problems: Problems,
    offers_mail: bool,
}

#[derive(Template)]
#[template(path = "follow_asked.html")]
struct Asked {
    page: Page,
}

#[derive(Template)]
#[template(path = "following.html")]
struct Following {
    page: Page,
    token: String,
    address: String,
    about: String,
    since: Option<Moment>,
}

#[derive(Template)]
#[template(path = "following_ended.html")]
struct Ended {
    page: Page,
    /// Whether it ended by this request.
    now: bool,
}

#[derive(serde::Deserialize)]
struct Of {
    #[serde(default)]
    site: String,
    /// `organization` for all sites of the customer that has the site.
    #[serde(default)]
    about: String,
}

/// What a follower follows, in words that end a sentence.
pub(crate) fn followed(app: &App, about: &About) -> String {
    let fleet = app.engine().fleet();
    let site = about.site.map(|id| {
        let site = fleet.index(id).and_then(|index| fleet.site(index));
        site.map_or_else(|| say("site-gone").into(), |site| site.hostname.to_string())
    });
    let organization = about.organization.map(|id| {
        let name = fleet.organization(id);
        let name = name.map_or_else(|| say("customer-gone").into(), |name| name.to_string());
        tell("all-sites-of", [("name", name.into())])
    });
    let product = about
        .product
        .as_ref()
        .map(|name| tell("the-product", [("name", name.as_str().into())]));
    let named: Vec<_> = [site, organization, product]
        .into_iter()
        .flatten()
        .collect();
    if named.is_empty() {
        say("every-incident-lower").into()
    } else {
        tell("incidents-of-them", [("names", named.join(", ").into())])
    }
}

async fn form(State(app): State<App>, Query(of): Query<Of>) -> Answer {
    let about = match of.about.as_str() {
        _ if of.site.is_empty() => "everything",
        "organization" => "organization",
        _ => "site",
    };
    let typed = Typed {
        site: of.site,
        about: about.into(),
        ..Typed::default()
    };
    Ok(show_form(&app, StatusCode::OK, typed, Problems::default()))
}

async fn ask(State(app): State<App>, client: Client, Form(typed): Form<Typed>) -> Answer {
    let mut problems = Problems::default();
    if let Err(error) = app.follow_limit().admit(client, app.engine().clock().now()) {
        problems.other = Some(reason("says-too-often", error.message()));
        return Ok(show_form(
            &app,
            StatusCode::TOO_MANY_REQUESTS,
            typed,
            problems,
        ));
    }
    let asked = match typed.about(&app) {
        Ok(about) => {
            let engine = app.engine();
            engine.ask_to_follow(&typed.email, about, here()).await
        }
        Err(error) => Err(error),
    };
    let Err(error) = asked else {
        let page = Page::public(say("look-into-mailbox"), "/follow");
        return Ok(render(StatusCode::OK, &Asked { page }));
    };
    let EngineError::Refused { reason: why, at } = error else {
        return Err(error.into());
    };
    let told = match at.as_deref() {
        // That was written here.
        Some("site") => why,
        Some("email") => reason("e-mail-refused", &why),
        _ => reason("says-refused", &why),
    };
    let field = match at.as_deref() {
        _ if !app.engine().offers_mail() => &mut problems.other,
        Some("email") => &mut problems.email,
        Some("site") => &mut problems.site,
        _ => &mut problems.other,
    };
    *field = Some(told);
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    Ok(show_form(&app, status, typed, problems))
}

impl Typed {
    fn about(&self, app: &App) -> Result<About, EngineError> {
        if !matches!(self.about.as_str(), "site" | "organization") {
            return Ok(About::default());
        }
        let rule = say("no-address");
        let site = Hostname::parse(&host_of(&self.site))
            .map_err(|_| EngineError::refused_at("site", rule))?;
        let fleet = app.engine().fleet();
        let known = fleet.site_at(&site);
        let rule = say("look-it-up");
        let known = known.ok_or_else(|| EngineError::refused_at("site", rule))?;
        Ok(if self.about == "site" {
            About {
                site: Some(known.id),
                ..About::default()
            }
        } else {
            About {
                organization: Some(known.organization),
                ..About::default()
            }
        })
    }
}

fn show_form(app: &App, status: StatusCode, typed: Typed, problems: Problems) -> Response {
    let view = View {
        page: Page::public(say("follow-incidents"), "/follow"),
        typed,
        problems,
        offers_mail: app.engine().offers_mail(),
    };
    render(status, &view)
}

async fn show(State(app): State<App>, Path(token): Path<String>) -> Answer {
    let follower = app.engine().following(&token).await?;
    let Some(follower) = follower else {
        return Ok(gone());
    };
    let Follower {
        channel,
        about,
        confirmed_at,
        ..
    } = follower;
    let reader = reader(&app, None, &app.engine().settings().home_zone);
    let view = Following {
        page: Page::public(say("what-you-follow"), "/follow"),
        token,
        address: channel.masked(),
        about: followed(&app, &about),
        since: confirmed_at.map(|at| reader.moment(at)),
    };
    Ok(render(StatusCode::OK, &view))
}

async fn confirm(State(app): State<App>, Path(token): Path<String>, _: Body) -> Answer {
    if !app.engine().confirm_following(&token).await? {
        return Ok(gone());
    }
    Ok(Redirect::to(&kept(&format!("/following/{token}"))).into_response())
}

/// Also what a mail program calls by itself (RFC 8058): whatever the body says, the following ends.
async fn end(State(app): State<App>, Path(token): Path<String>, _: Body) -> Answer {
    app.engine().end_following(&token).await?;
    let page = Page::public(say("you-follow-no-more"), "/follow");
    Ok(render(StatusCode::OK, &Ended { page, now: true }))
}

/// The same for a following that ended and for a link that never was: nothing is kept of those who left,
/// and nobody learns which links were theirs.
fn gone() -> Response {
    let page = Page::public(say("you-do-not-follow"), "/follow");
    render(StatusCode::GONE, &Ended { page, now: false })
}
