//! 50,000 followers of one incident are told by mail: a real store, the engine, the pages that write the
//! text, and a mail server on loopback that takes so many mails a minute and looks at each.
//!
//! The peer is the mail library alone: a loop over the same connections that sends mails of the same
//! shape to the same server, and remembers nothing. Never used by the product.

mod plane;
mod server;

use std::future::Future;
use std::time::Duration;

use clock::Clock;
use engine::Mail;
use futures_util::{StreamExt as _, stream};
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::PoolConfig;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};

use self::plane::Plane;
use self::server::{Seen, Server};
use super::{Options, Row};

/// What the relay of the first run takes in a minute, and what the operator said.
const PER_MINUTE: u32 = 12_000;
/// The second run's relay takes everything.
const UNLIMITED: u32 = 600_000;
/// The engine's, so that the peer has the same.
const CONNECTIONS: u32 = 32;
/// Past that a run is ended, and what is missing is lost.
const RUN_SECONDS_MAX: u64 = 900;
/// What comes twice comes within this time after the last.
const SETTLE: Duration = Duration::from_secs(3);
const FOLLOWERS: u32 = 50_000;

/// Runs the benchmark.
pub(crate) fn run(_: &Options) -> Result<Vec<Row>, String> {
    let runtime = tokio::runtime::Runtime::new().map_err(|e| e.to_string())?;
    runtime.block_on(rows(FOLLOWERS, PER_MINUTE))
}

async fn rows(followers: u32, per_minute: u32) -> Result<Vec<Row>, String> {
    let mut rows = vec![];
    let postgres = std::env::var("LAMPLIGHTER_TEST_POSTGRES").ok();
    for postgres in [None, postgres.as_deref()] {
        let store = if postgres.is_some() {
            "PostgreSQL"
        } else {
            "SQLite"
        };
        if store == "SQLite" && !rows.is_empty() {
            println!("left out: PostgreSQL; it needs LAMPLIGHTER_TEST_POSTGRES");
            break;
        }
        let fast = told(followers, UNLIMITED, postgres).await?;
        let bare = bare(followers).await?;
        rows.extend(fast.rows(
            &format!("{store}, relay without a limit"),
            ("lettre alone", &bare),
        ));
        let limited = told(followers, per_minute, postgres).await?;
        let bound = Run {
            seconds: f64::from(followers) * 60.0 / f64::from(per_minute),
            ..bare
        };
        let name = format!("{store}, relay of {per_minute} a minute");
        rows.extend(limited.rows(&name, ("the relay's own limit", &bound)));
    }
    Ok(rows)
}

/// How a run went.
struct Run {
    followers: u32,
    /// From the post to the last mail.
    seconds: f64,
    memory_mib: f64,
    seen: Seen,
}

impl Run {
    fn rows(&self, name: &str, (peer_name, peer): (&str, &Self)) -> Vec<Row> {
        let each = |run: &Self| f64::from(run.followers) / run.seconds;
        let seen = |of: fn(&Seen) -> u32| (f64::from(of(&self.seen)), f64::from(of(&peer.seen)));
        let lost = |run: &Self| f64::from(run.followers.saturating_sub(run.seen.addresses()));
        [
            ("until the last is told", "s", (self.seconds, peer.seconds)),
            ("mails", "1/s", (each(self), each(peer))),
            (
                "peak memory, receiver included",
                "MiB",
                (self.memory_mib, peer.memory_mib),
            ),
            ("lost", "mails", (lost(self), lost(peer))),
            ("sent twice", "mails", seen(Seen::doubles)),
            (
                "without one-click headers",
                "mails",
                seen(|seen| seen.without_headers),
            ),
            (
                "over the limit, put off",
                "mails",
                seen(|seen| seen.put_off),
            ),
            (
                "most in a minute",
                "mails",
                seen(|seen| seen.most_in_a_minute),
            ),
        ]
        .map(|(measure, unit, (ours, peer))| {
            Row::new(format!("{name}: {measure}"), unit, ours, (peer_name, peer))
        })
        .into()
    }
}

async fn told(followers: u32, per_minute: u32, postgres: Option<&str>) -> Result<Run, String> {
    let server = Server::start(per_minute).await?;
    let mail = Mail::new(&server.url(), "Status <status@vendor.example>", per_minute);
    let mail = mail.map_err(|e| e.to_string())?;
    let plane = Plane::with_followers(followers, mail, postgres).await?;
    forget_peak();
    let started = Clock::system().now();
    plane.post().await?;
    arrived(&server, followers).await;
    Clock::system().sleep(SETTLE).await;
    let told = plane.told().await?;
    if told.waiting > 0 || told.delivered != u64::from(followers) {
        println!("the store says: {told:?}");
    }
    plane.end().await;
    Ok(Run::of(followers, started, server.end()))
}

/// The library alone, as fast as it goes.
async fn bare(followers: u32) -> Result<Run, String> {
    let server = Server::start(UNLIMITED).await?;
    let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(&server.url())
        .map_err(|e| e.to_string())?
        .pool_config(PoolConfig::new().max_size(CONNECTIONS))
        .build();
    let letter = letter().map_err(|e| e.to_string())?;
    forget_peak();
    let started = Clock::system().now();
    let send = |number: u32| {
        let (transport, letter) = (&transport, &letter);
        async move {
            let Ok(message) = addressed(letter, number) else {
                return;
            };
            // What is not taken is counted as lost.
            let _ = transport.send(message).await;
        }
    };
    stream::iter(0..followers)
        .for_each_concurrent(CONNECTIONS as usize, send)
        .await;
    Ok(Run::of(followers, started, server.end()))
}

/// The text of a mail of ours, read off one that came.
fn letter() -> Result<(String, String), std::io::Error> {
    let text = "Sign-in fails on some sites\nIdentified\n\nWe found the cause, and restore site after site.\n\n\
        http://127.0.0.1:8080/incidents/0198a000-0000-7000-8000-000000000000\n\n-- \nYou follow every incident. \
        Stop: http://127.0.0.1:8080/following/0123456789abcdef0123456789abcdef\n";
    Ok((
        text.to_owned(),
        format!(
            "<html><body><p>{text}</p>{}</body></html>",
            "<p>style</p>".repeat(60)
        ),
    ))
}

fn addressed((text, html): &(String, String), number: u32) -> Result<Message, String> {
    let from: Mailbox = "Status <status@vendor.example>".parse().map_err(said)?;
    let to = plane::address(number).parse().map_err(said)?;
    let body = MultiPart::alternative_plain_html(text.clone(), html.clone());
    let mut message = Message::builder()
        .from(from)
        .to(Mailbox::new(None, to))
        .subject("[Identified] Sign-in fails on some sites")
        .multipart(body)
        .map_err(said)?;
    for (name, value) in [
        (
            "List-Unsubscribe",
            format!("<http://127.0.0.1:8080/following/{number}/end>"),
        ),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".into()),
    ] {
        let name = HeaderName::new_from_ascii_str(name);
        message
            .headers_mut()
            .insert_raw(HeaderValue::new(name, value));
    }
    Ok(message)
}

fn said(error: impl ToString) -> String {
    error.to_string()
}

async fn arrived(server: &Server, followers: u32) {
    let all = async {
        while server.arrived() < followers {
            Clock::system().sleep(Duration::from_millis(20)).await;
        }
    };
    bounded(all).await;
}

async fn bounded(work: impl Future<Output = ()>) {
    let clock = Clock::system();
    tokio::select! {
        () = work => {}
        () = clock.sleep(Duration::from_secs(RUN_SECONDS_MAX)) => {
            println!("ended after {RUN_SECONDS_MAX} s");
        }
    }
}

impl Run {
    fn of(followers: u32, started: jiff::Timestamp, seen: Seen) -> Self {
        Self {
            followers,
            seconds: seen.last_at.duration_since(started).as_secs_f64(),
            memory_mib: peak_mib(),
            seen,
        }
    }
}

/// Lets the system count this process's peak from now on; where it cannot, the peak is the whole run's.
fn forget_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

fn peak_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = peak.and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kib.unwrap_or_default() / 1024.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The relay's limit is a tenth of what the operator said: it puts mails off, and none is lost.
    #[test]
    fn nobody_is_left_out_and_nobody_is_told_twice() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let run = runtime.block_on(told(300, 60_000, None)).unwrap();
        assert_eq!(run.seen.addresses(), 300);
        assert_eq!((run.seen.doubles(), run.seen.without_headers), (0, 0));
    }
}
