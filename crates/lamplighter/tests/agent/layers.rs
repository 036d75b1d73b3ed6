//! Sites of one agent read one document otherwise, each with its layers; agent and control plane decide alike.

use std::collections::BTreeSet;

use domain::layer::Layer;
use domain::name::GroupName;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::*;

fn layer(text: &str) -> DocumentKey {
    key().with_layer(Layer::parse(text).unwrap())
}

fn at_once() -> How {
    How {
        at_once: true,
        bypass_coverage: false,
        why: "a test".into(),
    }
}

impl Plane {
    async fn layer(&self, text: &str, accepts: &str, body: &str) -> Result<u64, EngineError> {
        self.layered(text, accepts, body, at_once()).await
    }

    async fn layered(
        &self,
        text: &str,
        accepts: &str,
        body: &str,
        how: How,
    ) -> Result<u64, EngineError> {
        let new = NewDocument {
            key: layer(text),
            accepts: accepts.parse().unwrap(),
            lane: None,
            schema: None,
            body: body.into(),
            how,
        };
        self.engine.publish_document(new, "a test").await
    }

    async fn group(&self, name: &str, sites: &[&str]) {
        let sites: BTreeSet<_> = sites.iter().map(|name| host(name)).collect();
        let name = GroupName::parse(name).unwrap();
        let set = self.engine.set_group(&name, sites, "a test");
        set.await.unwrap();
    }

    async fn reads(&self, agent: &Agent, expected: [(&str, &str); 2]) {
        let mut found = vec![];
        for _ in 0..1_200 {
            found.clear();
            for (site, _) in expected {
                found.push((site, read(agent, site, "5.1.0", None).await.body));
            }
            let found = found.iter().map(|(site, body)| (*site, body.as_str()));
            if found.eq(expected) {
                return;
            }
            self.clock.sleep(Duration::from_secs(1)).await;
        }
        panic!("{found:?}, not {expected:?}");
    }

    /// What the control plane says that a site reads.
    fn says(&self, site: &str, code: &Version) -> Option<String> {
        let site = self.engine.fleet().site_at(&host(site))?;
        let answer = self.engine.document_for(&key(), code, Some(&site))?;
        Some(String::from_utf8(answer.body().into_owned()).unwrap())
    }

    fn fetched(&self) -> Vec<(String, u64)> {
        let mut all = self.losses.fetched.lock().unwrap();
        let mut all = std::mem::take(&mut *all);
        let is_config = |path: &str| {
            path.starts_with("/agent/v1/repository/") || path.starts_with("/agent/v1/targets/")
        };
        // Asked each time whether there is a newer root: there is none.
        all.retain(|(path, _)| is_config(path) && !path.ends_with(".root.json"));
        all
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_sites_read_the_document_each_with_its_layers() {
    let plane = Plane::start().await;
    plane
        .publish("^5", r#"{"n":1,"place":"anywhere"}"#)
        .await
        .unwrap();
    let stop = CancellationToken::new();
    let agent = plane.agent(&plane.url, &stop).await;
    let base = r#"{"n":1,"place":"anywhere"}"#;
    plane
        .reads(&agent, [("a.example", base), ("b.example", base)])
        .await;

    plane
        .layer("county:CA/Alameda", "^5", r#"{"place":"Alameda"}"#)
        .await
        .unwrap();
    let alameda = r#"{"n":1,"place":"Alameda"}"#;
    plane
        .reads(&agent, [("a.example", alameda), ("b.example", base)])
        .await;
    let etag = read(&agent, "a.example", "5.1.0", None).await.etag;
    let same = read(&agent, "a.example", "5.1.0", etag.as_deref()).await;
    assert_eq!(same.status, 304);

    plane.group("early", &["b.example"]).await;
    plane
        .layer("group:early", "^5", r#"{"n":2,"more":true}"#)
        .await
        .unwrap();
    let early = r#"{"more":true,"n":2,"place":"anywhere"}"#;
    plane
        .reads(&agent, [("a.example", alameda), ("b.example", early)])
        .await;
    plane
        .layer("site:b.example", "^5", r#"{"more":null,"n":3}"#)
        .await
        .unwrap();
    let own = r#"{"n":3,"place":"anywhere"}"#;
    plane
        .reads(&agent, [("a.example", alameda), ("b.example", own)])
        .await;
    for (site, body) in [("a.example", alameda), ("b.example", own)] {
        assert_eq!(
            plane.says(site, &Version::new(5, 1, 0)).as_deref(),
            Some(body)
        );
    }
    let now = read(&agent, "a.example", "5.1.0", etag.as_deref()).await;
    assert_eq!(now.status, 304, "what others read is no news");

    // Another site is in the group from now on.
    plane.group("early", &["a.example"]).await;
    let moved = r#"{"more":true,"n":2,"place":"Alameda"}"#;
    plane
        .reads(&agent, [("a.example", moved), ("b.example", own)])
        .await;
    plane.ready_sites(&Version::new(5, 1, 0), 2).await;
    let history = plane
        .engine
        .document_history(&layer("group:early"), None)
        .await
        .unwrap();
    assert_eq!((history.sites, history.versions[0].reading), (1, 1));

    // The site names no layer: what was published last of what it reads is out.
    let address = agent.address().unwrap();
    let url = format!("http://{address}/v1/sites/a.example/config/sign-in/links/refusals");
    let refusal =
        serde_json::json!({"version": 1, "code": "5.1.0", "reason": "it has no member `more`"});
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let sent = http.post(url).json(&refusal).send().await.unwrap();
    assert_eq!(sent.status().as_u16(), 204);
    plane
        .reads(&agent, [("a.example", alameda), ("b.example", own)])
        .await;
    plane
        .until("the control plane knows", || {
            plane.says("a.example", &Version::new(5, 1, 0)).as_deref() == Some(alameda)
        })
        .await;
    let pages = plane.engine.store().pages(10).await.unwrap();
    assert!(
        pages.iter().any(|page| page.words.contains("group:early")),
        "{pages:?}"
    );
    stop.cancel();
    agent.wait().await;

    // Everything that decides a read is on the disk.
    plane.stop.cancel();
    let stop = CancellationToken::new();
    let nowhere: Url = "http://127.0.0.1:9".parse().unwrap();
    let settings = AgentSettings {
        listen: Some("127.0.0.1:0".parse().unwrap()),
        ..AgentSettings::new(vec![nowhere], plane.folder.path().join("agent"))
    };
    let agent = Agent::start(settings.clone(), plane.clock.clone(), stop.clone())
        .await
        .unwrap();
    plane
        .reads(&agent, [("a.example", alameda), ("b.example", own)])
        .await;
    stop.cancel();
    agent.wait().await;

    // What is told of the sites is gone: better nothing than what is not theirs.
    let mut lost = 0;
    for file in std::fs::read_dir(plane.targets()).unwrap() {
        let path = file.unwrap().path();
        if std::fs::read_to_string(&path)
            .unwrap()
            .starts_with(r#"{"sites""#)
        {
            std::fs::remove_file(path).unwrap();
            lost += 1;
        }
    }
    assert!(lost > 0);
    let stop = CancellationToken::new();
    let agent = Agent::start(settings, plane.clock.clone(), stop.clone())
        .await
        .unwrap();
    for site in ["a.example", "b.example"] {
        assert_eq!(read(&agent, site, "5.1.0", None).await.status, 404);
    }
    stop.cancel();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_some_site_would_read_is_checked_before_it_is_published() {
    let plane = Plane::start().await;
    let schema = serde_json::json!({"type": "object", "required": ["n"],
        "properties": {"n": {"type": "integer", "maximum": 9}}});
    let base = |body: &str| NewDocument {
        key: key(),
        accepts: "^5".parse().unwrap(),
        lane: None,
        schema: Some(schema.clone()),
        body: body.into(),
        how: at_once(),
    };
    let publish = |new| plane.engine.publish_document(new, "a test");
    publish(base(r#"{"n":1}"#)).await.unwrap();
    for (text, body, named) in [
        (
            "state:CA",
            r#"{"n":null}"#,
            "state:CA for a.example on release 5.1.0",
        ),
        (
            "site:b.example",
            r#"{"n":10}"#,
            "site:b.example for b.example",
        ),
        ("state:CA", "[1]", "merge patch"),
        ("state:TX", "{}", "no site of web-central is in state:TX"),
        (
            "group:early",
            "{}",
            "no site of web-central is in group:early",
        ),
    ] {
        let refused = plane.layer(text, "^5", body).await.unwrap_err().to_string();
        assert!(refused.contains(named), "{refused}");
    }
    plane.layer("state:CA", "^5", r#"{"n":9}"#).await.unwrap();
    plane
        .layer("site:b.example", "^5", r#"{"n":4}"#)
        .await
        .unwrap();
    let mut stricter = base(r#"{"n":1}"#);
    stricter.schema = Some(serde_json::json!({"properties": {"n": {"maximum": 8}}}));
    let refused = publish(stricter).await.unwrap_err().to_string();
    assert!(
        refused.contains("state:CA for a.example") && refused.contains("/n"),
        "{refused}"
    );

    // A layer that leaves a live release without a version would leave its sites without config.
    let narrow = plane
        .layer("county:CA/Kern", "<5.1", "{}")
        .await
        .unwrap_err();
    assert!(narrow.to_string().contains("county:CA/Kern"), "{narrow}");
    plane.layer("county:CA/Kern", "~5.1", "{}").await.unwrap();
    let new = Version::new(5, 2, 0);
    let staged = plane.engine.stage_release(&product(), &new, "a test").await;
    assert!(staged.unwrap_err().to_string().contains("county:CA/Kern"));
    stop_of(&plane);
}

fn stop_of(plane: &Plane) {
    plane.stop.cancel();
}

/// One site's own layer changes, in a fleet of many: who has no site in its shard fetches nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_for_one_site_moves_its_shard_alone() {
    let plane = Plane::start().await;
    let row = |n: u32| format!("town-{n}.example,T{n},City,T{n},CA,America/Los_Angeles,1,,,\n");
    let header = FLEET.lines().next().unwrap();
    let fleet: String = (0..2_000).map(row).collect();
    let defaults = Defaults {
        product: product(),
        running: Version::new(5, 1, 0),
    };
    let fleet = format!("{header}\n{fleet}");
    let imported = plane
        .engine
        .import_fleet(fleet.as_bytes(), &defaults, "a test");
    imported.await.unwrap();
    plane.publish("^5", r#"{"n":1}"#).await.unwrap();
    plane
        .layer("site:town-1.example", "^5", r#"{"n":2}"#)
        .await
        .unwrap();
    let stop = CancellationToken::new();
    let agent = plane.agent(&plane.url, &stop).await;
    let base = r#"{"n":1}"#;
    plane
        .reads(&agent, [("a.example", base), ("b.example", base)])
        .await;
    let of_shards = |all: &[(String, u64)]| -> (usize, u64) {
        let own = all.iter().filter(|(path, _)| path.contains("_sites-"));
        own.fold((0, 0), |(count, sum), (_, bytes)| (count + 1, sum + bytes))
    };
    let first = plane.fetched();
    // Two sites: two roles and two shards at most, of 16 roles and 256 shards.
    let (count, bytes) = of_shards(&first);
    assert!(count <= 4 && bytes < 20_000, "{first:?}");

    let held = |agent: &Agent| agent.cache().repository_version();
    let follow = |version: u64| {
        let agent = &agent;
        plane.until("the agent follows", move || held(agent) >= version)
    };
    let own = tuf_of("a.example");
    let other = (2..2_000).map(|n| format!("town-{n}.example"));
    let other = other
        .into_iter()
        .find(|name| tuf_of(name).role() != own.role());
    let other = format!("site:{}", other.unwrap());
    plane.layer(&other, "^5", r#"{"n":5}"#).await.unwrap();
    follow(plane.engine.repository().version()).await;
    let fetched = plane.fetched();
    assert_eq!(of_shards(&fetched), (0, 0), "{fetched:?}");

    plane
        .layer("site:a.example", "^5", r#"{"n":6}"#)
        .await
        .unwrap();
    plane
        .reads(&agent, [("a.example", r#"{"n":6}"#), ("b.example", base)])
        .await;
    let fetched = plane.fetched();
    let (count, bytes) = of_shards(&fetched);
    assert!(
        count == 2 && bytes < 10_000,
        "its role and its shard: {fetched:?}"
    );
    stop.cancel();
    plane.stop.cancel();
}

fn tuf_of(site: &str) -> tuf::Shard {
    tuf::Shard::of(&product(), tuf::level_for(2_003), &host(site))
}

/// Publishes, groups and refuses by chance, and compares what both sides say after each step.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agent_and_control_plane_decide_alike() {
    let seed: u64 =
        std::env::var("SEED").map_or_else(|_| rand::random(), |seed| seed.parse().unwrap());
    eprintln!("SEED={seed}");
    let mut chance = StdRng::seed_from_u64(seed);
    let plane = Plane::start().await;
    plane.publish("^5", r#"{"n":0}"#).await.unwrap();
    let stop = CancellationToken::new();
    let agent = plane.agent(&plane.url, &stop).await;
    let layers = [
        "",
        "zone:America/Los_Angeles",
        "state:CA",
        "county:CA/Alameda",
        "county:CA/Kern",
        "group:early",
        "group:pilot",
        "site:a.example",
        "site:b.example",
    ];
    for step in 0..40 {
        match chance.random_range(0..10) {
            0 => {
                let sites = ["a.example", "b.example"];
                let sites: Vec<_> = sites
                    .into_iter()
                    .filter(|_| chance.random_bool(0.5))
                    .collect();
                let name = ["early", "pilot"][chance.random_range(0..2)];
                plane.group(name, &sites).await;
            }
            1 | 2 => {
                let view = plane.engine.repository();
                let all: Vec<_> = view.documents().values().flatten().collect();
                let one = all[chance.random_range(0..all.len())];
                let site = ["a.example", "b.example"][chance.random_range(0..2)];
                let address = agent.address().unwrap();
                let url = format!("http://{address}/v1/sites/{site}/config/sign-in/links/refusals");
                let mut body = serde_json::json!({"version": one.version, "reason": "by chance"});
                if chance.random_bool(0.7) {
                    body["layer"] = one.key.layer.to_string().into();
                }
                let http = reqwest::Client::builder().no_proxy().build().unwrap();
                http.post(url).json(&body).send().await.unwrap();
            }
            _ => {
                let text = layers[chance.random_range(0..layers.len())];
                let accepts = ["^5", "*", "<5.2", ">=5.2", "~5.1"][chance.random_range(0..5)];
                let body = format!(r#"{{"n":{step},"m{}":{step}}}"#, chance.random_range(0..4));
                let how = if chance.random_bool(0.6) {
                    at_once()
                } else {
                    How::default()
                };
                // Some are refused, for layers without a site or code without a version.
                let _ = plane.layered(text, accepts, &body, how).await;
            }
        }
        alike(&plane, &agent, seed, step).await;
    }
    stop.cancel();
    plane.stop.cancel();
}

async fn alike(plane: &Plane, agent: &Agent, seed: u64, step: u32) {
    let mut differ = vec![];
    for _ in 0..1_200 {
        differ.clear();
        for site in ["a.example", "b.example"] {
            for code in ["5.0.0", "5.1.0", "5.2.0", "5.2.0-rc.1", "6.0.0"] {
                let code = Version::parse(code).unwrap();
                let says = plane.says(site, &code);
                let key = key();
                let reads = agent
                    .cache()
                    .read(&host(site), &key.service, &key.name, &code);
                let reads = reads.map(|one| String::from_utf8(one.body.to_vec()).unwrap());
                if reads != says {
                    differ.push((site, code, reads, says));
                }
            }
        }
        if differ.is_empty() {
            return;
        }
        plane.clock.sleep(Duration::from_secs(1)).await;
    }
    panic!("SEED={seed}, step {step}: {differ:?}");
}
