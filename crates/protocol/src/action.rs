//! Actions on one site, and what became of them.

use domain::id::CampaignId;
use domain::name::Hostname;
use semver::Version;

/// What is done to a site.
#[derive(
    Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Act {
    /// Drop the site's config cache, if it was last cleared at an older generation.
    ClearCache,
    /// Revalidate the site's documents at once.
    Refresh,
    /// Run this release from now on.
    ActivateRelease {
        /// The release.
        version: Version,
        /// A version of the repository at least as new as the one by which the control plane judged that config waits for
        /// it; 0 from an older control plane, which does not say. An agent whose metadata is older cannot tell what the
        /// release does without from what it has not heard of.
        #[serde(default)]
        repository: u64,
    },
}

/// An action as an agent is asked for it, or as a product's webhook receives it.
#[derive(
    Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
pub struct Action {
    /// What is done.
    #[serde(flatten)]
    pub act: Act,
    /// The site it is done to.
    pub site: Hostname,
    /// The campaign that asks.
    pub campaign: CampaignId,
    /// Grows with every campaign: who has acted at this generation or a newer one does nothing and
    /// says so. Delivery is at least once; this makes the effect once.
    pub generation: u64,
    /// The claim this action was sent under; an answer with an older fence is not counted.
    pub fence: u64,
}

/// What became of an action.
#[derive(
    Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
pub struct ActionResult {
    /// The campaign that asked.
    pub campaign: CampaignId,
    /// The site.
    pub site: Hostname,
    /// The fence of the action.
    pub fence: u64,
    /// Absent when it was done, or had been done at this generation before; else why not.
    pub refused: Option<String>,
}
