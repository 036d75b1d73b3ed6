//! One run: time, agents, and everything that happens to them, step by step, each followed by the
//! invariants.

use std::collections::BTreeMap;
use std::time::Duration;

use clock::{Clock, Hand};
use domain::document::DocumentKey;
use protocol::delivery::{EVENT_HEARTBEAT, EVENT_REPOSITORY};

use crate::control::{Control, Known, New};
use crate::dice::Dice;
use crate::disk::Disk;
use crate::fleet::{self, AGENTS};
use crate::host::{FIRST_AFTER, Host, OTHERS_AFTER, Started};
use crate::invariants::{self, Checked};
use crate::mirror::Manner;
use crate::network::{CONTROL, Inner, Outside};
use crate::trace::Trace;
use crate::{Plan, faults, operators, reads, thief};

const HEARTBEAT: Duration = Duration::from_secs(15);
/// Time passes in parts no longer than this: what waits for a moment waits for the end of a part.
const PART_MAX: Duration = Duration::from_secs(10);
const SPREAD_EACH: Duration = Duration::from_secs(5);
/// No request may take longer, so that three origins in a row take no longer than this three times.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);
/// What is urgent is read this long after it was published, with pushes that arrive; less than [`ANSWER_WITHIN`].
const URGENT_WITHIN: Duration = Duration::from_secs(13);

pub(crate) struct World {
    pub(crate) dice: Dice,
    pub(crate) trace: Trace,
    pub(crate) clock: Clock,
    hand: Hand,
    pub(crate) outside: Outside,
    pub(crate) hosts: Vec<Host>,
    pub(crate) keys: Vec<DocumentKey>,
    beaten_at: Duration,
    spread_at: Duration,
    /// When agents that stopped are started again.
    pub(crate) start_at: BTreeMap<usize, Duration>,
    /// Whose disk does not answer.
    pub(crate) sick: Vec<usize>,
    pub(crate) fence: u64,
}

impl World {
    pub(crate) fn new(plan: Plan, trace: Trace) -> Result<Self, String> {
        let mut dice = Dice::new(plan.seed);
        let (clock, hand) = Clock::seeded(fleet::start(), dice.seed());
        let sites = fleet::sites().map_err(|e| e.to_string())?;
        let known = sites.iter().map(|site| {
            let known = Known {
                agent: site.agent,
                product: site.product.clone(),
                running: site.runs.clone(),
                ran_before: None,
            };
            (site.hostname.clone(), known)
        });
        let fleet = fleet::Fleet::new(&sites).map_err(|e| e.to_string())?;
        let control = Control::new(known.collect(), fleet, clock.now(), plan.control_bug)?;
        let root = control.repository.root();
        let outside = Outside::new(
            dice.split(),
            trace.clone(),
            clock.clone(),
            control,
            sites.clone(),
        );
        let hosts = (0..AGENTS).map(|agent| {
            let disk = Disk::new(dice.split(), trace.clone());
            Host::new(agent, disk, &outside, clock.clone(), (&root, &sites))
        });
        let hosts = hosts.collect::<Result<_, _>>()?;
        let mut world = Self {
            dice,
            trace,
            clock,
            hand,
            outside,
            hosts,
            keys: fleet::keys().map_err(|e| e.to_string())?,
            beaten_at: Duration::ZERO,
            spread_at: Duration::ZERO,
            start_at: BTreeMap::new(),
            sick: vec![],
            fence: 0,
        };
        for agent in 0..AGENTS {
            world.start(agent)?;
        }
        Ok(world)
    }

    pub(crate) fn tell(&self, kind: &'static str, line: &str) {
        self.trace.tell(self.clock.passed(), kind, line);
    }

    /// One step, and the invariants after it.
    pub(crate) fn step(&mut self) -> Checked {
        match self.dice.below(100) {
            0..45 => self.wait()?,
            45..77 => operators::act(self)?,
            _ => faults::strike(self)?,
        }
        self.settle()
    }

    fn wait(&mut self) -> Checked {
        let millis = match self.dice.below(40) {
            0..20 => self.dice.between(1, 2_000),
            20..34 => self.dice.between(2_000, 30_000),
            34..39 => self.dice.between(30_000, 300_000),
            _ => self.dice.between(300_000, 6_000_000),
        };
        self.trace.count(if millis > 300_000 {
            "a long wait"
        } else {
            "a wait"
        });
        self.advance(Duration::from_millis(millis))
    }

    /// Lets time pass, in parts that are short enough for heartbeats or a twentieth of it.
    pub(crate) fn advance(&mut self, by: Duration) -> Checked {
        let part = (by / 20).clamp(Duration::from_millis(500), PART_MAX);
        let mut left = by;
        while !left.is_zero() {
            let now = left.min(part);
            left -= now;
            self.hand.advance(now);
            self.hosts.iter().for_each(|host| host.advance(now));
            self.work()?;
            self.settle()?;
        }
        Ok(())
    }

    /// What the control plane does by itself, and whoever starts agents again.
    fn work(&mut self) -> Checked {
        let passed = self.clock.passed();
        if passed >= self.beaten_at + HEARTBEAT {
            self.beaten_at = passed;
            self.beat()?;
        }
        if passed >= self.spread_at + SPREAD_EACH {
            self.spread_at = passed;
            self.spread()?;
        }
        self.outside.inner().land();
        let due: Vec<usize> = self
            .start_at
            .iter()
            .filter(|(_, at)| **at <= passed)
            .map(|(agent, _)| *agent)
            .collect();
        due.into_iter().try_for_each(|agent| self.start(agent))
    }

    fn beat(&self) -> Checked {
        let mut outside = self.outside.inner();
        if !outside.control.is_up {
            return Ok(());
        }
        let now = self.clock.now();
        let push = outside.control.beat(now)?;
        outside.push(EVENT_HEARTBEAT, &push);
        Ok(())
    }

    fn spread(&self) -> Checked {
        let mut outside = self.outside.inner();
        if !outside.control.is_up {
            return Ok(());
        }
        let refused = on_their_way_refused(&outside);
        let now = self.clock.now();
        if let Some(push) = outside.control.tell_of_sites(now)? {
            let line = format!("repository {}", push.version);
            outside.tell("was told of sites", &line);
            outside.push(EVENT_REPOSITORY, &push);
        }
        for (push, what) in outside.control.spread(now)? {
            outside.tell(what, &format!("repository {}", push.version));
            outside.push(EVENT_REPOSITORY, &push);
        }
        invariants::i9_refused_is_halted(&outside, &refused)
    }

    pub(crate) fn start(&mut self, agent: usize) -> Checked {
        self.start_at.remove(&agent);
        let sites = self.outside.inner().sites.clone();
        let is_sick = self.sick.contains(&agent);
        let seed = self.dice.seed();
        let Some(host) = self.hosts.get_mut(agent) else {
            return Ok(());
        };
        match host.start(&sites, seed, is_sick)? {
            Started::Runs => self.tell("started", &format!("agent {agent}")),
            Started::Stopped => {
                if let Some(host) = self.hosts.get_mut(agent) {
                    host.stop(true);
                }
                self.tell("did not start", &format!("agent {agent}"));
                self.start_later(agent);
            }
        }
        Ok(())
    }

    pub(crate) fn start_later(&mut self, agent: usize) {
        let wait = match self.dice.below(10) {
            0 => self.dice.between(600, 8_000),
            1..4 => self.dice.between(30, 600),
            _ => self.dice.between(0, 20),
        };
        let at = self.clock.passed() + Duration::from_secs(wait);
        self.start_at.insert(agent, at);
    }

    /// Lets everything run that waits for no time, and checks the invariants.
    fn settle(&mut self) -> Checked {
        loop {
            let mut any = false;
            for agent in 0..self.hosts.len() {
                let Some(host) = self.hosts.get_mut(agent) else {
                    continue;
                };
                let ran = host.driven.is_some();
                any |= host.run();
                if ran && host.driven.is_none() {
                    self.tell("stopped at the disk", &format!("agent {agent}"));
                    self.outside.inner().hang_up(Some(agent));
                    self.start_later(agent);
                }
            }
            if !any {
                break;
            }
        }
        self.check()
    }

    fn check(&mut self) -> Checked {
        let outside = self.outside.clone();
        let mut outside = outside.inner();
        if let Some(broken) = outside.broken.pop() {
            return Err(broken);
        }
        invariants::i2_documents_are_kept(&outside.control, &outside.sites)?;
        let passed = self.clock.passed();
        let newest = outside.control.repository.version();
        for host in &mut self.hosts {
            self.trace.count("agents checked");
            reads::look(host, &outside)?;
            host.check_durable()?;
            let Some(versions) = host.driven.as_ref().and_then(|driven| driven.versions()) else {
                let is_updating = host.driven.is_some();
                self.trace.count(if is_updating {
                    "read during an update"
                } else {
                    "not running"
                });
                continue;
            };
            invariants::i6_trust_is_monotonic(host, versions)?;
            invariants::i6_only_true_keys_are_believed(host, versions, &outside.control)?;
            invariants::i7_expired_is_not_believed(host, versions, &outside.control.signed)?;
            host.check_saved(versions.timestamp, passed)?;
            host.observe(versions, passed, newest);
            invariants::i4_no_silent_staleness(host, versions, passed)?;
        }
        Ok(())
    }

    /// Heals all that is broken, and then: with every push lost, one origin that answers, and the mirrors
    /// as they are, all agents hold what they should within one revalidation and one fetch.
    pub(crate) fn heal(&mut self) -> Checked {
        {
            let mut outside = self.outside.inner();
            outside.cut.clear();
            outside.loses_one_in = 0;
            outside.loses_push_in = 1;
            let now = self.clock.now();
            if !outside.control.is_up {
                outside.control.start(now)?;
            }
            outside.actions.clear();
            outside.hang_up(None);
            outside.backlog_is_stuck = true;
        }
        self.sick.clear();
        self.tell("healed", "all, and every push is lost from now on");
        for agent in 0..AGENTS {
            if let Some(host) = self.hosts.get_mut(agent) {
                host.disk.heal();
                let offset = host.offset;
                host.set_clock(-offset);
                if host.driven.is_some() {
                    continue;
                }
            }
            self.start(agent)?;
        }
        self.spread()?;
        // Several roots come while nobody is told.
        for _ in 0..self.dice.below(4) {
            operators::rotate(self, false)?;
        }
        // Rollouts that go on change what should be held: they end first, or do not move.
        self.beaten_at = self.clock.passed() + Duration::from_secs(100_000);
        self.spread_at = self.beaten_at;
        // What was asked before may hang for as long as a request may, on each origin; then the wait for
        // the turn, and a look at each origin, where a mirror that drips costs its patience.
        let within = ANSWER_WITHIN * 6 + FIRST_AFTER.max(OTHERS_AFTER) + ANSWER_WITHIN * 4;
        self.beat_anew()?;
        self.advance_evenly(within)?;
        self.check_first_lane()?;
        self.urgent()?;
        self.outside.inner().backlog_is_stuck = false;
        self.advance_evenly(within)?;
        let outside = self.outside.clone();
        let outside = outside.inner();
        for host in &self.hosts {
            invariants::i3_all_converged(&outside, host)?;
        }
        Ok(())
    }

    fn check_first_lane(&self) -> Checked {
        let outside = self.outside.clone();
        let outside = outside.inner();
        let mut hosts = self.hosts.iter();
        hosts.try_for_each(|host| invariants::i10_first_lane_is_read(&outside, host))
    }

    /// While everything else is stuck, something urgent is published, and pushes arrive again: it is read before any
    /// wait for what is stuck can have ended.
    fn urgent(&mut self) -> Checked {
        self.outside.inner().loses_push_in = usize::MAX;
        let urgent = self
            .keys
            .iter()
            .filter(|key| key.service.as_str() == fleet::FIRST);
        for key in urgent.cloned().collect::<Vec<_>>() {
            let mut outside = self.outside.inner();
            let now = self.clock.now();
            if let Some(push) = outside.control.publish(New::for_all(key), now, false)? {
                outside.push(EVENT_REPOSITORY, &push);
            }
        }
        self.advance_evenly(URGENT_WITHIN)?;
        self.check_first_lane()?;
        self.outside.inner().loses_push_in = 1;
        Ok(())
    }

    fn beat_anew(&self) -> Checked {
        let now = self.clock.now();
        self.outside.inner().control.beat(now).map(drop)
    }

    fn advance_evenly(&mut self, by: Duration) -> Checked {
        let part = Duration::from_secs(1);
        for second in 0..by.as_secs() {
            if second % HEARTBEAT.as_secs() == 0 {
                self.beat_anew()?;
            }
            self.advance(part)?;
        }
        Ok(())
    }

    /// The mirror that lies, and how.
    ///
    /// # Errors
    /// When a forgery cannot be written.
    pub(crate) fn lie(&mut self) -> Checked {
        let manner = self
            .dice
            .pick(&Manner::LIES)
            .copied()
            .unwrap_or(Manner::Old);
        let mut outside = self.outside.inner();
        let moment = outside.moment();
        let forged = match manner {
            Manner::Forged(what) => thief::forge(&outside.control, what, self.clock.now())?,
            _ => thief::Forged::new(),
        };
        let Inner { mirrors, dice, .. } = &mut *outside;
        if let Some(liar) = mirrors.last_mut() {
            liar.manner = manner;
            liar.has = moment;
            liar.forged = forged;
            liar.choose_old(dice);
        }
        drop(outside);
        self.tell("the mirror lies", &format!("{manner:?}"));
        Ok(())
    }

    pub(crate) fn cut(&mut self, agent: usize, also_mirrors: bool) {
        let mut outside = self.outside.inner();
        outside.cut.insert((agent, CONTROL));
        if also_mirrors {
            outside.cut.insert((agent, 1));
        }
        outside.hang_up(Some(agent));
    }
}

fn on_their_way_refused(outside: &Inner) -> Vec<(DocumentKey, u64)> {
    let control = &outside.control;
    let all = control.repository.documents().values().flatten();
    let refused = all
        .filter(|one| !one.rollout.is_everywhere() && control.refused(&one.key, one.version) > 0);
    refused.map(|one| (one.key.clone(), one.version)).collect()
}
