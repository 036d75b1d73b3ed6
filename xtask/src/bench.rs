//! The one home of benchmarks: each runs ours and its peers in one run on one machine.
//!
//! A benchmark is a function from [`Options`] to rows, listed in [`BENCHES`]. Prints them as a
//! table, and writes them as JSON when asked. Never judges a figure: tests do.

mod detection;
#[cfg(feature = "followers")]
mod followers;
mod pacing;
mod pages;
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

/// Every benchmark: its name, what it measures, and how to run it.
const BENCHES: &[(&str, &str, Bench)] = &[
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
}

/// What a benchmark is told.
pub(crate) struct Options {
    /// All chance comes from here.
    pub(crate) seed: u64,
    /// A status page that cState built.
    pub(crate) cstate: Option<PathBuf>,
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
