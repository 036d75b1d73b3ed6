//! Connections that stay open to tell what happens: those of agents and of people who read public pages. Together
//! they must leave some, or nobody else would get in: no sign-in, and no operator who could help. In memory.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The most readers of public pages at once. Others are refused, and look again each minute.
const READERS_MAX: usize = 12_000;

/// How many more streams may begin.
pub(crate) struct Streams {
    all: Arc<Semaphore>,
    readers: Arc<Semaphore>,
}

/// The place of a stream: free again when it is dropped.
pub(crate) struct Place {
    _all: OwnedSemaphorePermit,
    _reader: Option<OwnedSemaphorePermit>,
}

impl Streams {
    pub(crate) fn new(max: usize) -> Self {
        let all = max.min(Semaphore::MAX_PERMITS);
        // However many people read, half of all is for agents.
        let readers = READERS_MAX.min(max / 2);
        Self {
            all: Arc::new(Semaphore::new(all)),
            readers: Arc::new(Semaphore::new(readers)),
        }
    }

    /// A place for an agent, if there is one.
    pub(crate) fn agent(&self) -> Option<Place> {
        let place = Arc::clone(&self.all).try_acquire_owned().ok()?;
        Some(Place {
            _all: place,
            _reader: None,
        })
    }

    /// A place for a reader of public pages, if there is one.
    pub(crate) fn reader(&self) -> Option<Place> {
        let reader = Arc::clone(&self.readers).try_acquire_owned().ok()?;
        let place = Arc::clone(&self.all).try_acquire_owned().ok()?;
        Some(Place {
            _all: place,
            _reader: Some(reader),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_leave_half_of_all_places_to_agents() {
        let streams = Streams::new(5);
        let readers: Vec<_> = std::iter::from_fn(|| streams.reader()).collect();
        assert_eq!(readers.len(), 2);
        let agents: Vec<_> = std::iter::from_fn(|| streams.agent()).collect();
        assert_eq!(agents.len(), 3);
        drop(readers);
        assert!(streams.agent().is_some() && streams.reader().is_some());
        let agents: Vec<_> = std::iter::from_fn(|| streams.agent()).collect();
        assert_eq!(agents.len(), 2);
        assert!(streams.reader().is_none(), "there is no place at all");
    }
}
