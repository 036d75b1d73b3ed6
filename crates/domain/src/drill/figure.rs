//! A figure of a drill, with its unit: how it is written, and whether it holds.

use crate::text::grouped;

/// Beyond this no figure of a drill says anything, and whole numbers are no longer exact.
const VALUE_MAX: f64 = 1e15;

/// What was measured, beside what must hold and what really happened.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[schemars(rename = "DrillFigure")]
pub struct Figure {
    /// What it is, such as "release to all restored".
    pub what: String,
    /// What its numbers count.
    pub unit: Unit,
    /// What was measured. Absent where it never came to it: then it does not hold.
    pub measured: Option<f64>,
    /// How many it was counted from, where that says something.
    #[serde(default)]
    pub of: Option<f64>,
    /// What it may be at most; absent where nothing must hold.
    #[serde(default)]
    pub at_most: Option<f64>,
    /// What it was in the real incident, if that is known.
    #[serde(default)]
    pub real: Option<f64>,
}

/// What the numbers of a figure count.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "DrillUnit")]
pub enum Unit {
    /// Seconds of the scenario.
    Seconds,
    /// Things that are counted.
    Count,
    /// How many times as much.
    Ratio,
    /// A share, from 0 to 1.
    Share,
}

impl Figure {
    /// A figure that is only told: nothing must hold.
    #[must_use]
    pub fn new(what: &str, unit: Unit, measured: f64) -> Self {
        Self {
            what: what.into(),
            unit,
            // What never ended took for ever.
            measured: measured.is_finite().then_some(measured),
            of: None,
            at_most: None,
            real: None,
        }
    }

    /// It must be at most so much.
    #[must_use]
    pub fn at_most(self, most: f64) -> Self {
        Self {
            at_most: Some(most),
            ..self
        }
    }

    /// It was so much in the real incident.
    #[must_use]
    pub fn real(self, real: f64) -> Self {
        Self {
            real: Some(real),
            ..self
        }
    }

    /// Whether it held; `None` where nothing must.
    #[must_use]
    pub fn held(&self) -> Option<bool> {
        let most = self.at_most?;
        Some(self.measured.is_some_and(|measured| measured <= most))
    }

    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        let numbers = [
            ("measured", self.measured),
            ("of", self.of),
            ("at_most", self.at_most),
            ("real", self.real),
        ];
        for (field, number) in numbers {
            // Not written as a comparison with the opposite: a number that is none compares with nothing.
            if !number.is_none_or(|number| number.abs() <= VALUE_MAX) {
                return Err((field, format!("a figure is at most {VALUE_MAX:e}")));
            }
        }
        Ok(())
    }
}

impl Unit {
    /// A value with its unit, such as "3 min 00 s", "3,002", "1.39" or "0.7%".
    #[must_use]
    pub fn write(self, value: f64) -> String {
        match self {
            Self::Seconds => duration(value),
            Self::Count => count(value),
            Self::Ratio => format!("{value:.2}"),
            Self::Share => format!("{:.1}%", value * 100.0),
        }
    }
}

fn count(value: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count, which a figure's bound keeps far below 2^64"
    )]
    let whole = value.abs().round() as u64;
    let sign = if value <= -0.5 { "-" } else { "" };
    format!("{sign}{}", grouped(whole))
}

/// A length of time in two units at most: "9 s", "3 min 00 s", "2 h 27 min".
#[must_use]
pub fn duration(seconds: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "seconds of a drill")]
    let whole = seconds.round() as i64;
    let (sign, whole) = (if whole < 0 { "-" } else { "" }, whole.unsigned_abs());
    match (whole / 3_600, whole / 60 % 60, whole % 60) {
        (0, 0, seconds) => format!("{sign}{seconds} s"),
        (0, minutes, seconds) => format!("{sign}{minutes} min {seconds:02} s"),
        (hours, minutes, _) => format!("{sign}{hours} h {minutes:02} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_read_well() {
        for (unit, value, says) in [
            (Unit::Seconds, 9.4, "9 s"),
            (Unit::Seconds, -9.0, "-9 s"),
            (Unit::Seconds, 180.0, "3 min 00 s"),
            (Unit::Seconds, 8_820.0, "2 h 27 min"),
            (Unit::Count, 3_002.0, "3,002"),
            (Unit::Count, -2.0, "-2"),
            (Unit::Count, -0.0, "0"),
            (Unit::Ratio, 1.394, "1.39"),
            (Unit::Share, 0.007, "0.7%"),
        ] {
            assert_eq!(unit.write(value), says, "{unit:?} {value}");
        }
    }

    #[test]
    fn what_was_not_measured_does_not_hold() {
        let figure = |measured: f64| Figure::new("x", Unit::Seconds, measured);
        for (figure, held) in [
            (figure(1.0), None),
            (figure(1.0).at_most(1.0), Some(true)),
            (figure(1.1).at_most(1.0), Some(false)),
            (figure(f64::INFINITY).at_most(1.0), Some(false)),
            (figure(f64::NAN).at_most(1.0), Some(false)),
        ] {
            assert_eq!(figure.held(), held, "{figure:?}");
        }
    }
}
