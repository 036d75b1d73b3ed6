//! The processes of the benchmark: ours, nginx, wrk and curl. Ends them when they are dropped.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

/// Where what is measured runs, and where the load comes from.
const SERVER_CORE: &str = "0";
const LOAD_CORE: &str = "1";
/// Connections that are kept busy, and for how long, in seconds.
const CONNECTIONS: &str = "64";
const SECONDS: &str = "6";
/// How often, each tenth of a second, a process is asked whether it answers.
const TRIES_MAX: usize = 300;

/// A folder that is removed again.
pub(super) struct Folder(PathBuf);

/// A process that is ended again.
struct Ended(Child);

/// The server, on one core, with its fleet.
pub(super) struct Server {
    process: Ended,
    data: PathBuf,
    address: SocketAddr,
}

/// nginx on the same core.
pub(super) struct Nginx {
    _process: Ended,
    address: SocketAddr,
}

/// Builds what is measured as it is shipped.
pub(super) fn build() -> Result<(), String> {
    for tool in ["wrk", "nginx", "curl", "gzip", "taskset"] {
        let found = Command::new("sh")
            .args(["-c", &format!("command -v {tool}")])
            .output();
        if !found.is_ok_and(|found| found.status.success()) {
            return Err(format!(
                "{tool} is missing: apt-get install wrk nginx-light curl gzip util-linux"
            ));
        }
    }
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    said(Command::new(cargo).args(["build", "--release", "--package", "lamplighter"])).map(drop)
}

impl Folder {
    pub(super) fn new() -> Result<Self, String> {
        let name = format!("lamplighter-bench-{}-{}", std::process::id(), free_port()?);
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Drop for Ended {
    fn drop(&mut self) {
        // nginx and ours end their workers and files when they are asked to.
        let asked = Command::new("kill").arg(self.0.id().to_string()).status();
        if asked.is_err() {
            let _ = self.0.kill();
        }
        let _ = self.0.wait();
    }
}

impl Server {
    pub(super) fn start(folder: &Path) -> Result<Self, String> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
        let data = folder.join("data");
        let mut command = Command::new("taskset");
        command
            .args(["-c", SERVER_CORE, "target/release/lamplighter", "serve"])
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
        let mut command = Command::new("target/release/lamplighter");
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
        self.memory("VmRSS:")
    }

    /// The most that it ever held, in MiB.
    pub(super) fn most_resident_mib(&self) -> Result<f64, String> {
        self.memory("VmHWM:")
    }

    fn memory(&self, line: &str) -> Result<f64, String> {
        let file = format!("/proc/{}/status", self.process.0.id());
        let status = fs::read_to_string(&file).map_err(|e| format!("{file}: {e}"))?;
        let kib = status.lines().find_map(|one| {
            one.strip_prefix(line)?
                .split_whitespace()
                .next()?
                .parse()
                .ok()
        });
        kib.map(|kib: f64| kib / 1024.0)
            .ok_or_else(|| format!("{file} has no {line}"))
    }
}

impl Nginx {
    /// Serves `root`, whose files are compressed already.
    pub(super) fn start(folder: &Path, root: &Path) -> Result<Self, String> {
        fs::create_dir_all(folder).map_err(|e| e.to_string())?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
        let (folder, root) = (folder.display(), root.display());
        let config = format!(
            "worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000; open_file_cache max=10;
  default_type \"text/html; charset=utf-8\";
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{ listen {address}; root {root}; add_header Content-Encoding gzip; }}
}}
"
        );
        let file = format!("{folder}/nginx.conf");
        fs::write(&file, config).map_err(|e| format!("{file}: {e}"))?;
        // Its workers run as somebody else where it is started by root.
        let open = ["-R", "a+rX", &root.to_string()];
        said(Command::new("chmod").args(open))?;
        let mut command = Command::new("taskset");
        command
            .args(["-c", SERVER_CORE, "nginx", "-c", &file])
            .stderr(Stdio::null());
        let process = Ended(command.spawn().map_err(|e| e.to_string())?);
        let nginx = Self {
            _process: process,
            address,
        };
        answers(&nginx.url())?;
        Ok(nginx)
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }
}

/// Requests a second that `url` answers to clients that take gzip.
pub(super) fn rate(url: &str) -> Result<f64, String> {
    let mut command = Command::new("taskset");
    command
        .args([
            "-c",
            LOAD_CORE,
            "wrk",
            "-t1",
            "-c",
            CONNECTIONS,
            "-d",
            SECONDS,
        ])
        .args(["-H", "Accept-Encoding: gzip", url]);
    let said = said(&mut command)?;
    if said.contains("Non-2xx") || said.contains("Socket errors") {
        return Err(format!("{url} failed under load:\n{said}"));
    }
    let rate = said.lines().find_map(|line| {
        line.trim()
            .strip_prefix("Requests/sec:")?
            .trim()
            .parse()
            .ok()
    });
    rate.ok_or_else(|| format!("wrk did not say a rate:\n{said}"))
}

/// The body of `url` as it is sent to clients that take gzip.
pub(super) fn get_gzip(url: &str) -> Result<Vec<u8>, String> {
    curl(&["-H", "Accept-Encoding: gzip", url])
}

/// What curl fetches.
pub(super) fn curl(arguments: &[&str]) -> Result<Vec<u8>, String> {
    let mut command = Command::new("curl");
    command
        .args(["--silent", "--show-error", "--fail", "--max-time", "20"])
        .args(arguments);
    output(&mut command)
}

/// A file as nginx would compress it.
pub(super) fn gzip(file: &Path) -> Result<Vec<u8>, String> {
    output(Command::new("gzip").args(["-6", "--stdout"]).arg(file))
}

fn said(command: &mut Command) -> Result<String, String> {
    output(command).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

fn output(command: &mut Command) -> Result<Vec<u8>, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|e| format!("{name}: {e}"))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(format!("{name} failed: {error}"))
}

/// Waits until `url` is answered.
fn answers(url: &str) -> Result<(), String> {
    for _ in 0..TRIES_MAX {
        if curl(&["--output", "/dev/null", url]).is_ok() {
            return Ok(());
        }
        sleep(Duration::from_millis(100));
    }
    Err(format!("{url} does not answer"))
}

fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|e| e.to_string())?;
    listener
        .local_addr()
        .map(|address| address.port())
        .map_err(|e| e.to_string())
}
