//! Campaigns as people command and watch them: plan, create, start, stop, look.
//! The pacing itself is `roll_out`'s.

mod check;
mod command;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use domain::campaign::pace::Pace;
use domain::campaign::plan::{BlastRadius, Candidate, Plan};
use domain::campaign::row::Row;
use domain::campaign::selection::Selection;
use domain::campaign::{Action, Campaign, Command, Order, State};
use domain::id::{CampaignId, IncidentId, SiteId};
use domain::incident::Scope;
use domain::incident::timeline::Fact;
use domain::name::{Hostname, ProductName};
use domain::site::Site;
use domain::site::state::SiteState;
use jiff::{SignedDuration, Timestamp};
use store::{CampaignRow, NewCampaign, RowCount};

use crate::{Engine, EngineError, Signal};

/// A report older than this says nothing about a site today.
const REPORTED_WITHIN: SignedDuration = SignedDuration::from_hours(24);
/// Sites of a page when all rows of a campaign are read.
pub(crate) const ROWS_PER_PAGE: u32 = 5_000;

/// What a campaign would do.
#[derive(Clone, Debug, serde::Serialize, schemars::JsonSchema)]
#[schemars(rename = "CampaignPlan")]
pub struct PlanView {
    /// Its waves, in order.
    pub waves: Vec<PlannedWave>,
    /// How much a mistake would touch.
    pub blast_radius: BlastRadius,
    /// How long it takes, where the pace, or the origin's last measured rate, tells.
    pub estimate_seconds: Option<f64>,
}

/// A wave of a plan.
#[derive(Clone, Debug, serde::Serialize, schemars::JsonSchema)]
pub struct PlannedWave {
    /// Its name.
    pub name: String,
    /// How many sites it has.
    pub sites: usize,
}

/// How far a campaign is.
#[derive(Clone, Debug, serde::Serialize, schemars::JsonSchema)]
#[schemars(rename = "CampaignProgress")]
pub struct Progress {
    /// The campaign.
    #[serde(flatten)]
    pub campaign: CampaignView,
    /// Each wave.
    pub waves: Vec<WaveProgress>,
    /// All waves together.
    pub counts: Counts,
    /// Sites begun per second, now.
    pub rate_per_second: f64,
    /// Busy share of the origin, once known.
    pub utilisation: Option<f64>,
    /// The origin's 95th percentile of latency, once known.
    pub p95_seconds: Option<f64>,
    /// How long the rest takes at the rate measured lately.
    pub eta_seconds: Option<f64>,
}

/// A campaign without its rows.
#[derive(Clone, Debug, serde::Serialize, schemars::JsonSchema)]
#[schemars(rename = "Campaign")]
pub struct CampaignView {
    /// Its identifier.
    pub id: CampaignId,
    /// The word for its state.
    pub state: &'static str,
    /// What it does.
    pub action: Action,
    /// To which sites.
    pub selection: Selection,
    /// How fast.
    pub pace: Pace,
    /// The incident it answers.
    pub incident: Option<IncidentId>,
    /// Its generation.
    pub generation: u64,
    /// When it was created.
    #[schemars(with = "domain::schema::Moment")]
    pub created_at: Timestamp,
    /// When it was started.
    #[schemars(with = "Option<domain::schema::Moment>")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[schemars(with = "Option<domain::schema::Moment>")]
    pub finished_at: Option<Timestamp>,
    /// Why and where it stopped itself.
    pub halted: Option<Halted>,
}

/// Why and where a campaign stopped itself.
#[derive(Clone, Debug, serde::Serialize, schemars::JsonSchema)]
pub struct Halted {
    /// The name of the wave.
    pub wave: String,
    /// Names the release and the evidence.
    pub reason: String,
    /// When.
    #[schemars(with = "domain::schema::Moment")]
    pub at: Timestamp,
}

/// How far a wave is.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct WaveProgress {
    /// Its name.
    pub name: String,
    /// Its sites.
    pub total: u64,
    /// Proved.
    pub verified: u64,
    /// Given up.
    pub failed: u64,
    /// Begun and not settled.
    pub in_flight: u64,
}

/// Rows by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[schemars(rename = "CampaignCounts")]
pub struct Counts {
    /// Not begun.
    pub waiting: u64,
    /// Begun.
    pub sent: u64,
    /// Taken by the site, not proved.
    pub acted: u64,
    /// Proved.
    pub verified: u64,
    /// Given up.
    pub failed: u64,
    /// Left alone after an abort.
    pub skipped: u64,
}

impl Engine {
    /// Says what a campaign would do, and does nothing.
    ///
    /// # Errors
    /// When the order cannot be meant, or selects nothing.
    pub async fn plan_campaign(&self, order: &Order) -> Result<PlanView, EngineError> {
        let plan = self.plan(order).await?;
        let rate = match order.pace {
            Pace::FixedRate { sites_per_second } => Some(sites_per_second),
            _ => self
                .0
                .roll_out
                .origin_status(&order.selection.product)
                .map(|s| s.settled_per_second),
        };
        Ok(PlanView {
            estimate_seconds: rate.and_then(|rate| plan.estimate_seconds(rate)),
            blast_radius: plan.blast_radius,
            waves: plan
                .waves
                .into_iter()
                .map(|wave| PlannedWave {
                    name: wave.name,
                    sites: wave.sites.len(),
                })
                .collect(),
        })
    }

    async fn plan(&self, order: &Order) -> Result<Plan, EngineError> {
        let at = |part: &str, reason: &dyn std::fmt::Display| EngineError::refused_at(part, reason);
        order.selection.check().map_err(|e| at("selection", &e))?;
        let fleet = self.fleet();
        self.check_pace(&order.selection.product, &order.pace)?;
        self.check_exists(order).await?;
        let reported = self.reported_sites().await?;
        let matcher = order.selection.matcher();
        let sites: Vec<_> = fleet
            .sites()
            .map(|(_, site)| (reported.contains(&site.id), site))
            .filter(|(reported, site)| matcher.selects(site, *reported))
            .collect();
        if sites.is_empty() {
            return Err(at("selection", &"no site meets all of the conditions"));
        }
        let candidates: Vec<_> = sites
            .iter()
            .map(|(reported, site)| Candidate {
                site,
                reported: *reported,
            })
            .collect();
        Ok(Plan::new(&candidates, self.clock().now()))
    }

    /// Sites that customers reported lately.
    async fn reported_sites(&self) -> Result<HashSet<SiteId>, EngineError> {
        let since = self
            .clock()
            .now()
            .saturating_sub(REPORTED_WITHIN)
            .unwrap_or(Timestamp::MIN);
        Ok(self
            .store()
            .sites_reported_since(since)
            .await?
            .into_iter()
            .collect())
    }

    /// Creates a campaign, planned and not started.
    ///
    /// # Errors
    /// When the order cannot be meant or selects nothing, or the store fails.
    pub async fn create_campaign(
        &self,
        order: &Order,
        who: &str,
    ) -> Result<CampaignView, EngineError> {
        let plan = self.plan(order).await?;
        let id: CampaignId = self.clock().id();
        let detail = format!("{} on {} sites", order.action.name(), plan.sites());
        let audit = self.audit(who, "created a campaign", &id.to_string(), &detail);
        let new = NewCampaign {
            id,
            order,
            plan: &plan,
            at: self.clock().now(),
        };
        self.store().create_campaign(&new, &audit).await?;
        self.signal(Signal::CampaignChanged(id));
        Ok(CampaignView::new(&self.campaign(id).await?))
    }

    /// A campaign.
    ///
    /// # Errors
    /// When there is none, or the store fails.
    pub async fn campaign(&self, id: CampaignId) -> Result<Campaign, EngineError> {
        let found = self.store().campaign(id).await?;
        found.ok_or_else(|| EngineError::not_found("campaign", id))
    }

    /// The newest campaigns, at most `limit`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn campaigns(&self, limit: u32) -> Result<Vec<CampaignView>, EngineError> {
        Ok(self
            .store()
            .campaigns(limit)
            .await?
            .iter()
            .map(CampaignView::new)
            .collect())
    }

    /// Changes the pace of a campaign, also while it runs.
    ///
    /// # Errors
    /// When the pace cannot be meant, the campaign is over, or the store fails.
    pub async fn set_campaign_pace(
        &self,
        id: CampaignId,
        pace: Pace,
        who: &str,
    ) -> Result<CampaignView, EngineError> {
        let campaign = self.campaign(id).await?;
        self.check_pace(&campaign.order.selection.product, &pace)?;
        let audit = self.audit(
            who,
            "changed a campaign's pace",
            &id.to_string(),
            &format!("{pace:?}"),
        );
        self.store()
            .save_campaign_pace(&campaign, pace, &audit)
            .await?;
        self.0.roll_out.look_again();
        self.signal(Signal::CampaignChanged(id));
        Ok(CampaignView::new(&self.campaign(id).await?))
    }

    /// How far a campaign is.
    ///
    /// # Errors
    /// When there is none, or the store fails.
    pub async fn campaign_progress(&self, id: CampaignId) -> Result<Progress, EngineError> {
        let campaign = self.campaign(id).await?;
        let rows = self.store().campaign_counts(id).await?;
        let counts = Counts::of(&rows);
        let status = self
            .0
            .roll_out
            .origin_status(&campaign.order.selection.product);
        let running = campaign.state == State::Running;
        let status = status.filter(|_| running);
        #[expect(clippy::cast_precision_loss, reason = "sites are fewer than 2^52")]
        let left = (counts.waiting + counts.sent + counts.acted) as f64;
        let settling = status
            .as_ref()
            .map_or(0.0, |status| status.settled_per_second);
        Ok(Progress {
            waves: waves(&campaign, &rows),
            counts,
            rate_per_second: status.as_ref().map_or(0.0, |status| status.rate_per_second),
            utilisation: status.as_ref().and_then(|status| status.utilisation),
            p95_seconds: status.as_ref().and_then(|status| status.p95_seconds),
            eta_seconds: (settling > 0.0).then(|| left / settling),
            campaign: CampaignView::new(&campaign),
        })
    }

    /// Rows of a campaign from `position` on; of one state if given; at most `limit`.
    ///
    /// # Errors
    /// When there is no such campaign or no such state, or the store fails.
    pub async fn campaign_rows(
        &self,
        id: CampaignId,
        state: Option<&str>,
        position: u64,
        limit: u32,
    ) -> Result<Vec<CampaignRow>, EngineError> {
        self.campaign(id).await?;
        if let Some(state) = state.filter(|state| !Row::WORDS.contains(state)) {
            let state: String = state.chars().take(80).collect();
            let words = Row::WORDS.join(", ");
            let reason = format!("{state:?} is no state of a site in a campaign: {words}");
            return Err(EngineError::refused_at("state", reason));
        }
        Ok(self
            .store()
            .campaign_rows(id, state, position, limit)
            .await?)
    }

    /// Acts on one site, verified by a probe: a campaign of one, started at once.
    ///
    /// # Errors
    /// When there is no such site, or the store fails.
    pub async fn act_on_site(
        &self,
        hostname: &Hostname,
        action: Action,
        who: &str,
    ) -> Result<CampaignView, EngineError> {
        let site = self.fleet().site_at(hostname);
        let site = site.ok_or_else(|| EngineError::not_found("site", hostname))?;
        // One site cannot hurt the origin, and a customer waits for it.
        let pace = Pace::FixedConcurrency { sites: 1 };
        let order = Order {
            action,
            selection: Selection::site(&site),
            incident: None,
            pace,
        };
        let campaign = self.create_campaign(&order, who).await?;
        self.command_campaign(campaign.id, Command::Start, who)
            .await
    }

    /// The campaign that would restore an incident's sites: those of its scope that no campaign
    /// has restored yet. `None` when there are none.
    ///
    /// # Errors
    /// When there is no such incident, or the store fails.
    pub async fn proposed_campaign(&self, id: IncidentId) -> Result<Option<Order>, EngineError> {
        let incident = self.store().incident(id).await?;
        let incident = incident.ok_or_else(|| EngineError::not_found("incident", id))?;
        let fleet = self.fleet();
        let (mut restored, mut ill) = (0, HashMap::<ProductName, Vec<_>>::new());
        for (index, site) in fleet.sites().filter(|(_, site)| incident.scope.holds(site)) {
            if fleet.state(index) == SiteState::Restored {
                restored += 1;
            } else {
                ill.entry(site.product.clone()).or_default().push(site);
            }
        }
        // One product at a time: the one with most sites first.
        let largest = ill
            .into_iter()
            .max_by_key(|(name, sites)| (sites.len(), name.clone()));
        let Some((name, sites)) = largest else {
            return Ok(None);
        };
        let settings = fleet.product(&name).map(|product| product.settings.clone());
        let settings = settings.unwrap_or_default();
        let action = if settings.webhook_url.is_some() {
            Action::ClearCache
        } else {
            Action::Refresh
        };
        let pace = match settings.telemetry_url {
            Some(_) => Pace::Adaptive,
            // Without telemetry: as slowly as the law would start.
            None => Pace::FixedRate {
                sites_per_second: 1.0,
            },
        };
        let selection = if restored == 0 {
            of_scope(&incident.scope, name, &sites)
        } else {
            listed(Selection::none(name), &sites)
        };
        Ok(Some(Order {
            action,
            selection,
            incident: Some(id),
            pace,
        }))
    }

    /// Tells everybody that a campaign changed: signals, the log, and the incident it answers.
    pub(crate) async fn campaign_changed(&self, campaign: &Campaign, happened: &str, fact: Fact) {
        let id = campaign.id;
        let action = campaign.order.action.name();
        tracing::info!(campaign.id = %id, "campaign {id} ({action}) {happened}");
        self.0.roll_out.look_again();
        self.signal(Signal::CampaignChanged(id));
        if let Some(incident) = campaign.order.incident {
            // The campaign goes on without its line in the timeline; the log keeps it.
            if let Err(error) = self.note(incident, self.entry_now("campaigns", fact)).await {
                tracing::warn!(incident.id = %incident, "could not note campaign {id}: {error}");
            }
        }
    }
}

/// The sites of a scope by what they share, where a selection can say it; else by name.
fn of_scope(scope: &Scope, product: ProductName, sites: &[Arc<Site>]) -> Selection {
    let none = Selection::none(product);
    match scope.releases.len() {
        0 if scope.zones.is_empty() => Selection { all: true, ..none },
        releases @ (0 | 1) => Selection {
            zones: scope.zones.iter().cloned().collect(),
            running: scope.releases.first().filter(|_| releases == 1).cloned(),
            ..none
        },
        _ => listed(none, sites),
    }
}

fn listed(none: Selection, sites: &[Arc<Site>]) -> Selection {
    let hostnames: BTreeSet<_> = sites.iter().map(|site| site.hostname.clone()).collect();
    Selection {
        hostnames: hostnames.into_iter().collect(),
        ..none
    }
}

impl CampaignView {
    pub(crate) fn new(campaign: &Campaign) -> Self {
        let Order {
            action,
            selection,
            incident,
            pace,
        } = campaign.order.clone();
        let finished_at = match campaign.state {
            State::Finished { at } | State::Aborted { at } => Some(at),
            _ => None,
        };
        let halted = match &campaign.state {
            State::Halted { reason, at } => Some(Halted {
                wave: campaign
                    .waves
                    .get(campaign.wave)
                    .cloned()
                    .unwrap_or_default(),
                reason: reason.clone(),
                at: *at,
            }),
            _ => None,
        };
        Self {
            id: campaign.id,
            state: campaign.state.as_str(),
            action,
            selection,
            pace,
            incident,
            generation: campaign.generation,
            created_at: campaign.created_at,
            started_at: campaign.started_at,
            finished_at,
            halted,
        }
    }
}

impl Counts {
    fn of(rows: &[RowCount]) -> Self {
        let of = |state: &str| {
            rows.iter()
                .filter(|row| row.state == state)
                .map(|row| row.rows)
                .sum()
        };
        Self {
            waiting: of("waiting"),
            sent: of("sent"),
            acted: of("acted"),
            verified: of("verified"),
            failed: of("failed"),
            skipped: of("skipped"),
        }
    }
}

fn waves(campaign: &Campaign, rows: &[RowCount]) -> Vec<WaveProgress> {
    let progress = |(wave, name): (usize, &String)| {
        let own: Vec<_> = rows
            .iter()
            .filter(|row| row.wave == wave)
            .cloned()
            .collect();
        let counts = Counts::of(&own);
        WaveProgress {
            name: name.clone(),
            total: own.iter().map(|row| row.rows).sum(),
            verified: counts.verified,
            failed: counts.failed,
            in_flight: counts.sent + counts.acted,
        }
    };
    campaign.waves.iter().enumerate().map(progress).collect()
}
