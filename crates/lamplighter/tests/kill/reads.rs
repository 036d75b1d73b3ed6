//! Sites that read all the time, and what must hold of every read.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use clock::Clock;
use reqwest::{Client, Response};
use serde_json::{Value, json};
use tokio::task::{JoinHandle, JoinSet};

use super::disk::Kept;
use super::processes::{AgentProcess, ServerProcess};
use super::{DOCUMENTS, LINES, PRODUCT, SITES};

pub(crate) fn http() -> Client {
    Client::builder().no_proxy().build().unwrap()
}

/// A document that says which it is, and whether it is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Body {
    document: String,
    line: String,
    number: u64,
}

impl Body {
    pub(crate) fn make(document: &str, line: &str, number: u64, pad: &str) -> Value {
        let sum = sum(document, line, number, pad);
        json!({"document": document, "line": line, "number": number, "pad": pad, "sum": sum})
    }

    /// # Errors
    /// What is torn or mixed.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let body: Value = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
        let text = |name: &str| body[name].as_str().ok_or_else(|| format!("no {name}"));
        let (document, line, pad) = (text("document")?, text("line")?, text("pad")?);
        let number = body["number"].as_u64().ok_or("no number")?;
        if body["sum"] != sum(document, line, number, pad) {
            return Err("its sum is another".into());
        }
        Ok(Self {
            document: document.into(),
            line: line.into(),
            number,
        })
    }
}

fn sum(document: &str, line: &str, number: u64, pad: &str) -> String {
    let mut hasher = DefaultHasher::new();
    (document, line, number, pad).hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// What was read until now.
#[derive(Default)]
pub(crate) struct Book {
    /// A version of a document says one thing forever: its number was used once.
    said: Mutex<HashMap<(String, u64), Body>>,
    newest_repository: AtomicU64,
    pub(crate) reads: AtomicU64,
    pub(crate) stop: AtomicBool,
}

struct Asked {
    url: String,
    document: &'static str,
    code: &'static str,
}

fn asked(agent: &str, site: &str) -> Vec<Asked> {
    let pairs = DOCUMENTS
        .iter()
        .flat_map(|of| LINES.iter().map(move |line| (of, line.0)));
    let one = |((service, document), code): (&(&str, &'static str), &'static str)| Asked {
        url: format!("{agent}/v1/sites/{site}/config/{service}/{document}?code={code}"),
        document,
        code,
    };
    pairs.map(one).collect()
}

impl Book {
    /// Reads for every site, document and code until told to stop. Ends early only with a finding.
    pub(crate) fn start_readers(self: &Arc<Self>, agent: &AgentProcess) -> JoinHandle<()> {
        let mut readers = JoinSet::new();
        for site in SITES {
            let (book, agent) = (Arc::clone(self), agent.url());
            readers.spawn(async move {
                let http = http();
                while !book.stop.load(Ordering::SeqCst) {
                    for asked in asked(&agent, site) {
                        // An agent that is down answers nothing, which is no lie.
                        if let Ok(answer) = http.get(&asked.url).send().await {
                            book.check(&asked, answer).await;
                        }
                    }
                    Clock::system().sleep(Duration::from_millis(5)).await;
                }
            });
        }
        tokio::spawn(async move {
            // The first that panics ends all.
            while let Some(ended) = readers.join_next().await {
                ended.unwrap();
            }
        })
    }

    async fn check(&self, asked: &Asked, answer: Response) {
        let status = answer.status().as_u16();
        let version = answer
            .headers()
            .get("lamplighter-document-version")
            .cloned();
        // Killed in the middle of its answer: the reader sees that it is cut.
        let Ok(bytes) = answer.bytes().await else {
            return;
        };
        let shown = String::from_utf8_lossy(&bytes);
        assert_eq!(status, 200, "{}: {shown}", asked.url);
        let body = Body::parse(&bytes).unwrap_or_else(|e| panic!("{}: {e}: {shown}", asked.url));
        assert_eq!(
            (body.document.as_str(), body.line.as_str()),
            (asked.document, asked.code)
        );
        let version: u64 = version.unwrap().to_str().unwrap().parse().unwrap();
        let mut said = self.said.lock().unwrap();
        let first = said
            .entry((body.document.clone(), version))
            .or_insert_with(|| body.clone());
        assert_eq!(
            *first, body,
            "version {version} of {} says two things",
            body.document
        );
        drop(said);
        self.reads.fetch_add(1, Ordering::SeqCst);
    }

    /// Every document for every site and code, with an agent that runs.
    pub(crate) async fn reads_everything(&self, agent: &AgentProcess) {
        let http = http();
        for site in SITES {
            for asked in asked(&agent.url(), site) {
                let answer = http.get(&asked.url).send().await.unwrap();
                self.check(&asked, answer).await;
            }
        }
    }

    async fn status(agent: &AgentProcess) -> Value {
        let url = format!("{}/v1/status", agent.url());
        http().get(url).send().await.unwrap().json().await.unwrap()
    }

    /// An agent that was started again believes no less than its disk and no less than it said.
    pub(crate) async fn agent_is_back(&self, kept: &Kept, agent: &AgentProcess) {
        let status = Self::status(agent).await;
        let repository = status["repository_version"].as_u64().unwrap();
        assert!(repository >= kept.repository, "{kept:?}, and now {status}");
        let before = self
            .newest_repository
            .fetch_max(repository, Ordering::SeqCst);
        assert!(repository >= before, "it had {before}, and now {status}");
        if repository == kept.repository && status["last_error"]["at"].is_string() {
            // Nobody answered since: it is at least as old as what it kept.
            let age = status["age_seconds"].as_i64().unwrap();
            let kept_for = Clock::system().now().as_millisecond() - kept.verified_at_ms;
            assert!(age >= kept_for / 1_000 - 2, "{status} after {kept_for} ms");
        }
        let holds = status["documents"].as_array();
        assert!(holds.is_some_and(|held| !held.is_empty()), "{status}");
    }

    /// What a site reads otherwise from the agent than from the server.
    pub(crate) async fn differs(
        &self,
        server: &ServerProcess,
        agent: &AgentProcess,
    ) -> Option<String> {
        let http = http();
        for site in SITES {
            for ((service, document), asked) in DOCUMENTS
                .iter()
                .flat_map(|of| LINES.map(|_| of))
                .zip(asked(&agent.url(), site))
            {
                let code = asked.code;
                let there = format!(
                    "{}/api/v1/config/{PRODUCT}/{service}/{document}?code={code}&site={site}",
                    server.url()
                );
                let there = http.get(there).send().await.ok()?.bytes().await.ok()?;
                let here = http.get(&asked.url).send().await.ok()?.bytes().await.ok()?;
                if here != there {
                    let shown = String::from_utf8_lossy(&here)
                        .chars()
                        .take(200)
                        .collect::<String>();
                    return Some(format!("{}: {shown}", asked.url));
                }
            }
        }
        let repository = Self::status(agent).await["repository_version"]
            .as_u64()
            .unwrap();
        let before = self
            .newest_repository
            .fetch_max(repository, Ordering::SeqCst);
        assert!(
            repository >= before,
            "the repository went from {before} to {repository}"
        );
        None
    }
}

#[test]
fn a_torn_or_a_mixed_body_is_seen() {
    let whole = Body::make("links", "5.1.0", 7, "xx").to_string();
    assert!(Body::parse(whole.as_bytes()).is_ok());
    assert!(Body::parse(&whole.as_bytes()[..whole.len() - 3]).is_err());
    assert!(Body::parse(whole.replace("xx", "xy").as_bytes()).is_err());
    assert!(Body::parse(whole.replace("5.1.0", "5.2.0").as_bytes()).is_err());
}
