//! The peer of the benchmark of memory: server-sent events by hyper as anybody would write it, in a
//! process of its own.

use std::convert::Infallible;
use std::net::SocketAddr;

use axum::body::{Body, Bytes};
use futures_util::{StreamExt as _, stream};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, header};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::broadcast;

const GREETING: &str = "event: heartbeat\nid: 1\ndata: {}\n\n";

/// Serves until it is ended.
pub(crate) fn serve(address: SocketAddr) -> Result<(), String> {
    let runtime = Runtime::new().map_err(|e| e.to_string())?;
    runtime.block_on(async {
        let listener = TcpListener::bind(address)
            .await
            .map_err(|e| e.to_string())?;
        let events = broadcast::Sender::<Bytes>::new(64);
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                continue;
            };
            let events = events.clone();
            tokio::spawn(async move {
                let answer = service_fn(|request| answer(request, events.subscribe()));
                let _ = http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), answer)
                    .await;
            });
        }
    })
}

async fn answer<B>(
    request: Request<B>,
    events: broadcast::Receiver<Bytes>,
) -> Result<Response<Body>, Infallible> {
    if request.uri().path() == "/readyz" {
        return Ok(Response::new(Body::from("ok")));
    }
    let greeting = stream::iter([Ok::<_, Infallible>(Bytes::from_static(GREETING.as_bytes()))]);
    let rest = stream::unfold(events, |mut events| async move {
        let event = events.recv().await.ok()?;
        Some((Ok(event), events))
    });
    let mut response = Response::new(Body::from_stream(greeting.chain(rest)));
    let kind = header::HeaderValue::from_static("text/event-stream");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    Ok(response)
}
