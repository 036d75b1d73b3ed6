//! What an origin tells about its load.

/// Load of an origin over the last seconds, as `GET telemetry_url` answers.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Telemetry {
    /// When it was measured, in milliseconds UTC of the origin's clock. Telemetry older than ten
    /// seconds counts as missing.
    pub at_ms: i64,
    /// Share of its workers that were busy, 0 to 1, averaged over the last seconds.
    pub utilisation: f64,
    /// 95th percentile of the latency of finished requests, in seconds; absent without requests.
    pub p95_seconds: Option<f64>,
}
