//! Event streams, taken over from hyper: it keeps 16 KiB of buffers for each connection, and ten
//! thousand readers who are told something now and then need none. Never knows what is told.

use std::fmt::Write as _;
use std::io;
use std::sync::{Mutex, PoisonError};

use axum::body::Body;
use axum::extract::Request;
use axum::http::response::Parts;
use axum::http::{HeaderValue, Method, Version, header};
use axum::response::Response;
use clock::Clock;
use futures_util::StreamExt as _;
use jiff::fmt::rfc2822::DateTimePrinter;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");

/// What a client may send behind its request before its stream is ended: a request that it pipelined.
const SENT_BYTES_MAX: usize = 64 << 10;

/// Where a connection's answer is put that is sent without hyper.
pub(super) struct Exit(Mutex<Option<oneshot::Sender<Response>>>);

impl Exit {
    pub(super) fn new() -> (Self, oneshot::Receiver<Response>) {
        let (sender, receiver) = oneshot::channel();
        (Self(Mutex::new(Some(sender))), receiver)
    }

    /// Takes the answer out of hyper's hands, if it is an event stream for a client that reads to the
    /// end of the connection; gives any other back.
    pub(super) fn take(&self, asks: Asks, response: Response) -> Option<Response> {
        let is_stream = response.headers().get(header::CONTENT_TYPE) == Some(&EVENT_STREAM);
        if !(is_stream && asks.may_stream) {
            return Some(response);
        }
        let mut sender = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match sender.take() {
            Some(sender) => sender.send(response).err(),
            None => Some(response),
        }
    }
}

/// What is known of a request when its answer is there.
#[derive(Clone, Copy)]
pub(super) struct Asks {
    may_stream: bool,
}

impl Asks {
    pub(super) fn of<B>(request: &Request<B>) -> Self {
        Self {
            may_stream: request.method() == Method::GET && request.version() == Version::HTTP_11,
        }
    }
}

/// Sends a stream until it ends or the client goes.
pub(super) async fn send(mut socket: TcpStream, response: Response) {
    // Each event is one write, and the reader waits for it: nothing is gained by holding its end back.
    let _ = socket.set_nodelay(true);
    let (parts, body) = response.into_parts();
    let (mut reads, mut writes) = socket.split();
    let sending = async {
        writes.write_all(head(&parts).as_bytes()).await?;
        let mut body = Body::into_data_stream(body);
        while let Some(Ok(bytes)) = body.next().await {
            writes.write_all(&bytes).await?;
        }
        writes.shutdown().await
    };
    // Nothing is asked for on this connection any more: whoever goes on sending is no reader of it.
    let gone = async {
        let mut rest = [0; 64];
        let mut read = 0;
        loop {
            let count = reads.read(&mut rest).await?;
            read += count;
            if count == 0 || read > SENT_BYTES_MAX {
                return io::Result::Ok(());
            }
        }
    };
    let ended = tokio::select! {
        ended = sending => ended,
        ended = gone => ended,
    };
    if let Err(error) = ended {
        tracing::debug!("an event stream ended: {error}");
    }
}

/// The head of an answer that ends with the connection (RFC 9112, 6.3).
fn head(parts: &Parts) -> String {
    let mut head = format!("HTTP/1.1 {}\r\n", parts.status);
    let date = DateTimePrinter::new().timestamp_to_rfc9110_string(&Clock::system().now());
    for (name, value) in [
        ("connection", "close"),
        ("date", date.as_deref().unwrap_or("")),
    ] {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    for (name, value) in &parts.headers {
        if let Ok(value) = value.to_str() {
            let _ = write!(head, "{name}: {value}\r\n");
        }
    }
    head + "\r\n"
}
