//! `lamplighter release`: stage, see who is ready, activate, retire.

use domain::name::{Hostname, ProductName};
use semver::Version;
use serde_json::Value;

use crate::client::Server;
use crate::output::{Failure, Options};

/// Stage releases, and activate them where config waits for them.
#[derive(clap::Subcommand)]
pub(crate) enum Release {
    /// Stage a release: refused when a document has no version that accepts it.
    Stage {
        #[command(flatten)]
        which: Which,
        /// Stage it also when documents have no version that accepts it. An emergency exit: sites on it read nothing of
        /// these.
        #[arg(long, requires = "why")]
        bypass_coverage: bool,
        /// Why the check is left out. It is audited.
        #[arg(long, requires = "bypass_coverage")]
        why: Option<String>,
    },
    /// List releases that are not retired.
    List {
        #[command(flatten)]
        server: Server,
    },
    /// Which sites are ready for a release, and why the others are not.
    Readiness(Which),
    /// Record that sites run a release from now on: your platform switches them. Sites that are not ready are refused.
    ///
    /// To have agents switch them, run a campaign with the action `activate-release=VERSION`.
    Activate {
        #[command(flatten)]
        which: Which,
        /// A site; repeat it for more.
        #[arg(long = "site", conflicts_with = "all", required_unless_present = "all")]
        sites: Vec<Hostname>,
        /// All sites of the product.
        #[arg(long)]
        all: bool,
        /// Activate also where no config waits. An emergency exit: audited, and it breaks sign-in.
        #[arg(long, requires = "reason")]
        bypass_gate: bool,
        /// Why the gate is bypassed.
        #[arg(long, requires = "bypass_gate")]
        reason: Option<String>,
    },
    /// Retire a release that no site runs or may go back to.
    Retire(Which),
}

#[derive(clap::Args)]
pub(crate) struct Which {
    /// The product.
    product: ProductName,
    // Not `version`: clap calls its own flag so.
    /// The release.
    #[arg(value_name = "VERSION")]
    release: Version,
    #[command(flatten)]
    server: Server,
}

impl Which {
    fn path(&self, act: &str) -> String {
        format!("/api/v1/releases/{}/{}/{act}", self.product, self.release)
    }

    fn name(&self) -> String {
        format!("{} {}", self.product, self.release)
    }
}

impl Release {
    pub(crate) async fn run(self, output: Options) -> Result<(), Failure> {
        let nothing = serde_json::json!({});
        match self {
            Self::Stage {
                which,
                bypass_coverage,
                why,
            } => {
                let body = serde_json::json!({"product": which.product, "version": which.release,
                    "bypass_coverage": bypass_coverage, "why": why});
                let done = which
                    .server
                    .client()?
                    .post("/api/v1/releases", &body)
                    .await?;
                output.print(&done, |_| format!("Staged {}.", which.name()));
            }
            Self::List { server } => {
                let list = server.client()?.get("/api/v1/releases").await?;
                output.print(&list, |list| {
                    let word = |value: &Value| value.as_str().unwrap_or("").to_owned();
                    let line = |one: &Value| {
                        let words = ["product", "version", "state"].map(|part| word(&one[part]));
                        words.join(" ") + "\n"
                    };
                    list.as_array().into_iter().flatten().map(line).collect()
                });
            }
            Self::Readiness(which) => {
                let readiness = which.server.client()?.get(&which.path("readiness")).await?;
                output.print(&readiness, |readiness| {
                    let (ready, sites) = (&readiness["ready"], &readiness["sites"]);
                    let count = |value: &Value| value.as_u64().unwrap_or(0);
                    let named = readiness["unready"].as_array().map_or(0, Vec::len) as u64;
                    let more = count(sites).saturating_sub(count(ready) + named);
                    let more = match more {
                        0 => String::new(),
                        more => format!("  and {more} more\n"),
                    };
                    let unready = reasons(&readiness["unready"]);
                    format!(
                        "{ready} of {sites} sites are ready for {}.\n{unready}{more}",
                        which.name()
                    )
                });
            }
            Self::Activate {
                which,
                sites,
                all,
                bypass_gate,
                reason,
            } => {
                let sites = (!all).then_some(sites);
                let body = serde_json::json!({"sites": sites, "all": all,
                    "bypass_gate": bypass_gate, "reason": reason});
                let done = which
                    .server
                    .client()?
                    .post(&which.path("activate"), &body)
                    .await?;
                output.print(&done, |done| {
                    let (activated, refused) = (&done["activated"], &done["refused"]);
                    let refusals = reasons(&done["refusals"]);
                    format!("Activated on {activated} sites, refused on {refused}.\n{refusals}")
                });
            }
            Self::Retire(which) => {
                let done = which
                    .server
                    .client()?
                    .post(&which.path("retire"), &nothing)
                    .await?;
                output.print(&done, |_| format!("Retired {}.", which.name()));
            }
        }
        Ok(())
    }
}

fn reasons(sites: &Value) -> String {
    let word = |value: &Value| value.as_str().unwrap_or("").to_owned();
    let line = |one: &Value| format!("  {}: {}\n", word(&one["site"]), word(&one["reason"]));
    sites.as_array().into_iter().flatten().map(line).collect()
}
