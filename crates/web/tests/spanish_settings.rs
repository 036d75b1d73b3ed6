//! The console's lists and settings in Spanish: nothing on them is left in English.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeSet;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use domain::access::Role;
use domain::campaign::Command;
use domain::id::{CampaignId, IncidentId};
use domain::site::state::Evidence;
use engine::Acceptance;
use serde_json::json;
use support::{Answer, Plane};

const SITE: &str = "anchorage.ak.example";

/// The texts of a family of pages, in English and in Spanish.
macro_rules! texts {
    ($name:literal) => {
        (
            include_str!(concat!("../texts/en/console-", $name, ".ftl")),
            include_str!(concat!("../texts/es/console-", $name, ".ftl")),
        )
    };
}

/// A console that is read in Spanish.
struct Console {
    plane: Plane,
    token: String,
}

impl Console {
    async fn new() -> Self {
        let plane = Plane::with_fleet().await;
        let token = plane.token(Role::Admin).await;
        Self { plane, token }
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask(Request::get(path), "").await
    }

    async fn post(&self, path: &str, form: &str) -> Answer {
        let form_type = "application/x-www-form-urlencoded";
        let request = Request::post(path).header("content-type", form_type);
        self.ask(request, form).await
    }

    async fn ask(&self, request: http::request::Builder, body: &str) -> Answer {
        let request = request
            .header("accept", "text/html")
            .header("accept-language", "es-US,es;q=0.9,en;q=0.5")
            .header("authorization", format!("Bearer {}", self.token));
        let request = request.body(Body::from(body.to_owned())).unwrap();
        self.plane.answer(request).await
    }

    async fn done(&self, path: &str, form: &str) {
        let answer = self.post(path, form).await;
        assert_eq!(answer.status, 303, "{path}: {}", answer.text);
    }

    /// A page is Spanish throughout, and says `words`.
    async fn is_spanish(&self, path: &str, texts: (&str, &str), words: &[&str]) {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        is_spanish(path, &answer, texts, words);
    }

    /// What is refused is said in Spanish.
    async fn refuses(&self, path: &str, form: &str, words: &str) {
        let answer = self.post(path, form).await;
        assert!(answer.status.is_client_error(), "{path}: {}", answer.text);
        assert!(answer.text.contains(words), "{path}: {}", answer.text);
    }
}

#[track_caller]
fn is_spanish(path: &str, answer: &Answer, texts: (&str, &str), words: &[&str]) {
    assert!(answer.text.contains("<html lang=\"es\""), "{path}");
    let shown = shown(&answer.text);
    let left = left_in_english(&shown, texts);
    assert!(left.is_none(), "{path} says {left:?}\n{}", answer.text);
    for one in words {
        assert!(
            shown.iter().any(|text| text.contains(&plain(one))),
            "{path}: no {one:?} in\n{shown:?}"
        );
    }
}

/// What a page says in English. Words that are the same in Spanish are none.
fn left_in_english<'a>(shown: &[String], (english, spanish): (&'a str, &str)) -> Option<&'a str> {
    let known: BTreeSet<_> = pieces(spanish).collect();
    let mut pieces = pieces(english).filter(|piece| !known.contains(piece));
    pieces.find(|piece| {
        let is_phrase = piece.split(' ').count() >= 3;
        let mut shown = shown.iter();
        shown.any(|text| text == piece || (is_phrase && text.contains(piece)))
    })
}

/// What the texts of a file say between their values.
fn pieces(file: &str) -> impl Iterator<Item = &str> {
    let lines = file.lines().filter(|line| !line.starts_with('#'));
    let said = lines.map(|line| match line.split_once(" = ") {
        Some((key, text)) if !key.contains(' ') => text,
        _ => line.rsplit_once(']').map_or(line, |(_, text)| text),
    });
    let pieces = said.flat_map(|text| text.split(['{', '}']));
    let pieces = pieces.filter(|piece| !piece.contains(['$', '>']));
    pieces
        .map(|piece| piece.trim_matches(|c: char| !c.is_alphanumeric()))
        .filter(|piece| piece.len() > 2)
}

/// What is read on a page, also by those who do not see it; without what people wrote, and without
/// the frame around it.
fn shown(page: &str) -> Vec<String> {
    let (_, main) = page.split_once("<main").unwrap();
    let (main, _) = main.split_once("</main>").unwrap();
    let mut shown = vec![];
    let mut is_said = false;
    for part in main.split('<').skip(1) {
        let Some((tag, text)) = part.split_once('>') else {
            continue;
        };
        for name in ["aria-label=\"", "placeholder=\"", "title=\""] {
            let value = tag.split(name).nth(1);
            shown.extend(value.and_then(|rest| rest.split('"').next()).map(plain));
        }
        let begins = ["class=\"said", "textarea", "code", "kbd"];
        is_said |= begins.iter().any(|begin| {
            let tag = tag.trim_start_matches(['p', 'd', 'i', 'v', ' ']);
            tag.starts_with(begin)
        });
        let ends = ["/p", "/div", "/textarea", "/code", "/kbd"];
        is_said &= !ends.contains(&tag);
        if !is_said {
            shown.push(plain(text));
        }
    }
    shown.retain(|text| text.chars().any(char::is_alphabetic));
    shown
}

fn plain(text: &str) -> String {
    let text = text.replace("&#39;", "'").replace("&#62;", ">");
    let text = text.replace("&#60;", "<").replace("&#38;", "&");
    let trimmed = text.trim_matches(|c: char| !c.is_alphanumeric());
    trimmed.to_owned()
}

/// An incident that customers see, and the campaign that restores its sites.
async fn incident(plane: &Plane) -> (IncidentId, CampaignId) {
    let (engine, id) = (&plane.engine, plane.propose().await);
    let accepted = engine.accept_incident(id, "Ada", Acceptance::default());
    accepted.await.unwrap();
    let order = engine.proposed_campaign(id).await.unwrap().unwrap();
    let campaign = engine.create_campaign(&order, "Ada").await.unwrap().id;
    let started = engine.command_campaign(campaign, Command::Start, "Ada");
    started.await.unwrap();
    for answer in [store::Answer::Verified, store::Answer::Verified] {
        plane.hand.advance(Duration::from_secs(60));
        let now = engine.clock().now();
        let claim = plane.store.claim(campaign, 5, now).await.unwrap();
        for (site, _) in claim.sites {
            let answered = plane
                .store
                .answer(campaign, site, claim.fence, &answer, now);
            assert!(answered.await.unwrap());
            engine.learn(engine.fleet().index(site), Evidence::Verified);
        }
    }
    (id, campaign)
}

#[tokio::test]
async fn settings_of_the_team_are_in_spanish() {
    let console = Console::new().await;
    console
        .is_spanish(
            "/console/on-call",
            texts!("on-call"),
            &["No se llama a nadie"],
        )
        .await;
    let step = "url=https%3A%2F%2Fpager.example%2Fx&secret=whsec_c2VjcmV0&after_minutes=5";
    console.done("/console/on-call", step).await;
    console.plane.engine.page(None, "look").await.unwrap();
    console
        .is_spanish(
            "/console/on-call",
            texts!("on-call"),
            &["De guardia", "después de 5 min, con firma", "Confirmar"],
        )
        .await;
    let late = "url=https%3A%2F%2Fpager.example&after_minutes=soon";
    console
        .refuses("/console/on-call", late, "minutos enteros")
        .await;
    console
        .is_spanish(
            "/console/calendars",
            texts!("calendars"),
            &["De 7:00 a.", "de lunes a viernes", "días feriados propios"],
        )
        .await;
    let people = [
        "Personas",
        "administración",
        "es usted",
        "recibe reportes, restablece",
    ];
    console
        .is_spanish("/console/people", texts!("people"), &people)
        .await;
    let made = console
        .post("/console/people", "name=Ada&role=support")
        .await;
    is_spanish(
        "/console/people",
        &made,
        texts!("people"),
        &["El token de Ada. Se muestra solo esta vez"],
    );
    console.done("/console/keys", "").await;
    console
        .is_spanish(
            "/console/accounts",
            texts!("accounts"),
            &["Claves de firma", "activa", "Firmar con ella"],
        )
        .await;
    let added = console
        .post("/console/accounts", "email=clerk%40ak.example&password=")
        .await;
    is_spanish(
        "/console/accounts",
        &added,
        texts!("accounts"),
        &["clerk@ak.example puede iniciar sesión desde ahora."],
    );
    console
        .is_spanish(
            "/console/audit",
            texts!("audit"),
            &["Auditoría", "creó un token", "cambió la lista de guardia"],
        )
        .await;
    console
        .is_spanish(
            "/console/design",
            texts!("design"),
            &["Diseño", "con fallas", "Pacífico · Los Angeles"],
        )
        .await;
}

#[tokio::test]
async fn english_that_is_left_is_noticed() {
    let console = Console::new().await;
    for (path, texts) in [
        ("/console/people", texts!("people")),
        ("/console/fleet", texts!("fleet")),
        ("/console/audit", texts!("audit")),
        ("/console/campaigns/new", texts!("campaigns")),
    ] {
        let token = Some(&*console.token);
        let english = console.plane.send("GET", path, token, "").await;
        let left = left_in_english(&shown(&english.text), texts);
        assert!(left.is_some(), "{path}: {}", english.text);
    }
}

#[tokio::test]
async fn the_fleet_and_its_banners_are_in_spanish() {
    let console = Console::new().await;
    let words = ["3,405 sitios, se muestran 1 a 100", "Hawái", "Siguiente"];
    console
        .is_spanish("/console/fleet", texts!("fleet"), &words)
        .await;
    console
        .is_spanish(
            "/console/fleet?q=nowhere",
            texts!("fleet"),
            &["Ningún sitio"],
        )
        .await;
    let path = "/console/banners";
    let texts = texts!("banners");
    let banner = "text=Slow.&severity=warning&states=AK&product=web-central\
        &polygon=60%2C-150%0A62%2C-150%0A62%2C-145&act=";
    let looked = console.post(path, &format!("{banner}look")).await;
    let words = [
        "Como lo verá la gente",
        "sitios de web-central en AK, un área dibujada de 3 esquinas",
        "no tiene coordenadas",
        "va de la latitud 60.00 a la 62.00",
        "Atención",
    ];
    is_spanish(path, &looked, texts, &words);
    console.done(path, &format!("{banner}add")).await;
    let words = [
        "Avisos",
        "se muestra",
        "sitios de web-central en AK",
        "Retirarlo",
    ];
    console.is_spanish(path, texts, &words).await;
}

#[tokio::test]
async fn the_way_into_the_console_is_in_spanish() {
    let console = Console::new().await;
    let path = "/console/sign-in";
    console
        .is_spanish(path, texts!("sign-in"), &["Su token", "Comienza con"])
        .await;
    let refused = console.post(path, "token=lmp_wrong").await;
    assert_eq!(refused.status, 401);
    is_spanish(
        path,
        &refused,
        texts!("sign-in"),
        &["Este token es incorrecto"],
    );
}

#[tokio::test]
async fn what_is_delivered_is_in_spanish() {
    let console = Console::new().await;
    console
        .is_spanish("/console/config", texts!("config"), &["Aún no se ha"])
        .await;
    let body = json!({"product": "web-central", "service": "parks", "name": "settings",
        "accepts": "^5", "lane": "other", "body": {"colour": "green"}});
    let published = console.plane.send(
        "POST",
        "/api/v1/documents",
        Some(&console.token),
        body.to_string(),
    );
    assert_eq!(published.await.status, 201);
    console
        .is_spanish(
            "/console/config",
            texts!("config"),
            &["Conjunto firmado", "0 agentes", "después"],
        )
        .await;
    console
        .is_spanish(
            "/console/config/web-central/parks/settings",
            texts!("config"),
            &["para el código", "Código 5.1.0", "versión 1"],
        )
        .await;
    let bad = "product=web-central&service=parks&name=settings&accepts=five&body=%7B%7D";
    console
        .refuses("/console/config", bad, "las versiones que acepta")
        .await;
    let stage = "act=stage&product=web-central&version=5.2.0";
    console.done("/console/releases", stage).await;
    let words = [
        "Versiones",
        "importada",
        "preparada",
        "0 de 3,405",
        "ningún agente lo atiende",
        "Desplegarla",
    ];
    console
        .is_spanish("/console/releases", texts!("releases"), &words)
        .await;
    let bad = "act=stage&product=web-central&version=five";
    console
        .refuses(
            "/console/releases",
            bad,
            "una versión del código se escribe",
        )
        .await;
}

#[tokio::test]
async fn campaigns_are_in_spanish() {
    let console = Console::new().await;
    let texts = texts!("campaigns");
    console
        .is_spanish("/console/campaigns", texts, &["Aún no ha habido ninguna"])
        .await;
    console
        .is_spanish(
            "/console/campaigns/new",
            texts,
            &["Pacífico", "Ver el plan"],
        )
        .await;
    let order = "product=web-central&action=refresh&zone=America%2FDenver&rate=60";
    let planned = console.post("/console/campaigns/plan", order).await;
    let words = [
        "recargar: sitios de web-central en America/Boise, America/Denver",
        "Sitios de prueba",
        "Montaña · Denver",
        "al servicio de",
    ];
    is_spanish("the plan", &planned, texts, &words);
    let (_, campaign) = incident(&console.plane).await;
    let path = format!("/console/campaigns/{campaign}");
    let words = [
        "Recargar en 3,405 sitios",
        "en curso",
        "10 de 3,405 comprobados",
        "Sitios comprobados, 10 de 3,405",
        "10 de 3,405 sitios se comprobaron entre",
        "Pausar",
        "Interrumpir",
    ];
    console.is_spanish(&path, texts, &words).await;
    console.done(&path, "command=abort").await;
    let words = ["Recargar: todos los sitios de web-central", "interrumpida"];
    console
        .is_spanish("/console/campaigns", texts, &words)
        .await;
    console
        .refuses(&path, "command=explode", "No existe esa orden.")
        .await;
}

#[tokio::test]
async fn a_site_is_in_spanish_for_staff() {
    let console = Console::new().await;
    let path = format!("/console/sites/{SITE}");
    incident(&console.plane).await;
    let report = json!({"site": SITE, "text": "It says: invalid request.", "contact": "Kim"});
    let reported = console
        .plane
        .send("POST", "/api/v1/reports", None, report.to_string());
    assert_eq!(reported.await.status, 202);
    let words = [
        "hora local",
        "El producto aún no tiene documentos.",
        "Incidentes abiertos",
        "Puesto en lista",
        "Responder a Kim",
    ];
    console.is_spanish(&path, texts!("site"), &words).await;
    let missing = console.get("/console/sites/no.example").await;
    assert!(missing.text.contains("No existe ese sitio en la flota."));
    console
        .refuses(&path, "action=explode", "No existe esa acción.")
        .await;
}

#[tokio::test]
async fn what_customers_are_told_is_kept_in_spanish() {
    let console = Console::new().await;
    let (id, _) = incident(&console.plane).await;
    console.plane.comment(id).await;
    let shown = "/console/comments?standing=shown";
    let words = ["Visibles", "A 0 personas les resultó útil; 0 reportes"];
    console.is_spanish(shown, texts!("comments"), &words).await;
    console
        .is_spanish(
            "/console/comments",
            texts!("comments"),
            &["No hay ninguno", "Esperan su revisión"],
        )
        .await;
    let path = "/console/followers";
    console
        .is_spanish(path, texts!("followers"), &["Nadie sigue todavía"])
        .await;
    let hook = "url=https%3A%2F%2Fhooks.example%2Fa&shape=slack&about=everything&name=";
    let added = console.post(path, hook).await;
    assert!(added.status.is_success() || added.status.is_redirection());
    let words = ["todo", "todos los incidentes", "Un producto"];
    console.is_spanish(path, texts!("followers"), &words).await;
    let unnamed = "url=https%3A%2F%2Fhooks.example%2Fb&shape=slack&about=site&name=";
    console.refuses(path, unnamed, "indique cuál").await;
    console
        .is_spanish(
            "/console/templates",
            texts!("templates"),
            &["Plantillas", "viene con Lamplighter"],
        )
        .await;
    let words = ["Una plantilla nueva", "Nombre del espacio", "Una duración"];
    let copied = "/console/templates/edit?copy=Fix%20Implemented";
    console
        .is_spanish(copied, texts!("templates"), &words)
        .await;
    let own = "name=Ours&text=We+look.&act=save&state=&promise=";
    console.done("/console/templates", own).await;
    let calendar = "name=Ohio&zone=America%2FNew_York&opens=08%3A00&closes=17%3A00&act=save";
    console.done("/console/calendars", calendar).await;
    let changed = "/console/templates/edit?name=Ours";
    let words = [
        "Versión 1: guardada por",
        "Guardarla",
        "Calendario que cuenta el espacio",
        "El predeterminado",
    ];
    console
        .is_spanish(changed, texts!("templates"), &words)
        .await;
}
