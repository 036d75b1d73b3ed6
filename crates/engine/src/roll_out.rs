//! The pacer: begins sites of running campaigns at the rate their origin bears, judges their waves,
//! and stops when sites fail. One pace for each origin, shared by all campaigns on it.
//!
//! Everything it knows can be lost: rows that were begun are found in the store, taken over under a
//! new fence, and probed before anything is done again. Never decides a rate or a verdict itself.

mod agents;
mod history;
mod job;
mod origin;
mod shared;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::campaign::halt::{TOLERATED_SHARE, Tally, Verdict, judge};
use domain::campaign::pace::{Bucket, Pace};
use domain::campaign::{Action, Campaign, State};
use domain::id::{CampaignId, SiteId};
use domain::incident::timeline::Fact;
use domain::name::ProductName;
use jiff::Timestamp;
use protocol::action::ActionResult;
use store::{RowCount, StoreError};
use tokio_util::sync::CancellationToken;
use wording::{Halt, Words};

pub use self::history::Sample;
use self::job::{Job, Sender};
use self::origin::Origin;
pub(crate) use self::origin::OriginStatus;
pub(crate) use self::shared::RollOut;
use crate::{Engine, EngineError};

/// How often rates are set: the law's gains are per second.
const STEP: Duration = Duration::from_secs(1);
/// After a stall of this process, no more than this is made up for.
const STEP_SECONDS_MAX: f64 = 5.0;
/// Other processes may have started or stopped a campaign.
const LIST_EVERY_SECONDS: f64 = 5.0;
/// How often the rate is kept for a process after this one.
const KEEP_RATE_EVERY_SECONDS: f64 = 10.0;
/// A campaign at a fixed rate still holds no more sites at once.
const FIXED_RATE_HOLDS_SECONDS: f64 = 60.0;

impl Engine {
    /// Actions that wait for the agent that serves `sites`, at most `limit`. An action stays until
    /// its result comes in: asking twice gives it twice, and its generation makes the effect once.
    #[must_use]
    pub fn actions_for(&self, sites: &[SiteId], limit: usize) -> Vec<protocol::action::Action> {
        self.0.roll_out.desk.actions_for(sites, limit)
    }

    /// Takes results from the agent that serves `sites`; gives how many counted. Those that come
    /// late, twice, under an older fence, or about somebody else's site do not count.
    pub fn take_action_results(&self, sites: &[SiteId], results: &[ActionResult]) -> usize {
        let (fleet, own) = (self.fleet(), sites.iter().collect::<HashSet<_>>());
        let site = |result: &ActionResult| fleet.site_at(&result.site).map(|site| site.id);
        let counts = |result: &&ActionResult| {
            site(result)
                .is_some_and(|id| own.contains(&id) && self.0.roll_out.desk.take(id, result))
        };
        results.iter().filter(counts).count()
    }

    pub(crate) async fn roll_out(self, stop: CancellationToken) {
        let mut pacer = Pacer::default();
        let mut before = self.clock().now();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.clock().sleep(STEP) => {}
            }
            let now = self.clock().now();
            let dt_seconds = now
                .duration_since(before)
                .as_secs_f64()
                .clamp(0.05, STEP_SECONDS_MAX);
            before = now;
            if self.0.canary.get().is_none() {
                // Without probes nothing can be verified, so nothing is begun.
                continue;
            }
            if let Err(error) = pacer.step(&self, now, dt_seconds).await {
                tracing::warn!("a step of the campaigns failed: {error}");
                pacer.listed_at = None;
            }
        }
    }
}

/// Settled sites of one wave.
pub(crate) fn tally(counts: &[RowCount], wave: usize) -> Tally {
    Tally {
        verified: rows(counts, wave, "verified"),
        failed: rows(counts, wave, "failed"),
    }
}

fn rows(counts: &[RowCount], wave: usize, state: &str) -> u64 {
    let own = counts
        .iter()
        .filter(|count| count.wave == wave && count.state == state);
    own.map(|count| count.rows).sum()
}

#[derive(Default)]
struct Pacer {
    origins: HashMap<ProductName, Origin>,
    runs: HashMap<CampaignId, Run>,
    listed_at: Option<Timestamp>,
}

/// A campaign that this process began or took over.
struct Run {
    campaign: Arc<Campaign>,
    running: bool,
    book: Arc<Book>,
    /// Sites of the current wave that nobody claimed yet.
    waiting: usize,
    /// Sites that a process before this one began, under the fence they were taken over with.
    found: VecDeque<(SiteId, u32)>,
    found_fence: u64,
    sender: Arc<Sender>,
    bucket: Bucket,
    /// One more reference for each site in flight.
    held: Arc<()>,
    rate_kept_at: Timestamp,
}

/// The current wave's account.
#[derive(Default)]
pub(crate) struct Book {
    verified: AtomicU64,
    failed: AtomicU64,
    /// Sites that are not settled.
    open: AtomicU64,
    last_failure: Mutex<String>,
    /// Set when a site ended without being settled: its row must be taken over.
    broken: AtomicBool,
}

impl Pacer {
    async fn step(
        &mut self,
        engine: &Engine,
        now: Timestamp,
        dt_seconds: f64,
    ) -> Result<(), EngineError> {
        self.list(engine, now).await?;
        let mut products: Vec<_> = self
            .runs
            .values()
            .filter(|run| run.running)
            .map(|run| run.product().clone())
            .collect();
        products.sort_unstable();
        products.dedup();
        for name in &products {
            self.step_origin(engine, name, now, dt_seconds).await?;
        }
        engine.0.roll_out.keep_moving(&products);
        self.origins.retain(|name, origin| {
            let used = self
                .runs
                .values()
                .any(|run| run.running && run.product() == name);
            used || origin.is_busy()
        });
        Ok(())
    }

    /// Reads which campaigns run, when something may have changed.
    async fn list(&mut self, engine: &Engine, now: Timestamp) -> Result<(), EngineError> {
        let asked = engine.0.roll_out.look_again.swap(false, Ordering::AcqRel);
        let old = self
            .listed_at
            .is_none_or(|at| now.duration_since(at).as_secs_f64() >= LIST_EVERY_SECONDS);
        self.runs
            .retain(|_, run| !run.book.broken.load(Ordering::Acquire));
        if !asked && !old {
            return Ok(());
        }
        let listed = engine.store().running_campaigns().await?;
        for run in self.runs.values_mut() {
            run.running = false;
        }
        for campaign in listed {
            match self.runs.get_mut(&campaign.id) {
                Some(run) => {
                    let moved = run.campaign.wave != campaign.wave;
                    (run.campaign, run.running) = (Arc::new(campaign), true);
                    if moved {
                        run.open_wave(engine).await?;
                    }
                }
                None => {
                    let run = Run::begin(engine, campaign, now).await?;
                    self.runs.insert(run.campaign.id, run);
                }
            }
        }
        // A stopped campaign is kept while sites of it are in flight: taking them over would be
        // doing them twice.
        self.runs
            .retain(|_, run| run.running || run.in_flight() > 0);
        self.listed_at = Some(now);
        Ok(())
    }

    async fn step_origin(
        &mut self,
        engine: &Engine,
        name: &ProductName,
        now: Timestamp,
        dt_seconds: f64,
    ) -> Result<(), EngineError> {
        let Some(product) = engine.fleet().product(name) else {
            return Ok(());
        };
        let mut runs: Vec<_> = self
            .runs
            .values_mut()
            .filter(|run| run.running && run.product() == name)
            .collect();
        runs.sort_by_key(|run| run.campaign.generation);
        let origin = self.origins.entry(name.clone()).or_insert_with(|| {
            let before = runs
                .iter()
                .map(|run| run.campaign.rate_per_second)
                .fold(0.0, f64::max);
            Origin::new(&product, before)
        });
        origin.ask(engine, &product);
        let allowed = origin.step(now, dt_seconds);
        let mut left = allowed;
        for run in runs {
            if run.judge(engine, now).await? {
                continue;
            }
            let limit = run.limit(origin, left, dt_seconds);
            let begun = run.begin_sites(engine, origin, limit, now).await?;
            if run.campaign.order.pace == Pace::Adaptive {
                left = left.saturating_sub(begun);
            }
            run.keep_rate(engine, origin, now).await?;
        }
        if allowed > 0 {
            origin.took(allowed - left, allowed);
        }
        engine.0.roll_out.keep_status(name, origin.status(), now);
        Ok(())
    }
}

impl Run {
    /// Takes a running campaign on; sites that another process began are taken over.
    async fn begin(
        engine: &Engine,
        campaign: Campaign,
        now: Timestamp,
    ) -> Result<Self, EngineError> {
        let found = engine.store().take_over(campaign.id, now).await?;
        if !found.sites.is_empty() {
            let (id, sites) = (campaign.id, found.sites.len());
            tracing::info!(campaign.id = %id, "took over {sites} sites that campaign {id} had begun");
        }
        let sender = Sender::new(engine, &campaign).await?;
        let mut run = Self {
            campaign: Arc::new(campaign),
            running: true,
            book: Arc::default(),
            waiting: 0,
            found: found.sites.into(),
            found_fence: found.fence,
            sender: Arc::new(sender),
            bucket: Bucket::default(),
            held: Arc::default(),
            rate_kept_at: now,
        };
        run.open_wave(engine).await?;
        Ok(run)
    }

    /// Opens the account of the current wave.
    async fn open_wave(&mut self, engine: &Engine) -> Result<(), EngineError> {
        let counts = engine.store().campaign_counts(self.campaign.id).await?;
        let wave = self.campaign.wave;
        let count = |state| rows(&counts, wave, state);
        let Tally { verified, failed } = tally(&counts, wave);
        self.waiting = usize::try_from(count("waiting")).unwrap_or(usize::MAX);
        self.book = Arc::new(Book {
            verified: verified.into(),
            failed: failed.into(),
            open: (count("waiting") + count("sent") + count("acted")).into(),
            ..Book::default()
        });
        Ok(())
    }

    fn product(&self) -> &ProductName {
        &self.campaign.order.selection.product
    }

    fn in_flight(&self) -> usize {
        Arc::strong_count(&self.held) - 1
    }

    /// Judges the wave; true when the campaign moved on or stopped, so that nothing is begun now.
    async fn judge(&mut self, engine: &Engine, now: Timestamp) -> Result<bool, EngineError> {
        let (tally, open) = self.book.read();
        let state = match judge(tally.since(self.campaign.accepted), open) {
            Verdict::GoOn => return Ok(false),
            Verdict::Promote if self.campaign.wave + 1 < self.campaign.waves.len() => {
                engine
                    .store()
                    .advance_campaign(self.campaign.id, self.campaign.wave)
                    .await?;
                engine.0.roll_out.look_again();
                return Ok(true);
            }
            Verdict::Promote => State::Finished { at: now },
            Verdict::Halt { .. } | Verdict::Inconclusive => State::Halted {
                reason: self.halt_reason(engine.words(), tally),
                at: now,
            },
        };
        self.running = false;
        let id = self.campaign.id;
        let (happened, fact) = self.end(engine, &state).await?;
        let audit = engine.audit("campaigns", "ended a campaign", &id.to_string(), &happened);
        engine
            .store()
            .move_campaign(id, &State::Running, &state, None, &audit)
            .await?;
        engine
            .campaign_changed(&self.campaign, &happened, fact)
            .await;
        Ok(true)
    }

    /// What the log and the incident's timeline say of a campaign that ends in `state`.
    async fn end(&self, engine: &Engine, state: &State) -> Result<(String, Fact), EngineError> {
        let campaign = self.campaign.id;
        if let State::Halted { reason, .. } = state {
            let reason = engine.words().halted_itself(reason);
            return Ok((reason.clone(), Fact::CampaignPaused { campaign, reason }));
        }
        let counts = engine.store().campaign_counts(campaign).await?;
        let of = |state: &str| {
            counts
                .iter()
                .filter(|c| c.state == state)
                .map(|c| c.rows)
                .sum()
        };
        let (done, failed) = (of("verified"), of("failed"));
        let words = format!("finished: {done} sites verified, {failed} given up");
        Ok((
            words,
            Fact::CampaignFinished {
                campaign,
                done,
                failed,
            },
        ))
    }

    fn halt_reason(&self, words: Words, tally: Tally) -> String {
        let wave = self
            .campaign
            .waves
            .get(self.campaign.wave)
            .map_or("", String::as_str);
        let release = match &self.campaign.order.action {
            Action::ActivateRelease { version } => words.release(&version.to_string()),
            _ => self.campaign.order.selection.running.as_ref().map_or_else(
                || words.product(self.product().as_str()),
                |version| words.release(&version.to_string()),
            ),
        };
        let Tally { verified, failed } = tally;
        let last = self
            .book
            .last_failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        words.halted_because(Halt {
            failed,
            settled: verified + failed,
            wave,
            what: &release,
            tolerated: TOLERATED_SHARE * 100.0,
            last: &last,
        })
    }

    /// How many sites may be begun now.
    fn limit(&mut self, origin: &Origin, left: usize, dt_seconds: f64) -> usize {
        let held = self.in_flight();
        match self.campaign.order.pace {
            Pace::Adaptive => left,
            Pace::FixedConcurrency { sites } => (sites as usize).saturating_sub(held),
            Pace::FixedRate { sites_per_second } => {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "bounded"
                )]
                let holds = (sites_per_second * FIXED_RATE_HOLDS_SECONDS).ceil() as usize;
                let room = origin.room(holds.max(1));
                let allowed = self.bucket.fill(sites_per_second, dt_seconds, room);
                self.bucket
                    .take(allowed.min(self.waiting + self.found.len()));
                allowed
            }
        }
    }

    /// Begins at most `limit` sites; gives how many.
    async fn begin_sites(
        &mut self,
        engine: &Engine,
        origin: &Origin,
        limit: usize,
        now: Timestamp,
    ) -> Result<usize, EngineError> {
        let found: Vec<_> = self.found.drain(..limit.min(self.found.len())).collect();
        let mut begun = found.len();
        for (site, tries) in found {
            self.spawn(engine, origin, site, self.found_fence, tries, true);
        }
        let more = (limit - begun).min(self.waiting);
        if more > 0 {
            let claim = match engine.store().claim(self.campaign.id, more, now).await {
                // Somebody stopped it a moment ago.
                Err(StoreError::Conflict { .. }) => {
                    engine.0.roll_out.look_again();
                    return Ok(begun);
                }
                done => done?,
            };
            begun += claim.sites.len();
            // Another process may have claimed the rest of the wave.
            let short = claim.sites.len() < more;
            self.waiting = if short { 0 } else { self.waiting - more };
            for (site, tries) in claim.sites {
                self.spawn(engine, origin, site, claim.fence, tries, false);
            }
        }
        Ok(begun)
    }

    fn spawn(
        &self,
        engine: &Engine,
        origin: &Origin,
        site: SiteId,
        fence: u64,
        tries: u32,
        found: bool,
    ) {
        let Some(index) = engine.fleet().index(site) else {
            // Sites are never removed from a fleet; a row without one is another process's import.
            self.book.broken.store(true, Ordering::Release);
            return;
        };
        let job = Job {
            engine: engine.clone(),
            campaign: Arc::clone(&self.campaign),
            sender: Arc::clone(&self.sender),
            book: Arc::clone(&self.book),
            site,
            index,
            fence,
        };
        let (credit, held) = (origin.credit(), Arc::clone(&self.held));
        tokio::spawn(async move {
            job.carry(tries, found).await;
            drop((credit, held));
        });
    }

    async fn keep_rate(
        &mut self,
        engine: &Engine,
        origin: &Origin,
        now: Timestamp,
    ) -> Result<(), EngineError> {
        let due = now.duration_since(self.rate_kept_at).as_secs_f64() >= KEEP_RATE_EVERY_SECONDS;
        if due && self.campaign.order.pace == Pace::Adaptive {
            self.rate_kept_at = now;
            let rate = origin.rate_per_second();
            engine
                .store()
                .save_campaign_rate(self.campaign.id, rate)
                .await?;
        }
        Ok(())
    }
}

impl Book {
    fn read(&self) -> (Tally, u64) {
        // `open` last: a site counts as settled only after it left `open`.
        let open = self.open.load(Ordering::Acquire);
        let verified = self.verified.load(Ordering::Acquire);
        let failed = self.failed.load(Ordering::Acquire);
        (Tally { verified, failed }, open)
    }

    fn settle(&self, failure: Option<&str>) {
        match failure {
            None => self.verified.fetch_add(1, Ordering::AcqRel),
            Some(reason) => {
                let mut last = self
                    .last_failure
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                reason.clone_into(&mut last);
                self.failed.fetch_add(1, Ordering::AcqRel)
            }
        };
        self.open.fetch_sub(1, Ordering::AcqRel);
    }
}
