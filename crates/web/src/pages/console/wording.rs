//! What the domain's values are called to staff, in the reader's language: scopes, alarms, the lines of a
//! timeline. In English these are the words that the domain itself says.

use std::collections::BTreeSet;

use domain::detection::{Alarm, Explanation, Localisation, Node, Stream, Term};
use domain::incident::timeline::{Fact, TimelineEntry};
use domain::incident::{Audience, Scope};

use crate::language::{in_words, say, tell, translated};

/// Which sites something is about: "web-central sites in America/Denver".
pub(in crate::pages) fn scope(scope: &Scope) -> String {
    let mut text = match scope.products.is_empty() {
        true => say("sites-all").to_owned(),
        false => tell(
            "sites-of-products",
            [("products", list(&scope.products, ", ").into())],
        ),
    };
    if !scope.zones.is_empty() {
        let zones = list(&scope.zones, ", ");
        text = tell(
            "sites-in",
            [("scope", text.into()), ("zones", zones.into())],
        );
    }
    if !scope.releases.is_empty() {
        let values = [
            ("scope", text.into()),
            ("releases", list(&scope.releases, ", ").into()),
        ];
        text = tell("sites-running", values);
    }
    text
}

fn list<T: ToString>(items: &BTreeSet<T>, between: &str) -> String {
    let items: Vec<_> = items.iter().map(T::to_string).collect();
    items.join(between)
}

/// What an alarm saw, where, and what explains it.
pub(in crate::pages) fn alarm_sentence(alarm: &Alarm) -> String {
    let values = [
        ("words", alarm_words(alarm).into()),
        ("where", node(&alarm.node).into()),
        ("explained", explained(&alarm.localisation).into()),
    ];
    tell("alarm-sentence", values)
}

/// What an alarm saw, without a full stop.
pub(in crate::pages) fn alarm_words(alarm: &Alarm) -> String {
    let what = match alarm.stream {
        Stream::Reports => "alarm-reports",
        Stream::Failures => "alarm-failures",
        Stream::Silence => "alarm-silence",
    };
    let within = match alarm.minutes() {
        ..2 => say("alarm-within-minute").to_owned(),
        minutes => tell("alarm-within", [("n", minutes.into())]),
    };
    let usual = match (alarm.evidence.is_next_to_none_expected(), alarm.stream) {
        (true, _) => say("alarm-usual-none").to_owned(),
        (false, Stream::Silence) => usual("alarm-usual-least", alarm),
        (false, Stream::Reports | Stream::Failures) => usual("alarm-usual-most", alarm),
    };
    let values = [
        (
            "what",
            tell(what, [("n", alarm.evidence.count.into())]).into(),
        ),
        ("within", within.into()),
        ("usual", usual.into()),
    ];
    tell("alarm-words", values)
}

fn usual(key: &'static str, alarm: &Alarm) -> String {
    let expected = format!("{:.1}", alarm.evidence.expected);
    tell(key, [("expected", expected.into())])
}

/// Where an alarm was raised.
pub(in crate::pages) fn node(node: &Node) -> String {
    match node {
        Node::Fleet => say("node-fleet").to_owned(),
        Node::Product { product } => tell("node-product", [("product", product.as_str().into())]),
        Node::Zone { zone } => tell("node-zone", [("zone", zone.as_str().into())]),
        Node::ProductZone { product, zone } => tell(
            "node-product-zone",
            [
                ("product", product.as_str().into()),
                ("zone", zone.as_str().into()),
            ],
        ),
        Node::Term { term } => tell("node-term", [("term", spoken_of(*term).into())]),
    }
}

fn spoken_of(term: Term) -> &'static str {
    match term {
        Term::SignIn => say("term-sign-in"),
        Term::Error => say("term-error"),
        Term::Loading => say("term-loading"),
        Term::Payment => say("term-payment"),
    }
}

/// What explains an alarm best.
pub(in crate::pages) fn explained(localisation: &Localisation) -> String {
    let ties: Vec<_> = localisation.explanations.iter().map(explanation).collect();
    match ties.as_slice() {
        [] => say("explained-nothing").to_owned(),
        [one] => one.clone(),
        [first, rest @ ..] => tell(
            "explained-ties",
            [
                ("first", first.as_str().into()),
                ("rest", rest.join("; ").into()),
            ],
        ),
    }
}

fn explanation(one: &Explanation) -> String {
    fn part<T: ToString>(key: &'static str, set: Option<&BTreeSet<T>>) -> Option<String> {
        let or = format!(" {} ", say("or"));
        Some(tell(key, [("list", list(set?, &or).into())]))
    }
    let parts = [
        part("explained-product", one.products.as_ref()),
        part("explained-release", one.releases.as_ref()),
        part("explained-zone", one.zones.as_ref()),
        part("explained-code", one.codes.as_ref()),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    match parts.is_empty() {
        true => say("node-fleet").to_owned(),
        false => parts.join(", "),
    }
}

/// What a campaign does, by the name that the domain gives its action.
pub(in crate::pages) fn action(name: &str) -> String {
    match name {
        "clear cache" => say("campaign-action-clear-cache").to_owned(),
        "refresh" => say("campaign-action-refresh").to_owned(),
        other => match other.strip_prefix("activate release ") {
            Some(version) => tell("campaign-action-activate", [("version", version.into())]),
            None => other.to_owned(),
        },
    }
}

/// What happened, in one line; alarms in the reader's language where they are among `alarms`.
#[expect(clippy::too_many_lines, reason = "one table, read as a table")]
pub(in crate::pages) fn happened(entry: &TimelineEntry, alarms: &[Alarm]) -> String {
    let by = || ("by", entry.by.as_str().into());
    let because = |reason: &str| ("reason", reason.to_owned().into());
    let count = |name: &'static str, n: &u64| (name, (*n).into());
    match &entry.fact {
        Fact::ReleaseActivated {
            product,
            version,
            sites,
        } => tell(
            "fact-activated",
            [
                ("product", product.as_str().into()),
                ("version", version.to_string().into()),
                count("n", sites),
            ],
        ),
        Fact::FirstReport { site, .. } => {
            tell("fact-first-report", [("site", site.as_str().into())])
        }
        Fact::AlarmRaised { alarm, words } => {
            let known = alarms.iter().find(|one| one.id == *alarm);
            let known = known.map(alarm_sentence);
            let words = known.as_deref().unwrap_or(words).trim_end_matches('.');
            tell("fact-alarm", [("words", words.to_owned().into())])
        }
        Fact::Proposed { .. } => say("fact-proposed").to_owned(),
        Fact::Paged { .. } => say("fact-paged").to_owned(),
        Fact::PageAcknowledged { .. } => tell("fact-acknowledged", [by()]),
        Fact::Widened { scope: wider } => tell("fact-widened", [("scope", scope(wider).into())]),
        Fact::Opened => tell("fact-opened", [by()]),
        Fact::AddedAfterwards { source: None } => tell("fact-added", [by()]),
        Fact::AddedAfterwards {
            source: Some(source),
        } => tell(
            "fact-added-from",
            [by(), ("source", source.as_str().into())],
        ),
        Fact::Planned => tell("fact-planned", [by()]),
        Fact::Moved { .. } => tell("fact-moved", [by()]),
        Fact::Reminded => say("fact-reminded").to_owned(),
        Fact::Accepted => tell("fact-accepted", [by()]),
        Fact::AudienceSet { audience } => match audience {
            Audience::Everybody => tell("fact-for-everybody", [by()]),
            Audience::Affected => tell("fact-for-affected", [by()]),
        },
        Fact::Dismissed { reason } => tell("fact-dismissed", [by(), because(reason)]),
        Fact::Updated {
            stage, template, ..
        } => {
            let stage = tell("fact-stage", [("stage", stage.as_str().into())]);
            match template {
                Some(template) => tell(
                    "fact-posted",
                    [
                        by(),
                        ("template", template.as_str().into()),
                        ("stage", stage.into()),
                    ],
                ),
                None => tell("fact-posted-update", [by(), ("stage", stage.into())]),
            }
        }
        Fact::Corrected { reason, .. } => tell("fact-corrected", [by(), because(reason)]),
        Fact::OfficialComment { .. } => tell("fact-official", [by()]),
        Fact::CampaignStarted {
            action: name,
            sites,
            ..
        } => tell(
            "fact-campaign",
            [("action", action(name).into()), count("n", sites)],
        ),
        Fact::CampaignProgress {
            done,
            failed,
            sites,
            ..
        } => tell(
            "fact-campaign-at",
            [
                count("done", done),
                count("n", sites),
                count("failed", failed),
            ],
        ),
        Fact::CampaignPaused { reason, .. } => {
            tell("fact-campaign-paused", [because(&translated(reason))])
        }
        Fact::CampaignResumed { .. } => say("fact-campaign-resumed").to_owned(),
        Fact::CampaignFinished { done, failed, .. } => tell(
            "fact-campaign-ended",
            [count("done", done), count("failed", failed)],
        ),
        Fact::SitesCounted {
            total,
            failing,
            restored,
        } => tell(
            "fact-sites-counted",
            [
                count("n", total),
                count("failing", failing),
                count("restored", restored),
            ],
        ),
        Fact::SignInsCounted {
            attempts, failures, ..
        } => tell(
            "fact-sign-ins-counted",
            [count("failures", failures), count("n", attempts)],
        ),
        Fact::WatchEnded { failing } => tell("fact-watch-ended", [count("n", failing)]),
        Fact::Completed => tell("fact-completed", [by()]),
        Fact::Noted { words } => in_words(words),
    }
}

#[cfg(test)]
mod tests;
