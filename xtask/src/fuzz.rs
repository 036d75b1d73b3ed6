//! Fuzzing guided by coverage: builds `fuzz/` with the compiler's own counters, and runs its targets one after
//! the other. Never decides what a target promises.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What libFuzzer needs of the compiler, and a stable one has.
const FLAGS: [&str; 5] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];
/// Where it is built, and where the inputs lie that reached something new.
const BUILT: &str = "target/fuzz";
/// One input may take so long, in seconds: some promises are about time.
const SECONDS_MAX: u32 = 10;
/// One process may take so much memory, in MiB.
const MEMORY_MAX_MIB: u32 = 2_048;
/// Lines of a finding that are shown.
const LINES_SHOWN: usize = 12;

/// What is run.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The target; all without one.
    target: Option<String>,
    /// How long each target runs; 0 for what was found before only.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// Names the targets.
    #[arg(long)]
    list: bool,
}

/// Builds and runs.
///
/// # Errors
/// When something was found, or the build fails.
pub(crate) fn run(top: &Path, arguments: &Arguments) -> Result<(), String> {
    let program = build(top)?;
    let all = said(Command::new(&program).env("LAMPLIGHTER_FUZZ_LIST", "1"))?;
    if arguments.list {
        print!("{all}");
        return Ok(());
    }
    let chosen = |name: &&str| {
        arguments
            .target
            .as_deref()
            .is_none_or(|target| target == *name)
    };
    let chosen: Vec<&str> = all.lines().filter(chosen).collect();
    if chosen.is_empty() {
        return Err(format!("no such target; there are:\n{all}"));
    }
    println!(
        "{:<18}{:>12}{:>10}{:>10}{:>9}  found",
        "target", "executions", "a second", "coverage", "corpus"
    );
    let mut found = vec![];
    for target in chosen {
        let came = try_target(top, &program, target, arguments.seconds)?;
        println!("{}", came.line(target));
        found.extend(came.finding.map(|finding| format!("{target}: {finding}")));
    }
    if found.is_empty() {
        Ok(())
    } else {
        Err(found.join("\n"))
    }
}

/// What became of a target.
#[derive(Debug, Default, PartialEq, Eq)]
struct Came {
    executions: u64,
    per_second: u64,
    /// Edges that were reached.
    coverage: u64,
    /// Inputs that each reach something of their own.
    corpus: u64,
    /// What broke a promise.
    finding: Option<String>,
}

impl Came {
    fn line(&self, target: &str) -> String {
        let Self {
            executions,
            per_second,
            coverage,
            corpus,
            finding,
        } = self;
        let found = if finding.is_some() {
            "SOMETHING"
        } else {
            "nothing"
        };
        format!("{target:<18}{executions:>12}{per_second:>10}{coverage:>10}{corpus:>9}  {found}")
    }

    /// Reads what libFuzzer says.
    fn read(said: &str, is_well: bool) -> Self {
        let stat = |name: &str| {
            let value = said.lines().find_map(|line| line.strip_prefix(name));
            value
                .and_then(|value| value.trim().parse().ok())
                .unwrap_or(0)
        };
        let last = said
            .lines()
            .rev()
            .find(|line| line.contains(" cov: "))
            .unwrap_or_default();
        let figure = |name: &str| {
            let mut words = last.split_whitespace().skip_while(|word| *word != name);
            let figure = words.nth(1).and_then(|word| word.split('/').next());
            figure.and_then(|word| word.parse().ok()).unwrap_or(0)
        };
        Self {
            executions: stat("stat::number_of_executed_units:"),
            per_second: stat("stat::average_exec_per_sec:"),
            coverage: figure("cov:"),
            corpus: figure("corp:"),
            finding: (!is_well).then(|| finding(said)),
        }
    }
}

/// From the panic on, or from what libFuzzer says; with the file that holds the input.
fn finding(said: &str) -> String {
    let begins = |line: &&str| line.contains("panicked at") || line.contains("ERROR: libFuzzer");
    let lines: Vec<&str> = said
        .lines()
        .skip_while(|line| !begins(line))
        .take(LINES_SHOWN)
        .collect();
    let file = said
        .lines()
        .find(|line| line.contains("Test unit written to"));
    [lines.join("\n"), file.unwrap_or_default().to_owned()].join("\n")
}

fn try_target(top: &Path, program: &Path, target: &str, seconds: u32) -> Result<Came, String> {
    let corpus = top.join(BUILT).join("corpus").join(target);
    let found = top.join(BUILT).join("found");
    let committed = top.join("fuzz/corpus").join(target);
    fs::create_dir_all(&found).map_err(|e| format!("{}: {e}", found.display()))?;
    said(named(program, target).env("LAMPLIGHTER_FUZZ_SEEDS", &corpus))?;
    let mut command = named(program, target);
    let limit = if seconds == 0 {
        "-runs=0".into()
    } else {
        format!("-max_total_time={seconds}")
    };
    command
        .arg(&corpus)
        .args(committed.is_dir().then_some(&committed))
        .arg(limit)
        .arg(format!("-timeout={SECONDS_MAX}"))
        .arg(format!("-rss_limit_mb={MEMORY_MAX_MIB}"))
        .arg(format!("-dict={}", top.join("fuzz/words.dict").display()))
        .arg(format!("-artifact_prefix={}/{target}-", found.display()))
        .arg("-print_final_stats=1")
        .stdout(Stdio::null());
    let output = command
        .output()
        .map_err(|e| format!("could not run {target}: {e}"))?;
    Ok(Came::read(
        &String::from_utf8_lossy(&output.stderr),
        output.status.success(),
    ))
}

fn named(program: &Path, target: &str) -> Command {
    let mut command = Command::new(program);
    command.env("LAMPLIGHTER_FUZZ_TARGET", target);
    command
}

/// Flags are those of the target only, so that build scripts are built without them.
fn build(top: &Path) -> Result<PathBuf, String> {
    let host = said(Command::new("rustc").arg("-vV"))?;
    let host = host.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.ok_or("rustc does not say what it builds for")?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args([
            "build",
            "--quiet",
            "--release",
            "--locked",
            "--target",
            host,
        ])
        .arg("--manifest-path")
        .arg(top.join("fuzz/Cargo.toml"))
        .arg("--target-dir")
        .arg(top.join(BUILT))
        .env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\u{1f}"))
        .status()
        .map_err(|e| format!("could not build: {e}"))?;
    if !status.success() {
        return Err("the build failed; it needs a C++ compiler, too".into());
    }
    Ok(top.join(BUILT).join(host).join("release/fuzz"))
}

/// What a command says on its standard output.
fn said(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|e| format!("{name}: {e}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(format!(
        "{name} failed: {}",
        String::from_utf8_lossy(&output.stderr)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "INFO: seed corpus: files: 3\n\
        #4\tINITED cov: 10 ft: 12 corp: 3/1b exec/s: 0 rss: 50Mb\n\
        #900\tNEW    cov: 451 ft: 1210 corp: 87/9Kb lim: 4096 exec/s: 300 rss: 60Mb L: 5/7\n\
        thread 'main' panicked at src/targets/names.rs:1:2:\nit broke\n\
        artifact_prefix='x/'; Test unit written to x/names-crash-1\n\
        stat::number_of_executed_units: 912\nstat::average_exec_per_sec:     304\n";

    #[test]
    fn what_the_fuzzer_says_is_read() {
        let came = Came::read(SAID, false);
        let finding = came.finding.clone().unwrap();
        assert!(finding.starts_with("thread 'main' panicked"), "{finding}");
        assert!(finding.ends_with("written to x/names-crash-1"), "{finding}");
        let expected = Came {
            executions: 912,
            per_second: 304,
            coverage: 451,
            corpus: 87,
            finding: Some(finding),
        };
        assert_eq!(came, expected);
        assert!(came.line("names").ends_with("SOMETHING"));
        assert_eq!(Came::read(SAID, true).finding, None);
    }
}
