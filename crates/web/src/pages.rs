//! The pages people read: public status, a site's own page, the report form, the console.
//!
//! One file for each page with its view. Every page works without script. Never decides.

mod assets;
mod console;
mod errors;
pub(crate) mod lamps;
mod nav;
pub(crate) mod prose;
mod public;
mod words;

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use domain::site::Zone;

use crate::App;
use crate::access::Access;
use crate::error::ApiError;
use crate::language::{self, Language, Says as _, Spoken, say};
use crate::routes::Route;
pub(crate) use public::follow::followed;
pub(crate) use public::incident::stage;
pub(crate) use public::live::Readers;
pub(crate) use public::maintenance::window;

use assets::{ASSETS, Assets};
use errors::PageError;
use lamps::bands::Band;
use words::Reader;

/// Pages may load our own style, script and pictures, and nothing else.
const CONTENT_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; \
     connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
);

pub(crate) fn routes() -> Vec<Route> {
    let mut routes = vec![Route::get("/assets/{name}", Access::Public, assets::asset)];
    routes.extend(public::routes());
    routes.extend(console::routes());
    routes
}

/// What every page is framed with.
struct Page {
    title: String,
    /// The address of the entry of the navigation that is shown as current.
    here: &'static str,
    wide: bool,
    signed_in: bool,
    /// Whether it keeps itself as things are now, where script may run.
    live: bool,
    spoken: Spoken,
    assets: &'static Assets,
}

impl Page {
    fn public(title: impl Into<String>, here: &'static str) -> Self {
        Self {
            title: title.into(),
            here,
            wide: false,
            signed_in: false,
            live: false,
            spoken: Spoken::here(),
            assets: &ASSETS,
        }
    }

    fn console(title: impl Into<String>, here: &'static str) -> Self {
        Self {
            title: title.into(),
            here,
            wide: true,
            signed_in: true,
            live: false,
            spoken: Spoken::here(),
            assets: &ASSETS,
        }
    }

    /// A public page that follows what happens.
    fn live(title: impl Into<String>, here: &'static str) -> Self {
        Self {
            live: true,
            ..Self::public(title, here)
        }
    }

    /// A text in the page's language.
    fn say(&self, key: &'static str) -> &'static str {
        self.spoken.language.say(key)
    }

    /// A text with words in it.
    fn with(&self, key: &'static str, name: &'static str, words: impl ToString) -> String {
        self.with2(key, &[(name, words.to_string())])
    }

    /// A text with words in two places, or more.
    fn with2<W: ToString, const N: usize>(
        &self,
        key: &'static str,
        words: &[(&'static str, W); N],
    ) -> String {
        let words = words
            .each_ref()
            .map(|(name, words)| (*name, words.to_string().into()));
        self.spoken.language.tell(key, words)
    }

    /// Stands in the tag of what the team wrote, where the page is in another language: so that it is read
    /// aloud as it was meant.
    fn wrote(&self) -> String {
        let wrote = self.spoken.wrote();
        wrote.map_or_else(String::new, |wrote| format!(" lang=\"{}\"", wrote.tag()))
    }

    /// Stands in the tag of what is English on every page.
    fn english(&self) -> &'static str {
        match self.spoken.language {
            Language::English => "",
            Language::Spanish => " lang=\"en\"",
        }
    }

    /// What a link without a query ends with: the language, if the reader chose it.
    fn asks(&self) -> String {
        self.chosen("?lang=")
    }

    /// What a link with a query ends with.
    fn and(&self) -> String {
        self.chosen("&lang=")
    }

    fn chosen(&self, begin: &str) -> String {
        let tag = self.spoken.language.tag();
        let chosen = self.spoken.is_chosen.then(|| format!("{begin}{tag}"));
        chosen.unwrap_or_default()
    }

    /// The same for a form that is sent as a query. HTML without anything typed by people.
    fn hidden(&self) -> String {
        if !self.spoken.is_chosen {
            return String::new();
        }
        let tag = self.spoken.language.tag();
        format!("<input type=\"hidden\" name=\"lang\" value=\"{tag}\">")
    }

    fn languages(&self) -> [Language; 2] {
        Language::ALL
    }

    /// The languages that the page could be read in instead.
    fn others(&self) -> Vec<Language> {
        let mut others = Language::ALL.to_vec();
        others.retain(|one| *one != self.spoken.language);
        others
    }

    fn links(&self) -> Vec<nav::Link> {
        nav::bar(self.signed_in, self.here)
    }

    /// The other pages of the console's section.
    fn beside(&self) -> Vec<nav::Link> {
        if self.signed_in {
            nav::beside(self.here)
        } else {
            vec![]
        }
    }
}

/// A zone that a reader may choose.
struct Choice {
    name: String,
    value: String,
    chosen: bool,
}

/// The reader of a page: the zone asked for, or `fallback`. An unknown zone is no error: the page
/// names the zone it uses.
fn reader(app: &App, asked: Option<&str>, fallback: &Zone) -> Reader {
    let zone = asked
        .and_then(|name| Zone::parse(name).ok())
        .unwrap_or_else(|| fallback.clone());
    Reader {
        language: language::here(),
        zone,
        now: app.engine().clock().now(),
    }
}

/// The zones of the fleet, the vendor's own and the chosen one.
fn zone_choices(bands: &[Band], home: &Zone, reader: &Reader) -> Vec<Choice> {
    let mut choices: Vec<Choice> = vec![];
    let of_bands = bands
        .iter()
        .map(|band| (words::zone_name(&band.name), &band.zone));
    let others = [home, &reader.zone].map(|zone| (zone.as_str().replace('_', " "), zone));
    for (name, zone) in of_bands.chain(others) {
        let value = zone.as_str().to_owned();
        if choices.iter().all(|choice| choice.value != value) {
            choices.push(Choice {
                name,
                chosen: *zone == reader.zone,
                value,
            });
        }
    }
    choices
}

/// Renders a page. Public pages may be kept by a browser as long as it asks whether they changed.
fn render(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => {
            let headers = [
                (header::CONTENT_SECURITY_POLICY, CONTENT_POLICY),
                (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
            ];
            (status, headers, Html(html)).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "could not render a page");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// For an address that leads nowhere.
pub(crate) fn nothing_here() -> Response {
    PageError::not_found(say("error-mistyped")).into_response()
}

/// For a form that cannot be read.
pub(crate) fn bad_form(error: &ApiError) -> Response {
    PageError::bad_form(error.status(), error.message()).into_response()
}

/// For a path or a query that cannot be read.
pub(crate) fn bad_address(error: &ApiError) -> Response {
    PageError::bad_address(error.status(), error.message()).into_response()
}

/// For an address that tried too often.
pub(crate) fn too_many(error: &ApiError) -> Response {
    let mut page = PageError::too_many(error.message()).into_response();
    let after = error.retry_after();
    page.headers_mut()
        .extend(after.map(|after| (header::RETRY_AFTER, after)));
    page
}

/// For somebody who is known, and may not do this.
pub(crate) fn not_allowed(says: &str) -> Response {
    PageError::not_allowed(says).into_response()
}

type Answer = Result<Response, PageError>;
