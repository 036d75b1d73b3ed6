//! How fast agents may begin to follow events, all together. In memory; never asks who they are.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use crate::error::ApiError;
use crate::limit::Rate;

/// Nobody is told to come later than this: who is told wrong things comes back all the same.
const TURN_SECONDS_MAX: u32 = 60;

/// How fast agents come back together, after a control plane ended or a network broke: who comes too early
/// is told when, in the order in which they came.
pub(crate) struct Turnstile {
    rate: Rate,
    queue: Mutex<Queue>,
}

struct Queue {
    tokens: f64,
    at: Timestamp,
    /// Those who were told to come again and may be on their way, about.
    waiting: f64,
}

impl Turnstile {
    pub(crate) fn new(rate: Rate) -> Self {
        let queue = Queue {
            tokens: rate.burst,
            at: Timestamp::UNIX_EPOCH,
            waiting: 0.0,
        };
        Self {
            rate,
            queue: Mutex::new(queue),
        }
    }

    /// Lets one through.
    ///
    /// # Errors
    /// When too many came just now: 503, with the time when there is room for this one.
    pub(crate) fn admit(&self, now: Timestamp) -> Result<(), ApiError> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let minutes = now.duration_since(queue.at).as_secs_f64().max(0.0) / 60.0;
        let came = minutes * self.rate.per_minute;
        queue.tokens = (queue.tokens + came).min(self.rate.burst);
        queue.at = now;
        queue.waiting = (queue.waiting - came).max(0.0);
        if queue.tokens >= 1.0 {
            queue.tokens -= 1.0;
            return Ok(());
        }
        queue.waiting += 1.0;
        let seconds = (queue.waiting / self.rate.per_minute * 60.0).ceil();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "1 to 60"
        )]
        let seconds = seconds.clamp(1.0, f64::from(TURN_SECONDS_MAX)) as u32;
        Err(ApiError::busy(seconds))
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn who_comes_too_early_is_told_when_and_all_get_through_at_the_rate() {
        let rate = Rate {
            burst: 10.0,
            per_minute: 600.0,
        };
        let turnstile = Turnstile::new(rate);
        let start: Timestamp = "2023-07-11T21:00:00Z".parse().unwrap();
        // When each comes next, in milliseconds; all at once at first.
        let mut coming: Vec<i64> = vec![0; 100];
        let (mut through, mut tries) = (vec![], 0);
        while let Some(at) = coming.iter().copied().min() {
            let who = coming.iter().position(|other| *other == at).unwrap();
            tries += 1;
            match turnstile.admit(start + SignedDuration::from_millis(at)) {
                Ok(()) => {
                    through.push(at);
                    coming.swap_remove(who);
                }
                Err(error) => {
                    let seconds = error.retry_after().unwrap();
                    let seconds: i64 = seconds.to_str().unwrap().parse().unwrap();
                    // As agents do: a second later at the most, each by its own chance.
                    coming[who] = at + seconds * 1_000 + (tries * 37) % 1_000;
                }
            }
        }
        for from in 0..20 {
            let within = |at: &&i64| (from * 1_000..(from + 1) * 1_000).contains(*at);
            let count = through.iter().filter(within).count();
            assert!(count <= 20, "{count} in second {from}");
        }
        // 90 at 10 a second.
        let last = through.last().unwrap();
        assert!((9_000..15_000).contains(last), "the last came at {last} ms");
        assert!(tries <= 300, "{tries} tries");
    }
}
