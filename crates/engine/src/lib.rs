//! Sequences that can fail midway: load, decide, save, signal.
//!
//! Loads from `store`, asks `domain` for the decision, saves it through a guarded change, and
//! signals those who should look again. Never renders; never speaks SQL. The database holds the
//! truth; a signal only says "look again".

// Unit tests begin as the stories in `tests` do.
#[cfg(test)]
extern crate self as engine;
#[cfg(test)]
#[path = "../tests/support/mod.rs"]
mod support;

mod acks;
mod banner;
mod calendar;
mod campaign;
mod comment;
mod course;
mod delivery;
mod detect;
mod drill;
mod enrol;
mod error;
mod fleet;
mod follow;
mod group;
mod hosts;
mod import;
mod ingest;
mod keys;
mod lights;
mod mail;
mod member;
mod notify;
mod outbox;
mod probe;
mod publish;
mod reader;
mod release;
mod respond;
mod review;
mod roll_out;
mod spread;
mod staff;
mod told;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arc_swap::ArcSwap;
use clock::Clock;
use domain::id::{AgentId, AlarmId, CampaignId, HolderId, IncidentId, ReportId};
use store::{AuditEntry, Lane, Store};
use tokio::sync::broadcast;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use banner::NewBanner;
pub use calendar::{CALENDARS_MAX, HOLIDAYS_BYTES_MAX, ImportedHolidays, SkippedEvent};
pub use campaign::{CampaignView, Counts, Halted, PlanView, PlannedWave, Progress, WaveProgress};
pub use comment::{SHOWN_MAX as COMMENTS_SHOWN_MAX, WRITTEN_MAX as COMMENTS_WRITTEN_MAX};
pub use course::{Course, Turn};
pub use delivery::{DeliveryEvent, Repository};
pub use error::{EngineError, Kind};
pub use fleet::{Fleet, SiteIndex};
pub use follow::{FOLLOWINGS_MAX, Headed, Letter, NewWebhook, Notice, Writer};
pub use group::{GROUP_SITES_MAX, GROUPS_MAX};
pub use hosts::Host;
pub use import::{Import, ImportError, Imported, SiteChange};
pub use ingest::NewReport;
pub use keys::{
    Draft, Ending, Ends, KeyRole, KeysView, NewRoot, OVERDUE_DAYS_BEFORE, ROOT_GOOD_FOR_DAYS_MAX,
    ROOT_WARNED_DAYS_BEFORE, RoleView, Rotated,
};
pub use mail::{BadMail, Mail};
pub use notify::STEPS_MAX as ON_CALL_STEPS_MAX;
pub use probe::{CanarySession, ERROR_HEADER, Probe, SIGNED_IN_HEADER};
pub use publish::{
    Difference, History, How, LayerLine, NewDocument, PastVersion, WHY_CHARACTERS_MAX,
};
pub use reader::{Answer, Reader};
pub use release::{ASKED_MINUTES_MAX, Activate, NotReady, Sites};
pub use respond::{
    Acceptance, Backfilled, Case, HistoryError, ImportedHistory, ImportedIncident, IncidentView,
    MovedWork, NewCorrection, NewFollowUp, NewUpdate, Opening, PlannedWork, Proposal,
    ReleaseBefore,
};
pub use roll_out::Sample;
pub use spread::OnItsWay;
pub use staff::{BreakGlass, NewToken, token_hash};
pub use tuf::DetachedSignature;

/// What the workers decide and sign, without a store: for them, and for the simulation of delivery.
pub mod rules {
    pub use crate::keys::Held as HeldKeys;
    pub use crate::publish::plan::{
        Documents, Signing, apply, check_releases, drop_unread, end_others, first_wave,
        releases_among, service_of,
    };
    pub use crate::reader::{Reader, Said};
    pub use crate::release::{documents_for, judge, needed};
    pub use crate::spread::count_given;
    pub use crate::told::{Census, Retold, Telling, Told};
}

/// Signals that a slow listener may miss before it must look at everything again.
const SIGNALS_KEPT: usize = 4_096;
const WITHDRAWALS_KEPT: usize = 64;

/// "Look again": never the news itself.
#[derive(Clone, Debug)]
pub enum Signal {
    /// The fleet was imported or its products changed.
    FleetChanged,
    /// These lamps changed.
    SitesChanged(Arc<[SiteIndex]>),
    /// A named group of sites changed.
    GroupsChanged,
    /// A report was taken.
    ReportTaken(ReportId),
    /// Sign-in outcomes were taken.
    OutcomesTaken,
    /// An alarm was raised.
    AlarmRaised(AlarmId),
    /// An incident changed.
    IncidentChanged(IncidentId),
    /// A campaign changed.
    CampaignChanged(CampaignId),
    /// The signed repository moved to this version.
    RepositoryChanged(u64),
    /// This agent has actions to fetch.
    ActionsWaiting(AgentId),
    /// Banners were added, changed or ended.
    BannersChanged,
    /// Something waits to be delivered to people.
    OutboxChanged,
}

/// What the vendor decides.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where browsers and sites reach this server, without a slash at the end.
    pub base_url: String,
    /// The name that customers know the vendor's team by, in templates; [`usual_team`] without one.
    pub team: String,
    /// The time zone of the vendor's support, which public times default to.
    pub home_zone: domain::site::Zone,
    /// The language that the vendor's team writes in, and that pages are in for readers who ask for none.
    pub language: domain::language::Language,
}

/// What a team that gave no name is called, in its language.
#[must_use]
pub fn usual_team(language: domain::language::Language) -> &'static str {
    wording::words(language).usual_team()
}

/// The capabilities. Cheap to clone.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    store: Store,
    clock: Clock,
    settings: Settings,
    fleet: ArcSwap<Fleet>,
    delivery: delivery::Delivery,
    groups: ArcSwap<group::Groups>,
    /// Held while a group is changed: what memory holds follows the store.
    grouping: tokio::sync::Mutex<()>,
    signals: broadcast::Sender<Signal>,
    /// Whose tokens were withdrawn.
    withdrawn: broadcast::Sender<HolderId>,
    http: reqwest::Client,
    roll_out: roll_out::RollOut,
    canary: OnceLock<CanarySession>,
    follow: follow::Follow,
    /// Held while a token is made: two holders must not get the same name at once.
    names: tokio::sync::Mutex<()>,
    /// Held while a fleet is imported: what a file changes is decided on the fleet before it.
    importing: tokio::sync::Mutex<()>,
    /// Written while the fleet is read again, so that what a site runs is not lost in between, and no older
    /// reading takes the place of a newer.
    reading_fleet: tokio::sync::RwLock<()>,
    /// Held while a comment is counted and added, or its author is banned: limits and bans hold for two
    /// requests at once, also where the database would let both through.
    commenting: tokio::sync::Mutex<()>,
    pending: ingest::Pending,
    incidents: respond::Incidents,
    banners: banner::Banners,
    templates: respond::OwnTemplates,
    calendars: calendar::Calendars,
    told: AtomicU64,
}

/// Follows no redirect, and no proxy that the environment names.
fn http_client() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(5))
        .no_proxy()
}

impl Engine {
    /// Loads what is kept in memory.
    ///
    /// # Errors
    /// When the state cannot be loaded.
    pub async fn open(store: Store, clock: Clock, settings: Settings) -> Result<Self, EngineError> {
        let no_client = |e: reqwest::Error| EngineError::remote("make an HTTP client", &e);
        let http = http_client().build().map_err(no_client)?;
        let follow = follow::Follow::new().map_err(no_client)?;
        let fleet = Fleet::load(&store).await?;
        let incidents = respond::Incidents::load(&store).await?;
        let templates = respond::OwnTemplates::load(&store).await?;
        let calendars = calendar::Calendars::load(&store).await?;
        let banners = banner::Banners::load(&store, clock.now()).await?;
        let delivery = delivery::Delivery::open(&store, &clock).await?;
        let groups = group::Groups::load(&store).await?;
        Ok(Self(Arc::new(Inner {
            store,
            clock,
            settings,
            fleet: ArcSwap::from_pointee(fleet),
            delivery,
            groups: ArcSwap::from_pointee(groups),
            grouping: tokio::sync::Mutex::default(),
            signals: broadcast::Sender::new(SIGNALS_KEPT),
            withdrawn: broadcast::Sender::new(WITHDRAWALS_KEPT),
            http,
            roll_out: roll_out::RollOut::default(),
            canary: OnceLock::new(),
            follow,
            names: tokio::sync::Mutex::default(),
            importing: tokio::sync::Mutex::default(),
            reading_fleet: tokio::sync::RwLock::default(),
            commenting: tokio::sync::Mutex::default(),
            pending: ingest::Pending::default(),
            incidents,
            banners,
            templates,
            calendars,
            told: AtomicU64::default(),
        })))
    }

    /// Starts the workers; they end soon after `stop` is cancelled.
    #[must_use]
    pub fn run_workers(&self, stop: &CancellationToken) -> JoinSet<()> {
        let mut workers = JoinSet::new();
        workers.spawn(self.clone().roll_out(stop.clone()));
        workers.spawn(self.clone().detect(stop.clone()));
        workers.spawn(notify::deliver(self.clone(), stop.clone()));
        workers.spawn(follow::spread(self.clone(), stop.clone()));
        for lane in [Lane::Mail, Lane::Webhook] {
            workers.spawn(follow::send(self.clone(), stop.clone(), lane));
        }
        workers.spawn(follow::purge(self.clone(), stop.clone()));
        workers.spawn(respond::watch(self.clone(), stop.clone()));
        workers.spawn(self.clone().deliver(stop.clone()));
        workers.spawn(self.clone().wake_agents(stop.clone()));
        workers.spawn(self.clone().spread_versions(stop.clone()));
        workers.spawn(self.clone().publish_banners(stop.clone()));
        workers.spawn(self.clone().tell_of_sites(stop.clone()));
        workers
    }

    /// The durable state.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// The time.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// What the vendor decided.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// What is said where no person writes, in the team's language.
    pub(crate) fn words(&self) -> wording::Words {
        wording::words(self.0.settings.language)
    }

    /// Whom pages are for.
    pub(crate) fn team(&self) -> wording::Team<'_> {
        let Settings {
            language,
            home_zone,
            ..
        } = &self.0.settings;
        wording::Team {
            language: *language,
            zone: home_zone,
        }
    }

    /// A pooled HTTP client that follows no redirects.
    #[must_use]
    pub fn http(&self) -> &reqwest::Client {
        &self.0.http
    }

    /// Listens to signals. A listener that lags must look at everything again.
    #[must_use]
    pub fn signals(&self) -> broadcast::Receiver<Signal> {
        self.0.signals.subscribe()
    }

    pub(crate) fn incidents(&self) -> &respond::Incidents {
        &self.0.incidents
    }

    /// How often something was told to customers, or the fleet was changed: grows whenever a public
    /// page says something else, except for its lamps.
    #[must_use]
    pub fn times_told(&self) -> u64 {
        self.0.told.load(Ordering::Acquire)
    }

    /// Makes what was drawn so far old.
    pub(crate) fn told(&self) {
        self.0.told.fetch_add(1, Ordering::Release);
    }

    pub(crate) fn signal(&self, signal: Signal) {
        if matches!(signal, Signal::IncidentChanged(_)) {
            self.told();
        }
        // Without a listener nobody needs to look again.
        let _ = self.0.signals.send(signal);
    }

    /// An audit entry of this moment.
    #[must_use]
    pub fn audit(&self, who: &str, act: &str, what: &str, detail: &str) -> AuditEntry {
        AuditEntry {
            id: self.0.clock.id(),
            at: self.0.clock.now(),
            who: who.into(),
            act: act.into(),
            what: what.into(),
            detail: detail.into(),
        }
    }
}
