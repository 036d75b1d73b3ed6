//! Lists the endpoints, and tries every one that asks for a permission without credentials, with a
//! wrong token and with every role that lacks the permission.
#![allow(clippy::unwrap_used, reason = "a test may panic: that is how it fails")]

mod support;

use std::fmt::Write as _;

use domain::access::Role;
use support::Plane;
use web::Access;

/// Any identifier, name or number will do: access is decided before a path is read.
fn concrete(path: &str) -> String {
    let part = |part: &str| {
        if part.starts_with('{') {
            "1".into()
        } else {
            part.to_owned()
        }
    };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn an_endpoint_answers_only_those_who_may_call_it() {
    let plane = Plane::new().await;
    let mut tokens = vec![];
    for role in Role::ALL {
        tokens.push((role, plane.token(role).await));
    }
    let mut tried = 0;
    for endpoint in web::endpoints() {
        let Access::Holder(permission) = endpoint.access else {
            continue;
        };
        let (method, path) = (endpoint.method.as_str(), concrete(endpoint.path));
        for token in [None, Some("lmp_wrong")] {
            let answer = plane.send(method, &path, token, "{}").await;
            let turned_away = matches!(answer.status.as_u16(), 401 | 303);
            assert!(
                turned_away,
                "{method} {path} with {token:?}: {}",
                answer.status
            );
            tried += 1;
        }
        for (role, token) in tokens.iter().filter(|(role, _)| !role.may(permission)) {
            let answer = plane.send(method, &path, Some(token), "{}").await;
            assert_eq!(answer.status.as_u16(), 403, "{method} {path} as {role:?}");
            tried += 1;
        }
    }
    assert!(tried > 30, "only {tried} calls were tried");
}

#[test]
fn the_public_endpoints_are_these() {
    let mut list = String::new();
    for endpoint in web::endpoints()
        .iter()
        .filter(|endpoint| endpoint.access == Access::Public)
    {
        writeln!(list, "{} {}", endpoint.method, endpoint.path).unwrap();
    }
    let mut lines: Vec<_> = list.lines().collect();
    lines.sort_unstable();
    assert_eq!(
        lines.join("\n"),
        include_str!("public-endpoints.txt").trim_end()
    );
}

#[tokio::test]
async fn every_answer_carries_strict_headers() {
    let plane = Plane::new().await;
    for path in ["/livez", "/api/v1/sites", "/nothing-here"] {
        let answer = plane.send("GET", path, None, "").await;
        for name in [
            "content-security-policy",
            "x-content-type-options",
            "referrer-policy",
        ] {
            assert!(answer.headers.contains_key(name), "{path}: {name}");
        }
    }
}
