//! Spreads new versions of documents from wave to wave, and takes back what a site refused or what broke
//! a canary. The decision is `domain::rollout`'s; this looks and acts.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use domain::campaign::plan::{Candidate, canaries_of};
use domain::document::{Document, DocumentKey};
use domain::id::AgentId;
use domain::name::Hostname;
use domain::rollout::{Halted, Next, Rollout, Seen, Waiting};
use domain::site::Site;
use futures_util::StreamExt as _;
use futures_util::stream;
use jiff::{SignedDuration, Timestamp};
use semver::{Version, VersionReq};
use store::{Delivery, Page, Spread, Spreading, StoreError};
use tokio_util::sync::CancellationToken;

use crate::banner::is_banners;
use crate::probe::Probe;
use crate::publish::{Changed, check_why};
use crate::{Engine, EngineError};

const LOOK_EACH: Duration = Duration::from_secs(5);
/// An agent that was not heard for this long is not waited for: it will hold the version before its
/// sites read it again.
const HEARD_WITHIN: SignedDuration = SignedDuration::from_secs(120);
/// A canary that fails twice in a row fails; once may be the network.
const FAILURES: u32 = 2;
const PROBES_AT_ONCE: usize = 8;
/// A wave that waits for longer stands still, and people are paged.
const STUCK_AFTER: SignedDuration = SignedDuration::from_hours(1);
/// How often somebody's word about a rollout is tried against a wave that goes on.
const TRIES_MAX: u32 = 5;
/// Probes before a publication: who waits for them waits at most this long.
const WITNESSES_WITHIN: Duration = Duration::from_secs(15);

/// Sites that a new version is tried on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Canaries {
    pub(crate) sites: Vec<Hostname>,
    /// Those where sign-in works before it comes.
    pub(crate) witnesses: BTreeSet<Hostname>,
}

/// A version that is on its way.
#[derive(Clone, Debug)]
pub struct OnItsWay {
    /// The version.
    pub version: u64,
    /// Which sites are given it.
    pub rollout: Rollout,
    /// Since when these.
    pub since: Timestamp,
    /// Sites that are given it and whose agent was heard lately.
    pub sites: usize,
    /// Those whose agent holds it.
    pub held: usize,
    /// What it waits for; `None` until it was looked at.
    pub waiting: Option<Waiting>,
}

/// What the worker remembers of canaries from look to look; after a restart it looks again.
#[derive(Default)]
struct Watched {
    works: BTreeSet<(DocumentKey, u64, u16, Hostname)>,
    failures: HashMap<(DocumentKey, u64, Hostname), u32>,
    /// Waves that people were paged about, because they stand still.
    paged: BTreeSet<(DocumentKey, u64, u16)>,
}

impl Engine {
    /// The canaries of a version of a document: sites with an agent that run code it accepts.
    pub(crate) async fn choose_canaries(
        &self,
        key: &DocumentKey,
        accepts: &VersionReq,
    ) -> Canaries {
        let fleet = self.fleet();
        let reads = |site: &Site| {
            site.product == key.product
                && accepts.matches(&site.running)
                && self.agent_of_site(site.id).is_some()
                && (key.layer.is_base() || self.facts(site).has(&site.hostname, &key.layer))
        };
        let sites: Vec<Arc<Site>> = fleet
            .sites()
            .map(|(_, site)| site)
            .filter(|site| reads(site))
            .collect();
        // A canary whose agent is silent proves nothing. Just after a start, nobody was heard yet.
        let now = self.clock().now();
        let heard = self.heard_since(now.saturating_sub(HEARD_WITHIN).unwrap_or(now));
        let is_heard = |site: &&Arc<Site>| {
            let agent = self.agent_of_site(site.id);
            heard.is_empty() || agent.is_some_and(|agent| heard.contains(&agent))
        };
        let mut candidates: Vec<_> = sites.iter().filter(is_heard).collect();
        if candidates.is_empty() {
            // All of them silent: the version waits for them. Without a canary it would go to all sites at once, and be
            // read by all when they come back.
            candidates = sites.iter().collect();
        }
        let candidates: Vec<_> = candidates
            .into_iter()
            .map(|site| Candidate {
                site,
                reported: false,
            })
            .collect();
        let chosen = canaries_of(&candidates, self.clock().now());
        let by_id: HashMap<_, _> = sites.iter().map(|site| (site.id, site)).collect();
        let chosen = chosen.iter().filter_map(|id| by_id.get(id));
        let sites: Vec<Hostname> = chosen.map(|site| site.hostname.clone()).collect();
        let witnesses = tokio::select! {
            witnesses = self.that_sign_in(&sites) => witnesses,
            () = self.clock().sleep(WITNESSES_WITHIN) => BTreeSet::new(),
        };
        Canaries { sites, witnesses }
    }

    async fn that_sign_in(&self, sites: &[Hostname]) -> BTreeSet<Hostname> {
        let probed = self.probe_all(sites.to_vec()).await;
        let works = probed
            .into_iter()
            .filter(|(_, probe)| matches!(probe, Probe::Works { .. }));
        works.map(|(site, _)| site).collect()
    }

    async fn probe_all(&self, sites: Vec<Hostname>) -> Vec<(Hostname, Probe)> {
        let probes = sites.into_iter().map(|site| {
            let engine = self.clone();
            async move {
                let probe = engine.probe_at(&site).await;
                (site, probe)
            }
        });
        stream::iter(probes)
            .buffer_unordered(PROBES_AT_ONCE)
            .collect()
            .await
    }

    async fn probe_at(&self, site: &Hostname) -> Probe {
        match self.fleet().find(site) {
            Some(index) => self.probe(index).await,
            None => Probe::Unreachable {
                reason: "there is no such site".into(),
            },
        }
    }

    /// Goes on with every version that is on its way, until `stop`.
    pub(crate) async fn spread_versions(self, stop: CancellationToken) {
        let mut watched = Watched::default();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.clock().sleep(LOOK_EACH) => {}
            }
            if let Err(e) = self.spread_on(&mut watched).await {
                tracing::error!(
                    error = &e as &dyn std::error::Error,
                    "could not go on with the rollout of a document: {e}"
                );
            }
        }
    }

    async fn spread_on(&self, watched: &mut Watched) -> Result<(), EngineError> {
        let is_on_its_way = |one: &Arc<Document>| !one.rollout.is_everywhere();
        let repository = self.repository();
        if !repository.documents().values().flatten().any(is_on_its_way) {
            *watched = Watched::default();
            return Ok(());
        }
        let spreading = self.store().spreading().await?;
        let mut waiting = HashMap::new();
        for one in &spreading {
            match self.spread_one(one, watched).await {
                Ok(Some(waits)) => drop(waiting.insert((one.key.clone(), one.version), waits)),
                Ok(None) => {}
                // The others go on.
                Err(e) => tracing::error!(
                    error = &e as &dyn std::error::Error,
                    "could not go on with the rollout of {} version {}: {e}",
                    one.key,
                    one.version
                ),
            }
        }
        self.remember_waiting(waiting);
        Ok(())
    }

    /// Goes on with one version; says what it waits for, if it does.
    async fn spread_one(
        &self,
        one: &Spreading,
        watched: &mut Watched,
    ) -> Result<Option<Waiting>, EngineError> {
        let seen = self.seen(one, watched).await;
        let waiting = match one.rollout.decide(&seen) {
            Next::Wait(waiting) => waiting,
            Next::Advance(rollout) => {
                let why = "the wave before proved itself";
                let to = (rollout, None);
                self.move_on(one, to, "lamplighter", why).await?;
                return Ok(None);
            }
            Next::Halt(halted) => return self.halt(one, &halted).await.map(|()| None),
        };
        let wave = (one.key.clone(), one.version, one.rollout.permille());
        if seen.waited > STUCK_AFTER && !watched.paged.contains(&wave) {
            let words = self
                .words()
                .page_rollout_waits((&one.key, one.version), &waiting);
            self.page(None, &words).await?;
            // Only now: what could not be saved is said at the next look.
            watched.paged.insert(wave);
        }
        Ok(Some(waiting))
    }

    fn remember_waiting(&self, waiting: HashMap<(DocumentKey, u64), Waiting>) {
        if let Ok(mut known) = self.0.delivery.waiting.lock() {
            *known = waiting;
        }
    }

    /// The version of a document that is on its way, and how far it is.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn on_its_way(&self, key: &DocumentKey) -> Result<Option<OnItsWay>, EngineError> {
        let spreading = self.store().spreading().await?;
        let own = spreading.into_iter().find(|one| one.key == *key);
        Ok(own.map(|one| {
            let (sites, held) = self.given(&one);
            let waiting = self.0.delivery.waiting.lock().ok();
            let waiting = waiting.and_then(|all| all.get(&(key.clone(), one.version)).copied());
            OnItsWay {
                waiting,
                version: one.version,
                rollout: one.rollout,
                since: one.since,
                sites,
                held,
            }
        }))
    }

    /// Sites that are given a version and whose agent was heard lately, and those of them whose agent
    /// holds it.
    fn given(&self, one: &Spreading) -> (usize, usize) {
        let repository = self.repository();
        let mut versions = repository.documents().get(&one.key).into_iter().flatten();
        let Some(document) = versions.find(|document| document.version == one.version) else {
            return (0, 0);
        };
        let now = self.clock().now();
        let heard = self.heard_since(now.saturating_sub(HEARD_WITHIN).unwrap_or(now));
        let holders = self.agents_holding(&one.key, one.version);
        let fleet = self.fleet();
        let sites = fleet.sites().map(|(_, site)| site);
        let own = sites.filter(|site| {
            site.product == one.key.product && repository.is_in_layer(site, &one.key.layer)
        });
        let own = own.filter_map(|site| {
            let agent = self.agent_of_site(site.id)?;
            let heard = heard.contains(&agent);
            heard.then(|| (site, holders.contains(&agent)))
        });
        let own: Vec<_> = own.collect();
        let sites = own
            .iter()
            .map(|(site, held)| (&site.hostname, &site.running, *held));
        count_given(document, sites)
    }

    /// What there is to see of a version on the sites that are given it.
    async fn seen(&self, one: &Spreading, watched: &mut Watched) -> Seen {
        let (sites, held) = self.given(one);
        let refused = self.refused(&one.key, one.version).len();
        // Probes take seconds, and a refusal decides.
        if refused == 0 {
            self.look_at_canaries(one, watched).await;
        }
        let share = one.rollout.permille();
        let of = |site: &Hostname| (one.key.clone(), one.version, site.clone());
        let works = |site: &&Hostname| {
            let (key, version, site) = of(site);
            watched.works.contains(&(key, version, share, site))
        };
        let fails = |site: &&Hostname| {
            watched
                .failures
                .get(&of(site))
                .is_some_and(|failures| *failures >= FAILURES)
        };
        Seen {
            sites,
            held,
            refused,
            canaries: one.witnesses.len(),
            canaries_work: one.witnesses.iter().filter(works).count(),
            canaries_fail: one.witnesses.iter().filter(fails).count(),
            waited: self.clock().now().duration_since(one.since),
        }
    }

    /// Probes the witnesses that hold the version and did not sign in during this wave yet.
    async fn look_at_canaries(&self, one: &Spreading, watched: &mut Watched) {
        let holders = self.agents_holding(&one.key, one.version);
        let share = one.rollout.permille();
        let due: Vec<Hostname> = one
            .witnesses
            .iter()
            .filter(|site| {
                let agent = self
                    .fleet()
                    .site_at(site)
                    .and_then(|site| self.agent_of_site(site.id));
                let of = (one.key.clone(), one.version, share, (*site).clone());
                agent.is_some_and(|agent| holders.contains(&agent)) && !watched.works.contains(&of)
            })
            .cloned()
            .collect();
        for (site, probe) in self.probe_all(due).await {
            let of = (one.key.clone(), one.version, site);
            match probe {
                Probe::Works { .. } => {
                    watched.failures.remove(&of);
                    let (key, version, site) = of;
                    watched.works.insert((key, version, share, site));
                }
                Probe::Fails { .. } => *watched.failures.entry(of).or_default() += 1,
                Probe::Unreachable { .. } => {}
            }
        }
    }

    async fn halt(&self, one: &Spreading, halted: &Halted) -> Result<(), EngineError> {
        let refused = self.refused(&one.key, one.version);
        let first = refused
            .first()
            .map(|(site, reason)| (site.as_str(), &**reason));
        let why = match first {
            Some((site, reason)) => format!("{halted}; {site}: {reason}"),
            None => halted.to_string(),
        };
        let words = self
            .words()
            .page_rollout_halted((&one.key, one.version), halted, first);
        let page = self.new_page(None, &words).await?;
        let to = (Rollout::nowhere(), Some(page));
        self.move_on(one, to, "lamplighter", &why).await.map(drop)
    }

    /// Gives a version to other sites, and says whether it did: nothing is done when it is not as it was.
    /// Whom it calls is called with it or not at all.
    async fn move_on(
        &self,
        one: &Spreading,
        (rollout, page): (Rollout, Option<(Page, Vec<Delivery>)>),
        who: &str,
        why: &str,
    ) -> Result<bool, EngineError> {
        let act = match (&rollout, rollout.is_everywhere()) {
            (_, true) => "gave a document to all sites",
            (rollout, _) if rollout.is_nowhere() => "halted the rollout of a document",
            _ => "gave a document to more sites",
        };
        let what = format!("{} version {}", one.key, one.version);
        let audit = self.audit(who, act, &what, why);
        let halted = if rollout.is_nowhere() { why } else { "" };
        let spread = vec![Spread {
            key: one.key.clone(),
            version: one.version,
            halted: halted.into(),
            rollout,
        }];
        let _alone = self.0.delivery.publishing.lock().await;
        let before = self.repository();
        let is_as_it_was = |document: &Arc<Document>| {
            document.version == one.version && document.rollout == one.rollout
        };
        let versions = before.documents().get(&one.key);
        if !versions.into_iter().flatten().any(is_as_it_was) {
            // Somebody was faster.
            return Ok(false);
        }
        let changed = Changed {
            spread,
            page,
            ..Changed::default()
        };
        match self.commit(&before, changed, &audit).await {
            Err(EngineError::Store(StoreError::Conflict { .. })) => {
                self.reload_repository().await?;
                Ok(false)
            }
            done => done.map(|()| true),
        }
    }

    /// Takes a version that is on its way back from all sites ([`Rollout::nowhere`]), or gives it to all
    /// of them now ([`Rollout::everywhere`]).
    ///
    /// # Errors
    /// When it is not on its way, no reason is given, or the store fails.
    pub async fn end_rollout(
        &self,
        (key, version): (&DocumentKey, u64),
        rollout: Rollout,
        why: &str,
        who: &str,
    ) -> Result<(), EngineError> {
        check_why(why)?;
        // A wave that goes on in the same moment does not keep it.
        for _ in 0..TRIES_MAX {
            let spreading = self.store().spreading().await?;
            let own = spreading
                .iter()
                .find(|one| one.key == *key && one.version == version);
            let Some(one) = own.filter(|_| !is_banners(key)) else {
                break;
            };
            let to = (rollout.clone(), None);
            if self.move_on(one, to, who, why.trim()).await? {
                return Ok(());
            }
        }
        let reason = format!("version {version} of {key} is not on its way to sites");
        Err(EngineError::conflict(reason))
    }

    fn agents_holding(&self, key: &DocumentKey, version: u64) -> BTreeSet<AgentId> {
        let held = protocol::delivery::Held {
            key: key.clone(),
            version,
        };
        let acks = self.0.delivery.acks.load();
        let holding = acks.iter().filter(|(_, all)| all.contains(&held));
        holding.map(|(agent, _)| *agent).collect()
    }

    /// The versions of a document that some site refused.
    pub(crate) fn refused_of(&self, key: &DocumentKey) -> BTreeSet<u64> {
        let refusals = self.0.delivery.refusals.load();
        let own = refusals.values().flat_map(|all| all.iter());
        let own = own.filter(|one| one.held.key == *key);
        own.map(|one| one.held.version).collect()
    }

    /// Sites that refused a version, each with its reason.
    #[must_use]
    pub fn refused(&self, key: &DocumentKey, version: u64) -> Vec<(Hostname, String)> {
        let refusals = self.0.delivery.refusals.load();
        let all = refusals.values().flat_map(|all| all.iter());
        let own = all.filter(|one| one.held.key == *key && one.held.version == version);
        let mut own: Vec<_> = own
            .map(|one| (one.site.clone(), one.reason.clone()))
            .collect();
        own.sort();
        own
    }
}

/// Of sites, each with the code it runs and whether its agent holds `document`: how many are given it,
/// and on how many of those it is held.
#[must_use]
pub fn count_given<'a>(
    document: &Document,
    sites: impl IntoIterator<Item = (&'a Hostname, &'a Version, bool)>,
) -> (usize, usize) {
    let given = sites
        .into_iter()
        .filter(|(site, code, _)| document.is_for(Some(site), code));
    given.fold((0, 0), |(sites, held), (_, _, holds)| {
        (sites + 1, held + usize::from(holds))
    })
}
