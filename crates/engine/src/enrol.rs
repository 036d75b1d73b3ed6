//! Agents: how a host becomes one, and which sites it serves. What it says that it holds: `acks`.

use std::collections::HashSet;
use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use domain::access::Role;
use domain::enrolment::Bounds;
use domain::id::{AgentId, HolderId, SiteId};
use domain::name::Hostname;
use domain::site::Site;
use jiff::{SignedDuration, Timestamp};
use protocol::delivery::{AGENT_SITES_MAX, AgentSite, Enrol, Enrolled};
use store::{Enrolment, Holder, NewAgent, StoreError};

use crate::delivery::{later, load_agents};
use crate::staff::{PREFIX, fresh_token, token_hash};
use crate::{Engine, EngineError};

/// An enrolment token is worthless after a day, also for whoever asks again.
const ENROLMENT_EXPIRES_AFTER: SignedDuration = SignedDuration::from_hours(24);

impl Engine {
    /// Makes a token that enrols one agent within a day, of the sites within these bounds.
    ///
    /// # Errors
    /// When it names a product, or sites, that are not in the fleet, or too many; when the store fails.
    pub async fn make_enrolment(&self, bounds: &Bounds, who: &str) -> Result<String, EngineError> {
        self.check_bounds(bounds)?;
        let token = fresh_token()?;
        let audit = self.audit(who, "made an enrolment token", "agent", &bounds.to_string());
        let expires_at = later(self.clock().now(), ENROLMENT_EXPIRES_AFTER);
        self.store()
            .add_enrolment(&token_hash(&token), bounds, expires_at, &audit)
            .await?;
        Ok(token)
    }

    /// A name that is mistyped would be noticed when the host is refused.
    fn check_bounds(&self, bounds: &Bounds) -> Result<(), EngineError> {
        let fleet = self.fleet();
        let product = bounds.product.as_ref();
        if let Some(unknown) = product.filter(|name| fleet.product(name).is_none()) {
            return Err(EngineError::not_found("product", unknown));
        }
        if bounds.sites.is_empty() {
            return Ok(());
        }
        let sites: Vec<_> = bounds.sites.iter().cloned().collect();
        self.agent_sites(&sites, bounds).map(drop)
    }

    /// Makes a host an agent. Asked again with the same token and the same secret, it tells of the same agent, with the
    /// sites that it has by then: the answer may have been lost, or the host ended before it kept it.
    ///
    /// # Errors
    /// When the token is unknown, expired, or used with another secret, a site is unknown or not within the token's
    /// bounds, there are none or too many, or the store fails. Nothing is changed then.
    pub async fn enrol_agent(&self, enrol: &Enrol) -> Result<Enrolled, EngineError> {
        let host = checked_host(&enrol.host)?;
        check_secret(&enrol.secret)?;
        let enrolment = token_hash(&enrol.token);
        let bounds = match self.enrolment(&enrolment).await? {
            Enrolment::Fresh(bounds) => bounds,
            used @ Enrolment::Used { .. } => return self.enrolled_before(&used, enrol).await,
        };
        let (ids, sites) = self.agent_sites(&enrol.sites, &bounds)?;
        let id: AgentId = self.clock().id();
        // Hosts share names, such as localhost, and a host that lost its folder enrols again.
        let holder = Holder {
            id: self.clock().id(),
            name: format!("agent on {host} ({id})"),
            role: Role::Agent,
        };
        let agent = NewAgent {
            id,
            holder,
            token_hash: token_hash(&enrol.secret),
            host: host.into(),
            sites: ids,
        };
        let audit = self.audit(
            &agent.holder.name,
            "enrolled an agent",
            host,
            &format!("{} sites", sites.len()),
        );
        match self.store().enrol(&enrolment, &agent, &audit).await {
            // Somebody used it a moment ago: perhaps the same host, whose connection broke.
            Err(StoreError::Conflict { .. }) => {
                let used = self.enrolment(&enrolment).await?;
                return self.enrolled_before(&used, enrol).await;
            }
            came => came?,
        }
        self.know_agents().await?;
        Ok(self.enrolled(id, sites))
    }

    async fn enrolment(&self, token_hash: &[u8; 32]) -> Result<Enrolment, EngineError> {
        let found = self.store().enrolment(token_hash, self.clock().now());
        found.await?.ok_or_else(unusable)
    }

    /// What an agent was told that asks again. Whoever has its token for enrolling only is told nothing.
    async fn enrolled_before(
        &self,
        used: &Enrolment,
        enrol: &Enrol,
    ) -> Result<Enrolled, EngineError> {
        let Enrolment::Used {
            agent,
            token_hash: known,
        } = used
        else {
            return Err(unusable());
        };
        let shown = token_hash(&enrol.secret);
        verify_slices_are_equal(&shown, known).map_err(|_| unusable())?;
        // Whoever enrolled it may not have come as far as this.
        self.know_agents().await?;
        let fleet = self.fleet();
        let own = self.sites_of_agent(*agent);
        let sites = own
            .into_iter()
            .filter_map(|id| fleet.site(fleet.index(id)?));
        let mut sites: Vec<_> = sites.map(|site| agent_site(&site)).collect();
        if sites.is_empty() {
            // Other agents have its sites by now: it would serve nobody.
            return Err(unusable());
        }
        sites.sort_by(|a, b| a.site.cmp(&b.site));
        Ok(self.enrolled(*agent, sites))
    }

    fn enrolled(&self, agent: AgentId, sites: Vec<AgentSite>) -> Enrolled {
        let root = String::from_utf8_lossy(&self.root_file()).into_owned();
        Enrolled { agent, root, sites }
    }

    /// Reads who serves what again. One at a time: an older reading must not take the place of a newer.
    async fn know_agents(&self) -> Result<(), EngineError> {
        let _alone = self.0.delivery.enrolling.lock().await;
        let agents = load_agents(self.store()).await?;
        self.0.delivery.agents.store(Arc::new(agents));
        Ok(())
    }

    /// The agent that holds a token.
    #[must_use]
    pub fn agent_of_holder(&self, holder: HolderId) -> Option<AgentId> {
        self.0
            .delivery
            .agents
            .load()
            .by_holder
            .get(&holder)
            .copied()
    }

    /// The agent that serves a site.
    #[must_use]
    pub fn agent_of_site(&self, site: SiteId) -> Option<AgentId> {
        self.0.delivery.agents.load().by_site.get(&site).copied()
    }

    /// How many agents there are.
    #[must_use]
    pub fn agent_count(&self) -> usize {
        self.0.delivery.agents.load().hosts.len()
    }

    /// The sites that an agent serves, in no order.
    #[must_use]
    pub fn sites_of_agent(&self, agent: AgentId) -> Vec<SiteId> {
        let agents = self.0.delivery.agents.load();
        agents.sites.get(&agent).cloned().unwrap_or_default()
    }

    /// Remembers that an agent was heard just now.
    pub fn hear(&self, agent: AgentId) {
        if let Ok(mut heard) = self.0.delivery.heard.lock() {
            heard.insert(agent, self.clock().now());
        }
    }

    /// The agents that were heard at `since` or later.
    pub(crate) fn heard_since(&self, since: Timestamp) -> HashSet<AgentId> {
        let heard = self.0.delivery.heard.lock();
        let heard = heard.iter().flat_map(|heard| heard.iter());
        heard
            .filter(|(_, at)| **at >= since)
            .map(|(agent, _)| *agent)
            .collect()
    }

    fn agent_sites(
        &self,
        hostnames: &[Hostname],
        bounds: &Bounds,
    ) -> Result<(Vec<SiteId>, Vec<AgentSite>), EngineError> {
        if hostnames.is_empty() || hostnames.len() > AGENT_SITES_MAX {
            let reason = format!("an agent serves 1 to {AGENT_SITES_MAX} sites");
            return Err(EngineError::refused_at("sites", reason));
        }
        let fleet = self.fleet();
        let sites = hostnames.iter().map(|hostname| {
            let site = fleet.site_at(hostname);
            let site = site.ok_or_else(|| EngineError::not_found("site", hostname))?;
            if !bounds.admit(&site) {
                let reason = format!("this token enrols no agent of {hostname}");
                return Err(EngineError::refused_at("sites", reason));
            }
            Ok((site.id, agent_site(&site)))
        });
        sites
            .collect::<Result<Vec<_>, EngineError>>()
            .map(|sites| sites.into_iter().unzip())
    }
}

fn agent_site(site: &Site) -> AgentSite {
    AgentSite {
        site: site.hostname.clone(),
        product: site.product.clone(),
    }
}

fn checked_host(host: &str) -> Result<&str, EngineError> {
    let host = host.trim();
    if !(1..=100).contains(&host.chars().count()) || host.chars().any(char::is_control) {
        let reason = "a host's name has 1 to 100 characters";
        return Err(EngineError::refused_at("host", reason));
    }
    Ok(host)
}

/// What is stored of a token can be searched backwards unless the token is long and drawn by chance; its length is what
/// can be seen of that.
fn check_secret(secret: &str) -> Result<(), EngineError> {
    let drawn = secret.strip_prefix(PREFIX).unwrap_or_default();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    if !(43..=96).contains(&drawn.len()) || !drawn.chars().all(is_plain) {
        let reason =
            "the secret of an agent is lmp_ and 43 to 96 letters, digits, - or _, drawn by chance";
        return Err(EngineError::refused_at("secret", reason));
    }
    Ok(())
}

fn unusable() -> EngineError {
    EngineError::refused_at(
        "token",
        "this enrolment token is unknown, used or expired; ask an engineer for a new one",
    )
}
