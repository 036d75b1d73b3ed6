//! Mirrors: a web server or a local folder that has a copy of the signed repository, as
//! `lamplighter repository export` writes it. They are asked for files and told nothing, no token above all.

use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{FileType, Mode, OFlags, fstat, open, openat};
use rustix::io::Errno;
use tokio::sync::Semaphore;
use url::Url;

use crate::AgentError;

/// Where a copy of the signed repository lies. It has the folders `repository` and `targets`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MirrorPlace {
    /// Any web server.
    Web(Url),
    /// A folder of this host.
    Folder(PathBuf),
}

impl std::str::FromStr for MirrorPlace {
    type Err = String;

    /// Reads `http://…`, `https://…`, or the path of a folder.
    fn from_str(text: &str) -> Result<Self, String> {
        if !text.contains("://") {
            return match text.trim() {
                "" => Err("a mirror is a URL or a folder; this one is empty".into()),
                folder => Ok(Self::Folder(folder.into())),
            };
        }
        let url = Url::parse(text).map_err(|e| format!("{text:?} is no URL of a mirror: {e}"))?;
        if !["http", "https"].contains(&url.scheme()) {
            return Err(format!(
                "a mirror is reached by http or https, not {}; of a folder give the path alone",
                url.scheme()
            ));
        }
        if url.has_authority() && !(url.username().is_empty() && url.password().is_none()) {
            return Err("a mirror needs no user and no password: what it has is public".into());
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err("the URL of a mirror ends with its path: no query, no fragment".into());
        }
        Ok(Self::Web(url))
    }
}

/// A mirror in a folder.
#[derive(Clone)]
pub(crate) struct Shelf {
    folder: Arc<Path>,
    /// A file system that hangs costs one thread, not one for each look.
    reader: Arc<Semaphore>,
}

impl Shelf {
    pub(crate) fn new(folder: &Path) -> Self {
        Self {
            folder: folder.into(),
            reader: Arc::new(Semaphore::new(1)),
        }
    }

    /// Reads a file of at most `limit` bytes; `None` when it is not there. `path` has slashes and does not begin
    /// with one.
    pub(crate) async fn file(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, AgentError> {
        let place = self.folder.join(path);
        let failed = |reason: String| AgentError::Silent {
            url: place.display().to_string(),
            reason,
        };
        let reader = Arc::clone(&self.reader).try_acquire_owned();
        let reader = reader.map_err(|_| failed("an earlier read has not ended".into()))?;
        let (folder, path) = (Arc::clone(&self.folder), path.to_owned());
        let read = tokio::task::spawn_blocking(move || {
            let _reader = reader;
            read(&folder, &path, limit)
        });
        match read.await {
            Ok(Ok(Read::Bytes(bytes))) => Ok(Some(bytes)),
            Ok(Ok(Read::Missing)) => Ok(None),
            Ok(Ok(Read::TooLarge)) => Err(AgentError::TooLarge {
                url: place.display().to_string(),
                limit,
            }),
            Ok(Ok(Read::NoFile)) => Err(failed("it is not a plain file".into())),
            Ok(Err(e)) => Err(failed(e.to_string())),
            Err(e) => Err(failed(e.to_string())),
        }
    }
}

#[derive(Debug, PartialEq)]
enum Read {
    Bytes(Vec<u8>),
    Missing,
    TooLarge,
    /// A link, a folder, a pipe or a device.
    NoFile,
}

/// Goes down from the folder step by step, and follows no link: whoever may write there must not make the agent
/// read elsewhere, or wait at a pipe.
fn read(folder: &Path, path: &str, limit: u64) -> std::io::Result<Read> {
    let parts: Vec<&str> = path.split('/').collect();
    let Some((file, folders)) = parts.split_last() else {
        return Ok(Read::Missing);
    };
    if !parts.iter().all(|part| is_plain(part)) {
        return Ok(Read::NoFile);
    }
    let opened = open_below(folder, folders, file);
    let file = match opened {
        Ok(file) => file,
        Err(Errno::NOENT) => return Ok(Read::Missing),
        Err(Errno::LOOP | Errno::NOTDIR | Errno::NXIO) => return Ok(Read::NoFile),
        Err(e) => return Err(e.into()),
    };
    if FileType::from_raw_mode(fstat(&file)?.st_mode) != FileType::RegularFile {
        return Ok(Read::NoFile);
    }
    let mut bytes = vec![];
    let file = std::fs::File::from(file);
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Ok(Read::TooLarge);
    }
    Ok(Read::Bytes(bytes))
}

fn open_below(folder: &Path, folders: &[&str], file: &str) -> Result<OwnedFd, Errno> {
    let step = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    // The folder itself may be reached by a link: whoever runs the agent named it.
    let mut at = open(folder, step, Mode::empty())?;
    for part in folders {
        at = openat(&at, *part, step | OFlags::NOFOLLOW, Mode::empty())?;
    }
    // Not blocking: opening a pipe would else wait for its other end.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let flags = flags | OFlags::NOCTTY | OFlags::CLOEXEC;
    openat(&at, file, flags, Mode::empty())
}

fn is_plain(part: &str) -> bool {
    !part.is_empty() && part != "." && part != ".." && !part.contains('\0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirror_is_a_web_server_or_a_folder() {
        let web = |url: &str| Ok(MirrorPlace::Web(Url::parse(url).unwrap()));
        for (text, expected) in [
            ("https://mirror.example/x", web("https://mirror.example/x")),
            ("/srv/mirror", Ok(MirrorPlace::Folder("/srv/mirror".into()))),
            ("mirror", Ok(MirrorPlace::Folder("mirror".into()))),
            ("", Err("empty")),
            ("file:///srv/mirror", Err("path alone")),
            ("ftp://mirror.example", Err("http or https")),
            ("https://me:secret@mirror.example", Err("no password")),
            ("https://mirror.example/?a=1", Err("no query")),
            ("http://", Err("no URL")),
        ] {
            match (text.parse::<MirrorPlace>(), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{text}"),
                (Err(found), Err(part)) => assert!(found.contains(part), "{text}: {found}"),
                (found, _) => panic!("{text}: {found:?}"),
            }
        }
    }

    #[test]
    fn nothing_but_plain_files_below_the_folder_is_read() {
        let above = tempfile::tempdir().unwrap();
        let folder = above.path().join("mirror");
        std::fs::create_dir_all(folder.join("targets/a")).unwrap();
        std::fs::write(above.path().join("secret"), "secret").unwrap();
        std::fs::write(folder.join("targets/a/1.json"), "{}").unwrap();
        let link = |to: &str, name: &str| {
            std::os::unix::fs::symlink(to, folder.join(name)).unwrap();
        };
        link("../secret", "link.json");
        link("/dev/zero", "zero.json");
        link("..", "up");
        link("targets", "down");
        let fifo = folder.join("pipe.json");
        rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, Mode::RUSR | Mode::WUSR).unwrap();
        std::os::unix::net::UnixListener::bind(folder.join("socket.json")).unwrap();
        for (path, limit, expected) in [
            ("targets/a/1.json", 2, Read::Bytes(b"{}".to_vec())),
            ("targets/a/1.json", 1, Read::TooLarge),
            ("targets/a/2.json", 9, Read::Missing),
            ("targets/b/1.json", 9, Read::Missing),
            ("targets/a", 9, Read::NoFile),
            ("targets/a/1.json/x", 9, Read::NoFile),
            ("../secret", 9, Read::NoFile),
            ("targets/../../secret", 9, Read::NoFile),
            ("/etc/hostname", 9, Read::NoFile),
            ("", 9, Read::NoFile),
            ("link.json", 9, Read::NoFile),
            ("zero.json", 9, Read::NoFile),
            ("up/secret", 9, Read::NoFile),
            ("down/a/1.json", 9, Read::NoFile),
            ("pipe.json", 9, Read::NoFile),
            ("socket.json", 9, Read::NoFile),
        ] {
            assert_eq!(read(&folder, path, limit).unwrap(), expected, "{path}");
        }
        let linked = above.path().join("current");
        std::os::unix::fs::symlink(&folder, &linked).unwrap();
        let found = read(&linked, "targets/a/1.json", 9).unwrap();
        assert_eq!(found, Read::Bytes(b"{}".to_vec()));
    }
}
