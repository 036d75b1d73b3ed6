//! What agents say that they hold, and what their sites refused. Never verifies config; agents do, and say so.

mod parts;

use std::collections::HashSet;
use std::sync::Arc;

use arc_swap::ArcSwap;
use domain::id::AgentId;
use domain::site::Site;
use protocol::delivery::{
    Acks, HELD_PARTS_MAX, HELD_PER_PART_MAX, Held, Part, REASON_CHARACTERS_MAX,
    REFUSED_PER_PART_MAX, Refused,
};
use store::{AckChange, Refusal};
use tokio::sync::Mutex;

use crate::delivery::{PerAgent, Repository};
use crate::{Engine, EngineError};

pub(crate) use parts::Parts;
use parts::Said;

/// More agents than are taken at their word at once.
const TURNS: usize = 256;

/// One word of an agent after the other: one whose connection broke is carried to its end here, while its agent says the
/// next. Agents may share one.
pub(crate) struct Turns([Mutex<()>; TURNS]);

impl Default for Turns {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::new(())))
    }
}

impl Turns {
    fn of(&self, agent: AgentId) -> &Mutex<()> {
        // The last byte of an identifier is chance.
        let [.., last] = *agent.as_bytes();
        &self.0[usize::from(last)]
    }
}

impl Engine {
    /// Takes what an agent holds now and what its sites refused; replaces what it said before. Versions that do not
    /// exist here are left out. Where it says so in parts, all of them count when the last one came.
    ///
    /// # Errors
    /// When it names too much, a part comes without those before it, or the store fails.
    pub async fn take_acks(&self, agent: AgentId, acks: Acks) -> Result<(), EngineError> {
        check_size(&acks)?;
        let Acks {
            repository,
            held,
            refused,
            part,
        } = acks;
        let said = Said { held, refused };
        let Some(Said { held, refused }) = self.gather(agent, (repository, part), said)? else {
            return Ok(());
        };
        let delivery = &self.0.delivery;
        // What it said before is saved and known before what it says now is compared with it.
        let _turn = delivery.turns.of(agent).lock().await;
        let refused = self.own_refusals(agent, refused);
        let held = self.that_exist(agent, repository, held);
        let before = delivery.acks.load().get(&agent).cloned();
        let refused_before = delivery.refusals.load().get(&agent).cloned();
        let refuses_the_same = refused_before.unwrap_or_default()[..] == refused[..];
        if before.as_deref() == Some(&held) && refuses_the_same {
            return Ok(());
        }
        let before = before.unwrap_or_default();
        let row = |one: &Held| (one.key.clone(), one.version);
        let gone: Vec<_> = before.difference(&held).map(row).collect();
        let new: Vec<_> = held.difference(&before).map(row).collect();
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
        let said = AckChange {
            gone: &gone,
            new: &new,
            refused: (!refuses_the_same).then_some(&refusals[..]),
        };
        self.store()
            .save_acks(agent, &said, &pages, self.clock().now())
            .await?;
        let versions = held.len();
        put(&delivery.acks, agent, &Arc::new(held));
        if !refuses_the_same {
            put(&delivery.refusals, agent, &refused.into());
        }
        self.remember_paged(&news);
        for (page, _) in &pages {
            self.paged(page).await?;
        }
        tracing::debug!("agent {agent} holds {versions} document versions");
        Ok(())
    }

    /// All that an agent says, once its last part came.
    fn gather(
        &self,
        agent: AgentId,
        (repository, part): (u64, Option<Part>),
        said: Said,
    ) -> Result<Option<Said>, EngineError> {
        let parts = self.0.delivery.parts.lock();
        let mut parts = parts.unwrap_or_else(std::sync::PoisonError::into_inner);
        let Some(part) = part else {
            parts.forget(agent);
            return Ok(Some(said));
        };
        if !(1..=part.of).contains(&part.number) || part.of > HELD_PARTS_MAX {
            let reason = format!("what is held is told in at most {HELD_PARTS_MAX} parts");
            return Err(EngineError::refused_at("part", reason));
        }
        let taken = parts.take(agent, repository, part, said);
        taken.map_err(|parts::OutOfTurn| {
            EngineError::conflict(
                "a part before this one is missing: say what is held from the first part on",
            )
        })
    }

    /// Of what an agent says that it holds, the versions that were published here.
    ///
    /// A control plane that was restored from a backup meets agents that hold what it never published, and will
    /// publish something else under the same number: kept, it would open the gate for what lies on no disk. It is no
    /// error either: the agent tells the truth, and all else that it holds counts. One whose repository is
    /// newer than this one follows another history, and refuses ours as older: nothing that it holds counts until it
    /// follows this one and says so.
    fn that_exist(&self, agent: AgentId, repository: u64, held: Vec<Held>) -> HashSet<Held> {
        let ours = self.repository();
        if repository > ours.version() {
            let newest = ours.version();
            tracing::warn!(
                "agent {agent} verified repository version {repository}, and {newest} is the newest here: was this server restored from a backup? What the agent holds does not count"
            );
            return HashSet::new();
        }
        // Versions count up; those that no site reads any more are not in memory, and an agent that is behind holds them.
        let exists = |one: &Held| {
            let newest = ours.versions(&one.key).first();
            newest.is_some_and(|newest| (1..=newest.version).contains(&one.version))
        };
        held.into_iter().filter(exists).collect()
    }

    /// The refusals of sites that are the agent's own, of what is the sites' own, each once, in order.
    fn own_refusals(&self, agent: AgentId, refused: Vec<Refused>) -> Vec<Refused> {
        let (fleet, repository) = (self.fleet(), self.repository());
        let before = self.0.delivery.refusals.load().get(&agent).cloned();
        let before = before.unwrap_or_default();
        let before: HashSet<_> = before.iter().map(|old| (&old.site, &old.held)).collect();
        let mut own: Vec<Refused> = refused
            .into_iter()
            .filter(|one| {
                let site = fleet.site_at(&one.site);
                let own = site.filter(|site| self.agent_of_site(site.id) == Some(agent));
                // What was halted since is given to nobody, and stays refused.
                let is_known = before.contains(&(&one.site, &one.held));
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
        own
    }

    /// Of versions that all sites are given and that nobody refused so far, the first refusal: no rollout
    /// comes back for them, so people must know. Thousands of sites may refuse the same, one after the other in order.
    fn first_refusals(&self, refused: &[Refused]) -> Vec<Refused> {
        let repository = self.repository();
        let is_everywhere = |held: &Held| {
            let mut versions = repository.documents().get(&held.key).into_iter().flatten();
            versions.any(|one| one.version == held.version && one.rollout.is_everywhere())
        };
        let mut news: Vec<Refused> = vec![];
        for same in refused.chunk_by(|a, b| a.held == b.held) {
            let Some(one) = same.first() else {
                continue;
            };
            let is_known = !self.refused(&one.held.key, one.held.version).is_empty();
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
}

fn check_size(acks: &Acks) -> Result<(), EngineError> {
    if acks.held.len() > HELD_PER_PART_MAX {
        let reason = format!("at most {HELD_PER_PART_MAX} document versions are taken at once");
        return Err(EngineError::refused_at("held", reason));
    }
    if acks.refused.len() > REFUSED_PER_PART_MAX {
        let reason = format!("at most {REFUSED_PER_PART_MAX} refusals are taken at once");
        return Err(EngineError::refused_at("refused", reason));
    }
    Ok(())
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
fn put<T: Clone>(all: &ArcSwap<PerAgent<T>>, agent: AgentId, value: &T) {
    all.rcu(|all| all.insert(agent, value.clone()));
}
