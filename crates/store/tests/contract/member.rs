//! Members of organizations, and who heard of an incident.

use domain::incident::{Audience, Impact, Incident, Scope};
use domain::member::Member;
use domain::site::Organization;
use store::{FleetRows, IncidentAdditions, Lane, Store};

use super::follower::{announced, by_mail};
use crate::{at, audit, id};

const NOW: &str = "2023-07-11T21:10:00Z";

pub(crate) async fn members_are_replaced_and_found_by_address_and_domain(store: Store) {
    let one = |name: &str| Organization {
        id: id(),
        name: name.into(),
    };
    let (here, there) = (one("Anytown"), one("Otherville"));
    let rows = FleetRows {
        organizations: vec![here.clone(), there.clone()],
        sites: vec![],
        ..FleetRows::default()
    };
    store.import_fleet(&rows, &audit()).await.unwrap();
    let member = |text: &str| Member::parse(text).unwrap();
    let domain = [member("@anytown.gov")];
    let both = [member("@anytown.gov"), member("clerk@mail.example")];
    for members in [&domain[..], &both, &both] {
        let entry = audit();
        let set = store.set_members(here.id, members, &entry);
        set.await.unwrap();
        assert_eq!(store.members(here.id).await.unwrap().len(), members.len());
    }
    store
        .set_members(there.id, &domain, &audit())
        .await
        .unwrap();
    let mut all = vec![here.id, there.id];
    all.sort_unstable();
    for (address, own) in [
        ("Mayor@Anytown.gov", all),
        ("clerk@mail.example", vec![here.id]),
        ("other@mail.example", vec![]),
        ("x@sub.anytown.gov", vec![]),
        ("none", vec![]),
    ] {
        let found = store.organizations_of(address).await.unwrap();
        assert_eq!(found, own, "{address}");
    }
    store.set_members(here.id, &[], &audit()).await.unwrap();
    assert_eq!(store.members(here.id).await.unwrap(), []);
}

pub(crate) async fn who_heard_of_an_incident_is_known(store: Store) {
    let what = ("Sign-in".to_owned(), Scope::default(), Impact::Minor);
    let few = Incident {
        audience: Audience::Affected,
        ..Incident::open(id(), what, at(NOW), at(NOW))
    };
    let nothing = IncidentAdditions::default();
    store.add_incident(&few, &nothing, &audit()).await.unwrap();
    let read = store.incident(few.id).await.unwrap();
    assert_eq!(read, Some(few.clone()));
    let wider = few.for_audience(Audience::Everybody);
    store
        .save_incident(&wider, &nothing, &audit())
        .await
        .unwrap();
    assert_eq!(store.incidents(9).await.unwrap(), [wider]);

    let announcement = announced(&store).await;
    let next = store.next_announcement().await.unwrap();
    assert_eq!(next, Some(announcement.clone()), "it says for whom it is");
    let mut all = vec![by_mail("a@b.example", true), by_mail("c@d.example", true)];
    all.sort_by_key(|one| one.id);
    for (token, one) in ["one", "two"].into_iter().zip(&all) {
        let entry = audit();
        let added = store.add_follower(one, token, None, &entry);
        added.await.unwrap();
    }
    let told = [(id(), all[1].id, Lane::Mail)];
    let spread = store.spread(&announcement, &told, None, at(NOW));
    spread.await.unwrap();
    let heard = |ends| store.followers_told(announcement.incident, ends);
    let ends = (all[0].id, all[1].id);
    assert_eq!(heard(ends).await.unwrap(), [all[1].id]);
    assert_eq!(heard((ends.0, ends.0)).await.unwrap(), []);
}
