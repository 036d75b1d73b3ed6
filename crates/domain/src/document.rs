//! Documents: pieces of a service's config, and which code each one serves.
//! Decides which version a site reads, whether a set of documents covers a set of releases, and which
//! versions are kept for it. Never stores or signs.

use std::collections::BTreeSet;

use semver::{Version, VersionReq};

use crate::layer::Layer;
use crate::name::{DocumentName, Hostname, ProductName, ServiceName};
use crate::rollout::Rollout;

/// The largest document that may be published, in bytes; agents refuse larger ones as well.
pub const DOCUMENT_BYTES_MAX: usize = 1 << 20;
/// The largest JSON Schema of a document, in bytes.
pub const SCHEMA_BYTES_MAX: usize = 64 << 10;

/// Where a document belongs: what stays the same from version to version.
#[derive(
    Clone,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
pub struct DocumentKey {
    /// The product whose sites read it.
    pub product: ProductName,
    /// The shared service it configures.
    pub service: ServiceName,
    /// Its name within the service.
    pub name: DocumentName,
    /// The layer of the document that it is, such as `zone:America/Chicago`; absent for the document itself.
    #[serde(default, skip_serializing_if = "Layer::is_base")]
    pub layer: Layer,
}

impl DocumentKey {
    /// What it is, whatever the layer.
    #[must_use]
    pub fn document(&self) -> (&ProductName, &ServiceName, &DocumentName) {
        (&self.product, &self.service, &self.name)
    }

    /// A document itself, not a layer of it.
    #[must_use]
    pub fn base(product: ProductName, service: ServiceName, name: DocumentName) -> Self {
        Self {
            product,
            service,
            name,
            layer: Layer::Base,
        }
    }

    /// A layer of the same document.
    #[must_use]
    pub fn with_layer(&self, layer: Layer) -> Self {
        Self {
            layer,
            ..self.clone()
        }
    }

    /// Whether both are of one document, whatever the layers.
    #[must_use]
    pub fn is_of(&self, other: &Self) -> bool {
        let own = (&self.product, &self.service, &self.name);
        own == (&other.product, &other.service, &other.name)
    }

    /// `product/service/document`, whatever the layer.
    #[must_use]
    pub fn path(&self) -> String {
        format!("{}/{}/{}", self.product, self.service, self.name)
    }
}

impl std::fmt::Display for DocumentKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}/{}", self.product, self.service, self.name)?;
        match &self.layer {
            Layer::Base => Ok(()),
            layer => write!(f, " for {layer}"),
        }
    }
}

/// How urgent a document is.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// Sign-in and what it needs: never queued behind others, never evicted.
    First,
    /// Everything else.
    Other,
}

impl Lane {
    /// The word it is stored and shown as.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Other => "other",
        }
    }

    /// Reads the word it is stored as.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::First, Self::Other]
            .into_iter()
            .find(|lane| lane.as_str() == word)
    }
}

/// One immutable version of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Where it belongs.
    pub key: DocumentKey,
    /// Counts up from 1 within its key; a rollback is a new version.
    pub version: u64,
    /// The releases of the product that can honour it.
    pub accepts: VersionReq,
    /// How urgent it is.
    pub lane: Lane,
    /// The JSON Schema that the body fits, as JSON; at most [`SCHEMA_BYTES_MAX`] bytes.
    pub json_schema: Option<Box<str>>,
    /// Which sites are given it.
    pub rollout: Rollout,
    /// The repository version that brought it: of the pieces that a site reads as one, the last published
    /// has the largest. 0 where that was not written down.
    pub published: u64,
    /// JSON, at most [`DOCUMENT_BYTES_MAX`] bytes; of a layer, a merge patch.
    pub body: Vec<u8>,
}

impl Document {
    /// Whether a site that runs `code` may read it. Without a site: what every site may.
    ///
    /// This is the whole of invariant 1: no read for code `code` returns a document that does not
    /// accept `code`.
    #[must_use]
    pub fn is_for(&self, site: Option<&Hostname>, code: &Version) -> bool {
        let admitted = site.map_or(self.rollout.is_everywhere(), |site| {
            self.rollout.admits(site, self.version)
        });
        admitted && self.accepts.matches(code)
    }
}

/// A release that would be left without a document it accepts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("release {release} of {} has no version of document {key} that accepts it", key.product)]
pub struct Uncovered {
    /// The document.
    pub key: DocumentKey,
    /// The release that no version of it accepts.
    pub release: Version,
}

/// Checks that every release finds a version of every document of its product that is for all sites, and
/// of every layer, too: once some version of a layer is for all its sites, a release without one would read
/// nothing there. So a version of a new layer, which comes to be for all of them by itself, must
/// accept every release from the start.
///
/// `documents` are all kept versions, `releases` the live and staged ones of one product.
///
/// # Errors
/// Lists each pair of document and release that lacks a match, in order.
pub fn check_coverage(documents: &[Document], releases: &[Version]) -> Result<(), Vec<Uncovered>> {
    let keys: BTreeSet<_> = documents.iter().map(|document| &document.key).collect();
    let is_covered = |key: &DocumentKey, release: &Version| {
        let own = || documents.iter().filter(|document| document.key == *key);
        let is_settled = own().any(|document| document.rollout.is_everywhere());
        if key.layer.is_base() || is_settled {
            // What is on its way may be halted.
            return own().any(|document| document.is_for(None, release));
        }
        let coming = || own().filter(|document| !document.rollout.is_nowhere());
        coming().next().is_none() || coming().any(|document| document.accepts.matches(release))
    };
    let uncovered: Vec<_> = keys
        .into_iter()
        .flat_map(|key| releases.iter().map(move |release| (key, release)))
        .filter(|(key, release)| !is_covered(key, release))
        .map(|(key, release)| Uncovered {
            key: key.clone(),
            release: release.clone(),
        })
        .collect();
    if uncovered.is_empty() {
        Ok(())
    } else {
        Err(uncovered)
    }
}

/// Versions for all sites that are kept for a release: what is read, and what a site that refuses it
/// goes back to.
const EVERYWHERE_KEPT: usize = 2;
/// As many at most, however many of them sites refused.
const EVERYWHERE_KEPT_MAX: usize = 8;

/// The releases of a product, as far as documents must know them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Releases {
    /// Staged, live, run by a site, or what a site may go back to.
    pub needed: BTreeSet<Version>,
    /// Retired, and not needed.
    pub retired: BTreeSet<Version>,
}

/// The versions of one document that some site reads, may fall back on, or will read; the others need
/// not travel any more. `versions` come newest first.
///
/// A version waits for releases that nobody staged yet, so it goes only when a newer one for all sites
/// accepts the same, or when all releases that it accepts are retired.
///
/// `refused` are versions that some site refused. They are no ground to go back to: a site that refuses the next
/// one as well would read nothing, while what it read before is gone.
#[must_use]
pub fn kept<'a>(
    versions: impl IntoIterator<Item = &'a Document> + Clone,
    releases: &Releases,
    refused: &BTreeSet<u64>,
) -> BTreeSet<u64> {
    let newest_first = || versions.clone().into_iter();
    // While a version spreads, the one before it is read as well; and a site that refuses a version
    // which is everywhere goes back to the one before.
    let read_by = |code: &Version| {
        let accepting = newest_first().filter(|one| one.accepts.matches(code));
        let (mut everywhere, mut taken_by_all) = (0, 0);
        let reached: Vec<_> = accepting
            .filter(|one| !one.rollout.is_nowhere())
            .take_while(|one| {
                let is_within = taken_by_all < EVERYWHERE_KEPT && everywhere < EVERYWHERE_KEPT_MAX;
                let is_everywhere = one.rollout.is_everywhere();
                everywhere += usize::from(is_everywhere);
                taken_by_all += usize::from(is_everywhere && !refused.contains(&one.version));
                is_within
            })
            .map(|one| one.version)
            .collect();
        reached
    };
    let replaced = |document: &Document| {
        let mut newer = newest_first().take_while(|one| one.version > document.version);
        newer.any(|one| one.accepts == document.accepts && one.rollout.is_everywhere())
    };
    let is_of_the_past = |document: &Document| {
        let accepts = |code: &&Version| document.accepts.matches(code);
        releases.retired.iter().any(|code| accepts(&code))
            && !releases.needed.iter().any(|code| accepts(&code))
    };
    let waiting = newest_first()
        .filter(|one| !one.rollout.is_nowhere() && !replaced(one) && !is_of_the_past(one))
        .map(|one| one.version);
    let read = releases.needed.iter().flat_map(read_by);
    read.chain(waiting).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(version: u64, accepts: &str, rollout: Rollout) -> Document {
        Document {
            key: DocumentKey::base(
                ProductName::parse("web-central").unwrap(),
                ServiceName::parse("sign-in").unwrap(),
                DocumentName::parse("client").unwrap(),
            ),
            version,
            accepts: VersionReq::parse(accepts).unwrap(),
            lane: Lane::First,
            json_schema: None,
            rollout,
            published: version,
            body: b"{}".to_vec(),
        }
    }

    fn code(text: &str) -> Version {
        Version::parse(text).unwrap()
    }

    fn releases(needed: &[&str], retired: &[&str]) -> Releases {
        let versions = |texts: &[&str]| texts.iter().map(|text| code(text)).collect();
        Releases {
            needed: versions(needed),
            retired: versions(retired),
        }
    }

    #[test]
    fn a_site_reads_what_accepts_its_code_and_admits_it() {
        let canary = Hostname::parse("29palms.gov").unwrap();
        let other = Hostname::parse("anytown.gov").unwrap();
        let new = document(2, "^5.2", Rollout::canaries([canary.clone()]));
        assert!(new.is_for(Some(&canary), &code("5.2.0")));
        assert!(!new.is_for(Some(&canary), &code("5.1.0")), "other code");
        assert!(!new.is_for(Some(&other), &code("5.2.0")), "not its turn");
        assert!(!new.is_for(None, &code("5.2.0")), "not for all");
    }

    #[test]
    fn a_version_in_a_wave_covers_no_release() {
        let canary = || Rollout::canaries([Hostname::parse("29palms.gov").unwrap()]);
        let needed = [code("5.1.0"), code("5.2.0")];
        let all = Rollout::everywhere;
        let covered = [
            document(1, "<5.2", all()),
            document(2, ">=5.2", all()),
            document(3, ">=5.2", canary()),
        ];
        assert_eq!(check_coverage(&covered, &needed), Ok(()));
        let open = [document(1, "<5.2", all()), document(2, ">=5.2", canary())];
        let uncovered = check_coverage(&open, &needed).unwrap_err();
        assert_eq!(uncovered.len(), 1);
        assert_eq!(uncovered[0].release, code("5.2.0"));
    }

    #[test]
    fn a_layer_covers_all_releases_before_it_is_settled() {
        let canary = Rollout::canaries([Hostname::parse("29palms.gov").unwrap()]);
        let needed = [code("5.1.0"), code("5.2.0")];
        let base = || document(1, "*", Rollout::everywhere());
        for (versions, uncovered) in [
            // When it comes to all its sites, those on 5.2 would read nothing.
            (vec![(1, "<5.2", canary.clone())], 1),
            (vec![(1, "*", canary.clone())], 0),
            (vec![(1, "<5.2", Rollout::nowhere())], 0),
            (vec![(1, "<5.2", Rollout::everywhere())], 1),
            // Halted, it would leave them without one.
            (
                vec![(1, "<5.2", Rollout::everywhere()), (2, ">=5.2", canary)],
                1,
            ),
            (
                vec![
                    (1, "<5.2", Rollout::everywhere()),
                    (2, ">=5.2", Rollout::nowhere()),
                ],
                1,
            ),
            (vec![(1, "^5", Rollout::everywhere())], 0),
        ] {
            let layer = |(version, accepts, rollout)| {
                let mut layer = document(version, accepts, rollout);
                layer.key.layer = Layer::parse("zone:America/Chicago").unwrap();
                layer
            };
            let all: Vec<_> = versions.into_iter().map(layer).chain([base()]).collect();
            let found = check_coverage(&all, &needed).map_or_else(|all| all.len(), |()| 0);
            assert_eq!(found, uncovered);
        }
    }

    #[test]
    fn what_nobody_reads_or_will_read_is_not_kept() {
        let all = Rollout::everywhere;
        let canary = || Rollout::canaries([Hostname::parse("29palms.gov").unwrap()]);
        let old = || document(1, "~5.1", all());
        for (versions, needed, retired, left, why) in [
            (
                vec![document(2, "~5.1", all()), old()],
                &["5.1.0"][..],
                &[][..],
                &[1, 2][..],
                "for who refuses the new one",
            ),
            (
                vec![
                    document(3, "~5.1", all()),
                    document(2, "~5.1", all()),
                    old(),
                ],
                &["5.1.0"],
                &[],
                &[2, 3],
                "replaced twice",
            ),
            (
                vec![
                    document(3, "~5.1", canary()),
                    document(2, "~5.1", all()),
                    old(),
                ],
                &["5.1.0"],
                &[],
                &[1, 2, 3],
                "what spreads is no ground to go back to yet",
            ),
            (
                vec![document(2, "~5.1", canary()), old()],
                &["5.1.0"],
                &[],
                &[1, 2],
                "the one before is read while the new one spreads",
            ),
            (
                vec![document(2, "~5.1", Rollout::nowhere()), old()],
                &["5.1.0"],
                &[],
                &[1],
                "halted",
            ),
            (
                vec![document(2, "~5.2", all()), old()],
                &["5.1.0"],
                &[],
                &[1, 2],
                "waits for a release that is not staged yet",
            ),
            (
                vec![document(2, "~5.2", all()), old()],
                &["5.2.0"],
                &["5.1.0"],
                &[2],
                "its releases are retired",
            ),
            (
                vec![document(2, ">=5.1, <5.3", all()), old()],
                &["5.2.0", "5.1.0"],
                &[],
                &[1, 2],
                "not read, but nothing newer says the same of it",
            ),
            (
                vec![document(2, "*", all()), document(1, "*", all())],
                &[],
                &[],
                &[2],
                "for what no code needs, the newest",
            ),
        ] {
            let kept = kept(&versions, &releases(needed, retired), &BTreeSet::new());
            assert_eq!(kept, left.iter().copied().collect(), "{why}");
        }
    }

    #[test]
    fn what_sites_refused_is_no_ground_to_go_back_to() {
        let versions: Vec<_> = (1..=12)
            .rev()
            .map(|version| document(version, "*", Rollout::everywhere()))
            .collect();
        let releases = releases(&["5.1.0"], &[]);
        for (refused, left) in [
            (vec![], 11..=12),
            (vec![12], 10..=12),
            (vec![11], 10..=12),
            (vec![10, 12], 9..=12),
            (vec![3], 11..=12),
            ((1..=12).collect(), 5..=12),
        ] {
            let kept = kept(&versions, &releases, &refused.iter().copied().collect());
            assert_eq!(kept, left.collect(), "{refused:?}");
        }
    }
}
