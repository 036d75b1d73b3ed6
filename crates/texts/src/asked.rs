//! Which language somebody asks for.

use domain::language::Language;

/// A longer text is nobody's list of languages.
const LIST_BYTES_MAX: usize = 500;
const LANGUAGES_MAX: usize = 20;

/// The language that a reader likes best of those that are there, by an `Accept-Language` header
/// (RFC 9110, section 12.5.4); nothing where none is named, or the header is none.
#[must_use]
pub fn accepted(header: &str) -> Option<Language> {
    if header.len() > LIST_BYTES_MAX {
        return None;
    }
    let mut best: Option<(f32, Language)> = None;
    for range in header.split(',').take(LANGUAGES_MAX) {
        let (tag, weight) = range.split_once(';').unwrap_or((range, "q=1"));
        let weight = weight.trim().strip_prefix("q=");
        let weight = weight.and_then(|q| q.parse::<f32>().ok());
        let weight = weight.filter(|q| (0.0..=1.0).contains(q)).unwrap_or(0.0);
        let is_better = best.is_none_or(|(known, _)| weight > known);
        if let Some(language) = Language::of_tag(tag.trim()).filter(|_| weight > 0.0 && is_better) {
            best = Some((weight, language));
        }
    }
    best.map(|(_, language)| language)
}

/// The first language that is there of tags with spaces between them, the best liked first, as
/// `ui_locales` has them (OpenID Connect Core 1.0, section 3.1.2.1).
#[must_use]
pub fn first_of(tags: &str) -> Option<Language> {
    if tags.len() > LIST_BYTES_MAX {
        return None;
    }
    let mut tags = tags.split(' ').take(LANGUAGES_MAX);
    tags.find_map(Language::of_tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_gets_the_language_that_is_liked_best() {
        use Language::{English, Spanish};
        let long = format!("es,{}", "x".repeat(LIST_BYTES_MAX));
        let many = format!("{}es", "de,".repeat(LANGUAGES_MAX));
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
            assert_eq!(accepted(header), liked, "{header}");
        }
    }

    #[test]
    fn a_site_names_the_languages_of_its_resident_in_order() {
        use Language::{English, Spanish};
        let long = format!("es {}", "x".repeat(LIST_BYTES_MAX));
        let many = format!("{}es", "de ".repeat(LANGUAGES_MAX));
        for (tags, liked) in [
            ("es", Some(Spanish)),
            ("fr-CA es-419 en", Some(Spanish)),
            ("en es", Some(English)),
            ("  ES-us", Some(Spanish)),
            ("fr de", None),
            ("es,en", None),
            ("", None),
            (&long, None),
            (&many, None),
        ] {
            assert_eq!(first_of(tags), liked, "{tags}");
        }
    }
}
