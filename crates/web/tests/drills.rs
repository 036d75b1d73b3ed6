//! Drills: recorded once, listed, compared with the one before, and shown with what broke first.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use domain::access::Role;
use serde_json::{Value, json};
use support::{Plane, drill};

struct Desk {
    plane: Plane,
    token: String,
}

impl Desk {
    async fn new() -> Self {
        let plane = Plane::new().await;
        let token = plane.token(Role::Engineer).await;
        Self { plane, token }
    }

    async fn call(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let token = Some(self.token.as_str());
        let answer = self.plane.send(method, path, token, body.to_string());
        let answer = answer.await;
        let body = serde_json::from_str(&answer.text).unwrap_or_default();
        (answer.status.as_u16(), body)
    }

    async fn record(&self, result: &Value) -> (u16, Value) {
        self.call("POST", "/api/v1/drills", result).await
    }

    async fn page(&self, path: &str) -> String {
        let page = self.plane.send("GET", path, Some(&self.token), "").await;
        assert_eq!(page.status, 200, "{path}: {}", page.text);
        page.text
    }
}

fn id(number: u32) -> String {
    format!("0189a3c0-0000-7000-8000-{number:012}")
}

#[tokio::test]
async fn a_result_is_recorded_once_whoever_sends_it() {
    let desk = Desk::new().await;
    let result = drill(&id(1), "2023-07-11T20:00:00Z");
    let (status, first) = desk.record(&result).await;
    assert_eq!((status, &first["held"]), (201, &json!(true)), "{first}");
    assert_eq!(first["tally"], json!({"held": 3, "must_hold": 3}));
    assert_eq!(desk.record(&result).await, (201, first.clone()));
    let mut other = result.clone();
    other["seed"] = 8.into();
    let (status, error) = desk.record(&other).await;
    assert_eq!(status, 409, "{error}");

    let path = format!("/api/v1/drills/{}", id(1));
    let (_, kept) = desk.call("GET", &path, &Value::Null).await;
    assert_eq!(kept, first);
    assert_eq!(kept["act1"]["course"], result["act1"]["course"]);
    let (_, listed) = desk.call("GET", "/api/v1/drills", &Value::Null).await;
    let listed = listed["drills"].as_array().unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0]["act1"]["figures"], first["act1"]["figures"]);
    assert!(listed[0]["act1"].get("course").is_none(), "{}", listed[0]);
    let audit = desk.plane.engine.audit_before(None, 100).await.unwrap();
    let recorded: Vec<_> = audit
        .iter()
        .filter(|entry| entry.act == "recorded a drill")
        .collect();
    assert_eq!(recorded.len(), 1);
    assert_eq!(recorded[0].detail, "3 of 3 held");
}

#[tokio::test]
async fn support_may_look_and_not_record() {
    let desk = Desk::new().await;
    let support = desk.plane.token(Role::Support).await;
    let body = drill(&id(1), "2023-07-11T20:00:00Z").to_string();
    let refused = desk
        .plane
        .send("POST", "/api/v1/drills", Some(&support), body);
    assert_eq!(refused.await.status, 403);
    for path in ["/api/v1/drills", "/console/drills"] {
        let seen = desk.plane.send("GET", path, Some(&support), "").await;
        assert_eq!(seen.status, 200, "{path}");
    }
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_its_place() {
    let desk = Desk::new().await;
    let good = drill(&id(1), "2023-07-11T20:00:00Z");
    let point = json!({"minute": 1.0, "failing": 0, "renewed": 0});
    for (pointer, value, status, at) in [
        ("/scenario", json!("rm -rf"), 422, "scenario"),
        ("/title", json!("x".repeat(201)), 422, "title"),
        ("/ended_at", json!("2023-07-11T21:00:00Z"), 422, "ended_at"),
        (
            "/act1/figures/0/what",
            json!(" "),
            422,
            "act1.figures[0].what",
        ),
        ("/act2/course", json!(vec![point; 501]), 422, "act2.course"),
        ("/act1/figures/0/unit", json!("feet"), 400, ""),
        ("/title", json!("x".repeat(262_144)), 413, ""),
    ] {
        let mut result = good.clone();
        *result.pointer_mut(pointer).unwrap() = value;
        let (found, error) = desk.record(&result).await;
        let said = error["error"]["at"].as_str().unwrap_or_default();
        assert_eq!((found, said), (status, at), "{pointer}: {error}");
    }
    let path = format!("/api/v1/drills/{}", id(1));
    assert_eq!(desk.call("GET", &path, &Value::Null).await.0, 404);
}

#[tokio::test]
async fn drills_are_listed_page_by_page_and_compared_with_the_one_before() {
    let desk = Desk::new().await;
    let empty = desk.page("/console/drills").await;
    let command = "--server http://127.0.0.1:8080";
    assert!(empty.contains("No drill was recorded yet."), "{empty}");
    assert!(empty.contains(command), "{empty}");
    for number in 1..=52 {
        let mut result = drill(&id(number), &format!("2023-07-10T10:{number:02}:00Z"));
        if number == 51 {
            result["act2"]["figures"][0]["measured"] = 3.into();
        }
        assert_eq!(desk.record(&result).await.0, 201);
    }
    let first = desk.page("/console/drills").await;
    let lists =
        |page: &str, number| page.contains(&format!("href=\"/console/drills/{}\"", id(number)));
    assert!(lists(&first, 52) && lists(&first, 3) && !lists(&first, 2));
    for words in [
        "Holds again: failed sign-ins, as it should be",
        "No longer held: failed sign-ins, as it should be",
        "The same held",
        "1 of 3 did not hold",
    ] {
        assert!(first.contains(words), "{words}: {first}");
    }
    assert!(!first.contains("The first of its scenario"), "{first}");
    let second = desk
        .page(&format!("/console/drills?before={}", id(3)))
        .await;
    assert!(lists(&second, 2) && lists(&second, 1) && !lists(&second, 3));
    assert!(second.contains("The first of its scenario"), "{second}");
    assert!(!second.contains("rel=\"next\""), "{second}");
    let path = format!("/api/v1/drills?limit=2&before={}", id(50));
    let (_, listed) = desk.call("GET", &path, &Value::Null).await;
    let ids = [&listed["drills"][0]["id"], &listed["drills"][1]["id"]];
    assert_eq!(ids, [&json!(id(49)), &json!(id(48))]);
}

#[tokio::test]
async fn a_drill_is_shown_with_what_broke_first() {
    let desk = Desk::new().await;
    let mut before = drill(&id(1), "2023-07-10T10:00:00Z");
    before["sites"] = 3_405.into();
    desk.record(&before).await;
    let mut result = drill(&id(2), "2023-07-11T10:00:00Z");
    result["act1"]["figures"][1]["measured"] = Value::Null;
    result["server_killed_at_percent"] = 40.into();
    desk.record(&result).await;
    let page = desk.page(&format!("/console/drills/{}", id(2))).await;
    let at = |words: &str| {
        let found = page.find(words);
        found.unwrap_or_else(|| panic!("{words} is not there: {page}"))
    };
    let broken = at("release to all restored: never instead of at most 2 h 00 min");
    assert!(broken < at("Act 1, as it happened"));
    for words in [
        "Against the drill of Mon, Jul 10, 5:00 AM CDT:",
        "(3,405 sites)",
        "No longer held: release to all restored",
        "server killed at 40 % of the campaign",
        "6 min 00 s: a customer reported it",
        "Sign-in failed on 600 of 600 sites at once.",
        "Sign-in failed nowhere",
        "0 of 1,358",
        "lamplighter drill july-11",
        "--seed 7",
        "--sites 600",
        "--speed 60",
        "--kill-server-at 40",
        "--record",
        "--server http://127.0.0.1:8080",
    ] {
        at(words);
    }
    result["id"] = id(3).into();
    result["act2"] = Value::Null;
    desk.record(&result).await;
    let page = desk.page(&format!("/console/drills/{}", id(3))).await;
    assert!(page.contains("act 2, which was left out"), "{page}");
    assert!(page.contains("This act was left out"), "{page}");
    let path = format!("/console/drills/{}", id(4));
    let none = desk.plane.send("GET", &path, Some(&desk.token), "");
    assert_eq!(none.await.status, 404);
}
