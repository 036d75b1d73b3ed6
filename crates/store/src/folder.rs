//! The data folder: made, and kept from others on the machine. Its database holds password hashes
//! and its sealing key opens everything else, so only its owner reads it.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

use crate::StoreError;

pub(crate) const DATABASE: &str = "lamplighter.db";
pub(crate) const SEALING_KEY: &str = "sealing-key";
/// What may have been made readable to others by an earlier version, or by a copy.
const PRIVATE: [&str; 4] = [
    DATABASE,
    "lamplighter.db-wal",
    "lamplighter.db-shm",
    SEALING_KEY,
];

/// Makes the folder if it is missing, and closes it to others.
pub(crate) fn prepare(folder: &Path) -> Result<(), StoreError> {
    let fail = |reason: String| StoreError::Folder {
        folder: folder.display().to_string(),
        reason,
    };
    match std::fs::metadata(folder) {
        Ok(found) if !found.is_dir() => {
            return Err(fail("it is a file; name a folder".into()));
        }
        Ok(_) => close(folder),
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            make(folder).map_err(|e| fail(format!("it cannot be made: {e}")))?;
        }
        Err(e) => return Err(fail(e.to_string())),
    }
    Ok(())
}

/// Opens or makes a file that only its owner reads; what it holds stays.
pub(crate) fn private_file(file: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)
}

fn make(folder: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

#[cfg(not(unix))]
fn close(_: &Path) {}

#[cfg(unix)]
fn close(folder: &Path) {
    // Whoever names a folder that is shared with others, such as /tmp, keeps it as it is.
    if is_ours(folder) {
        restrict(folder, 0o700);
    }
    for name in PRIVATE {
        restrict(&folder.join(name), 0o600);
    }
}

#[cfg(unix)]
fn is_ours(folder: &Path) -> bool {
    let is_empty = || std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none());
    folder.join(SEALING_KEY).exists() || is_empty()
}

#[cfg(unix)]
fn restrict(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    let Ok(found) = std::fs::metadata(path) else {
        return;
    };
    if found.permissions().mode() & 0o077 == 0 {
        return;
    }
    // A volume of another owner, or without permissions, still works.
    if let Err(error) = std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)) {
        let path = path.display();
        tracing::warn!("{path} can be read by others on this machine, and stays so: {error}");
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::{Place, Store};

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[tokio::test]
    async fn only_its_owner_reads_the_folder_and_what_is_in_it() {
        let top = tempfile::tempdir().unwrap();
        let folder = top.path().join("new/data");
        let place = Place {
            folder: folder.clone(),
            postgres: None,
        };
        let open = || std::fs::Permissions::from_mode(0o755);
        for wide in [false, true] {
            if wide {
                std::fs::set_permissions(&folder, open()).unwrap();
                std::fs::set_permissions(folder.join(DATABASE), open()).unwrap();
            }
            let store = Store::open(&place).await.unwrap();
            store.try_write().await.unwrap();
            assert_eq!(mode(&folder), 0o700, "wide: {wide}");
            for entry in std::fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                assert_eq!(mode(&path), 0o600, "{}", path.display());
            }
        }
    }

    #[test]
    fn a_folder_shared_with_others_stays_as_it_is() {
        let shared = tempfile::tempdir().unwrap();
        std::fs::write(shared.path().join("of somebody else"), "").unwrap();
        std::fs::set_permissions(shared.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        prepare(shared.path()).unwrap();
        assert_eq!(mode(shared.path()), 0o755);
    }

    #[test]
    fn a_file_is_no_folder() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let says = prepare(file.path()).unwrap_err().to_string();
        assert!(says.contains("name a folder"), "{says}");
        assert!(says.contains(&*file.path().to_string_lossy()), "{says}");
    }
}
