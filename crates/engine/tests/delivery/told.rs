//! What agents are told of sites, in shards.

use super::*;

fn long(length: usize) -> String {
    format!(r#"{{"text":"{}"}}"#, "x".repeat(length))
}

fn shards(engine: &Engine) -> usize {
    let repository = engine.repository();
    let files = repository.target_files();
    files.filter(|(name, _)| name.contains("_sites-")).count()
}

/// Two sites are few enough for one shard, and their layers together too long for one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_layers_of_single_sites_are_told_in_more_shards() {
    let plane = Plane::start().await;
    plane.publish("", "^5", "{}", at_once()).await;
    for (layer, told_in) in [("site:a.example", 1), ("site:b.example", 2)] {
        let body = long(600_000);
        plane.publish(layer, "^5", &body, at_once()).await;
        assert_eq!(shards(&plane.engine), told_in, "{layer}");
    }
    for site in ["a.example", "b.example"] {
        let site = plane.engine.fleet().site_at(&host(site)).unwrap();
        let read = plane
            .engine
            .document_for(&key(), &site.running, Some(&site));
        assert!(read.unwrap().body().len() > 600_000, "{}", site.hostname);
    }
}

/// How many shards the roles list that agents are led to.
fn shards_delegated(engine: &Engine) -> usize {
    let files = engine.repository().metadata_files();
    let newest = |role: &str| {
        let versions = files.iter().filter_map(|name| {
            let (version, rest) = name.split_once('.')?;
            (rest == format!("{role}.json")).then(|| version.parse::<u64>().unwrap())
        });
        let name = format!("{}.{role}.json", versions.max().unwrap());
        let file = engine.repository_file(&name).unwrap();
        serde_json::from_slice::<serde_json::Value>(&file).unwrap()
    };
    let targets = newest("targets");
    let roles = targets["signed"]["delegations"]["roles"]
        .as_array()
        .unwrap();
    let names = roles.iter().map(|role| role["name"].as_str().unwrap());
    let shards = names.filter(|name| tuf::ShardRole::parse(name).is_some());
    shards
        .map(|name| newest(name)["signed"]["targets"].as_object().unwrap().len())
        .sum()
}

/// Roles that were needed once are not new when they are needed again: agents were led to those of the time between.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_told_is_found_when_it_is_divided_as_it_was_once() {
    let plane = Plane::start().await;
    let engine = &plane.engine;
    plane.publish("", "^5", "{}", at_once()).await;
    let stop = CancellationToken::new();
    let mut workers = engine.run_workers(&stop);
    // The version before is kept, for a site that refuses the new one.
    for (length, times, told_in) in [(600_000, 1, 2), (10, 2, 1), (600_000, 1, 2)] {
        for layer in ["site:a.example", "site:b.example"].repeat(times) {
            plane.publish(layer, "^5", &long(length), at_once()).await;
        }
        // Fewer do when all sites are told of anew.
        for _ in 0..300 {
            if shards(engine) == told_in {
                break;
            }
            engine.clock().sleep(Duration::from_secs(60)).await;
        }
        assert_eq!(
            (shards(engine), shards_delegated(engine)),
            (told_in, told_in)
        );
    }
    stop.cancel();
    while workers.join_next().await.is_some() {}
}

/// A shard of one product is as long as it may be when a group makes it longer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_told_of_one_product_stops_no_other() {
    let plane = Plane::start().await;
    let engine = &plane.engine;
    let other = async |layer: &str, body: &str| {
        let mut new = document(layer, "^5", body, at_once());
        new.key.product = product("other");
        engine.publish_document(new, "a test").await
    };
    plane.publish("", "^5", "{}", at_once()).await;
    plane.publish("site:a.example", "^5", "{}", at_once()).await;
    other("", "{}").await.unwrap();
    let length = (1 << 20) - 100;
    let refused = other("site:c.example", &long(length)).await;
    let refused = refused.unwrap_err().to_string();
    let (_, would_be) = refused.split_once("would be ").unwrap();
    let would_be: usize = would_be.split(' ').next().unwrap().parse().unwrap();
    let fits = long(length + (1 << 20) - would_be);
    other("site:c.example", &fits).await.unwrap();
    let early = GroupName::parse("early").unwrap();
    let sites = BTreeSet::from([host("a.example"), host("c.example")]);
    engine.set_group(&early, sites, "a test").await.unwrap();
    let is_told = |site: &str| {
        let site = engine.fleet().site_at(&host(site)).unwrap();
        let group = Layer::parse("group:early").unwrap();
        engine.repository().is_in_layer(&site, &group)
    };
    let stop = CancellationToken::new();
    let _workers = engine.run_workers(&stop);
    for _ in 0..300 {
        if is_told("a.example") {
            break;
        }
        engine.clock().sleep(Duration::from_secs(60)).await;
    }
    assert!(is_told("a.example") && !is_told("c.example"));
    stop.cancel();
    // Of the product itself, who publishes is told.
    let published = other("site:c.example", &fits).await;
    let published = published.unwrap_err().to_string();
    assert!(published.contains("shorter"), "{published}");
}
