//! What a document was before: its history, the difference of two versions, and the way back.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use domain::document::{Document, DocumentKey};
use domain::id::AgentId;
use domain::layer::Layer;
use protocol::delivery::Held;
use similar::TextDiff;
use store::DocumentVersion;

use super::{How, NewDocument};
use crate::{Engine, EngineError};

/// Versions of one answer.
const VERSIONS_PER_PAGE_MAX: u32 = 50;
/// Lines around a difference.
const CONTEXT_LINES: usize = 3;
/// After this long, what differs is told in larger pieces.
const COMPARED_WITHIN: Duration = Duration::from_secs(1);

/// A page of the history of a document.
#[derive(Clone, Debug)]
pub struct History {
    /// The versions, newest first.
    pub versions: Vec<PastVersion>,
    /// Ask for versions before this one to go on; `None` at the end.
    pub before: Option<u64>,
    /// Sites of the product that are in its layer.
    pub sites: usize,
}

/// A version, and what became of it.
#[derive(Clone, Debug)]
pub struct PastVersion {
    /// The version.
    pub version: DocumentVersion,
    /// Sites whose agent holds it, verified.
    pub holding: usize,
    /// Sites that are answered with it now.
    pub reading: usize,
    /// Sites that refused it.
    pub refused: usize,
}

/// The difference of two versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// From this version.
    pub from: u64,
    /// To this one.
    pub to: u64,
    /// Lines as `diff -u` writes them, of both bodies and of what the versions accept; empty when
    /// they are the same.
    pub unified: String,
}

impl Engine {
    /// The versions of a document before one, newest first.
    ///
    /// # Errors
    /// When there is no such document, or the store fails.
    pub async fn document_history(
        &self,
        key: &DocumentKey,
        before: Option<u64>,
    ) -> Result<History, EngineError> {
        let before = before.unwrap_or(u64::MAX);
        let versions = self
            .store()
            .document_history(key, before, VERSIONS_PER_PAGE_MAX)
            .await?;
        if versions.is_empty() && before == u64::MAX {
            return Err(EngineError::not_found("document", key));
        }
        let spread = self.count_holders(key);
        let full = versions.len() == VERSIONS_PER_PAGE_MAX as usize;
        let last = versions.last().map(|last| last.version);
        let versions = versions.into_iter().map(|version| {
            let counts = spread.versions.get(&version.version);
            let counts = counts.copied().unwrap_or_default();
            PastVersion {
                version,
                holding: counts.holding,
                reading: counts.reading,
                refused: counts.refused,
            }
        });
        Ok(History {
            versions: versions.collect(),
            before: last.filter(|version| full && *version > 1),
            sites: spread.sites,
        })
    }

    /// One version of a document, also one that no site reads any more.
    ///
    /// # Errors
    /// When there is none, or the store fails.
    pub async fn document_version(
        &self,
        key: &DocumentKey,
        version: u64,
    ) -> Result<Document, EngineError> {
        let found = self.store().document(key, version).await?;
        found.ok_or_else(|| EngineError::not_found("version", format!("{version} of {key}")))
    }

    /// What changed from one version of a document to another.
    ///
    /// # Errors
    /// When one of them is not there, or the store fails.
    pub async fn document_difference(
        &self,
        key: &DocumentKey,
        from: u64,
        to: u64,
    ) -> Result<Difference, EngineError> {
        let before = text(&self.document_version(key, from).await?);
        let after = text(&self.document_version(key, to).await?);
        // Off the threads that serve requests: it takes a while for long documents.
        let compared = tokio::task::spawn_blocking(move || unified(&before, &after));
        let unified = compared
            .await
            .map_err(|e| EngineError::remote("compare the versions", &e))?;
        Ok(Difference { from, to, unified })
    }

    /// Publishes what an older version said as a new version, to all sites at once: what worked needs
    /// no canary. Gives the new version.
    ///
    /// # Errors
    /// When there is no such version, no reason is given, what was right then is refused today, or the
    /// store fails.
    pub async fn roll_document_back(
        &self,
        key: &DocumentKey,
        to: u64,
        why: &str,
        who: &str,
    ) -> Result<u64, EngineError> {
        let old = self.document_version(key, to).await?;
        let how = How {
            at_once: true,
            bypass_coverage: false,
            why: why.into(),
        };
        super::check_how(&how)?;
        if crate::banner::is_banners(key) {
            let rule = "banners are published by themselves; change them with `lamplighter banner`";
            return Err(EngineError::refused_at("service", rule));
        }
        let schema = match &old.json_schema {
            Some(schema) => serde_json::from_str(schema).ok(),
            None if !key.layer.is_base() => None,
            None => Some(serde_json::Value::Bool(true)),
        };
        let new = NewDocument {
            key: old.key,
            accepts: old.accepts,
            lane: Some(old.lane),
            schema,
            body: old.body,
            how,
        };
        self.publish(new, Some(to), who).await
    }

    fn count_holders(&self, key: &DocumentKey) -> Holders {
        let (acks, refusals) = (self.0.delivery.acks.load(), self.0.delivery.refusals.load());
        let versions_of = |held: &Arc<HashSet<Held>>| -> Vec<u64> {
            let own = held.iter().filter(|one| one.key == *key);
            own.map(|one| one.version).collect()
        };
        let held: HashMap<AgentId, Vec<u64>> = acks
            .iter()
            .map(|(agent, held)| (*agent, versions_of(held)))
            .collect();
        let mut counted = Holders::default();
        let fleet = self.fleet();
        let repository = self.repository();
        let own = fleet.sites().filter(|(_, site)| {
            site.product == key.product && repository.is_in_layer(site, &key.layer)
        });
        let document = key.with_layer(Layer::Base);
        for (_, site) in own {
            counted.sites += 1;
            let agent = self.agent_of_site(site.id);
            for version in agent
                .and_then(|agent| held.get(&agent))
                .into_iter()
                .flatten()
            {
                counted.versions.entry(*version).or_default().holding += 1;
            }
            let read = self.document_for(&document, &site.running, Some(&site));
            let mut pieces = read.iter().flat_map(|read| read.pieces());
            if let Some(piece) = pieces.find(|one| one.key.layer == key.layer) {
                counted.versions.entry(piece.version).or_default().reading += 1;
            }
        }
        let refused = refusals.values().flat_map(|all| all.iter());
        for one in refused.filter(|one| one.held.key == *key) {
            counted
                .versions
                .entry(one.held.version)
                .or_default()
                .refused += 1;
        }
        counted
    }
}

#[derive(Default)]
struct Holders {
    sites: usize,
    versions: HashMap<u64, Counts>,
}

#[derive(Clone, Copy, Default)]
struct Counts {
    holding: usize,
    reading: usize,
    refused: usize,
}

fn unified(before: &str, after: &str) -> String {
    TextDiff::configure()
        .timeout(COMPARED_WITHIN)
        .diff_lines(before, after)
        .unified_diff()
        .context_radius(CONTEXT_LINES)
        .to_string()
}

/// A version as people compare it: what it accepts and its lane, then the body with a member in each
/// line.
fn text(document: &Document) -> String {
    let body: Result<serde_json::Value, _> = serde_json::from_slice(&document.body);
    let body = body.and_then(|body| serde_json::to_string_pretty(&body));
    let body = body.unwrap_or_else(|_| String::from_utf8_lossy(&document.body).into_owned());
    format!(
        "accepts {}\nlane {}\n{body}\n",
        document.accepts,
        document.lane.as_str()
    )
}
