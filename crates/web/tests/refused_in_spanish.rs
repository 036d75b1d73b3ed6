//! What a page refuses, and what is recorded in English, is read in Spanish by who reads Spanish: one
//! story for each kind, through the real pages. The API goes on in English.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use axum::body::Body;
use axum::http::Request;
use domain::access::Role;
use domain::campaign::{Command, State};
use domain::id::{CampaignId, IncidentId};
use engine::Acceptance;
use serde_json::json;
use store::AuditEntry;
use support::{Answer, Plane};

const SITE: &str = "anchorage.ak.example";
const NOBODY: &str = "0189a3c0-0000-7000-8000-000000000001";

struct Reader {
    plane: Plane,
    token: String,
}

impl Reader {
    async fn new(role: Role) -> Self {
        let plane = Plane::with_fleet().await;
        let token = plane.token(role).await;
        Self { plane, token }
    }

    async fn ask(&self, path: &str, form: Option<&str>, language: &str) -> Answer {
        let method = if form.is_some() { "POST" } else { "GET" };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("accept", "text/html")
            .header("accept-language", language)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("host", "127.0.0.1:8080")
            .header("authorization", format!("Bearer {}", self.token));
        let body = Body::from(form.unwrap_or_default().to_owned());
        self.plane.answer(request.body(body).unwrap()).await
    }

    /// A page says one thing to who reads English, and the same in Spanish.
    async fn says(&self, path: &str, form: Option<&str>, says: [&str; 2]) {
        let problems = self.problems(path, form, says).await;
        assert!(problems.is_empty(), "{problems:#?}");
    }

    async fn problems(
        &self,
        path: &str,
        form: Option<&str>,
        [english, spanish]: [&str; 2],
    ) -> Vec<String> {
        let mut problems = vec![];
        for (language, says, other) in [("en", english, spanish), ("es", spanish, english)] {
            let page = plain(&self.ask(path, form, language).await.text);
            let html = format!("<html lang=\"{language}\"");
            if !page.contains(&html) || !page.contains(says) || page.contains(other) {
                let main = page.split("<main").nth(1).unwrap_or(&page);
                let main: String = main.chars().take(600).collect();
                problems.push(format!("{path} does not say {says}, but {main}"));
            }
        }
        problems
    }

    async fn incident(&self) -> IncidentId {
        let alarm = self.plane.alarm();
        self.plane.store.add_alarm(&alarm).await.unwrap();
        let engine = &self.plane.engine;
        let id = engine.propose_incident(&alarm).await.unwrap();
        let acceptance = Acceptance::default();
        engine.accept_incident(id, "Ada", acceptance).await.unwrap();
        id
    }

    async fn campaign(&self, incident: IncidentId) -> CampaignId {
        let engine = &self.plane.engine;
        let order = engine.proposed_campaign(incident).await.unwrap().unwrap();
        let id = engine.create_campaign(&order, "Ada").await.unwrap().id;
        let started = engine.command_campaign(id, Command::Start, "Ada");
        started.await.unwrap();
        id
    }
}

fn plain(html: &str) -> String {
    let html = html.replace("&#34;", "\"").replace("&#39;", "'");
    html.replace("&#60;", "<").replace("&#38;", "&")
}

#[tokio::test]
async fn forms_of_the_console_say_what_they_refuse() {
    let reader = Reader::new(Role::Admin).await;
    let id = reader.incident().await;
    let updates = format!("/console/incidents/{id}/updates");
    let follow_ups = format!("/console/incidents/{id}/follow-ups");
    let mut problems = vec![];
    for (path, form, says) in [
        (
            "/console/banners",
            "text=Uno&severity=warning&states=Texas",
            [
                "\"TEXAS\" is no state: write two letters, such as CA",
                "«TEXAS» no es un estado: escriba dos letras, por ejemplo CA",
            ],
        ),
        (
            "/console/banners",
            "text=Uno&severity=warning&polygon=0,0%0A0,1",
            [
                "a drawn area has 3 to 200 corners, not 2",
                "un área dibujada tiene de 3 a 200 esquinas, no 2",
            ],
        ),
        (
            &updates,
            "template=No+Change+Update&gap-next_update=pronto",
            [
                "must be a length such as \"24 business hours\"",
                "«next_update» debe ser una duración como «24 horas hábiles»",
            ],
        ),
        (
            &updates,
            "text=Listo&next_update_within=pronto",
            [
                "\"pronto\" is not a length such as",
                "«pronto» no es una duración como",
            ],
        ),
        (
            &follow_ups,
            "text=Uno&owner=&due=2023-08-01",
            [
                "a follow-up has an owner, named in at most",
                "un seguimiento tiene una persona encargada, con un nombre de",
            ],
        ),
        (
            "/console/people",
            "name=&role=support",
            [
                "a name has 1 to 100 characters",
                "un nombre tiene de 1 a 100 caracteres",
            ],
        ),
        (
            "/console/on-call",
            "url=ftp://x.example",
            [
                "only http and https addresses take messages",
                "solo las direcciones http y https reciben mensajes",
            ],
        ),
        (
            "/console/campaigns/plan",
            "product=web-central&action=refresh&hostnames=nowhere.example&rate=60",
            [
                "web-central has no site nowhere.example",
                "web-central no tiene ningún sitio nowhere.example",
            ],
        ),
        (
            "/console/campaigns/plan",
            "product=web-central&action=refresh&all=1&rate=mucho",
            ["invalid float literal", "no es un número"],
        ),
        (
            "/console/accounts",
            "email=ana&password=secreto123",
            [
                "\"ana\" is not a e-mail address: NAME@HOST",
                "«ana» no sirve como dirección de correo electrónico: se espera NOMBRE@HOST",
            ],
        ),
        (
            "/console/releases",
            "act=stage&product=web-central&version=5.2.0",
            [
                "product web-central has no documents: publish one that accepts 5.2.0 first",
                "el producto web-central no tiene documentos: primero publique uno que acepte 5.2.0",
            ],
        ),
    ] {
        problems.extend(reader.problems(path, Some(form), says).await);
    }
    assert!(problems.is_empty(), "{problems:#?}");
}

#[tokio::test]
async fn what_is_not_there_and_what_cannot_be_is_said() {
    let reader = Reader::new(Role::Admin).await;
    let id = reader.incident().await;
    let campaign = reader.campaign(id).await;
    let page = format!("/console/campaigns/{campaign}");
    let abort = reader.ask(&page, Some("command=abort"), "es").await;
    assert_eq!(abort.status, 303, "{}", abort.text);
    reader
        .says(
            &page,
            Some("command=pause"),
            [
                "This campaign is aborted, so it cannot pause.",
                "Esta campaña está interrumpida, así que no se puede pausar.",
            ],
        )
        .await;
    let (english, spanish) = (
        format!("there is no campaign {NOBODY}"),
        format!("no existe la campaña {NOBODY}"),
    );
    let nobody = format!("/console/campaigns/{NOBODY}");
    reader.says(&nobody, None, [&english, &spanish]).await;
    let answer = reader
        .plane
        .send(
            "GET",
            &format!("/api/v1/campaigns/{NOBODY}"),
            Some(&reader.token),
            "",
        )
        .await;
    assert!(answer.text.contains(&english), "{}", answer.text);

    let timeline = format!("/console/incidents/{id}");
    reader
        .says(
            &timeline,
            None,
            [
                "aborted the campaign: refresh.",
                "interrumpió la campaña: recargar.",
            ],
        )
        .await;
}

#[tokio::test]
async fn what_was_recorded_in_english_is_shown_in_spanish() {
    let reader = Reader::new(Role::Admin).await;
    let (engine, store) = (&reader.plane.engine, &reader.plane.store);
    let id = reader.incident().await;
    let campaign = reader.campaign(id).await;
    let paused = engine.command_campaign(campaign, Command::Pause, "Ada");
    paused.await.unwrap();
    let incident = format!("/console/incidents/{id}");
    let says = [
        "The campaign was paused: Ada paused it.",
        "La campaña quedó en pausa: Ada la pausó.",
    ];
    reader.says(&incident, None, says).await;

    let reason = "3 of 20 sites failed in wave canaries (release 5.2.0), tolerated are 5 %; \
        the last said: webhook: timed out";
    let now = engine.clock().now();
    let audit = AuditEntry {
        id: engine.clock().id(),
        at: now,
        who: "campaigns".into(),
        act: "ended a campaign".into(),
        what: campaign.to_string(),
        detail: String::new(),
    };
    let halted = State::Halted {
        reason: reason.into(),
        at: now,
    };
    let moved = store.move_campaign(campaign, &State::Paused, &halted, None, &audit);
    moved.await.unwrap();
    let spanish = "3 de 20 sitios fallaron en la oleada de prueba (versión 5.2.0), se tolera el 5 %; \
        el último dijo: webhook: se agotó el tiempo";
    reader
        .says("/console/campaigns", None, [reason, spanish])
        .await;
    let page = format!("/console/campaigns/{campaign}");
    reader.says(&page, None, [reason, spanish]).await;

    let proposed = [
        "Sign-in issue reported for all sites: 14 sites reported within a minute, where at most 0.2 are usual \
            (the whole fleet). Best explained by the whole fleet<",
        "Se reportó un problema de inicio de sesión en todos los sitios: 14 sitios enviaron reportes en un \
            minuto, cuando lo habitual es 0.2 como máximo (toda la flota). Mejor explicación: toda la flota<",
    ];
    reader.says("/console/on-call", None, proposed).await;
}

#[tokio::test]
async fn a_bad_line_of_a_fleet_file_is_named_in_spanish() {
    let plane = Plane::new().await;
    let token = plane.token(Role::Admin).await;
    let file = "hostname,organization,kind,city,state,timezone,population\r\n\
        a.example,Town of A,city,A,CA,Mars/Olympus,1\r\n";
    let body = format!(
        "--xyz\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f.csv\"\r\n\r\n{file}\r\n--xyz--\r\n"
    );
    let request = Request::post("/console/fleet/import")
        .header("accept", "text/html")
        .header("accept-language", "es")
        .header("content-type", "multipart/form-data; boundary=xyz")
        .header("authorization", format!("Bearer {token}"));
    let answer = plane.answer(request.body(Body::from(body)).unwrap()).await;
    let page = plain(&answer.text);
    let says = "«Mars/Olympus» no sirve como zona horaria: se espera un nombre IANA, por ejemplo America/Chicago";
    assert!(page.contains(&format!("<td>{says}</td>")), "{page}");
    assert!(!page.contains("is not a time zone"), "{page}");
}

#[tokio::test]
async fn public_forms_and_refused_roles_are_told_why() {
    let reader = Reader::new(Role::Support).await;
    let long = format!("site={SITE}&text={}", "x".repeat(4_001));
    reader
        .says(
            "/report",
            Some(&long),
            [
                "text has 4001 characters; 4000 are allowed",
                "el texto tiene 4,001 caracteres; se permiten 4,000",
            ],
        )
        .await;
    reader
        .says(
            "/console/people",
            None,
            [
                "The role support may not do this.",
                "La función soporte no permite hacer esto.",
            ],
        )
        .await;
    // The API says it in English whatever is asked for.
    let body = json!({"site": SITE, "text": ""}).to_string();
    let request = Request::post("/api/v1/reports")
        .header("accept-language", "es")
        .body(Body::from(body))
        .unwrap();
    let answer = reader.plane.answer(request).await;
    assert!(answer.text.contains("text is empty"), "{}", answer.text);
}
