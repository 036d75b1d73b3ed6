//! The pacing law on this origin, in virtual time: what the drill shows in real time, for many
//! fleets and seeds in a second. A campaign here is only its law, its waves and its refills.

use domain::campaign::pace::{Bucket, Gains, Pacer, Promise, Reading, in_flight_max};

use super::line::{Kind, Line, Scored};
use crate::chance::Chance;
use crate::scenario::Scenario;

/// Shares of the sites in each wave: canaries, reported, then zones west to east.
const WAVES: &[f64] = &[0.01, 0.04, 0.01, 0.005, 0.2, 0.03, 0.08, 0.28, 0.05, 0.295];
/// The same where a third of the sites reported, as in a small fleet: the slow start has no end of
/// a wave to stop it.
const WAVES_MANY_REPORTED: &[f64] = &[0.01, 0.35, 0.01, 0.005, 0.125, 0.02, 0.05, 0.18, 0.03, 0.22];
/// From the end of a refill to the end of its proof, in seconds.
const PROOF_SECONDS: f64 = 2.0;
/// The campaign's start, in seconds after the scenario's.
const START: f64 = 1_600.0;

struct Refill {
    next_at: f64,
    reads_left: usize,
}

fn play(scenario: &Scenario, sites: usize, waves: &[f64], seed: u64) -> Scored {
    let (plan, size) = (&scenario.origin, scenario.origin.size(sites));
    let mut chance = Chance::new(seed, "paced");
    let mut line = Line::new(size.workers);
    let serve = |line: &mut Line, chance: &mut Chance, at, kind| {
        let service = chance.log_normal(plan.service_seconds_mean, plan.service_spread);
        line.enter(at, service, plan.queue_seconds_max, kind)
    };
    let promise = Promise {
        idle_p95_seconds: plan.idle_p95_seconds,
        promise_p95_seconds: plan.promise_p95_seconds,
    };
    let (mut pacer, mut bucket) = (Pacer::new(promise, Gains::default()), Bucket::default());
    let mut waves: Vec<_> = waves
        .iter()
        .map(|share| (share * sites as f64) as usize)
        .collect();
    *waves.last_mut().unwrap() += sites - waves.iter().sum::<usize>();
    let (mut wave, mut waiting) = (0, waves[0]);
    let mut refills: Vec<Refill> = Vec::new();
    let (mut used, mut settled) = (false, 0);
    let mut visit_at = START - 60.0;
    let mut away: Vec<_> = plan.away.clone();
    let mut now = START - 60.0;
    loop {
        now += 1.0;
        assert!(now < START + 20_000.0, "the campaign does not end");
        away.retain(|away| {
            let at = away.at.duration_since(scenario.start).as_secs_f64();
            if at <= now {
                line.send_away(now, away.share, away.minutes * 60.0);
            }
            at > now
        });
        let visits = plan.visitors_share * size.workers as f64 / plan.service_seconds_mean;
        // In the order of time: the line takes requests as they come.
        loop {
            let first = refills
                .iter_mut()
                .min_by(|a, b| a.next_at.total_cmp(&b.next_at));
            match first {
                Some(refill) if refill.next_at <= now && refill.next_at <= visit_at => {
                    if refill.reads_left == 0 {
                        refill.next_at = f64::INFINITY;
                    } else {
                        refill.reads_left -= 1;
                        let done = serve(&mut line, &mut chance, refill.next_at, Kind::Refill);
                        let proof = if refill.reads_left == 0 {
                            PROOF_SECONDS
                        } else {
                            0.0
                        };
                        refill.next_at = done.unwrap() + proof;
                    }
                }
                _ if visit_at <= now => {
                    let _ = serve(&mut line, &mut chance, visit_at, Kind::Visit);
                    visit_at += chance.exponential(1.0 / visits);
                }
                _ => break,
            }
        }
        let before = refills.len();
        refills.retain(|refill| refill.next_at.is_finite());
        settled += (before - refills.len()) as u64;
        if now < START {
            continue;
        }
        let (utilisation, p95_seconds) = line.load(now);
        let rate = pacer.step(
            Some(Reading {
                utilisation,
                p95_seconds,
            }),
            used,
            1.0,
        );
        let room = in_flight_max(rate, promise, settled).saturating_sub(refills.len());
        let allowed = bucket.fill(rate, 1.0, room);
        used &= room > 0;
        let begun = allowed.min(waiting);
        bucket.take(begun);
        if allowed > 0 {
            used = begun >= allowed;
        }
        waiting -= begun;
        let fresh = || Refill {
            next_at: now,
            reads_left: size.reads_per_refill,
        };
        refills.extend(std::iter::repeat_with(fresh).take(begun));
        if waiting == 0 && refills.is_empty() {
            wave += 1;
            match waves.get(wave) {
                Some(sites) => waiting = *sites,
                None => return line.score(START, now, plan.promise_p95_seconds).unwrap(),
            }
        }
    }
}

#[test]
fn the_law_keeps_the_promise_near_the_bound_for_any_fleet() {
    let scenario = Scenario::read(include_str!("../../../../scenarios/july-11.toml")).unwrap();
    for sites in [120, 200, 240, 600, 3_405, 13_732] {
        for (shape, waves) in [("few", WAVES), ("many", WAVES_MANY_REPORTED)] {
            for seed in 0..10 {
                let score = play(&scenario, sites, waves, seed);
                let says = format!("{sites} sites, {shape} reported, seed {seed}: {score:?}");
                println!("{says}");
                assert!(
                    score.time_over_bound <= scenario.must_hold.time_over_bound_max,
                    "{says}"
                );
                let over = scenario.must_hold.seconds_over_promise_share_max;
                assert!(score.seconds_over_promise_share <= over, "{says}");
            }
        }
    }
}
