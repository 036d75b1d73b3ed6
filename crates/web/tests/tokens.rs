//! Tokens: listed without themselves, named once, withdrawn by what the list and the enrolment show.
#![allow(clippy::unwrap_used, reason = "a test may panic: that is how it fails")]

mod support;

use domain::access::Role;
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use support::Plane;
use tower::ServiceExt as _;

struct Desk {
    plane: Plane,
    token: String,
}

impl Desk {
    async fn open() -> Self {
        let plane = Plane::new().await;
        let token = plane.token(Role::Admin).await;
        Self { plane, token }
    }

    async fn call(&self, method: &str, path: &str, token: &str, body: Value) -> (u16, Value) {
        let body = body.to_string();
        let answer = self.plane.send(method, path, Some(token), body).await;
        let body = serde_json::from_str(&answer.text).unwrap_or_default();
        (answer.status.as_u16(), body)
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.call("POST", path, &self.token, body).await
    }

    async fn list(&self, query: &str) -> Value {
        let path = format!("/api/v1/tokens{query}");
        self.call("GET", &path, &self.token, Value::Null).await.1
    }

    async fn withdraw(&self, id: &Value) -> u16 {
        let path = format!("/api/v1/tokens/{}/withdraw", id.as_str().unwrap());
        self.post(&path, json!({})).await.0
    }

    async fn opens(&self, token: &Value) -> bool {
        let token = token.as_str().unwrap();
        let (status, _) = self.call("GET", "/api/v1/sites", token, Value::Null).await;
        status != 401
    }
}

#[tokio::test]
async fn tokens_are_listed_page_by_page_without_themselves() {
    let desk = Desk::open().await;
    let mut made = vec![];
    for number in 0..4 {
        let new = json!({"name": format!("Kim {number}"), "role": "support"});
        made.push(desk.post("/api/v1/tokens", new).await.1);
    }
    let (mut after, mut found) = (String::new(), vec![]);
    loop {
        let page = desk.list(&format!("?limit=2{after}")).await;
        assert!(page["tokens"].as_array().unwrap().len() <= 2);
        found.extend(page["tokens"].as_array().unwrap().clone());
        match page["after"].as_str() {
            Some(last) => after = format!("&after={last}"),
            None => break,
        }
    }
    assert_eq!(found.len(), 5);
    for made in made {
        let listed = found.iter().find(|one| one["id"] == made["id"]).unwrap();
        let expected = json!({"id": made["id"], "name": made["name"], "role": "support",
            "made_at": "2023-07-11T20:30:00Z"});
        assert_eq!(listed, &expected);
    }
}

#[tokio::test]
async fn a_name_says_who_held_a_token() {
    let desk = Desk::open().await;
    let kim = json!({"name": "Kim", "role": "support"});
    let first = desk.post("/api/v1/tokens", kim.clone()).await.1;
    for (name, says) in [
        ("Kim", "withdraw that token first"),
        ("break-glass", "data folder"),
        ("Break-Glass", "data folder"),
        ("the watch", "the program itself"),
        ("The  Schedule", "the program itself"),
        ("READERS", "the program itself"),
        ("lamp\u{200b}lighter", "the program itself"),
        ("A visitor", "the program itself"),
        ("detection", "the program itself"),
    ] {
        let new = json!({"name": name, "role": "admin"});
        let (status, answer) = desk.post("/api/v1/tokens", new).await;
        assert_eq!((status, &answer["error"]["at"]), (422, &json!("name")));
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.contains(says), "{message}");
    }
    assert_eq!(desk.withdraw(&first["id"]).await, 204);
    assert_eq!(desk.withdraw(&first["id"]).await, 404);
    assert!(!desk.opens(&first["token"]).await);
    let second = desk.post("/api/v1/tokens", kim).await.1;
    assert!(desk.opens(&second["token"]).await);

    let store = desk.plane.engine.store();
    let audit = store.audit(None, 99).await.unwrap();
    let mut told: Vec<_> = audit
        .iter()
        .filter(|one| one.what == "Kim")
        .map(|one| (&*one.act, &*one.what, one.detail.clone()))
        .collect();
    told.sort();
    let detail = |made: &Value| format!("support, {}", made["id"].as_str().unwrap());
    let mut expected = [
        ("made a token", "Kim", detail(&first)),
        ("made a token", "Kim", detail(&second)),
        ("withdrew a token", "Kim", detail(&first)),
    ];
    expected.sort();
    assert_eq!(told, expected);
}

#[tokio::test]
async fn the_token_of_an_agent_is_withdrawn_by_the_identifier_that_it_enrolled_with() {
    let desk = Desk::open().await;
    let site =
        "hostname,organization,kind,city,state,timezone,population\na.gov,A,City,A,CA,UTC,1\n";
    let import = "/api/v1/fleet/import?product=web-central&release=5.1.0";
    let answer = desk
        .plane
        .send("POST", import, Some(&desk.token), site)
        .await;
    assert!(answer.status.is_success(), "{}", answer.text);
    let mut enrolled = vec![];
    for secret in ["first", "second"].map(|name| format!("lmp_{name:a>43}")) {
        let token = desk.post("/api/v1/agents/enrolments", json!({})).await.1["token"].clone();
        let enrol =
            json!({"token": token, "secret": secret, "host": "localhost", "sites": ["a.gov"]});
        let (status, mut agent) = desk.post("/agent/v1/enrol", enrol).await;
        assert_eq!(status, 200, "{agent}");
        agent["token"] = secret.into();
        enrolled.push(agent);
    }
    let list = desk.list("").await;
    for agent in &enrolled {
        let all = list["tokens"].as_array().unwrap();
        let listed = all
            .iter()
            .find(|one| one["agent"] == agent["agent"])
            .unwrap();
        let name = listed["name"].as_str().unwrap();
        assert!(name.contains(agent["agent"].as_str().unwrap()), "{name}");
    }
    let actions = async |agent: &Value| {
        let token = agent["token"].as_str().unwrap();
        desk.call("GET", "/agent/v1/actions", token, Value::Null)
            .await
            .0
    };
    assert_eq!(desk.withdraw(&enrolled[0]["agent"]).await, 204);
    assert_eq!(actions(&enrolled[0]).await, 401);
    assert_eq!(actions(&enrolled[1]).await, 200);
}

#[tokio::test]
async fn a_withdrawn_token_ends_the_streams_that_it_opened() {
    let desk = Desk::open().await;
    let (_, made) = desk
        .post("/api/v1/tokens", json!({"name": "Kim", "role": "support"}))
        .await;
    let (_, other) = desk
        .post("/api/v1/tokens", json!({"name": "Lee", "role": "support"}))
        .await;
    let stream = async |token: &Value| {
        let token = token["token"].as_str().unwrap();
        let request = http::Request::get("/console/lamps/events")
            .header("host", "127.0.0.1:8080")
            .header("authorization", format!("Bearer {token}"))
            .body(axum::body::Body::empty())
            .unwrap();
        let answered = desk.plane.router.clone().oneshot(request).await.unwrap();
        assert_eq!(answered.status(), 200);
        answered.into_body().into_data_stream()
    };
    let (mut kims, mut lees) = (stream(&made).await, stream(&other).await);
    assert!(kims.next().await.is_some() && lees.next().await.is_some());
    assert_eq!(desk.withdraw(&made["id"]).await, 204);
    let within = std::time::Duration::from_secs(20);
    let ended = tokio::time::timeout(within, async { while kims.next().await.is_some() {} });
    ended.await.unwrap();
    let still = tokio::time::timeout(std::time::Duration::from_millis(200), lees.next()).await;
    assert!(!matches!(still, Ok(None)), "another's goes on");
}
