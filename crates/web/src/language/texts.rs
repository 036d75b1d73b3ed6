//! The texts, from the Fluent files in `texts/`: one folder for each language, the same keys in each.

use std::collections::HashMap;
use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use unic_langid::LanguageIdentifier;

use super::Language;

/// A value in a text: a number, which chooses the plural, or words.
pub(crate) type Value<'a> = FluentValue<'a>;

macro_rules! files {
    ($folder:literal) => {
        [
            include_str!(concat!("../../texts/", $folder, "/console-accounts.ftl")),
            include_str!(concat!("../../texts/", $folder, "/console-audit.ftl")),
            include_str!(concat!("../../texts/", $folder, "/console-banners.ftl")),
            include_str!(concat!("../../texts/", $folder, "/console-calendars.ftl")),
            include_str!(concat!("../../texts/", $folder, "/console-campaigns.ftl")),
            include_str!(concat!("../../texts/", $folder, "/console-comments.ftl")),
            include_str!(concat!("../../texts/", $folder, "/console-config.ftl")),
            include_str!(concat!("../../texts/", $folder, "/console-design.ftl")),
            include_str!(concat!("../../texts/", $folder, "/console-fleet.ftl")),
            include_str!(concat!("../../texts/", $folder, "/console-followers.ftl")),
            include_str!(concat!("../../texts/", $folder, "/console-on-call.ftl")),
            include_str!(concat!("../../texts/", $folder, "/console-people.ftl")),
            include_str!(concat!("../../texts/", $folder, "/console-releases.ftl")),
            include_str!(concat!("../../texts/", $folder, "/console-sign-in.ftl")),
            include_str!(concat!("../../texts/", $folder, "/console-site.ftl")),
            include_str!(concat!("../../texts/", $folder, "/console-templates.ftl")),
            include_str!(concat!("../../texts/", $folder, "/words.ftl")),
            include_str!(concat!("../../texts/", $folder, "/frame.ftl")),
            include_str!(concat!("../../texts/", $folder, "/status.ftl")),
            include_str!(concat!("../../texts/", $folder, "/site.ftl")),
            include_str!(concat!("../../texts/", $folder, "/incident.ftl")),
            include_str!(concat!("../../texts/", $folder, "/report.ftl")),
            include_str!(concat!("../../texts/", $folder, "/follow.ftl")),
            include_str!(concat!("../../texts/", $folder, "/comments.ftl")),
            include_str!(concat!("../../texts/", $folder, "/errors.ftl")),
        ]
    };
}

const ENGLISH_FILES: &[&str] = &files!("en");
const SPANISH_FILES: &[&str] = &files!("es");

static ENGLISH: LazyLock<Texts> = LazyLock::new(|| Texts::read("en-US", ENGLISH_FILES));
static SPANISH: LazyLock<Texts> = LazyLock::new(|| Texts::read("es-US", SPANISH_FILES));

/// The texts of a language, read once.
struct Texts {
    bundle: FluentBundle<FluentResource>,
    /// Those without values, which most are.
    plain: HashMap<String, String>,
}

impl Texts {
    fn read(language: &str, files: &[&str]) -> Self {
        let language: LanguageIdentifier = language.parse().unwrap_or_default();
        let mut bundle = FluentBundle::new_concurrent(vec![language]);
        // The marks that isolate values are for texts that mix writing directions; here they would
        // only be copied along with host names.
        bundle.set_use_isolating(false);
        bundle.set_formatter(Some(number));
        let mut plain = HashMap::new();
        for file in files {
            // A test reads all files: what does not parse, or is there twice, never gets here.
            let resource = match FluentResource::try_new((*file).to_owned()) {
                Ok(resource) | Err((resource, _)) => resource,
            };
            let keys: Vec<_> = keys(file).map(str::to_owned).collect();
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

/// The keys of a file: they begin a line.
fn keys(file: &str) -> impl Iterator<Item = &str> {
    let begins = |line: &&str| line.starts_with(|c: char| c.is_ascii_alphabetic());
    let lines = file.lines().filter(begins);
    lines.filter_map(|line| Some(line.split_once('=')?.0.trim()))
}

/// Numbers as both languages write them in the USA: 13,732.
fn number<M>(value: &FluentValue<'_>, _: &M) -> Option<String> {
    match value {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "texts tell counts"
        )]
        FluentValue::Number(n) => Some(crate::pages::count(n.value as usize)),
        _ => None,
    }
}

impl Language {
    fn texts(self) -> &'static Texts {
        match self {
            Self::English => &ENGLISH,
            Self::Spanish => &SPANISH,
        }
    }

    /// The text of a key that takes no values. Tests see to it that there is one.
    pub(crate) fn say(self, key: &'static str) -> &'static str {
        self.texts().plain.get(key).map_or(key, String::as_str)
    }

    /// A text with values in it.
    pub(crate) fn tell<const N: usize>(
        self,
        key: &'static str,
        values: [(&'static str, Value<'_>); N],
    ) -> String {
        let texts = self.texts();
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
}

#[cfg(test)]
mod tests;
