//! The drill holds on a small fleet whatever the seed, survives a kill -9 of its server, leaves
//! nothing running, and says at once what it cannot use.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Fewer sites have refills so long that the canaries alone take a good part of the bound.
const SITES: &str = "600";
/// A drill is played in one of these. Unoptimised, each takes half a processor: with more of them at
/// once the machine is what is measured.
static SEATS: [Mutex<()>; 2] = [const { Mutex::new(()) }; 2];

/// The scenario with a quicker engineer and less ordinary life around the incident, because ten
/// drills are played. What must hold, the origin and the fault are the scenario's own.
fn scenario(folder: &Path) -> String {
    let mut text = include_str!("../../../scenarios/july-11.toml").to_owned();
    for (as_it_is, shorter) in [
        (
            "start = \"2023-07-11T20:54:00Z\"",
            "start = \"2023-07-11T20:58:00Z\"",
        ),
        ("acknowledge = 90", "acknowledge = 30"),
        ("accept = 120", "accept = 30"),
        ("diagnose = 420", "diagnose = 120"),
        ("watch = 600", "watch = 120"),
        ("settle = 120 ", "settle = 60 "),
    ] {
        assert!(text.contains(as_it_is), "the scenario has no {as_it_is:?}");
        text = text.replace(as_it_is, shorter);
    }
    let file = folder.join("july-11.toml");
    std::fs::write(&file, text).unwrap();
    file.display().to_string()
}

/// Plays a drill to its end; its figures, what it said, and the folder with `figures.json`.
fn play(seed: u64, more: &[&str]) -> (serde_json::Value, String, tempfile::TempDir) {
    let free = SEATS.iter().find_map(|seat| seat.try_lock().ok());
    let next = &SEATS[usize::from(seed.is_multiple_of(2))];
    let _seat = free.unwrap_or_else(|| next.lock().unwrap_or_else(PoisonError::into_inner));
    let folder = tempfile::tempdir().unwrap();
    let figures = folder.path().join("figures.json");
    let done = lamplighter()
        .args(["drill", &scenario(folder.path()), "--sites", SITES])
        .args(["--seed", &seed.to_string()])
        .args(more)
        .arg("--json")
        .arg(&figures)
        .output()
        .unwrap();
    let said = [done.stderr, done.stdout].map(|out| String::from_utf8_lossy(&out).into_owned());
    let said = format!("seed {seed}, {:?}\n{}", done.status, said.concat());
    let figures = std::fs::read(figures).unwrap_or_default();
    let figures = serde_json::from_slice(&figures).unwrap_or_else(|e| panic!("{e}\n{said}"));
    (figures, said, folder)
}

fn lamplighter() -> Command {
    Command::new(env!("CARGO_BIN_EXE_lamplighter"))
}

#[test]
fn ten_seeds_hold() {
    let seeds = Mutex::new((1..=10).collect::<Vec<u64>>());
    let next = || seeds.lock().unwrap().pop();
    std::thread::scope(|scope| {
        for _ in &SEATS {
            scope.spawn(|| {
                while let Some(seed) = next() {
                    let (figures, said, _folder) = play(seed, &[]);
                    assert_eq!(figures["held"], true, "{said}");
                    println!("seed {seed}: {figures}");
                }
            });
        }
    });
}

#[test]
fn a_server_killed_in_the_middle_loses_and_repeats_nothing() {
    let team = Team::serve();
    let recorded = ["--kill-server-at", "40", "--record"];
    let (figures, said, folder) = play(11, &[&recorded[..], &team.options()].concat());
    assert!(said.contains("the server is killed"), "{said}");
    let course = figures["act1"]["course"].as_array().unwrap();
    let failing = |at: usize| course[at]["failing"].as_u64().unwrap();
    let most = (0..course.len()).map(failing).max().unwrap();
    assert_eq!((failing(0), most, failing(course.len() - 1)), (0, 600, 0));

    // What the drill recorded, and what it wrote, are one; its table is the same from the server.
    let file = folder.path().join("figures.json");
    let again = team.ask(&["record", &file.display().to_string()]);
    assert!(again.starts_with("Recorded: "), "{again}");
    let listed = team.ask(&["list"]);
    assert_eq!(listed.lines().count(), 1, "{listed}");
    let shown = team.ask(&["show", figures["id"].as_str().unwrap()]);
    assert!(shown.contains("release to all restored"), "{shown}");
    assert!(
        said.contains(&shown),
        "{shown}\nis not what was said:\n{said}"
    );

    for what in ["sites lost", "sites restored twice"] {
        assert_eq!(measured(&figures, what), Some(0.0), "{said}");
    }
    assert_eq!(figures["held"], true, "{said}");
}

/// A figure of act 1.
fn measured(figures: &serde_json::Value, what: &str) -> Option<f64> {
    let all = figures["act1"]["figures"].as_array().unwrap();
    let figure = all.iter().find(|one| one["what"] == what);
    figure?["measured"].as_f64()
}

/// The team's own server, which ends with the test.
struct Team {
    server: std::process::Child,
    folder: tempfile::TempDir,
    url: String,
}

impl Team {
    fn serve() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ready = folder.path().join("ready");
        let server = lamplighter()
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(folder.path())
            .arg("--ready-file")
            .arg(&ready)
            .stderr(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        until("the team's server answers", || ready.exists());
        let ready = std::fs::read(ready).unwrap();
        let ready: serde_json::Value = serde_json::from_slice(&ready).unwrap();
        let url = format!("http://{}", ready["address"].as_str().unwrap());
        Self {
            server,
            folder,
            url,
        }
    }

    /// Where it is, and the folder with the token that it made for itself.
    fn options(&self) -> [&str; 4] {
        let data = self.folder.path().to_str().unwrap();
        ["--server", &self.url, "--data", data]
    }

    /// What `drill-result` answers.
    fn ask(&self, words: &[&str]) -> String {
        let done = lamplighter()
            .arg("drill-result")
            .args(words)
            .args(self.options())
            .output()
            .unwrap();
        let error = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(done.status.success(), "{words:?}: {error}");
        String::from_utf8(done.stdout)
            .unwrap()
            .trim_end()
            .to_owned()
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        let _ = self.server.kill().and_then(|()| self.server.wait());
    }
}

#[test]
fn a_killed_drill_leaves_nothing_running() {
    let folder = tempfile::tempdir().unwrap();
    let mut drill = lamplighter()
        .args(["drill", "july-11", "--sites", "100"])
        .env("TMPDIR", folder.path())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let id = drill.id();
    until("the drill starts its server", || !children(id).is_empty());
    let server = children(id);
    drill.kill().unwrap();
    drill.wait().unwrap();
    until("the server ends", || {
        !server.iter().any(|id| is_running(*id))
    });
}

fn until(what: &str, so: impl Fn() -> bool) {
    for _ in 0..1_000 {
        if so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("{what}: not within 20 s");
}

/// The children of a process's first thread and of its others.
fn children(id: u32) -> Vec<u32> {
    let threads = std::fs::read_dir(format!("/proc/{id}/task"))
        .into_iter()
        .flatten();
    let lists = threads
        .flatten()
        .filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    let ids: Vec<_> = lists
        .flat_map(|list| {
            list.split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .collect();
    ids.iter().filter_map(|id| id.parse().ok()).collect()
}

/// A process that ended and was not waited for yet is not running.
fn is_running(id: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{id}/status"));
    status.is_ok_and(|status| !status.contains("State:\tZ"))
}

#[test]
fn what_cannot_be_used_is_said_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken.toml");
    std::fs::write(&broken, "name = 7").unwrap();
    let fleet = folder.path().join("fleet.csv");
    let columns = "hostname,organization,kind,city,state,timezone,population\n";
    std::fs::write(
        &fleet,
        format!("{columns}a.gov,A,City,A,CA,America/Topeka,1\n"),
    )
    .unwrap();
    let (broken, fleet) = (broken.display().to_string(), fleet.display().to_string());
    let nowhere = folder
        .path()
        .join("no/such/folder.json")
        .display()
        .to_string();
    for (arguments, says) in [
        (&["july-12"][..], "is no scenario (july-11), and no file"),
        (&[&broken], "the scenario cannot be read"),
        (&["july-11", "--sites", "2"], "at least 100"),
        (
            &["july-11", "--fleet", &fleet],
            "line 2: \"America/Topeka\" is not a time zone",
        ),
        (&["july-11", "--speed", "0"], "it is from 0.1 to 1000"),
        (&["july-11", "--json", &nowhere], "could not write"),
        (
            &[
                "july-11",
                "--record",
                "--server",
                "http://127.0.0.1:9",
                "--token",
                "lmp_any",
            ],
            "could not reach the control plane",
        ),
    ] {
        let done = lamplighter().arg("drill").args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(!done.status.success(), "{arguments:?}");
        assert!(said.contains(says), "{arguments:?}: {said}");
    }
}
