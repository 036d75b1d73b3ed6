//! What else stands beside the sites: a Unix socket, files, metrics, and looks when a site doubts.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::*;

impl Plane {
    /// An agent of sites a and b that has a socket and no port, and writes files.
    async fn agent_beside(&self, stop: &CancellationToken) -> Agent {
        let settings = AgentSettings {
            enrolment_token: Some(
                self.engine
                    .make_enrolment(&Bounds::default(), "a test")
                    .await
                    .unwrap(),
            ),
            sites: vec![host("a.example"), host("b.example")],
            stale_after: Duration::from_secs(60),
            socket: Some(self.socket()),
            files: Some(self.files()),
            ..AgentSettings::new(vec![self.url.clone()], self.folder.path().join("agent"))
        };
        let agent = Agent::start(settings, self.clock.clone(), stop.clone());
        agent.await.unwrap()
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("agent.sock")
    }

    fn files(&self) -> PathBuf {
        self.folder.path().join("files")
    }

    async fn ask(&self, path: &str, body: Option<&Value>) -> (u16, String) {
        let http = reqwest::Client::builder().no_proxy();
        let http = http.unix_socket(self.socket()).build().unwrap();
        let url = format!("http://agent{path}");
        let request = match body {
            None => http.get(url),
            Some(body) => http.post(url).json(body),
        };
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    async fn doubt(&self, site: &str) -> (u16, Value) {
        let why = json!({"reason": "no key signs this token"});
        let (status, text) = self
            .ask(&format!("/v1/sites/{site}/doubt"), Some(&why))
            .await;
        (status, serde_json::from_str(&text).unwrap())
    }

    /// What a site that only reads files reads: the first version that accepts its code.
    fn read_files(&self, site: &str, code: &str) -> Option<String> {
        let index = std::fs::read(self.files().join(format!("sites/{site}.json"))).ok()?;
        let index: Value = serde_json::from_slice(&index).unwrap();
        let versions = index["documents"]["sign-in/links"].as_array()?;
        let code = Version::parse(code).unwrap();
        let accepts = |one: &&Value| {
            let accepts = VersionReq::parse(one["accepts"].as_str().unwrap());
            accepts.unwrap().matches(&code)
        };
        let file = versions.iter().find(accepts)?["file"].as_str().unwrap();
        Some(std::fs::read_to_string(self.files().join(file)).unwrap())
    }
}

/// Whether files say what reads say, for both sites and some codes.
fn agree(plane: &Plane, agent: &Agent) -> bool {
    let sites = ["a.example", "b.example"];
    let both = sites
        .iter()
        .flat_map(|site| ["5.1.0", "5.2.0", "6.0.0"].map(|code| (*site, code)));
    let same = |(site, code): (&str, &str)| {
        let version = Version::parse(code).unwrap();
        let found = agent
            .cache()
            .read(&host(site), &key().service, &key().name, &version);
        let body = found.map(|found| String::from_utf8(found.body.to_vec()).unwrap());
        plane.read_files(site, code) == body
    };
    both.into_iter().all(same)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_say_what_reads_say_through_a_rollout_and_a_refusal() {
    let plane = Plane::start().await;
    plane.publish("^5", r#"{"n":1}"#).await.unwrap();
    let others = plane.files().join("sites");
    std::fs::create_dir_all(&others).unwrap();
    for name in ["gone.example.json", "notes.txt"] {
        std::fs::write(others.join(name), "left there").unwrap();
    }
    let stop = CancellationToken::new();
    let agent = plane.agent_beside(&stop).await;
    let a_reads = |body: &str| plane.read_files("a.example", "5.1.0").as_deref() == Some(body);
    plane
        .until("the first version", || a_reads(r#"{"n":1}"#))
        .await;
    plane.publish("^5", r#"{"n":2}"#).await.unwrap();
    plane
        .until("the canary has the second", || a_reads(r#"{"n":2}"#))
        .await;
    plane
        .until("files and reads agree", || agree(&plane, &agent))
        .await;
    assert_eq!(
        plane.read_files("b.example", "5.1.0").unwrap(),
        r#"{"n":1}"#
    );
    let refusal = json!({"version": 2, "reason": "not ours"});
    let path = "/v1/sites/a.example/config/sign-in/links/refusals";
    assert_eq!(plane.ask(path, Some(&refusal)).await.0, 204);
    plane
        .until("the refused is out", || a_reads(r#"{"n":1}"#))
        .await;
    plane
        .until("files and reads agree", || agree(&plane, &agent))
        .await;
    let documents = || {
        std::fs::read_dir(plane.files().join("documents"))
            .unwrap()
            .count()
    };
    plane
        .until("what nobody reads is removed", || documents() == 1)
        .await;
    assert!(!others.join("gone.example.json").exists() && others.join("notes.txt").exists());

    let status = || -> Value {
        serde_json::from_slice(&std::fs::read(plane.files().join("status.json")).unwrap()).unwrap()
    };
    plane.until("fresh", || status()["stale"] == false).await;
    plane.stop.cancel();
    plane.until("stale", || status()["stale"] == true).await;
    assert!(status()["verified_at"].is_string());
    stop.cancel();
    agent.wait().await;
    assert!(a_reads(r#"{"n":1}"#), "it stays");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_doubt_makes_the_agent_look_at_once_and_many_look_once() {
    let plane = Plane::start().await;
    plane.publish("^5", "{}").await.unwrap();
    let stop = CancellationToken::new();
    let agent = plane.agent_beside(&stop).await;
    assert!(agent.address().is_none());
    plane
        .until("config", || agent.cache().repository_version() > 0)
        .await;
    assert_eq!(plane.doubt("c.example").await.0, 404);
    let looks = async || {
        let (status, text) = plane.ask("/metrics", None).await;
        assert_eq!(status, 200);
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("lamplighter_agent_doubt_looks_total "));
        line.unwrap().parse::<u64>().unwrap()
    };
    let answers = futures_util::future::join_all((0..20).map(|_| plane.doubt("a.example"))).await;
    let looked = answers
        .iter()
        .filter(|(_, answer)| answer["looked"] == true)
        .count();
    assert!(looked >= 1);
    for (status, answer) in &answers {
        assert_eq!(
            (*status, &answer["newer"]),
            (200, &json!(false)),
            "{answer}"
        );
        let again = answer["looks_again_in_seconds"].as_u64();
        assert_eq!(again.is_none(), answer["looked"] == true, "{answer}");
        assert!(again.is_none_or(|again| again <= 6), "{answer}");
    }
    // 20 doubts at once; and one more look, later, for those that came too soon.
    plane.clock.sleep(Duration::from_secs(30)).await;
    let few = looks().await;
    assert!((1..=4).contains(&few), "{few}");
    plane.clock.sleep(Duration::from_secs(30)).await;
    assert_eq!(looks().await, few, "no doubt, no look");
    // A sign-in that failed is a doubt, too; one that went well is none.
    let told = json!({"site": "a.example"});
    assert_eq!(plane.ask("/v1/outcomes", Some(&told)).await.0, 202);
    plane.clock.sleep(Duration::from_secs(30)).await;
    assert_eq!(looks().await, few);
    let told = json!({"site": "a.example", "error": "invalid_client"});
    assert_eq!(plane.ask("/v1/outcomes", Some(&told)).await.0, 202);
    plane.clock.sleep(Duration::from_secs(30)).await;
    assert_eq!(looks().await, few + 1);
    // No origin: the answer says so.
    plane.stop.cancel();
    plane.clock.sleep(Duration::from_secs(30)).await;
    let (status, answer) = plane.doubt("a.example").await;
    assert_eq!((status, &answer["looked"]), (200, &json!(true)));
    assert!(
        answer["error"].as_str().unwrap().contains("did not answer"),
        "{answer}"
    );
    stop.cancel();
    agent.wait().await;
    assert!(!plane.socket().exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_count_what_happened_and_liveness_is_not_readiness() {
    let plane = Plane::start().await;
    plane.publish("^5", "{}").await.unwrap();
    let stop = CancellationToken::new();
    let agent = plane.agent_beside(&stop).await;
    plane
        .until("config", || agent.cache().repository_version() > 0)
        .await;
    let config = "/v1/sites/a.example/config/sign-in/links?code=";
    for (code, status) in [("5.1.0", 200), ("5.2.0", 200), ("6.0.0", 404)] {
        assert_eq!(plane.ask(&format!("{config}{code}"), None).await.0, status);
    }
    plane.stop.cancel();
    plane
        .until("stale", || {
            agent
                .cache()
                .freshness(plane.clock.now(), Duration::from_secs(60))
                .stale
        })
        .await;
    assert_eq!(plane.ask("/livez", None).await, (200, "ok".into()));
    assert_eq!(plane.ask("/readyz", None).await, (503, "STALE".into()));
    let (_, text) = plane.ask("/metrics", None).await;
    let origin = plane.url.as_str().trim_end_matches('/');
    for line in [
        "reads_total{result=\"found\"} 2",
        "reads_total{result=\"missing\"} 1",
        "stale 1",
        "sites 2",
        "document_versions 1",
        "refusals 0",
    ] {
        let line = format!("lamplighter_agent_{line}\n");
        assert!(text.contains(&line), "{line} in {text}");
    }
    let value = |name: &str| {
        let name = format!("lamplighter_agent_{name} ");
        let line = text.lines().find_map(|line| line.strip_prefix(&*name));
        line.map_or(f64::NAN, |value| value.parse().unwrap())
    };
    assert!(value("age_seconds") > 60.0, "{text}");
    assert!(value("last_error_timestamp_seconds") > 1e9, "{text}");
    let [asked, failed] = ["requests", "failures"]
        .map(|what| value(&format!("origin_{what}_total{{origin=\"{origin}\"}}")));
    assert!(asked > failed && failed >= 1.0, "{text}");
    assert!(
        value("pushes_total{result=\"unchanged\"}") + value("looks_total{result=\"failed\"}")
            >= 1.0
    );
    let status: Value = serde_json::from_str(&plane.ask("/v1/status", None).await.1).unwrap();
    assert!(status["last_error"]["what"].is_string(), "{status}");
    stop.cancel();
    agent.wait().await;
}
