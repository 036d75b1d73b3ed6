//! Followers: who is told what is posted of incidents, where, and about which sites.
//! Never sends anything; never knows how a message looks.

use crate::id::{FollowerId, OrganizationId, SiteId};
use crate::incident::Scope;
use crate::language::Language;
use crate::name::{Hostname, ProductName};
use crate::site::Site;
use jiff::Timestamp;

/// The longest e-mail address, in bytes (RFC 5321, section 4.5.3.1.3).
const ADDRESS_BYTES_MAX: usize = 254;
/// The longest part before the @, in bytes (RFC 5321, section 4.5.3.1.1).
const LOCAL_BYTES_MAX: usize = 64;

/// Who is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Follower {
    /// Its identifier.
    pub id: FollowerId,
    /// Where it is told.
    pub channel: Channel,
    /// About what.
    pub about: About,
    /// In which language: that of the page where somebody asked for it.
    pub language: Language,
    /// When somebody asked for it, last.
    pub asked_at: Timestamp,
    /// When its holder said yes; nothing is told before.
    pub confirmed_at: Option<Timestamp>,
}

/// Where a follower is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Channel {
    /// By e-mail.
    Email(Email),
    /// By a request to an address.
    Webhook {
        /// HTTP or HTTPS.
        url: String,
        /// What the body looks like.
        shape: Shape,
        /// Signs the body (`whsec_…`); only for [`Shape::Standard`].
        secret: Option<String>,
    },
}

/// What the body of a webhook looks like.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "WebhookShape")]
pub enum Shape {
    /// Standard Webhooks, signed.
    Standard,
    /// As Statuspage tells its subscribers.
    Statuspage,
    /// An incoming webhook of Slack, or of what takes the same.
    Slack,
    /// A workflow of Microsoft Teams.
    Teams,
}

impl Shape {
    /// All shapes.
    pub const ALL: [Self; 4] = [Self::Standard, Self::Statuspage, Self::Slack, Self::Teams];

    /// The word it is stored and shown as.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Statuspage => "statuspage",
            Self::Slack => "slack",
            Self::Teams => "teams",
        }
    }

    /// Reads the word it is stored as.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|shape| shape.as_str() == word)
    }
}

impl Channel {
    /// The word for its kind: `email`, or the shape of a webhook.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Email(_) => "email",
            Self::Webhook { shape, .. } => shape.as_str(),
        }
    }

    /// Where it leads.
    #[must_use]
    pub fn address(&self) -> &str {
        match self {
            Self::Email(email) => email.as_str(),
            Self::Webhook { url, .. } => url,
        }
    }

    /// What staff may read of the address: enough to know it again, not enough to use it. The path of
    /// a webhook often is its secret.
    #[must_use]
    pub fn masked(&self) -> String {
        match self {
            Self::Email(email) => email.masked(),
            Self::Webhook { url, .. } => {
                let rest = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
                let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
                let host = host.rsplit('@').next().unwrap_or_default();
                format!("{host}/…")
            }
        }
    }
}

/// Why a text is no e-mail address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no e-mail address; it looks like name@anytown.gov")]
pub struct BadEmail;

/// An e-mail address that can stand in a header: visible ASCII, one @, nothing that separates. In
/// lower case, so that one mailbox is one address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Email(Box<str>);

impl Email {
    /// Checks an address; spaces around it are dropped.
    ///
    /// # Errors
    /// When it is none that mail is sent to here. Quoted and non-ASCII ones are not.
    pub fn parse(text: &str) -> Result<Self, BadEmail> {
        let text = text.trim();
        let (local, host) = text.split_once('@').ok_or(BadEmail)?;
        // The characters of an atom (RFC 5322, section 3.2.3).
        let atom = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
        let fits = text.len() <= ADDRESS_BYTES_MAX
            && (1..=LOCAL_BYTES_MAX).contains(&local.len())
            && local
                .split('.')
                .all(|part| !part.is_empty() && part.chars().all(atom))
            && host.contains('.');
        if !fits || Hostname::parse(&host.to_ascii_lowercase()).is_err() {
            return Err(BadEmail);
        }
        Ok(Self(text.to_ascii_lowercase().into()))
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn masked(&self) -> String {
        let (local, host) = self.0.split_once('@').unwrap_or((&self.0, ""));
        let first: String = local.chars().take(1).collect();
        format!("{first}…@{host}")
    }
}

/// Which incidents a follower is told of: those with a site of all that is named; every one when
/// nothing is named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct About {
    /// A product.
    pub product: Option<ProductName>,
    /// A customer.
    pub organization: Option<OrganizationId>,
    /// A site.
    pub site: Option<SiteId>,
}

impl About {
    /// Whether it names nothing, so that every incident concerns it.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.product.is_none() && self.organization.is_none() && self.site.is_none()
    }

    /// Whether it is about a site.
    #[must_use]
    pub fn names(&self, site: &Site) -> bool {
        self.product.as_ref().is_none_or(|one| *one == site.product)
            && self.organization.is_none_or(|one| one == site.organization)
            && self.site.is_none_or(|one| one == site.id)
    }

    /// Whether an incident concerns it, among the sites that it may be about.
    pub fn concerns<S: std::ops::Deref<Target = Site>>(
        &self,
        scope: &Scope,
        sites: impl IntoIterator<Item = S>,
    ) -> bool {
        self.is_everything()
            || sites
                .into_iter()
                .any(|site| self.names(&site) && scope.holds(&site))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_cannot_break_out_of_a_header() {
        for good in ["a@b.us", " Ann.Lee+x@City.Example ", "o'hara@a-b.gov"] {
            let email = Email::parse(good).unwrap();
            assert_eq!(email.as_str(), good.trim().to_ascii_lowercase());
        }
        for bad in [
            "",
            "a",
            "@b.us",
            "a@",
            "a@b",
            "a@b@c.us",
            "a@b.us\r\nBcc: all@b.us",
            "a@b.us,c@d.us",
            "a b@c.us",
            "\"a b\"@c.us",
            "<a@b.us>",
            "a@b.us>",
            ".a@b.us",
            "a..b@c.us",
            "a\0@b.us",
            "é@b.us",
            "a@[127.0.0.1]",
            "a@b.us;c",
            "a@b_c.us\n",
        ] {
            // A line end around an address is dropped with the spaces.
            let read = Email::parse(bad).map(|email| email.as_str().to_owned());
            assert!(
                read.is_err() || !bad.trim().contains(char::is_whitespace),
                "{bad:?}"
            );
            if let Ok(read) = read {
                assert!(read.bytes().all(|b| b.is_ascii_graphic()), "{bad:?}");
            }
        }
        assert!(Email::parse(&format!("{}@b.us", "a".repeat(65))).is_err());
    }

    #[test]
    fn what_staff_read_of_an_address_does_not_lead_there() {
        let email = Channel::Email(Email::parse("clerk@anytown.gov").unwrap());
        assert_eq!(email.masked(), "c…@anytown.gov");
        let hook = Channel::Webhook {
            url: "https://user:word@hooks.example/T0/secret?x=1".into(),
            shape: Shape::Slack,
            secret: None,
        };
        assert_eq!(hook.masked(), "hooks.example/…");
    }
}
