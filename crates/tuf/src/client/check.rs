//! The single checks of the client workflow: verify, compare versions, lengths and hashes.
//! Never changes trust.

use super::*;
use crate::verify::RoleKeys;

/// Root's own keys: a new root is signed by those of the old one and by its own.
pub(super) fn signed_by_root(
    file: &str,
    root: &Root,
    signed: &Signed<Root>,
) -> Result<(), TrustError> {
    signed_by(file, root, &root.roles.root, signed)
}

pub(super) fn signed_by<T>(
    file: &str,
    root: &Root,
    keys: &RoleKeys,
    signed: &Signed<T>,
) -> Result<(), TrustError> {
    keys.verify(file, &root.keys, &signed.message, &signed.signatures)
}

/// 5.5.5: no file that a snapshot lists may be older in the next, or vanish from it.
pub(super) fn no_rollback(old: &Snapshot, new: &Snapshot) -> Result<(), TrustError> {
    for (file, before) in &old.meta {
        let after = new
            .meta
            .get(file)
            .ok_or_else(|| TrustError::Missing { file: file.clone() })?;
        not_older(file, after.version.get(), before.version.get())?;
    }
    Ok(())
}

pub(super) fn not_older(file: &str, found: u64, trusted: u64) -> Result<(), TrustError> {
    if found >= trusted {
        return Ok(());
    }
    Err(TrustError::Version {
        file: file.into(),
        found,
        expected: format!("at least {trusted}"),
    })
}

pub(super) fn same_version(file: &str, header: &Header, expected: u64) -> Result<(), TrustError> {
    let found = header.version.get();
    if found == expected {
        return Ok(());
    }
    Err(TrustError::Version {
        file: file.into(),
        found,
        expected: expected.to_string(),
    })
}

pub(super) fn length_max(meta: &Metafile) -> u64 {
    meta.length
        .unwrap_or(METADATA_BYTES_MAX)
        .min(METADATA_BYTES_MAX)
}

pub(super) fn matches_meta(file: &str, meta: &Metafile, bytes: &[u8]) -> Result<(), TrustError> {
    let (found, limit) = (bytes.len() as u64, length_max(meta));
    if found > limit {
        return Err(TrustError::TooLarge {
            file: file.into(),
            found,
            limit,
        });
    }
    if fits(meta, bytes) {
        Ok(())
    } else {
        Err(TrustError::Mismatch { file: file.into() })
    }
}

/// Whether a held file is the very one that `meta` describes.
pub(super) fn is_described<T>(held: &Believed<T>, meta: &Metafile) -> bool {
    held.header.version == meta.version && fits(meta, &held.bytes)
}

fn fits(meta: &Metafile, bytes: &[u8]) -> bool {
    let length = meta
        .length
        .is_none_or(|length| length == bytes.len() as u64);
    length && meta.hashes.as_ref().is_none_or(|hashes| hashes.fit(bytes))
}
