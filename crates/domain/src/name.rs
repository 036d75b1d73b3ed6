//! Names that people choose, checked once at the edge.
//! Never looks anything up.

use std::fmt;

/// Why a name was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a {noun}: {rule}")]
pub struct BadName {
    /// What it should have been.
    pub noun: &'static str,
    /// What it was, cut to 80 characters.
    pub text: String,
    /// What is expected.
    pub rule: &'static str,
}

impl BadName {
    /// Says that `text` is not a `noun`; the text is cut so that an error stays readable.
    #[must_use]
    pub fn new(noun: &'static str, text: &str, rule: &'static str) -> Self {
        Self {
            noun,
            text: text.chars().take(80).collect(),
            rule,
        }
    }
}

macro_rules! name {
    ($($(#[$doc:meta])* $name:ident = $noun:literal, $check:path, $rule:expr, $pattern:expr, $example:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schemars(extend("pattern" = $pattern, "examples" = [$example]))]
        pub struct $name(Box<str>);

        impl $name {
            /// Checks a name.
            ///
            /// # Errors
            /// Says which rule the text breaks.
            pub fn parse(text: &str) -> Result<Self, BadName> {
                if $check(text) { Ok(Self(text.into())) } else { Err(BadName::new($noun, text, $rule)) }
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = BadName;

            fn from_str(text: &str) -> Result<Self, BadName> {
                Self::parse(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadName;

            fn try_from(text: String) -> Result<Self, BadName> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0.into()
            }
        }
    )+};
}

const SLUG: &str = "1 to 63 of a-z, 0-9 and '-', starting and ending with a letter or digit";
/// The same rule, as descriptions of the API state it.
const LABEL: &str = "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$";
/// Labels joined by dots, as descriptions of the API state it.
const HOSTNAME: &str =
    r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+$";

name! {
    /// A product of the vendor, such as `web-central`.
    ProductName = "product", is_label, SLUG, LABEL, "web-central";
    /// A shared service, such as `sign-in`.
    ServiceName = "service", is_label, SLUG, LABEL, "sign-in";
    /// A document of a service, such as `client`.
    DocumentName = "document", is_label, SLUG, LABEL, "client";
    /// A group of sites, such as `early`.
    GroupName = "group", is_label, SLUG, LABEL, "early";
    /// A lower-case host name of at most 253 characters, such as `29palms.gov`.
    Hostname = "host name", is_hostname, "labels of a-z, 0-9 and '-' joined by dots, in lower case, at most 253 characters", HOSTNAME, "29palms.gov";
}

fn is_label(text: &str) -> bool {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    (1..=63).contains(&text.len())
        && edge(text.chars().next())
        && edge(text.chars().next_back())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn is_hostname(text: &str) -> bool {
    text.len() <= 253 && text.contains('.') && text.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_names_are_checked() {
        for good in ["29palms.gov", "a-b.c.us", "x.y"] {
            assert!(Hostname::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "localhost",
            "A.gov",
            "-a.gov",
            "a..gov",
            "a_b.gov",
            "a.gov.",
            "a b.gov",
        ] {
            assert!(Hostname::parse(bad).is_err(), "{bad}");
        }
    }
}
