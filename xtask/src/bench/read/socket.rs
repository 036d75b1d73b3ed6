//! Load over a Unix socket, which wrk does not speak: so many connections, each with one request under way.

use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::net::UnixStream as Blocking;
use std::path::Path;
use std::time::Duration;

use mio::net::UnixStream;
use mio::{Events, Interest, Poll, Token};

use crate::bench::delivery::crowd::now;

/// As wrk does it.
const CONNECTIONS: usize = 64;
const TIME: Duration = Duration::from_secs(6);

/// Requests a second that a GET of `path` is answered.
pub(super) fn rate(socket: &Path, path: &str) -> Result<f64, String> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let length = answer_length(socket, &request)?;
    let mut poll = Poll::new().map_err(|e| e.to_string())?;
    let mut events = Events::with_capacity(CONNECTIONS);
    let mut connections = vec![];
    for n in 0..CONNECTIONS {
        let mut stream = UnixStream::connect(socket).map_err(|e| e.to_string())?;
        poll.registry()
            .register(&mut stream, Token(n), Interest::READABLE)
            .map_err(|e| e.to_string())?;
        stream
            .write_all(request.as_bytes())
            .map_err(|e| e.to_string())?;
        connections.push((stream, 0));
    }
    let begun = now();
    let mut answered = 0_u32;
    let mut buffer = vec![0; 64 << 10];
    while begun.elapsed() < TIME {
        poll.poll(&mut events, Some(TIME))
            .map_err(|e| e.to_string())?;
        for event in &events {
            let Some((stream, came)) = connections.get_mut(event.token().0) else {
                continue;
            };
            match stream.read(&mut buffer) {
                Ok(0) => return Err("a connection was closed under load".into()),
                Ok(count) => *came += count,
                Err(e) if e.kind() == ErrorKind::WouldBlock => continue,
                Err(e) => return Err(e.to_string()),
            }
            // Every answer is as long as the first, but for the digits of an age.
            if *came + LEEWAY >= length {
                *came = 0;
                answered += 1;
                stream
                    .write_all(request.as_bytes())
                    .map_err(|e| e.to_string())?;
            }
        }
    }
    Ok(f64::from(answered) / begun.elapsed().as_secs_f64())
}

/// How much shorter a later answer may be than the first.
const LEEWAY: usize = 4;

/// Bytes of an answer, which must be a success.
fn answer_length(socket: &Path, request: &str) -> Result<usize, String> {
    let mut stream = Blocking::connect(socket).map_err(|e| e.to_string())?;
    let patience = Some(Duration::from_millis(300));
    stream
        .set_read_timeout(patience)
        .map_err(|e| e.to_string())?;
    stream
        .write_all(request.as_bytes())
        .map_err(|e| e.to_string())?;
    let mut all = vec![];
    let mut some = [0; 64 << 10];
    // It stays open: the answer ends when nothing more comes.
    while let Ok(count @ 1..) = stream.read(&mut some) {
        all.extend_from_slice(some.get(..count).unwrap_or_default());
    }
    if all.starts_with(b"HTTP/1.1 200") {
        Ok(all.len())
    } else {
        Err(format!("no success: {}", String::from_utf8_lossy(&all)))
    }
}
