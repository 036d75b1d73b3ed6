//! An alarm: what was seen, where, and what it promises. Never raised here.

use jiff::Timestamp;

use super::localise::Localisation;
use super::nodes::Node;
use crate::id::AlarmId;

/// A statistical alarm.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Alarm {
    /// Its identifier.
    pub id: AlarmId,
    /// When it was raised.
    pub at: Timestamp,
    /// The stream that raised it.
    pub node: Node,
    /// What was counted there.
    pub stream: Stream,
    /// What was seen.
    pub evidence: Evidence,
    /// Which sites explain it best.
    pub localisation: Localisation,
    /// Expected false alarms are at most one in this time, over all streams together.
    pub promise_seconds: f64,
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    /// Distinct sites that reported.
    Reports,
    /// Failed sign-ins.
    Failures,
    /// Sign-ins that did not come.
    Silence,
}

impl Stream {
    /// The word it is stored and shown as.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reports => "reports",
            Self::Failures => "failures",
            Self::Silence => "silence",
        }
    }

    /// The part of all false alarms that this stream may use; the parts sum to one.
    ///
    /// Half for reports: they are the stream that every fleet has from its first day.
    pub(crate) fn share(self) -> f64 {
        match self {
            Self::Reports => 0.5,
            Self::Failures | Self::Silence => 0.25,
        }
    }
}

/// What was seen, beside what was expected.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Evidence {
    /// How many were counted since `since`.
    pub count: u64,
    /// How many the baseline expects at most (for silence: at least).
    pub expected: f64,
    /// The likeliest start.
    pub since: Timestamp,
}

impl Alarm {
    /// The alarm in words, without a time of day: pages show that in the reader's zone.
    #[must_use]
    pub fn sentence(&self) -> String {
        format!(
            "{} ({}). Best explained by {}.",
            self.words(),
            self.node,
            self.localisation
        )
    }

    /// What was seen, without a full stop.
    #[must_use]
    pub fn words(&self) -> String {
        let Evidence {
            count,
            expected,
            since,
        } = &self.evidence;
        let minutes = (self.at.duration_since(*since).as_secs_f64() / 60.0)
            .ceil()
            .max(1.0);
        let what = match self.stream {
            Stream::Reports if *count == 1 => "1 site reported".to_owned(),
            Stream::Reports => format!("{count} sites reported"),
            Stream::Failures => format!("{count} sign-ins failed"),
            Stream::Silence => format!("only {count} sign-ins came"),
        };
        let limit = if self.stream == Stream::Silence {
            "at least"
        } else {
            "at most"
        };
        let within = if minutes <= 1.0 {
            "a minute".into()
        } else {
            format!("{minutes} minutes")
        };
        format!("{what} within {within}, where {limit} {expected:.1} are usual")
    }
}
