//! Mirrors of the repository: one that lags, and one that lies.

use std::sync::Arc;

use bytes::Bytes;
use engine::Repository;

use crate::dice::Dice;
use crate::thief::{Forged, Forgery};

/// The repository and its timestamp at some moment.
#[derive(Clone)]
pub(crate) struct Moment {
    pub(crate) repository: Arc<Repository>,
    pub(crate) timestamp: Bytes,
}

/// Moments that a liar remembers.
const MOMENTS_MAX: usize = 60;

/// How a mirror answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// With what it has.
    Honest,
    /// With some moment of the past, whole.
    Old,
    /// Each file from another moment.
    Mixed,
    /// With part of a file, as if that were all.
    Truncated,
    /// With bits changed.
    Garbled,
    /// With a file that does not end.
    Endless,
    /// A byte now and then.
    Dripping,
    /// With another file of the same repository.
    Swapped,
    /// With errors.
    Failing,
    /// With nothing: as if no file were there.
    Missing,
    /// With what was signed by keys that are retired, and all roots until today.
    Forged(Forgery),
}

impl Manner {
    pub(crate) const LIES: [Self; 12] = [
        Self::Old,
        Self::Mixed,
        Self::Truncated,
        Self::Garbled,
        Self::Endless,
        Self::Dripping,
        Self::Swapped,
        Self::Failing,
        Self::Missing,
        Self::Forged(Forgery::Timestamp),
        Self::Forged(Forgery::Documents),
        Self::Forged(Forgery::Root),
    ];
}

pub(crate) struct Mirror {
    pub(crate) manner: Manner,
    /// What it serves while it is honest.
    pub(crate) has: Moment,
    past: Vec<Moment>,
    /// The moment it serves while it serves an old one.
    pub(crate) old: usize,
    /// What it serves instead of true files while it serves forged ones.
    pub(crate) forged: Forged,
}

/// What an origin sends.
pub(crate) enum Sent {
    Missing,
    Error(u16),
    Whole(Bytes),
    Endless,
    Dripping(Bytes),
}

impl Moment {
    pub(crate) fn file(&self, path: &str) -> Option<Bytes> {
        if path == "/agent/v1/repository/timestamp.json" {
            return Some(self.timestamp.clone());
        }
        if let Some(name) = path.strip_prefix("/agent/v1/repository/") {
            return self.repository.file(name);
        }
        self.repository
            .target(path.strip_prefix("/agent/v1/targets/")?)
    }
}

impl Mirror {
    pub(crate) fn new(has: Moment) -> Self {
        Self {
            manner: Manner::Honest,
            past: vec![has.clone()],
            has,
            old: 0,
            forged: Forged::new(),
        }
    }

    pub(crate) fn remember(&mut self, moment: &Moment) {
        if self.past.len() >= MOMENTS_MAX {
            // The oldest stay: an attack may come from far back.
            self.past.remove(MOMENTS_MAX / 2);
        }
        self.past.push(moment.clone());
    }

    pub(crate) fn choose_old(&mut self, dice: &mut Dice) {
        self.old = dice.below(self.past.len());
    }

    pub(crate) fn serve(&self, path: &str, dice: &mut Dice) -> Sent {
        let whole = |moment: Option<&Moment>| match moment.and_then(|one| one.file(path)) {
            Some(bytes) => Sent::Whole(bytes),
            None => Sent::Missing,
        };
        let honest = self.has.file(path);
        match self.manner {
            Manner::Honest => whole(Some(&self.has)),
            Manner::Forged(_) => match file_of(path).and_then(|file| self.forged.get(file)) {
                Some(forged) => Sent::Whole(forged.clone()),
                None => whole(Some(&self.has)),
            },
            Manner::Old => whole(self.past.get(self.old)),
            Manner::Mixed => whole(dice.pick(&self.past)),
            Manner::Missing => Sent::Missing,
            Manner::Failing => Sent::Error(500 + u16::try_from(dice.below(5)).unwrap_or(0)),
            Manner::Endless => Sent::Endless,
            Manner::Dripping => Sent::Dripping(honest.unwrap_or_default()),
            Manner::Truncated => changed(honest, |bytes| {
                let kept = dice.below(bytes.len());
                bytes.truncate(kept);
            }),
            Manner::Garbled => changed(honest, |bytes| {
                let at = dice.below(bytes.len());
                let bit = dice.below(8);
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << bit;
                }
            }),
            Manner::Swapped => {
                let documents = self.has.repository.target_files();
                let mut others: Vec<&str> = documents.map(|(name, _)| name).collect();
                others.sort_unstable();
                match dice
                    .pick(&others)
                    .and_then(|name| self.has.repository.target(name))
                {
                    Some(other) if path.contains("/targets/") => Sent::Whole(other),
                    _ => whole(Some(&self.has)),
                }
            }
        }
    }
}

/// The name of a file by the path that it is asked for by.
fn file_of(path: &str) -> Option<&str> {
    let metadata = path.strip_prefix("/agent/v1/repository/");
    metadata.or_else(|| path.strip_prefix("/agent/v1/targets/"))
}

fn changed(bytes: Option<Bytes>, change: impl FnOnce(&mut Vec<u8>)) -> Sent {
    let Some(bytes) = bytes else {
        return Sent::Missing;
    };
    let mut bytes = bytes.to_vec();
    change(&mut bytes);
    Sent::Whole(bytes.into())
}
