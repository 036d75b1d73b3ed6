//! What sites read.

use domain::document::Lane;
use domain::rollout::Rollout;
use protocol::delivery::{Held, Refused};
use semver::VersionReq;

use super::*;

fn document(version: u64, accepts: &str) -> Arc<CachedDocument> {
    let key = DocumentKey::base(
        ProductName::parse("web").unwrap(),
        ServiceName::parse("sign-in").unwrap(),
        DocumentName::parse("client").unwrap(),
    );
    let accepts = VersionReq::parse(accepts).unwrap();
    let entry = Entry {
        key,
        version,
        accepts,
        lane: Lane::First,
        rollout: Rollout::everywhere(),
        published: version,
        json_schema: None,
        length: 2,
        sha256: [7; 32],
    };
    Arc::new(CachedDocument::new(entry, Bytes::from_static(b"{}")))
}

#[test]
fn a_read_gives_the_newest_version_that_accepts_the_code() {
    let site = Hostname::parse("a.gov").unwrap();
    let product = ProductName::parse("web").unwrap();
    let cache = Cache::new([(site.clone(), product)]);
    let documents = [(1, "^5.1"), (2, "~5.1"), (3, "^5.2"), (4, "=5.1.7")];
    let documents = documents.map(|(version, accepts)| document(version, accepts));
    cache.replace(&View::new(9, documents, vec![]));
    let read = |host: &str, code: &str| {
        let site = Hostname::parse(host).unwrap();
        let service = ServiceName::parse("sign-in").unwrap();
        let name = DocumentName::parse("client").unwrap();
        let found = cache.read(&site, &service, &name, &Version::parse(code).unwrap());
        found.map(|document| document.entry.version)
    };
    let expected = [
        ("5.1.0", Some(2)),
        ("5.1.7", Some(4)),
        ("5.2.0", Some(3)),
        ("5.3.1", Some(3)),
        ("4.0.0", None),
        ("6.0.0", None),
    ];
    for (code, version) in expected {
        assert_eq!(read("a.gov", code), version, "{code}");
    }
    assert_eq!(read("b.gov", "5.2.0"), None);
    let why = |name: &str, code: Version| {
        let service = ServiceName::parse("sign-in").unwrap();
        let name = DocumentName::parse(name).unwrap();
        cache.why_unread(&site, (&service, &name), &code)
    };
    assert!(why("client", Version::new(6, 0, 0)).contains("no version of sign-in/client"));
    assert!(why("keys", Version::new(5, 2, 0)).contains("holds no document sign-in/keys"));
    let refused = Refused {
        site: site.clone(),
        held: Held {
            key: document(1, "*").entry.key.clone(),
            version: 3,
        },
        reason: "a test".into(),
    };
    let refusals = Refusals::new(vec![refused]);
    cache.set_refusals(refusals);
    assert!(why("client", Version::new(5, 3, 1)).contains("was refused"));
    assert_eq!(cache.ready_for(&site, &Version::new(5, 2, 0), 9), Ok(()));
    let unready = cache.ready_for(&site, &Version::new(6, 0, 0), 9);
    let unready = unready.unwrap_err();
    assert!(unready.contains("no document"), "{unready}");
}

/// A document that was published past the check of releases must not keep sites from one that does without it. Who is
/// behind may not have heard of its version yet.
#[test]
fn a_release_does_without_what_no_version_accepts_for_whoever_knows_as_much_as_the_control_plane() {
    let site = Hostname::parse("a.gov").unwrap();
    let product = ProductName::parse("web").unwrap();
    let cache = Cache::new([(site.clone(), product)]);
    let mut other = CachedDocument::clone(&document(1, ">=7"));
    other.entry.key.name = DocumentName::parse("keys").unwrap();
    let ready = |code: u64, repository| {
        let ready = cache.ready_for(&site, &Version::new(code, 0, 0), repository);
        ready.is_ok()
    };
    cache.replace(&View::new(9, [document(1, "<7"), Arc::new(other)], vec![]));
    assert!(ready(5, 9) && ready(7, 9));
    // A document may have come with version 10. Who does not say which version it went by may be right or wrong.
    assert!(!ready(5, 10) && !ready(7, 10));
    assert!(!ready(5, 0) && !ready(7, 0));
    cache.replace(&View::new(9, [document(1, "<7")], vec![]));
    assert!(!ready(7, 9), "nothing is left to read");
}

#[test]
fn a_site_reads_no_version_before_its_turn_or_that_it_refused() {
    let [canary, other] = ["a.gov", "b.gov"].map(|host| Hostname::parse(host).unwrap());
    let product = ProductName::parse("web").unwrap();
    let sites = [&canary, &other].map(|site| (site.clone(), product.clone()));
    let cache = Cache::new(sites);
    let mut new = CachedDocument::clone(&document(2, "^5"));
    new.entry.rollout = Rollout::canaries([canary.clone()]);
    let refusal = Refused {
        site: canary.clone(),
        held: Held {
            key: new.entry.key.clone(),
            version: 2,
        },
        reason: "its callback path is not ours".into(),
    };
    cache.replace(&View::new(9, [document(1, "^5"), Arc::new(new)], vec![]));
    let read = |site: &Hostname| {
        let service = ServiceName::parse("sign-in").unwrap();
        let name = DocumentName::parse("client").unwrap();
        let found = cache.read(site, &service, &name, &Version::new(5, 2, 0));
        found.map(|document| document.entry.version)
    };
    assert_eq!((read(&canary), read(&other)), (Some(2), Some(1)));
    let [service, name] = ["sign-in", "client"];
    let (service, name) = (service.parse().unwrap(), name.parse().unwrap());
    let mut reading = cache
        .reading(&canary, &service, &name, &Version::new(5, 2, 0))
        .unwrap();
    let version = |reading: &mut Reading| reading.get().map(|one| one.entry.version);
    assert_eq!(version(&mut reading), Some(2));
    cache.set_refusals(Refusals::new(vec![refusal]));
    assert_eq!((read(&canary), read(&other)), (Some(1), Some(1)));
    assert_eq!(version(&mut reading), Some(1));
    cache.replace(&View::new(
        10,
        [document(3, "^5"), document(2, "^5")],
        vec![],
    ));
    assert_eq!(version(&mut reading), Some(3), "it follows");
    cache.replace(&View::new(11, [document(2, "^5")], vec![]));
    assert_eq!(read(&canary), None, "what was refused stays refused");
    reading.set_code(Version::new(6, 0, 0));
    assert_eq!(version(&mut reading), None);
}

#[test]
fn age_is_counted_from_the_last_verified_timestamp() {
    let cache = Cache::new([]);
    let at: Timestamp = "2023-07-11T21:00:00Z".parse().unwrap();
    let bound = Duration::from_secs(60);
    assert_eq!(
        cache.freshness(at, bound),
        Freshness {
            age: None,
            stale: true
        }
    );
    cache.set_verified_at(at);
    for (seconds, stale) in [(0, false), (60, false), (61, true)] {
        let now = at + jiff::SignedDuration::from_secs(seconds);
        assert_eq!(cache.freshness(now, bound).stale, stale, "{seconds}");
    }
    let before = at - jiff::SignedDuration::from_secs(9);
    let fresh = cache.freshness(before, bound);
    assert!(
        fresh.stale && fresh.age.is_none(),
        "a clock that was set back"
    );
    let measured = fresh.at_least(Duration::from_secs(7), bound);
    assert_eq!(
        (measured.age, measured.stale),
        (Some(Duration::from_secs(7)), false)
    );
    let set_back = cache.freshness(at, bound);
    let measured = set_back.at_least(Duration::from_secs(61), bound);
    assert!(
        measured.stale,
        "the process measured a minute more than its clock shows"
    );
}

/// The shard of all sites of a fleet that is small.
fn told(site: &Hostname, facts: &str) -> Arc<told::HeldShard> {
    let product = ProductName::parse("web").unwrap();
    let body = format!(r#"{{"sites":{{"{site}":{facts}}}}}"#);
    let shard = tuf::Shard::of(&product, 0, site);
    let entry = tuf::ShardEntry::of(shard, body.as_bytes());
    Arc::new(told::HeldShard::read(entry, body.as_bytes(), |_, _| true).unwrap())
}

/// Metadata that lists these documents.
fn listing(entries: &[Entry], version: u64) -> tuf::Listing {
    let keys = tuf::Keys::read(|_| tuf::SigningKey::generate().ok()).unwrap();
    let expires = "2099-01-01T00:00:00Z".parse().unwrap();
    let root = tuf::root(&keys, 1, expires).unwrap();
    let key = &entries[0].key;
    let role = tuf::role_name(&key.product, &key.service);
    let documents = tuf::delegated(&keys, &role, version, expires, entries).unwrap();
    let services = [(&key.product, &key.service)];
    let targets = tuf::targets(&keys, version, expires, services, []).unwrap();
    let snapshot = tuf::snapshot(&keys, version, expires, [&targets, &documents]).unwrap();
    let timestamp = tuf::timestamp(&keys, version, expires, &snapshot).unwrap();
    let mut files = HashMap::from([("root.json".to_owned(), root.bytes)]);
    files.extend([documents, targets, snapshot, timestamp].map(|one| (one.name(), one.bytes)));
    let trust = tuf::Trust::restore(&files.into_iter().collect()).unwrap();
    tuf::Listing::read(trust).unwrap()
}

/// A document whose layer is yet to come would be read without it: by nobody's decision.
#[test]
fn half_of_a_document_with_layers_is_read_by_nobody_whom_the_other_half_concerns() {
    let [here, there] = ["a.gov", "b.gov"].map(|host| Hostname::parse(host).unwrap());
    let product = ProductName::parse("web").unwrap();
    let sites = [&here, &there].map(|site| (site.clone(), product.clone()));
    let cache = Cache::new(sites);
    let facts = |state: &str| format!(r#"{{"zone":"America/Denver","state":"{state}"}}"#);
    let shards = vec![told(&here, &facts("CA")), told(&there, &facts("NV"))];
    let base = document(1, "*");
    let mut layer = CachedDocument::clone(&document(1, "<6"));
    layer.entry.key.layer = "state:CA".parse().unwrap();
    let layer = Arc::new(layer);
    let reads_on = |site: &Hostname, code: u64| {
        let key = &base.entry.key;
        let read = cache.read(site, &key.service, &key.name, &Version::new(code, 1, 0));
        read.map(|read| read.layers.len())
    };
    let reads = |site: &Hostname| reads_on(site, 5);
    let all = [base.entry.clone(), layer.entry.clone()];
    let mut view = View::default();
    // Newer metadata does not make of a half what was there before; nor does a restart.
    for version in [1, 2] {
        view = view.followed_by(
            &listing(&all, version),
            vec![Arc::clone(&base)],
            shards.clone(),
        );
        cache.replace(&view);
        assert_eq!((reads(&here), reads(&there)), (None, Some(0)), "{version}");
        assert_eq!(cache.readable(&view, &here)[0].1.len(), 0);
        // Nor where the layer that is missing would leave nothing to read.
        assert_eq!((reads_on(&here, 6), reads_on(&there, 6)), (None, Some(0)));
    }
    let behind: Vec<_> = view.behind().cloned().collect();
    let again = View::before(0, behind, view.holes_behind().cloned());
    cache.replace(&again.followed_by(&listing(&all, 2), vec![], shards.clone()));
    assert_eq!((reads(&here), reads(&there)), (None, Some(0)));
    let both = vec![Arc::clone(&base), layer];
    cache.replace(&view.followed_by(&listing(&all, 2), both, shards));
    assert_eq!((reads(&here), reads(&there)), (Some(1), Some(0)));
}
