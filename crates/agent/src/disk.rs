//! Files that are there whole or not at all, also after a kill in the middle of a write.
//! Never decides what is written.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::AgentError;

/// The folder of an agent, or of a client of some other repository.
#[derive(Clone, Debug)]
pub(crate) struct Disk {
    folder: PathBuf,
    /// Permission bits of its files.
    mode: u32,
}

/// What only the agent reads.
const OWN: u32 = 0o600;
/// What sites read, as whoever they run.
const SHARED: u32 = 0o644;

impl Disk {
    pub(crate) fn open(folder: &Path) -> Result<Self, AgentError> {
        Self::create(&folder.join("targets"))?;
        Ok(Self {
            folder: folder.to_owned(),
            mode: OWN,
        })
    }

    /// A folder with nothing in it but files, created if missing.
    pub(crate) fn create(folder: &Path) -> Result<Self, AgentError> {
        std::fs::create_dir_all(folder)
            .map_err(|e| AgentError::disk("create the folder", &folder, e))?;
        Ok(Self {
            folder: folder.to_owned(),
            mode: OWN,
        })
    }

    /// A folder whose files anybody on this host may read.
    pub(crate) fn create_shared(folder: &Path) -> Result<Self, AgentError> {
        let own = Self::create(folder)?;
        Ok(Self {
            mode: SHARED,
            ..own
        })
    }

    /// The names of its files.
    pub(crate) fn names(&self) -> Result<Vec<String>, AgentError> {
        let failed = |e| AgentError::disk("list", &self.folder, e);
        let mut names = vec![];
        for file in std::fs::read_dir(&self.folder).map_err(failed)? {
            names.extend(file.map_err(failed)?.file_name().into_string());
        }
        Ok(names)
    }

    /// Reads a file; `None` when it is not there.
    pub(crate) fn read(&self, name: &str) -> Result<Option<Vec<u8>>, AgentError> {
        let file = self.folder.join(name);
        match std::fs::read(&file) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(AgentError::disk("read", &file, e)),
        }
    }

    /// Replaces a file: a new one beside it, synced, renamed over it, the folder synced.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> Result<(), AgentError> {
        let file = self.folder.join(name);
        replace(&file, bytes, self.mode).map_err(|e| AgentError::disk("write", &file, e))
    }

    /// Removes a file if it is there.
    pub(crate) fn remove(&self, name: &str) -> Result<(), AgentError> {
        let file = self.folder.join(name);
        match std::fs::remove_file(&file) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                Err(AgentError::disk("remove", &file, e))
            }
            _ => Ok(()),
        }
    }
}

fn replace(file: &Path, bytes: &[u8], mode: u32) -> std::io::Result<()> {
    // No file that is kept has a `+` in its name, so that this one takes the place of none.
    let mut fresh = file.as_os_str().to_owned();
    fresh.push("+new");
    let fresh = PathBuf::from(fresh);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    let mut out = options.open(&fresh)?;
    out.write_all(bytes)?;
    out.sync_all()?;
    std::fs::rename(&fresh, file)?;
    match file.parent() {
        // A rename is durable only when its folder is.
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_leftovers_do_no_harm() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::open(folder.path()).unwrap();
        assert_eq!(disk.read("trust.json").unwrap(), None);
        disk.write("trust.json", b"one").unwrap();
        // A kill in the middle of the next write leaves this behind.
        std::fs::write(folder.path().join("trust.json+new"), b"tw").unwrap();
        assert_eq!(disk.read("trust.json").unwrap().unwrap(), b"one");
        disk.write("trust.json", b"three").unwrap();
        assert_eq!(disk.read("trust.json").unwrap().unwrap(), b"three");
    }
}
