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
        let read = |bytes: Vec<u8>| serde_json::from_slice::<Self>(&bytes);
        let unread = match disk.read(FILE)?.map(read) {
            Some(Ok(known)) => {
                known.warn_of_others(&settings.sites);
                return Ok(known);
            }
            Some(Err(e)) => Some(AgentError::Identity {
                file: settings.folder.join(FILE).display().to_string(),
                reason: e.to_string(),
            }),
            None => None,
        };
        let Some(token) = settings.enrolment_token.clone() else {
            return Err(unread.unwrap_or(AgentError::NotEnrolled));
        };
        if settings.sites.is_empty() {
            return Err(AgentError::NoSites);
        }
        if let Some(unread) = unread {
            tracing::warn!("{unread}; this one enrols anew now");
        }
        Self::enrol(token, disk, origins, settings).await
    }

    async fn enrol(
        token: String,
        disk: &Disk,
        origins: &Origins,
        settings: &AgentSettings,
    ) -> Result<Self, AgentError> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Clock;

    async fn refused(file: Option<&str>, token: Option<&str>) -> String {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::open(folder.path()).unwrap();
        if let Some(file) = file {
            disk.write(FILE, file.as_bytes()).unwrap();
        }
        // Nobody listens there: whoever is asked first says so.
        let server = "http://127.0.0.1:9".parse().unwrap();
        let settings = AgentSettings {
            enrolment_token: token.map(Into::into),
            ..AgentSettings::new(vec![server], folder.path().into())
        };
        let origins = Origins::new(&settings, Clock::system()).unwrap();
        let came = Identity::load_or_enrol(&disk, &origins, &settings).await;
        came.err().unwrap().to_string()
    }

    #[tokio::test]
    async fn what_is_missing_at_the_first_start_is_named_and_nobody_is_asked() {
        for (file, token, names) in [
            (None, None, "enrolment token"),
            (None, Some("a token"), "no site was named"),
            (Some("{"), None, FILE),
            (Some("{"), Some("a token"), "no site was named"),
        ] {
            let says = refused(file, token).await;
            assert!(says.contains(names), "{file:?} {token:?}: {says}");
        }
    }
}
