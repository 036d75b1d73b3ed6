//! `lamplighter audit`: who changed what, when.

use domain::id::AuditId;
use serde_json::Value;

use crate::client::Server;
use crate::input::Limit;
use crate::output::{Failure, Options, lines, text};

/// List who changed what, when.
#[derive(clap::Subcommand)]
pub(crate) enum Audit {
    /// List entries, newest first.
    List {
        /// Only those older than this entry: the identifier of the last one (`--json`) shows the next
        /// page.
        #[arg(long, value_name = "ID")]
        before: Option<AuditId>,
        #[command(flatten)]
        limit: Limit,
        #[command(flatten)]
        server: Server,
    },
}

impl Audit {
    pub(crate) async fn run(self, output: Options) -> Result<(), Failure> {
        let Self::List {
            before,
            limit,
            server,
        } = self;
        let before = before.map_or_else(String::new, |before| format!("&before={before}"));
        let path = format!("/api/v1/audit?limit={}{before}", limit.limit);
        let entries = server.client()?.get(&path).await?;
        output.print(&entries, |entries| lines(entries, "No entries.", line));
        Ok(())
    }
}

fn line(entry: &Value) -> String {
    let [at, who, act, what, detail] =
        ["at", "who", "act", "what", "detail"].map(|part| text(&entry[part]));
    let detail = if detail.is_empty() {
        String::new()
    } else {
        format!(" ({detail})")
    };
    format!("{at}  {who} {act}: {what}{detail}")
}
