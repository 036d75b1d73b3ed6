//! `lamplighter calendar`: when the team works, for promises in business hours.

use std::path::PathBuf;

use jiff::civil::Time;
use serde_json::{Value, json};

use crate::client::Server;
use crate::output::{Failure, Options, text};

/// Keep business calendars and their holidays.
#[derive(clap::Subcommand)]
pub(crate) enum Calendar {
    /// List the calendars.
    List {
        #[command(flatten)]
        server: Server,
    },
    /// Save a calendar: its hours. Its holidays stay as they are.
    Save {
        /// `default` is the one that promises are counted on unless they name another.
        name: String,
        /// Whose clock, such as America/Chicago.
        #[arg(long)]
        zone: String,
        /// When each weekday opens, such as 07:00.
        #[arg(long)]
        opens: Time,
        /// When it closes.
        #[arg(long)]
        closes: Time,
        /// US federal holidays are worked on.
        #[arg(long)]
        no_federal_holidays: bool,
        #[command(flatten)]
        server: Server,
    },
    /// Import the whole-day events of an iCalendar file as holidays.
    Import {
        /// The calendar.
        name: String,
        /// The file.
        file: PathBuf,
        #[command(flatten)]
        server: Server,
    },
    /// Remove a calendar.
    Remove {
        /// The calendar.
        name: String,
        #[command(flatten)]
        server: Server,
    },
}

impl Calendar {
    pub(crate) async fn run(self, output: Options) -> Result<(), Failure> {
        match self {
            Self::List { server } => {
                let list = server.client()?.get("/api/v1/calendars").await?;
                output.print(&list, |list| {
                    let all = list["calendars"].as_object().into_iter().flatten();
                    let lines: Vec<_> = all.map(|(name, one)| line(name, one)).collect();
                    lines.join("\n")
                });
            }
            Self::Save {
                name,
                zone,
                opens,
                closes,
                no_federal_holidays,
                server,
            } => {
                let client = server.client()?;
                let known = client.get("/api/v1/calendars").await?;
                let holidays = match &known["calendars"][&name]["holidays"] {
                    Value::Null => json!({}),
                    known => known.clone(),
                };
                let body = json!({"zone": zone, "opens": opens, "closes": closes,
                    "federal_holidays": !no_federal_holidays, "holidays": holidays});
                let saved = client.put(&path(&name), &body).await?;
                output.print(&saved, |one| format!("Saved: {}", line(&name, one)));
            }
            Self::Import { name, file, server } => {
                let bytes = std::fs::read(&file)
                    .map_err(|e| Failure::new(format!("cannot read {}: {e}", file.display())))?;
                let path = format!("{}/holidays", path(&name));
                let imported = server.client()?.post_bytes(&path, bytes).await?;
                output.print(&imported, told);
            }
            Self::Remove { name, server } => {
                let path = format!("{}/remove", path(&name));
                let done = server.client()?.post(&path, &json!({})).await?;
                output.print(&done, |_| "Removed.".to_owned());
            }
        }
        Ok(())
    }
}

fn path(name: &str) -> String {
    let name: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
    format!("/api/v1/calendars/{}", name.replace('+', "%20"))
}

fn line(name: &str, one: &Value) -> String {
    let federal = match one["federal_holidays"] == true {
        true => ", without US federal holidays",
        false => "",
    };
    let holidays = one["holidays"].as_object().map_or(0, serde_json::Map::len);
    format!(
        "{name}: {} to {} in {}{federal}, {holidays} holidays of its own",
        text(&one["opens"]),
        text(&one["closes"]),
        text(&one["zone"])
    )
}

fn told(imported: &Value) -> String {
    let added = imported["added"].as_array().map_or(0, Vec::len);
    let skipped = imported["skipped"].as_array().into_iter().flatten();
    let skipped = skipped.map(|one| {
        format!(
            "\n  left out: {}: {}",
            text(&one["name"]),
            text(&one["reason"])
        )
    });
    format!(
        "Added {added} days; {} were there already.{}",
        imported["already_there"],
        skipped.collect::<String>()
    )
}
