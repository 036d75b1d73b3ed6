//! The invariants of delivery (design, section 4), as far as a simulation can hold them. Each function
//! has the number of its invariant, and gives what is wrong. They know the truth of the run, and
//! judge by it; they never ask the code that they judge whether it is right.

mod at_the_end;
mod on_disk;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use agent::CachedDocument;
use agent::trial::Versions;
use domain::document::{Document, DocumentKey};
use domain::layer::Layer;
use semver::Version;
use tuf::{Entry, Listing, Trust};

use crate::control::{Control, Signed};
use crate::disk::Disk;
use crate::fleet::Site;
use crate::host::{Host, STALE_AFTER};
use crate::network::Inner;
use crate::truth::{Pieces, Reader, Truth};

pub(crate) use at_the_end::{i3_all_converged, i10_first_lane_is_read};
pub(crate) use on_disk::{
    Found, i2_config_is_on_disk, i4_a_proof_is_saved, i6_the_disk_is_whole,
    i8_what_is_read_is_durable, i16_acked_is_on_disk, timestamp_on_disk,
};

pub(crate) type Checked = Result<(), String>;

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

pub(crate) fn require(holds: bool, number: &str, what: impl FnOnce() -> String) -> Checked {
    if holds {
        return Ok(());
    }
    Err(format!("invariant {number}: {}", what()))
}

/// Whether metadata lies on a disk, whatever became of the files that it lists.
pub(crate) fn is_trust_whole(disk: &Disk) -> bool {
    let file = disk.look(&trust_file());
    file.is_some_and(|file| listing(&file).is_some())
}

/// What the metadata in a file lists, verified anew.
pub(crate) fn listing(file: &[u8]) -> Option<Listing> {
    Listing::read(Trust::restore(&agent::trial::kept(file)?).ok()?).ok()
}

/// 1 and 13: each piece of what a site reads accepts its code, and is the site's to read; and the whole is to the byte
/// what was published, merged, whoever delivered it.
pub(crate) fn i1_a_read_accepts_its_code(
    (site, code): (&Site, &Version),
    read: &CachedDocument,
    truth: &Truth,
) -> Checked {
    for entry in std::iter::once(&read.entry).chain(&read.layers) {
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
        let known = truth.published.get(&(entry.key.clone(), entry.version));
        let is_true = known.is_some_and(|one| one.accepts == entry.accepts);
        require(is_true, "13", || {
            format!("{}, which was not published so", name())
        })?;
    }
    let pieces = pieces_of(read);
    let is_body = truth.is_body(&read.entry.key, &pieces, &read.body);
    require(is_body, "13", || {
        let (host, key) = (&site.hostname, &read.entry.key);
        format!("{host} on {code} reads of {key} what is not {pieces:?} as one")
    })
}

/// The versions that were merged into what is read.
pub(crate) fn pieces_of(read: &CachedDocument) -> Pieces {
    let all = std::iter::once(&read.entry).chain(&read.layers);
    all.map(|one| (one.key.layer.clone(), one.version))
        .collect()
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
    let facts = control.told_facts.get(&site.product);
    let facts = facts.and_then(|all| all.get(&site.hostname));
    let is_own = |key: &DocumentKey, versions: &[Arc<Document>]| {
        let layer = &key.layer;
        let is_in = facts.is_some_and(|facts| facts.has(&site.hostname, layer));
        let is_needed = versions
            .iter()
            .any(|one| one.accepts.matches(version) && control.is_given(&site.hostname, one));
        // What is for one site lies on disk with what is told of the site.
        layer.is_base() || (is_in && !layer.is_site() && is_needed)
    };
    // A release does without a document none of whose versions accepts it, and so without its layers.
    let newest = control.repository.version();
    let is_used = |key: &DocumentKey| {
        let base = key.with_layer(Layer::Base);
        control.truth.has_any_for(version, (newest, &base))
    };
    let mut own = documents
        .filter(|(key, all)| key.product == site.product && is_used(key) && is_own(key, all));
    let is_held = |one: &Document| {
        let file = document_file(&Entry::of(one).sha256);
        one.accepts.matches(version)
            && control.is_given(&site.hostname, one)
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

/// 2, on the control plane: what sites run, and may go back to, finds a version of every document, and of every layer
/// that is for all its sites.
pub(crate) fn i2_documents_are_kept(control: &Control, sites: &[Site]) -> Checked {
    for (hostname, known) in &control.sites {
        let own = sites.iter().filter(|site| site.hostname == *hostname);
        let needed = std::iter::once(&known.running).chain(&known.ran_before);
        let needed: BTreeSet<_> = needed.chain(own.map(|site| &site.runs)).collect();
        let documents = control.repository.documents().iter();
        for (key, versions) in documents.filter(|(key, _)| key.product == known.product) {
            let covers = |code: &Version| {
                let is_for_all = |one: &&Arc<Document>| one.rollout.is_everywhere();
                let mut accepting = versions.iter().filter(|one| one.accepts.matches(code));
                if key.layer.is_base() {
                    return accepting.any(|one| is_for_all(&one));
                }
                accepting.next().is_some() || !versions.iter().any(|one| is_for_all(&one))
            };
            let is_left_out = |code: &Version| {
                let of = (key.clone(), code.clone());
                control.past_coverage.contains(&of) || !control.truth.was_any_for(code, key)
            };
            let mut needed = needed.iter().filter(|code| !is_left_out(code));
            let uncovered = needed.find(|code| !covers(code));
            require(uncovered.is_none(), "2", || {
                format!(
                    "{hostname} runs or may go back to {uncovered:?}, and {key} has nothing for it"
                )
            })?;
        }
    }
    Ok(())
}

/// 2: a site that was switched finds config from then on. While files are missing, a document may be so new that it
/// has none; what it read before is looked at by `i5_a_read_survives`.
pub(crate) fn i2_a_switched_site_reads(host: &Host, site: &Site, truth: &Truth) -> Checked {
    let Some(driven) = &host.driven else {
        return Ok(());
    };
    let (cache, listed) = (driven.cache(), driven.shown().listed());
    let is_excused = !site.is_switched
        || host.is_damaged
        || cache.repository_version() == 0
        || !driven.is_whole();
    let documents = truth.documents_at(listed, &site.product);
    let mut needed = documents.filter(|key| truth.has_any_for(&site.runs, (listed, key)));
    let is_unread = |key: &&DocumentKey| {
        let read = cache.read(&site.hostname, &key.service, &key.name, &site.runs);
        read.is_none() && !host.maybe_refuses(&site.hostname, key)
    };
    let unread = needed.find(is_unread);
    require(is_excused || unread.is_none(), "2", || {
        let key = unread.map_or(String::new(), DocumentKey::to_string);
        format!("{} runs {} and reads no {key}", site.hostname, site.runs)
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
pub(crate) fn i5_last_known_good_is_served(
    host: &Host,
    found: Option<&Found>,
    outside: &Inner,
) -> Checked {
    let (Some(found), Some(driven)) = (found, &host.driven) else {
        return Ok(());
    };
    let (agent, cache, truth) = (host.agent, driven.cache(), &outside.control.truth);
    let serves = cache.repository_version();
    require(serves == found.version, "5", || {
        let whole = found.version;
        format!("agent {agent} found version {whole} on disk and serves {serves}")
    })?;
    let own = outside.sites.iter().filter(|site| site.agent == agent);
    for (site, code) in own.flat_map(|site| crate::fleet::codes().map(move |code| (site, code))) {
        let reader = Reader {
            product: &site.product,
            site: &site.hostname,
            code: &code,
            told_at: found.listed,
        };
        let documents = found.documents.iter();
        for (key, first) in documents.filter(|(key, _)| key.product == site.product) {
            let read = cache.read(&site.hostname, &key.service, &key.name, &code);
            let read = read.map(|read| pieces_of(&read));
            let standing = |one: &Document| host.standing(&site.hostname, one);
            let mut at = *first..=found.listed;
            let is_right = at.any(|at| truth.may_read(reader, (at, key), read.as_ref(), &standing));
            require(is_right, "5", || {
                format!(
                    "agent {agent} found {key} of version {first} to {} on disk, and {} on {code} reads {read:?}",
                    found.listed, site.hostname
                )
            })?;
        }
    }
    Ok(())
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

/// 6: what was signed by retired keys alone, or a root by too few of those before it, is not believed. All forgeries are
/// newer than all that is true; other documents than were published are seen when they are read.
pub(crate) fn i6_only_true_keys_are_believed(
    host: &Host,
    versions: Versions,
    control: &Control,
) -> Checked {
    let is_true = versions.root <= control.ring.root_version()
        && versions.repository <= control.repository.version()
        && (versions.timestamp == 0 || control.signed.contains_key(&versions.timestamp));
    require(is_true, "6", || {
        format!(
            "agent {} believes {versions:?}, which is forged",
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
    let mut pieces = std::iter::once(&read.entry).chain(&read.layers);
    let is_refused = |entry: &&Entry| {
        let refused = (site.hostname.clone(), entry.key.clone(), entry.version);
        host.refused.contains(&refused)
    };
    let refused = pieces.find(is_refused);
    require(refused.is_none(), "9", || {
        let file = refused.map_or(String::new(), Entry::file);
        format!("{} reads {file}, which it refused", site.hostname)
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

/// 5: a site that reads config for its code goes on to, whatever is missing, and over a restart.
pub(crate) fn i5_a_read_survives(host: &Host, site: &Site, truth: &Truth) -> Checked {
    let (Some(driven), false) = (&host.driven, host.is_damaged) else {
        return Ok(());
    };
    let (cache, shown) = (driven.cache(), driven.shown());
    let facts = truth.facts_of(shown.listed(), (&site.product, &site.hostname));
    // Who is somewhere else by now may find that its layers were not for its code yet.
    let is_same_place = |before: Option<&domain::layer::Facts>| shown.is_whole() || before == facts;
    let before = host.read_before.iter();
    let mut own = before.filter(|one| {
        let is_own = one.site == site.hostname && one.code == site.runs;
        is_own && is_same_place(one.facts.as_ref())
    });
    let lost = own.find(|one| {
        let read = cache.read(&one.site, &one.key.service, &one.key.name, &one.code);
        read.is_none() && !host.maybe_refuses(&site.hostname, &one.key)
    });
    require(lost.is_none(), "5", || {
        let key = lost.map(|one| one.key.to_string());
        format!("{} on {} reads {key:?} no more", site.hostname, site.runs)
    })
}
