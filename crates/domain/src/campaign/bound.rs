//! How well a campaign was paced: against the time no pacing can beat, and against the promise.
//! Looks back only; nothing here is known while the campaign runs.

/// How well a campaign was paced.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Score {
    /// Its duration over the bound `T*`; at least 1.
    pub time_over_bound: f64,
    /// Share of its seconds in which the 95th percentile of latency was over the promise.
    pub seconds_over_promise_share: f64,
}

/// `T*`: the least time, in seconds, in which the spare capacity adds up to the work.
///
/// `spare_per_second` holds the capacity that visitors left over in each second from the start, in
/// refills. `None` when it never adds up to `work` refills.
#[must_use]
pub fn least_seconds(spare_per_second: &[f64], work: f64) -> Option<f64> {
    let mut left = work;
    for (second, spare) in (0u32..).zip(spare_per_second) {
        let spare = spare.max(0.0);
        if spare >= left {
            let part = if spare > 0.0 { left / spare } else { 0.0 };
            return Some(f64::from(second) + part);
        }
        left -= spare;
    }
    None
}

/// Scores a campaign that took `seconds`. `p95_seconds` holds one value for each of its seconds,
/// absent where there were no requests.
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    reason = "seconds of a campaign are fewer than 2^52"
)]
pub fn score(
    seconds: f64,
    least_seconds: f64,
    p95_seconds: &[Option<f64>],
    promise_p95_seconds: f64,
) -> Score {
    let over = p95_seconds
        .iter()
        .flatten()
        .filter(|p95| **p95 > promise_p95_seconds)
        .count();
    Score {
        time_over_bound: if least_seconds > 0.0 {
            seconds / least_seconds
        } else {
            1.0
        },
        seconds_over_promise_share: over as f64 / p95_seconds.len().max(1) as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_is_where_spare_capacity_meets_the_work() {
        let table = [
            (vec![10.0; 10], 25.0, Some(2.5)),
            (vec![10.0; 2], 20.0, Some(2.0)),
            (vec![10.0; 2], 20.1, None),
            (vec![0.0, -5.0, 10.0], 10.0, Some(3.0)),
            (vec![], 0.0, None),
            (vec![0.0], 0.0, Some(0.0)),
        ];
        for (spare, work, expected) in table {
            assert_eq!(least_seconds(&spare, work), expected, "{spare:?} {work}");
        }
    }

    #[test]
    fn seconds_over_the_promise_are_counted() {
        let score = score(30.0, 20.0, &[Some(0.5), None, Some(1.1), Some(1.0)], 1.0);
        assert_eq!(
            score,
            Score {
                time_over_bound: 1.5,
                seconds_over_promise_share: 0.25
            }
        );
    }
}
