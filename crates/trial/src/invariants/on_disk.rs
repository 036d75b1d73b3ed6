//! The invariants of what lies on the disk of a host.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use domain::document::DocumentKey;
use domain::layer::Layer;
use protocol::delivery::Acks;
use protocol::told::ToldSites;
use semver::Version;
use tuf::{Entry, Listing, Places, ShardEntry};

use super::{Checked, document_file, listing, require, trust_file};
use crate::disk::Disk;
use crate::fleet::Site;
use crate::host::Host;
use crate::truth::Truth;

/// How long an agent spares its disk timestamps.
const SAVED_WITHIN: Duration = Duration::from_secs(300);

/// 2, on the agent: a site is switched only when all that it needs is on its disk, durable.
pub(crate) fn i2_config_is_on_disk(
    disk: &Disk,
    (site, version): (&Site, &Version),
    judged_at: u64,
    truth: &Truth,
) -> Checked {
    let name = || format!("{} was switched to {version}", site.hostname);
    let file = disk.surely(&trust_file());
    let held = file.as_ref().and_then(|file| listing(file));
    let Some(held) = held else {
        // Rotten metadata: what is in memory was on disk once.
        let is_excused = disk.is_damaged(&trust_file());
        return require(is_excused, "2", || {
            format!("{} without metadata on disk", name())
        });
    };
    let is_there = |entry: &Entry| {
        let file = document_file(&entry.sha256);
        disk.surely(&file).is_some_and(|body| entry.fits(&body)) || disk.is_damaged(&file)
    };
    let behind = file.and_then(|file| agent::trial::behind(&file));
    let behind = behind.map_or(vec![], |(_, entries)| entries);
    let was = |entry: &&Entry| behind.iter().any(|one| one.key.is_of(&entry.key));
    let lacking: Vec<_> = held.entries().filter(|one| !is_there(one)).collect();
    let lacks = |entry: &&Entry| lacking.iter().any(|one| one.key.is_of(&entry.key));
    // A document that lacks a file is read as it was before.
    let current = held.entries().filter(|one| !(lacks(one) && was(one)));
    let before = behind.iter().filter(lacks);
    let own = truth.layers_of(held.trust().version(), (&site.product, &site.hostname));
    // A release does without a document none of whose versions accepts it, for whoever knows as much as the control plane
    // did.
    let listed = held.trust().version();
    require(listed >= judged_at, "2", || {
        format!("{} by version {listed}, and by {judged_at} it may", name())
    })?;
    let does_without =
        |key: &DocumentKey| judged_at > 0 && !truth.has_any_for(version, (listed, &base_of(key)));
    let mut keys: BTreeMap<&DocumentKey, (bool, bool)> = BTreeMap::new();
    for entry in current.chain(before) {
        let is_own = entry.key.layer.is_base() || own.contains(&entry.key.layer);
        if entry.key.product != site.product || !is_own {
            continue;
        }
        let is_given =
            entry.accepts.matches(version) && entry.rollout.admits(&site.hostname, entry.version);
        let (needed, serves) = keys.entry(&entry.key).or_default();
        // Before its turn, a layer is not the site's.
        *needed |= (entry.key.layer.is_base() || is_given) && !does_without(&entry.key);
        *serves |= is_given && is_there(entry);
    }
    require(!keys.is_empty(), "2", || {
        format!("{} without any document", name())
    })?;
    match keys.iter().find(|(_, (needed, serves))| *needed && !serves) {
        Some((key, _)) => Err(format!("invariant 2: {} without {key} on disk", name())),
        None => Ok(()),
    }
}

/// What lies on a disk, whole.
pub(crate) struct Found {
    /// The newest version of which everything is there.
    pub(super) version: u64,
    pub(super) listed: u64,
    /// Documents that can be read, each as of which version at least; at most as of the one that is listed.
    pub(super) documents: Vec<(DocumentKey, u64)>,
}

/// 6 and 8: what lies on a disk after a stop passes all checks, is all there, and is not older than
/// what was believed. `None` where the disk was damaged.
pub(crate) fn i6_the_disk_is_whole(host: &Host, sites: &[Site]) -> Result<Option<Found>, String> {
    let disk = &host.disk;
    let agent = host.agent;
    if host.is_damaged || disk.is_damaged(&trust_file()) {
        return Ok(None);
    }
    let Some(file) = disk.look(&trust_file()) else {
        require(host.floor.repository == 0, "6", || {
            format!(
                "agent {agent} held version {} and lost it",
                host.floor.repository
            )
        })?;
        return Ok(None);
    };
    let Some(held) = listing(&file) else {
        return Err(format!(
            "invariant 8: metadata on the disk of agent {agent} does not verify"
        ));
    };
    let version = held.trust().version();
    require(version >= host.floor.repository, "6", || {
        format!(
            "agent {agent} held version {} and now {version}",
            host.floor.repository
        )
    })?;
    let root = held.trust().root_version();
    require(root >= host.floor.root, "6", || {
        format!("agent {agent} held root {} and now {root}", host.floor.root)
    })?;
    let behind = agent::trial::behind(&file);
    let mut is_damaged = false;
    let mut is_there = |entry: &Entry| {
        let file = document_file(&entry.sha256);
        is_damaged |= disk.is_damaged(&file);
        disk.is_damaged(&file) || disk.look(&file).is_some_and(|body| entry.fits(&body))
    };
    let missing: Vec<&Entry> = held.entries().filter(|one| !is_there(one)).collect();
    let former = behind.as_ref().map_or(&[][..], |(_, entries)| entries);
    let lost = former.iter().find(|one| !is_there(one));
    let lost = lost.or_else(|| missing.first().copied().filter(|_| behind.is_none()));
    require(lost.is_none(), "8", || {
        let file = lost.map_or(String::new(), Entry::file);
        format!("the disk of agent {agent} lists {file} and lacks it")
    })?;
    let own: Vec<_> = sites.iter().filter(|site| site.agent == agent).collect();
    let shards = own_shards(&held, own.iter().copied());
    let lost = shards.iter().find(|one| {
        let file = document_file(&one.sha256);
        is_damaged |= disk.is_damaged(&file);
        !disk.is_damaged(&file) && !disk.look(&file).is_some_and(|body| one.fits(&body))
    });
    require(lost.is_none(), "8", || {
        let file = lost.map_or(String::new(), |one| one.file());
        format!("the disk of agent {agent} lists {file} and lacks it")
    })?;
    let listed = version;
    let version = match &behind {
        Some((whole, _)) if !missing.is_empty() => *whole,
        _ => version,
    };
    // What a document is read as: as metadata lists it, or while it lacks a file as it was.
    let lacks = |key: &DocumentKey| missing.iter().any(|one| one.key.is_of(key));
    let current = held.entries().map(|entry| &entry.key);
    let current: BTreeSet<_> = current.filter(|key| !lacks(key)).map(base_of).collect();
    let current = current.into_iter().map(|key| (key, listed));
    let before = former.iter().map(|entry| &entry.key);
    let before: BTreeSet<_> = before.filter(|key| lacks(key)).map(base_of).collect();
    let before = before.into_iter().map(|key| (key, version.max(1)));
    let found = Found {
        version,
        listed,
        documents: current.chain(before).collect(),
    };
    Ok((!is_damaged).then_some(found))
}

fn base_of(key: &DocumentKey) -> DocumentKey {
    key.with_layer(Layer::Base)
}

/// 16: an agent says that it holds only what is durable on its disk.
pub(crate) fn i16_acked_is_on_disk(disk: &Disk, acks: &Acks, truth: &Truth) -> Checked {
    let trust = trust_file();
    let file = disk.surely(&trust);
    let files = file.as_ref().and_then(|file| agent::trial::kept(file));
    let durable = newest_snapshot(&files.unwrap_or_default());
    let is_there = durable >= acks.repository || disk.is_damaged(&trust);
    require(is_there, "16", || {
        format!(
            "version {} was acknowledged with {durable} on disk",
            acks.repository
        )
    })?;
    let mut told = None;
    for held in &acks.held {
        let name = || format!("{} version {}", held.key, held.version);
        let Some(document) = truth.published.get(&(held.key.clone(), held.version)) else {
            return Err(format!(
                "invariant 16: {} was acknowledged and never published",
                name()
            ));
        };
        let path = document_file(&Entry::of(document).sha256);
        let mut is_there =
            disk.surely(&path).is_some_and(|body| body == document.body) || disk.is_damaged(&path);
        if !is_there && held.key.layer.is_site() {
            let told = told.get_or_insert_with(|| told_on(disk, file.as_deref()));
            is_there = told
                .as_ref()
                .is_none_or(|all| all.contains(&(held.key.clone(), held.version)));
        }
        require(is_there, "16", || {
            format!("{} was acknowledged and is not durable", name())
        })?;
    }
    Ok(())
}

/// The versions of sites' own layers that lie on a disk; `None` where it is damaged.
fn told_on(disk: &Disk, trust: Option<&[u8]>) -> Option<BTreeSet<(DocumentKey, u64)>> {
    let mut versions = BTreeSet::new();
    let held = listing(trust?);
    for shard in held.as_ref()?.shards() {
        let file = document_file(&shard.sha256);
        if disk.is_damaged(&file) {
            return None;
        }
        // That of sites of other agents is not here.
        let body = disk.surely(&file).unwrap_or_default();
        let told: ToldSites = serde_json::from_slice(&body).unwrap_or_default();
        for (site, told) in told.sites {
            let keys = told.layers.into_iter().map(|one| {
                let product = shard.shard.product.clone();
                let base = DocumentKey::base(product, one.service, one.name);
                (base.with_layer(Layer::Site(site.clone())), one.version)
            });
            versions.extend(keys);
        }
    }
    Some(versions)
}

/// 8: what reads give is on disk, surely.
pub(crate) fn i8_what_is_read_is_durable(host: &Host) -> Checked {
    let (Some(driven), disk) = (&host.driven, &host.disk) else {
        return Ok(());
    };
    let reads = driven.cache().repository_version();
    let file = disk.surely(&trust_file());
    let files = file.and_then(|file| agent::trial::kept(&file));
    let durable = newest_snapshot(&files.unwrap_or_default());
    let is_there = durable >= reads || disk.is_damaged(&trust_file());
    require(is_there, "8", || {
        let agent = host.agent;
        format!("agent {agent} gives version {reads} with {durable} on disk")
    })
}

/// 4, over a restart: where a proof is newer than the one on disk, the one on disk is five minutes old at most, so that a
/// restart makes nothing look older by more.
pub(crate) fn i4_a_proof_is_saved(
    host: &Host,
    (timestamp, on_disk): (u64, u64),
    unsaved_for: Duration,
) -> Checked {
    let is_well = on_disk >= timestamp || unsaved_for <= SAVED_WITHIN;
    require(is_well, "4", || {
        let agent = host.agent;
        format!(
            "agent {agent} saved {on_disk}, has {timestamp}, and saved none for {unsaved_for:?}"
        )
    })
}

/// The version of the timestamp that is surely on a disk, 0 for none; `None` where the disk was damaged.
pub(crate) fn timestamp_on_disk(disk: &Disk) -> Option<u64> {
    let files = disk
        .surely(&trust_file())
        .and_then(|file| agent::trial::kept(&file));
    let file = files.and_then(|files| {
        let file = files.get("timestamp.json")?;
        serde_json::from_slice::<serde_json::Value>(file).ok()
    });
    let version = file.and_then(|file| file["signed"]["version"].as_u64());
    (!disk.is_damaged(&trust_file())).then(|| version.unwrap_or(0))
}

fn newest_snapshot(files: &BTreeMap<String, Vec<u8>>) -> u64 {
    let versions = files
        .keys()
        .filter_map(|name| name.strip_suffix(".snapshot.json")?.parse().ok());
    versions.max().unwrap_or(0)
}

/// What of a site's agent lists what is told of its sites.
fn own_shards<'a>(
    listing: &'a Listing,
    sites: impl IntoIterator<Item = &'a Site>,
) -> Vec<&'a ShardEntry> {
    let sites = sites.into_iter();
    let places = Places::of(sites.map(|site| (&site.hostname, &site.product)));
    let shards = listing.shards();
    shards.filter(|one| places.are_in(&one.shard)).collect()
}
