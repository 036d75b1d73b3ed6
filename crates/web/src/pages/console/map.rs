//! A map of the fleet for who draws an area: a mark where sites are, over the borders of the states of the
//! US and lines of latitude and longitude. Never asks another server for tiles.

use std::collections::HashMap;
use std::fmt::Write;

use domain::place::Point;

/// The most marks: sites close together share one.
const MARKS_MAX: usize = 2_000;
/// The least part of a degree that is shown, in degrees: a fleet of one place has a map too.
const SPAN_MIN: f64 = 1.0;
/// How wide the drawing is, in its own units.
const WIDTH: f64 = 1_000.0;
/// The borders of the states of the US as an SVG path, in hundredths of a degree east and south:
/// `fleets/README.md` says where they come from.
const BORDERS: &str = include_str!("map/us-states.path");
/// The steps between lines of latitude or longitude, in degrees.
const STEPS: [f64; 8] = [0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0];
/// About how many lines there are, at most, from edge to edge.
const LINES_MAX: f64 = 10.0;
/// Room around the marks, as a part of the span.
const MARGIN: f64 = 0.04;

/// What the page and its script need: the drawing, and which degrees its edges are.
pub(super) struct Map {
    /// Lines of latitude and longitude with their degrees.
    pub(super) grid: String,
    pub(super) borders: &'static str,
    /// From the units of the borders to those of the drawing.
    pub(super) matrix: String,
    pub(super) marks: String,
    pub(super) ring: String,
    pub(super) corners: String,
    pub(super) height: u32,
    pub(super) west: f64,
    pub(super) east: f64,
    pub(super) north: f64,
    pub(super) south: f64,
}

/// Draws the points of a fleet and the corners chosen so far, as far as they lie around the points that are
/// `shown`; none when there is none.
///
/// Equirectangular: degrees of longitude are drawn as long as they are in the middle of the map.
pub(super) fn draw(points: &[Point], shown: &[Point], ring: &[Point]) -> Option<Map> {
    let span = |of: fn(Point) -> f64| {
        let degrees = shown.iter().map(|point| of(*point));
        let (least, most) = degrees.fold((f64::MAX, f64::MIN), |(least, most), one| {
            (least.min(one), most.max(one))
        });
        let margin = ((most - least) * MARGIN).max(SPAN_MIN / 2.0);
        (least - margin, most + margin)
    };
    if shown.is_empty() {
        return None;
    }
    let (west, east) = span(Point::longitude);
    let (south, north) = span(Point::latitude);
    let squeeze = f64::midpoint(south, north).to_radians().cos().max(0.1);
    let height = (WIDTH * (north - south) / ((east - west) * squeeze)).clamp(200.0, 1_500.0);
    let place = |point: Point| {
        let x = (point.longitude() - west) / (east - west) * WIDTH;
        let y = (north - point.latitude()) / (north - south) * height;
        (x, y)
    };
    let mut marks = String::new();
    let is_seen = |(x, y): &(f64, f64)| (0.0..=WIDTH).contains(x) && (0.0..=height).contains(y);
    let seen = points.iter().map(|point| place(*point)).filter(is_seen);
    for (x, y, count) in binned(seen.collect()) {
        let radius = 2.2 + f64::from(count).log2().min(8.0) * 0.5;
        // Writing to a string cannot fail.
        let _ = write!(
            marks,
            r#"<circle cx="{x:.0}" cy="{y:.0}" r="{radius:.1}"/>"#
        );
    }
    let corners: Vec<_> = ring.iter().map(|corner| place(*corner)).collect();
    let dots = corners
        .iter()
        .map(|(x, y)| format!(r#"<circle cx="{x:.1}" cy="{y:.1}" r="7"/>"#));
    let (across, down) = (WIDTH / (east - west), height / (north - south));
    Some(Map {
        grid: grid((west, east), (south, north), height),
        borders: BORDERS,
        matrix: format!(
            "{:.5} 0 0 {:.5} {:.2} {:.2}",
            across / 100.0,
            down / 100.0,
            -west * across,
            north * down
        ),
        marks,
        ring: corners
            .iter()
            .map(|(x, y)| format!("{x:.1},{y:.1}"))
            .collect::<Vec<_>>()
            .join(" "),
        corners: dots.collect(),
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "clamped above"
        )]
        height: height as u32,
        west,
        east,
        north,
        south,
    })
}

/// Lines of latitude and longitude, with their degrees at the edge.
fn grid((west, east): (f64, f64), (south, north): (f64, f64), height: f64) -> String {
    let mut drawn = String::new();
    let widest = (east - west).max(north - south);
    let step = STEPS.into_iter().find(|step| widest / step <= LINES_MAX);
    let step = step.unwrap_or(30.0);
    for longitude in multiples(step, west, east) {
        let x = (longitude - west) / (east - west) * WIDTH;
        let words = degrees(longitude, ["W", "E"]);
        // Writing to a string cannot fail.
        let _ = write!(
            drawn,
            r#"<path d="M{x:.1} 0v{height:.0}"/><text x="{:.1}" y="{:.0}">{words}</text>"#,
            x + 4.0,
            height - 6.0
        );
    }
    for latitude in multiples(step, south, north) {
        let y = (north - latitude) / (north - south) * height;
        let words = degrees(latitude, ["S", "N"]);
        let _ = write!(
            drawn,
            r#"<path d="M0 {y:.1}h{WIDTH:.0}"/><text x="4" y="{:.1}">{words}</text>"#,
            y - 4.0
        );
    }
    drawn
}

fn multiples(step: f64, from: f64, to: f64) -> impl Iterator<Item = f64> {
    let first = (from / step).ceil() * step;
    let all = (0u8..=u8::MAX).map(move |n| first + f64::from(n) * step);
    all.take_while(move |one| *one <= to)
}

/// Such as "122.5°W".
fn degrees(value: f64, [below, above]: [&str; 2]) -> String {
    let words = format!("{:.2}", value.abs());
    let words = words.trim_end_matches('0').trim_end_matches('.');
    match value {
        value if value.abs() < 0.005 => "0°".into(),
        value if value < 0.0 => format!("{words}°{below}"),
        _ => format!("{words}°{above}"),
    }
}

/// Sites by cells of a grid, which is made coarser until there are few enough.
fn binned(points: Vec<(f64, f64)>) -> Vec<(f64, f64, u32)> {
    let mut cell = 4.0;
    loop {
        let mut cells: HashMap<_, u32> = HashMap::new();
        for (x, y) in &points {
            #[expect(clippy::cast_possible_truncation, reason = "within the drawing")]
            let at = ((x / cell) as i32, (y / cell) as i32);
            *cells.entry(at).or_default() += 1;
        }
        if cells.len() <= MARKS_MAX {
            let middle = |at: i32| (f64::from(at) + 0.5) * cell;
            let mut marks: Vec<_> = cells.into_iter().collect();
            marks.sort_unstable();
            let mark = |((x, y), count)| (middle(x), middle(y), count);
            return marks.into_iter().map(mark).collect();
        }
        cell *= 1.3;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_fleet_is_drawn_with_few_marks() {
        let point = |n: u32| {
            let (x, y) = (f64::from(n % 400), f64::from(n / 400));
            Point::new(-125.0 + x / 7.0, 25.0 + y / 11.0)
        };
        let points: Vec<_> = (0..100_000).map(point).collect();
        let map = draw(&points, &points, &[]).map(|map| map.marks.matches("<circle").count());
        assert!(
            map.is_some_and(|marks| (500..=MARKS_MAX).contains(&marks)),
            "{map:?}"
        );
        assert!(draw(&points, &[], &[]).is_none());
        // One place alone stands in the middle.
        let one = draw(&points, &points[..1], &points[..1]);
        let middle = one.map(|one| {
            let y = f64::from(one.height) / 2.0;
            (one.ring, y)
        });
        let middle = middle.and_then(|(ring, y)| {
            let (at_x, at_y) = ring.split_once(',')?;
            Some((at_x == "500.0", (at_y.parse::<f64>().ok()? - y).abs() < 1.0))
        });
        assert_eq!(middle, Some((true, true)));
    }

    #[test]
    fn borders_and_lines_lie_where_the_marks_do() {
        let points = [Point::new(-125.0, 49.0), Point::new(-67.0, 25.0)];
        let map = draw(&points, &points, &points).unwrap();
        let numbers: Vec<f64> = map.matrix.split(' ').map(|n| n.parse().unwrap()).collect();
        let by_matrix = |point: Point| {
            let x = point.longitude() * 100.0 * numbers[0] + numbers[4];
            let y = -point.latitude() * 100.0 * numbers[3] + numbers[5];
            (x, y)
        };
        for (corner, point) in map.ring.split(' ').zip(points) {
            let (x, y) = corner.split_once(',').unwrap();
            let (x, y): (f64, f64) = (x.parse().unwrap(), y.parse().unwrap());
            let (also_x, also_y) = by_matrix(point);
            assert!(
                (x - also_x).abs() < 1.0 && (y - also_y).abs() < 1.0,
                "{corner}"
            );
        }
        for words in ["120°W", "70°W", "30°N", "40°N"] {
            assert!(map.grid.contains(&format!(">{words}<")), "{}", map.grid);
        }
        assert!(map.grid.matches("<path").count() <= 20, "{}", map.grid);
        assert_eq!(degrees(-122.5, ["W", "E"]), "122.5°W");
        assert_eq!(degrees(0.0, ["W", "E"]), "0°");
        assert_eq!(degrees(20.0, ["S", "N"]), "20°N");
    }

    #[test]
    fn the_borders_are_small_and_only_a_path() {
        assert!(BORDERS.len() < 40_000);
        let is_path = |c: char| c.is_ascii_digit() || "Ml -".contains(c);
        assert!(BORDERS.chars().all(is_path));
    }
}
