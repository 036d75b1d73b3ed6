//! The control plane: what its store holds, what its process remembers, and what it does. The rules are
//! the engine's own (`engine::rules`), and so is the repository.

mod keys;
mod spread;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use domain::document::{Document, DocumentKey, Lane, Releases, check_coverage};
use domain::id::AgentId;
use domain::layer::Layer;
use domain::name::{Hostname, ProductName};
use domain::release::{Release, ReleaseState};
use domain::rollout::Rollout;
use engine::{Repository, rules};
use jiff::{SignedDuration, Timestamp};
use protocol::delivery::{Acks, Held, Push, Refused};
use semver::{Version, VersionReq};
use store::Spread;
use tuf::Keys;

pub(crate) use keys::{Ring, key};

use crate::fleet::{Fleet, Site};
use crate::truth::{Pieces, ToldFacts, Truth};

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
    /// Who moved is told of no more: its layers stay those of where it was.
    TellOnce,
}

impl ControlBug {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::DropWhatARollbackNeeds,
        Self::ActivateWithoutAck,
        Self::IgnoreRefusals,
        Self::TellOnce,
    ];
}

/// Until when a timestamp counts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signed {
    pub(crate) expires: Timestamp,
}

pub(crate) struct Control {
    keys: Keys,
    pub(crate) ring: Ring,
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
    pub(crate) fleet: Fleet,
    /// Documents, and the releases that they left without a version.
    pub(crate) past_coverage: BTreeSet<(DocumentKey, Version)>,
    told: rules::Told,
    // What the process remembers.
    pub(crate) is_up: bool,
    pub(crate) timestamp: Bytes,
    version: u64,
    heard: HashMap<AgentId, Timestamp>,
    // What is true, for the invariants.
    pub(crate) truth: Truth,
    pub(crate) told_facts: ToldFacts,
    pub(crate) signed: BTreeMap<u64, Signed>,
}

/// What a commit changes.
#[derive(Default)]
struct Changed {
    document: Option<Document>,
    spread: Vec<Spread>,
    retold: rules::Retold,
}

/// What is asked to be published.
pub(crate) struct New {
    pub(crate) key: DocumentKey,
    pub(crate) accepts: VersionReq,
    pub(crate) lane: Lane,
    pub(crate) at_once: bool,
    pub(crate) body: Vec<u8>,
    /// Whether it is published also where it leaves releases without a version: they do without it.
    pub(crate) past_coverage: bool,
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
            past_coverage: false,
        }
    }
}

pub(crate) type Told<T> = Result<T, String>;

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
        fleet: Fleet,
        now: Timestamp,
        bug: Option<ControlBug>,
    ) -> Told<Self> {
        let (ring, keys) = Ring::new()?;
        let repository = Repository::founded(&keys, now).map_err(said)?;
        let mut control = Self {
            keys,
            ring,
            bug,
            repository: Arc::new(repository),
            releases: first_releases()?,
            sites,
            acks: BTreeMap::new(),
            refusals: BTreeMap::new(),
            reserved: 0,
            newest: BTreeMap::new(),
            since: BTreeMap::new(),
            fleet,
            past_coverage: BTreeSet::new(),
            told: rules::Told::default(),
            is_up: false,
            timestamp: Bytes::new(),
            version: 0,
            heard: HashMap::new(),
            truth: Truth::default(),
            told_facts: ToldFacts::new(),
            signed: BTreeMap::new(),
        };
        control.remember();
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
            self.sign_all(None, now, false)?;
        }
        self.sign_timestamp(now)?;
        Ok(self.repository.heartbeat(&self.timestamp))
    }

    /// Publishes; `None` when the process stopped between saving and telling.
    pub(crate) fn publish(&mut self, new: New, now: Timestamp, stops: bool) -> Told<Option<Push>> {
        let before = Arc::clone(&self.repository);
        self.check_layer(&new.key)?;
        let at_once = new.at_once || new.key.layer.is_site();
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
        if !at_once {
            let canaries = self.canaries(&document, now);
            document.rollout =
                rules::first_wave(&before, &document, &canaries, &releases).map_err(said)?;
        }
        let spread = rules::end_others(&before, &document, at_once).map_err(said)?;
        let covered = rules::check_releases(&before, &document, &releases).map_err(said);
        if new.past_coverage && new.key.layer.is_base() && covered.is_err() {
            let left_out = releases.needed.iter();
            let known = before.documents().get(&new.key).into_iter().flatten();
            let known: Vec<_> = known.filter(|one| one.rollout.is_everywhere()).collect();
            let left_out = left_out.filter(|code| {
                let mut all = known.iter().map(|one| &one.accepts);
                !document.accepts.matches(code) && !all.any(|accepts| accepts.matches(code))
            });
            let pairs = left_out.map(|code| (new.key.clone(), code.clone()));
            self.past_coverage.extend(pairs);
        } else {
            covered?;
        }
        self.newest.insert(new.key.clone(), version);
        self.since.insert((new.key.clone(), version), now);
        let retold = match &new.key.layer {
            Layer::Site(site) => rules::Retold::Site(new.key.product.clone(), site.clone()),
            _ => rules::Retold::New,
        };
        let changed = Changed {
            document: Some(document),
            spread,
            retold,
        };
        self.commit(changed, now, stops)
    }

    /// A layer is of a document, and for some site.
    fn check_layer(&self, key: &DocumentKey) -> Told<()> {
        let base = key.with_layer(Layer::Base);
        let documents = self.repository.documents();
        if key.layer.is_base() || documents.get(&base).is_some_and(|all| !all.is_empty()) {
            let mut own = self.fleet.sites.get(&key.product).into_iter().flatten();
            let is_some = own.any(|(site, facts)| facts.has(site, &key.layer));
            return is_some
                .then_some(())
                .ok_or("no site is in the layer".into());
        }
        Err("there is no such document".into())
    }

    /// Tells agents of sites anew, where the fleet says something else by now.
    pub(crate) fn tell_of_sites(&mut self, now: Timestamp) -> Told<Option<Push>> {
        let mut keys = self.repository.documents().keys();
        if keys.all(|key| key.layer.is_base()) || self.bug == Some(ControlBug::TellOnce) {
            return Ok(None);
        }
        let changed = Changed {
            retold: rules::Retold::All,
            ..Changed::default()
        };
        self.commit(changed, now, false)
    }

    fn remember(&mut self) {
        let facts = self.told_facts.clone();
        self.truth.remember(Arc::clone(&self.repository), facts);
    }

    fn canaries(&self, document: &Document, now: Timestamp) -> Vec<Hostname> {
        let reads = |(_, site): &(&Hostname, &Known)| {
            site.product == document.key.product && document.accepts.matches(&site.running)
        };
        let facts = self.fleet.sites.get(&document.key.product);
        let is_in = |(hostname, _): &(&Hostname, &Known)| {
            let facts = facts.and_then(|all| all.get(*hostname));
            facts.is_some_and(|facts| facts.has(hostname, &document.key.layer))
        };
        let reading = self.sites.iter().filter(reads).filter(is_in);
        let heard = |(_, site): &(&Hostname, &Known)| self.is_heard(site.agent, now);
        let first = reading.filter(heard).map(|(hostname, _)| hostname.clone());
        first.take(1).collect()
    }

    fn is_heard(&self, agent: usize, now: Timestamp) -> bool {
        let at = self.heard.get(&crate::fleet::agent_id(agent));
        at.is_some_and(|at| now.duration_since(*at) <= HEARD_WITHIN)
    }

    /// Signs and saves a change, and says what is pushed; nothing when nothing changes, or the process stops before it
    /// can tell.
    fn commit(&mut self, changed: Changed, now: Timestamp, stops: bool) -> Told<Option<Push>> {
        let Changed {
            document,
            spread,
            retold,
        } = changed;
        let before = Arc::clone(&self.repository);
        let touched: BTreeSet<DocumentKey> = document
            .iter()
            .map(|new| new.key.clone())
            .chain(spread.iter().map(|one| one.key.clone()))
            .collect();
        let mut documents = rules::apply(before.documents(), document.as_ref(), &spread);
        for key in &touched {
            self.drop_unread(&mut documents, key);
        }
        let of = touched.iter().map(|key| &key.product).collect();
        let telling = rules::Telling::new(&self.told, &documents, &retold, &of, &self.fleet);
        let telling = telling.map_err(said)?;
        if touched.is_empty() && telling.roles.is_empty() {
            return Ok(None);
        }
        self.note_told(&documents, &retold);
        let listed = touched.iter().filter(|key| !key.layer.is_site());
        let services = listed.map(rules::service_of).collect();
        let signing = rules::Signing {
            keys: &self.keys,
            before: &before,
            now,
        };
        let files = signing
            .changed(&documents, &services, &telling)
            .map_err(said)?;
        if let Some(document) = document {
            let of = (document.key.clone(), document.version);
            self.truth.published.insert(of, document);
        }
        self.told = telling.told.clone();
        self.repository = Arc::new(before.followed_by(documents, telling.told, &files));
        self.remember();
        if stops {
            self.stop();
            return Ok(None);
        }
        self.sign_timestamp(now)?;
        Ok(Some(self.repository.push_after(&before, &self.timestamp)))
    }

    fn drop_unread(&self, documents: &mut rules::Documents, key: &DocumentKey) {
        let releases = self.releases_of(&key.product);
        if let Some(versions) = documents.get_mut(key) {
            let refused = self.refusals.values().flatten();
            let refused = refused.filter(|one| one.held.key == *key);
            let refused = refused.map(|one| one.held.version).collect();
            rules::drop_unread(versions, &releases, &refused);
        }
    }

    /// Where sites are, as it is told from now on.
    fn note_told(&mut self, documents: &rules::Documents, retold: &rules::Retold) {
        let layered = documents.keys().filter(|key| !key.layer.is_base());
        for key in layered {
            let is_anew = matches!(retold, rules::Retold::All);
            if is_anew || !self.told_facts.contains_key(&key.product) {
                let facts = self.fleet.sites.get(&key.product).cloned();
                let facts = Arc::new(facts.unwrap_or_default());
                self.told_facts.insert(key.product.clone(), facts);
            }
        }
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
    pub(crate) fn stage(
        &mut self,
        product: &ProductName,
        version: &Version,
        past_coverage: bool,
    ) -> Told<()> {
        let documents = self.outlines(product);
        if documents.is_empty() {
            return Err("the product has no documents".into());
        }
        let covered = check_coverage(&documents, std::slice::from_ref(version));
        if let Err(uncovered) = covered {
            let mut keys = uncovered.iter().map(|one| &one.key);
            if !(past_coverage && keys.all(|key| key.layer.is_base())) {
                return Err(format!("{} documents lack a version", uncovered.len()));
            }
            self.past_coverage
                .extend(uncovered.into_iter().map(|one| (one.key, one.release)));
        }
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

    /// What a site reads of a document as the control plane itself decides it.
    pub(crate) fn says(&self, site: &Site, key: &DocumentKey, code: &Version) -> Option<Pieces> {
        let agent = crate::fleet::agent_id(site.agent);
        let refused = self.refusals.get(&agent).map(|all| all.clone().into());
        let said = rules::Said::new(self.acks.get(&agent).cloned(), refused);
        let of = (&site.product, &site.hostname);
        let reader = rules::Reader::of(&self.repository, of, Some(said));
        let needed = rules::needed(&self.repository, std::slice::from_ref(key), code, &reader);
        let pieces = needed.ok()?.into_iter();
        Some(pieces.map(|one| (one.key.layer, one.version)).collect())
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
}

pub(crate) fn said(error: impl std::fmt::Display) -> String {
    error.to_string()
}
