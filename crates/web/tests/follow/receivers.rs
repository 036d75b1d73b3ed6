//! What followers' messages arrive at: a mail server, and a receiver of webhooks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// What a mail server does with mails.
#[derive(Clone, Copy)]
pub(crate) enum Takes {
    All,
    /// Puts so many off first, as a relay does that is given too much.
    #[allow(dead_code, reason = "not every test file has a busy server")]
    AfterPuttingOff(u32),
    /// Takes a mail and never says so.
    #[allow(dead_code, reason = "not every test file has a silent server")]
    Silently,
}

/// Takes mails; refuses the mailbox `gone` for good.
pub(crate) async fn mail_server(takes: Takes) -> (String, UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("smtp://{}", listener.local_addr().unwrap());
    let (sender, mails) = unbounded_channel();
    let begun = Arc::new(AtomicU32::new(0));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(take_mail(stream, sender.clone(), takes, Arc::clone(&begun)));
        }
    });
    (url, mails)
}

async fn take_mail(
    stream: TcpStream,
    mails: UnboundedSender<String>,
    takes: Takes,
    begun: Arc<AtomicU32>,
) -> Option<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    write.write_all(b"220 mail.example\r\n").await.ok()?;
    while let Some(line) = lines.next_line().await.ok()? {
        let line = line.to_uppercase();
        let answer: &[u8] = if line.starts_with("MAIL FROM") {
            let before = begun.fetch_add(1, Ordering::Relaxed);
            match takes {
                Takes::AfterPuttingOff(count) if before < count => b"450 4.7.1 too fast\r\n",
                _ => b"250 ok\r\n",
            }
        } else if line.starts_with("RCPT TO:<GONE@") {
            b"550 no such mailbox\r\n"
        } else if line.starts_with("DATA") {
            write.write_all(b"354 go on\r\n").await.ok()?;
            let mut mail = String::new();
            while let Some(line) = lines.next_line().await.ok()?.filter(|line| line != ".") {
                mail += &line;
                mail.push('\n');
            }
            mails.send(mail).ok()?;
            if matches!(takes, Takes::Silently) {
                std::future::pending::<()>().await;
            }
            b"250 taken\r\n"
        } else {
            b"250 ok\r\n"
        };
        write.write_all(answer).await.ok()?;
    }
    Some(())
}

/// Takes webhooks at `/ok`; has none of them any more at `/gone`; at `/slow` answers the first never.
pub(crate) async fn webhook_server() -> (String, UnboundedReceiver<(HeaderMap, Bytes)>) {
    let (sender, hooks) = unbounded_channel();
    let slow = sender.clone();
    let take = move |headers: HeaderMap, body: Bytes| {
        let _ = sender.send((headers, body));
        std::future::ready(StatusCode::NO_CONTENT)
    };
    let asked = Arc::new(AtomicU32::new(0));
    let take_late = move |headers: HeaderMap, body: Bytes| {
        let (slow, first) = (slow.clone(), asked.fetch_add(1, Ordering::Relaxed) == 0);
        async move {
            if first {
                std::future::pending::<()>().await;
            }
            let _ = slow.send((headers, body));
            StatusCode::NO_CONTENT
        }
    };
    let router = Router::new()
        .route("/ok", post(take))
        .route("/slow", post(take_late))
        .route("/gone", post(|| std::future::ready(StatusCode::GONE)));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, hooks)
}
