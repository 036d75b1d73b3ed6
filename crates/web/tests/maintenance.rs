//! Planned work from its announcement to its end: told on every page that it concerns, begun and ended
//! by time, moved, cancelled, and read by calendars.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use domain::access::Role;
use icalendar::{Calendar, CalendarComponent, Component as _};
use serde_json::{Value, json};
use support::{Answer, Plane};
use tokio_util::sync::CancellationToken;

/// A desk of the support team.
struct Desk {
    plane: Plane,
    token: String,
}

impl Desk {
    async fn new() -> Self {
        let plane = Plane::with_fleet().await;
        let token = plane.token(Role::Support).await;
        Self { plane, token }
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        let token = Some(self.token.as_str());
        let answer = self.plane.send("POST", path, token, body.to_string()).await;
        // What is recorded in one millisecond has no order.
        self.plane.hand.advance(Duration::from_millis(5));
        (
            answer.status.as_u16(),
            serde_json::from_str(&answer.text).unwrap_or_default(),
        )
    }

    async fn plan(&self, more: Value) -> String {
        let mut body = json!({"title": "Servers are replaced", "text": "You may have to sign in **again**.",
            "window": {"local": {"from": "2023-07-12T22:00", "until": "2023-07-13T02:00"}}});
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        let (status, planned) = self.post("/api/v1/maintenances", body).await;
        assert_eq!(status, 201, "{planned}");
        planned["id"].as_str().unwrap().to_owned()
    }

    async fn page(&self, path: &str) -> String {
        let answer = self.plane.send("GET", path, Some(&self.token), "").await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        answer.text
    }

    async fn form(&self, path: &str, form: &str) -> Answer {
        let request = Request::post(path)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("host", "127.0.0.1:8080")
            .header("authorization", format!("Bearer {}", self.token));
        let request = request.body(Body::from(form.to_owned())).unwrap();
        self.plane.answer(request).await
    }

    /// How far the work has come.
    async fn state(&self) -> String {
        let list = self.page("/api/v1/maintenances").await;
        let list: Value = serde_json::from_str(&list).unwrap();
        list["maintenances"][0]["state"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// Lets time pass to a moment, and the workers look until it is so.
    async fn until(&self, moment: &str, so: impl AsyncFn() -> bool) {
        let stop = CancellationToken::new();
        let mut workers = self.plane.engine.run_workers(&stop);
        let now = self.plane.engine.clock().now();
        let ahead = moment
            .parse::<jiff::Timestamp>()
            .unwrap()
            .duration_since(now);
        self.plane.hand.advance(ahead.try_into().unwrap());
        for _ in 0..200 {
            if so().await {
                break;
            }
            self.plane.hand.advance(Duration::from_secs(31));
            let short = Duration::from_millis(50);
            clock::Clock::system().sleep(short).await;
        }
        stop.cancel();
        self.plane.hand.advance(Duration::from_secs(31));
        while workers.join_next().await.is_some() {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_begins_and_ends_by_time_and_every_page_says_when() {
    let desk = Desk::new().await;
    let id = desk
        .plan(json!({"remind_minutes": 120, "completes_itself": true}))
        .await;
    let own_clock = "Wed, Jul 12, 10:00 PM to Thu, Jul 13, 2:00 AM, on each site’s own clock";
    let status = desk.page("/").await;
    for words in [
        "Planned work",
        "Servers are replaced",
        own_clock,
        "<strong>again</strong>",
    ] {
        assert!(status.contains(words), "{words}: {status}");
    }
    // A site's page knows its own window, on its own clock.
    let anchorage = desk.page("/sites/anchorage.ak.example").await;
    let there = "Wed, Jul 12, 10:00 PM AKDT to Thu, Jul 13, 2:00 AM AKDT";
    assert!(anchorage.contains(there), "{anchorage}");
    let page = desk.page(&format!("/incidents/{id}")).await;
    assert!(page.contains("Planned for 3,405 sites"), "{page}");
    assert!(
        page.contains("10:00 PM HST") && page.contains("10:00 PM EDT"),
        "{page}"
    );
    let feed = desk.page("/feed.atom").await;
    assert!(feed.contains("Planned: Servers are replaced"), "{feed}");
    // Nobody's sign-in fails because work is planned.
    assert!(status.contains("Nothing is known to be wrong") || !status.contains("Sign-in fails"));
    assert!(desk.plane.engine.public_incidents().is_empty());

    let timeline = format!("/api/v1/incidents/{id}/timeline");
    let reminded = async || desk.page(&timeline).await.contains(r#""fact":"reminded""#);
    desk.until("2023-07-13T00:30:00Z", reminded).await;
    assert!(reminded().await);
    // New York's window is the first.
    desk.until("2023-07-13T02:00:00Z", async || {
        desk.state().await == "in_progress"
    })
    .await;
    assert_eq!(desk.state().await, "in_progress");
    let times = desk
        .page(&timeline)
        .await
        .matches(r#""fact":"reminded""#)
        .count();
    assert_eq!(times, 1, "followers are reminded once");
    // Honolulu's is the last.
    desk.until("2023-07-13T12:00:00Z", async || {
        desk.state().await == "completed"
    })
    .await;
    assert_eq!(desk.state().await, "completed");
    let over = desk.page("/").await;
    assert!(!over.contains("Servers are replaced"), "{over}");
    let page = desk.page(&format!("/incidents/{id}")).await;
    assert!(page.contains("It is done."), "{page}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_says_for_people_how_it_went() {
    let desk = Desk::new().await;
    let id = desk.plan(json!({})).await;
    let timeline = format!("/api/v1/incidents/{id}/timeline");
    desk.until("2023-07-13T02:00:00Z", async || {
        desk.state().await == "in_progress"
    })
    .await;
    let paged = async || {
        desk.page(&timeline)
            .await
            .contains("nobody has said how it went")
    };
    desk.until("2023-07-13T12:00:00Z", paged).await;
    assert!(paged().await, "people are paged when the window has ended");
    assert_eq!(desk.state().await, "in_progress");
    let updates = format!("/api/v1/incidents/{id}/updates");
    let (status, _) = desk
        .post(&updates, json!({"text": "We check.", "state": "verifying"}))
        .await;
    assert_eq!((status, &*desk.state().await), (200, "verifying"));
    let (status, _) = desk
        .post(
            &updates,
            json!({"text": "All works.", "state": "completed"}),
        )
        .await;
    assert_eq!((status, &*desk.state().await), (200, "completed"));
}

#[tokio::test]
async fn it_is_moved_and_cancelled_in_the_open() {
    let desk = Desk::new().await;
    let id = desk
        .plan(json!({"scope": {"zones": ["America/Anchorage"]}}))
        .await;
    let path = format!("/api/v1/maintenances/{id}/move");
    let window = json!({"at": {"from": "2023-07-20T06:00:00Z", "until": "2023-07-20T10:00:00Z"}});
    let (status, moved) = desk
        .post(
            &path,
            json!({"window": window, "text": "We need another week."}),
        )
        .await;
    assert_eq!(status, 200, "{moved}");
    assert_eq!(moved["maintenance"]["from"], "2023-07-20T06:00:00Z");
    assert_eq!(moved["updates"][0]["body"], "We need another week.");
    let weirton = desk.page("/sites/weirton.wv.example").await;
    assert!(
        !weirton.contains("Servers are replaced"),
        "it is about Alaska"
    );
    // An alarm of its sites is an incident, not a part of the work.
    let incident = desk.plane.propose().await;
    assert_ne!(incident.to_string(), id);

    let updates = format!("/api/v1/incidents/{id}/updates");
    let (status, refused) = desk
        .post(&updates, json!({"text": "Done.", "state": "completed"}))
        .await;
    assert_eq!(status, 409, "{refused}");
    let (status, refused) = desk
        .post(&updates, json!({"text": "Hm.", "state": "investigating"}))
        .await;
    assert_eq!(status, 409, "{refused}");
    let (status, _) = desk
        .post(
            &updates,
            json!({"text": "The parts did not come.", "state": "cancelled"}),
        )
        .await;
    assert_eq!((status, &*desk.state().await), (200, "cancelled"));
    let (status, _) = desk
        .post(&path, json!({"window": window, "text": "Now."}))
        .await;
    assert_eq!(status, 409, "what is cancelled is over");
    let page = desk.page(&format!("/incidents/{id}")).await;
    assert!(page.contains("It is cancelled."), "{page}");
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused() {
    let desk = Desk::new().await;
    let night = json!({"local": {"from": "2023-07-12T22:00", "until": "2023-07-13T02:00"}});
    let past = json!({"at": {"from": "2023-07-10T20:00:00Z", "until": "2023-07-10T21:00:00Z"}});
    for (change, at) in [
        (json!({"title": " "}), "title"),
        (json!({"text": " "}), "text"),
        (json!({"window": past}), "window"),
        (json!({"remind_minutes": 0}), "remind_minutes"),
        (json!({"scope": {"zones": ["Europe/Berlin"]}}), "scope"),
    ] {
        let mut body = json!({"title": "T", "text": "Words.", "window": night});
        for (name, value) in change.as_object().unwrap() {
            body[name] = value.clone();
        }
        let (status, error) = desk.post("/api/v1/maintenances", body).await;
        assert_eq!(
            (status, &error["error"]["at"]),
            (422, &json!(at)),
            "{error}"
        );
    }
    let incident = desk.plane.propose().await;
    let path = format!("/api/v1/maintenances/{incident}/move");
    let (status, _) = desk
        .post(&path, json!({"window": night, "text": "Now."}))
        .await;
    assert_eq!(status, 409, "an incident has no window");
    assert!(desk.plane.engine.maintenances().is_empty());
}

#[tokio::test]
async fn the_form_is_looked_at_before_it_is_announced() {
    let desk = Desk::new().await;
    let form = "title=Night+work&text=Sign+in+*later*.&from=2023-07-12T22%3A00&until=2023-07-13T02%3A00\
        &clock=own&remind_hours=24";
    let looked = desk
        .form("/console/maintenances", &format!("{form}&act=look"))
        .await;
    assert_eq!(looked.status, 200, "{}", looked.text);
    assert!(looked.text.contains("<em>later</em>") && looked.text.contains("3,405 sites"));
    assert!(
        desk.plane.engine.maintenances().is_empty(),
        "nothing is announced"
    );
    let planned = desk
        .form("/console/maintenances", &format!("{form}&act=plan"))
        .await;
    assert_eq!(planned.status, 303, "{}", planned.text);
    let to = planned.headers["location"].to_str().unwrap().to_owned();
    let page = desk.page(&to).await;
    for words in ["The window", "Being checked", "Cancelled"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(
        !page.contains("Restore the sites"),
        "nothing is to be restored"
    );
    let id = to.rsplit('/').next().unwrap();
    let form = "from=2023-07-14T22%3A00&until=2023-07-15T02%3A00&text=Two+days+later.";
    let moved = desk
        .form(&format!("/console/maintenances/{id}/move"), form)
        .await;
    assert_eq!(moved.status, 303, "{}", moved.text);
    let moved = &desk.plane.engine.maintenances()[0].incident;
    assert_eq!(
        moved.started_at.to_string(),
        "2023-07-15T03:00:00Z",
        "Chicago's clock"
    );
}

/// Read by a parser that is not ours to write: begin and end, floating where the clock is each site's.
#[tokio::test]
async fn calendars_read_it() {
    let desk = Desk::new().await;
    let text = format!("Two\r\nlines\rBEGIN:VEVENT\r\n{}", "long ".repeat(3_000));
    let what = json!({"title": "Work; with, signs\\n", "text": text});
    let id = desk.plan(what).await;
    let read = async |path: &str| {
        let answer = desk.plane.send("GET", path, None, "").await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(
            answer.headers["content-type"],
            "text/calendar; charset=utf-8"
        );
        let lines = answer.text.replace("\r\n", "");
        assert!(!lines.contains(['\r', '\n']), "{lines:?}");
        answer.text.parse::<Calendar>().unwrap()
    };
    let event = |calendar: &Calendar| {
        let event = calendar
            .components
            .iter()
            .find_map(CalendarComponent::as_event);
        event.unwrap().clone()
    };
    let all = event(&read("/maintenance.ics").await);
    assert_eq!(all.get_uid(), Some(id.as_str()));
    assert_eq!(all.get_summary(), Some("Work; with, signs\\n"));
    assert_eq!(all.property_value("DTSTART"), Some("20230712T220000"));
    let there = event(&read("/maintenance.ics?site=anchorage.ak.example").await);
    assert_eq!(there.property_value("DTSTART"), Some("20230713T060000Z"));
    assert_eq!(there.property_value("DTEND"), Some("20230713T100000Z"));
    let unknown = desk
        .plane
        .send("GET", "/maintenance.ics?site=no.example", None, "");
    assert_eq!(unknown.await.status, 404);
    let updates = format!("/api/v1/incidents/{id}/updates");
    desk.post(&updates, json!({"text": "Given up.", "state": "cancelled"}))
        .await;
    let over = event(&read("/maintenance.ics").await);
    assert_eq!(over.property_value("STATUS"), Some("CANCELLED"));
    let sequence = |event: &icalendar::Event| event.property_value("SEQUENCE").map(str::to_owned);
    assert_ne!(
        sequence(&over),
        sequence(&all),
        "calendars see that it changed"
    );
}
