//! What happened in a run, and how often each kind of thing did.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How often each kind of thing happened.
pub type Tally = BTreeMap<&'static str, u64>;

/// What happened in a run. Clones write into the same.
#[derive(Clone, Default)]
pub struct Trace(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    lines: Vec<String>,
    tally: Tally,
}

impl Trace {
    /// Writes a line, at a time of the run, and counts its kind.
    pub(crate) fn tell(&self, at: Duration, kind: &'static str, line: &str) {
        let mut inner = self.inner();
        *inner.tally.entry(kind).or_default() += 1;
        let seconds = at.as_secs_f64();
        inner.lines.push(format!("{seconds:10.3} {kind}: {line}"));
    }

    /// Counts something that needs no line.
    pub(crate) fn count(&self, kind: &'static str) {
        *self.inner().tally.entry(kind).or_default() += 1;
    }

    /// All lines.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.inner().lines.clone()
    }

    /// How often each kind of thing happened.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.inner().tally.clone()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
