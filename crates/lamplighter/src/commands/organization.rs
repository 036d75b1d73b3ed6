//! `lamplighter organization`: the customers, and who belongs to each.

use serde_json::json;
use url::form_urlencoded::byte_serialize;

use crate::client::Server;
use crate::output::{Failure, Options, lines, text};

/// Find organizations, and say who belongs to one.
#[derive(clap::Subcommand)]
pub(crate) enum Organization {
    /// List organizations, by name.
    List {
        /// Only those with these words in their name.
        #[arg(long, default_value = "")]
        name: String,
        /// How many to leave out: those before.
        #[arg(long, default_value_t = 0)]
        skip: u32,
        #[command(flatten)]
        server: Server,
    },
    /// List who belongs to an organization.
    Members {
        /// The organization, as `organization list` names it.
        id: uuid::Uuid,
        #[command(flatten)]
        server: Server,
    },
    /// Say who belongs to an organization, instead of those there were.
    SetMembers {
        /// The organization.
        id: uuid::Uuid,
        /// Addresses such as clerk@anytown.gov, or mail domains such as @anytown.gov; nobody without one.
        members: Vec<String>,
        #[command(flatten)]
        server: Server,
    },
}

impl Organization {
    pub(crate) async fn run(self, output: Options) -> Result<(), Failure> {
        match self {
            Self::List { name, skip, server } => {
                let name: String = byte_serialize(name.as_bytes()).collect();
                let path = format!("/api/v1/organizations?name={name}&skip={skip}");
                let list = server.client()?.get(&path).await?;
                output.print(&list, |list| {
                    lines(&list["organizations"], "No organization matches.", |one| {
                        format!("{}  {}", text(&one["id"]), text(&one["name"]))
                    })
                });
            }
            Self::Members { id, server } => {
                let path = format!("/api/v1/organizations/{id}/members");
                let list = server.client()?.get(&path).await?;
                output.print(&list, |list| {
                    lines(&list["members"], "It has no members.", |one| {
                        text(one).to_owned()
                    })
                });
            }
            Self::SetMembers {
                id,
                members,
                server,
            } => {
                let path = format!("/api/v1/organizations/{id}/members");
                let body = json!({ "members": members });
                let list = server.client()?.put(&path, &body).await?;
                output.print(&list, |list| {
                    lines(&list["members"], "Nobody belongs to it now.", |one| {
                        text(one).to_owned()
                    })
                });
            }
        }
        Ok(())
    }
}
