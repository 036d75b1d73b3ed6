//! The processes that are killed. Each keeps its address, so that the others find it again.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use clock::Clock;
use serde_json::Value;

const BINARY: &str = env!("CARGO_BIN_EXE_lamplighter");

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    command.args(arguments).stdout(Stdio::null());
    for name in ["LAMPLIGHTER_TOKEN", "LAMPLIGHTER_POSTGRES"] {
        command.env_remove(name);
    }
    command
}

/// A process, killed with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    /// Starts it and waits until it answers; where.
    async fn start(command: &mut Command, ready: &Path, log: &Path) -> (Self, String) {
        let _ = std::fs::remove_file(ready);
        let log_file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(log);
        let child = command
            .arg("--ready-file")
            .arg(ready)
            .stderr(log_file.unwrap())
            .spawn()
            .unwrap();
        let mut running = Self(child);
        while !ready.exists() {
            let ended = running.0.try_wait().unwrap();
            let says = || std::fs::read_to_string(log).unwrap_or_default();
            assert!(ended.is_none(), "it ended: {ended:?}\n{}", says());
            Clock::system().sleep(Duration::from_millis(5)).await;
        }
        let ready: Value = serde_json::from_slice(&std::fs::read(ready).unwrap()).unwrap();
        (running, ready["address"].as_str().unwrap().into())
    }
}

pub(crate) struct ServerProcess {
    folder: PathBuf,
    address: String,
    running: Option<Running>,
}

impl ServerProcess {
    pub(crate) fn new(top: &Path) -> Self {
        Self {
            folder: top.join("server"),
            address: "127.0.0.1:0".into(),
            running: None,
        }
    }

    pub(crate) async fn start(&mut self) {
        let data = self.folder.join("data");
        std::fs::create_dir_all(&self.folder).unwrap();
        let mut command = command(&["serve", "--listen", &self.address]);
        command.arg("--data").arg(data);
        let (ready, log) = (self.folder.join("ready"), self.folder.join("log"));
        let (running, address) = Running::start(&mut command, &ready, &log).await;
        (self.running, self.address) = (Some(running), address);
    }

    pub(crate) fn kill(&mut self) {
        self.running = None;
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn token(&self) -> String {
        let file = self.folder.join("data").join("break-glass-token");
        std::fs::read_to_string(file).unwrap().trim().into()
    }
}

pub(crate) struct AgentProcess {
    pub(crate) folder: PathBuf,
    top: PathBuf,
    address: String,
    server: String,
    enrolment: String,
    running: Option<Running>,
}

impl AgentProcess {
    pub(crate) fn new(top: &Path, server: &str, enrolment: &str) -> Self {
        Self {
            folder: top.join("agent"),
            top: top.into(),
            address: "127.0.0.1:0".into(),
            server: server.into(),
            enrolment: enrolment.into(),
            running: None,
        }
    }

    /// It may run already.
    pub(crate) async fn start(&mut self) {
        if self.running.is_some() {
            return;
        }
        let sites = super::SITES.join(",");
        let mut command = command(&["agent", "run", "--server", &self.server]);
        command
            .args(["--enrolment-token", &self.enrolment, "--sites", &sites])
            .args(["--listen", &self.address, "--folder"])
            .arg(&self.folder);
        let (ready, log) = (self.top.join("agent-ready"), self.top.join("agent-log"));
        let (running, address) = Running::start(&mut command, &ready, &log).await;
        (self.running, self.address) = (Some(running), address);
    }

    pub(crate) fn kill(&mut self) {
        self.running = None;
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}
