//! Following: asked by mail, confirmed, told by mail and webhook, ended in one click. Real receivers.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "follow/receivers.rs"]
mod receivers;
mod support;

use std::process::Stdio;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use domain::access::Role;
use domain::follower::Follower;
use engine::Mail;
use receivers::{Takes, mail_server, webhook_server};
use serde_json::{Value, json};
use standardwebhooks::Webhook;
use support::{Answer, Plane};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::sync::CancellationToken;

/// What has not come after so many looks does not come.
const PASSES_MAX: u32 = 10_000;

/// A plane whose mail goes to `server`.
async fn plane(server: &str) -> Plane {
    let plane = Plane::with_fleet().await;
    let mail = Mail::new(server, "Status <status@vendor.example>", 600_000).unwrap();
    plane.engine.set_mail(mail);
    plane
}

async fn send_form(plane: &Plane, path: &str, form: &str) -> Answer {
    let request = Request::builder()
        .method("POST")
        .uri(path)
        .header("content-type", "application/x-www-form-urlencoded")
        .header("host", "127.0.0.1:8080")
        .body(Body::from(form.to_owned()))
        .unwrap();
    plane.answer(request).await
}

async fn followers(plane: &Plane) -> Vec<Follower> {
    plane.store.followers_after(None, 100).await.unwrap()
}

async fn token_of(plane: &Plane, follower: &Follower) -> String {
    let found = plane.store.follower(follower.id).await.unwrap();
    found.unwrap().1
}

#[tokio::test]
async fn nothing_is_followed_before_its_holder_says_so_by_a_button() {
    let plane = plane("smtp://127.0.0.1:9").await;
    let page = plane.send("GET", "/follow", None, "").await;
    assert!(page.text.contains("Follow by e-mail"), "{}", page.text);
    let form = "email=clerk%40city.example&about=site&site=weirton.wv.example";
    let first = send_form(&plane, "/follow", form).await;
    assert_eq!(first.status, StatusCode::OK, "{}", first.text);
    let again = send_form(&plane, "/follow", form).await;
    assert_eq!(again.text, first.text, "the answer tells who follows");
    let [asked] = followers(&plane).await.try_into().unwrap();
    assert_eq!(asked.confirmed_at, None);
    let link = format!("/following/{}", token_of(&plane, &asked).await);
    // A scanner of mail opens every link.
    for path in [
        link.clone(),
        format!("{link}/confirm"),
        format!("{link}/end"),
    ] {
        let opened = plane.send("GET", &path, None, "").await;
        // So does a mail program that knows no one-click: it shows the page with the button.
        let has_page = !path.ends_with("/confirm");
        assert_eq!(opened.status == StatusCode::OK, has_page, "{path}");
    }
    assert_eq!(followers(&plane).await, std::slice::from_ref(&asked));
    let page = plane.send("GET", &link, None, "").await;
    assert!(page.text.contains("Yes, follow"), "{}", page.text);
    assert!(page.text.contains("weirton.wv.example"), "{}", page.text);
    assert!(!page.text.contains("clerk@city"), "{}", page.text);
    let yes = send_form(&plane, &format!("{link}/confirm"), "").await;
    assert_eq!(yes.status, StatusCode::SEE_OTHER);
    assert!(followers(&plane).await[0].confirmed_at.is_some());
    for _ in 0..2 {
        let body = "List-Unsubscribe=One-Click";
        let ended = send_form(&plane, &format!("{link}/end"), body).await;
        assert_eq!(ended.status, StatusCode::OK);
    }
    assert!(followers(&plane).await.is_empty());
    let gone = plane.send("GET", &link, None, "").await;
    assert_eq!(gone.status, StatusCode::GONE);
    assert!(gone.text.contains("You no longer follow"), "{}", gone.text);
    let never = plane.send("GET", "/following/never", None, "").await;
    // A page names its own address.
    let said = gone.text.replace(&link, "/following/never");
    assert_eq!(
        (never.status, never.text),
        (gone.status, said),
        "the answer tells who followed"
    );
}

#[tokio::test]
async fn nobody_s_mailbox_can_be_filled() {
    let plane = plane("smtp://127.0.0.1:9").await;
    for about in ["everything", "site&site=weirton.wv.example"] {
        let form = format!("email=clerk%40city.example&about={about}");
        let answer = send_form(&plane, "/follow", &form).await;
        assert_eq!(answer.status, StatusCode::OK);
    }
    assert_eq!(
        followers(&plane).await.len(),
        1,
        "asked twice in ten minutes"
    );
    plane.hand.advance(Duration::from_secs(601));
    let form = "email=clerk%40city.example&about=site&site=weirton.wv.example";
    send_form(&plane, "/follow", form).await;
    assert_eq!(followers(&plane).await.len(), 2);
    for (form, says) in [
        ("email=clerk&about=everything", "no e-mail address"),
        (
            "email=a%40b.us%0d%0aBcc:x%40y.us&about=everything",
            "no e-mail address",
        ),
        (
            "email=a%40b.us&about=site&site=nowhere.example",
            "do not know this site",
        ),
    ] {
        let answer = send_form(&plane, "/follow", form).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{form}");
        assert!(answer.text.contains(says), "{form}: {}", answer.text);
    }
}

/// An address that never says yes is asked three times in a week, whatever it is asked about, and also after its holder
/// ended what was asked for.
#[tokio::test]
async fn somebody_who_never_said_yes_is_asked_three_times_in_a_week() {
    let plane = plane("smtp://127.0.0.1:9").await;
    let ask = async |about: &str| {
        plane.hand.advance(Duration::from_secs(601));
        let form = format!("email=victim%40town.example&about={about}");
        let answer = send_form(&plane, "/follow", &form).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        answer.text
    };
    let asked = async || {
        let since = jiff::Timestamp::MIN;
        let asked = plane.store.asked_since("victim@town.example", since, 99);
        asked.await.unwrap().len()
    };
    let first = ask("everything").await;
    ask("everything").await;
    assert_eq!(asked().await, 2);
    let [follower] = followers(&plane).await.try_into().unwrap();
    let link = format!("/following/{}/end", token_of(&plane, &follower).await);
    assert_eq!(send_form(&plane, &link, "").await.status, StatusCode::OK);
    ask("site&site=weirton.wv.example").await;
    assert_eq!(asked().await, 3);
    for _ in 0..3 {
        assert_eq!(
            ask("everything").await,
            first,
            "the answer tells who is asked"
        );
    }
    assert_eq!(asked().await, 3);
    plane.hand.advance(Duration::from_secs(7 * 86_400));
    ask("everything").await;
    assert_eq!(asked().await, 4, "a week later it may be a person again");
    // Who says yes may follow more at once.
    let known = followers(&plane).await;
    let token = token_of(&plane, known.last().unwrap()).await;
    send_form(&plane, &format!("/following/{token}/confirm"), "").await;
    for site in [
        "badger.ak.example",
        "anchorage.ak.example",
        "weirton.wv.example",
    ] {
        ask(&format!("site&site={site}")).await;
    }
    assert_eq!(asked().await, 3);
}

#[tokio::test]
async fn without_a_mail_server_no_mail_is_offered() {
    let plane = Plane::with_fleet().await;
    let page = plane.send("GET", "/follow", None, "").await;
    assert!(!page.text.contains("Follow by e-mail"), "{}", page.text);
    assert!(page.text.contains("/feed.atom"));
    let answer = send_form(&plane, "/follow", "email=a%40b.us&about=everything").await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.text.contains("sends no mail"), "{}", answer.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_posted_reaches_followers_by_mail_and_webhook() {
    let (server, mut mails) = mail_server(Takes::All).await;
    let plane = plane(&server).await;
    let (hooks_url, mut hooks) = webhook_server().await;
    let stop = CancellationToken::new();
    let _workers = plane.engine.run_workers(&stop);
    for name in ["clerk", "gone"] {
        let form = format!("email={name}%40city.example&about=everything");
        send_form(&plane, "/follow", &form).await;
    }
    let asked = next(&plane, &mut mails).await;
    assert!(
        asked.contains("Subject: Do you want to follow incidents?"),
        "{asked}"
    );
    assert!(!asked.contains("List-Unsubscribe"), "{asked}");
    for follower in followers(&plane).await {
        let link = format!("/following/{}/confirm", token_of(&plane, &follower).await);
        send_form(&plane, &link, "").await;
    }
    let support = plane.token(Role::Support).await;
    let add = |path: &str, shape: &str| {
        json!({"url": format!("{hooks_url}{path}"), "shape": shape}).to_string()
    };
    let token = Some(support.as_str());
    let signed = plane
        .send("POST", "/api/v1/followers", token, add("/ok", "standard"))
        .await;
    assert_eq!(signed.status, StatusCode::CREATED, "{}", signed.text);
    let secret = serde_json::from_str::<Value>(&signed.text).unwrap()["secret"]
        .as_str()
        .unwrap()
        .to_owned();
    plane
        .send("POST", "/api/v1/followers", token, add("/gone", "slack"))
        .await;
    assert_eq!(followers(&plane).await.len(), 4);

    let opening = json!({"title": "Sign-in <fails>"}).to_string();
    let opened = plane
        .send("POST", "/api/v1/incidents", token, opening)
        .await;
    assert_eq!(opened.status, StatusCode::OK, "{}", opened.text);
    let id = serde_json::from_str::<Value>(&opened.text).unwrap()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let mail = next(&plane, &mut mails).await;
    assert!(
        mail.contains("Subject: [Investigating] Sign-in <fails>"),
        "{mail}"
    );
    assert!(
        mail.contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click"),
        "{mail}"
    );
    let (headers, body) = next(&plane, &mut hooks).await;
    let header = |name: &str| headers[name].to_str().unwrap();
    let at = header("webhook-timestamp").parse().unwrap();
    let expected = Webhook::new(&secret)
        .unwrap()
        .sign(header("webhook-id"), at, &body)
        .unwrap();
    assert_eq!(header("webhook-signature"), expected);
    check_receivers(&secret, &headers, &body).await;
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(
        (&body["type"], &body["data"]["incident"]["id"]),
        (&json!("incident.opened"), &json!(id))
    );

    let path = format!("/api/v1/incidents/{id}/updates");
    let quiet = json!({"text": "For the page only.", "quiet": true}).to_string();
    plane.send("POST", &path, token, quiet).await;
    let told = json!({"text": "We found it."}).to_string();
    plane.send("POST", &path, token, told).await;
    let mail = next(&plane, &mut mails).await;
    assert!(mail.contains("We found it."), "{mail}");
    let (_, body) = next(&plane, &mut hooks).await;
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["data"]["update"]["body"], "We found it.");

    let path = format!("/api/v1/incidents/{id}/notifications");
    let counts = settled(&plane, &path, token).await;
    assert_eq!(
        (&counts["delivered"], &counts["given_up"]),
        (&json!(4), &json!(2)),
        "{counts}"
    );
    assert!(
        counts["failures"][0]["failure"]
            .as_str()
            .unwrap()
            .contains("no such mailbox"),
        "{counts}"
    );
    let page = plane
        .send("GET", &format!("/console/incidents/{id}"), token, "")
        .await;
    let says = "Told 4 of 6 followers; 2 could not be reached.";
    assert!(page.text.contains(says), "{}", page.text);
    let page = plane.send("GET", "/console/followers", token, "").await;
    assert!(page.text.contains("c…@city.example"), "{}", page.text);
    // The receiver that answered 410 follows no more.
    assert_eq!(followers(&plane).await.len(), 3);
    let failed = counts["failures"][0]["notification"].as_str().unwrap();
    let retry = format!("/api/v1/notifications/{failed}/retry");
    assert_eq!(
        plane.send("POST", &retry, token, "{}").await.status,
        StatusCode::OK
    );
    stop.cancel();
}

/// A mail as its reader sees it: without quoted-printable (RFC 2045, section 6.7).
fn unquoted(mail: &str) -> String {
    let mail = mail.replace("=\r\n", "");
    let mut bytes = vec![];
    let mut rest = mail.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = (*first == b'=').then(|| after.get(..2)).flatten();
        let code = code.and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_is_written_to_in_the_language_of_the_page_she_asked_on() {
    let (server, mut mails) = mail_server(Takes::All).await;
    let plane = plane(&server).await;
    let (hooks_url, mut hooks) = webhook_server().await;
    let stop = CancellationToken::new();
    let _workers = plane.engine.run_workers(&stop);
    let form = "email=ana%40city.example&about=everything";
    send_form(&plane, "/follow?lang=es", form).await;
    let asked = unquoted(&next(&plane, &mut mails).await);
    let [ana] = followers(&plane).await.try_into().unwrap();
    let link = format!("/following/{}", token_of(&plane, &ana).await);
    for says in [
        "Content-Language: es".to_owned(),
        "Alguien, probablemente usted, pidió a Our engineers".into(),
        format!("{link}?lang=es"),
    ] {
        assert!(asked.contains(&says), "{says}: {asked}");
    }
    send_form(&plane, &format!("{link}/confirm"), "").await;
    let support = plane.token(Role::Support).await;
    let token = Some(support.as_str());
    let hook = json!({"url": format!("{hooks_url}/ok"), "shape": "slack", "language": "es"});
    let added = plane.send("POST", "/api/v1/followers", token, hook.to_string());
    let added: Value = serde_json::from_str(&added.await.text).unwrap();
    assert_eq!(added["language"], "es", "{added}");
    let form = "email=bob%40city.example&about=everything";
    send_form(&plane, "/follow", form).await;
    next(&plane, &mut mails).await;
    let list = plane.send("GET", "/api/v1/followers", token, "").await.text;
    let list: Value = serde_json::from_str(&list).unwrap();
    let listed = list["followers"].as_array().unwrap();
    let mut listed: Vec<_> = listed
        .iter()
        .map(|one| [&one["address"], &one["language"]].map(|part| part.as_str().unwrap()))
        .collect();
    listed.sort_unstable();
    let languages: Vec<_> = listed.iter().map(|[_, language]| *language).collect();
    // The webhook's host comes before a…@ and b…@.
    assert_eq!(languages, ["es", "es", "en"], "{list}");

    let opening = json!({"title": "Sign-in fails"}).to_string();
    let opened = plane
        .send("POST", "/api/v1/incidents", token, opening)
        .await;
    assert_eq!(opened.status, StatusCode::OK, "{}", opened.text);
    let told = unquoted(&next(&plane, &mut mails).await);
    for says in [
        "Content-Language: es",
        "Lo estamos investigando. Se trata de todos los sitios.",
        "<h1 lang=\"en\">Sign-in fails</h1>",
        "Usted recibe avisos de todos los incidentes. Para darse de baja: http",
        "Todas las actualizaciones",
    ] {
        assert!(told.contains(says), "{says}: {told}");
    }
    let (_, body) = next(&plane, &mut hooks).await;
    let body = String::from_utf8(body.to_vec()).unwrap();
    assert!(
        body.contains("?lang=es|Todas las actualizaciones>"),
        "{body}"
    );
    stop.cancel();
}

/// Receivers made with the npm and the PyPI package believe the message, and none that was changed on
/// its way. `LAMPLIGHTER_TEST_RECEIVERS` is where `./test` puts the packages.
async fn check_receivers(secret: &str, headers: &HeaderMap, body: &[u8]) {
    let Ok(folder) = std::env::var("LAMPLIGHTER_TEST_RECEIVERS") else {
        eprintln!("left out: receivers on Node and Python; they need LAMPLIGHTER_TEST_RECEIVERS");
        return;
    };
    let body = String::from_utf8(body.to_vec()).unwrap();
    for (program, script, path) in [
        ("node", "verify.cjs", ("NODE_PATH", "npm/node_modules")),
        ("python3", "verify.py", ("PYTHONPATH", "pypi")),
    ] {
        let script = format!("{}/tests/receivers/{script}", env!("CARGO_MANIFEST_DIR"));
        let path = (path.0, format!("{folder}/{}", path.1));
        for (body, believed) in [
            (body.clone(), true),
            (body.replace("incident", "accident"), false),
        ] {
            let names = ["webhook-id", "webhook-timestamp", "webhook-signature"];
            let headers: serde_json::Map<_, _> = names
                .map(|name| (name.to_owned(), json!(headers[name].to_str().unwrap())))
                .into_iter()
                .collect();
            let message = json!({"secret": secret, "headers": headers, "body": body});
            let mut child = Command::new(program)
                .arg(&script)
                .env(path.0, &path.1)
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            let mut input = child.stdin.take().unwrap();
            input
                .write_all(message.to_string().as_bytes())
                .await
                .unwrap();
            drop(input);
            let ended = child.wait_with_output().await.unwrap();
            let said = String::from_utf8_lossy(&ended.stderr);
            assert_eq!(ended.status.success(), believed, "{program}: {said}");
        }
    }
}

/// The counts of notifications, when none waits any more.
async fn settled(plane: &Plane, path: &str, token: Option<&str>) -> Value {
    for _ in 0..PASSES_MAX {
        let counts = plane.send("GET", path, token, "").await;
        let counts: Value = serde_json::from_str(&counts.text).unwrap();
        if counts["waiting"] == 0 && counts["given_up"] == 2 {
            return counts;
        }
        pass(plane).await;
    }
    panic!("some notifications wait for ever");
}

#[tokio::test]
async fn every_shape_is_what_its_receiver_reads() {
    let plane = plane("smtp://127.0.0.1:9").await;
    let support = plane.token(Role::Support).await;
    let token = Some(support.as_str());
    for (shape, status) in [("teams", 201), ("statuspage", 201), ("telex", 400)] {
        let body =
            json!({"url": format!("https://{shape}.example/secret"), "shape": shape}).to_string();
        let added = plane.send("POST", "/api/v1/followers", token, body).await;
        assert_eq!(added.status.as_u16(), status, "{}", added.text);
    }
    let list = plane.send("GET", "/api/v1/followers", token, "").await;
    assert!(list.text.contains("teams.example/…"), "{}", list.text);
    assert!(!list.text.contains("example/secret"), "{}", list.text);
    let signed = json!({"url": "https://a.example", "shape": "slack", "secret": "whsec_c2VjcmV0"});
    let refused = plane
        .send("POST", "/api/v1/followers", token, signed.to_string())
        .await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
}

/// What arrives next. Time passes meanwhile: mails wait for their turn.
async fn next<T>(plane: &Plane, arrivals: &mut UnboundedReceiver<T>) -> T {
    for _ in 0..PASSES_MAX {
        match arrivals.try_recv() {
            Ok(arrived) => return arrived,
            Err(_) => pass(plane).await,
        }
    }
    panic!("nothing arrives");
}

async fn pass(plane: &Plane) {
    plane.hand.advance(Duration::from_millis(1));
    clock::Clock::system().sleep(Duration::from_millis(2)).await;
}

/// Statuspage's, Slack's and Teams' receivers each read what they know; an organization's follower is
/// told of what concerns one of its sites, and of nothing else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_shape_arrives_as_its_receiver_knows_it() {
    let plane = plane("smtp://127.0.0.1:9").await;
    let support = plane.token(Role::Support).await;
    let token = Some(support.as_str());
    let (server, mut hooks) = webhook_server().await;
    for (shape, organization) in [
        ("statuspage", "City of Anchorage, AK"),
        ("slack", "City of Anchorage, AK"),
        ("teams", "City of Anchorage, AK"),
        ("standard", "City of Weirton, WV"),
    ] {
        let body = json!({"url": format!("{server}/ok?{shape}"), "shape": shape, "organization": organization});
        let added = plane.send("POST", "/api/v1/followers", token, body.to_string());
        assert_eq!(added.await.status, 201, "{shape}");
    }
    let stop = CancellationToken::new();
    let _workers = plane.engine.run_workers(&stop);
    let opening = json!({"title": "Sign-in <fails>", "scope": {"zones": ["America/Anchorage"]}});
    let opened = plane.send("POST", "/api/v1/incidents", token, opening.to_string());
    assert_eq!(opened.await.status, 200);
    let mut bodies = vec![];
    for _ in 0..3 {
        let (_, body) = next(&plane, &mut hooks).await;
        bodies.push(serde_json::from_slice::<Value>(&body).unwrap());
    }
    let of = |part: &str| bodies.iter().find(|body| !body[part].is_null()).unwrap();
    let statuspage = of("meta");
    assert_eq!(statuspage["incident"]["name"], "Sign-in <fails>");
    assert_eq!(statuspage["incident"]["status"], "investigating");
    assert!(
        statuspage["page"]["status_indicator"].is_string(),
        "{statuspage}"
    );
    assert!(
        statuspage["meta"]["unsubscribe"]
            .as_str()
            .unwrap()
            .contains("/following/")
    );
    let slack = of("blocks");
    assert_eq!(
        slack["text"], "[Investigating] Sign-in &lt;fails&gt;",
        "what it would obey is text"
    );
    let card = &of("attachments")["attachments"][0];
    assert_eq!(
        card["contentType"],
        "application/vnd.microsoft.card.adaptive"
    );
    assert_eq!(
        card["content"]["body"][0]["text"],
        "[Investigating] Sign-in <fails>"
    );
    for _ in 0..200 {
        pass(&plane).await;
    }
    assert!(hooks.try_recv().is_err(), "Weirton is not concerned");
    stop.cancel();
}
