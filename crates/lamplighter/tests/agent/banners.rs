//! Banners reach the sites of their area, and stand while the server is down.

use super::*;

async fn banners(agent: &Agent, site: &str, state: &str) -> Vec<String> {
    banners_for(agent, site, ("5.1.0", state)).await
}

async fn banners_for(agent: &Agent, site: &str, (code, state): (&str, &str)) -> Vec<String> {
    let place = format!("code={code}&zone=America/Los_Angeles&state={state}");
    let url = format!(
        "http://{}/v1/sites/{site}/banners?{place}",
        agent.address().unwrap()
    );
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client.get(url).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let body: serde_json::Value = answer.json().await.unwrap();
    let texts = body["banners"].as_array().unwrap().iter();
    texts
        .map(|one| one["text"].as_str().unwrap().to_owned())
        .collect()
}

/// Whether the agent holds banners that say so.
fn has_banner(agent: &Agent, words: &str) -> bool {
    let (service, name) = (
        ServiceName::parse("banners"),
        DocumentName::parse("standing"),
    );
    let cache = agent.cache();
    let found = cache.newest(&host("a.example"), &service.unwrap(), &name.unwrap());
    found.is_some_and(|found| String::from_utf8_lossy(&found.body).contains(words))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_banner_of_a_drawn_area_reaches_the_sites_within_and_no_other() {
    let plane = Plane::start().await;
    let stop = CancellationToken::new();
    plane.publish("^5", "{}").await.unwrap();
    let agent = plane.agent(&plane.url, &stop).await;
    plane.ready_sites(&Version::new(5, 1, 0), 2).await;
    for (text, area) in [
        (
            "Around the bay.",
            serde_json::json!({"polygon": [[-123.2, 37.2], [-121.6, 37.2], [-121.6, 38.4], [-123.2, 38.4]]}),
        ),
        ("In Kern.", serde_json::json!({"counties": ["CA/Kern"]})),
    ] {
        let new = serde_json::json!({"text": text, "severity": "warning", "area": area});
        let new = serde_json::from_value(new).unwrap();
        plane.engine.add_banner(new, "a test").await.unwrap();
        plane.until(text, || has_banner(&agent, text)).await;
    }
    // They know neither county nor coordinates: what an agent knows of both, it knows by name.
    plane.stop.cancel();
    for (site, stands) in [("a.example", "Around the bay."), ("b.example", "In Kern.")] {
        assert_eq!(banners(&agent, site, "CA").await, [stands], "{site}");
    }
    stop.cancel();
    agent.wait().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_banner_reaches_the_sites_of_its_area_and_stands_while_the_server_is_down() {
    let plane = Plane::start().await;
    let stop = CancellationToken::new();
    plane.publish("^5", "{}").await.unwrap();
    let agent = plane.agent(&plane.url, &stop).await;
    plane.ready_sites(&Version::new(5, 1, 0), 2).await;
    assert!(
        banners(&agent, "a.example", "CA").await.is_empty(),
        "there is none yet"
    );
    let new =
        serde_json::json!({"text": "We know.", "severity": "warning", "area": {"states": ["CA"]}});
    let new = serde_json::from_value(new).unwrap();
    let banner = plane.engine.add_banner(new, "a test").await.unwrap();
    plane
        .until("the banner arrived", || has_banner(&agent, "We know."))
        .await;
    // No code needs it: whether a site may run its release does not hang on it.
    plane.ready_sites(&Version::new(5, 1, 0), 2).await;
    plane.stop.cancel();
    for code in ["5.1.0", "4.2.0-rc.1", "0.0.0-0+built"] {
        let shown = banners_for(&agent, "a.example", (code, "CA")).await;
        assert_eq!(shown, ["We know."], "with code {code}");
    }
    assert!(
        banners(&agent, "a.example", "OR").await.is_empty(),
        "not its area"
    );
    let forbidden = NewDocument {
        key: DocumentKey::base(
            product(),
            ServiceName::parse("banners").unwrap(),
            DocumentName::parse("standing").unwrap(),
        ),
        accepts: VersionReq::STAR,
        lane: Some(Lane::Other),
        schema: None,
        body: b"{}".to_vec(),
        how: How::default(),
    };
    let refused = plane.engine.publish_document(forbidden, "a test").await;
    assert!(refused.is_err(), "{banner:?} is not replaced by hand");
    stop.cancel();
}
