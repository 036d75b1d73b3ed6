//! What happened since the agent started, counted for `GET /metrics`, and the last thing that went
//! wrong. Never decides anything.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use jiff::Timestamp;

use crate::AgentError;

/// How a read ended.
#[derive(Clone, Copy)]
pub(crate) enum Read {
    Found,
    /// The caller had it already.
    Unchanged,
    /// Not a site of this agent, or no document for its code.
    Missing,
    /// Asked in a way that has no answer.
    Refused,
}

impl Read {
    pub(crate) const ALL: [(Self, &str); 4] = [
        (Self::Found, "found"),
        (Self::Unchanged, "unchanged"),
        (Self::Missing, "missing"),
        (Self::Refused, "refused"),
    ];
}

/// What came of a push, or of a look at the origins.
#[derive(Clone, Copy)]
pub(crate) enum Came {
    /// Documents changed.
    Taken,
    Unchanged,
    /// A check failed, or a file could not be had.
    Failed,
}

impl Came {
    pub(crate) const ALL: [(Self, &str); 3] = [
        (Self::Taken, "taken"),
        (Self::Unchanged, "unchanged"),
        (Self::Failed, "failed"),
    ];
}

/// Counts since the start.
#[derive(Default)]
pub(crate) struct Counts {
    reads: [AtomicU64; Read::ALL.len()],
    pushes: [AtomicU64; Came::ALL.len()],
    looks: [AtomicU64; Came::ALL.len()],
    /// Nanoseconds, for the newest push that was taken.
    push_took: AtomicU64,
    doubts: AtomicU64,
    refusals: AtomicU64,
    files_failed: AtomicU64,
    last_error: Mutex<Option<(Timestamp, String)>>,
}

impl Counts {
    pub(crate) fn read(&self, read: Read) {
        self.reads[read as usize].fetch_add(1, Relaxed);
    }

    pub(crate) fn pushed(&self, came: Came) {
        self.pushes[came as usize].fetch_add(1, Relaxed);
    }

    /// A push was taken: how long after it was there.
    pub(crate) fn push_took(&self, time: Duration) {
        let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(0);
        self.push_took.store(nanoseconds.max(1), Relaxed);
    }

    pub(crate) fn looked(&self, came: &Result<bool, AgentError>, now: Timestamp) {
        let what = match came {
            Ok(true) => Came::Taken,
            Ok(false) => Came::Unchanged,
            Err(e) => {
                self.failed(now, e);
                Came::Failed
            }
        };
        self.looks[what as usize].fetch_add(1, Relaxed);
    }

    /// A site's doubt made the agent look.
    pub(crate) fn doubted(&self) {
        self.doubts.fetch_add(1, Relaxed);
    }

    pub(crate) fn refused(&self) {
        self.refusals.fetch_add(1, Relaxed);
    }

    /// Files for sites could not be written.
    pub(crate) fn file_failed(&self, at: Timestamp, error: &AgentError) {
        self.files_failed.fetch_add(1, Relaxed);
        self.failed(at, error);
    }

    /// Remembers what went wrong last.
    pub(crate) fn failed(&self, at: Timestamp, error: &AgentError) {
        if let Ok(mut last) = self.last_error.lock() {
            *last = Some((at, error.to_string()));
        }
    }

    pub(crate) fn last_error(&self) -> Option<(Timestamp, String)> {
        self.last_error.lock().ok().and_then(|last| last.clone())
    }

    pub(crate) fn reads(&self) -> impl Iterator<Item = (&'static str, u64)> {
        Read::ALL
            .map(|(one, name)| (name, get(&self.reads[one as usize])))
            .into_iter()
    }

    pub(crate) fn pushes(&self) -> impl Iterator<Item = (&'static str, u64)> {
        Came::ALL
            .map(|(one, name)| (name, get(&self.pushes[one as usize])))
            .into_iter()
    }

    pub(crate) fn looks(&self) -> impl Iterator<Item = (&'static str, u64)> {
        Came::ALL
            .map(|(one, name)| (name, get(&self.looks[one as usize])))
            .into_iter()
    }

    /// Seconds; `None` before the first push.
    pub(crate) fn last_push_took(&self) -> Option<f64> {
        let nanoseconds = get(&self.push_took);
        (nanoseconds > 0).then(|| nanoseconds as f64 / 1e9)
    }

    pub(crate) fn doubts(&self) -> u64 {
        get(&self.doubts)
    }

    pub(crate) fn refusals(&self) -> u64 {
        get(&self.refusals)
    }

    pub(crate) fn files_failed(&self) -> u64 {
        get(&self.files_failed)
    }
}

fn get(count: &AtomicU64) -> u64 {
    count.load(Relaxed)
}
