//! How the sites of an act were, minute by minute: few enough points to draw.

/// The most points of a course.
pub const POINTS_MAX: usize = 500;
/// How far apart the points of a short act are, in scenario minutes.
const STEP_MINUTES: f64 = 0.25;
/// A later point is none: some two months.
const MINUTES_MAX: f64 = 100_000.0;

/// How the sites were.
#[derive(
    Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "DrillPoint")]
pub struct Point {
    /// Scenario minutes after the release, or after its rollout began.
    pub minute: f64,
    /// Sites where sign-in fails.
    pub failing: u32,
    /// Sites that run the new release and whose people can sign in.
    pub renewed: u32,
}

/// How the sites of an act were, in the order of time.
#[derive(
    Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(transparent)]
#[schemars(rename = "DrillCourse")]
pub struct Course(Vec<Point>);

impl Course {
    /// The points.
    #[must_use]
    pub fn points(&self) -> &[Point] {
        &self.0
    }

    /// Whether it tells nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes a point unless it is too near the last one; keeps every other one when there are too
    /// many, so that a drill of any length fits.
    pub fn note(&mut self, point: Point) {
        if !self.is_due(point.minute) {
            return;
        }
        if self.0.len() + 2 > POINTS_MAX {
            let mut number = 0_usize;
            self.0.retain(|_| {
                number += 1;
                number % 2 == 1
            });
        }
        self.0.push(point);
    }

    /// Takes a point, however near the last one it is.
    pub fn note_anyway(&mut self, point: Point) {
        if self
            .0
            .last()
            .is_some_and(|last| last.minute >= point.minute)
        {
            self.0.pop();
        }
        self.0.truncate(POINTS_MAX - 1);
        self.0.push(point);
    }

    /// Whether a point of this minute is worth taking: far enough after the last one.
    #[must_use]
    pub fn is_due(&self, minute: f64) -> bool {
        let (Some(first), Some(last)) = (self.0.first(), self.0.last()) else {
            return true;
        };
        minute - last.minute >= step(minute - first.minute)
    }

    pub(super) fn check(&self, sites: u32) -> Result<(), String> {
        if self.0.len() > POINTS_MAX {
            return Err(format!("a course has at most {POINTS_MAX} points"));
        }
        let mut before = -MINUTES_MAX;
        for (number, point) in self.0.iter().enumerate() {
            if !(before..=MINUTES_MAX).contains(&point.minute) {
                let rule = format!(
                    "point {number} is at minute {}: each is at or after the one before it, within \
                     {MINUTES_MAX} minutes",
                    point.minute
                );
                return Err(rule);
            }
            before = point.minute;
            let both = u64::from(point.failing) + u64::from(point.renewed);
            if both > u64::from(sites) {
                let rule = format!("point {number} has {both} sites, and the fleet has {sites}");
                return Err(rule);
            }
        }
        Ok(())
    }
}

/// How far apart the points of a course of so many minutes are, so that they fit.
fn step(minutes: f64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a small constant")]
    let points = (POINTS_MAX - 2) as f64;
    let mut step = STEP_MINUTES;
    while minutes / step >= points && step < MINUTES_MAX {
        step *= 2.0;
    }
    step
}

impl FromIterator<Point> for Course {
    fn from_iter<T: IntoIterator<Item = Point>>(points: T) -> Self {
        Self(points.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(minute: f64) -> Point {
        let (failing, renewed) = (1, 2);
        Point {
            minute,
            failing,
            renewed,
        }
    }

    #[test]
    fn a_course_of_any_length_fits_and_keeps_its_order() {
        for (minutes, looks_per_minute, least) in [
            (20.0, 10.0, 60),
            (490.0, 10.0, 200),
            (490.0, 0.5, 200),
            (9e4, 0.1, 200),
        ] {
            let mut course = Course::default();
            let mut minute = -6.0;
            while minute < minutes {
                course.note(point(minute));
                minute += 1.0 / looks_per_minute;
            }
            course.note_anyway(point(minute));
            let count = course.points().len();
            assert!((least..=POINTS_MAX).contains(&count), "{minutes}: {count}");
            assert_eq!(course.check(3), Ok(()), "{minutes}");
            let ends = [course.points()[0].minute, course.points()[count - 1].minute];
            assert_eq!(ends, [-6.0, minute], "{minutes}");
        }
    }

    #[test]
    fn a_minute_is_there_once() {
        let mut course: Course = [point(0.0), point(5.0)].into_iter().collect();
        course.note_anyway(point(5.0));
        assert_eq!(course.points(), [point(0.0), point(5.0)]);
    }
}
