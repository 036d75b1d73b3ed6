//! Tells the control plane what is held verified. Never acknowledges what is not on disk.

use std::time::Duration;

use futures_util::FutureExt as _;
use protocol::delivery::{
    Acks, HELD_PARTS_MAX, HELD_PER_PART_MAX, Held, Part, REFUSED_PER_PART_MAX,
};

use crate::{AgentError, Shared, pause_after};

/// All agents take a publication at the same moment, and must not answer as one. Short: waves of rollouts wait
/// for the answers.
const SPREAD: Duration = Duration::from_secs(1);

pub(crate) async fn send(shared: &Shared) {
    loop {
        shared.acks_due.notified().await;
        let apart = SPREAD.mul_f64(shared.clock.chance());
        shared.clock.sleep(apart).await;
        tell_until_taken(shared).await;
    }
}

async fn tell_until_taken(shared: &Shared) {
    let mut failures = 0;
    loop {
        // What changed until now is told now.
        shared.acks_due.notified().now_or_never();
        // Also that nothing is held: a disk may have been lost, and the control plane would go by what it knew.
        let Err(e) = tell(shared).await else {
            return;
        };
        if !shared.note_if_turned_away(&e) {
            tracing::warn!("could not say what is held: {e}");
        }
        pause_after(shared, failures, &e).await;
        failures = failures.saturating_add(1);
    }
}

async fn tell(shared: &Shared) -> Result<(), AgentError> {
    for part in in_parts(held(shared), (HELD_PER_PART_MAX, REFUSED_PER_PART_MAX)) {
        let token = &shared.identity.token;
        shared.origins.post("/agent/v1/acks", token, &part).await?;
    }
    Ok(())
}

/// As one message where it fits, which is nearly always; else in parts, of at most so many versions and refusals each.
fn in_parts(mut all: Acks, (held_max, refused_max): (usize, usize)) -> Vec<Acks> {
    let room = held_max * HELD_PARTS_MAX as usize;
    if all.held.len() > room {
        let held = all.held.len();
        tracing::error!(
            "{held} document versions are held, and {room} can be told: the others count as missing; serve fewer sites with one agent"
        );
        all.held.truncate(room);
    }
    let parts = all.held.len().div_ceil(held_max);
    let parts = parts.max(all.refused.len().div_ceil(refused_max));
    if parts <= 1 {
        return vec![all];
    }
    let of = u32::try_from(parts).unwrap_or(HELD_PARTS_MAX);
    let mut held = all.held.chunks(held_max);
    let mut refused = all.refused.chunks(refused_max);
    let part = |number| Acks {
        repository: all.repository,
        held: held.next().unwrap_or_default().to_vec(),
        refused: refused.next().unwrap_or_default().to_vec(),
        part: Some(Part { number, of }),
    };
    (1..=of).map(part).collect()
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
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::http::{StatusCode, header};
    use axum::response::IntoResponse as _;
    use clock::Clock;
    use protocol::delivery::{REFUSED_MAX, Refused};
    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Level, Metadata};

    use super::*;
    use crate::plane::plane;

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

    fn refusing(versions: u64) -> Acks {
        let refused = acks(versions).held.into_iter().map(|held| Refused {
            site: "a.example".parse().unwrap(),
            held,
            reason: "because".into(),
        });
        Acks {
            refused: refused.collect(),
            ..acks(0)
        }
    }

    #[test]
    fn what_is_held_is_told_whole_in_parts_and_in_one_message_where_it_fits() {
        let in_tens = |acks| in_parts(acks, (10, 4));
        assert_eq!(in_tens(acks(10)), [acks(10)]);
        assert_eq!(in_tens(acks(0)), [acks(0)]);
        assert_eq!(in_tens(refusing(4)), [refusing(4)]);
        for (held, refused, of) in [(25, 0, 3), (25, 4, 3), (25, 17, 5), (0, 5, 2), (3, 80, 20)] {
            let all = Acks {
                refused: refusing(refused).refused,
                ..acks(held)
            };
            let parts = in_tens(all.clone());
            let numbers: Vec<_> = parts.iter().filter_map(|one| one.part).collect();
            let numbers: Vec<_> = numbers.iter().map(|one| (one.number, one.of)).collect();
            let expected: Vec<_> = (1..=of).map(|number| (number, of)).collect();
            assert_eq!(numbers, expected, "{held} {refused}");
            assert!(
                parts
                    .iter()
                    .all(|one| one.held.len() <= 10 && one.refused.len() <= 4)
            );
            let (held, refused): (Vec<_>, Vec<_>) =
                parts.into_iter().map(|one| (one.held, one.refused)).unzip();
            assert_eq!((held.concat(), refused.concat()), (all.held, all.refused));
        }
        let most = in_tens(acks(999));
        assert_eq!(most.len(), HELD_PARTS_MAX as usize);
        let told = REFUSED_PER_PART_MAX * HELD_PARTS_MAX as usize;
        assert_eq!(REFUSED_MAX, told, "all that is kept is told");
    }

    #[tokio::test]
    async fn agents_that_hear_of_the_same_answer_apart() {
        let start = "2023-07-11T21:00:00Z".parse().unwrap();
        let (clock, hand) = Clock::seeded(start, 1);
        let plane = plane(clock, |_| StatusCode::NO_CONTENT.into_response()).await;
        plane.shared.acks_due.notify_one();
        let asks = async {
            plane.moment().await;
            assert!(plane.asked().is_empty(), "it waits its own time");
            // Told of again meanwhile, it answers once.
            plane.shared.acks_due.notify_one();
            hand.advance(SPREAD);
            plane.until_asked(1).await;
            hand.advance(SPREAD * 9);
            plane.moment().await;
            assert_eq!(plane.asked().len(), 1);
        };
        tokio::select! { () = send(&plane.shared) => {} () = asks => {} }
    }

    #[tokio::test]
    async fn a_control_plane_that_is_busy_is_asked_again_when_it_said() {
        let busy = |before| match before {
            0 => (
                StatusCode::SERVICE_UNAVAILABLE,
                [(header::RETRY_AFTER, "1")],
            )
                .into_response(),
            _ => StatusCode::NO_CONTENT.into_response(),
        };
        let plane = plane(Clock::system(), busy).await;
        tell_until_taken(&plane.shared).await;
        let asked = plane.until_asked(2).await;
        let wait = asked[1].1 - asked[0].1;
        let said = Duration::from_secs(1);
        assert!((said..said * 4).contains(&wait), "{wait:?}");
    }

    /// Counts what is worth a warning.
    struct Warnings(Arc<AtomicUsize>);

    impl tracing::Subscriber for Warnings {
        fn enabled(&self, metadata: &Metadata<'_>) -> bool {
            *metadata.level() <= Level::WARN
        }
        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }
        fn record(&self, _: &Id, _: &Record<'_>) {}
        fn record_follows_from(&self, _: &Id, _: &Id) {}
        fn event(&self, _: &Event<'_>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
        fn enter(&self, _: &Id) {}
        fn exit(&self, _: &Id) {}
    }

    #[tokio::test]
    async fn an_agent_that_is_turned_away_warns_once_for_each_try() {
        let start = "2023-07-11T21:00:00Z".parse().unwrap();
        // Nobody moves its hand: there is no second try.
        let (clock, _hand) = Clock::seeded(start, 1);
        let plane = plane(clock, |_| StatusCode::UNAUTHORIZED.into_response()).await;
        let warned = Arc::new(AtomicUsize::new(0));
        let _own = tracing::subscriber::set_default(Warnings(Arc::clone(&warned)));
        let is_told = async {
            plane.until_asked(1).await;
            plane.moment().await;
        };
        tokio::select! { () = tell_until_taken(&plane.shared) => {} () = is_told => {} }
        assert_eq!(warned.load(Ordering::Relaxed), 1);
        assert!(plane.last_error().contains("401"), "{}", plane.last_error());
    }

    #[tokio::test]
    async fn who_gets_no_answer_waits_until_a_server_is_back_at_most() {
        let start = "2023-07-11T21:00:00Z".parse().unwrap();
        // Nobody moves its hand: the wait does not end by itself.
        let (clock, _hand) = Clock::seeded(start, 1);
        let down_once = |before| match before {
            0 => StatusCode::BAD_GATEWAY.into_response(),
            _ => StatusCode::NO_CONTENT.into_response(),
        };
        let plane = plane(clock, down_once).await;
        let is_back = async {
            loop {
                plane.moment().await;
                plane.shared.origins.greeted(0);
            }
        };
        tokio::select! { () = tell_until_taken(&plane.shared) => {} () = is_back => {} }
        assert_eq!(plane.asked().len(), 2);
    }
}
