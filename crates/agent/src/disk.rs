//! Files that are there whole or not at all, also after a kill in the middle of a write.
//! Never decides what is written.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::AgentError;
use crate::device::Device;
#[cfg(feature = "trial")]
use crate::trial::{Bug, planted};

/// The folder of an agent, or of a client of some other repository.
#[derive(Clone, Debug)]
pub(crate) struct Disk {
    device: Device,
    folder: PathBuf,
    /// Permission bits of its files.
    mode: u32,
    /// Locked while any part of the agent can write: two agents would sweep each other's files.
    _lock: Option<Arc<File>>,
}

const LOCK: &str = "lock";
/// What only the agent reads.
const OWN: u32 = 0o600;
/// What sites read, as whoever they run.
const SHARED: u32 = 0o644;

impl Disk {
    pub(crate) fn open(folder: &Path) -> Result<Self, AgentError> {
        Self::open_on(Device::Machine, folder)
    }

    pub(crate) fn open_on(device: Device, folder: &Path) -> Result<Self, AgentError> {
        let targets = Self::create_on(device, &folder.join("targets"))?;
        let lock = hold(&targets.device, folder)?;
        Ok(Self {
            folder: folder.to_owned(),
            _lock: lock.map(Arc::new),
            ..targets
        })
    }

    /// A folder with nothing in it but files, created if missing.
    pub(crate) fn create(folder: &Path) -> Result<Self, AgentError> {
        Self::create_on(Device::Machine, folder)
    }

    fn create_on(device: Device, folder: &Path) -> Result<Self, AgentError> {
        device
            .create_folder(folder)
            .map_err(|e| AgentError::disk("create the folder", &folder, e))?;
        Ok(Self {
            device,
            folder: folder.to_owned(),
            mode: OWN,
            _lock: None,
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
        self.names_in("")
    }

    /// The names of the files in a folder of it.
    pub(crate) fn names_in(&self, folder: &str) -> Result<Vec<String>, AgentError> {
        let folder = self.folder.join(folder);
        let names = self.device.names(&folder);
        names.map_err(|e| AgentError::disk("list", &folder, e))
    }

    /// Reads a file; `None` when it is not there.
    pub(crate) fn read(&self, name: &str) -> Result<Option<Vec<u8>>, AgentError> {
        let file = self.folder.join(name);
        match self.device.read(&file) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(AgentError::disk("read", &file, e)),
        }
    }

    /// Reads what its owner can do without: a file that cannot be read is as good as missing, and is
    /// written anew in its time.
    pub(crate) fn read_if_well(&self, name: &str) -> Option<Vec<u8>> {
        self.read(name).unwrap_or_else(|e| {
            tracing::warn!("{e}; it is left aside");
            None
        })
    }

    /// Replaces a file: a new one beside it, synced, renamed over it, the folder synced.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> Result<(), AgentError> {
        let file = self.folder.join(name);
        // No file that is kept has a `+` in its name, so that this one takes the place of none.
        let mut fresh = file.as_os_str().to_owned();
        fresh.push("+new");
        let fresh = PathBuf::from(fresh);
        self.replace(&file, &fresh, bytes).map_err(|e| {
            // On a full disk, half a file must not take the room that is left.
            let _ = self.device.remove(&fresh);
            AgentError::disk("write", &file, e)
        })
    }

    /// Removes a file if it is there.
    pub(crate) fn remove(&self, name: &str) -> Result<(), AgentError> {
        let file = self.folder.join(name);
        match self.device.remove(&file) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                Err(AgentError::disk("remove", &file, e))
            }
            _ => Ok(()),
        }
    }

    fn replace(&self, file: &Path, fresh: &Path, bytes: &[u8]) -> std::io::Result<()> {
        let mut out = self.device.create(fresh, self.mode)?;
        out.write_all(bytes)?;
        #[cfg(feature = "trial")]
        if planted(Bug::SkipFileSync) {
            return self.device.rename(fresh, file);
        }
        out.sync_all()?;
        self.device.rename(fresh, file)?;
        #[cfg(feature = "trial")]
        if planted(Bug::SkipFolderSync) {
            return Ok(());
        }
        match file.parent() {
            // A rename is durable only when its folder is.
            Some(folder) => self.device.sync_folder(folder),
            None => Ok(()),
        }
    }
}

/// Takes a folder for one agent. Where a file system has no locks, the agent runs without.
fn hold(device: &Device, folder: &Path) -> Result<Option<File>, AgentError> {
    let file = folder.join(LOCK);
    match device.lock(&file, OWN) {
        Ok(lock) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(AgentError::InUse {
            folder: folder.display().to_string(),
        }),
        Err(TryLockError::Error(e)) => {
            tracing::warn!(
                "could not lock {}: {e}; let no other agent use it",
                file.display()
            );
            Ok(None)
        }
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

    #[test]
    fn a_write_that_fails_leaves_nothing_that_takes_room() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::open(folder.path()).unwrap();
        // A file cannot take the place of this folder.
        disk.write("targets", b"one").unwrap_err();
        let mut names = disk.names().unwrap();
        names.sort();
        assert_eq!(names, [LOCK, "targets"]);
    }

    #[test]
    fn a_folder_is_of_one_agent_until_its_last_part_has_ended() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::open(folder.path()).unwrap();
        let part = disk.clone();
        drop(disk);
        let refused = Disk::open(folder.path()).unwrap_err().to_string();
        let named = folder.path().display().to_string();
        assert!(refused.contains(&named), "{refused}");
        drop(part);
        // The file stays, and says nothing: only who has it open holds the folder.
        Disk::open(folder.path()).unwrap();
    }
}
