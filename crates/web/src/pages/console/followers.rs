//! `/console/followers`: who is told, by what, and the webhooks that staff add.

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use domain::access::Permission;
use domain::follower::{Follower, Shape};
use domain::id::FollowerId;
use domain::name::{Hostname, ProductName};
use engine::{EngineError, Kind, NewWebhook};
use store::FollowerCount;

use crate::App;
use crate::access::{Access, Caller};
use crate::extract::{Form, Path, Query};
use crate::language::{reworded, say, tell};
use crate::pages::public::site::host_of;
use crate::pages::words::{self, Moment, Reader};
use crate::pages::{Answer, Page, followed, reader, render};
use crate::routes::Route;

/// Followers on one page.
const FOLLOWERS_MAX: u32 = 100;

pub(crate) fn routes() -> Vec<Route> {
    let see = Access::Holder(Permission::SeeConsole);
    let tell = Access::Holder(Permission::TellCustomers);
    vec![
        Route::get("/console/followers", see, list),
        Route::post("/console/followers", tell, add),
        Route::post("/console/followers/{id}/end", tell, end),
    ]
}

#[derive(Template)]
#[template(path = "console/followers.html")]
struct View {
    page: Page,
    problem: Option<String>,
    /// Signs a webhook that was just added; shown once.
    secret: Option<String>,
    offers_mail: bool,
    counts: Vec<Count>,
    followers: Vec<Line>,
    next: Option<FollowerId>,
    typed: Typed,
    shapes: &'static [Shape],
    abouts: [(&'static str, &'static str); 4],
}

/// What a webhook may follow, and in words.
fn abouts() -> [(&'static str, &'static str); 4] {
    [
        ("everything", say("followers-every-incident")),
        ("product", say("followers-a-product")),
        ("organization", say("followers-a-customer")),
        ("site", say("followers-a-site")),
    ]
}

/// By what somebody is told; formats of webhooks are names.
fn channel(word: &str) -> &str {
    match word {
        "email" => say("followers-channel-e-mail"),
        shape => shape,
    }
}

/// What followers are counted by.
fn counted(about: &str) -> &str {
    match about {
        "everything" => say("followers-counted-everything"),
        "product" => say("followers-counted-product"),
        "organization" => say("followers-counted-organization"),
        "site" => say("followers-counted-site"),
        other => other,
    }
}

struct Count {
    channel: String,
    about: String,
    confirmed: String,
    asked: String,
}

struct Line {
    id: FollowerId,
    channel: &'static str,
    address: String,
    about: String,
    since: Option<Moment>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Typed {
    url: String,
    shape: String,
    /// `everything`, `product`, `organization` or `site`.
    about: String,
    /// The name of the product or the organization, or the site's address.
    name: String,
}

#[derive(Default, serde::Deserialize)]
struct From {
    /// The last follower of the page before.
    after: Option<FollowerId>,
}

async fn list(State(app): State<App>, Query(from): Query<From>) -> Answer {
    show(&app, StatusCode::OK, from.after, Said::default()).await
}

/// What the page says of the form that was sent.
#[derive(Default)]
struct Said {
    problem: Option<String>,
    secret: Option<String>,
    typed: Typed,
}

async fn show(app: &App, status: StatusCode, after: Option<FollowerId>, said: Said) -> Answer {
    let reader = reader(app, None, &app.engine().settings().home_zone);
    let page = app.engine().followers_after(after, FOLLOWERS_MAX).await?;
    let full = page.len() == FOLLOWERS_MAX as usize;
    let counts = app.engine().follower_counts().await?;
    let view = View {
        page: Page::console(say("followers-title"), "/console/followers"),
        problem: said.problem,
        secret: said.secret,
        offers_mail: app.engine().offers_mail(),
        counts: counts.into_iter().map(count).collect(),
        next: page.last().filter(|_| full).map(|last| last.id),
        followers: page.iter().map(|one| line(app, one, &reader)).collect(),
        typed: said.typed,
        shapes: &Shape::ALL,
        abouts: abouts(),
    };
    Ok(render(status, &view))
}

fn count(count: FollowerCount) -> Count {
    let number = |n: u64| words::count(usize::try_from(n).unwrap_or(usize::MAX));
    Count {
        channel: channel(&count.channel).to_owned(),
        about: counted(&count.about).to_owned(),
        confirmed: number(count.confirmed),
        asked: number(count.asked),
    }
}

fn line(app: &App, follower: &Follower, reader: &Reader) -> Line {
    Line {
        id: follower.id,
        channel: channel(follower.channel.as_str()),
        address: follower.channel.masked(),
        about: followed(app, &follower.about),
        since: follower.confirmed_at.map(|at| reader.moment(at)),
    }
}

async fn add(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Form(typed): Form<Typed>,
) -> Answer {
    let added = match typed.webhook() {
        Ok(new) => app.engine().add_webhook(new, caller.name()).await,
        Err(error) => Err(error),
    };
    let error = match added {
        Ok((_, None)) => return Ok(Redirect::to("/console/followers").into_response()),
        Ok((_, secret)) => {
            let said = Said {
                secret,
                ..Said::default()
            };
            return show(&app, StatusCode::CREATED, None, said).await;
        }
        Err(error) => error,
    };
    let status = match error.kind() {
        Kind::Refused => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::Conflict => StatusCode::CONFLICT,
        _ => return Err(error.into()),
    };
    let said = Said {
        problem: Some(reworded(&error)),
        typed,
        ..Said::default()
    };
    show(&app, status, None, said).await
}

impl Typed {
    fn webhook(&self) -> Result<NewWebhook, EngineError> {
        let rule = say("followers-give-shape");
        let shape = Shape::parse(&self.shape);
        let (mut product, mut organization, mut site) = (None, None, None);
        let name = self.name.trim();
        let missing = say("followers-say-which");
        match self.about.as_str() {
            "" | "everything" if name.is_empty() => {}
            "" | "everything" => {
                return Err(EngineError::refused_at("name", say("followers-no-name")));
            }
            "product" | "organization" | "site" if name.is_empty() => {
                return Err(EngineError::refused_at("name", missing));
            }
            "product" => {
                let rule = tell("followers-no-product", [("name", name.into())]);
                let refused = |_| EngineError::refused_at("name", rule);
                product = Some(ProductName::parse(name).map_err(refused)?);
            }
            "organization" => organization = Some(name.to_owned()),
            "site" => {
                let rule = say("followers-no-address");
                let host = Hostname::parse(&host_of(name));
                site = Some(host.map_err(|_| EngineError::refused_at("name", rule))?);
            }
            _ => {
                let rule = say("followers-give-about");
                return Err(EngineError::refused_at("about", rule));
            }
        }
        Ok(NewWebhook {
            url: self.url.trim().to_owned(),
            shape: shape.ok_or_else(|| EngineError::refused_at("shape", rule))?,
            secret: None,
            product,
            organization,
            site,
            language: domain::language::Language::default(),
        })
    }
}

async fn end(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<FollowerId>,
) -> Answer {
    app.engine().end_follower(id, caller.name()).await?;
    Ok(Redirect::to("/console/followers").into_response())
}
