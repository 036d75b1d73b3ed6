//! The lamps: every site a light on the hillside of its time zone, west to east.
//!
//! Decides where a lamp stands and what it looks like. Never decides a site's state.

pub(crate) mod bands;
pub(crate) mod hills;
pub(crate) mod sky;
pub(crate) mod svg;

use std::sync::Arc;

use domain::site::state::SiteState;
use engine::{Fleet, SiteIndex};

use bands::Band;
use hills::{Hills, Place};

/// Past this many sites a lamp stands for [`SITES_PER_LAMP`] of them: a page stays a page.
const LAMPS_MAX: usize = 20_000;
/// How many sites one lamp stands for in a fleet past [`LAMPS_MAX`].
const SITES_PER_LAMP: usize = 10;

/// Where every lamp stands. Made once for a fleet; a fleet's lamps never move.
pub(crate) struct Lamps {
    pub(crate) bands: Vec<Band>,
    pub(crate) hills: Hills,
    /// The sites of each lamp, lamps in order of their bands.
    pub(crate) lamps: Vec<Lamp>,
    pub(crate) sites_per_lamp: usize,
}

/// One light and the sites it stands for.
pub(crate) struct Lamp {
    pub(crate) sites: Vec<SiteIndex>,
    pub(crate) place: Place,
    pub(crate) magnitude: Magnitude,
}

/// How large a lamp is: by the people it serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Magnitude {
    Small,
    Middle,
    Large,
}

impl Magnitude {
    pub(crate) const ALL: [Self; 3] = [Self::Small, Self::Middle, Self::Large];

    /// How much larger than a small lamp.
    pub(crate) fn size(self) -> f64 {
        match self {
            Self::Small => 0.82,
            Self::Middle => 1.1,
            Self::Large => 1.5,
        }
    }

    /// The letter it is sent as.
    pub(crate) fn letter(self) -> char {
        match self {
            Self::Small => 's',
            Self::Middle => 'm',
            Self::Large => 'l',
        }
    }

    fn of(population: Option<u32>) -> Self {
        match population.unwrap_or(0) {
            0..40_000 => Self::Small,
            40_000..200_000 => Self::Middle,
            _ => Self::Large,
        }
    }
}

impl Lamps {
    /// Places a lamp for every site, or for ten where there are too many.
    pub(crate) fn of(fleet: &Fleet) -> Self {
        let sites: Vec<_> = fleet.sites().collect();
        let per_lamp = if sites.len() > LAMPS_MAX {
            SITES_PER_LAMP
        } else {
            1
        };
        let mut bands = bands::west_to_east(sites.iter().map(|(index, site)| (*index, &**site)));
        let groups: Vec<Vec<_>> = bands
            .iter()
            .map(|band| {
                let lights = band.sites.iter().filter_map(|index| fleet.site(*index));
                hills::gather(&lights.collect::<Vec<_>>(), &band.sites, per_lamp)
            })
            .collect();
        let counts: Vec<_> = groups.iter().map(Vec::len).collect();
        let hills = Hills::raise(&counts);
        let mut lamps = vec![];
        for ((number, band), lights) in bands.iter_mut().enumerate().zip(groups) {
            band.first_lamp = lamps.len();
            band.lamps = lights.len();
            for (light, place) in hills.settle(number, lights) {
                let magnitude = Magnitude::of(light.population);
                lamps.push(Lamp {
                    sites: light.sites,
                    place,
                    magnitude,
                });
            }
        }
        Self {
            bands,
            hills,
            lamps,
            sites_per_lamp: per_lamp,
        }
    }

    /// The lamps of a band, in their order.
    pub(crate) fn of_band(&self, band: &Band) -> impl Iterator<Item = &Lamp> {
        self.lamps.iter().skip(band.first_lamp).take(band.lamps)
    }

    /// What a lamp shows: the worst that is known of its sites.
    pub(crate) fn shows(&self, fleet: &Fleet, lamp: u32) -> SiteState {
        let sites = self
            .lamps
            .get(lamp as usize)
            .map_or(&[][..], |lamp| &lamp.sites);
        sites
            .iter()
            .map(|site| fleet.state(*site))
            .max_by_key(|state| gravity(*state))
            .unwrap_or_default()
    }

    /// What all lamps show, one letter each, in the order of the lamps.
    pub(crate) fn letters(&self, fleet: &Fleet) -> Vec<u8> {
        let lamps = u32::try_from(self.lamps.len()).unwrap_or(0);
        (0..lamps)
            .map(|lamp| letter(self.shows(fleet, lamp)))
            .collect()
    }
}

/// The letter a state is sent as: its word's place in [`SiteState::ALL`], from `a`.
pub(crate) fn letter(state: SiteState) -> u8 {
    SiteState::ALL
        .into_iter()
        .zip(b'a'..)
        .find(|(known, _)| *known == state)
        .map_or(b'f', |(_, l)| l)
}

/// Which of ten sites a lamp speaks for: what a person should look at comes first.
fn gravity(state: SiteState) -> u8 {
    match state {
        SiteState::Unknown => 0,
        SiteState::Well => 1,
        SiteState::Restored => 2,
        SiteState::Reported => 3,
        SiteState::Restoring => 4,
        SiteState::Failing => 5,
    }
}

/// The lamps of the fleet that was last drawn; a new import makes new ones.
#[derive(Default)]
pub(crate) struct Drawn(arc_swap::ArcSwapOption<(Arc<Fleet>, Arc<Lamps>)>);

impl Drawn {
    pub(crate) fn lamps(&self, fleet: &Arc<Fleet>) -> Arc<Lamps> {
        if let Some(drawn) = &*self.0.load()
            && Arc::ptr_eq(&drawn.0, fleet)
        {
            return Arc::clone(&drawn.1);
        }
        let lamps = Arc::new(Lamps::of(fleet));
        self.0
            .store(Some(Arc::new((Arc::clone(fleet), Arc::clone(&lamps)))));
        lamps
    }
}
