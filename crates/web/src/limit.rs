//! How often one client address may do what anybody may do. In memory, bounded; a restart forgets.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use crate::client_address::Client;
use crate::error::ApiError;

/// Addresses remembered at most. Beyond it, those that have their whole burst again are forgotten;
/// if none has, a new address must wait.
const ADDRESSES_MAX: usize = 50_000;

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
}
