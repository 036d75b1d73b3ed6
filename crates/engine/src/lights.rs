//! The lamps: what evidence makes of each site's state. Never stores; evidence is stored by those
//! who gather it.

use std::collections::HashSet;

use domain::campaign::{Campaign, State};
use domain::incident::Incident;
use domain::site::Site;
use domain::site::state::{Evidence, SiteState};

use crate::campaign::ROWS_PER_PAGE;
use crate::{Engine, EngineError, Signal, SiteIndex};

/// How many campaigns are looked through after a start, the newest first.
const CAMPAIGNS_MAX: u32 = 100;

impl Engine {
    /// Takes evidence of some sites' sign-in; those whose lamp changes are signalled together.
    pub fn learn(&self, sites: impl IntoIterator<Item = SiteIndex>, evidence: Evidence) {
        let fleet = self.fleet();
        let changed: Vec<_> = sites
            .into_iter()
            .filter(|index| fleet.learn(*index, evidence))
            .collect();
        if !changed.is_empty() {
            self.signal(Signal::SitesChanged(changed.into()));
        }
    }

    /// Lamps are in memory: after a start, sites of open incidents count as failing until something
    /// proves otherwise, as they did when the incident was accepted; what a campaign verified since
    /// is proved.
    pub(crate) async fn relight(&self) {
        let mut open = HashSet::new();
        for view in self.incidents().open() {
            if view.incident.is_told() {
                open.insert(view.incident.id);
                let sites = self.sites_in(&view.incident.scope);
                self.learn(sites, Evidence::BelievedFailing);
            }
        }
        let tells = |campaign: &Campaign| {
            let of_open = campaign.order.incident.is_some_and(|id| open.contains(&id));
            of_open || campaign.state == State::Running
        };
        let lit = async {
            let campaigns = self.store().campaigns(CAMPAIGNS_MAX).await?;
            for campaign in campaigns.iter().filter(|campaign| tells(campaign)) {
                self.light_verified(campaign).await?;
            }
            Ok::<_, EngineError>(())
        };
        if let Err(error) = lit.await {
            tracing::warn!("could not look up which sites campaigns verified: {error}");
        }
    }

    /// The lamps of an incident that is over, but for sites that another one still is about.
    pub(crate) fn settle(&self, over: &Incident) {
        let open = self.incidents().open();
        let others: Vec<_> = open
            .iter()
            .map(|view| &view.incident)
            .filter(|one| one.id != over.id && one.is_told())
            .collect();
        let fleet = self.fleet();
        let held = |site: &Site| others.iter().any(|one| one.scope.holds(site));
        let sites = fleet.sites();
        let settled = sites.filter(|(_, site)| over.scope.holds(site) && !held(site));
        let settled: Vec<_> = settled.map(|(index, _)| index).collect();
        self.learn(settled, Evidence::Settled);
    }

    async fn light_verified(&self, campaign: &Campaign) -> Result<(), EngineError> {
        let (fleet, mut position) = (self.fleet(), 0);
        loop {
            let rows = self
                .store()
                .campaign_rows(campaign.id, Some("verified"), position, ROWS_PER_PAGE)
                .await?;
            let Some(last) = rows.last() else {
                return Ok(());
            };
            position = last.position + 1;
            let sites = rows.iter().filter_map(|row| fleet.index(row.site));
            self.learn(sites, Evidence::Verified);
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
