//! The drill's figures, beside those of the real incident; and the closing table.

use std::fmt::Write as _;

use domain::drill::{Act, Course, DrillResult, Figure, Unit, duration};
use domain::text::grouped;
use sim::scenario::Scenario;

/// What is written with `--json`: the result, as it may be recorded.
#[derive(serde::Serialize)]
pub(crate) struct Written<'a> {
    #[serde(flatten)]
    result: &'a DrillResult,
    /// Whether everything held that must.
    held: bool,
}

impl<'a> From<&'a DrillResult> for Written<'a> {
    fn from(result: &'a DrillResult) -> Self {
        let held = result.held();
        Self { result, held }
    }
}

/// What was measured as it happened. Times are in scenario seconds.
pub(super) struct ActOne {
    pub(super) first_report_seconds: f64,
    pub(super) first_report_to_alarm_seconds: f64,
    pub(super) campaign_seconds: f64,
    pub(super) release_to_restored_seconds: f64,
    pub(super) time_over_bound: f64,
    pub(super) seconds_over_promise_share: f64,
    pub(super) sites_done_twice: u64,
    pub(super) sites_lost: u64,
    pub(super) sign_ins: u64,
    pub(super) failed_sign_ins: u64,
    pub(super) course: Course,
}

/// What was measured as it should be.
pub(super) struct ActTwo {
    pub(super) sign_ins: u64,
    pub(super) failed_sign_ins: u64,
    /// Sites that do not run the new release at the end.
    pub(super) sites_left: u64,
    pub(super) rollout_seconds: f64,
    pub(super) course: Course,
}

impl ActOne {
    pub(super) fn judge(self, scenario: &Scenario) -> Act {
        let (must, happened) = (&scenario.must_hold, &scenario.happened);
        let seconds = |what: &str, measured| Figure::new(what, Unit::Seconds, measured);
        let minutes = |minutes: u32| f64::from(minutes) * 60.0;
        let figures = vec![
            seconds("release to first report", self.first_report_seconds)
                .real(minutes(happened.first_report)),
            seconds("first report to alarm", self.first_report_to_alarm_seconds)
                .real(minutes(happened.engineering) - minutes(happened.first_report))
                .at_most(must.first_report_to_alarm_seconds_max),
            seconds("campaign, start to last site proved", self.campaign_seconds)
                .real(minutes(happened.done) - minutes(happened.script_ready))
                .at_most(must.campaign_minutes_max * 60.0),
            seconds("release to all restored", self.release_to_restored_seconds)
                .real(minutes(happened.done))
                .at_most(must.release_to_restored_minutes_max * 60.0),
            Figure::new("time over the bound T*", Unit::Ratio, self.time_over_bound)
                .at_most(must.time_over_bound_max),
            Figure::new(
                "seconds over the latency promise",
                Unit::Share,
                self.seconds_over_promise_share,
            )
            .at_most(must.seconds_over_promise_share_max),
            count("sites restored twice", self.sites_done_twice)
                .at_most(number(must.sites_done_twice_max)),
            count("sites lost", self.sites_lost).at_most(number(must.sites_lost_max)),
            failed(
                "failed sign-ins, as it happened",
                self.failed_sign_ins,
                self.sign_ins,
            ),
        ];
        Act {
            figures,
            course: self.course,
        }
    }
}

impl ActTwo {
    pub(super) fn judge(self, scenario: &Scenario) -> Act {
        let must = &scenario.must_hold;
        let figures = vec![
            failed(
                "failed sign-ins, as it should be",
                self.failed_sign_ins,
                self.sign_ins,
            )
            .at_most(number(must.act2_failed_sign_ins_max)),
            count("sites left on the old release", self.sites_left).at_most(0.0),
            Figure::new(
                "rollout, start to last site proved",
                Unit::Seconds,
                self.rollout_seconds,
            ),
        ];
        Act {
            figures,
            course: self.course,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn number(count: u64) -> f64 {
    count as f64
}

fn count(what: &str, measured: u64) -> Figure {
    Figure::new(what, Unit::Count, number(measured))
}

/// Without any sign-in, none that failed was measured.
fn failed(what: &str, failed: u64, all: u64) -> Figure {
    Figure {
        measured: (all > 0).then(|| number(failed)),
        of: Some(number(all)),
        ..count(what, failed)
    }
}

/// The closing table.
pub(crate) fn table(result: &DrillResult) -> String {
    let mut out = String::new();
    let mut line = |what: &str, ours: &str, real: &str, limit: &str, held: &str| {
        let _ = writeln!(out, "{what:<36}{ours:>16}{real:>16}{limit:>14}  {held}");
    };
    let real = result.real().unwrap_or("the real one");
    line("", "Lamplighter", real, "must hold", "");
    for (act, name) in [(&result.act1, "act 1"), (&result.act2, "act 2")] {
        if act.is_none() {
            line(name, "left out", "", "", "NOT HELD");
        }
        for one in act.iter().flat_map(|act| &act.figures) {
            let write = |value: f64| one.unit.write(value);
            let held = match one.held() {
                None => "",
                Some(true) => "held",
                Some(false) => "NOT HELD",
            };
            let real = one.real.map_or_else(String::new, write);
            let limit = one
                .at_most
                .map_or_else(String::new, |most| format!("<= {}", write(most)));
            line(&one.what, &measured(one), &real, &limit, held);
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "memory in MiB, to one digit")]
    let memory = result.server_peak_memory_bytes as f64 / f64::from(1 << 20);
    let wall = result.ended_at.duration_since(result.began_at);
    let _ = writeln!(
        out,
        "\n{} sites, seed {}, {} of the machine's time, at most {memory:.1} MiB of memory in the server.",
        grouped(result.sites.into()),
        result.seed,
        duration(wall.as_secs_f64())
    );
    let _ = write!(
        out,
        "{}",
        if result.held() {
            "Everything held."
        } else {
            "NOT everything held."
        }
    );
    out
}

fn measured(one: &Figure) -> String {
    let Some(measured) = one.measured else {
        let never = one.unit == Unit::Seconds;
        return if never { "never" } else { "not measured" }.into();
    };
    let measured = one.unit.write(measured);
    match one.of {
        Some(all) => format!("{measured} of {}", one.unit.write(all)),
        None => measured,
    }
}
