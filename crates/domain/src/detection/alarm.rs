//! An alarm: what was seen, where, and what it promises. Never raised here.

use jiff::Timestamp;

use super::localise::Localisation;
use super::nodes::Node;
use crate::id::AlarmId;
use crate::text::grouped;

/// Below this, one decimal would say "0.0".
const NEXT_TO_NONE: f64 = 0.05;

/// A statistical alarm.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Alarm {
    /// Its identifier.
    pub id: AlarmId,
    /// When it was raised.
    #[schemars(with = "crate::schema::Moment")]
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
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
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
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Evidence {
    /// How many were counted since `since`.
    pub count: u64,
    /// On how many distinct sites; 0 where nobody can tell, as for silence.
    #[serde(default)]
    pub sites: u64,
    /// How many the baseline expects at most (for silence: at least).
    pub expected: f64,
    /// The likeliest start.
    #[schemars(with = "crate::schema::Moment")]
    pub since: Timestamp,
}

impl Evidence {
    /// Whether the baseline expects so few that their number would say nothing.
    #[must_use]
    pub fn is_next_to_none_expected(&self) -> bool {
        self.expected < NEXT_TO_NONE
    }
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
        let count = grouped(self.evidence.count);
        let what = match self.stream {
            Stream::Reports if self.evidence.count == 1 => "1 site reported".to_owned(),
            Stream::Reports => format!("{count} sites reported"),
            Stream::Failures => format!("{count} sign-ins failed"),
            Stream::Silence => format!("only {count} sign-ins came"),
        };
        let within = match self.minutes() {
            ..2 => "a minute".into(),
            minutes => format!("{minutes} minutes"),
        };
        format!(
            "{what} within {within}, where {}",
            usual(self.stream, &self.evidence)
        )
    }

    /// From the likeliest start to the alarm: minutes begun, at least one.
    #[must_use]
    pub fn minutes(&self) -> i64 {
        let time = self.at.duration_since(self.evidence.since).as_millis();
        let minutes = time.saturating_add(59_999).div_euclid(60_000).max(1);
        i64::try_from(minutes).unwrap_or(i64::MAX)
    }
}

/// What the baseline expects: never "at most 0.0".
fn usual(stream: Stream, evidence: &Evidence) -> String {
    let limit = if stream == Stream::Silence {
        "at least"
    } else {
        "at most"
    };
    if evidence.is_next_to_none_expected() {
        "next to none is usual".into()
    } else {
        format!("{limit} {:.1} are usual", evidence.expected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_say_what_was_seen_and_what_is_usual() {
        let at: Timestamp = "2023-07-11T21:06:00Z".parse().unwrap();
        for (stream, count, expected, seconds, words) in [
            (
                Stream::Reports,
                1,
                0.0,
                0,
                "1 site reported within a minute, where next to none is usual",
            ),
            (
                Stream::Reports,
                4,
                0.049,
                90,
                "4 sites reported within 2 minutes, where next to none is usual",
            ),
            (
                Stream::Failures,
                70,
                0.05,
                60,
                "70 sign-ins failed within a minute, where at most 0.1 are usual",
            ),
            (
                Stream::Silence,
                2,
                31.4,
                120,
                "only 2 sign-ins came within 2 minutes, where at least 31.4 are usual",
            ),
        ] {
            let alarm = Alarm {
                id: AlarmId::from_bytes(&[1; 16]).unwrap(),
                at: at + jiff::SignedDuration::from_secs(seconds),
                node: Node::Fleet,
                stream,
                evidence: Evidence {
                    count,
                    sites: 0,
                    expected,
                    since: at,
                },
                localisation: Localisation::default(),
                promise_seconds: 1.0,
            };
            assert_eq!(alarm.words(), words);
        }
    }
}
