//! The feeds, read by a real parser.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use domain::access::Role;
use feed_rs::model::{Feed, FeedType};
use support::{Answer, Plane};

const HOSTILE: &str = "**We** look <script>alert(1)</script> & \"test\" ]]> \u{ffff}.";

async fn told() -> (Plane, domain::id::IncidentId) {
    let plane = Plane::with_fleet().await;
    let token = plane.token(Role::Support).await;
    let id = plane.propose().await;
    let post = async |path: &str, body: serde_json::Value| {
        let path = format!("/api/v1/incidents/{id}/{path}");
        let answer = plane
            .send("POST", &path, Some(&token), body.to_string())
            .await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        plane.hand.advance(std::time::Duration::from_secs(60));
    };
    let accepted = serde_json::json!({
        "title": "Sign-in <fails> & more",
        "scope": {"zones": ["America/Anchorage"]},
    });
    post("accept", accepted).await;
    post(
        "updates",
        serde_json::json!({"text": HOSTILE, "state": "identified"}),
    )
    .await;
    post(
        "updates",
        serde_json::json!({"text": "Fixed.", "state": "monitoring"}),
    )
    .await;
    (plane, id)
}

fn parse(answer: &Answer) -> Feed {
    assert_eq!(answer.status, 200, "{}", answer.text);
    feed_rs::parser::parse(answer.text.as_bytes()).unwrap()
}

#[tokio::test]
async fn each_update_is_an_entry_of_both_feeds() {
    let (plane, id) = told().await;
    for (path, kind) in [
        ("/feed.atom", FeedType::Atom),
        ("/feed.rss", FeedType::RSS2),
    ] {
        let feed = parse(&plane.send("GET", path, None, "").await);
        assert_eq!(feed.feed_type, kind);
        assert_eq!(feed.title.unwrap().content, "Incidents");
        let titles: Vec<_> = feed
            .entries
            .iter()
            .map(|entry| entry.title.as_ref().unwrap().content.as_str())
            .collect();
        assert_eq!(
            titles,
            [
                "Monitoring: Sign-in <fails> & more",
                "Identified: Sign-in <fails> & more"
            ]
        );
        let first = &feed.entries[1];
        assert!(first.id.starts_with("urn:uuid:"), "{}", first.id);
        assert_eq!(
            first.published.unwrap().to_rfc3339(),
            "2023-07-11T20:31:00+00:00"
        );
        let start = format!("http://127.0.0.1:8080/incidents/{id}#update-");
        assert!(first.links[0].href.starts_with(&start), "{:?}", first.links);
        let said = first
            .content
            .as_ref()
            .and_then(|content| content.body.clone());
        let said = said
            .or(first.summary.as_ref().map(|text| text.content.clone()))
            .unwrap();
        assert!(said.contains("<strong>We</strong> look"), "{said}");
        assert!(
            !said.contains("<script>") && said.contains("alert(1)"),
            "{said}"
        );
    }
}

#[tokio::test]
async fn a_feed_lists_what_concerns_its_sites() {
    let (plane, _) = told().await;
    let organization = "City of Anchorage, AK";
    let named = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("organization", organization)
        .finish();
    for (query, entries) in [
        ("site=anchorage.ak.example", 2),
        ("site=weirton.wv.example", 0),
        ("product=web-central", 2),
        (&named, 2),
    ] {
        for kind in ["atom", "rss"] {
            let path = format!("/feed.{kind}?{query}");
            let feed = parse(&plane.send("GET", &path, None, "").await);
            assert_eq!(feed.entries.len(), entries, "{path}");
        }
    }
    for (query, status) in [
        ("site=no-such.example", 404),
        ("product=none", 404),
        ("organization=Nobody", 404),
        ("site=not%20a%20host", 400),
        ("page=2", 400),
    ] {
        let path = format!("/feed.atom?{query}");
        let answer = plane.send("GET", &path, None, "").await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text);
    }
}
