//! Our server with its fleet, and what it answers. Ends it when it is dropped.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::bench::load::SERVER_CORE;
use crate::bench::process::{self, Ended, answers, curl, free_port, has, output, said};

/// The server, on one core, with its fleet.
pub(super) struct Server {
    process: Ended,
    data: PathBuf,
    address: SocketAddr,
}

/// Builds what is measured as it is shipped.
pub(super) fn build() -> Result<(), String> {
    for tool in ["wrk", "nginx", "curl", "gzip", "taskset"] {
        if !has(tool) {
            return Err(format!(
                "{tool} is missing: apt-get install wrk nginx-light curl gzip util-linux"
            ));
        }
    }
    process::build()
}

impl Server {
    pub(super) fn start(folder: &Path) -> Result<Self, String> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
        let data = folder.join("data");
        let mut command = Command::new("taskset");
        command
            .args(["-c", SERVER_CORE, &process::program(), "serve"])
            .args([
                "--listen",
                &address.to_string(),
                "--trusted-proxy",
                "127.0.0.1",
            ])
            .arg("--data")
            .arg(&data)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let process = Ended(command.spawn().map_err(|e| e.to_string())?);
        let server = Self {
            process,
            data,
            address,
        };
        answers(&server.url("/readyz"))?;
        Ok(server)
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn command(&self, arguments: &[&str]) -> Result<String, String> {
        let mut command = Command::new(process::program());
        command
            .args(arguments)
            .env("LAMPLIGHTER_SERVER", self.url(""))
            .env("LAMPLIGHTER_DATA", &self.data);
        said(&mut command)
    }

    /// The project's fleet, and an incident with a few updates; answers the incident's identifier.
    pub(super) fn fill(&self) -> Result<String, String> {
        let fleet = "fleets/us-cities.csv";
        self.command(&[
            "fleet",
            "import",
            fleet,
            "--product",
            "web-central",
            "--release",
            "5.1.0",
        ])?;
        let title = "Sign-in fails on some sites";
        self.command(&[
            "incident",
            "open",
            title,
            "--zone",
            "America/Denver",
            "--impact",
            "major",
        ])?;
        let incidents = self.command(&["incident", "list", "--limit", "1"])?;
        let id = incidents.split_whitespace().next().unwrap_or_default();
        for _ in 0..3 {
            self.update(id)?;
        }
        Ok(id.to_owned())
    }

    pub(super) fn update(&self, incident: &str) -> Result<(), String> {
        let text = "We know the cause: the config that sites keep is older than their code. We restore them zone by zone, from west to east, and look at each.";
        self.command(&["incident", "update", incident, "--text", text])
            .map(drop)
    }

    /// What the server holds in memory now, in MiB.
    pub(super) fn resident_mib(&self) -> Result<f64, String> {
        self.process.memory_mib("VmRSS:")
    }

    /// The most that it ever held, in MiB.
    pub(super) fn most_resident_mib(&self) -> Result<f64, String> {
        self.process.memory_mib("VmHWM:")
    }
}

/// The body of `url` as it is sent to clients that take gzip.
pub(super) fn get_gzip(url: &str) -> Result<Vec<u8>, String> {
    curl(&["-H", "Accept-Encoding: gzip", url])
}

/// A file as nginx would compress it.
pub(super) fn gzip(file: &Path) -> Result<Vec<u8>, String> {
    output(Command::new("gzip").args(["-6", "--stdout"]).arg(file))
}
