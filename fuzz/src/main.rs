//! Fuzzing guided by coverage: one program, whose target is named by the environment. `cargo xtask fuzz`
//! builds it and runs it.
//!
//! A target takes any bytes, gives them to what an agent or a control plane reads from outside, and panics
//! where that breaks a promise. Never looks at anything on this machine but its own seeds.
#![no_main]

mod parts;
mod product;
mod targets;
mod world;

use std::path::Path;
use std::sync::OnceLock;

// Where the files of `product` look for them.
use product::{EngineError, language};
use targets::{ALL, Target};

/// The name of the target.
const TARGET: &str = "LAMPLIGHTER_FUZZ_TARGET";
/// A folder: seeds of the target are written there, and nothing is run.
const SEEDS: &str = "LAMPLIGHTER_FUZZ_SEEDS";
/// When it is set, the names of all targets are printed, and nothing is run.
const LIST: &str = "LAMPLIGHTER_FUZZ_LIST";

static CHOSEN: OnceLock<&Target> = OnceLock::new();

libfuzzer_sys::fuzz_target!(init: begin(), |data: &[u8]| {
    if let Some(target) = CHOSEN.get() {
        (target.run)(data);
    }
});

fn begin() {
    if std::env::var_os(LIST).is_some() {
        ALL.iter().for_each(|target| println!("{}", target.name));
        std::process::exit(0);
    }
    let name = std::env::var(TARGET).unwrap_or_default();
    let Some(target) = ALL.iter().find(|target| target.name == name) else {
        eprintln!("{TARGET} names no target: {name:?}");
        std::process::exit(2);
    };
    if let Some(folder) = std::env::var_os(SEEDS) {
        let written = write_seeds(target, Path::new(&folder));
        std::process::exit(match written {
            Ok(()) => 0,
            Err(e) => {
                eprintln!("could not write seeds: {e}");
                2
            }
        });
    }
    CHOSEN.get_or_init(|| target);
}

fn write_seeds(target: &Target, folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    for (number, seed) in (target.seeds)().iter().enumerate() {
        std::fs::write(folder.join(format!("seed-{number:02}")), seed)?;
    }
    Ok(())
}
