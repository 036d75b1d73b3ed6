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

/// A part of the console; names are keys of texts.
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
        name: "nav-lamps",
        pages: &[("nav-lamps", "/console")],
    },
    Section {
        name: "nav-incidents",
        pages: &[
            ("nav-incidents", "/console/incidents"),
            ("nav-planned-work", "/console/maintenances"),
            ("nav-alarms", "/console/alarms"),
            ("nav-reports", "/console/reports"),
            ("nav-follow-ups", "/console/follow-ups"),
        ],
    },
    Section {
        name: "nav-customers",
        pages: &[
            ("nav-banners", "/console/banners"),
            ("nav-templates", "/console/templates"),
            ("nav-comments", "/console/comments"),
            ("nav-followers", "/console/followers"),
        ],
    },
    Section {
        name: "nav-fleet",
        pages: &[
            ("nav-sites", "/console/fleet"),
            ("organizations", "/console/organizations"),
            ("nav-campaigns", "/console/campaigns"),
        ],
    },
    Section {
        name: "nav-delivery",
        pages: &[
            ("nav-releases", "/console/releases"),
            ("nav-config", "/console/config"),
            ("drills-title", "/console/drills"),
        ],
    },
    Section {
        name: "nav-settings",
        pages: &[
            ("nav-on-call", "/console/on-call"),
            ("nav-calendars", "/console/calendars"),
            ("nav-sign-in", "/console/accounts"),
            ("nav-people", "/console/people"),
            ("nav-audit", "/console/audit"),
            ("nav-api", "/api"),
            ("nav-design", "/console/design"),
        ],
    },
];

/// The links of the bar, on the page at `here`.
pub(super) fn bar(is_console: bool, here: &str) -> Vec<Link> {
    if is_console {
        let link = |section: &Section| {
            section.pages.first().map(|(_, to)| Link {
                name: say(section.name),
                to,
                here: holds(section, here),
            })
        };
        CONSOLE.iter().filter_map(link).collect()
    } else {
        links(PUBLIC, here)
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
        name: say(name),
        to,
        here: *to == here,
    };
    pages.iter().map(link).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_section_and_page_has_a_name() {
        let names = CONSOLE.iter().flat_map(|section| {
            let pages = section.pages.iter().map(|(name, _)| *name);
            pages.chain([section.name])
        });
        for key in names {
            assert_ne!(say(key), key);
        }
    }

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
