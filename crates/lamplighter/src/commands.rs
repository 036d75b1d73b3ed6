//! The commands, one file each.

pub(crate) mod drill;
pub(crate) mod fleet;
pub(crate) mod incident;
pub(crate) mod serve;

use clap::Subcommand;

use crate::output::{Failure, Options};

/// What to do.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run the control plane: API, console, public pages, sign-in, workers.
    Serve(serve::Serve),
    /// Import and list the fleet.
    #[command(subcommand)]
    Fleet(fleet::Fleet),
    /// See incidents, and tell customers of them.
    #[command(subcommand)]
    Incident(incident::Incident),
    /// Re-enact an incident on a real server, real agents and real sign-ins.
    Drill(Box<drill::DrillCommand>),
}

impl Command {
    pub(crate) async fn run(self, output: Options) -> Result<(), Failure> {
        match self {
            Self::Serve(serve) => serve.run().await,
            Self::Fleet(fleet) => fleet.run(output).await,
            Self::Incident(incident) => incident.run(output).await,
            Self::Drill(drill) => drill.run(output).await,
        }
    }
}
