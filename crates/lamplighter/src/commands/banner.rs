//! `lamplighter banner`: words on the pages of the sites of an area.

use std::path::PathBuf;

use domain::place::{self, Point};
use serde_json::{Map, Value, json};

use crate::client::Server;
use crate::output::{Failure, Options, lines, text};

/// Put words on the pages of the sites of an area.
#[derive(clap::Subcommand)]
pub(crate) enum Banner {
    /// List the banners that stand or will stand, and the last that are over.
    List {
        #[command(flatten)]
        server: Server,
    },
    /// Add a banner.
    Add {
        #[command(flatten)]
        words: Words,
        /// Say how many sites it is about, and add nothing.
        #[arg(long)]
        preview: bool,
        #[command(flatten)]
        server: Server,
    },
    /// Give a banner other words, another area or another window.
    Change {
        /// The banner.
        id: uuid::Uuid,
        #[command(flatten)]
        words: Words,
        #[command(flatten)]
        server: Server,
    },
    /// Take a banner down.
    End {
        /// The banner.
        id: uuid::Uuid,
        #[command(flatten)]
        server: Server,
    },
}

/// What a banner says, to whom and when.
#[derive(clap::Args)]
pub(crate) struct Words {
    /// Markdown, at most 500 characters.
    text: String,
    /// info, warning or critical.
    #[arg(long, default_value = "warning")]
    severity: String,
    /// Only sites of this product; may be given several times.
    #[arg(long = "product")]
    products: Vec<String>,
    /// Sites in this state, by two letters; may be given several times.
    #[arg(long = "state")]
    states: Vec<String>,
    /// Sites in this time zone, such as America/Denver; may be given several times.
    #[arg(long = "zone")]
    zones: Vec<String>,
    /// Sites in this county, such as CA/Alameda; may be given several times.
    #[arg(long = "county")]
    counties: Vec<String>,
    /// Sites within a drawn area: a file of a GeoJSON polygon, or of one corner a line as "latitude,
    /// longitude".
    #[arg(long)]
    polygon: Option<PathBuf>,
    /// This site; may be given several times.
    #[arg(long = "site")]
    sites: Vec<String>,
    /// From when it stands, such as 2023-07-11T16:00:00-05:00; now without one.
    #[arg(long)]
    from: Option<jiff::Timestamp>,
    /// Until when; until it is ended without one.
    #[arg(long)]
    until: Option<jiff::Timestamp>,
}

impl Words {
    fn body(&self) -> Result<Map<String, Value>, Failure> {
        let states: Vec<_> = self.states.iter().map(|one| one.to_uppercase()).collect();
        let area = json!({"products": self.products, "states": states, "zones": self.zones,
            "sites": self.sites, "counties": self.counties, "polygon": self.ring()?});
        let mut body = Map::new();
        body.insert("text".into(), json!(self.text));
        body.insert("severity".into(), json!(self.severity));
        body.insert("area".into(), area);
        body.insert("from".into(), json!(self.from));
        body.insert("until".into(), json!(self.until));
        Ok(body)
    }

    fn ring(&self) -> Result<Vec<Point>, Failure> {
        let Some(file) = &self.polygon else {
            return Ok(vec![]);
        };
        let failed = |e: &dyn std::fmt::Display| {
            Failure::new(format!("could not read {}: {e}", file.display()))
        };
        let text = std::fs::read_to_string(file).map_err(|e| failed(&e))?;
        let ring = place::read_ring(&text).map_err(|e| failed(&e))?;
        // An empty list would mean everywhere.
        place::check_ring(&ring).map_err(|e| failed(&e))?;
        Ok(ring)
    }
}

impl Banner {
    pub(crate) async fn run(self, output: Options) -> Result<(), Failure> {
        match self {
            Self::List { server } => {
                let list = server.client()?.get("/api/v1/banners").await?;
                output.print(&list, |list| {
                    lines(&list["banners"], "There are no banners.", line)
                });
            }
            Self::Add {
                words,
                preview,
                server,
            } => {
                let mut body = words.body()?;
                body.insert("preview".into(), json!(preview));
                let banner = server.client()?.post("/api/v1/banners", &body).await?;
                let done = if preview { "Would add" } else { "Added" };
                output.print(&banner, |one| format!("{done}: {}", line(one)));
            }
            Self::Change { id, words, server } => {
                let path = format!("/api/v1/banners/{id}");
                let banner = server.client()?.put(&path, &words.body()?).await?;
                output.print(&banner, |one| format!("Changed: {}", line(one)));
            }
            Self::End { id, server } => {
                let path = format!("/api/v1/banners/{id}/end");
                let banner = server.client()?.post(&path, &json!({})).await?;
                output.print(&banner, |one| format!("Ended: {}", line(one)));
            }
        }
        Ok(())
    }
}

fn line(banner: &Value) -> String {
    let stands = if banner["stands"] == true {
        "stands"
    } else {
        "does not stand"
    };
    let mut words = format!(
        "{}  {} on {} sites, {stands}: {}",
        text(&banner["id"]),
        text(&banner["severity"]),
        banner["sites"],
        text(&banner["text"])
    );
    if let Some(unknown @ 1..) = banner["without_point"].as_u64() {
        words +=
            &format!("\n{unknown} sites have no coordinates and cannot be inside a drawn area");
    }
    let products = banner["left_out"].as_array().into_iter().flatten();
    let products: Vec<_> = products.map(text).collect();
    if !products.is_empty() {
        words += &format!(
            "\nits sites of {} do not show it: their banners together are too long for them",
            products.join(", ")
        );
    }
    words
}
