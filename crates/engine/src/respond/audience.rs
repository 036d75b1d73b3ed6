//! Who may read an incident: said when it is told, changed later, asked by every page that shows one.

use domain::id::OrganizationId;
use domain::incident::Audience;

use super::*;

impl Engine {
    /// Says who may read an incident from now on. For a wider audience it is announced, as if it were
    /// told now; those who heard of it already are not told again.
    ///
    /// # Errors
    /// When there is no such incident, it is a proposal or was dismissed, or the store fails.
    pub async fn set_audience(
        &self,
        id: IncidentId,
        who: &str,
        audience: Audience,
    ) -> Result<(), EngineError> {
        let before = self.stored_incident(id).await?;
        if !before.is_told() {
            let reason =
                "nobody outside the team reads it yet: accept it for the audience you want";
            return Err(EngineError::conflict(reason));
        }
        if before.audience == audience {
            return Ok(());
        }
        let incident = before.for_audience(audience);
        let is_news = audience == Audience::Everybody && incident.is_open();
        // Without a post, planned work would be recalled instead of told.
        let newest = match incident.maintenance {
            Some(_) => self.store().updates(id).await?.first().map(|post| post.id),
            None => None,
        };
        let announced = Announcement {
            only_new: true,
            ..self.announce(id, newest)
        };
        let added = IncidentAdditions {
            timeline: vec![self.entry_now(who, Fact::AudienceSet { audience })],
            announced: is_news.then_some(announced).into_iter().collect(),
            ..IncidentAdditions::default()
        };
        let act = "set an incident's audience";
        let audit = self.audit(who, act, &id.to_string(), audience.as_str());
        self.save(&incident, &added, &audit).await
    }

    /// What the timeline keeps of an incident that not everybody may read.
    pub(super) fn for_few(&self, who: &str, incident: &Incident) -> Option<TimelineEntry> {
        let audience = incident.audience;
        let is_for_few = audience != Audience::Everybody;
        is_for_few.then(|| self.entry_now(who, Fact::AudienceSet { audience }))
    }

    /// Whether a member of these organizations may read an incident; nobody's for who is not signed in.
    #[must_use]
    pub fn may_read(&self, incident: &Incident, organizations: &[OrganizationId]) -> bool {
        match incident.audience {
            Audience::Everybody => incident.is_told(),
            Audience::Affected => {
                incident.is_told() && self.is_about_one_of(&incident.scope, organizations)
            }
        }
    }

    fn is_about_one_of(&self, scope: &Scope, organizations: &[OrganizationId]) -> bool {
        let fleet = self.fleet();
        let mut own = fleet.sites().map(|(_, site)| site);
        !organizations.is_empty()
            && own.any(|site| organizations.contains(&site.organization) && scope.holds(&site))
    }
}
