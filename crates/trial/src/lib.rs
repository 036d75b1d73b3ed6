//! The deterministic simulation of delivery: real agents, the control plane's real rules, and everything
//! around them drawn from one seed. The invariants are checked after every step.
//!
//! Never part of the product, never on the network or the disk of the machine, never in real time.

mod control;
mod dice;
mod disk;
mod executor;
mod faults;
mod fleet;
mod host;
mod invariants;
mod mirror;
mod network;
mod operators;
mod reads;
mod thief;
mod trace;
mod truth;
mod world;

pub use agent::trial::Bug;
pub use control::ControlBug;
pub use trace::{Tally, Trace};

use crate::world::World;

/// Steps of a run, before all is healed.
pub const STEPS: usize = 160;

/// What a run is to be.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plan {
    /// All that happens follows from it.
    pub seed: u64,
    /// Planted into the agents.
    pub bug: Option<Bug>,
    /// Planted into the control plane.
    pub control_bug: Option<ControlBug>,
}

/// A broken invariant.
#[derive(Clone, Debug)]
pub struct Broken {
    /// Of the run.
    pub seed: u64,
    /// The step after which it was seen; [`STEPS`] for the end, when all is healed.
    pub step: usize,
    /// What is wrong.
    pub what: String,
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { seed, step, what } = self;
        write!(f, "seed {seed}, step {step}: {what}")
    }
}

/// Runs one seed to its end, or to the first broken invariant.
pub fn run(plan: Plan) -> (Trace, Result<(), Broken>) {
    Bug::plant(plan.bug);
    let trace = Trace::default();
    let ended = run_steps(plan, &trace);
    Bug::plant(None);
    let broken = |(step, what)| Broken {
        seed: plan.seed,
        step,
        what,
    };
    (trace, ended.map_err(broken))
}

fn run_steps(plan: Plan, trace: &Trace) -> Result<(), (usize, String)> {
    let mut world = World::new(plan, trace.clone()).map_err(|what| (0, what))?;
    for step in 0..STEPS {
        world.step().map_err(|what| (step, what))?;
    }
    world.heal().map_err(|what| (STEPS, what))
}
