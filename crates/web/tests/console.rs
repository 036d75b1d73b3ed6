//! The console's lists and forms: each page is served, each form does what it says, and what is
//! refused is said and kept.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use axum::body::Body;
use axum::http::Request;
use domain::access::Role;
use domain::id::IncidentId;
use support::{Answer, Plane};

const SITE: &str = "anchorage.ak.example";

struct Console {
    plane: Plane,
    token: String,
}

impl Console {
    async fn new(role: Role) -> Self {
        let plane = Plane::with_fleet().await;
        let token = plane.token(role).await;
        Self { plane, token }
    }

    async fn get(&self, path: &str) -> Answer {
        let request = Request::get(path).header("accept", "text/html");
        self.with_token(request, "").await
    }

    async fn post(&self, path: &str, form: &str) -> Answer {
        let request = Request::post(path)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("accept", "text/html");
        self.with_token(request, form).await
    }

    async fn with_token(&self, request: http::request::Builder, body: &str) -> Answer {
        let request = request.header("authorization", format!("Bearer {}", self.token));
        let request = request.body(Body::from(body.to_owned())).unwrap();
        self.plane.answer(request).await
    }

    async fn says(&self, path: &str, words: &[&str]) {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        for one in words {
            assert!(
                answer.text.contains(one),
                "{path}: no {one:?} in\n{}",
                answer.text
            );
        }
    }

    async fn publish(&self) {
        let body = serde_json::json!({"product": "web-central", "service": "parks", "name": "settings",
            "accepts": "^5", "lane": "other", "body": {"colour": "green"}});
        let published = self.plane.send(
            "POST",
            "/api/v1/documents",
            Some(&self.token),
            body.to_string(),
        );
        assert_eq!(published.await.status, 201);
    }
}

#[tokio::test]
async fn incidents_alarms_and_reports_are_listed() {
    let console = Console::new(Role::Support).await;
    console
        .says("/console/incidents", &["There is none."])
        .await;
    let id: IncidentId = console.plane.propose().await;
    let row = format!("/console/incidents/{id}");
    console
        .says("/console/incidents", &[&row, "Proposed", "0 of 3,405"])
        .await;
    console
        .says("/console/incidents?state=past", &["There is none."])
        .await;
    let report = serde_json::json!({"site": SITE, "text": "It says <b>invalid</b> request.", "contact": "clerk@ak.example"});
    let sent = console
        .plane
        .send("POST", "/api/v1/reports", None, report.to_string());
    assert_eq!(sent.await.status, 202);
    let words = [
        "It says &#60;b&#62;invalid",
        "clerk@ak.example",
        "web-central 5.1.0",
    ];
    console.says("/console/reports", &words).await;
    console
        .says(&format!("/console/reports?site=https://{SITE}/"), &words)
        .await;
    console
        .says(
            "/console/reports?site=no.example",
            &["There is no site no.example"],
        )
        .await;
    console.says("/console/alarms", &["None was raised."]).await;
}

#[tokio::test]
async fn support_restores_one_site() {
    let console = Console::new(Role::Support).await;
    let path = format!("/console/sites/{SITE}");
    let words = [
        "America/Anchorage",
        "web-central 5.1.0",
        "The product has no documents yet.",
    ];
    console.says(&path, &words).await;
    let acted = console.post(&path, "action=refresh").await;
    assert_eq!(acted.status, 303, "{}", acted.text);
    let campaign = acted.headers["location"].to_str().unwrap().to_owned();
    console.says(&campaign, &["Refresh on 1 site"]).await;
    console.says(&path, &["Put in line", &campaign]).await;
    console
        .says(
            "/console/campaigns",
            &[&campaign, &format!("Refresh: {SITE}")],
        )
        .await;
    assert_eq!(console.post(&path, "action=explode").await.status, 422);
    assert_eq!(console.get("/console/sites/no.example").await.status, 404);
    assert_eq!(
        console.get("/console/campaigns/new").await.status,
        403,
        "many sites are the engineers'"
    );
}

#[tokio::test]
async fn an_engineer_plans_before_she_creates() {
    let console = Console::new(Role::Engineer).await;
    console
        .says(
            "/console/campaigns/new?zone=America/Denver",
            &["Look at the plan"],
        )
        .await;
    let refused = console
        .post(
            "/console/campaigns/plan",
            "product=web-central&action=refresh",
        )
        .await;
    assert_eq!(refused.status, 422);
    assert!(
        refused.text.contains("no condition is given"),
        "{}",
        refused.text
    );
    let form = "product=web-central&action=refresh&zone=America%2FDenver&rate=60";
    let planned = console.post("/console/campaigns/plan", form).await;
    assert_eq!(planned.status, 200, "{}", planned.text);
    for words in [
        "refresh: web-central sites in America/Boise, America/Denver",
        "Canaries",
        "Create this campaign",
    ] {
        assert!(planned.text.contains(words), "{words}: {}", planned.text);
    }
    assert!(
        console.plane.engine.campaigns(5).await.unwrap().is_empty(),
        "a plan creates nothing"
    );
    let created = console.post("/console/campaigns", form).await;
    assert_eq!(created.status, 303, "{}", created.text);
    let campaigns = console.plane.engine.campaigns(5).await.unwrap();
    assert_eq!(campaigns[0].state, "planned");
    for (form, words) in [
        (
            "product=web-central&all=1&action=activate&version=five",
            "version:",
        ),
        ("product=web-central&hostnames=not_a_host", "hostnames:"),
        ("product=web-central&all=1&rate=fast", "rate:"),
        ("product=&all=1", "product:"),
    ] {
        let refused = console.post("/console/campaigns", form).await;
        assert_eq!(refused.status, 422, "{form}");
        assert!(refused.text.contains(words), "{form}: {}", refused.text);
    }
}

#[tokio::test]
async fn config_is_read_and_published() {
    let console = Console::new(Role::Engineer).await;
    console
        .says("/console/config", &["Nothing is published yet."])
        .await;
    console.publish().await;
    let path = "/console/config/web-central/parks/settings";
    console.says("/console/config", &[path, "^5"]).await;
    console
        .says(
            path,
            &[
                "&#34;colour&#34;: &#34;green&#34;",
                "Code 5.1.0",
                "version 1",
            ],
        )
        .await;
    let form = "product=web-central&service=parks&name=settings&lane=other&accepts=%5E5&body=";
    let published = console
        .post(
            "/console/config",
            &format!("{form}%7B%22colour%22%3A%22blue%22%7D"),
        )
        .await;
    assert_eq!(published.status, 303, "{}", published.text);
    console.says(path, &["blue", "version 2"]).await;
    console.says(&format!("{path}?version=1"), &["green"]).await;
    assert_eq!(console.get(&format!("{path}?version=7")).await.status, 404);
    let refused = console
        .post("/console/config", &format!("{form}%7Bblue"))
        .await;
    assert_eq!(refused.status, 422);
    assert!(
        refused.text.contains("{blue"),
        "what was typed is kept: {}",
        refused.text
    );
}

#[tokio::test]
async fn a_webhook_follows_everything_a_product_a_customer_or_a_site() {
    let console = Console::new(Role::Support).await;
    let path = "/console/followers";
    for (number, (what, status, says)) in [
        ("about=everything&name=", 303, "every incident"),
        (
            "about=product&name=web-central",
            303,
            "the product web-central",
        ),
        (
            "about=organization&name=City+of+Weirton,+WV",
            303,
            "all sites of City of Weirton, WV",
        ),
        (
            "about=site&name=https://weirton.wv.example/",
            303,
            "incidents of weirton.wv.example",
        ),
        ("about=site&name=", 422, "say which one"),
        ("about=everything&name=Weirton", 422, "has no name"),
        ("about=product&name=none", 422, "there is no product none"),
        (
            "about=organization&name=None",
            422,
            "no organization of that name",
        ),
        ("about=planet&name=Mars", 422, "give everything, product"),
    ]
    .into_iter()
    .enumerate()
    {
        let form = format!("url=https://hooks.example/{number}&shape=slack&{what}");
        let answer = console.post(path, &form).await;
        assert_eq!(answer.status, status, "{what}: {}", answer.text);
        if status == 303 {
            console.says(path, &[says]).await;
        } else {
            assert!(answer.text.contains(says), "{what}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn releases_are_staged_and_retired() {
    let console = Console::new(Role::Engineer).await;
    console.says("/console/releases", &["5.1.0", "3,405"]).await;
    let stage = "act=stage&product=web-central&version=5.2.0";
    let refused = console.post("/console/releases", stage).await;
    assert_eq!(refused.status, 422);
    assert!(
        refused
            .text
            .contains("publish one that accepts 5.2.0 first"),
        "{}",
        refused.text
    );
    console.publish().await;
    assert_eq!(console.post("/console/releases", stage).await.status, 303);
    console
        .says(
            "/console/releases",
            &[
                "staged",
                "0 of 3,405",
                "no agent serves it",
                "version=5.2.0",
            ],
        )
        .await;
    assert_eq!(console.post("/console/releases", stage).await.status, 409);
    let retire = "act=retire&product=web-central&version=5.2.0";
    assert_eq!(console.post("/console/releases", retire).await.status, 303);
    let left = console.get("/console/releases").await.text;
    assert!(!left.contains("5.2.0</th>"), "{left}");
    let bad = console
        .post(
            "/console/releases",
            "act=stage&product=web-central&version=5",
        )
        .await;
    assert_eq!(bad.status, 422);
}

#[tokio::test]
async fn people_get_and_lose_tokens() {
    let console = Console::new(Role::Admin).await;
    let made = console
        .post("/console/people", "name=Ada&role=engineer")
        .await;
    assert_eq!(made.status, 201, "{}", made.text);
    let token = made.text.split("<code>").nth(1).unwrap();
    let token = token.split('<').next().unwrap().to_owned();
    let engineer = Console { token, ..console };
    assert_eq!(engineer.get("/console").await.status, 200);
    assert_eq!(engineer.get("/console/people").await.status, 403);
    let token = engineer.plane.token(Role::Admin).await;
    let console = Console {
        plane: engineer.plane,
        token,
    };
    let list = console.get("/console/people").await.text;
    assert!(!list.contains("lmp_"), "a token is shown once");
    let twice = console
        .post("/console/people", "name=Ada&role=support")
        .await;
    assert_eq!(twice.status, 422);
    let holders = console.plane.engine.holders(None, 50).await.unwrap();
    let ada = holders.iter().find(|one| one.holder.name == "Ada").unwrap();
    let withdrawn = console
        .post(&format!("/console/people/{}/withdraw", ada.holder.id), "")
        .await;
    assert_eq!(withdrawn.status, 303);
    let list = console.get("/console/people").await.text;
    assert!(!list.contains("Ada"), "{list}");
}

#[tokio::test]
async fn the_on_call_list_is_kept_and_its_secrets_are_not_shown() {
    let console = Console::new(Role::Engineer).await;
    console.says("/console/on-call", &["Nobody is paged"]).await;
    let form =
        "url=https%3A%2F%2Fpager.example%2Fsecret-path&secret=whsec_c2VjcmV0&after_minutes=5";
    assert_eq!(console.post("/console/on-call", form).await.status, 303);
    assert_eq!(
        console
            .post("/console/on-call", "url=https%3A%2F%2Ffirst.example")
            .await
            .status,
        303
    );
    let list = console.get("/console/on-call").await.text;
    assert!(list.contains("after 5 min, signed"), "{list}");
    assert!(
        list.find("first.example") < list.find("pager.example"),
        "in the order of waiting"
    );
    assert!(
        !list.contains("secret-path") && !list.contains("whsec_c2"),
        "{list}"
    );
    let bad = console
        .post("/console/on-call", "url=pager&after_minutes=0")
        .await;
    assert_eq!(bad.status, 422);
    let stale = console
        .post("/console/on-call/remove", "place=0&host=pager.example")
        .await;
    assert_eq!(stale.status, 409, "another one stands there now");
    let removed = console
        .post("/console/on-call/remove", "place=0&host=first.example")
        .await;
    assert_eq!(removed.status, 303);
    let steps = console.plane.store.on_call().await.unwrap();
    assert_eq!(
        steps[0].secret.as_deref(),
        Some("whsec_c2VjcmV0"),
        "a secret outlives the change"
    );
    let page = console.plane.engine.page(None, "look").await.unwrap();
    let answered = console
        .post(&format!("/console/pages/{page}/acknowledge"), "")
        .await;
    assert_eq!(answered.status, 303);
    console.says("/console/on-call", &["look"]).await;
}

#[tokio::test]
async fn the_sign_in_service_is_kept() {
    let console = Console::new(Role::Admin).await;
    let added = console
        .post(
            "/console/accounts",
            "email=clerk%40ak.example&password=correct+horse",
        )
        .await;
    assert_eq!(added.status, 200, "{}", added.text);
    assert!(
        added.text.contains("clerk@ak.example may sign in"),
        "{}",
        added.text
    );
    let twice = console
        .post("/console/accounts", "email=clerk%40ak.example&password=")
        .await;
    assert_eq!(twice.status, 422);
    assert!(
        twice.text.contains("has an account already"),
        "{}",
        twice.text
    );
    let unlocked = console
        .post("/console/accounts/unlock", "email=clerk%40ak.example")
        .await;
    assert!(unlocked.text.contains("may try again"), "{}", unlocked.text);
    assert_eq!(console.post("/console/keys", "").await.status, 303);
    console
        .says("/console/accounts", &["Sign with it", "Retire it"])
        .await;
}

#[tokio::test]
async fn everything_is_found_by_its_name() {
    let console = Console::new(Role::Engineer).await;
    let id = console.plane.propose().await;
    console.publish().await;
    let stage = "act=stage&product=web-central&version=5.2.0";
    console.post("/console/releases", stage).await;
    let site = format!("/console/sites/{SITE}");
    console.post(&site, "action=refresh").await;
    let title = console.plane.engine.all_incidents()[0]
        .incident
        .title
        .clone();
    let title = url::form_urlencoded::byte_serialize(title.as_bytes()).collect::<String>();
    for (q, to) in [
        ("audit", "/console/audit"),
        ("anchorage", &*site),
        (&*title, &*format!("/console/incidents/{id}")),
        ("refresh+anchorage", "/console/campaigns/"),
        ("5.2.0", "/console/releases"),
    ] {
        let found = console.get(&format!("/console/find?q={q}")).await.text;
        let found = found
            .split("data-part=\"found\"")
            .nth(1)
            .unwrap()
            .to_owned();
        assert!(found.contains(&format!("href=\"{to}")), "{q}: {found}");
    }
    console
        .says(
            "/console/find?q=%3Cscript%3E",
            &["Nothing has these words", "&#60;script"],
        )
        .await;
}

#[tokio::test]
async fn an_incident_shows_its_whole_case() {
    let console = Console::new(Role::Engineer).await;
    let report = serde_json::json!({"site": SITE, "text": "It says <i>invalid</i>."});
    let sent = console
        .plane
        .send("POST", "/api/v1/reports", None, report.to_string());
    assert_eq!(sent.await.status, 202);
    let id = console.plane.propose().await;
    let engine = &console.plane.engine;
    let accepted = engine.accept_incident(id, "Ada", engine::Acceptance::default());
    accepted.await.unwrap();
    let order = engine.proposed_campaign(id).await.unwrap().unwrap();
    let campaign = engine.create_campaign(&order, "Ada").await.unwrap().id;
    let campaign = format!("/console/campaigns/{campaign}");
    let words = [
        "The case",
        "1 report",
        "It says &#60;i&#62;invalid",
        &campaign,
        "See the campaign",
    ];
    console
        .says(&format!("/console/incidents/{id}"), &words)
        .await;
    let shown = console.get(&format!("/api/v1/incidents/{id}")).await.text;
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["case"]["reports"][0]["site"], SITE, "{shown}");
    assert_eq!(shown["case"]["campaigns"][0]["state"], "planned", "{shown}");
    assert_eq!(shown["case"]["reports_total"], 1);
}

#[tokio::test]
async fn follow_ups_are_kept_until_they_are_done() {
    let console = Console::new(Role::Support).await;
    let id = console.plane.propose().await;
    let engine = &console.plane.engine;
    let accepted = engine.accept_incident(id, "Ada", engine::Acceptance::default());
    accepted.await.unwrap();
    console
        .says("/console/follow-ups", &["Nothing is to be done."])
        .await;
    let path = format!("/console/incidents/{id}/follow-ups");
    let form = "text=Let+releases+wait&owner=Grace&due=2023-07-10";
    assert_eq!(console.post(&path, form).await.status, 303);
    for bad in [
        "text=&owner=Grace&due=2023-07-10",
        "text=a&owner=&due=2023-07-10",
        "text=a&owner=b&due=soon",
    ] {
        assert_eq!(console.post(&path, bad).await.status, 422, "{bad}");
    }
    console
        .says(
            "/console/follow-ups",
            &["1 overdue", "Grace", "Let releases wait"],
        )
        .await;
    let public = console
        .plane
        .send("GET", &format!("/incidents/{id}"), None, "")
        .await
        .text;
    assert!(
        public.contains("What follows") && public.contains("Let releases wait"),
        "{public}"
    );
    assert!(
        !public.contains("Grace"),
        "its owner is nobody's business: {public}"
    );
    let json = console
        .plane
        .send("GET", &format!("/api/v1/public/incidents/{id}"), None, "")
        .await
        .text;
    assert!(
        json.contains("\"state\":\"open\"") && !json.contains("Grace"),
        "{json}"
    );
    let one = engine.open_follow_ups(5).await.unwrap().remove(0);
    let path = format!("/console/follow-ups/{}", one.id);
    assert_eq!(console.post(&path, "act=drop&reason=").await.status, 422);
    assert_eq!(console.post(&path, "act=done").await.status, 303);
    assert_eq!(console.post(&path, "act=done").await.status, 409);
    let public = console
        .plane
        .send("GET", &format!("/incidents/{id}"), None, "")
        .await
        .text;
    assert!(public.contains("Done"), "{public}");
}

#[tokio::test]
async fn another_sites_page_signs_nobody_in_or_out() {
    let plane = Plane::with_fleet().await;
    let token = plane.token(Role::Support).await;
    for (path, form) in [
        ("sign-in", format!("token={token}")),
        ("sign-out", String::new()),
    ] {
        for (origin, status) in [
            ("https://evil.example", 403),
            ("http://127.0.0.1:8080", 303),
        ] {
            let request = Request::post(format!("/console/{path}"))
                .header("content-type", "application/x-www-form-urlencoded")
                .header("host", "127.0.0.1:8080")
                .header("origin", origin)
                .body(form.clone().into())
                .unwrap();
            let answer = plane.answer(request).await;
            assert_eq!(
                answer.status, status,
                "{path} from {origin}: {}",
                answer.text
            );
        }
    }
}
