//! Banners: short words on the pages of the sites of an area, while a window is open.
//! Decides where and when one stands. Never shows anything.

pub mod room;

use std::borrow::Borrow;
use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;

use crate::id::BannerId;
use crate::name::{Hostname, ProductName};
use crate::place::{self, BadRing, County, Point};
use crate::site::{Site, Zone};
use crate::text::{has_controls, is_blank};

/// The longest text, in characters: a banner is read in passing.
pub const TEXT_CHARACTERS_MAX: usize = 500;
/// The most products, zones, states, counties or host names of an area, and the most sites of its
/// counties and its drawn part when it is saved: sites learn of those by name.
pub const PLACES_MAX: usize = 5_000;

/// Words that stand on pages for a while.
#[derive(
    Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
pub struct Banner {
    /// Its identifier.
    pub id: BannerId,
    /// Grows with every change: a change decided on an older version cannot be saved.
    pub version: u64,
    /// What it says: Markdown.
    pub text: String,
    /// How urgent it is.
    pub severity: Severity,
    /// The sites it is about.
    pub area: Area,
    /// From when it stands.
    #[schemars(with = "crate::schema::Moment")]
    pub from: Timestamp,
    /// Until when; none until somebody ends it.
    #[schemars(with = "Option<crate::schema::Moment>")]
    pub until: Option<Timestamp>,
}

/// How urgent a banner is, mildest first.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Something may not work.
    Warning,
    /// Something does not work.
    Critical,
}

/// Sites by where they are: those in one of the places named, of one of the products named. Without
/// a place, they may be anywhere; without a product, of any.
#[derive(
    Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "BannerArea")]
pub struct Area {
    /// Sites of these products only.
    pub products: BTreeSet<ProductName>,
    /// In one of these states, by two letters, such as "CA".
    pub states: BTreeSet<String>,
    /// In one of these time zones.
    pub zones: BTreeSet<Zone>,
    /// One of these.
    pub sites: BTreeSet<Hostname>,
    // Left out where there are none: agents from before them refuse a field that they do not know.
    /// In one of these counties, such as "CA/Alameda".
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub counties: BTreeSet<County>,
    /// Within the area of these corners, or on its border; the last corner leads to the first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub polygon: Vec<Point>,
}

/// What is wrong with a banner.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadBanner {
    /// It says nothing, or too much.
    #[error("a banner says something, in at most {TEXT_CHARACTERS_MAX} characters")]
    Text,
    /// It ends before it begins.
    #[error("a banner must end after it begins")]
    Window,
    /// A state is not written as two letters.
    #[error("{0:?} is no state: write two letters, such as CA")]
    State(String),
    /// The corners bound no area.
    #[error(transparent)]
    Polygon(#[from] BadRing),
    /// A list is too long.
    #[error("at most {PLACES_MAX} are listed; name what they share instead")]
    TooMany(&'static str),
}

impl BadBanner {
    /// The field it is about.
    #[must_use]
    pub fn at(&self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Window => "until",
            Self::State(_) => "area.states",
            Self::Polygon(_) => "area.polygon",
            Self::TooMany(at) => at,
        }
    }
}

impl Banner {
    /// Checks what the types leave open.
    ///
    /// # Errors
    /// Names the field and the rule.
    pub fn check(mut self) -> Result<Self, BadBanner> {
        let fits = self.text.chars().count() <= TEXT_CHARACTERS_MAX;
        if !fits || is_blank(&self.text) || has_controls(&self.text) {
            return Err(BadBanner::Text);
        }
        if self.until.is_some_and(|until| until <= self.from) {
            return Err(BadBanner::Window);
        }
        place::open(&mut self.area.polygon);
        self.area.check()?;
        Ok(self)
    }

    /// Whether it stands at a moment.
    #[must_use]
    pub fn stands(&self, now: Timestamp) -> bool {
        self.from <= now && !self.is_over(now)
    }

    /// Whether it will not stand any more.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| until <= now)
    }

    /// The banner, ended at a moment. One that has not begun never stands.
    #[must_use]
    pub fn end(self, now: Timestamp) -> Self {
        Self {
            from: self.from.min(now),
            until: Some(now),
            version: self.version + 1,
            ..self
        }
    }
}

impl Area {
    /// Whether a site lies in it. One whose point is not known lies in no drawn area.
    #[must_use]
    pub fn holds(&self, site: &Site) -> bool {
        self.is_of(&site.product)
            && (self.is_anywhere()
                || self.names(
                    (&site.product, &site.hostname),
                    (&site.zone, &site.area.state),
                )
                || self.surrounds(site))
    }

    /// As [`Area::holds`] of an area without counties and drawn part, for who knows only this of a
    /// site: its agent, or the site itself.
    #[must_use]
    pub fn holds_place(&self, site: (&ProductName, &Hostname), place: (&Zone, &str)) -> bool {
        self.is_of(site.0) && (self.is_anywhere() || self.names(site, place))
    }

    fn is_of(&self, product: &ProductName) -> bool {
        self.products.is_empty() || self.products.contains(product)
    }

    fn is_anywhere(&self) -> bool {
        let Self {
            products: _,
            states,
            zones,
            sites,
            counties,
            polygon,
        } = self;
        states.is_empty()
            && zones.is_empty()
            && sites.is_empty()
            && counties.is_empty()
            && polygon.is_empty()
    }

    fn names(
        &self,
        (_, hostname): (&ProductName, &Hostname),
        (zone, state): (&Zone, &str),
    ) -> bool {
        self.states.contains(state) || self.zones.contains(zone) || self.sites.contains(hostname)
    }

    /// Whether a site lies in one of its counties or its drawn part.
    fn surrounds(&self, site: &Site) -> bool {
        let county = || {
            let county = site.area.county.as_deref();
            county.is_some_and(|name| self.counties.contains(&County::of(&site.area.state, name)))
        };
        let drawn = || {
            let point = site.area.point;
            point.is_some_and(|point| place::is_inside(&self.polygon, point))
        };
        (!self.counties.is_empty() && county()) || (!self.polygon.is_empty() && drawn())
    }

    /// Whether who decides on it must know a site's county or point.
    #[must_use]
    pub fn needs_points(&self) -> bool {
        !self.counties.is_empty() || !self.polygon.is_empty()
    }

    /// The area with the sites of its counties and its drawn part by name, for who does not know
    /// where sites are; none when no site is left that it could be about.
    #[must_use]
    pub fn by_name<S: Borrow<Site>>(&self, fleet: impl IntoIterator<Item = S>) -> Option<Self> {
        let mut named = self.clone();
        if !self.needs_points() {
            return Some(named);
        }
        for site in fleet {
            let site = site.borrow();
            if self.is_of(&site.product) && self.surrounds(site) {
                named.sites.insert(site.hostname.clone());
            }
        }
        named.counties.clear();
        named.polygon.clear();
        // Without any place it would be about every site.
        (!named.is_anywhere()).then_some(named)
    }

    /// Whether it takes in every site.
    #[must_use]
    pub fn is_everywhere(&self) -> bool {
        *self == Self::default()
    }

    fn check(&self) -> Result<(), BadBanner> {
        let is_state =
            |state: &&String| state.len() == 2 && state.bytes().all(|b| b.is_ascii_uppercase());
        if let Some(bad) = self.states.iter().find(|state| !is_state(state)) {
            return Err(BadBanner::State(bad.clone()));
        }
        for (at, count) in [
            ("area.products", self.products.len()),
            ("area.states", self.states.len()),
            ("area.zones", self.zones.len()),
            ("area.sites", self.sites.len()),
            ("area.counties", self.counties.len()),
        ] {
            if count > PLACES_MAX {
                return Err(BadBanner::TooMany(at));
            }
        }
        if !self.polygon.is_empty() {
            place::check_ring(&self.polygon)?;
        }
        Ok(())
    }
}

impl fmt::Display for Area {
    /// Such as "all sites", "CA, OR" or "web-central sites in America/Denver".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMED_MAX: usize = 5;
        fn named<T: ToString>(all: &BTreeSet<T>) -> impl Iterator<Item = String> {
            all.iter().map(T::to_string)
        }
        let products: Vec<_> = named(&self.products).collect();
        let corners = self.polygon.len();
        let drawn = (corners > 0).then(|| format!("a drawn area of {corners} corners"));
        let places = named(&self.states)
            .chain(drawn)
            .chain(named(&self.counties))
            .chain(named(&self.zones))
            .chain(named(&self.sites));
        let mut places: Vec<_> = places.collect();
        let more = places.len().saturating_sub(NAMED_MAX);
        places.truncate(NAMED_MAX);
        let mut places = places.join(", ");
        if more > 0 {
            places.push_str(&format!(" and {more} more"));
        }
        match (products.is_empty(), places.is_empty()) {
            (true, true) => f.write_str("all sites"),
            (true, false) => f.write_str(&places),
            (false, true) => write!(f, "{} sites", products.join(", ")),
            (false, false) => write!(f, "{} sites in {places}", products.join(", ")),
        }
    }
}

impl Severity {
    /// All severities, mildest first.
    pub const ALL: [Self; 3] = [Self::Info, Self::Warning, Self::Critical];

    /// The word it is stored and sent as.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }

    /// Reads the word it is stored and sent as.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(json: &str) -> Area {
        serde_json::from_str(json).unwrap()
    }

    fn banner(text: &str, until: Option<&str>) -> Banner {
        Banner {
            id: BannerId::from_bytes(&[1; 16]).unwrap(),
            version: 1,
            text: text.into(),
            severity: Severity::Warning,
            area: Area::default(),
            from: "2023-07-11T21:00:00Z".parse().unwrap(),
            until: until.map(|until| until.parse().unwrap()),
        }
    }

    #[test]
    fn an_area_holds_sites_in_any_of_its_places_and_of_its_products() {
        let product = ProductName::parse("web-central").unwrap();
        let hostname = Hostname::parse("anchorage.ak.example").unwrap();
        let zone = Zone::parse("America/Anchorage").unwrap();
        for (json, holds, words) in [
            ("{}", true, "all sites"),
            (r#"{"states": ["AK"]}"#, true, "AK"),
            (r#"{"states": ["CA"]}"#, false, "CA"),
            (
                r#"{"states": ["CA"], "zones": ["America/Anchorage"]}"#,
                true,
                "CA, America/Anchorage",
            ),
            (
                r#"{"products": ["parks"], "states": ["AK"]}"#,
                false,
                "parks sites in AK",
            ),
            (
                r#"{"products": ["web-central"]}"#,
                true,
                "web-central sites",
            ),
            (
                r#"{"states": ["CA","CO","CT","DE","FL","GA"], "sites": ["anchorage.ak.example"]}"#,
                true,
                "CA, CO, CT, DE, FL and 2 more",
            ),
        ] {
            let area = area(json);
            let found = area.holds_place((&product, &hostname), (&zone, "AK"));
            assert_eq!(found, holds, "{json}");
            assert_eq!(area.to_string(), words);
        }
    }

    #[test]
    fn a_banner_stands_within_its_window() {
        let one = banner("Sign-in fails.", Some("2023-07-11T23:00:00Z"));
        let stands = |at: &str| one.stands(at.parse().unwrap());
        assert!(!stands("2023-07-11T20:59:59Z"));
        assert!(stands("2023-07-11T21:00:00Z") && stands("2023-07-11T22:59:59Z"));
        assert!(!stands("2023-07-11T23:00:00Z"));
        let early: Timestamp = "2023-07-11T20:00:00Z".parse().unwrap();
        let ended = one.clone().end(early);
        assert!(ended.is_over(early) && !ended.stands(early) && ended.version == 2);
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let at = |banner: Banner| banner.check().err().map(|bad| bad.at());
        assert_eq!(at(banner("Sign-in fails.", None)), None);
        assert_eq!(at(banner(" \u{200b}", None)), Some("text"));
        assert_eq!(at(banner(&"x".repeat(501), None)), Some("text"));
        assert_eq!(at(banner("a\u{7}", None)), Some("text"));
        let ends_first = banner("a", Some("2023-07-11T21:00:00Z"));
        assert_eq!(at(ends_first), Some("until"));
        let bad_state = Banner {
            area: area(r#"{"states": ["Alaska"]}"#),
            ..banner("a", None)
        };
        assert_eq!(at(bad_state), Some("area.states"));
    }

    #[test]
    fn counties_and_drawn_areas_reach_who_knows_no_places_as_names() {
        let mut site = crate::campaign::plan::tests::site("a.gov", "America/Denver", None);
        site.area.state = "CA".into();
        site.area.county = Some("Alameda County".into());
        let known = {
            let mut site = site.clone();
            site.area.point = Some(Point::new(1.0, 1.0));
            site
        };
        let drawn = area(r#"{"polygon": [[0, 0], [2, 0], [2, 2]]}"#);
        let county = area(r#"{"counties": ["ca/alameda"]}"#);
        assert!(county.holds(&site) && drawn.holds(&known));
        assert!(!drawn.holds(&site), "nobody knows where it is");
        assert_eq!(drawn.to_string(), "a drawn area of 3 corners");
        let named = county.by_name([&site]).unwrap();
        let json = serde_json::to_string(&named).unwrap();
        assert_eq!(
            json,
            r#"{"products":[],"states":[],"zones":[],"sites":["a.gov"]}"#
        );
        assert_eq!(drawn.by_name([&site]), None, "and not everywhere");
        assert_eq!(drawn.by_name([&known]).unwrap().sites.len(), 1);
        let mixed = area(r#"{"states": ["AK"], "counties": ["NV/Clark"]}"#);
        assert_eq!(mixed.by_name([&site]), Some(area(r#"{"states": ["AK"]}"#)));
        assert!(!drawn.is_everywhere() && !county.is_everywhere());
        let crossed = Banner {
            area: area(r#"{"polygon": [[0, 0], [1, 1], [1, 0], [0, 1]]}"#),
            ..banner("a", None)
        };
        assert_eq!(crossed.check().unwrap_err().at(), "area.polygon");
    }
}
