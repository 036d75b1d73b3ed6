//! Documents merged with layers, kept from read to read without a lock. Each view of the documents has its own.

use std::sync::Arc;

use arc_swap::ArcSwap;
use aws_lc_rs::digest::{Context as Hash, SHA256, digest};
use bytes::Bytes;
use domain::layer::merge;
use rpds::HashTrieMapSync;

use super::CachedDocument;

/// What is kept, in bytes of bodies. Beyond, it is merged anew from read to read.
const KEPT_BYTES_MAX: usize = 64 << 20;
/// What an entry takes beside its body, about.
const ENTRY_BYTES: usize = 1_024;

#[derive(Default)]
pub(super) struct Merged(ArcSwap<Kept>);

#[derive(Clone, Default)]
struct Kept {
    by_pieces: HashTrieMapSync<[u8; 32], Arc<CachedDocument>>,
    bytes: usize,
}

impl Merged {
    /// The pieces as one document; the first is the document itself. `None` when a piece is no JSON: what is
    /// published is checked to be.
    pub(super) fn get(&self, pieces: &[&Arc<CachedDocument>]) -> Option<Arc<CachedDocument>> {
        let (base, layers) = pieces.split_first()?;
        if layers.is_empty() {
            return Some(Arc::clone(base));
        }
        let id = identity(pieces);
        if let Some(known) = self.0.load().by_pieces.get(&id) {
            return Some(Arc::clone(known));
        }
        let one = Arc::new(merged(base, layers, id)?);
        self.0.rcu(|kept| kept.with(id, &one));
        Some(one)
    }
}

impl Kept {
    fn with(&self, id: [u8; 32], one: &Arc<CachedDocument>) -> Self {
        let bytes = one.body.len() + ENTRY_BYTES;
        let kept = if self.bytes + bytes > KEPT_BYTES_MAX {
            Self::default()
        } else {
            self.clone()
        };
        Self {
            by_pieces: kept.by_pieces.insert(id, Arc::clone(one)),
            bytes: kept.bytes + bytes,
        }
    }
}

fn identity(pieces: &[&Arc<CachedDocument>]) -> [u8; 32] {
    let mut hash = Hash::new(&SHA256);
    for one in pieces {
        hash.update(format!("{} {}\n", one.entry.key, one.entry.version).as_bytes());
        hash.update(&one.entry.sha256);
    }
    bytes_of(hash.finish().as_ref())
}

fn merged(
    base: &CachedDocument,
    layers: &[&Arc<CachedDocument>],
    id: [u8; 32],
) -> Option<CachedDocument> {
    let body = merge(&base.body, layers.iter().map(|one| &one.body[..])).ok()?;
    Some(CachedDocument {
        entry: base.entry.clone(),
        layers: layers.iter().map(|one| one.entry.clone()).collect(),
        sha256: bytes_of(digest(&SHA256, &body).as_ref()),
        body: Bytes::from(body),
        etag: format!("\"{}\"", hex::encode(&id[..16])).into(),
    })
}

fn bytes_of(digest: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest);
    out
}
