//! Seeds that run clean, seeds that run the same again, and bugs that are caught.

use trial::{Bug, ControlBug, Plan, run};

#[test]
fn seeds_run_clean_and_all_kinds_of_things_happen() {
    let mut tally = trial::Tally::new();
    for seed in 0..100 {
        let (trace, ended) = run(Plan {
            seed,
            ..Plan::default()
        });
        if let Err(broken) = ended {
            let lines = trace.lines();
            let tail = lines[lines.len().saturating_sub(40)..].join("\n");
            panic!("{tail}\n{broken}\nagain: cargo xtask simulate --seeds 1 --from {seed}");
        }
        for (kind, count) in trace.tally() {
            *tally.entry(kind).or_default() += count;
        }
    }
    for kind in [
        "activated",
        "goes back",
        "retired",
        "a rollout was halted",
        "a wave went on",
        "a push was lost",
        "a push came twice",
        "pushes overtook one another",
        "a write found no room",
        "a read failed",
        "stopped inside an operation",
        "lost power",
        "a file rotted",
        "an empty disk",
        "an old disk",
        "a clock was set back",
        "a clock was set forward",
        "a file did not end",
        "a file dripped",
        "stopped while publishing",
        "the backlog",
        "read during an update",
        "a site was switched without a document",
    ] {
        assert!(tally.contains_key(kind), "{kind} never happened: {tally:?}");
    }
}

#[test]
fn a_seed_runs_the_same_again() {
    for seed in [1, 7, 42] {
        let lines = || {
            let plan = Plan {
                seed,
                ..Plan::default()
            };
            run(plan).0.lines()
        };
        assert_eq!(lines(), lines());
    }
}

fn caught(plan: Plan) -> Option<u64> {
    (0..1_000).find(|seed| {
        run(Plan {
            seed: *seed,
            ..plan
        })
        .1
        .is_err()
    })
}

#[test]
fn planted_bugs_are_caught() {
    for bug in Bug::ALL {
        let plan = Plan {
            bug: Some(bug),
            ..Plan::default()
        };
        let seed = caught(plan);
        println!("{bug:?} is caught at seed {seed:?}");
        assert!(seed.is_some(), "{bug:?} is not caught");
    }
    for bug in ControlBug::ALL {
        let plan = Plan {
            control_bug: Some(bug),
            ..Plan::default()
        };
        let seed = caught(plan);
        println!("{bug:?} is caught at seed {seed:?}");
        assert!(seed.is_some(), "{bug:?} is not caught");
    }
}
