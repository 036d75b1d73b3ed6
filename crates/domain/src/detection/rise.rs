//! Decides whether a stream of single events rose above its baseline. Knows no sites and no time
//! of day: seconds and a rate in, evidence out.
//!
//! A mixture of Shiryaev-Roberts statistics in continuous time: Shiryaev, Theory Probab. Appl. 8
//! (1963); Pollak, Ann. Statist. 13 (1985); as e-detectors: Shin, Ramdas, Rinaldo, NEJSDS 2023.
//! While the true rate is at most the baseline, the mean over rises minus the time passed is a
//! supermartingale, so a threshold of `T` seconds gives at most one false alarm in `T` seconds.

/// The rises watched for, as multiples of the baseline.
pub const RISES: [f64; 10] = [2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0];

/// No statistic passes this: it would be far over any threshold, and infinity must not enter sums.
const CEILING_SECONDS: f64 = 1e15;

/// The evidence of one stream for a rise, in seconds of promised false-alarm time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rise {
    statistics: [f64; RISES.len()],
}

impl Rise {
    /// Lets `seconds` pass without an event, at a baseline of `rate` events per second.
    ///
    /// `R <- c + (R-c)*exp(-x)` with `c = 1/((rho-1)*rate)`, `x = seconds*(rho-1)*rate`; written so
    /// that a rate of zero is its limit, `R + seconds`.
    pub fn pass(&mut self, seconds: f64, rate: f64) {
        let seconds = seconds.max(0.0);
        for (statistic, rise) in self.statistics.iter_mut().zip(RISES) {
            let x = seconds * (rise - 1.0) * rate;
            let fresh = if x > 1e-12 {
                seconds * (-(-x).exp_m1() / x)
            } else {
                seconds
            };
            *statistic = (*statistic * (-x).exp() + fresh).min(CEILING_SECONDS);
        }
    }

    /// Takes one event: `R <- rho*R`.
    pub fn event(&mut self) {
        for (statistic, rise) in self.statistics.iter_mut().zip(RISES) {
            *statistic = (*statistic * rise).min(CEILING_SECONDS);
        }
    }

    /// The mean over rises: an alarm is due when it reaches the threshold.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "ten rises")]
    pub fn evidence_seconds(&self) -> f64 {
        self.statistics.iter().sum::<f64>() / RISES.len() as f64
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
    fn waiting_settles_at_the_fixed_point_and_does_not_depend_on_its_cuts() {
        let (mut whole, mut cut) = (Rise::default(), Rise::default());
        whole.pass(3_600.0, 0.001);
        (0..3_600).for_each(|_| cut.pass(1.0, 0.001));
        let difference = whole.evidence_seconds() - cut.evidence_seconds();
        assert!(difference.abs() < 1e-6, "{difference}");
        whole.pass(1e9, 0.001);
        let settled = RISES
            .map(|rise| 1.0 / ((rise - 1.0) * 0.001))
            .iter()
            .sum::<f64>()
            / 10.0;
        assert!((whole.evidence_seconds() / settled - 1.0).abs() < 1e-9);
    }

    #[test]
    fn no_input_makes_it_infinite() {
        let mut rise = Rise::default();
        for (seconds, rate) in [
            (1e12, 0.0),
            (0.0, 1.0),
            (1e-9, 1e-300),
            (-5.0, 1.0),
            (1.0, 1e9),
        ] {
            rise.pass(seconds, rate);
            (0..500).for_each(|_| rise.event());
            assert!(
                rise.evidence_seconds().is_finite(),
                "{seconds} s at {rate}/s"
            );
        }
        rise.restart();
        assert_eq!(rise.evidence_seconds(), 0.0);
    }
}
