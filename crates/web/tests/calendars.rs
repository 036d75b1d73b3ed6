//! Business calendars: kept, filled from iCalendar files, and counted on by promises.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use domain::access::Role;
use domain::id::IncidentId;
use engine::Acceptance;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use support::Plane;
use tokio_util::sync::CancellationToken;

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
        self.plane.hand.advance(Duration::from_millis(5));
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
        desk.plane.hand.advance(Duration::from_millis(5));
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

impl Desk {
    /// An incident that customers read, and a calendar of mornings in Denver, free on the Wednesday.
    async fn accepted(&self) -> IncidentId {
        let id = self.plane.propose().await;
        let accepted = self
            .plane
            .engine
            .accept_incident(id, "Ada", Acceptance::default());
        accepted.await.unwrap();
        let hours = json!({"zone": "America/Denver", "opens": "09:00", "closes": "13:00",
            "federal_holidays": false, "holidays": {"2023-07-12": "Town day"}});
        let saved = self.call("PUT", "/api/v1/calendars/Mountain", hours.to_string());
        assert_eq!(saved.await.0, 200);
        id
    }

    /// Posts an update; gives what it promises.
    async fn post(&self, id: IncidentId, update: Value) -> Value {
        let path = format!("/api/v1/incidents/{id}/updates");
        let (status, posted) = self.call("POST", &path, update.to_string()).await;
        assert_eq!(status, 200, "{posted}");
        posted["promises"][0].clone()
    }

    async fn form(&self, path: &str, form: &str) -> support::Answer {
        let request = Request::post(path)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("host", "127.0.0.1:8080")
            .header("authorization", format!("Bearer {}", self.token));
        let request = request.body(Body::from(form.to_owned())).unwrap();
        self.plane.answer(request).await
    }

    async fn page(&self, path: &str) -> String {
        let answer = self.plane.send("GET", path, Some(&self.token), "").await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        answer.text
    }

    /// The steps of reminding that the promise of a post has come to, and when the last was taken.
    fn steps(&self, id: IncidentId, promise: &Value) -> (Vec<u32>, Option<Timestamp>) {
        let view = self.plane.engine.incident_view(id).unwrap();
        let of = view.reminders.iter();
        let of = of.filter(|one| promise["made_by"] == json!(one.of.made_by));
        let of: Vec<_> = of.collect();
        let steps = of.iter().map(|one| one.of.step).collect();
        (steps, of.last().map(|one| one.at))
    }

    /// Lets the watch look from `moment` on, half a minute at a time, until it is so.
    async fn watch(&self, moment: Timestamp, looks_max: u32, so: impl Fn() -> bool) {
        let stop = CancellationToken::new();
        let mut workers = self.plane.engine.run_workers(&stop);
        let now = self.plane.engine.clock().now();
        let ahead = moment.duration_since(now);
        self.plane.hand.advance(ahead.try_into().unwrap());
        for _ in 0..looks_max {
            if so() {
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

    /// A promise is not at a step before a moment, and then it is.
    async fn comes(&self, (id, promise): (IncidentId, &Value), step: u32, moment: &str) {
        let moment: Timestamp = moment.parse().unwrap();
        let before = self.steps(id, promise).0;
        let early = moment - SignedDuration::from_mins(10);
        self.watch(early, 6, || false).await;
        assert_eq!(self.steps(id, promise).0, before, "before {moment}");
        let taken = || self.steps(id, promise).0.contains(&step);
        self.watch(moment, 400, taken).await;
        let (steps, at) = self.steps(id, promise);
        assert_eq!(steps.last(), Some(&step), "at {moment}");
        let late = at.unwrap().duration_since(moment);
        let soon = SignedDuration::ZERO..SignedDuration::from_mins(30);
        assert!(soon.contains(&late), "{late:#} after {moment}");
    }
}

/// Two promises of eight business hours, at 3:30 pm Central on a Tuesday: one on the default calendar, one
/// on that of a team which works in the morning, and not on Wednesday.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_promise_is_recalled_and_escalated_by_its_own_calendar() {
    let desk = Desk::new().await;
    let id = desk.accepted().await;
    let within = json!({"amount": 8, "unit": "business_hours"});
    let update =
        |calendar: Value| json!({"text": "Soon.", "report_within": within, "calendar": calendar});
    let central = desk.post(id, update(Value::Null)).await;
    let mountain = desk.post(id, update(json!("Mountain"))).await;
    assert_eq!(
        (&central["calendar"], &central["within"]),
        (&json!("default"), &within)
    );
    assert_eq!(mountain["calendar"], "Mountain");
    assert_eq!(mountain["due_at"], "2023-07-14T19:00:00Z");
    let said = "by Fri, Jul 14, 2:00 PM CDT (within 8 business hours, by the calendar Mountain).";
    for path in [
        format!("/incidents/{id}"),
        format!("/console/incidents/{id}"),
    ] {
        let page = desk.page(&path).await;
        assert!(page.contains(said), "{path}: {page}");
        assert_eq!(page.matches("by the calendar").count(), 1, "{path}: {page}");
    }
    let page = desk.page(&format!("/incidents/{id}?lang=es")).await;
    let said = "(en un plazo de 8 horas hábiles, según el calendario Mountain)";
    assert!(page.contains(said), "{page}");

    // 3.5 hours on Tuesday; 2.9 more on Wednesday make four fifths of eight.
    let of = (id, &central);
    desk.comes(of, 0, "2023-07-12T14:54:00Z").await;
    desk.comes(of, 1, "2023-07-12T16:30:00Z").await;
    desk.comes(of, 2, "2023-07-12T20:30:00Z").await;
    desk.comes(of, 3, "2023-07-13T12:30:00Z").await;
    assert_eq!(desk.steps(id, &mountain).0, [0u32; 0], "Wednesday is free");
    // Four hours on Thursday and 2.4 on Friday.
    let of = (id, &mountain);
    desk.comes(of, 0, "2023-07-14T17:24:00Z").await;
    desk.comes(of, 1, "2023-07-14T19:00:00Z").await;
    // The weekend counts for nothing, and so does Friday's afternoon.
    desk.comes(of, 2, "2023-07-17T19:00:00Z").await;
    // Without its calendar it is escalated by the default one, which has worked twelve hours since; it stays
    // due when it was.
    let removed = desk.call("POST", "/api/v1/calendars/Mountain/remove", "");
    assert_eq!(removed.await.0, 204);
    let now = desk.plane.engine.clock().now();
    let taken = || desk.steps(id, &mountain).0.contains(&4);
    desk.watch(now, 400, taken).await;
    assert_eq!(desk.steps(id, &mountain).0, [0, 1, 2, 4]);
    let path = format!("/api/v1/incidents/{id}");
    let (_, incident) = desk.call("GET", &path, "").await;
    let promises = incident["promises"].as_array().unwrap();
    let kept = promises.iter().find(|one| one["calendar"] == "Mountain");
    assert_eq!(kept.unwrap()["due_at"], "2023-07-14T19:00:00Z");
}

#[tokio::test]
async fn a_template_promises_by_the_calendar_that_its_gap_names() {
    let desk = Desk::new().await;
    let id = desk.accepted().await;
    let template = |calendar: &str| {
        let gap = json!({"name": "soon", "kind": "duration", "default": "8 business hours", "calendar": calendar});
        json!({"text": "A report follows within {soon}.", "placeholders": [gap], "promise": ["report", "soon"]})
    };
    let path = "/api/v1/templates/Western";
    let (status, error) = desk.call("PUT", path, template("Ohio").to_string()).await;
    assert_eq!((status, &error["error"]["at"]), (422, &json!("template")));
    let says = error["error"]["message"].as_str().unwrap();
    let clear = "by the calendar \"Ohio\", which is not there: name one of Mountain, default, or save it first";
    assert!(says.contains(clear), "{says}");
    let mut unused = template("Mountain");
    unused["promise"] = Value::Null;
    let (status, error) = desk.call("PUT", path, unused.to_string()).await;
    assert_eq!(status, 422, "it would count nothing");
    let says = error["error"]["message"].as_str().unwrap();
    assert!(says.contains("leave the calendar out"), "{says}");
    let (status, saved) = desk
        .call("PUT", path, template("Mountain").to_string())
        .await;
    assert_eq!(
        (status, &saved["placeholders"][0]["calendar"]),
        (200, &json!("Mountain")),
        "{saved}"
    );
    let (_, shown) = desk.call("GET", path, "").await;
    let draft = &shown["versions"][0]["draft"];
    assert_eq!(draft["placeholders"][0]["calendar"], "Mountain", "{shown}");
    let preview = json!({"template": template("Mountain")}).to_string();
    let (_, filled) = desk
        .call("POST", "/api/v1/templates/preview", preview)
        .await;
    assert_eq!(filled["calendar"], "Mountain", "{filled}");

    let promise = desk.post(id, json!({"template": "Western"})).await;
    assert_eq!(
        (&promise["calendar"], &promise["due_at"]),
        (&json!("Mountain"), &json!("2023-07-14T19:00:00Z"))
    );
    let promise = desk
        .post(id, json!({"template": "Western", "calendar": "default"}))
        .await;
    assert_eq!(promise["calendar"], "default", "the update's word stands");
    let (status, error) = desk
        .call("POST", "/api/v1/calendars/Mountain/remove", "")
        .await;
    assert_eq!(status, 409, "{error}");
    let says = error["error"]["message"].as_str().unwrap();
    assert!(says.contains("the template \"Western\""), "{says}");
}

#[tokio::test]
async fn a_calendar_that_counts_nothing_is_refused_and_one_that_will_count_is_kept() {
    let desk = Desk::new().await;
    let id = desk.accepted().await;
    let path = format!("/api/v1/incidents/{id}/updates");
    let mut update = json!({"text": "We look into it.", "calendar": "Mountain"});
    let (status, error) = desk.call("POST", &path, update.to_string()).await;
    assert_eq!((status, &error["error"]["at"]), (422, &json!("calendar")));
    update["next_update_within"] = json!({"amount": 4, "unit": "business_hours"});
    update["post_at"] = json!("2023-07-12T16:00:00Z");
    let (status, waits) = desk.call("POST", &path, update.to_string()).await;
    assert_eq!(status, 200, "{waits}");
    let remove = "/api/v1/calendars/Mountain/remove";
    let (status, error) = desk.call("POST", remove, "").await;
    assert_eq!(status, 409, "{error}");
    let says = error["error"]["message"].as_str().unwrap();
    assert!(says.contains("waits for its moment"), "{says}");
    let waits = waits["scheduled"]["id"].as_str().unwrap();
    let cancel = format!("/api/v1/incidents/{id}/scheduled/{waits}/cancel");
    for path in [&cancel, remove] {
        let (status, answer) = desk.call("POST", path, "").await;
        assert!((200..300).contains(&status), "{path}: {answer}");
    }
}

#[tokio::test]
async fn the_console_chooses_the_calendar_of_a_template_and_of_an_update() {
    let desk = Desk::new().await;
    let form = "name=Western&follows=0&text=Within+%7Bsoon%7D.&promise=report&promise_gap=soon&state=\
        &g0-name=soon&g0-kind=duration&g0-required=1";
    let page = desk.page("/console/templates/edit").await;
    assert!(!page.contains("g0-calendar"), "there is no choice yet");
    let id = desk.accepted().await;
    let page = desk.page("/console/templates/edit").await;
    assert!(page.contains("name=\"g0-calendar\""), "{page}");
    let refused = desk
        .form(
            "/console/templates",
            &format!("{form}&g0-calendar=Ohio&act=save"),
        )
        .await;
    assert_eq!(refused.status, 422);
    for words in [
        "which is not there",
        "<option value=\"Ohio\" selected>Ohio</option>",
        "<option value=\"default\" selected>The default one</option>",
    ] {
        assert!(refused.text.contains(words), "{words}: {}", refused.text);
    }
    let form = format!("{form}&g0-calendar=Mountain&act=save");
    let saved = desk.form("/console/templates", &form).await;
    assert_eq!(saved.status, 303);
    let chosen = "<option value=\"Mountain\" selected>Mountain</option>";
    for path in [
        "/console/templates/edit?name=Western".to_owned(),
        format!("/console/incidents/{id}"),
    ] {
        let page = desk.page(&path).await;
        assert!(page.contains(chosen), "{path}: {page}");
    }
    let path = format!("/console/incidents/{id}/updates");
    for (typed, said) in [
        (
            "template=Western&gap-soon=8+business+hours&calendar=Mountain",
            "by the calendar Mountain",
        ),
        (
            "template=Western&gap-soon=8+business+hours&calendar=default",
            "by Wed, Jul 12, 11:30 AM CDT.",
        ),
        (
            "text=Soon.&next_update_within=2+business+days&calendar=Mountain",
            "(within 2 business days, by the calendar Mountain)",
        ),
        // Hours of the wall clock fall due by no calendar.
        (
            "text=Soon.&next_update_within=2+hours&calendar=Mountain",
            "by Tue, Jul 11, 5:30 PM CDT.",
        ),
    ] {
        let looked = desk.form(&path, &format!("{typed}&act=look")).await;
        assert_eq!(looked.status, 200, "{}", looked.text);
        assert!(looked.text.contains(said), "{typed}: {}", looked.text);
    }
}
