//! Responds to alarms: proposes incidents, and carries out what people decide about them.
//!
//! Nothing here tells a customer anything before a person accepted the incident. Every act leaves
//! entries in the timeline, which the incident report rests on. Never detects; never restores.

mod audience;
mod backfill;
mod case;
mod correct;
mod follow_ups;
mod maintain;
mod open;
mod propose;
mod reports;
mod request;
mod schedule;
mod templates;
mod view;
mod watch;

use std::collections::{BTreeMap, HashMap};

use domain::calendar::Length;
use domain::detection::Alarm;
use domain::id::{AlarmId, IncidentId, ReportId, UpdateId};
use domain::incident::report::ReportDraft;
use domain::incident::template::Template;
use domain::incident::timeline::{Fact, TimelineEntry};
use domain::incident::{
    Fit, Impact, Incident, Post, Posted, PromiseKind, Scope, Stage, Update, UpdateKind,
};
use domain::name::Hostname;
use domain::site::Zone;
use domain::site::state::Evidence;
use domain::text::is_blank;
use jiff::{SignedDuration, Timestamp};
use store::{Announcement, IncidentAdditions, StoreError};

use crate::{Engine, EngineError, Signal};

pub use backfill::{Backfilled, HistoryError, ImportedHistory, ImportedIncident};
pub use case::{Case, ReleaseBefore};
pub use follow_ups::NewFollowUp;
pub use request::{
    Acceptance, MovedWork, NewCorrection, NewUpdate, Opening, PlannedWork, Proposal,
};
pub(crate) use templates::OwnTemplates;
pub use view::IncidentView;
pub(crate) use view::Incidents;
pub(crate) use watch::watch;

/// A release activated this long before an incident may have caused it.
const RELEASE_BEFORE_HOURS: i64 = 24;
/// The most reports that one alarm links to its incident.
const REPORTS_MAX: u32 = 1_000;
/// What acts by itself is called in timelines.
const DETECTION: &str = "detection";
/// The longest title or reason, in characters.
const LINE_CHARACTERS_MAX: usize = 200;

impl Engine {
    /// Takes an alarm. Inside an open incident's scope it is linked to that one, and nobody is paged.
    /// One that shows an open incident to be wider widens it, and one that fits none proposes a new
    /// one; both page the people on call. Doing it twice changes nothing. Customers see no proposal.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn propose_incident(&self, alarm: &Alarm) -> Result<IncidentId, EngineError> {
        let explained = alarm
            .localisation
            .explanations
            .first()
            .cloned()
            .unwrap_or_default();
        let fleet = self.fleet();
        let since = alarm.evidence.since.min(alarm.at);
        let taken = self.store().reports_after(since, None, REPORTS_MAX).await?;
        let reports = taken
            .iter()
            .map(|stored| &stored.report)
            .filter_map(|report| {
                let site = fleet.site(fleet.index(report.site)?)?;
                (report.at <= alarm.at && explained.holds(&site))
                    .then(|| (report.id, site.hostname.clone(), report.at))
            });
        let reports: Vec<_> = reports.collect();
        let scope = Scope {
            products: explained.products.clone().unwrap_or_default(),
            zones: explained.zones.clone().unwrap_or_default(),
            releases: explained.releases.clone().unwrap_or_default(),
        };
        let proposal = Proposal {
            alarm: alarm.id,
            words: self
                .words()
                .alarm_sentence(alarm)
                .trim_end_matches('.')
                .to_owned(),
            scope,
            raised_at: alarm.at,
            first_report: reports.first().cloned(),
            reports: reports.iter().map(|(id, _, _)| *id).collect(),
        };
        self.propose(&proposal).await
    }

    /// As [`Engine::propose_incident`], with what the alarm says spelt out.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn propose(&self, proposal: &Proposal) -> Result<IncidentId, EngineError> {
        // One at a time: two alarms of the same moment must meet in one incident.
        let _turn = self.incidents().proposing.lock().await;
        if let Some(known) = self.store().incident_of_alarm(proposal.alarm).await? {
            return Ok(known);
        }
        match self.home_of(proposal).await? {
            Some((incident, Fit::Wider(scope))) => self.widen(incident, proposal, scope).await,
            Some((incident, _)) => self.link_alarm(incident, proposal).await,
            None => self.open_proposal(proposal).await,
        }
    }

    /// Takes up a proposal: its audience reads it from now on, and its sites count as failing until
    /// something proves otherwise.
    ///
    /// # Errors
    /// When there is no such incident, it is not proposed any more, or the store fails.
    pub async fn accept_incident(
        &self,
        id: IncidentId,
        who: &str,
        acceptance: Acceptance,
    ) -> Result<(), EngineError> {
        let before = self.stored_incident(id).await?;
        let mut incident = before
            .accept(self.clock().now())
            .map_err(EngineError::conflict)?;
        if let Some(title) = acceptance.title {
            incident.title = line("title", &title)?;
        }
        incident.scope = acceptance.scope.unwrap_or(incident.scope);
        incident.audience = acceptance.audience;
        let (sites, fleet) = (self.sites_in(&incident.scope), self.fleet().len());
        incident.impact = acceptance
            .impact
            .unwrap_or_else(|| Impact::of_sites(sites.len(), fleet));
        let mut timeline = vec![self.entry_now(who, Fact::Accepted)];
        timeline.extend(self.for_few(who, &incident));
        timeline.push(self.sites_counted(&incident));
        let added = IncidentAdditions {
            timeline,
            announced: vec![self.announce(id, None)],
            ..IncidentAdditions::default()
        };
        let audit = self.audit(
            who,
            "accepted an incident",
            &id.to_string(),
            &incident.title,
        );
        self.save(&incident, &added, &audit).await?;
        self.learn(sites, Evidence::BelievedFailing);
        Ok(())
    }

    /// Turns a proposal down.
    ///
    /// # Errors
    /// When there is no such incident, it is not proposed any more, the reason is empty or too long,
    /// or the store fails.
    pub async fn dismiss_incident(
        &self,
        id: IncidentId,
        who: &str,
        reason: &str,
    ) -> Result<(), EngineError> {
        let reason = line("reason", reason)?;
        let before = self.stored_incident(id).await?;
        let now = self.clock().now();
        let incident = before
            .after(|state| state.dismiss(now, who, &reason))
            .map_err(EngineError::conflict)?;
        let timeline = vec![self.entry_now(
            who,
            Fact::Dismissed {
                reason: reason.clone(),
            },
        )];
        let added = IncidentAdditions {
            timeline,
            ..IncidentAdditions::default()
        };
        let audit = self.audit(who, "dismissed an incident", &id.to_string(), &reason);
        self.save(&incident, &added, &audit).await
    }

    /// Posts an update.
    ///
    /// # Errors
    /// When there is no such incident or template, the values do not fit the template, the state does
    /// not allow it, or the store fails.
    pub async fn post_update(
        &self,
        id: IncidentId,
        who: &str,
        update: NewUpdate,
    ) -> Result<Posted, EngineError> {
        let quiet = update.quiet;
        let posted = self.preview_update(id, who, update).await?;
        let how = How {
            quiet,
            ..How::default()
        };
        self.save_post(&posted, who, how).await?;
        Ok(posted)
    }

    /// What [`Engine::post_update`] would post; changes nothing.
    ///
    /// # Errors
    /// As `post_update`.
    pub async fn preview_update(
        &self,
        id: IncidentId,
        who: &str,
        update: NewUpdate,
    ) -> Result<Posted, EngineError> {
        let incident = self.stored_incident(id).await?;
        let post = self.written(update, incident.is_open())?;
        self.posted(incident, post, who)
    }

    /// Posts the vendor's word on the whole incident, which stands above the updates and keeps the
    /// promise of an incident report.
    ///
    /// # Errors
    /// When there is no such incident, it is not public, the text is empty or too long, or the store
    /// fails.
    pub async fn official_comment(
        &self,
        id: IncidentId,
        who: &str,
        text: String,
    ) -> Result<Posted, EngineError> {
        let incident = self.stored_incident(id).await?;
        let posted = self.posted(incident, plain(text, UpdateKind::OfficialComment), who)?;
        self.save_post(&posted, who, How::default()).await?;
        Ok(posted)
    }

    /// Adds an entry to an incident's timeline, from whoever saw something happen.
    ///
    /// # Errors
    /// When there is no such incident or the store fails.
    pub async fn note(&self, id: IncidentId, entry: TimelineEntry) -> Result<(), EngineError> {
        self.store().note(id, &[entry]).await?;
        self.look_again(id).await
    }

    /// A timeline entry of this moment.
    #[must_use]
    pub fn entry_now(&self, by: &str, fact: Fact) -> TimelineEntry {
        self.entry(self.clock().now(), by, fact)
    }

    /// What happened in an incident, in order.
    ///
    /// # Errors
    /// When there is no such incident or the store fails.
    pub async fn incident_timeline(
        &self,
        id: IncidentId,
    ) -> Result<Vec<TimelineEntry>, EngineError> {
        self.stored_incident(id).await?;
        Ok(self.store().timeline(id).await?)
    }

    /// The incident report as Markdown in the team's language, as far as the records can write it; times in
    /// `zone`.
    ///
    /// # Errors
    /// When there is no such incident or the store fails.
    pub async fn report_draft(&self, id: IncidentId, zone: Zone) -> Result<String, EngineError> {
        let incident = self.stored_incident(id).await?;
        let timeline = self.store().timeline(id).await?;
        let planned = self.store().follow_ups(id).await?;
        let records = (&*timeline, &*planned);
        let draft = ReportDraft::from_records(&incident, records, zone);
        Ok(self.words().report(&draft))
    }

    /// Makes the post out of what a person wrote or chose.
    fn written(&self, update: NewUpdate, open: bool) -> Result<Post, EngineError> {
        let NewUpdate {
            template,
            values,
            text,
            state,
            ..
        } = update;
        let mut post = match (template, text) {
            (Some(name), None) => self.fill_template(&name, &values, open)?,
            (None, Some(text)) if values.is_empty() => plain(text, UpdateKind::Update),
            (None, Some(_)) => {
                return Err(EngineError::refused_at(
                    "values",
                    "values fill a template; a text has no gaps",
                ));
            }
            _ => return Err(EngineError::refused("give either a template or a text")),
        };
        post.stage = state.or(post.stage);
        post.watch_until = update.watch_until;
        post.complete_after_watch = update.complete_after_watch;
        post.impact = update.impact;
        let asked = [
            (PromiseKind::NextUpdate, update.next_update_within),
            (PromiseKind::Report, update.report_within),
        ];
        for (kind, within) in asked {
            let Some(within) = within else { continue };
            if post.promises.iter().any(|(made, _)| *made == kind) {
                let reason = "the template promises this already; fill its gap instead";
                return Err(EngineError::refused_at(
                    &format!("{}_within", kind.as_str()),
                    reason,
                ));
            }
            post.promises.push((kind, within));
        }
        if update.calendar.is_some() && post.promises.is_empty() {
            let rule = "this update promises nothing that a calendar could count: say by when the next update \
                        or the report comes, or leave the calendar out";
            return Err(EngineError::refused_at("calendar", rule));
        }
        post.calendar = update.calendar.or(post.calendar);
        Ok(post)
    }

    fn fill_template(
        &self,
        name: &str,
        values: &BTreeMap<String, serde_json::Value>,
        open: bool,
    ) -> Result<Post, EngineError> {
        let templates = self.templates();
        let template = templates
            .iter()
            .find(|template| template.name == name)
            .ok_or_else(|| {
                let names: Vec<_> = templates
                    .iter()
                    .map(|template| format!("{:?}", template.name))
                    .collect();
                let names = names.join(", ");
                EngineError::refused_at(
                    "template",
                    format!("there is no template {name:?}; there are {names}"),
                )
            })?;
        let filled = self.fill(template, values)?;
        Ok(Post {
            template: Some((template.name.clone(), template.version)),
            stage: template.state.filter(|_| open),
            promises: filled.promise.into_iter().collect(),
            calendar: filled.calendar,
            ..plain(filled.body, UpdateKind::Update)
        })
    }

    fn posted(&self, incident: Incident, post: Post, who: &str) -> Result<Posted, EngineError> {
        self.posted_as(self.clock().id(), incident, post, who)
    }

    fn posted_as(
        &self,
        id: UpdateId,
        incident: Incident,
        post: Post,
        who: &str,
    ) -> Result<Posted, EngineError> {
        use domain::incident::BadPost;
        let by = (who, self.clock().now());
        let calendar = self.calendar_of(post.calendar.as_deref())?;
        incident
            .post(post, id, by, &calendar)
            .map_err(|bad| match bad {
                BadPost::WrongAct(wrong) => EngineError::conflict(wrong),
                bad => EngineError::refused_at(bad.at().unwrap_or("text"), bad),
            })
    }

    async fn save_post(&self, posted: &Posted, who: &str, how: How<'_>) -> Result<(), EngineError> {
        let Posted {
            incident,
            update,
            made,
            kept,
            completes,
        } = posted;
        let mut timeline = vec![
            self.entry(update.at, who, fact_of(update)),
            self.sites_counted(incident),
        ];
        timeline.extend(how.also.map(|fact| self.entry(update.at, who, fact)));
        let is_over = *completes;
        timeline.extend(is_over.then(|| self.entry(update.at, who, Fact::Completed)));
        let added = IncidentAdditions {
            updates: vec![update.clone()],
            promises: made.clone(),
            kept: vec![(*kept, update.at)],
            timeline,
            spent: how.spent.to_vec(),
            published: how
                .report
                .map(|number| (number, update.id))
                .into_iter()
                .collect(),
            announced: (!how.quiet)
                .then(|| self.announce(incident.id, Some(update.id)))
                .into_iter()
                .collect(),
            ..IncidentAdditions::default()
        };
        let (act, detail) = match (how.report, update.kind) {
            (Some(number), _) => ("published a report", format!("version {number}")),
            (None, UpdateKind::OfficialComment) => ("posted an official comment", String::new()),
            (None, UpdateKind::Update) => ("posted an update", update.state.as_str().to_owned()),
        };
        let audit = self.audit(who, act, &incident.id.to_string(), &detail);
        self.save(incident, &added, &audit).await?;
        // Nothing failed on sites that were worked on as planned.
        if is_over && incident.maintenance.is_none() {
            self.settle(incident);
        }
        Ok(())
    }

    /// Saves the next version of an incident, and tells those who show it.
    async fn save(
        &self,
        incident: &Incident,
        added: &IncidentAdditions,
        audit: &store::AuditEntry,
    ) -> Result<(), EngineError> {
        self.store().save_incident(incident, added, audit).await.map_err(|error| match error {
            StoreError::Conflict { .. } => EngineError::conflict(
                "Somebody else changed this incident at the same moment; look at it again, then try again.",
            ),
            error => error.into(),
        })?;
        self.look_again(incident.id).await?;
        if !added.announced.is_empty() {
            self.signal(Signal::OutboxChanged);
        }
        Ok(())
    }

    /// What followers are told: a post, or without one that there is an incident.
    fn announce(&self, incident: IncidentId, post: Option<UpdateId>) -> Announcement {
        Announcement {
            id: self.clock().id(),
            incident,
            post,
            made_at: self.clock().now(),
            only_new: false,
            follower: None,
        }
    }

    /// Shows what else changed of an incident.
    pub(crate) async fn incident_changed(&self, id: IncidentId) -> Result<(), EngineError> {
        self.look_again(id).await
    }

    async fn look_again(&self, id: IncidentId) -> Result<(), EngineError> {
        self.reload_incident(id).await?;
        self.signal(Signal::IncidentChanged(id));
        Ok(())
    }

    async fn stored_incident(&self, id: IncidentId) -> Result<Incident, EngineError> {
        let incident = self.store().incident(id).await?;
        incident.ok_or_else(|| EngineError::not_found("incident", id))
    }

    fn entry(&self, at: Timestamp, by: &str, fact: Fact) -> TimelineEntry {
        TimelineEntry {
            id: self.clock().id(),
            at,
            by: by.into(),
            fact,
        }
    }

    fn alarm_entry(&self, proposal: &Proposal) -> TimelineEntry {
        let fact = Fact::AlarmRaised {
            alarm: proposal.alarm,
            words: proposal.words.clone(),
        };
        self.entry(proposal.raised_at, DETECTION, fact)
    }

    fn sites_counted(&self, incident: &Incident) -> TimelineEntry {
        let affected = self.affected(&incident.scope);
        let fact = Fact::SitesCounted {
            total: affected.total as u64,
            failing: affected.failing as u64,
            restored: affected.restored as u64,
        };
        self.entry_now("lamplighter", fact)
    }

    /// The release that most sites of the scope were given shortly before the incident.
    fn release_before(&self, incident: &Incident) -> Option<TimelineEntry> {
        let until = incident.started_at;
        let since = until
            .saturating_sub(SignedDuration::from_hours(RELEASE_BEFORE_HOURS))
            .ok()?;
        let mut activated: HashMap<_, (u64, Timestamp)> = HashMap::new();
        for (_, site) in self.fleet().sites() {
            // A first import also says when a release was activated; it replaced none.
            let recent = (since..=until).contains(&site.activated_at) && site.ran_before.is_some();
            if recent && incident.scope.holds(&site) {
                let key = (site.product.clone(), site.running.clone());
                let (sites, first_at) = activated.entry(key).or_insert((0, site.activated_at));
                *sites += 1;
                *first_at = site.activated_at.min(*first_at);
            }
        }
        let ((product, version), (sites, at)) =
            activated.into_iter().max_by_key(|(_, (sites, _))| *sites)?;
        Some(self.entry(
            at,
            "lamplighter",
            Fact::ReleaseActivated {
                product,
                version,
                sites,
            },
        ))
    }
}

/// A post, as the timeline names it.
fn fact_of(update: &Update) -> Fact {
    match update.kind {
        UpdateKind::OfficialComment => Fact::OfficialComment { update: update.id },
        UpdateKind::Update => Fact::Updated {
            update: update.id,
            stage: update.state,
            template: update.template.clone().map(|(name, _)| name),
        },
    }
}

/// How a post is saved.
#[derive(Clone, Default)]
struct How<'a> {
    /// Tell no follower.
    quiet: bool,
    /// What else happened with it.
    also: Option<Fact>,
    /// Posts that waited for this until now.
    spent: &'a [UpdateId],
    /// The version of the report that it is.
    report: Option<u32>,
}

fn plain(body: String, kind: UpdateKind) -> Post {
    Post {
        body,
        template: None,
        kind,
        stage: None,
        watch_until: None,
        complete_after_watch: false,
        impact: None,
        promises: vec![],
        calendar: None,
    }
}

/// A title or a reason: one line that says something.
fn line(at: &str, text: &str) -> Result<String, EngineError> {
    let text = text.trim();
    let characters = text.chars().count();
    let fits = !is_blank(text) && characters <= LINE_CHARACTERS_MAX;
    if !fits || text.chars().any(char::is_control) {
        let rule = format!("give 1 to {LINE_CHARACTERS_MAX} characters on one line");
        return Err(EngineError::refused_at(at, rule));
    }
    Ok(text.to_owned())
}
