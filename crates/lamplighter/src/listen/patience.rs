//! How long a client may take: to send a body, and to read an answer. Whoever is slower than any honest
//! line holds a connection for nothing.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use clock::Clock;
use futures_util::{StreamExt as _, stream};
use hyper::body::{Body as _, Incoming};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// What clients are waited for, in the machine's time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// Until the first byte of a body comes, and until an answer is read on.
    pub(crate) idle: Duration,
    /// A body that comes slower is not waited for, in bytes a second.
    pub(crate) bytes_per_second: u32,
}

/// A body that fails when it does not come in time. Each byte that came buys a little more of it.
pub(super) fn in_time(body: Incoming, patience: Patience) -> Body {
    if body.is_end_stream() {
        return Body::new(body);
    }
    let bytes = Body::new(body).into_data_stream();
    let paced = stream::unfold(
        (bytes, patience.idle),
        move |(mut bytes, left)| async move {
            let clock = Clock::system();
            let asked_at = clock.now();
            let next = tokio::select! {
                next = bytes.next() => next?.map_err(io::Error::other),
                () = clock.sleep(left) => Err(io::ErrorKind::TimedOut.into()),
            };
            let waited = clock.now().duration_since(asked_at);
            let waited = Duration::try_from(waited).unwrap_or_default();
            let count = next.as_ref().map_or(0, Bytes::len);
            let count = u32::try_from(count).unwrap_or(u32::MAX);
            let bought = Duration::from_secs(1) * count / patience.bytes_per_second.max(1);
            Some((next, (bytes, left.saturating_sub(waited) + bought)))
        },
    );
    Body::from_stream(paced)
}

type Timer = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A connection whose writes fail when the client reads nothing for too long.
pub(super) struct Patient {
    stream: TcpStream,
    idle: Duration,
    waits: Option<Timer>,
}

impl Patient {
    pub(super) fn new(stream: TcpStream, patience: Patience) -> Self {
        Self {
            stream,
            idle: patience.idle,
            waits: None,
        }
    }

    pub(super) fn into_inner(self) -> TcpStream {
        self.stream
    }

    /// The outcome of a write, unless it has waited too long.
    fn timed<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.waits = None;
            return written;
        }
        let idle = self.idle;
        let sleep = || -> Timer { Box::pin(async move { Clock::system().sleep(idle).await }) };
        let timer = self.waits.get_or_insert_with(sleep);
        match timer.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncRead for Patient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Patient {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.timed(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.timed(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.timed(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
