//! Templates of the team's own, posts that are looked at first, and posts that wait.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use domain::access::Role;
use domain::id::IncidentId;
use engine::{Acceptance, Engine};
use serde_json::{Value, json};
use support::{Answer, Plane};
use tokio_util::sync::CancellationToken;

struct Desk {
    plane: Plane,
    token: String,
    incident: IncidentId,
}

impl Desk {
    async fn new() -> Self {
        let plane = Plane::with_fleet().await;
        let token = plane.token(Role::Support).await;
        let incident = plane.propose().await;
        let accepted = plane
            .engine
            .accept_incident(incident, "Ada", Acceptance::default());
        accepted.await.unwrap();
        Self {
            plane,
            token,
            incident,
        }
    }

    async fn call(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let answer = self
            .plane
            .send(method, path, Some(&self.token), body.to_string())
            .await;
        let json = serde_json::from_str(&answer.text).unwrap_or(Value::Null);
        (answer.status.as_u16(), json)
    }

    async fn post(&self, update: Value) -> (u16, Value) {
        let path = format!("/api/v1/incidents/{}/updates", self.incident);
        self.call("POST", &path, update).await
    }

    async fn form(&self, path: &str, form: &str) -> Answer {
        let request = Request::post(path)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("authorization", format!("Bearer {}", self.token));
        self.plane
            .answer(request.body(Body::from(form.to_owned())).unwrap())
            .await
    }

    async fn text(&self, path: &str) -> String {
        let answer = self.plane.send("GET", path, Some(&self.token), "").await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        answer.text
    }

    fn posts(&self) -> usize {
        let view = self.plane.engine.incident_view(self.incident).unwrap();
        view.updates.len()
    }
}

fn template() -> Value {
    json!({
        "text": "Sign-in on {sites} is back {when}[[, {why}]].",
        "placeholders": [
            {"name": "sites", "kind": "site_list", "required": true},
            {"name": "when", "kind": "timeline", "required": true},
            {"name": "why", "kind": "text"},
        ],
        "state": "identified",
    })
}

#[tokio::test]
async fn a_template_is_kept_in_versions_and_used() {
    let desk = Desk::new().await;
    let path = "/api/v1/templates/Back%20soon";
    let mut first = template();
    first["follows"] = json!(0);
    let (status, saved) = desk.call("PUT", path, first.clone()).await;
    assert_eq!((status, &saved["version"]), (200, &json!(1)), "{saved}");
    assert_eq!(
        desk.call("PUT", path, first).await.0,
        409,
        "it is there already"
    );
    let (_, saved) = desk.call("PUT", path, template()).await;
    assert_eq!(saved["version"], 2);
    let values = json!({"sites": ["anchorage.ak.example"], "when": "2023-07-11T23:27:00Z"});
    let (status, posted) = desk
        .post(json!({"template": "Back soon", "values": values}))
        .await;
    assert_eq!(status, 200, "{posted}");
    let at_home = "Sign-in on anchorage.ak.example is back by July 11, 2023 at 6:27pm CDT.";
    assert_eq!(posted["update"]["body"], at_home);
    assert_eq!(posted["update"]["template"], json!(["Back soon", 2]));
    assert_eq!(posted["state"], "identified");
    for (path, says) in [
        (
            format!("/incidents/{}?zone=America/Anchorage", desk.incident),
            "3:27pm AKDT",
        ),
        (format!("/incidents/{}", desk.incident), "6:27pm CDT"),
        ("/sites/anchorage.ak.example".into(), "3:27pm AKDT"),
        ("/feed.atom".into(), "6:27pm CDT"),
        ("/api/v2/incidents.json".into(), "6:27pm CDT"),
        (
            format!("/api/v1/public/incidents/{}", desk.incident),
            "6:27pm CDT",
        ),
    ] {
        let page = desk.text(&path).await;
        assert!(page.contains(says), "{path}: {page}");
        assert!(!page.contains("time:2023"), "{path}: {page}");
    }
    let missing = json!({"sites": ["nowhere.example"], "when": "1 hour"});
    let (status, error) = desk
        .post(json!({"template": "Back soon", "values": missing}))
        .await;
    assert_eq!((status, &error["error"]["at"]), (422, &json!("values")));
    assert_eq!(
        desk.post(json!({"template": "Back soon"})).await.0,
        422,
        "gaps are open"
    );
    assert_eq!(
        desk.call("POST", &format!("{path}/withdraw"), json!({}))
            .await
            .0,
        204
    );
    let (status, error) = desk
        .post(json!({"template": "Back soon", "values": values}))
        .await;
    assert_eq!(status, 422, "{error}");
    let (_, shown) = desk.call("GET", path, json!({})).await;
    assert_eq!(shown["versions"].as_array().unwrap().len(), 3, "{shown}");
    assert_eq!(shown["template"], Value::Null);
}

#[tokio::test]
async fn what_cannot_be_kept_is_refused() {
    let desk = Desk::new().await;
    let (status, error) = desk
        .call("PUT", "/api/v1/templates/fix%20implemented", template())
        .await;
    assert_eq!(
        (status, &error["error"]["at"]),
        (422, &json!("name")),
        "{error}"
    );
    let open = json!({"text": "{who} knows"});
    let (status, error) = desk.call("PUT", "/api/v1/templates/Who", open).await;
    assert_eq!(
        (status, &error["error"]["at"]),
        (422, &json!("template")),
        "{error}"
    );
    let (status, _) = desk
        .call("PUT", "/api/v1/templates/Who", json!({"txt": "a"}))
        .await;
    assert_eq!(status, 400);
    assert_eq!(
        desk.call("GET", "/api/v1/templates/Who", json!({})).await.0,
        404
    );
    let preview = json!({"template": template(), "values": {"sites": ["anchorage.ak.example"], "when": "2 hours"}});
    let (status, filled) = desk
        .call("POST", "/api/v1/templates/preview", preview)
        .await;
    assert_eq!(
        (status, &filled["body"]),
        (
            200,
            &json!("Sign-in on anchorage.ak.example is back within 2 hours.")
        )
    );
}

#[tokio::test]
async fn a_template_is_written_on_the_console() {
    let desk = Desk::new().await;
    let form = "name=Sorry&follows=0&text=We+are+sorry+for+%7Bwhat%7D.&g0-name=what&g0-kind=text&g0-required=1&g1-name=&g1-kind=text";
    let looked = desk
        .form("/console/templates", &format!("{form}&act=look"))
        .await;
    assert_eq!(looked.status, 200, "{}", looked.text);
    assert!(
        looked.text.contains("<p>We are sorry for (what).</p>"),
        "{}",
        looked.text
    );
    assert_eq!(desk.form("/console/templates", form).await.status, 303);
    let again = desk.form("/console/templates", form).await;
    assert_eq!(again.status, 409, "somebody else was faster");
    let list = desk.text("/console/templates").await;
    assert!(
        list.contains("Sorry") && list.contains("comes with Lamplighter"),
        "{list}"
    );
    let edit = desk.text("/console/templates/edit?name=Sorry").await;
    assert!(
        edit.contains("value=\"what\"") && edit.contains("Version 1"),
        "{edit}"
    );
    let bad = desk
        .form("/console/templates", "name=Bad&follows=0&text=%7Bx%7D")
        .await;
    assert_eq!(bad.status, 422);
    assert!(bad.text.contains("{x}"), "what was typed is kept");
}

#[tokio::test]
async fn a_post_is_looked_at_before_it_is_posted() {
    let desk = Desk::new().await;
    let path = format!("/console/incidents/{}/updates", desk.incident);
    let form =
        "text=We+know+**why**.+%3Cscript%3E&state=identified&next_update_within=2+hours&post_at=";
    let looked = desk.form(&path, &format!("{form}&act=look")).await;
    assert_eq!(looked.status, 200, "{}", looked.text);
    for words in [
        "As customers will read it",
        "We know <strong>why</strong>. &lt;script&gt;",
        "The next update will be posted here by Tue, Jul 11, 5:30 PM CDT.",
        "<input type=\"hidden\" name=\"state\" value=\"identified\">",
        // What was typed stands in its field, to be changed.
        "maxlength=\"20000\">We know **why**. &#60;script&#62;</textarea>",
    ] {
        assert!(looked.text.contains(words), "{words}: {}", looked.text);
    }
    assert_eq!(desk.posts(), 0, "nothing is posted");
    assert_eq!(desk.form(&path, form).await.status, 303);
    assert_eq!(desk.posts(), 1);
}

/// Lets the watch look after `minutes`, on a clock that only moves by hand: half a minute for each twentieth
/// of a second, so that a busy machine still looks in time.
async fn look(engine: &Engine, desk: &Desk, minutes: u64, so: impl Fn() -> bool) {
    let stop = CancellationToken::new();
    let mut workers = engine.run_workers(&stop);
    desk.plane.hand.advance(Duration::from_secs(60 * minutes));
    for _ in 0..400 {
        if so() {
            break;
        }
        desk.plane.hand.advance(Duration::from_secs(31));
        clock::Clock::system()
            .sleep(Duration::from_millis(50))
            .await;
    }
    stop.cancel();
    desk.plane.hand.advance(Duration::from_secs(31));
    while workers.join_next().await.is_some() {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_post_that_waits_is_posted_once_also_by_the_next_process() {
    let desk = Desk::new().await;
    let at = "2023-07-11T21:00:00Z";
    let (status, waits) = desk
        .post(json!({"text": "Half an hour on.", "post_at": at}))
        .await;
    assert_eq!(
        (status, &waits["scheduled"]["at"]),
        (200, &json!(at)),
        "{waits}"
    );
    let page = desk
        .text(&format!("/console/incidents/{}", desk.incident))
        .await;
    assert!(
        page.contains("Waiting to be posted") && page.contains("Half an hour on."),
        "{page}"
    );
    let public = desk.text(&format!("/incidents/{}", desk.incident)).await;
    assert!(
        !public.contains("Half an hour on."),
        "customers see nothing of it"
    );
    // Another process on the same state, as after a kill.
    let engine = Engine::open(
        desk.plane.store.clone(),
        desk.plane.engine.clock().clone(),
        desk.plane.engine.settings().clone(),
    );
    let engine = engine.await.unwrap();
    let posted = || engine.incident_view(desk.incident).unwrap().updates.len();
    look(&engine, &desk, 29, || posted() > 0).await;
    assert_eq!(posted(), 1);
    let update = engine.incident_view(desk.incident).unwrap().updates[0].clone();
    assert_eq!(
        update.id.to_string(),
        waits["scheduled"]["id"],
        "it keeps its identifier"
    );
    // The first process still remembers that it waits; the store knows better.
    let looks = AtomicU32::new(0);
    let after_some = || looks.fetch_add(1, Ordering::Relaxed) > 20;
    look(&desk.plane.engine, &desk, 0, after_some).await;
    assert_eq!(
        desk.plane.store.updates(desk.incident).await.unwrap().len(),
        1
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_post_that_cannot_be_posted_any_more_pages_somebody() {
    let desk = Desk::new().await;
    let update =
        json!({"text": "Still looking.", "state": "identified", "post_at": "2023-07-11T21:00:00Z"});
    assert_eq!(desk.post(update).await.0, 200);
    assert_eq!(
        desk.post(json!({"text": "Over.", "state": "completed"}))
            .await
            .0,
        200
    );
    let given_up = || {
        desk.plane
            .engine
            .incident_view(desk.incident)
            .unwrap()
            .scheduled
            .is_empty()
    };
    look(&desk.plane.engine, &desk, 29, given_up).await;
    assert_eq!(
        desk.posts(),
        1,
        "an incident that is over is not opened by what was written before"
    );
    let pages = desk.plane.store.pages(5).await.unwrap();
    assert!(
        pages[0]
            .words
            .contains("was not posted: This incident is completed already."),
        "{pages:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_written_before_the_end_is_not_posted_after_it() {
    let desk = Desk::new().await;
    let waits = json!({"text": "Still watching.", "post_at": "2023-07-11T21:00:00Z"});
    assert_eq!(desk.post(waits).await.0, 200);
    desk.plane.hand.advance(Duration::from_secs(1));
    let over = json!({"text": "Over.", "state": "completed"});
    assert_eq!(desk.post(over).await.0, 200);
    desk.plane.hand.advance(Duration::from_secs(1));
    // Who writes after the end means it.
    let meant = json!({"text": "Thank you for waiting.", "post_at": "2023-07-11T21:00:00Z"});
    assert_eq!(desk.post(meant).await.0, 200);
    let engine = &desk.plane.engine;
    let view = || engine.incident_view(desk.incident).unwrap();
    look(engine, &desk, 29, || view().scheduled.is_empty()).await;
    let posted: Vec<_> = view().updates.iter().map(|one| one.body.clone()).collect();
    assert_eq!(posted, ["Thank you for waiting.", "Over."]);
    let pages = desk.plane.store.pages(5).await.unwrap();
    let says = "was not posted: This incident was over before the moment came.";
    assert!(pages[0].words.contains(says), "{pages:?}");
    let timeline = engine.incident_timeline(desk.incident).await.unwrap();
    let ends = timeline
        .iter()
        .filter(|entry| entry.fact == domain::incident::timeline::Fact::Completed);
    assert_eq!(ends.count(), 1, "an incident is completed once");
}

/// Also when the incident is over, and so old that its page is read from the store.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_under_an_old_incident_outlives_the_process() {
    let desk = Desk::new().await;
    let engine = &desk.plane.engine;
    let over = json!({"text": "Over.", "state": "completed",
        "report_within": {"amount": 300, "unit": "hours"}});
    assert_eq!(desk.post(over).await.0, 200);
    desk.plane.hand.advance(Duration::from_secs(3_600));
    let waits = json!({"text": "Our report comes next week.", "post_at": "2023-07-11T22:00:00Z"});
    assert_eq!(desk.post(waits).await.0, 200);
    for n in 0..201 {
        let began = "2023-07-11T21:00:00Z";
        let past = json!({"key": format!("{n}"), "title": "It was slow", "impact": "minor",
            "started_at": began, "resolved_at": began,
            "updates": [{"at": began, "state": "completed", "text": "Over."}]});
        let past = serde_json::from_value(past).unwrap();
        engine.backfill_incident("Ada", past).await.unwrap();
    }
    let next = Engine::open(
        desk.plane.store.clone(),
        engine.clock().clone(),
        engine.settings().clone(),
    );
    let next = next.await.unwrap();
    let view = || next.incident_view(desk.incident).unwrap();
    assert_eq!((view().scheduled.len(), view().promises.len()), (1, 1));
    look(&next, &desk, 31, || view().scheduled.is_empty()).await;
    assert_eq!(view().updates[0].body, "Our report comes next week.");
}

#[tokio::test]
async fn a_post_that_waits_can_be_cancelled_and_has_limits() {
    let desk = Desk::new().await;
    for (at, field) in [
        (json!("2023-07-11T20:30:00Z"), "post_at"),
        (json!("2023-08-11T20:30:01Z"), "post_at"),
        (json!("soon"), "post_at"),
    ] {
        let (status, error) = desk.post(json!({"text": "a", "post_at": at})).await;
        assert_eq!(
            (status, &error["error"]["at"]),
            (422, &json!(field)),
            "{at}"
        );
    }
    let (status, _) = desk
        .post(json!({"text": " ", "post_at": "2023-07-11T21:00:00Z"}))
        .await;
    assert_eq!(status, 422, "it is checked when it is written");
    for _ in 0..20 {
        let (status, _) = desk
            .post(json!({"text": "a", "post_at": "2023-07-11T21:00:00Z"}))
            .await;
        assert_eq!(status, 200);
    }
    assert_eq!(
        desk.post(json!({"text": "a", "post_at": "2023-07-11T21:00:00Z"}))
            .await
            .0,
        409
    );
    let path = format!("/api/v1/incidents/{}/scheduled", desk.incident);
    let (_, list) = desk.call("GET", &path, json!({})).await;
    let first = list["scheduled"][0]["id"].as_str().unwrap();
    let cancel = format!("{path}/{first}/cancel");
    assert_eq!(desk.call("POST", &cancel, json!({})).await.0, 204);
    assert_eq!(desk.call("POST", &cancel, json!({})).await.0, 404);
    let (_, list) = desk.call("GET", &path, json!({})).await;
    assert_eq!(list["scheduled"].as_array().unwrap().len(), 19);
    let form = "text=Later&post_at=2023-07-11T18%3A00&act=post";
    let posted = desk
        .form(
            &format!("/console/incidents/{}/updates", desk.incident),
            form,
        )
        .await;
    assert_eq!(posted.status, 303, "{}", posted.text);
    let (_, list) = desk.call("GET", &path, json!({})).await;
    assert_eq!(
        list["scheduled"][19]["at"], "2023-07-11T23:00:00Z",
        "on the vendor's clock"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_limit_of_posts_that_wait_holds_for_who_sends_all_at_once() {
    let desk = Desk::new().await;
    let mut sent = tokio::task::JoinSet::new();
    for _ in 0..40 {
        let (engine, id) = (desk.plane.engine.clone(), desk.incident);
        sent.spawn(async move {
            let update = engine::NewUpdate {
                text: Some("Soon.".into()),
                ..engine::NewUpdate::default()
            };
            let at = "2023-07-11T21:00:00Z".parse().unwrap();
            engine.schedule_update(id, "Ada", update, at).await.is_ok()
        });
    }
    let taken = sent.join_all().await;
    assert_eq!(taken.iter().filter(|taken| **taken).count(), 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_promise_is_recalled_before_it_is_late_and_once_also_after_a_restart() {
    let desk = Desk::new().await;
    let update = json!({"text": "We look.", "next_update_within": {"amount": 10, "unit": "hours"}});
    assert_eq!(desk.post(update).await.0, 200);
    let engine = &desk.plane.engine;
    let steps = || {
        let view = engine.incident_view(desk.incident).unwrap();
        view.reminders
            .iter()
            .map(|one| one.of.step)
            .collect::<Vec<_>>()
    };
    look(engine, &desk, 479, || !steps().is_empty()).await;
    assert_eq!(steps(), [0], "a fifth of its time is left");
    look(engine, &desk, 110, || steps().len() > 1).await;
    assert_eq!(steps(), [0, 1], "it is late");
    let next = Engine::open(
        desk.plane.store.clone(),
        engine.clock().clone(),
        engine.settings().clone(),
    );
    let next = next.await.unwrap();
    let looks = AtomicU32::new(0);
    look(&next, &desk, 0, || {
        looks.fetch_add(1, Ordering::Relaxed) > 20
    })
    .await;
    let reminders = desk.plane.store.reminders(desk.incident).await.unwrap();
    assert_eq!(
        reminders.len(),
        2,
        "the next process says nothing twice: {reminders:?}"
    );
    let words: Vec<_> = desk.plane.store.pages(2).await.unwrap();
    assert!(words[0].words.contains("and is overdue"), "{words:?}");
    assert!(
        words[1].words.contains("an update is promised by"),
        "{words:?}"
    );
    let page = desk
        .text(&format!("/console/incidents/{}", desk.incident))
        .await;
    assert!(page.contains("People were paged about it"), "{page}");
}
