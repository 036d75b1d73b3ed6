//! Documents merged with layers, kept from read to read. An update never waits for a lock of this: each
//! view of the documents has its own.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use aws_lc_rs::digest::{Context as Hash, SHA256, digest};
use bytes::Bytes;
use domain::layer::merge;

use super::CachedDocument;

/// What is kept, in bytes of bodies. Beyond, it is merged anew from read to read.
const KEPT_BYTES_MAX: usize = 64 << 20;
/// What an entry takes beside its body, about.
const ENTRY_BYTES: usize = 1_024;

#[derive(Default)]
pub(super) struct Merged(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    by_pieces: HashMap<[u8; 32], Arc<CachedDocument>>,
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
        let known = self.0.lock().ok()?.by_pieces.get(&id).cloned();
        if known.is_some() {
            return known;
        }
        // Not under the lock: others read meanwhile.
        let one = Arc::new(merged(base, layers, id)?);
        let mut kept = self.0.lock().ok()?;
        let bytes = one.body.len() + ENTRY_BYTES;
        if kept.bytes + bytes > KEPT_BYTES_MAX {
            *kept = Kept::default();
        }
        kept.bytes += bytes;
        kept.by_pieces.insert(id, Arc::clone(&one));
        Some(one)
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
