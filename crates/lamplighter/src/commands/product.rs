//! `lamplighter product`: what sites run, and how they are reached.

use std::path::PathBuf;

use domain::name::ProductName;
use serde_json::{Value, json};

use crate::client::{Client, Server};
use crate::input::read_secret;
use crate::output::{Failure, Options, lines, text};

const PATH: &str = "/api/v1/products";

/// Show and change how the sites of a product are reached and paced.
#[derive(clap::Subcommand)]
pub(crate) enum Product {
    /// List products.
    List {
        #[command(flatten)]
        server: Server,
    },
    /// Show the settings of a product.
    Show {
        /// The product.
        name: ProductName,
        #[command(flatten)]
        server: Server,
    },
    /// Add a product, or change those of its settings that are given.
    Set {
        /// The product.
        name: ProductName,
        #[command(flatten)]
        settings: Settings,
        #[command(flatten)]
        server: Server,
    },
}

/// Settings to change; an empty address takes it away.
#[derive(clap::Args)]
pub(crate) struct Settings {
    /// Takes actions for sites without an agent.
    #[arg(long)]
    webhook_url: Option<String>,
    /// A file with the secret that signs them, whsec_…; - reads it from standard input.
    #[arg(long, value_name = "FILE")]
    webhook_secret_file: Option<PathBuf>,
    /// Answers with the origin's load, which paces campaigns.
    #[arg(long)]
    telemetry_url: Option<String>,
    /// The origin's 95th percentile of latency when idle.
    #[arg(long)]
    idle_p95_seconds: Option<f64>,
    /// The promised 95th percentile of latency.
    #[arg(long)]
    promise_p95_seconds: Option<f64>,
    /// Connects to this host:port for every site instead of the site's own address.
    #[arg(long)]
    connect: Option<String>,
    /// Where a sign-in starts on every site, such as /sign-in.
    #[arg(long)]
    sign_in_path: Option<String>,
}

impl Product {
    pub(crate) async fn run(self, output: Options) -> Result<(), Failure> {
        match self {
            Self::List { server } => {
                let products = server.client()?.get(PATH).await?;
                output.print(&products, |products| {
                    lines(products, "No products.", |one| text(&one["name"]).into())
                });
            }
            Self::Show { name, server } => {
                let product = find(&server.client()?, &name).await?;
                let product = product.ok_or_else(|| {
                    Failure::new(format!(
                        "there is no product {name}; `lamplighter product list` shows them"
                    ))
                })?;
                output.print(&product, shown);
            }
            Self::Set {
                name,
                settings,
                server,
            } => {
                let client = server.client()?;
                let before = find(&client, &name).await?.unwrap_or_else(|| json!({}));
                let body = settings.onto(before)?;
                let done = client.put(&format!("{PATH}/{name}"), &body).await?;
                output.print(&done, |_| format!("Saved product {name}."));
            }
        }
        Ok(())
    }
}

async fn find(client: &Client, name: &ProductName) -> Result<Option<Value>, Failure> {
    let products = client.get(PATH).await?;
    let mut products = products.as_array().into_iter().flatten();
    Ok(products
        .find(|one| text(&one["name"]) == name.as_str())
        .cloned())
}

impl Settings {
    /// The settings as they were, with those that are given changed. The server keeps a webhook
    /// secret that is not sent.
    fn onto(self, mut before: Value) -> Result<Value, Failure> {
        let secret = self.webhook_secret_file.as_deref();
        let secret = secret.map(read_secret).transpose()?;
        let address =
            |given: Option<String>| given.map(|one| json!((!one.is_empty()).then_some(one)));
        let given = [
            ("webhook_url", address(self.webhook_url)),
            ("telemetry_url", address(self.telemetry_url)),
            ("connect", address(self.connect)),
            ("idle_p95_seconds", self.idle_p95_seconds.map(Value::from)),
            (
                "promise_p95_seconds",
                self.promise_p95_seconds.map(Value::from),
            ),
            ("sign_in_path", self.sign_in_path.map(Value::from)),
            ("webhook_secret", secret.map(Value::from)),
        ];
        if let Some(settings) = before.as_object_mut() {
            // The name stands in the path.
            settings.remove("name");
        }
        for (name, value) in given {
            if let Some(value) = value {
                before[name] = value;
            }
        }
        Ok(before)
    }
}

fn shown(product: &Value) -> String {
    let settings = product.as_object().into_iter().flatten();
    let line = |(name, value): (&String, &Value)| match value {
        Value::Null => format!("{name:<20} none\n"),
        Value::String(text) => format!("{name:<20} {text}\n"),
        other => format!("{name:<20} {other}\n"),
    };
    settings.map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_given_changes_and_an_empty_address_is_none() {
        let settings = Settings {
            webhook_url: Some(String::new()),
            webhook_secret_file: None,
            telemetry_url: None,
            idle_p95_seconds: None,
            promise_p95_seconds: Some(2.0),
            connect: Some("127.0.0.1:80".into()),
            sign_in_path: None,
        };
        let before = json!({"name": "a", "webhook_url": "http://b.example/", "telemetry_url": null,
            "idle_p95_seconds": 0.5, "promise_p95_seconds": 1.0, "sign_in_path": "/in"});
        let after = json!({"webhook_url": null, "telemetry_url": null, "idle_p95_seconds": 0.5,
            "promise_p95_seconds": 2.0, "sign_in_path": "/in", "connect": "127.0.0.1:80"});
        assert_eq!(settings.onto(before).ok().unwrap(), after);
    }
}
