//! The server as a process: one at a time on its state, killed at any moment, and never without a
//! way in for whoever runs its machine.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use clock::Clock;
use serde_json::Value;

const BINARY: &str = env!("CARGO_BIN_EXE_lamplighter");

/// A running server; killed with the test.
struct Server {
    child: Child,
    url: String,
    says: PathBuf,
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
        let (ready, says) = (top.join("ready"), top.join("says"));
        let _ = std::fs::remove_file(&ready);
        let child = command(&["serve", "--listen", "127.0.0.1:0"], &top.join("data"))
            .arg("--ready-file")
            .arg(&ready)
            .stdout(std::fs::File::create(&says).unwrap())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let mut server = Self {
            child,
            url: String::new(),
            says,
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

    fn says(&self) -> String {
        std::fs::read_to_string(&self.says).unwrap()
    }

    async fn audit(&self, token: &str) -> (u16, Value) {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = client.get(format!("{}/api/v1/audit", self.url));
        let answer = request.bearer_auth(token.trim()).send().await.unwrap();
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap())
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

#[tokio::test]
async fn a_lost_break_glass_token_is_made_anew() {
    let top = tempfile::tempdir().unwrap();
    let data = top.path().join("data");
    let file = data.join("break-glass-token");
    let make = || command(&["token", "break-glass"], &data).output().unwrap();

    let nothing = make();
    assert!(!nothing.status.success() && !data.exists());
    assert!(stderr(&nothing).contains("--data"), "{}", stderr(&nothing));

    let mut server = Server::start(top.path()).await;
    assert!(server.says().contains(&file.display().to_string()));
    let lost = std::fs::read_to_string(&file).unwrap();
    assert_eq!(server.audit(&lost).await.0, 200);
    server.kill();
    std::fs::remove_file(&file).unwrap();

    let server = Server::start(top.path()).await;
    let says = server.says();
    assert!(
        says.contains("lamplighter token break-glass --data"),
        "{says}"
    );
    // Once while it runs, and once more: the one before is always withdrawn.
    for _ in 0..2 {
        let made = make();
        assert!(made.status.success(), "{}", stderr(&made));
    }
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(server.audit(&lost).await.0, 401);
    let token = std::fs::read_to_string(&file).unwrap();
    let (status, audit) = server.audit(&token).await;
    assert_eq!(status, 200);
    let who = "whoever runs the server's machine";
    let made = audit.as_array().unwrap().iter();
    let made: Vec<_> = made.filter(|one| one["who"] == who).collect();
    assert_eq!(made.len(), 2, "{audit}");
    assert!(made.iter().all(|one| one["what"] == "break-glass"));
}
