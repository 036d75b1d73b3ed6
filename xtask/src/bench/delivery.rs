//! `bench delivery`: from a publication to the last of many agents, beside NATS JetStream KV, etcd and
//! Redis; what an agent does with it then; what connections, large fleets and a killed server cost.
//!
//! Servers are processes of their own, ours as it is shipped, over real connections on loopback. Ends
//! what it starts. Linux only.

mod beside;
pub(super) mod crowd;
mod fleet;
mod http;
pub(crate) mod hyper_peer;
mod memory;
pub(super) mod ours;
mod peers;
mod push;
mod restart;
mod wire;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::process::{self, Folder};
use super::{Options, Row};

pub(super) use ours::busy_seconds;

/// Files that a process of the benchmark opens beside its connections; our server keeps as many.
const FILES_BESIDE: usize = 1_000;

/// A part: its name, and what measures it.
type Part = (&'static str, fn(&Options) -> Result<Vec<Row>, String>);

const PARTS: &[Part] = &[
    ("push", push::run),
    ("beside", beside::run),
    ("memory", memory::run),
    ("fleet", fleet::run),
    ("restart", restart::run),
];

/// Runs the parts that were asked for.
pub(super) fn run(options: &Options) -> Result<Vec<Row>, String> {
    process::build()?;
    let is_asked = |name: &str| options.part.as_deref().is_none_or(|part| part == name);
    let parts: Vec<_> = PARTS.iter().filter(|(name, _)| is_asked(name)).collect();
    if parts.is_empty() {
        let names: Vec<_> = PARTS.iter().map(|(name, _)| *name).collect();
        return Err(format!("the parts are {}", names.join(", ")));
    }
    let mut rows = vec![];
    for (name, part) in parts {
        println!("{name}, load {}", load());
        rows.extend(part(options)?);
    }
    println!("load at the end {}", load());
    Ok(rows)
}

/// How many want to run, on average over the last minute.
fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
}

/// How many connections one process may have here, of `wanted`.
fn connections(wanted: usize) -> usize {
    let limit = getrlimit(Resource::Nofile);
    let all = Rlimit {
        current: limit.maximum,
        ..limit
    };
    let files = match setrlimit(Resource::Nofile, all) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    let files = files.map_or(usize::MAX, |files| {
        usize::try_from(files).unwrap_or(usize::MAX)
    });
    // Of its connections, our server keeps a tenth for requests.
    let may = files.saturating_sub(FILES_BESIDE) / 10 * 9;
    if may < wanted {
        println!(
            "  {may} instead of {wanted}: a process may open {files} files here (ulimit -n), \
             and not every connection may be a stream"
        );
    }
    wanted.min(may)
}

/// `count` with its thousands apart.
fn counted(count: usize) -> String {
    match count {
        0..1_000 => count.to_string(),
        _ => format!("{},{:03}", count / 1_000, count % 1_000),
    }
}

fn folder() -> Result<Folder, String> {
    Folder::new()
}
