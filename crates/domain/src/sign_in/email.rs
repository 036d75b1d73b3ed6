//! E-mail addresses, in the one spelling that accounts are found by.
//! Never proves that an address receives mail.

use std::fmt;

use crate::name::{BadName, Hostname};

const RULE: &str = "NAME@HOST, at most 254 characters, without spaces";

/// An e-mail address in lower case.
#[derive(
    Clone,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("format" = "email"))]
pub struct Email(Box<str>);

impl Email {
    /// Reads an address, ignoring case and surrounding spaces.
    ///
    /// # Errors
    /// Names the text that is not an address.
    pub fn parse(text: &str) -> Result<Self, BadName> {
        let fail = || BadName::new("e-mail address", text, RULE);
        let spelling = text.trim().to_lowercase();
        let (name, host) = spelling.rsplit_once('@').ok_or_else(fail)?;
        let plain = |c: char| !c.is_whitespace() && !c.is_control() && !"@\"<>,;".contains(c);
        let fits = (1..=64).contains(&name.len()) && spelling.len() <= 254;
        if !fits || !name.chars().all(plain) || Hostname::parse(host).is_err() {
            return Err(fail());
        }
        Ok(Self(spelling.into()))
    }

    /// The address as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl std::str::FromStr for Email {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Email {
    type Error = BadName;

    fn try_from(text: String) -> Result<Self, BadName> {
        Self::parse(&text)
    }
}

impl From<Email> for String {
    fn from(email: Email) -> Self {
        email.0.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_has_one_spelling() {
        for (text, spelling) in [
            ("clerk@29palms.gov", "clerk@29palms.gov"),
            ("  Clerk@29Palms.GOV ", "clerk@29palms.gov"),
            ("a.b+c@x.us", "a.b+c@x.us"),
        ] {
            assert_eq!(Email::parse(text).unwrap().as_str(), spelling);
        }
        let long = format!("{}@x.us", "a".repeat(65));
        for bad in [
            "",
            "clerk",
            "@x.us",
            "a@",
            "a@localhost",
            "a b@x.us",
            "a@@x.us",
            "a@x..us",
            &long,
        ] {
            assert!(Email::parse(bad).is_err(), "{bad}");
        }
    }
}
