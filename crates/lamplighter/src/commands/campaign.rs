//! `lamplighter campaign`: plan, create, start, stop and watch campaigns.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use clock::Clock;
use serde_json::{Value, json};

use crate::client::{Client, Server};
use crate::input::Limit;
use crate::output::{Failure, Options, lines, text};

/// Plan, create, start, stop and watch campaigns.
#[derive(clap::Subcommand)]
pub(crate) enum Campaign {
    /// Say what a campaign would do, and do nothing.
    Plan {
        #[command(flatten)]
        order: OrderArguments,
        #[command(flatten)]
        server: Server,
    },
    /// Create a campaign, and start it if asked.
    Create {
        #[command(flatten)]
        order: OrderArguments,
        /// Start it, and watch it to its end.
        #[arg(long)]
        start: bool,
        #[command(flatten)]
        server: Server,
    },
    /// Start a campaign.
    Start(One),
    /// Begin no further sites.
    Pause(One),
    /// Go on after a pause; after a halt, this accepts the failures so far.
    Resume(One),
    /// End a campaign, leaving the remaining sites alone.
    Abort(One),
    /// Watch a campaign to its end.
    Watch(One),
    /// Change how fast a campaign goes, also while it runs.
    Pace {
        #[command(flatten)]
        one: One,
        #[command(flatten)]
        pace: PaceArguments,
    },
    /// List the newest campaigns.
    List {
        #[command(flatten)]
        limit: Limit,
        #[command(flatten)]
        server: Server,
    },
    /// List the sites of a campaign, with what became of each.
    Sites(Sites),
    /// Show the campaign that would restore an incident's sites.
    Proposed {
        /// The incident.
        incident: uuid::Uuid,
        /// Create it, ready to be started.
        #[arg(long)]
        create: bool,
        #[command(flatten)]
        server: Server,
    },
    /// Act on one site, proved by a probe.
    Site {
        /// The site.
        hostname: String,
        /// What to do: clear-cache or refresh.
        #[arg(long, default_value = "clear-cache")]
        action: String,
        #[command(flatten)]
        server: Server,
    },
}

/// A campaign, and where it is.
#[derive(clap::Args)]
pub(crate) struct One {
    /// Its identifier.
    id: uuid::Uuid,
    #[command(flatten)]
    server: Server,
}

/// The sites of a campaign.
#[derive(clap::Args)]
pub(crate) struct Sites {
    /// The campaign.
    id: uuid::Uuid,
    /// Only those in this state: waiting, sent, acted, verified, failed or skipped.
    #[arg(long)]
    state: Option<String>,
    /// Goes on after this position: where the page before ended.
    #[arg(long)]
    after: Option<u64>,
    #[command(flatten)]
    limit: Limit,
    #[command(flatten)]
    server: Server,
}

/// How fast: by the origin's own telemetry unless a number is given.
#[derive(clap::Args)]
pub(crate) struct PaceArguments {
    /// A fixed rate in sites per second, instead of the origin's own telemetry.
    #[arg(long, conflicts_with = "concurrency")]
    rate: Option<f64>,
    /// A fixed number of sites at once, instead of the origin's own telemetry.
    #[arg(long)]
    concurrency: Option<u32>,
}

impl PaceArguments {
    fn pace(&self) -> Value {
        match (self.rate, self.concurrency) {
            (Some(rate), _) => json!({"kind": "fixed_rate", "sites_per_second": rate}),
            (None, Some(sites)) => json!({"kind": "fixed_concurrency", "sites": sites}),
            (None, None) => json!({"kind": "adaptive"}),
        }
    }
}

/// What a campaign does, to which sites, how fast.
#[derive(clap::Args)]
pub(crate) struct OrderArguments {
    /// What to do: clear-cache, refresh, or activate-release=VERSION.
    action: String,
    /// The product.
    #[arg(long, default_value = "web-central")]
    product: String,
    /// Every site of the product.
    #[arg(long)]
    all: bool,
    /// Sites in this time zone; may be repeated.
    #[arg(long = "zone")]
    zones: Vec<String>,
    /// Sites in this state, by two letters; may be repeated.
    #[arg(long = "state")]
    states: Vec<String>,
    /// Sites that run this release.
    #[arg(long)]
    running: Option<String>,
    /// Sites that customers reported.
    #[arg(long)]
    reported: bool,
    /// This site; may be repeated.
    #[arg(long = "site")]
    hostnames: Vec<String>,
    /// The incident it answers.
    #[arg(long)]
    incident: Option<String>,
    #[command(flatten)]
    pace: PaceArguments,
}

impl OrderArguments {
    fn order(&self) -> Result<Value, Failure> {
        let mut selection = json!({
            "product": self.product, "all": self.all, "zones": self.zones, "states": self.states,
            "has_reported": self.reported, "hostnames": self.hostnames});
        if let Some(running) = &self.running {
            selection["running"] = json!(running);
        }
        let action = action(&self.action)?;
        Ok(
            json!({"action": action, "selection": selection, "incident": self.incident,
            "pace": self.pace.pace()}),
        )
    }
}

fn action(text: &str) -> Result<Value, Failure> {
    match text.split_once('=') {
        None if text == "clear-cache" => Ok(json!("clear_cache")),
        None if text == "refresh" => Ok(json!("refresh")),
        Some(("activate-release", version)) => {
            Ok(json!({"activate_release": {"version": version}}))
        }
        _ => Err(Failure::new(format!(
            "{text:?} is not an action: use clear-cache, refresh or activate-release=VERSION"
        ))),
    }
}

impl Campaign {
    pub(crate) async fn run(self, output: Options) -> Result<(), Failure> {
        match self {
            Self::Plan { order, server } => {
                let plan = server
                    .client()?
                    .post("/api/v1/campaigns/plan", &order.order()?)
                    .await?;
                output.print(&plan, planned);
            }
            Self::Create {
                order,
                start,
                server,
            } => {
                let client = server.client()?;
                let made = client.post("/api/v1/campaigns", &order.order()?).await?;
                if start {
                    let id = made["id"].as_str().unwrap_or_default();
                    client
                        .post(&format!("/api/v1/campaigns/{id}/start"), &json!({}))
                        .await?;
                    return watch(&client, id, output).await;
                }
                output.print(&made, one_line);
            }
            Self::Start(one) => one.command("start", output).await?,
            Self::Pause(one) => one.command("pause", output).await?,
            Self::Resume(one) => one.command("resume", output).await?,
            Self::Abort(one) => one.command("abort", output).await?,
            Self::Watch(one) => {
                watch(&one.server.client()?, &one.id.to_string(), output).await?;
            }
            Self::Pace { one, pace } => {
                let path = format!("/api/v1/campaigns/{}/pace", one.id);
                let campaign = one.server.client()?.post(&path, &pace.pace()).await?;
                output.print(&campaign, one_line);
            }
            Self::List { limit, server } => {
                let path = format!("/api/v1/campaigns?limit={}", limit.limit);
                let list = server.client()?.get(&path).await?;
                output.print(&list, |list| lines(list, "No campaigns yet.", one_line));
            }
            Self::Sites(sites) => sites.run(output).await?,
            Self::Proposed {
                incident,
                create,
                server,
            } => proposed(&server.client()?, incident, create, output).await?,
            Self::Site {
                hostname,
                action: text,
                server,
            } => {
                let client = server.client()?;
                let body = json!({"action": action(&text)?});
                let made = client
                    .post(&format!("/api/v1/sites/{hostname}/actions"), &body)
                    .await?;
                return watch(&client, made["id"].as_str().unwrap_or_default(), output).await;
            }
        }
        Ok(())
    }
}

impl One {
    async fn command(&self, command: &str, output: Options) -> Result<(), Failure> {
        let path = format!("/api/v1/campaigns/{}/{command}", self.id);
        let campaign = self.server.client()?.post(&path, &json!({})).await?;
        output.print(&campaign, one_line);
        Ok(())
    }
}

impl Sites {
    async fn run(self, output: Options) -> Result<(), Failure> {
        let mut path = format!(
            "/api/v1/campaigns/{}/sites?limit={}",
            self.id, self.limit.limit
        );
        if let Some(state) = &self.state {
            path += &format!("&state={state}");
        }
        if let Some(after) = self.after {
            path += &format!("&after={after}");
        }
        let page = self.server.client()?.get(&path).await?;
        output.print(&page, |page| {
            let sites = lines(&page["sites"], "No sites.", site_line);
            match page["after"].as_u64() {
                Some(after) => format!("{sites}\nMore: --after {after}"),
                None => sites,
            }
        });
        Ok(())
    }
}

async fn proposed(
    client: &Client,
    incident: uuid::Uuid,
    create: bool,
    output: Options,
) -> Result<(), Failure> {
    let path = format!("/api/v1/incidents/{incident}/proposed-campaign");
    let proposed = client.get(&path).await?;
    if create {
        let made = client.post("/api/v1/campaigns", &proposed["order"]).await?;
        output.print(&made, one_line);
    } else {
        output.print(&proposed, |proposed| planned(&proposed["plan"]));
    }
    Ok(())
}

/// Watches a campaign until it is over or stopped; fails when it halted or gave sites up.
async fn watch(client: &Client, id: &str, output: Options) -> Result<(), Failure> {
    let terminal = std::io::stderr().is_terminal();
    let mut said = String::new();
    loop {
        let seen = client.get(&format!("/api/v1/campaigns/{id}")).await?;
        let line = progress_line(&seen);
        if !output.json && line != said {
            let mut log = std::io::stderr();
            // On a terminal the line is written over; a log gets a line each time.
            if terminal {
                write!(log, "\r\x1b[K{line}")?;
            } else {
                writeln!(log, "{line}")?;
            }
            said = line;
        }
        let state = seen["state"].as_str().unwrap_or_default();
        if !matches!(state, "planned" | "running") {
            if terminal && !output.json {
                writeln!(std::io::stderr())?;
            }
            output.print(&seen, ended);
            let well = state == "finished" && seen["counts"]["failed"] == json!(0);
            return if well {
                Ok(())
            } else {
                Err(Failure::new(format!("the campaign {state}")))
            };
        }
        Clock::system().sleep(Duration::from_secs(1)).await;
    }
}

fn planned(plan: &Value) -> String {
    let blast = &plan["blast_radius"];
    let mut text = format!(
        "{} sites of {} organizations in {} time zones, serving {} people\n",
        blast["sites"], blast["organizations"], blast["zones"], blast["people"]
    );
    for (number, wave) in (1..).zip(plan["waves"].as_array().into_iter().flatten()) {
        let name = wave["name"].as_str().unwrap_or_default();
        text += &format!("{number:>4}  {name:<32} {:>7}\n", wave["sites"]);
    }
    match plan["estimate_seconds"].as_f64() {
        Some(seconds) => text + &format!("about {:.0} minutes", (seconds / 60.0).ceil()),
        None => text + "how long it takes depends on the origin; a running campaign tells",
    }
}

fn one_line(campaign: &Value) -> String {
    let text = |key: &str| campaign[key].as_str().unwrap_or_default().to_owned();
    let action = campaign["action"]
        .as_str()
        .map_or_else(|| campaign["action"].to_string(), Into::into);
    format!("{}  {:<9}  {action}", text("id"), text("state"))
}

fn site_line(site: &Value) -> String {
    let [hostname, state, reason] = ["hostname", "state", "reason"].map(|part| text(&site[part]));
    format!("{hostname:<40} {state:<9} {reason}")
}

fn progress_line(seen: &Value) -> String {
    let counts = &seen["counts"];
    let count = |state: &str| counts[state].as_u64().unwrap_or(0);
    let open = count("waiting") + count("sent") + count("acted");
    let (verified, failed) = (count("verified"), count("failed"));
    let total = open + verified + failed + count("skipped");
    let eta = seen["eta_seconds"].as_f64();
    let eta = eta.map_or_else(String::new, |seconds| {
        format!(", {:.0} min left", seconds / 60.0)
    });
    let rate = seen["rate_per_second"].as_f64().unwrap_or(0.0);
    let state = seen["state"].as_str().unwrap_or_default();
    format!("{state}: {verified} of {total} verified, {failed} given up, {rate:.1} sites/s{eta}")
}

fn ended(seen: &Value) -> String {
    let mut text = progress_line(seen);
    for wave in seen["waves"].as_array().into_iter().flatten() {
        let name = wave["name"].as_str().unwrap_or_default();
        let (total, verified, failed) = (&wave["total"], &wave["verified"], &wave["failed"]);
        text += &format!("\n  {name:<32} {verified:>6} of {total:>6} verified, {failed} given up");
    }
    if let Some(reason) = seen["halted"]["reason"].as_str() {
        text += &format!("\nIt halted itself: {reason}");
    }
    text
}
