//! Decides whether a share of failures rose above its baseline. Knows no sites and no codes.
//!
//! A betting e-detector: Shin, Ramdas, Rinaldo, NEJSDS 2023, in Shiryaev-Roberts form. Each sign-in
//! multiplies by `p/p0` if it failed, else `(1-p)/(1-p0)`. The fresh stake is the time that passed,
//! not one a sign-in, so that the promise counts in seconds whatever the load: a threshold of `T`
//! seconds gives at most one false alarm in `T` seconds while the true share is at most `p0`.

/// The bets: how many times the odds of a failure rose.
pub const ODDS: [f64; 8] = [1.1, 1.2, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0];

const CEILING_SECONDS: f64 = 1e15;

/// The evidence of one stream for failures, in seconds of promised false-alarm time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bets {
    statistics: [f64; ODDS.len()],
}

impl Bets {
    /// Lets `seconds` pass, with `attempts` at their end of which `failures` failed, where a share of
    /// `p0` is usual. More failures than attempts count as all.
    pub fn pass(&mut self, seconds: f64, attempts: u32, failures: u32, p0: f64) {
        let failures = f64::from(failures.min(attempts));
        let successes = f64::from(attempts) - failures;
        let p0 = p0.clamp(1e-6, 0.999);
        for (statistic, odds) in self.statistics.iter_mut().zip(ODDS) {
            let p = odds * p0 / (1.0 - p0 + odds * p0);
            let log = failures * (p / p0).ln() + successes * ((1.0 - p) / (1.0 - p0)).ln();
            let staked = *statistic + seconds.max(0.0);
            *statistic = (staked * log.clamp(-600.0, 600.0).exp()).min(CEILING_SECONDS);
        }
    }

    /// The mean over bets: an alarm is due when it reaches the threshold.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "eight bets")]
    pub fn evidence_seconds(&self) -> f64 {
        self.statistics.iter().sum::<f64>() / ODDS.len() as f64
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
    fn a_total_failure_shows_within_a_dozen_sign_ins() {
        let mut bets = Bets::default();
        (0..600).for_each(|_| bets.pass(1.0, 20, 1, 0.1));
        let before = bets.evidence_seconds();
        bets.pass(1.0, 12, 12, 0.1);
        assert!(before < 100.0 && bets.evidence_seconds() > 1e8, "{bets:?}");
        (0..99).for_each(|_| bets.pass(1.0, u32::MAX, u32::MAX, 0.1));
        assert!(bets.evidence_seconds().is_finite());
    }
}
