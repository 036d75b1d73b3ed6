//! A real relying party (the crate `openidconnect`) signs residents in over a real connection.
#![allow(clippy::unwrap_used, reason = "a test may panic: that is how it fails")]

mod server;

use std::sync::Arc;
use std::time::Duration;

use clock::Clock;
use jiff::SignedDuration;
use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreProviderMetadata, CoreUserInfoClaims,
};
use openidconnect::{
    AccessTokenHash, AuthorizationCode, ClientId, ClientSecret, CsrfToken, IssuerUrl, Nonce,
    OAuth2TokenResponse as _, PkceCodeChallenge, RedirectUrl, Scope, TokenResponse as _,
};
use reqwest::StatusCode;
use server::{CALLBACK, CLIENT, EMAIL, PASSWORD, Server, param};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_resident_signs_in_with_discovery_pkce_and_userinfo() {
    let server = Server::start().await;
    let secret = server.secret().await;
    let issuer = IssuerUrl::new(server.base.clone()).unwrap();
    let metadata = CoreProviderMetadata::discover_async(issuer, &server.http())
        .await
        .unwrap();
    let client = CoreClient::from_provider_metadata(
        metadata,
        ClientId::new(CLIENT.into()),
        Some(ClientSecret::new(secret)),
    )
    .set_redirect_uri(RedirectUrl::new(CALLBACK.into()).unwrap());
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (url, state, nonce) = client
        .authorize_url(
            CoreAuthenticationFlow::AuthorizationCode,
            CsrfToken::new_random,
            Nonce::new_random,
        )
        .add_scope(Scope::new("email".into()))
        .set_pkce_challenge(challenge)
        .url();

    let back = server
        .browser()
        .fill_in(url.as_str(), EMAIL, PASSWORD)
        .await;
    assert_eq!(
        param(&back, "state").as_deref(),
        Some(state.secret().as_str())
    );
    assert_eq!(param(&back, "iss"), Some(server.base.clone()));
    let code = AuthorizationCode::new(param(&back, "code").unwrap());
    let tokens = client
        .exchange_code(code)
        .unwrap()
        .set_pkce_verifier(verifier)
        .request_async(&server.http())
        .await
        .unwrap();

    let id_token = tokens.id_token().unwrap();
    let verifier = client.id_token_verifier();
    let claims = id_token.claims(&verifier, &nonce).unwrap();
    assert_eq!(claims.email().map(|email| email.as_str()), Some(EMAIL));
    let hash = AccessTokenHash::from_token(
        tokens.access_token(),
        id_token.signing_alg().unwrap(),
        id_token.signing_key(&verifier).unwrap(),
    );
    assert_eq!(claims.access_token_hash(), Some(&hash.unwrap()));
    let told: CoreUserInfoClaims = client
        .user_info(
            tokens.access_token().clone(),
            Some(claims.subject().clone()),
        )
        .unwrap()
        .request_async(&server.http())
        .await
        .unwrap();
    assert_eq!(told.email().map(|email| email.as_str()), Some(EMAIL));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_signs_in_without_a_password() {
    let server = Server::start().await;
    let canary = server.provider.canary_session(server.now()).await.unwrap();
    assert_eq!(
        server.provider.canary_session(server.now()).await.unwrap(),
        canary
    );
    let minted = server
        .provider
        .mint_sessions(&[EMAIL.parse().unwrap()], "test")
        .await
        .unwrap();
    for session in [canary, minted[0].clone()] {
        let browser = server.browser_with(&session);
        let back = browser.get(&server.ask("")).await.location();
        assert!(param(&back, "code").is_some(), "{back}");
        let form = browser.get(&server.ask("&prompt=login")).await;
        assert_eq!(form.status, StatusCode::OK);
        server.hand.advance(Duration::from_secs(10));
        assert_eq!(
            browser.get(&server.ask("&max_age=5")).await.status,
            StatusCode::OK
        );
        assert_eq!(
            browser.get(&server.ask("&max_age=900")).await.status,
            StatusCode::SEE_OTHER
        );
    }
    let stranger = server
        .browser()
        .get(&server.ask("&prompt=none"))
        .await
        .location();
    assert_eq!(param(&stranger, "error").as_deref(), Some("login_required"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_counts_once_for_its_own_client_and_not_for_long() {
    let server = Server::start().await;
    let secret = server.secret().await;
    let verifier = "v".repeat(43);
    let challenge = "&code_challenge_method=S256&code_challenge=\
        q6dRFyIw1tSUYfB4_qXK4tV2y8pGvQ0m2yTz9tVxB8o";

    let code = server.code("").await;
    assert_eq!(server.exchange(&code, &secret, "").await.error(), "");
    let again = server.exchange(&code, &secret, "").await;
    assert_eq!(
        (again.status, &*again.error()),
        (StatusCode::BAD_REQUEST, "invalid_grant")
    );

    let code = server.code("").await;
    let wrong = server.exchange(&code, "wrong", "").await;
    assert_eq!(
        (wrong.status, &*wrong.error()),
        (StatusCode::UNAUTHORIZED, "invalid_client")
    );
    assert!(wrong.header("www-authenticate").starts_with("Basic"));
    // A wrong secret does not spend the code; a proof that was not promised does.
    let proof = format!("&code_verifier={verifier}");
    assert_eq!(
        server.exchange(&code, &secret, &proof).await.error(),
        "invalid_grant"
    );
    assert_eq!(
        server.exchange(&code, &secret, "").await.error(),
        "invalid_grant"
    );

    for proof in ["", proof.as_str()] {
        let code = server.code(challenge).await;
        let refused = server.exchange(&code, &secret, proof).await;
        assert!(refused.body.contains("code_verifier"), "{}", refused.body);
    }

    let code = server.code("").await;
    server.hand.advance(Duration::from_secs(60));
    assert_eq!(
        server.exchange(&code, &secret, "").await.error(),
        "invalid_grant"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_use_of_a_code_withdraws_the_access_token() {
    let server = Server::start().await;
    let secret = server.secret().await;
    let code = server.code("").await;
    let tokens = server.exchange(&code, &secret, "").await.json();
    let token = tokens["access_token"].as_str().unwrap();
    assert_eq!(server.userinfo(token).await.json()["email"], EMAIL);
    server.exchange(&code, &secret, "").await;
    let withdrawn = server.userinfo(token).await;
    assert_eq!(withdrawn.status, StatusCode::UNAUTHORIZED);
    assert!(
        withdrawn
            .header("www-authenticate")
            .contains("invalid_token")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rules_are_those_of_the_moment_a_sign_in_began() {
    let server = Server::start().await;
    let secret = server.secret().await;
    let old = server.provider.signing_keys()[0].public.kid.clone();
    let new = server
        .provider
        .new_signing_key("test")
        .await
        .unwrap()
        .public
        .kid;
    let browser = server.browser();
    let form = browser.get(&server.ask("")).await;

    server.require_pkce(Some(new.clone()));
    let refused = server.browser().get(&server.ask("")).await.location();
    assert_eq!(param(&refused, "error").as_deref(), Some("invalid_request"));
    assert!(
        param(&refused, "error_description")
            .unwrap()
            .contains("PKCE")
    );

    // The form was shown before the rules changed.
    let back = browser.submit(&form, EMAIL, PASSWORD).await.location();
    let tokens = server
        .exchange(&param(&back, "code").unwrap(), &secret, "")
        .await
        .json();
    assert_eq!(server::kid(&tokens), old);

    let verifier = "a-verifier-that-is-long-enough-for-rfc-7636-ok";
    let asked = format!(
        "&code_challenge_method=S256&code_challenge={}",
        server::s256(verifier)
    );
    let code = server.code(&asked).await;
    let proof = format!("&code_verifier={verifier}");
    let tokens = server.exchange(&code, &secret, &proof).await.json();
    assert_eq!(server::kid(&tokens), new);

    // A key that nobody has any more: the site would refuse a token of any other.
    server.require_pkce(Some("gone".into()));
    let code = server.code(&asked).await;
    let refused = server.exchange(&code, &secret, &proof).await;
    assert_eq!(refused.status, StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guessing_locks_an_address_and_tells_nothing() {
    let server = Server::start().await;
    let browser = server.browser();
    for email in [EMAIL, "nobody@29palms.gov"] {
        let mut pages = vec![];
        for attempt in 1..=6 {
            let form = browser.get(&server.ask("")).await;
            let page = browser.submit(&form, email, "a wrong guess").await;
            let locked = attempt > 5;
            let status = if locked {
                StatusCode::TOO_MANY_REQUESTS
            } else {
                StatusCode::OK
            };
            assert_eq!(page.status, status, "{email}, attempt {attempt}");
            pages.push(page.problem());
        }
        assert!(pages[0].contains("do not match"), "{pages:?}");
        assert!(pages[5].contains("30 minutes"), "{pages:?}");
    }
    let form = browser.get(&server.ask("")).await;
    let right = browser.submit(&form, EMAIL, PASSWORD).await;
    assert_eq!(right.status, StatusCode::TOO_MANY_REQUESTS);
    server.hand.advance(Duration::from_secs(30 * 60));
    let back = server
        .browser()
        .fill_in(&server.ask(""), EMAIL, PASSWORD)
        .await;
    assert!(param(&back, "code").is_some(), "{back}");
}

/// Passwords of others keep the provider busy; the resident, who types the right one, is turned away
/// more often than an address may be wrong, and is not locked out for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_turned_away_by_a_flood_is_not_locked_out() {
    let server = Arc::new(Server::start().await);
    let flood: Vec<_> = (0..100)
        .map(|n| tokio::spawn(flood(Arc::clone(&server), n)))
        .collect();
    let browser = server.browser();
    let form = browser.get(&server.ask("")).await;
    let mut turned_away = 0;
    while turned_away < 8 {
        match browser.submit(&form, EMAIL, PASSWORD).await.status {
            StatusCode::SERVICE_UNAVAILABLE => turned_away += 1,
            other => assert_eq!(other, StatusCode::SEE_OTHER),
        }
    }
    flood.iter().for_each(tokio::task::JoinHandle::abort);
    let mut answer = browser.submit(&form, EMAIL, PASSWORD).await;
    while answer.status == StatusCode::SERVICE_UNAVAILABLE {
        answer = browser.submit(&form, EMAIL, PASSWORD).await;
    }
    assert!(param(&answer.location(), "code").is_some());
}

/// Sends passwords for ever new addresses.
async fn flood(server: Arc<Server>, number: usize) {
    let browser = server.browser();
    let form = browser.get(&server.ask("")).await;
    for at in 0.. {
        let email = format!("flood-{number}-{at}@29palms.gov");
        browser.submit(&form, &email, PASSWORD).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_counts_only_in_the_browser_it_was_shown_to() {
    let server = Server::start().await;
    let form = server
        .browser()
        .get(&server.ask("&login_hint=clerk%40a.gov"))
        .await;
    assert!(form.body.contains("value=\"clerk@a.gov\""), "{}", form.body);
    let policy = form.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
    assert!(
        policy.contains("form-action 'self' https://29palms.gov;"),
        "{policy}"
    );

    let other = server.browser();
    other.get(&server.ask("")).await;
    for stranger in [server.browser(), other] {
        let refused = stranger.submit(&form, EMAIL, PASSWORD).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    }
    let browser = server.browser();
    let form = browser.get(&server.ask("")).await;
    let cross = browser
        .submit_from(&form, Some("https://evil.example"))
        .await;
    assert_eq!(cross.status, StatusCode::BAD_REQUEST);
    server.hand.advance(Duration::from_secs(30 * 60));
    let late = browser.submit(&form, EMAIL, PASSWORD).await;
    assert!(late.body.contains("too long"), "{}", late.body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn malformed_requests_get_clear_errors_and_go_nowhere() {
    let server = Server::start().await;
    let browser = server.browser();
    for (path, expected) in [
        ("/oidc/authorize", "names no site"),
        ("/oidc/authorize?client_id=other.gov", "other.gov"),
        (
            "/oidc/authorize?client_id=29palms.gov&redirect_uri=https://evil.example/",
            "not its own",
        ),
        ("/oidc/authorize?client_id=%ff%00", "not known"),
        ("/oidc/sign-in", "open the site"),
    ] {
        let page = browser.get(&format!("{}{path}", server.base)).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{path}");
        assert!(page.body.contains(expected), "{path}: {}", page.body);
    }
    for (body, expected) in [
        ("", "invalid_client"),
        ("client_id=29palms.gov", "invalid_client"),
        (
            "client_id=29palms.gov&client_id=29palms.gov",
            "invalid_request",
        ),
        ("client_id=29palms.gov&client_secret=x", "invalid_client"),
        ("client_id=nobody.gov&client_secret=x", "invalid_client"),
    ] {
        assert_eq!(server.post_token(body).await.error(), expected, "{body}");
    }
    let secret = server.secret().await;
    let client = format!("client_id={CLIENT}&client_secret={secret}");
    for (body, expected) in [
        ("", "invalid_request"),
        ("&grant_type=password", "unsupported_grant_type"),
        ("&grant_type=authorization_code", "invalid_request"),
        ("&grant_type=authorization_code&code=x", "invalid_request"),
        (
            "&grant_type=authorization_code&code=x&redirect_uri=y",
            "invalid_grant",
        ),
        (
            "&grant_type=authorization_code&code=x&redirect_uri=y&code_verifier=z",
            "invalid_request",
        ),
    ] {
        assert_eq!(
            server.post_token(&format!("{client}{body}")).await.error(),
            expected,
            "{body}"
        );
    }
    assert_eq!(
        server.userinfo("wrong").await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_ended_is_purged_and_a_retired_key_is_no_longer_published() {
    let server = Server::start().await;
    let old = server.provider.signing_keys()[0].public.kid.clone();
    let new = server
        .provider
        .new_signing_key("test")
        .await
        .unwrap()
        .public
        .kid;
    let set = async |kid: &str, state, at_once| {
        let moved = server
            .provider
            .set_key_state(kid, (state, at_once), "test")
            .await;
        moved.map_err(|e| e.to_string())
    };
    let minutes = |count| {
        server
            .hand
            .advance(SignedDuration::from_mins(count).unsigned_abs());
    };
    let early = set(&new, signin::KeyState::Active, false).await;
    assert!(early.unwrap_err().contains("may not know this key"));
    minutes(5);
    assert!(set(&old, signin::KeyState::Retired, false).await.is_err());
    assert!(
        set(&old, signin::KeyState::Retired, true).await.is_err(),
        "the last one"
    );
    let (code, secret) = (server.code("").await, server.secret().await);
    assert_eq!(server.exchange(&code, &secret, "").await.error(), "");
    set(&new, signin::KeyState::Active, false).await.unwrap();
    minutes(14);
    let early = set(&old, signin::KeyState::Retired, false).await;
    assert!(early.unwrap_err().contains("may still check"));
    minutes(1);
    set(&old, signin::KeyState::Retired, false).await.unwrap();
    let jwks = server
        .browser()
        .get(&format!("{}/oidc/jwks", server.base))
        .await
        .json();
    assert_eq!(jwks["keys"].as_array().unwrap().len(), 1);
    assert_eq!(jwks["keys"][0]["kid"], new.as_str());
    server.code("").await;
    server
        .hand
        .advance(SignedDuration::from_hours(24 * 40).unsigned_abs());
    server.provider.purge().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pages_speak_the_language_that_the_site_asks_for() {
    let server = Server::start().await;
    let browser = server.browser();
    let spanish = browser
        .get(&server.ask("&ui_locales=es-MX+en&state_is=kept"))
        .await;
    assert_eq!(spanish.language(), "es");
    for says in [
        "Iniciar sesión",
        "Contraseña",
        "lang=\"en\" rel=\"nofollow\">English</a>",
    ] {
        assert!(spanish.body.contains(says), "{says}: {}", spanish.body);
    }
    let wrong = browser.submit(&spanish, EMAIL, "no").await;
    assert_eq!(wrong.language(), "es");
    assert!(wrong.problem().contains("no coinciden"), "{}", wrong.body);
    // The link to the other language leads to the same sign-in.
    let link = wrong.body.split("<nav").nth(1).unwrap();
    let link = link.split("href=\"").nth(1).unwrap();
    let link = link.split('"').next().unwrap().replace("&#38;", "&");
    let english = browser.get(&format!("{}{link}", server.base)).await;
    assert_eq!(english.language(), "en");
    let back = browser.submit(&english, EMAIL, PASSWORD).await.location();
    assert_eq!(param(&back, "state").as_deref(), Some("s"));

    let chosen = server.browser().get(&server.ask("&lang=es")).await;
    assert_eq!(chosen.language(), "es");
    let plain = server.browser().get(&server.ask("&ui_locales=fr")).await;
    assert_eq!(plain.language(), "en");
    for path in [
        "/oidc/authorize?ui_locales=es",
        "/oidc/authorize?client_id=other.gov&lang=es",
        "/oidc/sign-in?lang=es",
    ] {
        let problem = browser.get(&format!("{}{path}", server.base)).await;
        assert_eq!(problem.language(), "es", "{path}");
    }
    let stranger = server.browser().submit(&spanish, EMAIL, PASSWORD).await;
    assert_eq!(stranger.language(), "es");
    assert!(
        stranger.body.contains("Inicie sesión de nuevo"),
        "{}",
        stranger.body
    );
    let metadata = browser
        .get(&format!("{}/.well-known/openid-configuration", server.base))
        .await;
    assert_eq!(
        metadata.json()["ui_locales_supported"],
        serde_json::json!(["en", "es"])
    );
}

#[tokio::test]
async fn a_key_is_not_retired_while_settings_that_name_it_are_published() {
    let server = Server::start().await;
    let old = server.provider.signing_keys()[0].public.kid.clone();
    let made = server.provider.new_signing_key("test").await;
    let new = made.unwrap().public.kid;
    let wait = |minutes| {
        let wait = SignedDuration::from_mins(minutes);
        server.hand.advance(wait.unsigned_abs());
    };
    wait(5);
    let set = async |kid: &str, state| {
        let moved = server.provider.set_key_state(kid, (state, false), "test");
        moved.await.map_err(|e| e.to_string())
    };
    set(&new, signin::KeyState::Active).await.unwrap();
    wait(60);
    let publishing = server.publishing().await;
    let publish = async {
        // Long enough to retire it.
        Clock::system().sleep(Duration::from_millis(500)).await;
        server.require_pkce(Some(old.clone()));
        drop(publishing);
    };
    let (retired, ()) = tokio::join!(set(&old, signin::KeyState::Retired), publish);
    let refused = retired.unwrap_err();
    assert!(refused.contains("sign-in/client"), "{refused}");
    assert_eq!(server.provider.signing_keys().len(), 2);
}
