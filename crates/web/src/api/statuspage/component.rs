//! Components: each product's sign-in, and within it the sites of each time zone.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use domain::name::ProductName;
use domain::site::state::SiteState;
use domain::site::{Site, Zone};
use domain::text::grouped;
use engine::IncidentView;
use jiff::Timestamp;
use semver::Version;
use serde::Serialize;

use super::incident::updated_at;
use crate::App;

/// A component, as Statuspage writes it.
#[derive(Clone, Serialize)]
pub(super) struct Component {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) status: &'static str,
    created_at: Timestamp,
    updated_at: Timestamp,
    position: usize,
    description: String,
    showcase: bool,
    start_date: Option<String>,
    group_id: Option<String>,
    page_id: String,
    group: bool,
    only_show_if_degraded: bool,
    /// The components of a group.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    components: Vec<String>,
    /// Which incidents concern it, by the scopes of all that are public.
    #[serde(skip)]
    concerned: Vec<bool>,
}

/// Sites of one product and time zone.
struct Part {
    since: Timestamp,
    sites: usize,
    down: usize,
    /// Whether planned work is being done on one of them.
    worked_on: bool,
    concerned: Vec<bool>,
}

impl Component {
    /// Whether the incident at this place of the list concerns it.
    pub(super) fn is_concerned(&self, incident: usize) -> bool {
        self.concerned.get(incident).copied().unwrap_or(false)
    }
}

/// All components: for each product a group, and in it the zones from west to east.
///
/// A site counts as down when an incident that a person accepted takes it in, and nothing proves that
/// its sign-in works: what customers are told here is what they are told everywhere.
pub(super) fn all(app: &App, incidents: &[Arc<IncidentView>]) -> Vec<Component> {
    let fleet = app.engine().fleet();
    let lamps = app.drawn().lamps(&fleet);
    let page = super::page_id(app);
    let mut groups: BTreeMap<ProductName, Vec<(usize, Part)>> = BTreeMap::new();
    let mut kinds = Kinds::new(app.engine().clock().now());
    for (place, band) in lamps.bands.iter().enumerate() {
        let mut parts: HashMap<ProductName, Part> = HashMap::new();
        for index in &band.sites {
            let Some(site) = fleet.site(*index) else {
                continue;
            };
            let part = parts
                .entry(site.product.clone())
                .or_insert_with(|| Part::empty(&site, incidents.len()));
            part.add(&site, fleet.state(*index), kinds.concern(&site, incidents));
        }
        for (product, part) in parts {
            groups.entry(product).or_default().push((place, part));
        }
    }
    let mut components = vec![];
    for (product, parts) in groups {
        let group = format!("sign-in.{product}");
        let of_zones = parts.iter().map(|(place, part)| {
            let band = lamps.bands.get(*place);
            let (slug, name) = band.map_or(("", ""), |band| (&*band.slug, &*band.name));
            let id = format!("{group}.{slug}");
            (id, name, part)
        });
        let of_zones: Vec<_> = of_zones.collect();
        let mut first = Component::of(&group, &whole(&parts), incidents, &page);
        first.name = format!("Sign-in on {product}");
        first.group = true;
        first.components = of_zones.iter().map(|(id, ..)| id.clone()).collect();
        components.push(first);
        for (id, name, part) in of_zones {
            let mut zone = Component::of(&id, part, incidents, &page);
            name.clone_into(&mut zone.name);
            zone.group_id = Some(group.clone());
            components.push(zone);
        }
    }
    for (position, component) in components.iter_mut().enumerate() {
        component.position = position + 1;
    }
    components
}

/// The parts of a product, taken together.
fn whole(parts: &[(usize, Part)]) -> Part {
    let parts = || parts.iter().map(|(_, part)| part);
    let incidents = parts().map(|part| part.concerned.len()).max().unwrap_or(0);
    let concerns = |at: usize| parts().any(|part| part.concerned.get(at) == Some(&true));
    Part {
        since: parts().map(|part| part.since).min().unwrap_or_default(),
        sites: parts().map(|part| part.sites).sum(),
        down: parts().map(|part| part.down).sum(),
        worked_on: parts().any(|part| part.worked_on),
        concerned: (0..incidents).map(concerns).collect(),
    }
}

impl Part {
    fn empty(first: &Site, incidents: usize) -> Self {
        Self {
            since: first.activated_at,
            sites: 0,
            down: 0,
            worked_on: false,
            concerned: vec![false; incidents],
        }
    }

    fn add(&mut self, site: &Site, state: SiteState, concern: &Concern) {
        let is_down = matches!(
            state,
            SiteState::Failing | SiteState::Reported | SiteState::Restoring
        );
        self.since = self.since.min(site.activated_at);
        self.sites += 1;
        self.worked_on |= concern.worked_on;
        self.down += usize::from(concern.is_told && is_down);
        for (known, concerned) in self.concerned.iter_mut().zip(&concern.incidents) {
            *known |= concerned;
        }
    }
}

/// What a scope can tell sites apart by.
type Kind = (ProductName, Zone, Version);

/// Sites come in few kinds, so that each scope is asked once for a kind, not for each of 100,000 sites.
struct Kinds {
    known: HashMap<Kind, Concern>,
    now: Timestamp,
}

/// Which incidents concern the sites of a kind.
struct Concern {
    incidents: Vec<bool>,
    /// Whether one of them is open.
    is_told: bool,
    /// Whether planned work is being done in their zone.
    worked_on: bool,
}

/// Whether planned work is being done in a zone: its window is open there, or it is checked.
fn is_worked_on(view: &IncidentView, zone: &Zone, now: Timestamp) -> bool {
    let work = view.incident.maintenance.as_ref();
    super::is_active(view)
        && work.is_some_and(|work| {
            let (from, until) = work.window.in_zone(zone);
            (from..until).contains(&now) || now >= work.until
        })
}

impl Kinds {
    fn new(now: Timestamp) -> Self {
        let known = HashMap::new();
        Self { known, now }
    }

    fn concern(&mut self, site: &Site, incidents: &[Arc<IncidentView>]) -> &Concern {
        let now = self.now;
        let kind = (
            site.product.clone(),
            site.zone.clone(),
            site.running.clone(),
        );
        self.known.entry(kind).or_insert_with(|| {
            let holds = |view: &Arc<IncidentView>| view.incident.scope.holds(site);
            let mut open = incidents.iter().filter(|view| super::is_unresolved(view));
            let mut work = incidents.iter();
            Concern {
                is_told: open.any(holds),
                worked_on: work.any(|one| is_worked_on(one, &site.zone, now) && holds(one)),
                incidents: incidents.iter().map(holds).collect(),
            }
        })
    }
}

impl Component {
    fn of(id: &str, part: &Part, incidents: &[Arc<IncidentView>], page: &str) -> Self {
        let changes = incidents
            .iter()
            .zip(&part.concerned)
            .filter(|(_, concerned)| **concerned)
            .map(|(view, _)| updated_at(view));
        Self {
            id: id.to_owned(),
            name: String::new(),
            status: match status(part.down, part.sites) {
                "operational" if part.worked_on => super::incident::UNDER_MAINTENANCE,
                status => status,
            },
            created_at: part.since,
            updated_at: changes.max().unwrap_or(part.since),
            position: 0,
            description: format!("{} sites", grouped(part.sites as u64)),
            showcase: true,
            start_date: None,
            group_id: None,
            page_id: page.to_owned(),
            group: false,
            only_show_if_degraded: false,
            components: vec![],
            concerned: part.concerned.clone(),
        }
    }
}

/// The same steps as [`domain::incident::Impact::of_sites`].
fn status(down: usize, sites: usize) -> &'static str {
    super::incident::component_status(domain::incident::Impact::of_sites(down, sites))
}
