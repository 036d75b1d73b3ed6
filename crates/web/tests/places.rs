//! Where sites are: learned by import, changed by a later one, asked for by county.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use clock::Clock;
use domain::access::Role;
use serde_json::{Value, json};
use support::Plane;

const FLEET: &str = "hostname,organization,kind,city,state,timezone,population\n\
    a.example,Town of A,City,A,CA,America/Los_Angeles,1\n\
    b.example,Town of B,City,B,CA,America/Los_Angeles,2\n\
    c.example,Town of C,City,C,NV,America/Los_Angeles,3\n";
const PLACES: &str = "hostname,county,latitude,longitude\n\
    a.example,Alameda,37.8,-122.3\n\
    b.example,Kern,35.4,-119\n\
    c.example,,,\n";

struct Importer {
    plane: Plane,
    token: String,
}

impl Importer {
    async fn new() -> Self {
        let plane = Plane::new().await;
        let token = plane.token(Role::Admin).await;
        let importer = Self { plane, token };
        let (status, imported) = importer.import("", FLEET).await;
        assert_eq!((status, &imported["sites"]), (201, &json!(3)), "{imported}");
        importer
    }

    async fn import(&self, query: &str, csv: &str) -> (u16, Value) {
        // The audit is in the order of the milliseconds: each change has its own.
        self.plane.hand.advance(Duration::from_secs(1));
        let path = format!("/api/v1/fleet/import{query}");
        let answer = self
            .plane
            .send("POST", &path, Some(&self.token), csv.to_owned());
        let answer = answer.await;
        let json =
            serde_json::from_str(&answer.text).unwrap_or_else(|e| panic!("{e}: {}", answer.text));
        (answer.status.as_u16(), json)
    }

    async fn get(&self, path: &str) -> String {
        let answer = self.plane.send("GET", path, Some(&self.token), "").await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        answer.text
    }

    async fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.get(path).await).unwrap()
    }

    async fn audited(&self) -> Vec<String> {
        let audit = self.plane.engine.audit_before(None, 100).await.unwrap();
        let imports = audit.iter().filter(|entry| entry.act == "imported a fleet");
        imports.map(|entry| entry.detail.clone()).collect()
    }
}

#[tokio::test]
async fn known_sites_are_given_a_place_when_that_is_asked_for() {
    let at = Importer::new().await;
    let (status, refused) = at.import("", FLEET).await;
    assert_eq!((status, &refused["count"]), (422, &json!(3)), "{refused}");
    let reason = refused["lines"][0]["reason"].as_str().unwrap();
    assert!(
        reason.contains("already in the fleet; to change"),
        "{reason}"
    );

    let (status, tried) = at.import("?update=true&dry_run=true", PLACES).await;
    let counts =
        |done: &Value| ["sites", "changed", "unchanged"].map(|part| done[part].as_u64().unwrap());
    assert_eq!((status, counts(&tried)), (200, [0, 2, 1]), "{tried}");
    let change = json!({"hostname": "b.example", "fields": [
        {"field": "county", "before": null, "after": "Kern"},
        {"field": "point", "before": null, "after": "35.4, -119"}]});
    assert_eq!(tried["changes"][1], change);
    let site = at.json("/api/v1/sites/b.example").await;
    assert_eq!(site["area"]["county"], json!(null), "it was only tried");
    assert_eq!(at.audited().await.len(), 1);

    let (status, done) = at.import("?update=true", PLACES).await;
    assert_eq!((status, counts(&done)), (201, [0, 2, 1]), "{done}");
    let site = at.json("/api/v1/sites/b.example").await;
    assert_eq!(site["area"]["point"], json!([-119.0, 35.4]));
    let said = "0 organizations, 0 sites added, 2 sites changed: a.example, b.example";
    assert_eq!(at.audited().await[0], said);

    let (status, again) = at.import("?update=true", PLACES).await;
    assert_eq!((status, counts(&again)), (201, [0, 0, 3]));
    assert_eq!(
        at.audited().await.len(),
        2,
        "nothing changed, nothing is audited"
    );
    // What is stored is what is in memory.
    at.plane.engine.reload_fleet().await.unwrap();
    assert_eq!(at.json("/api/v1/sites/b.example").await, site);
}

#[tokio::test]
async fn a_file_of_known_and_new_sites_is_taken_whole_or_not_at_all() {
    let at = Importer::new().await;
    let moved = "hostname,county\na.example,Kern\nd.example,Kern\n";
    let (status, refused) = at.import("?update=true", moved).await;
    assert_eq!((status, &refused["count"]), (422, &json!(1)));
    let reason = refused["lines"][0]["reason"].as_str().unwrap();
    let lacks = "site d.example is not in the fleet, and its organization is not given to add it";
    assert_eq!((reason, &refused["lines"][0]["line"]), (lacks, &json!(3)));
    let site = at.json("/api/v1/sites/a.example").await;
    assert_eq!(site["area"]["county"], json!(null));

    let (header, lines) = FLEET.split_once('\n').unwrap();
    let mut file = format!("{header},county\n");
    for line in lines.lines().chain(["d.example,Town of D,City,D,CA,UTC,4"]) {
        file += &format!("{line},Kern\n");
    }
    let (status, done) = at.import("?update=true&product=web-central", &file).await;
    let counts = ["organizations", "sites", "changed"].map(|part| done[part].as_u64().unwrap());
    assert_eq!((status, counts), (201, [1, 1, 3]), "{done}");
    let foreign = file.replace("Town of A", "Town of B");
    let (status, refused) = at.import("?update=true", &foreign).await;
    assert_eq!(status, 422, "{refused}");
}

#[tokio::test]
async fn sites_are_asked_for_by_county() {
    let at = Importer::new().await;
    at.import("?update=true", PLACES).await;
    let page = at.json("/api/v1/sites?county=ca/kern%20county").await;
    assert_eq!((&page["total"], &page["after"]), (&json!(1), &json!(null)));
    assert_eq!(page["sites"][0]["hostname"], "b.example");
    let none = at.json("/api/v1/sites?county=CA/Sonoma").await;
    assert_eq!((&none["total"], &none["sites"]), (&json!(0), &json!([])));
    let bad = at
        .plane
        .send("GET", "/api/v1/sites?county=Kern", Some(&at.token), "");
    let bad = bad.await;
    assert_eq!(bad.status, 400, "{}", bad.text);
    assert!(bad.text.contains("such as CA/Alameda"), "{}", bad.text);

    let shown = at.get("/console/fleet?county=ca%2FKern&q=b.ex").await;
    assert!(
        shown.contains("/console/sites/b.example") && !shown.contains("a.example"),
        "{shown}"
    );
    assert!(shown.contains("value=\"ca/Kern\""), "what was asked stays");
    let none = at.get("/console/fleet?county=CA%2FKern&q=a.example").await;
    assert!(none.contains("No site matches"), "{none}");
    let bad = at.get("/console/fleet?county=Kern").await;
    assert!(bad.contains("is no county: write its state"), "{bad}");
}

#[tokio::test]
async fn the_sites_of_a_county_are_paged_like_the_fleet() {
    let plane = Plane::with_fleet().await;
    let token = plane.token(Role::Support).await;
    let (mut after, mut found) = (String::new(), vec![]);
    loop {
        let path = format!("/api/v1/sites?limit=30&county=CA/Los%20Angeles{after}");
        let answer = plane.send("GET", &path, Some(&token), "").await;
        let page: Value = serde_json::from_str(&answer.text).unwrap();
        let sites = page["sites"].as_array().unwrap();
        found.extend(sites.iter().map(|site| site["hostname"].to_string()));
        match page["after"].as_u64() {
            Some(last) => after = format!("&after={last}"),
            None => {
                assert_eq!(json!(found.len()), page["total"]);
                break;
            }
        }
    }
    let all = plane.engine.fleet();
    let of_county = all.sites().filter(|(_, site)| {
        site.area.county.as_deref() == Some("Los Angeles") && &*site.area.state == "CA"
    });
    let expected: Vec<_> = of_county
        .map(|(_, site)| format!("{:?}", site.hostname.as_str()))
        .collect();
    assert!(expected.len() > 60, "several pages");
    assert_eq!(found, expected);
    let page = "/console/fleet?county=CA%2FLos+Angeles";
    let first = plane.send("GET", page, Some(&token), "").await;
    assert!(
        first.text.contains("county=CA%2FLos+Angeles&#38;page=1") || expected.len() <= 100,
        "{}",
        first.text
    );
}

/// The whole fleet of US cities is given other places in one file, within a time that a person waits.
#[tokio::test]
async fn a_large_file_of_known_sites_is_taken_quickly() {
    let plane = Plane::with_fleet().await;
    let token = plane.token(Role::Admin).await;
    let mut file = "hostname,county,latitude,longitude\n".to_owned();
    let mut count = 0;
    for (index, site) in plane.engine.fleet().sites() {
        file += &format!(
            "{},County {},40.5,-{}.25\n",
            site.hostname,
            index.0 % 50,
            index.0 % 90
        );
        count += 1;
    }
    for changed in [count, 0] {
        let began = Clock::system().now();
        let path = "/api/v1/fleet/import?update=true";
        let answer = plane.send("POST", path, Some(&token), file.clone()).await;
        let done: Value = serde_json::from_str(&answer.text).unwrap();
        assert_eq!(done["changed"], json!(changed), "{}", done["error"]);
        assert_eq!(done["changes"].as_array().unwrap().len(), changed.min(100));
        // Without optimization and beside other tests; it takes a small part of this.
        let took = Clock::system().now().duration_since(began);
        assert!(took.as_secs() < 20, "{took:?}");
    }
}

/// Sites with names as long as names may be, on one line of latitude in one state.
fn long_names(from: usize, count: usize) -> String {
    let mut file =
        "hostname,organization,kind,city,state,timezone,population,latitude,longitude\n".to_owned();
    for number in from..from + count {
        let label = "x".repeat(60);
        file += &format!(
            "s{number:05}.{label}.{label}.{label}.example,Org,City,A,CA,America/Los_Angeles,1,37.5,-122\n"
        );
    }
    file
}

#[tokio::test]
async fn a_document_too_long_for_sites_is_refused_and_after_growth_leaves_banners_out() {
    let plane = Plane::new().await;
    let token = plane.token(Role::Admin).await;
    let at = Importer { plane, token };
    let (status, done) = at.import("", &long_names(0, 3_000)).await;
    assert_eq!(status, 201, "{done}");
    let stop = tokio_util::sync::CancellationToken::new();
    let _workers = at.plane.engine.run_workers(&stop);
    let drawn = |text: &str, severity: &str| {
        json!({"text": text, "severity": severity,
            "area": {"polygon": [[-123, 37], [-121, 37], [-121, 38], [-123, 38]]}})
    };
    let put = async |body: Value| {
        at.plane.hand.advance(Duration::from_secs(1));
        let answer = at
            .plane
            .send("POST", "/api/v1/banners", Some(&at.token), body.to_string());
        let answer = answer.await;
        let json: Value = serde_json::from_str(&answer.text).unwrap();
        (answer.status.as_u16(), json)
    };
    let (status, first) = put(drawn("Drawn.", "warning")).await;
    assert_eq!((status, &first["left_out"]), (201, &json!([])), "{first}");
    let (status, refused) = put(drawn("Another.", "critical")).await;
    let message = refused["error"]["message"].as_str().unwrap();
    assert_eq!((status, &refused["error"]["at"]), (422, &json!("area")));
    assert!(
        message.contains("the banners of web-central are") && message.contains("1048576"),
        "{message}"
    );
    let (status, _) =
        put(json!({"text": "Short.", "severity": "info", "area": {"states": ["CA"]}})).await;
    assert_eq!(status, 201);
    at.until_published(&["Drawn.", "Short."]).await;

    // The fleet grows past what the document holds: the short one goes on, the long one is left out.
    at.import("", &long_names(3_000, 3_000)).await;
    at.until_published(&["Short."]).await;
    let list = at.json("/api/v1/banners").await;
    assert_eq!(
        list["banners"][0]["left_out"],
        json!(["web-central"]),
        "{list}"
    );
    let page = at.get("/console/banners").await;
    assert!(
        page.contains("those of web-central do not show it on their own pages"),
        "{page}"
    );
    let site = at.plane.engine.fleet().sites().next().unwrap().1;
    let ours = at.get(&format!("/sites/{}", site.hostname)).await;
    assert!(ours.contains("Drawn."), "our pages know where it is");

    // Made shorter, it is back; the limit of sites is for who draws.
    let path = format!("/api/v1/banners/{}", first["id"].as_str().unwrap());
    let change = async |text: &str, area: Value| {
        at.plane.hand.advance(Duration::from_secs(1));
        let body = json!({"text": text, "severity": "warning", "area": area});
        let answer = at
            .plane
            .send("PUT", &path, Some(&at.token), body.to_string());
        answer.await.status.as_u16()
    };
    let same = || drawn("", "")["area"].clone();
    assert_eq!(change("Drawn!", same()).await, 200, "its words change");
    assert_eq!(change("Drawn longer.", same()).await, 422);
    let wider = json!({"polygon": [[-124, 37], [-121, 37], [-121, 38], [-123, 38]]});
    assert_eq!(
        change("Drawn!", wider).await,
        422,
        "drawn anew, it has too many sites"
    );
    assert_eq!(change("Drawn.", json!({"states": ["CA"]})).await, 200);
    at.until_published(&["Drawn.", "Short."]).await;
    let list = at.json("/api/v1/banners").await;
    assert_eq!(list["banners"][0]["left_out"], json!([]));
    stop.cancel();
}

impl Importer {
    /// Waits until the sites get banners that say this, in this order, and no other.
    async fn until_published(&self, texts: &[&str]) {
        let mut found = vec![];
        for _ in 0..600 {
            let repository = self.plane.engine.repository();
            let all = repository.documents().iter();
            let banners = all.filter(|(key, _)| key.service.as_str() == "banners");
            let newest =
                banners.filter_map(|(_, versions)| versions.iter().max_by_key(|one| one.version));
            let bodies = newest.map(|one| serde_json::from_slice::<Value>(&one.body).unwrap());
            let of = |body: Value| body["banners"].as_array().cloned().unwrap_or_default();
            let said = bodies
                .flat_map(of)
                .map(|one| one["text"].as_str().unwrap().to_owned());
            found = said.collect();
            if found == texts {
                return;
            }
            Clock::system().sleep(Duration::from_millis(50)).await;
        }
        panic!("{found:?} are published, not {texts:?}");
    }
}
