//! Draws the course of a campaign: sites proved, their rate, and how busy the origin was.
//! The same is told in a sentence and in a table, for those who cannot see it. Never measures.

use std::fmt::Write as _;

use domain::campaign::pace::Gains;
use engine::{Course, Sample};
use jiff::{SignedDuration, Timestamp};

use crate::language::{say, tell};
use crate::pages::words::{self, Moment, Reader};

/// The width of the picture, in its own units.
const WIDTH: f64 = 1000.0;
/// Room above each lane for its title: two lines of it on a phone would be too many.
const TITLE: f64 = 46.0;
/// Room between two lanes.
const GAP: f64 = 14.0;
/// Room below the last lane for the times.
const TIMES: f64 = 46.0;
const PROVED_HEIGHT: f64 = 170.0;
const RATE_HEIGHT: f64 = 90.0;
const BUSY_HEIGHT: f64 = 90.0;

/// A picture, and what it says.
pub(crate) struct Chart {
    pub(crate) svg: String,
    pub(crate) says: String,
    pub(crate) lines: Vec<Line>,
    pub(crate) knows_origin: bool,
}

/// A stretch of the course in the table.
pub(crate) struct Line {
    pub(crate) until: Moment,
    pub(crate) proved: String,
    pub(crate) by_then: String,
    pub(crate) busy: String,
}

/// The course of a campaign over `total` sites.
pub(crate) fn chart(course: &Course, total: u64, reader: &Reader) -> Chart {
    let sums = sums(&course.proved);
    Chart {
        svg: draw(course, &sums, total, reader),
        says: says(course, &sums, total, reader),
        lines: lines(course, &sums, reader),
        knows_origin: !course.origin.is_empty(),
    }
}

/// How many were proved by the end of each stretch.
fn sums(proved: &[u64]) -> Vec<u64> {
    let add = |sum: &mut u64, one: &u64| {
        *sum += one;
        Some(*sum)
    };
    proved.iter().scan(0, add).collect()
}

fn says(course: &Course, sums: &[u64], total: u64, reader: &Reader) -> String {
    let done = sums.last().copied().unwrap_or(0);
    let mut text = tell(
        "campaign-course-says",
        [
            ("done", done.into()),
            ("n", total.into()),
            ("from", reader.moment(course.from).text.into()),
            (
                "until",
                words::clock_time(course.until, &reader.zone).into(),
            ),
            ("most", fastest(course).into()),
        ],
    );
    let busy = course.origin.iter().map(|sample| sample.utilisation);
    if let Some(most) = busy.clone().reduce(f64::max) {
        #[expect(clippy::cast_precision_loss, reason = "at most some hundred samples")]
        let mean = busy.sum::<f64>() / course.origin.len() as f64;
        let values = [
            ("mean", percent(mean).into()),
            ("most", percent(most).into()),
        ];
        text.push(' ');
        text += &tell("campaign-course-origin", values);
    }
    text
}

fn lines(course: &Course, sums: &[u64], reader: &Reader) -> Vec<Line> {
    let stretches = course.proved.iter().zip(sums).enumerate();
    let line = |(number, (proved, by_then)): (usize, (&u64, &u64))| {
        let (from, until) = (starts(course, number), starts(course, number + 1));
        Line {
            until: reader.moment(until.min(course.until)),
            proved: words::count(size(*proved)),
            by_then: words::count(size(*by_then)),
            busy: mean_between(&course.origin, from, until)
                .map_or_else(|| say("campaign-course-unknown").into(), percent),
        }
    };
    stretches.map(line).collect()
}

fn starts(course: &Course, number: usize) -> Timestamp {
    let stretches = i64::try_from(number).unwrap_or(i64::MAX);
    let after = SignedDuration::from_secs(course.stretch_seconds.saturating_mul(stretches));
    course.from.saturating_add(after).unwrap_or(course.until)
}

fn mean_between(samples: &[Sample], from: Timestamp, until: Timestamp) -> Option<f64> {
    let within = samples
        .iter()
        .filter(|sample| (from..until).contains(&sample.at));
    let (sum, count) = within.fold((0.0, 0), |(sum, count), sample| {
        (sum + sample.utilisation, count + 1)
    });
    (count > 0).then(|| sum / f64::from(count))
}

#[expect(clippy::cast_precision_loss, reason = "sites are fewer than 2^52")]
fn fastest_per_minute(course: &Course) -> f64 {
    let most = course.proved.iter().copied().max().unwrap_or(0);
    most as f64 * 60.0 / course.stretch_seconds.max(1) as f64
}

/// The same, as a text tells it.
fn fastest(course: &Course) -> String {
    format!("{:.0}", fastest_per_minute(course))
}

/// The lanes, one below the other, over the same time.
fn draw(course: &Course, sums: &[u64], total: u64, reader: &Reader) -> String {
    let lanes = if course.origin.is_empty() { 2.0 } else { 3.0 };
    let busy = if course.origin.is_empty() {
        0.0
    } else {
        BUSY_HEIGHT
    };
    let height = lanes * (TITLE + GAP) + PROVED_HEIGHT + RATE_HEIGHT + busy + TIMES - GAP;
    let mut svg = format!(
        r#"<svg class="chart" viewBox="0 0 {WIDTH:.0} {height:.0}" role="img" aria-label="{}">"#,
        say("campaign-course-label")
    );
    let mut top = 0.0;
    top += lane(
        &mut svg,
        top,
        PROVED_HEIGHT,
        &title_of_proved(sums, total),
        |bottom| proved(course, sums, total, bottom),
    );
    let title = tell("campaign-course-rate", [("most", fastest(course).into())]);
    top += lane(&mut svg, top, RATE_HEIGHT, &title, |bottom| {
        rates(course, bottom)
    });
    if let Some(last) = course.origin.last() {
        let share = percent(last.utilisation);
        let title = tell("campaign-course-busy", [("share", share.into())]);
        top += lane(&mut svg, top, BUSY_HEIGHT, &title, |bottom| {
            busy_line(course, bottom)
        });
    }
    times(&mut svg, course, top - GAP, reader);
    svg.push_str("</svg>");
    svg
}

fn title_of_proved(sums: &[u64], total: u64) -> String {
    let done = sums.last().copied().unwrap_or(0);
    let values = [("done", done.into()), ("total", total.into())];
    tell("campaign-course-proved", values)
}

/// Draws a lane of `height` at `top`; gives how much room it took.
fn lane(
    svg: &mut String,
    top: f64,
    height: f64,
    title: &str,
    content: impl Fn(f64) -> String,
) -> f64 {
    let bottom = top + TITLE + height;
    let _ = write!(
        svg,
        r#"<text x="0" y="{:.0}">{title}</text>{}<path class="axis" d="M0 {bottom:.0}h{WIDTH:.0}"/>"#,
        top + TITLE - 14.0,
        content(bottom),
    );
    TITLE + height + GAP
}

/// Sites proved by then, as the ground below a line; the whole is a rule at the top.
#[expect(clippy::cast_precision_loss, reason = "sites are fewer than 2^52")]
fn proved(course: &Course, sums: &[u64], total: u64, bottom: f64) -> String {
    let y = |sites: u64| bottom - PROVED_HEIGHT * sites as f64 / total.max(1) as f64;
    let mut line = format!("M0 {bottom:.0}");
    for (number, sum) in sums.iter().enumerate() {
        let x = x_of(course, starts(course, number + 1));
        let _ = write!(line, "L{x:.0} {:.0}", y(*sum));
    }
    let top = bottom - PROVED_HEIGHT;
    format!(
        r#"<path class="whole" d="M0 {top:.0}h{WIDTH:.0}"/><path class="ground" d="{line}L{WIDTH:.0} {bottom:.0}z"/><path class="proved" d="{line}"/>"#
    )
}

/// A bar for each stretch.
#[expect(clippy::cast_precision_loss, reason = "sites are fewer than 2^52")]
fn rates(course: &Course, bottom: f64) -> String {
    let most = course.proved.iter().copied().max().unwrap_or(0).max(1);
    let mut bars = String::new();
    for (number, sites) in course.proved.iter().enumerate().filter(|(_, n)| **n > 0) {
        let left = x_of(course, starts(course, number));
        let width = (x_of(course, starts(course, number + 1)) - left - 2.0).max(1.0);
        let height = RATE_HEIGHT * *sites as f64 / most as f64;
        let _ = write!(
            bars,
            "M{left:.0} {bottom:.0}v-{height:.0}h{width:.0}v{height:.0}z"
        );
    }
    format!(r#"<path class="bars" d="{bars}"/>"#)
}

/// How busy the origin was, with a rule at what the law aims at.
fn busy_line(course: &Course, bottom: f64) -> String {
    let y = |share: f64| bottom - BUSY_HEIGHT * share.clamp(0.0, 1.0);
    let mut line = String::new();
    for sample in &course.origin {
        let step = if line.is_empty() { 'M' } else { 'L' };
        let x = x_of(course, sample.at);
        let _ = write!(line, "{step}{x:.0} {:.0}", y(sample.utilisation));
    }
    let target = y(Gains::default().utilisation_target);
    format!(r#"<path class="whole" d="M0 {target:.0}h{WIDTH:.0}"/><path class="busy" d="{line}"/>"#)
}

fn times(svg: &mut String, course: &Course, bottom: f64, reader: &Reader) {
    let half = course.until.duration_since(course.from) / 2;
    let middle = course.from.saturating_add(half).unwrap_or(course.until);
    let marks = [
        (course.from, 0.0, "start"),
        (middle, WIDTH / 2.0, "middle"),
        (course.until, WIDTH, "end"),
    ];
    for (at, x, anchor) in marks {
        let time = words::clock_time(at, &reader.zone);
        let _ = write!(
            svg,
            r#"<text class="time" x="{x:.0}" y="{:.0}" text-anchor="{anchor}">{time}</text>"#,
            bottom + 34.0
        );
    }
}

fn x_of(course: &Course, at: Timestamp) -> f64 {
    let whole = course.until.duration_since(course.from).as_secs_f64();
    let since = at.duration_since(course.from).as_secs_f64();
    (WIDTH * since / whole.max(1.0)).clamp(0.0, WIDTH)
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

fn size(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use domain::site::Zone;

    use super::*;

    fn course(origin: Vec<Sample>) -> Course {
        Course {
            from: "2023-07-11T21:19:00Z".parse().unwrap(),
            until: "2023-07-11T21:22:30Z".parse().unwrap(),
            stretch_seconds: 60,
            proved: vec![10, 0, 30, 5],
            origin,
        }
    }

    fn reader() -> Reader {
        Reader {
            language: crate::language::Language::English,
            zone: Zone::parse("America/Chicago").unwrap(),
            now: "2023-07-11T21:22:30Z".parse().unwrap(),
        }
    }

    #[test]
    fn a_chart_says_what_it_draws() {
        let at = "2023-07-11T21:20:10Z".parse().unwrap();
        let sample = Sample {
            at,
            utilisation: 0.8,
        };
        let chart = chart(&course(vec![sample]), 90, &reader());
        assert_eq!(
            chart.says,
            "45 of 90 sites were proved between Tue, Jul 11, 4:19 PM CDT and 4:22 PM CDT, at most \
             30 a minute. Its origin was busy to 80 % of what it can do, at most to 80 %."
        );
        let busy: Vec<_> = chart.lines.iter().map(|line| line.busy.as_str()).collect();
        assert_eq!(busy, ["not known", "80 %", "not known", "not known"]);
        assert_eq!(chart.lines[2].by_then, "40");
        assert!(
            chart.svg.contains("Origin busy, 80 % at last"),
            "{}",
            chart.svg
        );
    }

    #[test]
    fn an_unknown_origin_is_left_out() {
        let chart = chart(&course(vec![]), 90, &reader());
        assert!(
            !chart.knows_origin && !chart.svg.contains("Origin"),
            "{}",
            chart.svg
        );
    }
}
