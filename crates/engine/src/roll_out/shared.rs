//! What the pacer shares with commands, watchers and agents. Never paces.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use domain::name::ProductName;
use jiff::Timestamp;

use super::agents::Desk;
use super::history::History;
use super::{OriginStatus, Sample};

/// What the pacer shares with commands, watchers and agents.
#[derive(Default)]
pub(crate) struct RollOut {
    origins: Mutex<HashMap<ProductName, OriginStatus>>,
    pub(super) look_again: AtomicBool,
    pub(super) desk: Desk,
    history: History,
}

impl RollOut {
    /// Makes the pacer list the running campaigns at its next step.
    pub(crate) fn look_again(&self) {
        self.look_again.store(true, Ordering::Release);
    }

    /// How the origin of a product does, once a campaign ran on it.
    pub(crate) fn origin_status(&self, product: &ProductName) -> Option<OriginStatus> {
        self.origins
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(product)
            .cloned()
    }

    /// How all origins do on which a campaign is running.
    pub(crate) fn moving(&self) -> Vec<(ProductName, OriginStatus)> {
        let origins = self.origins.lock().unwrap_or_else(PoisonError::into_inner);
        let moving = origins.iter().filter(|(_, status)| status.moving);
        moving
            .map(|(name, status)| (name.clone(), status.clone()))
            .collect()
    }

    /// What is known of a product's origin between two moments, oldest first.
    pub(crate) fn origin_between(
        &self,
        product: &ProductName,
        from: Timestamp,
        until: Timestamp,
    ) -> Vec<Sample> {
        self.history.between(product, from, until)
    }

    pub(super) fn keep_status(&self, product: &ProductName, status: OriginStatus, now: Timestamp) {
        self.history.note(product, &status, now);
        let mut origins = self.origins.lock().unwrap_or_else(PoisonError::into_inner);
        origins.insert(product.clone(), status);
    }

    /// Notes on which products' origins campaigns run, and on no others.
    pub(super) fn keep_moving(&self, products: &[ProductName]) {
        let mut origins = self.origins.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, status) in origins.iter_mut() {
            status.moving = products.contains(name);
        }
    }
}
