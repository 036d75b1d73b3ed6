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
/// `PRODUCT/SERVICE/DOCUMENT`, below the folder of the documents.
const TARGETS_DEEP: usize = 3;
/// What a copy that was killed may leave begins so.
const UNFINISHED: &str = ".lamplighter-";
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
        /// Created if missing. Files of earlier exports in its `repository` and `targets` are removed when they are
        /// listed no more; files with other names are left alone.
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
    let (metadata, targets) = (folder.join(METADATA), folder.join(TARGETS));
    copied.removed += remove_others(&metadata, 0, is_metadata, &named)?;
    copied.removed += remove_others(&targets, TARGETS_DEEP, is_target, &named)?;
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
    let mut fresh = tempfile::Builder::new()
        .prefix(UNFINISHED)
        .tempfile_in(folder)?;
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

/// `VERSION.ROLE.json`.
fn is_metadata(name: &str) -> bool {
    let parts = name.split_once('.');
    let parts = parts.and_then(|(version, rest)| Some((version, rest.strip_suffix(".json")?)));
    parts.is_some_and(|(version, role)| version.parse::<u64>().is_ok() && !role.is_empty())
}

/// `SHA256.VERSION.json`, with more between them for layers and shards.
fn is_target(name: &str) -> bool {
    let hash = name.split_once('.').map_or("", |(hash, _)| hash);
    hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) && name.ends_with(".json")
}

/// Removes what copies made and the list names no more. The folder may be a web server's, with files of others.
fn remove_others(
    folder: &Path,
    deep: usize,
    is_made: fn(&str) -> bool,
    named: &BTreeSet<PathBuf>,
) -> Result<usize, Failure> {
    let mut removed = 0;
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Ok(0);
    };
    for entry in entries {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            if deep > 0 {
                removed += remove_others(&path, deep - 1, is_made, named)?;
            }
            continue;
        }
        let name = entry.file_name();
        let is_ours = |name: &str| name.starts_with(UNFINISHED) || is_made(name);
        if named.contains(&path) || !name.to_str().is_some_and(is_ours) {
            continue;
        }
        let age = entry.metadata()?.modified()?.elapsed();
        if age.is_ok_and(|age| age > KEPT_FOR) {
            std::fs::remove_file(&path)?;
            removed += 1;
        }
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_copy_can_have_made_is_removed_after_an_hour_and_nothing_else() {
        let top = tempfile::tempdir().unwrap();
        let hash = "ab".repeat(32);
        let made = [
            "repository/3.snapshot.json".to_owned(),
            "repository/12.web.sign-in.json".into(),
            format!("targets/web/sign-in/links/{hash}.4.json"),
            format!("targets/web/sign-in/links/{hash}.zone-1.4.json"),
            format!("targets/web/_sites-0-0/{hash}.0.json"),
            "targets/web/sign-in/links/.lamplighter-Ab12Cd".into(),
        ];
        let of_others = [
            "repository/timestamp.json".to_owned(),
            "repository/.htaccess".into(),
            "repository/index.html".into(),
            "repository/3.json".into(),
            "repository/before/3.snapshot.json".into(),
            "targets/web/sign-in/links/README".into(),
            "targets/web/sign-in/links/4.json".into(),
            format!("targets/web/sign-in/links/old/{hash}.4.json"),
            format!("{hash}.4.json"),
        ];
        let now = format!("targets/web/sign-in/links/{hash}.5.json");
        let fresh = format!("targets/web/sign-in/links/{hash}.6.json");
        let all = made.iter().chain(&of_others).chain([&now, &fresh]);
        for name in all {
            let path = top.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            let file = std::fs::File::create(&path).unwrap();
            if *name != fresh {
                let before = file.metadata().unwrap().modified().unwrap() - KEPT_FOR * 2;
                file.set_modified(before).unwrap();
            }
        }
        let named = BTreeSet::from([top.path().join(&now)]);
        let (metadata, targets) = (top.path().join(METADATA), top.path().join(TARGETS));
        let mut removed = remove_others(&metadata, 0, is_metadata, &named).unwrap();
        removed += remove_others(&targets, TARGETS_DEEP, is_target, &named).unwrap();
        assert_eq!(removed, made.len());
        let is_there = |name: &&String| top.path().join(name).exists();
        assert_eq!(made.iter().find(is_there), None);
        let mut kept = of_others.iter().chain([&now, &fresh]);
        assert_eq!(kept.find(|name| !is_there(name)), None);
    }
}
