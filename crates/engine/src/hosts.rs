//! Agents as people look at them: on which hosts, of how many sites, and when each was heard. Decides nothing.

use std::ops::Bound;
use std::sync::Arc;

use domain::id::AgentId;
use jiff::Timestamp;

use crate::Engine;

/// An agent.
#[derive(Clone, Debug)]
pub struct Host {
    /// Its identifier.
    pub agent: AgentId,
    /// What it called its host when it enrolled.
    pub name: Arc<str>,
    /// The sites that it serves.
    pub sites: usize,
    /// When it asked for something last; `None` for never since this server started.
    pub heard_at: Option<Timestamp>,
    /// The versions of documents that it said it holds.
    pub held: usize,
    /// The versions that its sites refuse, each for each site.
    pub refused: usize,
}

impl Engine {
    /// Agents in the order in which they enrolled, after `after`; at most `limit`.
    #[must_use]
    pub fn hosts(&self, after: Option<AgentId>, limit: usize) -> Vec<Host> {
        let delivery = &self.0.delivery;
        let agents = delivery.agents.load();
        let (acks, refusals) = (delivery.acks.load(), delivery.refusals.load());
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let heard = delivery.heard.lock();
        let host = |(agent, name): (&AgentId, &Arc<str>)| Host {
            agent: *agent,
            name: Arc::clone(name),
            sites: agents.sites.get(agent).map_or(0, Vec::len),
            heard_at: heard
                .as_ref()
                .ok()
                .and_then(|heard| heard.get(agent).copied()),
            held: acks.get(agent).map_or(0, |held| held.len()),
            refused: refusals.get(agent).map_or(0, |refused| refused.len()),
        };
        let asked = agents.hosts.range((from, Bound::Unbounded));
        asked.take(limit).map(host).collect()
    }
}
