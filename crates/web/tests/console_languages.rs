//! The console in the language of who reads it: each of its pages drawn in Spanish, without a word of
//! the English texts it is made of; and the choice of a language, remembered.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::path::Path;

use axum::body::Body;
use axum::http::Request;
use domain::access::Role;
use domain::campaign::Command;
use domain::id::IncidentId;
use engine::{Acceptance, NewUpdate};
use serde_json::json;
use support::{Answer, Plane};

const SITE: &str = "anchorage.ak.example";

/// The pages of the console, each with the files of texts that it is drawn from beside that of the
/// frame. `{open}`, `{proposed}`, `{planned}` and `{past}` are incidents of [`tell_a_story`].
const PAGES: [(&str, &[&str]); 16] = [
    ("/console", &["console-lamps", "console-alarms"]),
    ("/console/panels", &["console-lamps", "console-alarms"]),
    ("/console/find", &[]),
    ("/console/find?q=anchorage", &[]),
    ("/console/incidents", &["console-incidents"]),
    ("/console/incidents/new", &["console-incidents"]),
    ("/console/incidents/past", &["console-incidents"]),
    ("/console/incidents/{open}", &WHOLE_INCIDENT),
    ("/console/incidents/{proposed}", &WHOLE_INCIDENT),
    (
        "/console/incidents/{planned}",
        &["console-incident", "console-compose", "console-planned"],
    ),
    ("/console/incidents/{past}", &["console-incident"]),
    ("/console/incidents/{open}/report", &["console-report"]),
    ("/console/alarms", &["console-alarms"]),
    ("/console/reports", &["console-reports"]),
    ("/console/follow-ups", &["console-follow-ups"]),
    ("/console/maintenances", &["console-planned"]),
];

const WHOLE_INCIDENT: [&str; 4] = [
    "console-incident",
    "console-compose",
    "console-alarms",
    "console-planned",
];

/// What a form that is refused says, drawn from these files.
const REFUSED: [(&str, &str, &[&str]); 6] = [
    (
        "/console/incidents/past",
        "title=Uno&text=dos",
        &["console-incidents"],
    ),
    (
        "/console/incidents/past",
        "title=Uno&text=dos&started_at=2023-07-11T01:00&resolved_at=2023-07-11T02:00",
        &["console-incidents"],
    ),
    (
        "/console/maintenances",
        "title=Uno&text=dos&impact=minor",
        &["console-planned"],
    ),
    (
        "/console/maintenances",
        "title=Uno&text=dos&impact=minor&from=2023-07-13T01:00&until=2023-07-13T02:00&act=look",
        &["console-planned"],
    ),
    (
        "/console/incidents/{open}/follow-ups",
        "text=Uno&owner=Ada&due=hoy",
        &WHOLE_INCIDENT,
    ),
    (
        "/console/incidents/{open}/updates",
        "text=Uno&act=look&next_update_within=1+hour",
        &WHOLE_INCIDENT,
    ),
];

struct Console {
    plane: Plane,
    token: String,
    incidents: Vec<(&'static str, IncidentId)>,
}

impl Console {
    async fn new() -> Self {
        let plane = Plane::with_fleet().await;
        let incidents = tell_a_story(&plane).await;
        Self {
            token: plane.token(Role::Admin).await,
            plane,
            incidents,
        }
    }

    async fn without_fleet() -> Self {
        let plane = Plane::new().await;
        Self {
            token: plane.token(Role::Admin).await,
            plane,
            incidents: vec![],
        }
    }

    async fn ask(&self, path: &str, form: Option<&str>, headers: &[(&str, &str)]) -> Answer {
        let mut path = path.to_owned();
        for (name, id) in &self.incidents {
            path = path.replace(name, &id.to_string());
        }
        let method = if form.is_some() { "POST" } else { "GET" };
        let mut request = Request::builder().method(method).uri(path);
        request = request
            .header("accept", "text/html")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("authorization", format!("Bearer {}", self.token));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = Body::from(form.unwrap_or_default().to_owned());
        self.plane.answer(request.body(body).unwrap()).await
    }

    /// What is wrong with a page: English on the Spanish one, or nothing of its files on either.
    async fn problems(&self, path: &str, form: Option<&str>, files: &[&str]) -> Vec<String> {
        let drawn = async |tag| self.ask(path, form, &[("accept-language", tag)]).await.text;
        let english = Drawn::of(&drawn("en").await);
        let spanish = Drawn::of(&drawn("es").await);
        let mut problems = vec![];
        for file in files.iter().chain(&["console-frame"]) {
            let pieces = english_of(file);
            if !pieces.iter().any(|piece| english.says(piece)) {
                problems.push(format!("{path} says nothing of {file}"));
            }
            let told = pieces.iter().filter(|piece| spanish.says(piece));
            problems.extend(told.map(|piece| format!("{path} says {:?} of {file}", piece.words)));
        }
        problems
    }
}

/// Everything that the pages show, written in Spanish where people wrote it.
async fn tell_a_story(plane: &Plane) -> Vec<(&'static str, IncidentId)> {
    let engine = &plane.engine;
    let report = json!({"site": SITE, "text": "No funciona.", "contact": "ana@ak.example"});
    let sent = plane.send("POST", "/api/v1/reports", None, report.to_string());
    assert_eq!(sent.await.status, 202);
    let open = raise(plane).await;
    let acceptance = Acceptance {
        title: Some("El acceso falla".into()),
        ..Acceptance::default()
    };
    engine
        .accept_incident(open, "Ada", acceptance)
        .await
        .unwrap();
    let update = NewUpdate {
        text: Some("Conocemos la causa.".into()),
        next_update_within: Some("1 hour".parse().unwrap()),
        ..NewUpdate::default()
    };
    engine.post_update(open, "Ada", update).await.unwrap();
    let official = "Lo sentimos.".to_owned();
    engine
        .official_comment(open, "Ada", official)
        .await
        .unwrap();
    let order = engine.proposed_campaign(open).await.unwrap().unwrap();
    let campaign = engine.create_campaign(&order, "Ada").await.unwrap().id;
    let started = engine.command_campaign(campaign, Command::Start, "Ada");
    started.await.unwrap();
    for due in ["2023-07-01", "2023-08-01"] {
        let follow_up = json!({"text": "Que esperen.", "owner": "Ada", "due": due});
        let follow_up = serde_json::from_value(follow_up).unwrap();
        let added = engine.add_follow_up(open, follow_up, "Ada");
        added.await.unwrap();
    }
    for text in ["# Uno", "# Dos"] {
        let base = u32::from(text == "# Dos");
        let saved = engine.save_report(open, (base, text.into()), "Kim");
        saved.await.unwrap();
    }
    let past = json!({"title": "Estuvo lento", "impact": "minor",
        "started_at": "2023-02-01T14:00:00Z", "resolved_at": "2023-02-01T16:00:00Z",
        "updates": [{"at": "2023-02-01T16:00:00Z", "state": "completed", "text": "Ya pasó."}]});
    let past = engine.backfill_incident("Ada", serde_json::from_value(past).unwrap());
    let past = past.await.unwrap().id;
    let work = json!({"title": "Servidores nuevos", "text": "Entre de nuevo.",
        "window": {"local": {"from": "2023-07-13T22:00", "until": "2023-07-14T02:00"}}});
    let work = engine.plan_maintenance("Ada", serde_json::from_value(work).unwrap());
    let planned = work.await.unwrap();
    vec![
        ("{open}", open),
        ("{proposed}", raise(plane).await),
        ("{planned}", planned),
        ("{past}", past),
    ]
}

/// An alarm, and the incident that it proposes.
async fn raise(plane: &Plane) -> IncidentId {
    let alarm = plane.alarm();
    plane.store.add_alarm(&alarm).await.unwrap();
    plane.engine.propose_incident(&alarm).await.unwrap()
}

#[tokio::test]
async fn each_page_is_drawn_in_spanish() {
    let console = Console::new().await;
    let mut problems = vec![];
    for (path, files) in PAGES {
        problems.extend(console.problems(path, None, files).await);
    }
    assert_eq!(problems, vec![] as Vec<String>);
}

#[tokio::test]
async fn a_first_run_is_told_in_spanish() {
    let console = Console::without_fleet().await;
    // The same page as the public has before there is a fleet.
    let mut problems = console.problems("/console", None, &["status"]).await;
    // A form without a file.
    let import = "/console/fleet/import";
    let lamps = ["console-lamps", "status"];
    problems.extend(console.problems(import, Some("file="), &lamps).await);
    problems.retain(|problem| !problem.ends_with("says nothing of console-frame"));
    assert_eq!(problems, vec![] as Vec<String>);
}

#[tokio::test]
async fn a_form_says_in_spanish_what_is_wrong() {
    let console = Console::new().await;
    let mut problems = vec![];
    for (path, form, files) in REFUSED {
        problems.extend(console.problems(path, Some(form), files).await);
    }
    assert_eq!(problems, vec![] as Vec<String>);
}

#[tokio::test]
async fn a_chosen_language_is_remembered_in_the_console() {
    let console = Console::new().await;
    let chosen = console.ask("/console/incidents?lang=es", None, &[]).await;
    assert!(chosen.text.contains("<html lang=\"es\""), "{}", chosen.text);
    assert!(
        chosen.text.contains("lang=\"en\">English</a>"),
        "{}",
        chosen.text
    );
    let cookie = chosen.headers["set-cookie"].to_str().unwrap();
    assert!(
        cookie.contains("Path=/console") && cookie.contains("HttpOnly"),
        "{cookie}"
    );
    let cookie = cookie.split(';').next().unwrap();
    for (path, accepts, cookie, tag) in [
        ("/console/alarms", "en", cookie, "es"),
        ("/console/alarms?lang=en", "es", cookie, "en"),
        ("/console/alarms", "es", "lamplighter-language=en", "en"),
        ("/console/alarms", "es", "lamplighter-language=tlh", "es"),
        ("/console/alarms", "es", "a=b", "es"),
        ("/", "en", cookie, "en"),
    ] {
        let headers = [("accept-language", accepts), ("cookie", cookie)];
        let page = console.ask(path, None, &headers).await;
        let html = format!("<html lang=\"{tag}\"");
        assert!(page.text.contains(&html), "{path} {accepts}: {}", page.text);
        assert_eq!(page.headers["content-language"], tag);
        assert_eq!(
            page.headers.contains_key("set-cookie"),
            path.contains("lang=")
        );
    }
    let public = console.ask("/?lang=es", None, &[]).await;
    assert!(!public.headers.contains_key("set-cookie"));
}

/// A part of an English text, without the values in it.
#[derive(Clone, Debug, PartialEq)]
struct Piece {
    words: String,
    /// One word may stand in a Spanish sentence: only alone it is a text of ours.
    is_alone: bool,
}

/// The English texts of a file, but for those that Spanish has too.
fn english_of(file: &str) -> Vec<Piece> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("texts");
    let read = |tag: &str| {
        let path = folder.join(tag).join(format!("{file}.ftl"));
        std::fs::read_to_string(path).unwrap()
    };
    let spanish = read("es");
    let mut pieces = vec![];
    for line in read("en").lines().filter(|line| !line.starts_with('#')) {
        let text = match line.split_once(" = ").filter(|_| !line.starts_with(' ')) {
            Some((_, text)) => text,
            None => line.split_once(']').map_or(line, |(_, text)| text),
        };
        for words in text.split(['{', '}']).map(str::trim) {
            let is_value = words.starts_with('$') || !words.contains(char::is_alphabetic);
            if !is_value && !words.ends_with(" =") && !spanish.contains(words) {
                pieces.push(Piece {
                    words: words.into(),
                    is_alone: !words.contains(' '),
                });
            }
        }
    }
    pieces.retain(|piece| !piece.is_alone || piece.words.starts_with(char::is_uppercase));
    pieces
}

/// What a page says: the texts between its tags, and those of attributes that are read out.
struct Drawn(Vec<String>);

impl Drawn {
    fn of(html: &str) -> Self {
        let mut texts = vec![];
        for (place, part) in html.split('<').enumerate() {
            let (tag, text) = match place {
                0 => ("", part),
                _ => part.split_once('>').unwrap_or((part, "")),
            };
            texts.push(plain(text));
            for name in ["placeholder", "aria-label", "title", "data-found"] {
                let from = tag.split(&format!(" {name}=\"")).nth(1);
                texts.extend(from.and_then(|rest| rest.split('"').next()).map(plain));
            }
        }
        Self(texts)
    }

    fn says(&self, piece: &Piece) -> bool {
        self.0.iter().any(|text| match piece.is_alone {
            true => *text == piece.words,
            false => text.contains(&piece.words),
        })
    }
}

fn plain(text: &str) -> String {
    let text = text.replace("&#34;", "\"").replace("&#39;", "'");
    text.replace("&#38;", "&").trim().to_owned()
}
