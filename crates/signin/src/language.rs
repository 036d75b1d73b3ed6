//! In which language the provider's pages speak, and their texts, from the Fluent files in `texts/`.

use std::sync::LazyLock;

use axum::http::{HeaderMap, header};
use domain::language::Language;
use texts::{Catalog, accepted, first_of};

use crate::params::Params;

const ENGLISH_FILES: [&str; 1] = [include_str!("../texts/en/sign_in.ftl")];
const SPANISH_FILES: [&str; 1] = [include_str!("../texts/es/sign_in.ftl")];

static TEXTS: LazyLock<Catalog> = LazyLock::new(|| Catalog::read(&ENGLISH_FILES, &SPANISH_FILES));

/// What a request is answered in: what the site says that its resident reads, what the address of the
/// form says, what the browser prefers, or else `fallback`.
pub(crate) fn asked(headers: &HeaderMap, params: &Params, fallback: Language) -> Language {
    let site = || params.get("ui_locales").and_then(first_of);
    let chosen = || params.get("lang").and_then(Language::of_tag);
    let header = headers.get(header::ACCEPT_LANGUAGE);
    let browser = || header.and_then(|value| accepted(value.to_str().ok()?));
    site().or_else(chosen).or_else(browser).unwrap_or(fallback)
}

/// The text of a key that takes no values.
pub(crate) fn say(language: Language, key: &'static str) -> &'static str {
    LazyLock::force(&TEXTS).say(language, key)
}

/// A text that names a site.
pub(crate) fn tell_site(language: Language, key: &'static str, site: &str) -> String {
    TEXTS.tell(language, key, [("site", site.into())])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_the_same_texts_and_each_is_said() {
        let (english, spanish) = (texts::held(&ENGLISH_FILES), texts::held(&SPANISH_FILES));
        assert_eq!(english, spanish);
        let written = [
            include_str!("../templates/frame.html"),
            include_str!("../templates/problem.html"),
            include_str!("../templates/sign_in.html"),
            include_str!("authorize.rs"),
            include_str!("page.rs"),
            include_str!("sign_in.rs"),
        ];
        for (key, values) in english.expect("the files can be read") {
            let quoted = format!("\"{key}\"");
            assert!(written.iter().any(|one| one.contains(&quoted)), "{key}");
            for language in Language::ALL {
                assert_eq!(TEXTS.is_plain(language, &key), values.is_empty(), "{key}");
            }
        }
    }

    #[test]
    fn the_site_is_heard_before_the_address_and_the_address_before_the_browser() {
        use Language::{English, Spanish};
        for (query, header, fallback, expected) in [
            ("ui_locales=es-MX+en&lang=en", "en", English, Spanish),
            ("ui_locales=fr&lang=es", "en", English, Spanish),
            ("lang=fr", "es", English, Spanish),
            ("ui_locales=&lang=", "es", English, Spanish),
            ("", "fr", Spanish, Spanish),
            ("", "fr", English, English),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, header.parse().expect("a value"));
            let params = Params::parse(query.as_bytes());
            assert_eq!(asked(&headers, &params, fallback), expected, "{query}");
        }
    }
}
