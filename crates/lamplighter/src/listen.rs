//! Answers connections, with the bounds that `axum::serve` leaves out: how long a request's head and its
//! body may take to arrive and its answer to be read, and how many connections are open, in all and of one
//! address. Never knows what is answered.

mod patience;
mod stream;

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use axum::response::Response;
use clock::Clock;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tower::Service as _;

pub(crate) use patience::Patience;
use patience::{Patient, in_time};
use stream::{Asks, Exit};
use web::Prefix;

/// What connections may take, in the machine's time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// From the first byte that may come to the last of a request's head: also how long a connection
    /// idles between requests.
    pub(crate) head: Duration,
    /// More wait until one ends.
    pub(crate) connections_max: u32,
    /// More of one address are closed at once; a trusted proxy has as many as there are.
    pub(crate) of_address_max: u32,
    /// How long clients may take to send and to read.
    pub(crate) patience: Patience,
}

/// An agent's stream, a browser's lamps and whoever reads a public page as things happen each keep a
/// connection open. Heads of honest clients arrive within a second; proxies keep idle connections,
/// and open another when one is closed.
pub(crate) const BOUNDS: Bounds = Bounds {
    head: Duration::from_secs(20),
    connections_max: 25_000,
    of_address_max: 2_500,
    patience: Patience {
        idle: Duration::from_secs(30),
        bytes_per_second: 4 << 10,
    },
};
/// However few files the process may open: a town hall, or a load balancer that nobody named.
const OF_ADDRESS_MIN: u32 = 100;
/// What the database, the outboxes and probes may have open beside connections, in files.
const FILES_BESIDE: u32 = 1_000;

impl Bounds {
    /// These bounds, as far as the process may open files: it first asks for all that it may have.
    pub(crate) fn within_open_files(self) -> Self {
        let limit = getrlimit(Resource::Nofile);
        let all = Rlimit {
            current: limit.maximum,
            ..limit
        };
        let files = match setrlimit(Resource::Nofile, all) {
            Ok(()) => limit.maximum,
            Err(_) => limit.current,
        };
        let files = files.map_or(u32::MAX, |files| u32::try_from(files).unwrap_or(u32::MAX));
        let connections_max = self
            .connections_max
            .min(files.saturating_sub(FILES_BESIDE).max(files / 2));
        if connections_max < self.connections_max {
            tracing::warn!(
                "at most {connections_max} connections instead of {}: the process may open {files} files; raise its limit (ulimit -n, LimitNOFILE)",
                self.connections_max
            );
        }
        Self {
            connections_max,
            of_address_max: (connections_max / 10)
                .max(OF_ADDRESS_MIN)
                .min(self.of_address_max),
            ..self
        }
    }

    /// How many connections may stay open to tell what happens. The others are for requests: of people
    /// who sign in, and of operators.
    pub(crate) fn streams_max(&self) -> usize {
        (self.connections_max - self.connections_max / 10) as usize
    }
}

/// How many connections each address has open.
#[derive(Default)]
struct Addresses(Mutex<HashMap<IpAddr, u32>>);

/// A connection of an address, counted until it ends.
struct Counted {
    addresses: Arc<Addresses>,
    of: IpAddr,
}

impl Addresses {
    /// None when the address has as many as it may have.
    fn count(self: &Arc<Self>, address: IpAddr, max: u32) -> Option<Counted> {
        let of = web::client_network(address);
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(of).or_default();
        if *count >= max {
            return None;
        }
        *count += 1;
        Some(Counted {
            addresses: Arc::clone(self),
            of,
        })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut counts = self
            .addresses
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.of) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.of);
            }
        }
    }
}

/// The process ran out of something, such as files: others end in the meantime.
const ACCEPT_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Answers until `stop`, then lets requests under way end, however long they take.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    (bounds, trusted): (Bounds, &[Prefix]),
    stop: CancellationToken,
) {
    let addresses = Arc::new(Addresses::default());
    let places = Arc::new(Semaphore::new(bounds.connections_max as usize));
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            () = stop.cancelled() => break,
        };
        let Some((stream, peer, place)) = accepted else {
            continue;
        };
        let is_trusted = trusted
            .iter()
            .any(|proxy| proxy.holds(peer.ip().to_canonical()));
        let of_address_max = if is_trusted {
            bounds.connections_max
        } else {
            bounds.of_address_max
        };
        let Some(counted) = addresses.count(peer.ip(), of_address_max) else {
            tracing::debug!("closed a connection of {peer}, which has {of_address_max} already");
            continue;
        };
        let (router, stop) = (router.clone(), stop.clone());
        tokio::spawn(async move {
            let streams = answer(stream, peer, router, bounds, stop.clone()).await;
            let Some((socket, response)) = streams else {
                drop((place, counted));
                return;
            };
            // A task keeps the room that it needed most. Answering requests takes much more of it than
            // sending a stream, which may last for months: it has a task of its own.
            tokio::spawn(async move {
                tokio::select! {
                    () = stream::send(socket, response) => {}
                    () = stop.cancelled() => {}
                }
                drop((place, counted));
            });
        });
    }
    drop(listener);
    // Every connection has given its place back when all can be had.
    let _ = places.acquire_many(bounds.connections_max).await;
}

/// Connections that wait to be accepted: all agents of a fleet come back in one moment, and a connection that finds no room
/// is tried again by its system after a second, then three. The system may have a lower bound (`net.core.somaxconn`).
const WAITING_MAX: u32 = 4_096;

/// Listens at an address.
///
/// # Errors
/// When it is taken, or not of this machine.
pub(crate) fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    // What an ended server leaves behind must not keep the next from beginning.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(WAITING_MAX)
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => Some((stream, peer, place)),
        Err(error) => {
            tracing::warn!("could not accept a connection: {error}");
            Clock::system().sleep(ACCEPT_AGAIN_AFTER).await;
            None
        }
    }
}

/// Answers requests until the connection ends, or the last answer is a stream, which is left to be sent.
async fn answer(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    bounds: Bounds,
    stop: CancellationToken,
) -> Option<(TcpStream, Response)> {
    let (exit, taken) = Exit::new();
    let patience = bounds.patience;
    let stream = Patient::new(stream, patience);
    let service = service_fn(|request| route(router.clone(), (peer, patience), request, &exit));
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(bounds.head)
        .serve_connection(TokioIo::new(stream), service);
    let done = tokio::select! {
        done = &mut connection => done,
        Ok(response) = taken => {
            // Only a client that sends its next request before it has read the last answer could
            // miss the end of that one.
            let socket = connection.into_parts().io.into_inner().into_inner();
            return Some((socket, response));
        }
        () = stop.cancelled() => {
            std::pin::Pin::new(&mut connection).graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = done {
        // Clients go away, and send what they like.
        tracing::debug!("a connection from {peer} ended: {error}");
    }
    None
}

async fn route(
    mut router: Router,
    (peer, patience): (SocketAddr, Patience),
    request: Request<Incoming>,
    exit: &Exit,
) -> Result<Response, Infallible> {
    let asks = Asks::of(&request);
    let mut request = request.map(|body| in_time(body, patience));
    request.extensions_mut().insert(ConnectInfo(peer));
    let response = router.call(request).await?;
    match exit.take(asks, response) {
        Some(response) => Ok(response),
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, Bytes};
    use axum::extract::DefaultBodyLimit;
    use axum::http::{HeaderValue, header};
    use axum::response::IntoResponse as _;
    use axum::routing::{get, post};
    use futures_util::StreamExt as _;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// More than any test opens but the one that opens too many.
    const OF_ADDRESS: u32 = 8;
    const REQUEST: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

    /// Tells something once, then waits for ever.
    async fn events() -> Response {
        let once = futures_util::stream::once(async { Ok::<_, Infallible>("data: 1\n\n") });
        let body = Body::from_stream(once.chain(futures_util::stream::pending()));
        let kind = HeaderValue::from_static("text/event-stream");
        ([(header::CONTENT_TYPE, kind)], body).into_response()
    }

    struct Server {
        address: SocketAddr,
        stop: CancellationToken,
        done: tokio::task::JoinHandle<()>,
    }

    impl Server {
        async fn start(head: Duration, connections_max: u32) -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let stop = CancellationToken::new();
            let slow = || async {
                Clock::system().sleep(Duration::from_millis(300)).await;
                "slow"
            };
            let who = |ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.to_string() };
            let router = Router::new()
                .route("/", get(who))
                .route("/slow", get(slow))
                .route("/long", get(async || "x".repeat(64 << 20)))
                .route("/body", post(async |body: Bytes| body.len().to_string()))
                .layer(DefaultBodyLimit::max(8 << 20))
                .route("/events", get(events));
            let bounds = Bounds {
                head,
                connections_max,
                of_address_max: OF_ADDRESS,
                patience: Patience {
                    idle: Duration::from_millis(300),
                    bytes_per_second: 1 << 20,
                },
            };
            let stopping = stop.clone();
            let done = tokio::spawn(async move {
                serve(listener, router, (bounds, &[]), stopping).await;
            });
            Self {
                address,
                stop,
                done,
            }
        }

        async fn connect(&self, says: &str) -> TcpStream {
            let mut stream = TcpStream::connect(self.address).await.unwrap();
            stream.write_all(says.as_bytes()).await.unwrap();
            stream
        }
    }

    /// What comes until the server closes the connection.
    async fn rest(mut stream: TcpStream) -> String {
        let mut all = vec![];
        // A reset is an end as well.
        let _ = stream.read_to_end(&mut all).await;
        String::from_utf8_lossy(&all).into_owned()
    }

    async fn within(seconds: u64, what: impl Future<Output = String>) -> Option<String> {
        tokio::time::timeout(Duration::from_secs(seconds), what)
            .await
            .ok()
    }

    #[tokio::test]
    async fn a_head_that_does_not_come_ends_the_connection() {
        let server = Server::start(Duration::from_millis(200), 10).await;
        for half in ["", "GET / HTTP/1.1\r\nHost: a\r\nX-Slow: "] {
            let stream = server.connect(half).await;
            assert!(within(20, rest(stream)).await.is_some(), "{half:?} is held");
        }
        let whole = server.connect(REQUEST).await;
        let peer = whole.local_addr().unwrap().to_string();
        let answer = within(20, rest(whole)).await.unwrap();
        assert!(
            answer.contains("200 OK") && answer.contains(&peer),
            "{answer}"
        );
    }

    #[tokio::test]
    async fn a_body_that_does_not_come_ends_the_request() {
        let server = Server::start(Duration::from_secs(60), 10).await;
        let head = "POST /body HTTP/1.1\r\nHost: a\r\nConnection: close\r\n";
        let stream = server
            .connect(&format!("{head}Content-Length: 100\r\n\r\nx"))
            .await;
        let answer = within(20, rest(stream)).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
        let whole = "x".repeat(4 << 20);
        let stream = server
            .connect(&format!(
                "{head}Content-Length: {}\r\n\r\n{whole}",
                whole.len()
            ))
            .await;
        let answer = within(20, rest(stream)).await.unwrap();
        assert!(answer.ends_with("4194304"), "{answer}");
    }

    #[tokio::test]
    async fn an_answer_that_is_not_read_ends_the_connection() {
        let server = Server::start(Duration::from_secs(60), 1).await;
        let deaf = server
            .connect("GET /long HTTP/1.1\r\nHost: a\r\n\r\n")
            .await;
        let close = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        // It waits for the place that the first one holds.
        let answer = within(20, rest(server.connect(close).await)).await.unwrap();
        assert!(answer.contains("200 OK"), "{answer}");
        drop(deaf);
    }

    #[tokio::test]
    async fn one_address_has_so_many_connections() {
        let server = Server::start(Duration::from_secs(60), 100).await;
        let mut held = vec![];
        for _ in 0..OF_ADDRESS {
            held.push(server.connect("").await);
        }
        let refused = server.connect(REQUEST).await;
        assert_eq!(within(20, rest(refused)).await.as_deref(), Some(""));
        held.pop();
        let close = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        let mut answer = String::new();
        for _ in 0..200 {
            answer = within(20, rest(server.connect(close).await)).await.unwrap();
            if !answer.is_empty() {
                break;
            }
            Clock::system().sleep(Duration::from_millis(20)).await;
        }
        assert!(answer.contains("200 OK"), "{answer}");
    }

    #[tokio::test]
    async fn connections_beyond_the_bound_wait_for_a_place() {
        let server = Server::start(Duration::from_secs(60), 1).await;
        let first = server.connect("").await;
        let close = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        let mut second = server.connect(close).await;
        let mut byte = [0];
        let early = tokio::time::timeout(Duration::from_millis(300), second.read(&mut byte)).await;
        assert!(early.is_err(), "answered beside the first");
        drop(first);
        let answer = within(20, rest(second)).await.unwrap();
        assert!(answer.contains("200 OK"), "{answer}");
    }

    #[tokio::test]
    async fn a_stop_lets_a_request_under_way_end() {
        let server = Server::start(Duration::from_secs(60), 10).await;
        let idle = server.connect("").await;
        let slow = server
            .connect("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
            .await;
        Clock::system().sleep(Duration::from_millis(100)).await;
        server.stop.cancel();
        let answer = within(20, rest(slow)).await.unwrap();
        assert!(answer.ends_with("slow"), "{answer}");
        assert_eq!(within(20, rest(idle)).await.as_deref(), Some(""));
        let done = tokio::time::timeout(Duration::from_secs(20), server.done).await;
        done.unwrap().unwrap();
    }

    async fn heard(stream: &mut TcpStream, words: &str) -> String {
        let (mut heard, mut some) = (String::new(), [0; 256]);
        while !heard.contains(words) {
            let count = stream.read(&mut some).await.unwrap();
            assert!(count > 0, "ended after {heard:?}");
            heard += &String::from_utf8_lossy(&some[..count]);
        }
        heard
    }

    #[tokio::test]
    async fn event_streams_are_sent_on_used_connections_and_end_with_the_server() {
        let server = Server::start(Duration::from_secs(60), 10).await;
        let mut reader = server.connect(REQUEST).await;
        heard(&mut reader, "127.0.0.1").await;
        let asks = b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n";
        reader.write_all(asks).await.unwrap();
        let head = heard(&mut reader, "data: 1\n\n").await;
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        for line in [
            "connection: close",
            "date: ",
            "content-type: text/event-stream",
        ] {
            assert!(head.contains(line), "{line} is not in {head}");
        }
        assert!(!head.contains("chunked"), "{head}");
        server.stop.cancel();
        assert_eq!(within(20, rest(reader)).await.as_deref(), Some(""));
        let done = tokio::time::timeout(Duration::from_secs(20), server.done).await;
        done.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_reader_who_goes_gives_the_place_back() {
        let server = Server::start(Duration::from_secs(60), 1).await;
        for _ in 0..3 {
            let mut reader = server
                .connect("GET /events HTTP/1.1\r\nHost: a\r\n\r\n")
                .await;
            heard(&mut reader, "data: 1\n\n").await;
        }
        let close = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        let answer = within(20, rest(server.connect(close).await)).await.unwrap();
        assert!(answer.contains("200 OK"), "{answer}");
    }
}
