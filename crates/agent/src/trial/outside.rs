//! What an agent makes of bytes that come from outside: for fuzzing, which gives it any.
//! Never decides what is right.

use std::sync::Arc;

use axum::Router;
use domain::layer::Layer;
use domain::name::Hostname;
use tuf::{Entry, ShardEntry};

use super::Driven;
use crate::actions::{Done, work_once};
use crate::cache::told::HeldShard;
use crate::events::{Event, Events};
use crate::{AgentError, Cache, follow, local};

/// The events of a stream that comes in pieces: the name and the data of each.
pub fn events<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<(String, String)> {
    let mut events = Events::default();
    let mut found = vec![];
    for piece in pieces {
        events.add(piece);
        let next = std::iter::from_fn(|| events.next());
        found.extend(next.map(|event| (event.name, event.data)));
    }
    found
}

/// What a shard tells of the sites of an agent.
#[derive(Clone, Debug)]
pub struct Told {
    /// Each of them with its layers.
    pub sites: Vec<(Hostname, Vec<Layer>)>,
    /// The versions of their own layers.
    pub entries: Vec<Entry>,
}

/// What a verified shard tells of the sites of a cache; `None` when it does not read.
#[must_use]
pub fn told(entry: &ShardEntry, body: &[u8], cache: &Cache) -> Option<Told> {
    let is_own = |site: &Hostname, product: &_| cache.product_of(site) == Some(product);
    HeldShard::read(entry.clone(), body, is_own).map(|held| held.says())
}

impl Driven {
    /// Takes an event from the stream of the first origin.
    pub async fn take_event(&self, name: &str, data: &str) {
        let event = Event {
            name: name.into(),
            data: data.into(),
        };
        follow::take(&self.0, 0, &event).await;
    }

    /// What answers sites.
    pub fn local_api(&self) -> Router {
        local::router(Arc::clone(&self.0))
    }

    /// Looks for newer config at the origins.
    ///
    /// # Errors
    /// When none gives an update that passes all checks.
    pub async fn look(&self) -> Result<(), AgentError> {
        self.0.refresh(self.0.clock.passed()).await
    }

    /// Fetches and does one list of actions. True when there may be more.
    pub async fn act(&self) -> bool {
        work_once(&self.0, &Done::default()).await
    }
}
