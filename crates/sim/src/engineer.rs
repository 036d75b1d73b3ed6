//! The engineer on call: woken by a page, works with the API and nothing else.
//!
//! Decides from what Lamplighter says, never from what the simulator knows. Only how long a person
//! takes for each step comes from the scenario.

mod pager;

use std::time::Duration;

use clock::Clock;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::api::{Api, ApiFailure};
use crate::scenario::{EngineerPlan, WrittenPlan};
pub use pager::{Page, Pager};

/// How often a halted campaign is looked into and resumed before somebody else must look.
const RESUMES_MAX: u32 = 3;
/// How often sites that a campaign gave up are tried with another one.
const CAMPAIGNS_MAX: u32 = 3;

/// The engineer on call.
pub struct Engineer {
    /// The time.
    pub clock: Clock,
    /// What the engineer works with.
    pub api: Api,
    /// What somebody else on the team works with, who approves the report.
    pub colleague: Api,
    /// How long each step takes.
    pub plan: EngineerPlan,
    /// What the engineer writes into the report.
    pub written: WrittenPlan,
    /// Told of each step, for a progress display.
    pub told: tokio::sync::mpsc::UnboundedSender<Step>,
}

/// What the engineer did, and when.
#[derive(Clone, Debug)]
pub enum Step {
    /// Woken by this page.
    Paged {
        /// Its words.
        words: String,
    },
    /// The incident was accepted and is public.
    Accepted {
        /// The incident.
        incident: String,
    },
    /// A campaign was started.
    Started {
        /// The campaign.
        campaign: String,
    },
    /// A running campaign was looked at.
    Looked {
        /// The campaign as the API shows it.
        campaign: Value,
    },
    /// A halted campaign was resumed.
    Resumed {
        /// Why it had halted.
        reason: String,
    },
    /// The incident is Completed and its report is posted.
    Completed,
}

/// What came of an incident.
#[derive(Clone, Debug)]
pub struct Handled {
    /// The incident.
    pub incident: String,
    /// Its first campaign.
    pub campaign: String,
    /// When the first campaign was started.
    pub campaign_started_at: Timestamp,
    /// When the API said that the last campaign had finished.
    pub campaign_finished_at: Timestamp,
    /// The incident report as it was published, in Markdown.
    pub report: String,
}

impl Engineer {
    /// Waits for a page and sees its incident through.
    ///
    /// # Errors
    /// When the API refuses a step, or nobody pages.
    pub async fn handle(&self, pages: &mut UnboundedReceiver<Page>) -> Result<Handled, Stuck> {
        let page = pages.recv().await.ok_or(Stuck::NoPage)?;
        self.tell(Step::Paged {
            words: page.words.clone(),
        });
        let incident = page.incident.clone().ok_or(Stuck::NoPage)?;
        self.take(self.plan.acknowledge).await;
        self.api.post(&page.acknowledge_url, &json!({})).await?;
        self.take(self.plan.accept).await;
        self.api
            .post(&format!("/api/v1/incidents/{incident}/accept"), &json!({}))
            .await?;
        self.tell(Step::Accepted {
            incident: incident.clone(),
        });
        self.take(self.plan.diagnose).await;
        self.update(&incident, json!({"template": "Timeline Identified"}))
            .await?;
        let (campaign, started) = self.start(&incident).await?;
        let mut running = campaign.clone();
        for campaigns in 1.. {
            let done = self.watch(&running).await?;
            if count(&done, "failed") == 0 || campaigns == CAMPAIGNS_MAX {
                break;
            }
            match self.start(&incident).await {
                Ok((next, _)) => running = next,
                Err(Stuck::NoCampaign) => break,
                Err(other) => return Err(other),
            }
        }
        let finished = self.finished_at(&running).await?;
        self.update(&incident, json!({"template": "Fix Implemented"}))
            .await?;
        self.take(self.plan.watch).await;
        self.update(&incident, json!({"text": WELL, "state": "completed"}))
            .await?;
        let report = self.report(&incident).await?;
        self.tell(Step::Completed);
        Ok(Handled {
            incident,
            campaign,
            campaign_started_at: started,
            campaign_finished_at: finished,
            report,
        })
    }

    /// Writes what the drafted report leaves to a person, has it approved, and publishes it.
    async fn report(&self, incident: &str) -> Result<String, Stuck> {
        let base = format!("/api/v1/incidents/{incident}/report");
        let draft = self.api.get_text(&format!("{base}.md")).await?;
        let report = self.written.fill(&draft);
        let versions = format!("{base}/versions");
        let saved = self.api.post(&versions, &json!({"text": report})).await?;
        let version = format!("{versions}/{}", saved["number"]);
        let nothing = json!({});
        self.colleague
            .post(&format!("{version}/approve"), &nothing)
            .await?;
        self.api
            .post(&format!("{version}/publish"), &nothing)
            .await?;
        Ok(report)
    }

    /// Starts the campaign that Lamplighter proposes.
    async fn start(&self, incident: &str) -> Result<(String, Timestamp), Stuck> {
        let path = format!("/api/v1/incidents/{incident}/proposed-campaign");
        let proposed = match self.api.get(&path).await {
            Err(e) if e.status() == Some(404) => return Err(Stuck::NoCampaign),
            other => other?,
        };
        let made = self
            .api
            .post("/api/v1/campaigns", &proposed["order"])
            .await?;
        let campaign = made["id"].as_str().ok_or(Stuck::NoCampaign)?.to_owned();
        self.api
            .post(&format!("/api/v1/campaigns/{campaign}/start"), &json!({}))
            .await?;
        self.tell(Step::Started {
            campaign: campaign.clone(),
        });
        Ok((campaign, self.clock.now()))
    }

    /// Watches a campaign to its end; a halt is looked into, and resumed.
    async fn watch(&self, campaign: &str) -> Result<Value, Stuck> {
        let mut resumes = 0;
        loop {
            self.take(self.plan.look).await;
            let seen = self
                .api
                .get(&format!("/api/v1/campaigns/{campaign}"))
                .await?;
            self.tell(Step::Looked {
                campaign: seen.clone(),
            });
            match state(&seen) {
                "finished" => return Ok(seen),
                "halted" if resumes < RESUMES_MAX => {
                    resumes += 1;
                    let reason = seen["halted"]["reason"]
                        .as_str()
                        .unwrap_or("no reason given");
                    self.tell(Step::Resumed {
                        reason: reason.to_owned(),
                    });
                    self.take(self.plan.accept).await;
                    self.api
                        .post(&format!("/api/v1/campaigns/{campaign}/resume"), &json!({}))
                        .await?;
                }
                "planned" | "running" => {}
                other => {
                    return Err(Stuck::Campaign {
                        state: other.to_owned(),
                    });
                }
            }
        }
    }

    async fn finished_at(&self, campaign: &str) -> Result<Timestamp, Stuck> {
        let seen = self
            .api
            .get(&format!("/api/v1/campaigns/{campaign}"))
            .await?;
        let at = seen["finished_at"].as_str().and_then(|at| at.parse().ok());
        Ok(at.unwrap_or_else(|| self.clock.now()))
    }

    async fn update(&self, incident: &str, update: Value) -> Result<(), ApiFailure> {
        self.api
            .post(&format!("/api/v1/incidents/{incident}/updates"), &update)
            .await
            .map(|_| ())
    }

    /// Lets the time pass that a person needs.
    async fn take(&self, seconds: f64) {
        self.clock.sleep(Duration::from_secs_f64(seconds)).await;
    }

    fn tell(&self, step: Step) {
        // Nobody has to listen.
        let _ = self.told.send(step);
    }
}

const WELL: &str = "We have watched sign-in since the fix: it works on every site.";

/// The word for a campaign's state.
#[must_use]
pub fn state(campaign: &Value) -> &str {
    let state = &campaign["state"];
    state
        .as_str()
        .or_else(|| state["state"].as_str())
        .unwrap_or("unknown")
}

/// How many sites of a campaign are in a state.
#[must_use]
pub fn count(campaign: &Value, state: &str) -> u64 {
    campaign["counts"][state].as_u64().unwrap_or(0)
}

/// Why the engineer could not go on.
#[derive(Debug, thiserror::Error)]
pub enum Stuck {
    /// The API refused, or nobody answered.
    #[error("the engineer could not go on: {0}")]
    Api(#[from] ApiFailure),
    /// Nobody paged about an incident.
    #[error("nobody was paged about an incident")]
    NoPage,
    /// No campaign was proposed.
    #[error("no campaign is proposed for the incident")]
    NoCampaign,
    /// The campaign is in a state that is not the engineer's doing.
    #[error("the campaign is {state}")]
    Campaign {
        /// The state.
        state: String,
    },
}
