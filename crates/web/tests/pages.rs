//! The pages as a browser gets them: statuses, headers, weights, and text that tries to be script.
#![allow(clippy::unwrap_used, reason = "a test may panic: that is how it fails")]

mod support;

use axum::body::Body;
use axum::http::Request;
use domain::access::Role;
use engine::{Acceptance, NewUpdate};
use support::{Answer, Plane};

const HOSTILE: &str = "<script>alert('x')</script>";

async fn get(plane: &Plane, path: &str) -> Answer {
    plane.send("GET", path, None, "").await
}

async fn post(plane: &Plane, path: &str, form: &str, token: Option<&str>) -> Answer {
    let mut request = Request::post(path)
        .header("host", "127.0.0.1:8080")
        .header("content-type", "application/x-www-form-urlencoded");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    plane
        .answer(request.body(Body::from(form.to_owned())).unwrap())
        .await
}

/// An accepted incident over the whole fleet, with one update.
async fn incident(plane: &Plane, text: &str) -> String {
    let id = plane.propose().await;
    let hidden = get(plane, &format!("/incidents/{id}")).await;
    assert_eq!(hidden.status, 404, "a proposal is not public");
    plane
        .engine
        .accept_incident(id, "Ada", Acceptance::default())
        .await
        .unwrap();
    let update = NewUpdate {
        text: Some(text.into()),
        ..NewUpdate::default()
    };
    plane.engine.post_update(id, "Ada", update).await.unwrap();
    id.to_string()
}

#[tokio::test]
async fn a_first_run_says_what_to_do() {
    let plane = Plane::new().await;
    let home = get(&plane, "/").await;
    assert_eq!(home.status, 200);
    assert!(
        home.text.contains("There are no lamps yet"),
        "{}",
        home.text
    );
    let token = plane.token(Role::Admin).await;
    let console = plane.send("GET", "/console", Some(&token), "").await;
    assert!(
        console.text.contains("/console/fleet/import"),
        "{}",
        console.text
    );
    for path in ["/sites", "/report", "/console/sign-in"] {
        assert_eq!(get(&plane, path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn a_fleet_sent_by_a_browser_is_imported_whole_or_not_at_all() {
    let plane = Plane::new().await;
    let token = plane.token(Role::Admin).await;
    let send = async |csv: &str| {
        let body = format!(
            "--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n{csv}\r\n--b--\r\n"
        );
        let request = Request::post("/console/fleet/import")
            .header("content-type", "multipart/form-data; boundary=b")
            .header("authorization", format!("Bearer {token}"));
        plane.answer(request.body(Body::from(body)).unwrap()).await
    };
    let header = "hostname,organization,kind,city,state,timezone,population";
    let bad = send(&format!("{header}\na.gov,A,City,A,CA,America/Nowhere,5")).await;
    assert_eq!(bad.status, 422);
    assert!(bad.text.contains("America/Nowhere"), "{}", bad.text);
    assert!(plane.engine.fleet().is_empty());
    let good = send(&format!(
        "{header}\na.gov,A,City,A,CA,America/Los_Angeles,5"
    ))
    .await;
    assert_eq!(good.status, 303);
    assert_eq!(plane.engine.fleet().len(), 1);
}

#[tokio::test]
async fn the_public_pages_answer_and_carry_a_policy() {
    let plane = Plane::with_fleet().await;
    let id = incident(&plane, "We look.").await;
    for (path, status) in [
        ("/".to_owned(), 200),
        ("/?zone=America/Denver".into(), 200),
        ("/?zone=Nowhere".into(), 200),
        (format!("/incidents/{id}?zone=America/Anchorage"), 200),
        ("/incidents/none".into(), 404),
        ("/sites/anchorage.ak.example".into(), 200),
        ("/sites/ANCHORAGE.ak.example".into(), 200),
        ("/sites/no-such.example".into(), 404),
        ("/sites?q=anchorage".into(), 200),
        ("/sites?q=https://www.anchorage.ak.example/x".into(), 303),
    ] {
        let answer = get(&plane, &path).await;
        assert_eq!(answer.status, status, "{path}");
        if status != 303 {
            let policy = answer.headers["content-security-policy"].to_str().unwrap();
            assert!(policy.contains("script-src 'self'"), "{path}: {policy}");
            assert!(!answer.text.contains("style=\""), "{path}");
            assert!(!answer.text.contains("<script>"), "{path}");
        }
    }
}

#[tokio::test]
async fn an_incident_page_is_light_and_shows_hostile_text_as_text() {
    let plane = Plane::with_fleet().await;
    let id = incident(&plane, HOSTILE).await;
    for n in 0..20 {
        let text = format!("Update {n}: {}", "we continue to work on it. ".repeat(8));
        let update = NewUpdate {
            text: Some(text),
            ..NewUpdate::default()
        };
        plane
            .engine
            .post_update(id.parse().unwrap(), "Ada", update)
            .await
            .unwrap();
    }
    let page = get(&plane, &format!("/incidents/{id}")).await;
    assert!(!page.text.contains("<script>alert"), "{}", page.text);
    assert!(page.text.contains("&lt;script&gt;alert"), "{}", page.text);
    assert!(
        page.text.contains("Sign-in fails") || page.text.contains("sign-in fails"),
        "{}",
        page.text
    );
    let bytes = page.text.len();
    assert!(
        bytes < 60_000,
        "{bytes} bytes; 15 kB when compressed is the limit"
    );
    let home = get(&plane, "/").await;
    assert!(
        home.text.contains(&format!("/incidents/{id}")),
        "{}",
        home.text
    );
    let site = get(&plane, "/sites/anchorage.ak.example").await;
    assert!(
        site.text.contains("Sign-in fails on anchorage.ak.example"),
        "{}",
        site.text
    );
}

#[tokio::test]
async fn a_report_keeps_what_was_typed_until_it_is_right() {
    let plane = Plane::with_fleet().await;
    let typed = "site=anchorage.gov&text=%3Cscript%3Ealert(1)%3C/script%3E&contact=me";
    let unknown = post(&plane, "/report", typed, None).await;
    assert_eq!(unknown.status, 422);
    assert!(
        unknown.text.contains("&#60;script&#62;alert(1)"),
        "{}",
        unknown.text
    );
    assert!(
        unknown.text.contains("anchorage.ak.example"),
        "a similar site is offered"
    );
    let empty = post(&plane, "/report", "site=anchorage.ak.example&text=+", None).await;
    assert_eq!(empty.status, 422);
    assert!(empty.text.contains("id=\"text-problem\""), "{}", empty.text);
    let sent = post(
        &plane,
        "/report",
        "site=anchorage.ak.example&text=Error",
        None,
    )
    .await;
    assert_eq!(sent.status, 200);
    assert!(
        sent.text.contains("/sites/anchorage.ak.example"),
        "{}",
        sent.text
    );
    let site = get(&plane, "/sites/anchorage.ak.example").await;
    assert!(
        site.text.contains("A sign-in problem was reported on"),
        "{}",
        site.text
    );
}

#[tokio::test]
async fn the_console_draws_every_lamp_lightly() {
    let plane = Plane::with_fleet().await;
    let token = plane.token(Role::Support).await;
    let console = plane.send("GET", "/console", Some(&token), "").await;
    assert_eq!(console.status, 200);
    let lamps = console.text.matches("h0m").count() + console.text.matches("h0\"").count();
    let sites = plane.engine.fleet().len();
    // The keys of the legend are six lamps of three layers.
    assert_eq!(lamps, sites + 18, "one lamp for each site");
    assert!(console.text.len() < 120_000, "{} bytes", console.text.len());
    for path in [
        "/console/panels",
        "/console/fleet?band=pacific&state=well",
        "/console/audit",
    ] {
        let answer = plane.send("GET", path, Some(&token), "").await;
        assert_eq!(answer.status, 200, "{path}");
    }
}

#[tokio::test]
async fn staff_take_an_incident_from_proposal_to_customers() {
    let plane = Plane::with_fleet().await;
    let token = plane.token(Role::Engineer).await;
    let id = incident(&plane, "We look.").await;
    let path = format!("/console/incidents/{id}");
    assert_eq!(plane.send("GET", &path, Some(&token), "").await.status, 200);
    let form = "template=Fix+Implemented&gap-report_within=24+business+hours";
    let posted = post(&plane, &format!("{path}/updates"), form, Some(&token)).await;
    assert_eq!(posted.status, 303, "{}", posted.text);
    let public = get(&plane, &format!("/incidents/{id}")).await;
    assert!(
        public
            .text
            .contains("An incident report will be posted here by"),
        "{}",
        public.text
    );
    let wrong = post(
        &plane,
        &format!("{path}/updates"),
        "text=Kept&next_update_within=soon",
        Some(&token),
    )
    .await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.text.contains(">Kept</textarea>"), "{}", wrong.text);
}

#[tokio::test]
async fn a_proposed_campaign_is_started_and_paused_from_the_console() {
    let plane = Plane::with_fleet().await;
    let token = plane.token(Role::Engineer).await;
    let id = incident(&plane, "We look.").await;
    let console = plane
        .send("GET", &format!("/console/incidents/{id}"), Some(&token), "")
        .await;
    assert!(
        console.text.contains("Start this campaign"),
        "{}",
        console.text
    );
    let started = post(
        &plane,
        &format!("/console/incidents/{id}/campaign"),
        "",
        Some(&token),
    )
    .await;
    assert_eq!(started.status, 303, "{}", started.text);
    let path = started.headers["location"].to_str().unwrap().to_owned();
    for (command, status) in [
        ("pause", 303),
        ("start", 409),
        ("dance", 422),
        ("abort", 303),
    ] {
        let answer = post(&plane, &path, &format!("command={command}"), Some(&token)).await;
        assert_eq!(answer.status, status, "{command}: {}", answer.text);
    }
    let page = plane.send("GET", &path, Some(&token), "").await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("aborted"), "{}", page.text);
    let overview = plane.send("GET", "/console", Some(&token), "").await;
    assert!(
        overview.text.contains(&path),
        "the overview lists the campaign"
    );
}

#[tokio::test]
async fn a_site_in_line_is_told_when_its_turn_comes() {
    let plane = Plane::with_fleet().await;
    let token = plane.token(Role::Engineer).await;
    let id = incident(&plane, "We look.").await;
    let path = "/sites/anchorage.ak.example";
    let before = get(&plane, path).await;
    assert!(before.text.contains("What happens next"), "{}", before.text);
    assert!(!before.text.contains("before it"), "{}", before.text);
    let campaign = format!("/console/incidents/{id}/campaign");
    assert_eq!(post(&plane, &campaign, "", Some(&token)).await.status, 303);
    let waiting = get(&plane, path).await;
    assert!(
        waiting.text.contains("sites are before it"),
        "{}",
        waiting.text
    );
}

#[track_caller]
fn assert_is_pdf(answer: &Answer) {
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.headers["content-type"], "application/pdf");
    let named = answer.headers["content-disposition"].to_str().unwrap();
    assert!(named.contains("filename=\"incident-report-"), "{named}");
    assert!(answer.text.starts_with("%PDF-1.7"));
}

#[tokio::test]
async fn an_incident_that_is_over_proposes_nothing_and_shows_its_report() {
    let plane = Plane::with_fleet().await;
    let token = plane.token(Role::Engineer).await;
    let id = incident(&plane, "We look.").await;
    let report = format!("/incidents/{id}/report");
    assert_eq!(
        get(&plane, &report).await.status,
        404,
        "it is not written yet"
    );
    let console = format!("/console/incidents/{id}");
    let draft = plane
        .send("GET", &format!("{console}/report"), Some(&token), "")
        .await;
    assert!(
        draft.text.contains("To be written by a person"),
        "{}",
        draft.text
    );
    let as_pdf = format!("/api/v1/incidents/{id}/report.pdf");
    assert!(draft.text.contains(&as_pdf), "{}", draft.text);
    let in_zone = |zone: &str| format!("{as_pdf}?zone={zone}");
    let path = in_zone("America/Denver");
    assert_is_pdf(&plane.send("GET", &path, Some(&token), "").await);
    let path = in_zone("Nowhere");
    assert_eq!(plane.send("GET", &path, Some(&token), "").await.status, 422);
    let unwritten = format!("/incidents/{id}/report.pdf");
    assert_eq!(get(&plane, &unwritten).await.status, 404);
    let text = format!(
        "text=%23+Incident+Report%0A%0A{}",
        "All+is+well.+".repeat(80)
    );
    let posted = post(
        &plane,
        &format!("{console}/official-comment"),
        &text,
        Some(&token),
    )
    .await;
    assert_eq!(posted.status, 303, "{}", posted.text);
    let over = post(
        &plane,
        &format!("{console}/updates"),
        "text=Over.&state=completed",
        Some(&token),
    )
    .await;
    assert_eq!(over.status, 303, "{}", over.text);
    let public = get(&plane, &format!("/incidents/{id}")).await;
    assert!(public.text.contains(&report), "{}", public.text);
    let page = get(&plane, &report).await;
    assert!(
        page.text.contains("<h1>Incident Report</h1>"),
        "{}",
        page.text
    );
    let as_pdf = format!("{report}.pdf");
    assert!(page.text.contains(&as_pdf), "{}", page.text);
    let file = get(&plane, &format!("{as_pdf}?zone=America/Denver")).await;
    assert_is_pdf(&file);
    let staff = plane.send("GET", &console, Some(&token), "").await;
    assert!(
        !staff.text.contains("Start this campaign"),
        "{}",
        staff.text
    );
}

#[tokio::test]
async fn a_person_who_strays_reads_a_page_and_a_program_reads_json() {
    let plane = Plane::with_fleet().await;
    let support = plane.token(Role::Support).await;
    let browser = async |method: &str, path: &str| {
        let request = Request::builder().method(method).uri(path);
        let request = request.header("accept", "text/html,*/*");
        let request = request.header("authorization", format!("Bearer {support}"));
        plane.answer(request.body(Body::empty()).unwrap()).await
    };
    let astray = browser("GET", "/stauts").await;
    assert_eq!(astray.status, 404);
    assert!(
        astray.text.contains("This page is not here"),
        "{}",
        astray.text
    );
    let denied = browser("POST", "/console/campaigns/1").await;
    assert_eq!(denied.status, 403);
    assert!(
        denied.text.contains("This is not yours to do"),
        "{}",
        denied.text
    );
    let program = get(&plane, "/stauts").await;
    assert!(program.text.starts_with("{\"error\""), "{}", program.text);
}
