//! Decides when reports form a spike, when sign-ins fail too often, and when they fall silent.
//!
//! Every alarm carries its promise: expected false alarms in any time `t` are at most `t / A` over
//! the whole fleet and all streams, under any dependence between them, while the true rates stay at
//! or below the baselines. Never stores, notifies or reads a clock.

mod alarm;
pub mod allowance;
pub mod baseline;
mod counts;
mod detector;
mod episode;
pub mod fall;
pub mod localise;
pub mod nodes;
pub mod outcome;
mod outcomes;
mod reports;
pub mod rise;
mod zones;

pub use alarm::{Alarm, Evidence, Stream};
pub use counts::{Counts, SiteCounts};
pub use detector::{Detector, Settings};
pub use localise::{Explanation, Localisation};
pub use nodes::{Cell, Node, Population, Term};
pub use outcomes::{OutcomeBaseline, PastHour};
pub use reports::{ReportStream, Sighting};
