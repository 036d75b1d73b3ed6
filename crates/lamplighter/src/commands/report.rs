//! `lamplighter report`: take and list customers' reports.

use crate::client::Server;
use crate::output::{Failure, Options};

/// Take and list customers' reports.
#[derive(clap::Subcommand)]
pub(crate) enum Report {
    /// Take a report, as a customer would send it.
    Add {
        /// The host name of the site it is about.
        site: String,
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
        site: Option<String>,
        /// At most this many.
        #[arg(long, default_value_t = 100)]
        limit: u32,
        #[command(flatten)]
        server: Server,
    },
}

impl Report {
    pub(crate) async fn run(self, output: Options) -> Result<(), Failure> {
        match self {
            Self::Add {
                site,
                text,
                contact,
                server,
            } => {
                let body = serde_json::json!({"site": site, "text": text, "contact": contact});
                let taken = server.client()?.post("/api/v1/reports", &body).await?;
                output.print(&taken, |taken| {
                    format!("Took report {}.", taken["id"].as_str().unwrap_or(""))
                });
            }
            Self::List {
                site,
                limit,
                server,
            } => {
                let site = site.map(|site| format!("&site={site}")).unwrap_or_default();
                let path = format!("/api/v1/reports?limit={limit}{site}");
                let page = server.client()?.get(&path).await?;
                output.print(&page, lines);
            }
        }
        Ok(())
    }
}

fn lines(page: &serde_json::Value) -> String {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or("").to_owned();
    let reports = page["reports"].as_array().into_iter().flatten();
    let lines: Vec<String> = reports
        .map(|report| {
            let first_line = text(&report["text"])
                .lines()
                .next()
                .unwrap_or("")
                .to_owned();
            format!(
                "{}  {:<40} {first_line}",
                text(&report["at"]),
                text(&report["site"])
            )
        })
        .collect();
    if lines.is_empty() {
        "No reports.".into()
    } else {
        lines.join("\n")
    }
}
