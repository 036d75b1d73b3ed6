//! A team that writes in Spanish: from the alarm to the published report, all that is said by itself, in Spanish.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use clock::Clock;
use domain::access::Role;
use domain::campaign::Command;
use domain::detection::{Alarm, Explanation, Localisation};
use domain::id::IncidentId;
use domain::incident::Stage;
use domain::language::Language;
use domain::site::Zone;
use domain::site::state::Evidence;
use engine::Acceptance;
use lopdf::Document;
use serde_json::{Value, json};
use support::{Answer, Plane};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

/// Words that no Spanish sentence has, in what is said of an incident.
const ENGLISH: [&str; 58] = [
    "the",
    "of",
    "is",
    "are",
    "was",
    "were",
    "has",
    "have",
    "had",
    "been",
    "with",
    "this",
    "that",
    "you",
    "your",
    "our",
    "and",
    "for",
    "to",
    "at",
    "on",
    "in",
    "from",
    "by",
    "within",
    "where",
    "sign",
    "site",
    "sites",
    "not",
    "page",
    "paged",
    "update",
    "posted",
    "report",
    "record",
    "records",
    "times",
    "those",
    "incident",
    "impact",
    "detection",
    "response",
    "cause",
    "what",
    "went",
    "well",
    "nothing",
    "will",
    "campaign",
    "customer",
    "customers",
    "opened",
    "accepted",
    "alarm",
    "hours",
    "business",
    "completed",
];
/// What else is English, and stays: names.
const NAMES: [&str; 1] = ["America/Los\\_Angeles"];

/// What is English in a text.
fn english(text: &str) -> Vec<String> {
    let text = NAMES
        .iter()
        .fold(text.to_owned(), |text, name| text.replace(name, ""));
    let words = text.split(|c: char| !c.is_alphanumeric());
    let words = words.map(str::to_lowercase);
    words.filter(|word| ENGLISH.contains(&&**word)).collect()
}

#[track_caller]
fn is_spanish(what: &str, text: &str) {
    let heard = english(text);
    assert!(heard.is_empty(), "{what} says {heard:?}: {text}");
}

struct Desk {
    plane: Plane,
    author: String,
    approver: String,
}

impl Desk {
    async fn new() -> Self {
        let plane = Plane::of_team(Language::Spanish).await.filled().await;
        Self {
            author: plane.token(Role::Engineer).await,
            approver: plane.token(Role::Support).await,
            plane,
        }
    }

    async fn call(&self, token: &str, method: &str, path: &str, body: Value) -> (u16, Value) {
        let body = body.to_string();
        let answer = self.plane.send(method, path, Some(token), body).await;
        // What is recorded in one millisecond has no order.
        self.pass(5);
        let body = serde_json::from_str(&answer.text).unwrap_or(answer.text.into());
        (answer.status.as_u16(), body)
    }

    async fn done(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.call(&self.author, "POST", path, body).await;
        assert!((200..300).contains(&status), "{path}: {answer}");
        answer
    }

    fn pass(&self, milliseconds: u64) {
        self.plane.hand.advance(Duration::from_millis(milliseconds));
    }

    async fn page(&self, path: &str, language: &str) -> Answer {
        let request = Request::get(path)
            .header("accept", "text/html")
            .header("accept-language", language)
            .header("authorization", format!("Bearer {}", self.author))
            .header("host", "127.0.0.1:8080");
        let request = request.body(Body::empty()).unwrap();
        let answer = self.plane.answer(request).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        answer
    }

    /// What a PDF says, as a reader of it copies it out; and the language that it names.
    async fn pdf(&self, path: &str) -> (String, String) {
        let request = Request::get(path)
            .header("accept-language", "es")
            .header("authorization", format!("Bearer {}", self.author))
            .extension(axum::extract::ConnectInfo(std::net::SocketAddr::from((
                [127, 0, 0, 1],
                40_000,
            ))));
        let request = request.body(Body::empty()).unwrap();
        let answer = self.plane.router.clone().oneshot(request).await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        let body = axum::body::to_bytes(answer.into_body(), 8 << 20).await;
        let pdf = Document::load_mem(&body.unwrap()).unwrap();
        let language = pdf.catalog().unwrap().get(b"Lang").unwrap();
        let language = String::from_utf8_lossy(language.as_str().unwrap()).into_owned();
        let pages: Vec<_> = pdf.get_pages().into_keys().collect();
        let text = pdf.extract_text(&pages).unwrap();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        (text, language)
    }

    /// Lets time pass until it is so.
    async fn until(&self, milliseconds: u64, so: impl AsyncFn() -> bool) {
        let stop = CancellationToken::new();
        let mut workers = self.plane.engine.run_workers(&stop);
        self.pass(milliseconds);
        for _ in 0..200 {
            if so().await {
                break;
            }
            self.pass(31_000);
            Clock::system().sleep(Duration::from_millis(50)).await;
        }
        assert!(so().await, "it never came to be so");
        stop.cancel();
        self.pass(31_000);
        while workers.join_next().await.is_some() {}
    }

    /// The words of all pages to the people on call, the newest first.
    async fn pages(&self) -> Vec<String> {
        let pages = self.plane.store.pages(50).await.unwrap();
        pages.into_iter().map(|page| page.words).collect()
    }

    async fn stage(&self, id: IncidentId) -> Stage {
        let view = self.plane.engine.incident_view(id).unwrap();
        view.incident.state.stage()
    }

    /// An incident that an alarm proposes and another widens, restored by a campaign.
    async fn story(&self) -> IncidentId {
        let engine = &self.plane.engine;
        let west = Zone::parse("America/Los_Angeles").unwrap();
        let everywhere = self.plane.alarm();
        let narrow = Alarm {
            id: engine.clock().id(),
            localisation: Localisation {
                explanations: vec![Explanation {
                    zones: Some([west].into()),
                    ..Explanation::default()
                }],
            },
            ..everywhere.clone()
        };
        let id = engine.propose_incident(&narrow).await.unwrap();
        self.pass(1_000);
        engine.propose_incident(&everywhere).await.unwrap();
        self.pass(1_000);
        let view = engine.incident_view(id).unwrap();
        let title = "Problema de inicio de sesión reportado en todos los sitios";
        assert_eq!(view.incident.title, title);
        let accepted = engine.accept_incident(id, "Ada", Acceptance::default());
        accepted.await.unwrap();
        self.pass(1_000);
        let order = engine.proposed_campaign(id).await.unwrap().unwrap();
        let campaign = engine.create_campaign(&order, "Ada").await.unwrap();
        for command in [
            Command::Start,
            Command::Pause,
            Command::Resume,
            Command::Abort,
        ] {
            let done = engine.command_campaign(campaign.id, command, "Ada");
            done.await.unwrap();
            self.pass(1_000);
        }
        id
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_incident_is_told_in_spanish_from_its_alarm_to_its_report() {
    let desk = Desk::new().await;
    let id = desk.story().await;
    let updates = format!("/api/v1/incidents/{id}/updates");
    for (update, says) in [
        (
            json!({"template": "No Change Update", "values": {"next_update": "2 horas hábiles"}}),
            "Nuestros ingenieros siguen trabajando para resolver este problema lo antes posible. Se agregará una \
            actualización a esta publicación cuando esté disponible, en un plazo de 2 horas hábiles.",
        ),
        (
            json!({"template": "Timeline Identified", "values": {"estimate": "4 business hours"}}),
            "Nuestros ingenieros han identificado el problema y esperan tener lista una solución en un plazo de 4 \
            horas hábiles.",
        ),
        (
            json!({"template": "Fix Implemented", "complete_after_watch": true,
                "watch_until": "2023-07-12T02:00:00Z"}),
            "Nuestros ingenieros han aplicado una solución y han restablecido el servicio en su sitio. El informe \
            del incidente se publicará aquí en un plazo de 24 horas hábiles.",
        ),
    ] {
        let posted = desk.done(&updates, update).await;
        assert_eq!(posted["update"]["body"], says, "{posted}");
    }
    let sites: Vec<_> = desk
        .plane
        .engine
        .fleet()
        .sites()
        .map(|(at, _)| at)
        .collect();
    for proof in [Evidence::ActionSent, Evidence::Verified] {
        desk.plane.engine.learn(sites.clone(), proof);
    }
    let over = async || desk.stage(id).await == Stage::Completed;
    desk.until(6 * 3_600_000, over).await;
    let view = desk.plane.engine.incident_view(id).unwrap();
    let last = view.updates.iter().max_by_key(|update| update.at).unwrap();
    is_spanish("the post after the watch", &last.body);
    assert!(last.body.starts_with("El período de observación terminó"));
    let late = async || {
        desk.pages()
            .await
            .iter()
            .any(|page| page.contains("venció"))
    };
    desk.until(100 * 3_600_000, late).await;
    let pages = desk.pages().await;
    for says in [
        "afecta a más sitios que antes: 14 sitios enviaron reportes en un minuto",
        "se prometió el informe del incidente a más tardar el ",
        "en America/Los_Angeles: 14 sitios enviaron reportes",
    ] {
        assert!(
            pages.iter().any(|page| page.contains(says)),
            "{says}: {pages:?}"
        );
    }
    for page in &pages {
        is_spanish("a page", page);
    }
    let follow_up = json!({"text": "Revisar la caché.", "owner": "Ada", "due": "2023-08-01"});
    desk.done(&format!("/api/v1/incidents/{id}/follow-ups"), follow_up)
        .await;
    report(&desk, id).await;
}

async fn report(desk: &Desk, id: IncidentId) {
    let report = format!("/api/v1/incidents/{id}/report");
    let zone = "?zone=America/Los_Angeles";
    let draft = format!("{report}.md{zone}");
    let (_, draft) = desk.call(&desk.author, "GET", &draft, Value::Null).await;
    let draft = draft.as_str().unwrap().to_owned();
    is_spanish("the draft", &draft);
    for says in [
        "# Informe del incidente: Problema de inicio de sesión reportado en todos los sitios\n",
        "\nLas horas son las de America/Los\\_Angeles.\n",
        "## Alcance\n",
        "se vio afectado en todos los sitios: 3,405 sitios.[^1]",
        "El 11 de julio de 2023 a la 1:30 p.\u{a0}m. PDT, la detección dio una alarma: 14 sitios enviaron reportes",
        "Ada aceptó el incidente.",
        " informó a los clientes: Solución aplicada.",
        "comenzó una campaña (recargar) en 3,405 sitios, al ritmo",
        "la campaña quedó en pausa: lo decidió Ada.",
        "Ada interrumpió la campaña: recargar.",
        "terminó el período de observación; 0 sitios con fallas.",
        "> **Falta que una persona escriba:** qué falló",
        "- Revisar la caché. Ada, a más tardar el 1 de agosto de 2023.",
        "La observación dio el incidente por resuelto.",
    ] {
        assert!(draft.contains(says), "{says:?} is not in:\n{draft}");
    }
    let (text, language) = desk.pdf(&format!("{report}.pdf{zone}")).await;
    is_spanish("the draft as PDF", &text.replace("America/Los_Angeles", ""));
    assert_eq!(language, "es-US");
    assert!(
        text.contains("Un borrador, hecho con los registros."),
        "{text}"
    );
    let html = desk.page(&format!("{report}.html{zone}"), "en").await.text;
    assert!(html.contains("<html lang=\"es\">"), "{html}");
    assert!(html.contains("<h2>Causa</h2>"), "{html}");

    // Neither mark may be left in it.
    let (mark, other) = (
        "**Falta que una persona escriba:** ",
        "**To be written by a person:** ",
    );
    let finished = draft.replace(mark, "Sabemos ");
    let left = draft.replacen(mark, other, 1).replace(mark, "Sabemos ");
    let versions = format!("{report}/versions");
    for (number, (text, mark)) in (1..).zip([(&draft, mark), (&left, other)]) {
        desk.done(&versions, json!({"text": text, "base": number - 1}))
            .await;
        let approve = format!("{versions}/{number}/approve");
        let (status, refused) = desk.call(&desk.approver, "POST", &approve, json!({})).await;
        assert_eq!(status, 409, "{refused}");
        let mark = mark.trim_matches(['*', ' ']);
        assert!(refused.to_string().contains(mark), "{refused}");
        let comment = format!("/api/v1/incidents/{id}/official-comment");
        let body = json!({ "text": text });
        let (status, refused) = desk.call(&desk.author, "POST", &comment, body).await;
        assert_eq!(status, 422, "{refused}");
    }
    desk.done(&versions, json!({"text": finished, "base": 2}))
        .await;
    let approve = format!("{versions}/3/approve");
    let (status, approved) = desk.call(&desk.approver, "POST", &approve, json!({})).await;
    assert_eq!(status, 200, "{approved}");
    desk.done(&format!("{versions}/3/publish"), json!({})).await;
    published(desk, id).await;
}

async fn published(desk: &Desk, id: IncidentId) {
    let public = format!("/incidents/{id}/report");
    let spanish = desk.page(&public, "es").await.text;
    let (_, article) = spanish.split_once("<h1").unwrap();
    let (article, _) = article.split_once("</details>").unwrap();
    let article = article.replace("America/Los_Angeles", "");
    let read: String = article
        .split('<')
        .filter_map(|part| part.split_once('>'))
        .map(|(_, text)| format!("{text} "))
        .collect();
    is_spanish("the report's page", &read);
    // Who reads English gets the headings that we wrote, and hears that the rest is Spanish.
    let english = desk.page(&public, "en").await.text;
    assert!(english.contains("<div lang=\"es\"><h1><span lang=\"en\">Incident Report:</span>"));
    assert!(english.contains("<h2><span lang=\"en\">What went well</span></h2>"));
    let (text, language) = desk.pdf(&format!("{public}.pdf")).await;
    is_spanish(
        "the report as PDF",
        &text.replace("America/Los_Angeles", ""),
    );
    assert_eq!(language, "es-US");
    for says in [
        "Informe del incidente: Problema de inicio de sesión",
        "Qué funcionó bien",
        "Seguimientos",
        "Sabemos qué falló",
        "14 sitios enviaron reportes en un minuto, cuando lo habitual es",
    ] {
        assert!(text.contains(says), "{says}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn planned_work_begins_and_ends_in_spanish() {
    let desk = Desk::new().await;
    let window = json!({"from": "2023-07-12T20:00:00Z", "until": "2023-07-12T22:00:00Z"});
    let mut plan = json!({"title": "Cambio de servidores", "text": "Puede que deba iniciar sesión otra vez.",
        "window": {"at": window}, "completes_itself": true});
    let ends = desk.done("/api/v1/maintenances", plan.clone()).await;
    plan["completes_itself"] = false.into();
    let overruns = desk.done("/api/v1/maintenances", plan).await;
    let id = |planned: &Value| -> IncidentId { planned["id"].as_str().unwrap().parse().unwrap() };
    let (ends, overruns) = (id(&ends), id(&overruns));
    let paged = async || !desk.pages().await.is_empty();
    let over = async || desk.stage(ends).await == Stage::Completed && paged().await;
    desk.until(26 * 3_600_000, over).await;
    let view = desk.plane.engine.incident_view(ends).unwrap();
    let mut said: Vec<_> = view.updates.iter().collect();
    said.sort_by_key(|update| update.at);
    let said: Vec<_> = said.iter().map(|update| &*update.body).collect();
    assert_eq!(
        said[1..],
        [
            "El mantenimiento programado ha comenzado.",
            "El mantenimiento programado ha terminado."
        ]
    );
    let pages = desk.pages().await;
    is_spanish("the page", &pages.concat());
    let timeline = desk.plane.engine.incident_timeline(overruns).await.unwrap();
    assert!(timeline.iter().any(|entry| entry.line() == pages[0]));
}

#[tokio::test]
async fn forms_take_and_name_lengths_in_either_language() {
    let desk = Desk::new().await;
    let id = desk.plane.propose().await;
    let accepted = desk
        .plane
        .engine
        .accept_incident(id, "Ada", Acceptance::default());
    accepted.await.unwrap();
    desk.pass(5);
    let console = format!("/console/incidents/{id}");
    let page = desk.page(&console, "es").await.text;
    for says in [
        "Por ejemplo 30 minutos, 1 hora, o 2 horas hábiles.",
        "Por ejemplo 24 horas hábiles, o 1 hora.",
        "Por ejemplo 2 horas hábiles, o 2023-07-11T18:30 en su hora.",
        "Publicar «Solución aplicada»",
        "Plazo del informe",
        "name=\"template\" value=\"Fix Implemented\"",
    ] {
        assert!(page.contains(says), "{says}: {page}");
    }
    let post = async |within: &str| {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("text", "Seguimos.")
            .append_pair("next_update_within", within);
        let request = Request::post(format!("{console}/updates"))
            .header("content-type", "application/x-www-form-urlencoded")
            .header("host", "127.0.0.1:8080")
            .header("accept-language", "es")
            .header("authorization", format!("Bearer {}", desk.author));
        let request = request.body(Body::from(form.finish())).unwrap();
        let answer = desk.plane.answer(request).await;
        desk.pass(5);
        answer.status.as_u16()
    };
    for (within, status) in [
        ("2 dias habiles", 303),
        ("1 hora hábil", 303),
        ("6 horas", 303),
        ("30 minutos", 303),
        ("2 business hours", 303),
        ("2 horas inhábiles", 422),
    ] {
        assert_eq!(post(within).await, status, "{within}");
    }
    // A default is shown as its reader would type it.
    let template = json!({"text": "Hasta {d}.", "placeholders":
        [{"name": "d", "kind": "duration", "default": "2 días hábiles"}]});
    let (status, kept) = desk
        .call(&desk.author, "PUT", "/api/v1/templates/Corta", template)
        .await;
    assert_eq!(status, 200, "{kept}");
    for (language, says) in [("es", "2 días hábiles"), ("en", "2 business days")] {
        let path = "/console/templates/edit?name=Corta";
        let page = desk.page(path, language).await.text;
        assert!(page.contains(&format!("value=\"{says}\"")), "{page}");
    }
}
