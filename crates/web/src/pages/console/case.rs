//! What is linked to an incident, on its page in the console: alarms, reports, campaigns, releases.

use domain::detection::Alarm;
use domain::id::CampaignId;
use engine::{CampaignView, Case, Fleet, ReleaseBefore};

use crate::language::{in_words, tell};
use crate::pages::console::campaign::{named, state_name};
use crate::pages::console::reports::{self, Line as Told};
use crate::pages::words::{self, Moment, Reader};

/// The case, in words.
pub(in crate::pages) struct Linked {
    pub(in crate::pages) alarms: Vec<(Moment, String)>,
    pub(in crate::pages) reports_total: String,
    pub(in crate::pages) reports: Vec<Told>,
    pub(in crate::pages) campaigns: Vec<(CampaignId, String, String)>,
    pub(in crate::pages) releases: Vec<(Moment, String)>,
}

impl Linked {
    pub(in crate::pages) fn of(case: &Case, fleet: &Fleet, reader: &Reader) -> Self {
        let alarm = |one: &Alarm| (reader.moment(one.at), in_words().alarm_sentence(one));
        let campaign = |one: &CampaignView| (one.id, named(one), state_name(one.state).to_owned());
        let release = |one: &ReleaseBefore| {
            let sites = usize::try_from(one.sites).unwrap_or(usize::MAX);
            let values = [
                ("product", one.product.to_string().into()),
                ("version", one.version.to_string().into()),
                ("sites", words::sites(sites).into()),
            ];
            (reader.moment(one.at), tell("case-release", values))
        };
        let told = case.reports.iter();
        Self {
            alarms: case.alarms.iter().map(alarm).collect(),
            reports_total: tell("reports-counted", [("n", case.reports_total.into())]),
            reports: told
                .filter_map(|stored| reports::line(fleet, stored, reader))
                .collect(),
            campaigns: case.campaigns.iter().map(campaign).collect(),
            releases: case.releases.iter().map(release).collect(),
        }
    }

    pub(in crate::pages) fn is_empty(&self) -> bool {
        self.alarms.is_empty()
            && self.reports.is_empty()
            && self.campaigns.is_empty()
            && self.releases.is_empty()
    }
}
