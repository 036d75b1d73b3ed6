//! `GET /events`: tells readers of public pages, as server-sent events, that something changed. What
//! changed they read from the page itself, which is kept: ten thousand readers are one drawing.
//!
//! One task listens for all of them. A reader costs a place in a list and the buffers of a
//! connection, no timer and no copy of anything. Never says what it is that changed.

use std::collections::HashMap;
use std::convert::Infallible;
use std::pin::pin;
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use clock::Clock;
use engine::{Engine, Signal};
use futures_util::stream::unfold;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;

use crate::App;
use crate::access::Access;
use crate::client_address::Client;
use crate::routes::Route;
use crate::streams::Place;

/// The most of one address: a town hall and its offices share one.
const OF_ADDRESS_MAX: usize = 500;
/// How long changed lamps are gathered, in the machine's time: a fleet that is restored changes each
/// second, and people need not be told that often.
const GATHERS: Duration = Duration::from_secs(5);
/// How often a silent stream shows that it lives, in the machine's time: proxies end what is silent
/// for a minute.
const BEATS: Duration = Duration::from_secs(25);
/// How long a browser waits before it connects again, in milliseconds, drawn for each between these:
/// a server that comes back is not met by all at once.
const AGAIN_MS: std::ops::Range<u64> = 2_000..10_000;

pub(crate) fn routes() -> Vec<Route> {
    vec![Route::get("/events", Access::Public, events)]
}

/// The readers, and what they are told next.
pub(crate) struct Readers {
    news: watch::Sender<News>,
    addresses: Arc<Addresses>,
    listens: Once,
}

/// How many read, of which address.
#[derive(Default)]
struct Addresses(Mutex<HashMap<Client, usize>>);

/// A reader of an address, counted until it is dropped.
struct Counted {
    addresses: Arc<Addresses>,
    client: Client,
}

/// Counts of what happened: what a reader has not seen yet differs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct News {
    told: u64,
    sites: u64,
    beats: u64,
}

/// One reader's stream.
struct Reader {
    news: watch::Receiver<News>,
    seen: News,
    /// What is sent first.
    greets: bool,
    _held: (Place, Counted),
}

impl Default for Readers {
    fn default() -> Self {
        Self {
            news: watch::Sender::new(News::default()),
            addresses: Arc::default(),
            listens: Once::new(),
        }
    }
}

impl Readers {
    /// A reader, if there is a place. The first one makes somebody listen.
    fn join(&self, app: &App, client: Client) -> Option<Reader> {
        let engine = app.engine();
        let counted = Addresses::count(&self.addresses, client)?;
        let place = app.streams().reader()?;
        self.listens.call_once(|| {
            tokio::spawn(listen(engine.clone(), self.news.clone()));
        });
        let news = self.news.subscribe();
        let seen = *news.borrow();
        Some(Reader {
            news,
            seen,
            greets: true,
            _held: (place, counted),
        })
    }
}

impl Addresses {
    fn count(addresses: &Arc<Self>, client: Client) -> Option<Counted> {
        let mut counts = addresses.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(client).or_default();
        if *count >= OF_ADDRESS_MAX {
            return None;
        }
        *count += 1;
        drop(counts);
        let addresses = Arc::clone(addresses);
        Some(Counted { addresses, client })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let counts = &self.addresses.0;
        let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.client) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.client);
            }
        }
    }
}

/// Listens to the engine for all readers, as long as it runs.
async fn listen(engine: Engine, news: watch::Sender<News>) {
    let mut signals = engine.signals();
    let mut times_told = engine.times_told();
    // People wait in the machine's time, also in a drill.
    let clock = Clock::system();
    let (mut beat, mut gathered) = (pin!(clock.sleep(BEATS)), pin!(clock.sleep(GATHERS)));
    let mut sites_changed = false;
    loop {
        tokio::select! {
            signal = signals.recv() => match signal {
                Ok(Signal::SitesChanged(_)) | Err(RecvError::Lagged(_)) => sites_changed = true,
                Ok(_) => {}
                Err(RecvError::Closed) => return,
            },
            () = &mut gathered => {
                gathered.set(clock.sleep(GATHERS));
                if std::mem::take(&mut sites_changed) {
                    news.send_modify(|news| news.sites += 1);
                }
            }
            () = &mut beat => {
                beat.set(clock.sleep(BEATS));
                news.send_modify(|news| news.beats += 1);
            }
        }
        let now = engine.times_told();
        if now != times_told {
            times_told = now;
            news.send_modify(|news| news.told += 1);
        }
    }
}

impl Reader {
    /// What is sent next; `None` when the server stops.
    async fn next(&mut self) -> Option<Bytes> {
        if std::mem::take(&mut self.greets) {
            let again = rand::random_range(AGAIN_MS);
            return Some(format!("retry: {again}\n\n").into());
        }
        self.news.changed().await.ok()?;
        let (seen, now) = (self.seen, *self.news.borrow_and_update());
        self.seen = now;
        Some(Bytes::from_static(words(seen, now)))
    }
}

fn words(seen: News, now: News) -> &'static [u8] {
    if seen.told != now.told {
        b"event: told\ndata: look\n\n"
    } else if seen.sites != now.sites {
        b"event: sites\ndata: look\n\n"
    } else {
        b":\n\n"
    }
}

async fn events(State(app): State<App>, client: Client) -> Response {
    let Some(reader) = app.readers().join(&app, client) else {
        let says = "as many readers are told of changes as can be: look again in a minute";
        return (StatusCode::SERVICE_UNAVAILABLE, says).into_response();
    };
    let stream = unfold(reader, |mut reader| async move {
        let bytes = reader.next().await?;
        Some((Ok::<_, Infallible>(bytes), reader))
    });
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/event-stream"),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        // nginx would gather what is sent.
        (
            header::HeaderName::from_static("x-accel-buffering"),
            HeaderValue::from_static("no"),
        ),
    ];
    (headers, Body::from_stream(stream)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_are_told_comes_before_lamps_and_beats() {
        let seen = News::default();
        let news = |told, sites, beats| News { told, sites, beats };
        let cases: [(News, &[u8]); 4] = [
            (news(1, 1, 1), b"event: told\ndata: look\n\n"),
            (news(0, 1, 1), b"event: sites\ndata: look\n\n"),
            (news(0, 0, 1), b":\n\n"),
            (news(0, 0, 0), b":\n\n"),
        ];
        for (now, said) in cases {
            assert_eq!(words(seen, now), said, "{now:?}");
        }
    }

    #[test]
    fn one_address_has_a_part_of_all_places() {
        let addresses = Arc::<Addresses>::default();
        let client = |n: u32| Client::of(std::net::Ipv4Addr::from_bits(n).into());
        let one: Vec<_> = (0..OF_ADDRESS_MAX)
            .map(|_| Addresses::count(&addresses, client(1)).unwrap())
            .collect();
        assert!(Addresses::count(&addresses, client(1)).is_none());
        let other = Addresses::count(&addresses, client(2)).unwrap();
        drop(one);
        assert!(Addresses::count(&addresses, client(1)).is_some());
        drop(other);
        assert!(addresses.0.lock().unwrap().is_empty());
    }
}
