//! `lamplighter template`: the texts that updates are made from.

use std::path::PathBuf;

use serde_json::{Map, Value, json};

use crate::client::Server;
use crate::commands::incident::{counted, values};
use crate::input::read_json;
use crate::output::{Failure, Options, lines, text};

/// List and keep the texts that updates are made from.
#[derive(clap::Subcommand)]
pub(crate) enum Template {
    /// List the templates with their gaps.
    List {
        #[command(flatten)]
        server: Server,
    },
    /// Show a template, and every version of one of your own.
    Show {
        /// Its name.
        name: String,
        #[command(flatten)]
        server: Server,
    },
    /// Keep the next version of a template of your own.
    Set {
        /// Its name.
        name: String,
        /// JSON: {"text", "placeholders": [{"name", "kind", "required", "default", "calendar"}], "state",
        /// "promise": ["next_update", GAP]}; the gap of a promise may name the business calendar that it
        /// is counted on; - reads standard input.
        file: PathBuf,
        /// The version that it follows: refused when there is another one; 0 for the first.
        #[arg(long)]
        follows: Option<u32>,
        #[command(flatten)]
        server: Server,
    },
    /// Say what a template would say, and keep nothing.
    Preview {
        /// As for `set`.
        file: PathBuf,
        /// Fills a gap: `--value estimate="4 business hours"`. JSON is read as such.
        #[arg(long = "value", value_name = "GAP=VALUE")]
        values: Vec<String>,
        #[command(flatten)]
        server: Server,
    },
    /// Withdraw a template of your own: no update is made from it any more.
    Withdraw {
        /// Its name.
        name: String,
        #[command(flatten)]
        server: Server,
    },
}

impl Template {
    pub(crate) async fn run(self, output: Options) -> Result<(), Failure> {
        match self {
            Self::List { server } => {
                let list = server.client()?.get("/api/v1/templates").await?;
                output.print(&list, |list| lines(list, "No templates.", shown));
            }
            Self::Show { name, server } => {
                let found = server.client()?.get(&path(&name)).await?;
                output.print(&found, |found| {
                    let versions = lines(&found["versions"], "", version);
                    match &found["template"] {
                        Value::Null => format!("{name} is withdrawn.\n{versions}"),
                        template => format!("{}\n{versions}", shown(template)),
                    }
                });
            }
            Self::Set {
                name,
                file,
                follows,
                server,
            } => {
                let mut template: Map<String, Value> = read_json(&file)?;
                if let Some(follows) = follows {
                    template.insert("follows".into(), json!(follows));
                }
                let saved = server.client()?.put(&path(&name), &template).await?;
                output.print(&saved, |saved| format!("Kept.\n{}", shown(saved)));
            }
            Self::Preview {
                file,
                values: given,
                server,
            } => {
                let template: Value = read_json(&file)?;
                let body = json!({"template": template, "values": values(&given)?});
                let path = "/api/v1/templates/preview";
                let filled = server.client()?.post(path, &body).await?;
                output.print(&filled, |filled| {
                    let body = text(&filled["body"]);
                    match counted(&filled["calendar"]) {
                        calendar if calendar.is_empty() => body.to_owned(),
                        calendar => {
                            format!(
                                "{body}\nPromises: {}{calendar}",
                                text(&filled["promise"][0])
                            )
                        }
                    }
                });
            }
            Self::Withdraw { name, server } => {
                let path = format!("{}/withdraw", path(&name));
                let done = server.client()?.post(&path, &json!({})).await?;
                output.print(&done, |_| format!("{name} is withdrawn."));
            }
        }
        Ok(())
    }
}

/// Names have spaces.
fn path(name: &str) -> String {
    let mut url = url::Url::parse("http://x/api/v1/templates").ok();
    if let Some(mut parts) = url.as_mut().and_then(|url| url.path_segments_mut().ok()) {
        parts.push(name);
    }
    url.map_or_else(String::new, |url| url.path().to_owned())
}

fn version(version: &Value) -> String {
    let what = match &version["draft"] {
        Value::Null => "withdrawn",
        _ => "saved",
    };
    format!(
        "version {} {what} by {} at {}",
        version["version"],
        text(&version["saved_by"]),
        text(&version["saved_at"])
    )
}

fn shown(template: &Value) -> String {
    let gaps = template["placeholders"].as_array().into_iter().flatten();
    let gaps = gaps.map(|gap| {
        let (name, kind) = (text(&gap["name"]), text(&gap["kind"]));
        let required = if gap["required"] == true && gap["default"].is_null() {
            "required"
        } else {
            "optional"
        };
        let calendar = counted(&gap["calendar"]);
        format!("\n    {name}: {kind}, {required}{calendar}")
    });
    let (name, words) = (text(&template["name"]), text(&template["text"]));
    let words = words.replace('\n', "\n  ");
    format!("{name}{}\n  {words}\n", gaps.collect::<String>())
}
