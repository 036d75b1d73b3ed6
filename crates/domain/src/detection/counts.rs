//! Sign-ins as they are counted. Never says what is usual.

use std::collections::BTreeMap;

use super::nodes::Cell;
use crate::id::SiteId;

/// Sign-ins, counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Sign-ins that ended, well or badly.
    pub attempts: u32,
    /// Those that failed, by error code.
    pub failures: BTreeMap<String, u32>,
}

/// Sign-ins of one site since the last advance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteCounts {
    /// The site.
    pub site: SiteId,
    /// Its kind.
    pub cell: Cell,
    /// Its sign-ins.
    pub counts: Counts,
}

impl Counts {
    /// Fewer attempts, with failures cut by the same factor.
    pub(crate) fn cut_to(mut self, attempts: u32) -> Self {
        let (before, after) = (u64::from(self.attempts.max(1)), u64::from(attempts));
        if after < before {
            for failed in self.failures.values_mut() {
                *failed = u32::try_from(u64::from(*failed) * after / before).unwrap_or(u32::MAX);
            }
            self.failures.retain(|_, failed| *failed > 0);
        }
        self.attempts = attempts.min(self.attempts);
        self
    }

    /// Adds more of the same site.
    pub fn add(&mut self, more: &Self) {
        self.attempts = self.attempts.saturating_add(more.attempts);
        for (code, failed) in &more.failures {
            let known = self.failures.entry(code.clone()).or_default();
            *known = known.saturating_add(*failed);
        }
    }

    /// Failures of every code.
    pub(crate) fn failed(&self) -> u32 {
        let failures = self.failures.values();
        failures.fold(0, |sum, failed| sum.saturating_add(*failed))
    }
}
