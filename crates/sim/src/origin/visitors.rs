//! People who read pages while the fleet is restored: load that the pacing must leave room for.
//! Never waits for the pages; browsers do that elsewhere.

use std::time::Duration;

use super::{Kind, Origin};
use crate::chance::Chance;

/// The noise of the load is redrawn this often, in seconds.
const NOISE_SECONDS: f64 = 30.0;
/// How much of the noise stays from one draw to the next.
const NOISE_KEPT: f64 = 0.7;

/// Sends page views for ever: a Poisson stream whose rate swings slowly and wanders.
pub(super) async fn come(origin: Origin, seed: u64) {
    let mut chance = Chance::new(seed, "visitors");
    let mut next = origin.0.start;
    let mut noise = Noise {
        value: 0.0,
        drawn_at: 0.0,
    };
    loop {
        let at = origin.since_start(next);
        let mean = 1.0 / rate(&origin, at, &mut noise, &mut chance);
        let gap = chance.exponential(mean);
        next = next
            .saturating_add(Duration::from_secs_f64(gap))
            .unwrap_or(next);
        origin.0.clock.sleep_until(next).await;
        // A visitor who is turned away goes elsewhere.
        let _ = origin.enter(Kind::Visit);
    }
}

struct Noise {
    value: f64,
    drawn_at: f64,
}

/// Page views in a second.
fn rate(origin: &Origin, at: f64, noise: &mut Noise, chance: &mut Chance) -> f64 {
    let plan = &origin.0.plan;
    if at - noise.drawn_at >= NOISE_SECONDS {
        // An autoregressive walk with the stationary spread `visitors_noise`.
        let fresh = plan.visitors_noise * (1.0 - NOISE_KEPT * NOISE_KEPT).sqrt();
        noise.value = NOISE_KEPT * noise.value + fresh * chance.normal();
        noise.drawn_at = at;
    }
    let turns = at / (plan.visitors_swing_minutes * 60.0);
    let swing = 1.0 + plan.visitors_swing * (turns * std::f64::consts::TAU).sin();
    #[expect(clippy::cast_precision_loss, reason = "a few workers")]
    let mean = plan.visitors_share * origin.0.size.workers as f64 / plan.service_seconds_mean;
    (mean * swing * noise.value.exp()).max(1e-3)
}
