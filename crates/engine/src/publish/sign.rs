//! Signs the metadata of a publication. Never saves it, never decides what is published.

use std::collections::BTreeSet;

use domain::name::{ProductName, ServiceName};
use tuf::{Entry, MetadataFile, role_name};

use super::Documents;
use crate::delivery::{METADATA_EXPIRES_AFTER, Repository, after, signing};
use crate::told::Telling;
use crate::{Engine, EngineError};

impl Engine {
    /// New metadata for a repository whose documents of these services changed, and of which is told
    /// what `telling` says; the snapshot last.
    pub(super) fn sign(
        &self,
        before: &Repository,
        documents: &Documents,
        services: &BTreeSet<(ProductName, ServiceName)>,
        telling: &Telling,
    ) -> Result<Vec<MetadataFile>, EngineError> {
        let keys = &self.0.delivery.keys;
        let expires = after(self.clock(), METADATA_EXPIRES_AFTER);
        let mut files = vec![];
        for (product, service) in services {
            let role = role_name(product, service);
            let own = documents
                .iter()
                .filter(|(key, _)| key.product == *product && key.service == *service);
            // What is for one site travels with what is told of the site.
            let own = own.filter(|(key, _)| !key.layer.is_site());
            let entries: Vec<_> = own
                .flat_map(|(_, versions)| versions.iter().rev().map(|one| Entry::of(one)))
                .collect();
            let version = next(before, &role);
            files.push(tuf::delegated(keys, &role, version, expires, &entries).map_err(signing)?);
        }
        for role in &telling.roles {
            let version = next(before, &role.name());
            let entries = telling.told.entries(role);
            let file = tuf::delegated_shards(keys, role, version, expires, entries);
            files.push(file.map_err(signing)?);
        }
        if files
            .iter()
            .any(|file| !before.current.contains_key(&file.role))
        {
            files.push(self.sign_targets(before, documents, telling)?);
        }
        files.push(self.sign_snapshot(before, &files)?);
        Ok(files)
    }

    pub(super) fn sign_targets(
        &self,
        before: &Repository,
        documents: &Documents,
        telling: &Telling,
    ) -> Result<MetadataFile, EngineError> {
        let services: BTreeSet<_> = documents
            .keys()
            .map(|key| (&key.product, &key.service))
            .collect();
        let expires = after(self.clock(), METADATA_EXPIRES_AFTER);
        let keys = &self.0.delivery.keys;
        let shards = telling.told.roles();
        tuf::targets(keys, next(before, "targets"), expires, services, shards).map_err(signing)
    }

    pub(super) fn sign_snapshot(
        &self,
        before: &Repository,
        signed: &[MetadataFile],
    ) -> Result<MetadataFile, EngineError> {
        let replaced: BTreeSet<&str> = signed.iter().map(|file| file.role.as_str()).collect();
        let stays = |file: &&MetadataFile| {
            file.role != "snapshot" && !replaced.contains(file.role.as_str())
        };
        let all = before.current.values().filter(stays).chain(signed);
        let expires = after(self.clock(), METADATA_EXPIRES_AFTER);
        let keys = &self.0.delivery.keys;
        tuf::snapshot(keys, before.version + 1, expires, all).map_err(signing)
    }
}

fn next(before: &Repository, role: &str) -> u64 {
    before.current.get(role).map_or(0, |file| file.version) + 1
}
