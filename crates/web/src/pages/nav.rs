//! Where pages lead: the bar of the public pages, and the console's sections with their pages.
//! Never decides who may follow a link; the routes do.

use crate::language::say;

/// A link of the navigation.
pub(super) struct Link {
    pub(super) name: &'static str,
    pub(super) to: &'static str,
    /// Whether it leads to the page that is shown, or to the list that it belongs to.
    pub(super) here: bool,
}

/// A part of the console.
pub(super) struct Section {
    pub(super) name: &'static str,
    /// Its pages by name and address; the bar leads to the first.
    pub(super) pages: &'static [(&'static str, &'static str)],
}

/// By the keys of their names.
const PUBLIC: &[(&str, &str)] = &[
    ("page-status", "/"),
    ("your-site", "/sites"),
    ("report-a-problem", "/report"),
    ("page-follow", "/follow"),
];

/// The console, section by section.
pub(super) const CONSOLE: &[Section] = &[
    Section {
        name: "Lamps",
        pages: &[("Lamps", "/console")],
    },
    Section {
        name: "Incidents",
        pages: &[
            ("Incidents", "/console/incidents"),
            ("Planned work", "/console/maintenances"),
            ("Alarms", "/console/alarms"),
            ("Reports", "/console/reports"),
            ("Follow-ups", "/console/follow-ups"),
        ],
    },
    Section {
        name: "Customers",
        pages: &[
            ("Banners", "/console/banners"),
            ("Templates", "/console/templates"),
            ("Comments", "/console/comments"),
            ("Followers", "/console/followers"),
        ],
    },
    Section {
        name: "Fleet",
        pages: &[
            ("Sites", "/console/fleet"),
            ("Organizations", "/console/organizations"),
            ("Campaigns", "/console/campaigns"),
        ],
    },
    Section {
        name: "Delivery",
        pages: &[
            ("Releases", "/console/releases"),
            ("Config", "/console/config"),
            ("Drills", "/console/drills"),
        ],
    },
    Section {
        name: "Settings",
        pages: &[
            ("On call", "/console/on-call"),
            ("Calendars", "/console/calendars"),
            ("Sign-in", "/console/accounts"),
            ("People", "/console/people"),
            ("Audit", "/console/audit"),
            ("API", "/api"),
            ("Design", "/console/design"),
        ],
    },
];

/// The links of the bar, on the page at `here`.
pub(super) fn bar(is_console: bool, here: &str) -> Vec<Link> {
    if is_console {
        let link = |section: &Section| {
            section.pages.first().map(|(_, to)| Link {
                name: section.name,
                to,
                here: holds(section, here),
            })
        };
        CONSOLE.iter().filter_map(link).collect()
    } else {
        let mut links = links(PUBLIC, here);
        for link in &mut links {
            link.name = say(link.name);
        }
        links
    }
}

/// The pages beside the console's page at `here`; none where it stands alone in its section.
pub(super) fn beside(here: &str) -> Vec<Link> {
    CONSOLE
        .iter()
        .filter(|section| section.pages.len() > 1)
        .find(|section| holds(section, here))
        .map_or_else(Vec::new, |section| links(section.pages, here))
}

fn holds(section: &Section, here: &str) -> bool {
    section.pages.iter().any(|(_, to)| *to == here)
}

fn links(pages: &'static [(&'static str, &'static str)], here: &str) -> Vec<Link> {
    let link = |(name, to): &(&'static str, &'static str)| Link {
        name,
        to,
        here: *to == here,
    };
    pages.iter().map(link).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_of_the_console_stands_in_one_section_and_is_served() {
        let pages: Vec<_> = CONSOLE
            .iter()
            .flat_map(|section| section.pages.iter().map(|(_, to)| *to))
            .collect();
        let endpoints = crate::endpoints();
        for page in &pages {
            let count = pages.iter().filter(|one| one == &page).count();
            assert_eq!(count, 1, "{page}");
            let is_served = endpoints
                .iter()
                .any(|one| one.path == *page && one.method == http::Method::GET);
            assert!(is_served, "{page} is not served");
        }
    }
}
