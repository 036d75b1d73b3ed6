//! A real agent on one core, with what a real server published.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::bench::delivery::ours::{Server, site};
use crate::bench::load::SERVER_CORE;
use crate::bench::process::{Ended, answers, free_port, program};

/// Until an agent that has started has nothing to do.
const SETTLES: Duration = Duration::from_secs(3);

/// The agent, and the server that it follows.
pub(super) struct Beside {
    process: Ended,
    _server: Server,
    url: String,
    socket: PathBuf,
}

impl Beside {
    pub(super) fn start(
        folder: &Path,
        sites: usize,
        (documents, bytes): (usize, usize),
    ) -> Result<Self, String> {
        let mut server = Server::start(folder, sites)?;
        for n in 0..documents {
            server.publisher_of(&format!("document-{n}"), bytes)?()?;
        }
        let list = folder.join("sites");
        let names: Vec<String> = (0..sites).map(site).collect();
        std::fs::write(&list, names.join("\n")).map_err(|e| e.to_string())?;
        let (port, socket) = (free_port()?, folder.join("agent.sock"));
        let mut command = Command::new("taskset");
        command
            .args([
                "-c",
                SERVER_CORE,
                &program(),
                "agent",
                "run",
                "--host",
                "bench",
            ])
            .args(["--server", &format!("http://{}", server.address())])
            .args(["--listen", &format!("127.0.0.1:{port}")])
            .arg("--socket")
            .arg(&socket)
            .arg("--sites")
            .arg(&list)
            .arg("--folder")
            .arg(folder.join("agent"))
            .env("LAMPLIGHTER_ENROLMENT_TOKEN", server.enrolment()?)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let process = Ended(command.spawn().map_err(|e| e.to_string())?);
        let url = format!("http://127.0.0.1:{port}");
        answers(&format!("{url}/readyz"))?;
        std::thread::sleep(SETTLES);
        Ok(Self {
            process,
            _server: server,
            url,
            socket,
        })
    }

    pub(super) fn process(&self) -> u32 {
        self.process.0.id()
    }

    pub(super) fn path(&self) -> String {
        format!(
            "/v1/sites/{}/config/notices/document-7?code=5.1.0",
            site(500)
        )
    }

    pub(super) fn url(&self) -> String {
        format!("{}{}", self.url, self.path())
    }

    pub(super) fn socket(&self) -> &Path {
        &self.socket
    }
}
