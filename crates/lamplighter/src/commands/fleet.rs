//! `lamplighter fleet`: import and list sites.

use std::path::PathBuf;

use domain::name::Hostname;
use serde_json::Value;

use crate::client::Server;
use crate::input::Limit;
use crate::output::{Failure, Options, text};

/// Import and list the fleet.
#[derive(clap::Subcommand)]
pub(crate) enum Fleet {
    /// Import sites from a CSV file: all of it or nothing.
    Import {
        /// Columns: hostname,organization,kind,city,state,timezone,population[,product,release,county,latitude,longitude].
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
        /// Goes on after this one: where the page before ended.
        #[arg(long)]
        after: Option<u32>,
        #[command(flatten)]
        limit: Limit,
        #[command(flatten)]
        server: Server,
    },
    /// Show one site.
    Show {
        /// The site.
        hostname: Hostname,
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
            Self::List {
                after,
                limit,
                server,
            } => {
                let after = after.map_or_else(String::new, |after| format!("&after={after}"));
                let path = format!("/api/v1/sites?limit={}{after}", limit.limit);
                let page = server.client()?.get(&path).await?;
                output.print(&page, listed);
            }
            Self::Show { hostname, server } => {
                let path = format!("/api/v1/sites/{hostname}");
                let site = server.client()?.get(&path).await?;
                output.print(&site, shown);
            }
        }
        Ok(())
    }
}

fn listed(page: &Value) -> String {
    let sites = page["sites"].as_array().into_iter().flatten();
    let mut words: String = sites.map(|site| line(site) + "\n").collect();
    words += &format!("{} sites in all", page["total"]);
    if let Some(after) = page["after"].as_u64() {
        words += &format!("; more: --after {after}");
    }
    words
}

fn line(site: &Value) -> String {
    let [hostname, zone, state, running] =
        ["hostname", "zone", "state", "running"].map(|part| text(&site[part]));
    format!("{hostname:<40} {zone:<24} {state:<10} {running}")
}

fn shown(site: &Value) -> String {
    let mut words = line(site);
    for part in [
        "organization_name",
        "product",
        "kind",
        "ran_before",
        "activated_at",
    ] {
        if let Some(value) = site[part].as_str() {
            words += &format!("\n  {part:<18} {value}");
        }
    }
    if let Some(county) = site["area"]["county"].as_str() {
        words += &format!("\n  {:<18} {county}", "county");
    }
    if let [Some(longitude), Some(latitude)] = [0, 1].map(|at| site["area"]["point"][at].as_f64()) {
        words += &format!("\n  {:<18} {latitude}, {longitude}", "point");
    }
    words
}
