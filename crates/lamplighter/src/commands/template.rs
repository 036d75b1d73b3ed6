//! `lamplighter template`: the typed texts that updates are made from.

use serde_json::Value;

use crate::client::Server;
use crate::output::{Failure, Options, lines, text};

/// List the texts that updates are made from.
#[derive(clap::Subcommand)]
pub(crate) enum Template {
    /// List templates with their gaps.
    List {
        #[command(flatten)]
        server: Server,
    },
}

impl Template {
    pub(crate) async fn run(self, output: Options) -> Result<(), Failure> {
        let Self::List { server } = self;
        let list = server.client()?.get("/api/v1/templates").await?;
        output.print(&list, |list| lines(list, "No templates.", shown));
        Ok(())
    }
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
        format!("\n    {name}: {kind}, {required}")
    });
    let (name, words) = (text(&template["name"]), text(&template["text"]));
    let words = words.replace('\n', "\n  ");
    format!("{name}{}\n  {words}\n", gaps.collect::<String>())
}
