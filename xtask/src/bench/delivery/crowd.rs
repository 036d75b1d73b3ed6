//! Many subscribers, each with a connection of its own, read by one thread: what a connection costs here
//! is the same for every server. Never knows what is pushed.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use super::wire::{Protocol, Reader};

/// Connections that are opened before those are waited for.
const AT_ONCE: u32 = 200;
/// Connections in a second, on average.
const A_SECOND: u32 = 900;
/// How long subscribers wait for what must come.
const PATIENCE: Duration = Duration::from_secs(60);
const BUFFER_BYTES: usize = 256 << 10;
const EVENTS: usize = 1_024;

/// The subscribers.
pub(crate) struct Crowd {
    poll: Poll,
    events: Events,
    buffer: Vec<u8>,
    members: Vec<(TcpStream, Reader)>,
    /// Connections that stand.
    greeted: usize,
    /// Updates that were counted in all.
    updates: usize,
}

impl Crowd {
    /// Connects them all; each says `hello` of its number, and waits until the server has answered it.
    ///
    /// # Errors
    /// When a connection is refused or not answered in time.
    pub(crate) fn gather(
        count: usize,
        (server, protocol): (SocketAddr, Protocol),
        hello: impl Fn(usize) -> Vec<u8>,
    ) -> Result<Self, String> {
        let mut crowd = Self {
            poll: Poll::new().map_err(|e| e.to_string())?,
            events: Events::with_capacity(EVENTS),
            buffer: vec![0; BUFFER_BYTES],
            members: Vec::with_capacity(count),
            greeted: 0,
            updates: 0,
        };
        let mut begun = now();
        for n in 0..count {
            crowd
                .join(n, (server, protocol), &hello(n))
                .map_err(|e| format!("subscriber {n} of {count}: {e}"))?;
            if (n + 1) % AT_ONCE as usize == 0 || n + 1 == count {
                crowd
                    .pump_until(PATIENCE, |crowd| crowd.greeted == n + 1)
                    .map_err(|e| format!("subscribers to {n} of {count}: {e}"))?;
                // No faster than a control plane lets agents in; what took longer is not caught up.
                let not_before = begun + Duration::from_secs(1) * AT_ONCE / A_SECOND;
                crowd.idle(not_before.saturating_duration_since(now()))?;
                begun = now();
            }
        }
        Ok(crowd)
    }

    fn join(
        &mut self,
        n: usize,
        (server, protocol): (SocketAddr, Protocol),
        hello: &[u8],
    ) -> std::io::Result<()> {
        let mut stream = std::net::TcpStream::connect(server)?;
        stream.set_nodelay(true)?;
        stream.write_all(hello)?;
        stream.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(stream);
        let registry = self.poll.registry();
        registry.register(&mut stream, Token(n), Interest::READABLE)?;
        self.members.push((stream, Reader::new(protocol)));
        Ok(())
    }

    /// Waits until every subscriber has one more update than before `act` began, which runs beside. Gives
    /// the seconds from the moment that `act` names to the last one, and those until `act` ended.
    ///
    /// # Errors
    /// When `act` fails, or an update does not come.
    pub(crate) fn told_after(
        &mut self,
        act: impl FnOnce() -> Result<(), String> + Send,
    ) -> Result<(f64, f64), String> {
        let due = self.updates + self.members.len();
        std::thread::scope(|scope| {
            let begun = now();
            let acting = scope.spawn(|| act().map(|()| now()));
            let told = self.pump_until(PATIENCE, |crowd| crowd.updates >= due);
            let last = now();
            let acted = acting.join().map_err(|_| "the publisher panicked")??;
            told?;
            let since = |at: Instant| at.duration_since(begun).as_secs_f64();
            Ok((since(last), since(acted)))
        })
    }

    /// Reads what comes for a while.
    pub(crate) fn idle(&mut self, time: Duration) -> Result<(), String> {
        let until = now() + time;
        while now() < until {
            self.pump(until.duration_since(now()))?;
        }
        Ok(())
    }

    fn pump_until(&mut self, patience: Duration, so: impl Fn(&Self) -> bool) -> Result<(), String> {
        let until = now() + patience;
        while !so(self) {
            let left = until.saturating_duration_since(now());
            if left.is_zero() {
                let (greeted, updates) = (self.greeted, self.updates);
                return Err(format!(
                    "not within {patience:?}: {greeted} stand, {updates} updates came in all"
                ));
            }
            self.pump(left)?;
        }
        Ok(())
    }

    fn pump(&mut self, wait: Duration) -> Result<(), String> {
        match self.poll.poll(&mut self.events, Some(wait)) {
            Err(e) if e.kind() == ErrorKind::Interrupted => return Ok(()),
            other => other.map_err(|e| e.to_string())?,
        }
        for event in &self.events {
            let Some((stream, reader)) = self.members.get_mut(event.token().0) else {
                continue;
            };
            let before = (reader.greeted(), reader.updates());
            read(stream, reader, &mut self.buffer)?;
            self.greeted += usize::from(reader.greeted()) - usize::from(before.0);
            self.updates += (reader.updates() - before.1) as usize;
        }
        Ok(())
    }
}

fn read(stream: &mut TcpStream, reader: &mut Reader, buffer: &mut [u8]) -> Result<(), String> {
    loop {
        match stream.read(buffer) {
            Ok(0) => return Err("a connection was closed".into()),
            Ok(count) => {
                reader.feed(buffer.get(..count).unwrap_or_default());
                if reader.refused() {
                    let start = buffer.get(..count.min(300)).unwrap_or_default();
                    return Err(format!("refused: {}", String::from_utf8_lossy(start)));
                }
                // Less than there was room for: it is empty, and the next bytes wake this up again.
                if count < buffer.len() {
                    return Ok(());
                }
            }
            Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e.to_string()),
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark measures in the machine's time"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}
