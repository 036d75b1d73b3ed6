//! Opens an incident that no alarm proposed.

use domain::incident::backfill::{EARLIEST, TOO_EARLY};

use super::*;

impl Engine {
    /// Opens an incident: its audience reads it from now on, and its sites count as failing until something
    /// proves otherwise. Nobody is paged: whoever opens it knows.
    ///
    /// # Errors
    /// When the title is empty or too long, no site is in scope, it begins in the future, or the store
    /// fails.
    pub async fn open_incident(
        &self,
        who: &str,
        opening: Opening,
    ) -> Result<IncidentId, EngineError> {
        let title = line("title", &opening.title)?;
        let now = self.clock().now();
        let started_at = opening.started_at.unwrap_or(now);
        if started_at > now {
            let rule = "an incident cannot begin in the future";
            return Err(EngineError::refused_at("started_at", rule));
        }
        if started_at < EARLIEST {
            return Err(EngineError::refused_at("started_at", TOO_EARLY));
        }
        let sites = self.sites_in(&opening.scope);
        if sites.is_empty() {
            let rule = format!("there are no {} here", opening.scope);
            return Err(EngineError::refused_at("scope", rule));
        }
        let impact = opening
            .impact
            .unwrap_or_else(|| Impact::of_sites(sites.len(), self.fleet().len()));
        let (id, what) = (self.clock().id(), (title, opening.scope, impact));
        let incident = Incident {
            audience: opening.audience,
            ..Incident::open(id, what, started_at, now)
        };
        let mut timeline: Vec<_> = self.release_before(&incident).into_iter().collect();
        timeline.push(self.entry_now(who, Fact::Opened));
        timeline.extend(self.for_few(who, &incident));
        timeline.push(self.sites_counted(&incident));
        let added = IncidentAdditions {
            timeline,
            announced: vec![self.announce(id, None)],
            ..IncidentAdditions::default()
        };
        let audit = self.audit(who, "opened an incident", &id.to_string(), &incident.title);
        // An alarm of the same moment must find it.
        let _turn = self.incidents().proposing.lock().await;
        self.store().add_incident(&incident, &added, &audit).await?;
        self.look_again(id).await?;
        self.signal(Signal::OutboxChanged);
        self.learn(sites, Evidence::BelievedFailing);
        Ok(id)
    }
}
