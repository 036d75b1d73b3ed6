//! Sites: who they belong to, where they are, which code they run.
//! Never decides whether a site is well; that is the evidence's to say.

pub mod import;
pub mod state;
pub mod update;

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use semver::Version;

use crate::id::{OrganizationId, SiteId};
use crate::name::{BadName, Hostname, ProductName};
use crate::place::Point;

/// A customer.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Organization {
    /// Its identifier.
    pub id: OrganizationId,
    /// Its name, such as "City of Twentynine Palms".
    pub name: Arc<str>,
}

/// A customer's website.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Site {
    /// Its identifier.
    pub id: SiteId,
    /// Where it answers.
    pub hostname: Hostname,
    /// Whose it is.
    pub organization: OrganizationId,
    /// The product it runs.
    pub product: ProductName,
    /// What kind of body it serves, such as "City".
    pub kind: Arc<str>,
    /// Where it is.
    pub area: Area,
    /// The time zone its people live in.
    pub zone: Zone,
    /// How many people it serves, where known.
    pub population: Option<u32>,
    /// The release it runs.
    pub running: Version,
    /// The release it ran before, while one is known.
    pub ran_before: Option<Version>,
    /// When `running` was activated.
    #[schemars(with = "crate::schema::Moment")]
    pub activated_at: Timestamp,
}

/// Where a site is.
#[derive(
    Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, schemars::JsonSchema,
)]
pub struct Area {
    /// Two letters, such as "CA".
    pub state: Arc<str>,
    /// The city.
    pub city: Arc<str>,
    /// The county, where known.
    pub county: Option<Arc<str>>,
    /// The point on the map, where known.
    pub point: Option<Point>,
}

/// An IANA time zone, by name: Arizona shares Pacific's clock in July and is still another zone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, schemars::JsonSchema)]
#[schemars(extend("examples" = ["America/Chicago"]))]
pub struct Zone(Arc<str>);

impl Zone {
    /// Checks that the bundled zone data knows `name`.
    ///
    /// # Errors
    /// Names the text that is not a zone.
    pub fn parse(name: &str) -> Result<Self, BadName> {
        let rule = "an IANA name such as America/Chicago";
        let known = TimeZone::get(name).map_err(|_| BadName::new("time zone", name, rule))?;
        let name = known
            .iana_name()
            .ok_or_else(|| BadName::new("time zone", name, rule))?;
        Ok(Self(name.into()))
    }

    /// Coordinated Universal Time.
    #[must_use]
    pub fn utc() -> Self {
        Self("UTC".into())
    }

    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its rules.
    #[must_use]
    pub fn rules(&self) -> TimeZone {
        TimeZone::get(&self.0).unwrap_or(TimeZone::UTC)
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl serde::Serialize for Zone {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> serde::Deserialize<'de> for Zone {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::parse(&name).map_err(serde::de::Error::custom)
    }
}
