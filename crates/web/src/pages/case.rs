//! What is linked to an incident, on its page in the console: alarms, reports, campaigns, releases.

use domain::detection::Alarm;
use domain::id::CampaignId;
use engine::{CampaignView, Case, Fleet, ReleaseBefore};

use super::campaign::named;
use super::reports::{self, Line as Told};
use super::words::{self, Moment, Reader};

/// The case, in words.
pub(super) struct Linked {
    pub(super) alarms: Vec<(Moment, String)>,
    pub(super) reports_total: String,
    pub(super) reports: Vec<Told>,
    pub(super) campaigns: Vec<(CampaignId, String, &'static str)>,
    pub(super) releases: Vec<(Moment, String)>,
}

impl Linked {
    pub(super) fn of(case: &Case, fleet: &Fleet, reader: &Reader) -> Self {
        let alarm = |one: &Alarm| (reader.moment(one.at), one.sentence());
        let campaign = |one: &CampaignView| (one.id, named(one), one.state);
        let release = |one: &ReleaseBefore| {
            let sites = usize::try_from(one.sites).unwrap_or(usize::MAX);
            let sites = words::counted(sites, "site", "sites");
            let words = format!("{} {} on {sites}", one.product, one.version);
            (reader.moment(one.at), words)
        };
        let told = case.reports.iter();
        Self {
            alarms: case.alarms.iter().map(alarm).collect(),
            reports_total: words::counted(case.reports_total, "report", "reports"),
            reports: told
                .filter_map(|stored| reports::line(fleet, stored, reader))
                .collect(),
            campaigns: case.campaigns.iter().map(campaign).collect(),
            releases: case.releases.iter().map(release).collect(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.alarms.is_empty()
            && self.reports.is_empty()
            && self.campaigns.is_empty()
            && self.releases.is_empty()
    }
}
