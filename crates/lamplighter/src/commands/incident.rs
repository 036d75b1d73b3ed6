//! `lamplighter incident`: what is going on, and what customers are told.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::client::Server;
use crate::input::{Limit, read, read_json};
use crate::output::{Failure, Options, lines, text};

/// List, accept and tell of incidents.
#[derive(clap::Subcommand)]
pub(crate) enum Incident {
    /// List incidents, newest first, proposals among them.
    List {
        #[command(flatten)]
        limit: Limit,
        #[command(flatten)]
        server: Server,
    },
    /// Show one incident with its posts.
    Show {
        /// The incident.
        id: uuid::Uuid,
        #[command(flatten)]
        server: Server,
    },
    /// Open an incident that no alarm proposed: customers see it from then on.
    Open {
        /// One line, such as "Sign-in fails on some sites".
        title: String,
        /// Only sites of this product; may be given several times.
        #[arg(long = "product")]
        products: Vec<String>,
        /// Only sites in this time zone, such as America/Denver; may be given several times.
        #[arg(long = "zone")]
        zones: Vec<String>,
        /// Only sites that run this release; may be given several times.
        #[arg(long = "release")]
        releases: Vec<String>,
        /// none, minor, major or critical; by the share of the fleet without one.
        #[arg(long)]
        impact: Option<String>,
        /// When it began, such as 2023-07-11T16:00:00-05:00; now without one.
        #[arg(long)]
        started_at: Option<jiff::Timestamp>,
        /// Who may read it: everybody, or affected (members of the organizations with a site in its scope).
        #[arg(long, default_value = "everybody")]
        audience: String,
        #[command(flatten)]
        server: Server,
    },
    /// Add an incident that is over, as it happened: no follower is told.
    Backfill {
        /// JSON: title, impact, started_at, resolved_at, updates (each at, state, text), perhaps key and
        /// scope; - for standard input.
        #[arg(long)]
        file: PathBuf,
        #[command(flatten)]
        server: Server,
    },
    /// Import the history of a Statuspage: what is over and not here yet. No follower is told.
    Import {
        /// The answer of its /api/v2/incidents.json; - for standard input.
        file: PathBuf,
        /// Show what would be added, and add nothing.
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        server: Server,
    },
    /// Take up a proposal: customers see it from then on.
    Accept {
        /// The incident.
        id: uuid::Uuid,
        /// A better title.
        #[arg(long)]
        title: Option<String>,
        /// none, minor, major or critical; by the share of the fleet without one.
        #[arg(long)]
        impact: Option<String>,
        /// Who may read it: everybody, or affected (members of the organizations with a site in its scope).
        #[arg(long, default_value = "everybody")]
        audience: String,
        #[command(flatten)]
        server: Server,
    },
    /// Say who may read an incident from now on; those who could not before are told of it.
    Audience {
        /// The incident.
        id: uuid::Uuid,
        /// everybody, or affected: members of the organizations with a site in its scope.
        audience: String,
        #[command(flatten)]
        server: Server,
    },
    /// Turn a proposal down.
    Dismiss {
        /// The incident.
        id: uuid::Uuid,
        /// Why.
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        server: Server,
    },
    /// Post an update.
    Update(Update),
    /// List the updates of an incident that wait for their moment.
    Scheduled {
        /// The incident.
        id: uuid::Uuid,
        #[command(flatten)]
        server: Server,
    },
    /// Cancel an update that waits for its moment.
    Unschedule {
        /// The incident.
        id: uuid::Uuid,
        /// The update, as `incident scheduled` names it.
        update: uuid::Uuid,
        #[command(flatten)]
        server: Server,
    },
    /// Give a post another text; customers can read what stood there before.
    Correct {
        /// The incident.
        id: uuid::Uuid,
        /// The post, as `incident show` names it.
        update: uuid::Uuid,
        /// Markdown: the whole text, as it shall stand.
        #[arg(long)]
        text: String,
        /// Why, on one line; customers read it.
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        server: Server,
    },
    /// Post the official comment, which stays on top of the updates.
    Comment {
        /// The incident.
        id: uuid::Uuid,
        /// Markdown.
        text: String,
        #[command(flatten)]
        server: Server,
    },
    /// Show what happened, as it was recorded.
    Timeline {
        /// The incident.
        id: uuid::Uuid,
        #[command(flatten)]
        server: Server,
    },
    /// Show how its followers were told, and whom it could not reach.
    Notifications {
        /// The incident.
        id: uuid::Uuid,
        #[command(flatten)]
        server: Server,
    },
    /// Print the drafted incident report, in Markdown, or write it as PDF.
    Report {
        /// The incident.
        id: uuid::Uuid,
        /// The reader's time zone, such as America/Denver.
        #[arg(long)]
        zone: Option<String>,
        /// Write it into this file, as PDF, instead.
        #[arg(long, value_name = "FILE")]
        pdf: Option<PathBuf>,
        #[command(flatten)]
        server: Server,
    },
}

/// Post an update.
#[derive(clap::Args)]
pub(crate) struct Update {
    /// The incident.
    id: uuid::Uuid,
    /// The name of a template, such as "Fix Implemented".
    #[arg(long, conflicts_with = "text", required_unless_present = "text")]
    template: Option<String>,
    /// Fills a gap of the template: `--value estimate="4 business hours"`. JSON is read as such.
    #[arg(long = "value", value_name = "GAP=VALUE", requires = "template")]
    values: Vec<String>,
    /// Markdown, instead of a template.
    #[arg(long)]
    text: Option<String>,
    /// investigating, identified, monitoring or completed.
    #[arg(long)]
    state: Option<String>,
    /// The business calendar that its promises are counted on; the template's without, or the default one.
    #[arg(long)]
    calendar: Option<String>,
    /// Post it at this moment, such as 2023-07-11T18:00:00-05:00, within 30 days.
    #[arg(long, conflicts_with = "preview")]
    post_at: Option<jiff::Timestamp>,
    /// Show it on the pages and in the feeds, and tell no follower.
    #[arg(long)]
    quiet: bool,
    /// Show what would be posted, and post nothing.
    #[arg(long)]
    preview: bool,
    #[command(flatten)]
    server: Server,
}

impl Incident {
    pub(crate) async fn run(self, output: Options) -> Result<(), Failure> {
        match self {
            Self::List { limit, server } => {
                let path = format!("/api/v1/incidents?limit={}", limit.limit);
                let list = server.client()?.get(&path).await?;
                output.print(&list, |list| {
                    lines(&list["incidents"], "No incidents.", headline)
                });
            }
            Self::Show { id, server } => {
                let incident = server
                    .client()?
                    .get(&format!("/api/v1/incidents/{id}"))
                    .await?;
                output.print(&incident, shown);
            }
            Self::Open {
                title,
                products,
                zones,
                releases,
                impact,
                started_at,
                audience,
                server,
            } => {
                let started_at = started_at.map(|at| at.to_string());
                let mut body = given([
                    ("title", Some(title)),
                    ("impact", impact),
                    ("started_at", started_at),
                    ("audience", Some(audience)),
                ]);
                let scope = json!({"products": products, "zones": zones, "releases": releases});
                body.insert("scope".into(), scope);
                let incident = server.client()?.post("/api/v1/incidents", &body).await?;
                output.print(&incident, |one| format!("Opened: {}", headline(one)));
            }
            Self::Backfill { file, server } => {
                let past: Value = read_json(&file)?;
                let path = "/api/v1/incidents/backfill";
                let incident = server.client()?.post(path, &past).await?;
                output.print(&incident, |one| format!("Added: {}", headline(one)));
            }
            Self::Import {
                file,
                dry_run,
                server,
            } => {
                let path = format!("/api/v1/incidents/import?dry_run={dry_run}");
                let imported = server.client()?.post_bytes(&path, read(&file)?).await?;
                output.print(&imported, history);
            }
            Self::Accept {
                id,
                title,
                impact,
                audience,
                server,
            } => {
                let body = given([
                    ("title", title),
                    ("impact", impact),
                    ("audience", Some(audience)),
                ]);
                let path = format!("/api/v1/incidents/{id}/accept");
                let incident = server.client()?.post(&path, &body).await?;
                output.print(&incident, |one| format!("Accepted: {}", headline(one)));
            }
            Self::Audience {
                id,
                audience,
                server,
            } => {
                let path = format!("/api/v1/incidents/{id}/audience");
                let body = json!({ "audience": audience });
                let incident = server.client()?.post(&path, &body).await?;
                output.print(&incident, |one| {
                    format!("For {}: {}", text(&one["audience"]), headline(one))
                });
            }
            Self::Dismiss { id, reason, server } => {
                let path = format!("/api/v1/incidents/{id}/dismiss");
                let incident = server
                    .client()?
                    .post(&path, &json!({ "reason": reason }))
                    .await?;
                output.print(&incident, |one| format!("Dismissed: {}", headline(one)));
            }
            Self::Update(update) => update.run(output).await?,
            Self::Scheduled { id, server } => {
                let path = format!("/api/v1/incidents/{id}/scheduled");
                let list = server.client()?.get(&path).await?;
                output.print(&list, |list| {
                    lines(&list["scheduled"], "No update waits.", waiting)
                });
            }
            Self::Unschedule { id, update, server } => {
                let path = format!("/api/v1/incidents/{id}/scheduled/{update}/cancel");
                let done = server.client()?.post(&path, &json!({})).await?;
                output.print(&done, |_| "Cancelled.".to_owned());
            }
            Self::Comment {
                id,
                text: words,
                server,
            } => {
                let path = format!("/api/v1/incidents/{id}/official-comment");
                let body = json!({ "text": words });
                let posted = server.client()?.post(&path, &body).await?;
                output.print(&posted, |posted| {
                    format!("Posted:\n{}", text(&posted["update"]["body"]))
                });
            }
            Self::Correct {
                id,
                update,
                text,
                reason,
                server,
            } => {
                let path = format!("/api/v1/incidents/{id}/updates/{update}/correct");
                let body = json!({ "text": text, "reason": reason });
                let incident = server.client()?.post(&path, &body).await?;
                output.print(&incident, |one| format!("Corrected: {}", headline(one)));
            }
            Self::Timeline { id, server } => {
                let path = format!("/api/v1/incidents/{id}/timeline");
                let entries = server.client()?.get(&path).await?;
                output.print(&entries, |entries| lines(entries, "No entries.", entry));
            }
            Self::Notifications { id, server } => {
                let path = format!("/api/v1/incidents/{id}/notifications");
                let told = server.client()?.get(&path).await?;
                output.print(&told, notifications);
            }
            Self::Report {
                id,
                zone,
                pdf,
                server,
            } => {
                let zone = zone
                    .map(|zone| format!("?zone={}", zone.replace('/', "%2F")))
                    .unwrap_or_default();
                let client = server.client()?;
                match pdf {
                    Some(file) => {
                        let path = format!("/api/v1/incidents/{id}/report.pdf{zone}");
                        write_pdf(&client.get_bytes(&path).await?, &file, output)?;
                    }
                    None => {
                        let path = format!("/api/v1/incidents/{id}/report.md{zone}");
                        let report = client.get_text(&path).await?;
                        output.print(&json!({ "markdown": report }), |_| report.clone());
                    }
                }
            }
        }
        Ok(())
    }
}

/// On which calendar something is counted, where that is not the default one.
pub(crate) fn counted(calendar: &Value) -> String {
    match calendar.as_str() {
        None | Some("default") => String::new(),
        Some(name) => format!(", by the calendar {name}"),
    }
}

impl Update {
    async fn run(self, output: Options) -> Result<(), Failure> {
        let mut body = given([
            ("template", self.template),
            ("text", self.text),
            ("state", self.state),
            ("calendar", self.calendar),
        ]);
        let values = values(&self.values)?;
        if !values.is_empty() {
            body.insert("values".into(), values.into());
        }
        body.insert("quiet".into(), self.quiet.into());
        body.insert("preview".into(), self.preview.into());
        let path = format!("/api/v1/incidents/{}/updates", self.id);
        if let Some(at) = self.post_at {
            body.insert("post_at".into(), json!(at));
            let scheduled = self.server.client()?.post(&path, &body).await?;
            output.print(&scheduled, |one| {
                format!("Waits: {}", waiting(&one["scheduled"]))
            });
            return Ok(());
        }
        let posted = self.server.client()?.post(&path, &body).await?;
        output.print(&posted, |posted| {
            let did = if self.preview { "Would post" } else { "Posted" };
            let promises = posted["promises"].as_array().into_iter().flatten();
            let promises = promises.map(|promise| {
                format!(
                    "\nPromises: {} by {}{}",
                    text(&promise["kind"]),
                    text(&promise["due_at"]),
                    counted(&promise["calendar"])
                )
            });
            let promises: String = promises.collect();
            format!(
                "{did} ({}):\n{}{promises}",
                text(&posted["state"]),
                text(&posted["update"]["body"])
            )
        });
        Ok(())
    }
}

fn write_pdf(pdf: &[u8], file: &Path, output: Options) -> Result<(), Failure> {
    let name = file.display();
    std::fs::write(file, pdf).map_err(|e| Failure::new(format!("could not write {name}: {e}")))?;
    let written = json!({"file": name.to_string(), "bytes": pdf.len()});
    output.print(&written, |_| format!("Written: {name}"));
    Ok(())
}

/// The values of gaps, as `GAP=VALUE` gives them.
pub(crate) fn values(pairs: &[String]) -> Result<Map<String, Value>, Failure> {
    pairs.iter().map(|pair| gap(pair)).collect()
}

fn waiting(update: &Value) -> String {
    let [id, at, by, words] = ["id", "at", "by", "body"].map(|part| text(&update[part]));
    let words = if words.is_empty() {
        text(&update["problem"])
    } else {
        words
    };
    format!("{id} {at} {by}\n  {words}")
}

fn gap(pair: &str) -> Result<(String, Value), Failure> {
    let (name, value) = pair
        .split_once('=')
        .ok_or_else(|| Failure::new(format!("--value reads GAP=VALUE, not {pair:?}")))?;
    // A length or a moment is a string to JSON; only lists and objects are taken as JSON.
    let structured = value
        .starts_with(['[', '{'])
        .then(|| serde_json::from_str(value).ok())
        .flatten();
    Ok((name.to_owned(), structured.unwrap_or_else(|| value.into())))
}

fn given<const N: usize>(fields: [(&str, Option<String>); N]) -> Map<String, Value> {
    fields
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?.into())))
        .collect()
}

fn shown(incident: &Value) -> String {
    let updates = incident["updates"].as_array().into_iter().flatten();
    let updates = updates.map(|update| {
        format!(
            "\n{} {} {} ({})\n{}\n",
            text(&update["id"]),
            text(&update["at"]),
            text(&update["by"]),
            text(&update["state"]),
            text(&update["body"])
        )
    });
    format!("{}\n{}", headline(incident), updates.collect::<String>())
}

/// What an import did; what was left out is named, for it may be wanted after all.
fn history(imported: &Value) -> String {
    let did = match imported["dry_run"].as_bool() {
        Some(true) => "Would add",
        _ => "Added",
    };
    let skipped = imported["skipped"].as_array().map_or(0, Vec::len);
    let says = format!(
        "{did} {} incidents; {} are here already, {skipped} were left out.",
        imported["added"], imported["already_there"]
    );
    let left_out = |one: &Value| {
        let [at, title, reason] = ["at", "title", "reason"].map(|part| text(&one[part]));
        format!("{at} {title}: {reason}")
    };
    format!("{says}\n{}", lines(&imported["skipped"], "", left_out))
}

fn notifications(told: &Value) -> String {
    let count = |state: &str| told[state].as_u64().unwrap_or_default();
    let (reached, given_up, waiting) = (count("delivered"), count("given_up"), count("waiting"));
    let all = reached + given_up + waiting;
    let says =
        format!("Reached {reached} of {all}; {given_up} could not be reached, {waiting} wait.");
    let failure =
        |one: &Value| format!("{}  {}", text(&one["notification"]), text(&one["failure"]));
    match lines(&told["failures"], "", failure) {
        none if none.is_empty() => says,
        list => format!("{says}\n{list}"),
    }
}

fn headline(incident: &Value) -> String {
    let [id, state, impact, title] =
        ["id", "state", "impact", "title"].map(|part| text(&incident[part]));
    let affected = &incident["affected"];
    let about = match incident["added_at"].as_str() {
        // How its sites are today says nothing of it.
        Some(_) => "added afterwards".to_owned(),
        None => format!(
            "{} of {} sites fail, {} restored",
            affected["failing"], affected["total"], affected["restored"]
        ),
    };
    format!("{id} {state:<13} {impact:<8} {title} ({about})")
}

/// What is recorded besides who and when differs from fact to fact, and stands as it is.
fn entry(entry: &Value) -> String {
    let [at, by, fact] = ["at", "by", "fact"].map(|part| text(&entry[part]));
    let known = ["id", "at", "by", "fact"];
    let rest = entry.as_object().into_iter().flatten();
    let rest = rest.filter(|(name, _)| !known.contains(&name.as_str()));
    let rest = rest.map(|(name, value)| match value {
        Value::String(words) => format!(", {name}: {words}"),
        other => format!(", {name}: {other}"),
    });
    let words = fact.replace('_', " ");
    format!("{at}  {by}: {words}{}", rest.collect::<String>())
}
