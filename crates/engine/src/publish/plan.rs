//! What a publication comes to: where a version goes first, what it ends, what nobody reads any more,
//! and the metadata that is signed. Values in, values out: never loads, saves or pushes, so that a
//! simulation decides as this server does.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::document::{Document, DocumentKey, Releases, check_coverage, kept};
use domain::name::{Hostname, ProductName, ServiceName};
use domain::release::{Release, ReleaseState};
use domain::rollout::Rollout;
use jiff::Timestamp;
use semver::Version;
use store::Spread;
use tuf::{Entry, Keys, MetadataFile, ShardRole, role_name};

use crate::EngineError;
use crate::banner::is_banners;
use crate::delivery::{METADATA_EXPIRES_AFTER, Repository, later, signing};
use crate::told::Telling;

/// All versions of documents that travel, newest first.
pub type Documents = BTreeMap<DocumentKey, Vec<Arc<Document>>>;

/// The documents after a change: with a new version, and with versions that spread.
#[must_use]
pub fn apply(before: &Documents, new: Option<&Document>, spread: &[Spread]) -> Documents {
    let mut documents = before.clone();
    for one in spread {
        let versions = documents.get_mut(&one.key).into_iter().flatten();
        for version in versions.filter(|version| version.version == one.version) {
            let mut moved = Document::clone(version);
            moved.rollout = one.rollout.clone();
            *version = Arc::new(moved);
        }
    }
    if let Some(new) = new {
        let versions = documents.entry(new.key.clone()).or_default();
        versions.insert(0, Arc::new(new.clone()));
    }
    documents
}

/// Waves are for what changes what some site reads: a version that waits for a release comes to a site
/// together with the release, and the first version of a document is missing everywhere.
///
/// # Errors
/// When a release has no version yet and would wait for the waves.
pub fn first_wave(
    before: &Repository,
    document: &Document,
    canaries: &[Hostname],
    releases: &Releases,
) -> Result<Rollout, EngineError> {
    let is_covered = |code: &&Version| before.is_covered(&document.key, code);
    let own = releases.needed.iter();
    let own = own.filter(|code| document.accepts.matches(code));
    let (covered, open): (Vec<_>, Vec<_>) = own.partition(is_covered);
    match open.first() {
        _ if covered.is_empty() || canaries.is_empty() => Ok(Rollout::everywhere()),
        None => Ok(Rollout::canaries(canaries.iter().cloned())),
        Some(code) => {
            let reason = format!(
                "release {code} has no version of {} yet and cannot wait for the waves: publish at once, or for that release alone first",
                document.key
            );
            Err(EngineError::refused_at("accepts", reason))
        }
    }
}

/// What becomes of other versions of a document that are still on their way.
///
/// # Errors
/// When one is, and this one does not come at once.
pub fn end_others(
    before: &Repository,
    document: &Document,
    at_once: bool,
) -> Result<Vec<Spread>, EngineError> {
    let versions = before.documents().get(&document.key);
    let on_their_way: Vec<_> = versions
        .into_iter()
        .flatten()
        .filter(|one| !one.rollout.is_everywhere())
        .collect();
    match on_their_way.first() {
        Some(other) if !at_once => {
            let reason = format!(
                "version {} of {} is still on its way to the sites: wait for it, halt it, or publish at once",
                other.version, document.key
            );
            Err(EngineError::conflict(reason))
        }
        _ => {
            let end = |other: &&Arc<Document>| Spread {
                key: other.key.clone(),
                version: other.version,
                rollout: Rollout::nowhere(),
                halted: format!("replaced by version {}", document.version),
            };
            Ok(on_their_way.iter().map(end).collect())
        }
    }
}

/// Checks that no release is left without a version that it accepts.
///
/// # Errors
/// Names each release that would be.
pub fn check_releases(
    before: &Repository,
    document: &Document,
    releases: &Releases,
) -> Result<(), EngineError> {
    let mut versions = outlines(before, &document.key.product);
    // Others that are on their way end with it ([`end_others`]).
    versions.retain(|one| one.key == document.key && one.rollout.is_everywhere());
    versions.push(outline(document));
    let needed: Vec<_> = releases.needed.iter().cloned().collect();
    check_coverage(&versions, &needed).map_err(|uncovered| {
        let all: Vec<_> = uncovered.iter().map(ToString::to_string).collect();
        EngineError::refused_at("accepts", all.join("; "))
    })
}

/// The releases of a product that documents must know: `own` are its releases, `run` what its sites run
/// or may go back to.
#[must_use]
pub fn releases_among<'a>(
    own: impl IntoIterator<Item = &'a Release>,
    run: impl IntoIterator<Item = &'a Version>,
) -> Releases {
    let mut releases = Releases::default();
    for release in own {
        let list = match release.state {
            ReleaseState::Retired => &mut releases.retired,
            ReleaseState::Staged | ReleaseState::Live => &mut releases.needed,
        };
        list.insert(release.version.clone());
    }
    for version in run {
        if !releases.needed.contains(version) {
            releases.needed.insert(version.clone());
        }
    }
    let Releases { needed, retired } = &mut releases;
    retired.retain(|version| !needed.contains(version));
    releases
}

/// Takes away the versions of a document that no site reads or will read, as far as sites `refused` none of
/// those; says which.
pub fn drop_unread(
    versions: &mut Vec<Arc<Document>>,
    releases: &Releases,
    refused: &BTreeSet<u64>,
) -> Vec<u64> {
    let kept = kept(versions.iter().map(|one| &**one), releases, refused);
    let gone = versions.iter().map(|one| one.version);
    let gone = gone.filter(|version| !kept.contains(version)).collect();
    versions.retain(|one| kept.contains(&one.version));
    gone
}

/// The product and the service of a document.
#[must_use]
pub fn service_of(key: &DocumentKey) -> (ProductName, ServiceName) {
    (key.product.clone(), key.service.clone())
}

/// All versions of a product's documents that code may need, without their bodies.
pub(crate) fn outlines(repository: &Repository, product: &ProductName) -> Vec<Document> {
    let own = repository
        .documents()
        .iter()
        .filter(|(key, _)| key.product == *product && !is_banners(key));
    own.flat_map(|(_, versions)| versions.iter().map(|one| outline(one)))
        .collect()
}

fn outline(document: &Document) -> Document {
    Document {
        key: document.key.clone(),
        version: document.version,
        accepts: document.accepts.clone(),
        lane: document.lane,
        json_schema: None,
        rollout: document.rollout.clone(),
        published: document.published,
        body: vec![],
    }
}

/// Signs what follows `before`.
pub struct Signing<'a> {
    /// With these.
    pub keys: &'a Keys,
    /// What it follows.
    pub before: &'a Repository,
    /// At this moment.
    pub now: Timestamp,
}

impl Signing<'_> {
    /// New metadata for documents of which those of these services changed, and of which is told what
    /// `telling` says; the snapshot last.
    ///
    /// # Errors
    /// When metadata cannot be written.
    pub fn changed(
        &self,
        documents: &Documents,
        services: &BTreeSet<(ProductName, ServiceName)>,
        telling: &Telling,
    ) -> Result<Vec<MetadataFile>, EngineError> {
        let mut files = self.roles(documents, services)?;
        files.extend(self.shards(telling)?);
        let is_new = |file: &MetadataFile| !self.before.current.contains_key(&file.role);
        // A product that is divided as it was once has roles that are not new, and that nobody is delegated to any more.
        let is_divided_anew = !telling.told.roles().eq(self.before.told.roles());
        if is_divided_anew || files.iter().any(is_new) {
            files.push(self.targets(documents, telling)?);
        }
        files.push(self.snapshot(&files)?);
        Ok(files)
    }

    /// New metadata for all documents and all that is told, so that none of it expires; the snapshot last.
    ///
    /// # Errors
    /// When metadata cannot be written.
    pub fn all(
        &self,
        documents: &Documents,
        telling: &Telling,
    ) -> Result<Vec<MetadataFile>, EngineError> {
        let services = documents.keys().map(service_of).collect();
        let mut files = self.roles(documents, &services)?;
        files.extend(self.shards(telling)?);
        files.push(self.targets(documents, telling)?);
        files.push(self.snapshot(&files)?);
        Ok(files)
    }

    fn roles(
        &self,
        documents: &Documents,
        services: &BTreeSet<(ProductName, ServiceName)>,
    ) -> Result<Vec<MetadataFile>, EngineError> {
        let role = |(product, service): &(ProductName, ServiceName)| {
            let role = role_name(product, service);
            // What is for one site travels with what is told of the site.
            let own = documents.iter().filter(|(key, _)| {
                key.product == *product && key.service == *service && !key.layer.is_site()
            });
            let entries: Vec<_> = own
                .flat_map(|(_, versions)| versions.iter().rev().map(|one| Entry::of(one)))
                .collect();
            let version = self.next(&role);
            tuf::delegated(self.keys, &role, version, self.expires(), &entries).map_err(signing)
        };
        services.iter().map(role).collect()
    }

    fn shards(&self, telling: &Telling) -> Result<Vec<MetadataFile>, EngineError> {
        let role = |role: &ShardRole| {
            let version = self.next(&role.name());
            let entries = telling.told.entries(role);
            tuf::delegated_shards(self.keys, role, version, self.expires(), entries)
                .map_err(signing)
        };
        telling.roles.iter().map(role).collect()
    }

    fn targets(
        &self,
        documents: &Documents,
        telling: &Telling,
    ) -> Result<MetadataFile, EngineError> {
        let services: BTreeSet<_> = documents
            .keys()
            .map(|key| (&key.product, &key.service))
            .collect();
        let version = self.next("targets");
        let shards = telling.told.roles();
        tuf::targets(self.keys, version, self.expires(), services, shards).map_err(signing)
    }

    fn snapshot(&self, signed: &[MetadataFile]) -> Result<MetadataFile, EngineError> {
        let replaced: BTreeSet<&str> = signed.iter().map(|file| file.role.as_str()).collect();
        let stays = |file: &&MetadataFile| {
            file.role != "snapshot" && !replaced.contains(file.role.as_str())
        };
        let all = self.before.current.values().filter(stays).chain(signed);
        let version = self.before.version + 1;
        tuf::snapshot(self.keys, version, self.expires(), all).map_err(signing)
    }

    fn next(&self, role: &str) -> u64 {
        let before = self.before.current.get(role);
        before.map_or(0, |file| file.version) + 1
    }

    fn expires(&self) -> Timestamp {
        later(self.now, METADATA_EXPIRES_AFTER)
    }
}

#[cfg(test)]
mod tests {
    use domain::document::Lane;
    use domain::layer::{Facts, Layer};
    use domain::site::Zone;
    use semver::VersionReq;
    use tuf::SigningKey;

    use super::*;
    use crate::told::{Census, Retold, Told};

    /// So many sites, all in one place.
    struct Sites(usize);

    impl Sites {
        fn facts() -> Facts {
            Facts {
                zone: Zone::parse("America/Los_Angeles").unwrap(),
                state: "CA".into(),
                county: None,
                groups: BTreeSet::new(),
            }
        }
    }

    impl Census for Sites {
        fn of_product(&self, _: &ProductName) -> Vec<(Hostname, Facts)> {
            let site = |number| Hostname::parse(&format!("town-{number}.gov")).unwrap();
            let numbers = 0..self.0;
            numbers
                .map(|number| (site(number), Self::facts()))
                .collect()
        }

        fn of_site(&self, _: &ProductName, _: &Hostname) -> Option<Facts> {
            Some(Self::facts())
        }
    }

    fn document(layer: &str, version: u64, accepts: &str, rollout: Rollout) -> Document {
        let [product, service, name] = ["web", "sign-in", "client"];
        let base = DocumentKey::base(
            product.parse().unwrap(),
            service.parse().unwrap(),
            name.parse().unwrap(),
        );
        Document {
            key: base.with_layer(Layer::parse(layer).unwrap()),
            version,
            accepts: VersionReq::parse(accepts).unwrap(),
            lane: Lane::First,
            json_schema: None,
            rollout,
            published: version,
            body: b"{}".to_vec(),
        }
    }

    fn keys() -> Keys {
        Keys::read(|_| SigningKey::generate().ok()).unwrap()
    }

    fn after(
        before: &Repository,
        files: &[MetadataFile],
        documents: &Documents,
        told: Told,
    ) -> Repository {
        before.followed_by(documents.clone(), told, files)
    }

    /// Roles that were needed once stay in the snapshot. When they are needed again they are not new, and when they are
    /// not they are not signed anew: both once made agents read what was told long ago, or metadata be signed for ever.
    #[test]
    fn what_is_told_is_delegated_to_when_a_fleet_grows_and_shrinks_again() {
        let (keys, now) = (keys(), Timestamp::UNIX_EPOCH);
        let mut repository = Repository::founded(&keys, now).unwrap();
        let mut documents = Documents::new();
        for layer in ["", "state:CA"] {
            let one = document(layer, 1, "*", Rollout::everywhere());
            documents.insert(one.key.clone(), vec![Arc::new(one)]);
        }
        let services = documents.keys().map(service_of).collect();
        for sites in [10, 30, 10, 200, 30] {
            let (before, census, published) = (&repository, Sites(sites), BTreeSet::new());
            let telling =
                Telling::new(&before.told, &documents, &Retold::All, &published, &census).unwrap();
            let signing = Signing {
                keys: &keys,
                before,
                now,
            };
            let files = signing.changed(&documents, &services, &telling).unwrap();
            repository = after(before, &files, &documents, telling.told);
            let targets: serde_json::Value =
                serde_json::from_slice(&repository.current["targets"].bytes).unwrap();
            let roles = targets["signed"]["delegations"]["roles"]
                .as_array()
                .unwrap();
            let names = roles.iter().filter_map(|role| role["name"].as_str());
            let delegated: BTreeSet<_> = names.filter_map(ShardRole::parse).collect();
            let told: BTreeSet<_> = repository.told.roles().collect();
            assert_eq!(delegated, told, "{sites} sites");
        }
        let soon = later(now, jiff::SignedDuration::from_hours(24 * 80));
        assert!(repository.is_to_sign_again(soon));
        let before = &repository;
        let signing = Signing {
            keys: &keys,
            before,
            now: soon,
        };
        let telling = Telling::of_all(before.told.clone());
        let files = signing.all(&documents, &telling).unwrap();
        let again = after(before, &files, &documents, telling.told);
        assert!(!again.is_to_sign_again(soon));
    }

    /// It ends what is on its way, so that covers nothing.
    #[test]
    fn what_comes_at_once_covers_all_releases_by_itself() {
        let now = Timestamp::UNIX_EPOCH;
        let before = Repository::founded(&keys(), now).unwrap();
        let canaries = Rollout::canaries([Hostname::parse("a.gov").unwrap()]);
        let coming = document("state:CA", 1, "*", canaries);
        let documents = Documents::from([(coming.key.clone(), vec![Arc::new(coming)])]);
        let before = after(&before, &[], &documents, Told::default());
        let releases = Releases {
            needed: ["5.1.0", "5.2.0"].map(|code| code.parse().unwrap()).into(),
            retired: BTreeSet::new(),
        };
        for (accepts, is_checked) in [("<5.2", false), (">=5.1", true)] {
            let new = document("state:CA", 2, accepts, Rollout::everywhere());
            assert_eq!(check_releases(&before, &new, &releases).is_ok(), is_checked);
        }
    }
}
