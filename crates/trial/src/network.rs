//! What lies between agents and origins: it loses, delays, repeats, breaks off and cuts. Behind it the
//! control plane, the mirrors, and the platform that switches a site's code.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use agent::trial::{Network, Reply, Request};
use bytes::Bytes;
use clock::Clock;
use domain::name::Hostname;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _, stream};
use protocol::action::{Action, ActionResult};
use protocol::delivery::{Acks, Push};
use semver::Version;
use tokio::sync::mpsc;

use crate::control::Control;
use crate::dice::Dice;
use crate::disk::Disk;
use crate::fleet::Site;
use crate::invariants;
use crate::mirror::{Mirror, Moment, Sent};
use crate::trace::Trace;

/// The first origin; the others are mirrors.
pub(crate) const CONTROL: usize = 0;

/// Everything outside of the agents. Clones are the same.
#[derive(Clone)]
pub(crate) struct Outside(Arc<Mutex<Inner>>);

pub(crate) struct Inner {
    pub(crate) dice: Dice,
    pub(crate) trace: Trace,
    pub(crate) clock: Clock,
    pub(crate) control: Control,
    pub(crate) mirrors: Vec<Mirror>,
    pub(crate) sites: Vec<Site>,
    /// Which origins an agent cannot reach.
    pub(crate) cut: BTreeSet<(usize, usize)>,
    pub(crate) actions: BTreeMap<Hostname, Action>,
    /// The version of the repository that the last order of a site named, also when it is over.
    pub(crate) judged_at: BTreeMap<Hostname, u64>,
    /// One request in this many is lost, or its answer is; none when 0.
    pub(crate) loses_one_in: usize,
    /// One push in this many is lost; all when 1.
    pub(crate) loses_push_in: usize,
    /// No origin gives a document that is not of the first lane.
    pub(crate) backlog_is_stuck: bool,
    connections: Vec<Connection>,
    flying: Vec<Flying>,
    /// What each agent said last that it holds.
    said: BTreeMap<usize, Acks>,
    /// Broken invariants that were seen on the way.
    pub(crate) broken: Vec<String>,
}

struct Connection {
    agent: usize,
    sender: mpsc::UnboundedSender<Bytes>,
}

/// A push on its way.
struct Flying {
    due: Duration,
    connection: mpsc::UnboundedSender<Bytes>,
    bytes: Bytes,
}

/// What becomes of one request.
struct Way {
    latency: Duration,
    is_lost: bool,
    answer_is_lost: bool,
    breaks_off: bool,
    comes_twice: bool,
}

/// An answer before it travels.
enum Answer {
    Sent(Sent),
    Json(Vec<u8>),
    Events(mpsc::UnboundedReceiver<Bytes>),
}

impl Outside {
    pub(crate) fn new(
        dice: Dice,
        trace: Trace,
        clock: Clock,
        control: Control,
        sites: Vec<Site>,
    ) -> Self {
        let moment = Moment {
            repository: Arc::clone(&control.repository),
            timestamp: control.timestamp.clone(),
        };
        Self(Arc::new(Mutex::new(Inner {
            dice,
            trace,
            clock,
            control,
            mirrors: vec![Mirror::new(moment.clone()), Mirror::new(moment)],
            sites,
            cut: BTreeSet::new(),
            actions: BTreeMap::new(),
            judged_at: BTreeMap::new(),
            loses_one_in: 20,
            loses_push_in: 8,
            backlog_is_stuck: false,
            connections: vec![],
            flying: vec![],
            said: BTreeMap::new(),
            broken: vec![],
        })))
    }

    pub(crate) fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn passed(&self) -> Duration {
        self.clock.passed()
    }

    pub(crate) fn tell(&self, kind: &'static str, line: &str) {
        self.trace.tell(self.passed(), kind, line);
    }

    pub(crate) fn moment(&self) -> Moment {
        Moment {
            repository: Arc::clone(&self.control.repository),
            timestamp: self.control.timestamp.clone(),
        }
    }

    /// Sends a push to all who listen; each copy has its own fate.
    pub(crate) fn push(&mut self, event: &str, push: &Push) {
        let data = serde_json::to_string(push).unwrap_or_default();
        let bytes = Bytes::from(format!(
            "event: {event}\nid: {}\ndata: {data}\n\n",
            push.version
        ));
        self.connections.retain(|one| !one.sender.is_closed());
        let passed = self.passed();
        for one in &self.connections {
            if self.dice.once_in(self.loses_push_in) {
                self.trace.count("a push was lost");
                continue;
            }
            let copies = if self.dice.once_in(10) {
                self.trace.count("a push came twice");
                2
            } else {
                1
            };
            for _ in 0..copies {
                let is_late = self.loses_one_in > 0 && self.dice.once_in(6);
                let late = if is_late { 40_000 } else { 300 };
                let due = passed + Duration::from_millis(self.dice.between(1, late));
                self.flying.push(Flying {
                    due,
                    connection: one.sender.clone(),
                    bytes: bytes.clone(),
                });
            }
        }
        let moment = self.moment();
        self.mirrors
            .iter_mut()
            .for_each(|one| one.remember(&moment));
    }

    /// Delivers the pushes whose time has come, in the order of their arrival.
    pub(crate) fn land(&mut self) {
        let now = self.passed();
        let (mut due, later): (Vec<_>, Vec<_>) = std::mem::take(&mut self.flying)
            .into_iter()
            .partition(|one| one.due <= now);
        self.flying = later;
        if due
            .windows(2)
            .any(|two| matches!(two, [a, b] if a.due > b.due))
        {
            self.trace.count("pushes overtook one another");
        }
        due.sort_by_key(|one| one.due);
        for one in due {
            // Whoever hung up meanwhile does not hear it.
            let _ = one.connection.send(one.bytes);
        }
    }

    /// Ends connections: of an agent, or of all.
    pub(crate) fn hang_up(&mut self, agent: Option<usize>) {
        self.connections
            .retain(|one| agent.is_some_and(|agent| agent != one.agent));
        if agent.is_none() {
            self.flying.clear();
        }
    }

    fn way(&mut self, agent: usize, origin: usize, path: &str) -> Way {
        let lossy = |dice: &mut Dice, one_in: usize| one_in > 0 && dice.once_in(one_in);
        let one_in = self.loses_one_in;
        let is_cut = self.cut.contains(&(agent, origin));
        let is_down = origin == CONTROL && !self.control.is_up;
        let is_stuck = self.backlog_is_stuck && crate::fleet::is_backlog(path);
        let slow = one_in > 0 && self.dice.once_in(15);
        let latency = self.dice.between(1, if slow { 6_000 } else { 120 });
        let way = Way {
            latency: Duration::from_millis(latency),
            is_lost: is_cut || is_down || is_stuck || lossy(&mut self.dice, one_in),
            answer_is_lost: lossy(&mut self.dice, one_in),
            breaks_off: lossy(&mut self.dice, one_in),
            comes_twice: lossy(&mut self.dice, one_in),
        };
        let count = |is_so: bool, what| {
            if is_so {
                self.trace.count(what);
            }
        };
        count(way.is_lost, "a request was lost");
        count(way.answer_is_lost, "an answer was lost");
        count(way.breaks_off, "an answer broke off");
        count(way.comes_twice, "a request came twice");
        way
    }

    fn serve(&mut self, line: &Line, origin: usize, path: &str, request: &Request) -> Answer {
        if origin != CONTROL {
            // A mirror has files, and takes nothing.
            let mirror = self.mirrors.get(origin - 1);
            return match mirror.filter(|_| is_file(path)) {
                Some(mirror) => Answer::Sent(mirror.serve(path, &mut self.dice)),
                None => Answer::Sent(Sent::Error(503)),
            };
        }
        let now = self.clock.now();
        self.control.hear(line.agent, now);
        match (path, &request.body) {
            ("/agent/v1/events", _) => self.listen(line.agent),
            ("/agent/v1/acks", Some(body)) => match serde_json::from_slice::<Acks>(body) {
                Ok(acks) => {
                    self.trace.count("the control plane heard what is held");
                    self.control.take_acks(line.agent, acks);
                    Answer::Json(b"{}".into())
                }
                Err(_) => Answer::Sent(Sent::Error(400)),
            },
            ("/agent/v1/actions/results", Some(body)) => {
                let results: Vec<ActionResult> = serde_json::from_slice(body).unwrap_or_default();
                results.iter().for_each(|one| self.take_result(one));
                Answer::Json(b"{}".into())
            }
            ("/agent/v1/actions", None) => {
                let own = self.sites.iter().filter(|site| site.agent == line.agent);
                let own = own.filter_map(|site| self.actions.get(&site.hostname));
                Answer::Json(serde_json::to_vec(&own.collect::<Vec<_>>()).unwrap_or_default())
            }
            (path, None) if is_file(path) => match self.moment().file(path) {
                Some(bytes) => Answer::Sent(Sent::Whole(bytes)),
                None => Answer::Sent(Sent::Missing),
            },
            _ => Answer::Sent(Sent::Missing),
        }
    }

    fn listen(&mut self, agent: usize) -> Answer {
        let (sender, receiver) = mpsc::unbounded_channel();
        let greeting = self.control.repository.heartbeat(&self.control.timestamp);
        let data = serde_json::to_string(&greeting).unwrap_or_default();
        let _ = sender.send(format!("event: heartbeat\ndata: {data}\n\n").into());
        self.connections.push(Connection { agent, sender });
        self.trace.count("an agent connected");
        Answer::Events(receiver)
    }

    fn take_result(&mut self, result: &ActionResult) {
        let action = self.actions.get(&result.site);
        let Some(action) = action.filter(|one| one.fence == result.fence) else {
            return;
        };
        let protocol::action::Act::ActivateRelease { version, .. } = action.act.clone() else {
            return;
        };
        self.actions.remove(&result.site);
        match &result.refused {
            None => {
                self.tell("activated", &format!("{} runs {version}", result.site));
                self.control.runs(&result.site, &version);
            }
            Some(_) => self.trace.count("an agent refused to activate"),
        }
    }

    /// The platform of an agent's host switches the code of a site.
    fn switch(&mut self, line: &Line, body: &[u8]) -> Answer {
        let asked: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
        let version = asked["version"]
            .as_str()
            .and_then(|text| Version::parse(text).ok());
        let site = self
            .sites
            .iter_mut()
            .find(|site| Some(site.hostname.as_str()) == asked["site"].as_str());
        let (Some(site), Some(version)) = (site, version) else {
            return Answer::Sent(Sent::Error(400));
        };
        site.runs = version.clone();
        site.is_switched = true;
        let site = site.clone();
        self.trace.count("a site was switched");
        let judged_at = self.judged_at.get(&site.hostname).copied();
        let judged_at = judged_at.unwrap_or_default();
        let truth = &self.control.truth;
        let newest = self.control.repository.version();
        let mut documents = truth.documents_at(newest, &site.product);
        if documents.any(|key| !truth.has_any_for(&version, (newest, key))) {
            self.trace.count("a site was switched without a document");
        }
        let checked =
            invariants::i2_config_is_on_disk(&line.disk, (&site, &version), judged_at, truth);
        self.broken.extend(checked.err());
        Answer::Json(b"{}".into())
    }
}

fn is_file(path: &str) -> bool {
    path.starts_with("/agent/v1/repository/") || path.starts_with("/agent/v1/targets/")
}

/// The line of one agent.
#[derive(Clone)]
pub(crate) struct Line {
    pub(crate) agent: usize,
    pub(crate) disk: Disk,
    pub(crate) outside: Outside,
    pub(crate) clock: Clock,
}

impl Network for Line {
    fn send(&self, request: Request) -> BoxFuture<'static, Result<Reply, String>> {
        let line = self.clone();
        async move { line.carry(request).await }.boxed()
    }
}

impl Line {
    async fn carry(&self, request: Request) -> Result<Reply, String> {
        if self.disk.is_dead() {
            return Err("the machine stopped".into());
        }
        let url = url::Url::parse(&request.url).map_err(|e| e.to_string())?;
        let path = url[url::Position::BeforePath..].to_owned();
        let host = url.host_str().unwrap_or_default();
        if host == "platform" {
            let body = request.body.unwrap_or_default();
            let answer = self.outside.inner().switch(self, &body);
            return Ok(self.reply(answer, false, request.timeout));
        }
        let origin = host
            .strip_prefix("origin-")
            .and_then(|text| text.parse().ok());
        let origin: usize = origin.ok_or("no such host")?;
        if let ("/agent/v1/acks", Some(body)) = (path.as_str(), &request.body) {
            self.check_acks(body);
        }
        let way = self.outside.inner().way(self.agent, origin, &path);
        let patience = request.timeout.unwrap_or(Duration::from_secs(3_600));
        if way.is_lost {
            self.clock.sleep(patience).await;
            return Err("no answer in time".into());
        }
        self.clock.sleep(way.latency.min(patience)).await;
        let answer = self.outside.inner().serve(self, origin, &path, &request);
        let answer = if way.comes_twice && request.body.is_some() {
            self.outside.inner().serve(self, origin, &path, &request)
        } else {
            answer
        };
        if way.answer_is_lost {
            self.clock.sleep(patience).await;
            return Err("no answer in time".into());
        }
        Ok(self.reply(answer, way.breaks_off, request.timeout))
    }

    fn check_acks(&self, body: &[u8]) {
        let Ok(acks) = serde_json::from_slice::<Acks>(body) else {
            return;
        };
        let mut outside = self.outside.inner();
        // The same again was on its way to other origins for a while, and it was true when it was said.
        if outside.said.insert(self.agent, acks.clone()).as_ref() != Some(&acks) {
            let checked =
                invariants::i16_acked_is_on_disk(&self.disk, &acks, &outside.control.truth);
            outside.broken.extend(checked.err());
        }
    }

    fn reply(&self, answer: Answer, breaks_off: bool, timeout: Option<Duration>) -> Reply {
        let status = |status, body| Reply { status, body };
        match answer {
            Answer::Json(bytes) => status(200, parts(&bytes.into(), breaks_off)),
            Answer::Events(receiver) => {
                let next = |mut receiver: mpsc::UnboundedReceiver<Bytes>| async move {
                    let bytes = receiver.recv().await?;
                    Some((Ok(bytes), receiver))
                };
                status(200, stream::unfold(receiver, next).boxed())
            }
            Answer::Sent(Sent::Missing) => status(404, stream::empty().boxed()),
            Answer::Sent(Sent::Error(code)) => status(code, stream::empty().boxed()),
            Answer::Sent(Sent::Whole(bytes)) => status(200, parts(&bytes, breaks_off)),
            Answer::Sent(Sent::Endless) => {
                self.outside.inner().trace.count("a file did not end");
                let zeros = Bytes::from_static(&[b' '; 65_536]);
                status(200, stream::repeat_with(move || Ok(zeros.clone())).boxed())
            }
            Answer::Sent(Sent::Dripping(bytes)) => {
                self.outside.inner().trace.count("a file dripped");
                let clock = self.clock.clone();
                let patience = timeout.unwrap_or(Duration::from_secs(60));
                let drop = (clock, bytes, Duration::ZERO);
                let next = move |(clock, bytes, waited): (Clock, Bytes, Duration)| async move {
                    let wait = Duration::from_secs(4);
                    clock.sleep(wait).await;
                    if waited + wait >= patience {
                        return Some((Err("no answer in time".into()), (clock, bytes, waited)));
                    }
                    let first = bytes.slice(..bytes.len().min(1));
                    let rest = bytes.slice(first.len()..);
                    (!first.is_empty()).then(|| (Ok(first), (clock, rest, waited + wait)))
                };
                status(200, stream::unfold(drop, next).boxed())
            }
        }
    }
}

/// A body in two parts; the second may not come.
fn parts(bytes: &Bytes, breaks_off: bool) -> stream::BoxStream<'static, Result<Bytes, String>> {
    let middle = bytes.len() / 2;
    let second = if breaks_off {
        Err("the connection ended".into())
    } else {
        Ok(bytes.slice(middle..))
    };
    stream::iter([Ok(bytes.slice(..middle)), second]).boxed()
}
