//! How often one client address may do what anybody may do. In memory, bounded; a restart forgets.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use crate::error::ApiError;

/// Addresses remembered at most. Beyond it, those that have their whole burst again are forgotten;
/// if none has, a new address must wait.
const ADDRESSES_MAX: usize = 50_000;

/// A token bucket for each client address.
pub(crate) struct Limit {
    rate: Rate,
    buckets: Mutex<HashMap<IpAddr, Bucket>>,
}

/// What one address may do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rate {
    /// This many at once.
    pub(crate) burst: f64,
    /// And then this many each minute.
    pub(crate) per_minute: f64,
}

/// Generous: a whole town hall, and a vendor's help desk, may share one address.
pub(crate) const REPORTS: Rate = Rate {
    burst: 60.0,
    per_minute: 30.0,
};

struct Bucket {
    tokens: f64,
    at: Timestamp,
}

impl Limit {
    pub(crate) fn new(rate: Rate) -> Self {
        Self {
            rate,
            buckets: Mutex::default(),
        }
    }

    /// Takes one token of the address.
    ///
    /// # Errors
    /// When it has none left: 429, with the time until it has one.
    pub(crate) fn admit(&self, address: IpAddr, now: Timestamp) -> Result<(), ApiError> {
        // This machine itself: the operator's commands, drills, a proxy that limits by itself.
        if address.is_loopback() {
            return Ok(());
        }
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let refill = |bucket: &Bucket| {
            let minutes = now.duration_since(bucket.at).as_secs_f64().max(0.0) / 60.0;
            (bucket.tokens + minutes * self.rate.per_minute).min(self.rate.burst)
        };
        if buckets.len() >= ADDRESSES_MAX && !buckets.contains_key(&address) {
            buckets.retain(|_, bucket| refill(bucket) < self.rate.burst);
            if buckets.len() >= ADDRESSES_MAX {
                return Err(ApiError::too_many(
                    "too many clients at once; try again soon",
                    60,
                ));
            }
        }
        let bucket = buckets.entry(address).or_insert(Bucket {
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
            let says = format!("too many reports from this address; try again in {seconds} s");
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
        let limit = Limit::new(Rate {
            burst: 3.0,
            per_minute: 6.0,
        });
        let now: Timestamp = "2023-07-11T21:00:00Z".parse().unwrap();
        let (one, other): (IpAddr, IpAddr) =
            ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        (0..3).for_each(|_| limit.admit(one, now).unwrap());
        assert!(limit.admit(one, now).is_err());
        limit.admit(other, now).unwrap();
        let later = now + SignedDuration::from_secs(10);
        limit.admit(one, later).unwrap();
        assert!(limit.admit(one, later).is_err());
        (0..99).for_each(|_| limit.admit("127.0.0.1".parse().unwrap(), now).unwrap());
    }
}
