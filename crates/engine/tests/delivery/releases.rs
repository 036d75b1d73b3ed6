//! Releases: what keeps them from being staged and retired, and what may not.

use super::*;

/// A release needs documents that were published before it was staged, so nobody has seen them merged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_sites_would_read_on_a_release_is_checked_when_it_is_staged() {
    let plane = Plane::start().await;
    plane.publish("", "~5.1", r#"{"n":1}"#, at_once()).await;
    let early = GroupName::parse("early").unwrap();
    let sites = BTreeSet::from([host("a.example")]);
    plane
        .engine
        .set_group(&early, sites, "a test")
        .await
        .unwrap();
    let layer = plane.publish("group:early", "^5", r#"{"n":null}"#, at_once());
    layer.await;
    let mut next = document("", ">=5.2", r#"{"n":2}"#, How::default());
    next.schema = Some(serde_json::json!({"required": ["n"]}));
    plane.engine.publish_document(next, "a test").await.unwrap();
    let (name, new) = (product("web-central"), Version::new(5, 2, 0));
    let staged = plane.engine.stage_release(&name, &new, "a test").await;
    let refused = staged.unwrap_err().to_string();
    let part = "merged with web-central/app/links for group:early for a.example on release 5.2.0";
    assert!(refused.contains(part), "{refused}");
    plane.publish("group:early", "^5", "{}", at_once()).await;
    let staged = plane.engine.stage_release(&name, &new, "a test").await;
    staged.unwrap();
}

/// It comes to all sites of the layer by itself, and those on a release that it leaves out would read nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_layer_covers_every_release_before_it_comes_to_canaries() {
    let plane = Plane::start().await;
    let engine = &plane.engine;
    plane.publish("", "*", r#"{"n":1}"#, at_once()).await;
    let (product, next) = (product("web-central"), Version::new(5, 2, 0));
    let staged = engine.stage_release(&product, &next, "a test");
    staged.await.unwrap();
    let early = GroupName::parse("early").unwrap();
    let sites = BTreeSet::from([host("a.example")]);
    engine.set_group(&early, sites, "a test").await.unwrap();
    let publish = async |accepts: &str, how: How| {
        let new = document("group:early", accepts, r#"{"n":2}"#, how);
        engine.publish_document(new, "a test").await
    };
    let refused = publish("<5.2", How::default()).await.unwrap_err();
    assert!(refused.to_string().contains("5.2.0"), "{refused}");
    // One that covers all waits for its canaries; what comes at once ends it, and has to cover all by itself.
    plane.agent("a.example").await;
    publish("*", How::default()).await.unwrap();
    let key = key().with_layer(Layer::parse("group:early").unwrap());
    assert!(engine.on_its_way(&key).await.unwrap().is_some());
    let refused = publish("<5.2", at_once()).await.unwrap_err();
    assert!(refused.to_string().contains("5.2.0"), "{refused}");
    publish(">=5.1", at_once()).await.unwrap();
}

/// The metadata would grow with each release for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_only_a_retired_release_read_travels_no_more() {
    let plane = Plane::start().await;
    plane.publish("", "*", r#"{"n":1}"#, at_once()).await;
    let of_release = plane.publish("", "=5.2.0", r#"{"n":2}"#, at_once()).await;
    let (product, version) = (product("web-central"), Version::new(5, 2, 0));
    let engine = &plane.engine;
    let staged = engine.stage_release(&product, &version, "a test");
    staged.await.unwrap();
    let travels = |version: u64| {
        let repository = engine.repository();
        let versions = repository.documents().get(&key()).unwrap();
        versions.iter().any(|one| one.version == version)
    };
    plane.publish("", "*", r#"{"n":3}"#, at_once()).await;
    assert!(travels(of_release), "a staged release needs it");
    let retired = engine.retire_release(&product, &version, "a test");
    retired.await.unwrap();
    plane.publish("", "*", r#"{"n":4}"#, at_once()).await;
    assert!(!travels(of_release));
    assert!(engine.releases().await.unwrap().is_empty());
    // It may come back, with a document for it.
    let staged = engine.stage_release(&product, &version, "a test");
    staged.await.unwrap();
}

/// A document that was published past the check, for a release to come, keeps nobody from the releases that do without it.
/// Who reads why publishes something in the one case, and looks at what the documents accept in the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_product_without_documents_is_told_from_one_whose_documents_accept_other_releases() {
    let plane = Plane::start().await;
    plane.agent("a.example").await;
    let why = |version| {
        let readiness = plane.engine.readiness(&product("web-central"), &version);
        readiness.unwrap().unready[0].reason.clone()
    };
    let code = Version::new(5, 1, 0);
    assert_eq!(why(code.clone()), "the product has no documents yet");
    plane.publish("", "^5", "{}", at_once()).await;
    assert!(why(code).contains("has not acknowledged"));
    assert!(why(Version::new(6, 0, 0)).contains("no document of the product accepts"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_emergency_publication_does_not_keep_releases_out() {
    let plane = Plane::start().await;
    let (engine, product) = (&plane.engine, product("web-central"));
    plane.publish("", "*", r#"{"n":1}"#, at_once()).await;
    let mut later = document("", ">=9", "{}", at_once());
    later.key.name = DocumentName::parse("later").unwrap();
    later.how.bypass_coverage = true;
    engine.publish_document(later, "a test").await.unwrap();
    let next = Version::new(5, 2, 0);
    let refused = engine.stage_release(&product, &next, "a test").await;
    assert!(refused.unwrap_err().to_string().contains("later"));
    let without = engine.stage_uncovered_release(&product, &next, " ", "a test");
    assert!(without.await.unwrap_err().to_string().contains("say why"));
    let staged = engine.stage_uncovered_release(&product, &next, "rolling back", "a test");
    staged.await.unwrap();
    let agent = plane.agent("a.example").await;
    plane.hold(agent, 1).await;
    let readiness = engine.release_readiness(&product, &next).await.unwrap();
    assert_eq!(readiness.ready, 1);
}

/// A release that came with the fleet's import was never staged, and is what sites go back to.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sites_may_go_back_to_a_release_that_nobody_staged() {
    let plane = Plane::start().await;
    let (engine, product) = (&plane.engine, product("web-central"));
    plane.publish("", "^5", r#"{"n":1}"#, at_once()).await;
    let agent = plane.agent("a.example").await;
    let next = Version::new(5, 2, 0);
    engine
        .stage_release(&product, &next, "a test")
        .await
        .unwrap();
    plane.hold(agent, 1).await;
    let to = async |version: Version, bypass: Option<&str>| {
        let activate = Activate {
            product: product.clone(),
            version,
            sites: Sites::These(vec![host("a.example")]),
            bypass: bypass.map(Into::into),
        };
        engine.activate(&activate, "a test").await
    };
    assert_eq!(to(next, None).await.unwrap().activated, 1);
    let before = Version::new(5, 1, 0);
    let readiness = engine.release_readiness(&product, &before).await.unwrap();
    assert_eq!((readiness.sites, readiness.ready), (2, 1));
    assert_eq!(to(before.clone(), None).await.unwrap().activated, 1);
    let unknown = to(Version::new(5, 9, 9), None).await.unwrap_err();
    assert!(unknown.to_string().contains("staged or live"), "{unknown}");
    // The reason of a bypass is a line of the audit.
    for reason in ["", "a\nb", &"x".repeat(301)] {
        let refused = to(before.clone(), Some(reason)).await.unwrap_err();
        assert!(refused.to_string().contains("say why"), "{refused}");
    }
}

/// Its agents may have been asked already, and switch their sites after the release and its documents are gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_is_not_retired_while_a_campaign_activates_it() {
    let plane = Plane::start().await;
    plane.publish("", "^5", r#"{"n":1}"#, at_once()).await;
    let (product, version) = (product("web-central"), Version::new(5, 2, 0));
    let engine = &plane.engine;
    engine
        .stage_release(&product, &version, "a test")
        .await
        .unwrap();
    let order: Order = serde_json::from_value(serde_json::json!({
        "action": {"activate_release": {"version": "5.2.0"}},
        "selection": {"product": "web-central", "all": true},
        "pace": {"kind": "fixed_rate", "sites_per_second": 1.0},
    }))
    .unwrap();
    let campaign = engine.create_campaign(&order, "a test").await.unwrap();
    let id = campaign.id;
    engine
        .command_campaign(id, Command::Start, "a test")
        .await
        .unwrap();
    let retired = engine.retire_release(&product, &version, "a test").await;
    assert!(
        retired.is_err_and(|e| e.to_string().contains("a campaign activates release 5.2.0")),
        "it may be run any moment"
    );
    let now = engine.clock().now();
    let claim = engine.store().claim(id, 1, now).await.unwrap();
    assert_eq!(claim.sites.len(), 1);
    engine
        .command_campaign(id, Command::Abort, "a test")
        .await
        .unwrap();
    // The agent of that site has the action already.
    let retired = engine.retire_release(&product, &version, "a test").await;
    let retired = retired.unwrap_err().to_string();
    assert!(retired.contains("1 sites were asked"), "{retired}");
    let later = Duration::from_secs(60 * engine::ASKED_MINUTES_MAX.unsigned_abs() + 60);
    engine.clock().sleep(later).await;
    let planned = engine.create_campaign(&order, "a test").await.unwrap();
    engine
        .retire_release(&product, &version, "a test")
        .await
        .unwrap();
    let started = engine.command_campaign(planned.id, Command::Start, "a test");
    let started = started.await.unwrap_err().to_string();
    assert!(started.contains("neither staged nor live"), "{started}");
}
