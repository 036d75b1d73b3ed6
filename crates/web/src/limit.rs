//! How often one client address may do what anybody may do. In memory, bounded; a restart forgets.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use crate::client_address::Client;
use crate::error::ApiError;

/// Addresses remembered at most. Beyond it, those that have their whole burst again are forgotten;
/// if none has, a new address must wait.
const ADDRESSES_MAX: usize = 50_000;

/// Nobody is told to come later than this: who is told wrong things comes back all the same.
const TURN_SECONDS_MAX: u32 = 60;

/// A token bucket for each client address.
pub(crate) struct Limit {
    /// What is counted, in the plural.
    noun: &'static str,
    rate: Rate,
    buckets: Mutex<HashMap<Client, Bucket>>,
}

/// What one address may do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// This many at once.
    pub burst: f64,
    /// And then this many each minute.
    pub per_minute: f64,
}

impl Rate {
    /// So many each minute, and those of two minutes at once.
    #[must_use]
    pub fn per_minute(count: u32) -> Self {
        Self {
            burst: f64::from(count) * 2.0,
            per_minute: f64::from(count),
        }
    }
}

struct Bucket {
    tokens: f64,
    at: Timestamp,
}

impl Limit {
    pub(crate) fn new(noun: &'static str, rate: Rate) -> Self {
        Self {
            noun,
            rate,
            buckets: Mutex::default(),
        }
    }

    /// Takes one token of the address.
    ///
    /// # Errors
    /// When it has none left: 429, with the time until it has one.
    pub(crate) fn admit(&self, client: Client, now: Timestamp) -> Result<(), ApiError> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let refill = |bucket: &Bucket| {
            let minutes = now.duration_since(bucket.at).as_secs_f64().max(0.0) / 60.0;
            (bucket.tokens + minutes * self.rate.per_minute).min(self.rate.burst)
        };
        if buckets.len() >= ADDRESSES_MAX && !buckets.contains_key(&client) {
            buckets.retain(|_, bucket| refill(bucket) < self.rate.burst);
            if buckets.len() >= ADDRESSES_MAX {
                return Err(ApiError::too_many(
                    "too many clients at once; try again soon",
                    60,
                ));
            }
        }
        let bucket = buckets.entry(client).or_insert(Bucket {
            tokens: self.rate.burst,
            at: now,
        });
        let tokens = refill(bucket);
        (bucket.tokens, bucket.at) = (tokens, now);
        if tokens < 1.0 {
            let seconds = ((1.0 - tokens) / self.rate.per_minute * 60.0)
                .ceil()
                .clamp(1.0, 3_600.0);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "1 to 3,600"
            )]
            let seconds = seconds as u32;
            let says = format!(
                "too many {} from this address; try again in {seconds} s",
                self.noun
            );
            return Err(ApiError::too_many(says, seconds));
        }
        bucket.tokens = tokens - 1.0;
        Ok(())
    }
}

/// How fast agents come back together, after a control plane ended or a network broke: who comes too early
/// is told when, in the order in which they came.
pub(crate) struct Turnstile {
    rate: Rate,
    state: Mutex<Queue>,
}

struct Queue {
    bucket: Bucket,
    /// Those who were told to come again and may be on their way, about.
    waiting: f64,
}

impl Turnstile {
    pub(crate) fn new(rate: Rate) -> Self {
        let bucket = Bucket {
            tokens: rate.burst,
            at: Timestamp::UNIX_EPOCH,
        };
        let waiting = 0.0;
        Self {
            rate,
            state: Mutex::new(Queue { bucket, waiting }),
        }
    }

    /// Lets one through.
    ///
    /// # Errors
    /// When too many came just now: 503, with the time when there is room for this one.
    pub(crate) fn admit(&self, now: Timestamp) -> Result<(), ApiError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let Queue { bucket, waiting } = &mut *state;
        let minutes = now.duration_since(bucket.at).as_secs_f64().max(0.0) / 60.0;
        let came = minutes * self.rate.per_minute;
        bucket.tokens = (bucket.tokens + came).min(self.rate.burst);
        bucket.at = now;
        *waiting = (*waiting - came).max(0.0);
        if bucket.tokens >= 1.0 {
            bucket.tokens -= 1.0;
            return Ok(());
        }
        *waiting += 1.0;
        let seconds = (*waiting / self.rate.per_minute * 60.0).ceil();
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
    fn an_address_has_a_burst_and_then_a_rate() {
        let rate = Rate {
            burst: 3.0,
            per_minute: 6.0,
        };
        let limit = Limit::new("reports", rate);
        let now: Timestamp = "2023-07-11T21:00:00Z".parse().unwrap();
        let client = |text: &str| Client::of(text.parse().unwrap());
        // An address of this machine is an address like others: a proxy may stand on it.
        let (one, other) = (client("127.0.0.1"), client("192.0.2.2"));
        (0..3).for_each(|_| limit.admit(one, now).unwrap());
        assert!(limit.admit(one, now).is_err());
        limit.admit(other, now).unwrap();
        let later = now + SignedDuration::from_secs(10);
        limit.admit(one, later).unwrap();
        assert!(limit.admit(one, later).is_err());
        let says = limit.admit(one, later).unwrap_err();
        assert!(says.message().contains("reports"), "{says:?}");
    }

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
