//! `lamplighter token`: who may do what through the API and the console.

use crate::commands::break_glass::BreakGlass;
use crate::output::{Failure, Options};

/// Make the break-glass token anew.
#[derive(clap::Subcommand)]
pub(crate) enum Token {
    /// Make a new break-glass token, on the server's machine.
    BreakGlass(BreakGlass),
}

impl Token {
    pub(crate) async fn run(self, output: Options) -> Result<(), Failure> {
        match self {
            Self::BreakGlass(break_glass) => break_glass.run(output).await,
        }
    }
}
