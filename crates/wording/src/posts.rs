//! What is said where no person writes: posts and titles that time or an alarm makes, pages to the people on
//! call, and why a campaign stopped.

use domain::document::DocumentKey;
use domain::incident::template::written;
use domain::incident::{Promise, PromiseKind, Scope};
use domain::language::Language;
use domain::rollout::{Halted, Waiting};
use domain::site::Zone;
use jiff::Timestamp;

use crate::{Words, words};

/// A team that is told something: in its language, on its clock.
#[derive(Clone, Copy, Debug)]
pub struct Team<'a> {
    /// What it reads.
    pub language: Language,
    /// Where it is.
    pub zone: &'a Zone,
}

/// Why a campaign halted itself.
#[derive(Clone, Copy, Debug)]
pub struct Halt<'a> {
    /// Sites that failed.
    pub failed: u64,
    /// Sites that failed or were verified.
    pub settled: u64,
    /// The wave's name.
    pub wave: &'a str,
    /// What was rolled out, or to which product's sites.
    pub what: &'a str,
    /// How many may fail, in percent.
    pub tolerated: f64,
    /// What the last site that failed said.
    pub last: &'a str,
}

impl Words {
    /// The post that completes an incident after its watch.
    #[must_use]
    pub fn watch_is_over(self) -> &'static str {
        self.say("post-watch-is-over")
    }

    /// The post that begins planned work.
    #[must_use]
    pub fn work_has_begun(self) -> &'static str {
        self.say("post-work-has-begun")
    }

    /// The post that ends planned work.
    #[must_use]
    pub fn work_is_done(self) -> &'static str {
        self.say("post-work-is-done")
    }

    /// The title of an incident that nobody has named.
    #[must_use]
    pub fn title_of(self, scope: &Scope) -> String {
        self.tell("title-proposed", [("scope", self.scope(scope).into())])
    }

    /// Whether a title is one that nobody gave, in whichever language: a team may have changed its own since.
    #[must_use]
    pub fn is_title_of(title: &str, scope: &Scope) -> bool {
        let mut all = Language::ALL.into_iter().map(words);
        all.any(|words| words.title_of(scope) == title)
    }

    /// Pages that an incident is wider than it was.
    #[must_use]
    pub fn page_wider(self, title: &str, alarm: &str) -> String {
        self.tell(
            "page-wider",
            [("title", title.into()), ("alarm", alarm.into())],
        )
    }

    /// Pages that planned work has overrun its window.
    #[must_use]
    pub fn page_overrun(self, title: &str) -> String {
        self.tell("page-overrun", [("title", title.into())])
    }

    /// Pages that the rollout of a version of a document was halted. `first` is a site that refused it, with
    /// its reason.
    #[must_use]
    pub fn page_rollout_halted(
        self,
        (document, version): (&DocumentKey, u64),
        halted: &Halted,
        first: Option<(&str, &str)>,
    ) -> String {
        let (key, n) = match halted {
            Halted::Refused(sites) => ("rollout-refused", *sites),
            Halted::Canaries(sites) => ("rollout-canaries-fail", *sites),
        };
        let mut why = self.tell(key, [("n", n.into())]);
        if let Some((site, reason)) = first {
            let values = [
                ("what", why.into()),
                ("site", site.into()),
                ("reason", reason.into()),
            ];
            why = self.tell("rollout-refused-first", values);
        }
        let values = [
            ("document", document.to_string().into()),
            ("version", version.to_string().into()),
            ("why", why.into()),
        ];
        self.tell("page-rollout-halted", values)
    }

    /// Pages that the rollout of a version of a document stands still.
    #[must_use]
    pub fn page_rollout_waits(
        self,
        (document, version): (&DocumentKey, u64),
        waiting: &Waiting,
    ) -> String {
        let values = [
            ("document", document.to_string().into()),
            ("version", version.to_string().into()),
            ("what", self.rollout_waits(waiting).into()),
        ];
        self.tell("page-rollout-waits", values)
    }

    /// Pages that the root of config, which is signed elsewhere, is good for so many days only.
    #[must_use]
    pub fn page_root_expires(self, days: i64) -> String {
        self.tell("page-root-expires", [("days", days.to_string().into())])
    }

    /// Pages that the root of config is good for so many days only, and could not be signed anew here.
    #[must_use]
    pub fn page_root_unsigned(self, days: i64) -> String {
        self.tell("page-root-unsigned", [("days", days.to_string().into())])
    }

    /// Pages that signed config is good for so many days only, and could not be signed anew here.
    #[must_use]
    pub fn page_metadata_unsigned(self, days: i64) -> String {
        let days = [("days", days.to_string().into())];
        self.tell("page-metadata-unsigned", days)
    }

    /// What a rollout waits for.
    #[must_use]
    pub fn rollout_waits(self, waiting: &Waiting) -> String {
        let (key, n) = match waiting {
            // Of no site is any agent heard.
            Waiting::Acks(0) => ("rollout-waits-silent", 0),
            Waiting::Acks(sites) => ("rollout-waits-acks", *sites),
            Waiting::Canaries(sites) => ("rollout-waits-canaries", *sites),
            Waiting::Time(_) => ("rollout-waits-time", 0),
        };
        self.tell(key, [("n", n.into())])
    }

    /// Pages that a site refused a version of a document that all sites are given.
    #[must_use]
    pub fn page_refused(
        self,
        (document, version): (&DocumentKey, u64),
        (site, reason): (&str, &str),
    ) -> String {
        let values = [
            ("document", document.to_string().into()),
            ("version", version.to_string().into()),
            ("site", site.into()),
            ("reason", reason.into()),
        ];
        self.tell("page-refused", values)
    }

    /// Why an update that waited was not posted: nothing follows the end.
    #[must_use]
    pub fn was_over_before(self) -> &'static str {
        self.say("page-was-over-before")
    }

    /// Why an update that waited was not posted: a refusal, which is English, or that there was one.
    #[must_use]
    pub fn refused_because(self, english: &str) -> &str {
        match self.0 {
            Language::English => english,
            Language::Spanish => self.say("page-was-refused"),
        }
    }

    /// Why a campaign stands still that somebody paused.
    #[must_use]
    pub fn paused_by(self, who: &str) -> String {
        self.tell("campaign-paused-by", [("who", who.into())])
    }

    /// Why a campaign stands still that stopped by itself.
    #[must_use]
    pub fn halted_itself(self, reason: &str) -> String {
        self.tell("campaign-halted-itself", [("reason", reason.into())])
    }

    /// Why a campaign stopped by itself.
    #[must_use]
    pub fn halted_because(self, halt: Halt<'_>) -> String {
        let values = [
            ("failed", halt.failed.into()),
            ("n", halt.settled.into()),
            ("wave", self.wave(halt.wave).into()),
            ("what", halt.what.into()),
            ("tolerated", halt.tolerated.to_string().into()),
            ("last", halt.last.into()),
        ];
        self.tell("campaign-halted-because", values)
    }

    /// A release, as a sentence names it.
    #[must_use]
    pub fn release(self, version: &str) -> String {
        self.tell("campaign-release", [("version", version.into())])
    }

    /// A product, as a sentence names it.
    #[must_use]
    pub fn product(self, name: &str) -> String {
        self.tell("node-product", [("product", name.into())])
    }

    /// What a timeline says of a campaign that somebody aborted.
    #[must_use]
    pub fn aborted_by(self, who: &str, action: &str) -> String {
        let action = ("action", self.action(action).into());
        self.tell("campaign-aborted-by", [("who", who.into()), action])
    }

    fn wave(self, name: &str) -> &str {
        match name {
            "canaries" => self.say("wave-canaries"),
            "reported" => self.say("wave-reported"),
            zone => zone,
        }
    }
}

impl Team<'_> {
    /// Pages about a promise: before it is due, when it falls due, and again while nobody answers.
    #[must_use]
    pub fn page_promise(self, title: &str, promise: &Promise, step: u32) -> String {
        let words = words(self.language);
        let what = match promise.kind {
            PromiseKind::NextUpdate => words.say("page-promised-update"),
            PromiseKind::Report => words.say("page-promised-report"),
        };
        let values = [
            ("title", title.into()),
            ("what", what.into()),
            ("due", self.moment(promise.due_at).into()),
        ];
        match step {
            0 => words.tell("page-promise-soon", values),
            1 => words.tell("page-promise-late", values),
            _ => words.tell("page-promise-unanswered", values),
        }
    }

    /// Pages that an update which waited was not posted. `by` wrote it for `at`.
    #[must_use]
    pub fn page_not_posted(self, title: &str, (by, at): (&str, Timestamp), reason: &str) -> String {
        let values = [
            ("title", title.into()),
            ("who", by.into()),
            ("at", self.moment(at).into()),
            ("reason", reason.into()),
        ];
        words(self.language).tell("page-not-posted", values)
    }

    /// A moment in a page. English pages have had it as RFC 3339, which receivers may read out of them.
    fn moment(self, at: Timestamp) -> String {
        match self.language {
            Language::English => at.to_string(),
            language => written((self.zone, language), at),
        }
    }
}

#[cfg(test)]
mod tests;
