//! One host: a disk, a clock, and an agent that runs on them until it stops.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use agent::AgentSettings;
use agent::trial::{Driven, Enrolment, Shown, Versions};
use clock::{Clock, Hand};
use domain::document::{Document, DocumentKey};
use domain::layer::Facts;
use domain::name::Hostname;
use jiff::{SignedDuration, Timestamp};
use protocol::delivery::AgentSite;
use semver::Version;

use crate::disk::{Copy, Disk};
use crate::executor::{Parts, now};
use crate::fleet::{Site, agent_id, token};
use crate::invariants::{self, FOLDER};
use crate::network::{Line, Outside};
use crate::truth::Standing;

pub(crate) const FIRST_AFTER: Duration = Duration::from_secs(30);
pub(crate) const OTHERS_AFTER: Duration = Duration::from_secs(60);
pub(crate) const STALE_AFTER: Duration = Duration::from_secs(300);

/// A host, and what is known of it for the invariants.
pub(crate) struct Host {
    pub(crate) agent: usize,
    pub(crate) disk: Disk,
    pub(crate) driven: Option<Driven>,
    parts: Parts,
    line: Line,
    hand: Option<Hand>,
    /// How far its clock is off.
    pub(crate) offset: SignedDuration,
    /// The newest that it believed.
    pub(crate) floor: Versions,
    /// The timestamp that was on disk when this process began.
    pub(crate) restored: u64,
    /// When each timestamp was seen on it first.
    pub(crate) seen_at: BTreeMap<u64, Duration>,
    /// What its sites refused, and were told that it is kept.
    pub(crate) refused: BTreeSet<(Hostname, DocumentKey, u64)>,
    /// What its sites tried to refuse: a refusal may be kept although nobody was told so.
    pub(crate) maybe_refused: BTreeSet<(Hostname, DocumentKey, u64)>,
    /// Its disk lost or changed what was on it, and it has not converged since.
    pub(crate) is_damaged: bool,
    /// The first version that it showed since its disk was emptied: nothing older is what it reads. 0 for none yet.
    pub(crate) first_shown: u64,
    /// When its clock was set, until a timestamp that came later is surely on disk.
    clock_set_at: Option<Duration>,
    /// Its process began after its clock was set: nothing can tell how old what it found on disk is.
    pub(crate) is_clock_lost: bool,
    pub(crate) backup: Option<Copy>,
    /// What sites read for which code when they were looked at last.
    pub(crate) read_before: Vec<ReadBefore>,
    /// What decided all reads when they were looked at last, and what its sites ran.
    pub(crate) looked: Option<(Shown, Vec<(Version, bool)>)>,
    /// The version of which it was seen that it is on disk.
    durable: u64,
    /// The newest timestamp that proved to it how new it is, and when it was looked at last: a newer one came after.
    proof: (u64, Duration),
    /// The timestamp that was on its disk with that proof, and since when at least it had a newer one.
    saved: Option<(u64, Duration)>,
    /// The time that its clock showed when no update was under way, last: none can have begun before.
    pub(crate) quiet_at: Timestamp,
}

/// A document that a site read.
pub(crate) struct ReadBefore {
    pub(crate) site: Hostname,
    pub(crate) code: Version,
    pub(crate) key: DocumentKey,
    /// Where it was, as far as it was told.
    pub(crate) facts: Option<Facts>,
}

/// What became of a start.
pub(crate) enum Started {
    Runs,
    /// It stopped while it started, or its disk does not answer; somebody starts it again.
    Stopped,
}

impl Host {
    pub(crate) fn new(
        agent: usize,
        disk: Disk,
        outside: &Outside,
        clock: Clock,
        (root, sites): (&[u8], &[Site]),
    ) -> Result<Self, String> {
        let own = sites.iter().filter(|site| site.agent == agent);
        let enrolment = Enrolment {
            token: token(agent),
            root: String::from_utf8_lossy(root).into_owned(),
            sites: own
                .map(|site| AgentSite {
                    site: site.hostname.clone(),
                    product: site.product.clone(),
                })
                .collect(),
        };
        let identity = enrolment.file(agent_id(agent));
        let (name, bytes) = identity.map_err(|e| e.to_string())?;
        disk.put(&Copy::from([(Path::new(FOLDER).join(name), bytes)]));
        let line = Line {
            agent,
            disk: disk.clone(),
            outside: outside.clone(),
            clock,
        };
        Ok(Self {
            agent,
            disk,
            driven: None,
            parts: Parts::default(),
            line,
            hand: None,
            offset: SignedDuration::ZERO,
            floor: Versions::default(),
            restored: 0,
            seen_at: BTreeMap::new(),
            refused: BTreeSet::new(),
            maybe_refused: BTreeSet::new(),
            is_damaged: false,
            first_shown: 0,
            clock_set_at: None,
            is_clock_lost: false,
            backup: None,
            read_before: vec![],
            looked: None,
            durable: 0,
            proof: (0, Duration::ZERO),
            saved: None,
            quiet_at: crate::fleet::start(),
        })
    }

    /// The time that its clock shows.
    pub(crate) fn wall(&self) -> Timestamp {
        let now = self.line.clock.now();
        now.saturating_add(self.offset).unwrap_or(now)
    }

    /// Starts the agent on what is on disk, and judges both.
    pub(crate) fn start(
        &mut self,
        sites: &[Site],
        seed: u64,
        is_sick: bool,
    ) -> Result<Started, String> {
        let found = invariants::i6_the_disk_is_whole(self, sites)?;
        if found.is_none() && (self.floor.repository > 0 || !self.read_before.is_empty()) {
            let floor = self.floor;
            self.lose();
            // Documents rotted. What is believed did not, and does not go back.
            if invariants::is_trust_whole(&self.disk) {
                self.floor = floor;
            }
        }
        if self
            .disk
            .is_damaged(&Path::new(FOLDER).join("refused.json"))
        {
            self.refused.clear();
        }
        let servers = (0..3).filter_map(|origin| format!("http://origin-{origin}").parse().ok());
        let mut settings = AgentSettings::new(servers.collect(), FOLDER.into());
        settings.revalidate_first_after = FIRST_AFTER;
        settings.revalidate_others_after = OTHERS_AFTER;
        settings.stale_after = STALE_AFTER;
        settings.activate_hook = "http://platform/activate".parse().ok();
        let (clock, hand) = Clock::seeded(self.wall(), seed);
        let device = Arc::new(self.disk.clone());
        let driven = now(Driven::start(
            settings,
            clock,
            device,
            Arc::new(self.line.clone()),
        ));
        let driven = match driven {
            Some(Ok(driven)) => driven,
            Some(Err(_)) if self.disk.is_dead() || is_sick => return Ok(Started::Stopped),
            Some(Err(e)) => {
                return Err(format!(
                    "invariant 3: agent {} does not start: {e}",
                    self.agent
                ));
            }
            None => return Err("a start waits for the network".into()),
        };
        self.parts = Parts::new(driven.parts());
        self.hand = Some(hand);
        self.floor.timestamp = 0;
        self.restored = driven.versions().map_or(0, |versions| versions.timestamp);
        (self.proof.0, self.saved) = (self.restored, None);
        // A timestamp that only the process before knew may come again, and is news to this one.
        self.seen_at.retain(|version, _| *version <= self.restored);
        self.is_clock_lost = self.clock_set_at.is_some();
        self.driven = Some(driven);
        self.quiet_at = self.wall();
        if is_sick {
            // What could not be read now may be missing, and nobody promised otherwise.
            self.is_damaged = true;
            self.lose();
        } else {
            let outside = self.line.outside.clone();
            let outside = outside.inner();
            invariants::i5_last_known_good_is_served(self, found.as_ref(), &outside)?;
            for site in sites.iter().filter(|site| site.agent == self.agent) {
                invariants::i5_a_read_survives(self, site, &outside.control.truth)?;
            }
        }
        Ok(Started::Runs)
    }

    /// What was believed is gone with the disk; nothing is promised of it.
    pub(crate) fn lose(&mut self) {
        self.floor = Versions::default();
        self.seen_at.clear();
        self.refused.clear();
        self.read_before.clear();
        self.is_damaged = true;
    }

    /// The process ends; with `lost_power` the machine does, and what was not synced is lost.
    pub(crate) fn stop(&mut self, lost_power: bool) {
        self.disk.stop();
        self.parts = Parts::default();
        self.looked = None;
        self.driven = None;
        self.hand = None;
        self.disk.restart(lost_power);
    }

    pub(crate) fn advance(&self, by: Duration) {
        if let Some(hand) = &self.hand {
            hand.advance(by);
        }
    }

    /// Somebody sets its clock.
    pub(crate) fn set_clock(&mut self, by: SignedDuration) {
        self.offset += by;
        if let Some(hand) = &self.hand {
            hand.set(by);
        } else {
            self.is_clock_lost = true;
        }
        self.clock_set_at = Some(self.line.clock.passed());
        self.is_clock_lost |= self.floor.timestamp <= self.restored;
        self.quiet_at = self.quiet_at.min(self.wall());
    }

    /// Lets the parts run until all wait. True when something ran.
    pub(crate) fn run(&mut self) -> bool {
        let any = self.parts.poll();
        if self.disk.is_dead() && self.driven.is_some() {
            self.stop(true);
        }
        any
    }

    /// Whether a site of its has a version that is admitted by its rollout.
    pub(crate) fn standing(&self, site: &Hostname, one: &Document) -> Standing {
        let refused = (site.clone(), one.key.clone(), one.version);
        if !one.rollout.admits(site, one.version) || self.refused.contains(&refused) {
            Standing::Not
        } else if self.maybe_refused.contains(&refused) {
            Standing::Maybe
        } else {
            Standing::Given
        }
    }

    /// Whether a site may have refused a version of a document, or of a layer of it.
    pub(crate) fn maybe_refuses(&self, site: &Hostname, document: &DocumentKey) -> bool {
        let mut all = self.maybe_refused.iter();
        all.any(|(one, key, _)| one == site && key.is_of(document))
    }

    /// What reads give is on disk; looked at when it changed.
    pub(crate) fn check_durable(&mut self) -> Result<(), String> {
        let reads = self
            .driven
            .as_ref()
            .map_or(0, |one| one.cache().repository_version());
        if reads != self.durable {
            invariants::i8_what_is_read_is_durable(self)?;
            self.durable = reads;
        }
        Ok(())
    }

    /// What a restart would make it look older is bounded; looked at with each timestamp that is a proof.
    pub(crate) fn check_saved(&mut self, timestamp: u64, at: Duration) -> Result<(), String> {
        let is_whole = self.driven.as_ref().is_some_and(Driven::is_whole);
        let (newest, came_after) = self.proof;
        self.proof.1 = at;
        if timestamp <= newest || !is_whole {
            return Ok(());
        }
        let Some(on_disk) = invariants::timestamp_on_disk(&self.disk) else {
            return Ok(());
        };
        // It may have been saved while nobody looked.
        let same = self.saved.filter(|(saved, _)| *saved == on_disk);
        let since = same.map_or(at, |(_, since)| since);
        self.proof.0 = timestamp;
        self.saved = (timestamp > on_disk).then_some((on_disk, since));
        let unsaved_for = came_after.saturating_sub(since);
        invariants::i4_a_proof_is_saved(self, (timestamp, on_disk), unsaved_for)
    }

    /// Remembers what it believes now.
    pub(crate) fn observe(&mut self, versions: Versions, at: Duration, newest: u64) {
        // Only who has everything takes a timestamp for a proof of how new that is.
        let is_whole = self.driven.as_ref().is_some_and(Driven::is_whole);
        if is_whole && versions.timestamp > self.floor.timestamp.max(self.restored) {
            self.is_clock_lost = false;
            // Whatever was saved last, a timestamp this long after is saved.
            let is_saved = |set_at: &Duration| at >= *set_at + Duration::from_secs(301);
            self.clock_set_at = self.clock_set_at.filter(|set_at| !is_saved(set_at));
        }
        let driven = self.driven.as_ref();
        let reads = driven.map(|one| one.cache().repository_version());
        if is_whole && reads == Some(newest) {
            self.is_damaged = false;
        }
        self.quiet_at = self.wall();
        let floor = &mut self.floor;
        floor.root = floor.root.max(versions.root);
        floor.repository = floor.repository.max(versions.repository);
        floor.timestamp = floor.timestamp.max(versions.timestamp);
        self.seen_at.entry(versions.timestamp).or_insert(at);
    }
}
