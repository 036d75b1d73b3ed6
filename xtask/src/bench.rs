//! The one home of benchmarks: each runs ours and its peers in one run on one machine.
//!
//! A benchmark is a function from [`Options`] to rows, listed in [`BENCHES`]. Prints them as a
//! table, and writes them as JSON when asked. Never judges a figure: tests do.

#[cfg(feature = "delivery")]
pub(crate) mod delivery;
mod detection;
#[cfg(feature = "followers")]
mod followers;
mod load;
mod pacing;
mod pages;
mod process;
#[cfg(feature = "delivery")]
mod read;
mod table;

use std::fs;
use std::path::PathBuf;

pub(crate) use table::Row;

#[cfg(not(feature = "followers"))]
mod followers {
    //! Stands where the benchmark is not built.

    /// Says how to build it.
    pub(super) fn run(_: &super::Options) -> Result<Vec<super::Row>, String> {
        let command = "cargo run --release --package xtask --features followers -- bench followers";
        Err(format!(
            "this benchmark runs the product itself, and is built with `{command}`"
        ))
    }
}

#[cfg(not(feature = "delivery"))]
mod delivery {
    //! Stands where the benchmark is not built.

    /// Says how to build it.
    pub(super) fn run(_: &super::Options) -> Result<Vec<super::Row>, String> {
        let command = "cargo run --release --package xtask --features delivery -- bench";
        Err(format!(
            "this benchmark runs parts of the product, and is built with `{command}`"
        ))
    }
}
#[cfg(not(feature = "delivery"))]
use delivery as read;

/// Every benchmark: its name, what it measures, and how to run it.
const BENCHES: &[(&str, &str, Bench)] = &[
    (
        "delivery",
        "from a publication to the last of 20,000 agents beside NATS, etcd and Redis, and what agents cost",
        delivery::run,
    ),
    (
        "detection",
        "delay and false alarms of the detectors, in simulation",
        |options| Ok(detection::run(options)),
    ),
    (
        "followers",
        "mails to 50,000 followers of one incident, through a real store and a real mail server",
        followers::run,
    ),
    (
        "pacing",
        "time over the bound and seconds over the promise of pacing laws, in simulation",
        |options| Ok(pacing::run(options)),
    ),
    (
        "pages",
        "weight and rate of public pages beside nginx, and the memory of 10,000 readers",
        pages::run,
    ),
    (
        "read",
        "reads in process and over the agent's local API beside nginx, and the agent's memory",
        read::run,
    ),
];

/// Runs one benchmark, ours and its peers in turn.
type Bench = fn(&Options) -> Result<Vec<Row>, String>;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Which benchmark; without one, their list.
    name: Option<String>,
    /// Also writes the rows to this file: a JSON list of {measure, unit, ours, peer, peer_name, ratio}.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Fixes all chance in the run.
    #[arg(long, default_value_t = 20_230_711)]
    seed: u64,
    /// A site that cState built (`hugo`), as a peer of `pages`.
    #[arg(long, value_name = "FOLDER")]
    cstate: Option<PathBuf>,
    /// Only this part of `delivery`: push, beside, memory, fleet or restart.
    #[arg(long)]
    part: Option<String>,
    /// So many agents in `delivery`, instead of what is to be measured.
    #[arg(long)]
    agents: Option<usize>,
}

/// What a benchmark is told.
pub(crate) struct Options {
    /// All chance comes from here.
    pub(crate) seed: u64,
    /// A status page that cState built.
    pub(crate) cstate: Option<PathBuf>,
    /// One part of a benchmark instead of all.
    #[cfg_attr(
        not(feature = "delivery"),
        expect(dead_code, reason = "for `delivery`")
    )]
    pub(crate) part: Option<String>,
    /// How many agents, instead of what is to be measured.
    #[cfg_attr(
        not(feature = "delivery"),
        expect(dead_code, reason = "for `delivery`")
    )]
    pub(crate) agents: Option<usize>,
}

/// Runs the benchmark that was asked for.
pub(crate) fn run(arguments: &Arguments) -> Result<(), String> {
    let Some(name) = &arguments.name else {
        for (name, about, _) in BENCHES {
            println!("{name:12} {about}");
        }
        return Ok(());
    };
    let (_, _, bench) = BENCHES
        .iter()
        .find(|(known, ..)| known == name)
        .ok_or_else(|| {
            format!("there is no benchmark {name:?}; run without a name for the list")
        })?;
    println!("benchmark {name}, seed {}", arguments.seed);
    let rows = bench(&Options {
        seed: arguments.seed,
        cstate: arguments.cstate.clone(),
        part: arguments.part.clone(),
        agents: arguments.agents,
    })?;
    print!("{}", table::render(&rows));
    arguments
        .json
        .as_ref()
        .map_or(Ok(()), |file| write(file, &rows))
}

fn write(file: &PathBuf, rows: &[Row]) -> Result<(), String> {
    let json = serde_json::to_string_pretty(rows).map_err(|e| e.to_string())?;
    fs::write(file, json + "\n").map_err(|e| format!("could not write {}: {e}", file.display()))
}
