//! Bad input gets an error that names what and where, and changes nothing.
#![allow(clippy::unwrap_used, reason = "a test may panic: that is how it fails")]

mod support;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use domain::access::Role;
use support::Plane;

const HEADER: &str = "hostname,organization,kind,city,state,timezone,population\n";
const FORM: &str = "application/x-www-form-urlencoded";

#[tokio::test]
async fn a_bad_fleet_file_names_its_lines_and_imports_nothing() {
    let plane = Plane::new().await;
    let token = plane.token(Role::Engineer).await;
    let path = "/api/v1/fleet/import?product=web-central&release=5.1.0";
    for (lines, says) in [
        (
            "a.gov,A,City,A,CA,America/Sacramento,1\n",
            "\"America/Sacramento\\\" is not a time zone",
        ),
        (
            "a.gov,A,City,A,CA,UTC,1\nb.gov,B\n",
            "2 fields where the header has 7",
        ),
        ("\"a.gov,A", "1 field where the header has 7"),
        (
            "a.gov,A,City,A,\"CA,UTC,1\nb.gov,B,City,B,CA,UTC,1\n",
            "is a quotation mark",
        ),
        ("A_GOV,A,City,A,CA,UTC,1\n", "is not a host name"),
    ] {
        let answer = plane
            .send("POST", path, Some(&token), format!("{HEADER}{lines}"))
            .await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{lines}");
        assert!(answer.text.contains(says), "{lines} -> {}", answer.text);
        assert!(
            answer.text.contains("\"line\":"),
            "{lines} -> {}",
            answer.text
        );
        assert!(plane.engine.fleet().is_empty(), "{lines}");
    }
    let not_text = [HEADER.as_bytes(), b"a.gov,\xff\xfe,City,A,CA,UTC,1\n"].concat();
    let answer = plane.send("POST", path, Some(&token), not_text).await;
    assert!(answer.text.contains("not UTF-8"), "{}", answer.text);
    let good = format!("{HEADER}a.gov,A,City,A,CA,UTC,1\n");
    assert_eq!(
        plane
            .send("POST", path, Some(&token), good.clone())
            .await
            .status,
        StatusCode::CREATED
    );
    let again = plane.send("POST", path, Some(&token), good).await;
    assert!(
        again.text.contains("site a.gov is already in the fleet"),
        "{}",
        again.text
    );
}

#[tokio::test]
async fn a_key_names_one_report_of_one_site() {
    let plane = Plane::new().await;
    let token = plane.token(Role::Engineer).await;
    let fleet = format!("{HEADER}a.gov,A,City,A,CA,UTC,1\nb.gov,B,City,B,CA,UTC,1\n");
    let path = "/api/v1/fleet/import";
    let imported = plane.send("POST", path, Some(&token), fleet).await;
    assert_eq!(imported.status, StatusCode::CREATED, "{}", imported.text);
    let mut first = None;
    for (site, text, contact, status, same_as_first) in [
        ("a.gov", "Sign-in fails", "", 202, true),
        ("a.gov", " Sign-in fails\n", "", 202, true),
        ("b.gov", "Sign-in fails", "", 202, false),
        ("a.gov", "The page is white", "", 422, false),
        ("a.gov", "Sign-in fails", "clerk@a.gov", 422, false),
    ] {
        let body = serde_json::json!({"site": site, "text": text, "contact": contact});
        let request = Request::post("/api/v1/reports").header("idempotency-key", "1");
        let answer = plane
            .answer(request.body(Body::from(body.to_string())).unwrap())
            .await;
        assert_eq!(answer.status.as_u16(), status, "{body}: {}", answer.text);
        let said: serde_json::Value = serde_json::from_str(&answer.text).unwrap();
        if status == 422 {
            assert_eq!(said["error"]["at"], "idempotency-key", "{said}");
        }
        let first = first.get_or_insert_with(|| said["id"].clone());
        assert_eq!(said["id"] == *first, same_as_first, "{body}: {said}");
    }
}

#[tokio::test]
async fn a_truncated_request_changes_nothing() {
    let plane = Plane::new().await;
    let token = plane.token(Role::Admin).await;
    let broken = Body::from_stream(futures_util::stream::iter([
        Ok("{\"name\": \"Kim\", "),
        Err(std::io::Error::other("the connection was cut")),
    ]));
    let request = Request::post("/api/v1/tokens")
        .header("authorization", format!("Bearer {token}"))
        .body(broken)
        .unwrap();
    let answer = plane.answer(request).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.text.contains("ended early"), "{}", answer.text);
    let cut = plane
        .send("POST", "/api/v1/tokens", Some(&token), "{\"name\": \"Kim\"")
        .await;
    assert_eq!(cut.status, StatusCode::BAD_REQUEST);
    assert!(cut.text.contains("line 1 column"), "{}", cut.text);
    let audit = plane.send("GET", "/api/v1/audit", Some(&token), "").await;
    assert!(!audit.text.contains("Kim"), "{}", audit.text);
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let plane = Plane::new().await;
    let token = plane.token(Role::Admin).await;
    let answer = plane
        .send("POST", "/api/v1/tokens", Some(&token), vec![b' '; 70_000])
        .await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_wrong_token_is_told_what_to_do() {
    let plane = Plane::new().await;
    let answer = plane
        .send("GET", "/api/v1/sites", Some("lmp_wrong"), "")
        .await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert!(
        answer.text.contains("ask an administrator"),
        "{}",
        answer.text
    );
}

#[tokio::test]
async fn a_change_by_cookie_must_come_from_our_own_pages() {
    let plane = Plane::new().await;
    let token = plane.token(Role::Admin).await;
    let call = |origin: &'static str| {
        Request::post("/api/v1/tokens")
            .header("host", "127.0.0.1:8080")
            .header("origin", origin)
            .header("cookie", format!("lamplighter-console={token}"))
            .body(Body::from("{\"name\": \"Kim\", \"role\": \"support\"}"))
            .unwrap()
    };
    assert_eq!(
        plane.answer(call("http://evil.example")).await.status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        plane.answer(call("http://127.0.0.1:8080")).await.status,
        StatusCode::CREATED
    );
}

const REPORT: &str = r#"{"site": "unknown.gov", "text": "Sign-in fails"}"#;

#[tokio::test]
async fn one_address_is_limited_wherever_it_stands() {
    let plane = Plane::new().await;
    for (path, kind, body, allowed) in [
        ("/api/v1/reports", "application/json", REPORT, 60),
        ("/console/sign-in", FORM, "token=guessed", 240),
        ("/oidc/sign-in", FORM, "email=a%40a.gov", 0),
    ] {
        let send = async |claimed: &str| {
            let request = Request::post(path)
                .header("content-type", kind)
                .header("x-forwarded-for", claimed);
            let request = request.body(Body::from(body)).unwrap();
            plane.answer(request).await.status.as_u16()
        };
        for tried in 0..allowed {
            let status = send("198.51.100.1").await;
            assert_ne!(status, 429, "{path} after {tried}");
        }
        // No proxy is trusted: a header that the client wrote changes nothing.
        assert_eq!(send("198.51.100.2").await, 429, "{path}");
    }
    let page = plane.send("GET", "/console/sign-in", None, "").await;
    assert_eq!(page.status, StatusCode::OK, "only tries are counted");
}

#[tokio::test]
async fn what_a_query_or_form_cannot_mean_is_said_plainly() {
    let plane = Plane::new().await;
    let token = plane.token(Role::Admin).await;
    for (method, path, kind, body, status, says) in [
        (
            "POST",
            "/api/v1/fleet/import?relase=9.9.9",
            "text/csv",
            "",
            400,
            "unknown field `relase`",
        ),
        (
            "GET",
            "/api/v1/sites?state=nope",
            "",
            "",
            400,
            "unknown field `state`",
        ),
        (
            "GET",
            "/api/v1/sites?limit=many",
            "",
            "",
            400,
            "limit: invalid digit",
        ),
        (
            "GET",
            "/api/v1/sites?limit=0",
            "",
            "",
            422,
            "ask for 1 to 1000",
        ),
        (
            "GET",
            "/api/v1/alarms?limit=0",
            "",
            "",
            422,
            "ask for 1 to 500",
        ),
        (
            "GET",
            "/api/v1/incidents?limit=0",
            "",
            "",
            422,
            "ask for 1 to 200",
        ),
        (
            "GET",
            "/api/v1/campaigns/nope",
            "",
            "",
            404,
            "names nothing here",
        ),
        (
            "POST",
            "/console/sign-in",
            "application/json",
            "{}",
            415,
            "x-www-form-urlencoded",
        ),
        (
            "POST",
            "/console/sign-in",
            FORM,
            "token=%ff&token=1",
            400,
            "the form cannot be read",
        ),
        (
            "POST",
            "/report",
            FORM,
            &"x".repeat(200_000),
            413,
            "shorten its texts",
        ),
    ] {
        let request = Request::builder().method(method).uri(path);
        let request = request
            .header("content-type", kind)
            .header("authorization", format!("Bearer {token}"));
        let answer = plane
            .answer(request.body(Body::from(body.to_owned())).unwrap())
            .await;
        assert_eq!(answer.status.as_u16(), status, "{path}: {}", answer.text);
        let said: serde_json::Value = serde_json::from_str(&answer.text).unwrap();
        let message = said["error"]["message"].as_str().unwrap();
        assert!(message.contains(says), "{path}: {message}");
        assert!(!message.contains("deserialize"), "{path}: {message}");
    }
    let request = Request::post("/console/sign-in").header("accept", "text/html");
    let answer = plane.answer(request.body(Body::from("{}")).unwrap()).await;
    assert_eq!(answer.status.as_u16(), 415);
    assert!(answer.text.contains("<html"), "a person reads a page");
}
