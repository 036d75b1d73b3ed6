//! A real browser, driven by chromedriver (WebDriver, W3C), and what stories ask of it.
//! Never knows a page.

use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fantoccini::actions::{
    InputSource as _, KeyAction, KeyActions, MOUSE_BUTTON_LEFT, MouseActions, PointerAction,
};
use fantoccini::key::Key;
use fantoccini::wd::{Capabilities, WebDriverCompatibleCommand};
use fantoccini::{Client, ClientBuilder, Locator};
use futures_util::FutureExt as _;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::Mutex;

/// One browser at a time: several on a small machine only wait for each other.
static TURN: Mutex<()> = Mutex::const_new(());

/// Whose eyes a page is seen with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    pub(crate) name: &'static str,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) is_dark: bool,
    pub(crate) has_script: bool,
}

impl Look {
    pub(crate) const PHONE: Self = Self {
        name: "phone",
        width: 390,
        height: 844,
        is_dark: false,
        has_script: true,
    };
    pub(crate) const DESKTOP: Self = Self {
        name: "desktop",
        width: 1280,
        height: 900,
        ..Self::PHONE
    };
    /// Each width with script, and without it.
    pub(crate) const STORIES: [Self; 4] = [
        Self::PHONE,
        Self::DESKTOP,
        Self {
            name: "phone-without-script",
            has_script: false,
            ..Self::PHONE
        },
        Self {
            name: "desktop-without-script",
            has_script: false,
            ..Self::DESKTOP
        },
    ];
    /// Each width by day, and by night.
    pub(crate) const SCHEMES: [Self; 4] = [
        Self::PHONE,
        Self::DESKTOP,
        Self {
            name: "phone-dark",
            is_dark: true,
            ..Self::PHONE
        },
        Self {
            name: "desktop-dark",
            is_dark: true,
            ..Self::DESKTOP
        },
    ];
}

/// A browser window on one control plane.
pub(crate) struct Browser {
    client: Client,
    base: String,
    axe: String,
    pub(crate) look: Look,
}

/// Runs a story in a browser that looks at `base`. Without the variables that name a browser the
/// story is left out, and says so.
pub(crate) async fn tell(name: &str, base: &str, story: impl AsyncFnOnce(&mut Browser)) {
    let var = |name| std::env::var(name).ok();
    let (Some(chromedriver), Some(axe)) = (
        var("LAMPLIGHTER_TEST_CHROMEDRIVER"),
        var("LAMPLIGHTER_TEST_AXE"),
    ) else {
        eprintln!(
            "left out: {name}; it needs LAMPLIGHTER_TEST_CHROMEDRIVER and LAMPLIGHTER_TEST_AXE, \
             which ./test sets"
        );
        return;
    };
    let _turn = TURN.lock().await;
    let profile = tempfile::tempdir().unwrap();
    let (_driver, port) = start(&chromedriver).await;
    let mut browser = Browser {
        client: client(port, profile.path()).await,
        base: base.to_owned(),
        axe: std::fs::read_to_string(axe).unwrap(),
        look: Look::DESKTOP,
    };
    // A browser whose story failed is closed all the same: it would stay behind.
    let told = AssertUnwindSafe(story(&mut browser)).catch_unwind().await;
    browser.client.close().await.unwrap();
    if let Err(panic) = told {
        std::panic::resume_unwind(panic);
    }
}

/// Starts chromedriver on a port of its choice.
async fn start(program: &str) -> (Child, u16) {
    let mut child = Command::new(program)
        .arg("--port=0")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|e| panic!("could not start {program}: {e}"));
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        let port = line
            .rsplit_once("successfully on port ")
            .map(|(_, port)| port);
        if let Some(port) = port.and_then(|port| port.trim_end_matches('.').parse().ok()) {
            // Nobody reads on: chromedriver writes no more that matters, and not much.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return (child, port);
        }
    }
    panic!("{program} ended without naming its port");
}

async fn client(port: u16, profile: &Path) -> Client {
    let arguments = [
        "--headless",
        // Browsers refuse their sandbox to root, whom containers run tests as.
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
        "--hide-scrollbars",
    ];
    let mut arguments: Vec<_> = arguments.map(str::to_owned).into();
    arguments.push(format!("--user-data-dir={}", profile.display()));
    let mut capabilities = Capabilities::new();
    capabilities.insert("browserName".into(), "chrome".into());
    capabilities.insert("goog:chromeOptions".into(), json!({ "args": arguments }));
    let mut builder = ClientBuilder::new(HttpConnector::new());
    builder.capabilities(capabilities);
    let address = format!("http://127.0.0.1:{port}");
    builder.connect(&address).await.unwrap()
}

/// A command of the browser's own protocol, for what WebDriver cannot ask: a phone's screen, a
/// colour scheme, no script, a picture of the whole page.
#[derive(Debug)]
struct Devtools {
    command: &'static str,
    parameters: Value,
}

impl WebDriverCompatibleCommand for Devtools {
    fn endpoint(
        &self,
        base: &url::Url,
        session: Option<&str>,
    ) -> Result<url::Url, url::ParseError> {
        let session = session.unwrap_or_default();
        base.join(&format!("session/{session}/goog/cdp/execute"))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        let body = json!({"cmd": self.command, "params": self.parameters});
        (http::Method::POST, Some(body.to_string()))
    }
}

impl Browser {
    async fn devtools(&self, command: &'static str, parameters: Value) -> Value {
        let command = Devtools {
            command,
            parameters,
        };
        self.client.issue_cmd(command).await.unwrap()
    }

    /// From now on pages are seen with these eyes.
    pub(crate) async fn look(&mut self, look: Look) {
        self.look = look;
        let screen = json!({
            "width": look.width, "height": look.height, "deviceScaleFactor": 1,
            "mobile": look.width < 600,
        });
        self.devtools("Emulation.setDeviceMetricsOverride", screen)
            .await;
        let scheme = if look.is_dark { "dark" } else { "light" };
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.devtools("Emulation.setEmulatedMedia", features).await;
        let script = json!({"value": !look.has_script});
        self.devtools("Emulation.setScriptExecutionDisabled", script)
            .await;
    }

    pub(crate) async fn open(&self, path: &str) {
        let address = format!("{}{path}", self.base);
        self.client.goto(&address).await.unwrap();
    }

    /// The path of the page that is shown.
    pub(crate) async fn path(&self) -> String {
        self.client.current_url().await.unwrap().path().to_owned()
    }

    /// The first heading, which says what a page is about.
    pub(crate) async fn heading(&self) -> String {
        self.text("h1").await
    }

    pub(crate) async fn text(&self, css: &str) -> String {
        // A page that stands open may be drawn anew between looking and reading.
        for _ in 0..5 {
            let found = self.client.find(Locator::Css(css)).await;
            let found = found.unwrap_or_else(|e| panic!("{css}: {e}"));
            // What only screen readers are told has no visible text.
            match found.prop("textContent").await {
                Err(e) if e.to_string().contains("stale element") => {}
                text => return text.unwrap().unwrap_or_default(),
            }
        }
        panic!("{css} goes whenever it is read");
    }

    pub(crate) async fn value(&self, css: &str) -> String {
        let found = self.client.find(Locator::Css(css)).await.unwrap();
        found.prop("value").await.unwrap().unwrap_or_default()
    }

    /// Waits until the page has what `css` names.
    pub(crate) async fn wait_for(&self, css: &str) {
        let wait = self.client.wait().at_most(Duration::from_secs(10));
        let found = wait.for_element(Locator::Css(css)).await;
        found.unwrap_or_else(|e| panic!("{css} does not come: {e}"));
    }

    pub(crate) async fn has(&self, css: &str) -> bool {
        self.client.find(Locator::Css(css)).await.is_ok()
    }

    pub(crate) async fn write(&self, css: &str, text: &str) {
        let field = self.client.find(Locator::Css(css)).await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Presses keys while what `css` names has the focus.
    pub(crate) async fn keys(&self, css: &str, keys: &[Key]) {
        const FOCUS: &str = "document.querySelector(arguments[0]).focus()";
        self.client.execute(FOCUS, vec![json!(css)]).await.unwrap();
        let mut actions = KeyActions::new("keys".into());
        for key in keys {
            let value = char::from(*key);
            actions = actions.then(KeyAction::Down { value });
            actions = actions.then(KeyAction::Up { value });
        }
        self.client.perform_actions(actions).await.unwrap();
    }

    /// Clicks with a real pointer in what `css` names: `at` is a part of its width and of its height.
    pub(crate) async fn click_at(&self, css: &str, at: (f64, f64)) {
        const MIDDLE: &str = "const it = document.querySelector(arguments[0]); \
            it.scrollIntoView({block: 'center', behavior: 'instant'}); \
            const box = it.getBoundingClientRect(); \
            return [box.left, box.top, box.width, box.height]";
        let box_of = self.client.execute(MIDDLE, vec![json!(css)]).await.unwrap();
        let [left, top, width, height] = [0, 1, 2, 3].map(|side| box_of[side].as_f64().unwrap());
        let button = MOUSE_BUTTON_LEFT;
        let pointer = MouseActions::new("pointer".into())
            .then(PointerAction::MoveTo {
                duration: None,
                x: (left + width * at.0).round(),
                y: (top + height * at.1).round(),
            })
            .then(PointerAction::Down { button })
            .then(PointerAction::Up { button });
        self.client.perform_actions(pointer).await.unwrap();
    }

    /// Presses the link, button or fold with these words.
    pub(crate) async fn press(&self, words: &str) {
        let path =
            format!("//*[self::a or self::button or self::summary][normalize-space()='{words}']");
        // A page that stands open may be drawn anew between looking and pressing.
        for _ in 0..5 {
            let found = self.client.find(Locator::XPath(&path)).await;
            let found = found.unwrap_or_else(|e| panic!("nothing says {words:?}: {e}"));
            match found.click().await {
                Err(e) if e.to_string().contains("stale element") => {}
                done => return done.unwrap(),
            }
        }
        panic!("{words:?} goes whenever it is pressed");
    }

    /// Presses the button with these words within what `css` names: pages have several of a kind.
    pub(crate) async fn press_in(&self, css: &str, words: &str) {
        let part = self.client.find(Locator::Css(css)).await.unwrap();
        let path = format!(".//button[normalize-space()='{words}']");
        let found = part.find(Locator::XPath(&path)).await;
        let found = found.unwrap_or_else(|e| panic!("nothing in {css} says {words:?}: {e}"));
        found.click().await.unwrap();
    }

    /// Every page fits its screen: only tables and pictures of their own may be moved sideways.
    pub(crate) async fn check_width(&self) {
        const SCRIPT: &str = "return document.documentElement.scrollWidth";
        let width = self.client.execute(SCRIPT, vec![]).await.unwrap();
        let (width, path) = (width.as_u64().unwrap(), self.path().await);
        assert!(
            width <= u64::from(self.look.width),
            "{path} is {width} wide on a {}",
            self.look.name
        );
    }

    /// axe-core finds nothing against WCAG 2.2 AA and its own good practice.
    pub(crate) async fn check_access(&self) {
        const RUN: &str = "const done = arguments[arguments.length - 1]; \
            axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', \
            'best-practice'] }).then((found) => done(found.violations.map((one) => one.id + ': ' + \
            one.nodes.map((node) => node.target.join(' ') + ' ' + node.failureSummary).join('; '))))";
        self.client.execute(&self.axe, vec![]).await.unwrap();
        let found = self.client.execute_async(RUN, vec![]).await.unwrap();
        let path = self.path().await;
        assert_eq!(found, json!([]), "{path} on a {}", self.look.name);
    }

    /// Keeps a picture of the whole page in `target/screenshots`.
    pub(crate) async fn picture(&self, name: &str) {
        let metrics = self.devtools("Page.getLayoutMetrics", json!({})).await;
        let size = &metrics["cssContentSize"];
        let clip = json!({
            "x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1,
        });
        let whole = json!({"format": "png", "captureBeyondViewport": true, "clip": clip});
        let taken = self.devtools("Page.captureScreenshot", whole).await;
        let png = STANDARD.decode(taken["data"].as_str().unwrap()).unwrap();
        let folder = screenshots();
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join(format!("{name}-{}.png", self.look.name));
        std::fs::write(file, png).unwrap();
    }
}

fn screenshots() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("screenshots")
}
