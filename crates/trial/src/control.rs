//! The control plane: what its store holds, what its process remembers, and what it does. The rules are
//! the engine's own (`engine::rules`), and so is the repository.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use aws_lc_rs::signature::Ed25519KeyPair;
use bytes::Bytes;
use domain::document::{Document, DocumentKey, Lane, Releases, check_coverage};
use domain::id::AgentId;
use domain::name::{Hostname, ProductName};
use domain::release::{Release, ReleaseState};
use domain::rollout::{Next, Rollout, Seen};
use engine::{Repository, rules};
use jiff::{SignedDuration, Timestamp};
use protocol::delivery::{Acks, Held, Push, Refused};
use semver::{Version, VersionReq};
use store::Spread;
use tuf::Keys;

/// As long as the engine's: an agent that was not heard for this long is not waited for.
const HEARD_WITHIN: SignedDuration = SignedDuration::from_secs(120);
/// As many as the engine reserves at a time.
const TIMESTAMPS_RESERVED: u64 = 10_000;

/// A site, as the control plane knows it.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) agent: usize,
    pub(crate) product: ProductName,
    pub(crate) running: Version,
    pub(crate) ran_before: Option<Version>,
}

/// A bug of the control plane, to see that it is caught.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlBug {
    /// Documents that only a release to go back to needs are dropped.
    DropWhatARollbackNeeds,
    /// A release is activated without the agent's word.
    ActivateWithoutAck,
    /// A rollout goes on although a site refused the version.
    IgnoreRefusals,
}

impl ControlBug {
    /// All of them.
    pub const ALL: [Self; 3] = [
        Self::DropWhatARollbackNeeds,
        Self::ActivateWithoutAck,
        Self::IgnoreRefusals,
    ];
}

/// Until when a timestamp counts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signed {
    pub(crate) expires: Timestamp,
}

pub(crate) struct Control {
    keys: Keys,
    pub(crate) bug: Option<ControlBug>,
    // What the store holds.
    pub(crate) repository: Arc<Repository>,
    pub(crate) releases: Vec<Release>,
    pub(crate) sites: BTreeMap<Hostname, Known>,
    pub(crate) acks: BTreeMap<AgentId, Arc<HashSet<Held>>>,
    pub(crate) refusals: BTreeMap<AgentId, Vec<Refused>>,
    reserved: u64,
    newest: BTreeMap<DocumentKey, u64>,
    since: BTreeMap<(DocumentKey, u64), Timestamp>,
    // What the process remembers.
    pub(crate) is_up: bool,
    pub(crate) timestamp: Bytes,
    version: u64,
    heard: HashMap<AgentId, Timestamp>,
    // What is true, for the invariants.
    pub(crate) published: BTreeMap<(DocumentKey, u64), Document>,
    pub(crate) signed: BTreeMap<u64, Signed>,
}

/// What is asked to be published.
pub(crate) struct New {
    pub(crate) key: DocumentKey,
    pub(crate) accepts: VersionReq,
    pub(crate) lane: Lane,
    pub(crate) at_once: bool,
    pub(crate) body: Vec<u8>,
}

impl New {
    /// Something urgent, for every site and every release at once.
    pub(crate) fn for_all(key: DocumentKey) -> Self {
        Self {
            key,
            accepts: VersionReq::STAR,
            lane: Lane::First,
            at_once: true,
            body: b"{}".into(),
        }
    }
}

type Told<T> = Result<T, String>;

/// Each product begins with the release that its sites run, and one that no site runs any more.
fn first_releases() -> Told<Vec<Release>> {
    let products = crate::fleet::products().map_err(said)?;
    let each = products.into_iter().flat_map(|product| {
        [0, 1].map(|number| Release {
            product: product.clone(),
            version: crate::fleet::release(number),
            state: ReleaseState::Live,
        })
    });
    Ok(each.collect())
}

impl Control {
    pub(crate) fn new(
        sites: BTreeMap<Hostname, Known>,
        now: Timestamp,
        bug: Option<ControlBug>,
    ) -> Told<Self> {
        let keys = keys()?;
        let repository = Repository::founded(&keys, now).map_err(said)?;
        let mut control = Self {
            keys,
            bug,
            repository: Arc::new(repository),
            releases: first_releases()?,
            sites,
            acks: BTreeMap::new(),
            refusals: BTreeMap::new(),
            reserved: 0,
            newest: BTreeMap::new(),
            since: BTreeMap::new(),
            is_up: false,
            timestamp: Bytes::new(),
            version: 0,
            heard: HashMap::new(),
            published: BTreeMap::new(),
            signed: BTreeMap::new(),
        };
        control.start(now)?;
        Ok(control)
    }

    /// A fresh process over the same store.
    pub(crate) fn start(&mut self, now: Timestamp) -> Told<()> {
        self.is_up = true;
        self.heard.clear();
        self.version = self.reserved;
        self.reserved += TIMESTAMPS_RESERVED;
        self.sign_timestamp(now)
    }

    pub(crate) fn stop(&mut self) {
        self.is_up = false;
    }

    fn sign_timestamp(&mut self, now: Timestamp) -> Told<()> {
        self.version += 1;
        let file = self.repository.timestamp(&self.keys, self.version, now);
        let file = file.map_err(said)?;
        let value: serde_json::Value = serde_json::from_slice(&file.bytes).map_err(said)?;
        let expires = value["signed"]["expires"].as_str().unwrap_or_default();
        let expires = expires.parse().map_err(said)?;
        self.signed.insert(self.version, Signed { expires });
        self.timestamp = file.bytes.into();
        Ok(())
    }

    /// Signs a timestamp, and everything anew when it is time; gives what is pushed.
    pub(crate) fn beat(&mut self, now: Timestamp) -> Told<Push> {
        if self.repository.is_to_sign_again(now) {
            let before = Arc::clone(&self.repository);
            let signing = rules::Signing {
                keys: &self.keys,
                before: &before,
                now,
            };
            let files = signing
                .all(before.documents(), &rules::Telling::default())
                .map_err(said)?;
            let told = rules::Told::default();
            let next = before.followed_by(before.documents().clone(), told, &files);
            self.repository = Arc::new(next);
        }
        self.sign_timestamp(now)?;
        Ok(self.repository.heartbeat(&self.timestamp))
    }

    /// Publishes; `None` when the process stopped between saving and telling.
    pub(crate) fn publish(&mut self, new: New, now: Timestamp, stops: bool) -> Told<Option<Push>> {
        let before = Arc::clone(&self.repository);
        let version = self.newest.get(&new.key).copied().unwrap_or(0) + 1;
        let mut document = Document {
            published: self.repository.version() + 1,
            key: new.key.clone(),
            version,
            accepts: new.accepts,
            lane: new.lane,
            json_schema: None,
            rollout: Rollout::everywhere(),
            body: new.body,
        };
        let releases = self.releases_of(&new.key.product);
        if !new.at_once {
            let canaries = self.canaries(&document, now);
            document.rollout =
                rules::first_wave(&before, &document, &canaries, &releases).map_err(said)?;
        }
        let spread = rules::end_others(&before, &document, new.at_once).map_err(said)?;
        rules::check_releases(&before, &document, &releases).map_err(said)?;
        self.newest.insert(new.key.clone(), version);
        self.since.insert((new.key, version), now);
        self.commit(Some(document), &spread, now, stops)
    }

    fn canaries(&self, document: &Document, now: Timestamp) -> Vec<Hostname> {
        let reads = |(_, site): &(&Hostname, &Known)| {
            site.product == document.key.product && document.accepts.matches(&site.running)
        };
        let reading = self.sites.iter().filter(reads);
        let heard = |(_, site): &(&Hostname, &Known)| self.is_heard(site.agent, now);
        let first = reading.filter(heard).map(|(hostname, _)| hostname.clone());
        first.take(1).collect()
    }

    fn is_heard(&self, agent: usize, now: Timestamp) -> bool {
        let at = self.heard.get(&crate::fleet::agent_id(agent));
        at.is_some_and(|at| now.duration_since(*at) <= HEARD_WITHIN)
    }

    fn commit(
        &mut self,
        document: Option<Document>,
        spread: &[Spread],
        now: Timestamp,
        stops: bool,
    ) -> Told<Option<Push>> {
        let before = Arc::clone(&self.repository);
        let touched: BTreeSet<DocumentKey> = document
            .iter()
            .map(|new| new.key.clone())
            .chain(spread.iter().map(|one| one.key.clone()))
            .collect();
        let mut documents = rules::apply(before.documents(), document.as_ref(), spread);
        for key in &touched {
            let releases = self.releases_of(&key.product);
            if let Some(versions) = documents.get_mut(key) {
                let refused = self.refusals.values().flatten();
                let refused = refused.filter(|one| one.held.key == *key);
                let refused = refused.map(|one| one.held.version).collect();
                rules::drop_unread(versions, &releases, &refused);
            }
        }
        let services = touched.iter().map(rules::service_of).collect();
        let signing = rules::Signing {
            keys: &self.keys,
            before: &before,
            now,
        };
        let files = signing
            .changed(&documents, &services, &rules::Telling::default())
            .map_err(said)?;
        if let Some(document) = document {
            let of = (document.key.clone(), document.version);
            self.published.insert(of, document);
        }
        self.repository = Arc::new(before.followed_by(documents, rules::Told::default(), &files));
        if stops {
            self.stop();
            return Ok(None);
        }
        self.sign_timestamp(now)?;
        Ok(Some(self.repository.push_after(&before, &self.timestamp)))
    }

    pub(crate) fn releases_of(&self, product: &ProductName) -> Releases {
        let own = self.releases.iter().filter(|one| one.product == *product);
        let own: Vec<_> = if self.bug == Some(ControlBug::DropWhatARollbackNeeds) {
            // As if live meant "run by a site".
            own.filter(|one| one.state == ReleaseState::Staged)
                .collect()
        } else {
            own.collect()
        };
        let sites = self.sites.values().filter(|one| one.product == *product);
        let run = sites.flat_map(|site| {
            let before = site.ran_before.iter();
            let before = before.filter(|_| self.bug != Some(ControlBug::DropWhatARollbackNeeds));
            std::iter::once(&site.running).chain(before)
        });
        rules::releases_among(own, run)
    }

    /// Stages the release after the newest.
    pub(crate) fn stage(&mut self, product: &ProductName, version: &Version) -> Told<()> {
        let documents = self.outlines(product);
        if documents.is_empty() {
            return Err("the product has no documents".into());
        }
        check_coverage(&documents, std::slice::from_ref(version))
            .map_err(|uncovered| format!("{} documents lack a version", uncovered.len()))?;
        self.releases.push(Release {
            product: product.clone(),
            version: version.clone(),
            state: ReleaseState::Staged,
        });
        Ok(())
    }

    pub(crate) fn outlines(&self, product: &ProductName) -> Vec<Document> {
        let all = self.repository.documents().iter();
        let own = all.filter(|(key, _)| key.product == *product);
        own.flat_map(|(_, versions)| versions.iter().map(|one| Document::clone(one)))
            .collect()
    }

    /// Retires a release that no site runs or may go back to.
    pub(crate) fn retire(&mut self, product: &ProductName, version: &Version) -> Told<()> {
        let mut sites = self.sites.values().filter(|one| one.product == *product);
        if sites.any(|one| one.running == *version || one.ran_before.as_ref() == Some(version)) {
            return Err("sites run it or may go back to it".into());
        }
        let mut own = self
            .releases
            .iter_mut()
            .filter(|one| one.product == *product);
        let release = own.find(|one| one.version == *version && one.state == ReleaseState::Live);
        release.ok_or("no such live release")?.state = ReleaseState::Retired;
        Ok(())
    }

    /// The gate: whether a site may run a release.
    pub(crate) fn may_run(&self, site: &Hostname, version: &Version) -> Told<()> {
        let known = self.sites.get(site).ok_or("no such site")?;
        let mut own = self
            .releases
            .iter()
            .filter(|one| one.product == known.product);
        let is_runnable =
            own.any(|one| one.version == *version && one.state != ReleaseState::Retired);
        if !is_runnable {
            return Err("no such staged or live release".into());
        }
        if self.bug == Some(ControlBug::ActivateWithoutAck) {
            return Ok(());
        }
        let asked = rules::documents_for(&self.repository, &known.product, version);
        if asked.is_empty() {
            return Err("no document of the product accepts it".into());
        }
        let agent = crate::fleet::agent_id(known.agent);
        let refused = self.refusals.get(&agent).map(|all| all.clone().into());
        let told = rules::Said::new(self.acks.get(&agent).cloned(), refused);
        let reader = rules::Reader::of(&self.repository, (&known.product, site), Some(told));
        let needed = rules::needed(&self.repository, &asked, version, &reader).map_err(said)?;
        let held = self.acks.get(&agent).map(|held| &**held);
        rules::judge(&needed, held, "its host".into()).map_err(said)
    }

    /// Whether a site is given a version, as far as its agent said.
    pub(crate) fn is_given(&self, site: &Hostname, document: &Document) -> bool {
        let refused = self.refusals.values().flatten().any(|one| {
            one.site == *site
                && one.held.version == document.version
                && one.held.key == document.key
        });
        document.rollout.admits(site, document.version) && !refused
    }

    /// A site runs a release from now on.
    pub(crate) fn runs(&mut self, site: &Hostname, version: &Version) {
        let Some(known) = self.sites.get_mut(site) else {
            return;
        };
        let product = known.product.clone();
        if known.running != *version {
            let before = std::mem::replace(&mut known.running, version.clone());
            known.ran_before = Some(before);
        }
        let mut own = self
            .releases
            .iter_mut()
            .filter(|one| one.product == product);
        if let Some(release) = own.find(|one| one.version == *version)
            && release.state == ReleaseState::Staged
        {
            release.state = ReleaseState::Live;
        }
    }

    pub(crate) fn hear(&mut self, agent: usize, now: Timestamp) {
        self.heard.insert(crate::fleet::agent_id(agent), now);
    }

    pub(crate) fn take_acks(&mut self, agent: usize, acks: Acks) {
        let id = crate::fleet::agent_id(agent);
        self.acks
            .insert(id, Arc::new(acks.held.into_iter().collect()));
        self.refusals.insert(id, acks.refused);
    }

    /// Goes on with versions that are on their way; gives what is pushed, and what was done.
    pub(crate) fn spread(&mut self, now: Timestamp) -> Told<Vec<(Push, &'static str)>> {
        let on_their_way: Vec<Arc<Document>> = self
            .repository
            .documents()
            .values()
            .flatten()
            .filter(|one| !one.rollout.is_everywhere() && !one.rollout.is_nowhere())
            .cloned()
            .collect();
        let mut pushes = vec![];
        for one in on_their_way {
            let seen = self.seen(&one, now);
            let (rollout, what) = match one.rollout.decide(&seen) {
                Next::Wait(_) => continue,
                Next::Advance(rollout) => (rollout, "a wave went on"),
                Next::Halt(_) => (Rollout::nowhere(), "a rollout was halted"),
            };
            let spread = Spread {
                key: one.key.clone(),
                version: one.version,
                halted: String::new(),
                rollout,
            };
            self.since.insert((one.key.clone(), one.version), now);
            let push = self.commit(None, &[spread], now, false)?;
            pushes.extend(push.map(|push| (push, what)));
        }
        Ok(pushes)
    }

    /// How many sites refused a version, as far as is known here.
    pub(crate) fn refused(&self, key: &DocumentKey, version: u64) -> usize {
        let all = self.refusals.values().flatten();
        all.filter(|one| one.held.key == *key && one.held.version == version)
            .count()
    }

    fn seen(&self, one: &Document, now: Timestamp) -> Seen {
        let held = Held {
            key: one.key.clone(),
            version: one.version,
        };
        let own = self
            .sites
            .iter()
            .filter(|(_, site)| site.product == one.key.product && self.is_heard(site.agent, now));
        let own = own.map(|(hostname, site)| {
            let acks = self.acks.get(&crate::fleet::agent_id(site.agent));
            let holds = acks.is_some_and(|acks| acks.contains(&held));
            (hostname, &site.running, holds)
        });
        let (sites, held) = rules::count_given(one, own);
        let refused = match self.bug {
            Some(ControlBug::IgnoreRefusals) => 0,
            _ => self.refused(&one.key, one.version),
        };
        let since = self.since.get(&(one.key.clone(), one.version));
        Seen {
            sites,
            held,
            refused,
            canaries_work: 0,
            canaries_fail: 0,
            canaries: 0,
            waited: now.duration_since(since.copied().unwrap_or(now)),
        }
    }
}

/// The same keys in every run: what is signed is the same then, to the byte.
fn keys() -> Told<Keys> {
    let pkcs8 = |name: &str| {
        let place = Keys::NAMES.iter().position(|known| *known == name)?;
        let seed = [u8::try_from(place).ok()? + 1; 32];
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).ok()?;
        Some(pair.to_pkcs8().ok()?.as_ref().to_vec())
    };
    Keys::read(pkcs8).map_err(said)
}

pub(crate) fn said(error: impl std::fmt::Display) -> String {
    error.to_string()
}
