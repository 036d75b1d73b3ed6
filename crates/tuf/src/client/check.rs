//! The single checks of the client workflow: parse within a limit, verify, compare versions.
//! Never changes trust.

use super::*;

/// A file with more than its limit is refused before it is parsed.
pub(super) fn parse<T: DeserializeOwned>(
    file: &str,
    bytes: &[u8],
    limit: u64,
) -> Result<(Signed<T>, Vec<u8>), TrustError> {
    let found = bytes.len() as u64;
    if found > limit {
        return Err(TrustError::TooLarge {
            file: file.into(),
            found,
            limit,
        });
    }
    let signed = serde_json::from_slice(bytes).map_err(|e| TrustError::Parse {
        file: file.into(),
        reason: e.to_string(),
    })?;
    Ok((signed, bytes.to_vec()))
}

pub(super) fn verify<T: Role>(
    file: &str,
    root: &Root,
    signed: &Signed<T>,
) -> Result<(), TrustError> {
    root.verify_role(signed).map_err(|e| TrustError::Signature {
        file: file.into(),
        reason: e.to_string(),
    })
}

pub(super) fn verify_delegated<'a>(
    file: &str,
    targets: &'a Targets,
    role: &str,
    signed: &Signed<Targets>,
) -> Result<&'a DelegatedRole, TrustError> {
    let missing = || TrustError::Missing { file: file.into() };
    let delegation = delegations(targets)
        .iter()
        .find(|one| one.name == role)
        .ok_or_else(missing)?;
    let all = targets.delegations.as_ref().ok_or_else(missing)?;
    all.verify_role(signed, role)
        .map_err(|e| TrustError::Signature {
            file: file.into(),
            reason: e.to_string(),
        })?;
    Ok(delegation)
}

pub(super) fn delegations(targets: &Targets) -> &[DelegatedRole] {
    targets
        .delegations
        .as_ref()
        .map_or(&[], |delegations| &delegations.roles)
}

/// A role speaks only for its own paths.
pub(super) fn own_entries(
    file: &str,
    delegation: &DelegatedRole,
    targets: &Targets,
) -> Result<Vec<Entry>, TrustError> {
    let own = Delegations {
        keys: Default::default(),
        roles: vec![delegation.clone()],
    };
    let mut entries = targets
        .targets
        .iter()
        .map(|(name, target)| {
            let fail = || TrustError::Target {
                file: file.into(),
                target: name.raw().to_owned(),
            };
            let entry = Entry::read(name, target).ok_or_else(fail)?;
            if own.target_is_delegated(name) {
                Ok(entry)
            } else {
                Err(fail())
            }
        })
        .collect::<Result<Vec<_>, _>>()?;
    entries.sort_by(|a, b| (&a.key, a.version).cmp(&(&b.key, b.version)));
    Ok(entries)
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

pub(super) fn same_version(file: &str, found: u64, expected: u64) -> Result<(), TrustError> {
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

pub(super) fn fits(meta: &Metafile, bytes: &[u8]) -> bool {
    let length = meta
        .length
        .is_none_or(|length| length == bytes.len() as u64);
    length
        && meta
            .hashes
            .as_ref()
            .is_none_or(|hashes| hashes.sha256[..] == sha256(bytes))
}

pub(super) fn expiry(role: &impl Role) -> Timestamp {
    // The schema's time is an older jiff's. A time past this one's range never comes.
    Timestamp::from_millisecond(role.expires().as_millisecond()).unwrap_or(Timestamp::MAX)
}
