//! Commands to campaigns, and what the timeline of an incident says of them. Never acts on a site.

use domain::campaign::{Campaign, Command, State};
use domain::id::CampaignId;
use domain::incident::timeline::Fact;

use super::CampaignView;
use crate::{Engine, EngineError};

impl Engine {
    /// Starts, pauses, resumes or aborts a campaign. A resume after a halt accepts the failures so
    /// far: they are not judged again.
    ///
    /// # Errors
    /// When the campaign's state does not allow it, or the store fails.
    pub async fn command_campaign(
        &self,
        id: CampaignId,
        command: Command,
        who: &str,
    ) -> Result<CampaignView, EngineError> {
        let campaign = self.campaign(id).await?;
        let next = campaign
            .state
            .after(command, self.clock().now())
            .map_err(EngineError::conflict)?;
        if command == Command::Start {
            // Its release may have been retired since it was planned.
            self.check_exists(&campaign.order).await?;
        }
        let accepted = match campaign.state {
            State::Halted { .. } if command == Command::Resume => {
                let counts = self.store().campaign_counts(id).await?;
                Some(crate::roll_out::tally(&counts, campaign.wave))
            }
            _ => None,
        };
        let act = format!("commanded a campaign: {}", command.as_str());
        let audit = self.audit(who, &act, &id.to_string(), "");
        self.store()
            .move_campaign(id, &campaign.state, &next, accepted, &audit)
            .await?;
        let fact = self.fact(&campaign, command, who).await?;
        self.campaign_changed(&campaign, command.past(), fact).await;
        Ok(CampaignView::new(&self.campaign(id).await?))
    }

    /// What an incident's timeline says of a command.
    async fn fact(
        &self,
        campaign: &Campaign,
        command: Command,
        who: &str,
    ) -> Result<Fact, EngineError> {
        let (id, action) = (campaign.id, campaign.order.action.name());
        Ok(match command {
            Command::Start => {
                let rows = self.store().campaign_counts(id).await?;
                let sites = rows.iter().map(|row| row.rows).sum();
                Fact::CampaignStarted {
                    campaign: id,
                    action,
                    sites,
                }
            }
            Command::Pause => Fact::CampaignPaused {
                campaign: id,
                reason: self.words().paused_by(who),
            },
            Command::Resume => Fact::CampaignResumed { campaign: id },
            Command::Abort => Fact::Noted {
                words: self.words().aborted_by(who, &action),
            },
        })
    }
}
