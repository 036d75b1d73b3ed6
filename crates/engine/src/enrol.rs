//! Agents: how a host becomes one, and which sites it serves. What it says that it holds: `acks`.

use std::collections::HashSet;
use std::sync::Arc;

use domain::access::Role;
use domain::enrolment::Bounds;
use domain::id::{AgentId, HolderId, SiteId};
use domain::name::Hostname;
use jiff::{SignedDuration, Timestamp};
use protocol::delivery::{AGENT_SITES_MAX, AgentSite, Enrol, Enrolled};
use store::{Holder, NewAgent, StoreError};

use crate::delivery::{later, load_agents};
use crate::staff::{fresh_token, token_hash};
use crate::{Engine, EngineError};

/// An enrolment token that nobody used is worthless after a day.
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

    /// Makes a host an agent.
    ///
    /// # Errors
    /// When the token is unknown, used or expired, a site is unknown or not within the token's bounds, there are none or
    /// too many, or the store fails. Nothing is changed then.
    pub async fn enrol_agent(&self, enrol: &Enrol) -> Result<Enrolled, EngineError> {
        let host = enrol.host.trim();
        if !(1..=100).contains(&host.chars().count()) || host.chars().any(char::is_control) {
            return Err(EngineError::refused_at(
                "host",
                "a host's name has 1 to 100 characters",
            ));
        }
        let unusable = || {
            EngineError::refused_at(
                "token",
                "this enrolment token is unknown, used or expired; ask an engineer for a new one",
            )
        };
        let enrolment = token_hash(&enrol.token);
        let bounds = self.store().enrolment(&enrolment, self.clock().now());
        let bounds = bounds.await?.ok_or_else(unusable)?;
        let (ids, sites) = self.agent_sites(&enrol.sites, &bounds)?;
        let token = fresh_token()?;
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
            token_hash: token_hash(&token),
            host: host.into(),
            sites: ids,
        };
        let audit = self.audit(
            &agent.holder.name,
            "enrolled an agent",
            host,
            &format!("{} sites", sites.len()),
        );
        let enrolled = self.store().enrol(&enrolment, &agent, &audit).await;
        enrolled.map_err(|e| match e {
            // Somebody else used it a moment ago.
            StoreError::Conflict { .. } => unusable(),
            other => other.into(),
        })?;
        self.know_agents().await?;
        let root = String::from_utf8_lossy(&self.root_file()).into_owned();
        Ok(Enrolled {
            agent: agent.id,
            token,
            root,
            sites,
        })
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
            Ok((
                site.id,
                AgentSite {
                    site: hostname.clone(),
                    product: site.product.clone(),
                },
            ))
        });
        sites
            .collect::<Result<Vec<_>, EngineError>>()
            .map(|sites| sites.into_iter().unzip())
    }
}
