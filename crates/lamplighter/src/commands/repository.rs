//! `lamplighter repository`: a static copy of the signed repository, which any web server can serve.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clock::Clock;

use crate::client::{Client, Server};
use crate::output::{Failure, Options, text};

/// The metadata, below the folder of an export.
const METADATA: &str = "repository";
/// The documents, below the folder of an export.
const TARGETS: &str = "targets";
/// The repository may move on while it is copied: then it is copied again.
const TRIES_MAX: u32 = 5;
/// What the list names no more stays this long, for clients in the middle of an update.
const KEPT_FOR: Duration = Duration::from_secs(3_600);

/// Copy the signed repository.
#[derive(clap::Subcommand)]
pub(crate) enum Repository {
    /// Write the signed repository into a folder that any web server can serve to agents as a mirror. What
    /// they read there is as safe as what the server sends: it is signed.
    Export {
        /// Created if missing. `repository` and `targets` in it are Lamplighter's.
        folder: PathBuf,
        /// Go on, and copy again after so many seconds: a copy says when it was fresh, and agents that
        /// read an old one say STALE.
        #[arg(long, value_parser = clap::value_parser!(u64).range(1..=86_400))]
        every: Option<u64>,
        #[command(flatten)]
        server: Server,
    },
}

/// What a copy did.
#[derive(Default)]
struct Copied {
    version: u64,
    written: usize,
    removed: usize,
}

impl Repository {
    pub(crate) async fn run(self, output: Options) -> Result<(), Failure> {
        let Self::Export {
            folder,
            every,
            server,
        } = self;
        let client = server.client()?;
        loop {
            let copied = copy(&client, &folder).await;
            let Some(every) = every else {
                say(&copied?, &folder, output);
                return Ok(());
            };
            // A mirror outlives a server that restarts: what is there is served on.
            match copied {
                Ok(copied) => say(&copied, &folder, output),
                Err(failure) => drop(failure.report(output)),
            }
            Clock::system().sleep(Duration::from_secs(every)).await;
        }
    }
}

fn say(copied: &Copied, folder: &Path, output: Options) {
    let Copied {
        version,
        written,
        removed,
    } = copied;
    let done = serde_json::json!({"version": version, "written": written, "removed": removed});
    output.print(&done, |_| {
        let folder = folder.display();
        format!("Version {version} is in {folder}: {written} files written, {removed} removed.")
    });
}

async fn copy(client: &Client, folder: &Path) -> Result<Copied, Failure> {
    let mut tries = 1;
    loop {
        match copy_once(client, folder).await {
            Err(_) if tries < TRIES_MAX => tries += 1,
            outcome => return outcome,
        }
    }
}

/// Documents before the metadata that names them, and the timestamp last: whoever reads in the middle reads
/// the version before.
async fn copy_once(client: &Client, folder: &Path) -> Result<Copied, Failure> {
    let list = client.get("/api/v1/repository").await?;
    let mut copied = Copied {
        version: list["version"].as_u64().unwrap_or(0),
        ..Copied::default()
    };
    let mut named = BTreeSet::new();
    for target in list["targets"].as_array().into_iter().flatten() {
        let name = text(&target["file"]);
        let file = below(&folder.join(TARGETS), name)?;
        // Its name has its hash: a file that is there is the file.
        if !file.exists() {
            let path = format!("/api/v1/repository/targets/{name}");
            write(&file, &client.get_bytes(&path).await?)?;
            copied.written += 1;
        }
        named.insert(file);
    }
    for name in list["metadata"].as_array().into_iter().flatten().map(text) {
        let file = below(&folder.join(METADATA), name)?;
        if name == "timestamp.json" || !file.exists() {
            let path = format!("/api/v1/repository/metadata/{name}");
            write(&file, &client.get_bytes(&path).await?)?;
            copied.written += 1;
        }
        named.insert(file);
    }
    for part in [METADATA, TARGETS] {
        copied.removed += remove_others(&folder.join(part), &named)?;
    }
    Ok(copied)
}

/// A name of the list, as a file below `folder` and nowhere else.
fn below(folder: &Path, name: &str) -> Result<PathBuf, Failure> {
    let plain =
        |part: &str| !part.is_empty() && part != "." && part != ".." && !part.contains('\\');
    if name.split('/').all(plain) {
        return Ok(folder.join(name));
    }
    Err(Failure::new(format!(
        "the server lists a file named {name:?}, which is no name of a file"
    )))
}

fn write(file: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let folder = file.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut fresh = tempfile::NamedTempFile::new_in(folder)?;
    fresh.write_all(bytes)?;
    fresh.as_file().sync_all()?;
    // The web server runs as somebody else.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::Permissions::from_mode(0o644);
        fresh.as_file().set_permissions(mode)?;
    }
    fresh.persist(file).map_err(|e| e.error)?;
    Ok(())
}

fn remove_others(folder: &Path, named: &BTreeSet<PathBuf>) -> Result<usize, Failure> {
    let mut removed = 0;
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Ok(0);
    };
    for entry in entries {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            removed += remove_others(&path, named)?;
            continue;
        }
        let age = entry.metadata()?.modified()?.elapsed();
        if !named.contains(&path) && age.is_ok_and(|age| age > KEPT_FOR) {
            std::fs::remove_file(&path)?;
            removed += 1;
        }
    }
    Ok(removed)
}
