//! Looks at all that the sites of a host read, whenever something changed that decides it. A read is a function of what
//! the agent shows at a moment; between two looks at the same nothing can be seen.

use std::collections::BTreeMap;
use std::sync::Arc;

use agent::CachedDocument;
use agent::trial::{Driven, Shown};
use domain::document::{Document, DocumentKey};
use semver::Version;

use crate::fleet::{Site, codes};
use crate::host::{Host, ReadBefore};
use crate::invariants::{self, Checked, pieces_of, require};
use crate::network::Inner;
use crate::truth::Reader;

/// Holds the invariants of reads, and remembers what was read.
pub(crate) fn look(host: &mut Host, outside: &Inner) -> Checked {
    let Some(driven) = host.driven.clone() else {
        return Ok(());
    };
    let own = || outside.sites.iter().filter(|site| site.agent == host.agent);
    let runs: Vec<_> = own()
        .map(|one| (one.runs.clone(), one.is_switched))
        .collect();
    let shown = driven.shown();
    let known = host.looked.as_ref();
    if known.is_some_and(|(before, ran)| before.is(&shown) && *ran == runs) {
        return Ok(());
    }
    if host.first_shown == 0 {
        host.first_shown = shown.listed();
    }
    for site in own() {
        for code in codes() {
            i1_a_site_reads_what_was_decided(host, (&driven, &shown), (site, &code), outside)?;
        }
        invariants::i2_a_switched_site_reads(host, site, &outside.control.truth)?;
        invariants::i5_a_read_survives(host, site, &outside.control.truth)?;
    }
    let read = own().flat_map(|site| read_now(&driven, &shown, site, outside));
    host.read_before = read.collect();
    host.looked = Some((shown, runs));
    Ok(())
}

/// What a site reads now for the code that it runs.
fn read_now(
    driven: &Driven,
    shown: &Shown,
    site: &Site,
    outside: &Inner,
) -> impl Iterator<Item = ReadBefore> + use<> {
    let read = driven.cache().read_all(&site.hostname, &site.runs, None);
    let of = (&site.product, &site.hostname);
    let facts = outside.control.truth.facts_of(shown.listed(), of).cloned();
    let (site, code) = (site.hostname.clone(), site.runs.clone());
    read.into_iter().map(move |one| ReadBefore {
        site: site.clone(),
        code: code.clone(),
        key: one.entry.key.clone(),
        facts: facts.clone(),
    })
}

/// 1: what a site reads of each document and its layers is the newest of each piece that accepts its code, was
/// published, is the site's by its layers and its turn, and was not refused, all as of one version of the
/// repository: the one that the agent shows, or while files are missing one that it may have shown since it had
/// everything. A mix of two was never checked by anybody.
fn i1_a_site_reads_what_was_decided(
    host: &Host,
    (driven, shown): (&Driven, &Shown),
    (site, code): (&Site, &Version),
    outside: &Inner,
) -> Checked {
    let truth = &outside.control.truth;
    let all = driven.cache().read_all(&site.hostname, code, None);
    let mut read: BTreeMap<DocumentKey, Arc<CachedDocument>> = BTreeMap::new();
    for one in all {
        outside.trace.count("reads checked");
        invariants::i1_a_read_accepts_its_code((site, code), &one, truth)?;
        invariants::i9_refused_stays_out(host, site, &one)?;
        read.insert(one.entry.key.clone(), one);
    }
    let listed = shown.listed();
    let reader = Reader {
        product: &site.product,
        site: &site.hostname,
        code,
        told_at: listed,
    };
    let standing = |one: &Document| host.standing(&site.hostname, one);
    for key in truth.documents_at(listed, &site.product) {
        let pieces = read.remove(key).map(|one| pieces_of(&one));
        if pieces.as_ref().is_some_and(|all| all.len() > 1) {
            outside.trace.count("reads of layers checked");
        }
        let may_read = |at| truth.may_read(reader, (at, key), pieces.as_ref(), &standing);
        let is_right = if shown.is_whole() {
            may_read(listed)
        } else if let Some(pieces) = &pieces {
            // Of a document that had no layers of the site, an older version is better than nothing.
            let may_be_older = |at| pieces.len() == 1 && !truth.has_layers(reader, (at, key));
            let mut since = shown.repository().max(host.first_shown)..=listed;
            since.any(|at| may_read(at) || may_be_older(at))
        } else {
            true
        };
        require(is_right, "1", || {
            let (host, from) = (&site.hostname, shown.repository());
            let whole = shown.is_whole();
            format!(
                "{host} on {code} reads of {key} {pieces:?}, and not what versions {from} to {listed} give (whole: {whole})"
            )
        })?;
    }
    require(read.is_empty(), "1", || {
        format!("{} reads what nobody published", site.hostname)
    })
}
