//! The drill: a real server, real agents, and the simulated vendor around them, in two acts.
//!
//! Starts, wires and stops; reads the figures off the simulator's books, not off Lamplighter's word.
//! Never scripts an outcome.

mod act_one;
mod act_two;
mod figures;
mod process;
mod setup;
mod teller;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clock::Clock;
use domain::drill::DrillResult;
use jiff::Timestamp;
use sim::fleet::Fleet;
use sim::scenario::Scenario;

pub(crate) use figures::{Written, table};
pub(crate) use teller::Teller;

use crate::output::Failure;

/// What is to be re-enacted, and how.
pub(crate) struct Drill {
    pub(crate) scenario: Scenario,
    pub(crate) fleet: Arc<Fleet>,
    /// The fleet as a file, for the import.
    pub(crate) csv: Vec<u8>,
    /// Whether it is one of the team's own.
    pub(crate) own_fleet: bool,
    pub(crate) seed: u64,
    pub(crate) speed: f64,
    /// Percentage of the campaign after which the server is killed.
    pub(crate) kill_server_at: Option<u8>,
    /// Only this act.
    pub(crate) only: Option<u8>,
    pub(crate) keep: bool,
    pub(crate) postgres: Option<String>,
}

/// Plays both acts.
pub(crate) async fn run(drill: &Drill, teller: &Teller) -> Result<DrillResult, Failure> {
    let (id, began_at) = (Clock::system().id(), Clock::system().now());
    let folder = Folder::make(drill.keep)?;
    let mut memory_peak = 0;
    let mut kept = None;
    let act1 = if drill.only == Some(2) {
        None
    } else {
        let (act, server) = act_one::play(drill, &folder.0, teller).await?;
        memory_peak = server.memory_peak_bytes();
        if drill.keep {
            kept = Some(server);
        } else {
            server.stop().await;
        }
        Some(act)
    };
    let act2 = if drill.only == Some(1) {
        None
    } else {
        let (act, server) = act_two::play(drill, &folder.0, teller).await?;
        memory_peak = memory_peak.max(server.memory_peak_bytes());
        server.stop().await;
        Some(act)
    };
    if let Some(server) = kept {
        server.leave_running(teller, &drill.scenario).await?;
    }
    let scenario = &drill.scenario;
    Ok(DrillResult {
        id,
        scenario: scenario.name.clone(),
        title: scenario.title.clone(),
        seed: drill.seed,
        sites: u32::try_from(drill.fleet.len())?,
        speed: drill.speed,
        own_fleet: drill.own_fleet,
        server_killed_at_percent: drill.kill_server_at,
        version: env!("CARGO_PKG_VERSION").parse()?,
        began_at,
        ended_at: Clock::system().now(),
        server_peak_memory_bytes: memory_peak,
        happened: scenario.happened,
        act1: act1.map(|act| act.judge(scenario)),
        act2: act2.map(|act| act.judge(scenario)),
    })
}

/// A folder for the drill's data, removed at the end unless it is to be kept.
struct Folder(PathBuf, bool);

impl Folder {
    fn make(keep: bool) -> Result<Self, Failure> {
        let name = format!("lamplighter-drill-{}", uuid_like());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder)?;
        Ok(Self(folder, keep))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.1 {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }
}

fn uuid_like() -> String {
    Clock::system().id::<uuid::Uuid>().simple().to_string()
}

/// Waits until something is so, in the machine's time.
async fn until<F>(what: &str, seconds_max: u64, mut so: impl FnMut() -> F) -> Result<(), Failure>
where
    F: Future<Output = Result<bool, Failure>>,
{
    let clock = Clock::system();
    let give_up = clock.now() + Duration::from_secs(seconds_max);
    while !so().await? {
        if clock.now() > give_up {
            return Err(Failure::new(format!("{what}: not within {seconds_max} s")));
        }
        clock.sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64()
}

/// A count of sites of a fleet, which has far fewer than it can hold.
fn sites(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
