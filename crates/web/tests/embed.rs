//! What other pages show of a site: the badge, and the notice in a frame.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use domain::site::state::Evidence;
use support::Plane;

#[tokio::test]
async fn the_badge_and_the_notice_say_how_the_site_is() {
    let plane = Plane::with_fleet().await;
    let site = plane
        .engine
        .fleet()
        .find(&"weirton.wv.example".parse().unwrap())
        .unwrap();
    for (evidence, says, word) in [
        (
            Evidence::Worked,
            "Sign-in works on weirton.wv.example",
            ">works<",
        ),
        (
            Evidence::Failed,
            "Sign-in fails on weirton.wv.example",
            ">fails<",
        ),
        (
            Evidence::ActionSent,
            "Sign-in is being restored on weirton.wv.example",
            ">being restored<",
        ),
        (
            Evidence::Verified,
            "Sign-in works again on weirton.wv.example",
            ">works again<",
        ),
    ] {
        plane.engine.learn([site], evidence);
        plane.hand.advance(std::time::Duration::from_secs(1));
        let badge = plane
            .send("GET", "/sites/weirton.wv.example/badge.svg", None, "")
            .await;
        assert_eq!(badge.headers["content-type"], "image/svg+xml");
        assert!(
            badge
                .text
                .contains(&format!("<title id=\"t\">{says}</title>")),
            "{}",
            badge.text
        );
        assert!(badge.text.contains(word), "{}", badge.text);
        let notice = plane
            .send("GET", "/sites/weirton.wv.example/notice", None, "")
            .await;
        assert!(
            notice.text.contains(&format!("<b>{says}.</b>")),
            "{}",
            notice.text
        );
    }
}

#[tokio::test]
async fn only_the_notice_may_be_framed() {
    let plane = Plane::with_fleet().await;
    for (path, framed) in [
        ("/sites/weirton.wv.example/notice", true),
        ("/sites/weirton.wv.example", false),
        ("/sites/weirton.wv.example/badge.svg", false),
        ("/embed.js", false),
    ] {
        let answer = plane.send("GET", path, None, "").await;
        assert_eq!(answer.status, 200, "{path}");
        let policy = answer.headers["content-security-policy"].to_str().unwrap();
        assert_eq!(
            policy.contains("frame-ancestors *"),
            framed,
            "{path}: {policy}"
        );
        assert_eq!(
            answer.headers.contains_key("x-frame-options"),
            !framed,
            "{path}"
        );
    }
    for path in [
        "/sites/no-such.example/badge.svg",
        "/sites/no-such.example/notice",
    ] {
        assert_eq!(
            plane.send("GET", path, None, "").await.status,
            404,
            "{path}"
        );
    }
}
