//! Path patterns of delegations: `*`, `?` and `[...]`, within one part of a path.

use glob::{MatchOptions, Pattern};
use serde::{Deserialize, Deserializer};

const EXACTLY: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: false,
};

/// A pattern, part by part, so that no wildcard reaches across a `/`.
#[derive(Debug)]
pub(crate) struct PathPattern {
    /// `None` when a part is no pattern: it then covers nothing, and gives nobody authority.
    parts: Option<Vec<Pattern>>,
}

impl PathPattern {
    pub(crate) fn new(text: &str) -> Self {
        let parts = text.split('/').map(Pattern::new);
        Self {
            parts: parts.collect::<Result<_, _>>().ok(),
        }
    }

    pub(crate) fn matches(&self, path: &str) -> bool {
        let Some(parts) = &self.parts else {
            return false;
        };
        let mut found = path.split('/');
        let all = parts.iter().all(|pattern| {
            found
                .next()
                .is_some_and(|part| pattern.matches_with(part, EXACTLY))
        });
        all && found.next().is_none()
    }
}

impl<'de> Deserialize<'de> for PathPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self::new(&text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_stays_within_its_part_of_the_path() {
        for (pattern, path, covered) in [
            ("*", "readme", true),
            ("*", "a/readme", false),
            ("*.md", "README.md", true),
            ("*.md", "README.MD", false),
            ("foo-?.tgz", "foo-1.tgz", true),
            ("foo-?.tgz", "foo-12.tgz", false),
            ("releases/*/*", "releases/x/x_v1", true),
            ("releases/*/*", "releases/x", false),
            ("releases/*/*", "releases/x/y/z", false),
            ("releases/**", "releases/x", true),
            ("releases/**", "releases/x/y", false),
            ("release-[12]", "release-2", true),
            ("release-[12]", "release-3", false),
            ("{a,b}", "a", false),
            // Not a pattern: it covers nothing.
            ("a***", "a", false),
            ("[", "[", false),
        ] {
            assert_eq!(
                PathPattern::new(pattern).matches(path),
                covered,
                "{pattern} {path}"
            );
        }
    }
}
