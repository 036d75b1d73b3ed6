//! A new version goes from wave to wave, and comes back when a site refuses it.

use domain::document::Document;
use domain::rollout::Rollout;

use super::*;

impl Plane {
    /// The versions that sites a and b read, once it is what is expected.
    async fn read_until(&self, agent: &Agent, expected: [&str; 2]) {
        let mut bodies = vec![];
        for _ in 0..1_200 {
            bodies.clear();
            for site in ["a.example", "b.example"] {
                bodies.push(read(agent, site, "5.1.0", None).await.body);
            }
            if bodies == expected {
                return;
            }
            self.clock.sleep(Duration::from_secs(1)).await;
        }
        panic!("{bodies:?}, not {expected:?}");
    }

    async fn publish_at_once(&self, body: &str) {
        let new = NewDocument {
            key: key(),
            accepts: "^5".parse().unwrap(),
            lane: Some(Lane::First),
            schema: None,
            body: body.into(),
            how: How {
                at_once: true,
                bypass_coverage: false,
                why: "a test".into(),
            },
        };
        self.engine.publish_document(new, "a test").await.unwrap();
    }

    fn kept(&self) -> Vec<(u64, Rollout)> {
        let repository = self.engine.repository();
        let versions = repository.documents().get(&key()).into_iter().flatten();
        let what = |one: &Arc<Document>| (one.version, one.rollout.clone());
        versions.map(what).collect()
    }

    async fn refuse(&self, agent: &Agent, site: &str, version: u64, reason: &str) -> u16 {
        let address = agent.address().unwrap();
        let url = format!("http://{address}/v1/sites/{site}/config/sign-in/links/refusals");
        let body = serde_json::json!({"version": version, "reason": reason});
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let sent = http.post(url).json(&body).send().await.unwrap();
        sent.status().as_u16()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_goes_to_a_canary_first_and_on_when_it_proved_itself() {
    let plane = Plane::start().await;
    plane.publish("^5", r#"{"n":1}"#).await.unwrap();
    let stop = CancellationToken::new();
    let agent = plane.agent(&plane.url, &stop).await;
    plane.read_until(&agent, [r#"{"n":1}"#, r#"{"n":1}"#]).await;

    assert_eq!(plane.publish("^5", r#"{"n":2}"#).await.unwrap(), 2);
    let canary = Rollout::canaries([host("a.example")]);
    assert_eq!(plane.kept()[0], (2, canary));
    plane.read_until(&agent, [r#"{"n":2}"#, r#"{"n":1}"#]).await;
    let other = plane.publish("^5", r#"{"n":3}"#).await.unwrap_err();
    assert!(other.to_string().contains("still on its way"), "{other}");

    plane.read_until(&agent, [r#"{"n":2}"#, r#"{"n":2}"#]).await;
    let all = Rollout::everywhere;
    let left = plane.kept();
    assert_eq!(left, [(2, all()), (1, all())], "for who refuses the new");
    let history = plane.engine.document_history(&key(), None).await.unwrap();
    let read_by: Vec<_> = history.versions.iter().map(|one| one.reading).collect();
    assert_eq!(read_by, [3, 0]);

    let back = plane
        .engine
        .roll_document_back(&key(), 1, "people cannot sign in", "a test")
        .await;
    assert_eq!(back.unwrap(), 3, "a rollback is a new version");
    plane.read_until(&agent, [r#"{"n":1}"#, r#"{"n":1}"#]).await;
    stop.cancel();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_site_refuses_stays_out_and_halts_its_rollout() {
    let plane = Plane::start().await;
    plane.publish("^5", r#"{"n":1}"#).await.unwrap();
    let stop = CancellationToken::new();
    let agent = plane.agent(&plane.url, &stop).await;
    plane.publish("^5", r#"{"n":2}"#).await.unwrap();
    plane.read_until(&agent, [r#"{"n":2}"#, r#"{"n":1}"#]).await;
    let reason = "its callback path is not ours";
    assert_eq!(plane.refuse(&agent, "c.example", 2, reason).await, 404);
    assert_eq!(plane.refuse(&agent, "a.example", 7, reason).await, 404);
    assert_eq!(plane.refuse(&agent, "a.example", 2, reason).await, 204);
    let at_once = read(&agent, "a.example", "5.1.0", None).await;
    assert_eq!(at_once.body, r#"{"n":1}"#);
    plane
        .until("the rollout is halted", || {
            plane.kept() == [(1, Rollout::everywhere())]
        })
        .await;
    let history = plane.engine.document_history(&key(), None).await.unwrap();
    let halted = &history.versions[0].version.halted;
    assert!(
        halted.contains(reason) && halted.contains("a.example"),
        "{halted}"
    );
    // People are paged when the halt is durable, so a moment later.
    let mut pages = vec![];
    for _ in 0..100 {
        pages = plane.engine.store().pages(10).await.unwrap();
        if !pages.is_empty() {
            break;
        }
        plane.clock.sleep(Duration::from_secs(1)).await;
    }
    assert!(
        pages.iter().any(|page| page.words.contains(reason)),
        "{pages:?}"
    );

    // Its number is not used again, and the way is free.
    assert_eq!(plane.publish("^5", r#"{"n":3}"#).await.unwrap(), 3);
    plane.read_until(&agent, [r#"{"n":3}"#, r#"{"n":3}"#]).await;
    stop.cancel();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_site_that_refuses_what_everybody_has_goes_back_and_people_are_paged() {
    let plane = Plane::start().await;
    for number in 1..=3 {
        plane.publish_at_once(&format!(r#"{{"n":{number}}}"#)).await;
    }
    let stop = CancellationToken::new();
    let agent = plane.agent(&plane.url, &stop).await;
    plane.read_until(&agent, [r#"{"n":3}"#, r#"{"n":3}"#]).await;
    let reason = "its callback path is not ours";
    for site in ["b.example", "a.example"] {
        assert_eq!(plane.refuse(&agent, site, 3, reason).await, 204);
    }
    plane.read_until(&agent, [r#"{"n":2}"#, r#"{"n":2}"#]).await;
    let mut pages = vec![];
    for _ in 0..600 {
        pages = plane.engine.store().pages(10).await.unwrap();
        if !pages.is_empty() {
            break;
        }
        plane.clock.sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(pages.len(), 1, "one for the version, not one a site");
    assert!(pages[0].words.contains(reason), "{pages:?}");
    let site = plane.engine.fleet().site_at(&host("a.example")).unwrap();
    let says = || {
        let read = plane
            .engine
            .document_for(&key(), &site.running, Some(&site));
        read.map(|read| read.version())
    };
    let knows = || says() == Some(2);
    plane
        .until("the control plane knows what is read", knows)
        .await;
    stop.cancel();
}
