//! When a campaign must stop because sites fail. Judges counts; never retries a site.
//!
//! A fixed percentage is wrong twice: looked at every second it cries too often, and on a small
//! canary wave it says nothing. This test may be looked at after every site, for ever.

/// Failures of up to this share of sites are the fleet's normal state: hosts down, domains lapsed.
pub const TOLERATED_SHARE: f64 = 0.02;
/// A wave whose true share of failures is tolerable is halted with at most this probability,
/// however often it is looked at.
pub const FALSE_HALT_PROBABILITY: f64 = 0.001;
/// Shares of failing sites that the test looks for, weighed alike.
const ALTERNATIVES: [f64; 6] = [0.05, 0.1, 0.2, 0.4, 0.7, 0.95];

/// Sites of one wave that are settled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Tally {
    /// Proved by a probe.
    pub verified: u64,
    /// Given up.
    pub failed: u64,
}

/// What a wave's settled sites say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verdict {
    /// Nothing speaks against going on with this wave.
    GoOn,
    /// Every site is settled, and few enough failed: the next wave may begin.
    Promote,
    /// More sites fail than is tolerable.
    Halt {
        /// How many times likelier the counts are under failure than under the tolerated share.
        evidence: f64,
    },
    /// Every site is settled; more failed than is tolerable, and too few sites to be sure. This
    /// never promotes: somebody has to look.
    Inconclusive,
}

impl Tally {
    /// This tally without the outcomes in `accepted`.
    #[must_use]
    pub fn since(self, accepted: Self) -> Self {
        Self {
            verified: self.verified.saturating_sub(accepted.verified),
            failed: self.failed.saturating_sub(accepted.failed),
        }
    }
}

/// Judges a wave by its settled sites; `open` counts those that are not.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "sites are fewer than 2^52")]
pub fn judge(tally: Tally, open: u64) -> Verdict {
    let evidence = evidence(tally);
    let settled = tally.verified + tally.failed;
    if evidence >= 1.0 / FALSE_HALT_PROBABILITY {
        Verdict::Halt { evidence }
    } else if open > 0 {
        Verdict::GoOn
    } else if tally.failed as f64 <= TOLERATED_SHARE * settled as f64 {
        Verdict::Promote
    } else {
        Verdict::Inconclusive
    }
}

/// The evidence that more than the tolerated share fails: a mixture of likelihood ratios, which is
/// a test martingale under the tolerated share and a supermartingale under smaller ones. By Ville's
/// inequality it reaches `1/a` with probability at most `a`, at whatever times it is looked at.
/// Ramdas, Grünwald, Vovk, Shafer, "Game-theoretic statistics and safe anytime-valid inference",
/// Statistical Science 2023, sections 2 and 3; the mixture is Robbins's, 1970.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "sites are fewer than 2^52")]
pub fn evidence(tally: Tally) -> f64 {
    let ratio = |share: f64| {
        let failed = (share / TOLERATED_SHARE).ln() * tally.failed as f64;
        let verified = ((1.0 - share) / (1.0 - TOLERATED_SHARE)).ln() * tally.verified as f64;
        // Past e^600 the answer is clear, and infinity would not survive the mean as JSON.
        (failed + verified).min(600.0).exp()
    };
    ALTERNATIVES.into_iter().map(ratio).sum::<f64>() / ALTERNATIVES.len() as f64
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn a_broken_release_halts_among_the_canaries() {
        let table = [
            ("1 of 1 failed", 0, 1, 0, Verdict::Inconclusive),
            ("all well, some open", 5, 0, 3, Verdict::GoOn),
            ("all well", 20, 0, 0, Verdict::Promote),
            ("1 of 20", 19, 1, 0, Verdict::Inconclusive),
            ("2 of 100", 98, 2, 0, Verdict::Promote),
            ("2 of 100, some open", 98, 2, 1, Verdict::GoOn),
            ("3 of 100", 97, 3, 0, Verdict::Inconclusive),
        ];
        for (name, verified, failed, open, expected) in table {
            assert_eq!(judge(Tally { verified, failed }, open), expected, "{name}");
        }
        let three = judge(
            Tally {
                verified: 0,
                failed: 3,
            },
            17,
        );
        assert!(matches!(three, Verdict::Halt { .. }), "{three:?}");
    }

    #[test]
    fn tolerable_waves_are_hardly_ever_halted_however_often_one_looks() {
        let seed = 711;
        println!("seed {seed}");
        let mut chance = ChaCha8Rng::seed_from_u64(seed);
        let halted = (0..2_000).filter(|_| halts_at(TOLERATED_SHARE, 1_000, &mut chance).is_some());
        let halted = halted.count();
        // Promised: 2 of 2,000. Six would be a chance of one in two hundred.
        assert!(halted <= 6, "{halted} of 2000 waves were halted");
    }

    #[test]
    fn a_fifth_failing_is_seen_within_sixty_sites() {
        let seed = 712;
        println!("seed {seed}");
        let mut chance = ChaCha8Rng::seed_from_u64(seed);
        let mut at: Vec<_> = (0..200)
            .map(|_| halts_at(0.2, 10_000, &mut chance).unwrap_or(u64::MAX))
            .collect();
        at.sort_unstable();
        assert!(at[100] <= 40, "median {}", at[100]);
        assert!(at[190] <= 120, "95 of 100 within {}", at[190]);
    }

    fn halts_at(share: f64, sites: u64, chance: &mut ChaCha8Rng) -> Option<u64> {
        let mut tally = Tally::default();
        (1..=sites).find(|_| {
            if chance.random_bool(share) {
                tally.failed += 1;
            } else {
                tally.verified += 1;
            }
            matches!(judge(tally, 1), Verdict::Halt { .. })
        })
    }
}
