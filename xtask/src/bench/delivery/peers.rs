//! NATS JetStream KV, etcd and Redis as peers: each started from the system's packages with a folder of
//! its own, each subscriber with a connection of its own, each publication kept before it is told.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::json;

use super::crowd::Crowd;
use super::http::{Http, request};
use super::ours::document;
use super::wire::Protocol;
use crate::bench::process::{Ended, free_port, has};

const PATIENCE: Duration = Duration::from_secs(30);
const CONNECTIONS: usize = 25_000;

/// Which peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// JetStream KV: each subscriber is a consumer of its own. Version 2.9 has no way to flush each write
    /// to the disk: it keeps less than we do.
    Nats,
    /// Watch through the JSON gateway; flushes each write.
    Etcd,
    /// A value and a published message in one transaction, in a log that is flushed each time.
    Redis,
}

/// A running peer.
pub(super) struct Peer {
    kind: Kind,
    address: SocketAddr,
    published: u64,
    _process: Ended,
}

impl Kind {
    pub(super) const ALL: [Self; 3] = [Self::Nats, Self::Etcd, Self::Redis];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Nats => "NATS JetStream KV",
            Self::Etcd => "etcd watch",
            Self::Redis => "Redis pub/sub",
        }
    }

    fn program(self) -> &'static str {
        match self {
            Self::Nats => "nats-server",
            Self::Etcd => "etcd",
            Self::Redis => "redis-server",
        }
    }

    /// Whether it is installed here.
    pub(super) fn is_here(self) -> bool {
        has(self.program())
    }

    fn protocol(self) -> Protocol {
        match self {
            Self::Nats => Protocol::Nats,
            Self::Etcd => Protocol::Etcd,
            Self::Redis => Protocol::Redis,
        }
    }

    fn command(self, folder: &Path, address: SocketAddr) -> Result<Command, String> {
        let mut command = Command::new(self.program());
        let (port, data) = (address.port().to_string(), folder.display());
        match self {
            Self::Nats => {
                let config = format!(
                    "listen: \"{address}\"\nmax_connections: {CONNECTIONS}\nping_interval: \"30m\"\n\
                     write_deadline: \"60s\"\njetstream {{ store_dir: \"{data}\" }}\n"
                );
                let file = folder.join("nats.conf");
                fs::write(&file, config).map_err(|e| e.to_string())?;
                command.arg("-c").arg(file);
            }
            Self::Etcd => {
                let (url, peer) = (format!("http://{address}"), free_port()?);
                command.arg("--data-dir").arg(folder);
                command.args([
                    "--listen-client-urls",
                    &url,
                    "--advertise-client-urls",
                    &url,
                ]);
                let peer = format!("http://127.0.0.1:{peer}");
                command.args(["--listen-peer-urls", &peer]);
                command.args(["--initial-advertise-peer-urls", &peer]);
                command.args(["--initial-cluster", &format!("default={peer}")]);
            }
            Self::Redis => {
                command.args(["--port", &port, "--bind", "127.0.0.1", "--save", ""]);
                command.args(["--appendonly", "yes", "--appendfsync", "always", "--dir"]);
                command
                    .arg(folder)
                    .args(["--maxclients", &CONNECTIONS.to_string()]);
            }
        }
        command.stdout(Stdio::null()).stderr(Stdio::null());
        Ok(command)
    }
}

impl Peer {
    pub(super) fn start(kind: Kind, folder: &Path) -> Result<Self, String> {
        fs::create_dir_all(folder).map_err(|e| e.to_string())?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
        let process = kind.command(folder, address)?.spawn();
        let process = Ended(process.map_err(|e| format!("{}: {e}", kind.program()))?);
        accepts(address)?;
        let peer = Self {
            kind,
            address,
            published: 0,
            _process: process,
        };
        peer.set_up()?;
        Ok(peer)
    }

    fn set_up(&self) -> Result<(), String> {
        match self.kind {
            Kind::Nats => {
                let stream = json!({"name": "KV_bench", "subjects": ["$KV.bench.>"], "storage": "file",
                    "max_msgs_per_subject": 1, "discard": "new", "allow_rollup_hdrs": true,
                    "allow_direct": true, "num_replicas": 1, "retention": "limits"});
                let create = "$JS.API.STREAM.CREATE.KV_bench";
                Nats::connect(self.address)?.ask(create, stream.to_string().as_bytes())
            }
            Kind::Etcd => {
                // A leader is elected first.
                let mut last = String::new();
                for _ in 0..100 {
                    let mut http = Http::connect(self.address, "")?;
                    match http.post("/v3/kv/put", &put(b"none")) {
                        Ok(_) => return Ok(()),
                        Err(e) => last = e,
                    }
                    std::thread::sleep(Duration::from_millis(100));
                }
                Err(last)
            }
            Kind::Redis => Ok(()),
        }
    }

    pub(super) fn crowd(&self, count: usize) -> Result<Crowd, String> {
        let to = (self.address, self.kind.protocol());
        Crowd::gather(count, to, |n| match self.kind {
            Kind::Nats => Nats::watch(n),
            Kind::Etcd => {
                let watch = json!({"create_request": {"key": BASE64.encode("bench")}}).to_string();
                let length = format!("Content-Length: {}\r\n", watch.len());
                request(("POST", "/v3/watch"), self.address, "", &length)
                    .into_bytes()
                    .into_iter()
                    .chain(watch.into_bytes())
                    .collect()
            }
            Kind::Redis => command(&[b"SUBSCRIBE", b"bench"]),
        })
    }

    /// What publishes a document of `bytes` bytes.
    pub(super) fn publisher(
        &mut self,
        bytes: usize,
    ) -> Result<impl FnOnce() -> Result<(), String> + Send + use<>, String> {
        self.published += 1;
        let body = document(self.published, bytes).to_string();
        let (kind, address) = (self.kind, self.address);
        let mut nats = (kind == Kind::Nats)
            .then(|| Nats::connect(address))
            .transpose()?;
        let mut http = (kind == Kind::Etcd)
            .then(|| Http::connect(address, ""))
            .transpose()?;
        let stream = (kind == Kind::Redis).then(|| plain(address)).transpose()?;
        Ok(move || match (nats.as_mut(), http.as_mut(), stream) {
            (Some(nats), ..) => nats.ask("$KV.bench.doc", body.as_bytes()),
            (_, Some(http), _) => http.post("/v3/kv/put", &put(body.as_bytes())).map(drop),
            (.., Some(stream)) => in_one(stream, body.as_bytes()),
            _ => Ok(()),
        })
    }
}

fn put(value: &[u8]) -> Vec<u8> {
    let put = json!({"key": BASE64.encode("bench"), "value": BASE64.encode(value)});
    put.to_string().into_bytes()
}

fn accepts(address: SocketAddr) -> Result<(), String> {
    for _ in 0..200 {
        if TcpStream::connect(address).is_ok() {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Err(format!("nobody listens on {address}"))
}

fn plain(address: SocketAddr) -> Result<TcpStream, String> {
    let stream = TcpStream::connect(address).map_err(|e| e.to_string())?;
    let set = stream
        .set_nodelay(true)
        .and_then(|()| stream.set_read_timeout(Some(PATIENCE)));
    set.map_err(|e| e.to_string())?;
    Ok(stream)
}

/// A command of Redis.
fn command(words: &[&[u8]]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend(format!("${}\r\n", word.len()).bytes());
        bytes.extend(*word);
        bytes.extend(b"\r\n");
    }
    bytes
}

/// Sets the value and tells it, both or neither.
fn in_one(mut stream: TcpStream, value: &[u8]) -> Result<(), String> {
    let all = [
        command(&[b"MULTI"]),
        command(&[b"SET", b"bench", value]),
        command(&[b"PUBLISH", b"bench", value]),
        command(&[b"EXEC"]),
    ];
    stream.write_all(&all.concat()).map_err(|e| e.to_string())?;
    read_until(&mut stream, "*2\r\n+OK\r\n:").map(drop)
}

fn read_until(stream: &mut TcpStream, words: &str) -> Result<String, String> {
    let mut heard = vec![];
    let mut some = [0; 4096];
    loop {
        let count = stream.read(&mut some).map_err(|e| e.to_string())?;
        heard.extend_from_slice(some.get(..count).unwrap_or_default());
        let text = String::from_utf8_lossy(&heard);
        if text.contains(words) {
            return Ok(text.into_owned());
        }
        if count == 0 || text.contains("-ERR") {
            return Err(format!("instead of {words:?}: {text}"));
        }
    }
}

/// A connection that asks NATS and waits for the answer.
struct Nats(TcpStream);

const CONNECT: &str = "CONNECT {\"verbose\":false,\"pedantic\":false,\"lang\":\"x\",\"version\":\"1\",\"protocol\":1,\"headers\":false}\r\n";

impl Nats {
    fn connect(address: SocketAddr) -> Result<Self, String> {
        let mut stream = plain(address)?;
        let hello = format!("{CONNECT}SUB answers 2\r\nPING\r\n");
        stream
            .write_all(hello.as_bytes())
            .map_err(|e| e.to_string())?;
        read_until(&mut stream, "PONG")?;
        Ok(Self(stream))
    }

    /// Sends a message and waits until JetStream has taken it.
    fn ask(&mut self, subject: &str, body: &[u8]) -> Result<(), String> {
        let head = format!("PUB {subject} answers {}\r\n", body.len());
        let message = [head.as_bytes(), body, b"\r\n"].concat();
        self.0.write_all(&message).map_err(|e| e.to_string())?;
        // All answers of JetStream to these end with a brace.
        let answer = read_until(&mut self.0, "}\r\n")?;
        if answer.contains("\"error\"") {
            return Err(answer);
        }
        Ok(())
    }

    /// What a subscriber says: a consumer of its own of the one key, from now on.
    fn watch(n: usize) -> Vec<u8> {
        let consumer = json!({"stream_name": "KV_bench", "config": {"deliver_subject": format!("d.{n}"),
            "deliver_policy": "new", "ack_policy": "none", "max_deliver": 1, "mem_storage": true,
            "filter_subject": "$KV.bench.doc", "replay_policy": "instant", "num_replicas": 1,
            "inactive_threshold": 300_000_000_000_u64}});
        let consumer = consumer.to_string();
        let length = consumer.len();
        format!(
            "{CONNECT}SUB d.{n} 1\r\nSUB a.{n} 2\r\nPUB $JS.API.CONSUMER.CREATE.KV_bench a.{n} {length}\r\n{consumer}\r\n"
        )
        .into_bytes()
    }
}
