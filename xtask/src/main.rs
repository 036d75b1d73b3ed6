//! Checks and benchmarks of the project itself: `cargo xtask NAME`.
//! Never part of the product.
#![expect(
    clippy::print_stdout,
    reason = "a command-line tool answers on its standard output"
)]

mod bench;
mod fuzz;
mod tidy;

use std::path::Path;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(
    name = "cargo xtask",
    about = "Checks and benchmarks of Lamplighter itself"
)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Runs ours and its peers in turn, and prints both side by side.
    Bench(bench::Arguments),
    /// Fuzzes what agents and the control plane read from outside: `[TARGET] [--seconds N]`.
    Fuzz(fuzz::Arguments),
    /// The peer of the benchmark of a connection's memory; it starts this by itself.
    #[cfg(feature = "delivery")]
    #[command(hide = true)]
    HyperPeer { address: std::net::SocketAddr },
    /// Simulates delivery: `--seeds N --from N --bug NAME`, in the release profile.
    #[command(disable_help_flag = true)]
    Simulate {
        /// For the simulation; see `--help`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Checks the direction of dependencies, module headers, file lengths and named files.
    Tidy,
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().task {
        Task::Bench(arguments) => bench::run(&arguments),
        #[cfg(feature = "delivery")]
        Task::HyperPeer { address } => bench::delivery::hyper_peer::serve(address),
        Task::Simulate { arguments } => simulate(&arguments),
        Task::Fuzz(arguments) => fuzz::run(top(), &arguments),
        Task::Tidy => tidy::run(top()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            println!("{reason}");
            ExitCode::FAILURE
        }
    }
}

/// The top of the repository.
fn top() -> &'static Path {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(Path::new("."))
}

/// In a process of its own, so that the other tasks need not build what it does.
fn simulate(arguments: &[String]) -> Result<(), String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = std::process::Command::new(cargo)
        .args([
            "run",
            "--quiet",
            "--release",
            "--package",
            "lamplighter-trial",
            "--",
        ])
        .args(arguments)
        .status()
        .map_err(|e| format!("could not run the simulation: {e}"))?;
    if status.success() {
        return Ok(());
    }
    Err("the simulation found something".into())
}
