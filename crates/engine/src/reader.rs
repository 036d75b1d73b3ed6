//! What a site reads: which versions of a document and of its layers it is given, as its agent decides it
//! too. Never waits: what agents said is in memory.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use domain::document::{Document, DocumentKey};
use domain::layer::{Choice, Layer, base_choice, layer_choice, merge};
use domain::name::{Hostname, ProductName};
use domain::rollout::Rollout;
use domain::site::Site;
use protocol::delivery::{Held, Refused};
use semver::Version;

use crate::Engine;
use crate::delivery::Repository;

/// How a site reads documents.
pub struct Reader {
    site: Hostname,
    /// The site's layers, in the order of merging; `None` where agents were told nothing of the site.
    layers: Option<Vec<Layer>>,
    /// `None` for a site without an agent.
    agent: Option<Said>,
}

/// What a site's agent said.
#[derive(Clone, Default)]
pub struct Said {
    held: Option<Arc<HashSet<Held>>>,
    refused: Option<Arc<[Refused]>>,
}

/// What a site reads of a document.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The document, and what its layers add, in the order of merging; never empty.
    pieces: Vec<Arc<Document>>,
}

/// Why a site reads nothing of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Nothing {
    /// No version of this document or layer accepts the code.
    Unaccepted(DocumentKey),
    /// One does, and is not given to the site.
    ItsTurnComes(DocumentKey),
    /// The document has layers, and agents were not told which are the site's.
    Untold,
}

impl Answer {
    fn of(pieces: Vec<Arc<Document>>) -> Self {
        Self { pieces }
    }

    /// The pieces, in the order of merging; the first is the document itself.
    #[must_use]
    pub fn pieces(&self) -> &[Arc<Document>] {
        &self.pieces
    }

    /// The version of the document itself.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.pieces.first().map_or(0, |base| base.version)
    }

    /// JSON: the document with its layers.
    #[must_use]
    pub fn body(&self) -> Cow<'_, [u8]> {
        match &self.pieces[..] {
            [] => Cow::Borrowed(b"null"),
            [base] => Cow::Borrowed(&base.body),
            [base, layers @ ..] => {
                let merged = merge(&base.body, layers.iter().map(|one| &one.body[..]));
                // What is published was read as JSON.
                merged.map_or(Cow::Borrowed(&base.body), Cow::Owned)
            }
        }
    }

    /// Changes with every piece.
    #[must_use]
    pub fn tag(&self) -> String {
        let piece = |one: &Arc<Document>| match &one.key.layer {
            Layer::Base => format!("{}.{}", one.key.name, one.version),
            layer => format!("{}.{}", layer.slug(), one.version),
        };
        let pieces: Vec<_> = self.pieces.iter().map(piece).collect();
        pieces.join("+")
    }
}

impl Said {
    /// What an agent holds, and what its sites refused; `None` before it said so.
    #[must_use]
    pub fn new(held: Option<Arc<HashSet<Held>>>, refused: Option<Arc<[Refused]>>) -> Self {
        Self { held, refused }
    }
}

impl Engine {
    /// How a site reads documents.
    #[must_use]
    pub fn reader(&self, site: &Site) -> Reader {
        let delivery = &self.0.delivery;
        let said = self.agent_of_site(site.id).map(|agent| {
            Said::new(
                delivery.acks.load().get(&agent).cloned(),
                delivery.refusals.load().get(&agent).cloned(),
            )
        });
        let repository = self.0.delivery.repository.load();
        Reader::of(&repository, (&site.product, &site.hostname), said)
    }

    /// What a site that runs `code` reads of a document; without a site, the newest version that accepts it
    /// and that all sites are given, without layers. Takes no lock.
    #[must_use]
    pub fn document_for(
        &self,
        key: &DocumentKey,
        code: &Version,
        site: Option<&Site>,
    ) -> Option<Answer> {
        let repository = self.repository();
        let Some(site) = site else {
            let found = repository.document_for_all(key, code)?;
            return Some(Answer::of(vec![found]));
        };
        let reader = self.reader(site);
        let read = reader.read(&repository, key, code, |one| reader.gets(one));
        read.ok()
    }

    /// As [`Engine::document_for`], of versions that the site's agent holds, where there are such: what
    /// the site reads now, while its agent is behind.
    #[must_use]
    pub fn held_document_for(
        &self,
        key: &DocumentKey,
        code: &Version,
        site: &Site,
    ) -> Option<Answer> {
        let repository = self.repository();
        let reader = self.reader(site);
        let is_held = |one: &Document| reader.gets(one) && reader.holds(&one.key, one.version);
        let held = reader.read(&repository, key, code, is_held);
        let read = held.or_else(|_| reader.read(&repository, key, code, |one| reader.gets(one)));
        read.ok()
    }
}

impl Reader {
    /// How a site reads a repository; `said` is what its agent said, `None` for a site without an agent.
    #[must_use]
    pub fn of(
        repository: &Repository,
        (product, site): (&ProductName, &Hostname),
        said: Option<Said>,
    ) -> Self {
        let told = repository.told.site(product, site);
        Self {
            site: site.clone(),
            layers: told.map(|told| told.facts.layers(site)),
            agent: said,
        }
    }

    /// What the site reads of a document when it runs `code`, as far as versions are `given`.
    pub(crate) fn read(
        &self,
        repository: &Repository,
        key: &DocumentKey,
        code: &Version,
        given: impl Fn(&Document) -> bool,
    ) -> Result<Answer, Nothing> {
        let given = |one: &Arc<Document>| given(one);
        let base = repository.versions(key);
        let found = base_choice(base, code, given).ok_or_else(|| {
            let accepted = base.iter().any(|one| one.accepts.matches(code));
            if accepted {
                Nothing::ItsTurnComes(key.clone())
            } else {
                Nothing::Unaccepted(key.clone())
            }
        })?;
        let mut pieces = vec![Arc::clone(found)];
        if !repository.has_layers(key) {
            return Ok(Answer::of(pieces));
        }
        for layer in self.layers.as_ref().ok_or(Nothing::Untold)? {
            let key = key.with_layer(layer.clone());
            match layer_choice(repository.versions(&key), code, given) {
                Choice::Piece(piece) => pieces.push(Arc::clone(piece)),
                Choice::NotYet => {}
                Choice::Uncovered => return Err(Nothing::Unaccepted(key)),
            }
        }
        Ok(Answer::of(pieces))
    }

    /// Whether the site is in a layer, as far as agents were told.
    #[must_use]
    pub fn is_in(&self, layer: &Layer) -> bool {
        let own = self.layers.as_ref();
        layer.is_base() || own.is_some_and(|own| own.contains(layer))
    }

    /// Whether the site is given a version: a site without an agent cannot say that it holds or refuses
    /// one, so it waits until all sites are given it.
    #[must_use]
    pub fn is_given(&self, key: &DocumentKey, version: u64, rollout: &Rollout) -> bool {
        match &self.agent {
            None => rollout.is_everywhere(),
            Some(said) => rollout.admits(&self.site, version) && !self.refused(said, key, version),
        }
    }

    /// Whether the site is given a version of a document.
    #[must_use]
    pub fn gets(&self, document: &Document) -> bool {
        self.is_given(&document.key, document.version, &document.rollout)
    }

    /// Whether the site's agent holds a version, verified.
    #[must_use]
    pub fn holds(&self, key: &DocumentKey, version: u64) -> bool {
        let held = self.agent.as_ref().and_then(|said| said.held.as_ref());
        held.is_some_and(|held| {
            held.contains(&Held {
                key: key.clone(),
                version,
            })
        })
    }

    fn refused(&self, said: &Said, key: &DocumentKey, version: u64) -> bool {
        let refused = said.refused.iter().flat_map(|all| all.iter());
        refused
            .filter(|one| one.held.version == version && one.held.key == *key)
            .any(|one| one.site == self.site)
    }
}
