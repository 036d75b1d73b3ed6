//! The texts of pages, from the Fluent files in `texts/`: one folder for each language, the same
//! keys in each.

use std::sync::LazyLock;

use ::texts::Catalog;

pub(crate) use ::texts::Value;

use super::Language;

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
            include_str!(concat!("../../texts/", $folder, "/own.ftl")),
            include_str!(concat!("../../texts/", $folder, "/console-audience.ftl")),
            include_str!(concat!("../../texts/", $folder, "/console-drills.ftl")),
            include_str!(concat!("../../texts/", $folder, "/console-frame.ftl")),
            include_str!(concat!("../../texts/", $folder, "/console-lamps.ftl")),
            include_str!(concat!("../../texts/", $folder, "/console-incidents.ftl")),
            include_str!(concat!("../../texts/", $folder, "/console-incident.ftl")),
            include_str!(concat!("../../texts/", $folder, "/console-compose.ftl")),
            include_str!(concat!("../../texts/", $folder, "/console-alarms.ftl")),
            include_str!(concat!("../../texts/", $folder, "/console-reports.ftl")),
            include_str!(concat!("../../texts/", $folder, "/console-follow-ups.ftl")),
            include_str!(concat!("../../texts/", $folder, "/console-planned.ftl")),
            include_str!(concat!("../../texts/", $folder, "/console-report.ftl")),
        ]
    };
}

const ENGLISH_FILES: &[&str] = &files!("en");
const SPANISH_FILES: &[&str] = &files!("es");

static TEXTS: LazyLock<Catalog> = LazyLock::new(|| Catalog::read(ENGLISH_FILES, SPANISH_FILES));

/// Says the texts of pages in a language.
pub(crate) trait Says {
    /// The text of a key that takes no values. Tests see to it that there is one.
    fn say(self, key: &'static str) -> &'static str;

    /// A text with values in it.
    fn tell<const N: usize>(
        self,
        key: &'static str,
        values: [(&'static str, Value<'_>); N],
    ) -> String;
}

impl Says for Language {
    fn say(self, key: &'static str) -> &'static str {
        LazyLock::force(&TEXTS).say(self, key)
    }

    fn tell<const N: usize>(
        self,
        key: &'static str,
        values: [(&'static str, Value<'_>); N],
    ) -> String {
        TEXTS.tell(self, key, values)
    }
}

#[cfg(test)]
mod tests;
