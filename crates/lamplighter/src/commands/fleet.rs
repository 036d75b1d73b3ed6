//! `lamplighter fleet`: import and list sites.

use std::path::PathBuf;

use domain::name::Hostname;
use domain::place::County;
use serde_json::Value;

use crate::client::Server;
use crate::input::Limit;
use crate::output::{Failure, Options, text};

/// Import and list the fleet.
#[derive(clap::Subcommand)]
pub(crate) enum Fleet {
    /// Import sites from a CSV file: all of it or nothing. A known site is refused, unless --update is given.
    Import {
        /// Columns: hostname,organization,kind,city,state,timezone,population[,product,release,county,latitude,longitude].
        file: PathBuf,
        /// The product of lines that name none.
        #[arg(long, default_value = "web-central")]
        product: String,
        /// The running release of lines that name none.
        #[arg(long, default_value = "1.0.0")]
        release: String,
        /// Change known sites by what the file says of where they are, their zone, kind and population. An
        /// empty field leaves what is known. Such a file needs only the hostname and what it changes.
        #[arg(long)]
        update: bool,
        /// Show what would be added and changed, and do nothing.
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        server: Server,
    },
    /// List sites.
    List {
        /// Only those of this county, such as CA/Alameda.
        #[arg(long, value_parser = County::parse)]
        county: Option<County>,
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
                update,
                dry_run,
                server,
            } => {
                let csv = std::fs::read(&file)
                    .map_err(|e| Failure::new(format!("could not read {}: {e}", file.display())))?;
                let mut path = format!("/api/v1/fleet/import?product={product}&release={release}");
                for (name, given) in [("update", update), ("dry_run", dry_run)] {
                    if given {
                        path += &format!("&{name}=true");
                    }
                }
                let imported = server.client()?.post_bytes(&path, csv).await?;
                output.print(&imported, done);
            }
            Self::List {
                county,
                after,
                limit,
                server,
            } => {
                let after = after.map_or_else(String::new, |after| format!("&after={after}"));
                let mut path = format!("/api/v1/sites?limit={}{after}", limit.limit);
                if let Some(county) = county {
                    let county = county.to_string();
                    let county = url::form_urlencoded::byte_serialize(county.as_bytes());
                    path += &format!("&county={}", county.collect::<String>());
                }
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

/// What an import did, in words: what it changed of which site, then how much that was.
fn done(imported: &Value) -> String {
    let mut words = String::new();
    let changes = imported["changes"].as_array().into_iter().flatten();
    for site in changes {
        let fields = site["fields"].as_array().into_iter().flatten();
        let fields = fields.map(|one| {
            let [before, after] = ["before", "after"].map(|at| one[at].as_str().unwrap_or("none"));
            format!("{} {before} -> {after}", text(&one["field"]))
        });
        let fields: Vec<_> = fields.collect();
        words += &format!("{}: {}\n", text(&site["hostname"]), fields.join("; "));
    }
    let [changed, unchanged] =
        ["changed", "unchanged"].map(|at| imported[at].as_u64().unwrap_or(0));
    let shown = imported["changes"].as_array().map_or(0, Vec::len) as u64;
    if changed > shown {
        words += &format!("... and {} more sites\n", changed - shown);
    }
    let did = match imported["dry_run"].as_bool() {
        Some(true) => "Would import",
        _ => "Imported",
    };
    let (sites, organizations) = (&imported["sites"], &imported["organizations"]);
    words += &format!("{did} {sites} sites of {organizations} organizations");
    if changed + unchanged > 0 {
        let change = if did == "Imported" {
            "changed"
        } else {
            "would change"
        };
        words += &format!("; {change} {changed}, {unchanged} stay as they are");
    }
    words + "."
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
