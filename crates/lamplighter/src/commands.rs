//! The commands, one file each.

pub(crate) mod agent;
pub(crate) mod break_glass;
pub(crate) mod campaign;
pub(crate) mod config;
pub(crate) mod drill;
pub(crate) mod fleet;
pub(crate) mod incident;
pub(crate) mod release;
pub(crate) mod report;
pub(crate) mod serve;
pub(crate) mod token;

use clap::Subcommand;

use crate::output::{Failure, Options};

/// What to do.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run the control plane: API, console, public pages, sign-in, workers.
    Serve(serve::Serve),
    /// Keep verified config beside the sites of this host.
    #[command(subcommand)]
    Agent(agent::AgentCommand),
    /// Publish and read documents.
    #[command(subcommand)]
    Config(config::Config),
    /// Stage releases, and activate them where config waits for them.
    #[command(subcommand)]
    Release(release::Release),
    /// Import and list the fleet.
    #[command(subcommand)]
    Fleet(fleet::Fleet),
    /// Plan, create, start, stop and watch campaigns.
    #[command(subcommand)]
    Campaign(campaign::Campaign),
    /// See incidents, and tell customers of them.
    #[command(subcommand)]
    Incident(incident::Incident),
    /// Re-enact an incident on a real server, real agents and real sign-ins.
    Drill(Box<drill::DrillCommand>),
    /// Take and list customers' reports.
    #[command(subcommand)]
    Report(report::Report),
    /// Make the break-glass token anew.
    #[command(subcommand)]
    Token(token::Token),
}

impl Command {
    pub(crate) async fn run(self, output: Options) -> Result<(), Failure> {
        match self {
            Self::Serve(serve) => serve.run().await,
            Self::Agent(agent) => agent.run(output).await,
            Self::Config(config) => config.run(output).await,
            Self::Release(release) => release.run(output).await,
            Self::Fleet(fleet) => fleet.run(output).await,
            Self::Campaign(campaign) => campaign.run(output).await,
            Self::Incident(incident) => incident.run(output).await,
            Self::Drill(drill) => drill.run(output).await,
            Self::Report(report) => report.run(output).await,
            Self::Token(token) => token.run(output).await,
        }
    }
}
