//! How a new version of a document spreads: to canaries first, then to a growing share of the sites,
//! each wave only after the one before proved itself. Never looks at a site; what was seen is an argument.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use crate::name::Hostname;

/// The most canaries of a rollout.
pub const CANARIES_MAX: usize = 20;
/// The shares of the sites that follow the canaries, in thousandths.
const WAVES: [u16; 3] = [10, 100, EVERYWHERE];
const EVERYWHERE: u16 = 1_000;
/// A wave proves itself for this long, at least: some faults show only when caches and tokens expire.
pub const BAKE: SignedDuration = SignedDuration::from_secs(120);

/// Which sites a version of a document is for while it is new. It travels with the version in signed
/// metadata, so that agents that hold the version do not read it before its time.
#[derive(
    Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
pub struct Rollout {
    /// These sites, whatever the share.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    canaries: BTreeSet<Hostname>,
    /// The share of all sites, in thousandths.
    permille: u16,
}

impl Default for Rollout {
    fn default() -> Self {
        Self::everywhere()
    }
}

impl Rollout {
    /// To all sites.
    #[must_use]
    pub fn everywhere() -> Self {
        Self {
            canaries: BTreeSet::new(),
            permille: EVERYWHERE,
        }
    }

    /// To no site: it was halted, and everybody reads what came before.
    #[must_use]
    pub fn nowhere() -> Self {
        Self {
            canaries: BTreeSet::new(),
            permille: 0,
        }
    }

    /// To canaries only; the first [`CANARIES_MAX`] of them.
    #[must_use]
    pub fn canaries(sites: impl IntoIterator<Item = Hostname>) -> Self {
        Self {
            canaries: sites.into_iter().take(CANARIES_MAX).collect(),
            permille: 0,
        }
    }

    /// Whether all sites are given it.
    #[must_use]
    pub fn is_everywhere(&self) -> bool {
        self.permille >= EVERYWHERE
    }

    /// Whether no site is given it.
    #[must_use]
    pub fn is_nowhere(&self) -> bool {
        self.permille == 0 && self.canaries.is_empty()
    }

    /// Its canaries.
    #[must_use]
    pub fn canary_sites(&self) -> &BTreeSet<Hostname> {
        &self.canaries
    }

    /// The share of all sites that are given it, in thousandths; canaries are not counted.
    #[must_use]
    pub fn permille(&self) -> u16 {
        self.permille
    }

    /// Whether a site is given `version`, the version that this is the rollout of. A site that is
    /// stays so while the share grows; each version begins with other sites.
    #[must_use]
    pub fn admits(&self, site: &Hostname, version: u64) -> bool {
        self.is_everywhere() || self.canaries.contains(site) || place(site, version) < self.permille
    }

    /// The wave after this one; `None` after the last.
    #[must_use]
    pub fn next(&self) -> Option<Self> {
        let share = WAVES.into_iter().find(|share| *share > self.permille)?;
        if share == EVERYWHERE {
            return Some(Self::everywhere());
        }
        Some(Self {
            canaries: self.canaries.clone(),
            permille: share,
        })
    }
}

/// Where a site stands in the order of a version, 0 to 999: FNV-1a (Fowler, Noll, Vo) and the last
/// mixing of MurmurHash3 (Appleby), which spreads names that differ in one letter.
fn place(site: &Hostname, version: u64) -> u16 {
    let fold = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let bytes = site.as_str().bytes().chain(version.to_le_bytes());
    let mut hash = bytes.fold(0xcbf2_9ce4_8422_2325, fold);
    for factor in [0xff51_afd7_ed55_8ccd, 0xc4ce_b9fe_1a85_ec53] {
        hash = (hash ^ (hash >> 33)).wrapping_mul(factor);
    }
    u16::try_from((hash ^ (hash >> 33)) % u64::from(EVERYWHERE)).unwrap_or(0)
}

/// What was seen of the sites that a rollout admits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Sites that are given the version and whose agent was heard lately.
    pub sites: usize,
    /// Those whose agent holds it, verified.
    pub held: usize,
    /// Sites that refused it.
    pub refused: usize,
    /// Canaries that signed in since they hold it.
    pub canaries_work: usize,
    /// Canaries that signed in before and do not any more.
    pub canaries_fail: usize,
    /// Canaries that are probed.
    pub canaries: usize,
    /// Since the wave began.
    pub waited: SignedDuration,
}

/// What a rollout waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// Agents that do not hold the version yet: how many sites.
    Acks(usize),
    /// Canaries that did not sign in yet.
    Canaries(usize),
    /// The end of the time in which a fault would show.
    Time(SignedDuration),
}

/// Why a rollout was halted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Halted {
    /// Sites refused the version.
    #[error("sites that refused it: {0}")]
    Refused(usize),
    /// Canaries that signed in before do not any more.
    #[error("canaries where sign-in worked before, and fails now: {0}")]
    Canaries(usize),
}

/// What a rollout does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing yet.
    Wait(Waiting),
    /// Goes on to these sites.
    Advance(Rollout),
    /// Takes the version back from all sites.
    Halt(Halted),
}

impl Rollout {
    /// Decides by what was seen: a refusal or a broken canary ends the rollout at once; it goes on when
    /// every agent that can be heard holds the version, every canary signed in with it, and
    /// [`BAKE`] is over.
    #[must_use]
    pub fn decide(&self, seen: &Seen) -> Next {
        if seen.refused > 0 {
            return Next::Halt(Halted::Refused(seen.refused));
        }
        if seen.canaries_fail > 0 {
            return Next::Halt(Halted::Canaries(seen.canaries_fail));
        }
        // Where no agent is heard, nothing proves itself.
        if seen.held < seen.sites || seen.sites == 0 {
            return Next::Wait(Waiting::Acks(seen.sites - seen.held));
        }
        if seen.canaries_work < seen.canaries {
            return Next::Wait(Waiting::Canaries(seen.canaries - seen.canaries_work));
        }
        if seen.waited < BAKE {
            return Next::Wait(Waiting::Time(BAKE - seen.waited));
        }
        Next::Advance(self.next().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(number: usize) -> Hostname {
        Hostname::parse(&format!("town-{number}.gov")).unwrap()
    }

    #[test]
    fn each_wave_has_its_share_and_loses_no_site() {
        let mut rollout = Rollout::canaries([site(7), site(8)]);
        let mut before = BTreeSet::new();
        let mut shares = vec![];
        loop {
            let now: BTreeSet<_> = (0..20_000)
                .filter(|n| rollout.admits(&site(*n), 3))
                .collect();
            assert!(before.is_subset(&now), "a site that has it keeps it");
            shares.push(now.len());
            before = now;
            match rollout.next() {
                Some(next) => rollout = next,
                None => break,
            }
        }
        let [canaries, one, ten, all] = shares[..] else {
            panic!("{shares:?}")
        };
        assert_eq!((canaries, all), (2, 20_000));
        assert!((150..=260).contains(&one), "{one} of 200");
        assert!((1_850..=2_150).contains(&ten), "{ten} of 2,000");
        let other = |version| (0..20_000).filter(move |n| place(&site(*n), version) < 10);
        assert!(!other(3).eq(other(4)), "each version begins with others");
        let nowhere = Rollout::nowhere();
        assert!((0..20_000).all(|n| !nowhere.admits(&site(n), 3)));
    }

    #[test]
    fn a_rollout_goes_on_only_when_its_wave_proved_itself() {
        let good = Seen {
            sites: 4,
            held: 4,
            refused: 0,
            canaries_work: 2,
            canaries_fail: 0,
            canaries: 2,
            waited: BAKE,
        };
        let minute = SignedDuration::from_secs(60);
        let halt = Next::Halt;
        let wait = Next::Wait;
        let rollout = Rollout::canaries([site(1)]);
        let on = Next::Advance(rollout.next().unwrap());
        for (seen, next) in [
            (good, on),
            (Seen { held: 3, ..good }, wait(Waiting::Acks(1))),
            (
                Seen {
                    sites: 0,
                    held: 0,
                    ..good
                },
                wait(Waiting::Acks(0)),
            ),
            (
                Seen {
                    canaries_work: 1,
                    ..good
                },
                wait(Waiting::Canaries(1)),
            ),
            (
                Seen {
                    waited: minute,
                    ..good
                },
                wait(Waiting::Time(BAKE - minute)),
            ),
            (Seen { refused: 1, ..good }, halt(Halted::Refused(1))),
            (
                Seen {
                    canaries_fail: 1,
                    held: 0,
                    ..good
                },
                halt(Halted::Canaries(1)),
            ),
        ] {
            assert_eq!(rollout.decide(&seen), next, "{seen:?}");
        }
    }

    #[test]
    fn it_reads_back_from_json() {
        for rollout in [
            Rollout::everywhere(),
            Rollout::nowhere(),
            Rollout::canaries([site(1)]).next().unwrap(),
        ] {
            let json = serde_json::to_string(&rollout).unwrap();
            assert_eq!(serde_json::from_str::<Rollout>(&json).unwrap(), rollout);
        }
    }
}
