//! Pacing of a campaign over an origin with a hidden and changing capacity, in simulation: our law
//! beside its peers. Each peer runs with the gains that suit it best on the same worlds. Never used
//! by the product.

mod laws;
mod world;

use self::laws::{Adaptive, Aimd, Law, Proportional, Swift, TokenBucket};
use self::world::{Outcome, World};
use super::{Options, Row};

/// Sites of one campaign.
const SITES: f64 = 60_000.0;
/// Worlds that every law goes through.
const WORLDS: u64 = 10;
/// Share of seconds over the promise that a law's gains may cost.
const OVER_PROMISE_MAX: f64 = 0.01;

/// A law's makers, one for each choice of its gains.
type Choices = Vec<Maker>;
type Maker = Box<dyn Fn() -> Box<dyn Law>>;

/// Runs the benchmark.
pub(crate) fn run(options: &Options) -> Vec<Row> {
    let (ours, ours_large) = scores(&|| Box::new(Adaptive::new()), options.seed);
    let mut rows = vec![];
    for (name, choices) in peers() {
        let Some((peer, peer_large)) = best(&choices, options.seed) else {
            println!("{name}: no choice of gains holds the promise");
            continue;
        };
        let over = |score: &Outcome| score.seconds_over_promise_share * 100.0;
        let mut row = |measure: &str, unit, ours, peer| {
            rows.push(Row::new(measure, unit, ours, (name, peer)));
        };
        row(
            "time over bound",
            "T*",
            ours.time_over_bound,
            peer.time_over_bound,
        );
        row("seconds over promise", "%", over(&ours), over(&peer));
        row(
            "time over bound, 100 times the capacity",
            "T*",
            ours_large.time_over_bound,
            peer_large.time_over_bound,
        );
        row(
            "seconds over promise, 100 times the capacity",
            "%",
            over(&ours_large),
            over(&peer_large),
        );
    }
    rows
}

/// Mean scores over all worlds: as they are, and with a hundred times the capacity and the sites.
fn scores(law: &dyn Fn() -> Box<dyn Law>, seed: u64) -> (Outcome, Outcome) {
    (mean(law, seed, 1.0), mean(law, seed, 100.0))
}

fn mean(law: &dyn Fn() -> Box<dyn Law>, seed: u64, scale: f64) -> Outcome {
    let outcomes: Vec<_> = (0..WORLDS)
        .map(|number| World::new(seed + number, scale).run(&mut *law(), SITES * scale))
        .collect();
    let mean = |of: fn(&Outcome) -> f64| outcomes.iter().map(of).sum::<f64>() / WORLDS as f64;
    Outcome {
        time_over_bound: mean(|one| one.time_over_bound),
        seconds_over_promise_share: mean(|one| one.seconds_over_promise_share),
    }
}

/// The fastest choice of gains that holds the promise, judged on the worlds themselves: a peer gets
/// every advantage.
fn best(choices: &Choices, seed: u64) -> Option<(Outcome, Outcome)> {
    choices
        .iter()
        .map(|law| (law, mean(law, seed, 1.0)))
        // A peer without a choice is shown as it is.
        .filter(|(_, score)| {
            choices.len() == 1 || score.seconds_over_promise_share <= OVER_PROMISE_MAX
        })
        .min_by(|(_, one), (_, other)| one.time_over_bound.total_cmp(&other.time_over_bound))
        .map(|(law, score)| (score, mean(law, seed, 100.0)))
}

fn peers() -> Vec<(&'static str, Choices)> {
    fn grid<L: Law + 'static>(
        first: &[f64],
        second: &[f64],
        make: impl Fn(f64, f64) -> L + Copy + 'static,
    ) -> Choices {
        let pairs = first
            .iter()
            .flat_map(|a| second.iter().map(move |b| (*a, *b)));
        pairs
            .map(|(a, b)| Box::new(move || Box::new(make(a, b)) as Box<dyn Law>) as Box<_>)
            .collect()
    }
    let rates = [
        2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 15.0, 18.0, 22.0, 27.0, 33.0, 40.0,
    ];
    let reference: Choices = vec![Box::new(|| Box::new(Adaptive::reference()))];
    vec![
        ("reference law", reference),
        (
            "token bucket",
            grid(&rates, &[0.0], |rate, _| TokenBucket(rate)),
        ),
        (
            "AIMD",
            grid(&[0.1, 0.2, 0.4, 0.8, 1.6], &[0.5, 0.7, 0.85], Aimd::new),
        ),
        (
            "PI",
            grid(
                &[0.0, 1.0, 5.0, 20.0],
                &[0.01, 0.03, 0.1, 0.3, 1.0],
                Proportional::new,
            ),
        ),
        (
            "Swift-like",
            grid(&[0.1, 0.2, 0.4, 0.8], &[0.3, 0.5, 0.8], Swift::new),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_law_meets_its_promise_on_ten_seeds() {
        let mut over = 0.0;
        for seed in 0..10 {
            let outcome = World::new(seed, 1.0).run(&mut Adaptive::new(), SITES);
            println!("seed {seed}: {outcome:?}");
            assert!(outcome.time_over_bound <= 1.6, "seed {seed}: {outcome:?}");
            assert!(
                outcome.time_over_bound >= 1.0,
                "seed {seed} beats the bound: {outcome:?}"
            );
            // One world loses a fifth of six servers early in a short campaign.
            assert!(
                outcome.seconds_over_promise_share <= 0.03,
                "seed {seed}: {outcome:?}"
            );
            over += outcome.seconds_over_promise_share / 10.0;
        }
        assert!(over <= 0.015, "{over}");
    }

    #[test]
    fn the_law_needs_no_knowledge_of_the_capacity() {
        for scale in [0.5, 10.0, 100.0] {
            let outcome = World::new(711, scale).run(&mut Adaptive::new(), SITES * scale);
            println!("scale {scale}, seed 711: {outcome:?}");
            assert!(outcome.time_over_bound <= 1.6, "scale {scale}: {outcome:?}");
        }
    }
}
