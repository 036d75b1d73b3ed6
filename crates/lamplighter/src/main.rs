//! The `lamplighter` command: one binary for the control plane, the agents, the operators, drills.
//!
//! Wires components together and shuts them down. Never decides.

mod client;
mod commands;
#[cfg(test)]
mod documents;
mod drill;
mod input;
mod listen;
mod output;
mod signals;

use std::process::ExitCode;

use clap::Parser;

use crate::commands::Command;
use crate::output::Failure;

/// Keeps shared services, single sign-on first, working across a fleet of customer sites.
#[derive(Parser)]
// No `--version` on commands that act: who means the version of a document would read this one, and take it for done.
#[command(version, about)]
struct Arguments {
    #[command(flatten)]
    output: output::Options,
    /// End when standard input closes; a drill starts its servers and agents so.
    #[arg(long, global = true, hide = true)]
    end_with_parent: bool,
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse_from(commands::drill::with_json_file(std::env::args_os()));
    start_log();
    if arguments.end_with_parent {
        signals::end_with_parent();
    }
    // Where there is one processor, too: an answer must not wait while another writes to the disk.
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads.max(2))
        .enable_all()
        .build();
    let done = runtime
        .map_err(|e| Failure::new(format!("could not start: {e}")))
        .and_then(|runtime| runtime.block_on(arguments.command.run(arguments.output)));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(arguments.output),
    }
}

/// What is logged where nobody says it: the agent's part is a crate of its own.
const LOGGED: &str = "warn,lamplighter=info,agent=info";

/// Logs to standard error: level from `LAMPLIGHTER_LOG`, JSON with `LAMPLIGHTER_LOG_FORMAT=json`.
fn start_log() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("LAMPLIGHTER_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(LOGGED));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    if std::env::var("LAMPLIGHTER_LOG_FORMAT").is_ok_and(|format| format == "json") {
        log.json().init();
    } else {
        log.init();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_agent_says_of_its_connection_is_logged_unasked() {
        let filter = tracing_subscriber::EnvFilter::new(LOGGED);
        let log = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(std::io::sink)
            .finish();
        tracing::subscriber::with_default(log, || {
            assert!(tracing::enabled!(target: "agent::follow", tracing::Level::INFO));
            assert!(!tracing::enabled!(target: "reqwest::connect", tracing::Level::INFO));
        });
    }
}
