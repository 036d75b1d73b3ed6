//! Real messages from `fuzz/`, as they are and changed at random: nothing that an agent reads may stop it.
//! `LAMPLIGHTER_TEST_FUZZ_SEED` chooses the changes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::{Request, header};
use clock::Clock;
use rand::rngs::StdRng;
use rand::{Rng as _, RngExt as _, SeedableRng as _};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::events::Events;
use crate::{Agent, AgentError, AgentSettings};

const SEED: u64 = 11;
const ANSWER_BYTES_MAX: usize = 4 << 20;

fn chance() -> StdRng {
    let chosen = std::env::var("LAMPLIGHTER_TEST_FUZZ_SEED").ok();
    let seed = chosen.and_then(|text| text.parse().ok()).unwrap_or(SEED);
    println!("seed {seed}");
    StdRng::seed_from_u64(seed)
}

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let files = std::fs::read_dir(fuzz().join("corpus").join(target)).unwrap();
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    files
        .into_iter()
        .map(|file| std::fs::read(file).unwrap())
        .collect()
}

/// Some changes of an input: bits, cuts, repetitions, and words that parsers stumble over.
fn changed(chance: &mut StdRng, input: &[u8]) -> Vec<u8> {
    const WORDS: [&str; 10] = [
        "18446744073709551616",
        "-1",
        "1e999",
        "\\ud800",
        "\u{202e}",
        "[[[[[[[[[[[[[[[[",
        "null",
        "\"\"",
        "%00",
        "\n\n",
    ];
    let mut bytes = input.to_vec();
    for _ in 0..chance.random_range(1..4) {
        let at = chance.random_range(0..=bytes.len());
        let end = chance.random_range(at..=bytes.len());
        match chance.random_range(0..6) {
            0 => drop(bytes.drain(at..end)),
            1 => bytes.truncate(at),
            2 => drop(bytes.splice(at..at, bytes[at..end].to_vec())),
            3 => {
                let word = WORDS[chance.random_range(0..WORDS.len())];
                drop(bytes.splice(at..at, word.bytes()));
            }
            4 => {
                let mut more = vec![0; chance.random_range(1..9)];
                chance.fill_bytes(&mut more);
                drop(bytes.splice(at..at, more));
            }
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << chance.random_range(0..8);
                }
            }
        }
    }
    bytes
}

fn cut<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<(String, String)> {
    let mut events = Events::default();
    let mut found = vec![];
    for piece in pieces {
        events.add(piece);
        found.extend(std::iter::from_fn(|| events.next()).map(|event| (event.name, event.data)));
    }
    found
}

#[test]
fn events_mean_the_same_however_the_stream_is_cut() {
    let mut chance = chance();
    for input in corpus("events") {
        for _ in 0..500 {
            let stream = changed(&mut chance, &input);
            let size = chance.random_range(1..40);
            assert_eq!(
                cut(stream.chunks(size)),
                cut([stream.as_slice()]),
                "{stream:?}"
            );
        }
    }
}

/// The folder of an agent that took one document from a real repository.
fn seeded() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("targets")).unwrap();
    let body_file = std::fs::read_to_string(fuzz().join("body-file")).unwrap();
    for (from, to) in [
        ("trust.json", "trust.json"),
        ("identity.json", "identity.json"),
        ("body.json", body_file.trim()),
    ] {
        std::fs::copy(fuzz().join(from), folder.path().join(to)).unwrap();
    }
    folder
}

async fn start(folder: &Path) -> Result<Agent, AgentError> {
    let nowhere = "http://127.0.0.1:9".parse().unwrap();
    let settings = AgentSettings::new(vec![nowhere], folder.into());
    let stop = CancellationToken::new();
    let agent = Agent::start(settings, Clock::system(), stop.clone()).await;
    // What it does in the background is not what is looked at.
    stop.cancel();
    agent
}

#[tokio::test]
async fn the_local_api_answers_anything() {
    let folder = seeded();
    let agent = start(folder.path()).await.unwrap();
    let held = agent.cache().repository_version();
    assert!(held > 0);
    let mut chance = chance();
    let mut answered = 0;
    for input in corpus("local") {
        for _ in 0..150 {
            let bytes = changed(&mut chance, &input);
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
            let Ok(request) = request else { continue };
            let api = crate::local::router(Arc::clone(&agent.shared));
            let answer = api.oneshot(request).await.unwrap();
            let status = answer.status().as_u16();
            let said = to_bytes(answer.into_body(), ANSWER_BYTES_MAX)
                .await
                .unwrap();
            let said = String::from_utf8_lossy(&said);
            assert!(
                matches!(status, 200..=499 | 503 | 507),
                "{line}: {status} {said}"
            );
            answered += 1;
        }
    }
    assert!(answered > 500, "only {answered} were requests");
}

#[tokio::test]
async fn a_changed_disk_is_believed_or_left_aside() {
    let mut chance = chance();
    let mut believed = 0;
    let refused = br#"[{"site":"a.example","product":"web-central","service":"sign-in","name":"links","version":1,"reason":"no"}]"#.as_slice();
    for round in 0..120 {
        let folder = seeded();
        let name = ["trust.json", "identity.json", "refused.json"][round % 3];
        let file = folder.path().join(name);
        let before = std::fs::read(&file).unwrap_or_else(|_| refused.to_vec());
        std::fs::write(&file, changed(&mut chance, &before)).unwrap();
        // A changed identity may say anything; then it may not start, and says why.
        let started = start(folder.path()).await;
        let agent = match started {
            Ok(agent) => agent,
            Err(_) if name == "identity.json" => continue,
            Err(e) => panic!("{name}: {e}"),
        };
        let view = agent.cache().view();
        believed += usize::from(view.all().next().is_some());
        assert!(view.repository <= 2, "nobody signed another version");
    }
    assert!(believed > 40, "only {believed} of 120 were believed");
}
