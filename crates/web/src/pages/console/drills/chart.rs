//! Draws the course of an act: where sign-in failed, and who runs the new release. The same is told
//! in a sentence and in a table, for those who cannot see it. Never measures.

use std::fmt::Write as _;

use domain::drill::{Course, Happened, Point, duration};

use crate::language::{say, tell};
use crate::pages::words;

/// The width of the picture, in its own units.
const WIDTH: f64 = 1000.0;
/// Room above each lane for its title, large enough for a phone.
const TITLE: f64 = 46.0;
/// Room for the numbers of milestones between the title and the lane.
const MARKS: f64 = 40.0;
/// Room below the last lane for the times.
const TIMES: f64 = 46.0;
const HEIGHT: f64 = 190.0;
const LOW_HEIGHT: f64 = 56.0;
/// Marks nearer than that stand on both sides of their rules, not above them.
const NEAR: f64 = 50.0;
/// Minutes between two times below the picture.
const STEPS: [f64; 9] = [1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 240.0];
const TIMES_MAX: f64 = 6.0;
/// The most rows of the table.
const LINES_MAX: usize = 25;

/// A picture, and what it says.
pub(super) struct Chart {
    pub(super) svg: String,
    pub(super) says: String,
    pub(super) lines: Vec<Line>,
}

/// A moment of the course in the table.
pub(super) struct Line {
    pub(super) minute: String,
    pub(super) failing: String,
    pub(super) renewed: String,
}

/// The picture of what broke, with the real incident's milestones; nothing where nothing was noted.
pub(super) fn as_it_happened(course: &Course, sites: u32, happened: &Happened) -> Option<Chart> {
    let span = Span::of(course, happened.done.into())?;
    let title = tell("drill-chart-failing", [("sites", number(sites))]);
    let top = TITLE + MARKS;
    let mut svg = begin(top + HEIGHT + TIMES);
    text(&mut svg, TITLE - 14.0, &title);
    marks(&mut svg, &span, happened);
    let line = Lane {
        span: &span,
        bottom: top + HEIGHT,
        height: HEIGHT,
        whole: sites,
    };
    line.draw(&mut svg, course, |point| point.failing, "failing");
    times(&mut svg, &span, top + HEIGHT);
    svg.push_str("</svg>");
    Some(Chart {
        svg,
        says: says_failing(course.points(), sites),
        lines: lines(course.points()),
    })
}

/// The picture of a rollout under agents; nothing where nothing was noted.
pub(super) fn as_it_should_be(course: &Course, sites: u32) -> Option<Chart> {
    let span = Span::of(course, 0.0)?;
    let points = course.points();
    let most = points.iter().map(|point| point.failing).max().unwrap_or(0);
    let bottom = TITLE + HEIGHT;
    let low = bottom + 14.0 + TITLE + LOW_HEIGHT;
    let mut svg = begin(low + TIMES);
    let title = tell("drill-chart-rollout", [("sites", number(sites))]);
    text(&mut svg, TITLE - 14.0, &title);
    let upper = Lane {
        span: &span,
        bottom,
        height: HEIGHT,
        whole: sites,
    };
    upper.draw(&mut svg, course, |point| point.renewed, "renewed");
    let title = tell("drill-chart-rollout-failing", [("n", number(most))]);
    text(&mut svg, bottom + 14.0 + TITLE - 14.0, &title);
    let lower = Lane {
        span: &span,
        bottom: low,
        height: LOW_HEIGHT,
        whole: most,
    };
    lower.draw(&mut svg, course, |point| point.failing, "failing");
    times(&mut svg, &span, low);
    svg.push_str("</svg>");
    Some(Chart {
        svg,
        says: says_rollout(points, sites, most),
        lines: lines(points),
    })
}

/// Sentences about sites where sign-in failed.
fn says_failing(points: &[Point], sites: u32) -> String {
    let Some(most) = points.iter().map(|point| point.failing).max() else {
        return String::new();
    };
    let values = [("most", number(most)), ("sites", number(sites))];
    let peak = points.iter().position(|point| point.failing == most);
    let after = points.get(peak.unwrap_or(0)..).unwrap_or_default();
    let last = points.last().map_or(0.0, |point| point.minute);
    let left = points.last().map_or(0, |point| point.failing);
    let [most, sites] = values;
    if left > 0 {
        let values = [most, sites, ("left", number(left)), ("last", minutes(last))];
        return tell("drill-says-some-left", values);
    }
    let half = after
        .iter()
        .find(|point| u64::from(point.failing) * 2 <= u64::from(after[0].failing));
    let fine = points.iter().rposition(|point| point.failing > 0);
    let fine = fine.and_then(|at| points.get(at + 1));
    let at = |point: Option<&Point>| minutes(point.map_or(last, |point| point.minute));
    let values = [most, sites, ("half", at(half)), ("last", at(fine))];
    tell("drill-says-fell", values)
}

/// A sentence about a rollout.
fn says_rollout(points: &[Point], sites: u32, most: u32) -> String {
    let renewed = points.last().map_or(0, |point| point.renewed);
    let done = points.iter().find(|point| point.renewed >= renewed);
    let last = minutes(done.map_or(0.0, |point| point.minute));
    let values = [
        ("renewed", number(renewed)),
        ("sites", number(sites)),
        ("last", last),
    ];
    if most == 0 {
        return tell("drill-says-nothing-failed", values);
    }
    let [renewed, sites, last] = values;
    tell(
        "drill-says-some-failed",
        [("most", number(most)), renewed, sites, last],
    )
}

fn number(count: u32) -> crate::language::Value<'static> {
    count.into()
}

fn minutes(minutes: f64) -> crate::language::Value<'static> {
    duration(minutes * 60.0).into()
}

/// Some points for the table: the first, the last, and others evenly between them.
fn lines(points: &[Point]) -> Vec<Line> {
    let every = points.len().div_ceil(LINES_MAX).max(1);
    let last = points.len().saturating_sub(1);
    let chosen = points.iter().enumerate();
    let chosen = chosen.filter(|(number, _)| number.is_multiple_of(every) || *number == last);
    let count = |sites: u32| words::count(sites as usize);
    let line = |(_, point): (usize, &Point)| Line {
        minute: format!("{:.1}", point.minute),
        failing: count(point.failing),
        renewed: count(point.renewed),
    };
    chosen.map(line).collect()
}

/// The time that a picture shows, in minutes.
struct Span {
    from: f64,
    until: f64,
}

impl Span {
    fn of(course: &Course, at_least_until: f64) -> Option<Self> {
        let (first, last) = (course.points().first()?, course.points().last()?);
        Some(Self {
            from: first.minute.min(0.0),
            until: last.minute.max(at_least_until),
        })
    }

    fn x(&self, minute: f64) -> f64 {
        let whole = (self.until - self.from).max(f64::EPSILON);
        (WIDTH * (minute - self.from) / whole).clamp(0.0, WIDTH)
    }
}

/// A lane of a picture.
struct Lane<'a> {
    span: &'a Span,
    bottom: f64,
    height: f64,
    /// How many sites its top stands for.
    whole: u32,
}

impl Lane<'_> {
    /// A count of sites as the ground below a line; the whole is a rule at the top.
    fn draw(&self, svg: &mut String, course: &Course, count: impl Fn(&Point) -> u32, class: &str) {
        let (bottom, height) = (self.bottom, self.height);
        let y = |sites: u32| bottom - height * f64::from(sites) / f64::from(self.whole.max(1));
        let (mut line, mut ground, mut last) = (String::new(), String::new(), 0.0);
        for point in course.points() {
            let x = self.span.x(point.minute);
            let step = if line.is_empty() { 'M' } else { 'L' };
            if line.is_empty() {
                let _ = write!(ground, "M{x:.1} {bottom:.0}");
            }
            let y = y(count(point));
            let _ = write!(line, "{step}{x:.1} {y:.1}");
            let _ = write!(ground, "L{x:.1} {y:.1}");
            last = x;
        }
        let top = bottom - height;
        let whole = if self.whole > 0 {
            format!(r#"<path class="whole" d="M0 {top:.0}h{WIDTH:.0}"/>"#)
        } else {
            String::new()
        };
        let _ = write!(
            svg,
            r#"{whole}<path class="axis" d="M0 {bottom:.0}h{WIDTH:.0}"/><path class="ground {class}" d="{ground}L{last:.1} {bottom:.0}z"/><path class="course {class}" d="{line}"/>"#
        );
    }
}

fn begin(height: f64) -> String {
    let label = say("drill-chart-label");
    format!(
        r#"<svg class="chart" viewBox="0 0 {WIDTH:.0} {height:.0}" role="img" aria-label="{label}">"#
    )
}

fn text(svg: &mut String, y: f64, says: &str) {
    let _ = write!(svg, r#"<text x="0" y="{y:.0}">{says}</text>"#);
}

/// The real incident's milestones: a rule and a number each; the list below the picture names them.
fn marks(svg: &mut String, span: &Span, happened: &Happened) {
    let at = milestones(happened).map(|(minute, _)| span.x(minute.into()));
    let (top, bottom) = (TITLE + MARKS, TITLE + MARKS + HEIGHT);
    for (number, x) in at.iter().enumerate() {
        let before = number.checked_sub(1).and_then(|before| at.get(before));
        let near = |other: Option<&f64>| other.is_some_and(|other| (x - other).abs() < NEAR);
        let (anchor, aside) = if near(at.get(number + 1)) || *x > WIDTH - NEAR {
            ("end", -7.0)
        } else if near(before) || *x < NEAR {
            ("start", 7.0)
        } else {
            ("middle", 0.0)
        };
        let rises = if anchor == "middle" { 6.0 } else { 26.0 };
        let _ = write!(
            svg,
            r#"<path class="mark" d="M{x:.1} {:.0}V{bottom:.0}"/><text class="mark" x="{:.1}" y="{:.0}" text-anchor="{anchor}">{}</text>"#,
            top - rises,
            x + aside,
            top - 9.0,
            number + 1
        );
    }
}

/// The real incident's milestones in minutes after the release, with the keys of their names.
pub(super) fn milestones(happened: &Happened) -> [(u32, &'static str); 4] {
    [
        (happened.first_report, say("drill-milestone-report")),
        (happened.engineering, say("drill-milestone-engineering")),
        (happened.script_ready, say("drill-milestone-script")),
        (happened.done, say("drill-milestone-done")),
    ]
}

fn times(svg: &mut String, span: &Span, bottom: f64) {
    let length = span.until - span.from;
    let fits = |step: &f64| length / step <= TIMES_MAX;
    let step = STEPS.into_iter().find(fits);
    let step = step.unwrap_or_else(|| (length / TIMES_MAX).ceil().max(1.0));
    let mut minute = (span.from / step).ceil() * step;
    while minute <= span.until {
        let x = span.x(minute);
        let anchor = match x {
            ..NEAR => "start",
            _ if x > WIDTH - NEAR => "end",
            _ => "middle",
        };
        let label = format!("{minute:.0}").replace("-0", "0");
        let label = tell("drill-chart-minutes", [("n", label.into())]);
        let y = bottom + 34.0;
        let _ = write!(
            svg,
            r#"<text class="time" x="{x:.0}" y="{y:.0}" text-anchor="{anchor}">{label}</text>"#
        );
        minute += step;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HAPPENED: Happened = Happened {
        first_report: 6,
        engineering: 9,
        script_ready: 83,
        done: 147,
    };

    fn course(points: &[(f64, u32, u32)]) -> Course {
        let point = |(minute, failing, renewed): &(f64, u32, u32)| Point {
            minute: *minute,
            failing: *failing,
            renewed: *renewed,
        };
        points.iter().map(point).collect()
    }

    #[test]
    fn a_chart_says_what_it_draws() {
        let fell = course(&[
            (-6.0, 0, 0),
            (0.0, 600, 0),
            (20.0, 600, 0),
            (40.0, 250, 350),
            (60.0, 2, 598),
            (63.0, 0, 600),
            (73.0, 0, 600),
        ]);
        let chart = as_it_happened(&fell, 600, &HAPPENED).expect("a chart");
        assert_eq!(
            chart.says,
            "Sign-in failed on 600 of 600 sites at once. Half of those worked again 40 min 00 s after \
             the release, the last one 1 h 03 min after it."
        );
        assert_eq!(chart.lines.len(), 7);
        assert_eq!(chart.svg.matches("class=\"mark\" d=").count(), 4);
        // The picture goes on to the moment when the real sites were restored.
        assert!(chart.svg.contains("120 min"), "{}", chart.svg);
        let left = course(&[(0.0, 600, 0), (480.0, 3, 597)]);
        let chart = as_it_happened(&left, 600, &HAPPENED).expect("a chart");
        assert!(
            chart.says.contains("and on 3 still at the end"),
            "{}",
            chart.says
        );
        assert!(as_it_happened(&Course::default(), 600, &HAPPENED).is_none());
    }

    #[test]
    fn a_rollout_says_whether_anything_failed() {
        let quiet = course(&[(0.0, 0, 0), (14.5, 0, 600), (16.5, 0, 600)]);
        let chart = as_it_should_be(&quiet, 600).expect("a chart");
        assert_eq!(
            chart.says,
            "Sign-in failed nowhere while 600 of 600 sites took the new release in 14 min 30 s."
        );
        let loud = course(&[(0.0, 0, 0), (7.0, 2, 300), (16.5, 0, 600)]);
        let chart = as_it_should_be(&loud, 600).expect("a chart");
        assert!(
            chart
                .says
                .starts_with("Sign-in failed on up to 2 of 600 sites"),
            "{}",
            chart.says
        );
    }

    #[test]
    fn a_course_of_one_point_or_of_many_is_drawn() {
        let many: Vec<_> = (0..500).map(|n| (f64::from(n) * 200.0, 1, 1)).collect();
        for points in [&[(0.0, 1, 1)][..], &many] {
            for chart in [
                as_it_happened(&course(points), 2, &HAPPENED),
                as_it_should_be(&course(points), 2),
            ] {
                let chart = chart.expect("a chart");
                assert!(!chart.svg.contains("NaN"), "{}", chart.svg);
                assert!(chart.svg.len() < 40_000);
                assert!(chart.lines.len() <= LINES_MAX + 1);
                assert!(chart.svg.matches("class=\"time\"").count() < 9);
            }
        }
    }
}
