//! The local API on a Unix socket: for its owner and its group, nobody else.

use std::io::{Error, ErrorKind};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::net::UnixListener;
use tokio_util::sync::CancellationToken;

use crate::{AgentError, Shared, local};

/// Its owner and its group may connect; connecting needs the right to write.
const MODE: u32 = 0o660;

/// A socket that is removed when it is dropped.
pub(crate) struct Socket {
    listener: UnixListener,
    file: File,
}

/// The file of a socket, and which one it is: somebody may put another in its place.
struct File {
    path: PathBuf,
    inode: u64,
}

impl Socket {
    /// Listens at `path`. What an agent left there that was killed is replaced; one that somebody
    /// listens on, and anything else, is not.
    pub(crate) fn bind(path: &Path) -> Result<Self, AgentError> {
        Self::try_bind(path)
            .map_err(|e| AgentError::disk("listen for the sites on a socket", &path, e))
    }

    fn try_bind(path: &Path) -> std::io::Result<Self> {
        refuse_unless_stale(path)?;
        // Made beside its place and renamed: nobody meets it with the permissions it is born with.
        let mut fresh = path.as_os_str().to_owned();
        fresh.push("+new");
        let fresh = PathBuf::from(fresh);
        remove(&fresh)?;
        let listener = UnixListener::bind(&fresh)?;
        std::fs::set_permissions(&fresh, std::fs::Permissions::from_mode(MODE))?;
        std::fs::rename(&fresh, path)?;
        let inode = std::fs::symlink_metadata(path)?.ino();
        let path = path.to_owned();
        let file = File { path, inode };
        Ok(Self { listener, file })
    }

    /// Answers sites until `stop`, then removes the file.
    pub(crate) async fn serve(self, shared: Arc<Shared>, stop: CancellationToken) {
        let Self { listener, file } = self;
        local::serve(shared, listener, stop).await;
        drop(file);
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let still = std::fs::symlink_metadata(&self.path);
        if still.is_ok_and(|still| still.ino() == self.inode) {
            let _ = remove(&self.path);
        }
    }
}

fn refuse_unless_stale(path: &Path) -> std::io::Result<()> {
    let there = match std::fs::symlink_metadata(path) {
        Ok(there) => there,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(e),
    };
    if !there.file_type().is_socket() {
        let what = "there is something else than a socket: name another path, or remove it";
        return Err(Error::new(ErrorKind::AlreadyExists, what));
    }
    match std::os::unix::net::UnixStream::connect(path) {
        Err(e) if e.kind() == ErrorKind::ConnectionRefused => Ok(()),
        Err(e) => Err(e),
        Ok(_) => Err(Error::new(
            ErrorKind::AddrInUse,
            "somebody listens there already: does another agent run?",
        )),
    }
}

fn remove(path: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_a_socket_that_nobody_listens_on_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent.sock");
        let socket = Socket::bind(&path).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, MODE);
        let other = Socket::bind(&path).err().unwrap().to_string();
        assert!(other.contains("listens there already"), "{other}");
        drop(socket);
        assert!(!path.exists(), "removed at the end");

        // A kill leaves the file and nobody behind it.
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(path.exists());
        let socket = Socket::bind(&path).unwrap();
        // What somebody else put in its place is left alone.
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, "mine").unwrap();
        drop(socket);
        let other = Socket::bind(&path).err().unwrap().to_string();
        assert!(other.contains("something else"), "{other}");
        assert_eq!(std::fs::read(&path).unwrap(), b"mine");
    }
}
