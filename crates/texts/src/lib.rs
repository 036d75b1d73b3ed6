//! Texts for people in their languages, read from Fluent files that are built in, and which
//! language somebody asks for.
//!
//! Each crate that speaks keeps its own files: a folder for each language, the same keys in each.
//! Never knows a request or a page.

mod asked;
mod held;

use std::collections::HashMap;

use domain::language::Language;
use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use unic_langid::LanguageIdentifier;

pub use asked::{accepted, first_of};
pub use held::{Held, held};

/// A value in a text: a number, which chooses the plural, or words.
pub type Value<'a> = FluentValue<'a>;

/// The texts of one crate in every language, read once.
pub struct Catalog {
    english: Texts,
    spanish: Texts,
}

struct Texts {
    bundle: FluentBundle<FluentResource>,
    /// Those without values, which most are.
    plain: HashMap<String, String>,
}

impl Catalog {
    /// Reads the files of each language. Tests read all files: what does not parse, or is there
    /// twice, never gets here.
    #[must_use]
    pub fn read(english: &[&'static str], spanish: &[&'static str]) -> Self {
        Self {
            english: Texts::read("en-US", english),
            spanish: Texts::read("es-US", spanish),
        }
    }

    fn texts(&self, language: Language) -> &Texts {
        match language {
            Language::English => &self.english,
            Language::Spanish => &self.spanish,
        }
    }

    /// The text of a key that takes no values; the key itself where there is none.
    #[must_use]
    pub fn say(&self, language: Language, key: &'static str) -> &str {
        let plain = &self.texts(language).plain;
        plain.get(key).map_or(key, String::as_str)
    }

    /// A text with values in it.
    pub fn tell<const N: usize>(
        &self,
        language: Language,
        key: &'static str,
        values: [(&'static str, Value<'_>); N],
    ) -> String {
        let texts = self.texts(language);
        let message = texts.bundle.get_message(key);
        let Some(pattern) = message.and_then(|message| message.value()) else {
            return key.to_owned();
        };
        let values: FluentArgs<'_> = values.into_iter().collect();
        let text = texts
            .bundle
            .format_pattern(pattern, Some(&values), &mut vec![]);
        text.into_owned()
    }

    /// A text whose key and values are not known before; nothing where there is no such text.
    pub fn fill<'a>(
        &self,
        language: Language,
        key: &str,
        values: impl IntoIterator<Item = (&'a str, Value<'a>)>,
    ) -> Option<String> {
        let texts = self.texts(language);
        let pattern = texts.bundle.get_message(key)?.value()?;
        let values: FluentArgs<'_> = values.into_iter().collect();
        let text = texts
            .bundle
            .format_pattern(pattern, Some(&values), &mut vec![]);
        Some(text.into_owned())
    }

    /// Whether a text can be said without values.
    #[must_use]
    pub fn is_plain(&self, language: Language, key: &str) -> bool {
        self.texts(language).plain.contains_key(key)
    }
}

impl Texts {
    fn read(language: &str, files: &[&'static str]) -> Self {
        let language: LanguageIdentifier = language.parse().unwrap_or_default();
        let mut bundle = FluentBundle::new_concurrent(vec![language]);
        // The marks that isolate values are for texts that mix writing directions; here they would
        // only be copied along with host names.
        bundle.set_use_isolating(false);
        bundle.set_formatter(Some(number));
        let mut plain = HashMap::new();
        for file in files {
            let resource = match FluentResource::try_new((*file).to_owned()) {
                Ok(resource) | Err((resource, _)) => resource,
            };
            let keys: Vec<_> = held::keys(file).map(str::to_owned).collect();
            bundle.add_resource_overriding(resource);
            for key in keys {
                let mut problems = vec![];
                let pattern = bundle.get_message(&key).and_then(|message| message.value());
                let text = pattern.map(|it| bundle.format_pattern(it, None, &mut problems));
                if let Some(text) = text.filter(|_| problems.is_empty()).map(String::from) {
                    plain.insert(key, text);
                }
            }
        }
        Self { bundle, plain }
    }
}

/// Numbers as both languages write them in the USA: 13,732.
fn number<M>(value: &FluentValue<'_>, _: &M) -> Option<String> {
    match value {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "texts tell counts"
        )]
        FluentValue::Number(n) => Some(count(n.value as usize)),
        _ => None,
    }
}

/// A count with separators: 13,732.
#[must_use]
pub fn count(n: usize) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
