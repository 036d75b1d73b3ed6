//! Sign-in outcomes, counted beside the sites and sent in bulk.

use std::collections::BTreeMap;

use domain::name::Hostname;

/// The most sites that one message may name.
pub const SITES_MAX: usize = 5_000;

/// Sign-ins of many sites over one interval.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Outcomes {
    /// The end of the interval, in milliseconds UTC.
    pub at_ms: i64,
    /// One row for each site with at least one attempt.
    pub rows: Vec<SiteOutcomes>,
}

/// Sign-ins of one site over one interval.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SiteOutcomes {
    /// The site.
    pub site: Hostname,
    /// Sign-ins that were begun and ended, well or badly; distinct users.
    pub attempts: u32,
    /// Those that failed, by error code. Their sum is at most `attempts`.
    #[serde(default)]
    pub failures: BTreeMap<String, u32>,
}
