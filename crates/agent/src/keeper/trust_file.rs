//! What is believed, in one file that is replaced whole: metadata, and what of the documents before it is
//! still read because files of theirs are yet to come. Metadata is signed, but nobody signed which of it was kept, nor
//! when it was verified: a hash keeps a disk that changed bits from hiding a document, or the age of what is read.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tuf::{Entry, Listing, Trust};

use crate::AgentError;
use crate::cache::View;
use crate::disk::Disk;

pub(super) const FILE: &str = "trust.json";

#[derive(Serialize, Deserialize)]
pub(crate) struct TrustFile {
    verified_at_ms: i64,
    pub(crate) files: BTreeMap<String, String>,
    /// What is still read of an older snapshot: its SHA-256, and JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    behind: Option<(String, String)>,
    /// Of all the rest, in hexadecimal digits. Older agents wrote none; what their sites read, they go on reading when a
    /// newer one takes over.
    #[serde(default)]
    sha256: Option<String>,
}

/// Documents that are read as they were, because files of what metadata lists of them are yet to come.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Behind {
    /// The newest repository version of which everything was held.
    pub(crate) repository: u64,
    /// What is read instead of what metadata lists.
    pub(crate) entries: Vec<Entry>,
    /// What was listed with it and was never held.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) holes: Vec<Entry>,
}

impl TrustFile {
    pub(super) fn of(
        trust: &Trust,
        verified_at: Timestamp,
        view: &View,
    ) -> Result<Self, AgentError> {
        let files = trust.files().into_iter();
        let files = files.map(|(name, bytes)| (name, String::from_utf8_lossy(&bytes).into_owned()));
        let behind = (!view.is_whole()).then(|| Behind {
            repository: view.repository,
            entries: view.behind().map(|one| one.entry.clone()).collect(),
            holes: view.holes_behind().cloned().collect(),
        });
        let text = |behind: &Behind| serde_json::to_string(behind).map_err(unwritten);
        let text = behind.as_ref().map(text).transpose()?;
        let mut file = Self {
            verified_at_ms: verified_at.as_millisecond(),
            files: files.collect(),
            behind: text.map(|text| (hash(&text), text)),
            sha256: None,
        };
        file.sha256 = Some(file.hash());
        Ok(file)
    }

    /// `None` when there is none, or it does not read.
    pub(super) fn read(disk: &Disk) -> Option<Self> {
        let unread =
            |e: &serde_json::Error| tracing::warn!("{FILE} does not read, and is left aside: {e}");
        let read = serde_json::from_slice(&disk.read_if_well(FILE)?);
        read.inspect_err(unread).ok()
    }

    pub(super) fn write(&self, disk: &Disk) -> Result<(), AgentError> {
        disk.write(FILE, &serde_json::to_vec(self).map_err(unwritten)?)
    }

    /// `None` when the metadata does not pass the checks.
    pub(super) fn listing(&self) -> Option<Listing> {
        let files = self.files.iter();
        let files = files.map(|(name, text)| (name.clone(), text.clone().into_bytes()));
        match Trust::restore(&files.collect()).and_then(Listing::read) {
            Ok(listing) => Some(listing),
            Err(e) => {
                tracing::warn!(
                    "the metadata on disk does not pass the checks, and is left aside: {e}"
                );
                None
            }
        }
    }

    /// Whether it is as it was written.
    pub(super) fn is_whole(&self) -> bool {
        let hash = self.sha256.as_ref();
        hash.is_none_or(|hash| *hash == self.hash())
    }

    pub(super) fn verified_at(&self) -> Timestamp {
        Timestamp::from_millisecond(self.verified_at_ms).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// What is read of an older snapshot; `None` when everything that metadata lists was held.
    pub(crate) fn behind(&self) -> Option<Behind> {
        let (sha256, text) = self.behind.as_ref()?;
        let is_whole = *sha256 == hash(text);
        let behind = is_whole.then(|| serde_json::from_str(text).ok()).flatten();
        Some(behind.unwrap_or_default())
    }

    fn hash(&self) -> String {
        let verified_at = self.verified_at_ms.to_string();
        let files = self.files.iter().flat_map(|(name, text)| [name, text]);
        let behind = self.behind.iter().flat_map(|(sha256, text)| [sha256, text]);
        let all = std::iter::once(&verified_at).chain(files).chain(behind);
        // JSON has no such character.
        hash(&all.map(String::as_str).collect::<Vec<_>>().join("\0"))
    }
}

fn hash(text: &str) -> String {
    hex::encode(digest(&SHA256, text.as_bytes()))
}

fn unwritten(e: serde_json::Error) -> AgentError {
    AgentError::disk("write", &FILE, e.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> TrustFile {
        let files = [("targets.json", "{}"), ("web~sign-in.json", "{}")];
        let files = files.map(|(name, text)| (name.to_owned(), text.to_owned()));
        let mut file = TrustFile {
            verified_at_ms: 1_689_116_400_000,
            files: files.into(),
            behind: Some((hash(text), text.into())),
            sha256: None,
        };
        file.sha256 = Some(file.hash());
        file
    }

    /// A role whose name changed reads like one of a product that this agent has no sites of.
    #[test]
    fn it_is_seen_when_anything_in_it_changed() {
        let file = written(r#"{"repository":7,"entries":[]}"#);
        let text = serde_json::to_string(&file).unwrap();
        let read = |text: &str| serde_json::from_str::<TrustFile>(text).unwrap();
        assert!(read(&text).is_whole());
        for (old, new) in [
            ("sign-in", "sign-on"),
            ("1689116", "1689117"),
            (":7", ":5"),
            ("{}", "[]"),
        ] {
            assert!(!read(&text.replace(old, new)).is_whole(), "{new}");
        }
        // An older agent wrote no hash of all. What was behind had one, and has it still.
        let older = text.replace("sha256", "of_all");
        let behind = |text: &str| {
            (
                read(text).is_whole(),
                read(text).behind().unwrap().repository,
            )
        };
        assert_eq!(behind(&older), (true, 7));
        assert_eq!(behind(&older.replace(":7", ":5")), (true, 0));
    }
}
