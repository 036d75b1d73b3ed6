//! What the API can do, the command line can: each endpoint that a person would call has a command
//! that calls it, and the others say why none does. A new endpoint without either fails here.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::{Method, Uri};
use tokio::process::Command;

/// Any identifier will do: the recorder knows none.
const ID: &str = "0189a3c0-0000-7000-8000-000000000001";

enum Caller {
    /// This command calls it.
    Command(&'static str),
    /// No person calls it, for this reason.
    Nobody(&'static str),
}

use Caller::{Command as By, Nobody};

/// `ID` stands for an identifier; `FILE`s are in the folder that the commands run in.
const CALLERS: &[(&str, Caller)] = &[
    (
        "POST /api/v1/accounts",
        By("account add a@b.example --password-file secret"),
    ),
    (
        "POST /api/v1/accounts/bulk",
        By("account import accounts.csv"),
    ),
    (
        "POST /api/v1/accounts/unlock",
        By("account unlock a@b.example"),
    ),
    (
        "POST /api/v1/accounts/sessions",
        Nobody(
            "programs that bring sessions over from another provider call it: a cookie is of no use to a person",
        ),
    ),
    ("GET /api/v1/agents", By("agent list")),
    ("POST /api/v1/agents/enrolments", By("agent token")),
    ("GET /api/v1/alarms", By("alarm list")),
    ("GET /api/v1/audit", By("audit list")),
    (
        "GET /api/v1/public/banners",
        Nobody("customers' programs call it, without a token"),
    ),
    (
        "GET /api/v1/incidents/{id}/report/versions",
        By("incident-report versions ID"),
    ),
    (
        "POST /api/v1/incidents/{id}/report/versions",
        By("incident-report save ID accounts.csv"),
    ),
    (
        "POST /api/v1/incidents/{id}/report/versions/{number}/approve",
        By("incident-report approve ID 1"),
    ),
    (
        "POST /api/v1/incidents/{id}/report/versions/{number}/publish",
        By("incident-report publish ID 1"),
    ),
    ("GET /api/v1/calendars", By("calendar list")),
    (
        "PUT /api/v1/calendars/{name}",
        By("calendar save default --zone America/Denver --opens 08:00 --closes 17:00"),
    ),
    (
        "POST /api/v1/calendars/{name}/holidays",
        By("calendar import default accounts.csv"),
    ),
    (
        "POST /api/v1/calendars/{name}/remove",
        By("calendar remove default"),
    ),
    ("GET /api/v1/comments", By("comment list")),
    (
        "POST /api/v1/comments/{id}/judge",
        By("comment judge ID hidden"),
    ),
    (
        "POST /api/v1/comments/{id}/ban",
        By("comment ban ID --reason words"),
    ),
    ("POST /api/v1/comments/{id}/unban", By("comment unban ID")),
    (
        "GET /api/v1/public/incidents/{id}/comments",
        Nobody("customers' programs call it, without a token"),
    ),
    (
        "GET /api/v1/organizations",
        By("organization list --name city"),
    ),
    (
        "GET /api/v1/organizations/{id}/members",
        By("organization members ID"),
    ),
    (
        "PUT /api/v1/organizations/{id}/members",
        By("organization set-members ID @anytown.gov"),
    ),
    (
        "POST /api/v1/incidents/{id}/audience",
        By("incident audience ID affected"),
    ),
    ("GET /api/v1/maintenances", By("maintenance list")),
    (
        "POST /api/v1/maintenances",
        By(
            "maintenance plan title words --local-from 2023-07-12T22:00 --local-until 2023-07-13T02:00",
        ),
    ),
    (
        "POST /api/v1/maintenances/preview",
        By(
            "maintenance plan title words --preview --from 2023-07-12T22:00:00Z --until 2023-07-13T02:00:00Z",
        ),
    ),
    (
        "POST /api/v1/maintenances/{id}/move",
        By("maintenance move ID words --from 2023-07-12T22:00:00Z --until 2023-07-13T02:00:00Z"),
    ),
    (
        "GET /api/v1/public/maintenances",
        Nobody("customers' programs call it, without a token"),
    ),
    ("GET /api/v1/follow-ups", By("follow-up list")),
    (
        "POST /api/v1/incidents/{id}/follow-ups",
        By("follow-up add ID words --owner Ada --due 2023-08-01"),
    ),
    ("POST /api/v1/follow-ups/{id}/done", By("follow-up done ID")),
    (
        "POST /api/v1/follow-ups/{id}/drop",
        By("follow-up drop ID --reason words"),
    ),
    ("GET /api/v1/banners", By("banner list")),
    (
        "POST /api/v1/banners",
        By("banner add words --state CA --county CA/Alameda"),
    ),
    ("PUT /api/v1/banners/{id}", By("banner change ID words")),
    ("POST /api/v1/banners/{id}/end", By("banner end ID")),
    (
        "POST /api/v1/campaigns/plan",
        By("campaign plan refresh --all"),
    ),
    (
        "POST /api/v1/campaigns",
        By("campaign create refresh --all"),
    ),
    ("GET /api/v1/campaigns", By("campaign list")),
    ("GET /api/v1/campaigns/{id}", By("campaign watch ID")),
    ("GET /api/v1/campaigns/{id}/sites", By("campaign sites ID")),
    ("POST /api/v1/campaigns/{id}/start", By("campaign start ID")),
    ("POST /api/v1/campaigns/{id}/pause", By("campaign pause ID")),
    (
        "POST /api/v1/campaigns/{id}/resume",
        By("campaign resume ID"),
    ),
    ("POST /api/v1/campaigns/{id}/abort", By("campaign abort ID")),
    (
        "POST /api/v1/campaigns/{id}/pace",
        By("campaign pace ID --rate 1"),
    ),
    (
        "GET /api/v1/incidents/{id}/proposed-campaign",
        By("campaign proposed ID"),
    ),
    (
        "POST /api/v1/sites/{hostname}/actions",
        By("campaign site a.example"),
    ),
    (
        "POST /api/v1/clients/issue",
        By("client issue web-central --all"),
    ),
    (
        "POST /api/v1/documents",
        By(
            "config publish --product web-central --service sign-in --name client --accepts ^5 settings.json",
        ),
    ),
    ("GET /api/v1/repository", By("repository export mirror")),
    ("GET /api/v1/repository/keys", By("keys show")),
    ("POST /api/v1/repository/keys", By("keys rotate timestamp")),
    (
        "POST /api/v1/repository/roots/drafts",
        By("keys root draft"),
    ),
    (
        "POST /api/v1/repository/roots",
        By("keys root publish secret"),
    ),
    (
        "GET /api/v1/repository/metadata/{file}",
        Nobody("`repository export` reads it, for each file of the list"),
    ),
    (
        "GET /api/v1/repository/targets/{*file}",
        Nobody("`repository export` reads it, for each file of the list"),
    ),
    (
        "GET /api/v1/documents/{product}/{service}/{document}/versions",
        By("config history --product web-central --service sign-in --name client"),
    ),
    (
        "GET /api/v1/documents/{product}/{service}/{document}/versions/{version}",
        Nobody("programs read it; people compare versions by `config diff`"),
    ),
    (
        "GET /api/v1/documents/{product}/{service}/{document}/difference",
        By("config diff --product web-central --service sign-in --name client --from 1 --to 2"),
    ),
    (
        "POST /api/v1/documents/{product}/{service}/{document}/rollback",
        By(
            "config rollback --product web-central --service sign-in --name client --to 1 --why it-worked",
        ),
    ),
    (
        "POST /api/v1/documents/{product}/{service}/{document}/halt",
        By(
            "config halt --product web-central --service sign-in --name client --number 2 --why broken",
        ),
    ),
    (
        "POST /api/v1/documents/{product}/{service}/{document}/hasten",
        By(
            "config hasten --product web-central --service sign-in --name client --number 2 --why good",
        ),
    ),
    ("GET /api/v1/documents", By("config list")),
    (
        "GET /api/v1/config/{product}/{service}/{document}/pieces",
        By(
            "config layers --product web-central --service sign-in --name client --site 29palms.gov",
        ),
    ),
    ("GET /api/v1/groups", By("group list")),
    ("GET /api/v1/groups/{group}", By("group sites early")),
    (
        "PUT /api/v1/groups/{group}",
        By("group set-sites early 29palms.gov"),
    ),
    ("GET /api/v1/drills", By("drill-result list")),
    ("GET /api/v1/drills/{id}", By("drill-result show ID")),
    (
        "POST /api/v1/drills",
        By("drill-result record settings.json"),
    ),
    (
        "GET /api/v1/config/{product}/{service}/{document}",
        By("config read --product web-central --service sign-in --name client --code 5.1.0"),
    ),
    (
        "POST /api/v1/fleet/import",
        By("fleet import fleet.csv --update --dry-run"),
    ),
    ("GET /api/v1/sites", By("fleet list --county CA/Alameda")),
    ("GET /api/v1/sites/{hostname}", By("fleet show a.example")),
    ("GET /api/v1/products", By("product list")),
    (
        "PUT /api/v1/products/{name}",
        By("product set web-central --sign-in-path /in"),
    ),
    ("GET /api/v1/followers", By("follower list")),
    (
        "POST /api/v1/followers",
        By("follower add https://hooks.example/x --shape slack --language es"),
    ),
    ("POST /api/v1/followers/{id}/end", By("follower end ID")),
    (
        "GET /api/v1/incidents/{id}/notifications",
        By("incident notifications ID"),
    ),
    (
        "POST /api/v1/notifications/{id}/retry",
        By("notification retry ID"),
    ),
    ("GET /api/v1/incidents", By("incident list")),
    ("GET /api/v1/incidents/{id}", By("incident show ID")),
    (
        "GET /api/v1/incidents/{id}/timeline",
        By("incident timeline ID"),
    ),
    (
        "GET /api/v1/incidents/{id}/report.md",
        By("incident report ID"),
    ),
    (
        "GET /api/v1/incidents/{id}/report.html",
        Nobody("browsers open it; the command prints the Markdown"),
    ),
    (
        "GET /api/v1/incidents/{id}/report.pdf",
        By("incident report ID --pdf report.pdf"),
    ),
    ("POST /api/v1/incidents", By("incident open Outage")),
    (
        "POST /api/v1/incidents/backfill",
        By("incident backfill --file settings.json"),
    ),
    (
        "POST /api/v1/incidents/import",
        By("incident import settings.json"),
    ),
    (
        "POST /api/v1/incidents/{id}/accept",
        By("incident accept ID"),
    ),
    (
        "POST /api/v1/incidents/{id}/dismiss",
        By("incident dismiss ID --reason drill"),
    ),
    (
        "POST /api/v1/incidents/{id}/updates",
        By("incident update ID --text words"),
    ),
    (
        "POST /api/v1/incidents/{id}/updates/{update}/correct",
        By("incident correct ID ID --text Fixed. --reason hour"),
    ),
    (
        "POST /api/v1/incidents/{id}/official-comment",
        By("incident comment ID words"),
    ),
    (
        "GET /api/v1/public/incidents",
        Nobody("customers' programs call it, without a token"),
    ),
    (
        "GET /api/v1/public/incidents/{id}",
        Nobody("customers' programs call it, without a token"),
    ),
    (
        "GET /api/v1/incidents/{id}/scheduled",
        By("incident scheduled ID"),
    ),
    (
        "POST /api/v1/incidents/{id}/scheduled/{update}/cancel",
        By("incident unschedule ID ID"),
    ),
    ("GET /api/v1/templates", By("template list")),
    ("GET /api/v1/templates/{name}", By("template show Sorry")),
    (
        "PUT /api/v1/templates/{name}",
        By("template set Sorry settings.json"),
    ),
    (
        "POST /api/v1/templates/{name}/withdraw",
        By("template withdraw Sorry"),
    ),
    (
        "POST /api/v1/templates/preview",
        By("template preview settings.json"),
    ),
    ("GET /api/v1/keys", By("key list")),
    ("POST /api/v1/keys", By("key add")),
    (
        "POST /api/v1/keys/{kid}/{state}",
        By("key set kid-1 active"),
    ),
    ("GET /api/v1/on-call", By("on-call show")),
    ("PUT /api/v1/on-call", By("on-call set on-call.json")),
    ("GET /api/v1/pages", By("page list")),
    (
        "POST /api/v1/pages/{id}/acknowledge",
        By("page acknowledge ID"),
    ),
    (
        "POST /api/v1/outcomes",
        Nobody("sites and agents call it: they count sign-ins, people do not"),
    ),
    (
        "POST /api/v1/releases",
        By("release stage web-central 5.2.0"),
    ),
    ("GET /api/v1/releases", By("release list")),
    (
        "GET /api/v1/releases/{product}/{version}/readiness",
        By("release readiness web-central 5.2.0"),
    ),
    (
        "POST /api/v1/releases/{product}/{version}/activate",
        By("release activate web-central 5.2.0 --all"),
    ),
    (
        "POST /api/v1/releases/{product}/{version}/retire",
        By("release retire web-central 5.1.0"),
    ),
    ("POST /api/v1/reports", By("report add a.example words")),
    ("GET /api/v1/reports", By("report list")),
    ("GET /api/v1/tokens", By("token list")),
    ("POST /api/v1/tokens", By("token add Ada --role engineer")),
    ("POST /api/v1/tokens/{id}/withdraw", By("token withdraw ID")),
];

/// Answers anything with an empty list, and remembers what was asked.
struct Recorder {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Recorder {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let log = Arc::clone(&asked);
        let record = move |method: Method, uri: Uri| async move {
            log.lock().unwrap().push(format!("{method} {}", uri.path()));
            "[]"
        };
        let router = Router::new().fallback(record);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, asked }
    }

    /// Runs a command, and gives what it asked. How it ends does not matter: `[]` pleases few.
    async fn asked_by(&self, command: &str, folder: &Path) -> Vec<String> {
        self.asked.lock().unwrap().clear();
        let words = command.split(' ');
        let words = words.map(|word| if word == "ID" { ID } else { word });
        let ended = Command::new(env!("CARGO_BIN_EXE_lamplighter"))
            .args(words)
            .current_dir(folder)
            .env("LAMPLIGHTER_SERVER", &self.url)
            .env("LAMPLIGHTER_TOKEN", "lmp_any")
            .stdin(Stdio::null())
            .output()
            .await
            .unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_ne!(
            ended.status.code(),
            Some(2),
            "`{command}` is not understood:\n{said}"
        );
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

/// Whether a concrete call such as `GET /a/1` is one of the endpoint `GET /a/{id}`.
fn is_call_of(call: &str, endpoint: &str) -> bool {
    let (call, endpoint): (Vec<_>, Vec<_>) =
        (call.split('/').collect(), endpoint.split('/').collect());
    let fits = |(part, pattern): (&&str, &&str)| pattern.starts_with('{') || part == pattern;
    call.len() == endpoint.len() && call.iter().zip(&endpoint).all(fits)
}

fn endpoints() -> Vec<String> {
    let all = web::endpoints().into_iter();
    all.filter(|one| one.path.starts_with("/api/v1/"))
        .map(|one| format!("{} {}", one.method, one.path))
        .collect()
}

#[test]
fn every_endpoint_has_its_command_or_the_reason_why_not() {
    let endpoints = endpoints();
    for endpoint in &endpoints {
        assert!(
            CALLERS.iter().any(|(known, _)| known == endpoint),
            "{endpoint} has no command: add one in src/commands, and name it in this test's table; or say \
             there why no person calls it"
        );
    }
    for (known, caller) in CALLERS {
        assert!(
            endpoints.iter().any(|one| one == known),
            "{known} is no endpoint any more"
        );
        if let Nobody(reason) = caller {
            assert!(reason.contains(' '), "{known}: {reason:?} is no reason");
        }
    }
}

#[tokio::test]
async fn each_command_calls_its_endpoint() {
    let folder = tempfile::tempdir().unwrap();
    for (file, text) in [
        ("secret", "correct horse battery\n"),
        ("accounts.csv", "email,password_hash\na@b.example,\n"),
        ("fleet.csv", "hostname\n"),
        ("settings.json", "{}"),
        ("on-call.json", r#"{"steps": []}"#),
    ] {
        std::fs::write(folder.path().join(file), text).unwrap();
    }
    let recorder = Recorder::start().await;
    for (endpoint, caller) in CALLERS {
        let By(command) = caller else { continue };
        let asked = recorder.asked_by(command, folder.path()).await;
        assert!(
            asked.iter().any(|call| is_call_of(call, endpoint)),
            "`{command}` did not call {endpoint}, but {asked:?}"
        );
    }
}
