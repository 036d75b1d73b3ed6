//! `lamplighter incident-report`: the report on an incident, as people write, approve and publish it.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::client::Server;
use crate::output::{Failure, Options, lines, text};

/// Save, approve and publish the report on an incident. `incident report` drafts it.
#[derive(clap::Subcommand)]
pub(crate) enum IncidentReport {
    /// List the versions of a report, the newest first.
    Versions {
        /// The incident.
        id: uuid::Uuid,
        #[command(flatten)]
        server: Server,
    },
    /// Save a version of a report.
    Save {
        /// The incident.
        id: uuid::Uuid,
        /// The report: Markdown.
        file: PathBuf,
        /// The version that it was written on; 0 for the draft.
        #[arg(long, default_value_t = 0)]
        base: u32,
        #[command(flatten)]
        server: Server,
    },
    /// Approve a version that somebody else wrote.
    Approve {
        /// The incident.
        id: uuid::Uuid,
        /// The version.
        number: u32,
        #[command(flatten)]
        server: Server,
    },
    /// Publish an approved version as the official comment.
    Publish {
        /// The incident.
        id: uuid::Uuid,
        /// The version.
        number: u32,
        #[command(flatten)]
        server: Server,
    },
}

impl IncidentReport {
    pub(crate) async fn run(self, output: Options) -> Result<(), Failure> {
        match self {
            Self::Versions { id, server } => {
                let path = versions(id);
                let list = server.client()?.get(&path).await?;
                output.print(&list, |list| {
                    lines(&list["versions"], "Nothing is written yet.", line)
                });
            }
            Self::Save {
                id,
                file,
                base,
                server,
            } => {
                let report = std::fs::read_to_string(&file)
                    .map_err(|e| Failure::new(format!("cannot read {}: {e}", file.display())))?;
                let body = json!({"text": report, "base": base});
                let saved = server.client()?.post(&versions(id), &body).await?;
                output.print(&saved, |one| format!("Saved: {}", line(one)));
            }
            Self::Approve { id, number, server } => {
                let path = format!("{}/{number}/approve", versions(id));
                let approved = server.client()?.post(&path, &json!({})).await?;
                output.print(&approved, |one| format!("Approved: {}", line(one)));
            }
            Self::Publish { id, number, server } => {
                let path = format!("{}/{number}/publish", versions(id));
                let posted = server.client()?.post(&path, &json!({})).await?;
                output.print(&posted, |posted| {
                    format!("Published:\n{}", text(&posted["update"]["body"]))
                });
            }
        }
        Ok(())
    }
}

fn versions(id: uuid::Uuid) -> String {
    format!("/api/v1/incidents/{id}/report/versions")
}

fn line(version: &Value) -> String {
    let approved = match version["approved"]["by"].as_str() {
        Some(by) => format!("approved by {by}"),
        None => "not approved".into(),
    };
    let published = match version["published"].is_null() {
        true => "",
        false => ", published",
    };
    format!(
        "version {}, {} {}, {approved}{published}",
        version["number"],
        text(&version["at"]),
        text(&version["by"])
    )
}
