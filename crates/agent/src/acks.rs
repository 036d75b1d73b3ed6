//! Tells the control plane what is held verified. Never acknowledges what is not on disk.

use std::time::Duration;

use protocol::delivery::{Acks, Held};

use crate::{Shared, pause};

const RETRY_AFTER: Duration = Duration::from_secs(5);
const RETRY_MACHINE_MIN: Duration = Duration::from_millis(200);

pub(crate) async fn send(shared: &Shared) {
    loop {
        shared.acks_due.notified().await;
        // Also that nothing is held: a disk may have been lost, and the control plane would go by what it knew.
        while let Err(e) = shared
            .origins
            .post("/agent/v1/acks", &shared.identity.token, &held(shared))
            .await
        {
            tracing::warn!("could not say what is held: {e}");
            pause(&shared.clock, RETRY_AFTER, RETRY_MACHINE_MIN).await;
        }
    }
}

fn held(shared: &Shared) -> Acks {
    let view = shared.cache.view();
    let held = view.all().map(|document| Held {
        key: document.entry.key.clone(),
        version: document.entry.version,
    });
    Acks {
        repository: view.repository,
        held: held.collect(),
        refused: shared.cache.refusals().all().to_vec(),
    }
}
