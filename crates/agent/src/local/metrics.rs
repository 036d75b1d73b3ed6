//! `GET /metrics`: the agent's counts as Prometheus reads them (text format 0.0.4). Written here: it
//! is a dozen families of plain numbers, and a registry would be a second place that holds them.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::freshness;
use crate::Shared;

pub(super) async fn show(State(shared): State<Arc<Shared>>) -> Response {
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
    (kind, written(&shared)).into_response()
}

fn written(shared: &Shared) -> String {
    let mut text = Text::default();
    holds(&mut text, shared);
    happened(&mut text, shared);
    origins(&mut text, shared);
    text.0
}

/// What it holds now.
fn holds(text: &mut Text, shared: &Shared) {
    let (view, fresh) = (shared.cache.view(), freshness(shared));
    text.gauge(
        "repository_version",
        "Version of the signed repository that is served; 0 for none.",
        view.repository as f64,
    );
    // Absent when nothing was ever verified: no number would be true.
    if let Some(age) = fresh.age {
        text.gauge(
            "age_seconds",
            "Seconds since a newer signed timestamp was verified.",
            age.as_secs_f64(),
        );
    }
    let stale = f64::from(u8::from(fresh.stale));
    text.gauge(
        "stale",
        "1 past the staleness bound, and when nothing was ever verified.",
        stale,
    );
    let documents = view.all().count() as f64;
    text.gauge(
        "document_versions",
        "Verified versions of documents that are held.",
        documents,
    );
    text.gauge(
        "document_versions_missing",
        "Versions that believed metadata lists and that no origin gave yet; such documents are read as they were.",
        view.missing_count() as f64,
    );
    let sites = shared.cache.site_count() as f64;
    text.gauge("sites", "Sites that are served.", sites);
    let refused = shared.cache.refusals().all().len() as f64;
    text.gauge(
        "refusals",
        "Versions that a site refuses now (NACK).",
        refused,
    );
    if let Some((at, _)) = shared.counts.last_error() {
        text.gauge(
            "last_error_timestamp_seconds",
            "When a look or a push failed last, or the control plane turned this agent away; /v1/status says why.",
            at.as_millisecond() as f64 / 1_000.0,
        );
    }
}

/// What happened since the start.
fn happened(text: &mut Text, shared: &Shared) {
    let counts = &shared.counts;
    let (reads, pushes, looks) = (counts.reads(), counts.pushes(), counts.looks());
    text.counters(
        "reads_total",
        "Reads of config, by result.",
        "result",
        reads,
    );
    text.counters(
        "pushes_total",
        "Pushes of the control plane, by result.",
        "result",
        pushes,
    );
    text.counters(
        "looks_total",
        "Looks for newer config, by result.",
        "result",
        looks,
    );
    if let Some(seconds) = counts.last_push_took() {
        text.gauge(
            "last_push_seconds",
            "From the last push that changed documents to all of it verified, on disk and readable.",
            seconds,
        );
    }
    let doubts = counts.doubts();
    text.counter(
        "doubt_looks_total",
        "Looks because a site doubted its config.",
        doubts,
    );
    let refusals = counts.refusals();
    text.counter(
        "refusals_total",
        "Refusals of a version by a site (NACK).",
        refusals,
    );
    let files = counts.files_failed();
    text.counter(
        "files_failed_total",
        "Failures to write config into the folder of files.",
        files,
    );
}

/// How each origin does.
fn origins(text: &mut Text, shared: &Shared) {
    let all = shared.origins.tallies();
    let asked = all.iter().map(|one| (one.origin, one.asked));
    text.counters(
        "origin_requests_total",
        "Requests to an origin.",
        "origin",
        asked,
    );
    let failed = all.iter().map(|one| (one.origin, one.failed));
    let help = "Requests to an origin without a good answer.";
    text.counters("origin_failures_total", help, "origin", failed);
    let well = all.iter().map(|one| {
        let well = one.health.is_well();
        (one.origin, f64::from(u8::from(well)))
    });
    let help = "1 when the last try of an origin was good and it is not frozen.";
    text.gauges("origin_well", help, "origin", well);
    let failing = all.iter().map(|one| (one.origin, one.health.failing));
    let help = "Share of an origin's tries that failed; recent ones weigh more.";
    text.gauges("origin_failing_ratio", help, "origin", failing);
    let took = all.iter().filter_map(|one| {
        let latency = one.health.latency?;
        Some((one.origin, latency.as_secs_f64()))
    });
    let help = "Seconds that a good try of an origin takes; recent ones weigh more.";
    text.gauges("origin_latency_seconds", help, "origin", took);
    let shown = all.iter();
    let shown = shown.map(|one| (one.origin, one.health.timestamp as f64));
    let help = "Version of the signed timestamp that an origin showed last; 0 for none.";
    text.gauges("origin_timestamp_version", help, "origin", shown);
}

#[derive(Default)]
struct Text(String);

impl Text {
    fn head(&mut self, name: &str, help: &str, kind: &str) {
        let name = format!("lamplighter_agent_{name}");
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn gauge(&mut self, name: &str, help: &str, value: f64) {
        self.head(name, help, "gauge");
        let _ = writeln!(self.0, "lamplighter_agent_{name} {value}");
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.head(name, help, "counter");
        let _ = writeln!(self.0, "lamplighter_agent_{name} {value}");
    }

    fn gauges<'a>(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        values: impl Iterator<Item = (&'a str, f64)>,
    ) {
        self.head(name, help, "gauge");
        for (of, value) in values {
            self.labelled(name, label, of, value);
        }
    }

    fn counters<'a>(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        values: impl Iterator<Item = (&'a str, u64)>,
    ) {
        self.head(name, help, "counter");
        for (of, value) in values {
            self.labelled(name, label, of, value);
        }
    }

    fn labelled(&mut self, name: &str, label: &str, of: &str, value: impl std::fmt::Display) {
        let of = of
            .replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('\n', "\\n");
        let _ = writeln!(
            self.0,
            "lamplighter_agent_{name}{{{label}=\"{of}\"}} {value}"
        );
    }
}
