//! Ten thousand readers who wait for changes, each with a connection and an address of its own.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread::sleep;
use std::time::{Duration, Instant};

const READERS: usize = 10_000;
/// How long a reader waits for what must come.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long the readers wait until the server's memory is read.
const SETTLES: Duration = Duration::from_secs(3);

/// The readers.
pub(super) struct Crowd(Vec<TcpStream>);

impl Crowd {
    /// Connects them all, behind a proxy that says whom it stands for.
    pub(super) fn gather(server: SocketAddr) -> Result<Self, String> {
        let mut crowd = vec![];
        for n in 0..READERS {
            let reader = join(server, n).map_err(|e| format!("reader {n} of {READERS}: {e}"))?;
            crowd.push(reader);
        }
        sleep(SETTLES);
        Ok(Self(crowd))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Seconds from the end of `act` until the last reader was told.
    pub(super) fn told_after(
        &mut self,
        act: impl FnOnce() -> Result<(), String>,
    ) -> Result<f64, String> {
        act()?;
        #[expect(
            clippy::disallowed_methods,
            reason = "a benchmark measures in the machine's time"
        )]
        let begun = Instant::now();
        for (n, reader) in self.0.iter_mut().enumerate() {
            expect(reader, "event: told").map_err(|e| format!("reader {n}: {e}"))?;
        }
        Ok(begun.elapsed().as_secs_f64())
    }
}

fn join(server: SocketAddr, n: usize) -> Result<TcpStream, String> {
    let mut stream = TcpStream::connect(server).map_err(|e| e.to_string())?;
    stream
        .set_read_timeout(Some(PATIENCE))
        .map_err(|e| e.to_string())?;
    // What a browser sends, so that buffers hold what they would hold.
    let request = format!(
        "GET /events HTTP/1.1\r\nHost: {server}\r\nX-Forwarded-For: 10.1.{}.{}\r\nAccept: text/event-stream\r\n\
         User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36\r\n\
         Accept-Language: en-US,en;q=0.9\r\nAccept-Encoding: gzip, deflate, br, zstd\r\nCache-Control: no-cache\r\n\
         Referer: http://{server}/\r\nSec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty\r\n\r\n",
        n / 256,
        n % 256,
    );
    stream
        .write_all(request.as_bytes())
        .map_err(|e| e.to_string())?;
    expect(&mut stream, "retry: ")?;
    Ok(stream)
}

/// Reads until `words` came.
fn expect(stream: &mut TcpStream, words: &str) -> Result<(), String> {
    let mut heard = Vec::new();
    let mut some = [0; 1024];
    loop {
        let count = stream.read(&mut some).map_err(|e| e.to_string())?;
        heard.extend_from_slice(some.get(..count).unwrap_or_default());
        if String::from_utf8_lossy(&heard).contains(words) {
            return Ok(());
        }
        if count == 0 {
            let heard = String::from_utf8_lossy(&heard).into_owned();
            return Err(format!("ended before {words:?} came: {heard}"));
        }
    }
}
