//! Runs many seeds on all cores, and shows the first that breaks an invariant.
#![expect(
    clippy::print_stdout,
    reason = "a command-line tool answers on its standard output"
)]

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use clap::Parser;
use trial::{Broken, Bug, ControlBug, Plan, Tally, run};

/// Lines of the trace that are shown.
const TAIL: usize = 60;

/// Simulates delivery: many agents, several origins and the control plane under faults.
#[derive(Parser)]
#[command(name = "cargo xtask simulate")]
struct Arguments {
    /// How many seeds.
    #[arg(long, default_value_t = 1_000)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// A bug to plant, such as `skip-accepts`; any name that is none lists them.
    #[arg(long)]
    bug: Option<String>,
    /// Shows the whole trace of each run.
    #[arg(long)]
    trace: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let plan = match arguments.bug.as_deref().map(planted) {
        None => Plan::default(),
        Some(Some(plan)) => plan,
        Some(None) => {
            println!("bugs: {}", names().join(", "));
            return ExitCode::FAILURE;
        }
    };
    let (tally, broken) = all(&arguments, plan);
    for (kind, count) in tally {
        println!("{count:>12} {kind}");
    }
    match broken {
        None => {
            println!("{} seeds from {}: clean", arguments.seeds, arguments.from);
            ExitCode::SUCCESS
        }
        Some(broken) => {
            println!("\n{broken}");
            let bug = arguments
                .bug
                .map_or(String::new(), |bug| format!(" --bug {bug}"));
            println!(
                "again: cargo xtask simulate --seeds 1 --from {}{bug}",
                broken.seed
            );
            ExitCode::FAILURE
        }
    }
}

/// Runs all seeds until one breaks an invariant.
fn all(arguments: &Arguments, plan: Plan) -> (Tally, Option<Broken>) {
    let next = AtomicU64::new(0);
    let stop = AtomicBool::new(false);
    let sum: Mutex<(Tally, Option<Broken>)> = Mutex::default();
    let work = || {
        while !stop.load(Ordering::Relaxed) {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= arguments.seeds {
                break;
            }
            if number > 0 && number.is_multiple_of(1_000) {
                println!("{number} seeds");
            }
            let seed = arguments.from + number;
            let (trace, ended) = run(Plan { seed, ..plan });
            let mut sum = sum.lock().unwrap_or_else(PoisonError::into_inner);
            for (kind, count) in trace.tally() {
                *sum.0.entry(kind).or_default() += count;
            }
            let lines = trace.lines();
            let shown = if arguments.trace { lines.len() } else { TAIL };
            if let Err(broken) = ended {
                stop.store(true, Ordering::Relaxed);
                if sum.1.is_none() {
                    show(&lines, shown);
                    sum.1 = Some(broken);
                }
            } else if arguments.trace {
                show(&lines, shown);
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    sum.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn show(lines: &[String], last: usize) {
    for line in &lines[lines.len().saturating_sub(last)..] {
        println!("{line}");
    }
}

fn names() -> Vec<String> {
    let agent = Bug::ALL.map(|bug| format!("{bug:?}"));
    let control = ControlBug::ALL.map(|bug| format!("{bug:?}"));
    agent
        .into_iter()
        .chain(control)
        .map(|name| kebab(&name))
        .collect()
}

fn planted(name: &str) -> Option<Plan> {
    let is_named = |known: &dyn std::fmt::Debug| kebab(&format!("{known:?}")) == name;
    let plan = Plan {
        seed: 0,
        bug: Bug::ALL.into_iter().find(|bug| is_named(bug)),
        control_bug: ControlBug::ALL.into_iter().find(|bug| is_named(bug)),
    };
    (plan.bug.is_some() || plan.control_bug.is_some()).then_some(plan)
}

fn kebab(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !text.is_empty() {
            text.push('-');
        }
        text.extend(letter.to_lowercase());
    }
    text
}
