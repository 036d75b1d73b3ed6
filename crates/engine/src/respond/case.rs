//! Everything that is linked to an incident: what raised it, what was said, what was done about it,
//! and what may have caused it.

use domain::id::CampaignId;
use domain::name::ProductName;
use semver::Version;
use store::StoredReport;

use super::*;
use crate::CampaignView;

/// The newest reports that are shown; the others are counted.
const REPORTS_SHOWN: usize = 20;
/// Among how many of the newest campaigns those of an incident are looked for.
const CAMPAIGNS_MAX: u32 = 500;

/// What is linked to an incident.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its alarms, the first one first.
    pub alarms: Vec<Alarm>,
    /// How many reports belong to it.
    pub reports_total: usize,
    /// The newest of them, newest first.
    pub reports: Vec<StoredReport>,
    /// The campaigns that answer it, newest first.
    pub campaigns: Vec<CampaignView>,
    /// Releases activated shortly before it on its sites.
    pub releases: Vec<ReleaseBefore>,
}

/// A release that may have caused an incident.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct ReleaseBefore {
    /// The product.
    pub product: ProductName,
    /// The release.
    pub version: Version,
    /// On how many sites of the incident.
    pub sites: u64,
    /// When the first of them ran it.
    #[schemars(with = "domain::schema::Moment")]
    pub at: Timestamp,
}

impl Case {
    /// The campaign that goes on, or may.
    #[must_use]
    pub fn active_campaign(&self) -> Option<CampaignId> {
        let over = |state: &str| matches!(state, "finished" | "aborted");
        let active = self.campaigns.iter().find(|one| !over(one.state));
        active.map(|one| one.id)
    }
}

impl Engine {
    /// Everything that is linked to an incident.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn case(&self, view: &IncidentView) -> Result<Case, EngineError> {
        let id = view.incident.id;
        let mut alarms = vec![];
        for alarm in &view.alarms {
            alarms.extend(self.store().alarm(*alarm).await?);
        }
        // Identifiers sort by the time they were made.
        let ids = self.store().incident_reports(id).await?;
        let mut reports = vec![];
        for report in ids.iter().rev().take(REPORTS_SHOWN) {
            reports.extend(self.store().report(*report).await?);
        }
        let mut campaigns = self.campaigns(CAMPAIGNS_MAX).await?;
        campaigns.retain(|one| one.incident == Some(id));
        let timeline = self.store().timeline(id).await?;
        Ok(Case {
            alarms,
            reports_total: ids.len(),
            reports,
            campaigns,
            releases: timeline.into_iter().filter_map(release_before).collect(),
        })
    }
}

fn release_before(entry: TimelineEntry) -> Option<ReleaseBefore> {
    match entry.fact {
        Fact::ReleaseActivated {
            product,
            version,
            sites,
        } => Some(ReleaseBefore {
            product,
            version,
            sites,
            at: entry.at,
        }),
        _ => None,
    }
}
