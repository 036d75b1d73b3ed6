//! Business calendars: kept, filled from iCalendar files, and counted on by promises.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use axum::body::Body;
use axum::http::Request;
use domain::access::Role;
use engine::Acceptance;
use serde_json::{Value, json};
use support::Plane;

const FILE: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//EN\r\nBEGIN:VEVENT\r\nUID:1\r\n\
    DTSTAMP:20230101T000000Z\r\nDTSTART;VALUE=DATE:20230712\r\nSUMMARY:Town day\r\nEND:VEVENT\r\n\
    BEGIN:VEVENT\r\nUID:2\r\nDTSTAMP:20230101T000000Z\r\nDTSTART:20230713T120000Z\r\nSUMMARY:Lunch\r\n\
    END:VEVENT\r\nEND:VCALENDAR\r\n";

struct Desk {
    plane: Plane,
    token: String,
}

impl Desk {
    async fn new() -> Self {
        let plane = Plane::with_fleet().await;
        let token = plane.token(Role::Engineer).await;
        Self { plane, token }
    }

    async fn call(&self, method: &str, path: &str, body: impl Into<Body>) -> (u16, Value) {
        let token = Some(self.token.as_str());
        let answer = self.plane.send(method, path, token, body).await;
        self.plane.hand.advance(std::time::Duration::from_millis(5));
        let body = serde_json::from_str(&answer.text).unwrap_or_default();
        (answer.status.as_u16(), body)
    }
}

#[tokio::test]
async fn a_promise_is_counted_on_the_calendar_that_it_names() {
    let desk = Desk::new().await;
    let id = desk.plane.propose().await;
    let accepted = desk
        .plane
        .engine
        .accept_incident(id, "Ada", Acceptance::default());
    accepted.await.unwrap();
    let hours = json!({"zone": "America/Chicago", "opens": "07:00", "closes": "19:00"});
    let (status, saved) = desk
        .call("PUT", "/api/v1/calendars/Texas", hours.to_string())
        .await;
    assert_eq!(
        (status, &saved["federal_holidays"]),
        (200, &json!(true)),
        "{saved}"
    );
    let (status, imported) = desk
        .call("POST", "/api/v1/calendars/Texas/holidays", FILE)
        .await;
    assert_eq!(
        (status, &imported["added"]),
        (200, &json!(["2023-07-12"])),
        "{imported}"
    );
    assert_eq!(imported["skipped"][0]["name"], "Lunch");
    let (_, again) = desk
        .call("POST", "/api/v1/calendars/Texas/holidays", FILE)
        .await;
    assert_eq!(
        (&again["added"], &again["already_there"]),
        (&json!([]), &json!(1))
    );
    let audit = desk.plane.store.audit(None, 99).await.unwrap();
    let of = |act: &str| {
        let acts = audit
            .iter()
            .filter(|one| one.act == act && one.what == "Texas");
        acts.map(|one| one.detail.clone()).collect::<Vec<_>>()
    };
    let saved = "07:00:00 to 19:00:00 in America/Chicago, without US federal holidays, 0 holidays of its own";
    assert_eq!(of("saved a calendar"), [saved]);
    assert_eq!(
        of("imported holidays"),
        ["nothing new", "2023-07-12 Town day"]
    );

    let updates = format!("/api/v1/incidents/{id}/updates");
    let promise = async |calendar: Option<&str>| {
        let body = json!({"text": "Soon.", "report_within": {"amount": 2, "unit": "business_days"},
            "preview": true, "calendar": calendar});
        let (status, posted) = desk.call("POST", &updates, body.to_string()).await;
        (status, posted["promises"][0]["due_at"].clone(), posted)
    };
    // 15:30 on a Tuesday in Chicago.
    assert_eq!(promise(None).await.1, "2023-07-14T00:00:00Z");
    assert_eq!(
        promise(Some("Texas")).await.1,
        "2023-07-15T00:00:00Z",
        "Wednesday is free there"
    );
    let (status, _, refused) = promise(Some("Ohio")).await;
    assert_eq!(
        (status, &refused["error"]["at"]),
        (422, &json!("calendar")),
        "{refused}"
    );
    // The default one is another from now on.
    let hours = json!({"zone": "America/Chicago", "opens": "08:00", "closes": "17:00"});
    desk.call("PUT", "/api/v1/calendars/default", hours.to_string())
        .await;
    assert_eq!(promise(None).await.1, "2023-07-13T22:00:00Z");
    assert_eq!(
        desk.call("POST", "/api/v1/calendars/default/remove", "")
            .await
            .0,
        204
    );
    assert_eq!(promise(None).await.1, "2023-07-14T00:00:00Z");
    assert_eq!(
        desk.call("POST", "/api/v1/calendars/Ohio/remove", "")
            .await
            .0,
        404
    );
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused_and_support_may_only_look() {
    let desk = Desk::new().await;
    for (body, at) in [
        (
            json!({"zone": "America/Chicago", "opens": "19:00", "closes": "07:00"}),
            "closes",
        ),
        (
            json!({"zone": "America/Chicago", "opens": "07:00", "closes": "07:00:00.000000001"}),
            "closes",
        ),
        (
            json!({"zone": "UTC", "opens": "07:00", "closes": "19:00", "holidays": {"2026-01-01": ""}}),
            "holidays",
        ),
    ] {
        let (status, error) = desk
            .call("PUT", "/api/v1/calendars/a", body.to_string())
            .await;
        assert_eq!(
            (status, &error["error"]["at"]),
            (422, &json!(at)),
            "{error}"
        );
    }
    let (status, error) = desk
        .call("POST", "/api/v1/calendars/default/holidays", "hello")
        .await;
    assert_eq!(
        (status, &error["error"]["at"]),
        (422, &json!("file")),
        "{error}"
    );
    let support = desk.plane.token(Role::Support).await;
    let body = json!({"zone": "UTC", "opens": "07:00", "closes": "19:00"}).to_string();
    let refused = desk
        .plane
        .send("PUT", "/api/v1/calendars/a", Some(&support), body);
    assert_eq!(refused.await.status, 403);
    let list = desk
        .plane
        .send("GET", "/api/v1/calendars", Some(&support), "");
    assert_eq!(list.await.status, 200);
}

#[tokio::test]
async fn the_console_keeps_calendars() {
    let desk = Desk::new().await;
    let send = async |form: String| {
        let request = Request::post("/console/calendars")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("host", "127.0.0.1:8080")
            .header("authorization", format!("Bearer {}", desk.token));
        let request = request.body(Body::from(form)).unwrap();
        let answer = desk.plane.answer(request).await;
        desk.plane.hand.advance(std::time::Duration::from_millis(5));
        answer
    };
    let form = "name=Ohio&zone=America%2FNew_York&opens=08%3A00&closes=17%3A00&act=save";
    assert_eq!(send(form.into()).await.status, 303);
    let mut file = url::form_urlencoded::Serializer::new(String::new());
    file.append_pair("name", "Ohio")
        .append_pair("file", FILE)
        .append_pair("act", "import");
    let imported = send(file.finish()).await;
    assert_eq!(imported.status, 200, "{}", imported.text);
    for words in [
        "1 day is free",
        "Lunch",
        "8:00 AM to 5:00 PM on weekdays in America/New_York",
        "Town day",
    ] {
        assert!(imported.text.contains(words), "{words}: {}", imported.text);
    }
    let refused = send("name=Ohio&zone=Mars&opens=08%3A00&closes=17%3A00&act=save".into()).await;
    assert_eq!(refused.status, 422, "{}", refused.text);
    assert_eq!(send("name=Ohio&act=remove".into()).await.status, 303);
    let page = desk
        .plane
        .send("GET", "/console/calendars", Some(&desk.token), "")
        .await;
    assert!(!page.text.contains("Town day"), "{}", page.text);
}
