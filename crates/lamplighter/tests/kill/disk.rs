//! What a killed agent left on its disk: all of it passes the checks of a client, and no version is
//! lower than it was.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use tuf::{Listing, Trust};

use super::reads::Body;

/// The versions that an agent believed, as it keeps them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) root: u64,
    pub(crate) timestamp: u64,
    pub(crate) repository: u64,
    pub(crate) verified_at_ms: i64,
}

impl Kept {
    /// Reads and checks the folder.
    pub(crate) fn read(folder: &Path) -> Self {
        let text = std::fs::read(folder.join("trust.json")).unwrap();
        let file: Value = serde_json::from_slice(&text).unwrap();
        let files = file["files"].as_object().unwrap().iter();
        let bytes = |text: &Value| text.as_str().unwrap().as_bytes().to_vec();
        let files: BTreeMap<_, _> = files
            .map(|(name, text)| (name.clone(), bytes(text)))
            .collect();
        let trust = Trust::restore(&files).unwrap();
        let listing = Listing::read(trust).unwrap();
        for entry in listing.entries() {
            let hash: String = entry
                .sha256
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            let body = std::fs::read(folder.join("targets").join(format!("{hash}.json"))).unwrap();
            assert!(entry.fits(&body), "{entry:?} is not whole on the disk");
        }
        for file in std::fs::read_dir(folder.join("targets")).unwrap() {
            let file = file.unwrap().path();
            let Ok(bytes) = std::fs::read(&file) else {
                continue;
            };
            // What a killed write leaves beside the files is not one of them.
            if !file.display().to_string().ends_with("+new") {
                Body::parse(&bytes).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
            }
        }
        let identity = std::fs::read(folder.join("identity.json")).unwrap();
        serde_json::from_slice::<Value>(&identity).unwrap();
        let root: Value = serde_json::from_slice(&files["root.json"]).unwrap();
        Self {
            root: root["signed"]["version"].as_u64().unwrap(),
            timestamp: listing.trust().timestamp_version(),
            repository: listing.trust().version(),
            verified_at_ms: file["verified_at_ms"].as_i64().unwrap(),
        }
    }

    /// This, which is nowhere behind what was there before.
    pub(crate) fn not_behind(self, before: &Self) -> Self {
        let order = |kept: &Self| [kept.root, kept.timestamp, kept.repository];
        let behind = order(&self)
            .iter()
            .zip(order(before))
            .any(|(now, then)| *now < then);
        assert!(!behind, "trust went back from {before:?} to {self:?}");
        self
    }
}
