//! A client of any TUF repository, on the code that agents verify with.
//!
//! Keeps each role at once when its checks have passed, one file each, as the specification has it
//! and as the public conformance suite looks for it. Knows nothing of documents, sites or tokens.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clock::Clock;
use reqwest::StatusCode;
use tuf::{Found, Interest, Trust, Update, Want};
use url::Url;

use crate::AgentError;
use crate::disk::Disk;
use crate::origin::{ANSWER_WITHIN, body, good, http, silent};
use crate::wire::Wire;

const ROOT: &str = "root.json";
/// A target is read into memory before it is believed.
const TARGET_BYTES_MAX: u64 = 64 << 20;
/// A server that is down for a moment is asked again, this often in all.
const TRIES_MAX: u32 = 3;
const FIRST_WAIT: Duration = Duration::from_millis(200);
const FILE_NAME_BYTES_MAX: usize = 240;

/// The folder of trusted metadata: one file for each role, without a version in its name.
pub struct Folder {
    disk: Disk,
    folder: PathBuf,
}

/// A repository to be asked, and what is believed of it.
pub struct Mirror {
    folder: Folder,
    metadata: String,
    http: Wire,
    clock: Clock,
    trust: Trust,
}

impl Folder {
    /// Opens a folder, creating it if missing.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn open(folder: &Path) -> Result<Self, AgentError> {
        Ok(Self {
            disk: Disk::create(folder)?,
            folder: folder.to_owned(),
        })
    }

    /// Trusts `root` from now on. Asks nobody.
    ///
    /// # Errors
    /// When it does not carry its own signatures, or the folder holds a root already.
    pub fn init(&self, root: &[u8]) -> Result<(), AgentError> {
        if self.disk.read(ROOT)?.is_some() {
            return Err(self.fail("holds a trusted root already; begin anew in another folder"));
        }
        Trust::pin(root)?;
        self.disk.write(ROOT, root)
    }

    fn trust(&self) -> Result<Trust, AgentError> {
        let root = self.disk.read(ROOT)?;
        let root = root.ok_or_else(|| self.fail("holds no trusted root; initialise it first"))?;
        let file = |role: &str| self.disk.read(&tuf::role_file(role)).ok().flatten();
        Ok(Trust::recall(&root, file)?)
    }

    /// Stores what changed from `before` to `after`. A new root is there before what it ended is
    /// removed: a stop in between leaves files that no longer verify, and never the old root alone.
    fn keep(&self, before: &Trust, after: &Trust) -> Result<(), AgentError> {
        for new in after.roles() {
            let known = before.roles().find(|old| old.role == new.role);
            if known.is_none_or(|old| old.bytes != new.bytes) {
                self.disk.write(&new.file(), new.bytes)?;
            }
        }
        for old in before.roles() {
            if !after.roles().any(|new| new.role == old.role) {
                self.disk.remove(&old.file())?;
            }
        }
        Ok(())
    }

    fn fail(&self, reason: &'static str) -> AgentError {
        AgentError::Folder {
            folder: self.folder.display().to_string(),
            reason,
        }
    }
}

impl Mirror {
    /// A repository whose metadata lies at `metadata`, with what `folder` trusts of it.
    ///
    /// # Errors
    /// When the folder holds no root that carries its own signatures.
    pub fn open(folder: Folder, metadata: &Url, clock: Clock) -> Result<Self, AgentError> {
        let trust = folder.trust()?;
        Ok(Self {
            folder,
            metadata: base(metadata),
            http: http()?,
            clock,
            trust,
        })
    }

    /// The version of the snapshot that is trusted; 0 before the first refresh.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.trust.version()
    }

    /// Brings root, timestamp, snapshot and targets up to date.
    ///
    /// # Errors
    /// When a file cannot be had or fails a check; what passed before it is kept.
    pub async fn refresh(&mut self) -> Result<(), AgentError> {
        let update = self.trust.update(self.clock.now(), Interest::TopLevel);
        self.drive(update).await.map(drop)
    }

    /// Stores a target in `into`, unless it is there already. Looks in what the last refresh made
    /// current. Returns the file.
    ///
    /// # Errors
    /// When no role lists it, or what comes is not what the role promises; no file is changed then.
    pub async fn download(
        &mut self,
        target: &str,
        from: &Url,
        into: &Path,
    ) -> Result<PathBuf, AgentError> {
        let update = self.trust.search(self.clock.now(), target)?;
        let found = self.drive(update).await?;
        let found = found.ok_or_else(|| AgentError::NoTarget {
            target: target.into(),
        })?;
        let fail = |reason: String| AgentError::Target {
            target: target.into(),
            reason,
        };
        let name = found.flat_name();
        if name.len() > FILE_NAME_BYTES_MAX || [".", "..", ""].contains(&name.as_str()) {
            return Err(fail("has a name that cannot be a file's".into()));
        }
        if found.length() > TARGET_BYTES_MAX {
            let length = found.length();
            return Err(fail(format!(
                "has {length} bytes; at most {TARGET_BYTES_MAX} are read"
            )));
        }
        let disk = Disk::create(into)?;
        let held = disk.read(&name)?.filter(|bytes| found.fits(bytes));
        if held.is_none() {
            disk.write(&name, &self.body(target, &found, from).await?)?;
        }
        Ok(into.join(name))
    }

    async fn body(&self, target: &str, found: &Found, from: &Url) -> Result<Vec<u8>, AgentError> {
        let fail = |reason: &str| AgentError::Target {
            target: target.into(),
            reason: reason.into(),
        };
        let file = self.trust.target_file(found);
        let file = file.ok_or_else(|| fail("has no hash that can be checked here"))?;
        let url = format!("{}/{file}", base(from));
        let body = self.file(&url, found.length()).await?;
        let body = body.ok_or_else(|| fail("is not there"))?;
        if found.fits(&body) {
            Ok(body)
        } else {
            Err(fail("is not what the signed metadata promises"))
        }
    }

    /// Feeds an update to its end, and keeps each role as soon as it is believed.
    async fn drive(&mut self, mut update: Update) -> Result<Option<Found>, AgentError> {
        self.keep(&update)?;
        while let Some(Want {
            file, bytes_max, ..
        }) = update.wants()
        {
            let url = format!("{}/{file}", self.metadata);
            let bytes = self.file(&url, bytes_max).await?;
            let taken = update.give(bytes.as_deref());
            // What passed before the file that did not is believed all the same.
            self.keep(&update)?;
            taken?;
        }
        Ok(update.found().cloned())
    }

    fn keep(&mut self, update: &Update) -> Result<(), AgentError> {
        self.folder.keep(&self.trust, update.so_far())?;
        self.trust = update.so_far().clone();
        Ok(())
    }

    /// Reads a file of at most `limit` bytes; `None` when the server does not have it.
    async fn file(&self, url: &str, limit: u64) -> Result<Option<Vec<u8>>, AgentError> {
        let mut wait = FIRST_WAIT;
        for _ in 1..TRIES_MAX {
            match self.file_once(url, limit).await {
                Err(
                    AgentError::Silent { .. }
                    | AgentError::Busy { .. }
                    | AgentError::Answer { status: 500.., .. },
                ) => {}
                other => return other,
            }
            self.clock.sleep(wait).await;
            wait *= 2;
        }
        self.file_once(url, limit).await
    }

    async fn file_once(&self, url: &str, limit: u64) -> Result<Option<Vec<u8>>, AgentError> {
        let request = self.http.get(url).timeout(ANSWER_WITHIN);
        let response = request.send().await.map_err(|e| silent(url, &e))?;
        // Stores of objects answer 403 for what is not there.
        if [StatusCode::NOT_FOUND, StatusCode::FORBIDDEN].contains(&response.status()) {
            return Ok(None);
        }
        body(url, good(url, response).await?, limit).await.map(Some)
    }
}

fn base(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}
