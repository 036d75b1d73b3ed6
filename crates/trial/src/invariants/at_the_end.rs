//! The invariants of the end, when all is healed.

use std::path::Path;

use agent::trial::Driven;
use domain::document::{Document, DocumentKey};
use domain::layer::Layer;

use super::{Checked, FOLDER, pieces_of, require};
use crate::host::Host;
use crate::network::Inner;
use crate::truth::{Reader, Standing};

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
    for (product, told) in &control.told_facts {
        let is_so = control.fleet.sites.get(product) == Some(&**told);
        require(is_so, "3", || {
            format!("where sites of {product} are was not told")
        })?;
    }
    let said = control.acks.get(&crate::fleet::agent_id(agent));
    let said = said.map_or(0, |said| said.len());
    let is_own = |key: &DocumentKey| match &key.layer {
        Layer::Site(site) => cache.product_of(site) == Some(&key.product),
        _ => cache.products().contains(&key.product),
    };
    let documents = control.repository.documents().iter();
    let all = documents.filter(|(key, _)| is_own(key));
    let all: usize = all.map(|(_, all)| all.len()).sum();
    require(said == all, "16", || {
        format!("agent {agent} said that it holds {said} versions, and {all} are published")
    })?;
    let files = host.disk.count(&Path::new(FOLDER).join("targets"));
    // What a stop left is removed at the next change.
    require(files <= all + 10, "3", || {
        format!("agent {agent} keeps {files} files of {all} documents: its disk fills up")
    })
}

/// All sites of a host read the newest of what they are given, of the documents that are asked for; and so does the
/// control plane say.
fn check_reads(
    outside: &Inner,
    host: &Host,
    driven: &Driven,
    number: &str,
    is_asked: impl Fn(&DocumentKey) -> bool,
) -> Checked {
    let (cache, control) = (driven.cache(), &outside.control);
    let newest = control.repository.version();
    let own = outside.sites.iter().filter(|site| site.agent == host.agent);
    for (site, code) in own.flat_map(|site| crate::fleet::codes().map(move |code| (site, code))) {
        let reader = Reader {
            product: &site.product,
            site: &site.hostname,
            code: &code,
            told_at: newest,
        };
        let standing = |one: &Document| {
            if control.is_given(&site.hostname, one) {
                Standing::Given
            } else {
                Standing::Not
            }
        };
        let asked = control.truth.documents_at(newest, &site.product);
        for key in asked.filter(|key| is_asked(key)) {
            let read = cache.read(&site.hostname, &key.service, &key.name, &code);
            let read = read.map(|read| pieces_of(&read));
            let name = || format!("{} on {code} reads of {key}", site.hostname);
            let is_right = control
                .truth
                .may_read(reader, (newest, key), read.as_ref(), &standing);
            require(is_right, number, || {
                let shown = driven.shown();
                let (listed, whole) = (shown.listed(), shown.is_whole());
                format!(
                    "{} {read:?}, and not what version {newest} gives; it shows {listed} (whole: {whole})",
                    name()
                )
            })?;
            let said = control.says(site, key, &code);
            require(said == read, number, || {
                format!("{} {read:?}, and the control plane says {said:?}", name())
            })?;
        }
    }
    Ok(())
}
