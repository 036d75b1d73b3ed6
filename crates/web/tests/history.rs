//! Incidents of the past: imported from a Statuspage or added by hand, and read back wherever customers
//! and programs read.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use axum::body::Body;
use axum::http::Request;
use domain::access::Role;
use serde_json::{Value, json};
use support::{Answer, Plane};

const FILE: &str = include_str!("../../domain/src/incident/statuspage/incidents.json");
const IMPORT: &str = "/api/v1/incidents/import";
const BACKFILL: &str = "/api/v1/incidents/backfill";

async fn import(plane: &Plane, token: &str, path: &str, file: &str) -> Answer {
    let file = file.to_owned();
    plane.send("POST", path, Some(token), file).await
}

async fn imported(plane: &Plane, token: &str, path: &str, file: &str) -> Value {
    let answer = import(plane, token, path, file).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    serde_json::from_str(&answer.text).unwrap()
}

async fn read(plane: &Plane, path: &str) -> String {
    let answer = plane.send("GET", path, None, "").await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    answer.text
}

fn asked() -> Value {
    json!({"key": "2023-02", "title": "Sign-in was slow", "impact": "minor",
        "started_at": "2023-02-01T08:00:00-06:00", "resolved_at": "2023-02-01T10:00:00-06:00",
        "updates": [{"at": "2023-02-01T09:00:00-06:00", "state": "completed", "text": "It is over."}]})
}

#[tokio::test]
async fn a_history_is_read_back_everywhere_and_told_to_nobody() {
    let plane = Plane::with_fleet().await;
    let token = plane.token(Role::Support).await;
    let tried = imported(&plane, &token, &format!("{IMPORT}?dry_run=true"), FILE).await;
    assert_eq!(
        (&tried["added"], &tried["dry_run"]),
        (&json!(2), &json!(true))
    );
    assert!(plane.engine.all_incidents().is_empty());
    let done = imported(&plane, &token, IMPORT, FILE).await;
    let counts = ["added", "already_there", "dry_run"].map(|part| done[part].clone());
    assert_eq!(counts, [json!(2), json!(0), json!(false)]);
    assert_eq!(done["skipped"].as_array().unwrap().len(), 2, "{done}");
    assert_eq!(done["skipped"][0]["id"], "p31zjtct2jer");
    let id = done["incidents"][0]["id"].as_str().unwrap();

    let page = read(&plane, &format!("/incidents/{id}")).await;
    for says in [
        "Sign-in failed on some sites",
        "It is over since",
        "Added afterwards",
        "<strong>What happened:</strong> a release asked",
        "<a href=\"https://townweb.example/reports/1\">the whole report</a>",
        "The fix is out.<br",
        "Town Web Status",
    ] {
        assert!(page.contains(says), "{says} is not in {page}");
    }
    assert!(
        !page.contains("It concerned"),
        "nobody knows how many: {page}"
    );
    let status = read(&plane, "/").await;
    assert_eq!(status.matches("Added afterwards").count(), 2, "{status}");

    let history = read(&plane, "/history").await;
    for says in [
        "<h2>March 2023</h2>",
        "<h2>November 2022</h2>",
        "Mail to residents was late",
        "Read the report",
    ] {
        assert!(history.contains(says), "{says} is not in {history}");
    }

    let v2: Value = serde_json::from_str(&read(&plane, "/api/v2/incidents.json").await).unwrap();
    let one = &v2["incidents"][0];
    let parts = [
        "id",
        "name",
        "status",
        "impact",
        "started_at",
        "created_at",
        "resolved_at",
    ];
    assert_eq!(
        parts.map(|part| one[part].as_str().unwrap()),
        [
            id,
            "Sign-in failed on some sites",
            "postmortem",
            "major",
            "2023-03-01T14:10:00Z",
            "2023-03-01T14:10:00Z",
            "2023-03-01T18:30:05.222Z"
        ]
    );
    assert_eq!(
        one["incident_updates"][0]["display_at"],
        "2023-03-03T21:00:00Z"
    );
    assert_eq!(one["incident_updates"][0]["deliver_notifications"], false);
    assert_eq!(v2["incidents"].as_array().unwrap().len(), 2);

    let feed = read(&plane, "/feed.atom").await;
    let feed = feed_rs::parser::parse(feed.as_bytes()).unwrap();
    assert_eq!(feed.entries.len(), 6);
    let first = &feed.entries[4];
    assert_eq!(
        first.published.unwrap().to_rfc3339(),
        "2023-03-01T14:10:00+00:00"
    );
    let said = first.content.as_ref().unwrap().body.as_ref().unwrap();
    assert!(
        said.contains("Added afterwards, on July 11, 2023."),
        "{said}"
    );

    // Nothing waits to be told, nothing pages, no lamp changed; the audit knows.
    assert!(plane.store.next_announcement().await.unwrap().is_none());
    let pages = plane.send("GET", "/api/v1/pages", Some(&token), "").await;
    assert!(!pages.text.contains("Sign-in"), "{}", pages.text);
    let fleet = plane.engine.fleet();
    let well = |(at, _)| fleet.state(at) == domain::site::state::SiteState::Well;
    assert!(fleet.sites().all(well));
    let admin = plane.token(Role::Admin).await;
    let audit = plane
        .send("GET", "/api/v1/audit", Some(&admin), "")
        .await
        .text;
    assert_eq!(
        audit.matches("added an incident of the past").count(),
        2,
        "{audit}"
    );
    assert!(audit.contains("from statuspage 3wcfx9j1kbg3"), "{audit}");
}

#[tokio::test]
async fn what_is_here_is_not_added_again() {
    let plane = Plane::with_fleet().await;
    let token = plane.token(Role::Support).await;
    imported(&plane, &token, IMPORT, FILE).await;
    let again = imported(&plane, &token, IMPORT, FILE).await;
    assert_eq!(
        (&again["added"], &again["already_there"]),
        (&json!(0), &json!(2))
    );
    // What this server answers is here as well.
    let own = read(&plane, "/api/v2/incidents.json").await;
    let again = imported(&plane, &token, IMPORT, &own).await;
    assert_eq!(
        (&again["added"], &again["already_there"]),
        (&json!(0), &json!(2))
    );
    assert_eq!(plane.engine.all_incidents().len(), 2);
    // What was still open is added by the file of a later day.
    let mut later: Value = serde_json::from_str(FILE).unwrap();
    later["incidents"][0]["status"] = "resolved".into();
    later["incidents"][0]["resolved_at"] = "2023-07-10T15:00:00Z".into();
    let done = imported(&plane, &token, IMPORT, &later.to_string()).await;
    assert_eq!(done["incidents"][0]["source_id"], "p31zjtct2jer", "{done}");
}

/// As after a kill in the middle: what was added stays, and the rest is added once.
#[tokio::test]
async fn an_interrupted_import_goes_on_with_the_same_file() {
    let plane = Plane::new().await;
    let token = plane.token(Role::Support).await;
    let file = long(12).to_string();
    let import = plane.engine.import_history("Ada", file.as_bytes(), false);
    tokio::pin!(import);
    // The import waits for the store again and again, and is left alone in the middle.
    while plane.engine.all_incidents().is_empty() {
        let step = futures_util::poll!(import.as_mut());
        assert!(step.is_pending(), "it was over too soon");
        tokio::task::yield_now().await;
    }
    let done = imported(&plane, &token, IMPORT, &file).await;
    let (added, known) = (&done["added"], &done["already_there"]);
    let (added, known) = (added.as_u64().unwrap(), known.as_u64().unwrap());
    assert!(added > 0 && known > 0 && added + known == 12, "{done}");
    assert_eq!(plane.store.incidents(99).await.unwrap().len(), 12);
    let described = read(&plane, "/api/openapi.json").await;
    assert!(described.contains("the same file goes on"));
}

/// A history of so many incidents, a day each, the newest first.
fn long(count: i64) -> Value {
    let one = |n: i64| {
        let at = jiff::Timestamp::from_second(1_600_000_000 + n * 86_400).unwrap();
        let update =
            json!({"status": "resolved", "body": format!("Number {n}."), "display_at": at});
        json!({"id": format!("i{n}"), "name": format!("Incident {n}"), "status": "resolved",
            "impact": "minor", "started_at": at, "resolved_at": at, "incident_updates": [update]})
    };
    json!({"incidents": (0..count).rev().map(one).collect::<Vec<_>>()})
}

#[tokio::test]
async fn a_bad_file_is_refused_whole_with_its_places() {
    let plane = Plane::new().await;
    let token = plane.token(Role::Support).await;
    let mut file: Value = serde_json::from_str(FILE).unwrap();
    file["incidents"][1]["incident_updates"][1]["display_at"] = "soon".into();
    file["incidents"][3]["impact"] = "bad".into();
    let answer = import(&plane, &token, IMPORT, &file.to_string()).await;
    assert_eq!(answer.status, 422, "{}", answer.text);
    let said: Value = serde_json::from_str(&answer.text).unwrap();
    let place = "incidents[1].incident_updates[1].display_at";
    assert_eq!(
        (&said["error"]["at"], &said["count"]),
        (&json!(place), &json!(2))
    );
    assert_eq!(said["problems"][1]["at"], "incidents[3].impact");
    let large = "x".repeat(domain::incident::statuspage::FILE_BYTES_MAX + 1);
    let large = import(&plane, &token, IMPORT, &large).await;
    assert_eq!(large.status, 413, "{}", large.text);
    assert!(plane.engine.all_incidents().is_empty());
}

#[tokio::test]
async fn one_is_added_by_hand_once() {
    let plane = Plane::with_fleet().await;
    let token = plane.token(Role::Support).await;
    let add = async |body: Value| {
        let answer = plane.send("POST", BACKFILL, Some(&token), body.to_string());
        let answer = answer.await;
        let said = serde_json::from_str::<Value>(&answer.text).unwrap();
        (answer.status.as_u16(), said)
    };
    let (status, added) = add(asked()).await;
    assert_eq!(
        (status, &added["state"]),
        (201, &json!("completed")),
        "{added}"
    );
    assert_eq!(added["added_at"], "2023-07-11T20:30:00Z");
    let (status, again) = add(asked()).await;
    assert_eq!((status, &again["id"]), (200, &added["id"]));
    assert!(plane.store.next_announcement().await.unwrap().is_none());
    let id = added["id"].as_str().unwrap();
    let timeline = format!("/api/v1/incidents/{id}/timeline");
    let timeline = plane.send("GET", &timeline, Some(&token), "").await.text;
    let facts = ["updated", "completed", "added_afterwards"].map(|fact| {
        let fact = format!("\"fact\":\"{fact}\"");
        timeline.find(&fact).unwrap_or_else(|| panic!("{timeline}"))
    });
    assert!(facts.is_sorted(), "{timeline}");
    for (part, value, at) in [
        ("title", json!(" "), "title"),
        ("resolved_at", json!("2023-07-12T00:00:00Z"), "resolved_at"),
        ("started_at", json!("2023-02-02T00:00:00Z"), "started_at"),
        ("updates", json!([]), "updates"),
    ] {
        let mut body = asked();
        body[part] = value;
        let (status, said) = add(body).await;
        assert_eq!((status, &said["error"]["at"]), (422, &json!(at)), "{said}");
    }
    let mut body = asked();
    body["updates"][0]["text"] = json!("\u{1b}");
    let (status, said) = add(body).await;
    assert_eq!(
        (status, &said["error"]["at"]),
        (422, &json!("updates[0].text"))
    );
    assert_eq!(plane.engine.all_incidents().len(), 1);
}

#[tokio::test]
async fn the_form_adds_one_once() {
    let plane = Plane::with_fleet().await;
    let token = plane.token(Role::Support).await;
    let send = async |body: &str| {
        let request = Request::post("/console/incidents/past")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("authorization", format!("Bearer {token}"));
        let request = request.body(Body::from(body.to_owned())).unwrap();
        plane.answer(request).await
    };
    let form = plane
        .send("GET", "/console/incidents/past", Some(&token), "")
        .await;
    assert!(
        form.text.contains("name=\"key\" value=\"0"),
        "{}",
        form.text
    );
    let rest =
        "impact=minor&started_at=2023-02-01T08:00&resolved_at=2023-02-01T10:00&text=It+is+over.";
    for (body, says) in [
        (format!("title=+&{rest}"), "Title: give 1 to 255 characters"),
        (
            "title=Slow&impact=minor".into(),
            "Was over: give a day and a time",
        ),
        (
            format!("title=Slow&{}", rest.replace("T08", "T11")),
            "Began: it cannot begin after it was over",
        ),
        (
            format!("title=Slow&{}", rest.replace("minor", "")),
            "Impact: choose one",
        ),
        (
            format!("title=Slow&{}", rest.replace("It+is+over.", "+")),
            "What customers read: The text is empty",
        ),
    ] {
        let refused = send(&body).await;
        assert_eq!(refused.status, 422, "{body}");
        assert!(refused.text.contains(says), "{says}: {}", refused.text);
    }
    for _ in 0..2 {
        let added = send(&format!("key=1&title=Slow&product=web-central&{rest}")).await;
        assert_eq!(added.status, 303, "{}", added.text);
    }
    let incidents = plane.engine.public_incidents();
    assert_eq!(incidents.len(), 1);
    assert_eq!(
        incidents[0].incident.started_at.to_string(),
        "2023-02-01T14:00:00Z"
    );
    assert_eq!(incidents[0].incident.scope.to_string(), "web-central sites");
    let list = plane
        .send("GET", "/console/incidents", Some(&token), "")
        .await;
    assert!(list.text.contains("Added afterwards"), "{}", list.text);
}

/// A long history is kept, and only its newest incidents stay in memory.
#[tokio::test]
async fn a_long_history_does_not_fill_the_memory() {
    let plane = Plane::new().await;
    let token = plane.token(Role::Support).await;
    let file = long(250);
    let done = imported(&plane, &token, IMPORT, &file.to_string()).await;
    assert_eq!(done["added"], 250);
    let kept = plane.engine.all_incidents();
    let titles = (&*kept[0].incident.title, &*kept[199].incident.title);
    assert_eq!((kept.len(), titles), (200, ("Incident 249", "Incident 50")));
    let history = read(&plane, "/history").await;
    assert!(history.contains("Incident 50<") && !history.contains("Incident 49<"));
    let oldest = done["incidents"][249]["id"].as_str().unwrap();
    let page = read(&plane, &format!("/incidents/{oldest}")).await;
    assert!(page.contains("Number 0."), "{page}");
    let again = imported(&plane, &token, IMPORT, &file.to_string()).await;
    assert_eq!(again["already_there"], 250);
}
