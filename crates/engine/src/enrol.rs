//! Agents: how a host becomes one, which sites it serves, what it says that it holds.
//! Never verifies config; agents do, and say so.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arc_swap::ArcSwap;
use domain::access::Role;
use domain::id::{AgentId, HolderId, SiteId};
use domain::name::Hostname;
use domain::site::Site;
use jiff::{SignedDuration, Timestamp};
use protocol::delivery::{
    AGENT_SITES_MAX, Acks, AgentSite, Enrol, Enrolled, Held, REASON_CHARACTERS_MAX, REFUSED_MAX,
    Refused,
};
use store::{Holder, NewAgent, Refusal, StoreError};

use crate::delivery::{Repository, later, load_agents};
use crate::staff::{fresh_token, token_hash};
use crate::{Engine, EngineError};

/// An enrolment token that nobody used is worthless after a day.
const ENROLMENT_EXPIRES_AFTER: SignedDuration = SignedDuration::from_hours(24);
/// Document versions that one agent may say it holds.
const HELD_MAX: usize = 10_000;

impl Engine {
    /// Makes a token that enrols one agent within a day.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn make_enrolment(&self, who: &str) -> Result<String, EngineError> {
        let token = fresh_token()?;
        let audit = self.audit(who, "made an enrolment token", "agent", "");
        let expires_at = later(self.clock().now(), ENROLMENT_EXPIRES_AFTER);
        self.store()
            .add_enrolment(&token_hash(&token), expires_at, &audit)
            .await?;
        Ok(token)
    }

    /// Makes a host an agent.
    ///
    /// # Errors
    /// When the token is unknown, used or expired, a site is unknown, there are none or too many, or
    /// the store fails. Nothing is changed then.
    pub async fn enrol_agent(&self, enrol: &Enrol) -> Result<Enrolled, EngineError> {
        let host = enrol.host.trim();
        if !(1..=100).contains(&host.chars().count()) || host.chars().any(char::is_control) {
            return Err(EngineError::refused_at(
                "host",
                "a host's name has 1 to 100 characters",
            ));
        }
        let (ids, sites) = self.agent_sites(&enrol.sites)?;
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
        self.store().enrol(&token_hash(&enrol.token), &agent, &audit).await.map_err(|e| match e {
            StoreError::Conflict { .. } => EngineError::refused_at(
                "token",
                "this enrolment token is unknown, used or expired; ask an engineer for a new one",
            ),
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

    /// Takes what an agent holds now and what its sites refused; replaces what it said before.
    ///
    /// # Errors
    /// When it names too much, or the store fails.
    pub async fn take_acks(&self, agent: AgentId, acks: Acks) -> Result<(), EngineError> {
        if acks.held.len() > HELD_MAX {
            let reason = format!("at most {HELD_MAX} document versions are taken");
            return Err(EngineError::refused_at("held", reason));
        }
        let refused = self.own_refusals(agent, acks.refused)?;
        let held: HashSet<_> = acks.held.into_iter().collect();
        let delivery = &self.0.delivery;
        let knows_held = delivery
            .acks
            .load()
            .get(&agent)
            .is_some_and(|before| **before == held);
        let refused_before = delivery.refusals.load().get(&agent).cloned();
        if knows_held && refused_before.unwrap_or_default()[..] == refused[..] {
            return Ok(());
        }
        let rows: Vec<_> = held
            .iter()
            .map(|one| (one.key.clone(), one.version))
            .collect();
        let refusals: Vec<_> = refused.iter().map(refusal).collect();
        // Saved as one: a process that ends in between must not know of a refusal that nobody was told.
        let news = self.first_refusals(&refused);
        let mut pages = Vec::with_capacity(news.len());
        for one in &news {
            let words = self.words().page_refused(
                (&one.held.key, one.held.version),
                (one.site.as_str(), &one.reason),
            );
            pages.push(self.new_page(None, &words).await?);
        }
        self.store()
            .save_acks(agent, &rows, &refusals, &pages, self.clock().now())
            .await?;
        put(&delivery.acks, agent, Arc::new(held));
        put(&delivery.refusals, agent, refused.into());
        self.remember_paged(&news);
        for (page, _) in &pages {
            self.paged(page).await?;
        }
        tracing::debug!("agent {agent} holds {} document versions", rows.len());
        Ok(())
    }

    /// The refusals of sites that are the agent's own, of what is the sites' own, each once, in order.
    fn own_refusals(
        &self,
        agent: AgentId,
        refused: Vec<Refused>,
    ) -> Result<Vec<Refused>, EngineError> {
        if refused.len() > REFUSED_MAX {
            let reason = format!("at most {REFUSED_MAX} refusals are taken");
            return Err(EngineError::refused_at("refused", reason));
        }
        let (fleet, repository) = (self.fleet(), self.repository());
        let before = self.0.delivery.refusals.load().get(&agent).cloned();
        let before = before.unwrap_or_default();
        let mut own: Vec<Refused> = refused
            .into_iter()
            .filter(|one| {
                let site = fleet.site_at(&one.site);
                let own = site.filter(|site| self.agent_of_site(site.id) == Some(agent));
                // What was halted since is given to nobody, and stays refused.
                let is_known = before
                    .iter()
                    .any(|old| (&old.site, &old.held) == (&one.site, &one.held));
                own.is_some_and(|site| is_known || may_refuse(&repository, &site, &one.held))
            })
            .map(|mut one| {
                let words = one.reason.chars().filter(|c| !c.is_control());
                one.reason = words.take(REASON_CHARACTERS_MAX).collect();
                one
            })
            .collect();
        own.sort_by(|a, b| (&a.held, &a.site).cmp(&(&b.held, &b.site)));
        own.dedup_by(|a, b| (&a.held, &a.site) == (&b.held, &b.site));
        Ok(own)
    }

    /// Of versions that all sites are given and that nobody refused so far, the first refusal: no rollout
    /// comes back for them, so people must know.
    fn first_refusals(&self, refused: &[Refused]) -> Vec<Refused> {
        let repository = self.repository();
        let is_everywhere = |held: &Held| {
            let mut versions = repository.documents().get(&held.key).into_iter().flatten();
            versions.any(|one| one.version == held.version && one.rollout.is_everywhere())
        };
        let mut news: Vec<Refused> = vec![];
        for one in refused {
            let is_known = news.iter().any(|other| other.held == one.held)
                || !self.refused(&one.held.key, one.held.version).is_empty();
            if !is_known && is_everywhere(&one.held) && !self.is_paged(&one.held) {
                news.push(one.clone());
            }
        }
        news
    }

    /// An agent that refuses, takes it back and refuses again pages people once.
    fn is_paged(&self, held: &Held) -> bool {
        self.paged_refusals().contains(held)
    }

    /// Once the pages are saved: what could not be saved comes again, and nobody was told.
    fn remember_paged(&self, news: &[Refused]) {
        let held = news.iter().map(|one| one.held.clone());
        self.paged_refusals().extend(held);
    }

    fn paged_refusals(&self) -> std::sync::MutexGuard<'_, HashSet<Held>> {
        let paged = self.0.delivery.refusals_paged.lock();
        paged.unwrap_or_else(std::sync::PoisonError::into_inner)
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
    ) -> Result<(Vec<SiteId>, Vec<AgentSite>), EngineError> {
        if hostnames.is_empty() || hostnames.len() > AGENT_SITES_MAX {
            let reason = format!("an agent serves 1 to {AGENT_SITES_MAX} sites");
            return Err(EngineError::refused_at("sites", reason));
        }
        let fleet = self.fleet();
        let sites = hostnames.iter().map(|hostname| {
            let site = fleet.site_at(hostname);
            let site = site.ok_or_else(|| EngineError::not_found("site", hostname))?;
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

/// Whether a site may have an opinion of a version: it is of its product and its layers, and given to it. One
/// host must not be able to halt what is for others.
fn may_refuse(repository: &Repository, site: &Site, held: &Held) -> bool {
    let mut versions = repository.versions(&held.key).iter();
    let found = versions.find(|one| one.version == held.version);
    let is_given = found.is_some_and(|one| one.rollout.admits(&site.hostname, one.version));
    is_given && site.product == held.key.product && repository.is_in_layer(site, &held.key.layer)
}

fn refusal(one: &Refused) -> Refusal {
    Refusal {
        key: one.held.key.clone(),
        version: one.held.version,
        site: one.site.clone(),
        reason: one.reason.clone(),
    }
}

/// Replaces what is known of one agent.
fn put<T: Clone>(all: &ArcSwap<HashMap<AgentId, T>>, agent: AgentId, value: T) {
    all.rcu(|all| {
        let mut all = HashMap::clone(all);
        all.insert(agent, value.clone());
        all
    });
}
