//! Raises a hill for each band and settles its lamps on it: north above south, west left of east.
//! Deterministic: a lamp stands where it stood yesterday. Never knows a state.

use std::sync::Arc;

use domain::site::Site;
use engine::SiteIndex;

/// The width of the picture, in its own units.
pub(crate) const WIDTH: f64 = 2400.0;
/// Where the hills stand, in units from the top.
pub(crate) const GROUND: f64 = 640.0;
/// The height of the picture: below the ground stand the labels.
pub(crate) const HEIGHT: f64 = 760.0;
/// How high the highest hill may rise, in units.
const PEAK_MAX: f64 = 545.0;
/// A parabola over its feet is half again as high as an even hill of the same area.
const PEAK_OVER_MEAN: f64 = 1.5;
/// More lamps make a hill wider and higher: its width grows with this power of them.
const WIDENING: f64 = 0.6;
const GAP: f64 = 14.0;
/// Room for a label such as "11:12 AM HST".
const BAND_WIDTH_MIN: f64 = 150.0;
const SPACING_MAX: f64 = 34.0;
/// Rows stand closer than columns, each shifted by half a step, as in a honeycomb.
const ROW_STEP: f64 = 0.866;

/// The hills of all bands.
pub(crate) struct Hills {
    /// Units between neighbours in a row.
    pub(crate) spacing: f64,
    pub(crate) hills: Vec<Hill>,
}

/// The ground of one band.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hill {
    pub(crate) left: f64,
    pub(crate) width: f64,
    /// The height an even hill would have.
    mean_height: f64,
    number: usize,
}

/// Where a lamp stands, in units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Place {
    pub(crate) x: f64,
    pub(crate) y: f64,
}

/// Sites that share a lamp, before it has its place.
pub(crate) struct Light {
    pub(crate) sites: Vec<SiteIndex>,
    pub(crate) population: Option<u32>,
    north: f64,
    east: f64,
}

/// Makes one light of every `per_lamp` neighbours.
pub(crate) fn gather(sites: &[Arc<Site>], indices: &[SiteIndex], per_lamp: usize) -> Vec<Light> {
    let mut lights: Vec<_> = sites
        .iter()
        .zip(indices)
        .map(|(site, index)| {
            let (north, east) = whereabouts(&site.area.state, site.hostname.as_str());
            Light {
                sites: vec![*index],
                population: site.population,
                north,
                east,
            }
        })
        .collect();
    if per_lamp > 1 {
        lights.sort_by(|a, b| {
            (a.north, a.east)
                .partial_cmp(&(b.north, b.east))
                .unwrap_or(std::cmp::Ordering::Equal)
        });
        let mut lights = lights.into_iter().peekable();
        let mut gathered = vec![];
        while lights.peek().is_some() {
            gathered.extend(lights.by_ref().take(per_lamp).reduce(Light::join));
        }
        return gathered;
    }
    lights
}

impl Light {
    fn join(mut self, other: Self) -> Self {
        self.sites.extend(other.sites);
        self.population = self.population.max(other.population);
        self
    }
}

impl Hills {
    /// Divides the width among bands of `counts` lamps, and finds the density that fits them all.
    pub(crate) fn raise(counts: &[usize]) -> Self {
        let widths = widths(counts);
        let fits = widths.iter().zip(counts).map(|(width, count)| {
            let area = PEAK_MAX / PEAK_OVER_MEAN * width;
            (area / (small((*count).max(1)) * ROW_STEP)).sqrt()
        });
        let spacing = fits.fold(SPACING_MAX, f64::min);
        let used: f64 = widths.iter().map(|width| width + GAP).sum::<f64>() + GAP;
        let mut left = GAP + (WIDTH - used).max(0.0) / 2.0;
        let mut hills = vec![];
        for (number, (width, count)) in widths.into_iter().zip(counts).enumerate() {
            let mean_height = small(*count) * spacing * spacing * ROW_STEP / width;
            hills.push(Hill {
                left,
                width,
                mean_height,
                number,
            });
            left += width + GAP;
        }
        Self { spacing, hills }
    }

    /// Where the picture is cut in two: the valley nearest to its middle; its end where there is
    /// only one hill.
    pub(crate) fn middle(&self) -> f64 {
        let valleys = self.hills.iter().skip(1).map(|hill| hill.left - GAP / 2.0);
        let from_middle = |x: &f64| (x - WIDTH / 2.0).abs();
        valleys
            .min_by(|a, b| from_middle(a).total_cmp(&from_middle(b)))
            .map_or(WIDTH, f64::round)
    }

    /// Gives every light of band `number` its place; the order is the order they are drawn in.
    pub(crate) fn settle(&self, number: usize, lights: Vec<Light>) -> Vec<(Light, Place)> {
        let Some(hill) = self.hills.get(number) else {
            return vec![];
        };
        let mut places = hill.places(self.spacing, lights.len());
        let mut lights: Vec<_> = lights.into_iter().map(Some).collect();
        let mut order: Vec<_> = (0..lights.len()).collect();
        let mut pairs = vec![];
        pair(&mut order, &lights, &mut places, &mut pairs);
        let mut settled: Vec<_> = pairs
            .into_iter()
            .filter_map(|(light, place)| Some((lights.get_mut(light)?.take()?, place)))
            .collect();
        // Neighbours in a row follow each other, so that a path of lamps is short to write.
        let row = |place: &Place| (place.y / (self.spacing * ROW_STEP)).round();
        settled.sort_by(|(_, a), (_, b)| {
            (row(a), a.x)
                .partial_cmp(&(row(b), b.x))
                .unwrap_or(std::cmp::Ordering::Equal)
        });
        settled
            .into_iter()
            .map(|(light, place)| (light, jitter(place, self.spacing)))
            .collect()
    }
}

/// The width of each hill: together the picture's, each with room for its label.
fn widths(counts: &[usize]) -> Vec<f64> {
    let room = WIDTH - GAP * (small(counts.len()) + 1.0);
    let narrowest = BAND_WIDTH_MIN.min(room / small(counts.len().max(1)));
    let weights: Vec<_> = counts
        .iter()
        .map(|count| small(*count).powf(WIDENING))
        .collect();
    let width_of = |weight: f64, scale: f64| (weight * scale).max(narrowest);
    // The total grows with the scale: halve until it fits.
    let (mut low, mut high) = (0.0, room);
    for _ in 0..60 {
        let scale = (low + high) / 2.0;
        let total: f64 = weights.iter().map(|weight| width_of(*weight, scale)).sum();
        if total > room {
            high = scale;
        } else {
            low = scale;
        }
    }
    weights
        .into_iter()
        .map(|weight| width_of(weight, low))
        .collect()
}

impl Hill {
    /// How high the hill stands at `x` above or below its mean.
    fn rise(&self, x: f64) -> f64 {
        let from_middle = (x - self.left - self.width / 2.0) / (self.width / 2.0);
        let dome = self.mean_height * PEAK_OVER_MEAN * (1.0 / 3.0 - from_middle * from_middle);
        let roll = self.mean_height * 0.05 * (x / 61.0 + 1.7 * small(self.number)).sin();
        dome + roll
    }

    /// The crest, for the ground's outline: points from left to right.
    pub(crate) fn crest(&self, margin: f64) -> Vec<Place> {
        const STEPS: u32 = 28;
        (0..=STEPS)
            .map(|step| {
                let x = self.left + self.width * f64::from(step) / f64::from(STEPS);
                Place {
                    x,
                    y: GROUND - (self.mean_height + self.rise(x)).max(0.0) - margin,
                }
            })
            .collect()
    }

    /// The `count` lowest places of a honeycomb on this hill.
    fn places(&self, spacing: f64, count: usize) -> Vec<Place> {
        let row_step = spacing * ROW_STEP;
        let columns = (self.width / spacing).floor().max(1.0);
        let margin = (self.width - columns * spacing) / 2.0;
        let mut places: Vec<(f64, Place)> = vec![];
        let mut row = 0.0;
        let rows_max = (self.mean_height * 1.7 / row_step).ceil() + 3.0;
        while row < rows_max || places.len() < count {
            let shift = if row % 2.0 == 0.0 { 0.25 } else { 0.75 };
            let mut column = 0.0;
            while column < columns {
                let x = self.left + margin + (column + shift) * spacing;
                let height = (row + 0.7) * row_step;
                places.push((
                    height - self.rise(x),
                    Place {
                        x,
                        y: GROUND - height,
                    },
                ));
                column += 1.0;
            }
            row += 1.0;
        }
        places.sort_by(|a, b| a.0.total_cmp(&b.0));
        places
            .into_iter()
            .take(count)
            .map(|(_, place)| place)
            .collect()
    }
}

/// Pairs lights with places by halving both along the longer side: neighbours stay neighbours.
fn pair(
    order: &mut [usize],
    lights: &[Option<Light>],
    places: &mut [Place],
    pairs: &mut Vec<(usize, Place)>,
) {
    if let ([light], [place, ..]) = (&*order, &*places) {
        pairs.push((*light, *place));
        return;
    }
    if order.is_empty() {
        return;
    }
    let span = |of: fn(&Place) -> f64| {
        let (low, high) = places
            .iter()
            .map(of)
            .fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(v), h.max(v)));
        high - low
    };
    let half = order.len() / 2;
    let key = |light: usize| lights.get(light).and_then(Option::as_ref);
    if span(|p| p.x) >= span(|p| p.y) {
        order.sort_by(|a, b| east(key(*a)).total_cmp(&east(key(*b))));
        places.sort_by(|a, b| a.x.total_cmp(&b.x));
    } else {
        order.sort_by(|a, b| north(key(*b)).total_cmp(&north(key(*a))));
        places.sort_by(|a, b| a.y.total_cmp(&b.y));
    }
    let (near, far) = order.split_at_mut(half);
    let (near_places, far_places) = places.split_at_mut(half);
    pair(near, lights, near_places, pairs);
    pair(far, lights, far_places, pairs);
}

fn east(light: Option<&Light>) -> f64 {
    light.map_or(0.0, |light| light.east)
}

fn north(light: Option<&Light>) -> f64 {
    light.map_or(0.0, |light| light.north)
}

/// Moves a lamp off the grid by up to a fifth of a step: towns are not planted in rows.
fn jitter(place: Place, spacing: f64) -> Place {
    let seed = (place.x * 31.0 + place.y * 17.0).to_bits();
    let (a, b) = two_shares(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    Place {
        x: place.x + (a - 0.5) * 0.44 * spacing,
        y: place.y + (b - 0.5) * 0.44 * spacing,
    }
}

/// Degrees north and east: the middle of the state, and a spread by the name within it. A fleet
/// file names no coordinates, and the picture needs neighbours, not addresses.
fn whereabouts(state: &str, hostname: &str) -> (f64, f64) {
    // FNV-1a; Fowler, Noll, Vo.
    let hash = hostname
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    let (a, b) = two_shares(hash);
    let middle = STATES.iter().find(|(code, ..)| *code == state);
    let (north, east, spread) = middle.map_or((39.0, -98.0, 6.0), |(_, n, e, s)| (*n, *e, *s));
    (north + (a - 0.5) * spread, east + (b - 0.5) * spread * 1.3)
}

/// Two numbers from 0 to 1 out of one hash.
fn two_shares(hash: u64) -> (f64, f64) {
    let share = |bits: u64| f64::from(u16::try_from(bits & 0xffff).unwrap_or(0)) / 65_535.0;
    (share(hash >> 48), share(hash >> 24))
}

fn small(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// The middle of each state and territory (degrees north, degrees east), and its rough extent.
const STATES: [(&str, f64, f64, f64); 56] = [
    ("AL", 32.8, -86.8, 4.0),
    ("AK", 63.0, -152.0, 12.0),
    ("AZ", 34.3, -111.7, 5.0),
    ("AR", 34.8, -92.4, 3.5),
    ("CA", 37.0, -119.5, 7.0),
    ("CO", 39.0, -105.5, 4.0),
    ("CT", 41.6, -72.7, 1.0),
    ("DE", 39.0, -75.5, 1.2),
    ("DC", 38.9, -77.0, 0.3),
    ("FL", 28.6, -82.4, 5.0),
    ("GA", 32.6, -83.4, 4.0),
    ("HI", 20.6, -157.3, 3.0),
    ("ID", 44.4, -114.6, 5.0),
    ("IL", 40.0, -89.2, 4.5),
    ("IN", 39.9, -86.3, 3.5),
    ("IA", 42.0, -93.5, 3.5),
    ("KS", 38.5, -98.4, 4.0),
    ("KY", 37.5, -85.3, 3.5),
    ("LA", 31.1, -92.0, 3.5),
    ("ME", 45.3, -69.2, 3.5),
    ("MD", 39.1, -76.8, 2.0),
    ("MA", 42.3, -71.8, 1.5),
    ("MI", 44.3, -85.4, 5.0),
    ("MN", 46.3, -94.3, 5.0),
    ("MS", 32.7, -89.7, 4.0),
    ("MO", 38.4, -92.5, 4.0),
    ("MT", 47.0, -109.6, 5.0),
    ("NE", 41.5, -99.8, 4.0),
    ("NV", 39.3, -116.6, 5.5),
    ("NH", 43.7, -71.6, 2.0),
    ("NJ", 40.2, -74.7, 1.6),
    ("NM", 34.4, -106.1, 5.0),
    ("NY", 42.9, -75.5, 4.0),
    ("NC", 35.6, -79.4, 3.5),
    ("ND", 47.4, -100.5, 4.0),
    ("OH", 40.3, -82.8, 3.3),
    ("OK", 35.6, -97.5, 4.0),
    ("OR", 43.9, -120.6, 4.5),
    ("PA", 40.9, -77.8, 3.2),
    ("RI", 41.7, -71.6, 0.7),
    ("SC", 33.9, -80.9, 2.8),
    ("SD", 44.4, -100.2, 4.0),
    ("TN", 35.9, -86.4, 3.0),
    ("TX", 31.5, -99.3, 8.0),
    ("UT", 39.3, -111.7, 4.5),
    ("VT", 44.1, -72.7, 2.0),
    ("VA", 37.5, -78.9, 3.2),
    ("WA", 47.4, -120.4, 4.0),
    ("WV", 38.6, -80.6, 2.8),
    ("WI", 44.6, -90.0, 4.0),
    ("WY", 43.0, -107.6, 4.0),
    ("PR", 18.2, -66.4, 1.0),
    ("VI", 18.0, -64.8, 0.6),
    ("GU", 13.4, 144.8, 0.5),
    ("AS", -14.3, -170.7, 0.5),
    ("MP", 15.2, 145.7, 0.8),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fleet_fits_the_picture() {
        for counts in [
            vec![1],
            vec![],
            vec![47, 5, 590, 56, 127, 900, 1_680],
            vec![12, 60, 1_416, 148, 1_015, 4_814, 6_250, 7],
            vec![20_000],
            vec![1; 12],
        ] {
            let hills = Hills::raise(&counts);
            for (number, count) in counts.iter().enumerate() {
                let hill = hills.hills[number];
                let places = hill.places(hills.spacing, *count);
                assert_eq!(places.len(), *count);
                for place in places.into_iter().map(|place| jitter(place, hills.spacing)) {
                    assert!((0.0..=WIDTH).contains(&place.x), "{counts:?} {place:?}");
                    assert!((20.0..=GROUND).contains(&place.y), "{counts:?} {place:?}");
                }
            }
        }
    }

    #[test]
    fn every_light_gets_its_own_place() {
        let hills = Hills::raise(&[300]);
        let lights = (0..300)
            .map(|n| Light {
                sites: vec![SiteIndex(n)],
                population: None,
                north: f64::from(n % 17),
                east: f64::from(n % 23),
            })
            .collect();
        let settled = hills.settle(0, lights);
        let mut places: Vec<_> = settled
            .iter()
            .map(|(_, p)| (p.x.to_bits(), p.y.to_bits()))
            .collect();
        let mut sites: Vec<_> = settled.iter().map(|(light, _)| light.sites[0]).collect();
        places.sort_unstable();
        places.dedup();
        sites.sort_unstable();
        sites.dedup();
        assert_eq!((places.len(), sites.len()), (300, 300));
    }
}
