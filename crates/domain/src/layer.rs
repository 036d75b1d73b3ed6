//! Layers of a document: what a zone, a state, a county, a named group of sites or one site has otherwise
//! than the product. A layer's version is a JSON Merge Patch (RFC 7396), and a document like any other.
//! Never fetches, never stores.

mod choice;
mod facts;
mod merge;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::name::{BadName, GroupName, Hostname};
use crate::site::Zone;

pub use choice::{Choice, Piece, base_choice, choose, layer_choice, ranges};
pub use facts::{Facts, GROUPS_OF_SITE_MAX};
pub use merge::{NotMerged, merge};

/// The longest layer but a site, in bytes of its [`Layer::slug`]: it is part of a file's name.
const SLUG_BYTES_MAX: usize = 150;
const RULE: &str = "zone:America/Chicago, state:CA, county:CA/Kern, group:NAME or site:HOST";

/// Which sites a version of a document is for: in the order in which layers are merged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Layer {
    /// All sites of the product: the document that layers are merged into.
    #[default]
    Base,
    /// The sites of a time zone.
    Zone(Zone),
    /// The sites of a state.
    State(Arc<str>),
    /// The sites of a county of a state.
    County(Arc<str>, Arc<str>),
    /// The sites of a group that people named.
    Group(GroupName),
    /// One site.
    Site(Hostname),
}

impl Layer {
    /// Reads a layer as it is written: `zone:America/Chicago`; the empty text is the base.
    ///
    /// # Errors
    /// Says what is expected.
    pub fn parse(text: &str) -> Result<Self, BadName> {
        let bad = || BadName::new("layer", text, RULE);
        if text.is_empty() {
            return Ok(Self::Base);
        }
        let (kind, name) = text.split_once(':').ok_or_else(bad)?;
        let layer = match kind {
            "zone" => Self::Zone(Zone::parse(name)?),
            "state" => Self::State(
                place(name)
                    .filter(|name| !name.contains('/'))
                    .ok_or_else(bad)?,
            ),
            "county" => {
                let (state, county) = name.split_once('/').ok_or_else(bad)?;
                Self::County(
                    place(state).ok_or_else(bad)?,
                    place(county).ok_or_else(bad)?,
                )
            }
            "group" => Self::Group(GroupName::parse(name)?),
            "site" => Self::Site(Hostname::parse(name)?),
            _ => return Err(bad()),
        };
        let is_long = layer.slug().len() > SLUG_BYTES_MAX && !matches!(layer, Self::Site(_));
        if is_long { Err(bad()) } else { Ok(layer) }
    }

    /// Whether it is the document itself, not a layer of it.
    #[must_use]
    pub fn is_base(&self) -> bool {
        *self == Self::Base
    }

    /// Whether it is for one site only.
    #[must_use]
    pub fn is_site(&self) -> bool {
        matches!(self, Self::Site(_))
    }

    /// The layer as one part of a file's name: no two layers have the same.
    #[must_use]
    pub fn slug(&self) -> String {
        let text = self.to_string();
        let (kind, name) = text.split_once(':').unwrap_or((&text, ""));
        let mut slug = format!("{kind}.");
        for byte in name.bytes() {
            if byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.' {
                slug.push(char::from(byte));
            } else {
                slug += &format!("_{byte:02x}");
            }
        }
        slug
    }
}

fn place(name: &str) -> Option<Arc<str>> {
    let fits =
        !name.trim().is_empty() && name.trim() == name && !name.chars().any(char::is_control);
    fits.then(|| name.into())
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Base => Ok(()),
            Self::Zone(zone) => write!(f, "zone:{zone}"),
            Self::State(state) => write!(f, "state:{state}"),
            Self::County(state, county) => write!(f, "county:{state}/{county}"),
            Self::Group(group) => write!(f, "group:{group}"),
            Self::Site(site) => write!(f, "site:{site}"),
        }
    }
}

impl std::str::FromStr for Layer {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        Self::parse(text)
    }
}

impl serde::Serialize for Layer {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Layer {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Layer {
    fn schema_name() -> Cow<'static, str> {
        "Layer".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "examples": ["zone:America/Chicago", "county:CA/Kern", "site:29palms.gov"]})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_reads_back_as_it_is_written_and_has_a_safe_name_of_its_own() {
        for (text, slug) in [
            ("zone:America/Chicago", "zone.America_2fChicago"),
            ("state:CA", "state.CA"),
            ("county:NM/Doña Ana", "county.NM_2fDo_c3_b1a_20Ana"),
            ("group:early", "group.early"),
            ("site:29palms.gov", "site.29palms.gov"),
        ] {
            let layer = Layer::parse(text).unwrap();
            assert_eq!(
                (layer.to_string().as_str(), layer.slug().as_str()),
                (text, slug)
            );
            let json = serde_json::to_string(&layer).unwrap();
            assert_eq!(serde_json::from_str::<Layer>(&json).unwrap(), layer);
        }
        assert_eq!(Layer::parse("").unwrap(), Layer::Base);
        for bad in [
            "zone",
            "zone:Mars/North",
            "state:",
            "state:CA/Kern",
            "county:CA",
            "county:CA/",
            "town:x",
            "group:Early",
            "site:x",
            "county:CA/ Kern",
            "base",
        ] {
            assert!(Layer::parse(bad).is_err(), "{bad}");
        }
        assert!(
            Layer::parse(&format!("county:CA/{}", "é".repeat(60))).is_err(),
            "too long"
        );
    }

    #[test]
    fn the_narrower_layer_comes_later() {
        let texts = [
            "",
            "zone:America/Chicago",
            "state:TX",
            "county:TX/Bexar",
            "group:a",
            "group:b",
            "site:a.gov",
        ];
        let layers: Vec<_> = texts
            .iter()
            .map(|text| Layer::parse(text).unwrap())
            .collect();
        assert!(layers.is_sorted());
    }
}
