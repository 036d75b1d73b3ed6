//! Agents and servers, killed with signal 9 at random moments while config is published, spread and
//! rolled back and while sites read: no read is wrong, no disk is torn, no trust goes back, and what was
//! accepted is there. `LAMPLIGHTER_TEST_KILL_ROUNDS` and `LAMPLIGHTER_TEST_KILL_SEED` choose how much.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod disk;
mod processes;
mod reads;
mod writer;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use clock::Clock;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use self::disk::Kept;
use self::processes::{AgentProcess, ServerProcess};
use self::reads::Book;
use self::writer::Writer;

/// Few enough for every run of the tests.
const ROUNDS: u32 = 10;
const SEED: u64 = 11;
/// Reconnection has a cap of its own, and a machine may be busy.
const CONVERGED_WITHIN: Duration = Duration::from_secs(120);

/// The two releases of the product, and what the documents of each accept.
const LINES: [(&str, &str); 2] = [("5.1.0", "~5.1"), ("5.2.0", "^5.2")];
const DOCUMENTS: [(&str, &str); 2] = [("sign-in", "links"), ("maps", "layers")];
const SITES: [&str; 3] = ["a.example", "b.example", "c.example"];
const PRODUCT: &str = "web-central";

fn chosen<T: std::str::FromStr>(name: &str, otherwise: T) -> T {
    let chosen = std::env::var(name).ok();
    chosen
        .and_then(|text| text.parse().ok())
        .unwrap_or(otherwise)
}

/// Who dies in a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Victim {
    Agent,
    Server,
    Both,
}

/// When, after what.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// While a change is being made, counted from its request.
    Asked,
    /// While an agent takes a change, counted from when the server has made it.
    Made,
    Whenever,
}

impl Moment {
    fn any(chance: &mut StdRng) -> (Self, Duration) {
        let (moment, up_to_us) = match chance.random_range(0..10) {
            0..4 => (Self::Asked, 50_000),
            4..8 => (Self::Made, 50_000),
            _ => (Self::Whenever, 400_000),
        };
        (
            moment,
            Duration::from_micros(chance.random_range(0..up_to_us)),
        )
    }
}

#[derive(Default)]
struct Counts {
    agents: u32,
    servers: u32,
    offline: u32,
    /// The trust on disk after the kill was another than before the change.
    taken: u32,
    left: u32,
}

struct Trial {
    chance: StdRng,
    server: ServerProcess,
    agent: AgentProcess,
    book: Arc<Book>,
    writer: Arc<Writer>,
    kept: Kept,
    counts: Counts,
}

impl Trial {
    async fn round(&mut self) {
        let victim = match self.chance.random_range(0..20) {
            0..9 => Victim::Agent,
            9..16 => Victim::Server,
            _ => Victim::Both,
        };
        let (moment, delay) = Moment::any(&mut self.chance);
        self.kept = Kept::read(&self.agent.folder).not_behind(&self.kept);
        let writer = Arc::clone(&self.writer);
        let mut change_chance = StdRng::seed_from_u64(self.chance.random());
        let mut change = tokio::spawn(async move { writer.change(&mut change_chance).await });
        if matches!(moment, Moment::Made) {
            let _ = (&mut change).await;
        }
        Clock::system().sleep(delay).await;
        if victim != Victim::Agent {
            self.server.kill();
            self.counts.servers += 1;
        }
        if victim != Victim::Server {
            self.agent.kill();
            self.counts.agents += 1;
            let kept = Kept::read(&self.agent.folder).not_behind(&self.kept);
            if kept == self.kept {
                self.counts.left += 1;
            } else {
                self.counts.taken += 1;
            }
            self.kept = kept;
        }
        if victim == Victim::Both && self.chance.random() {
            self.agent.start().await;
            self.boot_without_a_server().await;
        }
        if victim != Victim::Agent {
            self.server.start().await;
        }
        if victim != Victim::Server {
            self.agent.start().await;
            self.book.agent_is_back(&self.kept, &self.agent).await;
        }
        if !change.is_finished() {
            let _ = change.await;
        }
        self.writer.accepted_is_there().await;
        self.converges().await;
    }

    /// The last known good is served with nobody to ask, and no younger than it is.
    async fn boot_without_a_server(&mut self) {
        self.counts.offline += 1;
        self.book.agent_is_back(&self.kept, &self.agent).await;
        self.book.reads_everything(&self.agent).await;
    }

    /// Every site reads from the agent what the server says, byte for byte.
    async fn converges(&self) {
        let clock = Clock::system();
        let deadline = clock.now() + jiff::SignedDuration::try_from(CONVERGED_WITHIN).unwrap();
        loop {
            let Some(other) = self.book.differs(&self.server, &self.agent).await else {
                return;
            };
            assert!(clock.now() < deadline, "no convergence: {other}");
            clock.sleep(Duration::from_millis(50)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_at_any_moment_leave_the_old_or_the_new() {
    let rounds = chosen("LAMPLIGHTER_TEST_KILL_ROUNDS", ROUNDS);
    let seed = chosen("LAMPLIGHTER_TEST_KILL_SEED", SEED);
    println!("seed {seed}, {rounds} rounds");
    let started = Clock::system().now();
    let top = tempfile::tempdir().unwrap();
    let mut server = ServerProcess::new(top.path());
    server.start().await;
    let writer = Arc::new(Writer::new(&server));
    writer.prepare().await;
    let mut agent = AgentProcess::new(top.path(), &server.url(), &writer.enrolment().await);
    agent.start().await;
    let book = Arc::new(Book::default());
    let mut trial = Trial {
        chance: StdRng::seed_from_u64(seed),
        kept: Kept::default(),
        counts: Counts::default(),
        server,
        agent,
        book: Arc::clone(&book),
        writer,
    };
    trial.converges().await;
    let readers = book.start_readers(&trial.agent);
    for round in 1..=rounds {
        trial.round().await;
        assert!(!readers.is_finished(), "a reader saw what must not be");
        if round % 10 == 0 {
            let seconds = (Clock::system().now() - started).as_secs();
            println!("round {round} of {rounds}, {seconds} s");
        }
    }
    book.stop.store(true, Ordering::SeqCst);
    readers.await.unwrap();
    let Counts {
        agents,
        servers,
        offline,
        taken,
        left,
    } = trial.counts;
    let (reads, accepted) = (
        book.reads.load(Ordering::SeqCst),
        trial.writer.accepted_count(),
    );
    let refused = trial.writer.refused.load(Ordering::SeqCst);
    println!(
        "{agents} agents and {servers} servers killed, {offline} agents started with no server; the disk \
         held what is new {taken} times and what was {left} times; {reads} reads; {accepted} versions accepted, {refused} changes refused"
    );
    assert!(reads > u64::from(rounds) * 20, "the readers slept: {reads}");
    assert!(
        accepted > rounds as usize / 4,
        "nothing was published: {accepted}"
    );
}
