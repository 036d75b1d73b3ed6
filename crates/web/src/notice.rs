//! What followers read: mails, and the bodies of webhooks. Drawn from memory when they are sent.
//! Never sends anything.

mod chat;

use std::sync::Weak;

use askama::Template;
use domain::follower::Shape;
use domain::incident::template::read_in;
use domain::incident::{Update, UpdateKind};
use engine::{IncidentView, Letter, Notice, Writer};
use serde_json::{Value, json};

use crate::api::{incidents, statuspage};
use crate::language::in_english;
use crate::pages::prose::prose;
use crate::pages::{followed, stage, window};
use crate::{App, Inner};

/// Writes while the pages are there. Holds them weakly: the engine that they hold holds this.
pub(crate) struct Pen(pub(crate) Weak<Inner>);

#[derive(Template)]
#[template(path = "mail/update.html")]
struct Mail<'a> {
    heading: &'a str,
    said: &'a str,
    html: String,
    incident_url: String,
    about: String,
    following_url: String,
    team: &'a str,
}

#[derive(Template)]
#[template(path = "mail/ask.html")]
struct Ask<'a> {
    about: String,
    following_url: String,
    team: &'a str,
}

/// One post, in the words of a message.
struct Told<'a> {
    view: &'a IncidentView,
    update: Option<&'a Update>,
    said: &'static str,
    body: String,
    url: String,
}

/// What is told without a post: that there is an incident, or that planned work begins soon.
fn opened(app: &App, view: &IncidentView) -> String {
    let scope = &view.incident.scope;
    match &view.incident.maintenance {
        Some(work) => format!("It is planned for {scope}: {}.", window(app, work)),
        None => format!("We are looking into it. It is about {scope}."),
    }
}

impl<'a> Told<'a> {
    fn of(app: &App, (view, update): (&'a IncidentView, Option<&'a Update>)) -> Self {
        let said = match update {
            Some(update) if update.kind == UpdateKind::OfficialComment => "Official comment",
            Some(update) => stage(update.state),
            None => stage(view.incident.state.stage()),
        };
        let body = match update {
            Some(update) => read_in(&app.engine().settings().home_zone, &update.body),
            None => opened(app, view),
        };
        let base = &app.engine().settings().base_url;
        Self {
            view,
            update,
            said,
            body,
            url: format!("{base}/incidents/{}", view.incident.id),
        }
    }

    fn headline(&self) -> String {
        format!("[{}] {}", self.said, self.view.incident.title)
    }
}

impl Pen {
    fn app(&self) -> Option<App> {
        self.0.upgrade().map(App)
    }
}

impl Writer for Pen {
    fn mail(&self, notice: &Notice<'_>) -> Option<Letter> {
        let app = self.app()?;
        let letter = in_english(|| match notice.told {
            Some(told) => update(&app, notice, &Told::of(&app, told)),
            None => ask(&app, notice),
        });
        letter
            .inspect_err(|error| tracing::error!(%error, "could not render a mail"))
            .ok()
    }

    fn body(&self, shape: Shape, notice: &Notice<'_>) -> Option<Value> {
        let app = self.app()?;
        let post = notice.told?;
        let body = |told: &Told<'_>| match shape {
            Shape::Standard => standard(&app, notice, told),
            Shape::Statuspage => statuspage::told(&app, told.view, &following_url(&app, notice)),
            Shape::Slack => slack(told),
            Shape::Teams => teams(told),
        };
        Some(in_english(|| body(&Told::of(&app, post))))
    }
}

fn following_url(app: &App, notice: &Notice<'_>) -> String {
    let base = &app.engine().settings().base_url;
    format!("{base}/following/{}", notice.token)
}

fn update(app: &App, notice: &Notice<'_>, told: &Told<'_>) -> Result<Letter, askama::Error> {
    let (about, following_url) = (
        followed(app, &notice.follower.about),
        following_url(app, notice),
    );
    let title = &told.view.incident.title;
    let text = format!(
        "{title}\n{}\n\n{}\n\n{}\n\n-- \nYou follow {about}. Stop: {following_url}\n",
        told.said, told.body, told.url
    );
    let html = Mail {
        heading: title,
        said: told.said,
        html: prose(&told.body),
        incident_url: told.url.clone(),
        about,
        following_url,
        team: &app.engine().settings().team,
    };
    Ok(Letter {
        subject: told.headline(),
        text,
        html: html.render()?,
    })
}

fn ask(app: &App, notice: &Notice<'_>) -> Result<Letter, askama::Error> {
    let (about, following_url) = (
        followed(app, &notice.follower.about),
        following_url(app, notice),
    );
    let text = format!(
        "Somebody, probably you, asked to be told by e-mail about {about}.\n\nSay yes here:\n{following_url}\n\n\
        If it was not you, do nothing: you get no mail, and the address is forgotten after a week.\n"
    );
    let html = Ask {
        about,
        following_url,
        team: &app.engine().settings().team,
    };
    Ok(Letter {
        subject: "Do you want to follow incidents?".into(),
        text,
        html: html.render()?,
    })
}

fn standard(app: &App, notice: &Notice<'_>, told: &Told<'_>) -> Value {
    let (kind, update) = match told.update {
        None if told.view.incident.maintenance.is_some() => ("maintenance.coming", Value::Null),
        None => ("incident.opened", Value::Null),
        Some(update) => {
            let update = json!({"id": update.id, "at": update.at, "state": update.state,
                "body": told.body, "kind": update.kind});
            ("incident.updated", update)
        }
    };
    json!({
        "type": kind,
        "timestamp": notice.at,
        "data": {"incident": incidents::for_customers(app, told.view), "update": update},
    })
}

fn slack(told: &Told<'_>) -> Value {
    let headline = chat::slack_line(&told.headline());
    let body = chat::slack(&told.body);
    json!({
        "text": headline,
        "blocks": [
            {"type": "section", "text": {"type": "mrkdwn", "text": format!("*{headline}*\n{body}")}},
            {"type": "context", "elements": [{"type": "mrkdwn", "text": format!("<{}|All updates>", told.url)}]},
        ],
    })
}

fn teams(told: &Told<'_>) -> Value {
    let card = json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [
            {"type": "TextBlock", "size": "Medium", "weight": "Bolder", "wrap": true, "text": chat::teams_line(&told.headline())},
            {"type": "TextBlock", "wrap": true, "text": chat::teams(&told.body)},
        ],
        "actions": [{"type": "Action.OpenUrl", "title": "All updates", "url": told.url}],
    });
    json!({
        "type": "message",
        "attachments": [{"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": null, "content": card}],
    })
}
