//! Draws the lamps: one path for each band, state and size; a lamp costs about seven bytes.
//!
//! A lamp is a stroke of no length with round ends, drawn three times: a wide halo, a glow and a
//! core. Shapes differ, not only colours: restoring is a ring, reported a square, failing an eye.

use std::fmt::Write as _;

use askama::filters::{Html, escape};
use domain::site::state::SiteState;
use engine::Fleet;
use jiff::Timestamp;

use super::bands::{Band, Counts};
use super::hills::{GROUND, HEIGHT, Hill, Place, WIDTH};
use super::{Lamps, Magnitude, letter, sky};
use crate::language::say;
use crate::pages::words;

/// The width of the smallest core, in units: below it a lamp is a grey dot.
const CORE_MIN: f64 = 4.0;
/// How far the ground rises above the highest lamp, in units.
const MARGIN_OF_HILL: f64 = 16.0;

/// The picture at `now`, as two that stand side by side: on a phone the east stands below the
/// west, so that every zone is seen at once. The text is safe: every name in it is escaped.
pub(crate) fn draw(lamps: &Lamps, fleet: &Fleet, now: Timestamp) -> String {
    let mut svg = String::with_capacity(64 << 10);
    let middle = lamps.hills.middle();
    let halves = [
        (say("lamps-half-west"), 0.0, middle),
        (say("lamps-half-east"), middle, WIDTH),
    ];
    for (name, left, right) in halves.into_iter().filter(|(_, left, right)| right > left) {
        open_half(&mut svg, name, (left, right));
        if left == 0.0 {
            svg.push_str(&defs(lamps, now));
        }
        draw_sky(&mut svg);
        for (number, (band, hill)) in lamps.bands.iter().zip(&lamps.hills.hills).enumerate() {
            if (left..right).contains(&hill.left) {
                draw_band(&mut svg, lamps, number, band, hill, fleet, now);
            }
        }
        svg.push_str("</svg>");
    }
    svg
}

fn open_half(svg: &mut String, name: &str, (left, right): (f64, f64)) {
    let width = right - left;
    let _ = write!(
        svg,
        concat!(
            r##"<svg class="lamps" viewBox="{left:.0} 0 {width:.0} {h}" width="{share:.4}%" "##,
            r##"role="group" aria-label="{name}">"##,
        ),
        left = left,
        width = width,
        name = safe(name),
        h = HEIGHT,
        share = 100.0 * width.round() / WIDTH,
    );
}

fn draw_sky(svg: &mut String) {
    let _ = write!(
        svg,
        concat!(
            r##"<rect width="{w}" height="{h}" fill="url(#dome)"/>"##,
            r##"<rect width="{w}" height="{ground}" fill="url(#dusk)" mask="url(#low)"/>"##,
            r##"<rect y="{ground}" width="{w}" height="{rest}" fill="#070b1d"/>"##,
        ),
        w = WIDTH,
        h = HEIGHT,
        ground = GROUND,
        rest = HEIGHT - GROUND,
    );
}

fn defs(lamps: &Lamps, now: Timestamp) -> String {
    let mut stops = String::new();
    for (band, hill) in lamps.bands.iter().zip(&lamps.hills.hills) {
        let local = now.to_zoned_datetime(band.zone.rules());
        let hour = f64::from(local.hour()) + f64::from(local.minute()) / 60.0;
        let at = (hill.left + hill.width / 2.0) / WIDTH;
        let _ = write!(
            stops,
            r#"<stop offset="{at:.3}" stop-color="{}"/>"#,
            sky::horizon(hour)
        );
    }
    format!(
        concat!(
            r##"<defs><linearGradient id="dome" x2="0" y2="1"><stop stop-color="#0a0f2a"/><stop offset="1" stop-color="#141a42"/></linearGradient>"##,
            r##"<linearGradient id="fade" x2="0" y2="1"><stop offset=".05" stop-color="#000"/><stop offset=".55" stop-color="#4a4a4a"/><stop offset="1" stop-color="#d0d0d0"/></linearGradient>"##,
            r##"<mask id="low"><rect width="{w}" height="{g}" fill="url(#fade)"/></mask>"##,
            r##"<linearGradient id="hill" x2="0" y2="1"><stop stop-color="#0c1233"/><stop offset="1" stop-color="#070b1d"/></linearGradient>"##,
            r##"<linearGradient id="dusk">{stops}</linearGradient></defs>"##,
        ),
        w = WIDTH,
        g = GROUND,
        stops = stops
    )
}

fn draw_band(
    svg: &mut String,
    lamps: &Lamps,
    number: usize,
    band: &Band,
    hill: &Hill,
    fleet: &Fleet,
    now: Timestamp,
) {
    let counts = Counts::of(fleet, band.sites.iter().copied());
    let local = words::clock_time(now, &band.zone);
    let name = words::zone_name(&band.name);
    let says = format!("{name}, {local}: {}", words::states(&counts));
    let _ = write!(
        svg,
        r#"<a class="band" href="/console/fleet?band={}" data-band="{number}" data-first="{}" data-lamps="{}"><title>{}</title><path class="hill" d="{}"/>"#,
        band.slug,
        band.first_lamp,
        letters_of_lamps(lamps, band, fleet),
        safe(&says),
        ground(hill),
    );
    for state in SiteState::ALL {
        for magnitude in Magnitude::ALL {
            draw_lamps(svg, lamps, number, band, fleet, (state, magnitude));
        }
    }
    let middle = (hill.left + hill.width / 2.0).round();
    let affected = counts.affected();
    let ill = words::not_well(affected);
    let (ill, words) = ill.split_once(' ').unwrap_or_default();
    let _ = write!(
        svg,
        concat!(
            r#"<text x="{x}" y="676" text-anchor="middle">{name}</text>"#,
            r#"<text class="local" x="{x}" y="704" text-anchor="middle">{local}</text>"#,
            r#"<text class="ill" id="ill-{slug}" x="{x}" y="734" text-anchor="middle"><tspan>{ill}</tspan><tspan class="words"> {words}</tspan></text></a>"#,
        ),
        x = middle,
        name = safe(&name),
        local = safe(&local),
        ill = ill,
        words = words,
        slug = band.slug,
    );
}

/// State and size of a band's lamps in their order, run-length encoded: `as12al1es4`.
fn letters_of_lamps(lamps: &Lamps, band: &Band, fleet: &Fleet) -> String {
    let first = u32::try_from(band.first_lamp).unwrap_or(u32::MAX);
    let mut text = String::new();
    let mut looks = (first..)
        .zip(lamps.of_band(band))
        .map(|(index, lamp)| (letter(lamps.shows(fleet, index)), lamp.magnitude))
        .peekable();
    while let Some(look) = looks.next() {
        let mut run = 1;
        while looks.next_if_eq(&look).is_some() {
            run += 1;
        }
        let _ = write!(text, "{}{}{run}", char::from(look.0), look.1.letter());
    }
    text
}

fn ground(hill: &Hill) -> String {
    let crest = hill.crest(MARGIN_OF_HILL);
    let (left, right) = (hill.left - 13.0, hill.left + hill.width + 13.0);
    let mut path = format!("M{left:.0} {GROUND}");
    for Place { x, y } in crest {
        let _ = write!(path, "L{x:.0} {y:.0}");
    }
    let _ = write!(path, "L{right:.0} {GROUND}z");
    path
}

fn draw_lamps(
    svg: &mut String,
    lamps: &Lamps,
    number: usize,
    band: &Band,
    fleet: &Fleet,
    (state, magnitude): (SiteState, Magnitude),
) {
    let first = u32::try_from(band.first_lamp).unwrap_or(u32::MAX);
    let shown = (first..)
        .zip(lamps.of_band(band))
        .filter(|(index, lamp)| lamp.magnitude == magnitude && lamps.shows(fleet, *index) == state)
        .map(|(_, lamp)| lamp.place);
    let path = dots(shown);
    let id = format!("p{number}{}{}", state.as_str(), magnitude.letter());
    let spacing = lamps.hills.spacing;
    let size = magnitude.size();
    let layers = [
        ("g2", 2.1 * spacing),
        ("g1", look(state).0 * spacing),
        ("c", (look(state).1 * spacing).max(CORE_MIN)),
    ];
    let _ = write!(
        svg,
        r#"<g class="l {}"><defs><path id="{id}" d="{path}"/></defs>"#,
        state.as_str()
    );
    for (class, width) in layers {
        let _ = write!(
            svg,
            r##"<use class="{class}" href="#{id}" stroke-width="{:.1}"/>"##,
            width * size
        );
    }
    svg.push_str("</g>");
}

/// How wide the glow and the core of a lamp are, in steps of the grid.
fn look(state: SiteState) -> (f64, f64) {
    match state {
        SiteState::Well => (0.95, 0.38),
        SiteState::Restored => (1.05, 0.46),
        SiteState::Restoring => (0.66, 0.34),
        SiteState::Reported => (1.1, 0.5),
        SiteState::Failing => (0.6, 0.34),
        SiteState::Unknown => (0.0, 0.26),
    }
}

/// A path that only turns a stroke of no length at each place: `M12 34h0m5 1h0`.
fn dots(places: impl Iterator<Item = Place>) -> String {
    let mut path = String::new();
    let mut before: Option<(i64, i64)> = None;
    for place in places {
        let (x, y) = (place.x.round() as i64, place.y.round() as i64);
        let _ = match before {
            None => write!(path, "M{x} {y}h0"),
            Some((bx, by)) if y < by => write!(path, "m{}{}h0", x - bx, y - by),
            Some((bx, by)) => write!(path, "m{} {}h0", x - bx, y - by),
        };
        before = Some((x, y));
    }
    path
}

fn safe(text: &str) -> String {
    escape(text, Html)
        .map(|text| text.to_string())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_are_short_and_exact() {
        let at = |x, y| Place { x, y };
        let path = dots([at(12.2, 34.0), at(17.0, 35.4), at(20.0, 30.0)].into_iter());
        assert_eq!(path, "M12 34h0m5 1h0m3-5h0");
        assert_eq!(dots(std::iter::empty()), "");
    }
}
