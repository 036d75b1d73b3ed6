//! Places on a map: points, rings of points, counties. All sums are of whole numbers, so that which
//! side of a line a point lies on is exact.

use std::fmt;

/// The fewest corners of a ring.
pub const CORNERS_MIN: usize = 3;
/// The most corners of a ring.
pub const CORNERS_MAX: usize = 200;
/// The longest name of a county, in characters.
pub const COUNTY_CHARACTERS_MAX: usize = 100;
/// Parts of a degree that are told apart: a tenth of a metre.
const PARTS: f64 = 1e6;

/// A point on the globe. In JSON as GeoJSON has it (RFC 7946): `[longitude, latitude]` in degrees.
#[derive(
    Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(from = "[f64; 2]", into = "[f64; 2]")]
pub struct Point {
    /// Millionths of a degree, east of Greenwich.
    longitude: i32,
    /// Millionths of a degree, north of the equator.
    latitude: i32,
}

impl Point {
    /// From degrees. What is out of range stays so, for [`Point::is_on_globe`] to tell.
    #[must_use]
    pub fn new(longitude: f64, latitude: f64) -> Self {
        Self::from([longitude, latitude])
    }

    /// From millionths of a degree.
    #[must_use]
    pub fn from_parts(longitude: i32, latitude: i32) -> Self {
        Self {
            longitude,
            latitude,
        }
    }

    /// Longitude and latitude in millionths of a degree.
    #[must_use]
    pub fn parts(self) -> (i32, i32) {
        (self.longitude, self.latitude)
    }

    /// Degrees east of Greenwich.
    #[must_use]
    pub fn longitude(self) -> f64 {
        f64::from(self.longitude) / PARTS
    }

    /// Degrees north of the equator.
    #[must_use]
    pub fn latitude(self) -> f64 {
        f64::from(self.latitude) / PARTS
    }

    /// Whether there is such a point.
    #[must_use]
    pub fn is_on_globe(self) -> bool {
        self.longitude().abs() <= 180.0 && self.latitude().abs() <= 90.0
    }
}

impl From<[f64; 2]> for Point {
    fn from([longitude, latitude]: [f64; 2]) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "what does not fit becomes the nearest that does, which is off the globe too"
        )]
        let parts = |degrees: f64| match degrees.is_nan() {
            true => i32::MAX,
            false => (degrees * PARTS).round() as i32,
        };
        Self {
            longitude: parts(longitude),
            latitude: parts(latitude),
        }
    }
}

impl From<Point> for [f64; 2] {
    fn from(point: Point) -> Self {
        [point.longitude(), point.latitude()]
    }
}

impl fmt::Display for Point {
    /// As people write it: latitude first.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.latitude(), self.longitude())
    }
}

impl fmt::Debug for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({self})")
    }
}

impl schemars::JsonSchema for Point {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Point".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "array",
            "description": "Longitude and latitude in degrees, as in GeoJSON.",
            "items": {"type": "number"},
            "minItems": 2,
            "maxItems": 2,
            "examples": [[-122.27, 37.8]]
        })
    }
}

/// Why corners bound no area. Corners count from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRing {
    /// Too few corners, or too many.
    #[error("a drawn area has {CORNERS_MIN} to {CORNERS_MAX} corners, not {0}")]
    Count(usize),
    /// A corner is not on the globe.
    #[error(
        "corner {0} ({1}) is off the globe: latitude is -90 to 90, longitude -180 to 180 (GeoJSON has longitude first)"
    )]
    Range(usize, Point),
    /// Two corners in a row are the same.
    #[error("corners {0} and {1} are the same point")]
    Twice(usize, usize),
    /// A line goes round the back of the globe.
    #[error(
        "the line from corner {0} to corner {1} crosses the 180th meridian: draw one area on each side"
    )]
    Antimeridian(usize, usize),
    /// Two lines meet where they should not.
    #[error(
        "the line after corner {0} meets the line after corner {1}: an area may not cross itself"
    )]
    Crossing(usize, usize),
}

/// Checks that corners bound one area; the line from the last to the first closes it.
///
/// # Errors
/// Names the corner.
pub fn check_ring(ring: &[Point]) -> Result<(), BadRing> {
    let count = ring.len();
    if !(CORNERS_MIN..=CORNERS_MAX).contains(&count) {
        return Err(BadRing::Count(count));
    }
    if let Some((at, bad)) = (1..).zip(ring).find(|(_, point)| !point.is_on_globe()) {
        return Err(BadRing::Range(at, *bad));
    }
    let lines: Vec<_> = lines(ring).collect();
    let next = |at: usize| (at + 1) % count;
    for (at, (from, to)) in lines.iter().enumerate() {
        if from == to {
            return Err(BadRing::Twice(at + 1, next(at) + 1));
        }
        if from.longitude.abs_diff(to.longitude) > 180_000_000 {
            return Err(BadRing::Antimeridian(at + 1, next(at) + 1));
        }
    }
    for (at, one) in lines.iter().enumerate() {
        for (other_at, other) in lines.iter().enumerate().skip(at + 1) {
            let meet = if other_at == next(at) {
                goes_back(*one, *other)
            } else if next(other_at) == at {
                goes_back(*other, *one)
            } else {
                do_meet(*one, *other)
            };
            if meet {
                return Err(BadRing::Crossing(at + 1, other_at + 1));
            }
        }
    }
    Ok(())
}

/// Whether a point lies in a ring; its border counts as inside.
///
/// Counts the lines that a ray to the east crosses, as PNPOLY by W. Randolph Franklin does
/// (<https://wrfranklin.org/Research/Short_Notes/pnpoly.html>).
#[must_use]
pub fn is_inside(ring: &[Point], point: Point) -> bool {
    let mut inside = false;
    for (from, to) in lines(ring) {
        let (south, north) = (
            from.latitude.min(to.latitude),
            from.latitude.max(to.latitude),
        );
        if !(south..=north).contains(&point.latitude) {
            continue;
        }
        let side = turn(from, to, point);
        if side == 0 && is_between(from, to, point) {
            return true;
        }
        let crosses = (from.latitude > point.latitude) != (to.latitude > point.latitude);
        if crosses && (side > 0) == (to.latitude > from.latitude) {
            inside = !inside;
        }
    }
    inside
}

type Line = (Point, Point);

fn lines(ring: &[Point]) -> impl Iterator<Item = Line> {
    let ends = ring.iter().skip(1).chain(ring.first());
    ring.iter().copied().zip(ends.copied())
}

/// Positive where `c` lies left of the line from `a` to `b`, zero where it lies on it.
///
/// In so many bits that no two points overflow it, checked or not.
fn turn(a: Point, b: Point, c: Point) -> i128 {
    let across = |from: i32, to: i32| i128::from(to) - i128::from(from);
    across(a.longitude, b.longitude) * across(a.latitude, c.latitude)
        - across(a.latitude, b.latitude) * across(a.longitude, c.longitude)
}

/// Whether a point in line with two others lies between them.
fn is_between(a: Point, b: Point, c: Point) -> bool {
    let within = |a: i32, b: i32, c: i32| (a.min(b)..=a.max(b)).contains(&c);
    within(a.longitude, b.longitude, c.longitude) && within(a.latitude, b.latitude, c.latitude)
}

/// Whether a line that begins where another ends lies on it.
fn goes_back((from, corner): Line, (_, to): Line) -> bool {
    turn(from, corner, to) == 0 && (is_between(from, corner, to) || is_between(corner, to, from))
}

fn do_meet((a, b): Line, (c, d): Line) -> bool {
    let sides = |a, b, c, d| turn(a, b, c).signum() * turn(a, b, d).signum();
    let on = |a, b, c| turn(a, b, c) == 0 && is_between(a, b, c);
    (sides(a, b, c, d) < 0 && sides(c, d, a, b) < 0)
        || on(a, b, c)
        || on(a, b, d)
        || on(c, d, a)
        || on(c, d, b)
}

/// A county, such as "CA/Alameda". Letter case does not matter, nor does "County" or "Parish" at the
/// end.
#[derive(Clone, schemars::JsonSchema)]
#[schemars(with = "String", extend("examples" = ["CA/Alameda"]))]
pub struct County {
    state: String,
    name: String,
    /// What is compared.
    key: String,
}

/// A text that names no county.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} is no county: write its state and its name, such as CA/Alameda", crate::text::shown(.0))]
pub struct BadCounty(String);

impl County {
    /// Reads "CA/Alameda".
    ///
    /// # Errors
    /// When it is written otherwise.
    pub fn parse(text: &str) -> Result<Self, BadCounty> {
        let bad = || BadCounty(text.to_owned());
        let (state, name) = text.split_once('/').ok_or_else(bad)?;
        let (state, name) = (state.trim(), name.trim());
        let is_state = state.len() == 2 && state.bytes().all(|b| b.is_ascii_alphabetic());
        let fits = name.chars().count() <= COUNTY_CHARACTERS_MAX
            && !crate::text::is_blank(name)
            && !crate::text::has_controls(name);
        if is_state && fits {
            Ok(Self::of(state, name))
        } else {
            Err(bad())
        }
    }

    /// The county of a site.
    #[must_use]
    pub fn of(state: &str, name: &str) -> Self {
        let mut words: Vec<_> = name.split_whitespace().collect();
        // Each, so that what is written reads back as the same county.
        while words.len() > 1 && words.last().is_some_and(|last| is_suffix(last)) {
            words.pop();
        }
        let (state, name) = (state.trim().to_uppercase(), words.join(" "));
        let key = format!("{state}/{}", name.to_lowercase());
        Self { state, name, key }
    }
}

fn is_suffix(word: &str) -> bool {
    ["county", "parish"].contains(&&*word.to_lowercase())
}

impl PartialEq for County {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for County {}

impl PartialOrd for County {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for County {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key.cmp(&other.key)
    }
}

impl fmt::Display for County {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.state, self.name)
    }
}

impl fmt::Debug for County {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}

impl serde::Serialize for County {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for County {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// Reads corners: a GeoJSON polygon or a feature of one (RFC 7946), or one corner a line as
/// "latitude, longitude".
///
/// # Errors
/// Says which line or what of the GeoJSON is not as expected.
pub fn read_ring(text: &str) -> Result<Vec<Point>, String> {
    if text.trim_start().starts_with(['{', '[']) {
        return geo_json(text);
    }
    let lines = (1..)
        .zip(text.lines())
        .filter(|(_, line)| !line.trim().is_empty());
    let mut ring = Vec::new();
    for (number, line) in lines {
        let bad = || {
            let line = crate::text::shown(line.trim());
            format!(
                "line {number} is {line}; write a corner as latitude, longitude, such as 37.8, -122.27"
            )
        };
        let (latitude, longitude) = line.split_once(',').ok_or_else(bad)?;
        let degrees = |text: &str| {
            text.trim()
                .parse::<f64>()
                .ok()
                .filter(|one| one.is_finite())
        };
        let (latitude, longitude) = degrees(latitude).zip(degrees(longitude)).ok_or_else(bad)?;
        ring.push(Point::new(longitude, latitude));
        if ring.len() > CORNERS_MAX + 1 {
            return Err(BadRing::Count(ring.len()).to_string());
        }
    }
    open(&mut ring);
    Ok(ring)
}

fn geo_json(text: &str) -> Result<Vec<Point>, String> {
    let json: serde_json::Value =
        serde_json::from_str(text).map_err(|e| format!("this is not GeoJSON: {e}"))?;
    let shape = if json["type"] == "Feature" {
        &json["geometry"]
    } else {
        &json
    };
    if shape["type"] != "Polygon" {
        return Err("give a GeoJSON Polygon, or a Feature of one".into());
    }
    let rings = shape["coordinates"].as_array().map(Vec::as_slice);
    let [ring] = rings.unwrap_or_default() else {
        return Err("give a GeoJSON Polygon of one ring: an area has no holes".into());
    };
    let corners = ring.as_array().map(Vec::as_slice).unwrap_or_default();
    let mut ring = Vec::new();
    for (number, corner) in (1..).zip(corners) {
        // A third number is a height (RFC 7946, 3.1.1).
        let (longitude, latitude) = corner[0]
            .as_f64()
            .zip(corner[1].as_f64())
            .ok_or_else(|| format!("corner {number} is not [longitude, latitude]"))?;
        ring.push(Point::new(longitude, latitude));
    }
    open(&mut ring);
    Ok(ring)
}

/// Leaves out the last corner where it is the first again, as in GeoJSON.
pub fn open(ring: &mut Vec<Point>) {
    if ring.len() > 1 && ring.first() == ring.last() {
        ring.pop();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ring(text: &str) -> Vec<Point> {
        read_ring(text).unwrap()
    }

    fn refused(text: &str) -> String {
        check_ring(&ring(text))
            .err()
            .map(|bad| bad.to_string())
            .unwrap_or_default()
    }

    #[test]
    fn corners_that_bound_no_area_are_refused_by_name() {
        for (text, says) in [
            ("0,0\n0,1\n1,1", ""),
            ("0,0\n0,1", "a drawn area has 3 to 200 corners, not 2"),
            ("0,0\n0,1\n91,1", "corner 3 (91, 1) is off the globe"),
            (
                "0,0\n0,1\n1,1e12",
                "corner 3 (1, 2147.483647) is off the globe",
            ),
            ("0,0\n0,1\n0,1\n1,1", "corners 2 and 3 are the same point"),
            (
                "0,-170\n0,170\n1,170",
                "from corner 1 to corner 2 crosses the 180th",
            ),
            (
                "0,0\n1,1\n0,1\n1,0",
                "after corner 1 meets the line after corner 3",
            ),
            ("0,0\n0,1\n0,2", "meets the line after corner"),
            ("0,0\n0,2\n1,1\n0,1\n-1,1", "after corner 1 meets"),
        ] {
            let found = refused(text);
            assert!(
                found.contains(says) && found.is_empty() == says.is_empty(),
                "{text}: {found}"
            );
        }
    }

    #[test]
    fn corners_are_read_as_lines_and_as_geo_json() {
        let square = ring("0, 0\n\n 0, 2 \n2, 2\n2, 0\n0, 0\n");
        assert_eq!(square.len(), 4, "the last corner is the first again");
        let polygon = r#"{"type":"Polygon","coordinates":[[[0,0],[2,0,7],[2,2],[0,2],[0,0]]]}"#;
        assert_eq!(ring(polygon), square);
        let feature = format!(r#"{{"type":"Feature","properties":{{}},"geometry":{polygon}}}"#);
        assert_eq!(ring(&feature), square);
        for (text, says) in [
            (
                "1;2",
                "line 1 is \"1;2\"; write a corner as latitude, longitude",
            ),
            ("1,2\nNaN,3", "line 2 is"),
            ("{", "this is not GeoJSON"),
            (r#"{"type":"Point"}"#, "give a GeoJSON Polygon"),
            (r#"{"type":"Polygon","coordinates":[[],[]]}"#, "no holes"),
            (
                r#"{"type":"Polygon","coordinates":[[[1]]]}"#,
                "corner 1 is not",
            ),
        ] {
            let bad = read_ring(text).unwrap_err();
            assert!(bad.contains(says), "{text}: {bad}");
        }
    }

    #[test]
    fn the_border_and_a_bay_are_told_apart() {
        let bay = ring("0,0\n0,4\n4,4\n1,2\n4,0");
        let inside = |latitude, longitude| is_inside(&bay, Point::new(longitude, latitude));
        assert!(inside(0.5, 2.0) && inside(2.0, 0.5) && inside(2.0, 3.5));
        assert!(!inside(3.0, 2.0), "in the bay");
        assert!(inside(0.0, 1.0) && inside(4.0, 4.0) && inside(1.0, 2.0) && inside(2.0, 0.0));
        assert!(!inside(0.0, 4.000_001) && !inside(4.0, 2.0));
    }

    #[test]
    fn a_county_is_known_by_any_way_to_write_it() {
        let one = County::parse("CA/Alameda").unwrap();
        for text in ["ca/alameda", " CA / Alameda County ", "CA/ALAMEDA county"] {
            assert_eq!(County::parse(text).unwrap(), one);
        }
        assert_eq!(one, County::of("CA", "Alameda County"));
        assert_eq!(
            County::parse("LA/Orleans Parish").unwrap().to_string(),
            "LA/Orleans"
        );
        assert_ne!(one, County::parse("OR/Alameda").unwrap());
        // What was stored as it was written is the same county again.
        for text in ["LA/St. Mary Parish County", "CA/County County", "CA/County"] {
            let county = County::parse(text).unwrap();
            assert_eq!(County::parse(&county.to_string()).unwrap(), county);
        }
        assert_eq!(County::of("ZZ", "County").to_string(), "ZZ/County");
        // Whatever name a fleet file gives can be asked for.
        assert_eq!(County::parse("CA/a/b").unwrap(), County::of("CA", "a/b"));
        for text in ["Alameda", "CAL/Alameda", "CA/", "CA/\u{7}"] {
            let bad = County::parse(text).unwrap_err().to_string();
            assert!(bad.contains("such as CA/Alameda"), "{bad}");
        }
    }

    /// Corners on a circle, in order: what they bound is convex.
    fn convex() -> impl Strategy<Value = Vec<Point>> {
        let angles = prop::collection::btree_set(0u32..3_600, 3..40);
        angles.prop_map(|angles| {
            let corner = |tenths: u32| {
                let (sine, cosine) = (f64::from(tenths) / 10.0).to_radians().sin_cos();
                Point::new(-100.0 + 20.0 * cosine, 40.0 + 20.0 * sine)
            };
            angles.into_iter().map(corner).collect()
        })
    }

    proptest! {
        #[test]
        fn a_convex_area_is_what_lies_left_of_all_its_lines(
            ring in convex(), longitude in -121.0..-79.0f64, latitude in 19.0..61.0f64, turns in 0usize..40,
        ) {
            prop_assert_eq!(check_ring(&ring), Ok(()));
            let point = Point::new(longitude, latitude);
            let left = lines(&ring).all(|(from, to)| turn(from, to, point) >= 0);
            prop_assert_eq!(is_inside(&ring, point), left);
            let mut turned = ring.clone();
            turned.rotate_left(turns % ring.len());
            prop_assert_eq!(is_inside(&turned, point), left);
            turned.reverse();
            prop_assert_eq!(is_inside(&turned, point), left);
            for corner in &ring {
                prop_assert!(is_inside(&ring, *corner));
            }
        }
    }
}
