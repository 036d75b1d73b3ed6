//! An organization's page: all its sites at a glance.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use domain::name::{Hostname, ProductName};
use domain::site::import::Defaults;
use domain::site::state::Evidence;
use engine::Opening;
use support::Plane;

/// A county with 150 sites, and a town.
async fn plane() -> Plane {
    let plane = Plane::new().await;
    let mut fleet = "hostname,organization,kind,city,state,timezone,population\n".to_owned();
    for number in 0..150 {
        fleet += &format!(
            "s{number:03}.county.example,<b>County</b>,County,Bend,OR,America/Los_Angeles,1\n"
        );
    }
    fleet += "town.example,Town,City,Mesa,AZ,America/Phoenix,1\n";
    let defaults = Defaults {
        product: ProductName::parse("web-central").unwrap(),
        running: semver::Version::new(5, 1, 0),
    };
    let imported = plane
        .engine
        .import_fleet(fleet.as_bytes(), &defaults, "a test");
    imported.await.unwrap();
    let sites: Vec<_> = plane.engine.fleet().sites().map(|(at, _)| at).collect();
    plane.engine.learn(sites, Evidence::Worked);
    plane
}

async fn text(plane: &Plane, path: &str) -> String {
    let answer = plane.send("GET", path, None, "").await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    answer.text
}

fn path(plane: &Plane, hostname: &str) -> String {
    let site = plane
        .engine
        .fleet()
        .site_at(&Hostname::parse(hostname).unwrap());
    format!("/organizations/{}", site.unwrap().organization)
}

#[tokio::test]
async fn it_says_how_its_sites_are_page_by_page() {
    let plane = plane().await;
    let county = path(&plane, "s000.county.example");
    let site = text(&plane, "/sites/s000.county.example").await;
    assert!(site.contains(&county), "its sites lead there: {site}");
    let page = text(&plane, &county).await;
    assert!(
        page.contains("<h1>&#60;b&#62;County&#60;/b&#62;</h1>"),
        "{page}"
    );
    assert!(
        page.contains("Sign-in works on 150 of 150 sites."),
        "{page}"
    );
    assert!(page.contains("s099.county.example") && !page.contains("s100.county.example"));
    assert!(!page.contains("town.example"), "{page}");
    let second = text(&plane, &format!("{county}?page=1")).await;
    assert!(second.contains("s149.county.example") && !second.contains("s000.county.example"));
    assert!(
        second.contains("rel=\"prev\"") && !second.contains("rel=\"next\""),
        "{second}"
    );
    for nobody in [
        "/organizations/none",
        "/organizations/0189a3c0-0000-7000-8000-000000000001",
    ] {
        assert_eq!(
            plane.send("GET", nobody, None, "").await.status,
            404,
            "{nobody}"
        );
    }
}

#[tokio::test]
async fn it_tells_the_incidents_and_banners_that_concern_it() {
    let plane = plane().await;
    let (county, town) = (
        path(&plane, "s000.county.example"),
        path(&plane, "town.example"),
    );
    let opening: Opening = serde_json::from_value(serde_json::json!({
        "title": "Sign-in fails in the west", "scope": {"zones": ["America/Los_Angeles"]}}))
    .unwrap();
    plane.engine.open_incident("Ada", opening).await.unwrap();
    let banner =
        serde_json::json!({"text": "We know.", "severity": "warning", "area": {"states": ["OR"]}});
    let banner = serde_json::from_value(banner).unwrap();
    plane.engine.add_banner(banner, "Ada").await.unwrap();
    let page = text(&plane, &county).await;
    for words in [
        "Sign-in fails in the west",
        "We know.",
        "Sign-in fails on 150 of 150 sites.",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let page = text(&plane, &town).await;
    assert!(page.contains("Sign-in works on 1 of 1 site."), "{page}");
    assert!(
        !page.contains("in the west") && !page.contains("We know."),
        "{page}"
    );
}
