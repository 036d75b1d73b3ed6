//! Bodies of documents, and what is told of sites: verified, and on disk by what is in them.
//!
//! By content: two versions with equal bodies share a file, and no version overwrites another.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use tuf::{Entry, Listing, ShardEntry};

use super::source::Source;
use crate::AgentError;
use crate::cache::told::HeldShard;
use crate::cache::{Cache, CachedDocument, View};
use crate::disk::Disk;
#[cfg(feature = "trial")]
use crate::trial::{Bug, planted};

const TARGETS: &str = "targets";

/// The bodies on disk.
pub(super) struct Bodies {
    disk: Disk,
    /// Who sweeps must not take away what somebody else is writing.
    changing: Mutex<()>,
}

impl Bodies {
    pub(super) fn new(disk: Disk) -> Self {
        let changing = Mutex::default();
        Self { disk, changing }
    }

    /// A document as it lies on disk, if it is what metadata promises.
    pub(super) fn find(&self, entry: &Entry) -> Option<CachedDocument> {
        let body = self.disk.read(&on_disk(entry)).ok().flatten()?;
        if !entry.fits(&body) {
            tracing::warn!(
                "document {} on disk was changed; it is fetched again",
                entry.file()
            );
            return None;
        }
        Some(CachedDocument::new(entry.clone(), Bytes::from(body)))
    }

    /// What is told of sites, as it lies on disk.
    pub(super) fn find_shard(&self, entry: &ShardEntry, cache: &Cache) -> Option<HeldShard> {
        let body = self.disk.read(&by_content(&entry.sha256)).ok().flatten()?;
        read_shard(entry, &body, cache)
    }

    /// A document from disk or else from a source; then it is on disk.
    pub(super) async fn obtain(
        &self,
        entry: &Entry,
        source: &Source<'_>,
    ) -> Result<CachedDocument, AgentError> {
        match self.find(entry) {
            Some(document) => Ok(document),
            None => self.take(entry, source.document(entry).await?),
        }
    }

    /// A document that is on disk or was pushed; then it is on disk.
    pub(super) fn at_hand(
        &self,
        entry: &Entry,
        source: Option<&Source<'_>>,
    ) -> Result<Option<CachedDocument>, AgentError> {
        if let Some(document) = self.find(entry) {
            return Ok(Some(document));
        }
        let pushed = source.and_then(|source| source.pushed(entry));
        pushed.map(|body| self.take(entry, body)).transpose()
    }

    fn take(&self, entry: &Entry, body: Vec<u8>) -> Result<CachedDocument, AgentError> {
        let fits = entry.fits(&body);
        #[cfg(feature = "trial")]
        let fits = fits || planted(Bug::SkipHash);
        if !fits {
            return Err(AgentError::Document { file: entry.file() });
        }
        self.keep(entry, &body)?;
        Ok(CachedDocument::new(entry.clone(), Bytes::from(body)))
    }

    /// Writes a body that was verified.
    fn keep(&self, entry: &Entry, body: &[u8]) -> Result<(), AgentError> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        self.disk.write(&on_disk(entry), body)
    }

    pub(super) async fn obtain_shard(
        &self,
        entry: &ShardEntry,
        source: &Source<'_>,
        cache: &Cache,
    ) -> Result<HeldShard, AgentError> {
        if let Some(held) = self.find_shard(entry, cache) {
            return Ok(held);
        }
        let file = entry.file();
        let body = source.target(&file, entry.length).await?;
        let held = read_shard(entry, &body, cache).ok_or(AgentError::Document { file })?;
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        self.disk.write(&by_content(&entry.sha256), &body)?;
        Ok(held)
    }

    /// Writes what is still read although metadata lists it no more, and lies on disk only with other things.
    pub(super) fn keep_behind(&self, view: &View) -> Result<(), AgentError> {
        let mut of_sites = view.behind().filter(|one| one.entry.key.layer.is_site());
        of_sites.try_for_each(|one| match self.find(&one.entry) {
            Some(_) => Ok(()),
            None => self.keep(&one.entry, &one.body),
        })
    }

    /// Removes documents that nobody needs any more, and what a stopped write left: a disk must not fill
    /// up with the past.
    pub(super) fn sweep(&self, listing: &Listing, view: &View, cache: &Cache) {
        let behind = view.behind().map(|one| &one.entry);
        self.keep_only(listing.entries().chain(behind), listing, cache);
    }

    /// After a failure of the disk: removes all that is not read now. What is listed and was fetched before its turn
    /// is fetched again.
    pub(super) fn make_room(&self, listing: &Listing, view: &View, cache: &Cache) {
        self.keep_only(view.all().map(|one| &one.entry), listing, cache);
    }

    /// Keeps these, and what is told of the agent's own sites.
    fn keep_only<'a>(
        &self,
        entries: impl Iterator<Item = &'a Entry>,
        listing: &Listing,
        cache: &Cache,
    ) {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let own = listing
            .shards()
            .filter(|one| cache.places().are_in(&one.shard));
        let own = own.map(|one| by_content(&one.sha256));
        let kept: HashSet<String> = entries.map(on_disk).chain(own).collect();
        let names = self.disk.names_in(TARGETS).unwrap_or_default();
        for name in names {
            let file = format!("{TARGETS}/{name}");
            if !kept.contains(&file)
                && let Err(e) = self.disk.remove(&file)
            {
                tracing::warn!("{e}");
            }
        }
    }
}

fn on_disk(entry: &Entry) -> String {
    by_content(&entry.sha256)
}

fn by_content(sha256: &[u8; 32]) -> String {
    format!("{TARGETS}/{}.json", hex::encode(sha256))
}

fn read_shard(entry: &ShardEntry, body: &[u8], cache: &Cache) -> Option<HeldShard> {
    if !entry.fits(body) {
        return None;
    }
    HeldShard::read(entry.clone(), body, |site, product| {
        cache.product_of(site) == Some(product)
    })
}
