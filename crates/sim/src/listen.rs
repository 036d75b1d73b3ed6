//! Serves a router on a free port of the loopback until told to stop.
//! Never decides what is served.

use std::net::SocketAddr;

use axum::Router;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Starts to answer and says where.
///
/// # Errors
/// When no port can be had.
pub async fn listen(router: Router, stop: CancellationToken) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        let cut = stop.clone();
        let serving = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned());
        // Kept-alive connections would hold a graceful end open for as long as their other end likes.
        tokio::select! {
            done = serving => if let Err(e) = done { tracing::error!("stopped listening: {e}") },
            () = async { cut.cancelled().await; tokio::task::yield_now().await } => {}
        }
    });
    Ok(address)
}
