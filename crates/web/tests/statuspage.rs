//! `/api/v2` as a client made for Statuspage reads it: every field, of its type, with its words.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use domain::access::Role;
use serde::Deserialize;
use support::Plane;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(
    dead_code,
    reason = "that a field is there, and of its type, is what is tested"
)]
struct Page {
    id: String,
    name: String,
    url: String,
    time_zone: String,
    updated_at: jiff::Timestamp,
}

#[derive(Deserialize, PartialEq, Debug)]
#[serde(rename_all = "snake_case")]
enum Indicator {
    None,
    Minor,
    Major,
    Critical,
    Maintenance,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Status {
    indicator: Indicator,
    description: String,
}

#[derive(Deserialize, PartialEq, Debug, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum ComponentStatus {
    Operational,
    DegradedPerformance,
    PartialOutage,
    MajorOutage,
    UnderMaintenance,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(
    dead_code,
    reason = "that a field is there, and of its type, is what is tested"
)]
struct Component {
    id: String,
    name: String,
    status: ComponentStatus,
    created_at: jiff::Timestamp,
    updated_at: jiff::Timestamp,
    position: u32,
    description: Option<String>,
    showcase: bool,
    start_date: Option<String>,
    group_id: Option<String>,
    page_id: String,
    group: bool,
    only_show_if_degraded: bool,
    /// Only groups have it.
    #[serde(default)]
    components: Vec<String>,
}

#[derive(Deserialize, PartialEq, Debug)]
#[serde(rename_all = "snake_case")]
enum IncidentStatus {
    Investigating,
    Identified,
    Monitoring,
    Resolved,
    Postmortem,
}

#[derive(Deserialize, PartialEq, Debug)]
#[serde(rename_all = "snake_case")]
enum Impact {
    None,
    Minor,
    Major,
    Critical,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(
    dead_code,
    reason = "that a field is there, and of its type, is what is tested"
)]
struct Affected {
    code: String,
    name: String,
    old_status: ComponentStatus,
    new_status: ComponentStatus,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(
    dead_code,
    reason = "that a field is there, and of its type, is what is tested"
)]
struct Update {
    id: String,
    status: IncidentStatus,
    body: String,
    incident_id: String,
    created_at: jiff::Timestamp,
    updated_at: jiff::Timestamp,
    display_at: jiff::Timestamp,
    affected_components: Vec<Affected>,
    deliver_notifications: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(
    dead_code,
    reason = "that a field is there, and of its type, is what is tested"
)]
struct Incident {
    id: String,
    name: String,
    status: IncidentStatus,
    created_at: jiff::Timestamp,
    updated_at: jiff::Timestamp,
    monitoring_at: Option<jiff::Timestamp>,
    resolved_at: Option<jiff::Timestamp>,
    impact: Impact,
    shortlink: String,
    started_at: jiff::Timestamp,
    page_id: String,
    incident_updates: Vec<Update>,
    components: Vec<Component>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Summary {
    page: Page,
    status: Status,
    components: Vec<Component>,
    incidents: Vec<Incident>,
    scheduled_maintenances: Vec<Maintenance>,
}

#[derive(Deserialize, PartialEq, Debug)]
#[serde(rename_all = "snake_case")]
enum WorkStatus {
    Scheduled,
    InProgress,
    Verifying,
    Completed,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(
    dead_code,
    reason = "that a field is there, and of its type, is what is tested"
)]
struct WorkUpdate {
    id: String,
    status: WorkStatus,
    body: String,
    incident_id: String,
    created_at: jiff::Timestamp,
    updated_at: jiff::Timestamp,
    display_at: jiff::Timestamp,
    affected_components: Vec<Affected>,
    deliver_notifications: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(
    dead_code,
    reason = "that a field is there, and of its type, is what is tested"
)]
struct Maintenance {
    id: String,
    name: String,
    status: WorkStatus,
    created_at: jiff::Timestamp,
    updated_at: jiff::Timestamp,
    monitoring_at: Option<jiff::Timestamp>,
    resolved_at: Option<jiff::Timestamp>,
    impact: Impact,
    shortlink: String,
    started_at: jiff::Timestamp,
    page_id: String,
    incident_updates: Vec<WorkUpdate>,
    components: Vec<Component>,
    scheduled_for: jiff::Timestamp,
    scheduled_until: jiff::Timestamp,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "that it is there is what is tested")]
struct Maintenances {
    page: Page,
    scheduled_maintenances: Vec<Maintenance>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Incidents {
    page: Page,
    incidents: Vec<Incident>,
}

async fn read<T: serde::de::DeserializeOwned>(plane: &Plane, name: &str) -> T {
    let answer = plane
        .send("GET", &format!("/api/v2/{name}"), None, "")
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["access-control-allow-origin"], "*");
    assert_eq!(answer.headers["content-type"], "application/json");
    serde_json::from_str(&answer.text).unwrap_or_else(|e| panic!("{name}: {e}: {}", answer.text))
}

#[tokio::test]
async fn an_incident_is_told_as_statuspage_tells_it() {
    let plane = Plane::with_fleet().await;
    let token = plane.token(Role::Support).await;
    let id = plane.propose().await;
    let proposed: Summary = read(&plane, "summary.json").await;
    assert_eq!(proposed.status.indicator, Indicator::None);
    assert_eq!(proposed.status.description, "All Systems Operational");
    assert!(proposed.incidents.is_empty(), "a proposal is not public");
    let post = async |path: &str, body: &str| {
        let path = format!("/api/v1/incidents/{id}/{path}");
        let answer = plane
            .send("POST", &path, Some(&token), body.to_owned())
            .await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        plane.hand.advance(std::time::Duration::from_secs(60));
    };
    post("accept", "{}").await;
    post("updates", r#"{"text": "We look.", "state": "identified"}"#).await;
    let open: Summary = read(&plane, "summary.json").await;
    assert_eq!(open.page.id, "127.0.0.1:8080");
    assert_eq!(open.status.indicator, Indicator::Critical);
    assert!(open.scheduled_maintenances.is_empty());
    let group = &open.components[0];
    assert_eq!(
        (&*group.name, group.group),
        ("Sign-in on web-central", true)
    );
    assert_eq!(group.components.len(), open.components.len() - 1);
    for (at, component) in open.components.iter().enumerate() {
        assert_eq!(component.status, ComponentStatus::MajorOutage);
        assert_eq!(component.position as usize, at + 1);
        let of_group = component.group_id.as_deref() == Some(&*group.id);
        assert!(component.group != of_group);
    }
    let told = &open.incidents[0];
    assert_eq!(told.status, IncidentStatus::Identified);
    assert_eq!(told.impact, Impact::Critical);
    assert_eq!(
        told.shortlink,
        format!("http://127.0.0.1:8080/incidents/{id}")
    );
    assert_eq!(told.components.len(), open.components.len());
    let first = &told.incident_updates[0].affected_components[0];
    let (old, new) = (first.old_status, first.new_status);
    assert_eq!(
        (old, new),
        (ComponentStatus::Operational, ComponentStatus::MajorOutage)
    );
    let unresolved: Incidents = read(&plane, "incidents/unresolved.json").await;
    assert_eq!(unresolved.incidents.len(), 1);

    post("updates", r#"{"text": "Fixed.", "state": "monitoring"}"#).await;
    post("updates", r#"{"text": "Over.", "state": "completed"}"#).await;
    post("official-comment", r##"{"text": "# Report"}"##).await;
    let over: Summary = read(&plane, "summary.json").await;
    assert_eq!(over.status.indicator, Indicator::None);
    assert!(over.incidents.is_empty());
    let all: Incidents = read(&plane, "incidents.json").await;
    let told = &all.incidents[0];
    assert_eq!(told.status, IncidentStatus::Postmortem);
    assert!(told.monitoring_at < told.resolved_at);
    assert_eq!(told.updated_at, all.page.updated_at);
    let states: Vec<_> = told
        .incident_updates
        .iter()
        .map(|update| &update.status)
        .collect();
    let told = [
        IncidentStatus::Postmortem,
        IncidentStatus::Resolved,
        IncidentStatus::Monitoring,
        IncidentStatus::Identified,
    ];
    assert_eq!(states, told.iter().collect::<Vec<_>>());
    let resolved = &all.incidents[0].incident_updates[1].affected_components[0];
    assert_eq!(resolved.new_status, ComponentStatus::Operational);
}

/// Planned work goes its way through the lists; a zone is under maintenance in its own window only.
#[tokio::test]
async fn planned_work_is_told_as_statuspage_tells_it() {
    let plane = Plane::with_fleet().await;
    let token = plane.token(Role::Support).await;
    let post = async |path: &str, body: serde_json::Value| {
        let answer = plane.send("POST", path, Some(&token), body.to_string());
        let answer = answer.await;
        assert!(answer.status.is_success(), "{path}: {}", answer.text);
        plane.hand.advance(std::time::Duration::from_secs(1));
        serde_json::from_str::<serde_json::Value>(&answer.text).unwrap()
    };
    let window =
        serde_json::json!({"local": {"from": "2023-07-11T17:00", "until": "2023-07-11T18:00"}});
    let body = serde_json::json!({"title": "Work", "text": "Soon.", "window": window});
    let id = post("/api/v1/maintenances", body).await;
    let updates = format!("/api/v1/incidents/{}/updates", id["id"].as_str().unwrap());
    let listed = async |name: &str| {
        let name = format!("scheduled-maintenances{name}.json");
        let listed: Maintenances = read(&plane, &name).await;
        listed.scheduled_maintenances
    };
    assert_eq!(listed("/upcoming").await.len(), 1);
    assert_eq!(listed("/active").await.len(), 0);
    let all = listed("").await;
    assert_eq!(all[0].status, WorkStatus::Scheduled);
    assert_eq!(all[0].scheduled_for.to_string(), "2023-07-11T21:00:00Z");
    assert_eq!(all[0].scheduled_until.to_string(), "2023-07-12T04:00:00Z");

    // 17:30 in New York is 13:30 in Anchorage.
    plane.hand.advance(std::time::Duration::from_secs(3_600));
    let begun = serde_json::json!({"text": "It begins.", "state": "in_progress"});
    post(&updates, begun).await;
    let summary: Summary = read(&plane, "summary.json").await;
    assert_eq!(summary.status.indicator, Indicator::Maintenance);
    assert_eq!(summary.status.description, "Service Under Maintenance");
    assert!(summary.incidents.is_empty(), "planned work is no incident");
    assert_eq!(summary.scheduled_maintenances.len(), 1);
    let status = |end: &str| {
        let mut components = summary.components.iter();
        let one = components.find(|one| one.id.ends_with(end)).unwrap();
        one.status
    };
    assert_eq!(status(".eastern"), ComponentStatus::UnderMaintenance);
    assert_eq!(status(".alaska"), ComponentStatus::Operational);
    let active = &listed("/active").await[0];
    assert_eq!(active.status, WorkStatus::InProgress);
    let told = &active.incident_updates[0].affected_components[0];
    assert_eq!(told.new_status, ComponentStatus::UnderMaintenance);

    let done = serde_json::json!({"text": "Done.", "state": "completed"});
    post(&updates, done).await;
    let over = &listed("").await[0];
    assert_eq!(over.status, WorkStatus::Completed);
    assert!(over.resolved_at.is_some());
    let incidents: Incidents = read(&plane, "incidents.json").await;
    assert!(incidents.incidents.is_empty());
}

#[tokio::test]
async fn each_answer_has_the_page_and_its_part() {
    let plane = Plane::with_fleet().await;
    for (name, parts) in [
        ("status.json", "page status"),
        (
            "summary.json",
            "components incidents page scheduled_maintenances status",
        ),
        ("components.json", "components page"),
        ("incidents.json", "incidents page"),
        ("incidents/unresolved.json", "incidents page"),
        ("scheduled-maintenances.json", "page scheduled_maintenances"),
        (
            "scheduled-maintenances/upcoming.json",
            "page scheduled_maintenances",
        ),
        (
            "scheduled-maintenances/active.json",
            "page scheduled_maintenances",
        ),
    ] {
        let answer: serde_json::Map<String, serde_json::Value> = read(&plane, name).await;
        let mut keys: Vec<_> = answer.keys().map(String::as_str).collect();
        keys.sort_unstable();
        assert_eq!(keys.join(" "), parts, "{name}");
    }
}
