//! What a drill showed: its figures, each beside what must hold and what really happened, and the
//! course of its sites. Decides what held. Never runs a drill.

mod course;
mod figure;

use std::collections::BTreeSet;

use jiff::Timestamp;
use semver::Version;

use crate::id::DrillId;
use crate::site::import::LINES_MAX as SITES_MAX;
use crate::text::{has_controls, is_blank, shown};

pub use course::{Course, POINTS_MAX, Point};
pub use figure::{Figure, Unit, duration};

/// The most figures of a drill, over both acts.
pub const FIGURES_MAX: usize = 64;
/// The longest name of a scenario, in characters.
pub const SCENARIO_CHARACTERS_MAX: usize = 60;
/// The longest title of an incident or name of a figure, in characters.
pub const LINE_CHARACTERS_MAX: usize = 200;
/// The longest version of a program, in characters.
const VERSION_CHARACTERS_MAX: usize = 100;
/// How much faster than life a drill may run, or slower.
pub const SPEED: std::ops::RangeInclusive<f64> = 0.1..=1_000.0;
/// A milestone later than that is none: some two months, in minutes.
const MINUTES_MAX: u32 = 100_000;

/// What a drill showed.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct DrillResult {
    /// Its identifier. A result that is recorded again is kept once.
    pub id: DrillId,
    /// The scenario, as the command line names it: small letters, digits and hyphens.
    pub scenario: String,
    /// What the real incident was called.
    pub title: String,
    /// The seed of all chance.
    pub seed: u64,
    /// Sites of the fleet.
    pub sites: u32,
    /// Scenario seconds in a second of the machine.
    pub speed: f64,
    /// Whether the sites were those of a fleet file of the team's own.
    #[serde(default)]
    pub own_fleet: bool,
    /// When its server was killed, as kill -9 does: after so many percent of the campaign.
    #[serde(default)]
    pub server_killed_at_percent: Option<u8>,
    /// The version of the program that was tried.
    pub version: Version,
    /// When it began.
    #[schemars(with = "crate::schema::Moment")]
    pub began_at: Timestamp,
    /// When it ended.
    #[schemars(with = "crate::schema::Moment")]
    pub ended_at: Timestamp,
    /// The most memory that the server ever had resident, in bytes.
    pub server_peak_memory_bytes: u64,
    /// The real incident.
    pub happened: Happened,
    /// As it happened; absent when it was left out, and then the drill does not hold.
    pub act1: Option<Act>,
    /// As it should be; absent when it was left out, and then the drill does not hold.
    pub act2: Option<Act>,
}

/// The real incident, in minutes after the release.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RealIncident")]
pub struct Happened {
    /// The first report.
    pub first_report: u32,
    /// Engineering was told.
    pub engineering: u32,
    /// The script was ready.
    pub script_ready: u32,
    /// The script was done.
    pub done: u32,
}

/// What an act showed.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[schemars(rename = "DrillAct")]
pub struct Act {
    /// What was measured.
    pub figures: Vec<Figure>,
    /// How the sites were, minute by minute; at most 500 points. Left out of lists.
    #[serde(default, skip_serializing_if = "Course::is_empty")]
    pub course: Course,
}

/// How much of what must hold did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[schemars(rename = "DrillTally")]
pub struct Tally {
    /// What held.
    pub held: usize,
    /// What must hold; an act that was left out counts as one.
    pub must_hold: usize,
}

/// What became of what must hold, from one drill to the next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change<'a> {
    /// What does not hold, and did not fail before.
    pub lost: Vec<&'a str>,
    /// What failed before, and does not any more.
    pub mended: Vec<&'a str>,
}

/// What is wrong with a result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{rule}")]
pub struct BadDrill {
    at: String,
    rule: String,
}

impl BadDrill {
    fn new(at: impl Into<String>, rule: impl Into<String>) -> Self {
        let (at, rule) = (at.into(), rule.into());
        Self { at, rule }
    }

    /// The field it is about.
    #[must_use]
    pub fn at(&self) -> &str {
        &self.at
    }
}

/// Checks what a scenario is called: a command names it, so it needs no quotes anywhere.
///
/// # Errors
/// Says the rule.
pub fn check_scenario(name: &str) -> Result<(), BadDrill> {
    let fits = (1..=SCENARIO_CHARACTERS_MAX).contains(&name.len());
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if fits && name.bytes().all(plain) && !name.starts_with('-') {
        return Ok(());
    }
    let rule = format!(
        "{} is no name of a scenario: write 1 to {SCENARIO_CHARACTERS_MAX} small letters, digits and hyphens",
        shown(name)
    );
    Err(BadDrill::new("scenario", rule))
}

/// Checks a line of text, at this field.
///
/// # Errors
/// Names the field and the rule.
pub fn check_line(at: impl Into<String>, text: &str) -> Result<(), BadDrill> {
    let fits = text.chars().count() <= LINE_CHARACTERS_MAX;
    if fits && !is_blank(text) && !has_controls(text) && !text.contains('\n') {
        return Ok(());
    }
    let rule = format!("write one line of 1 to {LINE_CHARACTERS_MAX} characters");
    Err(BadDrill::new(at, rule))
}

impl DrillResult {
    /// Checks what the types leave open.
    ///
    /// # Errors
    /// Names the field and the rule.
    pub fn check(&self) -> Result<(), BadDrill> {
        check_scenario(&self.scenario)?;
        check_line("title", &self.title)?;
        if self.version.to_string().len() > VERSION_CHARACTERS_MAX {
            let rule = format!("a version has at most {VERSION_CHARACTERS_MAX} characters");
            return Err(BadDrill::new("version", rule));
        }
        if !(1..=SITES_MAX).contains(&(self.sites as usize)) {
            let rule = format!("a fleet has 1 to {SITES_MAX} sites");
            return Err(BadDrill::new("sites", rule));
        }
        if !SPEED.contains(&self.speed) {
            let (least, most) = (SPEED.start(), SPEED.end());
            return Err(BadDrill::new("speed", format!("it is {least} to {most}")));
        }
        if self.server_killed_at_percent.is_some_and(|at| at > 100) {
            let rule = "a campaign has 100 percent";
            return Err(BadDrill::new("server_killed_at_percent", rule));
        }
        if self.ended_at < self.began_at {
            return Err(BadDrill::new("ended_at", "a drill ends after it begins"));
        }
        self.happened.check()?;
        self.check_acts()
    }

    fn check_acts(&self) -> Result<(), BadDrill> {
        let (mut names, mut count) = (BTreeSet::new(), 0);
        for (act, name) in [(&self.act1, "act1"), (&self.act2, "act2")] {
            let Some(act) = act else { continue };
            count += act.figures.len();
            if count > FIGURES_MAX {
                let rule = format!("a drill has at most {FIGURES_MAX} figures, over both acts");
                return Err(BadDrill::new(format!("{name}.figures"), rule));
            }
            for (number, figure) in act.figures.iter().enumerate() {
                let at = format!("{name}.figures[{number}]");
                check_line(format!("{at}.what"), &figure.what)?;
                if !names.insert(&figure.what) {
                    let rule = format!("{} is there twice", shown(&figure.what));
                    return Err(BadDrill::new(format!("{at}.what"), rule));
                }
                figure
                    .check()
                    .map_err(|(field, rule)| BadDrill::new(format!("{at}.{field}"), rule))?;
            }
            act.course
                .check(self.sites)
                .map_err(|rule| BadDrill::new(format!("{name}.course"), rule))?;
        }
        Ok(())
    }

    /// Everything that must hold, and whether it did, in the order of the table.
    fn verdicts(&self) -> impl Iterator<Item = (&str, bool)> {
        let acts = [(&self.act1, "act 1"), (&self.act2, "act 2")];
        acts.into_iter().flat_map(|(act, name)| {
            let left_out = act.is_none().then_some((name, false));
            let figures = act.iter().flat_map(|act| &act.figures);
            let judged = figures.filter_map(|one| Some((one.what.as_str(), one.held()?)));
            left_out.into_iter().chain(judged)
        })
    }

    /// How much of what must hold did.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let zero = Tally {
            held: 0,
            must_hold: 0,
        };
        self.verdicts().fold(zero, |sum, (_, held)| Tally {
            held: sum.held + usize::from(held),
            must_hold: sum.must_hold + 1,
        })
    }

    /// Whether everything held that must.
    #[must_use]
    pub fn held(&self) -> bool {
        self.broken().next().is_none()
    }

    /// What must hold and did not, by name.
    pub fn broken(&self) -> impl Iterator<Item = &str> {
        let broken = |(what, held): (_, bool)| (!held).then_some(what);
        self.verdicts().filter_map(broken)
    }

    /// What changed since an earlier drill of the same scenario.
    #[must_use]
    pub fn since<'a>(&'a self, before: &'a Self) -> Change<'a> {
        let (now, then): (BTreeSet<_>, BTreeSet<_>) =
            (self.broken().collect(), before.broken().collect());
        Change {
            lost: self.broken().filter(|what| !then.contains(what)).collect(),
            mended: before.broken().filter(|what| !now.contains(what)).collect(),
        }
    }

    /// The figures of both acts, in the order of the table.
    pub fn figures(&self) -> impl Iterator<Item = &Figure> {
        let acts = self.act1.iter().chain(&self.act2);
        acts.flat_map(|act| &act.figures)
    }

    /// What the real incident is called beside ours: the day, where its title ends with one.
    #[must_use]
    pub fn real(&self) -> Option<&str> {
        self.title.rsplit_once(" | ").map(|(_, day)| day)
    }
}

impl Happened {
    fn check(&self) -> Result<(), BadDrill> {
        let milestones = [
            ("happened.first_report", self.first_report),
            ("happened.engineering", self.engineering),
            ("happened.script_ready", self.script_ready),
            ("happened.done", self.done),
        ];
        for (at, minute) in milestones {
            if minute > MINUTES_MAX {
                let rule = format!("it is at most {MINUTES_MAX} minutes after the release");
                return Err(BadDrill::new(at, rule));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
