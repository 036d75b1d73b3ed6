//! The timeline of an incident: what happened, as records that the incident report rests on.
//! Entries are only ever added. Never says what they mean; `report` does.

use jiff::Timestamp;
use semver::Version;

use super::{Audience, Scope, Stage};
use crate::id::{AlarmId, CampaignId, EntryId, PageId, ReportId, UpdateId};
use crate::name::{Hostname, ProductName};
use crate::text::grouped;

/// Something that happened in an incident.
#[derive(Clone, Debug, PartialEq, serde::Serialize, schemars::JsonSchema)]
pub struct TimelineEntry {
    /// Its identifier.
    pub id: EntryId,
    /// When it happened; may be before it was recorded.
    #[schemars(with = "crate::schema::Moment")]
    pub at: Timestamp,
    /// Who did it, or what saw it, such as "detection".
    pub by: String,
    /// What happened.
    #[serde(flatten)]
    pub fact: Fact,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(tag = "fact", rename_all = "snake_case")]
pub enum Fact {
    /// A release was activated shortly before.
    ReleaseActivated {
        /// The product.
        product: ProductName,
        /// The release.
        version: Version,
        /// On how many sites of the scope.
        sites: u64,
    },
    /// The first customer reported it.
    FirstReport {
        /// The report.
        report: ReportId,
        /// Whose site.
        site: Hostname,
    },
    /// Detection raised an alarm.
    AlarmRaised {
        /// The alarm.
        alarm: AlarmId,
        /// What it says.
        words: String,
    },
    /// An alarm proposed the incident.
    Proposed {
        /// The alarm.
        alarm: AlarmId,
    },
    /// A page went out to the people on call.
    Paged {
        /// The page.
        page: PageId,
    },
    /// Somebody on call answered.
    PageAcknowledged {
        /// The page.
        page: PageId,
    },
    /// An alarm showed that it was wider than was known.
    Widened {
        /// Which sites it is about from then on.
        scope: Scope,
    },
    /// A person opened the incident, without an alarm.
    Opened,
    /// A person added the incident after it was over.
    AddedAfterwards {
        /// Where its records come from, such as "statuspage 3wcfx9j1kbg3".
        source: Option<String>,
    },
    /// A person planned work.
    Planned,
    /// The window of planned work was moved.
    Moved {
        /// When the first site's window begins.
        #[schemars(with = "crate::schema::Moment")]
        from: Timestamp,
        /// When the last site's window ends.
        #[schemars(with = "crate::schema::Moment")]
        until: Timestamp,
    },
    /// Followers were told again that planned work begins.
    Reminded,
    /// A person took the incident up.
    Accepted,
    /// A person said who may read it.
    AudienceSet {
        /// Who.
        audience: Audience,
    },
    /// A person turned the proposal down.
    Dismissed {
        /// Why.
        reason: String,
    },
    /// An update was posted.
    Updated {
        /// The update.
        update: UpdateId,
        /// How far the incident had come with it.
        stage: Stage,
        /// The template it was made from.
        template: Option<String>,
    },
    /// The text of a post was corrected.
    Corrected {
        /// The update.
        update: UpdateId,
        /// Why.
        reason: String,
    },
    /// The official comment was posted.
    OfficialComment {
        /// The update that holds it.
        update: UpdateId,
    },
    /// A campaign began.
    CampaignStarted {
        /// The campaign.
        campaign: CampaignId,
        /// What it does, such as "clear cache".
        action: String,
        /// On how many sites.
        sites: u64,
    },
    /// A campaign came along.
    CampaignProgress {
        /// The campaign.
        campaign: CampaignId,
        /// Sites verified.
        done: u64,
        /// Sites whose verification failed.
        failed: u64,
        /// Sites in all.
        sites: u64,
    },
    /// A campaign was paused or halted.
    CampaignPaused {
        /// The campaign.
        campaign: CampaignId,
        /// Why.
        reason: String,
    },
    /// A campaign went on.
    CampaignResumed {
        /// The campaign.
        campaign: CampaignId,
    },
    /// A campaign ended.
    CampaignFinished {
        /// The campaign.
        campaign: CampaignId,
        /// Sites verified.
        done: u64,
        /// Sites whose verification failed.
        failed: u64,
    },
    /// The sites of the scope were counted.
    SitesCounted {
        /// All sites of the scope.
        total: u64,
        /// Sites that failed or were reported.
        failing: u64,
        /// Sites verified after an action.
        restored: u64,
    },
    /// Sign-ins of the scope were counted.
    SignInsCounted {
        /// Sign-ins that were tried.
        attempts: u64,
        /// Those that failed.
        failures: u64,
        /// From when.
        #[schemars(with = "crate::schema::Moment")]
        from: Timestamp,
        /// Until when.
        #[schemars(with = "crate::schema::Moment")]
        until: Timestamp,
    },
    /// The watch period ended.
    WatchEnded {
        /// Sites of the scope that failed then.
        failing: u64,
    },
    /// It was over.
    Completed,
    /// Anything else worth keeping.
    Noted {
        /// In words.
        words: String,
    },
}

impl TimelineEntry {
    /// What happened, in one line.
    #[must_use]
    pub fn line(&self) -> String {
        match &self.fact {
            Fact::ReleaseActivated {
                product,
                version,
                sites,
            } => {
                format!(
                    "Release {version} of {product} was activated on {} sites.",
                    grouped(*sites)
                )
            }
            Fact::FirstReport { site, .. } => {
                format!("A customer reported {site}, the first of the incident.")
            }
            Fact::AlarmRaised { words, .. } => format!("Detection raised an alarm: {words}."),
            Fact::Proposed { .. } => "The alarm proposed this incident.".into(),
            Fact::Paged { .. } => "The people on call were paged.".into(),
            Fact::PageAcknowledged { .. } => format!("{} acknowledged the page.", self.by),
            Fact::Widened { scope } => {
                format!("The alarm made the incident wider: it is about {scope} from now on.")
            }
            Fact::Opened => format!("{} opened the incident.", self.by),
            Fact::AddedAfterwards { source: None } => {
                format!("{} added the incident after it was over.", self.by)
            }
            Fact::AddedAfterwards {
                source: Some(source),
            } => format!(
                "{} added the incident after it was over, from {source}.",
                self.by
            ),
            Fact::Planned => format!("{} planned the work.", self.by),
            Fact::Moved { .. } => format!("{} moved the planned work.", self.by),
            Fact::Reminded => "Followers were reminded of the planned work.".into(),
            Fact::Accepted => format!("{} accepted the incident.", self.by),
            Fact::AudienceSet {
                audience: Audience::Everybody,
            } => format!("{} let everybody read the incident.", self.by),
            Fact::AudienceSet {
                audience: Audience::Affected,
            } => format!(
                "{} let only the affected organizations read the incident.",
                self.by
            ),
            Fact::Dismissed { reason } => format!("{} dismissed the proposal: {reason}", self.by),
            Fact::Updated {
                stage,
                template: Some(template),
                ..
            } => {
                format!("{} posted \"{template}\" ({stage}).", self.by)
            }
            Fact::Updated { stage, .. } => format!("{} posted an update ({stage}).", self.by),
            Fact::Corrected { reason, .. } => format!("{} corrected a post: {reason}", self.by),
            Fact::OfficialComment { .. } => format!("{} posted the official comment.", self.by),
            Fact::CampaignStarted { action, sites, .. } => {
                format!("A campaign began: {action} on {} sites.", grouped(*sites))
            }
            Fact::CampaignProgress {
                done,
                failed,
                sites,
                ..
            } => {
                format!(
                    "The campaign had verified {} of {} sites; {} failed.",
                    grouped(*done),
                    grouped(*sites),
                    grouped(*failed)
                )
            }
            Fact::CampaignPaused { reason, .. } => format!("The campaign was paused: {reason}."),
            Fact::CampaignResumed { .. } => "The campaign went on.".into(),
            Fact::CampaignFinished { done, failed, .. } => {
                format!(
                    "The campaign ended: {} sites verified, {} failed.",
                    grouped(*done),
                    grouped(*failed)
                )
            }
            Fact::SitesCounted {
                total,
                failing,
                restored,
            } => {
                format!(
                    "Of {} sites in scope, {} failed and {} were restored.",
                    grouped(*total),
                    grouped(*failing),
                    grouped(*restored)
                )
            }
            Fact::SignInsCounted {
                attempts, failures, ..
            } => {
                format!(
                    "{} of {} sign-ins failed.",
                    grouped(*failures),
                    grouped(*attempts)
                )
            }
            Fact::WatchEnded { failing } => {
                format!(
                    "The watch period ended; {} sites failed.",
                    grouped(*failing)
                )
            }
            Fact::Completed => format!("{} completed the incident.", self.by),
            Fact::Noted { words } => words.clone(),
        }
    }
}
