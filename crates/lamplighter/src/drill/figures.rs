//! The drill's figures, beside those of the real incident, and whether they hold.

use std::fmt::Write as _;

use domain::text::grouped;
use serde::Serialize;
use sim::scenario::Scenario;

use super::Drill;

/// Everything that is written with `--json`. Times are in scenario seconds.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Figures {
    pub(crate) scenario: String,
    pub(crate) seed: u64,
    pub(crate) fleet_sites: usize,
    pub(crate) held: bool,
    pub(crate) act1: Option<ActOne>,
    pub(crate) act2: Option<ActTwo>,
    pub(crate) wall_seconds: f64,
    pub(crate) server_peak_memory_bytes: u64,
}

/// As it happened.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ActOne {
    pub(crate) first_report_to_alarm_seconds: f64,
    pub(crate) campaign_seconds: f64,
    pub(crate) release_to_restored_seconds: f64,
    pub(crate) time_over_bound: f64,
    pub(crate) seconds_over_promise_share: f64,
    pub(crate) sites_done_twice: u64,
    pub(crate) sites_lost: u64,
    pub(crate) sign_ins: u64,
    pub(crate) failed_sign_ins: u64,
    /// From the release to the first report.
    #[serde(skip)]
    pub(crate) first_report_seconds: f64,
}

/// As it should be.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ActTwo {
    pub(crate) sign_ins: u64,
    pub(crate) failed_sign_ins: u64,
    /// Sites that do not run the new release at the end.
    #[serde(skip)]
    pub(crate) sites_left: u64,
    #[serde(skip)]
    pub(crate) rollout_seconds: f64,
}

impl Figures {
    pub(super) fn new(
        drill: &Drill,
        act1: Option<ActOne>,
        act2: Option<ActTwo>,
        wall_seconds: f64,
        server_peak_memory_bytes: u64,
    ) -> Self {
        let mut figures = Self {
            scenario: drill.scenario.name.clone(),
            seed: drill.seed,
            fleet_sites: drill.fleet.len(),
            held: false,
            act1,
            act2,
            wall_seconds,
            server_peak_memory_bytes,
        };
        let rows = judged(&figures, &drill.scenario);
        figures.held = rows.iter().all(|row| row.held != Some(false));
        figures
    }
}

/// A row of the closing table.
pub(crate) struct Row {
    pub(crate) what: String,
    ours: String,
    real: String,
    limit: String,
    /// Absent where nothing must hold.
    pub(crate) held: Option<bool>,
}

/// The figures, each beside the real one, and whether it holds.
pub(crate) fn judged(figures: &Figures, scenario: &Scenario) -> Vec<Row> {
    let mut rows = Vec::new();
    match &figures.act1 {
        Some(act) => act_one(act, scenario, &mut rows),
        None => rows.push(left_out("act 1")),
    }
    match &figures.act2 {
        Some(act) => act_two(act, scenario, &mut rows),
        None => rows.push(left_out("act 2")),
    }
    rows
}

fn left_out(act: &str) -> Row {
    let (ours, none) = ("left out".into(), String::new());
    Row {
        what: act.into(),
        ours,
        real: none.clone(),
        limit: none,
        held: Some(false),
    }
}

fn act_one(act: &ActOne, scenario: &Scenario, rows: &mut Vec<Row>) {
    let (must, happened) = (&scenario.must_hold, &scenario.happened);
    let real = |minutes: u32| duration(f64::from(minutes) * 60.0);
    let mut row = |what: &str, ours: String, real: String, limit: String, held| {
        rows.push(Row {
            what: what.into(),
            ours,
            real,
            limit,
            held,
        });
    };
    let none = String::new;
    row(
        "release to first report",
        duration(act.first_report_seconds),
        real(happened.first_report),
        none(),
        None,
    );
    row(
        "first report to alarm",
        duration(act.first_report_to_alarm_seconds),
        real(happened.engineering - happened.first_report),
        limit(duration(must.first_report_to_alarm_seconds_max)),
        Some(act.first_report_to_alarm_seconds <= must.first_report_to_alarm_seconds_max),
    );
    row(
        "campaign, start to last site proved",
        duration(act.campaign_seconds),
        real(happened.done - happened.script_ready),
        limit(duration(must.campaign_minutes_max * 60.0)),
        Some(act.campaign_seconds <= must.campaign_minutes_max * 60.0),
    );
    row(
        "release to all restored",
        duration(act.release_to_restored_seconds),
        real(happened.done),
        limit(duration(must.release_to_restored_minutes_max * 60.0)),
        Some(act.release_to_restored_seconds <= must.release_to_restored_minutes_max * 60.0),
    );
    row(
        "time over the bound T*",
        format!("{:.2}", act.time_over_bound),
        none(),
        limit(format!("{:.2}", must.time_over_bound_max)),
        Some(act.time_over_bound <= must.time_over_bound_max),
    );
    row(
        "seconds over the latency promise",
        format!("{:.1}%", act.seconds_over_promise_share * 100.0),
        none(),
        limit(format!(
            "{:.1}%",
            must.seconds_over_promise_share_max * 100.0
        )),
        Some(act.seconds_over_promise_share <= must.seconds_over_promise_share_max),
    );
    row(
        "sites restored twice",
        act.sites_done_twice.to_string(),
        none(),
        limit(must.sites_done_twice_max.to_string()),
        Some(act.sites_done_twice <= must.sites_done_twice_max),
    );
    row(
        "sites lost",
        act.sites_lost.to_string(),
        none(),
        limit(must.sites_lost_max.to_string()),
        Some(act.sites_lost <= must.sites_lost_max),
    );
    let failed = share(act.failed_sign_ins, act.sign_ins);
    row(
        "failed sign-ins, as it happened",
        failed,
        none(),
        none(),
        None,
    );
}

fn act_two(act: &ActTwo, scenario: &Scenario, rows: &mut Vec<Row>) {
    let must = &scenario.must_hold;
    rows.push(Row {
        what: "failed sign-ins, as it should be".into(),
        ours: share(act.failed_sign_ins, act.sign_ins),
        real: String::new(),
        limit: limit(must.act2_failed_sign_ins_max.to_string()),
        held: Some(act.failed_sign_ins <= must.act2_failed_sign_ins_max && act.sign_ins > 0),
    });
    rows.push(Row {
        what: "sites left on the old release".into(),
        ours: act.sites_left.to_string(),
        real: String::new(),
        limit: limit("0".into()),
        held: Some(act.sites_left == 0),
    });
    rows.push(Row {
        what: "rollout, start to last site proved".into(),
        ours: duration(act.rollout_seconds),
        real: String::new(),
        limit: String::new(),
        held: None,
    });
}

fn share(part: u64, all: u64) -> String {
    format!("{} of {}", grouped(part), grouped(all))
}

fn limit(text: String) -> String {
    format!("<= {text}")
}

/// The closing table.
pub(crate) fn table(figures: &Figures, scenario: &Scenario) -> String {
    let real = scenario
        .title
        .rsplit(" | ")
        .next()
        .unwrap_or("the real one");
    let rows = judged(figures, scenario);
    let mut out = String::new();
    let mut line = |what: &str, ours: &str, real: &str, limit: &str, held: &str| {
        let _ = writeln!(out, "{what:<36}{ours:>16}{real:>16}{limit:>14}  {held}");
    };
    line("", "Lamplighter", real, "must hold", "");
    for row in &rows {
        let held = match row.held {
            None => "",
            Some(true) => "held",
            Some(false) => "NOT HELD",
        };
        line(&row.what, &row.ours, &row.real, &row.limit, held);
    }
    #[expect(clippy::cast_precision_loss, reason = "memory in MiB, to one digit")]
    let memory = figures.server_peak_memory_bytes as f64 / f64::from(1 << 20);
    let _ = writeln!(
        out,
        "\n{} sites, seed {}, {} of the machine's time, at most {memory:.1} MiB of memory in the server.",
        grouped(figures.fleet_sites as u64),
        figures.seed,
        duration(figures.wall_seconds)
    );
    let _ = write!(
        out,
        "{}",
        if figures.held {
            "Everything held."
        } else {
            "NOT everything held."
        }
    );
    out
}

fn duration(seconds: f64) -> String {
    if !seconds.is_finite() {
        return "never".into();
    }
    #[expect(clippy::cast_possible_truncation, reason = "seconds of a drill")]
    let whole = seconds.round() as i64;
    let (sign, whole) = (if whole < 0 { "-" } else { "" }, whole.abs());
    match (whole / 3_600, whole / 60 % 60, whole % 60) {
        (0, 0, seconds) => format!("{sign}{seconds} s"),
        (0, minutes, seconds) => format!("{sign}{minutes} min {seconds:02} s"),
        (hours, minutes, _) => format!("{sign}{hours} h {minutes:02} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well() {
        for (seconds, says) in [
            (9.4, "9 s"),
            (-9.0, "-9 s"),
            (180.0, "3 min 00 s"),
            (8_820.0, "2 h 27 min"),
        ] {
            assert_eq!(duration(seconds), says);
        }
        assert_eq!(duration(f64::INFINITY), "never");
    }
}
