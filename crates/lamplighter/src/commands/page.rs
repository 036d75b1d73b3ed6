//! `lamplighter page`: calls to the people on duty.

use serde_json::{Value, json};

use crate::client::Server;
use crate::input::Limit;
use crate::output::{Failure, Options, lines, text};

/// List and acknowledge calls to the people on duty.
#[derive(clap::Subcommand)]
pub(crate) enum Page {
    /// List pages, newest first.
    List {
        #[command(flatten)]
        limit: Limit,
        #[command(flatten)]
        server: Server,
    },
    /// Acknowledge a page: steps that were not reached yet stay quiet.
    Acknowledge {
        /// The page.
        id: uuid::Uuid,
        #[command(flatten)]
        server: Server,
    },
}

impl Page {
    pub(crate) async fn run(self, output: Options) -> Result<(), Failure> {
        match self {
            Self::List { limit, server } => {
                let path = format!("/api/v1/pages?limit={}", limit.limit);
                let pages = server.client()?.get(&path).await?;
                output.print(&pages, |pages| lines(pages, "No pages.", line));
            }
            Self::Acknowledge { id, server } => {
                let path = format!("/api/v1/pages/{id}/acknowledge");
                let page = server.client()?.post(&path, &json!({})).await?;
                output.print(&page, line);
            }
        }
        Ok(())
    }
}

fn line(page: &Value) -> String {
    let [id, made_at, words] = ["id", "made_at", "words"].map(|part| text(&page[part]));
    let answered = match page["acknowledged"].as_array().map(Vec::as_slice) {
        Some([at, who]) => format!("acknowledged by {} at {}", text(who), text(at)),
        _ => "open".into(),
    };
    format!("{id}  {made_at}  {words}  ({answered})")
}
