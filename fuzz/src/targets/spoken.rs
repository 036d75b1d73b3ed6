//! Messages between agents, sites, origins, people and the control plane, as JSON: what is read is written as
//! it was read.

use domain::banner::Banner;
use domain::calendar::BusinessCalendar;
use domain::incident::backfill::NewPast;
use domain::incident::template::NewTemplate;
use domain::layer::Facts;
use domain::rollout::Rollout;
use protocol::action::{Action, ActionResult};
use protocol::banner::Standing;
use protocol::delivery::{Acks, Enrol, Enrolled, Push, Refused};
use protocol::origin::Telemetry;
use protocol::outcome::Outcomes;
use protocol::told::ToldSites;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::parts::texts;

pub(crate) fn run(data: &[u8]) {
    reads_back::<Vec<Action>>(data);
    reads_back::<Vec<ActionResult>>(data);
    reads_back::<Standing>(data);
    reads_back::<Acks>(data);
    reads_back::<Enrol>(data);
    reads_back::<Enrolled>(data);
    reads_back::<Push>(data);
    reads_back::<Vec<Refused>>(data);
    reads_back::<Outcomes>(data);
    reads_back::<ToldSites>(data);
    reads_back::<Banner>(data);
    reads_back::<BusinessCalendar>(data);
    reads_back::<NewPast>(data);
    reads_back::<NewTemplate>(data);
    reads_back::<Facts>(data);
    reads_back::<tuf::Entry>(data);
    reads_back::<Telemetry>(data);
    reads_back::<Rollout>(data);
    if let Ok(rollout) = serde_json::from_slice::<Rollout>(data) {
        grows(rollout);
    }
}

fn reads_back<T: Serialize + DeserializeOwned>(data: &[u8]) {
    let Ok(read) = serde_json::from_slice::<T>(data) else {
        return;
    };
    let written = serde_json::to_string(&read).expect("it is written");
    let again: T = serde_json::from_str(&written).unwrap_or_else(|e| panic!("{written}: {e}"));
    assert_eq!(serde_json::to_string(&again).ok(), Some(written));
}

/// A rollout comes to its end in a few waves, and no site loses what it was given.
fn grows(first: Rollout) {
    let sites =
        ["a.example", "b.example", "c.gov", "d.us"].map(|site| site.parse().expect("a name"));
    let given = |rollout: &Rollout| sites.clone().map(|site| rollout.admits(&site, 3));
    let (mut rollout, mut waves) = (first, 0);
    while let Some(next) = rollout.next() {
        let both = given(&rollout).into_iter().zip(given(&next));
        assert!(
            both.into_iter().all(|(before, after)| after || !before),
            "{rollout:?}"
        );
        (rollout, waves) = (next, waves + 1);
    }
    assert!(rollout.is_everywhere() && waves <= 3, "{rollout:?}");
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let id = "01a22099-905d-7318-9f8b-5aa21b662f35";
    let mut seeds = texts(&[
        &format!(
            r#"[{{"action":"activate_release","version":"5.2.0","site":"a.example","campaign":"{id}","generation":1,"fence":2}}]"#
        ),
        &format!(r#"[{{"campaign":"{id}","site":"a.example","fence":2,"refused":"no"}}]"#),
        r#"{"repository":7,"held":[{"product":"web","service":"sign-in","name":"client","layer":"county:CA/Kern","version":3}],"refused":[{"site":"a.example","product":"web","service":"sign-in","name":"client","version":3,"reason":"no"}]}"#,
        r#"{"token":"t","host":"www-1","sites":["a.example"]}"#,
        &format!(
            r#"{{"agent":"{id}","token":"t","root":"{{}}","sites":[{{"site":"a.example","product":"web"}}]}}"#
        ),
        &format!(
            r#"{{"at_ms":1689109200000,"rows":[{{"site":"a.example","attempts":5,"failures":{{"x":2}}}}],"batch":{{"series":"{id}","number":1}}}}"#
        ),
        &format!(
            r#"{{"banners":[{{"id":"{id}","version":1,"text":"x","severity":"info","area":{{"products":["web"],"counties":["CA/Kern County"],"polygon":[[-122.27,37.8],[0,1.5],[2,3]]}},"from":"2023-07-11T21:00:00Z","until":null}}]}}"#
        ),
        r#"{"zone":"America/Chicago","opens":"07:00:00","closes":"19:00:00","federal_holidays":true,"holidays":{"2026-07-03":"Town day"}}"#,
        r#"{"key":"a","title":"t","impact":"minor","scope":{},"started_at":"2023-07-11T21:00:00Z","resolved_at":"2023-07-11T22:00:00Z","updates":[{"at":"2023-07-11T21:00:00Z","state":"completed","kind":"update","text":"x"}]}"#,
        r#"{"text":"Back {when}.","placeholders":[{"name":"when","kind":"duration","required":true,"default":{"amount":24,"unit":"business_hours"},"calendar":"Ohio"}],"state":"monitoring","promise":["report","when"]}"#,
        r#"{"at_ms":1,"utilisation":0.5,"p95_seconds":null}"#,
        r#"{"canaries":["a.example"],"permille":10}"#,
    ]);
    let world = crate::world::Repository::at(2);
    seeds.extend(
        world
            .entries
            .iter()
            .filter_map(|entry| serde_json::to_vec(entry).ok()),
    );
    seeds.extend(serde_json::to_vec(&crate::world::told(1)));
    seeds.extend(serde_json::to_vec(&world.push()));
    seeds
}
