//! The story of who draws an area on the map of the banners' page: with a pointer, with keys, and with the
//! text field alone.

use domain::access::Role;
use fantoccini::key::Key;

use crate::driver::{Browser, Look, tell};
use crate::support::Plane;
use crate::{SITE, serve, sign_in};

/// Where on the map of the fleet of US cities the corners of a triangle over California are.
const CORNERS: [(f64, f64); 3] = [(0.36, 0.55), (0.47, 0.55), (0.42, 0.85)];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_area_is_drawn_on_the_map_looked_at_and_published() {
    for look in Look::SCHEMES {
        let plane = Plane::with_fleet().await;
        let token = plane.token(Role::Support).await;
        let base = serve(&plane).await;
        tell(
            "the story of a drawn area",
            &base,
            async |browser: &mut Browser| {
                browser.look(look).await;
                sign_in(browser, &token).await;
                draw_and_publish(browser, &plane).await;
            },
        )
        .await;
    }
}

async fn draw_and_publish(browser: &Browser, plane: &Plane) {
    let corners = async || {
        let text = browser.value("#polygon").await;
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    browser.open("/console/banners").await;
    browser.wait_for(".fleet-map.drawable").await;
    browser.check_width().await;
    browser.write("#text", "We know.").await;
    for corner in CORNERS {
        browser.click_at(".fleet-map", corner).await;
    }
    let drawn = corners().await;
    assert_eq!(drawn.len(), 3, "{drawn:?}");
    assert!(browser.has(".fleet-map .corners circle:nth-child(3)").await);
    browser.press("Undo the last corner").await;
    assert_eq!(corners().await, drawn[..2], "one is taken back");
    assert!(!browser.has(".fleet-map .corners circle:nth-child(3)").await);
    let says = browser.text(".area-map [role=status]").await;
    assert_eq!(says, "Corner 3 is taken back.");
    browser.press("Start again").await;
    assert_eq!(corners().await, [""; 0]);
    for corner in CORNERS {
        browser.click_at(".fleet-map", corner).await;
    }
    assert_eq!(corners().await, drawn);
    // The same with keys: the cross begins in the middle of the map.
    browser.keys(".fleet-map", &[Key::Left, Key::Enter]).await;
    assert_eq!(corners().await.len(), 4);
    let says = browser.text(".area-map [role=status]").await;
    assert!(says.starts_with("Corner 4: "), "{says}");
    browser.keys(".fleet-map", &[Key::Backspace]).await;
    assert_eq!(corners().await, drawn);
    browser.picture("console-area").await;

    browser.press("Look at it first").await;
    browser.wait_for("#look").await;
    let says = browser.text("section.card").await;
    assert!(says.contains("a drawn area of 3 corners"), "{says}");
    assert!(
        says.contains("Inside: ") && says.contains(".ca.example"),
        "{says}"
    );
    assert_eq!(corners().await, drawn);
    browser.check_width().await;
    browser.check_access().await;
    browser.picture("console-area-seen").await;
    browser.press("Put it up").await;
    browser.wait_for(".reports .banner").await;
    let banners = plane.engine.banners();
    assert_eq!(banners[0].area.polygon.len(), 3);
    let holds = |name: &str| {
        let name = domain::name::Hostname::parse(name).unwrap();
        let site = plane.engine.fleet().site_at(&name).unwrap();
        banners[0].area.holds(&site)
    };
    assert!(!holds(SITE), "Alaska is not within");
    assert!(plane.engine.sites_in_area(&banners[0].area) > 3);
}

/// Without script the buttons ask the server, and what was typed stays.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn corners_are_taken_back_without_script() {
    let plane = Plane::with_fleet().await;
    let token = plane.token(Role::Support).await;
    let base = serve(&plane).await;
    tell(
        "the story of corners without script",
        &base,
        async |browser: &mut Browser| {
            browser.look(Look::STORIES[2]).await;
            sign_in(browser, &token).await;
            browser.open("/console/banners").await;
            browser
                .write("#polygon", "38.4, -123.2\n38.4, -121.6\n37.2, -121.6")
                .await;
            browser.press("Undo the last corner").await;
            browser
                .wait_for(".fleet-map .corners circle:nth-child(2)")
                .await;
            assert_eq!(
                browser.value("#polygon").await,
                "38.4, -123.2\n38.4, -121.6"
            );
            browser.check_width().await;
            browser.picture("console-corners").await;
            browser.write("#map", "CA").await;
            browser.press("Show").await;
            browser.wait_for("#map option[value=CA][selected]").await;
            browser.check_width().await;
            browser.picture("console-corners-of-state").await;
            browser.press("Start again").await;
            browser.wait_for(".fleet-map .corners:empty").await;
            assert_eq!(browser.value("#polygon").await, "");
        },
    )
    .await;
}
