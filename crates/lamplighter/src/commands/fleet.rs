//! `lamplighter fleet`: import and list sites.

use std::path::PathBuf;

use crate::client::Server;
use crate::output::{Failure, Options};

/// Import and list the fleet.
#[derive(clap::Subcommand)]
pub(crate) enum Fleet {
    /// Import sites from a CSV file: all of it or nothing.
    Import {
        /// Columns: hostname,organization,kind,city,state,timezone,population[,product,release].
        file: PathBuf,
        /// The product of lines that name none.
        #[arg(long, default_value = "web-central")]
        product: String,
        /// The running release of lines that name none.
        #[arg(long, default_value = "1.0.0")]
        release: String,
        #[command(flatten)]
        server: Server,
    },
    /// List sites.
    List {
        /// At most this many.
        #[arg(long, default_value_t = 100)]
        limit: u32,
        #[command(flatten)]
        server: Server,
    },
}

impl Fleet {
    pub(crate) async fn run(self, output: Options) -> Result<(), Failure> {
        match self {
            Self::Import {
                file,
                product,
                release,
                server,
            } => {
                let csv = std::fs::read(&file)
                    .map_err(|e| Failure::new(format!("could not read {}: {e}", file.display())))?;
                let path = format!("/api/v1/fleet/import?product={product}&release={release}");
                let imported = server.client()?.post_bytes(&path, csv).await?;
                output.print(&imported, |imported| {
                    let (sites, organizations) = (&imported["sites"], &imported["organizations"]);
                    format!("Imported {sites} sites of {organizations} organizations.")
                });
            }
            Self::List { limit, server } => {
                let page = server
                    .client()?
                    .get(&format!("/api/v1/sites?limit={limit}"))
                    .await?;
                output.print(&page, |page| {
                    let sites = page["sites"].as_array().into_iter().flatten();
                    let text = |value: &serde_json::Value| value.as_str().unwrap_or("").to_owned();
                    let lines = sites.map(|site| {
                        let (zone, state) = (text(&site["zone"]), text(&site["state"]));
                        format!(
                            "{:<40} {:<24} {:<10} {}\n",
                            text(&site["hostname"]),
                            zone,
                            state,
                            text(&site["running"])
                        )
                    });
                    format!(
                        "{}{} sites in all",
                        lines.collect::<String>(),
                        page["total"]
                    )
                });
            }
        }
        Ok(())
    }
}
