//! `lamplighter follower`: who is told of incidents.

use domain::language::Language;
use serde_json::{Value, json};

use crate::client::Server;
use crate::input::Limit;
use crate::output::{Failure, Options, lines, text};

/// See and end what followers follow, and add webhooks.
#[derive(clap::Subcommand)]
pub(crate) enum Follower {
    /// List followers, oldest first.
    List {
        #[command(flatten)]
        limit: Limit,
        /// Go on after this follower.
        #[arg(long)]
        after: Option<uuid::Uuid>,
        #[command(flatten)]
        server: Server,
    },
    /// Add a webhook. People follow by e-mail on the page /follow.
    Add {
        /// Where it is told: http or https.
        url: String,
        /// standard, statuspage, slack or teams.
        #[arg(long)]
        shape: String,
        /// Signs a standard one (`whsec_…`); one is drawn and shown without.
        #[arg(long, env = "LAMPLIGHTER_FOLLOWER_SECRET", hide_env_values = true)]
        secret: Option<String>,
        /// Only incidents of this product.
        #[arg(long)]
        product: Option<String>,
        /// Only incidents of this customer, by name.
        #[arg(long)]
        organization: Option<String>,
        /// Only incidents of this site.
        #[arg(long)]
        site: Option<String>,
        /// The language of what a person reads in it: en or es.
        #[arg(long, default_value = "en")]
        language: Language,
        #[command(flatten)]
        server: Server,
    },
    /// End a following.
    End {
        /// The follower.
        id: uuid::Uuid,
        #[command(flatten)]
        server: Server,
    },
}

impl Follower {
    pub(crate) async fn run(self, output: Options) -> Result<(), Failure> {
        match self {
            Self::List {
                limit,
                after,
                server,
            } => {
                let after = after.map_or_else(String::new, |after| format!("&after={after}"));
                let path = format!("/api/v1/followers?limit={}{after}", limit.limit);
                let list = server.client()?.get(&path).await?;
                output.print(&list, |list| {
                    lines(&list["followers"], "Nobody follows.", line)
                });
            }
            Self::Add {
                url,
                shape,
                secret,
                product,
                organization,
                site,
                language,
                server,
            } => {
                let body = json!({"url": url, "shape": shape, "secret": secret, "product": product,
                    "organization": organization, "site": site, "language": language});
                let added = server.client()?.post("/api/v1/followers", &body).await?;
                output.print(&added, |one| match one["secret"].as_str() {
                    Some(secret) => format!("Added: {}\nSigned with {secret}", line(one)),
                    None => format!("Added: {}", line(one)),
                });
            }
            Self::End { id, server } => {
                let path = format!("/api/v1/followers/{id}/end");
                let ended = server.client()?.post(&path, &json!({})).await?;
                output.print(&ended, |_| format!("Follower {id} is forgotten."));
            }
        }
        Ok(())
    }
}

fn line(one: &Value) -> String {
    let [id, channel, address, language, about] =
        ["id", "channel", "address", "language", "about"].map(|part| text(&one[part]));
    let asked = if one["confirmed_at"].is_null() {
        " (asked, no answer yet)"
    } else {
        ""
    };
    format!("{id}  {channel}  {address}  {language}  {about}{asked}")
}
