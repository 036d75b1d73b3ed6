//! Serves a router on a free port of the loopback until told to stop.
//! Never decides what is served.

use std::net::SocketAddr;

use axum::Router;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// A port that is taken, before it is known what answers there.
pub struct Port {
    listener: TcpListener,
    address: SocketAddr,
}

impl Port {
    /// Takes a free port.
    ///
    /// # Errors
    /// When none can be had.
    pub async fn take() -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// Where it is: `127.0.0.1:PORT`.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its address, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Answers with `router` until `stop`.
    pub fn serve(self, router: Router, stop: &CancellationToken) {
        let stop = stop.clone();
        tokio::spawn(async move {
            let serving = IntoFuture::into_future(axum::serve(self.listener, router));
            if let Some(Err(e)) = stop.run_until_cancelled(serving).await {
                tracing::error!("stopped listening at {}: {e}", self.address);
            }
        });
    }
}
