//! What sites learn of banners: a document like any other, service `banners`, name `standing`.

use domain::banner::Banner;
use domain::name::{Hostname, ProductName};
use domain::site::Zone;
use jiff::Timestamp;

/// The service that the document belongs to.
pub const SERVICE: &str = "banners";
/// Its name within the service.
pub const DOCUMENT: &str = "standing";

/// The banners of a product that stand or will stand: the body of the document.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Standing {
    /// In the order that they begin.
    pub banners: Vec<Banner>,
}

impl Standing {
    /// Those that a site shows now, the most urgent first: `place` is its time zone and its state.
    #[must_use]
    pub fn on(
        &self,
        site: (&ProductName, &Hostname),
        place: (&Zone, &str),
        now: Timestamp,
    ) -> Vec<&Banner> {
        let shown = |one: &&Banner| one.stands(now) && one.area.holds_place(site, place);
        let mut shown: Vec<_> = self.banners.iter().filter(shown).collect();
        shown.sort_by_key(|one| std::cmp::Reverse(one.severity));
        shown
    }
}
