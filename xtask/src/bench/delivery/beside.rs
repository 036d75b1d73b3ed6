//! What an agent does with a push: verified, on disk and readable, with a disk that is waited for and
//! with one that is not (a folder in memory).
//!
//! A plain subscriber on the same server says when the push was there; the real agent's cache, looked at
//! all the time, when it can be read.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use agent::{Agent, AgentSettings, CancellationToken, Clock};
use tokio::runtime::Runtime;

use super::crowd::now;
use super::folder;
use super::ours::{Server, site};
use crate::bench::process::median;
use crate::bench::{Options, Row};

const ROUNDS: usize = 41;
/// Milliseconds.
const GOAL_SYNCED: f64 = 2.0;
const GOAL_UNSYNCED: f64 = 0.5;
/// A folder whose files are never on a disk.
const IN_MEMORY: &str = "/dev/shm";
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs the part.
pub(super) fn run(_: &Options) -> Result<Vec<Row>, String> {
    let on_disk = folder()?;
    let in_memory = Path::new(IN_MEMORY).join(format!("lamplighter-bench-{}", std::process::id()));
    let synced = received_to_readable(&on_disk.path().join("agent"))?;
    let unsynced = received_to_readable(&in_memory);
    let _ = std::fs::remove_dir_all(&in_memory);
    let measure = "2 kB, received to verified, kept and readable";
    Ok(vec![
        Row::new(
            format!("{measure}, synced"),
            "ms",
            synced,
            ("goal", GOAL_SYNCED),
        ),
        Row::new(
            format!("{measure}, not synced"),
            "ms",
            unsynced?,
            ("goal", GOAL_UNSYNCED),
        ),
    ])
}

fn received_to_readable(agent_folder: &Path) -> Result<f64, String> {
    let folder = folder()?;
    let mut server = Server::start(folder.path(), 10)?;
    let runtime = Runtime::new().map_err(|e| e.to_string())?;
    let stop = CancellationToken::new();
    let url = format!("http://{}", server.address());
    let settings = AgentSettings {
        enrolment_token: Some(server.enrolment()?),
        sites: vec![site(1).parse().map_err(|e| format!("{e}"))?],
        ..AgentSettings::new(
            vec![url.parse().map_err(|e| format!("{e}"))?],
            agent_folder.to_owned(),
        )
    };
    let started = Agent::start(settings, Clock::system(), stop.clone());
    let agent = runtime.block_on(started).map_err(|e| e.to_string())?;
    let mut crowd = server.crowd(1)?;
    let mut figures = vec![];
    for round in 0..=ROUNDS {
        let before = agent.cache().repository_version();
        let publish = server.publisher(2 << 10)?;
        let ended = AtomicBool::new(false);
        let (received, readable) = std::thread::scope(|scope| {
            let watch = scope.spawn(|| readable_at(&agent, before, &ended));
            let told = crowd.told_after(publish);
            let received = now();
            ended.store(told.is_err(), Ordering::Relaxed);
            told.map(|_| (received, watch.join().ok().flatten()))
        })?;
        let readable = readable.ok_or("the agent did not take a push")?;
        // The first one may find the agent still connecting.
        if round > 0 {
            figures.push(readable.saturating_duration_since(received).as_secs_f64() * 1e3);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let middle = median(&mut figures);
    let [least, most] = [figures.first(), figures.last()].map(|one| one.copied().unwrap_or(0.0));
    println!(
        "  {}: {middle:.2} ms ({least:.2} to {most:.2})",
        agent_folder.display()
    );
    stop.cancel();
    runtime.block_on(agent.wait());
    Ok(middle)
}

/// When the cache is past `before`.
fn readable_at(agent: &Agent, before: u64, ended: &AtomicBool) -> Option<Instant> {
    let until = now() + PATIENCE;
    let cache = agent.cache();
    while cache.repository_version() == before {
        if ended.load(Ordering::Relaxed) || now() > until {
            return None;
        }
        // The agent needs the processor, too.
        std::thread::sleep(Duration::from_micros(20));
    }
    Some(now())
}
