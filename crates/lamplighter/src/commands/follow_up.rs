//! `lamplighter follow-up`: what will be done after incidents.

use serde_json::{Value, json};

use crate::client::Server;
use crate::input::Limit;
use crate::output::{Failure, Options, lines, text};

/// Keep what will be done after incidents.
#[derive(clap::Subcommand)]
pub(crate) enum FollowUp {
    /// List what is still to be done, the soonest first.
    List {
        #[command(flatten)]
        limit: Limit,
        #[command(flatten)]
        server: Server,
    },
    /// Add a follow-up to an incident.
    Add {
        /// The incident.
        incident: uuid::Uuid,
        /// What will be done, on one line; customers read it.
        text: String,
        /// Who sees to it.
        #[arg(long)]
        owner: String,
        /// The day by whose end it is done, such as 2023-08-01.
        #[arg(long)]
        due: jiff::civil::Date,
        #[command(flatten)]
        server: Server,
    },
    /// Say that a follow-up is done.
    Done {
        /// The follow-up.
        id: uuid::Uuid,
        #[command(flatten)]
        server: Server,
    },
    /// Say that a follow-up will not be done.
    Drop {
        /// The follow-up.
        id: uuid::Uuid,
        /// Why.
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        server: Server,
    },
}

impl FollowUp {
    pub(crate) async fn run(self, output: Options) -> Result<(), Failure> {
        match self {
            Self::List { limit, server } => {
                let path = format!("/api/v1/follow-ups?limit={}", limit.limit);
                let list = server.client()?.get(&path).await?;
                output.print(&list, |list| {
                    lines(&list["follow_ups"], "Nothing is to be done.", line)
                });
            }
            Self::Add {
                incident,
                text,
                owner,
                due,
                server,
            } => {
                let path = format!("/api/v1/incidents/{incident}/follow-ups");
                let body = json!({"text": text, "owner": owner, "due": due});
                let added = server.client()?.post(&path, &body).await?;
                output.print(&added, |one| format!("Added: {}", line(one)));
            }
            Self::Done { id, server } => {
                let path = format!("/api/v1/follow-ups/{id}/done");
                let ended = server.client()?.post(&path, &json!({})).await?;
                output.print(&ended, |one| format!("Done: {}", line(one)));
            }
            Self::Drop { id, reason, server } => {
                let path = format!("/api/v1/follow-ups/{id}/drop");
                let body = json!({ "reason": reason });
                let ended = server.client()?.post(&path, &body).await?;
                output.print(&ended, |one| format!("Dropped: {}", line(one)));
            }
        }
        Ok(())
    }
}

fn line(one: &Value) -> String {
    let [id, due, owner, words] = ["id", "due", "owner", "text"].map(|part| text(&one[part]));
    let late = if one["overdue"] == true {
        ", overdue"
    } else {
        ""
    };
    format!("{id}  by {due}{late}  {owner}: {words}")
}
