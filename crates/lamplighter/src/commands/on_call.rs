//! `lamplighter on-call`: who is paged, in order.

use std::path::PathBuf;

use serde_json::Value;

use crate::client::Server;
use crate::input::read_json;
use crate::output::{Failure, Options, lines, text};

/// Say who is paged.
#[derive(clap::Subcommand)]
pub(crate) enum OnCall {
    /// Show who is paged, in order.
    Show {
        #[command(flatten)]
        server: Server,
    },
    /// Replace the list of those who are paged.
    Set {
        /// JSON: {"steps": [{"url", "secret", "after_seconds"}]}; - reads standard input.
        file: PathBuf,
        #[command(flatten)]
        server: Server,
    },
}

impl OnCall {
    pub(crate) async fn run(self, output: Options) -> Result<(), Failure> {
        match self {
            Self::Show { server } => {
                let on_call = server.client()?.get("/api/v1/on-call").await?;
                output.print(&on_call, |on_call| {
                    lines(&on_call["steps"], "Nobody is on call.", step)
                });
            }
            Self::Set { file, server } => {
                let steps: Value = read_json(&file)?;
                let done = server.client()?.put("/api/v1/on-call", &steps).await?;
                let count = steps["steps"].as_array().map_or(0, Vec::len);
                output.print(&done, |_| format!("{count} steps are on call."));
            }
        }
        Ok(())
    }
}

fn step(step: &Value) -> String {
    let (url, after) = (text(&step["url"]), &step["after_seconds"]);
    let signed = if step["signed"] == true {
        "signed"
    } else {
        "unsigned"
    };
    format!("after {after:>6} s  {url}  {signed}")
}
