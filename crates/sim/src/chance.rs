//! Seeded chance: one stream for each purpose, so that more of one thing does not change another.
//! Never used for secrets.

use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A stream of random numbers.
pub struct Chance(ChaCha8Rng);

impl Chance {
    /// The stream called `purpose` of `seed`.
    #[must_use]
    pub fn new(seed: u64, purpose: &str) -> Self {
        // FNV-1a over the name: stable from build to build, unlike the standard library's hasher.
        let name = purpose
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
            });
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(name);
        Self(rng)
    }

    /// Uniform in 0 to 1, without 1.
    pub fn uniform(&mut self) -> f64 {
        self.0.random()
    }

    /// Uniform in 0 to `count`, without `count`; 0 for none.
    pub fn below(&mut self, count: usize) -> usize {
        if count == 0 {
            0
        } else {
            self.0.random_range(0..count)
        }
    }

    /// True with this probability.
    pub fn happens(&mut self, probability: f64) -> bool {
        self.uniform() < probability
    }

    /// Exponential with this mean.
    pub fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.uniform()).ln()
    }

    /// Standard normal (Box and Muller 1958).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// Log-normal with this mean; `spread` is the sigma of its logarithm.
    pub fn log_normal(&mut self, mean: f64, spread: f64) -> f64 {
        mean * (spread * self.normal() - spread * spread / 2.0).exp()
    }

    /// [`Self::log_normal`] as a duration in seconds.
    pub fn about(&mut self, seconds_mean: f64, spread: f64) -> Duration {
        Duration::from_secs_f64(self.log_normal(seconds_mean, spread).clamp(0.0, 1e9))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_repeats_and_differs_from_others() {
        let first = |purpose| Chance::new(7, purpose).uniform().to_bits();
        assert_eq!(first("visitors"), first("visitors"));
        assert_ne!(first("visitors"), first("residents"));
    }

    #[test]
    fn means_are_as_asked() {
        let mut chance = Chance::new(1, "means");
        let mean = |draw: &mut dyn FnMut() -> f64| (0..20_000).map(|_| draw()).sum::<f64>() / 2e4;
        assert!((mean(&mut || chance.exponential(3.0)) - 3.0).abs() < 0.1);
        assert!((mean(&mut || chance.log_normal(3.0, 0.5)) - 3.0).abs() < 0.1);
    }
}
