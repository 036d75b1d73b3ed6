//! Which language a reader gets, and the texts in it.
//!
//! A request speaks one language from its beginning to its end, so it is held beside the request's
//! task: whatever draws its answer asks here. A mail is drawn in its follower's language, and what runs
//! without either speaks English. Never translates what people wrote.

mod phrasebook;
mod texts;

use axum::extract::{Request, State};
use axum::http::header::{ACCEPT_LANGUAGE, CONTENT_LANGUAGE, CONTENT_TYPE, SET_COOKIE, VARY};
use axum::http::{HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use cookie::time::Duration;
use cookie::{Cookie, SameSite};

use crate::App;
use crate::access::{cookies, is_console};

pub(crate) use self::phrasebook::{known, reworded};
pub(crate) use self::texts::{Says, Value};
use domain::incident::template::read_as;
pub(crate) use domain::language::Language;
use domain::site::Zone;

/// A page at a longer address is there, but does not name its other languages.
const TARGET_BYTES_MAX: usize = 1_000;
/// What programs read stays in English; the provider's pages choose by themselves.
const ENGLISH_ONLY: [&str; 4] = ["/api/", "/assets/", "/embed.js", "/oidc"];
/// Remembers the language that a member of staff chose: only the console is sent it.
const REMEMBERED: &str = "lamplighter-language";
const REMEMBERED_DAYS: i64 = 365;

/// What a request is answered in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spoken {
    pub(crate) language: Language,
    /// Whether the address says so: then the page's links say it too.
    pub(crate) is_chosen: bool,
    /// That which the vendor's team writes in.
    pub(crate) team: Language,
    /// The page's own address, without its language; nothing where a link cannot lead to it.
    pub(crate) target: Option<Target>,
}

/// Where a page is.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    base_and_path: String,
    query: String,
}

tokio::task_local! {
    static SPOKEN: Spoken;
}

/// The text of a key, in the language of the present request.
pub(crate) fn say(key: &'static str) -> &'static str {
    here().say(key)
}

/// A text with values in it, in the language of the present request.
pub(crate) fn tell<const N: usize>(
    key: &'static str,
    values: [(&'static str, Value<'_>); N],
) -> String {
    here().tell(key, values)
}

/// What the domain's values are called, in the language of the present request.
pub(crate) fn in_words() -> wording::Words {
    wording::words(here())
}

/// The language that the team writes in, where the present request is answered in another.
pub(crate) fn wrote() -> Option<Language> {
    Spoken::here().wrote()
}

/// A post as somebody in `zone` reads it, its moments in the language that the team writes in.
pub(crate) fn read_post(zone: &Zone, post: &str) -> String {
    read_as((zone, Spoken::here().team), post)
}

/// An address of a public page, in the language that the reader chose.
pub(crate) fn kept(address: &str) -> String {
    let spoken = Spoken::here();
    if !spoken.is_chosen {
        return address.to_owned();
    }
    let (address, fragment) = match address.split_once('#') {
        Some((address, fragment)) => (address, format!("#{fragment}")),
        None => (address, String::new()),
    };
    let sign = if address.contains('?') { '&' } else { '?' };
    format!("{address}{sign}lang={}{fragment}", spoken.language.tag())
}

/// Draws what no request reads. Its links lead to pages in its language, where that is not what a page
/// is in anyway.
pub(crate) fn in_language<T>(app: &App, language: Language, draw: impl FnOnce() -> T) -> T {
    let team = app.engine().settings().language;
    let spoken = Spoken {
        language,
        is_chosen: language != team,
        team,
        target: None,
    };
    SPOKEN.sync_scope(spoken, draw)
}

/// That of the present request; English without one.
pub(crate) fn here() -> Language {
    SPOKEN
        .try_with(|spoken| spoken.language)
        .unwrap_or_default()
}

/// That which a request asks for, or else the team's, and whether its address does.
pub(crate) fn asked(app: &App, request: &Request) -> (Language, bool) {
    let query = request.uri().query().unwrap_or("");
    let asked = query.split('&').find_map(|pair| pair.strip_prefix("lang="));
    let chosen = asked.and_then(Language::of_tag);
    let accepted = request.headers().get(ACCEPT_LANGUAGE);
    let accepted = accepted.and_then(|value| value.to_str().ok());
    let preferred = || accepted.and_then(::texts::accepted);
    let language = chosen.or_else(preferred);
    (
        language.unwrap_or(app.engine().settings().language),
        chosen.is_some(),
    )
}

impl Spoken {
    pub(crate) fn here() -> Self {
        SPOKEN.try_with(Self::clone).unwrap_or_default()
    }

    /// The language that the team writes in, if that is another.
    pub(crate) fn wrote(&self) -> Option<Language> {
        Some(self.team).filter(|team| *team != self.language)
    }

    /// The tag of the language, if the address says it.
    pub(crate) fn chosen_tag(&self) -> Option<&'static str> {
        self.is_chosen.then(|| self.language.tag())
    }

    fn of(app: &App, request: &Request) -> Self {
        let (language, is_chosen) = asked(app, request);
        let team = app.engine().settings().language;
        let target = Target::of(app, request);
        if is_console(request) {
            // Its links and forms need not carry the choice: a cookie does.
            let remembered = remembered(request).filter(|_| !is_chosen);
            return Self {
                language: remembered.unwrap_or(language),
                is_chosen: false,
                team,
                target,
            };
        }
        Self {
            language,
            is_chosen,
            team,
            target,
        }
    }
}

fn remembered(request: &Request) -> Option<Language> {
    let cookie = cookies(request.headers()).find(|cookie| cookie.name() == REMEMBERED)?;
    Language::of_tag(cookie.value())
}

/// Has the browser remember a language for the console.
fn remember(app: &App, language: Language) -> Option<HeaderValue> {
    let is_secure = app.engine().settings().base_url.starts_with("https://");
    let cookie = Cookie::build((REMEMBERED, language.tag()))
        .path("/console")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(is_secure)
        .max_age(Duration::days(REMEMBERED_DAYS));
    HeaderValue::from_str(&cookie.to_string()).ok()
}

impl Target {
    fn of(app: &App, request: &Request) -> Option<Self> {
        let uri = request.uri();
        let fits = uri.path_and_query()?.as_str().len() <= TARGET_BYTES_MAX;
        if request.method() != Method::GET || !fits {
            return None;
        }
        let base = &app.engine().settings().base_url;
        let pairs = uri.query().unwrap_or("").split('&');
        let others: Vec<_> = pairs
            .filter(|pair| !pair.is_empty() && !pair.starts_with("lang="))
            .collect();
        Some(Self {
            base_and_path: format!("{base}{}", uri.path()),
            query: others.join("&"),
        })
    }

    /// Leads to the page in a language from the page itself.
    pub(crate) fn beside(&self, language: Language) -> String {
        let and = if self.query.is_empty() { "" } else { "&" };
        format!("?{}{and}lang={}", self.query, language.tag())
    }

    /// Leads to the page in a language from anywhere.
    pub(crate) fn anywhere(&self, language: Language) -> String {
        format!("{}{}", self.base_and_path, self.beside(language))
    }
}

/// Answers a request in its reader's language, and says which.
pub(crate) async fn speak(State(app): State<App>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if ENGLISH_ONLY.iter().any(|begin| path.starts_with(begin)) {
        return next.run(request).await;
    }
    let spoken = Spoken::of(&app, &request);
    let tag = spoken.language.tag();
    let chooses = is_console(&request) && asked(&app, &request).1;
    let choice = remember(&app, spoken.language).filter(|_| chooses);
    let mut response = SPOKEN.scope(spoken, next.run(request)).await;
    let headers = response.headers_mut();
    headers.append(VARY, HeaderValue::from_static("accept-language"));
    if let Some(choice) = choice {
        headers.append(SET_COOKIE, choice);
    }
    let kind = headers.get(CONTENT_TYPE);
    let is_text = kind.is_some_and(|kind| !kind.as_bytes().starts_with(b"application/json"));
    if is_text {
        headers
            .entry(CONTENT_LANGUAGE)
            .or_insert(HeaderValue::from_static(tag));
    }
    response
}
