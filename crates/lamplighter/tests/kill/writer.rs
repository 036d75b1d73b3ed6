//! Engineers who publish, spread and roll back, and remember what the server accepted.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use rand::RngExt as _;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use super::processes::ServerProcess;
use super::reads::{Body, http};
use super::{DOCUMENTS, LINES, PRODUCT};

const FLEET: &str = "hostname,organization,kind,city,state,timezone,population,county,latitude,longitude\n\
    a.example,A,City,A,CA,America/Los_Angeles,1,Alameda,37.8,-122.3\n\
    b.example,B,City,B,CA,America/Los_Angeles,1,Kern,35.4,-119.0\n\
    c.example,C,City,C,CA,America/Los_Angeles,1,,,\n";
/// Longer than what travels inside a push, now and then.
const PAD_MAX: usize = 40_000;

pub(crate) struct Writer {
    url: String,
    token: String,
    number: AtomicU64,
    pub(crate) refused: AtomicU64,
    /// Versions that the server said it took, by document.
    accepted: Mutex<BTreeMap<(&'static str, &'static str), Vec<u64>>>,
}

impl Writer {
    pub(crate) fn new(server: &ServerProcess) -> Self {
        Self {
            url: server.url(),
            token: server.token(),
            number: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            accepted: Mutex::default(),
        }
    }

    async fn post(&self, path: &str, body: &Value) -> Option<Value> {
        let request = http().post(format!("{}{path}", self.url)).json(body);
        let answer = request.bearer_auth(&self.token).send().await.ok()?;
        let status = answer.status();
        // No answer, or a refusal: nothing was promised. A fault would be told by its 500.
        assert!(
            !status.is_server_error() || status.as_u16() == 503,
            "{path}: {status}"
        );
        let text = answer.bytes().await.ok()?;
        let value: Value = serde_json::from_slice(&text).unwrap_or_default();
        if !status.is_success() {
            self.refused.fetch_add(1, Ordering::SeqCst);
            return None;
        }
        Some(value)
    }

    pub(crate) async fn prepare(&self) {
        let url = format!(
            "{}/api/v1/fleet/import?product={PRODUCT}&release={}",
            self.url, LINES[0].0
        );
        let imported = http()
            .post(url)
            .bearer_auth(&self.token)
            .body(FLEET)
            .send()
            .await
            .unwrap();
        assert!(
            imported.status().is_success(),
            "{}",
            imported.text().await.unwrap()
        );
        for of in DOCUMENTS {
            for line in LINES {
                self.publish(of, line, "", true).await.unwrap();
            }
        }
        for (code, _) in LINES {
            let stage = json!({"product": PRODUCT, "version": code});
            self.post("/api/v1/releases", &stage).await.unwrap();
        }
    }

    pub(crate) async fn enrolment(&self) -> String {
        let made = self
            .post("/api/v1/agents/enrolments", &json!({}))
            .await
            .unwrap();
        made["token"].as_str().unwrap().into()
    }

    async fn publish(
        &self,
        of: (&'static str, &'static str),
        (code, accepts): (&str, &str),
        pad: &str,
        at_once: bool,
    ) -> Option<u64> {
        let number = self.number.fetch_add(1, Ordering::SeqCst);
        let new = json!({
            "product": PRODUCT, "service": of.0, "name": of.1, "accepts": accepts,
            "lane": if of.0 == "sign-in" { "first" } else { "other" },
            "body": Body::make(of.1, code, number, pad), "at_once": at_once,
            "why": if at_once { "a test" } else { "" },
        });
        let version = self.post("/api/v1/documents", &new).await?["version"].as_u64()?;
        self.accepted
            .lock()
            .unwrap()
            .entry(of)
            .or_default()
            .push(version);
        Some(version)
    }

    /// One change of any kind. Some are refused, as when another version is still on its way.
    pub(crate) async fn change(&self, chance: &mut StdRng) {
        let of = DOCUMENTS[chance.random_range(0..DOCUMENTS.len())];
        let line = LINES[chance.random_range(0..LINES.len())];
        let path = format!("/api/v1/documents/{PRODUCT}/{}/{}", of.0, of.1);
        match chance.random_range(0..12) {
            0 => {
                self.release(LINES[chance.random_range(0..LINES.len())].0)
                    .await;
            }
            1 => {
                let accepted = self.accepted.lock().unwrap()[&of].clone();
                let to = accepted[chance.random_range(0..accepted.len())];
                let back = json!({"to": to, "why": "a test"});
                if let Some(done) = self.post(&format!("{path}/rollback"), &back).await {
                    let version = done["version"].as_u64().unwrap();
                    self.accepted
                        .lock()
                        .unwrap()
                        .entry(of)
                        .or_default()
                        .push(version);
                }
            }
            2..4 => {
                // To canaries, then on to all or back.
                if let Some(version) = self.publish(of, line, "", false).await {
                    let act = if chance.random() { "hasten" } else { "halt" };
                    let end = json!({"version": version, "why": "a test"});
                    self.post(&format!("{path}/{act}"), &end).await;
                }
            }
            _ => {
                let pad = "x".repeat(chance.random_range(0..PAD_MAX));
                self.publish(of, line, &pad, true).await;
            }
        }
    }

    /// Sites move to a release, or back from it.
    async fn release(&self, code: &str) {
        let path = format!("/api/v1/releases/{PRODUCT}/{code}/activate");
        self.post(&path, &json!({"all": true})).await;
    }

    pub(crate) fn accepted_count(&self) -> usize {
        self.accepted.lock().unwrap().values().map(Vec::len).sum()
    }

    /// What the server said it took is in its history, each version once.
    pub(crate) async fn accepted_is_there(&self) {
        let accepted = self.accepted.lock().unwrap().clone();
        for ((service, name), versions) in accepted {
            let mut sorted = versions.clone();
            sorted.sort_unstable();
            sorted.dedup();
            assert_eq!(
                sorted.len(),
                versions.len(),
                "a version was given twice: {versions:?}"
            );
            let newest = versions.last().copied().unwrap_or_default();
            let url = format!(
                "{}/api/v1/documents/{PRODUCT}/{service}/{name}/versions/{newest}",
                self.url
            );
            let there = http()
                .get(url)
                .bearer_auth(&self.token)
                .send()
                .await
                .unwrap();
            assert!(
                there.status().is_success(),
                "version {newest} of {name} was accepted: {}",
                there.status()
            );
        }
    }
}
