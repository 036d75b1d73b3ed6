//! `GET /console/lamps/events`: lamps that changed, as server-sent events.
//!
//! Sends what differs from what this connection was sent before, so nothing missed stays missed.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use domain::access::Permission;
use engine::Signal;
use futures_util::Stream;
use futures_util::stream::unfold;
use tokio::sync::broadcast::{Receiver, error::RecvError};

use crate::App;
use crate::access::Access;
use crate::routes::Route;

/// How long changes are gathered into one message, in the machine's time: people watch in it.
const BATCH: Duration = Duration::from_millis(250);

pub(crate) fn routes() -> Vec<Route> {
    vec![Route::get(
        "/console/lamps/events",
        Access::Holder(Permission::SeeConsole),
        events,
    )]
}

/// One connection: what its browser was sent last.
struct Watcher {
    app: App,
    signals: Receiver<Signal>,
    sent: Option<Vec<u8>>,
}

/// What a batch of signals asks to look at again.
#[derive(Clone, Copy, Default)]
struct Look {
    lamps: bool,
    rest: bool,
    fleet: bool,
}

async fn events(State(app): State<App>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let signals = app.engine().signals();
    let watcher = Watcher {
        app,
        signals,
        sent: None,
    };
    let stream = unfold(watcher, |mut watcher| async move {
        let event = watcher.next().await?;
        Some((Ok(event), watcher))
    });
    Sse::new(stream).keep_alive(KeepAlive::default())
}

impl Watcher {
    /// The next message; `None` when the server stops.
    async fn next(&mut self) -> Option<Event> {
        let Some(sent) = &self.sent else {
            return Some(self.all());
        };
        let before = sent.clone();
        loop {
            let look = self.gather().await?;
            if look.fleet {
                self.sent = None;
                return Some(Event::default().event("fleet").data("changed"));
            }
            let now = if look.lamps {
                self.letters()
            } else {
                before.clone()
            };
            let changed = differences(&before, &now);
            if !changed.is_empty() {
                self.sent = Some(now);
                let data = serde_json::Value::Object(changed).to_string();
                return Some(Event::default().event("lamps").data(data));
            }
            if look.rest {
                return Some(Event::default().event("look").data("again"));
            }
        }
    }

    fn all(&mut self) -> Event {
        let letters = self.letters();
        let text = String::from_utf8_lossy(&letters).into_owned();
        self.sent = Some(letters);
        Event::default().event("all").data(text)
    }

    fn letters(&self) -> Vec<u8> {
        let fleet = self.app.engine().fleet();
        self.app.drawn().lamps(&fleet).letters(&fleet)
    }

    /// Waits for a signal, then gathers what else comes within [`BATCH`].
    async fn gather(&mut self) -> Option<Look> {
        let mut look = Look::default();
        look.take(&self.signals.recv().await)?;
        let batch = async { while look.take(&self.signals.recv().await).is_some() {} };
        let _ = tokio::time::timeout(BATCH, batch).await;
        Some(look)
    }
}

impl Look {
    fn take(&mut self, signal: &Result<Signal, RecvError>) -> Option<()> {
        match signal {
            Ok(Signal::SitesChanged(_)) => self.lamps = true,
            Ok(Signal::FleetChanged) => self.fleet = true,
            Ok(
                Signal::ReportTaken(_)
                | Signal::AlarmRaised(_)
                | Signal::IncidentChanged(_)
                | Signal::CampaignChanged(_),
            ) => self.rest = true,
            Ok(_) => {}
            // A slow connection missed some: look at everything.
            Err(RecvError::Lagged(_)) => {
                *self = Self {
                    lamps: true,
                    rest: true,
                    fleet: false,
                }
            }
            Err(RecvError::Closed) => return None,
        }
        Some(())
    }
}

fn differences(before: &[u8], now: &[u8]) -> serde_json::Map<String, serde_json::Value> {
    let pairs = before.iter().zip(now).enumerate();
    let changed = pairs.filter(|(_, (before, now))| before != now);
    changed
        .map(|(lamp, (_, now))| (lamp.to_string(), char::from(*now).to_string().into()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_differences_are_sent() {
        let changed = serde_json::Value::Object(differences(b"aaef", b"abef")).to_string();
        assert_eq!(changed, r#"{"1":"b"}"#);
        assert!(differences(b"aaef", b"aaef").is_empty());
    }
}
