//! The invariants of delivery (design, section 4), as far as a simulation can hold them. Each function
//! has the number of its invariant, and gives what is wrong. They know the truth of the run, and
//! judge by it; they never ask the code that they judge whether it is right.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use agent::CachedDocument;
use agent::trial::{Driven, Versions};
use domain::document::{Document, DocumentKey, check_coverage};
use protocol::delivery::Acks;
use semver::Version;
use tuf::{Entry, Listing, Trust};

use crate::control::{Control, Signed};
use crate::disk::Disk;
use crate::fleet::Site;
use crate::host::{Host, STALE_AFTER};
use crate::network::Inner;

pub(crate) type Checked = Result<(), String>;
type Published = BTreeMap<(DocumentKey, u64), Document>;

pub(crate) const FOLDER: &str = "/agent";

pub(crate) fn trust_file() -> PathBuf {
    Path::new(FOLDER).join("trust.json")
}

pub(crate) fn document_file(sha256: &[u8; 32]) -> PathBuf {
    let name: String = sha256.iter().map(|byte| format!("{byte:02x}")).collect();
    Path::new(FOLDER)
        .join("targets")
        .join(format!("{name}.json"))
}

fn require(holds: bool, number: &str, what: impl FnOnce() -> String) -> Checked {
    if holds {
        return Ok(());
    }
    Err(format!("invariant {number}: {}", what()))
}

/// What the metadata in a file lists, verified anew.
pub(crate) fn listing(file: &[u8]) -> Option<Listing> {
    Listing::read(Trust::restore(&agent::trial::kept(file)?).ok()?).ok()
}

/// 1 and 13: what a site reads accepts its code, is the site's to read, and is to the byte what was
/// published, whoever delivered it.
pub(crate) fn i1_a_read_accepts_its_code(
    (site, code): (&Site, &Version),
    read: &CachedDocument,
    published: &Published,
) -> Checked {
    let CachedDocument { entry, body, .. } = read;
    let name = || {
        let (host, key, version) = (&site.hostname, &entry.key, entry.version);
        format!("{host} on {code} reads {key} version {version}")
    };
    require(entry.accepts.matches(code), "1", || {
        format!("{}, which accepts {}", name(), entry.accepts)
    })?;
    require(
        entry.rollout.admits(&site.hostname, entry.version),
        "1",
        || format!("{} before its turn", name()),
    )?;
    let known = published.get(&(entry.key.clone(), entry.version));
    let is_true = known.is_some_and(|one| one.body == body[..] && one.accepts == entry.accepts);
    require(is_true, "13", || {
        format!("{}, which was not published so", name())
    })
}

/// 2, on the agent: a site is switched only when all that it needs is on its disk, durable.
pub(crate) fn i2_config_is_on_disk(disk: &Disk, site: &Site, version: &Version) -> Checked {
    let name = || format!("{} was switched to {version}", site.hostname);
    let held = disk.surely(&trust_file()).and_then(|file| listing(&file));
    let Some(held) = held else {
        // Rotten metadata: what is in memory was on disk once.
        let is_excused = disk.is_damaged(&trust_file());
        return require(is_excused, "2", || {
            format!("{} without metadata on disk", name())
        });
    };
    let own = held
        .entries()
        .filter(|entry| entry.key.product == site.product);
    let mut keys: BTreeMap<&DocumentKey, bool> = BTreeMap::new();
    for entry in own {
        let file = document_file(&entry.sha256);
        let serves = entry.accepts.matches(version)
            && entry.rollout.admits(&site.hostname, entry.version)
            && (disk.surely(&file).is_some_and(|body| entry.fits(&body)) || disk.is_damaged(&file));
        *keys.entry(&entry.key).or_default() |= serves;
    }
    require(!keys.is_empty(), "2", || {
        format!("{} without any document", name())
    })?;
    match keys.iter().find(|(_, serves)| !**serves) {
        Some((key, _)) => Err(format!("invariant 2: {} without {key} on disk", name())),
        None => Ok(()),
    }
}

/// 2, on the control plane: no site is told to run a release before its agent said that it holds config for it; and
/// then it does, to the byte.
pub(crate) fn i2_order_is_held(
    host: &Host,
    control: &Control,
    site: &Site,
    version: &Version,
) -> Checked {
    let documents = control.repository.documents().iter();
    let mut own = documents.filter(|(key, _)| key.product == site.product);
    let is_held = |one: &Document| {
        let file = document_file(&Entry::of(one).sha256);
        one.accepts.matches(version)
            && (host.disk.surely(&file).is_some_and(|body| body == one.body)
                || host.disk.is_damaged(&file))
    };
    let lacking = own.find(|(_, versions)| !versions.iter().any(|one| is_held(one)));
    require(host.is_damaged || lacking.is_none(), "2", || {
        let key = lacking.map(|(key, _)| key.to_string()).unwrap_or_default();
        format!(
            "{} is told to run {version}, and its disk has no {key} for it",
            site.hostname
        )
    })
}

/// 2, on the control plane: what sites run, and may go back to, finds a version of every document.
pub(crate) fn i2_documents_are_kept(control: &Control, sites: &[Site]) -> Checked {
    for (hostname, known) in &control.sites {
        let documents = control.outlines(&known.product);
        let mut needed = vec![known.running.clone()];
        needed.extend(known.ran_before.clone());
        let own = sites.iter().filter(|site| site.hostname == *hostname);
        needed.extend(own.map(|site| site.runs.clone()));
        let covered = check_coverage(&documents, &needed);
        require(covered.is_ok(), "2", || {
            format!("{hostname} runs or may go back to {needed:?}, and {covered:?}")
        })?;
    }
    Ok(())
}

/// 2: a site that was switched finds config from then on. While files are missing, a document may be so new that it
/// has none; what it read before is looked at by `i5_a_read_survives`.
pub(crate) fn i2_a_switched_site_reads(host: &Host, site: &Site) -> Checked {
    let Some(driven) = &host.driven else {
        return Ok(());
    };
    let cache = driven.cache();
    let is_excused = !site.is_switched
        || host.is_damaged
        || cache.repository_version() == 0
        || !driven.is_whole()
        || host
            .maybe_refused
            .iter()
            .any(|(refusing, _, _)| *refusing == site.hostname);
    let ready = cache.ready_for(&site.hostname, &site.runs);
    require(is_excused || ready.is_ok(), "2", || {
        format!("{} runs {}: {ready:?}", site.hostname, site.runs)
    })
}

/// 4: the age that an agent gives is never less than the time since it believed that timestamp.
pub(crate) fn i4_no_silent_staleness(host: &Host, versions: Versions, now: Duration) -> Checked {
    let Some(driven) = &host.driven else {
        return Ok(());
    };
    let fresh = driven.freshness();
    if fresh.stale {
        return Ok(());
    }
    let newer = host.seen_at.range(versions.timestamp..);
    let seen_at = newer.map(|(_, at)| *at).min();
    let true_age = seen_at.map(|at| now.saturating_sub(at));
    let is_honest = true_age.is_none_or(|age| age <= STALE_AFTER);
    require(is_honest || host.is_clock_lost, "4", || {
        format!(
            "agent {} says {fresh:?}; its timestamp {} is {true_age:?} old",
            host.agent, versions.timestamp
        )
    })?;
    let knows = versions.timestamp > 0 && fresh.age.is_some();
    require(knows, "4", || {
        format!("agent {} is fresh without a timestamp", host.agent)
    })
}

/// 5 and 8: what a restarted agent finds is whole, and is served.
pub(crate) fn i5_last_known_good_is_served(host: &Host, found: Option<&Found>) -> Checked {
    let (Some(found), Some(driven)) = (found, &host.driven) else {
        return Ok(());
    };
    let serves = driven.cache().repository_version();
    require(serves == found.version, "5", || {
        let agent = host.agent;
        format!(
            "agent {agent} found version {} on disk and serves {serves}",
            found.version
        )
    })?;
    for site in &found.readable {
        let read = driven.readable(&site.0);
        let is_read = |entry: &Entry| read.iter().any(|one| one.entry == *entry);
        let missing = site.1.iter().find(|entry| !is_read(entry));
        require(missing.is_none(), "5", || {
            format!(
                "agent {} does not give {} to {}",
                host.agent,
                missing.map_or(String::new(), Entry::file),
                site.0
            )
        })?;
    }
    Ok(())
}

/// What lies on a disk, whole.
pub(crate) struct Found {
    pub(crate) version: u64,
    readable: Vec<(domain::name::Hostname, Vec<Entry>)>,
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
    // What a document is read as: as metadata lists it, or while it lacks a file as it was.
    let lacks = |entry: &Entry| missing.iter().any(|one| one.key == entry.key);
    let was = |entry: &Entry| former.iter().any(|one| one.key == entry.key);
    let current = held.entries().filter(|one| !lacks(one) || !was(one));
    let current = current.filter(|one| !missing.contains(one));
    let read: Vec<&Entry> = current
        .chain(former.iter().filter(|one| lacks(one)))
        .collect();
    let own = sites.iter().filter(|site| site.agent == agent);
    let readable = own.map(|site| {
        let entries = read.iter().filter(|entry| {
            let refused = (site.hostname.clone(), entry.key.clone(), entry.version);
            entry.key.product == site.product
                && entry.rollout.admits(&site.hostname, entry.version)
                && !host.maybe_refused.contains(&refused)
        });
        (
            site.hostname.clone(),
            entries.map(|one| Entry::clone(one)).collect(),
        )
    });
    let readable = readable.collect();
    let version = match behind {
        Some((whole, _)) if !missing.is_empty() => whole,
        _ => version,
    };
    Ok((!is_damaged).then_some(Found { version, readable }))
}

/// 6: what an agent believes never goes back while it runs, nor over a restart.
pub(crate) fn i6_trust_is_monotonic(host: &Host, versions: Versions) -> Checked {
    let floor = host.floor;
    let holds = versions.repository >= floor.repository
        && versions.root >= floor.root
        && versions.timestamp >= floor.timestamp;
    require(holds, "6", || {
        format!(
            "agent {} believed {floor:?} and now {versions:?}",
            host.agent
        )
    })
}

/// 7: a timestamp that was already expired is not believed.
pub(crate) fn i7_expired_is_not_believed(
    host: &Host,
    versions: Versions,
    signed: &BTreeMap<u64, Signed>,
) -> Checked {
    let earliest = host.quiet_at.min(host.wall());
    let newest = host.floor.timestamp.max(host.restored);
    let new = signed
        .get(&versions.timestamp)
        .filter(|_| versions.timestamp > newest);
    require(new.is_none_or(|one| one.expires > earliest), "7", || {
        let expired = new.map(|one| one.expires);
        format!(
            "agent {} believed at {earliest} what expired at {expired:?}",
            host.agent
        )
    })
}

/// 9: what a site refused is not given to it.
pub(crate) fn i9_refused_stays_out(host: &Host, site: &Site, read: &CachedDocument) -> Checked {
    let entry = &read.entry;
    let refused = (site.hostname.clone(), entry.key.clone(), entry.version);
    require(!host.refused.contains(&refused), "9", || {
        format!(
            "{} reads {} version {}, which it refused",
            site.hostname, entry.key, entry.version
        )
    })
}

/// 9: a version that was known to be refused when the rollouts were looked after is halted.
pub(crate) fn i9_refused_is_halted(outside: &Inner, known: &[(DocumentKey, u64)]) -> Checked {
    for (key, version) in known {
        let mut versions = outside
            .control
            .repository
            .documents()
            .get(key)
            .into_iter()
            .flatten();
        let spreads = versions.any(|one| one.version == *version && !one.rollout.is_nowhere());
        require(!spreads, "9", || {
            format!("{key} version {version} was refused and goes on")
        })?;
    }
    Ok(())
}

/// 16: an agent says that it holds only what is durable on its disk.
pub(crate) fn i16_acked_is_on_disk(disk: &Disk, acks: &Acks, published: &Published) -> Checked {
    let trust = trust_file();
    let file = disk.surely(&trust);
    let files = file.and_then(|file| agent::trial::kept(&file));
    let durable = newest_snapshot(&files.unwrap_or_default());
    let is_there = durable >= acks.repository || disk.is_damaged(&trust);
    require(is_there, "16", || {
        format!(
            "version {} was acknowledged with {durable} on disk",
            acks.repository
        )
    })?;
    for held in &acks.held {
        let Some(document) = published.get(&(held.key.clone(), held.version)) else {
            return Err(format!(
                "invariant 16: {held:?} was acknowledged and never published"
            ));
        };
        let file = document_file(&Entry::of(document).sha256);
        let is_there = disk.surely(&file).is_some_and(|body| body == document.body);
        require(is_there || disk.is_damaged(&file), "16", || {
            format!(
                "{} version {} was acknowledged and is not durable; on disk: {}",
                held.key,
                held.version,
                disk.look(&file).is_some()
            )
        })?;
    }
    Ok(())
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

fn newest_snapshot(files: &BTreeMap<String, Vec<u8>>) -> u64 {
    let versions = files
        .keys()
        .filter_map(|name| name.strip_suffix(".snapshot.json")?.parse().ok());
    versions.max().unwrap_or(0)
}

/// 5: a site that reads config for its code goes on to, whatever is missing, and over a restart.
pub(crate) fn i5_a_read_survives(host: &Host, site: &Site) -> Checked {
    let (Some(driven), false) = (&host.driven, host.is_damaged) else {
        return Ok(());
    };
    let cache = driven.cache();
    let before = host.read_before.iter();
    let mut own =
        before.filter(|(hostname, code, _)| *hostname == site.hostname && *code == site.runs);
    let lost = own.find(|(hostname, code, key)| {
        cache
            .read(hostname, &key.service, &key.name, code)
            .is_none()
    });
    let is_excused = host
        .maybe_refused
        .iter()
        .any(|(one, _, _)| *one == site.hostname);
    require(lost.is_none() || is_excused, "5", || {
        let key = lost.map(|(_, _, key)| key.to_string());
        format!("{} on {} reads {key:?} no more", site.hostname, site.runs)
    })
}

/// 10: what is of the first lane is read by all, however stuck everything else is.
pub(crate) fn i10_first_lane_is_read(outside: &Inner, host: &Host) -> Checked {
    let Some(driven) = &host.driven else {
        return Err(format!("invariant 10: agent {} does not run", host.agent));
    };
    check_reads(outside, host, driven, "10", |key| {
        key.service.as_str() == crate::fleet::FIRST
    })
}

/// 3, 11 and 16, at the end: all agents hold what is published, read what they should, say so, and have
/// no litter.
pub(crate) fn i3_all_converged(outside: &Inner, host: &Host) -> Checked {
    let control = &outside.control;
    let agent = host.agent;
    let Some(driven) = &host.driven else {
        return Err(format!("invariant 3: agent {agent} does not run"));
    };
    let cache = driven.cache();
    let (held, newest) = (cache.repository_version(), control.repository.version());
    let has_documents = !control.repository.documents().is_empty();
    require(held == newest || !has_documents, "3", || {
        format!("agent {agent} holds version {held}, and {newest} is the newest")
    })?;
    require(!driven.freshness().stale, "3", || {
        format!("agent {agent} stays STALE")
    })?;
    check_reads(outside, host, driven, "3", |_| true)?;
    let said = control.acks.get(&crate::fleet::agent_id(agent));
    let said = said.map_or(0, |said| said.len());
    let own = |key: &DocumentKey| cache.products().contains(&key.product);
    let documents = control.repository.documents().iter();
    let all: usize = documents
        .filter(|(key, _)| own(key))
        .map(|(_, all)| all.len())
        .sum();
    require(said == all, "16", || {
        format!("agent {agent} said that it holds {said} versions, and {all} are published")
    })?;
    let files = host.disk.count(&Path::new(FOLDER).join("targets"));
    // What a stop left is removed at the next change.
    require(files <= all + 8, "3", || {
        format!("agent {agent} keeps {files} files of {all} documents: its disk fills up")
    })
}

/// All sites of a host read the newest of what they are given, of the documents that are asked for.
fn check_reads(
    outside: &Inner,
    host: &Host,
    driven: &Driven,
    number: &str,
    is_asked: impl Fn(&DocumentKey) -> bool,
) -> Checked {
    let (cache, control) = (driven.cache(), &outside.control);
    let own = outside.sites.iter().filter(|site| site.agent == host.agent);
    for site in own {
        let documents = control.repository.documents().iter();
        let asked = documents.filter(|(key, _)| key.product == site.product && is_asked(key));
        for (key, versions) in asked {
            for code in (0..6).map(crate::fleet::release) {
                let mut given = versions.iter().filter(|one| {
                    one.accepts.matches(&code) && control.is_given(&site.hostname, one)
                });
                let expected = given.next().map(|one| one.version);
                let read = cache.read(&site.hostname, &key.service, &key.name, &code);
                let read = read.map(|one| one.entry.version);
                require(read == expected, number, || {
                    let host = &site.hostname;
                    format!("{host} on {code} reads {key} version {read:?} and not {expected:?}")
                })?;
            }
        }
    }
    Ok(())
}
