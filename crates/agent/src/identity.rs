//! Who this agent is: enrolled once, then read from disk.

use domain::id::AgentId;
use domain::name::Hostname;
use protocol::delivery::{AgentSite, Enrol, Enrolled};

use crate::disk::Disk;
use crate::origin::Origins;
use crate::{AgentError, AgentSettings};

pub(crate) const FILE: &str = "identity.json";

/// Who this agent is.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
pub(crate) struct Identity {
    pub(crate) agent: AgentId,
    pub(crate) token: String,
    /// The root file trusted since the enrolment.
    pub(crate) root: String,
    pub(crate) sites: Vec<AgentSite>,
}

impl Identity {
    pub(crate) async fn load_or_enrol(
        disk: &Disk,
        origins: &Origins,
        settings: &AgentSettings,
    ) -> Result<Self, AgentError> {
        let known = disk
            .read(FILE)?
            .and_then(|bytes| serde_json::from_slice(&bytes).ok());
        if let Some(identity) = known {
            let identity: Self = identity;
            identity.warn_of_others(&settings.sites);
            return Ok(identity);
        }
        let token = settings
            .enrolment_token
            .clone()
            .ok_or(AgentError::NotEnrolled)?;
        let (host, sites) = (settings.host.clone(), settings.sites.clone());
        let Enrolled {
            agent,
            token,
            root,
            sites,
        } = origins.enrol(&Enrol { token, host, sites }).await?;
        let identity = Self {
            agent,
            token,
            root,
            sites,
        };
        let bytes = serde_json::to_vec(&identity)
            .map_err(|e| AgentError::disk("write", &FILE, e.into()))?;
        disk.write(FILE, &bytes)?;
        Ok(identity)
    }

    /// Who adds a site to the settings of an agent would else wait for it in vain.
    fn warn_of_others(&self, asked: &[Hostname]) {
        let is_own = |site: &Hostname| self.sites.iter().any(|own| own.site == *site);
        for site in asked.iter().filter(|site| !is_own(site)) {
            tracing::warn!(
                "this agent was enrolled without {site}, and does not serve it: enrol an agent with all its sites into an empty folder"
            );
        }
    }
}
