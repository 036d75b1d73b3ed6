//! Tells the control plane what is held verified. Never acknowledges what is not on disk.

use std::time::Duration;

use protocol::delivery::{Acks, HELD_PARTS_MAX, HELD_PER_PART_MAX, Held, Part};

use crate::{AgentError, Shared, pause};

const RETRY_AFTER: Duration = Duration::from_secs(5);
const RETRY_MACHINE_MIN: Duration = Duration::from_millis(200);

pub(crate) async fn send(shared: &Shared) {
    loop {
        shared.acks_due.notified().await;
        // Also that nothing is held: a disk may have been lost, and the control plane would go by what it knew.
        while let Err(e) = tell(shared).await {
            tracing::warn!("could not say what is held: {e}");
            shared.note_if_turned_away(&e);
            pause(&shared.clock, RETRY_AFTER, RETRY_MACHINE_MIN).await;
        }
    }
}

async fn tell(shared: &Shared) -> Result<(), AgentError> {
    for part in in_parts(held(shared), HELD_PER_PART_MAX) {
        let token = &shared.identity.token;
        shared.origins.post("/agent/v1/acks", token, &part).await?;
    }
    Ok(())
}

/// As one message where it fits, which is nearly always; else in parts, of which the last says what was refused.
fn in_parts(mut all: Acks, per_part_max: usize) -> Vec<Acks> {
    if all.held.len() <= per_part_max {
        return vec![all];
    }
    let room = per_part_max * HELD_PARTS_MAX as usize;
    if all.held.len() > room {
        let held = all.held.len();
        tracing::error!(
            "{held} document versions are held, and {room} can be told: the others count as missing; serve fewer sites with one agent"
        );
        all.held.truncate(room);
    }
    let parts = all.held.chunks(per_part_max);
    let of = u32::try_from(parts.len()).unwrap_or(HELD_PARTS_MAX);
    let part = |(number, held): (u32, &[Held])| Acks {
        repository: all.repository,
        held: held.to_vec(),
        refused: if number == of {
            all.refused.clone()
        } else {
            vec![]
        },
        part: Some(Part { number, of }),
    };
    (1..).zip(parts).map(part).collect()
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
        part: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acks(versions: u64) -> Acks {
        let held = |version| {
            let one = serde_json::json!({"product": "web", "service": "app", "name": "links", "version": version});
            serde_json::from_value(one).unwrap()
        };
        Acks {
            repository: 9,
            held: (1..=versions).map(held).collect(),
            ..Acks::default()
        }
    }

    #[test]
    fn what_is_held_is_told_whole_in_parts_and_in_one_message_where_it_fits() {
        assert_eq!(in_parts(acks(10), 10), [acks(10)]);
        assert_eq!(in_parts(acks(0), 10), [acks(0)]);
        let parts = in_parts(acks(25), 10);
        let numbers: Vec<_> = parts.iter().filter_map(|one| one.part).collect();
        let numbers: Vec<_> = numbers.iter().map(|one| (one.number, one.of)).collect();
        assert_eq!(numbers, [(1, 3), (2, 3), (3, 3)]);
        let told: Vec<_> = parts.into_iter().flat_map(|one| one.held).collect();
        assert_eq!(told, acks(25).held);
        let most = in_parts(acks(999), 10);
        assert_eq!(most.len(), HELD_PARTS_MAX as usize);
    }
}
