//! `lamplighter keys`: the keys that sign config for agents.

mod file;
mod root;

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::client::Server;
use crate::output::{Failure, Options, text};

/// Make, show and rotate the keys that sign config for agents. Those that sign people in are `lamplighter key`.
#[derive(clap::Subcommand)]
pub(crate) enum Keys {
    /// Make a key for root, on a machine that needs no server and no network. Its public half is written beside it.
    Create {
        /// Where the private key is written, for its owner only. It must not exist yet.
        #[arg(long)]
        out: PathBuf,
        /// A file with a password that encrypts the private key; `-` for standard input.
        #[arg(long)]
        password_file: Option<PathBuf>,
    },
    /// Show who signs what, which keys are on the server, and until when what they signed is good.
    Show {
        #[command(flatten)]
        server: Server,
    },
    /// Give a role a new key, which the server makes and keeps. Where root is signed elsewhere, the new key waits for
    /// a root that names it, and that root is written to be signed.
    Rotate {
        /// root, targets, documents, snapshot or timestamp.
        #[arg(value_parser = ["root", "targets", "documents", "snapshot", "timestamp"])]
        role: String,
        /// Where the root that is to be signed is written, where root is signed elsewhere.
        #[arg(long, default_value = "root-draft.json")]
        out: PathBuf,
        #[command(flatten)]
        server: Server,
    },
    /// Draft, sign and publish a root whose keys are elsewhere.
    #[command(subcommand)]
    Root(root::RootCommand),
}

impl Keys {
    pub(crate) async fn run(self, output: Options) -> Result<(), Failure> {
        match self {
            Self::Create { out, password_file } => {
                let made = file::create(&out, password_file.as_deref())?;
                output.print(&made, |made| {
                    let (id, public) = (text(&made["id"]), text(&made["public_file"]));
                    format!(
                        "Key {id}\n{}\nIts public half is in {public}.",
                        made["public"]
                    )
                });
            }
            Self::Show { server } => {
                let keys = server.client()?.get("/api/v1/repository/keys").await?;
                output.print(&keys, shown);
            }
            Self::Rotate { role, out, server } => rotate(&role, &out, &server, output).await?,
            Self::Root(root) => root.run(output).await?,
        }
        Ok(())
    }
}

async fn rotate(
    role: &str,
    out: &std::path::Path,
    server: &Server,
    output: Options,
) -> Result<(), Failure> {
    let client = server.client()?;
    let keys = client.get("/api/v1/repository/keys").await?;
    let roles = keys["roles"].as_array().into_iter().flatten();
    let old = roles.into_iter().find(|one| one["role"] == role);
    let old = old.map_or("", |one| text(&one["keys"][0]["id"]));
    let body = json!({"role": role, "replaces": old});
    let done = client.post("/api/v1/repository/keys", &body).await?;
    let version = &done["root_version"];
    let Some(draft) = done["draft"].as_str() else {
        output.print(&done, |done| {
            let key = text(&done["key"]);
            format!("{role} is signed by key {key} from now on; root version {version}.")
        });
        return Ok(());
    };
    root::write_draft(out, draft)?;
    output.print(&done, |_| {
        let out = out.display();
        format!(
            "A new key of {role} waits. Root version {version} names it: {out} is to be signed by root's keys, \
             then published."
        )
    });
    Ok(())
}

fn shown(keys: &Value) -> String {
    let place = match &keys["root_elsewhere"] {
        Value::Bool(true) => "signed elsewhere",
        _ => "signed on the server",
    };
    let (version, expires) = (&keys["root_version"], text(&keys["root_expires"]));
    let mut said = format!("root version {version}, {place}, good until {expires}");
    for ending in keys["endings"].as_array().into_iter().flatten() {
        said += &warning(text(&ending["what"]), text(&ending["until"]));
    }
    for role in keys["roles"].as_array().into_iter().flatten() {
        let (name, threshold) = (text(&role["role"]), &role["threshold"]);
        let all = role["keys"].as_array().map_or(0, Vec::len);
        said += &format!("\n{name:<10} {threshold} of {all}");
        for key in role["keys"].as_array().into_iter().flatten() {
            let here = if key["here"] == true {
                "here"
            } else {
                "elsewhere"
            };
            said += &format!("\n  {} {here}", text(&key["id"]));
        }
        if let Some(waiting) = role["waiting"].as_str() {
            said += &format!("\n  {waiting} waits for a root that names it");
        }
    }
    for file in keys["files"].as_array().into_iter().flatten() {
        let (role, version) = (text(&file["role"]), &file["version"]);
        said += &format!(
            "\n{role} version {version}, good until {}",
            text(&file["expires"])
        );
    }
    said
}

/// What ends soon, and what to do about it.
fn warning(what: &str, until: &str) -> String {
    let act = match what {
        "root_elsewhere" => "draft, sign and publish the next root before that",
        "root" => "the server could not sign the next root: look into its log",
        _ => "the server could not sign its metadata anew: look into its log",
    };
    format!("\nWARNING: config ends at {until}, {act}; agents take none after it")
}
