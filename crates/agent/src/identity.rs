//! Who this agent is: enrolled once, then read from disk.

use domain::id::AgentId;
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
}
