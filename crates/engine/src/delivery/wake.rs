//! Wakes agents that have actions to fetch. Never decides what they do, and keeps nothing: an agent that is not
//! connected looks by itself from time to time.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use domain::id::AgentId;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio_util::sync::CancellationToken;

use super::{DeliveryEvent, EVENT_ACTIONS};
use crate::{Engine, Signal};

/// What came together within this is told at once: a campaign asks several sites a second, and many of them may be of one
/// agent.
const GATHERS: Duration = Duration::from_millis(500);

/// Whom an event is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum To {
    /// All that are connected.
    All,
    /// These.
    These(Arc<HashSet<AgentId>>),
}

impl Engine {
    /// Wakes agents, as long as the engine runs.
    pub(crate) async fn wake_agents(self, stop: CancellationToken) {
        let mut signals = self.signals();
        loop {
            let to = tokio::select! {
                () = stop.cancelled() => return,
                to = next(&mut signals) => to,
            };
            let delivery = &self.0.delivery;
            let id = delivery.repository.load().version;
            let event = DeliveryEvent::new(EVENT_ACTIONS, id, b"{}");
            let _ = delivery.events.send(DeliveryEvent { to, ..event });
            self.clock().sleep(GATHERS).await;
        }
    }
}

/// Waits for an agent that has actions to fetch; gives all that have some by then. Part of a `select`: it must lose
/// nothing when dropped, and `recv` does not.
async fn next(signals: &mut Receiver<Signal>) -> To {
    let first = loop {
        match signals.recv().await {
            Ok(Signal::ActionsWaiting(agent)) => break agent,
            Ok(_) => {}
            Err(RecvError::Lagged(_)) => return To::All,
            Err(RecvError::Closed) => std::future::pending().await,
        }
    };
    let mut all = HashSet::from([first]);
    loop {
        match signals.try_recv() {
            Ok(Signal::ActionsWaiting(agent)) => drop(all.insert(agent)),
            Ok(_) => {}
            Err(TryRecvError::Lagged(_)) => return To::All,
            Err(TryRecvError::Empty | TryRecvError::Closed) => return To::These(Arc::new(all)),
        }
    }
}

#[cfg(test)]
mod tests {
    use clock::{Clock, Pace};
    use tokio::sync::broadcast;

    use super::*;
    use crate::support;

    #[tokio::test]
    async fn agents_are_woken_once_for_what_came_together_and_only_these() {
        let clock = Clock::system();
        let [one, other]: [AgentId; 2] = [clock.id(), clock.id()];
        let (sender, mut signals) = broadcast::channel(8);
        for agent in [one, other, one] {
            sender.send(Signal::ActionsWaiting(agent)).unwrap();
            sender.send(Signal::OutboxChanged).unwrap();
        }
        let both = To::These(Arc::new(HashSet::from([one, other])));
        assert_eq!(next(&mut signals).await, both);
        for _ in 0..20 {
            sender.send(Signal::ActionsWaiting(one)).unwrap();
        }
        assert_eq!(next(&mut signals).await, To::All, "some were lost");
    }

    /// A campaign that wakes agents each second must not keep timestamps from being signed.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn heartbeats_go_on_while_agents_are_woken() {
        let folder = tempfile::tempdir().unwrap();
        let now = Clock::system().now();
        let pace = Pace {
            wall_at: now,
            scenario_at: now,
            speed: 60.0,
        };
        let store = support::store(folder.path()).await;
        let engine = support::engine(store, Clock::paced(pace), "http://127.0.0.1:1").await;
        let stop = CancellationToken::new();
        let mut workers = engine.run_workers(&stop);
        let mut events = engine.delivery_events();
        let agent = engine.clock().id();
        let (mut beats, mut wakes) = (0, 0);
        for _ in 0..120 {
            engine.signal(Signal::ActionsWaiting(agent));
            engine.clock().sleep(Duration::from_secs(1)).await;
            while let Ok(event) = events.try_recv() {
                beats += usize::from(event.frame.starts_with(b"event: heartbeat"));
                wakes += usize::from(event.frame.starts_with(b"event: actions"));
            }
        }
        assert!(
            beats >= 4,
            "{beats} heartbeats and {wakes} wakes in two minutes"
        );
        assert!(wakes >= 10, "{wakes} wakes");
        stop.cancel();
        while workers.join_next().await.is_some() {}
    }
}
