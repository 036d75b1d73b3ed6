//! `lamplighter agent tuf-client`: the agent's verification, on any TUF repository, with the command
//! line that the public conformance suite calls.

use std::path::PathBuf;

use agent::{Folder, Mirror};
use clock::Clock;
use url::Url;

use crate::output::{Failure, Options};

/// The largest root file is far smaller.
const ROOT_FILE_BYTES_MAX: u64 = 1 << 20;
const TARGETS_MAX: usize = 1_000;

#[derive(clap::Args)]
pub(crate) struct TufClient {
    /// Where trusted metadata is kept, one file for each role. Created if missing.
    #[arg(long)]
    metadata_dir: PathBuf,
    /// Where the repository's metadata lies.
    #[arg(long)]
    metadata_url: Option<Url>,
    /// The target to download; repeat it for more.
    #[arg(long = "target-name")]
    target_names: Vec<String>,
    /// Where the repository's target files lie.
    #[arg(long)]
    target_base_url: Option<Url>,
    /// Where downloaded targets are kept. Created if missing.
    #[arg(long)]
    target_dir: Option<PathBuf>,
    #[command(subcommand)]
    act: Act,
}

#[derive(clap::Subcommand)]
enum Act {
    /// Trust a root file that came by a safe way.
    Init {
        /// The file.
        trusted_root: PathBuf,
    },
    /// Bring root, timestamp, snapshot and targets up to date.
    Refresh,
    /// Refresh, then download targets and check them.
    Download,
}

impl TufClient {
    pub(crate) async fn run(self, output: Options) -> Result<(), Failure> {
        match &self.act {
            Act::Init { trusted_root } => {
                let root = read(trusted_root)?;
                Folder::open(&self.metadata_dir)?.init(&root)?;
                let said = serde_json::json!({"metadata_dir": self.metadata_dir});
                output.print(&said, |_| "The root is trusted.".into());
            }
            Act::Refresh => {
                let version = self.refreshed().await?.version();
                let said = serde_json::json!({"version": version});
                output.print(&said, |_| {
                    format!("Repository version {version} is trusted.")
                });
            }
            Act::Download => {
                let files = self.download().await?;
                output.print(&serde_json::json!({"files": files}), |_| {
                    let files = files.iter().map(|file| file.display().to_string());
                    files.collect::<Vec<_>>().join("\n")
                });
            }
        }
        Ok(())
    }

    async fn refreshed(&self) -> Result<Mirror, Failure> {
        let url = given(self.metadata_url.as_ref(), "--metadata-url")?;
        let folder = Folder::open(&self.metadata_dir)?;
        let mut mirror = Mirror::open(folder, url, Clock::system())?;
        mirror.refresh().await?;
        Ok(mirror)
    }

    /// Target after target; ends at the first that fails.
    async fn download(&self) -> Result<Vec<PathBuf>, Failure> {
        let from = given(self.target_base_url.as_ref(), "--target-base-url")?;
        let into = given(self.target_dir.as_ref(), "--target-dir")?;
        given(self.target_names.first(), "--target-name")?;
        if self.target_names.len() > TARGETS_MAX {
            return Err(Failure::new(format!(
                "at most {TARGETS_MAX} targets are downloaded at once"
            )));
        }
        let mut mirror = self.refreshed().await?;
        let mut files = vec![];
        for name in &self.target_names {
            files.push(mirror.download(name, from, into).await?);
        }
        Ok(files)
    }
}

fn given<'a, T>(value: Option<&'a T>, argument: &str) -> Result<&'a T, Failure> {
    value.ok_or_else(|| Failure::new(format!("this needs {argument}")))
}

fn read(file: &PathBuf) -> Result<Vec<u8>, Failure> {
    let fail =
        |reason: String| Failure::new(format!("could not read {}: {reason}", file.display()));
    let length = std::fs::metadata(file)
        .map_err(|e| fail(e.to_string()))?
        .len();
    if length > ROOT_FILE_BYTES_MAX {
        return Err(fail(format!(
            "it has {length} bytes; a root has at most {ROOT_FILE_BYTES_MAX}"
        )));
    }
    std::fs::read(file).map_err(|e| fail(e.to_string()))
}
