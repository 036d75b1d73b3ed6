//! The templates that come with Lamplighter, from the posts and the list of the incident of 2023-07-11. Their
//! names are the same in every language: programs ask by them. Pages show their titles.

use domain::calendar::Length;
use domain::incident::template::{Kind, Placeholder, Template, Value};
use domain::incident::{PromiseKind, Stage};

use crate::Words;

const NO_CHANGE: &str = "No Change Update";
const TIMELINE: &str = "Timeline Identified";
const FIX: &str = "Fix Implemented";

/// A gap, as a template's text holds it.
fn gap(name: &str) -> String {
    format!("{{{name}}}")
}

impl Words {
    /// What posts call a vendor's engineers who gave no name.
    #[must_use]
    pub fn usual_team(self) -> &'static str {
        self.say("template-team")
    }

    /// The templates that come with Lamplighter. `team` is how the posts name the vendor's engineers, such as
    /// "Our engineers".
    #[must_use]
    pub fn built_in_templates(self, team: &str) -> Vec<Template> {
        let team = || Placeholder::with_default("team", Value::Text(team.into()));
        let products = Value::Text(self.say("template-products").into());
        let products = Placeholder {
            kind: Kind::ProductList,
            ..Placeholder::with_default("products", products)
        };
        let report = Placeholder::with_default("report_within", Value::Duration(Length::REPORT));
        let by = || ("team", gap("team").into());
        let built_in =
            |name: &str, text, placeholders, state, promise: Option<(_, &str)>| Template {
                name: name.into(),
                version: 1,
                text,
                placeholders,
                state,
                promise: promise.map(|(kind, gap)| (kind, gap.into())),
            };
        vec![
            built_in(
                NO_CHANGE,
                self.tell(
                    "template-no-change",
                    [by(), ("within", gap("next_update").into())],
                ),
                vec![team(), Placeholder::optional("next_update", Kind::Duration)],
                None,
                Some((PromiseKind::NextUpdate, "next_update")),
            ),
            built_in(
                TIMELINE,
                self.tell(
                    "template-timeline",
                    [by(), ("estimate", gap("estimate").into())],
                ),
                vec![team(), Placeholder::optional("estimate", Kind::Timeline)],
                Some(Stage::Identified),
                None,
            ),
            built_in(
                FIX,
                self.tell(
                    "template-fix",
                    [
                        by(),
                        ("products", gap("products").into()),
                        ("within", gap("report_within").into()),
                    ],
                ),
                vec![team(), products, report],
                Some(Stage::Monitoring),
                Some((PromiseKind::Report, "report_within")),
            ),
        ]
    }

    /// Whether a template by this name comes with Lamplighter, in whichever capitals.
    #[must_use]
    pub fn is_built_in(name: &str) -> bool {
        let known = [NO_CHANGE, TIMELINE, FIX];
        known.iter().any(|known| known.eq_ignore_ascii_case(name))
    }

    /// What a template is called before readers: a name of the team's own stays as it is.
    #[must_use]
    pub fn template_name(self, name: &str) -> &str {
        match name {
            NO_CHANGE => self.say("template-no-change-name"),
            TIMELINE => self.say("template-timeline-name"),
            FIX => self.say("template-fix-name"),
            own => own,
        }
    }

    /// What a gap of these templates is called before readers; nothing for one of the team's own.
    #[must_use]
    pub fn gap_name(self, gap: &str) -> Option<&'static str> {
        Some(match gap {
            "team" => self.say("template-gap-team"),
            "next_update" => self.say("template-gap-next-update"),
            "estimate" => self.say("template-gap-estimate"),
            "products" => self.say("template-gap-products"),
            "report_within" => self.say("template-gap-report-within"),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests;
