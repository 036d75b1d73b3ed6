//! What is believed, in one file that is replaced whole: metadata, and what of the documents before it is
//! still read because files of theirs are yet to come.

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
    /// What is still read of an older snapshot: JSON, and its SHA-256. Nobody signed it as one; the hash keeps
    /// a disk that changed bits from changing what is read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    behind: Option<(String, String)>,
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
        Ok(Self {
            verified_at_ms: verified_at.as_millisecond(),
            files: files.collect(),
            behind: text.map(|text| (hash(&text), text)),
        })
    }

    /// `None` when there is none, or it does not read.
    pub(super) fn read(disk: &Disk) -> Option<Self> {
        serde_json::from_slice(&disk.read_if_well(FILE)?).ok()
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

    #[test]
    fn what_is_behind_is_believed_only_as_it_was_written() {
        let behind = |sha256: String, text: &str| TrustFile {
            verified_at_ms: 0,
            files: BTreeMap::new(),
            behind: Some((sha256, text.into())),
        };
        let text = r#"{"repository":7,"entries":[]}"#;
        let read = |file: TrustFile| file.behind().map(|behind| behind.repository);
        assert_eq!(read(behind(hash(text), text)), Some(7));
        // A bit that changed: something is behind, and nobody knows what.
        assert_eq!(read(behind(hash(text), &text.replace('7', "5"))), Some(0));
        let whole = TrustFile {
            behind: None,
            ..behind(String::new(), "")
        };
        assert_eq!(read(whole), None);
    }
}
