//! The server as a process: one at a time on its state, and killed at any moment.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use clock::Clock;
use serde_json::Value;

const BINARY: &str = env!("CARGO_BIN_EXE_lamplighter");

/// A running server; killed with the test.
struct Server {
    child: Child,
    url: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

fn command(name: &[&str], data: &Path) -> Command {
    let mut command = Command::new(BINARY);
    command.args(name).arg("--data").arg(data);
    for name in ["LAMPLIGHTER_TOKEN", "LAMPLIGHTER_POSTGRES"] {
        command.env_remove(name);
    }
    command
}

impl Server {
    async fn start(top: &Path) -> Self {
        let ready = top.join("ready");
        let _ = std::fs::remove_file(&ready);
        let child = command(&["serve", "--listen", "127.0.0.1:0"], &top.join("data"))
            .arg("--ready-file")
            .arg(&ready)
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let mut server = Self {
            child,
            url: String::new(),
        };
        while !ready.exists() {
            assert!(server.child.try_wait().unwrap().is_none(), "it ended");
            Clock::system().sleep(Duration::from_millis(20)).await;
        }
        let ready: Value = serde_json::from_slice(&std::fs::read(ready).unwrap()).unwrap();
        server.url = format!("http://{}", ready["address"].as_str().unwrap());
        server
    }

    /// As kill -9 does.
    fn kill(&mut self) {
        let _ = self.child.kill();
        self.child.wait().unwrap();
    }
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test]
async fn a_second_server_is_refused_and_a_killed_one_leaves_no_lock() {
    let top = tempfile::tempdir().unwrap();
    let data = top.path().join("data");
    let mut server = Server::start(top.path()).await;
    let second = command(&["serve", "--listen", "127.0.0.1:0"], &data)
        .output()
        .unwrap();
    let says = stderr(&second);
    assert!(!second.status.success());
    let process = format!("process {}", server.child.id());
    assert!(
        says.contains(&process) && says.contains("stop it first"),
        "{says}"
    );
    server.kill();
    let server = Server::start(top.path()).await;
    assert!(server.url.starts_with("http://127.0.0.1:"));
}
