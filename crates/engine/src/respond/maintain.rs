//! Planned work: announced, moved, begun and ended on time, with a reminder before it.
//! What time does is one commit with what it says, so that a kill in between repeats nothing.

use domain::incident::{BadWindow, Maintenance, WrongAct};

use super::*;

/// Who begins and ends planned work on time.
const CLOCK: &str = "the schedule";

impl Engine {
    /// Announces work before it begins. Followers of its sites are told.
    ///
    /// # Errors
    /// When the title or the text cannot be read, no site is in scope, the window cannot be meant, or
    /// the store fails.
    pub async fn plan_maintenance(
        &self,
        who: &str,
        plan: PlannedWork,
    ) -> Result<IncidentId, EngineError> {
        let (incident, posted) = self.planned(who, &plan)?;
        let mut added = IncidentAdditions {
            updates: vec![posted.update.clone()],
            timeline: [self.entry_now(who, Fact::Planned)]
                .into_iter()
                .chain(self.for_few(who, &incident))
                .collect(),
            ..IncidentAdditions::default()
        };
        if !plan.quiet {
            let announced = self.announce(incident.id, Some(posted.update.id));
            added.announced.push(announced);
        }
        let id = incident.id;
        let audit = self.audit(who, "planned work", &id.to_string(), &incident.title);
        self.store().add_incident(&incident, &added, &audit).await?;
        self.look_again(id).await?;
        self.signal(Signal::OutboxChanged);
        Ok(id)
    }

    /// What [`Engine::plan_maintenance`] would announce; changes nothing.
    ///
    /// # Errors
    /// As `plan_maintenance`.
    pub fn preview_maintenance(
        &self,
        who: &str,
        plan: &PlannedWork,
    ) -> Result<Posted, EngineError> {
        self.planned(who, plan).map(|(_, posted)| posted)
    }

    fn planned(&self, who: &str, plan: &PlannedWork) -> Result<(Incident, Posted), EngineError> {
        let title = line("title", &plan.title)?;
        let how = (plan.remind_minutes, plan.completes_itself);
        let maintenance = self.in_window(&plan.scope, plan.window.clone(), how)?;
        let impact = plan.impact.unwrap_or(Impact::None);
        let (id, now) = (self.clock().id(), self.clock().now());
        let what = (title, plan.scope.clone(), impact);
        let incident = Incident {
            audience: plan.audience,
            ..Incident::plan(id, what, maintenance, now)
        };
        let post = plain(plan.text.clone(), UpdateKind::Update);
        let posted = self.posted(incident.clone(), post, who)?;
        Ok((incident, posted))
    }

    /// Moves planned work to another window. Followers are told, and reminded of it anew.
    ///
    /// # Errors
    /// When there is no such planned work, it is over, the window cannot be meant, the text cannot be
    /// read, or the store fails.
    pub async fn move_maintenance(
        &self,
        id: IncidentId,
        who: &str,
        moved: MovedWork,
    ) -> Result<Posted, EngineError> {
        let incident = self.stored_incident(id).await?;
        let Some(before) = incident.maintenance.clone() else {
            let wrong = WrongAct::NotPlanned(Stage::Scheduled);
            return Err(EngineError::conflict(wrong));
        };
        let how = (before.remind_minutes, before.completes_itself);
        let to = self.in_window(&incident.scope, moved.window, how)?;
        let fact = Fact::Moved {
            from: to.from,
            until: to.until,
        };
        let incident = incident.move_window(to).map_err(EngineError::conflict)?;
        let posted = self.posted(incident, plain(moved.text, UpdateKind::Update), who)?;
        let how = How {
            also: Some(fact),
            ..How::default()
        };
        self.save_post(&posted, who, how).await?;
        Ok(posted)
    }

    /// Work in a window, on the clocks of a scope's sites.
    fn in_window(
        &self,
        scope: &Scope,
        window: domain::incident::Window,
        how: (Option<u32>, bool),
    ) -> Result<Maintenance, EngineError> {
        let fleet = self.fleet();
        let held = fleet.sites().map(|(_, site)| site);
        let zones: std::collections::BTreeSet<_> = held
            .filter(|site| scope.holds(site))
            .map(|site| site.zone.clone())
            .collect();
        let planned = Maintenance::plan(window, &zones, how, self.clock().now());
        planned.map_err(|bad| match bad {
            BadWindow::Nowhere => {
                EngineError::refused_at("scope", format!("there are no {scope} here"))
            }
            bad => EngineError::refused_at(bad.at(), bad),
        })
    }

    /// Does what is due of planned work: reminds, begins, ends.
    pub(super) async fn keep_window(&self, view: &IncidentView) -> Result<(), EngineError> {
        let Some(work) = &view.incident.maintenance else {
            return Ok(());
        };
        let (id, now) = (view.incident.id, self.clock().now());
        match view.incident.state.stage() {
            Stage::Scheduled if work.from <= now => {
                let words = self.words().work_has_begun();
                self.say(id, Stage::InProgress, words).await
            }
            Stage::Scheduled if work.is_reminder_due(now) => self.remind_of_work(id).await,
            Stage::InProgress if work.until <= now && work.completes_itself => {
                let words = self.words().work_is_done();
                self.say(id, Stage::Completed, words).await
            }
            Stage::InProgress | Stage::Verifying if work.until <= now && !work.overran => {
                self.page_overrun(id).await
            }
            _ => Ok(()),
        }
    }

    async fn say(&self, id: IncidentId, stage: Stage, words: &str) -> Result<(), EngineError> {
        let incident = self.stored_incident(id).await?;
        let post = Post {
            stage: Some(stage),
            ..plain(words.into(), UpdateKind::Update)
        };
        let posted = self.posted(incident, post, CLOCK)?;
        self.save_post(&posted, CLOCK, How::default()).await
    }

    async fn remind_of_work(&self, id: IncidentId) -> Result<(), EngineError> {
        let remember = |work: &mut Maintenance| work.reminded = true;
        let incident = self.remembering(id, remember).await?;
        let added = IncidentAdditions {
            timeline: vec![self.entry_now(CLOCK, Fact::Reminded)],
            announced: vec![self.announce(id, None)],
            ..IncidentAdditions::default()
        };
        let audit = self.audit(
            CLOCK,
            "reminded followers of planned work",
            &id.to_string(),
            "",
        );
        self.save(&incident, &added, &audit).await
    }

    async fn page_overrun(&self, id: IncidentId) -> Result<(), EngineError> {
        let remember = |work: &mut Maintenance| work.overran = true;
        let incident = self.remembering(id, remember).await?;
        let words = self.words().page_overrun(&incident.title);
        // Paged before it is remembered: a kill in between pages twice, not never.
        self.page(Some(id), &words).await?;
        let fact = Fact::Noted { words };
        let added = IncidentAdditions {
            timeline: vec![self.entry_now(CLOCK, fact)],
            ..IncidentAdditions::default()
        };
        let audit = self.audit(CLOCK, "paged about planned work", &id.to_string(), "");
        self.save(&incident, &added, &audit).await
    }

    /// The next version of planned work, with something remembered.
    async fn remembering(
        &self,
        id: IncidentId,
        change: impl FnOnce(&mut Maintenance),
    ) -> Result<Incident, EngineError> {
        let mut incident = self.stored_incident(id).await?;
        incident.version += 1;
        incident.maintenance.as_mut().map(change);
        Ok(incident)
    }
}
