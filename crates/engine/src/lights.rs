//! The lamps: what evidence makes of each site's state. Never stores; evidence is stored by those
//! who gather it.

use domain::site::state::{Evidence, SiteState};

use crate::{Engine, Signal, SiteIndex};

impl Engine {
    /// Takes evidence of some sites' sign-in; those whose lamp changes are signalled together.
    pub fn learn(&self, sites: impl IntoIterator<Item = SiteIndex>, evidence: Evidence) {
        let fleet = self.fleet();
        let changed: Vec<_> = sites
            .into_iter()
            .filter(|index| fleet.set_state(*index, fleet.state(*index).after(evidence)))
            .collect();
        if !changed.is_empty() {
            self.signal(Signal::SitesChanged(changed.into()));
        }
    }

    /// How many sites stand in each state, in the order of [`SiteState::ALL`].
    #[must_use]
    pub fn light_counts(&self) -> [(SiteState, usize); 6] {
        let fleet = self.fleet();
        let mut counts = SiteState::ALL.map(|state| (state, 0));
        for index in (0..fleet.len()).filter_map(|index| u32::try_from(index).ok()) {
            let state = fleet.state(SiteIndex(index));
            counts
                .iter_mut()
                .filter(|(known, _)| *known == state)
                .for_each(|(_, n)| *n += 1);
        }
        counts
    }
}
