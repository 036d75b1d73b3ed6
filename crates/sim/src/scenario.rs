//! A scenario: a public incident, as a file says it, checked once.
//! Holds figures only. Never runs anything.

use std::time::Duration;

use domain::drill::BadDrill;
pub use domain::drill::Happened;
use domain::name::ProductName;
use domain::site::Zone;
use jiff::Timestamp;
use semver::Version;
use serde::Deserialize;

/// An incident to re-enact.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What it is called on the command line.
    pub name: String,
    /// What the real incident was called.
    pub title: String,
    /// The product whose sites it befalls.
    pub product: ProductName,
    /// The zone its times are shown in.
    pub zone: Zone,
    /// The seed of all chance, unless another is asked for.
    pub seed: u64,
    /// When the clock starts.
    pub start: Timestamp,
    /// When the release goes out.
    pub release_at: Timestamp,
    /// The two releases.
    pub release: Releases,
    /// What really happened.
    pub happened: Happened,
    /// Who signs in.
    pub residents: ResidentsPlan,
    /// Who complains.
    pub reports: ReportsPlan,
    /// How fast the engineer reacts.
    pub engineer: EngineerPlan,
    /// What people write into the incident report.
    pub written: WrittenPlan,
    /// What caches refill from.
    pub origin: OriginPlan,
    /// The release under agents.
    pub rollout: RolloutPlan,
    /// What the drill must show.
    pub must_hold: MustHold,
}

/// The release before and the one that breaks sign-in.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Releases {
    /// What sites run at the start.
    pub from: Version,
    /// What is released.
    pub to: Version,
}

/// Who signs in, and how often.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResidentsPlan {
    /// Sign-ins of one site in an hour of scenario time, on the mean.
    pub sign_ins_per_site_hour: f64,
    /// The least sign-ins of the whole fleet in a second of scenario time.
    pub sign_ins_per_second_min: f64,
    /// The most sign-ins of the whole fleet in a second of the machine's time.
    pub sign_ins_per_machine_second_max: f64,
    /// Share of people without a session, who type their password.
    pub password_share: f64,
    /// How many people there are.
    pub accounts: usize,
}

impl ResidentsPlan {
    /// Sign-ins of the whole fleet in a second of scenario time, at `speed`.
    #[must_use]
    pub fn per_second(&self, sites: usize, speed: f64) -> f64 {
        #[expect(
            clippy::cast_precision_loss,
            reason = "fleets are far smaller than 2^52"
        )]
        let wanted = sites as f64 * self.sign_ins_per_site_hour / 3600.0;
        wanted
            .max(self.sign_ins_per_second_min)
            .min(self.sign_ins_per_machine_second_max / speed)
    }
}

/// Who complains, and when.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportsPlan {
    /// That somebody who could not sign in reports it.
    pub probability: f64,
    /// Nobody reports sooner.
    pub delay_minutes_min: f64,
    /// What comes on top, on the mean: log-normal.
    pub delay_minutes_mean_more: f64,
    /// Sigma of its logarithm.
    pub delay_spread: f64,
    /// The least flow of reports while everything fails.
    pub reports_per_minute_min: f64,
    /// Reports about other things.
    pub other_per_site_day: f64,
}

impl ReportsPlan {
    /// That somebody who could not sign in reports it, where the fleet has this many sign-ins.
    #[must_use]
    pub fn probability(&self, sign_ins_per_second: f64) -> f64 {
        let least = self.reports_per_minute_min / (60.0 * sign_ins_per_second);
        self.probability.max(least).min(1.0)
    }
}

/// What people write into the incident report: no record knows it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrittenPlan {
    /// What failed, and why it was not seen before.
    pub cause: String,
    /// What helped, and should be kept.
    pub went_well: String,
    /// What will change, who does it, and by when.
    pub follow_ups: String,
}

impl WrittenPlan {
    /// A draft with each section's gap filled; what stands elsewhere is left as it is.
    #[must_use]
    pub fn fill(&self, draft: &str) -> String {
        let mut section = "";
        let mut report = String::new();
        for line in draft.lines() {
            section = line.strip_prefix("## ").unwrap_or(section);
            let words = match section {
                _ if !line.contains("To be written by a person:") => line,
                "Cause" => &self.cause,
                "What went well" => &self.went_well,
                "Follow-ups" => &self.follow_ups,
                _ => line,
            };
            report.push_str(words);
            report.push('\n');
        }
        report
    }
}

/// How long the engineer takes for each step, in seconds.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EngineerPlan {
    /// From the page to its acknowledgement.
    pub acknowledge: f64,
    /// From there to accepting the incident.
    pub accept: f64,
    /// From there to starting the campaign.
    pub diagnose: f64,
    /// Between two looks at a running campaign.
    pub look: f64,
    /// From Monitoring to Completed.
    pub watch: f64,
}

/// The origin, as nobody but the simulator knows it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OriginPlan {
    /// Mean service time of one read.
    pub service_seconds_mean: f64,
    /// Sigma of its logarithm.
    pub service_spread: f64,
    /// `L0`.
    pub idle_p95_seconds: f64,
    /// `L*`.
    pub promise_p95_seconds: f64,
    /// Who would wait longer is turned away.
    pub queue_seconds_max: f64,
    /// How long the bound T* should be, about.
    pub bound_minutes: f64,
    /// The least number of workers.
    pub workers_min: usize,
    /// Share of the workers that visitors keep busy, on the mean.
    pub visitors_share: f64,
    /// Relative amplitude of the visitors' slow swing.
    pub visitors_swing: f64,
    /// Its period.
    pub visitors_swing_minutes: f64,
    /// Sigma of the noise of the visitors' load.
    pub visitors_noise: f64,
    /// Times with fewer workers.
    #[serde(default)]
    pub away: Vec<Away>,
}

/// Workers that are away for a while.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Away {
    /// From when.
    pub at: Timestamp,
    /// For how long.
    pub minutes: f64,
    /// Share of the workers.
    pub share: f64,
}

/// The origin's size for one fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OriginSize {
    /// Requests it serves at once.
    pub workers: usize,
    /// Reads, one after the other, that a refill takes.
    pub reads_per_refill: usize,
}

impl OriginPlan {
    /// The size that makes T* about `bound_minutes` for `sites` sites.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "small positive numbers, checked when the scenario was read"
    )]
    pub fn size(&self, sites: usize) -> OriginSize {
        let spare = 1.0 - self.visitors_share;
        let seconds = self.bound_minutes * 60.0;
        let work = sites as f64 * self.service_seconds_mean;
        let workers = (work / (seconds * spare)).round() as usize;
        let workers = workers.max(self.workers_min);
        let reads = (seconds * spare * workers as f64 / work.max(1.0)).round() as usize;
        OriginSize {
            workers,
            reads_per_refill: reads.max(1),
        }
    }
}

/// The release under agents.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RolloutPlan {
    /// How many agents share the fleet.
    pub agents: usize,
    /// Seconds of ordinary life before and after.
    pub settle: f64,
}

/// What the drill must show.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MustHold {
    /// First report to alarm.
    pub first_report_to_alarm_seconds_max: f64,
    /// Start of the campaign to its end.
    pub campaign_minutes_max: f64,
    /// Release to the last site restored.
    pub release_to_restored_minutes_max: f64,
    /// Duration of the campaign over T*.
    pub time_over_bound_max: f64,
    /// Share of the campaign's seconds over the latency promise.
    pub seconds_over_promise_share_max: f64,
    /// Sites whose cache was cleared twice by one campaign.
    pub sites_done_twice_max: u64,
    /// Sites that still fail at the end.
    pub sites_lost_max: u64,
    /// Failed sign-ins in act 2.
    pub act2_failed_sign_ins_max: u64,
}

/// Why a scenario cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BadScenario {
    /// Not TOML, or not the fields of a scenario; says where.
    #[error("the scenario cannot be read: {0}")]
    Toml(#[from] toml::de::Error),
    /// A name or a title that its drill's result could not bear.
    #[error("the scenario cannot be called so: {0}")]
    Name(#[from] BadDrill),
    /// A figure that cannot be.
    #[error("the scenario's {field} is {value}; {rule}")]
    Figure {
        /// Which.
        field: &'static str,
        /// What it is.
        value: String,
        /// What it should be.
        rule: &'static str,
    },
}

impl Scenario {
    /// Reads and checks a scenario file.
    ///
    /// # Errors
    /// Says what is wrong and where.
    pub fn read(text: &str) -> Result<Self, BadScenario> {
        let scenario: Self = toml::from_str(text)?;
        scenario.check()?;
        Ok(scenario)
    }

    /// From the start to the release.
    #[must_use]
    pub fn lead(&self) -> Duration {
        Duration::try_from(self.release_at.duration_since(self.start)).unwrap_or_default()
    }

    fn check(&self) -> Result<(), BadScenario> {
        // What a result refuses would be learned minutes later.
        domain::drill::check_scenario(&self.name)?;
        domain::drill::check_line("title", &self.title)?;
        if self.release_at <= self.start {
            return Err(figure(
                "release_at",
                &self.release_at,
                "it comes after start",
            ));
        }
        if self.release.to <= self.release.from {
            return Err(figure(
                "release.to",
                &self.release.to,
                "it is newer than release.from",
            ));
        }
        let shares = [
            ("residents.password_share", self.residents.password_share),
            ("reports.probability", self.reports.probability),
            ("origin.visitors_share", self.origin.visitors_share),
            ("origin.visitors_swing", self.origin.visitors_swing),
        ];
        for (field, share) in shares {
            if !(0.0..=1.0).contains(&share) {
                return Err(figure(field, &share, "a share is from 0 to 1"));
            }
        }
        let positive = [
            (
                "residents.sign_ins_per_site_hour",
                self.residents.sign_ins_per_site_hour,
            ),
            (
                "residents.sign_ins_per_second_min",
                self.residents.sign_ins_per_second_min,
            ),
            (
                "residents.sign_ins_per_machine_second_max",
                self.residents.sign_ins_per_machine_second_max,
            ),
            (
                "origin.service_seconds_mean",
                self.origin.service_seconds_mean,
            ),
            ("origin.bound_minutes", self.origin.bound_minutes),
            ("origin.idle_p95_seconds", self.origin.idle_p95_seconds),
            (
                "origin.visitors_swing_minutes",
                self.origin.visitors_swing_minutes,
            ),
            ("engineer.look", self.engineer.look),
        ];
        for (field, value) in positive {
            if !(value.is_finite() && value > 0.0) {
                return Err(figure(field, &value, "it is more than 0"));
            }
        }
        if self.origin.promise_p95_seconds <= self.origin.idle_p95_seconds {
            let promise = self.origin.promise_p95_seconds;
            return Err(figure(
                "origin.promise_p95_seconds",
                &promise,
                "it is over the idle p95",
            ));
        }
        for (field, count) in [
            ("origin.workers_min", self.origin.workers_min),
            ("rollout.agents", self.rollout.agents),
            ("residents.accounts", self.residents.accounts),
        ] {
            if !(1..=10_000).contains(&count) {
                return Err(figure(field, &count, "it is from 1 to 10,000"));
            }
        }
        for away in &self.origin.away {
            if !(0.0..=0.9).contains(&away.share) {
                return Err(figure(
                    "origin.away.share",
                    &away.share,
                    "it is from 0 to 0.9",
                ));
            }
        }
        Ok(())
    }
}

fn figure(field: &'static str, value: &impl ToString, rule: &'static str) -> BadScenario {
    BadScenario::Figure {
        field,
        value: value.to_string(),
        rule,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JULY_11: &str = include_str!("../../../scenarios/july-11.toml");

    #[test]
    fn july_11_reads_and_bad_figures_say_which() {
        Scenario::read(JULY_11).unwrap();
        let table = [
            ("seed = 20230711", "seed = -1", "invalid value"),
            (
                "share = 0.25",
                "share = 1.5",
                "origin.away.share is 1.5; it is from 0 to 0.9",
            ),
            ("to = \"5.2.0\"", "to = \"5.0.0\"", "release.to is 5.0.0"),
            (
                "[residents]",
                "[residents]\nspeed = 1",
                "unknown field `speed`",
            ),
            ("America/Chicago", "America/Topeka", "is not a time zone"),
        ];
        for (old, new, says) in table {
            let error = Scenario::read(&JULY_11.replace(old, new))
                .unwrap_err()
                .to_string();
            assert!(error.contains(says), "{new}: {error}");
        }
    }

    #[test]
    fn the_bound_is_about_as_long_for_any_fleet() {
        let origin = Scenario::read(JULY_11).unwrap().origin;
        for sites in [60_u32, 240, 1_000, 3_405, 13_732, 100_000] {
            let size = origin.size(sites as usize);
            let work =
                f64::from(sites) * size.reads_per_refill as f64 * origin.service_seconds_mean;
            let minutes = work / (size.workers as f64 * (1.0 - origin.visitors_share)) / 60.0;
            assert!(
                (20.0..=36.0).contains(&minutes),
                "{sites}: {minutes} {size:?}"
            );
        }
    }
}
