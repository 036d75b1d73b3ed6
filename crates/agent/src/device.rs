//! What a file system does for a `Disk`, step by step: the machine's, or a simulation's in its place.
//! Never decides the order of the steps.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Result, Write as _};
use std::path::Path;

/// A file system.
#[derive(Clone, Debug)]
pub(crate) enum Device {
    Machine,
    #[cfg(feature = "trial")]
    Trial(std::sync::Arc<dyn crate::trial::Device>),
}

/// A file that is being written.
pub(crate) enum Out {
    Machine(File),
    #[cfg(feature = "trial")]
    Trial(Box<dyn crate::trial::Out>),
}

impl Device {
    pub(crate) fn create_folder(&self, folder: &Path) -> Result<()> {
        match self {
            Self::Machine => std::fs::create_dir_all(folder),
            #[cfg(feature = "trial")]
            Self::Trial(device) => device.create_folder(folder),
        }
    }

    /// Takes a file for as long as what is given stays open, which ends with the process however it ends. Nobody
    /// else uses a simulated device.
    pub(crate) fn lock(
        &self,
        file: &Path,
        mode: u32,
    ) -> std::result::Result<Option<File>, TryLockError> {
        match self {
            Self::Machine => {
                let locked = create(file, mode).map_err(TryLockError::Error)?;
                locked.try_lock().map(|()| Some(locked))
            }
            #[cfg(feature = "trial")]
            Self::Trial(_) => Ok(None),
        }
    }

    /// The names in a folder.
    pub(crate) fn names(&self, folder: &Path) -> Result<Vec<String>> {
        match self {
            Self::Machine => {
                let mut names = vec![];
                for file in std::fs::read_dir(folder)? {
                    names.extend(file?.file_name().into_string());
                }
                Ok(names)
            }
            #[cfg(feature = "trial")]
            Self::Trial(device) => device.names(folder),
        }
    }

    pub(crate) fn read(&self, file: &Path) -> Result<Vec<u8>> {
        match self {
            Self::Machine => std::fs::read(file),
            #[cfg(feature = "trial")]
            Self::Trial(device) => device.read(file),
        }
    }

    /// Opens a file for writing, empty; with the permission bits `mode` where it is new.
    pub(crate) fn create(&self, file: &Path, mode: u32) -> Result<Out> {
        match self {
            Self::Machine => create(file, mode).map(Out::Machine),
            #[cfg(feature = "trial")]
            Self::Trial(device) => device.create(file).map(Out::Trial),
        }
    }

    pub(crate) fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        match self {
            Self::Machine => std::fs::rename(from, to),
            #[cfg(feature = "trial")]
            Self::Trial(device) => device.rename(from, to),
        }
    }

    /// Makes the names in a folder durable.
    pub(crate) fn sync_folder(&self, folder: &Path) -> Result<()> {
        match self {
            Self::Machine => File::open(folder)?.sync_all(),
            #[cfg(feature = "trial")]
            Self::Trial(device) => device.sync_folder(folder),
        }
    }

    pub(crate) fn remove(&self, file: &Path) -> Result<()> {
        match self {
            Self::Machine => std::fs::remove_file(file),
            #[cfg(feature = "trial")]
            Self::Trial(device) => device.remove(file),
        }
    }
}

impl Out {
    pub(crate) fn write_all(&mut self, bytes: &[u8]) -> Result<()> {
        match self {
            Self::Machine(file) => file.write_all(bytes),
            #[cfg(feature = "trial")]
            Self::Trial(out) => out.write_all(bytes),
        }
    }

    /// Makes what was written durable.
    pub(crate) fn sync_all(&self) -> Result<()> {
        match self {
            Self::Machine(file) => file.sync_all(),
            #[cfg(feature = "trial")]
            Self::Trial(out) => out.sync_all(),
        }
    }
}

fn create(file: &Path, mode: u32) -> Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    options.open(file)
}
