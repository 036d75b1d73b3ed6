//! What a connected agent costs the server's memory, beside a plain stream of hyper.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::crowd::Crowd;
use super::ours::{Server, stream_request};
use super::wire::Protocol;
use super::{connections, counted, folder};
use crate::bench::process::{Ended, answers, free_port};
use crate::bench::{Options, Row};

const AGENTS: usize = 5_000;
/// KiB of an agent.
const GOAL: f64 = 8.0;
/// Until memory that a burst of connections took has settled.
const SETTLES: Duration = Duration::from_secs(3);

/// Runs the part.
pub(super) fn run(options: &Options) -> Result<Vec<Row>, String> {
    let agents = connections(options.agents.unwrap_or(AGENTS));
    let ours = ours(agents)?;
    let theirs = plain_hyper(agents)?;
    let measure = format!("memory of a connected agent, {} of them", counted(agents));
    Ok(vec![
        Row::new(&measure, "KiB", ours, ("goal", GOAL)),
        Row::new(&measure, "KiB", ours, ("hyper, plain", theirs)),
    ])
}

fn ours(agents: usize) -> Result<f64, String> {
    let folder = folder()?;
    let mut server = Server::start(folder.path(), 1_000)?;
    // What the first connections and the first publication make is there once, not for each.
    let mut few = server.crowd(100)?;
    few.told_after(server.publisher(2 << 10)?)?;
    drop(few);
    std::thread::sleep(SETTLES);
    let before = server.resident_kib()?;
    let mut crowd = server.crowd(agents)?;
    crowd.idle(SETTLES)?;
    let connected = server.resident_kib()?;
    crowd.told_after(server.publisher(2 << 10)?)?;
    crowd.idle(SETTLES)?;
    let told = server.resident_kib()?;
    println!("  ours: {before:.0} KiB before, {connected:.0} connected, {told:.0} after a push");
    Ok(each(told - before, agents))
}

fn plain_hyper(agents: usize) -> Result<f64, String> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
    let this = std::env::current_exe().map_err(|e| e.to_string())?;
    let mut command = Command::new(this);
    command.args(["hyper-peer", &address.to_string()]);
    let process = command.stdout(Stdio::null()).spawn();
    let process = Ended(process.map_err(|e| e.to_string())?);
    answers(&format!("http://{address}/readyz"))?;
    let kib = || process.memory_mib("VmRSS:").map(|mib| mib * 1024.0);
    let hello = stream_request(address, "a-token-as-long-as-an-agent-s-own-token-is");
    let gather = |count| {
        Crowd::gather(count, (address, Protocol::Events), |_| {
            hello.clone().into_bytes()
        })
    };
    drop(gather(100)?);
    std::thread::sleep(SETTLES);
    let before = kib()?;
    let mut crowd = gather(agents)?;
    crowd.idle(SETTLES)?;
    let after = kib()?;
    println!("  hyper: {before:.0} KiB before, {after:.0} connected");
    Ok(each(after - before, agents))
}

#[expect(clippy::cast_precision_loss, reason = "small counts")]
fn each(kib: f64, agents: usize) -> f64 {
    kib / agents as f64
}
