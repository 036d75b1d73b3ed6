//! The operating guide is true: its `sh` blocks run, in order, against a real server with the
//! fleet that the project carries, and its limits are those of the code.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use clock::Clock;

const GUIDE: &str = include_str!("../../../docs/operating.md");
/// What the guide's commands speak to by default; the test has ports of its own.
const SERVER: &str = "http://127.0.0.1:8080";
const AGENT: &str = "127.0.0.1:8090";
/// A guide that waits for ever for something fails instead.
const MINUTES_MAX: u32 = 5;

/// The `sh` blocks, each with the number of its first line.
fn blocks() -> Vec<(usize, String)> {
    let mut blocks: Vec<(usize, String)> = vec![];
    let mut inside = false;
    for (number, line) in (1..).zip(GUIDE.lines()) {
        match line {
            "```sh" => {
                inside = true;
                blocks.push((number + 1, String::new()));
            }
            "```" => inside = false,
            line if inside => {
                let block = &mut blocks.last_mut().unwrap().1;
                block.push_str(line);
                block.push('\n');
            }
            _ => {}
        }
    }
    blocks
}

/// One script of all blocks; what fails says where in the guide it stands.
fn script(server: &str, agent: &str) -> String {
    let mut script = "set -eu\n".to_owned();
    for (number, block) in blocks() {
        script += &format!(": docs/operating.md line {number}\n{block}");
    }
    script.replace(SERVER, server).replace(AGENT, agent)
}

/// Children that end with the test, however it ends. A shell leads a group, for what it starts.
struct Ending(Child);

impl Drop for Ending {
    fn drop(&mut self) {
        let end = format!("kill -s KILL -- -{}", self.0.id());
        let ended = Command::new("sh")
            .args(["-c", &end])
            .stderr(Stdio::null())
            .status();
        let _ = ended.and_then(|_| self.0.wait());
    }
}

/// This program, or a shell, in `folder`, without anything that the caller's environment sets.
fn command(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    let ours = std::env::vars().filter(|(name, _)| name.starts_with("LAMPLIGHTER_"));
    ours.for_each(|(name, _)| {
        command.env_remove(name);
    });
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command.current_dir(folder).stdin(Stdio::null());
    command
}

async fn serve(folder: &Path) -> (Ending, String) {
    let ready = folder.join("ready");
    let log = std::fs::File::create(folder.join("server.log")).unwrap();
    let program = PathBuf::from(env!("CARGO_BIN_EXE_lamplighter"));
    let server = command(&program, folder)
        .args(["serve", "--listen", "127.0.0.1:0", "--ready-file", "ready"])
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap();
    let server = Ending(server);
    for _ in 0..600 {
        if let Ok(text) = std::fs::read_to_string(&ready) {
            let ready: serde_json::Value = serde_json::from_str(&text).unwrap();
            return (
                server,
                format!("http://{}", ready["address"].as_str().unwrap()),
            );
        }
        Clock::system().sleep(Duration::from_millis(100)).await;
    }
    panic!(
        "the server does not answer: {}",
        log_of(folder, "server.log")
    );
}

fn log_of(folder: &Path, log: &str) -> String {
    let text = std::fs::read_to_string(folder.join(log)).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(30)..].join("\n")
}

/// A port that nobody uses now.
fn free_address() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

/// The folder of the test, with the fleet that the guide imports.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let fleets = folder.path().join("fleets");
    std::fs::create_dir(&fleets).unwrap();
    let fleet = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fleets/us-cities.csv");
    std::fs::copy(fleet, fleets.join("us-cities.csv")).unwrap();
    folder
}

/// The search path, with the program under test first.
fn search_path() -> std::ffi::OsString {
    let program = Path::new(env!("CARGO_BIN_EXE_lamplighter"));
    let before = std::env::var_os("PATH").unwrap_or_default();
    let own = program.parent().unwrap().to_owned();
    std::env::join_paths(std::iter::once(own).chain(std::env::split_paths(&before))).unwrap()
}

#[tokio::test]
async fn every_block_of_the_guide_runs() {
    let folder = folder();
    let (_server, url) = serve(folder.path()).await;
    let output = std::fs::File::create(folder.path().join("guide.log")).unwrap();
    let shell = command(Path::new("sh"), folder.path())
        .args(["-x", "-c", &script(&url, &free_address())])
        .env("PATH", search_path())
        .env("LAMPLIGHTER_SERVER", &url)
        .stdout(output.try_clone().unwrap())
        .stderr(output)
        .spawn()
        .unwrap();
    let mut shell = Ending(shell);
    for _ in 0..MINUTES_MAX * 60 * 10 {
        if let Some(status) = shell.0.try_wait().unwrap() {
            let log = log_of(folder.path(), "guide.log");
            assert!(
                status.success(),
                "the guide failed with {status}; its last lines:\n{log}"
            );
            return;
        }
        Clock::system().sleep(Duration::from_millis(100)).await;
    }
    let log = log_of(folder.path(), "guide.log");
    panic!("the guide did not end within {MINUTES_MAX} minutes; its last lines:\n{log}");
}

/// Rows `| what | value | `file` `CONSTANT` |`.
fn limits() -> Vec<(u64, &'static str, &'static str)> {
    let table = GUIDE
        .lines()
        .skip_while(|line| *line != "| limit | value | constant |")
        .skip(2);
    let rows = table.take_while(|line| line.starts_with('|'));
    let row = |line: &'static str| {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let value = cells[2].split(' ').next().unwrap().replace(',', "");
        let named: Vec<_> = cells[3].split('`').collect();
        (value.parse().unwrap(), named[1], named[3])
    };
    rows.map(row).collect()
}

/// What a constant is: a number, a product, a shift, or a length of time made from a number.
fn value(expression: &str) -> u64 {
    let inner = expression
        .split_once('(')
        .map_or(expression, |(_, inner)| inner.trim_end_matches(')'));
    let number = |text: &str| text.trim().replace('_', "").parse::<u64>().unwrap();
    match inner.split_once("<<") {
        Some((number_of, shift)) => number(number_of) << number(shift),
        None => inner.split('*').map(number).product(),
    }
}

#[test]
fn the_limits_are_those_of_the_code() {
    let limits = limits();
    assert!(limits.len() > 30, "only {} limits were found", limits.len());
    for (says, file, constant) in limits {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../..")
            .join(file);
        let code = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{file}: {e}"));
        let wanted = format!("const {constant}: ");
        let line = code.lines().find(|line| line.contains(&wanted));
        let line = line.unwrap_or_else(|| panic!("{file} has no {constant}"));
        let expression = line.split_once(" = ").unwrap().1.trim_end_matches(';');
        assert_eq!(value(expression), says, "{file} {constant}");
    }
}
