//! Banners: who sees them, when, and what they change.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use domain::access::Role;
use serde_json::{Value, json};
use support::Plane;

const ALASKA: &str = "anchorage.ak.example";
const OREGON: &str = "portland.or.example";

async fn call(plane: &Plane, token: &str, method: &str, path: &str, body: Value) -> (u16, Value) {
    let answer = plane
        .send(method, path, Some(token), body.to_string())
        .await;
    let json =
        serde_json::from_str(&answer.text).unwrap_or_else(|e| panic!("{e}: {}", answer.text));
    (answer.status.as_u16(), json)
}

async fn text(plane: &Plane, path: &str) -> String {
    let answer = plane.send("GET", path, None, "").await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    answer.text
}

#[tokio::test]
async fn a_banner_stands_on_the_pages_of_its_area_while_its_window_is_open() {
    let plane = Plane::with_fleet().await;
    let token = plane.token(Role::Support).await;
    let body = json!({"text": "Sign-in is **slow** <script>x</script>", "severity": "critical",
        "area": {"states": ["AK"]}, "from": "2023-07-11T21:00:00Z", "until": "2023-07-11T22:00:00Z"});
    let mut look = body.clone();
    look["preview"] = json!(true);
    let (status, seen) = call(&plane, &token, "POST", "/api/v1/banners", look).await;
    assert_eq!(
        (status, &seen["sites"], &seen["stands"]),
        (200, &json!(5), &json!(false))
    );
    assert!(plane.engine.banners().is_empty(), "a preview adds nothing");
    let (status, added) = call(&plane, &token, "POST", "/api/v1/banners", body).await;
    assert_eq!(status, 201, "{added}");
    let words = "Sign-in is <strong>slow</strong> &lt;script&gt;";
    let alaska = format!("/sites/{ALASKA}");
    assert!(
        !text(&plane, &alaska).await.contains(words),
        "it has not begun"
    );
    plane.hand.advance(Duration::from_secs(30 * 60));
    for (path, stands) in [
        (alaska.clone(), true),
        (format!("/sites/{OREGON}"), false),
        ("/".into(), true),
        (format!("/report?site={ALASKA}"), true),
        (format!("/report?site={OREGON}"), false),
    ] {
        let page = text(&plane, &path).await;
        assert_eq!(page.contains(words), stands, "{path}: {page}");
        assert!(!page.contains("<script>x"), "{path}");
    }
    assert!(
        text(&plane, "/").await.contains("<span>for AK</span>"),
        "its area is named"
    );
    let public = text(&plane, &format!("/api/v1/public/banners?site={ALASKA}")).await;
    assert!(public.contains("\"severity\":\"critical\""), "{public}");
    let none = text(&plane, &format!("/api/v1/public/banners?site={OREGON}")).await;
    assert_eq!(none, r#"{"banners":[]}"#);
    plane.hand.advance(Duration::from_secs(60 * 60));
    assert!(!text(&plane, &alaska).await.contains(words), "it is over");
}

#[tokio::test]
async fn a_banner_is_changed_and_ended_and_every_change_is_audited() {
    let plane = Plane::with_fleet().await;
    let token = plane.token(Role::Support).await;
    // The audit is in the order of the milliseconds: each change has its own.
    plane.hand.advance(Duration::from_secs(1));
    let new = json!({"text": "One", "severity": "info"});
    let (_, added) = call(&plane, &token, "POST", "/api/v1/banners", new).await;
    let path = format!("/api/v1/banners/{}", added["id"].as_str().unwrap());
    assert_eq!(added["sites"], 3_405);
    plane.hand.advance(Duration::from_secs(1));
    let change = json!({"text": "Two", "severity": "warning", "version": 1});
    let (status, changed) = call(&plane, &token, "PUT", &path, change.clone()).await;
    assert_eq!(
        (status, &changed["version"], &changed["from"]),
        (200, &json!(2), &added["from"])
    );
    let (status, _) = call(&plane, &token, "PUT", &path, change).await;
    assert_eq!(status, 409, "decided on version 1, which is gone");
    plane.hand.advance(Duration::from_secs(1));
    let (status, _) = call(&plane, &token, "POST", &format!("{path}/end"), json!({})).await;
    assert_eq!(status, 200);
    let (status, _) = call(&plane, &token, "POST", &format!("{path}/end"), json!({})).await;
    assert_eq!(status, 409);
    assert_eq!(
        text(&plane, "/api/v1/public/banners").await,
        r#"{"banners":[]}"#
    );
    let audit = plane.engine.audit_before(None, 3).await.unwrap();
    let acts: Vec<_> = audit.iter().map(|entry| entry.act.as_str()).collect();
    assert_eq!(
        acts,
        ["ended a banner", "changed a banner", "added a banner"]
    );
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused() {
    let plane = Plane::with_fleet().await;
    let token = plane.token(Role::Support).await;
    let window = json!({"text": "a", "severity": "info", "from": "2023-07-11T22:00:00Z", "until": "2023-07-11T21:00:00Z"});
    for (body, at) in [
        (json!({"text": " ", "severity": "info"}), "text"),
        (json!({"text": "x".repeat(501), "severity": "info"}), "text"),
        (window, "until"),
        (
            json!({"text": "a", "severity": "info", "area": {"states": ["Alaska"]}}),
            "area.states",
        ),
        (
            json!({"text": "a", "severity": "info", "area": {"zones": ["Europe/Berlin"]}}),
            "area",
        ),
    ] {
        let (status, error) = call(&plane, &token, "POST", "/api/v1/banners", body.clone()).await;
        assert_eq!(
            (status, error["error"]["at"].as_str()),
            (422, Some(at)),
            "{body}: {error}"
        );
    }
    let (status, _) = call(
        &plane,
        &token,
        "POST",
        "/api/v1/banners",
        json!({"text": "a"}),
    )
    .await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn reports_from_its_area_come_first() {
    let plane = Plane::with_fleet().await;
    let token = plane.token(Role::Support).await;
    for site in [ALASKA, OREGON] {
        let report = json!({"site": site, "text": "It fails."});
        let sent = plane.send("POST", "/api/v1/reports", None, report.to_string());
        assert_eq!(sent.await.status, 202);
        plane.hand.advance(Duration::from_secs(60));
    }
    let new = json!({"text": "We know.", "severity": "warning", "area": {"sites": [ALASKA]}});
    call(&plane, &token, "POST", "/api/v1/banners", new).await;
    let first = async |path: &str| {
        let (_, list) = call(&plane, &token, "GET", path, json!({})).await;
        list["reports"][0]["site"].as_str().unwrap().to_owned()
    };
    assert_eq!(first("/api/v1/reports").await, OREGON, "the newest");
    assert_eq!(first("/api/v1/reports?rank=banner").await, ALASKA);
    let page = plane
        .send("GET", "/console/reports", Some(&token), "")
        .await
        .text;
    assert!(page.find(ALASKA) < page.find(OREGON), "{page}");
}

#[tokio::test]
async fn the_form_shows_a_banner_before_it_puts_it_up() {
    let plane = Plane::with_fleet().await;
    let token = plane.token(Role::Support).await;
    let send = async |body: &str| {
        let request = Request::post("/console/banners")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("authorization", format!("Bearer {token}"));
        plane
            .answer(request.body(Body::from(body.to_owned())).unwrap())
            .await
    };
    let form = "text=We+look+into+it&severity=warning&states=ak%2C+or&until=2023-07-11T18%3A00";
    let looked = send(&format!("{form}&act=look")).await;
    assert_eq!(looked.status, 200, "{}", looked.text);
    assert!(
        looked
            .text
            .contains("It stands on the pages of 51 sites: AK, OR."),
        "{}",
        looked.text
    );
    assert!(plane.engine.banners().is_empty());
    assert_eq!(send(&format!("{form}&act=add")).await.status, 303);
    let all = plane.engine.banners();
    assert_eq!(
        all[0].until.unwrap().to_string(),
        "2023-07-11T23:00:00Z",
        "on the vendor's clock"
    );
    let refused = send("text=&states=ak&act=add").await;
    assert_eq!(refused.status, 422);
    assert!(
        refused.text.contains("value=\"ak\""),
        "what was typed is kept"
    );
}

const BAY: &str =
    r#"[[-123.2, 37.2], [-121.6, 37.2], [-121.6, 38.4], [-123.2, 38.4], [-123.2, 37.2]]"#;
const OAKLAND: &str = "oakland.ca.example";
const LOS_ANGELES: &str = "los-angeles.ca.example";

#[tokio::test]
async fn a_drawn_area_and_counties_hold_the_sites_within_and_rank_their_reports() {
    let plane = Plane::with_fleet().await;
    let token = plane.token(Role::Support).await;
    for site in [OAKLAND, LOS_ANGELES] {
        let report = json!({"site": site, "text": "It fails."});
        let sent = plane.send("POST", "/api/v1/reports", None, report.to_string());
        assert_eq!(sent.await.status, 202);
        plane.hand.advance(Duration::from_secs(60));
    }
    let polygon: Value = serde_json::from_str(BAY).unwrap();
    for (area, without_point) in [
        (json!({"polygon": polygon}), json!(1)),
        (json!({"counties": ["ca/alameda county"]}), json!(null)),
    ] {
        let new = json!({"text": "We know.", "severity": "info", "area": area});
        let (status, added) = call(&plane, &token, "POST", "/api/v1/banners", new).await;
        assert_eq!(
            (status, &added["without_point"]),
            (201, &without_point),
            "{added}"
        );
        let notice = text(&plane, &format!("/sites/{OAKLAND}/notice")).await;
        assert!(
            notice.contains("We know.") && notice.contains("Good to know"),
            "{notice}"
        );
        for (site, stands) in [(OAKLAND, true), (LOS_ANGELES, false)] {
            for page in ["", "/notice"] {
                let page = text(&plane, &format!("/sites/{site}{page}")).await;
                assert_eq!(page.contains("We know."), stands, "{site}");
            }
        }
        let (_, list) = call(
            &plane,
            &token,
            "GET",
            "/api/v1/reports?rank=banner",
            json!({}),
        )
        .await;
        assert_eq!(list["reports"][0]["site"], OAKLAND);
        let end = format!("/api/v1/banners/{}/end", added["id"].as_str().unwrap());
        call(&plane, &token, "POST", &end, json!({})).await;
    }
    let crossed = json!({"text": "a", "severity": "info",
        "area": {"polygon": [[-123, 37], [-121, 39], [-121, 37], [-123, 39]]}});
    let (status, error) = call(&plane, &token, "POST", "/api/v1/banners", crossed).await;
    assert_eq!(
        (status, &error["error"]["at"]),
        (422, &json!("area.polygon")),
        "{error}"
    );
}

#[tokio::test]
async fn the_form_takes_corners_as_lines_and_shows_them_on_a_map() {
    let plane = Plane::with_fleet().await;
    let token = plane.token(Role::Support).await;
    let request = |body: &'static str| {
        let request = Request::post("/console/banners")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("authorization", format!("Bearer {token}"));
        request.body(Body::from(body)).unwrap()
    };
    let form = "text=a&severity=info&act=look&polygon=38.4%2C-123.2%0D%0A38.4%2C-121.6%0D%0A37.2%2C-121.6%0D%0A37.2%2C-123.2";
    let page = plane.answer(request(form)).await;
    assert_eq!(page.status, 200, "{}", page.text);
    for part in [
        "a drawn area of 4 corners. 1 site has no coordinates and cannot be inside a drawn area. The drawn area reaches from latitude 37.20 to 38.40",
        "<svg class=\"fleet-map\"",
        "<path class=\"borders\"",
        "38.4,-123.2",
        " Inside: ",
    ] {
        assert!(page.text.contains(part), "{part}: {}", page.text);
    }
    assert!(page.text.matches("<circle").count() <= 2_100);
    let bad = plane.answer(request("text=a&act=look&polygon=here")).await;
    assert_eq!(bad.status, 422);
    assert!(bad.text.contains("line 1 is"), "{}", bad.text);
}

#[tokio::test]
async fn corners_are_taken_back_without_script() {
    let plane = Plane::with_fleet().await;
    let token = plane.token(Role::Support).await;
    let corners = async |act: &str, polygon: &str| {
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("act", act)
            .append_pair("polygon", polygon)
            .append_pair("states", "AK")
            .finish();
        let request = Request::post("/console/banners")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("authorization", format!("Bearer {token}"));
        let page = plane.answer(request.body(Body::from(form)).unwrap()).await;
        assert_eq!(page.status, 200, "{}", page.text);
        assert!(page.text.contains("value=\"AK\""), "what was typed stays");
        let (_, rest) = page
            .text
            .split_once("placeholder=\"38.2, -122.6\">")
            .unwrap();
        let (text, _) = rest.split_once("</textarea>").unwrap();
        text.to_owned()
    };
    let three = "38.4, -123.2\r\n38.4,-121.6\r\n37.2,-121.6\r\n";
    assert_eq!(corners("undo", three).await, "38.4, -123.2\n38.4,-121.6");
    assert_eq!(corners("undo", "38.4, -123.2").await, "");
    assert_eq!(corners("undo", "").await, "");
    assert_eq!(corners("undo", "38.4, -123.2\nhere").await, "38.4, -123.2");
    let json = r#"{"type":"Polygon","coordinates":[[[-123.2,38.4],[-121.6,38.4],[-121.6,37.2],[-123.2,38.4]]]}"#;
    assert_eq!(corners("undo", json).await, "38.4, -123.2\n38.4, -121.6");
    assert_eq!(corners("undo", "{").await, "{");
    assert_eq!(corners("clear", three).await, "");
    assert_eq!(corners("map", "38.4, -123.2").await, "38.4, -123.2");
    assert!(plane.engine.banners().is_empty());
}

#[tokio::test]
async fn the_map_shows_a_state_alone() {
    let plane = Plane::with_fleet().await;
    let token = plane.token(Role::Support).await;
    let west = async |state: &str| {
        let request = Request::post("/console/banners")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("authorization", format!("Bearer {token}"));
        let request = request.body(Body::from(format!("act=map&map={state}")));
        let page = plane.answer(request.unwrap()).await.text;
        let (_, rest) = page.split_once("data-west=\"").unwrap();
        rest.split_once('"').unwrap().0.parse::<f64>().unwrap()
    };
    assert!((-165.0..-155.0).contains(&west("").await), "Hawaii");
    assert!((-125.5..-124.0).contains(&west("CA").await));
    assert_eq!(west("XX").await, west("").await, "no site is there");
}
