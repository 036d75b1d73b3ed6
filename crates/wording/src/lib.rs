//! What is recorded, drafted and posted by itself, in words: the values of the domain, the incident report, the
//! templates that come along, and what is said where no person writes. From the Fluent files in `texts/`.
//!
//! The domain decides what is said; this says it in the language of a team or a reader. Never decides, never
//! knows who reads.

mod built_in;
mod posts;
mod records;
mod report;
mod timeline;

use std::sync::LazyLock;

use domain::language::Language;
use texts::{Catalog, Value};

pub use posts::{Halt, Team};

macro_rules! files {
    ($folder:literal) => {
        [
            include_str!(concat!("../texts/", $folder, "/posts.ftl")),
            include_str!(concat!("../texts/", $folder, "/records.ftl")),
            include_str!(concat!("../texts/", $folder, "/report.ftl")),
        ]
    };
}

const ENGLISH_FILES: [&str; 3] = files!("en");
const SPANISH_FILES: [&str; 3] = files!("es");

static TEXTS: LazyLock<Catalog> = LazyLock::new(|| Catalog::read(&ENGLISH_FILES, &SPANISH_FILES));

/// The words of a language.
#[derive(Clone, Copy, Debug)]
pub struct Words(Language);

/// The words of a language.
#[must_use]
pub fn words(language: Language) -> Words {
    Words(language)
}

impl Words {
    fn say(self, key: &'static str) -> &'static str {
        LazyLock::force(&TEXTS).say(self.0, key)
    }

    fn tell<const N: usize>(
        self,
        key: &'static str,
        values: [(&'static str, Value<'_>); N],
    ) -> String {
        TEXTS.tell(self.0, key, values)
    }
}

#[cfg(test)]
mod tests;
