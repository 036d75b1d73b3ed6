//! The description of the API: whole, sound, and true of the replies of a real server.
#![allow(clippy::unwrap_used, reason = "a test may panic: that is how it fails")]

mod support;

use std::collections::BTreeSet;

use domain::access::Role;
use serde_json::{Value, json};
use support::Plane;

/// What programs call; the rest is for people.
const PLACES: [&str; 5] = ["/api/v1/", "/api/v2/", "/agent/v1/", "/livez", "/readyz"];

async fn described(plane: &Plane) -> Value {
    let answer = plane.send("GET", "/api/openapi.json", None, "").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["content-type"], "application/json");
    serde_json::from_str(&answer.text).unwrap()
}

/// Every operation with its method and path.
fn operations(document: &Value) -> Vec<(String, String, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    let of_path = |(path, all): (&String, &'_ Value)| -> Vec<(String, String)> {
        let methods = all.as_object().unwrap().keys();
        methods.map(|one| (one.clone(), path.clone())).collect()
    };
    let all = paths.iter().flat_map(of_path);
    all.map(|(method, path)| {
        let operation = &document["paths"][&path][&method];
        (method, path, operation)
    })
    .collect()
}

/// Every reference below a value.
fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(to)) = members.get("$ref") {
                found.insert(to.clone());
            }
            members.values().for_each(|one| references(one, found));
        }
        Value::Array(all) => all.iter().for_each(|one| references(one, found)),
        _ => {}
    }
}

#[tokio::test]
async fn the_whole_api_is_described_and_nothing_else() {
    let document = described(&Plane::new().await).await;
    let found: BTreeSet<_> = operations(&document)
        .into_iter()
        .map(|(method, path, _)| format!("{} {path}", method.to_uppercase()))
        .collect();
    let endpoints = web::endpoints();
    let of_api = endpoints
        .iter()
        .filter(|one| PLACES.iter().any(|place| one.path.starts_with(place)));
    let expected: BTreeSet<_> = of_api
        .map(|one| format!("{} {}", one.method, one.path.replace("{*", "{")))
        .collect();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn the_description_is_sound() {
    let document = described(&Plane::new().await).await;
    let official: Value =
        serde_json::from_str(include_str!("open_api/openapi-3.1.schema.json")).unwrap();
    let official = jsonschema::validator_for(&official).unwrap();
    let wrong: Vec<_> = official
        .iter_errors(&document)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    for to in &found {
        let pointer = to.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{to} leads nowhere");
    }
    for name in document["components"]["schemas"]
        .as_object()
        .unwrap()
        .keys()
    {
        let is_said = found.contains(&format!("#/components/schemas/{name}"));
        assert!(is_said, "nothing is a {name}");
        assert!(!name.ends_with(char::is_numeric), "two types are a {name}");
        validator(&document, &format!("/components/schemas/{name}"));
    }
}

#[tokio::test]
async fn every_operation_says_what_it_does_and_what_it_takes() {
    let document = described(&Plane::new().await).await;
    let tags: Vec<_> = document["tags"].as_array().unwrap().iter().collect();
    let mut ids = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        let at = format!("{method} {path}");
        assert!(!operation["summary"].as_str().unwrap().is_empty(), "{at}");
        assert!(
            ids.insert(operation["operationId"].as_str().unwrap()),
            "{at}"
        );
        let tag = &operation["tags"][0];
        assert!(tags.iter().any(|one| one["name"] == *tag), "{at}: {tag}");
        let replies = operation["responses"].as_object().unwrap();
        assert!(replies.keys().any(|one| one.starts_with('2')), "{at}");
        let parameters = operation["parameters"].as_array().unwrap();
        let in_path: BTreeSet<_> = parameters
            .iter()
            .filter(|one| one["in"] == "path")
            .map(|one| format!("{{{}}}", one["name"].as_str().unwrap()))
            .collect();
        let parts = path.split('/').filter(|part| part.starts_with('{'));
        let parts: BTreeSet<_> = parts.map(ToOwned::to_owned).collect();
        assert_eq!(in_path, parts, "{at}");
        for one in parameters {
            assert!(one["schema"].is_object(), "{at}: {one}");
            let is_said = one["in"] == "path" || one["description"].is_string();
            assert!(is_said, "{at}: what is {one}?");
        }
    }
}

#[tokio::test]
async fn every_field_says_what_it_is() {
    let document = described(&Plane::new().await).await;
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let mut silent = vec![];
    for (name, schema) in schemas {
        // Statuspage's own pages say what its fields are.
        if name.starts_with("Statuspage") {
            continue;
        }
        let fields = schema["properties"].as_object();
        for (field, says) in fields.into_iter().flatten() {
            let is_said = says.get("description").is_some() || says.get("const").is_some();
            if !is_said {
                silent.push(format!("{name}.{field}"));
            }
        }
    }
    assert!(silent.is_empty(), "{silent:#?}");
}

/// Checks values by a schema of the document.
fn validator(document: &Value, pointer: &str) -> jsonschema::Validator {
    let mut schema = document.pointer(pointer).unwrap().clone();
    schema["components"] = document["components"].clone();
    jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .unwrap()
}

/// A request, and the status that it is answered with.
struct Case {
    method: &'static str,
    /// As the description has it.
    template: &'static str,
    path: String,
    body: Value,
    status: u16,
}

fn case(
    (method, template): (&'static str, &'static str),
    path: impl Into<String>,
    body: Value,
    status: u16,
) -> Case {
    Case {
        method,
        template,
        path: path.into(),
        body,
        status,
    }
}

/// Sends a request, and compares it and its answer with the description.
async fn check(plane: &Plane, document: &Value, token: &str, case: &Case) -> Value {
    let body = case.body.to_string();
    let answer = plane.send(case.method, &case.path, Some(token), body);
    let answer = answer.await;
    let at = format!("{} {}", case.method, case.path);
    assert_eq!(answer.status.as_u16(), case.status, "{at}: {}", answer.text);
    let template = case.template.replace('~', "~0").replace('/', "~1");
    let operation = format!("/paths/{template}/{}", case.method.to_lowercase());
    if answer.status.is_success() && !case.body.is_null() {
        let asked = format!("{operation}/requestBody/content/application~1json/schema");
        fits(document, &asked, &case.body, &at);
    }
    let mut given = format!("{operation}/responses/{}", case.status);
    if answer.text.is_empty() {
        let said = document.pointer(&given).unwrap();
        assert!(said.get("content").is_none(), "{at} has a body");
        return Value::Null;
    }
    if document.pointer(&given).is_none() {
        given = format!("{operation}/responses/default");
    }
    if let Some(Value::String(to)) = document.pointer(&format!("{given}/$ref")) {
        given = to.trim_start_matches('#').into();
    }
    let given = format!("{given}/content/application~1json/schema");
    let read: Value = serde_json::from_str(&answer.text).unwrap();
    fits(document, &given, &read, &at);
    read
}

fn fits(document: &Value, pointer: &str, value: &Value, at: &str) {
    assert!(document.pointer(pointer).is_some(), "{at}: no {pointer}");
    let validator = validator(document, pointer);
    let wrong: Vec<_> = validator
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(wrong.is_empty(), "{at}: {wrong:#?}\n{value:#}");
}

const SITE: &str = "anchorage.ak.example";
const DRILL: &str = "0189a3c0-0000-7000-8000-000000000001";

/// What staff ask of an incident.
fn of_an_incident(id: &str) -> Vec<Case> {
    let path = |rest: &str| format!("/api/v1/incidents/{id}{rest}");
    let updates = ("POST", "/api/v1/incidents/{id}/updates");
    vec![
        case(
            ("POST", "/api/v1/incidents/{id}/accept"),
            path("/accept"),
            json!({"impact": "minor"}),
            200,
        ),
        case(
            updates,
            path("/updates"),
            json!({"text": "We look into it.", "state": "identified", "next_update_within": {"amount": 2, "unit": "hours"}}),
            200,
        ),
        case(
            updates,
            path("/updates"),
            json!({"text": "Later.", "post_at": "2023-07-11T23:00:00Z"}),
            200,
        ),
        case(
            updates,
            path("/updates"),
            json!({"text": "Looked at.", "preview": true}),
            200,
        ),
        case(updates, path("/updates"), json!({"txt": "?"}), 400),
        case(
            ("POST", "/api/v1/incidents/{id}/follow-ups"),
            path("/follow-ups"),
            json!({"text": "Watch the cache.", "owner": "Ada", "due": "2023-07-20"}),
            201,
        ),
        case(
            ("GET", "/api/v1/incidents/{id}/scheduled"),
            path("/scheduled"),
            Value::Null,
            200,
        ),
        case(
            ("GET", "/api/v1/incidents/{id}"),
            path(""),
            Value::Null,
            200,
        ),
        case(
            ("GET", "/api/v1/incidents/{id}/timeline"),
            path("/timeline"),
            Value::Null,
            200,
        ),
        case(
            ("GET", "/api/v1/incidents/{id}/notifications"),
            path("/notifications"),
            Value::Null,
            200,
        ),
        case(
            ("GET", "/api/v1/incidents/{id}/proposed-campaign"),
            path("/proposed-campaign"),
            Value::Null,
            200,
        ),
        case(
            ("GET", "/api/v1/public/incidents/{id}"),
            format!("/api/v1/public/incidents/{id}"),
            Value::Null,
            200,
        ),
    ]
}

/// What is changed, as an administrator changes it.
fn changes() -> Vec<Case> {
    let order = json!({"action": "clear_cache", "selection": {"product": "web-central", "zones": ["America/Anchorage"]},
        "pace": {"kind": "fixed_rate", "sites_per_second": 2.0}});
    let post = |path: &'static str, body, status| case(("POST", path), path, body, status);
    vec![
        post("/api/v1/campaigns/plan", order.clone(), 200),
        post("/api/v1/campaigns", order, 201),
        post(
            "/api/v1/tokens",
            json!({"name": "Grace", "role": "support"}),
            201,
        ),
        post(
            "/api/v1/tokens",
            json!({"name": "", "role": "support"}),
            422,
        ),
        post(
            "/api/v1/documents",
            json!({"product": "web-central", "service": "theme", "name": "colours", "accepts": "*",
                "lane": "other", "body": {"ink": "black"}}),
            201,
        ),
        post(
            "/api/v1/releases",
            json!({"product": "web-central", "version": "5.2.0"}),
            201,
        ),
        post(
            "/api/v1/drills",
            support::drill(DRILL, "2023-07-11T20:00:00Z"),
            201,
        ),
        post(
            "/api/v1/agents/enrolments",
            json!({"product": "web-central"}),
            201,
        ),
        post(
            "/api/v1/banners",
            json!({"text": "Sign-in may fail.", "severity": "warning", "area": {"states": ["AK"]}}),
            201,
        ),
        post(
            "/api/v1/banners",
            json!({"text": "Sign-in may fail.", "severity": "info", "preview": true}),
            200,
        ),
        post(
            "/api/v1/reports",
            json!({"site": SITE, "text": "I cannot sign in."}),
            202,
        ),
        post(
            "/api/v1/followers",
            json!({"url": "https://hooks.example/1", "shape": "standard"}),
            201,
        ),
        post(
            "/api/v1/accounts",
            json!({"email": "a@example.org", "password": "long enough to be one"}),
            201,
        ),
        post(
            "/api/v1/accounts/unlock",
            json!({"email": "a@example.org"}),
            200,
        ),
        post("/api/v1/keys", Value::Null, 201),
        post(
            "/api/v1/clients/issue",
            json!({"product": "web-central", "limit": 2}),
            201,
        ),
        post(
            "/api/v1/templates/preview",
            json!({"template": {"text": "We look into {what}.", "placeholders": [{"name": "what", "kind": "text"}]},
                "values": {"what": "sign-in"}}),
            200,
        ),
        case(
            ("PUT", "/api/v1/templates/{name}"),
            "/api/v1/templates/Ours",
            json!({"text": "We look into it."}),
            200,
        ),
        case(
            ("PUT", "/api/v1/on-call"),
            "/api/v1/on-call",
            json!({"steps": [{"url": "https://pager.example/1"}]}),
            204,
        ),
        case(
            ("PUT", "/api/v1/products/{name}"),
            "/api/v1/products/web-central",
            json!({"idle_p95_seconds": 0.2}),
            204,
        ),
    ]
}

/// What is read afterwards.
fn reads() -> Vec<Case> {
    let paths = [
        "/api/v1/alarms",
        "/api/v1/audit",
        "/api/v1/banners",
        "/api/v1/campaigns",
        "/api/v1/documents",
        "/api/v1/drills",
        "/api/v1/follow-ups",
        "/api/v1/followers",
        "/api/v1/incidents",
        "/api/v1/keys",
        "/api/v1/on-call",
        "/api/v1/pages",
        "/api/v1/products",
        "/api/v1/public/banners",
        "/api/v1/public/incidents",
        "/api/v1/releases",
        "/api/v1/reports",
        "/api/v1/sites",
        "/api/v1/templates",
        "/api/v1/tokens",
        "/api/v2/components.json",
        "/api/v2/incidents.json",
        "/api/v2/scheduled-maintenances.json",
        "/api/v2/status.json",
        "/api/v2/summary.json",
    ];
    let read = |path: &'static str| case(("GET", path), path, Value::Null, 200);
    let mut all: Vec<_> = paths.into_iter().map(read).collect();
    all.push(case(
        ("GET", "/api/v1/drills/{id}"),
        format!("/api/v1/drills/{DRILL}"),
        Value::Null,
        200,
    ));
    all.push(case(
        ("GET", "/api/v1/sites/{hostname}"),
        format!("/api/v1/sites/{SITE}"),
        Value::Null,
        200,
    ));
    all.push(case(
        ("GET", "/api/v1/sites/{hostname}"),
        "/api/v1/sites/no-such.example",
        Value::Null,
        404,
    ));
    all.push(case(
        ("GET", "/api/v1/releases/{product}/{version}/readiness"),
        "/api/v1/releases/web-central/5.2.0/readiness",
        Value::Null,
        200,
    ));
    all
}

#[tokio::test]
async fn replies_are_as_described() {
    let plane = Plane::with_fleet().await;
    let document = described(&plane).await;
    let token = plane.token(Role::Admin).await;
    for case in changes() {
        check(&plane, &document, &token, &case).await;
    }
    let id = plane.propose().await.to_string();
    for case in of_an_incident(&id) {
        check(&plane, &document, &token, &case).await;
    }
    for case in reads() {
        check(&plane, &document, &token, &case).await;
    }
    let forbidden = case(
        ("GET", "/agent/v1/actions"),
        "/agent/v1/actions",
        Value::Null,
        403,
    );
    check(&plane, &document, &token, &forbidden).await;
    let campaigns = plane
        .send("GET", "/api/v1/campaigns", Some(&token), "")
        .await;
    let campaigns: Value = serde_json::from_str(&campaigns.text).unwrap();
    let campaign = campaigns[0]["id"].as_str().unwrap();
    for (template, rest) in [
        ("/api/v1/campaigns/{id}", ""),
        ("/api/v1/campaigns/{id}/sites", "/sites"),
    ] {
        let path = format!("/api/v1/campaigns/{campaign}{rest}");
        let case = case(("GET", template), path, Value::Null, 200);
        check(&plane, &document, &token, &case).await;
    }
}

#[tokio::test]
async fn the_page_tells_every_operation_and_its_links_lead_somewhere() {
    let plane = Plane::new().await;
    let document = described(&plane).await;
    let page = plane.send("GET", "/api", None, "").await;
    assert_eq!(page.status, 200);
    for (method, path, operation) in operations(&document) {
        let id = operation["operationId"].as_str().unwrap();
        let anchor = format!("id=\"{id}\"");
        assert!(page.text.contains(&anchor), "{method} {path}");
    }
    let links = page.text.split("href=\"#").skip(1);
    for to in links.filter_map(|rest| rest.split('"').next()) {
        let anchor = format!("id=\"{to}\"");
        assert_eq!(page.text.matches(&anchor).count(), 1, "#{to}");
    }
}
