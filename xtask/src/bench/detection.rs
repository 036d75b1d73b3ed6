//! Delay and false alarms of the detectors, in simulation. Never used by the product.

use super::{Options, Row};

/// Runs the benchmark.
pub(crate) fn run(_options: &Options) -> Vec<Row> {
    Vec::new()
}
