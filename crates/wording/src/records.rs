//! Which sites, what an alarm saw, what a campaign does, who acted.

use std::collections::BTreeSet;

use domain::detection::{Alarm, Explanation, Localisation, Node, Stream, Term};
use domain::incident::Scope;

use crate::Words;

impl Words {
    /// Which sites something is about: "web-central sites in America/Denver".
    pub fn scope(self, scope: &Scope) -> String {
        let mut text = match scope.products.is_empty() {
            true => self.say("sites-all").to_owned(),
            false => self.tell(
                "sites-of-products",
                [("products", list(&scope.products, ", ").into())],
            ),
        };
        if !scope.zones.is_empty() {
            let zones = list(&scope.zones, ", ");
            text = self.tell(
                "sites-in",
                [("scope", text.into()), ("zones", zones.into())],
            );
        }
        if !scope.releases.is_empty() {
            let values = [
                ("scope", text.into()),
                ("releases", list(&scope.releases, ", ").into()),
            ];
            text = self.tell("sites-running", values);
        }
        text
    }

    /// What an alarm saw, where, and what explains it.
    pub fn alarm_sentence(self, alarm: &Alarm) -> String {
        let values = [
            ("words", self.alarm_words(alarm).into()),
            ("where", self.node(&alarm.node).into()),
            ("explained", self.explained(&alarm.localisation).into()),
        ];
        self.tell("alarm-sentence", values)
    }

    /// What an alarm saw, without a full stop.
    pub fn alarm_words(self, alarm: &Alarm) -> String {
        let what = match alarm.stream {
            Stream::Reports => "alarm-reports",
            Stream::Failures => "alarm-failures",
            Stream::Silence => "alarm-silence",
        };
        let within = match alarm.minutes() {
            ..2 => self.say("alarm-within-minute").to_owned(),
            minutes => self.tell("alarm-within", [("n", minutes.into())]),
        };
        let usual = match (alarm.evidence.is_next_to_none_expected(), alarm.stream) {
            (true, _) => self.say("alarm-usual-none").to_owned(),
            (false, Stream::Silence) => self.usual("alarm-usual-least", alarm),
            (false, Stream::Reports | Stream::Failures) => self.usual("alarm-usual-most", alarm),
        };
        let values = [
            (
                "what",
                self.tell(what, [("n", alarm.evidence.count.into())]).into(),
            ),
            ("within", within.into()),
            ("usual", usual.into()),
        ];
        self.tell("alarm-words", values)
    }

    fn usual(self, key: &'static str, alarm: &Alarm) -> String {
        let expected = format!("{:.1}", alarm.evidence.expected);
        self.tell(key, [("expected", expected.into())])
    }

    /// Where an alarm was raised.
    pub fn node(self, node: &Node) -> String {
        match node {
            Node::Fleet => self.say("node-fleet").to_owned(),
            Node::Product { product } => {
                self.tell("node-product", [("product", product.as_str().into())])
            }
            Node::Zone { zone } => self.tell("node-zone", [("zone", zone.as_str().into())]),
            Node::ProductZone { product, zone } => self.tell(
                "node-product-zone",
                [
                    ("product", product.as_str().into()),
                    ("zone", zone.as_str().into()),
                ],
            ),
            Node::Term { term } => self.tell("node-term", [("term", self.spoken_of(*term).into())]),
        }
    }

    fn spoken_of(self, term: Term) -> &'static str {
        match term {
            Term::SignIn => self.say("term-sign-in"),
            Term::Error => self.say("term-error"),
            Term::Loading => self.say("term-loading"),
            Term::Payment => self.say("term-payment"),
        }
    }

    /// What explains an alarm best.
    pub fn explained(self, localisation: &Localisation) -> String {
        let ties: Vec<_> = localisation
            .explanations
            .iter()
            .map(|one| self.explanation(one))
            .collect();
        match ties.as_slice() {
            [] => self.say("explained-nothing").to_owned(),
            [one] => one.clone(),
            [first, rest @ ..] => self.tell(
                "explained-ties",
                [
                    ("first", first.as_str().into()),
                    ("rest", rest.join("; ").into()),
                ],
            ),
        }
    }

    fn explanation(self, one: &Explanation) -> String {
        let parts = [
            self.part("explained-product", one.products.as_ref()),
            self.part("explained-release", one.releases.as_ref()),
            self.part("explained-zone", one.zones.as_ref()),
            self.part("explained-code", one.codes.as_ref()),
        ];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        match parts.is_empty() {
            true => self.say("node-fleet").to_owned(),
            false => parts.join(", "),
        }
    }

    fn part<T: ToString>(self, key: &'static str, set: Option<&BTreeSet<T>>) -> Option<String> {
        let or = format!(" {} ", self.say("either"));
        Some(self.tell(key, [("list", list(set?, &or).into())]))
    }

    /// What a campaign does, by the name that the domain gives its action.
    pub fn action(self, name: &str) -> String {
        match name {
            "clear cache" => self.say("campaign-action-clear-cache").to_owned(),
            "refresh" => self.say("campaign-action-refresh").to_owned(),
            other => match other.strip_prefix("activate release ") {
                Some(version) => {
                    self.tell("campaign-action-activate", [("version", version.into())])
                }
                None => other.to_owned(),
            },
        }
    }

    /// What acts by itself, as timelines name it, or a person's name.
    #[must_use]
    pub fn who(self, by: &str) -> &str {
        match by {
            "a customer" => self.say("who-customer"),
            "campaigns" => self.say("who-campaigns"),
            "detection" => self.say("who-detection"),
            "the schedule" => self.say("who-schedule"),
            "the watch" => self.say("who-watch"),
            person => person,
        }
    }
}

fn list<T: ToString>(items: &BTreeSet<T>, between: &str) -> String {
    let items: Vec<_> = items.iter().map(T::to_string).collect();
    items.join(between)
}
