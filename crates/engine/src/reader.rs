//! What a site reads: which versions it is given, as its agent decides it too.
//! Never waits: what agents said is in memory.

use std::collections::HashSet;
use std::sync::Arc;

use domain::document::{Document, DocumentKey};
use domain::name::Hostname;
use domain::rollout::Rollout;
use domain::site::Site;
use protocol::delivery::{Held, Refused};
use semver::Version;

use crate::Engine;

/// How a site reads one document.
pub struct Reader<'a> {
    key: &'a DocumentKey,
    site: &'a Hostname,
    /// `None` for a site without an agent.
    agent: Option<Said>,
}

/// What a site's agent said.
struct Said {
    held: Option<Arc<HashSet<Held>>>,
    refused: Option<Arc<[Refused]>>,
}

impl Engine {
    /// How a site reads a document.
    #[must_use]
    pub fn reader<'a>(&self, site: &'a Site, key: &'a DocumentKey) -> Reader<'a> {
        let delivery = &self.0.delivery;
        let said = self.agent_of_site(site.id).map(|agent| Said {
            held: delivery.acks.load().get(&agent).cloned(),
            refused: delivery.refusals.load().get(&agent).cloned(),
        });
        Reader {
            key,
            site: &site.hostname,
            agent: said,
        }
    }

    /// The newest version of a document that accepts `code` and that a site is given; without a site,
    /// that all sites are given. Takes no lock.
    #[must_use]
    pub fn document_for(
        &self,
        key: &DocumentKey,
        code: &Version,
        site: Option<&Site>,
    ) -> Option<Arc<Document>> {
        let repository = self.repository();
        let Some(site) = site else {
            return repository.document_for_all(key, code);
        };
        let reader = self.reader(site, key);
        let mut versions = repository.documents().get(key)?.iter();
        let found = versions
            .find(|one| one.accepts.matches(code) && reader.is_given(one.version, &one.rollout));
        found.cloned()
    }
}

impl Reader<'_> {
    /// Whether the site is given a version: a site without an agent cannot say that it holds or refuses
    /// one, so it waits until all sites are given it.
    #[must_use]
    pub fn is_given(&self, version: u64, rollout: &Rollout) -> bool {
        match &self.agent {
            None => rollout.is_everywhere(),
            Some(said) => rollout.admits(self.site, version) && !self.refused(said, version),
        }
    }

    /// Whether the site's agent holds a version, verified.
    #[must_use]
    pub fn holds(&self, version: u64) -> bool {
        let held = self.agent.as_ref().and_then(|said| said.held.as_ref());
        held.is_some_and(|held| {
            held.contains(&Held {
                key: self.key.clone(),
                version,
            })
        })
    }

    fn refused(&self, said: &Said, version: u64) -> bool {
        let refused = said.refused.iter().flat_map(|all| all.iter());
        refused
            .filter(|one| one.held.version == version && one.held.key == *self.key)
            .any(|one| one.site == *self.site)
    }
}
