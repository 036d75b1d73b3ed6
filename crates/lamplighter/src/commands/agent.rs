//! `lamplighter agent`: the cache beside the sites of one host.

mod list;
mod tuf_client;

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use agent::{Agent, AgentSettings, MirrorPlace};
use clock::{Clock, Pace};
use domain::enrolment::Bounds;
use domain::name::{Hostname, ProductName};
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::client::Server;
use crate::commands::serve::stop_when_asked;
use crate::output::{Failure, Options, text};

/// An agent on the same host answers at once, or not at all.
const STATUS_WITHIN: Duration = Duration::from_secs(10);

/// Keep verified config beside the sites of this host.
#[derive(clap::Subcommand)]
pub(crate) enum AgentCommand {
    /// Run the agent. Enrols at the first start, then needs no token any more.
    Run(Box<Run>),
    /// Say what a running agent of this host holds, and how fresh it is.
    Status {
        /// Where it listens.
        #[arg(
            long,
            env = "LAMPLIGHTER_AGENT",
            default_value = "http://127.0.0.1:8090"
        )]
        agent: Url,
        /// The Unix socket where it listens instead.
        #[arg(long, env = "LAMPLIGHTER_AGENT_SOCKET")]
        socket: Option<PathBuf>,
    },
    /// Follow any TUF repository with the agent's own verification, and download its targets.
    TufClient(Box<tuf_client::TufClient>),
    /// List agents in the order in which they enrolled: their hosts, and when each was heard.
    List(list::List),
    /// Make a token that enrols one agent within a day. Name its sites where you can: who has a token that names none
    /// becomes the agent of any sites, in place of the agent that they have.
    Token {
        /// Only an agent of sites of this product.
        #[arg(long)]
        product: Option<ProductName>,
        /// Only an agent of these sites: a file with one host name in each line, or names joined by commas.
        #[arg(long)]
        sites: Option<String>,
        #[command(flatten)]
        server: Server,
    },
}

#[derive(clap::Args)]
pub(crate) struct Run {
    /// The control plane; repeat it for more origins.
    #[arg(long = "server", env = "LAMPLIGHTER_SERVER", required = true)]
    servers: Vec<Url>,
    /// A copy of the signed repository, asked when no control plane answers: the URL of a web server, or a folder,
    /// as `lamplighter repository export` writes it; repeat it for more, or join them by commas.
    #[arg(long = "mirror", env = "LAMPLIGHTER_MIRROR", value_delimiter = ',')]
    mirrors: Vec<MirrorPlace>,
    /// Works once: from `lamplighter agent token`.
    #[arg(long, env = "LAMPLIGHTER_ENROLMENT_TOKEN", hide_env_values = true)]
    enrolment_token: Option<String>,
    /// The sites of this host: a file with one host name in each line, or names joined by commas.
    #[arg(long)]
    sites: Option<String>,
    /// What this host is called.
    #[arg(long, env = "HOSTNAME", default_value = "localhost")]
    host: String,
    /// Where verified config is kept. Created if missing.
    #[arg(long, env = "LAMPLIGHTER_AGENT_FOLDER", default_value = "agent-data")]
    folder: PathBuf,
    /// Where sites read, on loopback. With `--socket` only if it is given.
    #[arg(
        long,
        env = "LAMPLIGHTER_AGENT_LISTEN",
        default_value = "127.0.0.1:8090",
        default_value_if("socket", clap::builder::ArgPredicate::IsPresent, None)
    )]
    listen: Option<SocketAddr>,
    /// Where sites read: a Unix socket, for the agent's user and group.
    #[arg(long, env = "LAMPLIGHTER_AGENT_SOCKET")]
    socket: Option<PathBuf>,
    /// Where config is written for sites that only read files. Created if missing.
    #[arg(long, env = "LAMPLIGHTER_AGENT_FILES")]
    files: Option<PathBuf>,
    /// Is posted {site, version} when a site shall run another release.
    #[arg(long)]
    activate_hook: Option<Url>,
    /// The relation of scenario time to the machine's time, for drills.
    #[arg(long, hide = true)]
    pace: Option<Pace>,
    /// Written, as JSON, when sites can read.
    #[arg(long, hide = true)]
    ready_file: Option<PathBuf>,
}

impl AgentCommand {
    pub(crate) async fn run(self, output: Options) -> Result<(), Failure> {
        match self {
            Self::Run(run) => run.run(output).await,
            Self::Status { agent, socket } => {
                output.print(&status(&agent, socket.as_deref()).await?, said);
                Ok(())
            }
            Self::TufClient(client) => client.run(output).await,
            Self::List(list) => list.run(output).await,
            Self::Token {
                product,
                sites,
                server,
            } => {
                let sites = sites.as_deref().map(read_sites).transpose()?;
                let body = Bounds {
                    product,
                    sites: sites.into_iter().flatten().collect(),
                };
                let body = serde_json::to_value(body).map_err(|e| Failure::new(e.to_string()))?;
                let made = server
                    .client()?
                    .post("/api/v1/agents/enrolments", &body)
                    .await?;
                output.print(&made, |made| {
                    made["token"].as_str().unwrap_or("").to_owned()
                });
                Ok(())
            }
        }
    }
}

impl Run {
    async fn run(self, output: Options) -> Result<(), Failure> {
        if let Some(listen) = self.listen.filter(|listen| !listen.ip().is_loopback()) {
            return Err(Failure::new(format!(
                "the local API has no credentials, so it listens on loopback only, not on {listen}"
            )));
        }
        let clock = self.pace.map_or_else(Clock::system, Clock::paced);
        let (ready_file, socket) = (self.ready_file.clone(), self.socket.clone());
        let stop = CancellationToken::new();
        let agent = Agent::start(self.settings()?, clock, stop.clone()).await?;
        let (address, pid) = (agent.address(), std::process::id());
        let ready = serde_json::json!({"address": address, "socket": socket, "pid": pid});
        output.print(&ready, |_| {
            let address = address.map(|address| format!("http://{address}"));
            let socket = socket.as_ref().map(|socket| socket.display().to_string());
            let doors: Vec<_> = address.into_iter().chain(socket).collect();
            format!("The agent answers at {}", doors.join(" and "))
        });
        if let Some(file) = ready_file {
            let fresh = file.with_extension("new");
            std::fs::File::create(&fresh)?.write_all(ready.to_string().as_bytes())?;
            std::fs::rename(fresh, file)?;
        }
        tokio::spawn(stop_when_asked(stop));
        agent.wait().await;
        Ok(())
    }

    fn settings(self) -> Result<AgentSettings, Failure> {
        let sites = self
            .sites
            .as_deref()
            .map(read_sites)
            .transpose()?
            .unwrap_or_default();
        Ok(AgentSettings {
            mirrors: self.mirrors,
            enrolment_token: self.enrolment_token,
            host: self.host,
            sites,
            activate_hook: self.activate_hook,
            listen: self.listen,
            socket: self.socket,
            files: self.files,
            ..AgentSettings::new(self.servers, self.folder)
        })
    }
}

/// Asks the agent's local API, which needs no token.
async fn status(agent: &Url, socket: Option<&Path>) -> Result<Value, Failure> {
    let path = format!("{}/v1/status", agent.as_str().trim_end_matches('/'));
    let http = reqwest::Client::builder().no_proxy();
    let http = match socket {
        Some(socket) => http.unix_socket(socket).build()?,
        None => http.build()?,
    };
    let lost = |e: reqwest::Error| {
        let place = socket.map_or_else(|| agent.to_string(), |socket| socket.display().to_string());
        Failure::new(format!(
            "could not reach the agent at {place}: {e}. Is `lamplighter agent run` running there?"
        ))
    };
    let answer = http.get(path).timeout(STATUS_WITHIN).send().await;
    let answer = answer.and_then(reqwest::Response::error_for_status);
    answer.map_err(lost)?.json().await.map_err(lost)
}

fn said(status: &Value) -> String {
    let proof = match (&status["age_seconds"], &status["stale"]) {
        (Value::Null, _) => "STALE: nothing was verified since it started".into(),
        (age, Value::Bool(true)) => format!("STALE: verified {age} s ago"),
        (age, _) => format!("fresh: verified {age} s ago"),
    };
    let (sites, version) = (&status["sites"], &status["repository_version"]);
    let documents = status["documents"].as_array().into_iter().flatten();
    let documents = documents.map(|one| {
        let key = &one["document"];
        let [product, service, name] = ["product", "service", "name"].map(|part| text(&key[part]));
        let (version, accepts) = (&one["version"], text(&one["accepts"]));
        let layer = key["layer"].as_str().map(|layer| format!(" for {layer}"));
        let layer = layer.unwrap_or_default();
        format!("\n  {product}/{service}/{name}{layer} {version:>4}  {accepts}")
    });
    let documents: String = documents.collect();
    let origins = status["origins"].as_array().into_iter().flatten();
    let origins: String = origins.map(origin).collect();
    // Until they come, nothing counts as verified.
    let missing = match status["documents_missing"].as_u64() {
        Some(count) if count > 0 => {
            format!("; files that are listed and did not come yet: {count}")
        }
        _ => String::new(),
    };
    let last = &status["last_error"];
    let error = match (last["at"].as_str(), last["what"].as_str()) {
        (Some(at), Some(what)) => format!("\n  last error, at {at}: {what}"),
        _ => String::new(),
    };
    format!(
        "{proof}; repository version {version}; {sites} sites{missing}{documents}{origins}{error}"
    )
}

/// How one origin does, in a line.
fn origin(one: &Value) -> String {
    let (kind, name) = (text(&one["kind"]), text(&one["origin"]));
    let how = match (&one["well"], &one["behind"], &one["latency_seconds"]) {
        (Value::Bool(true), _, Value::Null) => "not asked yet".into(),
        (Value::Bool(true), _, latency) => {
            let latency = latency.as_f64().unwrap_or_default() * 1_000.0;
            format!("well, {latency:.0} ms")
        }
        (_, Value::Bool(true), _) => "shows nothing new for too long".into(),
        _ => "failed last".into(),
    };
    format!("\n  {kind} {name}: {how}")
}

fn read_sites(sites: &str) -> Result<Vec<Hostname>, Failure> {
    // No host name has a slash in it.
    let is_file = sites.contains('/') || Path::new(sites).is_file();
    let text = if is_file {
        let unread = |e| Failure::new(format!("could not read the sites from {sites}: {e}"));
        std::fs::read_to_string(sites).map_err(unread)?
    } else {
        sites.to_owned()
    };
    text.split([',', '\n'])
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(|name| Hostname::parse(name).map_err(Failure::from))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sites_are_named_or_read_from_a_file_and_a_missing_file_is_not_a_site() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sites");
        std::fs::write(&file, "a.example\n\nb.example\n").unwrap();
        let two = read_sites(&file.display().to_string()).unwrap();
        assert_eq!(two, read_sites("a.example, b.example").unwrap());
        let missing = folder.path().join("none").display().to_string();
        let says = format!("{:?}", read_sites(&missing).unwrap_err());
        assert!(
            says.contains(&format!("could not read the sites from {missing}")),
            "{says}"
        );
    }

    #[test]
    fn a_last_error_is_said_however_fresh_the_config_is() {
        let mut status = serde_json::json!({"age_seconds": 3, "stale": false, "sites": 1});
        assert!(!said(&status).contains("last error"));
        status["last_error"] =
            serde_json::json!({"at": "2023-07-11T21:00:00Z", "what": "answered 401"});
        assert!(said(&status).contains("last error, at 2023-07-11T21:00:00Z: answered 401"));
    }
}
