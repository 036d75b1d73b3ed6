//! What a read allocates: nothing, whichever way it is made.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::hint::black_box;

use agent::{Cache, CachedDocument, DocumentKey, Hostname, Version};

const READS: u64 = 1_000;

fn key(name: &str) -> DocumentKey {
    DocumentKey {
        product: "web-central".parse().unwrap(),
        service: "sign-in".parse().unwrap(),
        layer: domain::layer::Layer::Base,
        name: name.parse().unwrap(),
    }
}

/// Allocations of each read, after one that warms up what is made once.
fn allocations(mut read: impl FnMut() -> Option<u64>) -> f64 {
    assert_eq!(read(), Some(2));
    let counted = allocation_counter::measure(|| {
        for _ in 0..READS {
            black_box(read());
        }
    });
    #[expect(clippy::cast_precision_loss, reason = "small counts")]
    let each = counted.count_total as f64 / READS as f64;
    each
}

#[test]
fn a_read_of_a_cached_document_allocates_nothing() {
    let site: Hostname = "a.example".parse().unwrap();
    let code = Version::new(5, 1, 3);
    let names: Vec<_> = (0..50).map(|n| format!("document-{n}")).collect();
    let versions = |name: &String| {
        let accepts = [(1, ">=5.0.0"), (2, "~5.1"), (3, ">=5.2.0")];
        let key = key(name);
        accepts.map(|(version, accepts)| {
            CachedDocument::unchecked(key.clone(), version, accepts.parse().unwrap(), "{}")
        })
    };
    let sites = [(site.clone(), "web-central".parse().unwrap())];
    let cache = Cache::unchecked(sites, names.iter().flat_map(versions));
    let key = key("document-31");

    let mut reading = cache
        .reading(&site, &key.service, &key.name, &code)
        .unwrap();
    let again = || reading.get().map(|found| found.entry.version);
    assert!(allocations(again) == 0.0);

    let looked_up = || {
        let found = cache.read(&site, &key.service, &key.name, &code);
        found.map(|found| found.entry.version)
    };
    assert!(allocations(looked_up) == 0.0);

    // The count can fail: a copy of the body is seen.
    let copied = || {
        let found = cache.read(&site, &key.service, &key.name, &code)?;
        black_box(found.body.to_vec());
        Some(found.entry.version)
    };
    assert!(allocations(copied) == 1.0);
}
