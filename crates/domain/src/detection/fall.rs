//! Decides whether a stream fell silent, or nearly: a dead page produces no failures.
//!
//! Shiryaev-Roberts statistics for falls to 1/2, 1/4 and 0 of a *lower* bound of the rate; sources
//! as in `rise`. While the true rate is at least the bound, a threshold of `T` seconds gives at most
//! one false alarm in `T` seconds.

/// The falls watched for, as shares of the usual rate.
pub const FALLS: [f64; 3] = [0.5, 0.25, 0.0];

const CEILING_SECONDS: f64 = 1e15;

/// The evidence of one stream for a fall, in seconds of promised false-alarm time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fall {
    statistics: [f64; FALLS.len()],
}

impl Fall {
    /// Lets `seconds` pass, where at least `rate` events per second are usual, with `events` at
    /// their end.
    pub fn pass(&mut self, seconds: f64, rate: f64, events: u32) {
        let seconds = seconds.max(0.0);
        let events = i32::try_from(events).unwrap_or(i32::MAX);
        for (statistic, fall) in self.statistics.iter_mut().zip(FALLS) {
            // Beyond e^40 the ceiling rules; the exponential itself must stay finite.
            let x = (seconds * (1.0 - fall) * rate).min(40.0);
            let fresh = if x > 1e-12 {
                seconds * (x.exp_m1() / x)
            } else {
                seconds
            };
            let waited = (*statistic * x.exp() + fresh).min(CEILING_SECONDS);
            *statistic = waited * f64::powi(fall, events);
        }
    }

    /// The mean over falls: an alarm is due when it reaches the threshold.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "three falls")]
    pub fn evidence_seconds(&self) -> f64 {
        self.statistics.iter().sum::<f64>() / FALLS.len() as f64
    }

    /// Forgets everything, as after an alarm.
    pub fn restart(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_counts_and_a_steady_stream_does_not() {
        let mut fall = Fall::default();
        (0..3_600).for_each(|_| fall.pass(1.0, 1.0, 1));
        assert!(
            fall.evidence_seconds() < 10.0,
            "{}",
            fall.evidence_seconds()
        );
        (0..30).for_each(|_| fall.pass(1.0, 1.0, 0));
        assert!(fall.evidence_seconds() > 1e9, "{}", fall.evidence_seconds());
        fall.pass(1e9, 1e9, 0);
        assert!(fall.evidence_seconds().is_finite());
    }
}
