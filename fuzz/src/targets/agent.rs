//! What an agent reads: from origins, from its disk, from sites.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError};

use agent::{Cache, Version};
use axum::body::{Body, to_bytes};
use axum::http::{Request, header};
use domain::name::Hostname;
use protocol::delivery::{EVENT_REPOSITORY, Enrolled};
use tower::ServiceExt as _;

use crate::parts::{joined, parts, texts};
use crate::world::{Disk, Host, Repository, held, sites, told as told_at, wait};

const ANSWER_BYTES_MAX: usize = 4 << 20;

/// A stream means the same however it is cut, and no line of it is invented.
pub(crate) fn events(data: &[u8]) {
    let whole = agent::trial::events([data]);
    let size = data.len() % 7 + 1;
    assert_eq!(whole, agent::trial::events(data.chunks(size)));
    let said: usize = whole
        .iter()
        .map(|(name, data)| name.len() + data.len())
        .sum();
    // What is no UTF-8 becomes three bytes for each; an event without a name is a `message`.
    assert!(said <= 3 * data.len() + "message".len() * whole.len());
}

pub(crate) fn event_seeds() -> Vec<Vec<u8>> {
    let push = serde_json::to_string(&heartbeat()).expect("JSON");
    texts(&[
        &format!("event: heartbeat\nid: 7\ndata: {push}\n\n"),
        ": a comment\n\ndata: x\ndata: y\n\nevent:actions\ndata\n\n",
        "event: look-again\r\ndata:\r\n\r\n\n\n",
    ])
}

fn heartbeat() -> protocol::delivery::Push {
    let push = Repository::at(1).push();
    let metadata = push
        .metadata
        .into_iter()
        .filter(|(name, _)| name == "timestamp.json");
    protocol::delivery::Push {
        metadata: metadata.collect(),
        documents: Default::default(),
        ..push
    }
}

/// An agent is slow to start, so that one serves as long as nothing changes what it holds.
static READY: Mutex<Option<Host>> = Mutex::new(None);

fn ready() -> Host {
    let mut ready = READY.lock().unwrap_or_else(PoisonError::into_inner);
    let fresh = || Host::alone(&held().copied()).expect("it starts");
    ready.take().unwrap_or_else(fresh)
}

fn keep(host: Host) {
    *READY.lock().unwrap_or_else(PoisonError::into_inner) = Some(host);
}

/// Nothing is read that was not signed, whatever is pushed; versions do not go back.
pub(crate) fn push(data: &[u8]) {
    let host = ready();
    let begun = host.agent.versions();
    for event in parts(data) {
        let before = host.agent.versions();
        let text = String::from_utf8_lossy(event);
        wait(host.agent.take_event(EVENT_REPOSITORY, &text));
        host.check();
        assert!(host.agent.versions() >= before);
    }
    if host.agent.versions() == begun {
        keep(host);
    }
}

pub(crate) fn push_seeds() -> Vec<Vec<u8>> {
    let whole = Repository::at(2).push();
    let bare = protocol::delivery::Push {
        documents: Default::default(),
        ..whole.clone()
    };
    let json = |push| serde_json::to_vec(&push).expect("JSON");
    vec![
        json(whole.clone()),
        joined([json(heartbeat()), json(whole)]),
        joined([json(bare.clone()), json(bare)]),
    ]
}

const FILES: [&str; 3] = ["trust.json", "identity.json", "refused.json"];

/// A disk with other bytes is believed or left aside; only another identity may keep an agent from starting.
pub(crate) fn disk(data: &[u8]) {
    let disk = held().copied();
    let parts = parts(data);
    for (name, bytes) in FILES
        .iter()
        .zip(&parts)
        .filter(|(_, bytes)| !bytes.is_empty())
    {
        disk.put(name, bytes);
    }
    let is_other = parts.get(1).is_some_and(|bytes| !bytes.is_empty());
    match Host::alone(&disk) {
        Ok(host) => host.check(),
        Err(e) => assert!(is_other, "{e}"),
    }
}

pub(crate) fn disk_seeds() -> Vec<Vec<u8>> {
    let file = |name: &str| held().get(name).unwrap_or_default();
    let refused = br#"[{"site":"a.example","product":"web-central","service":"sign-in","name":"links","version":1,"reason":"no"}]"#;
    vec![
        file(FILES[0]),
        joined([b"", &*file(FILES[1])]),
        joined([&b""[..], b"", refused]),
    ]
}

/// An origin answers anything to what an agent asks for: actions first, then newer config.
pub(crate) fn origin(data: &[u8]) {
    let script: Arc<[Vec<u8>]> = parts(data).into_iter().map(<[u8]>::to_vec).collect();
    let (at, hooks) = (AtomicUsize::new(0), Arc::new(Mutex::new(vec![])));
    let asked = Arc::clone(&hooks);
    let host = Host::start(&held().copied(), move |path, body| {
        if path.starts_with("http://platform") {
            let mut asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
            asked.push(body.unwrap_or_default().to_vec());
            return (200, vec![]);
        }
        if body.is_some() {
            return (200, vec![]);
        }
        scripted(script.get(at.fetch_add(1, Ordering::Relaxed)), path)
    });
    let host = host.expect("it starts");
    let before = host.agent.versions();
    wait(host.agent.act());
    let _ = wait(host.agent.look());
    host.check();
    assert!(host.agent.versions() >= before);
    let hooks = hooks.lock().unwrap_or_else(PoisonError::into_inner);
    hooks
        .iter()
        .for_each(|body| check_hook(&host.agent.cache(), body));
}

/// An empty part is the honest answer; one that begins with three digits is a status.
fn scripted(part: Option<&Vec<u8>>, path: &str) -> (u16, Vec<u8>) {
    let honest = || match Repository::at(2).answer(path) {
        Some(body) => (200, body),
        None => (404, vec![]),
    };
    let Some(part) = part.filter(|part| !part.is_empty()) else {
        return honest();
    };
    let status = part
        .get(..3)
        .and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
    match status {
        Some(status @ 100..=599) => (status, part[3..].to_vec()),
        _ => (200, part.clone()),
    }
}

/// A site is told to run a release only when its documents for it are held.
fn check_hook(cache: &Cache, body: &[u8]) {
    #[derive(serde::Deserialize)]
    struct Told {
        site: Hostname,
        version: Version,
    }
    let Told { site, version } = serde_json::from_slice(body).expect("what it posts is JSON");
    // By whatever version of the repository it was asked to.
    cache
        .ready_for(&site, &version, 0)
        .expect("it is ready for what it was told to run");
}

pub(crate) fn origin_seeds() -> Vec<Vec<u8>> {
    let id = "01a22099-905d-7318-9f8b-5aa21b662f35";
    let action = |act: &str| {
        format!(r#"[{{{act},"site":"a.example","campaign":"{id}","generation":1,"fence":1}}]"#)
    };
    let new = Repository::at(2);
    let files = new.order.iter().map(|name| new.metadata[name].clone());
    // Actions, then no newer root, then the files in their order, then documents.
    let whole: Vec<_> = [b"[]".to_vec(), b"404".to_vec()]
        .into_iter()
        .chain(files)
        .collect();
    vec![
        action(r#""action":"activate_release","version":"5.2.0","repository":2"#).into_bytes(),
        action(r#""action":"refresh""#).into_bytes(),
        action(r#""action":"clear_cache""#).into_bytes(),
        joined(&whole),
        joined(whole.iter().cloned().chain(new.targets.values().cloned())),
        joined(["503", "404", "", "500", "", ""]),
    ]
}

/// Whatever answers an enrolment, what was believed is what is kept.
pub(crate) fn enrol(data: &[u8]) {
    let (disk, answer) = (Disk::default(), data.to_vec());
    let started = Host::start(&disk, move |path, _| match path {
        "/agent/v1/enrol" => (200, answer.clone()),
        _ => (503, vec![]),
    });
    if let Ok(host) = started {
        host.check_nothing();
        let told: Enrolled = serde_json::from_slice(data).expect("it was read");
        let kept: Enrolled =
            serde_json::from_slice(&disk.get("identity.json").expect("it is kept"))
                .expect("it reads back");
        assert_eq!((told.agent, told.root), (kept.agent, kept.root));
        assert_eq!(told.sites, kept.sites);
        Host::alone(&disk).map(drop).expect("it starts again");
    }
}

pub(crate) fn enrol_seeds() -> Vec<Vec<u8>> {
    vec![held().get("identity.json").unwrap_or_default()]
}

/// Some requests of a site: each is answered, none with more than fits, and what is refused is read no more.
pub(crate) fn local(data: &[u8]) {
    let host = ready();
    let requests = parts(data);
    let requests = requests.get(..8).unwrap_or(&requests);
    requests.iter().for_each(|request| ask(&host, request));
    host.check();
    // Who was asked to look does not look again at once.
    let has_doubt = data.windows(5).any(|some| some == b"doubt");
    if !has_doubt && host.disk.get("refused.json").is_none() {
        keep(host);
    }
}

fn ask(host: &Host, bytes: &[u8]) {
    let at = bytes
        .iter()
        .position(|byte| *byte == b'\n')
        .unwrap_or(bytes.len());
    let (line, body) = bytes.split_at(at);
    let line = String::from_utf8_lossy(line);
    let (method, path) = line.split_once(' ').unwrap_or(("GET", &line));
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_vec()));
    let Ok(request) = request else { return };
    let answer = wait(host.api.clone().oneshot(request)).expect("it cannot fail");
    let (head, body) = answer.into_parts();
    let said = wait(to_bytes(body, ANSWER_BYTES_MAX)).expect("an answer that fits");
    let status = head.status.as_u16();
    assert!(matches!(status, 200..=499 | 503 | 507), "{line}: {status}");
    let is_json = head.headers.get(header::CONTENT_TYPE);
    if is_json.is_some_and(|kind| kind == "application/json") && !said.is_empty() {
        serde_json::from_slice::<serde_json::Value>(&said).expect("what is called JSON is");
    }
}

pub(crate) fn local_seeds() -> Vec<Vec<u8>> {
    let read = "GET /v1/sites/a.example/config/sign-in/links?code=5.1.0";
    let refuse = "POST /v1/sites/a.example/config/sign-in/links/refusals\n{\"version\":1,\"reason\":\"no\",\"layer\":\"zone:America/Chicago\",\"code\":\"5.1.0\"}";
    let mut seeds = texts(&[
        read,
        "GET /v1/sites/b.example/banners?zone=America/Chicago&state=TX",
        "GET /v1/status",
        "GET /readyz",
        "GET /metrics",
        "POST /v1/sites/a.example/doubt\n{\"reason\":\"x\"}",
        "POST /v1/outcomes\n[{\"site\":\"a.example\"},{\"site\":\"b.example\",\"error\":\"x\"}]",
        "POST /ofrep/v1/evaluate/flags/sign-in.links.limits.tries\n{\"context\":{\"targetingKey\":\"a.example\",\"code\":\"5.1.0\"}}",
        "POST /ofrep/v1/evaluate/flags\n{\"context\":{\"targetingKey\":\"a.example\",\"code\":\"5.1.0\",\"service\":\"sign-in\"}}",
    ]);
    seeds.push(joined([refuse, read, "GET /metrics"]));
    seeds
}

/// A signed shard tells a site only its own layers, in the order in which they are merged.
pub(crate) fn told(data: &[u8]) {
    let [entry] = &Repository::at(1).shards[..] else {
        return;
    };
    let cache = Cache::unchecked(sites(), []);
    let Some(told) = agent::trial::told(entry, data, &cache) else {
        return;
    };
    for (site, layers) in &told.sites {
        assert!(
            cache.product_of(site).is_some(),
            "{site} is of another agent"
        );
        assert!(layers.is_sorted() && layers.contains(&domain::layer::Layer::Site(site.clone())));
    }
    for one in told.entries {
        let owner = told
            .sites
            .iter()
            .find(|(_, layers)| layers.contains(&one.key.layer));
        assert!(one.key.layer.is_site() && owner.is_some(), "{one:?}");
        assert_eq!(one.key.product, sites()[0].1);
    }
}

pub(crate) fn told_seeds() -> Vec<Vec<u8>> {
    let json = |version| serde_json::to_vec(&told_at(version)).expect("JSON");
    vec![json(1), json(2)]
}
