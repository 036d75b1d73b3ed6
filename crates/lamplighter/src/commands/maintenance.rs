//! `lamplighter maintenance`: work that is announced before it begins.

use jiff::Timestamp;
use jiff::civil::DateTime;
use serde_json::{Value, json};

use crate::client::Server;
use crate::output::{Failure, Options, lines, text};

/// Announce work before it begins, and move it. Its updates are those of an incident.
#[derive(clap::Subcommand)]
pub(crate) enum Maintenance {
    /// List planned work, the last to begin first.
    List {
        #[command(flatten)]
        server: Server,
    },
    /// Announce work. Followers are told now, and again when it begins and ends.
    Plan(Box<Plan>),
    /// Move planned work to another window. Followers are told, and reminded of it anew.
    Move {
        /// The planned work.
        id: uuid::Uuid,
        /// What customers are told: Markdown.
        text: String,
        #[command(flatten)]
        window: Window,
        #[command(flatten)]
        server: Server,
    },
}

/// What is announced.
#[derive(clap::Args)]
pub(crate) struct Plan {
    /// One line, such as "Sign-in servers are replaced".
    title: String,
    /// What customers are told: Markdown.
    text: String,
    #[command(flatten)]
    window: Window,
    /// Only sites of this product; may be given several times.
    #[arg(long = "product")]
    products: Vec<String>,
    /// Only sites in this time zone, such as America/Denver; may be given several times.
    #[arg(long = "zone")]
    zones: Vec<String>,
    /// Only sites that run this release; may be given several times.
    #[arg(long = "release")]
    releases: Vec<String>,
    /// What customers notice: none, minor, major or critical.
    #[arg(long, default_value = "none")]
    impact: String,
    /// Remind followers so many minutes before it begins.
    #[arg(long)]
    remind_minutes: Option<u32>,
    /// It is done when its window ends; else somebody says how it went, and is paged if nobody did.
    #[arg(long)]
    completes_itself: bool,
    /// Tell no follower of the announcement.
    #[arg(long)]
    quiet: bool,
    /// Who may read it: everybody, or affected (members of the organizations with a site in its scope).
    #[arg(long, default_value = "everybody")]
    audience: String,
    /// Show what would be announced, and announce nothing.
    #[arg(long)]
    preview: bool,
    #[command(flatten)]
    server: Server,
}

/// The same moments everywhere, or the same time of day on each site's own clock.
#[derive(clap::Args)]
pub(crate) struct Window {
    /// When it begins, such as 2023-07-12T22:00:00-05:00.
    #[arg(long, requires = "until", required_unless_present = "local_from")]
    from: Option<Timestamp>,
    /// When it ends.
    #[arg(long, requires = "from")]
    until: Option<Timestamp>,
    /// When it begins on each site's own clock, such as 2023-07-12T22:00.
    #[arg(long, requires = "local_until", conflicts_with = "from")]
    local_from: Option<DateTime>,
    /// When it ends on each site's own clock.
    #[arg(long, requires = "local_from")]
    local_until: Option<DateTime>,
}

impl Window {
    fn body(&self) -> Value {
        match self.local_from {
            Some(from) => json!({"local": {"from": from, "until": self.local_until}}),
            None => json!({"at": {"from": self.from, "until": self.until}}),
        }
    }
}

impl Maintenance {
    pub(crate) async fn run(self, output: Options) -> Result<(), Failure> {
        match self {
            Self::List { server } => {
                let list = server.client()?.get("/api/v1/maintenances").await?;
                output.print(&list, |list| {
                    lines(&list["maintenances"], "Nothing is planned.", line)
                });
            }
            Self::Plan(plan) => plan.run(output).await?,
            Self::Move {
                id,
                text,
                window,
                server,
            } => {
                let path = format!("/api/v1/maintenances/{id}/move");
                let body = json!({"window": window.body(), "text": text});
                let moved = server.client()?.post(&path, &body).await?;
                output.print(&moved, |one| format!("Moved: {}", line(one)));
            }
        }
        Ok(())
    }
}

impl Plan {
    async fn run(self, output: Options) -> Result<(), Failure> {
        let scope = json!({"products": self.products, "zones": self.zones,
            "releases": self.releases});
        let body = json!({"title": self.title, "text": self.text, "scope": scope,
            "impact": self.impact, "window": self.window.body(), "quiet": self.quiet,
            "remind_minutes": self.remind_minutes, "completes_itself": self.completes_itself,
            "audience": self.audience});
        let client = self.server.client()?;
        let path = match self.preview {
            true => "/api/v1/maintenances/preview",
            false => "/api/v1/maintenances",
        };
        let planned = client.post(path, &body).await?;
        output.print(&planned, |one| match self.preview {
            true => format!(
                "Would announce: {}, {}\n{}",
                self.title,
                window(one),
                text(&one["update"]["body"])
            ),
            false => format!("Announced: {}", line(one)),
        });
        Ok(())
    }
}

fn window(one: &Value) -> String {
    let (from, until) = (&one["maintenance"]["from"], &one["maintenance"]["until"]);
    format!("from {} until {}", text(from), text(until))
}

fn line(one: &Value) -> String {
    format!(
        "{}  {} {}, {} sites: {}",
        text(&one["id"]),
        text(&one["state"]),
        window(one),
        one["affected"]["total"],
        text(&one["title"])
    )
}
