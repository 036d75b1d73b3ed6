//! Which language a reader gets, and that no reader gets another's.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use axum::body::Body;
use axum::http::Request;
use domain::site::state::Evidence;
use support::{Answer, Plane};

const SITE: &str = "/sites/weirton.wv.example";

async fn get(plane: &Plane, path: &str, accepts: &str) -> Answer {
    let request = Request::get(path).header("host", "127.0.0.1:8080");
    let request = request.header("accept-language", accepts);
    plane.answer(request.body(Body::empty()).unwrap()).await
}

#[track_caller]
fn is_in(answer: &Answer, tag: &str) {
    let html = format!("<html lang=\"{tag}\"");
    assert!(answer.text.contains(&html), "{tag}: {}", answer.text);
    assert_eq!(answer.headers["content-language"], tag);
    let vary: Vec<_> = answer.headers.get_all("vary").iter().collect();
    assert!(vary.iter().any(|one| *one == "accept-language"), "{vary:?}");
}

#[tokio::test]
async fn a_reader_gets_a_language_by_the_address_then_by_the_browser() {
    let plane = Plane::with_fleet().await;
    for (path, accepts, tag) in [
        ("/", "es-MX,es;q=0.9,en;q=0.8", "es"),
        ("/", "en-US,en;q=0.9", "en"),
        ("/", "de", "en"),
        ("/?lang=es", "en", "es"),
        ("/?lang=en", "es", "en"),
        ("/?lang=tlh", "es", "es"),
        ("/nowhere", "es", "es"),
        ("/sites/no-such.example", "es", "es"),
        ("/incidents/none", "es", "es"),
        ("/sites?q=weirton&lang=es", "en", "es"),
        ("/report?lang=es", "en", "es"),
        ("/follow", "es", "es"),
        ("/history", "es", "es"),
        (SITE, "es", "es"),
        (&format!("{SITE}/notice?lang=es"), "en", "es"),
    ] {
        let request = Request::get(path).header("accept-language", accepts);
        let request = request.header("accept", "text/html");
        let answer = plane.answer(request.body(Body::empty()).unwrap()).await;
        is_in(&answer, tag);
    }
    let plain = plane.send("GET", "/", None, "").await;
    is_in(&plain, "en");
    is_in(&get(&plane, "/console/sign-in", "es").await, "es");
}

#[tokio::test]
async fn kept_answers_do_not_mix_languages() {
    let plane = Plane::with_fleet().await;
    for _ in 0..2 {
        for (accepts, tag) in [("es", "es"), ("en", "en"), ("es-US,en;q=0.1", "es")] {
            is_in(&get(&plane, "/", accepts).await, tag);
        }
    }
    let spanish = get(&plane, "/", "es").await;
    let known = spanish.headers["etag"].to_str().unwrap();
    let ask = async |accepts: &str| {
        let request = Request::get("/").header("accept-language", accepts);
        let request = request.header("if-none-match", known);
        plane.answer(request.body(Body::empty()).unwrap()).await
    };
    assert_eq!(ask("es").await.status, 304);
    assert_eq!(ask("en").await.status, 200);
}

#[tokio::test]
async fn hostile_lists_of_languages_are_read_as_none() {
    let plane = Plane::with_fleet().await;
    for accepts in [
        "es,".repeat(2_000),
        ";".repeat(400),
        "q=q=q=;;;,,,*-*;q=9e999".into(),
        "\"><script>alert(1)</script>".into(),
    ] {
        is_in(&get(&plane, "/", &accepts).await, "en");
    }
    let raw = Request::get("/").header("accept-language", &b"es\xff\xfe"[..]);
    is_in(&plane.answer(raw.body(Body::empty()).unwrap()).await, "en");
    let page = get(&plane, "/?lang=es&zone=%22%3E%3Cb%3E", "en").await;
    assert!(!page.text.contains("\"><b>"), "{}", page.text);
}

#[tokio::test]
async fn a_chosen_language_is_kept_and_the_other_is_offered() {
    let plane = Plane::with_fleet().await;
    let chosen = get(&plane, "/?lang=es&zone=America/Denver", "en")
        .await
        .text;
    for kept in [
        "href=\"/sites?lang=es\"",
        "href=\"/report?lang=es\"",
        "href=\"/feed.atom?lang=es\"",
        "<input type=\"hidden\" name=\"lang\" value=\"es\">",
        "lang=\"en\">English</a>",
        "hreflang=\"es\"",
    ] {
        assert!(chosen.contains(kept), "{kept}: {chosen}");
    }
    let accepted = get(&plane, "/", "es").await.text;
    assert!(!accepted.contains("href=\"/sites?lang"), "{accepted}");
    let found = get(&plane, "/sites?q=weirton.wv.example&lang=es", "en").await;
    assert_eq!(found.headers["location"], format!("{SITE}?lang=es"));
}

#[tokio::test]
async fn a_site_tells_how_it_is_in_spanish() {
    let plane = Plane::with_fleet().await;
    let name = "weirton.wv.example".parse().unwrap();
    let site = plane.engine.fleet().find(&name).unwrap();
    plane.engine.learn([site], Evidence::Failed);
    let page = get(&plane, SITE, "es").await.text;
    for says in [
        "El inicio de sesión falla en weirton.wv.example",
        "Ya lo sabemos: no es necesario reportarlo.",
        "Reportar un problema con este sitio",
    ] {
        assert!(page.contains(says), "{says}: {page}");
    }
    let badge = get(&plane, &format!("{SITE}/badge.svg"), "es").await;
    assert!(badge.text.contains(">con fallas<"), "{}", badge.text);
    let feed = get(&plane, "/feed.rss?lang=es", "en").await;
    assert!(
        feed.text.contains("<title>Incidentes</title>"),
        "{}",
        feed.text
    );
    let typed = "site=nowhere&text=x";
    let post = Request::post("/report?lang=es");
    let post = post.header("content-type", "application/x-www-form-urlencoded");
    let again = plane.answer(post.body(Body::from(typed)).unwrap()).await;
    assert!(
        again.text.contains("Por favor, revise los datos"),
        "{}",
        again.text
    );
}
