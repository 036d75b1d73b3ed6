//! `lamplighter agent list`: which hosts have agents, and when each was heard.

use serde_json::Value;

use crate::client::Server;
use crate::input::Limit;
use crate::output::{Failure, Options, lines, text};

#[derive(clap::Args)]
pub(crate) struct List {
    /// Goes on after this one: where the page before ended.
    #[arg(long)]
    after: Option<uuid::Uuid>,
    #[command(flatten)]
    limit: Limit,
    #[command(flatten)]
    server: Server,
}

impl List {
    pub(super) async fn run(self, output: Options) -> Result<(), Failure> {
        let after = self.after.map(|after| format!("&after={after}"));
        let (limit, after) = (self.limit.limit, after.unwrap_or_default());
        let path = format!("/api/v1/agents?limit={limit}{after}");
        let page = self.server.client()?.get(&path).await?;
        output.print(&page, listed);
        Ok(())
    }
}

fn listed(page: &Value) -> String {
    let agents = lines(&page["agents"], "No agents.", |one| {
        let [id, host] = ["id", "host"].map(|part| text(&one[part]));
        let [sites, held, refused] = ["sites", "held", "refused"].map(|part| &one[part]);
        let heard = match one["heard_at"].as_str() {
            Some(at) => format!("heard {at}"),
            None => "not heard since the server started".into(),
        };
        format!("{id}  {host}  {sites} sites  holds {held}, refuses {refused}  {heard}")
    });
    match page["after"].as_str() {
        Some(after) => format!("{agents}\nMore: --after {after}"),
        None => agents,
    }
}
