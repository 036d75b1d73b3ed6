//! Every public page in Spanish, and no English on it: neither a text of ours in the wrong language, nor
//! words that no Fluent file holds.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use domain::access::Role;
use domain::site::state::Evidence;
use engine::Mail;
use serde_json::{Value, json};
use support::Plane;

const SITE: &str = "weirton.wv.example";
/// Words that no Spanish sentence has.
const TELLING: [&str; 24] = [
    "the", "of", "is", "are", "was", "with", "this", "that", "you", "your", "and", "for", "to",
    "at", "from", "sign", "site", "sites", "by", "not", "page", "update", "updates", "report",
];

struct Desk {
    plane: Plane,
    token: String,
}

impl Desk {
    async fn post(&self, path: &str, body: Value) -> Value {
        let token = Some(self.token.as_str());
        let answer = self.plane.send("POST", path, token, body.to_string()).await;
        assert!(answer.status.is_success(), "{path}: {}", answer.text);
        self.plane.hand.advance(Duration::from_millis(5));
        serde_json::from_str(&answer.text).unwrap_or_default()
    }

    async fn sent(&self, path: &str, form: &str) -> String {
        let request = Request::post(path)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("accept", "text/html")
            .header("accept-language", "es")
            .header("host", "127.0.0.1:8080");
        let request = request.body(Body::from(form.to_owned())).unwrap();
        self.plane.answer(request).await.text
    }

    async fn page(&self, path: &str) -> String {
        let request = Request::get(path)
            .header("accept", "text/html")
            .header("accept-language", "es")
            .header("host", "127.0.0.1:8080");
        let answer = self
            .plane
            .answer(request.body(Body::empty()).unwrap())
            .await;
        answer.text
    }
}

/// What is read of a page: texts, and the attributes that are read aloud; without what says that it is English,
/// and without code.
fn read(html: &str) -> Vec<String> {
    const SPOKEN: [&str; 5] = [
        "alt=\"",
        "title=\"",
        "placeholder=\"",
        "aria-label=\"",
        "content=\"",
    ];
    let (mut said, mut rest) = (vec![], html);
    // The tag that is passed over, and how often it is open.
    let mut passed: Option<(String, usize)> = None;
    while let Some((text, after)) = rest.split_once('<') {
        if passed.is_none() && !text.trim().is_empty() {
            said.push(text.split_whitespace().collect::<Vec<_>>().join(" "));
        }
        let (tag, after) = after.split_once('>').unwrap_or((after, ""));
        rest = after;
        let name = tag
            .trim_start_matches('/')
            .split([' ', '/'])
            .next()
            .unwrap_or_default();
        if let Some((passing, open)) = &mut passed {
            if passing == name {
                *open = if tag.starts_with('/') {
                    *open - 1
                } else {
                    *open + 1
                };
            }
            if *open == 0 {
                passed = None;
            }
            continue;
        }
        let is_passed =
            tag.contains(" lang=\"en\"") || ["code", "pre", "style", "script"].contains(&name);
        if is_passed && !tag.starts_with('/') {
            passed = Some((name.to_owned(), 1));
            continue;
        }
        for attribute in SPOKEN.iter().filter(|_| !tag.starts_with("meta")) {
            let value = tag.split(&format!(" {attribute}")).nth(1);
            said.extend(
                value
                    .and_then(|value| value.split('"').next())
                    .map(str::to_owned),
            );
        }
    }
    said
}

/// The texts of a language that take no values.
fn texts(language: &str) -> BTreeSet<String> {
    let folder = format!("{}/texts/{language}", env!("CARGO_MANIFEST_DIR"));
    let files = std::fs::read_dir(folder).unwrap();
    let files = files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
    let files: Vec<_> = files.collect();
    let lines = files.iter().flat_map(|file| file.lines());
    let values = lines.filter_map(|line| {
        line.split_once(" = ")
            .filter(|(key, _)| !key.starts_with(' '))
    });
    let plain = values.filter(|(_, value)| !value.contains('{'));
    plain.map(|(_, value)| value.trim().to_owned()).collect()
}

/// Hears English, and remembers where.
struct Ear {
    english: BTreeSet<String>,
    heard: RefCell<BTreeSet<String>>,
}

impl Ear {
    fn hear(&self, what: &str, html: &str) {
        let mut heard = self.heard.borrow_mut();
        if !html.contains("<html lang=\"es\"") {
            heard.insert(format!("{what} is not in Spanish: {html}"));
        }
        for said in read(html) {
            // Names of customers.
            let said = said.replace("City of ", "");
            let is_ours = self.english.contains(&said)
                || self
                    .english
                    .iter()
                    .any(|text| text.len() > 14 && said.contains(text.as_str()));
            let words = said.split(|c: char| !c.is_alphanumeric() && c != '.' && c != '@');
            let mut words = words.map(|word| word.trim_matches('.').to_lowercase());
            if is_ours || words.any(|word| TELLING.contains(&&*word)) {
                heard.insert(format!("{what}: {said}"));
            }
        }
    }
}

#[tokio::test]
async fn no_public_page_speaks_english_to_who_reads_spanish() {
    let spanish = texts("es");
    let ear = &Ear {
        english: texts("en").difference(&spanish).cloned().collect(),
        heard: RefCell::default(),
    };
    let plane = Plane::new().await;
    let token = plane.token(Role::Admin).await;
    let desk = Desk { plane, token };
    ear.hear("first run", &desk.page("/").await);
    let Desk { plane, token } = desk;
    let desk = Desk {
        plane: plane.filled().await,
        token,
    };
    let mail = Mail::new("smtp://127.0.0.1:9", "Status <status@vendor.example>", 600).unwrap();
    desk.plane.engine.set_mail(mail);
    let fleet = desk.plane.engine.fleet();
    let site = fleet.find(&SITE.parse().unwrap()).unwrap();
    let organization = fleet.site(site).unwrap().organization;

    let opened = desk
        .post("/api/v1/incidents", json!({"title": "Xyzzy"}))
        .await;
    let id = opened["id"].as_str().unwrap().to_owned();
    let updates = format!("/api/v1/incidents/{id}/updates");
    let update = desk.post(&updates, json!({"text": "Plugh."})).await;
    let correction = format!(
        "{updates}/{}/corrections",
        update["id"].as_str().unwrap_or_default()
    );
    let correct = json!({"text": "Plugh!", "reason": "Plover"}).to_string();
    desk.plane
        .send("POST", &correction, Some(&desk.token), correct)
        .await;
    let follow_up = json!({"text": "Xyzzy", "owner": "Ada", "due": "2023-08-01"});
    desk.post(&format!("/api/v1/incidents/{id}/follow-ups"), follow_up)
        .await;
    let banner = json!({"text": "Plugh.", "severity": "warning", "area": {"states": ["WV"]}});
    desk.post("/api/v1/banners", banner).await;
    let window = json!({"local": {"from": "2023-07-12T22:00", "until": "2023-07-13T02:00"}});
    let work = json!({"title": "Plugh", "text": "Xyzzy.", "window": window});
    let work = desk.post("/api/v1/maintenances", work).await;
    let work = work["id"].as_str().unwrap().to_owned();
    let organization = organization.to_string();
    check_pages(&desk, ear, (&id, &work, &organization)).await;

    let done = json!({"text": "Plugh.", "state": "completed"});
    desk.post(&updates, done).await;
    let report = "# Incident Report: Xyzzy\n\nTimes are those of America/Denver.\n\n## Impact\n\n\
        Nothing was recorded.\n\n## Cause\n\nPlugh.[^1]\n\n[^1]: Plover.\n";
    let comment = format!("/api/v1/incidents/{id}/official-comment");
    desk.post(&comment, json!({"text": report})).await;
    check_pages(&desk, ear, (&id, &work, &organization)).await;
    ear.hear(
        "report",
        &desk.page(&format!("/incidents/{id}/report")).await,
    );

    for state in [Evidence::Failed, Evidence::Worked] {
        desk.plane.engine.learn([site], state);
        ear.hear("site", &desk.page(&format!("/sites/{SITE}")).await);
        ear.hear("status", &desk.page("/").await);
        ear.hear("notice", &desk.page(&format!("/sites/{SITE}/notice")).await);
    }
    let heard = ear.heard.take();
    assert!(heard.is_empty(), "{heard:#?}");
    // Who hears nothing would find nothing.
    for path in [
        "/?lang=en",
        "/follow?lang=en",
        &format!("/sites/{SITE}?lang=en"),
    ] {
        ear.hear(
            path,
            &desk.page(path).await.replace("lang=\"en\"", "lang=\"es\""),
        );
        assert!(ear.heard.take().len() > 5, "{path}");
    }
}

async fn check_pages(desk: &Desk, ear: &Ear, (id, work, organization): (&str, &str, &str)) {
    for path in [
        "/".to_owned(),
        "/api".into(),
        "/follow".into(),
        format!("/follow?site={SITE}"),
        "/following/none".into(),
        "/history".into(),
        format!("/incidents/{id}"),
        format!("/incidents/{id}/comments"),
        format!("/incidents/{work}"),
        "/incidents/none".into(),
        format!("/organizations/{organization}"),
        "/organizations/none".into(),
        "/reader/signed-in".into(),
        "/report".into(),
        format!("/report?site={SITE}"),
        "/sites".into(),
        "/sites?q=mesa".into(),
        "/sites?q=qqqqqq".into(),
        format!("/sites/{SITE}"),
        "/sites/none.example".into(),
        format!("/sites/{SITE}/notice"),
        "/nowhere".into(),
        format!("/incidents/{work}/report"),
    ] {
        ear.hear(&path, &desk.page(&path).await);
    }
    for (path, form) in [
        ("/report", format!("site={SITE}&text=Plugh")),
        (
            "/report",
            format!("site={SITE}&text=Plugh&contact=a%40b.us"),
        ),
        ("/report", "site=nowhere.example&text=".into()),
        ("/follow", format!("email=ana%40{SITE}&about=everything")),
        ("/follow", "email=ana&about=everything".into()),
        (
            "/follow",
            "email=ana%40b.us&about=site&site=nowhere.example".into(),
        ),
    ] {
        ear.hear(&format!("{path} {form}"), &desk.sent(path, &form).await);
    }
    let followers = desk.plane.store.followers_after(None, 1).await.unwrap();
    if let Some(follower) = followers.first() {
        let (_, token) = desk
            .plane
            .store
            .follower(follower.id)
            .await
            .unwrap()
            .unwrap();
        let link = format!("/following/{token}");
        ear.hear("asked", &desk.page(&link).await);
        desk.sent(&format!("{link}/confirm"), "").await;
        ear.hear("follows", &desk.page(&link).await);
        ear.hear("ended", &desk.sent(&format!("{link}/end"), "").await);
    }
}
