//! A map of the fleet for who draws an area: a mark where sites are, without borders or tiles.

use std::collections::HashMap;
use std::fmt::Write;

use domain::place::Point;

/// The most marks: sites close together share one.
const MARKS_MAX: usize = 2_000;
/// The least part of a degree that is shown, in degrees: a fleet of one place has a map too.
const SPAN_MIN: f64 = 1.0;
/// How wide the drawing is, in its own units.
const WIDTH: f64 = 1_000.0;
/// Room around the marks, as a part of the span.
const MARGIN: f64 = 0.04;

/// What the page and its script need: the drawing, and which degrees its edges are.
pub(super) struct Map {
    pub(super) marks: String,
    pub(super) ring: String,
    pub(super) height: u32,
    pub(super) west: f64,
    pub(super) east: f64,
    pub(super) north: f64,
    pub(super) south: f64,
}

/// Draws the points of a fleet and the corners chosen so far; none when no site has a point.
///
/// Equirectangular: degrees of longitude are drawn as long as they are in the middle of the map.
pub(super) fn draw(points: &[Point], ring: &[Point]) -> Option<Map> {
    let span = |of: fn(Point) -> f64| {
        let degrees = points.iter().map(|point| of(*point));
        let (least, most) = degrees.fold((f64::MAX, f64::MIN), |(least, most), one| {
            (least.min(one), most.max(one))
        });
        let margin = ((most - least) * MARGIN).max(SPAN_MIN / 2.0);
        (least - margin, most + margin)
    };
    if points.is_empty() {
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
    for (x, y, count) in binned(points.iter().map(|point| place(*point)).collect()) {
        let radius = 2.2 + f64::from(count).log2().min(8.0) * 0.5;
        // Writing to a string cannot fail.
        let _ = write!(
            marks,
            r#"<circle cx="{x:.0}" cy="{y:.0}" r="{radius:.1}"/>"#
        );
    }
    let corners = ring.iter().map(|corner| {
        let (x, y) = place(*corner);
        format!("{x:.1},{y:.1}")
    });
    Some(Map {
        marks,
        ring: corners.collect::<Vec<_>>().join(" "),
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
        let map = draw(&points, &[]).map(|map| map.marks.matches("<circle").count());
        assert!(
            map.is_some_and(|marks| (500..=MARKS_MAX).contains(&marks)),
            "{map:?}"
        );
        assert!(draw(&[], &[]).is_none());
        // One place alone stands in the middle.
        let one = draw(&points[..1], &points[..1]);
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
}
