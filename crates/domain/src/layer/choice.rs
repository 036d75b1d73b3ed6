//! Which versions of a document and its layers a site reads as one. Agents and the control plane both
//! ask here, so that they decide alike.

use std::collections::BTreeSet;
use std::sync::Arc;

use semver::{Comparator, Op, Prerelease, Version, VersionReq};

use crate::document::Document;
use crate::rollout::Rollout;

/// A version of a document or of a layer, as far as it decides what is read.
pub trait Piece {
    /// The releases that can honour it.
    fn accepts(&self) -> &VersionReq;
    /// Which sites are given it.
    fn rollout(&self) -> &Rollout;
}

impl<T: Piece> Piece for Arc<T> {
    fn accepts(&self) -> &VersionReq {
        T::accepts(self)
    }

    fn rollout(&self) -> &Rollout {
        T::rollout(self)
    }
}

impl Piece for Document {
    fn accepts(&self) -> &VersionReq {
        &self.accepts
    }

    fn rollout(&self) -> &Rollout {
        &self.rollout
    }
}

/// What a layer adds for a site.
#[derive(Debug, PartialEq, Eq)]
pub enum Choice<'a, T> {
    /// This version.
    Piece(&'a T),
    /// Nothing yet: its versions are not given to the site, or the site refused them.
    NotYet,
    /// The layer is the site's, and no version of it accepts the code: the site reads nothing, because
    /// the document without its layer may be as wrong as one for other code.
    Uncovered,
}

/// The newest version of a document that accepts `code` and is given to the site. Versions come newest
/// first.
pub fn base_choice<'a, T: Piece>(
    versions: &'a [T],
    code: &Version,
    is_given: impl Fn(&T) -> bool,
) -> Option<&'a T> {
    let mut versions = versions.iter();
    versions.find(|one| one.accepts().matches(code) && is_given(one))
}

/// What a layer adds for a site that runs `code`. Versions come newest first.
///
/// A layer of which no version is for all its sites yet is not the site's before its turn.
pub fn layer_choice<'a, T: Piece>(
    versions: &'a [T],
    code: &Version,
    is_given: impl Fn(&T) -> bool,
) -> Choice<'a, T> {
    if let Some(piece) = base_choice(versions, code, is_given) {
        return Choice::Piece(piece);
    }
    let accepting = |one: &T| one.accepts().matches(code);
    let is_settled = versions.iter().any(|one| one.rollout().is_everywhere());
    if is_settled && !versions.iter().any(accepting) {
        return Choice::Uncovered;
    }
    Choice::NotYet
}

/// The pieces that a site running `code` reads as one, in the order in which they are merged; the base is
/// the first. `layers` are those of the site, in that order, each newest first. `None` when the site reads
/// nothing: no version of the base is for it, or a layer of its has none that accepts the code.
pub fn choose<'a, T: Piece>(
    base: &'a [T],
    layers: impl IntoIterator<Item = &'a [T]>,
    code: &Version,
    is_given: impl Fn(&T) -> bool,
) -> Option<Vec<&'a T>> {
    let mut pieces = vec![base_choice(base, code, &is_given)?];
    for versions in layers {
        match layer_choice(versions, code, &is_given) {
            Choice::Piece(piece) => pieces.push(piece),
            Choice::NotYet => {}
            Choice::Uncovered => return None,
        }
    }
    Some(pieces)
}

/// For sites that compare their code themselves: sets of pieces, each with the releases it is for. The
/// first that accepts a code is what [`choose`] gives; at most `limit`, the newest first. With layers, a prerelease
/// may find nothing, where ranges name prereleases of different releases.
pub fn ranges<'a, T: Piece>(
    base: &'a [T],
    layers: &[&'a [T]],
    is_given: impl Fn(&T) -> bool,
    limit: usize,
) -> Vec<(Vec<&'a T>, VersionReq)> {
    let given = |versions: &'a [T]| versions.iter().filter(|one| is_given(one));
    // A piece, or none, and the releases that this is for; without a range, all of them.
    type Set<'a, T> = Vec<(Option<&'a T>, Option<&'a VersionReq>)>;
    let piece = |one: &'a T| (Some(one), Some(one.accepts()));
    let mut sets: Vec<Set<'a, T>> = given(base).map(|one| vec![piece(one)]).collect();
    for versions in layers {
        let mut choices: Set<'a, T> = given(versions).map(piece).collect();
        if versions.iter().any(|one| one.rollout().is_everywhere()) {
            let others = versions.iter().filter(|one| !is_given(one));
            choices.extend(others.map(|one| (None, Some(one.accepts()))));
        } else {
            choices.push((None, None));
        }
        let with = |set: &Set<'a, T>| {
            let set = set.clone();
            let grown = choices.iter().map(|choice| [&set[..], &[*choice]].concat());
            grown.collect::<Vec<_>>()
        };
        sets = sets.iter().flat_map(with).take(limit).collect();
    }
    // Those that come before the pieces of a set.
    let newer = |set: &Set<'a, T>| -> Vec<&'a VersionReq> {
        let stacks = std::iter::once(base).chain(layers.iter().copied());
        let newer = stacks.zip(set).flat_map(|(versions, (piece, _))| {
            let is_own = |one: &T| piece.is_some_and(|piece| std::ptr::eq(piece, one));
            given(versions).take_while(move |one| !is_own(one))
        });
        newer.map(T::accepts).collect()
    };
    let read = sets.into_iter().filter_map(|set| {
        let ranges: Vec<_> = set.iter().filter_map(|(_, accepts)| *accepts).collect();
        let accepts = if layers.is_empty() || name_the_same(&ranges, &newer(&set)) {
            all_of(ranges.iter().flat_map(|range| &range.comparators).cloned())
        } else {
            let comparators = ranges.iter().flat_map(|range| &range.comparators);
            all_of(comparators.map(plain).collect::<Option<Vec<_>>>()?)
        };
        Some((
            set.iter().filter_map(|(piece, _)| *piece).collect(),
            accepts,
        ))
    });
    read.take(limit).collect()
}

/// The releases that satisfy all of several comparators.
fn all_of(comparators: impl IntoIterator<Item = Comparator>) -> VersionReq {
    let mut distinct: Vec<Comparator> = vec![];
    for comparator in comparators {
        if !distinct.contains(&comparator) {
            distinct.push(comparator);
        }
    }
    VersionReq {
        comparators: distinct,
    }
}

/// Whether prereleases may be compared with several ranges as one, and with `newer` ranges before them.
///
/// A range accepts only prereleases of a release of which it names one, and among other ranges it would admit these for
/// them as well. So all must name prereleases of the same releases. A newer range that names some of them and others has
/// no such set, and would be passed over.
fn name_the_same(ranges: &[&VersionReq], newer: &[&VersionReq]) -> bool {
    let first = ranges.first().map(|range| named(range)).unwrap_or_default();
    let is_same = |range: &&VersionReq| named(range) == first;
    let differs = |range: &&VersionReq| !is_same(range) && !named(range).is_disjoint(&first);
    ranges.iter().all(is_same) && !newer.iter().any(differs)
}

/// The releases of which a range names a prerelease.
fn named(range: &VersionReq) -> BTreeSet<(u64, Option<u64>, Option<u64>)> {
    let named = range.comparators.iter().filter(|one| !one.pre.is_empty());
    named.map(|one| (one.major, one.minor, one.patch)).collect()
}

/// A comparator that says the same of releases and accepts no prerelease; `None` for one that accepts a
/// prerelease only.
fn plain(comparator: &Comparator) -> Option<Comparator> {
    if comparator.pre.is_empty() {
        return Some(comparator.clone());
    }
    let op = match comparator.op {
        Op::Exact => return None,
        // 5.2.0 is the first release after 5.2.0-rc.1.
        Op::Greater => Op::GreaterEq,
        Op::LessEq => Op::Less,
        other => other,
    };
    Some(Comparator {
        op,
        pre: Prerelease::EMPTY,
        ..comparator.clone()
    })
}

#[cfg(test)]
mod tests {
    use rand::{RngExt as _, SeedableRng as _};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::name::Hostname;

    #[derive(Debug, PartialEq, Eq)]
    struct Version3(u64, VersionReq, Rollout);

    impl Piece for Version3 {
        fn accepts(&self) -> &VersionReq {
            &self.1
        }

        fn rollout(&self) -> &Rollout {
            &self.2
        }
    }

    fn all(number: u64, accepts: &str) -> Version3 {
        Version3(
            number,
            VersionReq::parse(accepts).unwrap(),
            Rollout::everywhere(),
        )
    }

    fn code(text: &str) -> Version {
        Version::parse(text).unwrap()
    }

    fn numbers(found: Option<Vec<&Version3>>) -> Option<Vec<u64>> {
        found.map(|pieces| pieces.iter().map(|one| one.0).collect())
    }

    #[test]
    fn each_piece_is_the_newest_that_accepts_the_code_and_is_given() {
        let canary = || Rollout::canaries([Hostname::parse("a.gov").unwrap()]);
        let base = [all(2, ">=5.2"), all(1, "<5.2")];
        let zone = [all(12, ">=5.2"), all(11, "*")];
        let new = [Version3(21, VersionReq::STAR, canary())];
        let old_only = [all(31, "<5.2")];
        let halted = [
            Version3(42, VersionReq::STAR, Rollout::nowhere()),
            all(41, "<5.2"),
        ];
        let given = |one: &Version3| one.2.is_everywhere();
        let read = |layers: &[&[Version3]], text: &str| {
            numbers(choose(&base, layers.iter().copied(), &code(text), given))
        };
        for (layers, text, pieces, why) in [
            (&[&zone[..]][..], "5.2.0", Some(vec![2, 12]), "the newest"),
            (&[&zone], "5.1.0", Some(vec![1, 11]), "that accepts"),
            (
                &[&new],
                "5.2.0",
                Some(vec![2]),
                "a new layer before its turn",
            ),
            (
                &[&old_only],
                "5.1.0",
                Some(vec![1, 31]),
                "a layer for old code",
            ),
            (
                &[&old_only],
                "5.2.0",
                None,
                "never without a layer that is not for its code",
            ),
            (
                &[&halted],
                "5.2.0",
                Some(vec![2]),
                "what was halted was never read",
            ),
            (&[&[]], "5.2.0", Some(vec![2]), "no version"),
            (
                &[&zone, &new, &old_only],
                "5.1.0",
                Some(vec![1, 11, 31]),
                "in order",
            ),
        ] {
            assert_eq!(read(layers, text), pieces, "{why}");
        }
        assert_eq!(
            numbers(choose(&base[..1], [&zone[..]], &code("5.1.0"), given)),
            None
        );
    }

    /// From one candidate to the next, sites that read files go on reading.
    #[test]
    fn prereleases_of_one_release_find_what_a_read_gives() {
        let base = [
            all(3, "<5.2.0-rc.1"),
            all(2, ">=5.2.0-rc.2"),
            all(1, ">=5.2.0-rc.1"),
        ];
        let layer = [all(12, ">5.2.0-rc.1"), all(11, "=5.2.0-rc.1")];
        let sets = ranges(&base, &[&layer], |_| true, 1_000);
        let found = |text: &str| {
            let mut sets = sets.iter();
            let found = sets.find(|(_, accepts)| accepts.matches(&code(text)));
            numbers(found.map(|(pieces, _)| pieces.clone()))
        };
        assert_eq!(found("5.2.0-rc.1"), Some(vec![1, 11]));
        assert_eq!(found("5.2.0-rc.2"), Some(vec![2, 12]));
        assert_eq!(found("5.2.0"), Some(vec![2, 12]));
        // The layer has nothing for it.
        assert_eq!(found("5.2.0-beta"), None);
    }

    #[test]
    fn ranges_say_of_every_code_what_a_read_gives() {
        const RANGES: [&str; 12] = [
            "*",
            "^5",
            "<5.2",
            ">=5.2",
            "=5.1.0",
            "~5.2",
            ">=5.2.0-rc.1",
            "<5.2.0-rc.1",
            "^5.1.0-rc.2",
            ">5.2.0-rc.0",
            "<=5.2.0-rc.1",
            "=5.2.0-rc.1",
        ];
        const CODES: [&str; 7] = [
            "4.0.0",
            "5.0.0",
            "5.1.0",
            "5.1.0-rc.2",
            "5.2.0",
            "5.2.0-rc.1",
            "5.2.7",
        ];
        for seed in 0..3_000 {
            let mut chance = ChaCha8Rng::seed_from_u64(seed);
            let mut stack = |from: u64| -> Vec<Version3> {
                let count = chance.random_range(0..4);
                let one = |number| {
                    let accepts = RANGES[chance.random_range(0..RANGES.len())];
                    let mut one = all(from + number, accepts);
                    if chance.random_bool(0.3) {
                        one.2 = Rollout::nowhere();
                    }
                    one
                };
                (0..count).rev().map(one).collect()
            };
            let (base, layers) = (stack(0), [stack(10), stack(20)]);
            let layers: Vec<_> = layers.iter().map(Vec::as_slice).collect();
            // Canaries are given what is not everywhere.
            let is_canary = chance.random_bool(0.5);
            let given = |one: &Version3| (is_canary || one.2.is_everywhere()) && one.0 % 5 != 3;
            let sets = ranges(&base, &layers, given, 1_000);
            for text in CODES {
                let code = code(text);
                let read = numbers(choose(&base, layers.iter().copied(), &code, given));
                let found = sets.iter().find(|(_, accepts)| accepts.matches(&code));
                let found = found.map(|(pieces, _)| pieces.iter().map(|one| one.0).collect());
                let left_out = found.is_none() && !code.pre.is_empty();
                assert!(
                    found == read || left_out,
                    "seed {seed}, {text}: {found:?}, {read:?}\n{base:?}\n{layers:?}"
                );
            }
        }
    }
}
