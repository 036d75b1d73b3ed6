//! Which language a reader gets, and the texts in it.
//!
//! A request speaks one language from its beginning to its end, so it is held beside the request's
//! task: whatever draws its answer asks here, and whatever runs without a request (mails, the engine)
//! speaks English. Never translates what people wrote.

mod texts;

use axum::extract::{Request, State};
use axum::http::header::{ACCEPT_LANGUAGE, CONTENT_LANGUAGE, CONTENT_TYPE, VARY};
use axum::http::{HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;

use crate::App;

pub(crate) use texts::Value;

/// A longer header is nobody's list of languages.
const HEADER_BYTES_MAX: usize = 500;
const HEADER_LANGUAGES_MAX: usize = 20;
/// A page at a longer address is there, but does not name its other languages.
const TARGET_BYTES_MAX: usize = 1_000;
/// What programs read stays in English.
const ENGLISH_ONLY: [&str; 4] = ["/api", "/assets/", "/embed.js", "/oidc"];

/// A language that the texts are complete in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Language {
    #[default]
    English,
    Spanish,
}

/// What a request is answered in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spoken {
    pub(crate) language: Language,
    /// Whether the address says so: then the page's links say it too.
    pub(crate) is_chosen: bool,
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
    Language::here().say(key)
}

/// A text with values in it, in the language of the present request.
pub(crate) fn tell<const N: usize>(
    key: &'static str,
    values: [(&'static str, Value<'_>); N],
) -> String {
    Language::here().tell(key, values)
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

/// Draws what no request reads, in English.
pub(crate) fn in_english<T>(draw: impl FnOnce() -> T) -> T {
    SPOKEN.sync_scope(Spoken::default(), draw)
}

impl Language {
    pub(crate) const ALL: [Self; 2] = [Self::English, Self::Spanish];

    /// That of the present request; English without one.
    pub(crate) fn here() -> Self {
        SPOKEN
            .try_with(|spoken| spoken.language)
            .unwrap_or_default()
    }

    /// That which a request asks for, and whether its address does.
    pub(crate) fn of(request: &Request) -> (Self, bool) {
        let query = request.uri().query().unwrap_or("");
        let asked = query.split('&').find_map(|pair| pair.strip_prefix("lang="));
        let chosen = asked.and_then(Self::of_tag);
        let accepted = request.headers().get(ACCEPT_LANGUAGE);
        let accepted = accepted.and_then(|value| value.to_str().ok());
        let preferred = || accepted.and_then(Self::preferred);
        (
            chosen.or_else(preferred).unwrap_or_default(),
            chosen.is_some(),
        )
    }

    /// Its tag (BCP 47).
    pub(crate) fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Spanish => "es",
        }
    }

    /// What it calls itself.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Spanish => "Español",
        }
    }

    /// The language of a tag such as `es` or `es-MX`.
    fn of_tag(tag: &str) -> Option<Self> {
        let primary = tag.split('-').next()?;
        Self::ALL
            .into_iter()
            .find(|one| one.tag().eq_ignore_ascii_case(primary))
    }

    /// The language that a reader likes best of those that are there (RFC 9110, section 12.5.4);
    /// nothing where none is named, or the header is none.
    fn preferred(header: &str) -> Option<Self> {
        if header.len() > HEADER_BYTES_MAX {
            return None;
        }
        let mut best: Option<(f32, Self)> = None;
        for range in header.split(',').take(HEADER_LANGUAGES_MAX) {
            let (tag, weight) = range.split_once(';').unwrap_or((range, "q=1"));
            let weight = weight.trim().strip_prefix("q=");
            let weight = weight.and_then(|q| q.parse::<f32>().ok());
            let weight = weight.filter(|q| (0.0..=1.0).contains(q)).unwrap_or(0.0);
            let is_better = best.is_none_or(|(known, _)| weight > known);
            if let Some(language) = Self::of_tag(tag.trim()).filter(|_| weight > 0.0 && is_better) {
                best = Some((weight, language));
            }
        }
        best.map(|(_, language)| language)
    }
}

impl Spoken {
    pub(crate) fn here() -> Self {
        SPOKEN.try_with(Self::clone).unwrap_or_default()
    }

    fn of(app: &App, request: &Request) -> Self {
        let (language, is_chosen) = Language::of(request);
        Self {
            language,
            is_chosen,
            target: Target::of(app, request),
        }
    }
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
    let mut response = SPOKEN.scope(spoken, next.run(request)).await;
    let headers = response.headers_mut();
    headers.append(VARY, HeaderValue::from_static("accept-language"));
    let kind = headers.get(CONTENT_TYPE);
    let is_text = kind.is_some_and(|kind| !kind.as_bytes().starts_with(b"application/json"));
    if is_text {
        headers
            .entry(CONTENT_LANGUAGE)
            .or_insert(HeaderValue::from_static(tag));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_gets_the_language_that_is_liked_best() {
        use Language::{English, Spanish};
        let long = format!("es,{}", "x".repeat(HEADER_BYTES_MAX));
        let many = format!("{}es", "de,".repeat(HEADER_LANGUAGES_MAX));
        for (header, liked) in [
            ("es", Some(Spanish)),
            ("es-MX,es;q=0.9,en;q=0.8", Some(Spanish)),
            ("en-US,en;q=0.9,es;q=0.8", Some(English)),
            ("en;q=0.5, ES-us;q=0.7", Some(Spanish)),
            ("de,fr;q=0.9,es;q=0.1", Some(Spanish)),
            ("es;q=0,en;q=0.1", Some(English)),
            ("de, fr", None),
            ("*", None),
            ("", None),
            ("es;q=2", None),
            ("es;q=NaN", None),
            (";;;,,,=q;es", None),
            (&long, None),
            (&many, None),
        ] {
            assert_eq!(Language::preferred(header), liked, "{header}");
        }
    }
}
