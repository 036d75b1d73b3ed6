//! Organizations, products, sites.

use domain::name::{Hostname, ProductName};
use domain::place::Point;
use domain::product::{Product, ProductSettings};
use domain::release::{Release, ReleaseState};
use domain::site::{Area, Organization, Site, Zone};
use store::{FleetRows, Store, StoreError};

use crate::{at, audit, id};

/// A fleet of `count` sites of one organization.
pub(crate) async fn fleet(store: &Store, count: usize) -> FleetRows {
    let name = ProductName::parse("web-central").unwrap();
    let product = Product {
        name: name.clone(),
        settings: ProductSettings::default(),
    };
    store
        .save_product(&product, Some(b"secret"), &audit())
        .await
        .unwrap();
    let organization = Organization {
        id: id(),
        name: "City of A".into(),
    };
    let site = |number| Site {
        id: id(),
        hostname: Hostname::parse(&format!("site-{number}.example")).unwrap(),
        organization: organization.id,
        product: name.clone(),
        kind: "City".into(),
        area: Area {
            state: "CA".into(),
            city: "A".into(),
            county: None,
            point: None,
        },
        zone: Zone::parse("America/Los_Angeles").unwrap(),
        population: Some(100),
        running: semver::Version::new(5, 1, 0),
        ran_before: None,
        activated_at: at("2023-07-01T00:00:00Z"),
    };
    let sites = (0..count).map(site).collect();
    FleetRows {
        organizations: vec![organization.clone()],
        sites,
        changed: vec![],
    }
}

/// Stores a fleet of one site.
pub(crate) async fn one_site(store: &Store) -> Site {
    let mut rows = fleet(store, 1).await;
    store.import_fleet(&rows, &audit()).await.unwrap();
    rows.sites.remove(0)
}

pub(crate) async fn an_import_is_all_or_nothing(store: Store) {
    let mut rows = fleet(&store, 3).await;
    rows.sites[2].hostname = rows.sites[0].hostname.clone();
    assert!(store.import_fleet(&rows, &audit()).await.is_err());
    assert!(store.sites(None, 10).await.unwrap().is_empty());
    assert!(store.organizations(None, 10).await.unwrap().is_empty());
}

pub(crate) async fn a_fleet_reads_back_page_by_page(store: Store) {
    let mut rows = fleet(&store, 25).await;
    rows.sites[3].area.county = Some("Alameda".into());
    rows.sites[3].area.point = Some(Point::new(-122.2708, 37.8044));
    store.import_fleet(&rows, &audit()).await.unwrap();
    let mut read: Vec<Site> = vec![];
    loop {
        let page = store
            .sites(read.last().map(|site| site.id), 10)
            .await
            .unwrap();
        if page.is_empty() {
            break;
        }
        read.extend(page);
    }
    let mut expected = rows.sites.clone();
    expected.sort_by_key(|site| site.id);
    assert_eq!(read, expected);
    let product = ProductName::parse("web-central").unwrap();
    assert_eq!(
        store.webhook_secret(&product).await.unwrap().unwrap(),
        b"secret"
    );
}

pub(crate) async fn what_is_known_of_a_site_changes_and_not_what_it_runs(store: Store) {
    let rows = fleet(&store, 3).await;
    store.import_fleet(&rows, &audit()).await.unwrap();
    let (now, new) = (at("2023-07-11T21:00:00Z"), semver::Version::new(5, 2, 0));
    let mut changed = rows.sites[1].clone();
    store
        .activate(&[changed.id], &new, now, &audit())
        .await
        .unwrap();
    changed.area.county = Some("Kern".into());
    changed.area.point = Some(Point::new(-119.0, 35.4));
    changed.zone = Zone::parse("America/Denver").unwrap();
    changed.population = None;
    let update = |changed| FleetRows {
        changed,
        ..FleetRows::default()
    };
    let one = update(vec![changed.clone()]);
    store.import_fleet(&one, &audit()).await.unwrap();
    let read = async || store.sites(None, 10).await.unwrap();
    let expected = Site {
        running: new,
        ran_before: Some(changed.running.clone()),
        activated_at: now,
        ..changed.clone()
    };
    assert!(read().await.contains(&expected));
    assert!(read().await.contains(&rows.sites[0]), "another site stays");
    // With one that is not there, nothing is changed.
    let before = read().await;
    changed.area.county = None;
    let gone = Site {
        id: id(),
        ..changed.clone()
    };
    let two = update(vec![changed, gone]);
    let refused = store.import_fleet(&two, &audit()).await;
    assert!(matches!(refused, Err(StoreError::Conflict { .. })));
    assert_eq!(read().await, before);
}

pub(crate) async fn an_activation_keeps_the_release_before(store: Store) {
    let rows = fleet(&store, 2).await;
    store.import_fleet(&rows, &audit()).await.unwrap();
    let (old, new) = (semver::Version::new(5, 1, 0), semver::Version::new(5, 2, 0));
    let now = at("2023-07-11T21:00:00Z");
    let one = rows.sites[0].id;
    for _ in 0..2 {
        store.activate(&[one], &new, now, &audit()).await.unwrap();
    }
    let sites = store.sites(None, 10).await.unwrap();
    let activated = sites.iter().find(|site| site.id == one).unwrap();
    assert_eq!(
        (&activated.running, activated.ran_before.as_ref()),
        (&new, Some(&old))
    );
    assert_eq!(activated.activated_at, now);
    assert!(
        sites
            .iter()
            .any(|site| site.running == old && site.ran_before.is_none())
    );
}

pub(crate) async fn only_a_staged_release_becomes_live(store: Store) {
    one_site(&store).await;
    let (product, version) = (
        ProductName::parse("web-central").unwrap(),
        semver::Version::new(5, 2, 0),
    );
    let live = async || store.make_release_live(&product, &version, &audit()).await;
    let refused = |done| matches!(done, Err(StoreError::Conflict { .. }));
    assert!(refused(live().await), "there is none");
    let release = |state| Release {
        product: product.clone(),
        version: version.clone(),
        state,
    };
    let now = at("2023-07-11T21:00:00Z");
    let staged = release(ReleaseState::Staged);
    store.save_release(&staged, now, &audit()).await.unwrap();
    live().await.unwrap();
    let all = store.releases().await.unwrap();
    assert_eq!(all, [release(ReleaseState::Live)]);
    assert!(refused(live().await), "it is live already");
    let retired = release(ReleaseState::Retired);
    store.save_release(&retired, now, &audit()).await.unwrap();
    assert!(refused(live().await), "it is retired");
    let all = store.releases().await.unwrap();
    assert_eq!(all, [retired], "what it needed may be dropped");
}
