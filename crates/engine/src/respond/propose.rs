//! Finds an alarm its incident: linked, widened or proposed.

use wording::Words;

use super::*;

impl Engine {
    /// The open incident that an alarm belongs to: the newest it lies inside of, else the newest
    /// that it widens.
    pub(super) async fn home_of(
        &self,
        proposal: &Proposal,
    ) -> Result<Option<(Incident, Fit)>, EngineError> {
        let fleet = self.fleet();
        let mut home = None;
        let open = self.store().open_incidents(1_000).await?.into_iter();
        for incident in open.filter(|one| one.maintenance.is_none()) {
            let sites = fleet.sites().map(|(_, site)| site);
            let fit = incident.scope.fit(&proposal.scope, sites);
            let is_better = match (&fit, &home) {
                (Fit::Apart, _) | (Fit::Wider(_), Some((_, Fit::Inside))) => false,
                (Fit::Inside | Fit::Wider(_), _) => true,
            };
            if is_better {
                home = Some((incident, fit));
            }
        }
        Ok(home)
    }

    pub(super) async fn open_proposal(
        &self,
        proposal: &Proposal,
    ) -> Result<IncidentId, EngineError> {
        let (id, scope) = (self.clock().id(), proposal.scope.clone());
        let began = proposal
            .first_report
            .as_ref()
            .map_or(proposal.raised_at, |(_, _, at)| *at);
        let title = self.words().title_of(&scope);
        let incident = Incident::propose(id, proposal.alarm, title, scope, began);
        let mut timeline: Vec<_> = self.release_before(&incident).into_iter().collect();
        timeline.extend(proposal.first_report.clone().map(|(report, site, at)| {
            self.entry(at, "a customer", Fact::FirstReport { report, site })
        }));
        timeline.push(self.alarm_entry(proposal));
        timeline.push(self.entry_now(
            DETECTION,
            Fact::Proposed {
                alarm: proposal.alarm,
            },
        ));
        let added = additions_of(proposal, timeline);
        let audit = self.audit(
            DETECTION,
            "proposed an incident",
            &id.to_string(),
            &proposal.words,
        );
        self.store().add_incident(&incident, &added, &audit).await?;
        self.look_again(id).await?;
        tracing::info!(incident.id = %id, alarm.id = %proposal.alarm, "an alarm proposed incident {id}");
        self.page(Some(id), &format!("{}: {}", incident.title, proposal.words))
            .await?;
        Ok(id)
    }

    pub(super) async fn link_alarm(
        &self,
        incident: Incident,
        proposal: &Proposal,
    ) -> Result<IncidentId, EngineError> {
        let id = incident.id;
        let next = incident.after(Ok).map_err(EngineError::conflict)?;
        let added = additions_of(proposal, vec![self.alarm_entry(proposal)]);
        let audit = self.audit(
            DETECTION,
            "linked an alarm",
            &id.to_string(),
            &proposal.words,
        );
        self.save(&next, &added, &audit).await?;
        Ok(id)
    }

    /// Links an alarm to an incident that it shows to be about `scope`. Customers see that at once
    /// if the incident is told: its page must not tell a site that fails that it is not affected.
    pub(super) async fn widen(
        &self,
        incident: Incident,
        proposal: &Proposal,
        scope: Scope,
    ) -> Result<IncidentId, EngineError> {
        let (id, before) = (incident.id, incident.scope.clone());
        let mut next = incident.after(Ok).map_err(EngineError::conflict)?;
        // A title that nobody has changed says the scope.
        if Words::is_title_of(&next.title, &before) {
            next.title = self.words().title_of(&scope);
        }
        next.scope = scope.clone();
        let mut timeline = vec![
            self.alarm_entry(proposal),
            self.entry_now(DETECTION, Fact::Widened { scope }),
        ];
        timeline.extend(next.is_told().then(|| self.sites_counted(&next)));
        let added = additions_of(proposal, timeline);
        let audit = self.audit(
            DETECTION,
            "widened an incident",
            &id.to_string(),
            &proposal.words,
        );
        self.save(&next, &added, &audit).await?;
        if next.is_told() {
            self.believe_failing_beyond(&before, &next.scope);
        }
        tracing::info!(incident.id = %id, alarm.id = %proposal.alarm, "an alarm widened incident {id}");
        let words = self.words().page_wider(&next.title, &proposal.words);
        self.page(Some(id), &words).await?;
        Ok(id)
    }

    /// As on accepting: the sites that an incident is about from now on count as failing. Those that
    /// it was about already keep what was learned of them since.
    fn believe_failing_beyond(&self, before: &Scope, scope: &Scope) {
        let fleet = self.fleet();
        let added = fleet
            .sites()
            .filter(|(_, site)| scope.holds(site) && !before.holds(site));
        let added: Vec<_> = added.map(|(index, _)| index).collect();
        self.learn(added, Evidence::BelievedFailing);
    }
}

fn additions_of(proposal: &Proposal, timeline: Vec<TimelineEntry>) -> IncidentAdditions {
    IncidentAdditions {
        alarms: vec![proposal.alarm],
        reports: proposal.reports.clone(),
        timeline,
        ..IncidentAdditions::default()
    }
}
