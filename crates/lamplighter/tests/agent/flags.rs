//! Config read as flags, by the shapes of OFREP and by OpenFeature's own SDKs.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::*;

const BODY: &str =
    r#"{"pkce":{"required":true},"path":"/login","tries":3,"share":0.5,"list":["a"],"none":null}"#;

struct Answer {
    status: u16,
    etag: Option<String>,
    body: Value,
}

async fn ask(agent: &Agent, path: &str, body: &str, etag: Option<&str>) -> Answer {
    let url = format!(
        "http://{}/ofrep/v1/evaluate/flags{path}",
        agent.address().unwrap()
    );
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut request = http.post(url).body(body.to_owned());
    if let Some(etag) = etag {
        request = request.header("if-none-match", etag);
    }
    let answer = request.send().await.unwrap();
    let etag = answer.headers().get("etag");
    let etag = etag.map(|etag| etag.to_str().unwrap().to_owned());
    let status = answer.status().as_u16();
    let body = answer.json().await.unwrap_or_default();
    Answer { status, etag, body }
}

fn context(site: &str, code: &str) -> String {
    json!({"context": {"targetingKey": site, "code": code}}).to_string()
}

async fn started() -> (Plane, Agent, CancellationToken) {
    let plane = Plane::start().await;
    plane.publish("~5.1", BODY).await.unwrap();
    let stop = CancellationToken::new();
    let agent = plane.agent(&plane.url, &stop).await;
    plane.ready_sites(&Version::new(5, 1, 0), 2).await;
    plane
        .until("fresh", || {
            let fresh = agent
                .cache()
                .freshness(plane.clock.now(), Duration::from_secs(60));
            !fresh.stale
        })
        .await;
    (plane, agent, stop)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flag_is_a_document_or_a_member_of_it_for_the_code_of_the_site() {
    let (plane, agent, stop) = started().await;
    let a = context("a.example", "5.1.0");
    for (key, value) in [
        ("sign-in.links", serde_json::from_str(BODY).unwrap()),
        ("sign-in.links.pkce", json!({"required": true})),
        ("sign-in.links.pkce.required", json!(true)),
        ("sign-in.links.path", json!("/login")),
        ("sign-in.links.tries", json!(3)),
        ("sign-in.links.share", json!(0.5)),
    ] {
        let answer = ask(&agent, &format!("/{key}"), &a, None).await;
        assert_eq!(answer.status, 200, "{key}");
        let body = &answer.body;
        assert_eq!((&body["key"], &body["value"]), (&json!(key), &value));
        let said = (
            &body["reason"],
            &body["variant"],
            &body["metadata"]["version"],
        );
        assert_eq!(said, (&json!("STATIC"), &json!("1"), &json!(1)));
        assert!(body["metadata"]["age_seconds"].is_u64(), "{body}");
    }
    let key = "/sign-in.links.path";
    for (path, body, status, code) in [
        (key, "{", 400, "PARSE_ERROR"),
        (key, "", 400, "PARSE_ERROR"),
        (key, "{}", 400, "TARGETING_KEY_MISSING"),
        (
            key,
            r#"{"context":{"code":"5.1.0"}}"#,
            400,
            "TARGETING_KEY_MISSING",
        ),
        (key, r#"{"context":[]}"#, 400, "INVALID_CONTEXT"),
        (
            key,
            r#"{"context":{"targetingKey":7}}"#,
            400,
            "INVALID_CONTEXT",
        ),
        (
            key,
            r#"{"context":{"targetingKey":"a.example"}}"#,
            400,
            "INVALID_CONTEXT",
        ),
        (key, &context("a.example", "five"), 400, "INVALID_CONTEXT"),
        (key, &context("c.example", "5.1.0"), 400, "INVALID_CONTEXT"),
        (key, &context("a.example", "5.2.0"), 404, "FLAG_NOT_FOUND"),
        ("/sign-in.links.none", &a, 404, "FLAG_NOT_FOUND"),
        ("/sign-in.else", &a, 404, "FLAG_NOT_FOUND"),
        ("/new-colour", &a, 404, "FLAG_NOT_FOUND"),
        ("", "{", 400, "PARSE_ERROR"),
        ("", "{}", 400, "TARGETING_KEY_MISSING"),
        (
            "",
            r#"{"context":{"targetingKey":"a.example"}}"#,
            400,
            "INVALID_CONTEXT",
        ),
    ] {
        let answer = ask(&agent, path, body, None).await;
        assert_eq!(
            (answer.status, &answer.body["errorCode"]),
            (status, &json!(code)),
            "{path} {body}"
        );
        assert!(answer.body["errorDetails"].is_string(), "{path} {body}");
        let named = &answer.body["key"];
        assert_eq!(
            named,
            &path.strip_prefix('/').map_or(Value::Null, |key| json!(key))
        );
    }
    let long = format!("{{\"context\":{{\"x\":\"{}\"}}}}", "x".repeat(70_000));
    assert_eq!(
        ask(&agent, key, &long, None).await.body["errorCode"],
        "PARSE_ERROR"
    );
    stop.cancel();
    agent.wait().await;
    plane.stop.cancel();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_flags_come_at_once_and_again_only_when_something_changed() {
    let (plane, agent, stop) = started().await;
    let a = context("a.example", "5.1.0");
    let all = ask(&agent, "", &a, None).await;
    let keys = |answer: &Answer| -> Vec<String> {
        let flags = answer.body["flags"].as_array().unwrap().iter();
        flags
            .map(|flag| flag["key"].as_str().unwrap().to_owned())
            .collect()
    };
    let own = keys(&all);
    assert_eq!((all.status, own.len()), (200, 7), "{own:?}");
    assert_eq!(all.body["metadata"]["stale"], false);
    let again = ask(&agent, "", &a, all.etag.as_deref()).await;
    assert_eq!((again.status, again.body), (304, Value::Null));

    // Nothing is for this code; and another service has no flags.
    let other = ask(
        &agent,
        "",
        &context("a.example", "5.2.0"),
        all.etag.as_deref(),
    )
    .await;
    assert_eq!((other.status, keys(&other)), (200, vec![]));
    for (service, count) in [("sign-in", 7), ("search", 0)] {
        let body =
            json!({"context": {"targetingKey": "a.example", "code": "5.1.0", "service": service}});
        assert_eq!(
            keys(&ask(&agent, "", &body.to_string(), None).await).len(),
            count
        );
    }

    plane.publish("^5.2", r#"{"path":"/in"}"#).await.unwrap();
    let after = context("a.example", "5.2.0");
    plane
        .until("the new version is held", || {
            let read = |code| {
                agent
                    .cache()
                    .read_all(&host("a.example"), &code, None)
                    .len()
            };
            read(Version::new(5, 2, 0)) == 1
        })
        .await;
    let changed = ask(&agent, "", &after, other.etag.as_deref()).await;
    assert_eq!(keys(&changed), ["sign-in.links", "sign-in.links.path"]);
    // The code that the site still runs has what it had.
    assert_eq!(ask(&agent, "", &a, all.etag.as_deref()).await.status, 304);

    // Everything is gone: what it knows goes on being said, with its reason.
    plane.stop.cancel();
    plane
        .until("stale", || {
            agent
                .cache()
                .freshness(plane.clock.now(), Duration::from_secs(60))
                .stale
        })
        .await;
    let stale = ask(&agent, "", &a, all.etag.as_deref()).await;
    assert_eq!(stale.status, 200, "clients are told");
    assert_eq!(stale.body["flags"][0]["reason"], "STALE");
    let one = ask(&agent, "/sign-in.links.path", &a, None).await.body;
    assert_eq!(
        (&one["reason"], &one["value"]),
        (&json!("STALE"), &json!("/login"))
    );
    assert!(
        one["metadata"]["age_seconds"].as_u64().unwrap() >= 60,
        "{one}"
    );
    stop.cancel();
    agent.wait().await;
}

/// `LAMPLIGHTER_TEST_RECEIVERS` is where `./test` puts the packages.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sdks_of_open_feature_read_it() {
    let Ok(folder) = std::env::var("LAMPLIGHTER_TEST_RECEIVERS") else {
        eprintln!("left out: OpenFeature's SDKs; they need LAMPLIGHTER_TEST_RECEIVERS");
        return;
    };
    let (plane, agent, stop) = started().await;
    let asked = json!({
        "baseUrl": format!("http://{}", agent.address().unwrap()),
        "context": {"targetingKey": "a.example", "code": "5.1.0"},
        "asks": [
            ["object", "sign-in.links.pkce", {}],
            ["boolean", "sign-in.links.pkce.required", false],
            ["string", "sign-in.links.path", ""],
            ["number", "sign-in.links.share", 0],
            ["object", "sign-in.links.list", []],
            ["string", "sign-in.links.tries", "none"],
            ["string", "sign-in.links.gone", "none"],
        ],
    });
    let answers = with_sdks(&folder, &asked).await;
    for sdk in ["server", "web"] {
        let answers = answers[sdk].as_array().unwrap();
        let values: Vec<_> = answers.iter().map(|one| one["value"].clone()).collect();
        let expected = [
            json!({"required": true}),
            json!(true),
            json!("/login"),
            json!(0.5),
            json!(["a"]),
            json!("none"),
            json!("none"),
        ];
        assert_eq!(values, expected, "{sdk}");
        assert!(
            answers[..5].iter().all(|one| {
                one["reason"] == "STATIC"
                    && one["variant"] == "1"
                    && one["flagMetadata"]["version"] == 1
            }),
            "{sdk}: {answers:?}"
        );
        let errors = [&answers[5]["errorCode"], &answers[6]["errorCode"]];
        assert_eq!(errors, ["TYPE_MISMATCH", "FLAG_NOT_FOUND"], "{sdk}");
    }
    stop.cancel();
    agent.wait().await;
    plane.stop.cancel();
}

async fn with_sdks(folder: &str, asked: &Value) -> Value {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/agent/ofrep.cjs");
    let mut child = Command::new("node")
        .arg(script)
        .env("NODE_PATH", format!("{folder}/npm/node_modules"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(asked.to_string().as_bytes()).await.unwrap();
    drop(input);
    let ended = child.wait_with_output().await.unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{said}");
    serde_json::from_slice(&ended.stdout).unwrap()
}
