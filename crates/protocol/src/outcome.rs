//! Sign-in outcomes, counted beside the sites and sent in bulk.

use std::collections::BTreeMap;

use domain::id::SeriesId;
use domain::name::Hostname;

/// The most sites that one message may name.
pub const SITES_MAX: usize = 5_000;

/// The most sign-ins of one site in one message. A fleet with 277,000 a day has so many in a mean
/// hour altogether: no site has them, however long its sender had to wait.
pub const ATTEMPTS_MAX: u32 = 12_000;

/// Sign-ins of many sites over one interval.
#[derive(
    Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
pub struct Outcomes {
    /// The end of the interval, in milliseconds UTC.
    pub at_ms: i64,
    /// One row for each site with at least one attempt; no site has two.
    pub rows: Vec<SiteOutcomes>,
    /// Tells the same message sent again from another: it counts once. Without it, each counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<Batch>,
}

/// How a sender tells its messages apart.
///
/// A message whose answer was lost is sent again as it was, before any later one: a number that is
/// not above the last one taken was taken before.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    /// Made when the sender starts: its numbers begin again then.
    pub series: SeriesId,
    /// Counts up within the series.
    pub number: u64,
}

/// Sign-ins of one site over one interval.
#[derive(
    Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
pub struct SiteOutcomes {
    /// The site.
    pub site: Hostname,
    /// Sign-ins that were begun and ended, well or badly; distinct users. At most
    /// [`ATTEMPTS_MAX`].
    pub attempts: u32,
    /// Those that failed, by error code. Their sum is at most `attempts`.
    #[serde(default)]
    pub failures: BTreeMap<String, u32>,
}
