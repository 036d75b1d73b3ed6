//! The example of a site in another language, `examples/node-site`, beside a real server and a real
//! agent: a person signs in through it, and it follows what is published and released without a restart.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use clock::Clock;
use reqwest::header::{COOKIE, HOST, LOCATION, SET_COOKIE};
use reqwest::{Client, Response, redirect::Policy};
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_lamplighter");
const SITE: &str = "a.example";
const FLEET: &str = "hostname,organization,kind,city,state,timezone,population\n\
    a.example,A,City,A,CA,America/Los_Angeles,1\n";
const EMAIL: &str = "clerk@a.example";
const SCOPES: &str = "openid email";
/// Where the site looks for its agent.
const SOCKET: &str = "agent.sock";
const PASSWORD: &str = "correct horse battery staple";

/// A process that is killed with the test.
struct Ending(Child);

impl Drop for Ending {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A server, an agent on a Unix socket, and the site.
struct World {
    top: tempfile::TempDir,
    http: Client,
    server: String,
    pages: String,
    _server: Ending,
    agent: Option<Ending>,
    site: Option<Ending>,
}

async fn until<T>(what: &str, so: impl AsyncFn() -> Option<T>) -> T {
    for _ in 0..600 {
        if let Some(found) = so().await {
            return found;
        }
        Clock::system().sleep(Duration::from_millis(100)).await;
    }
    panic!("not within a minute: {what}");
}

fn log(top: &Path, name: &str) -> Stdio {
    std::fs::File::create(top.join(name)).unwrap().into()
}

async fn read_ready(file: &Path) -> Value {
    until("ready", async || {
        let text = std::fs::read(file).ok()?;
        serde_json::from_slice(&text).ok()
    })
    .await
}

impl World {
    async fn start() -> Self {
        let top = tempfile::tempdir().unwrap();
        let path = top.path();
        let ready = path.join("server.json");
        let server = Command::new(BINARY)
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(path.join("data"))
            .arg("--ready-file")
            .arg(&ready)
            .stdout(log(path, "server.log"))
            .stderr(Stdio::inherit())
            .spawn();
        let server = Ending(server.unwrap());
        let url = read_ready(&ready).await["address"]
            .as_str()
            .unwrap()
            .to_owned();
        let http = Client::builder().no_proxy().redirect(Policy::none());
        Self {
            http: http.build().unwrap(),
            server: format!("http://{url}"),
            pages: String::new(),
            _server: server,
            agent: None,
            site: None,
            top,
        }
    }

    /// What a command of ours prints.
    fn run(&self, arguments: &[&str]) -> String {
        let output = Command::new(BINARY)
            .args(arguments)
            .current_dir(self.top.path())
            .env("LAMPLIGHTER_SERVER", &self.server)
            .env("LAMPLIGHTER_DATA", self.top.path().join("data"))
            .env_remove("LAMPLIGHTER_TOKEN")
            .output()
            .unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {error}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.top.path().join(name), text).unwrap();
    }

    /// Settings signed by `kid`, for releases that it `accepts`.
    fn publish(&self, accepts: &str, kid: &str, (pkce, path, scopes): (&str, &str, &str)) {
        let keys: Value = serde_json::from_str(&self.run(&["key", "list", "--json"])).unwrap();
        let keys = keys["keys"].as_array().unwrap();
        let url = &self.server;
        let body = json!({
            "issuer": url,
            "authorization_endpoint": format!("{url}/oidc/authorize"),
            "token_endpoint": format!("{url}/oidc/token"),
            "userinfo_endpoint": format!("{url}/oidc/userinfo"),
            "jwks": {"keys": keys.iter().filter(|key| key["kid"] == kid).collect::<Vec<_>>()},
            "pkce": pkce,
            "signing_kid": kid,
            "redirect_path": path,
            "scopes": scopes.split(' ').collect::<Vec<_>>(),
        });
        self.write("client.json", &body.to_string());
        let mut publish = vec!["config", "publish", "--product", "web-central"];
        publish.extend([
            "--service",
            "sign-in",
            "--name",
            "client",
            "--lane",
            "first",
        ]);
        publish.extend(["--at-once", "--why", "a test", "--accepts", accepts]);
        publish.push("client.json");
        self.run(&publish);
    }

    fn newest_kid(&self) -> String {
        let keys: Value = serde_json::from_str(&self.run(&["key", "list", "--json"])).unwrap();
        let last = keys["keys"].as_array().unwrap().last().unwrap();
        last["kid"].as_str().unwrap().to_owned()
    }

    fn socket(&self) -> PathBuf {
        self.top.path().join(SOCKET)
    }

    /// Starts the agent, in place of the one before, on a socket of that name.
    async fn start_agent(&mut self, socket: &str) {
        self.agent = None;
        let path = self.top.path();
        let token = self.run(&["agent", "token"]);
        let ready = path.join("agent.json");
        let _ = std::fs::remove_file(&ready);
        let agent = Command::new(BINARY)
            .args(["agent", "run", "--host", "www-1", "--sites", SITE])
            .args(["--server", &self.server, "--enrolment-token", token.trim()])
            .args(["--activate-hook", &self.hook()])
            .arg("--socket")
            .arg(path.join(socket))
            .arg("--folder")
            .arg(path.join("agent"))
            .arg("--ready-file")
            .arg(&ready)
            .stdout(log(path, "agent.log"))
            .stderr(Stdio::inherit())
            .spawn();
        self.agent = Some(Ending(agent.unwrap()));
        read_ready(&ready).await;
    }

    fn hook(&self) -> String {
        let says = std::fs::read_to_string(self.top.path().join("site.log")).unwrap();
        let ports: Value = serde_json::from_str(says.lines().next().unwrap()).unwrap();
        format!("http://127.0.0.1:{}", ports["hook"])
    }

    async fn start_site(&mut self) {
        let path = self.top.path();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/node-site");
        let site = Command::new("node")
            .arg(folder.join("site.mjs"))
            .env("SITE", SITE)
            .env("CLIENT_SECRET_FILE", path.join("secret"))
            .env("AGENT", format!("unix:{}", self.socket().display()))
            .env("CODE", "5.1.0")
            .env("PORT", "0")
            .env("HOOK_PORT", "0")
            .stdout(log(path, "site.log"))
            .stderr(Stdio::inherit())
            .spawn();
        let site = site.unwrap_or_else(|e| panic!("node is missing: {e}"));
        self.site = Some(Ending(site));
        let ports = read_ready(&path.join("site.log")).await;
        self.pages = format!("http://127.0.0.1:{}", ports["pages"]);
    }

    async fn page(&self, path: &str, cookie: &str) -> Response {
        let request = self.http.get(format!("{}{path}", self.pages));
        let request = request.header(HOST, SITE).header(COOKIE, cookie);
        request.send().await.unwrap()
    }

    async fn ready(&self) -> bool {
        self.page("/readyz", "").await.status() == 200
    }

    /// Where the site sends people to sign in, and the cookie that it gives them.
    async fn begin(&self) -> (String, String) {
        let answer = self.page("/sign-in", "").await;
        assert_eq!(answer.status(), 303);
        (header(&answer, LOCATION), cookie(&answer))
    }

    /// The path that people are sent back to, as the site has it now.
    async fn path_back(&self) -> String {
        let (to, _) = self.begin().await;
        let back = param(&to, "redirect_uri");
        back.strip_prefix("https://a.example").unwrap().to_owned()
    }

    /// Fills in the provider's form; gives the path and query that the browser comes back to.
    async fn at_provider(&self, to: &str) -> String {
        let form = self.http.get(to).send().await.unwrap();
        let cookies = cookie(&form);
        let page = form.text().await.unwrap();
        let (_, rest) = page.split_once("name=\"request\" value=\"").expect(&page);
        let request = rest.split_once('"').unwrap().0.to_owned();
        let fields = [
            ("request", request.as_str()),
            ("email", EMAIL),
            ("password", PASSWORD),
        ];
        let post = self.http.post(format!("{}/oidc/sign-in", self.server));
        let answer = post.header(COOKIE, cookies).form(&fields).send().await;
        let back = header(&answer.unwrap(), LOCATION);
        back.strip_prefix("https://a.example").unwrap().to_owned()
    }

    /// Signs a person in; gives what the site says then.
    async fn sign_in(&self) -> String {
        let (to, state) = self.begin().await;
        let back = self.at_provider(&to).await;
        let answer = self.page(&back, &state).await;
        if answer.status() != 303 {
            return header(&answer, "sign-in-error");
        }
        let home = self.page("/", &cookie(&answer)).await;
        home.text().await.unwrap().trim().to_owned()
    }

    /// Runs another release, as the agent asks for it in a campaign; gives the site's answer.
    async fn switch(&self, version: &str) -> u16 {
        let wanted = json!({"site": SITE, "version": version});
        let answer = self.http.post(self.hook()).json(&wanted).send().await;
        answer.unwrap().status().as_u16()
    }

    async fn status(&self) -> Value {
        self.page("/status", "").await.json().await.unwrap()
    }

    /// Looks of the agent that a site's doubt caused.
    async fn doubts(&self) -> u64 {
        let http = Client::builder().no_proxy().unix_socket(self.socket());
        let asked = http.build().unwrap().get("http://agent/metrics").send();
        let text = asked.await.unwrap().text().await.unwrap();
        let line = text.lines().find_map(|line| {
            let (name, figure) = line.split_once(' ')?;
            (name == "lamplighter_agent_doubt_looks_total").then(|| figure.parse().unwrap())
        });
        line.unwrap_or_else(|| panic!("no count of doubts in {text}"))
    }
}

fn header(answer: &Response, name: impl reqwest::header::AsHeaderName) -> String {
    let value = answer.headers().get(name);
    value.map_or(String::new(), |value| value.to_str().unwrap().to_owned())
}

fn cookie(answer: &Response) -> String {
    let all = answer.headers().get_all(SET_COOKIE).iter();
    let pairs = all.map(|one| one.to_str().unwrap().split(';').next().unwrap());
    pairs.collect::<Vec<_>>().join("; ")
}

fn param(url: &str, name: &str) -> String {
    let url: url::Url = url.parse().unwrap();
    let mut pairs = url.query_pairs();
    let found = pairs.find(|(known, _)| known == name);
    found.unwrap().1.into_owned()
}

const SIGNED_IN: &str = "Signed in as clerk@a.example.";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_site_in_node_follows_its_agent_without_a_restart() {
    let mut world = World::start().await;
    world.write("fleet.csv", FLEET);
    world.write("password", PASSWORD);
    let product = ["--product", "web-central", "--release", "5.1.0"];
    world.run(&[&["fleet", "import", "fleet.csv"], &product[..]].concat());
    world.run(&["account", "add", EMAIL, "--password-file", "password"]);
    let secret = world.run(&["client", "issue", "web-central", "--site", SITE, "--json"]);
    let secret: Value = serde_json::from_str(&secret).unwrap();
    let secret = secret["clients"][0]["client_secret"].as_str().unwrap();
    world.write("secret", secret);
    let first_kid = world.newest_kid();
    world.publish(
        "~5.1",
        &first_kid,
        ("optional", "/sign-in/callback", SCOPES),
    );

    // Before its agent runs, the site runs and says that it is not ready.
    world.start_site().await;
    assert!(!world.ready().await);
    assert_eq!(world.page("/sign-in", "").await.status(), 503);
    world.start_agent(SOCKET).await;
    until("ready", async || world.ready().await.then_some(())).await;
    assert_eq!(world.sign_in().await, SIGNED_IN);

    // A version for the same release: people are asked for less, and come back elsewhere, from the moment
    // on that the agent holds it, whether or not the server heard so.
    let less = ("optional", "/sign-in/return", "openid");
    world.publish("~5.1", &first_kid, less);
    until("the new scope", async || {
        (param(&world.begin().await.0, "scope") == "openid").then_some(())
    })
    .await;
    let without_address = world.sign_in().await;
    assert!(
        without_address.starts_with("Signed in as ") && !without_address.contains('@'),
        "{without_address}"
    );
    assert_eq!(world.status().await["version"], 2);

    // A release with a tighter document, signed for with a new key.
    world.run(&["key", "add"]);
    let second_kid = world.newest_kid();
    assert_ne!(first_kid, second_kid);
    world.publish(
        ">=5.2.0",
        &second_kid,
        ("required", "/sign-in/done", SCOPES),
    );
    world.run(&["release", "stage", "web-central", "5.2.0"]);
    until("ready for the release", async || {
        let readiness = world.run(&["release", "readiness", "web-central", "5.2.0"]);
        readiness.starts_with("1 of").then_some(())
    })
    .await;
    assert_eq!(world.status().await["code"], "5.1.0");
    world.run(&[
        "release",
        "activate",
        "web-central",
        "5.2.0",
        "--site",
        SITE,
    ]);
    assert_eq!(world.switch("4.0.0").await, 503, "no config for it");
    assert_eq!(world.status().await["code"], "5.1.0");
    assert_eq!(world.switch("5.2.0").await, 204);
    assert_eq!(world.status().await["code"], "5.2.0");
    assert_eq!(world.path_back().await, "/sign-in/done");
    assert_eq!(world.sign_in().await, SIGNED_IN);

    // A sign-in that fails makes the agent look.
    let before = world.doubts().await;
    let (to, state) = world.begin().await;
    let forged = format!("/sign-in/done?code=nothing&state={}", param(&to, "state"));
    let answer = world.page(&forged, &state).await;
    assert_eq!(header(&answer, "sign-in-error"), "invalid_grant");
    until("a doubt", async || {
        (world.doubts().await > before).then_some(())
    })
    .await;

    without_an_agent(&mut world).await;
}

/// The site goes on with what it held and says that it may be old; a key that it cannot hear of is one
/// that it does not trust.
async fn without_an_agent(world: &mut World) {
    world.start_agent("elsewhere.sock").await;
    until("not ready", async || (!world.ready().await).then_some(())).await;
    assert_eq!(world.status().await["stale"], true);
    assert_eq!(world.sign_in().await, SIGNED_IN);
    // The agent hears of it and says so, and only then the provider signs with it.
    world.run(&["key", "add"]);
    let third_kid = world.newest_kid();
    world.publish(">=5.2.0", &third_kid, ("required", "/sign-in/done", SCOPES));
    until(
        "signed with a key that the site does not know",
        async || (world.sign_in().await == "unknown_key").then_some(()),
    )
    .await;
    world.start_agent(SOCKET).await;
    assert_eq!(world.sign_in().await, SIGNED_IN);
    until("ready again", async || world.ready().await.then_some(())).await;
}
