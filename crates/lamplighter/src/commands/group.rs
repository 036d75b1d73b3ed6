//! `lamplighter group`: named groups of sites, which layers of config can be for.

use domain::name::{GroupName, Hostname};
use serde_json::json;

use crate::client::Server;
use crate::output::{Failure, Options, lines, text};

/// Name groups of sites, which layers of config can be for.
#[derive(clap::Subcommand)]
pub(crate) enum Group {
    /// List the groups, with how many sites each has.
    List {
        #[command(flatten)]
        server: Server,
    },
    /// List the sites of a group.
    Sites {
        /// The group.
        name: GroupName,
        #[command(flatten)]
        server: Server,
    },
    /// Say which sites are in a group, instead of those there were.
    SetSites {
        /// The group.
        name: GroupName,
        /// Host names; without one the group is no more.
        sites: Vec<Hostname>,
        #[command(flatten)]
        server: Server,
    },
}

impl Group {
    pub(crate) async fn run(self, output: Options) -> Result<(), Failure> {
        match self {
            Self::List { server } => {
                let list = server.client()?.get("/api/v1/groups").await?;
                output.print(&list, |list| {
                    lines(&list["groups"], "There is no group.", |one| {
                        format!("{}  {} sites", text(&one["name"]), one["sites"])
                    })
                });
            }
            Self::Sites { name, server } => {
                let path = format!("/api/v1/groups/{name}");
                let list = server.client()?.get(&path).await?;
                output.print(&list, |list| {
                    lines(&list["sites"], "It has no sites.", |one| {
                        text(one).to_owned()
                    })
                });
            }
            Self::SetSites {
                name,
                sites,
                server,
            } => {
                let path = format!("/api/v1/groups/{name}");
                let body = json!({ "sites": sites });
                let list = server.client()?.put(&path, &body).await?;
                output.print(&list, |list| {
                    lines(&list["sites"], "The group is no more.", |one| {
                        text(one).to_owned()
                    })
                });
            }
        }
        Ok(())
    }
}
