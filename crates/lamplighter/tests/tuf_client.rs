//! `lamplighter agent tuf-client` against a repository on a local server: it keeps what passed, and
//! changes nothing for what did not.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Output;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use domain::document::{Document, DocumentKey, Lane};
use domain::name::{DocumentName, ProductName, ServiceName};
use semver::VersionReq;
use tokio::process::Command;
use tuf::{Entry, Keys, MetadataFile, SigningKey};

type Files = BTreeMap<String, Vec<u8>>;

const FAR: &str = "2093-01-01T00:00:00Z";
const PAST: &str = "2023-07-11T21:00:00Z";
const TARGET: &str = "web-central/sign-in/client/1.json";

/// What the server has, how often it was asked for what, and failures it will still answer with.
#[derive(Default)]
struct Shelf {
    files: Files,
    asked: Vec<String>,
    failures: u32,
}

struct Repository {
    keys: Keys,
    shelf: Arc<Mutex<Shelf>>,
    url: String,
    folder: tempfile::TempDir,
}

async fn answer(State(shelf): State<Arc<Mutex<Shelf>>>, uri: Uri) -> (StatusCode, Vec<u8>) {
    let mut shelf = shelf.lock().unwrap();
    let path = uri.path().trim_start_matches('/').to_owned();
    shelf.asked.push(path.clone());
    if shelf.failures > 0 {
        shelf.failures -= 1;
        return (StatusCode::BAD_GATEWAY, vec![]);
    }
    match shelf.files.get(&path) {
        Some(bytes) => (StatusCode::OK, bytes.clone()),
        None => (StatusCode::NOT_FOUND, vec![]),
    }
}

fn document(body: &str) -> Document {
    let key = DocumentKey::base(
        ProductName::parse("web-central").unwrap(),
        ServiceName::parse("sign-in").unwrap(),
        DocumentName::parse("client").unwrap(),
    );
    Document {
        key,
        version: 1,
        accepts: VersionReq::parse("^5.1").unwrap(),
        lane: Lane::First,
        json_schema: None,
        rollout: domain::rollout::Rollout::everywhere(),
        published: 1,
        body: body.into(),
    }
}

impl Repository {
    async fn start() -> Self {
        let shelf = Arc::new(Mutex::new(Shelf::default()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&shelf));
        tokio::spawn(async move { axum::serve(listener, app).await });
        let repository = Self {
            keys: Keys::read(|_| SigningKey::generate().ok()).unwrap(),
            shelf,
            url,
            folder: tempfile::tempdir().unwrap(),
        };
        let root = tuf::root(&repository.keys, 1, FAR.parse().unwrap()).unwrap();
        std::fs::write(repository.path("trusted.json"), root.bytes).unwrap();
        repository.publish(1, FAR, "{}");
        repository
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// Replaces what is served by version `version` of everything.
    fn publish(&self, version: u64, timestamp_expires: &str, body: &str) {
        let (keys, far) = (&self.keys, FAR.parse().unwrap());
        let document = document(body);
        let entry = Entry::of(&document);
        let (product, service) = (&document.key.product, &document.key.service);
        let role = tuf::role_name(product, service);
        let parts = [
            tuf::targets(keys, version, far, [(product, service)], []).unwrap(),
            tuf::delegated(keys, &role, version, far, [&entry]).unwrap(),
        ];
        let snapshot = tuf::snapshot(keys, version, far, &parts).unwrap();
        let expires = timestamp_expires.parse().unwrap();
        let timestamp = tuf::timestamp(keys, version, expires, &snapshot).unwrap();
        let named = |file: MetadataFile| (format!("metadata/{}", file.name()), file.bytes);
        let files = parts.into_iter().chain([snapshot, timestamp]).map(named);
        let mut shelf = self.shelf.lock().unwrap();
        shelf.files = files.collect();
        let target = format!("targets/{}", entry.file());
        shelf.files.insert(target, body.into());
    }

    async fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_lamplighter"))
            .args(["agent", "tuf-client", "--metadata-dir"])
            .arg(self.path("metadata"))
            .args(["--metadata-url", &format!("{}/metadata/", self.url)])
            .args(["--target-base-url", &format!("{}/targets/", self.url)])
            .arg("--target-dir")
            .arg(self.path("downloads"))
            .args(arguments)
            .output()
            .await
            .unwrap()
    }

    async fn good(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments).await;
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {told}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// What it says when it refuses, having changed none of its files.
    async fn refused(&self, arguments: &[&str]) -> String {
        let before = self.held();
        let output = self.run(arguments).await;
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert_eq!(self.held(), before, "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    }

    async fn initialised(&self) {
        let root = self.path("trusted.json");
        self.good(&["init", root.to_str().unwrap()]).await;
    }

    /// Every file that the client keeps.
    fn held(&self) -> Files {
        let mut files = Files::new();
        for folder in ["metadata", "downloads"] {
            let listed = std::fs::read_dir(self.path(folder)).into_iter().flatten();
            for file in listed.map(|file| file.unwrap().path()) {
                let name = format!("{folder}/{}", name(&file));
                files.insert(name, std::fs::read(file).unwrap());
            }
        }
        files
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.shelf.lock().unwrap().asked)
    }
}

fn name(file: &Path) -> &str {
    file.file_name().unwrap().to_str().unwrap()
}

fn names(files: &Files) -> Vec<&str> {
    files.keys().map(String::as_str).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_trusts_a_root_refreshes_and_downloads() {
    let repository = Repository::start().await;
    let told = repository.refused(&["refresh"]).await;
    assert!(told.contains("holds no trusted root"), "{told}");
    repository.initialised().await;
    assert_eq!(names(&repository.held()), ["metadata/root.json"]);
    assert!(repository.asked().is_empty(), "init asks nobody");

    let said = repository.good(&["refresh"]).await;
    assert_eq!(said.trim(), "Repository version 1 is trusted.");
    let top =
        ["root", "snapshot", "targets", "timestamp"].map(|role| format!("metadata/{role}.json"));
    assert_eq!(names(&repository.held()), top);
    let expected = ["2.root", "timestamp", "1.snapshot", "1.targets"];
    assert_eq!(
        repository.asked(),
        expected.map(|role| format!("metadata/{role}.json"))
    );

    let download = ["--target-name", TARGET, "--json", "download"];
    let said = repository.good(&download).await;
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    let file = Path::new(said["files"][0].as_str().unwrap());
    assert_eq!(std::fs::read(file).unwrap(), b"{}");
    assert_eq!(name(file), "web-central%2Fsign-in%2Fclient%2F1.json");
    let asked = repository.asked();
    let expected = ["2.root", "timestamp", "1.web-central.sign-in"];
    assert_eq!(
        asked[..3],
        expected.map(|role| format!("metadata/{role}.json"))
    );
    assert_eq!(asked.len(), 4, "{asked:?}");

    // What is there and still fits is not downloaded again.
    repository.good(&download).await;
    let expected = ["2.root", "timestamp"].map(|role| format!("metadata/{role}.json"));
    assert_eq!(repository.asked(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_root_is_trusted_once_and_only_with_its_own_signatures() {
    let repository = Repository::start().await;
    let forged = repository.path("forged.json");
    let text = std::fs::read_to_string(repository.path("trusted.json")).unwrap();
    std::fs::write(&forged, text.replace("2093", "2094")).unwrap();
    let told = repository
        .refused(&["init", forged.to_str().unwrap()])
        .await;
    assert!(told.contains("is not signed as its role demands"), "{told}");
    repository.initialised().await;
    let root = repository.path("trusted.json");
    let told = repository.refused(&["init", root.to_str().unwrap()]).await;
    assert!(told.contains("holds a trusted root already"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rollback_and_expiry_are_refused_and_nothing_is_written() {
    let repository = Repository::start().await;
    repository.initialised().await;
    repository.publish(5, FAR, "{}");
    repository.good(&["refresh"]).await;
    repository.publish(4, FAR, "{}");
    let told = repository.refused(&["refresh"]).await;
    assert!(told.contains("timestamp.json has version 4"), "{told}");
    repository.publish(6, PAST, "{}");
    let told = repository.refused(&["refresh"]).await;
    assert!(
        told.contains("timestamp.json expired at 2023-07-11"),
        "{told}"
    );
    // A stranger's repository, of a higher version.
    let stranger = Repository::start().await;
    stranger.publish(9, FAR, "{}");
    repository.shelf.lock().unwrap().files = stranger.shelf.lock().unwrap().files.clone();
    let told = repository.refused(&["refresh"]).await;
    assert!(told.contains("is not signed as its role demands"), "{told}");
    repository.publish(7, FAR, "{}");
    repository.good(&["refresh"]).await;
}

/// The specification keeps each role when its own checks have passed; a target changes nothing of
/// the metadata.
#[tokio::test(flavor = "multi_thread")]
async fn a_tampered_target_is_refused_and_the_good_one_stays() {
    let repository = Repository::start().await;
    repository.initialised().await;
    let download = ["--target-name", TARGET, "download"];
    repository.good(&download).await;
    let tamper = |body: &str| {
        let mut shelf = repository.shelf.lock().unwrap();
        let targets = shelf.files.iter_mut();
        for (_, bytes) in targets.filter(|(name, _)| name.starts_with("targets/")) {
            *bytes = body.into();
        }
    };
    repository.publish(2, FAR, "{\"a\":1}");
    repository.good(&["refresh"]).await;
    let (metadata, good) = (
        repository.held(),
        "downloads/web-central%2Fsign-in%2Fclient%2F1.json",
    );
    // The same length, and one byte more than was promised.
    for (body, reason) in [
        ("{\"a\":2}", "is not what"),
        ("{\"a\":11}", "more than 7 bytes"),
    ] {
        tamper(body);
        let output = repository.run(&download).await;
        assert_eq!(output.status.code(), Some(1));
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains(reason), "{told}");
        assert_eq!(repository.held()[good], metadata[good], "the old one stays");
    }
    tamper("{\"a\":1}");
    repository.good(&download).await;
    assert_eq!(repository.held()[good], b"{\"a\":1}");
    let told = repository
        .refused(&["--target-name", "other", "download"])
        .await;
    assert!(
        told.contains("no role that may speak for \"other\" lists it"),
        "{told}"
    );
    let told = repository.refused(&["download"]).await;
    assert!(told.contains("--target-name"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_fails_for_a_moment_is_asked_again_and_not_forever() {
    let repository = Repository::start().await;
    repository.initialised().await;
    repository.shelf.lock().unwrap().failures = 2;
    repository.good(&["refresh"]).await;
    repository.asked();
    repository.shelf.lock().unwrap().failures = 99;
    let told = repository.refused(&["refresh"]).await;
    assert!(told.contains("answered 502"), "{told}");
    assert_eq!(repository.asked().len(), 3);
}
