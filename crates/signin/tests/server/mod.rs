//! A provider on loopback with one client and one account, and browsers that keep cookies.

#![allow(
    unreachable_pub,
    reason = "a module of one test; `pub` reads better than `pub(crate)`"
)]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clock::{Clock, Hand};
use domain::document::DocumentKey;
use domain::name::Hostname;
use domain::sign_in::settings_of;
use jiff::Timestamp;
use openidconnect::{HttpRequest, HttpResponse};
use reqwest::{Client, StatusCode};
use signin::{ClientPolicy, Clients, HeldSettings, NewAccount, Password, Provider, Settings};
use store::{Place, Store};

pub const CLIENT: &str = "29palms.gov";
pub const CALLBACK: &str = "https://29palms.gov/sign-in/callback";
pub const EMAIL: &str = "resident@29palms.gov";
pub const PASSWORD: &str = "correct horse battery";

#[derive(Clone)]
struct OneClient(Arc<Mutex<ClientPolicy>>, Arc<tokio::sync::Mutex<()>>);

impl Clients for OneClient {
    fn policy(&self, client_id: &Hostname, _: Timestamp) -> Option<ClientPolicy> {
        (client_id.as_str() == CLIENT).then(|| self.0.lock().unwrap().clone())
    }

    fn settings_that_name(&self, kid: &str) -> Option<(DocumentKey, u64)> {
        let policy = self.0.lock().unwrap();
        let named = policy.signing_kid.as_deref() == Some(kid);
        let key = settings_of("web".parse().unwrap());
        key.filter(|_| named).map(|key| (key, 1))
    }

    fn hold_settings(&self) -> Pin<Box<dyn Future<Output = HeldSettings<'_>> + Send + '_>> {
        Box::pin(async { Box::new(self.1.lock().await) as HeldSettings<'_> })
    }
}

pub struct Server {
    pub base: String,
    pub provider: Provider,
    pub hand: Hand,
    clock: Clock,
    policy: OneClient,
    client: Client,
    _folder: tempfile::TempDir,
}

impl Server {
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = Place {
            folder: folder.path().to_owned(),
            postgres: None,
        };
        let store = Store::open(&place).await.unwrap();
        // The relying party checks times by the machine's clock.
        let (clock, hand) = Clock::manual(Clock::system().now());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let policy = ClientPolicy {
            redirect_uris: vec![CALLBACK.into()],
            pkce_required: false,
            signing_kid: None,
        };
        let policy = OneClient(Arc::new(Mutex::new(policy)), Arc::default());
        let settings = Settings::new(&base);
        let provider = Provider::open(store, clock.clone(), settings, policy.clone())
            .await
            .unwrap();
        let router = signin::router(provider.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let account = NewAccount {
            email: EMAIL.parse().unwrap(),
            password: Password::Plain(PASSWORD.into()),
            canary: false,
        };
        provider.add_accounts(vec![account], "test").await.unwrap();
        Self {
            base,
            provider,
            hand,
            clock,
            policy,
            client: plain_client(),
            _folder: folder,
        }
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub async fn secret(&self) -> String {
        let client = Hostname::parse(CLIENT).unwrap();
        let mut issued = self
            .provider
            .issue_secrets(&[client], "test")
            .await
            .unwrap();
        issued.remove(0).client_secret
    }

    pub fn require_pkce(&self, signing_kid: Option<String>) {
        let mut policy = self.policy.0.lock().unwrap();
        policy.pkce_required = true;
        policy.signing_kid = signing_kid;
    }

    /// Publishes settings until what it gives is dropped.
    pub async fn publishing(&self) -> tokio::sync::OwnedMutexGuard<()> {
        Arc::clone(&self.policy.1).lock_owned().await
    }

    /// The client that `openidconnect` speaks through.
    pub fn http(
        &self,
    ) -> impl Fn(
        HttpRequest,
    ) -> Pin<Box<dyn Future<Output = Result<HttpResponse, reqwest::Error>> + Send>>
    + Sync
    + use<> {
        let client = self.client.clone();
        move |request| {
            let client = client.clone();
            Box::pin(async move {
                let response = client.execute(request.try_into()?).await?;
                let mut answer = HttpResponse::new(vec![]);
                *answer.status_mut() = response.status();
                *answer.headers_mut() = response.headers().clone();
                *answer.body_mut() = response.bytes().await?.to_vec();
                Ok(answer)
            })
        }
    }

    pub fn browser(&self) -> Browser {
        Browser {
            base: self.base.clone(),
            client: self.client.clone(),
            cookies: Mutex::default(),
        }
    }

    pub fn browser_with(&self, session: &str) -> Browser {
        let browser = self.browser();
        let cookie = (signin::SESSION_COOKIE.to_owned(), session.to_owned());
        browser.cookies.lock().unwrap().extend([cookie]);
        browser
    }

    /// The URL with which the site begins a sign-in.
    pub fn ask(&self, more: &str) -> String {
        format!(
            "{}/oidc/authorize?client_id={CLIENT}&redirect_uri={CALLBACK}&response_type=code\
             &scope=openid+email&state=s&nonce=n{more}",
            self.base
        )
    }

    /// A code for the site, by a session.
    pub async fn code(&self, more: &str) -> String {
        let email = EMAIL.parse().unwrap();
        let session = self.provider.mint_sessions(&[email], "test").await.unwrap();
        let back = self
            .browser_with(&session[0])
            .get(&self.ask(more))
            .await
            .location();
        param(&back, "code").unwrap_or_else(|| panic!("no code in {back}"))
    }

    pub async fn exchange(&self, code: &str, secret: &str, more: &str) -> Answer {
        let body =
            format!("grant_type=authorization_code&redirect_uri={CALLBACK}&code={code}{more}");
        let request = self.client.post(format!("{}/oidc/token", self.base));
        Answer::of(request.basic_auth(CLIENT, Some(secret)).body(body)).await
    }

    pub async fn post_token(&self, body: &str) -> Answer {
        let request = self.client.post(format!("{}/oidc/token", self.base));
        Answer::of(request.body(body.to_owned())).await
    }

    pub async fn userinfo(&self, token: &str) -> Answer {
        let request = self.client.get(format!("{}/oidc/userinfo", self.base));
        Answer::of(request.bearer_auth(token)).await
    }
}

fn plain_client() -> Client {
    Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .unwrap()
}

/// Keeps cookies; never follows redirects by itself.
pub struct Browser {
    base: String,
    client: Client,
    cookies: Mutex<HashMap<String, String>>,
}

impl Browser {
    pub async fn get(&self, url: &str) -> Answer {
        self.send(self.client.get(url)).await
    }

    /// Opens the form, fills it in, and gives the URL that the site is reached with.
    pub async fn fill_in(&self, url: &str, email: &str, password: &str) -> String {
        let form = self.get(url).await;
        self.submit(&form, email, password).await.location()
    }

    pub async fn submit(&self, form: &Answer, email: &str, password: &str) -> Answer {
        self.send(self.filled(form, email, password)).await
    }

    pub async fn submit_from(&self, form: &Answer, origin: Option<&str>) -> Answer {
        let mut request = self.filled(form, EMAIL, PASSWORD);
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        self.send(request).await
    }

    fn filled(&self, form: &Answer, email: &str, password: &str) -> reqwest::RequestBuilder {
        let sealed = between(&form.body, "name=\"request\" value=\"", "\"");
        let fields = [
            ("request", sealed),
            ("email", email),
            ("password", password),
        ];
        let action = between(&form.body, "method=\"post\" action=\"", "\"");
        self.client
            .post(format!("{}{action}", self.base))
            .form(&fields)
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let cookies = self.cookies.lock().unwrap().clone();
        let cookies: Vec<_> = cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let answer = Answer::of(request.header("cookie", cookies.join("; "))).await;
        for cookie in answer.headers.get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            assert!(
                cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"),
                "{cookie}"
            );
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            self.cookies
                .lock()
                .unwrap()
                .insert(name.into(), value.into());
        }
        answer
    }
}

pub struct Answer {
    pub status: StatusCode,
    pub body: String,
    headers: reqwest::header::HeaderMap,
}

impl Answer {
    async fn of(request: reqwest::RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        Self {
            status,
            headers,
            body: response.text().await.unwrap(),
        }
    }

    pub fn header(&self, name: &str) -> String {
        self.headers
            .get(name)
            .map(|value| value.to_str().unwrap().to_owned())
            .unwrap_or_default()
    }

    pub fn location(&self) -> String {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.body);
        self.header("location")
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.body))
    }

    /// The code of an OAuth error, or nothing.
    pub fn error(&self) -> String {
        self.json()["error"].as_str().unwrap_or_default().to_owned()
    }

    /// The language that the page is in; everything that tells it says the same.
    pub fn language(&self) -> String {
        let tag = between(&self.body, "<html lang=\"", "\"").to_owned();
        assert_eq!(self.header("content-language"), tag);
        assert_eq!(self.header("vary"), "accept-language");
        tag
    }

    /// What the form says is wrong.
    pub fn problem(&self) -> String {
        between(&self.body, "role=\"alert\">", "<").to_owned()
    }
}

/// A parameter of a URL's query.
pub fn param(url: &str, name: &str) -> Option<String> {
    let url = url::Url::parse(url).unwrap();
    url.query_pairs()
        .find(|(found, _)| found == name)
        .map(|(_, value)| value.into_owned())
}

/// Which key signed the ID token.
pub fn kid(tokens: &serde_json::Value) -> String {
    let head = tokens["id_token"]
        .as_str()
        .unwrap()
        .split('.')
        .next()
        .unwrap();
    let head = URL_SAFE_NO_PAD.decode(head).unwrap();
    let head: serde_json::Value = serde_json::from_slice(&head).unwrap();
    head["kid"].as_str().unwrap().to_owned()
}

/// The PKCE challenge of a verifier.
pub fn s256(verifier: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, verifier.as_bytes());
    URL_SAFE_NO_PAD.encode(digest)
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let (_, rest) = text
        .split_once(start)
        .unwrap_or_else(|| panic!("no {start} in {text}"));
    rest.split(end).next().unwrap()
}
