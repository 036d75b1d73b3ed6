//! `lamplighter drill-result`: what drills showed, as the team records it.

use std::path::PathBuf;

use domain::drill::DrillResult;
use domain::id::DrillId;
use serde_json::Value;

use crate::client::Server;
use crate::drill;
use crate::input::{self, Limit};
use crate::output::{Failure, Options, lines, text};

pub(crate) const PATH: &str = "/api/v1/drills";

/// Record and read what drills showed.
#[derive(clap::Subcommand)]
pub(crate) enum DrillResults {
    /// List drills, those that began last first.
    List {
        /// Only those before this drill: the identifier of the last one shows the next page.
        #[arg(long, value_name = "ID")]
        before: Option<DrillId>,
        #[command(flatten)]
        limit: Limit,
        #[command(flatten)]
        server: Server,
    },
    /// Show a drill's table.
    Show {
        /// The drill.
        id: DrillId,
        #[command(flatten)]
        server: Server,
    },
    /// Record what `drill --json FILE` wrote. The same result again is kept once.
    Record {
        /// The file, or - for standard input.
        file: PathBuf,
        #[command(flatten)]
        server: Server,
    },
}

impl DrillResults {
    pub(crate) async fn run(self, output: Options) -> Result<(), Failure> {
        match self {
            Self::List {
                before,
                limit,
                server,
            } => {
                let before = before.map_or_else(String::new, |before| format!("&before={before}"));
                let path = format!("{PATH}?limit={}{before}", limit.limit);
                let page = server.client()?.get(&path).await?;
                output.print(&page, |page| {
                    lines(&page["drills"], "No drill was recorded yet.", line)
                });
            }
            Self::Show { id, server } => {
                let drill = server.client()?.get(&format!("{PATH}/{id}")).await?;
                let result: DrillResult = serde_json::from_value(drill.clone())?;
                output.print(&drill, |_| drill::table(&result));
            }
            Self::Record { file, server } => {
                let result: Value = input::read_json(&file)?;
                let kept = server.client()?.post(PATH, &result).await?;
                output.print(&kept, |kept| format!("Recorded: {}", line(kept)));
            }
        }
        Ok(())
    }
}

pub(crate) fn line(drill: &Value) -> String {
    format!(
        "{}  {}  {}  {} sites, seed {}, version {}: {} of {} held",
        text(&drill["id"]),
        text(&drill["began_at"]),
        text(&drill["scenario"]),
        drill["sites"],
        drill["seed"],
        text(&drill["version"]),
        drill["tally"]["held"],
        drill["tally"]["must_hold"]
    )
}
