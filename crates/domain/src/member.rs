//! Who belongs to an organization: people with one address, or with any address of a mail domain.
//! Never knows whether there is an account; what its address says is the provider's word.

use std::fmt;

use crate::name::Hostname;
use crate::sign_in::Email;

/// How many entries one organization may have.
pub const MEMBERS_MAX: usize = 100;

/// Mail domains that anybody gets an address at: a member of these would be everybody.
const OPEN_TO_ALL: [&str; 16] = [
    "aol.com",
    "att.net",
    "comcast.net",
    "gmail.com",
    "gmx.com",
    "googlemail.com",
    "hotmail.com",
    "icloud.com",
    "live.com",
    "mail.com",
    "me.com",
    "msn.com",
    "outlook.com",
    "proton.me",
    "verizon.net",
    "yahoo.com",
];

/// Why a text names no member.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadMember {
    /// Neither an address nor a domain.
    #[error(
        "{0:?} is no member: give an address such as clerk@anytown.gov, or a mail domain such as @anytown.gov"
    )]
    Spelling(String),
    /// A domain that gives addresses to everybody.
    #[error("anybody can have an address at {0}: give the members' addresses one by one")]
    OpenToAll(Hostname),
}

/// Somebody, or everybody with an address of a domain.
#[derive(
    Clone,
    Debug,
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
#[schemars(with = "String")]
pub enum Member {
    /// Whoever has this address.
    Address(Email),
    /// Whoever has an address of this domain itself; those of domains below it are none.
    Domain(Hostname),
}

impl Member {
    /// Reads an address, or a domain that begins with `@`.
    ///
    /// # Errors
    /// When it is neither, or so wide that it would hold strangers.
    pub fn parse(text: &str) -> Result<Self, BadMember> {
        let bad = || BadMember::Spelling(text.chars().take(80).collect());
        let Some(domain) = text.trim().strip_prefix('@') else {
            return Email::parse(text).map(Self::Address).map_err(|_| bad());
        };
        let domain = Hostname::parse(&domain.to_lowercase()).map_err(|_| bad())?;
        if OPEN_TO_ALL.contains(&domain.as_str()) {
            return Err(BadMember::OpenToAll(domain));
        }
        Ok(Self::Domain(domain))
    }

    /// What an address belongs to organizations by: itself, and its domain.
    #[must_use]
    pub fn spellings(address: &str) -> [String; 2] {
        let address = address.to_lowercase();
        let domain = address.rsplit_once('@').map_or("", |(_, domain)| domain);
        let domain = format!("@{domain}");
        [address, domain]
    }
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(email) => email.fmt(f),
            Self::Domain(domain) => write!(f, "@{domain}"),
        }
    }
}

impl TryFrom<String> for Member {
    type Error = BadMember;

    fn try_from(text: String) -> Result<Self, BadMember> {
        Self::parse(&text)
    }
}

impl From<Member> for String {
    fn from(member: Member) -> Self {
        member.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_an_address_or_a_domain() {
        for (text, spelling) in [
            (" Clerk@AnyTown.gov ", "clerk@anytown.gov"),
            ("@AnyTown.GOV", "@anytown.gov"),
            ("someone@gmail.com", "someone@gmail.com"),
            ("@ci.anytown.co.us", "@ci.anytown.co.us"),
        ] {
            let member = Member::parse(text).unwrap();
            assert_eq!(member.to_string(), spelling);
            let json = serde_json::to_string(&member).unwrap();
            assert_eq!(serde_json::from_str::<Member>(&json).unwrap(), member);
        }
    }

    #[test]
    fn a_member_that_would_be_everybody_is_refused() {
        let open = Member::parse("@Gmail.com").unwrap_err();
        assert!(matches!(open, BadMember::OpenToAll(_)), "{open}");
        for text in [
            "",
            "@",
            "@gov",
            "anytown.gov",
            "@any town.gov",
            "a@b@c",
            "@@a.gov",
        ] {
            let bad = Member::parse(text).unwrap_err();
            assert!(matches!(bad, BadMember::Spelling(_)), "{text}: {bad}");
        }
    }

    #[test]
    fn an_address_belongs_by_itself_and_by_its_domain() {
        let spellings = Member::spellings("Clerk@AnyTown.gov");
        assert_eq!(spellings, ["clerk@anytown.gov", "@anytown.gov"]);
        let odd = Member::spellings("none");
        assert_eq!(odd[1], "@", "no member is spelt so");
    }
}
