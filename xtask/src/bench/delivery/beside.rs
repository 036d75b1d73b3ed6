//! What an agent does with a push: verified, on disk and readable, with a disk that is waited for and
//! with one that is not (a folder in memory).
//!
//! A real agent follows a real server, and says itself how long the newest push took.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use agent::{Agent, AgentSettings, CancellationToken, Clock};
use tokio::runtime::Runtime;

use super::crowd::now;
use super::folder;
use super::http::Http;
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
        listen: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))),
        sites: vec![site(1).parse().map_err(|e| format!("{e}"))?],
        ..AgentSettings::new(
            vec![url.parse().map_err(|e| format!("{e}"))?],
            agent_folder.to_owned(),
        )
    };
    let started = Agent::start(settings, Clock::system(), stop.clone());
    let agent = runtime.block_on(started).map_err(|e| e.to_string())?;
    let address = agent.address().ok_or("the agent does not listen")?;
    let mut metrics = Http::connect(address, "")?;
    let mut figures = vec![];
    for round in 0..=ROUNDS {
        let before = told(&mut metrics)?.0;
        server.publisher(2 << 10)?()?;
        let seconds = taken_after(&mut metrics, before)?;
        // The first one may find the agent still connecting.
        if round > 0 {
            figures.push(seconds * 1e3);
        }
        // And while it acknowledges, the next one would wait.
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

/// Seconds that the push after the first `before` took.
fn taken_after(metrics: &mut Http, before: f64) -> Result<f64, String> {
    let until = now() + PATIENCE;
    while now() < until {
        let (taken, seconds) = told(metrics)?;
        if taken > before {
            return Ok(seconds);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Err("the agent did not take a push".into())
}

/// How many pushes the agent took, and how long the last of them took it.
fn told(metrics: &mut Http) -> Result<(f64, f64), String> {
    let text = metrics.ask("GET", "/metrics", b"")?;
    let text = String::from_utf8_lossy(&text).into_owned();
    let figure = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|figure| figure.trim().parse().ok())
    };
    let taken = figure("lamplighter_agent_pushes_total{result=\"taken\"}");
    let seconds = figure("lamplighter_agent_last_push_seconds");
    Ok((taken.unwrap_or(0.0), seconds.unwrap_or(f64::NAN)))
}
