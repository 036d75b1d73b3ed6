//! What origins did lately, for charts. In memory only: a process that starts again knows less of
//! the past, and its campaigns go on all the same. Never decides.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use domain::name::ProductName;
use jiff::Timestamp;

use super::OriginStatus;

/// How often an origin's state is kept, in seconds.
const KEEP_EVERY_SECONDS: f64 = 15.0;
/// Three hours of them; older ones are dropped.
const SAMPLES_MAX: usize = 720;

/// How an origin did at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// When.
    pub at: Timestamp,
    /// Its busy share; 1 is all of it.
    pub utilisation: f64,
}

/// The samples of each product's origin, oldest first.
#[derive(Default)]
pub(super) struct History(Mutex<HashMap<ProductName, VecDeque<Sample>>>);

impl History {
    pub(super) fn note(&self, product: &ProductName, status: &OriginStatus, at: Timestamp) {
        let Some(utilisation) = status.utilisation else {
            return;
        };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = all.entry(product.clone()).or_default();
        let is_due = own
            .back()
            .is_none_or(|last| at.duration_since(last.at).as_secs_f64() >= KEEP_EVERY_SECONDS);
        if !is_due {
            return;
        }
        if own.len() >= SAMPLES_MAX {
            own.pop_front();
        }
        own.push_back(Sample { at, utilisation });
    }

    pub(super) fn between(
        &self,
        product: &ProductName,
        from: Timestamp,
        until: Timestamp,
    ) -> Vec<Sample> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = all.get(product).into_iter().flatten();
        own.filter(|sample| (from..=until).contains(&sample.at))
            .copied()
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_kept_apart_in_time_and_the_oldest_go() {
        let (history, product) = (
            History::default(),
            ProductName::parse("web-central").unwrap(),
        );
        let status = OriginStatus {
            utilisation: Some(0.5),
            ..OriginStatus::default()
        };
        let at = |second| Timestamp::from_second(second).unwrap();
        for second in 0..12_000 {
            history.note(&product, &status, at(second));
        }
        let kept = history.between(&product, at(0), at(12_000));
        assert_eq!(kept.len(), SAMPLES_MAX);
        assert_eq!(kept.last().map(|sample| sample.at), Some(at(11_985)));
        assert_eq!(history.between(&product, at(11_000), at(11_030)).len(), 2);
    }
}
