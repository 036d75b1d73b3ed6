//! What is told only to the organizations that an incident concerns: read by their members, and by
//! nobody else, on no page, in no feed, in no mail.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "follow/receivers.rs"]
mod receivers;
mod support;

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use domain::access::Role;
use domain::follower::{About, Channel, Email, Shape};
use domain::id::{OrganizationId, SiteId};
use engine::Mail;
use receivers::{Takes, mail_server, webhook_server};
use serde_json::{Value, json};
use support::{Answer, Plane};
use tokio_util::sync::CancellationToken;

/// What nobody else may read.
const TITLE: &str = "Sign-in fails at night in Hawaii";

struct Story {
    plane: Plane,
    token: String,
    /// A site of the incident, and one far from it: host, organization, identifier.
    inside: (String, OrganizationId, SiteId),
    outside: (String, OrganizationId, SiteId),
}

impl Story {
    async fn new() -> Self {
        let plane = Plane::with_fleet().await;
        let token = plane.token(Role::Admin).await;
        let fleet = plane.engine.fleet();
        let in_zone = |name: &str| {
            let mut sites = fleet.sites().map(|(_, site)| site);
            let site = sites.find(|site| site.zone.as_str() == name).unwrap();
            (site.hostname.to_string(), site.organization, site.id)
        };
        let (inside, outside) = (in_zone("Pacific/Honolulu"), in_zone("America/New_York"));
        Self {
            plane,
            token,
            inside,
            outside,
        }
    }

    async fn call(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let token = Some(self.token.as_str());
        let answer = self.plane.send(method, path, token, body.to_string()).await;
        self.plane.hand.advance(Duration::from_millis(5));
        let body = serde_json::from_str(&answer.text).unwrap_or_default();
        (answer.status.as_u16(), body)
    }

    async fn set_members(&self, organization: OrganizationId, members: &[&str]) -> Value {
        let path = format!("/api/v1/organizations/{organization}/members");
        let (status, set) = self.call("PUT", &path, json!({"members": members})).await;
        assert_eq!(status, 200, "{set}");
        set
    }

    async fn open(&self, audience: &str) -> String {
        let opening = json!({"title": TITLE, "audience": audience,
            "scope": {"products": [], "zones": ["Pacific/Honolulu"], "releases": []}});
        let (status, opened) = self.call("POST", "/api/v1/incidents", opening).await;
        assert_eq!(
            (status, &opened["audience"]),
            (200, &json!(audience)),
            "{opened}"
        );
        opened["id"].as_str().unwrap().to_owned()
    }

    async fn get(&self, path: &str, cookie: &str) -> Answer {
        let request = Request::get(path)
            .header("host", "127.0.0.1:8080")
            .header("accept", "text/html")
            .header("cookie", cookie);
        self.plane
            .answer(request.body(Body::empty()).unwrap())
            .await
    }

    /// Signs somebody in as a browser is led, from `begin`; the cookie, and where it comes back to.
    async fn sign_in(&self, email: &str, begin: &str) -> (String, String) {
        let account = json!({"email": email});
        let (status, _) = self.call("POST", "/api/v1/accounts", account).await;
        assert_eq!(status, 201);
        let minted = json!({"emails": [email]});
        let (_, minted) = self.call("POST", "/api/v1/accounts/sessions", minted).await;
        let session = minted["sessions"][0]["value"].as_str().unwrap();
        let session = format!("lamplighter-session={session}");
        let begun = self.get(begin, "").await;
        let provider = self.get(location(&begun), &session).await;
        let back = location(&provider);
        let back = back.strip_prefix("http://127.0.0.1:8080").unwrap();
        let came = self.get(back, &set_cookie(&begun)).await;
        (set_cookie(&came), location(&came).to_owned())
    }
}

fn location(answer: &Answer) -> &str {
    answer.headers["location"].to_str().unwrap()
}

fn set_cookie(answer: &Answer) -> String {
    let set = answer.headers["set-cookie"].to_str().unwrap();
    set.split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn only_members_of_the_affected_read_it() {
    let story = Story::new().await;
    let id = story.open("affected").await;
    let (host, organization, _) = story.inside.clone();
    story.set_members(organization, &["@city.example"]).await;
    story.set_members(story.outside.1, &["@far.example"]).await;

    let begin = format!("/incidents/{id}/sign-in");
    let (member, came) = story.sign_in("Clerk@city.example", &begin).await;
    let page = format!("/incidents/{id}");
    assert_eq!(came, page, "she comes back to what she wanted to read");
    let (stranger, _) = story
        .sign_in("clerk@far.example", "/incidents/sign-in")
        .await;

    let below = ["", "/comments", "/report", "/report.pdf"];
    let (status, _) = story
        .call(
            "POST",
            &format!("/api/v1/incidents/{id}/official-comment"),
            json!({"text": "A cable was cut at night."}),
        )
        .await;
    assert_eq!(status, 200);
    for path in below {
        let path = format!("{page}{path}");
        // The member first: what she reads must be kept for nobody.
        let read = story.get(&path, &member).await;
        assert_eq!(read.status, 200, "{path}: {}", read.text);
        assert_eq!(read.headers["cache-control"], "no-store", "{path}");
        assert!(!read.headers.contains_key("etag"), "{path}");
        for cookie in ["", &stranger] {
            let other = story.get(&path, cookie).await;
            assert_eq!(other.status, 404, "{path}: {}", other.text);
            assert!(!other.text.contains(TITLE) && !other.text.contains("cable"));
        }
    }
    let read = story.get(&page, &member).await;
    assert!(
        read.text
            .contains("Only for the organizations that it concerns")
    );

    // Whether it is there cannot be told from the answer.
    let unknown = story.plane.engine.clock().id::<domain::id::IncidentId>();
    let of_unknown = story.get(&format!("/incidents/{unknown}"), "").await;
    let of_it = story.get(&page, "").await;
    assert_eq!(
        of_unknown.text.replace(&unknown.to_string(), "ID"),
        of_it.text.replace(&id, "ID")
    );
    assert!(of_it.text.contains(&format!("/incidents/{id}/sign-in")));

    for path in [
        "/".to_owned(),
        "/history".into(),
        "/feed.atom".into(),
        "/feed.rss".into(),
        format!("/sites/{host}"),
        format!("/sites/{host}/notice"),
        format!("/organizations/{organization}"),
        format!("/feed.atom?site={host}"),
        "/api/v1/public/incidents".into(),
        "/api/v2/summary.json".into(),
        "/api/v2/incidents.json".into(),
        "/api/v2/incidents/unresolved.json".into(),
    ] {
        let answer = story.get(&path, &member).await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(
            !answer.text.contains(TITLE) && !answer.text.contains(&id),
            "{path}"
        );
    }
    for path in ["", "/comments"] {
        let path = format!("/api/v1/public/incidents/{id}{path}");
        assert_eq!(story.get(&path, &member).await.status, 404, "{path}");
    }
    // What a lamp shows is a fact of the site, and is never hidden.
    let site = story.get(&format!("/sites/{host}"), "").await;
    assert!(site.text.contains("href=\"/incidents\""), "{}", site.text);
}

#[tokio::test]
async fn a_member_finds_what_is_told_to_her_organization() {
    let story = Story::new().await;
    let id = story.open("affected").await;
    story
        .set_members(story.inside.1, &["clerk@mail.example"])
        .await;
    let signed_out = story.get("/incidents", "").await;
    assert!(signed_out.text.contains("href=\"/incidents/sign-in\""));
    assert!(!signed_out.text.contains(TITLE));

    let (member, came) = story
        .sign_in("clerk@mail.example", "/incidents/sign-in")
        .await;
    assert_eq!(came, "/incidents");
    let own = story.get("/incidents", &member).await;
    assert_eq!(own.headers["cache-control"], "no-store");
    for says in [
        TITLE,
        &format!("/incidents/{id}"),
        "clerk@mail.example",
        "Only for the organizations",
    ] {
        assert!(own.text.contains(says), "{says}: {}", own.text);
    }
    let (stranger, _) = story
        .sign_in("other@mail.example", "/incidents/sign-in")
        .await;
    let other = story.get("/incidents", &stranger).await;
    assert!(
        other.text.contains("belongs to no organization here"),
        "{}",
        other.text
    );
    assert!(!other.text.contains(TITLE));

    let sign_out = |origin: &str| {
        Request::post("/incidents/sign-out")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("host", "127.0.0.1:8080")
            .header("origin", origin)
            .header("cookie", &member)
            .body(Body::empty())
            .unwrap()
    };
    let elsewhere = story.plane.answer(sign_out("https://evil.example")).await;
    assert_eq!(elsewhere.status, 403);
    let again = story.get("/incidents/sign-in", "").await;
    assert!(!location(&again).contains("prompt=login"));
    let out = story.plane.answer(sign_out("http://127.0.0.1:8080")).await;
    assert_eq!(out.status, 303);
    let cookies = out.headers.get_all("set-cookie").iter();
    let left = cookies.map(|one| one.to_str().unwrap().split(';').next().unwrap());
    let left: Vec<_> = left.filter(|one| !one.ends_with('=')).collect();
    // On a shared computer: the next one must say who it is.
    let next = story.get("/incidents/sign-in", &left.join("; ")).await;
    assert!(location(&next).contains("prompt=login"), "{left:?}");
    let after = story.get("/incidents", &member).await;
    assert!(
        !after.text.contains(TITLE),
        "her cookie is of no use any more"
    );
}

#[tokio::test]
async fn an_audience_is_widened_and_narrowed_at_once() {
    let story = Story::new().await;
    // Nobody outside the team reads a proposal.
    let proposal = story.plane.propose().await;
    let path = format!("/api/v1/incidents/{proposal}/audience");
    let (refused, why) = story
        .call("POST", &path, json!({"audience": "affected"}))
        .await;
    assert_eq!(refused, 409, "{why}");
    let dismissed = story.plane.engine.dismiss_incident(proposal, "Ada", "none");
    dismissed.await.unwrap();
    let id = story.open("everybody").await;
    let page = format!("/incidents/{id}");
    let path = format!("/api/v1/incidents/{id}/audience");
    assert_eq!(story.get(&page, "").await.status, 200);
    for (audience, status) in [("affected", 404), ("everybody", 200), ("affected", 404)] {
        let (done, set) = story
            .call("POST", &path, json!({"audience": audience}))
            .await;
        assert_eq!((done, &set["audience"]), (200, &json!(audience)), "{set}");
        assert_eq!(story.get(&page, "").await.status, status, "{audience}");
        let listed = story.get("/", "").await.text.contains(TITLE);
        assert_eq!(listed, status == 200, "{audience}");
    }
    let (_, timeline) = story
        .call(
            "GET",
            &format!("/api/v1/incidents/{id}/timeline"),
            Value::Null,
        )
        .await;
    let facts = timeline.as_array().unwrap().iter();
    let set = facts
        .filter(|entry| entry["fact"] == "audience_set")
        .count();
    assert_eq!(set, 3);
    let (_, audit) = story.call("GET", "/api/v1/audit", Value::Null).await;
    assert!(audit.to_string().contains("set an incident's audience"));

    let (refused, why) = story
        .call("POST", &path, json!({"audience": "nobody"}))
        .await;
    assert_eq!(refused, 400, "{why}");
}

#[tokio::test]
async fn planned_work_for_few_is_on_no_public_list() {
    let story = Story::new().await;
    story.set_members(story.inside.1, &["@city.example"]).await;
    let work = json!({"title": TITLE, "text": "We replace a cable.", "audience": "affected",
        "scope": {"products": [], "zones": ["Pacific/Honolulu"], "releases": []},
        "window": {"at": {"from": "2023-07-12T08:00:00Z", "until": "2023-07-12T10:00:00Z"}}});
    let (status, planned) = story.call("POST", "/api/v1/maintenances", work).await;
    assert_eq!(status, 201, "{planned}");
    let id = planned["id"].as_str().unwrap();
    let (member, _) = story
        .sign_in("clerk@city.example", "/incidents/sign-in")
        .await;
    let page = format!("/incidents/{id}");
    let read = story.get(&page, &member).await;
    assert!(read.text.contains("We replace a cable."), "{}", read.text);
    assert_eq!(read.headers["cache-control"], "no-store");
    assert_eq!(story.get(&page, "").await.status, 404);
    assert!(story.get("/incidents", &member).await.text.contains(TITLE));
    let site = format!("/sites/{}", story.inside.0);
    for path in [
        "/",
        "/maintenance.ics",
        "/feed.atom",
        &site,
        "/api/v1/public/maintenances",
        "/api/v2/scheduled-maintenances.json",
        "/api/v2/scheduled-maintenances/upcoming.json",
        "/api/v2/summary.json",
    ] {
        let answer = story.get(path, "").await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(!answer.text.contains(TITLE), "{path}: {}", answer.text);
    }
}

#[tokio::test]
async fn members_are_checked_and_listed() {
    let story = Story::new().await;
    let organization = story.inside.1;
    let set = story.set_members(
        organization,
        &["@City.example", "b@x.example", "@city.example"],
    );
    assert_eq!(
        set.await["members"],
        json!(["@city.example", "b@x.example"])
    );
    let path = format!("/api/v1/organizations/{organization}/members");
    let many: Vec<_> = (0..101).map(|n| format!("clerk{n}@city.example")).collect();
    for (members, says) in [
        (
            json!(["@gmail.com"]),
            "anybody can have an address at gmail.com",
        ),
        (json!(["city.example"]), "is no member"),
        (json!(many), "at most 100"),
    ] {
        let (status, why) = story.call("PUT", &path, json!({"members": members})).await;
        assert!(status == 400 || status == 422, "{status} {why}");
        assert!(why.to_string().contains(says), "{why}");
    }
    let (_, listed) = story.call("GET", &path, Value::Null).await;
    assert_eq!(listed["members"], json!(["@city.example", "b@x.example"]));
    let name = story
        .plane
        .engine
        .fleet()
        .organization(organization)
        .unwrap();
    let find = format!(
        "/api/v1/organizations?limit=1&name={}",
        name.replace(' ', "+")
    );
    let (_, found) = story.call("GET", &find, Value::Null).await;
    assert!(found["total"].as_u64().unwrap() >= 1, "{found}");
    let engineer = story.plane.token(Role::Engineer).await;
    let refused = story
        .plane
        .send("PUT", &path, Some(&engineer), "{\"members\":[]}")
        .await;
    assert_eq!(refused.status, 403, "who may see is not who may let see");
}

impl Story {
    async fn follow(&self, channel: Channel, about: About) {
        self.plane.follow(channel, about, true).await;
    }

    /// Waits until nothing waits, and says how many were told.
    async fn told(&self, id: &str, more_than: u64) -> u64 {
        for _ in 0..10_000 {
            let told = self
                .plane
                .engine
                .told_followers(id.parse().unwrap())
                .await
                .unwrap();
            if told.waiting == 0 && told.delivered > more_than {
                return told.delivered;
            }
            self.plane.hand.advance(Duration::from_millis(200));
            clock::Clock::system().sleep(Duration::from_millis(2)).await;
        }
        panic!("nobody was told");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn followers_hear_only_what_they_may_read() {
    let story = Story::new().await;
    let (server, mut mails) = mail_server(Takes::All).await;
    let mail = Mail::new(&server, "Status <status@vendor.example>", 6_000).unwrap();
    story.plane.engine.set_mail(mail);
    let email = |address: &str| Channel::Email(Email::parse(address).unwrap());
    let of_site = About {
        site: Some(story.inside.2),
        ..About::default()
    };
    let of_organization = About {
        organization: Some(story.inside.1),
        ..About::default()
    };
    story.set_members(story.inside.1, &["@city.example"]).await;
    story
        .follow(email("clerk@city.example"), About::default())
        .await;
    story
        .follow(email("resident@mail.example"), of_site.clone())
        .await;
    story
        .follow(email("resident2@mail.example"), About::default())
        .await;
    // A webhook is the vendor's own, or one customer's.
    let (receiver, mut hooks) = webhook_server().await;
    let hook = || Channel::Webhook {
        url: format!("{receiver}/ok"),
        shape: Shape::Standard,
        secret: None,
    };
    story.follow(hook(), About::default()).await;
    story.follow(hook(), of_organization).await;
    let stop = CancellationToken::new();
    let _workers = story.plane.engine.run_workers(&stop);
    let id = story.open("affected").await;
    assert_eq!(
        story.told(&id, 1).await,
        2,
        "the member, and the customer's own"
    );
    hooks.try_recv().unwrap();
    let mail = mails.try_recv().unwrap();
    assert!(mail.contains("To: clerk@city.example"), "{mail}");

    let path = format!("/api/v1/incidents/{id}/audience");
    let (status, _) = story
        .call("POST", &path, json!({"audience": "everybody"}))
        .await;
    assert_eq!(status, 200);
    assert_eq!(story.told(&id, 4).await, 5, "the others, and her not again");
    hooks.try_recv().unwrap();
    hooks.try_recv().unwrap_err();
    let mut to: Vec<_> = std::iter::from_fn(|| mails.try_recv().ok())
        .map(|mail| {
            let to = mail.lines().find(|line| line.starts_with("To: "));
            to.unwrap().to_owned()
        })
        .collect();
    to.sort();
    assert_eq!(
        to,
        ["To: resident2@mail.example", "To: resident@mail.example"]
    );
    stop.cancel();
}
