//! Keeps a second server off state that one serves already.
//!
//! A server keeps much of the state in memory, where it would not see what a second one changed.
//! Both locks end with the process, however it ends: nothing is left to clean up.

use std::fs::{File, TryLockError};
use std::io::{Read as _, Write as _};
use std::path::Path;

use crate::db::PostgresHold;
use crate::{Place, StoreError, folder};

const FILE: &str = "lock";

/// The state is this process's to serve, while it keeps this.
#[derive(Debug)]
pub struct Hold {
    /// Locked while it is open.
    _file: File,
    postgres: Option<PostgresHold>,
}

impl Hold {
    /// Takes the state, before it is opened: the data folder, and the database in PostgreSQL.
    ///
    /// # Errors
    /// `InUse` when another process serves it; when the folder or the database cannot be used.
    pub async fn take(place: &Place) -> Result<Self, StoreError> {
        folder::prepare(&place.folder)?;
        let file = hold_folder(&place.folder)?;
        let postgres = match &place.postgres {
            Some(config) => Some(PostgresHold::take(config).await?),
            None => None,
        };
        Ok(Self {
            _file: file,
            postgres,
        })
    }

    /// Waits until the state is no longer held, which only a lost connection to PostgreSQL brings.
    pub async fn lost(&mut self) -> StoreError {
        match &mut self.postgres {
            Some(postgres) => postgres.lost().await,
            None => std::future::pending().await,
        }
    }
}

fn hold_folder(folder: &Path) -> Result<File, StoreError> {
    let path = folder.join(FILE);
    let fail = |reason: std::io::Error| StoreError::Folder {
        folder: folder.display().to_string(),
        reason: format!("its file {FILE} cannot be locked: {reason}"),
    };
    let mut file = folder::private_file(&path).map_err(fail)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::Error(e)) => return Err(fail(e)),
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            // On some systems a locked file cannot be read: then nobody knows which process.
            let _ = file.read_to_string(&mut pid);
            return Err(StoreError::InUse {
                what: format!("the data folder {}", folder.display()),
                holder: match pid.trim() {
                    "" => "another process".into(),
                    pid => format!("process {pid}"),
                },
                other: "another data folder (--data)",
            });
        }
    }
    // The lock holds without it; it only helps who reads it. A full disk must not keep us down.
    let _ = file
        .set_len(0)
        .and_then(|()| writeln!(file, "{}", std::process::id()));
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_folder_has_one_server() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place {
            folder: folder.path().to_owned(),
            postgres: None,
        };
        let first = Hold::take(&place).await.unwrap();
        let says = Hold::take(&place).await.unwrap_err().to_string();
        for part in [
            format!("process {}", std::process::id()),
            folder.path().display().to_string(),
            "stop it first".into(),
        ] {
            assert!(says.contains(&part), "{part} in {says}");
        }
        drop(first);
        Hold::take(&place).await.unwrap();
    }
}
