//! Lamplighter as it is shipped: a server with a fleet, agents' streams, publications over its API.

use std::fmt::Write as _;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::json;

use super::crowd::Crowd;
use super::http::{Http, request};
use super::wire::Protocol;
use crate::bench::process::{Ended, answers, free_port, program};

const PRODUCT: &str = "web-central";
/// Sites that are imported at once.
const IMPORT_SITES: usize = 20_000;
/// Ticks of the processor's time in a second, as Linux tells them.
const TICKS: f64 = 100.0;

/// A server that is ended again.
pub(crate) struct Server {
    process: Ended,
    data: PathBuf,
    address: SocketAddr,
    published: u64,
}

impl Server {
    /// A server with `sites` sites of one product.
    pub(crate) fn start(folder: &Path, sites: usize) -> Result<Self, String> {
        let data = folder.join("data");
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
        let process = spawn(&data, address)?;
        let server = Self {
            process,
            data,
            address,
            published: 0,
        };
        server.import(sites)?;
        Ok(server)
    }

    /// Ends it as kill -9 does, and starts it again at the same address.
    pub(crate) fn kill_and_start(&mut self) -> Result<(), String> {
        self.process.0.kill().map_err(|e| e.to_string())?;
        self.process.0.wait().map_err(|e| e.to_string())?;
        self.process = spawn(&self.data, self.address)?;
        Ok(())
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn admin(&self) -> Result<Http, String> {
        let file = self.data.join("break-glass-token");
        let token = fs::read_to_string(&file).map_err(|e| format!("{}: {e}", file.display()))?;
        Http::connect(self.address, token.trim())
    }

    fn import(&self, sites: usize) -> Result<(), String> {
        let path = format!("/api/v1/fleet/import?product={PRODUCT}&release=5.1.0");
        let numbers: Vec<usize> = (0..sites).collect();
        for some in numbers.chunks(IMPORT_SITES) {
            let mut csv =
                String::from("hostname,organization,kind,city,state,timezone,population\n");
            for n in some {
                let _ = writeln!(csv, "{},O {n},City,C,CA,America/Los_Angeles,1", site(*n));
            }
            self.admin()?.ask("POST", &path, csv.as_bytes())?;
        }
        Ok(())
    }

    /// A token that enrols one agent.
    pub(crate) fn enrolment(&self) -> Result<String, String> {
        let made = self.admin()?.post("/api/v1/agents/enrolments", b"{}")?;
        Ok(made["token"].as_str().unwrap_or_default().into())
    }

    /// The token of an agent of the first site.
    pub(crate) fn agent_token(&self) -> Result<String, String> {
        let token = self.enrolment()?;
        // As much chance as the token had.
        let secret = token.chars().rev().filter(|c| *c != '_');
        let secret = format!("lmp_{}", secret.collect::<String>());
        let enrol = json!({"token": token, "secret": secret, "host": "bench", "sites": [site(0)]});
        Http::connect(self.address, "")?.post("/agent/v1/enrol", enrol.to_string().as_bytes())?;
        Ok(secret)
    }

    /// Agents' streams, each over a connection of its own.
    pub(crate) fn crowd(&self, count: usize) -> Result<Crowd, String> {
        let hello = stream_request(self.address, &self.agent_token()?);
        let to = (self.address, Protocol::Events);
        Crowd::gather(count, to, |_| hello.clone().into_bytes())
    }

    /// What publishes the next version of a document of `bytes` bytes.
    pub(crate) fn publisher(
        &mut self,
        bytes: usize,
    ) -> Result<impl FnOnce() -> Result<(), String> + Send + use<>, String> {
        self.publisher_of("bench", bytes)
    }

    /// As [`Self::publisher`], of a document with a name.
    pub(crate) fn publisher_of(
        &mut self,
        name: &str,
        bytes: usize,
    ) -> Result<impl FnOnce() -> Result<(), String> + Send + use<>, String> {
        self.published += 1;
        let body = document(self.published, bytes);
        let mut admin = self.admin()?;
        let publish = json!({"product": PRODUCT, "service": "notices", "name": name,
            "accepts": ">=5.0.0", "lane": "first", "body": body, "at_once": true, "why": "a benchmark"});
        let publish = publish.to_string();
        Ok(move || {
            admin
                .post("/api/v1/documents", publish.as_bytes())
                .map(drop)
        })
    }

    pub(crate) fn resident_kib(&self) -> Result<f64, String> {
        self.process.memory_mib("VmRSS:").map(|mib| mib * 1024.0)
    }

    /// Seconds of processor time that the server used since it started.
    pub(crate) fn busy_seconds(&self) -> Result<f64, String> {
        busy_seconds(self.process.0.id())
    }
}

/// Seconds of processor time that a process used since it started.
pub(crate) fn busy_seconds(process: u32) -> Result<f64, String> {
    let file = format!("/proc/{process}/stat");
    let stat = fs::read_to_string(&file).map_err(|e| format!("{file}: {e}"))?;
    // Behind the name, which may hold spaces: user and system time are the 12th and 13th fields.
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = fields.split_whitespace().skip(11).take(2);
    let ticks: f64 = ticks.filter_map(|one| one.parse::<f64>().ok()).sum();
    Ok(ticks / TICKS)
}

fn spawn(data: &Path, address: SocketAddr) -> Result<Ended, String> {
    let mut command = Command::new(program());
    // Subscribers stand behind one address, as agents behind a proxy do.
    command
        .args(["serve", "--listen", &address.to_string()])
        .args(["--trusted-proxy", "127.0.0.1", "--data"])
        .arg(data)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let process = Ended(command.spawn().map_err(|e| format!("{}: {e}", program()))?);
    answers(&format!("http://{address}/readyz"))?;
    Ok(process)
}

/// What an agent asks for its stream with.
pub(crate) fn stream_request(address: SocketAddr, token: &str) -> String {
    let accept = "Accept: text/event-stream\r\n";
    request(("GET", "/agent/v1/events"), address, token, accept)
}

pub(crate) fn site(n: usize) -> String {
    format!("site-{n}.example")
}

/// A JSON document of about so many bytes, unlike the one before.
pub(crate) fn document(number: u64, bytes: usize) -> serde_json::Value {
    let links: Vec<String> = (0..bytes / 64)
        .map(|n| format!("https://www.city-{n:06}.example/sign-in?from={number:08}"))
        .collect();
    json!({"number": number, "links": links})
}
