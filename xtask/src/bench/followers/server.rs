//! A mail server on loopback: takes so many mails in any minute, puts the others off as a relay does,
//! and looks at what it takes.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use clock::Clock;
use jiff::{SignedDuration, Timestamp};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// How long each answer takes: that of a relay in the same region.
const ANSWER: Duration = Duration::from_millis(5);

/// What came.
#[derive(Clone, Default)]
pub(super) struct Seen {
    mails: HashMap<String, u32>,
    /// Mails in the last minute, oldest first.
    minute: VecDeque<Timestamp>,
    pub(super) most_in_a_minute: u32,
    pub(super) put_off: u32,
    pub(super) without_headers: u32,
    pub(super) last_at: Timestamp,
}

impl Seen {
    pub(super) fn addresses(&self) -> u32 {
        u32::try_from(self.mails.len()).unwrap_or(u32::MAX)
    }

    /// Mails beyond the first to each address.
    pub(super) fn doubles(&self) -> u32 {
        self.mails.values().sum::<u32>() - self.addresses()
    }

    /// Whether one more mail fits into this minute.
    fn admit(&mut self, now: Timestamp, per_minute: u32) -> bool {
        let minute = SignedDuration::from_secs(60);
        while self
            .minute
            .front()
            .is_some_and(|at| now.duration_since(*at) >= minute)
        {
            self.minute.pop_front();
        }
        if self.minute.len() >= per_minute as usize {
            self.put_off += 1;
            return false;
        }
        self.minute.push_back(now);
        let count = u32::try_from(self.minute.len()).unwrap_or(u32::MAX);
        self.most_in_a_minute = self.most_in_a_minute.max(count);
        true
    }

    fn take(&mut self, to: String, headers: &[String], now: Timestamp) {
        let has = |name: &str| headers.iter().any(|line| line.starts_with(name));
        let one_click = has("list-unsubscribe:")
            && headers
                .iter()
                .any(|line| line == "list-unsubscribe-post: list-unsubscribe=one-click");
        self.without_headers += u32::from(!one_click);
        *self.mails.entry(to).or_default() += 1;
        self.last_at = now;
    }
}

struct Shared {
    seen: Mutex<Seen>,
    per_minute: u32,
    stop: CancellationToken,
}

impl Shared {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Listens until it is dropped.
pub(super) struct Server {
    port: u16,
    shared: Arc<Shared>,
}

impl Server {
    pub(super) async fn start(per_minute: u32) -> Result<Self, String> {
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.map_err(|e| format!("could not listen: {e}"))?;
        let port = listener.local_addr().map_err(|e| e.to_string())?.port();
        let shared = Arc::new(Shared {
            seen: Mutex::default(),
            per_minute,
            stop: CancellationToken::new(),
        });
        tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self { port, shared })
    }

    pub(super) fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.port)
    }

    pub(super) fn arrived(&self) -> u32 {
        self.shared.seen().addresses()
    }

    pub(super) fn end(self) -> Seen {
        self.shared.seen().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stop.cancel();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let stop = shared.stop.clone();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else { return };
        let (shared, stop) = (Arc::clone(&shared), stop.clone());
        tokio::spawn(async move {
            tokio::select! {
                // A client that hangs up has said all it had to.
                _ = converse(stream, &shared) => {}
                () = stop.cancelled() => {}
            }
        });
    }
}

async fn converse(stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    write.write_all(b"220 relay.example\r\n").await?;
    let mut to = String::new();
    while let Some(line) = lines.next_line().await? {
        let line = line.to_lowercase();
        Clock::system().sleep(ANSWER).await;
        let answer: &[u8] = if line.starts_with("mail from") {
            let now = Clock::system().now();
            if shared.seen().admit(now, shared.per_minute) {
                b"250 ok\r\n"
            } else {
                b"450 4.7.1 too many mails in a minute\r\n"
            }
        } else if let Some(rest) = line.strip_prefix("rcpt to:<") {
            to = rest.split('>').next().unwrap_or_default().to_owned();
            b"250 ok\r\n"
        } else if line == "data" {
            write.write_all(b"354 go on\r\n").await?;
            let mut headers = vec![];
            let mut in_headers = true;
            while let Some(line) = lines.next_line().await?.filter(|line| line != ".") {
                in_headers &= !line.is_empty();
                if in_headers {
                    headers.push(line.to_lowercase());
                }
            }
            Clock::system().sleep(ANSWER).await;
            let (to, now) = (std::mem::take(&mut to), Clock::system().now());
            shared.seen().take(to, &headers, now);
            b"250 taken\r\n"
        } else if line == "quit" {
            write.write_all(b"221 bye\r\n").await?;
            return Ok(());
        } else {
            b"250 ok\r\n"
        };
        write.write_all(answer).await?;
    }
    Ok(())
}
