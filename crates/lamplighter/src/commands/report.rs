//! `lamplighter report`: take and list customers' reports.

use domain::name::Hostname;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::client::Server;
use crate::input::Limit;
use crate::output::{Failure, Options, lines, text};

/// Take and list customers' reports.
#[derive(clap::Subcommand)]
pub(crate) enum Report {
    /// Take a report, as a customer would send it.
    Add {
        /// The host name of the site it is about.
        site: Hostname,
        /// What does not work.
        text: String,
        /// Where to answer: an e-mail address or a telephone number.
        #[arg(long)]
        contact: Option<String>,
        #[command(flatten)]
        server: Server,
    },
    /// List reports, newest first.
    List {
        /// Only those about this site.
        #[arg(long)]
        site: Option<Hostname>,
        /// Only those before this moment: where the page before ended.
        #[arg(long, requires = "before_id")]
        before_at: Option<Timestamp>,
        /// The last report of the page before.
        #[arg(long, requires = "before_at")]
        before_id: Option<uuid::Uuid>,
        #[command(flatten)]
        limit: Limit,
        #[command(flatten)]
        server: Server,
    },
}

impl Report {
    pub(crate) async fn run(self, output: Options) -> Result<(), Failure> {
        match self {
            Self::Add {
                site,
                text: words,
                contact,
                server,
            } => {
                let body = json!({"site": site, "text": words, "contact": contact});
                let taken = server.client()?.post("/api/v1/reports", &body).await?;
                output.print(&taken, |taken| {
                    format!("Took report {}.", text(&taken["id"]))
                });
            }
            Self::List {
                site,
                before_at,
                before_id,
                limit,
                server,
            } => {
                let mut path = format!("/api/v1/reports?limit={}", limit.limit);
                if let Some(site) = site {
                    path += &format!("&site={site}");
                }
                if let (Some(at), Some(id)) = (before_at, before_id) {
                    path += &format!("&before_at={at}&before_id={id}");
                }
                let page = server.client()?.get(&path).await?;
                output.print(&page, listed);
            }
        }
        Ok(())
    }
}

fn listed(page: &Value) -> String {
    let reports = lines(&page["reports"], "No reports.", line);
    match (page["before_at"].as_str(), page["before_id"].as_str()) {
        (Some(at), Some(id)) => format!("{reports}\nMore: --before-at {at} --before-id {id}"),
        _ => reports,
    }
}

fn line(report: &Value) -> String {
    let [at, site, words] = ["at", "site", "text"].map(|part| text(&report[part]));
    let first_line = words.lines().next().unwrap_or("");
    format!("{at}  {site:<40} {first_line}")
}
