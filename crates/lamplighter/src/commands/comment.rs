//! `lamplighter comment`: what customers write under incidents, and what staff decide about it.

use serde_json::{Value, json};

use crate::client::Server;
use crate::input::Limit;
use crate::output::{Failure, Options, lines, text};

/// List and judge what customers write under incidents.
#[derive(clap::Subcommand)]
pub(crate) enum Comment {
    /// List comments, the newest first: those that wait for staff, unless asked otherwise.
    List {
        /// shown, held or hidden.
        #[arg(long, default_value = "held")]
        standing: String,
        #[command(flatten)]
        limit: Limit,
        #[command(flatten)]
        server: Server,
    },
    /// Show, hold or hide a comment.
    Judge {
        /// The comment.
        id: uuid::Uuid,
        /// shown, held or hidden.
        standing: String,
        /// Why; for staff.
        #[arg(long, default_value = "")]
        reason: String,
        #[command(flatten)]
        server: Server,
    },
    /// Let the author of a comment write no more, and hide what they wrote.
    Ban {
        /// The comment.
        id: uuid::Uuid,
        /// Why; the author reads it.
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        server: Server,
    },
    /// Let the author of a comment write again.
    Unban {
        /// The comment.
        id: uuid::Uuid,
        #[command(flatten)]
        server: Server,
    },
}

impl Comment {
    pub(crate) async fn run(self, output: Options) -> Result<(), Failure> {
        let (server, path, body) = match self {
            Self::List {
                standing,
                limit,
                server,
            } => {
                let limit = limit.limit;
                let path = format!("/api/v1/comments?standing={standing}&limit={limit}");
                let list = server.client()?.get(&path).await?;
                output.print(&list, |list| {
                    lines(&list["comments"], "There are no such comments.", line)
                });
                return Ok(());
            }
            Self::Judge {
                id,
                standing,
                reason,
                server,
            } => {
                let body = json!({"standing": standing, "reason": reason});
                (server, format!("{id}/judge"), body)
            }
            Self::Ban { id, reason, server } => {
                (server, format!("{id}/ban"), json!({ "reason": reason }))
            }
            Self::Unban { id, server } => (server, format!("{id}/unban"), json!({})),
        };
        let path = format!("/api/v1/comments/{path}");
        let judged = server.client()?.post(&path, &body).await?;
        output.print(&judged, line);
        Ok(())
    }
}

fn line(one: &Value) -> String {
    let banned = if one["banned"] == true {
        ", banned"
    } else {
        ""
    };
    format!(
        "{}  {}, {} votes, {} reports: {} ({}{banned}): {}",
        text(&one["id"]),
        text(&one["standing"]),
        one["votes"],
        one["reports"],
        text(&one["name"]),
        text(&one["email"]),
        text(&one["text"]).replace('\n', " "),
    )
}
