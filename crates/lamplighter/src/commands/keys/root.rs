//! `lamplighter keys root`: a root is drafted at the server, signed on other machines, published at the server.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tuf::{DetachedSignature, RootSays, Unsigned};

use super::file;
use crate::client::Server;
use crate::input;
use crate::output::{Failure, Options};

/// What to do with a root.
#[derive(clap::Subcommand)]
pub(crate) enum RootCommand {
    /// Draft the next root. Without keys those that sign it now go on, for a longer time.
    Draft {
        /// The public half of a key that shall sign root, as `keys create` wrote it; repeat it for more.
        #[arg(long = "key", requires = "threshold")]
        keys: Vec<PathBuf>,
        /// How many of the keys must sign.
        #[arg(long, requires = "keys")]
        threshold: Option<u64>,
        /// For how many days it is good.
        #[arg(long, default_value_t = 365)]
        days: u32,
        /// Where it is written.
        #[arg(long, default_value = "root-draft.json")]
        out: PathBuf,
        #[command(flatten)]
        server: Server,
    },
    /// Say what a draft says, and sign it. Needs no server and no network.
    Sign {
        /// The draft.
        draft: PathBuf,
        /// The private key.
        #[arg(long)]
        key: PathBuf,
        /// A file with the password of the key; `-` for standard input.
        #[arg(long)]
        password_file: Option<PathBuf>,
        /// Where the signature is written.
        #[arg(long)]
        out: PathBuf,
    },
    /// Publish a draft with the signatures that were made elsewhere. The server adds its own if it has a key of root.
    Publish {
        /// The draft.
        draft: PathBuf,
        /// A signature; repeat it for more.
        #[arg(long = "signature")]
        signatures: Vec<PathBuf>,
        #[command(flatten)]
        server: Server,
    },
}

impl RootCommand {
    pub(crate) async fn run(self, output: Options) -> Result<(), Failure> {
        match self {
            Self::Draft {
                keys,
                threshold,
                days,
                out,
                server,
            } => {
                let keys: Result<Vec<Value>, _> =
                    keys.iter().map(|key| input::read_json(key)).collect();
                let body = json!({"keys": keys?, "threshold": threshold, "days": days});
                let path = "/api/v1/repository/roots/drafts";
                let made = server.client()?.post(path, &body).await?;
                let draft = made["draft"].as_str().unwrap_or_default();
                write_draft(&out, draft)?;
                let says = said(draft.as_bytes())?;
                output.print(&made, |_| {
                    format!("{says}\n{} is to be signed by root's keys.", out.display())
                });
            }
            Self::Sign {
                draft,
                key,
                password_file,
                out,
            } => {
                let payload = input::read(&draft)?;
                let unsigned = Unsigned::read_root(&payload);
                let unsigned =
                    unsigned.map_err(|e| Failure::new(format!("{}: {e}", draft.display())))?;
                let key = file::open(&key, password_file.as_deref())?;
                let signature = unsigned.sign(&key);
                file::write_new(&out, &serde_json::to_vec(&signature)?, 0o644)?;
                let says = said(&payload)?;
                output.print(&signature, |signature| {
                    let id = &signature.keyid;
                    format!("{says}\nSigned with key {id}: {}.", out.display())
                });
            }
            Self::Publish {
                draft,
                signatures,
                server,
            } => {
                let payload = String::from_utf8_lossy(&input::read(&draft)?).into_owned();
                let read = |file: &PathBuf| input::read_json::<DetachedSignature>(file);
                let signatures: Vec<_> = signatures.iter().map(read).collect::<Result<_, _>>()?;
                let body = json!({"draft": payload, "signatures": signatures});
                let done = server
                    .client()?
                    .post("/api/v1/repository/roots", &body)
                    .await?;
                output.print(&done, |done| {
                    format!("Root version {} is published.", done["root_version"])
                });
            }
        }
        Ok(())
    }
}

/// Replaces the draft that may lie there.
pub(super) fn write_draft(out: &Path, draft: &str) -> Result<(), Failure> {
    let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut fresh = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
    fresh.write_all(draft.as_bytes())?;
    fresh.persist(out).map_err(|e| e.error)?;
    Ok(())
}

/// What a root says, for whoever is about to sign it.
fn said(payload: &[u8]) -> Result<String, Failure> {
    let says = RootSays::read(payload).map_err(|e| Failure::new(e.to_string()))?;
    let mut text = format!("Root version {}, good until {}", says.version, says.expires);
    for (name, role) in says.roles() {
        text += &format!("\n{name}: {} of", role.threshold);
        for key in &role.keys {
            text += &format!("\n  {}", key.id());
        }
    }
    Ok(text)
}
