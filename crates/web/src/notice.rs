//! What followers read: mails, and the bodies of webhooks. Drawn from memory when they are sent.
//! Never sends anything.

mod chat;

use std::collections::BTreeSet;
use std::sync::Weak;

use askama::Template;
use domain::follower::Shape;
use domain::incident::{Scope, Update, UpdateKind};
use domain::language::Language;
use engine::{Headed, IncidentView, Letter, Notice, Writer};
use serde_json::{Value, json};

use crate::api::{incidents, statuspage};
use crate::language::{here, in_language, kept, read_post, say, tell, wrote};
use crate::pages::prose::prose;
use crate::pages::{followed, stage, window};
use crate::{App, Inner};

/// Writes while the pages are there. Holds them weakly: the engine that they hold holds this.
pub(crate) struct Pen(pub(crate) Weak<Inner>);

/// The beginning of every mail about a post.
#[derive(Template)]
#[template(path = "mail/head.html")]
struct Head<'a> {
    language: Language,
    title: &'a str,
    said: &'a str,
    /// The language of what people wrote, where it is another.
    wrote: Option<Language>,
    html: String,
    incident_url: &'a str,
}

/// What only one follower's mail says.
#[derive(Template)]
#[template(path = "mail/foot.html")]
struct Foot {
    because: String,
    following_url: String,
}

#[derive(Template)]
#[template(path = "mail/ask.html")]
struct Ask {
    language: Language,
    somebody: String,
    following_url: String,
}

/// An incident, and what was posted in it.
type Post<'a> = (&'a IncidentView, Option<&'a Update>);

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
    let scope = scope(&view.incident.scope);
    match &view.incident.maintenance {
        Some(work) => {
            let when = window(app, work);
            tell(
                "mail-planned",
                [("scope", scope.into()), ("when", when.into())],
            )
        }
        None => tell("mail-looking", [("scope", scope.into())]),
    }
}

/// Which sites, in words that stand within a sentence.
fn scope(scope: &Scope) -> String {
    fn list<T: ToString>(items: &BTreeSet<T>) -> String {
        let items: Vec<_> = items.iter().map(T::to_string).collect();
        items.join(", ")
    }
    if here() == Language::English {
        return scope.to_string();
    }
    let mut words = match scope.products.is_empty() {
        true => say("scope-all").to_owned(),
        false => tell("scope-products", [("names", list(&scope.products).into())]),
    };
    for (key, names) in [
        ("scope-zones", list(&scope.zones)),
        ("scope-releases", list(&scope.releases)),
    ] {
        if !names.is_empty() {
            words = tell(key, [("sites", words.into()), ("names", names.into())]);
        }
    }
    words
}

impl<'a> Told<'a> {
    fn of(app: &App, (view, update): Post<'a>) -> Self {
        let said = match update {
            Some(update) if update.kind == UpdateKind::OfficialComment => say("official-comment"),
            Some(update) => stage(update.state),
            None => stage(view.incident.state.stage()),
        };
        let body = match update {
            Some(update) => read_post(&app.engine().settings().home_zone, &update.body),
            None => opened(app, view),
        };
        let base = &app.engine().settings().base_url;
        Self {
            view,
            update,
            said,
            body,
            url: kept(&format!("{base}/incidents/{}", view.incident.id)),
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
    fn head(&self, told: Post<'_>, language: Language) -> Option<Headed> {
        let app = self.app()?;
        let head = in_language(&app, language, || head(&Told::of(&app, told)));
        logged(head)
    }

    fn mail(&self, notice: &Notice<'_>, head: Option<&Headed>) -> Option<Letter> {
        let app = self.app()?;
        let letter = in_language(&app, notice.follower.language, || match head {
            Some(head) => letter(&app, notice, head),
            None => ask(&app, notice),
        });
        logged(letter)
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
        // What programs read is English.
        let language = match shape {
            Shape::Standard | Shape::Statuspage => Language::English,
            Shape::Slack | Shape::Teams => notice.follower.language,
        };
        Some(in_language(&app, language, || body(&Told::of(&app, post))))
    }
}

fn logged<T>(drawn: Result<T, askama::Error>) -> Option<T> {
    drawn
        .inspect_err(|error| tracing::error!(%error, "could not render a mail"))
        .ok()
}

fn following_url(app: &App, notice: &Notice<'_>) -> String {
    let base = &app.engine().settings().base_url;
    kept(&format!("{base}/following/{}", notice.token))
}

fn head(told: &Told<'_>) -> Result<Headed, askama::Error> {
    let title = &told.view.incident.title;
    let html = Head {
        language: here(),
        title,
        said: told.said,
        wrote: wrote(),
        html: prose(&told.body),
        incident_url: &told.url,
    };
    Ok(Headed {
        subject: told.headline(),
        text: format!("{title}\n{}\n\n{}\n\n{}\n", told.said, told.body, told.url),
        html: html.render()?,
    })
}

fn letter(app: &App, notice: &Notice<'_>, head: &Headed) -> Result<Letter, askama::Error> {
    let about = followed(app, &notice.follower.about);
    let following_url = following_url(app, notice);
    let team = app.engine().settings().team.clone();
    let text = tell(
        "mail-you-follow",
        [
            ("about", about.clone().into()),
            ("url", following_url.clone().into()),
        ],
    );
    let html = Foot {
        because: tell(
            "mail-because",
            [("team", team.into()), ("about", about.into())],
        ),
        following_url,
    };
    Ok(Letter {
        subject: head.subject.clone(),
        text: format!("{}\n-- \n{text}\n", head.text),
        html: format!("{}{}", head.html, html.render()?),
    })
}

fn ask(app: &App, notice: &Notice<'_>) -> Result<Letter, askama::Error> {
    let about = followed(app, &notice.follower.about);
    let following_url = following_url(app, notice);
    let team = app.engine().settings().team.clone();
    let somebody = tell(
        "mail-somebody",
        [("team", team.into()), ("about", about.into())],
    );
    let (yes, not_you) = (say("mail-say-yes"), say("mail-not-you"));
    let text = format!("{somebody}\n\n{yes}:\n{following_url}\n\n{not_you}\n");
    let html = Ask {
        language: here(),
        somebody,
        following_url,
    };
    Ok(Letter {
        subject: say("mail-ask").into(),
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
            {"type": "context", "elements": [{"type": "mrkdwn", "text": format!("<{}|{}>", told.url, say("mail-all-updates"))}]},
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
        "actions": [{"type": "Action.OpenUrl", "title": say("mail-all-updates"), "url": told.url}],
    });
    json!({
        "type": "message",
        "attachments": [{"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": null, "content": card}],
    })
}
