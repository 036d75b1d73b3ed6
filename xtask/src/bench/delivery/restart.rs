//! A server that is killed the moment it has answered a publication, and started again: how many agents
//! miss it, and when all of them are back with it.
//!
//! Subscribers connect again by the agent's own rule, and then look, as agents do: the timestamp, and
//! what it names where it is newer than what they have.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::crowd::now;
use super::http::request;
use super::ours::{Server, stream_request};
use super::wire::{Protocol, Reader};
use super::{connections, counted, folder};
use crate::bench::{Options, Row};

const AGENTS: usize = 5_000;
/// All are back within this many seconds.
const GOAL_SECONDS: f64 = 10.0;
const PATIENCE: Duration = Duration::from_secs(60);
const TICK: Duration = Duration::from_millis(20);

/// Runs the part.
pub(super) fn run(options: &Options) -> Result<Vec<Row>, String> {
    // Each may have a second connection, for its look.
    let agents = connections(2 * options.agents.unwrap_or(AGENTS)) / 2;
    let folder = folder()?;
    let mut server = Server::start(folder.path(), 1_000)?;
    let mut fleet = Fleet::new(agents, &server, options.seed)?;
    fleet.until("all stand", |fleet| fleet.fresh(0) == agents)?;
    server.publisher(2 << 10)?()?;
    let first = fleet.newest_after(0)?;
    fleet.until("all have the first", |fleet| fleet.fresh(first) == agents)?;

    let publish = server.publisher(2 << 10)?;
    fleet.role_version = 2;
    let killed_at = Mutex::new(None);
    let mut ended = now();
    let ready = std::thread::scope(|scope| {
        let restart = scope.spawn(|| {
            publish()?;
            *killed_at.lock().map_err(|e| e.to_string())? = Some(now());
            server.kill_and_start().map(|()| now())
        });
        // Who is not back in time has missed it: a figure, no error.
        if let Err(e) = fleet.until("all are back", |fleet| fleet.fresh(first + 1) == agents) {
            println!("  {e}");
        }
        ended = now();
        restart.join()
    });
    let ready = ready.map_err(|_| "the restart panicked")??;
    let missed = agents - fleet.fresh(first + 1);
    let killed = killed_at.into_inner().map_err(|e| e.to_string())?;
    let killed = killed.ok_or("nothing was killed")?;
    let seconds = ended.duration_since(killed).as_secs_f64();
    println!(
        "  ready {:.2} s after the kill; at most {} connections were begun in a second",
        ready.duration_since(killed).as_secs_f64(),
        fleet.most_a_second(),
    );
    if missed == 0 {
        // They hear pushes again.
        server.publisher(2 << 10)?()?;
        let all = |fleet: &Fleet| fleet.fresh(first + 2) == agents;
        fleet.until("all hear the next", all)?;
    }
    let of = format!("kill -9 and restart, {} agents", counted(agents));
    #[expect(clippy::cast_precision_loss, reason = "a small count")]
    let missed = missed as f64;
    Ok(vec![
        Row::new(
            format!("{of}: missed the update"),
            "agents",
            missed,
            ("goal", 0.0),
        ),
        Row::new(
            format!("{of}: until all are back with it"),
            "s",
            seconds,
            ("goal", GOAL_SECONDS),
        ),
    ])
}

/// One subscriber.
struct Member {
    stream: Option<(TcpStream, Reader)>,
    /// Whether the stream's request was sent.
    asked: bool,
    /// What is asked for beside the stream after it was connected, and what came.
    look: Option<(TcpStream, Vec<u8>)>,
    look_asked: bool,
    looked: bool,
    /// The newest version that it holds.
    version: u64,
    failures: u32,
}

struct Fleet {
    poll: Poll,
    members: Vec<Member>,
    due: BinaryHeap<Reverse<(Instant, usize)>>,
    chance: ChaCha8Rng,
    server: SocketAddr,
    token: String,
    hello: String,
    /// The version of the role's metadata that is looked for.
    role_version: u64,
    begun: Vec<Instant>,
}

impl Fleet {
    fn new(agents: usize, server: &Server, seed: u64) -> Result<Self, String> {
        let token = server.agent_token()?;
        let mut fleet = Self {
            poll: Poll::new().map_err(|e| e.to_string())?,
            members: vec![],
            due: BinaryHeap::new(),
            chance: ChaCha8Rng::seed_from_u64(seed),
            server: server.address(),
            hello: stream_request(server.address(), &token),
            token,
            role_version: 1,
            begun: vec![],
        };
        let start = now();
        for n in 0..agents {
            fleet.members.push(Member {
                stream: None,
                asked: false,
                look: None,
                look_asked: false,
                looked: false,
                version: 0,
                failures: 0,
            });
            // The first time they come evenly, within two seconds.
            let turn = u32::try_from(n % 100).unwrap_or(0);
            fleet.due.push(Reverse((start + TICK * turn, n)));
        }
        Ok(fleet)
    }

    /// Agents that stand, have looked, and hold `version` or a newer one.
    fn fresh(&self, version: u64) -> usize {
        let fresh = |one: &&Member| one.looked && one.version >= version;
        self.members.iter().filter(fresh).count()
    }

    /// The version that somebody heard of after `version`.
    fn newest_after(&mut self, version: u64) -> Result<u64, String> {
        let before = self.members.iter().map(|one| one.version).max();
        let before = before.unwrap_or(0).max(version);
        let newest = |fleet: &Self| fleet.members.iter().map(|one| one.version).max();
        self.until("a push", |fleet| newest(fleet) > Some(before))?;
        Ok(newest(self).unwrap_or(0))
    }

    fn most_a_second(&self) -> usize {
        let second = Duration::from_secs(1);
        let within = |from: &Instant| {
            let until = *from + second;
            let start = self.begun.partition_point(|one| one < from);
            self.begun.partition_point(|one| *one < until) - start
        };
        // The first connections, which came evenly, are not a restart's.
        let again = self.begun.get(self.members.len()..).unwrap_or_default();
        again.iter().map(within).max().unwrap_or(0)
    }

    fn until(&mut self, what: &str, so: impl Fn(&Self) -> bool) -> Result<(), String> {
        let until = now() + PATIENCE;
        let mut events = Events::with_capacity(1_024);
        while !so(self) {
            if now() > until {
                return Err(format!("not within {PATIENCE:?}: {what}"));
            }
            self.connect_due()?;
            match self.poll.poll(&mut events, Some(TICK)) {
                Err(e) if e.kind() == ErrorKind::Interrupted => continue,
                other => other.map_err(|e| e.to_string())?,
            }
            for event in &events {
                let (n, is_look) = (event.token().0 / 2, event.token().0 % 2 == 1);
                let went_well = if is_look {
                    self.look(n)
                } else {
                    self.listen(n)
                };
                if went_well.is_err() {
                    self.lost(n);
                }
            }
        }
        Ok(())
    }

    fn connect_due(&mut self) -> Result<(), String> {
        while let Some(Reverse((at, n))) = self.due.peek().copied() {
            if at > now() {
                break;
            }
            self.due.pop();
            self.begun.push(now());
            match self.open(Token(2 * n)) {
                Ok(stream) => {
                    let member = self.members.get_mut(n).ok_or("no such member")?;
                    member.stream = Some((stream, Reader::new(Protocol::Events)));
                    member.asked = false;
                }
                Err(_) => self.lost(n),
            }
        }
        Ok(())
    }

    fn open(&self, token: Token) -> std::io::Result<TcpStream> {
        let mut stream = TcpStream::connect(self.server)?;
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll
            .registry()
            .register(&mut stream, token, interest)?;
        Ok(stream)
    }

    /// Comes again, by the rule of real agents.
    fn lost(&mut self, n: usize) {
        let Some(member) = self.members.get_mut(n) else {
            return;
        };
        let reader = member.stream.take().map(|(_, reader)| reader);
        let stood = reader.as_ref().is_some_and(Reader::greeted);
        let turn = reader.and_then(|reader| reader.turn());
        (member.look, member.looked) = (None, false);
        if stood {
            member.failures = 0;
        }
        let wait = agent::reconnect_after(member.failures, turn, self.chance.random());
        member.failures += 1;
        self.due.push(Reverse((now() + wait, n)));
    }

    fn listen(&mut self, n: usize) -> Result<(), String> {
        let member = self.members.get_mut(n).ok_or("no such member")?;
        let Some((stream, reader)) = &mut member.stream else {
            return Ok(());
        };
        if !member.asked {
            send(stream, &self.hello)?;
            member.asked = true;
        }
        let mut buffer = [0; 32 << 10];
        let stood = reader.greeted();
        while let Some(count) = some(stream, &mut buffer)? {
            reader.feed(buffer.get(..count).unwrap_or_default());
        }
        if reader.refused() {
            return Err("refused".into());
        }
        if member.looked {
            // A push brings what it tells; a greeting only says that it is there.
            member.version = reader.id();
        } else if reader.greeted() && !stood {
            let look = self.open(Token(2 * n + 1)).map_err(|e| e.to_string())?;
            if let Some(member) = self.members.get_mut(n) {
                (member.look, member.look_asked) = (Some((look, vec![])), false);
            }
        }
        Ok(())
    }

    fn look(&mut self, n: usize) -> Result<(), String> {
        let member = self.members.get_mut(n).ok_or("no such member")?;
        let (Some((_, reader)), Some((look, came))) = (&member.stream, &mut member.look) else {
            return Ok(());
        };
        let greeted_with = reader.id();
        let files = files(member.version, greeted_with, self.role_version);
        if !member.look_asked {
            let last = files.len() - 1;
            let requests = files.iter().enumerate().map(|(at, path)| {
                let more = if at == last {
                    "Connection: close\r\n"
                } else {
                    ""
                };
                request(("GET", path), self.server, &self.token, more)
            });
            send(look, &requests.collect::<String>())?;
            member.look_asked = true;
        }
        let mut buffer = [0; 32 << 10];
        loop {
            match some(look, &mut buffer) {
                Ok(None) => return Ok(()),
                Ok(Some(count)) => came.extend_from_slice(buffer.get(..count).unwrap_or_default()),
                Err(e) if came.is_empty() => return Err(e),
                Err(_) => break,
            }
        }
        let answers = memchr::memmem::find_iter(came, "HTTP/1.1 200").count();
        if answers < files.len() {
            return Err("not all that was asked for came".into());
        }
        (member.look, member.looked) = (None, true);
        (member.version, member.failures) = (greeted_with, 0);
        Ok(())
    }
}

/// What an agent fetches that holds `held` and is greeted with `greeted_with`.
fn files(held: u64, greeted_with: u64, role_version: u64) -> Vec<String> {
    let mut files = vec!["/agent/v1/repository/timestamp.json".to_owned()];
    if held > 0 && greeted_with > held {
        files.push(format!("/agent/v1/repository/{greeted_with}.snapshot.json"));
        files.push(format!(
            "/agent/v1/repository/{role_version}.web-central.notices.json"
        ));
        files.push("/api/v1/config/web-central/notices/bench?code=5.1.0".into());
    }
    files
}

fn send(stream: &mut TcpStream, text: &str) -> Result<(), String> {
    let failed = stream.take_error().map_err(|e| e.to_string())?;
    if let Some(e) = failed {
        return Err(e.to_string());
    }
    // A few hundred bytes always fit into a fresh connection.
    stream.write_all(text.as_bytes()).map_err(|e| e.to_string())
}

/// What there is to read; `None` for nothing now, an error at the end.
fn some(stream: &mut TcpStream, buffer: &mut [u8]) -> Result<Option<usize>, String> {
    match stream.read(buffer) {
        Ok(0) => Err("ended".into()),
        Ok(count) => Ok(Some(count)),
        Err(e) if e.kind() == ErrorKind::WouldBlock => Ok(None),
        Err(e) => Err(e.to_string()),
    }
}
