//! A timeline, line by line.

use domain::detection::Alarm;
use domain::incident::Audience;
use domain::incident::timeline::{Fact, TimelineEntry};

use crate::Words;

impl Words {
    /// What happened, in one line; alarms in the reader's language where they are among `alarms`.
    #[expect(clippy::too_many_lines, reason = "one table, read as a table")]
    pub fn happened(self, entry: &TimelineEntry, alarms: &[Alarm]) -> String {
        let by = || ("by", self.actor(&entry.by).into());
        let because = |reason: &str| ("reason", reason.to_owned().into());
        let count = |name: &'static str, n: &u64| (name, (*n).into());
        match &entry.fact {
            Fact::ReleaseActivated {
                product,
                version,
                sites,
            } => self.tell(
                "fact-activated",
                [
                    ("product", product.as_str().into()),
                    ("version", version.to_string().into()),
                    count("n", sites),
                ],
            ),
            Fact::FirstReport { site, .. } => {
                self.tell("fact-first-report", [("site", site.as_str().into())])
            }
            Fact::AlarmRaised { alarm, words } => {
                let known = alarms.iter().find(|one| one.id == *alarm);
                let known = known.map(|one| self.alarm_sentence(one));
                let words = known.as_deref().unwrap_or(words).trim_end_matches('.');
                self.tell("fact-alarm", [("words", words.to_owned().into())])
            }
            Fact::Proposed { .. } => self.say("fact-proposed").to_owned(),
            Fact::Paged { .. } => self.say("fact-paged").to_owned(),
            Fact::PageAcknowledged { .. } => self.tell("fact-acknowledged", [by()]),
            Fact::Widened { scope: wider } => {
                self.tell("fact-widened", [("scope", self.scope(wider).into())])
            }
            Fact::Opened => self.tell("fact-opened", [by()]),
            Fact::AddedAfterwards { source: None } => self.tell("fact-added", [by()]),
            Fact::AddedAfterwards {
                source: Some(source),
            } => self.tell(
                "fact-added-from",
                [by(), ("source", source.as_str().into())],
            ),
            Fact::Planned => self.tell("fact-planned", [by()]),
            Fact::Moved { .. } => self.tell("fact-moved", [by()]),
            Fact::Reminded => self.say("fact-reminded").to_owned(),
            Fact::Accepted => self.tell("fact-accepted", [by()]),
            Fact::AudienceSet { audience } => match audience {
                Audience::Everybody => self.tell("fact-for-everybody", [by()]),
                Audience::Affected => self.tell("fact-for-affected", [by()]),
            },
            Fact::Dismissed { reason } => self.tell("fact-dismissed", [by(), because(reason)]),
            Fact::Updated {
                stage, template, ..
            } => {
                let stage = self.tell("fact-stage", [("stage", stage.as_str().into())]);
                match template {
                    Some(template) => self.tell(
                        "fact-posted",
                        [
                            by(),
                            ("template", self.template_name(template).into()),
                            ("stage", stage.into()),
                        ],
                    ),
                    None => self.tell("fact-posted-update", [by(), ("stage", stage.into())]),
                }
            }
            Fact::Corrected { reason, .. } => self.tell("fact-corrected", [by(), because(reason)]),
            Fact::OfficialComment { .. } => self.tell("fact-official", [by()]),
            Fact::CampaignStarted {
                action: name,
                sites,
                ..
            } => self.tell(
                "fact-campaign",
                [("action", self.action(name).into()), count("n", sites)],
            ),
            Fact::CampaignProgress {
                done,
                failed,
                sites,
                ..
            } => self.tell(
                "fact-campaign-at",
                [
                    count("done", done),
                    count("n", sites),
                    count("failed", failed),
                ],
            ),
            Fact::CampaignPaused { reason, .. } => {
                self.tell("fact-campaign-paused", [because(reason)])
            }
            Fact::CampaignResumed { .. } => self.say("fact-campaign-resumed").to_owned(),
            Fact::CampaignFinished { done, failed, .. } => self.tell(
                "fact-campaign-ended",
                [count("done", done), count("failed", failed)],
            ),
            Fact::SitesCounted {
                total,
                failing,
                restored,
            } => self.tell(
                "fact-sites-counted",
                [
                    count("n", total),
                    count("failing", failing),
                    count("restored", restored),
                ],
            ),
            Fact::SignInsCounted {
                attempts, failures, ..
            } => self.tell(
                "fact-sign-ins-counted",
                [count("failures", failures), count("n", attempts)],
            ),
            Fact::WatchEnded { failing } => self.tell("fact-watch-ended", [count("n", failing)]),
            Fact::Completed => self.tell("fact-completed", [by()]),
            Fact::Noted { words } => words.clone(),
        }
    }

    /// Who did it, where a sentence begins.
    fn actor(self, by: &str) -> String {
        let who = self.who(by);
        // Names stay as they are.
        match (who == by, who.chars().next()) {
            (false, Some(first)) => first.to_uppercase().chain(who.chars().skip(1)).collect(),
            _ => who.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests;
