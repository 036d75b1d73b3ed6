//! Comments: signed in through our own provider, written, voted for, reported and judged.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use domain::access::Role;
use engine::Acceptance;
use serde_json::{Value, json};
use support::{Answer, Plane};

/// An incident that customers see, and the staff's token.
struct Story {
    plane: Plane,
    token: String,
    id: String,
}

/// A customer's browser: what it shows to the pages of incidents.
struct Browser {
    cookie: String,
}

impl Story {
    async fn new() -> Self {
        let plane = Plane::with_fleet().await;
        let token = plane.token(Role::Admin).await;
        let id = plane.propose().await;
        let accepted = plane
            .engine
            .accept_incident(id, "Ada", Acceptance::default());
        accepted.await.unwrap();
        let id = id.to_string();
        Self { plane, token, id }
    }

    async fn call(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let token = Some(self.token.as_str());
        let answer = self.plane.send(method, path, token, body.to_string()).await;
        self.plane.hand.advance(Duration::from_millis(5));
        let body = serde_json::from_str(&answer.text).unwrap_or_default();
        (answer.status.as_u16(), body)
    }

    async fn get(&self, path: &str, cookie: &str) -> Answer {
        let request = Request::get(path)
            .header("host", "127.0.0.1:8080")
            .header("cookie", cookie);
        self.plane
            .answer(request.body(Body::empty()).unwrap())
            .await
    }

    /// Signs a customer in as a browser is led: to the provider, and back with a code.
    async fn browser(&self, email: &str) -> Browser {
        let (status, _) = self
            .call("POST", "/api/v1/accounts", json!({"email": email}))
            .await;
        assert_eq!(status, 201);
        let minted = json!({"emails": [email]});
        let (_, minted) = self.call("POST", "/api/v1/accounts/sessions", minted).await;
        let session = minted["sessions"][0]["value"].as_str().unwrap().to_owned();
        let begun = self
            .get(&format!("/incidents/{}/comments/sign-in", self.id), "")
            .await;
        let flow = set_cookie(&begun);
        let provider = begun.headers["location"].to_str().unwrap();
        let back = self
            .get(provider, &format!("lamplighter-session={session}"))
            .await;
        let back = back.headers["location"].to_str().unwrap().to_owned();
        let back = back.strip_prefix("http://127.0.0.1:8080").unwrap();
        // Nobody else's browser can spend the answer.
        let stolen = self.get(back, "lamplighter-reader-flow=a.b.c").await;
        assert_eq!(stolen.status, 422, "{}", stolen.text);
        let came = self.get(back, &flow).await;
        assert_eq!(came.status, 303, "{}", came.text);
        let to = came.headers["location"].to_str().unwrap();
        assert_eq!(to, format!("/incidents/{}/comments#write", self.id));
        let again = self.get(back, &flow).await;
        assert_eq!(again.status, 422, "a code is spent once");
        let set = came.headers["set-cookie"].to_str().unwrap();
        assert!(
            set.contains("HttpOnly") && set.contains("SameSite=Lax"),
            "{set}"
        );
        Browser {
            cookie: set_cookie(&came),
        }
    }

    async fn form(&self, browser: &Browser, path: &str, form: &str) -> Answer {
        let request = Request::post(format!("/incidents/{}/comments{path}", self.id))
            .header("content-type", "application/x-www-form-urlencoded")
            .header("host", "127.0.0.1:8080")
            .header("origin", "http://127.0.0.1:8080")
            .header("accept", "text/html")
            .header("cookie", &browser.cookie);
        let request = request.body(Body::from(form.to_owned())).unwrap();
        let answer = self.plane.answer(request).await;
        self.plane.hand.advance(Duration::from_millis(5));
        answer
    }

    async fn write(&self, browser: &Browser, text: &str) -> String {
        let form = format!(
            "name=Kim&text={}",
            text.replace(' ', "+").replace(':', "%3A")
        );
        let answer = self.form(browser, "", &form).await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        let to = answer.headers["location"].to_str().unwrap();
        to.rsplit('=').next().unwrap().to_owned()
    }

    /// The comments of a standing, as staff list them.
    async fn listed(&self, standing: &str) -> Vec<Value> {
        let path = format!("/api/v1/comments?standing={standing}");
        let (_, mut list) = self.call("GET", &path, Value::Null).await;
        let Value::Array(comments) = list["comments"].take() else {
            panic!("{list}");
        };
        comments
    }

    async fn page(&self) -> String {
        self.get(&format!("/incidents/{}", self.id), "").await.text
    }
}

#[tokio::test]
async fn a_reader_comes_back_from_signing_in_in_the_language_she_chose() {
    let story = Story::new().await;
    let comments = format!("/incidents/{}/comments", story.id);
    let begun = story.get(&format!("{comments}/sign-in?lang=es"), "").await;
    let provider = begun.headers["location"].to_str().unwrap();
    let form = story.get(provider, "").await;
    assert_eq!(form.headers["content-language"], "es");
    let account = json!({"email": "ana@anytown.example"});
    story.call("POST", "/api/v1/accounts", account).await;
    let minted = json!({"emails": ["ana@anytown.example"]});
    let (_, minted) = story
        .call("POST", "/api/v1/accounts/sessions", minted)
        .await;
    let session = minted["sessions"][0]["value"].as_str().unwrap();
    let session = format!("lamplighter-session={session}");
    let back = story.get(provider, &session).await;
    let back = back.headers["location"].to_str().unwrap();
    let back = back.strip_prefix("http://127.0.0.1:8080").unwrap();
    let came = story.get(back, &set_cookie(&begun)).await;
    let to = came.headers["location"].to_str().unwrap();
    assert_eq!(to, format!("{comments}?lang=es#write"));
}

fn set_cookie(answer: &Answer) -> String {
    let set = answer.headers["set-cookie"].to_str().unwrap();
    set.split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_customer_signs_in_writes_and_everybody_reads() {
    let story = Story::new().await;
    let path = format!("/incidents/{}/comments", story.id);
    let signed_out = story.get(&path, "").await;
    assert!(
        signed_out.text.contains("Sign in to comment"),
        "{}",
        signed_out.text
    );
    let nobody = Browser {
        cookie: String::new(),
    };
    let refused = story.form(&nobody, "", "name=Kim&text=Hi").await;
    assert_eq!(refused.status, 403, "{}", refused.text);

    let clerk = story.browser("clerk@city.example").await;
    let before = story.page().await;
    assert!(before.contains("Write a comment"));
    assert_eq!(story.write(&clerk, "It works again here.").await, "shown");
    let page = story.page().await;
    assert!(page.contains("It works again here."), "at once: {page}");
    assert!(
        !page.contains("clerk@city.example"),
        "an address is told to nobody"
    );
    let public = format!("/api/v1/public/incidents/{}/comments", story.id);
    let public = story.get(&public, "").await;
    assert!(public.text.contains("It works again here."));
    assert!(
        !public.text.contains("account") && !public.text.contains("clerk@"),
        "{}",
        public.text
    );
    let own = story.get(&path, &clerk.cookie).await;
    assert!(
        own.text.contains("Signed in as clerk@city.example"),
        "{}",
        own.text
    );

    let empty = story.form(&clerk, "", "name=Kim&text=+").await;
    assert_eq!(empty.status, 422);
    assert!(
        empty.text.contains("a comment says something"),
        "{}",
        empty.text
    );
    // Another site's page cannot write in her name.
    let request = Request::post(&path)
        .header("content-type", "application/x-www-form-urlencoded")
        .header("host", "127.0.0.1:8080")
        .header("origin", "https://evil.example")
        .header("cookie", &clerk.cookie);
    let request = request.body(Body::from("name=Kim&text=Hi")).unwrap();
    assert_eq!(story.plane.answer(request).await.status, 403);

    let out = story.form(&clerk, "/sign-out", "").await;
    assert_eq!(out.status, 303);
    let late = story.form(&clerk, "", "name=Kim&text=Hi").await;
    assert_eq!(
        late.status, 403,
        "the session has ended, also for a browser that keeps its cookie"
    );
}

#[tokio::test]
async fn readers_vote_and_report_and_staff_decide() {
    let story = Story::new().await;
    let author = story.browser("author@city.example").await;
    story.write(&author, "Rude words.").await;
    let id = story.listed("shown").await[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let mut readers = vec![];
    for n in 0..3 {
        readers.push(story.browser(&format!("reader-{n}@city.example")).await);
    }
    for reader in &readers {
        for _ in 0..2 {
            let vote = story
                .form(reader, &format!("/{id}/vote"), "helpful=1")
                .await;
            assert_eq!(vote.status, 303);
        }
    }
    assert_eq!(
        story.listed("shown").await[0]["votes"],
        3,
        "each reader counts once"
    );
    story
        .form(&readers[0], &format!("/{id}/vote"), "helpful=0")
        .await;
    assert_eq!(story.listed("shown").await[0]["votes"], 2);

    for reader in &readers {
        assert!(story.page().await.contains("Rude words."));
        for _ in 0..2 {
            story.form(reader, &format!("/{id}/report"), "").await;
        }
    }
    assert!(
        !story.page().await.contains("Rude words."),
        "three readers hold it"
    );
    let held = story.listed("held").await;
    assert_eq!(
        (&held[0]["reports"], &held[0]["reason"]),
        (&json!(3), &json!("Readers reported it."))
    );
    let judge = format!("/api/v1/comments/{id}/judge");
    let (status, shown) = story
        .call("POST", &judge, json!({"standing": "shown"}))
        .await;
    assert_eq!(
        (status, &shown["decided_by"].is_string()),
        (200, &true),
        "{shown}"
    );
    let fourth = story.browser("reader-4@city.example").await;
    story.form(&fourth, &format!("/{id}/report"), "").await;
    assert!(
        story.page().await.contains("Rude words."),
        "what staff decided stands"
    );
    let hidden = json!({"standing": "hidden", "reason": "Off the subject."});
    story.call("POST", &judge, hidden).await;
    assert!(!story.page().await.contains("Rude words."));
    let gone = story
        .form(&fourth, &format!("/{id}/vote"), "helpful=1")
        .await;
    assert_eq!(gone.status, 404, "what is hidden is not there");
}

#[tokio::test]
async fn who_spams_is_slowed_held_and_banned() {
    let story = Story::new().await;
    let author = story.browser("author@city.example").await;
    assert_eq!(story.write(&author, "See https://x.example").await, "held");
    assert!(!story.page().await.contains("x.example"));
    for n in 0..4 {
        assert_eq!(story.write(&author, &format!("Words {n}")).await, "shown");
    }
    let sixth = story.form(&author, "", "name=Kim&text=More").await;
    assert_eq!(sixth.status, 409, "{}", sixth.text);
    assert!(sixth.text.contains("please wait"), "{}", sixth.text);
    story.plane.hand.advance(Duration::from_secs(601));
    assert_eq!(story.write(&author, "Later.").await, "shown");

    let id = story.listed("held").await[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let no_reason = json!({"reason": " "});
    let ban = format!("/api/v1/comments/{id}/ban");
    assert_eq!(story.call("POST", &ban, no_reason).await.0, 422);
    let (status, banned) = story
        .call("POST", &ban, json!({"reason": "Advertising."}))
        .await;
    assert_eq!((status, &banned["banned"]), (200, &json!(true)));
    assert!(
        !story.page().await.contains("Words 0"),
        "all of it is hidden"
    );
    let refused = story.form(&author, "", "name=Kim&text=Again").await;
    assert_eq!(refused.status, 409);
    assert!(refused.text.contains("Advertising."), "{}", refused.text);
    let path = format!("/incidents/{}/comments", story.id);
    let own = story.get(&path, &author.cookie).await;
    assert!(own.text.contains("You cannot write here"), "{}", own.text);
    let unban = format!("/api/v1/comments/{id}/unban");
    assert_eq!(story.call("POST", &unban, Value::Null).await.0, 200);
    assert_eq!(story.call("POST", &unban, Value::Null).await.0, 409);
    assert_eq!(story.write(&author, "Sorry.").await, "shown");
    let (_, audit) = story
        .call("GET", "/api/v1/audit?limit=100", Value::Null)
        .await;
    for act in [
        "commented",
        "banned a commenter",
        "allowed a commenter again",
    ] {
        assert!(audit.to_string().contains(act), "{act}: {audit}");
    }
}

#[tokio::test]
async fn nobody_comments_on_what_customers_do_not_see() {
    let story = Story::new().await;
    let author = story.browser("author@city.example").await;
    let zone = json!({"title": "Work", "text": "Soon.", "window":
        {"at": {"from": "2023-07-12T00:00:00Z", "until": "2023-07-12T01:00:00Z"}}});
    let (_, planned) = story.call("POST", "/api/v1/maintenances", zone).await;
    let other = Story {
        id: planned["id"].as_str().unwrap().into(),
        ..story
    };
    assert_eq!(other.write(&author, "Will it take long?").await, "shown");
    let unknown = Story {
        id: "0189a3c0-0000-7000-8000-000000000001".into(),
        ..other
    };
    let refused = unknown.form(&author, "", "name=Kim&text=Hi").await;
    assert_eq!(refused.status, 404);
}

impl Story {
    /// An account, as the engine knows a signed-in reader.
    async fn reader(&self, email: &str) -> store::Reader {
        let account = store::Account {
            id: self.plane.engine.clock().id(),
            email: email.parse().unwrap(),
            password: None,
            canary: false,
        };
        let audit = self.plane.engine.audit("a test", "added", "an account", "");
        let accounts = std::slice::from_ref(&account);
        self.plane
            .store
            .add_accounts(accounts, &audit)
            .await
            .unwrap();
        store::Reader {
            account: account.id,
            email: account.email,
            banned: None,
        }
    }
}

/// Both limits were counted before, and beside each other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_and_bans_hold_for_who_sends_all_at_once() {
    let story = Story::new().await;
    let author = story.reader("author@city.example").await;
    let incident = story.id.parse().unwrap();
    let mut sent = tokio::task::JoinSet::new();
    for n in 0..20 {
        let (engine, author) = (story.plane.engine.clone(), author.clone());
        sent.spawn(async move {
            let text = format!("Words {n}");
            engine
                .add_comment(incident, &author, ("Kim", &text))
                .await
                .is_ok()
        });
    }
    let taken = sent.join_all().await;
    assert_eq!(taken.iter().filter(|taken| **taken).count(), 5);

    // The reader was looked up before the ban, and writes after it.
    let id = story.listed("shown").await[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let ban = format!("/api/v1/comments/{id}/ban");
    let (status, _) = story.call("POST", &ban, json!({"reason": "Spam."})).await;
    assert_eq!(status, 200);
    story.plane.hand.advance(Duration::from_secs(601));
    let engine = &story.plane.engine;
    let late = engine.add_comment(incident, &author, ("Kim", "Late."));
    let late = late.await.unwrap_err().to_string();
    assert!(late.contains("You may not write here any more"), "{late}");
    assert!(story.listed("shown").await.is_empty());
}

#[tokio::test]
async fn nobody_is_called_as_our_team_is() {
    let story = Story::new().await;
    let author = story.reader("author@city.example").await;
    let incident = story.id.parse().unwrap();
    for name in [
        "Our engineers",
        "OUR  Engineers",
        "Our engin\u{200b}eers",
        "sreenigne ruO\u{202e}",
    ] {
        let engine = &story.plane.engine;
        let refused = engine
            .add_comment(incident, &author, (name, "All is well."))
            .await;
        let refused = refused.unwrap_err();
        assert_eq!(refused.kind(), engine::Kind::Refused, "{name:?}: {refused}");
    }
}

#[tokio::test]
async fn the_form_of_staff_does_what_it_says_or_nothing() {
    let story = Story::new().await;
    let author = story.reader("author@city.example").await;
    let incident = story.id.parse().unwrap();
    let engine = &story.plane.engine;
    let written = engine
        .add_comment(incident, &author, ("Kim", "Words."))
        .await
        .unwrap();
    let ban = engine
        .ban_commenter(written.id, ("Ada", "Spam."))
        .await
        .unwrap();
    assert!(ban.banned);
    let decide = async |act: &str| {
        let request = Request::post(format!("/console/comments/{}", written.id))
            .header("content-type", "application/x-www-form-urlencoded")
            .header("host", "127.0.0.1:8080")
            .header("authorization", format!("Bearer {}", story.token));
        let request = request.body(Body::from(format!("act={act}"))).unwrap();
        story.plane.answer(request).await.status.as_u16()
    };
    for act in ["nothing", "Unban", ""] {
        assert_eq!(decide(act).await, 422, "{act:?}");
    }
    let known = story
        .plane
        .store
        .comment(written.id)
        .await
        .unwrap()
        .unwrap();
    assert!(known.banned);
    assert_eq!(decide("unban").await, 303);
}
