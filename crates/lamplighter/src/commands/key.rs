//! `lamplighter key`: the keys that sign ID tokens.

use serde_json::json;

use crate::client::Server;
use crate::output::{Failure, Options, lines, text};

/// Make, list and retire the keys that sign ID tokens.
#[derive(clap::Subcommand)]
pub(crate) enum Key {
    /// List the keys that are not retired, oldest first.
    List {
        #[command(flatten)]
        server: Server,
    },
    /// Make a key. It is `next`, and signs only for clients whose settings name it.
    Add {
        #[command(flatten)]
        server: Server,
    },
    /// Move a key to another state.
    Set {
        /// Its name.
        kid: String,
        /// next, active or retired. Retired is for good.
        #[arg(value_parser = ["next", "active", "retired"])]
        state: String,
        /// Without the time that sites need to learn of a key, or to forget what it signed: for a key that
        /// is not safe any more.
        #[arg(long)]
        at_once: bool,
        #[command(flatten)]
        server: Server,
    },
}

impl Key {
    pub(crate) async fn run(self, output: Options) -> Result<(), Failure> {
        match self {
            Self::List { server } => {
                let list = server.client()?.get("/api/v1/keys").await?;
                output.print(&list, |list| lines(&list["keys"], "No keys.", line));
            }
            Self::Add { server } => {
                let key = server.client()?.post("/api/v1/keys", &json!({})).await?;
                output.print(&key, line);
            }
            Self::Set {
                kid,
                state,
                at_once,
                server,
            } => {
                let path = format!("/api/v1/keys/{kid}/{state}");
                let body = json!({ "at_once": at_once });
                let done = server.client()?.post(&path, &body).await?;
                output.print(&done, |_| format!("Key {kid} is {state}."));
            }
        }
        Ok(())
    }
}

fn line(key: &serde_json::Value) -> String {
    format!("{}  {}", text(&key["kid"]), text(&key["state"]))
}
