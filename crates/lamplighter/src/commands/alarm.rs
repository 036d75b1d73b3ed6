//! `lamplighter alarm`: what detection said.

use jiff::Timestamp;

use crate::client::Server;
use crate::input::Limit;
use crate::output::{Failure, Options, lines, text};

/// List alarms.
#[derive(clap::Subcommand)]
pub(crate) enum Alarm {
    /// List alarms, newest first.
    List {
        /// Only those raised at this moment or later, such as 2023-07-11T21:00:00Z.
        #[arg(long)]
        since: Option<Timestamp>,
        #[command(flatten)]
        limit: Limit,
        #[command(flatten)]
        server: Server,
    },
}

impl Alarm {
    pub(crate) async fn run(self, output: Options) -> Result<(), Failure> {
        let Self::List {
            since,
            limit,
            server,
        } = self;
        let since = since.map_or_else(String::new, |since| format!("&since={since}"));
        let path = format!("/api/v1/alarms?limit={}{since}", limit.limit);
        let page = server.client()?.get(&path).await?;
        output.print(&page, |page| {
            lines(&page["alarms"], "No alarms.", |alarm| {
                format!("{}  {}", text(&alarm["at"]), text(&alarm["sentence"]))
            })
        });
        Ok(())
    }
}
