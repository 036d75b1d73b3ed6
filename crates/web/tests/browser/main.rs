//! Stories in a real browser, on the real router and a real port: the clerk's, the engineer's, and
//! every page as assistive technology finds it. They need `LAMPLIGHTER_TEST_CHROMEDRIVER` and
//! `LAMPLIGHTER_TEST_AXE` (axe-core's `axe.min.js`); `./test` sets them.
#![allow(clippy::unwrap_used, reason = "a test may panic: that is how it fails")]

mod area;
mod driver;
#[path = "../support/mod.rs"]
#[allow(dead_code, reason = "a browser sends its own requests")]
mod support;

use std::net::SocketAddr;
use std::time::Duration;

use domain::access::Role;
use domain::calendar::BusinessCalendar;
use domain::campaign::Command;
use domain::id::{CampaignId, IncidentId};
use domain::incident::Stage;
use domain::site::Zone;
use domain::site::state::Evidence;
use driver::{Browser, Look, tell};
use engine::{Acceptance, NewUpdate};
use serde_json::json;
use store::Answer;
use support::Plane;

/// The clerk's site.
const SITE: &str = "anchorage.ak.example";

/// Serves a control plane on a port of its own, for as long as the test runs.
async fn serve(plane: &Plane) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = plane.router.clone();
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    format!("http://{address}")
}

/// An incident that customers see, with an update, and the campaign that restores its sites.
async fn incident(plane: &Plane) -> (IncidentId, CampaignId) {
    let (engine, id) = (&plane.engine, plane.propose().await);
    let accepted = engine.accept_incident(id, "Ada", Acceptance::default());
    accepted.await.unwrap();
    // A choice of calendars, where forms give one.
    let calendar = BusinessCalendar::in_zone(Zone::utc());
    let saved = engine.save_calendar("Mountain", calendar, "Ada");
    saved.await.unwrap();
    let update = NewUpdate {
        text: Some("We know what broke, and restore sites from west to east.".into()),
        next_update_within: Some("1 hour".parse().unwrap()),
        ..NewUpdate::default()
    };
    engine.post_update(id, "Ada", update).await.unwrap();
    let order = engine.proposed_campaign(id).await.unwrap().unwrap();
    let campaign = engine.create_campaign(&order, "Ada").await.unwrap().id;
    let started = engine.command_campaign(campaign, Command::Start, "Ada");
    started.await.unwrap();
    (id, campaign)
}

/// Restores the canaries, some each minute, as probes would prove it.
async fn restore_canaries(plane: &Plane, campaign: CampaignId) {
    for _ in 0..4 {
        plane.hand.advance(Duration::from_secs(60));
        let now = plane.engine.clock().now();
        let claim = plane.store.claim(campaign, 5, now).await.unwrap();
        for (site, _) in claim.sites {
            let answer = plane
                .store
                .answer(campaign, site, claim.fence, &Answer::Verified, now);
            assert!(answer.await.unwrap());
            plane
                .engine
                .learn(plane.engine.fleet().index(site), Evidence::Verified);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clerk_learns_how_her_site_is_and_reports() {
    let plane = Plane::with_fleet().await;
    incident(&plane).await;
    let base = serve(&plane).await;
    tell("the clerk's story", &base, async |browser: &mut Browser| {
        for look in Look::STORIES {
            browser.look(look).await;
            clerk(browser).await;
        }
    })
    .await;
}

async fn clerk(browser: &Browser) {
    browser.open("/").await;
    let heading = browser.heading().await;
    assert!(heading.starts_with("Sign-in fails on"), "{heading}");
    browser.check_width().await;
    browser.picture("status").await;

    browser.write("#q", "anchorage").await;
    browser.press("Look up your site").await;
    browser.wait_for(".found").await;
    browser.check_width().await;
    browser.press(SITE).await;
    browser.wait_for(".next").await;
    let heading = browser.heading().await;
    assert_eq!(heading.trim(), format!("Sign-in fails on {SITE}"));
    let next = browser.text(".next").await;
    assert!(next.contains("before it"), "{next}");
    browser.check_width().await;
    browser.picture("site").await;

    browser.press("Report a problem with this site").await;
    browser.wait_for("#site").await;
    assert_eq!(browser.value("#site").await, SITE);
    browser.write("#text", "It says: invalid request.").await;
    browser.press("Send the report").await;
    browser.wait_for(".asof").await;
    let heading = browser.heading().await;
    assert_eq!(heading, "Thank you. We have your report.");
    browser.check_width().await;
    browser.picture("thanks").await;
}

/// With script a page that stands open follows the incident; whoever types is not disturbed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_stands_open_tells_what_happened_since() {
    let plane = Plane::with_fleet().await;
    let (id, _) = incident(&plane).await;
    let base = serve(&plane).await;
    tell(
        "the waiting reader's story",
        &base,
        async |browser: &mut Browser| {
            browser.look(Look::PHONE).await;
            browser.open(&format!("/incidents/{id}")).await;
            // The script stands ready.
            browser.wait_for("main + [role=status]").await;
            assert!(!browser.has(".tag.monitoring").await);
            // Posts of one moment have no order, and the newest is what is told.
            plane.hand.advance(Duration::from_secs(60));
            let fixed = NewUpdate {
                text: Some("All sites are restored; we look at them.".into()),
                state: Some(Stage::Monitoring),
                ..NewUpdate::default()
            };
            plane.engine.post_update(id, "Ada", fixed).await.unwrap();
            browser.wait_for("main .tag.monitoring").await;
            let says = browser.text("main + [role=status]").await;
            let heading = browser.heading().await;
            assert!(says.starts_with(heading.trim()), "{says}");
            browser.write("#q", "anchorage").await;
            let more = NewUpdate {
                text: Some("It stays that way.".into()),
                ..NewUpdate::default()
            };
            plane.engine.post_update(id, "Ada", more).await.unwrap();
            clock::Clock::system().sleep(Duration::from_secs(6)).await;
            assert_eq!(browser.value("#q").await, "anchorage");
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clerk_reads_and_reports_in_spanish() {
    let plane = Plane::with_fleet().await;
    incident(&plane).await;
    let base = serve(&plane).await;
    tell(
        "the clerk's story in Spanish",
        &base,
        async |browser: &mut Browser| {
            for look in Look::STORIES {
                browser.look(look).await;
                clerk_in_spanish(browser).await;
            }
        },
    )
    .await;
}

async fn clerk_in_spanish(browser: &Browser) {
    browser.open("/").await;
    browser.press("Español").await;
    browser.wait_for("html[lang=es]").await;
    let heading = browser.heading().await;
    assert!(
        heading.starts_with("El inicio de sesión falla en"),
        "{heading}"
    );
    browser.check_width().await;
    browser.picture("status-es").await;

    browser.write("#q", "anchorage").await;
    browser.press("Buscar su sitio").await;
    browser.wait_for(".found").await;
    browser.press(SITE).await;
    browser.wait_for(".next").await;
    let heading = browser.heading().await;
    assert_eq!(
        heading.trim(),
        format!("El inicio de sesión falla en {SITE}")
    );
    browser.check_width().await;

    browser.press("Reportar un problema con este sitio").await;
    browser.wait_for("#text").await;
    browser.write("#text", "Dice: solicitud no válida.").await;
    browser.press("Enviar el reporte").await;
    browser.wait_for(".asof").await;
    assert_eq!(browser.heading().await, "Gracias. Recibimos su reporte.");
    browser.check_width().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engineer_takes_an_incident_from_proposal_to_campaign() {
    for look in Look::STORIES {
        let plane = Plane::with_fleet().await;
        plane.propose().await;
        let token = plane.token(Role::Engineer).await;
        let base = serve(&plane).await;
        tell(
            "the engineer's story",
            &base,
            async |browser: &mut Browser| {
                browser.look(look).await;
                sign_in(browser, &token).await;
                overview(browser, &plane).await;
                respond(browser).await;
            },
        )
        .await;
    }
}

async fn sign_in(browser: &Browser, token: &str) {
    browser.open("/console").await;
    assert_eq!(browser.path().await, "/console/sign-in");
    browser.check_width().await;
    browser.write("#token", token).await;
    browser.press("Sign in").await;
    browser.wait_for("[action='/console/sign-out']").await;
    assert_eq!(browser.path().await, "/console");
}

/// With script the lamps follow what happens; without it they are as they were when asked.
async fn overview(browser: &Browser, plane: &Plane) {
    browser.check_width().await;
    browser.picture("console").await;
    if browser.look.has_script {
        browser.wait_for(".live[data-on]").await;
        let site = plane.engine.fleet().sites().next().unwrap().0;
        plane.engine.learn([site], Evidence::Failed);
        browser.wait_for(".sentence.failing").await;
        browser.wait_for("[data-words='1 not well']").await;
    } else {
        assert!(!browser.has(".live[data-on]").await);
    }
}

/// The support agent's story: a town calls, she finds its site and restores it.
async fn restore_one(browser: &Browser) {
    browser.write("#find", "anchorage").await;
    if browser.look.has_script {
        browser.wait_for(".finder-found a").await;
        browser.picture("console-finder").await;
        browser.press(SITE).await;
    } else {
        browser.open("/console/find?q=anchorage").await;
        browser.picture("console-found").await;
        browser.press(SITE).await;
    }
    browser.wait_for("button[value=refresh]").await;
    assert_eq!(browser.heading().await, SITE);
    browser.check_width().await;
    browser.picture("console-site").await;
    browser.press("Refresh its config").await;
    browser.wait_for("#waves").await;
    assert_eq!(browser.heading().await, "Refresh on 1 site");
    browser.check_width().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_support_agent_restores_the_site_of_a_town_that_calls() {
    let plane = Plane::with_fleet().await;
    let token = plane.token(Role::Support).await;
    let base = serve(&plane).await;
    tell(
        "the support agent's story",
        &base,
        async |browser: &mut Browser| {
            for look in Look::STORIES {
                browser.look(look).await;
                if look.name == Look::PHONE.name {
                    sign_in(browser, &token).await;
                }
                browser.open("/console").await;
                restore_one(browser).await;
            }
        },
    )
    .await;
}

async fn respond(browser: &Browser) {
    browser.press("Decide whether it is an incident").await;
    browser.wait_for("#title").await;
    browser.check_width().await;
    browser.picture("console-proposed").await;
    browser.press("Accept and tell customers").await;
    browser.wait_for(".tag.investigating").await;
    browser.press("Timeline Identified").await;
    browser.press("Post “Timeline Identified”").await;
    browser.wait_for(".tag.identified").await;
    browser.press("Your own words").await;
    browser.write("#text", "We **know** why.").await;
    browser
        .press_in("form:has(#text)", "Look at it first")
        .await;
    browser.wait_for("#preview").await;
    browser.check_width().await;
    browser.picture("console-preview").await;
    browser.press("Post it").await;
    browser.wait_for(".timeline > li:nth-child(2)").await;
    browser.check_width().await;
    browser.picture("console-incident").await;
    browser.press("Start this campaign").await;
    browser.wait_for("#course").await;
    assert_eq!(browser.text(".tag").await, "running");
    browser.check_width().await;
    browser.picture("console-campaign").await;
    browser.press("Sign out").await;
    browser.wait_for("#token").await;
    assert_eq!(browser.path().await, "/console/sign-in");
}

/// The report, as people finish, approve and publish it; and a version that waits for approval.
async fn write_report(plane: &Plane, incident: IncidentId) {
    let engine = &plane.engine;
    let draft = engine.report_draft(incident, engine.settings().home_zone.clone());
    let draft = draft.await.unwrap().markdown();
    let finished = draft.replace("**To be written by a person:** ", "We know ");
    let saved = engine.save_report(incident, (0, finished.clone()), "Kim");
    saved.await.unwrap();
    engine.approve_report(incident, 1, "Ada").await.unwrap();
    engine.publish_report(incident, 1, "Ada").await.unwrap();
    let saved = engine.save_report(incident, (1, format!("{finished} More.")), "Kim");
    saved.await.unwrap();
}

/// Two drills: one that held, and one that did not.
async fn record_drills(plane: &Plane) -> [String; 2] {
    let ids = [1, 2].map(|n| format!("0189a3c0-0000-7000-8000-00000000000{n}"));
    let held = support::drill(&ids[0], "2023-07-10T10:00:00Z");
    let mut broken = support::drill(&ids[1], "2023-07-11T10:00:00Z");
    broken["act1"]["figures"][1]["measured"] = 7_900.0.into();
    broken["act2"]["course"][1]["failing"] = 3.into();
    for one in [held, broken] {
        let result = serde_json::from_value(one).unwrap();
        plane.engine.record_drill(result, "Ada").await.unwrap();
    }
    ids
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_is_open_to_everybody() {
    let plane = Plane::with_fleet().await;
    let (id, campaign) = incident(&plane).await;
    restore_canaries(&plane, campaign).await;
    write_report(&plane, id).await;
    let banner = json!({"text": "Sign-in is **slow** in the north.", "severity": "critical",
        "area": {"states": ["AK", "WA"]}});
    let banner = serde_json::from_value(banner).unwrap();
    plane.engine.add_banner(banner, "Ada").await.unwrap();
    let follow_up =
        json!({"text": "Let releases wait for their config.", "owner": "Ada", "due": "2023-07-01"});
    let follow_up = serde_json::from_value(follow_up).unwrap();
    plane
        .engine
        .add_follow_up(id, follow_up, "Ada")
        .await
        .unwrap();
    plane.comment(id).await;
    let past = json!({"title": "Sign-in was slow", "impact": "minor",
        "started_at": "2023-02-01T14:00:00Z", "resolved_at": "2023-02-01T16:00:00Z",
        "updates": [{"at": "2023-02-01T16:00:00Z", "state": "completed", "text": "It is over."}]});
    let past = serde_json::from_value(past).unwrap();
    let past = plane.engine.backfill_incident("Ada", past).await.unwrap();
    let work = json!({"title": "Sign-in servers are replaced", "text": "You may have to sign in **again**.",
        "window": {"local": {"from": "2023-07-13T22:00", "until": "2023-07-14T02:00"}}});
    let work = serde_json::from_value(work).unwrap();
    let planned = plane.engine.plan_maintenance("Ada", work).await.unwrap();
    let [held, broken] = record_drills(&plane).await;
    let token = plane.token(Role::Admin).await;
    let base = serve(&plane).await;
    let site = domain::name::Hostname::parse(SITE).unwrap();
    let site = plane.engine.fleet().site_at(&site).unwrap();
    let open = [
        "/".to_owned(),
        format!("/organizations/{}", site.organization),
        "/sites?q=spring".into(),
        "/sites/no-such.example".into(),
        format!("/sites/{SITE}"),
        format!("/incidents/{id}"),
        format!("/incidents/{id}/report"),
        "/history".into(),
        format!("/incidents/{}", past.id),
        format!("/incidents/{planned}"),
        format!("/incidents/{id}/comments"),
        "/report".into(),
        "/follow".into(),
        "/api".into(),
        "/no-such-page".into(),
        "/?lang=es".into(),
        "/sites?q=spring&lang=es".into(),
        format!("/sites/{SITE}?lang=es"),
        "/incidents".into(),
        "/incidents/0189a3c0-0000-7000-8000-00000000000f".into(),
        format!("/incidents/{id}?lang=es"),
        format!("/incidents/{planned}?lang=es"),
        format!("/incidents/{id}/comments?lang=es"),
        "/history?lang=es".into(),
        "/report?lang=es".into(),
        "/follow?lang=es".into(),
        "/console/sign-in".into(),
    ];
    let staff = [
        "/console".to_owned(),
        "/console/fleet?band=alaska".into(),
        "/console/audit".into(),
        "/console/organizations?q=an".into(),
        format!("/console/organizations/{}", site.organization),
        "/console/incidents".into(),
        "/console/incidents/past".into(),
        "/console/alarms".into(),
        "/console/reports".into(),
        "/console/campaigns".into(),
        "/console/campaigns/new".into(),
        format!("/console/sites/{SITE}"),
        "/console/releases".into(),
        "/console/config".into(),
        "/console/drills".into(),
        format!("/console/drills/{held}"),
        format!("/console/drills/{broken}"),
        "/console/comments?standing=shown".into(),
        "/console/banners".into(),
        "/console/maintenances".into(),
        format!("/console/incidents/{planned}"),
        "/console/follow-ups".into(),
        "/console/followers".into(),
        "/console/templates".into(),
        "/console/templates/edit?copy=Fix%20Implemented".into(),
        "/console/on-call".into(),
        "/console/calendars".into(),
        "/console/people".into(),
        "/console/accounts".into(),
        "/console/design".into(),
        "/console/find?q=an".into(),
        format!("/console/incidents/{id}"),
        format!("/console/incidents/{id}/report"),
        format!("/console/incidents/{}", past.id),
        format!("/console/campaigns/{campaign}"),
        // In Spanish, whose words are longer.
        "/console?lang=es".into(),
        format!("/console/incidents/{id}?lang=es"),
        format!("/console/incidents/{id}/report?lang=es"),
        "/console/incidents?lang=es".into(),
        "/console/incidents/new?lang=es".into(),
        "/console/incidents/past?lang=es".into(),
        "/console/alarms?lang=es".into(),
        "/console/reports?lang=es".into(),
        "/console/follow-ups?lang=es".into(),
        "/console/maintenances?lang=es".into(),
        "/console/find?q=an&lang=en".into(),
    ];
    tell("axe on every page", &base, async |browser: &mut Browser| {
        sign_in(browser, &token).await;
        for look in Look::SCHEMES {
            browser.look(look).await;
            for path in open.iter().chain(&staff) {
                check(browser, path).await;
            }
        }
    })
    .await;
}

/// Spanish is longer: it has to fit a phone too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_fit_a_phone_in_spanish() {
    let plane = Plane::with_fleet().await;
    let (id, campaign) = incident(&plane).await;
    restore_canaries(&plane, campaign).await;
    plane.comment(id).await;
    let banner = json!({"text": "Sign-in is **slow** in the north.", "severity": "critical",
        "area": {"states": ["AK", "WA"]}});
    let banner = serde_json::from_value(banner).unwrap();
    plane.engine.add_banner(banner, "Ada").await.unwrap();
    let token = plane.token(Role::Admin).await;
    let base = serve(&plane).await;
    let settings = [
        "fleet?band=alaska&".to_owned(),
        "banners?".into(),
        format!("sites/{SITE}?"),
        "campaigns?".into(),
        "campaigns/new?".into(),
        format!("campaigns/{campaign}?"),
        "releases?".into(),
        "config?".into(),
        "comments?standing=shown&".into(),
        "followers?".into(),
        "templates?".into(),
        "templates/edit?copy=Fix%20Implemented&".into(),
        "on-call?".into(),
        "calendars?".into(),
        "people?".into(),
        "accounts?".into(),
        "audit?".into(),
        "design?".into(),
    ];
    tell(
        "settings in Spanish",
        &base,
        async |browser: &mut Browser| {
            browser.look(Look::PHONE).await;
            browser.open("/console/sign-in?lang=es").await;
            browser.check_width().await;
            browser.write("#token", &token).await;
            browser.press("Iniciar sesión").await;
            browser.wait_for("[action='/console/sign-out']").await;
            for path in &settings {
                check(browser, &format!("/console/{path}lang=es")).await;
            }
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_run_is_open_to_everybody() {
    let plane = Plane::new().await;
    let token = plane.token(Role::Admin).await;
    let base = serve(&plane).await;
    tell(
        "axe on a first run",
        &base,
        async |browser: &mut Browser| {
            sign_in(browser, &token).await;
            for look in Look::SCHEMES {
                browser.look(look).await;
                for path in [
                    "/",
                    "/sites",
                    "/console",
                    "/console/fleet",
                    "/console/audit",
                    "/console/drills",
                ] {
                    check(browser, path).await;
                }
            }
        },
    )
    .await;
}

async fn check(browser: &Browser, path: &str) {
    browser.open(path).await;
    browser.check_width().await;
    browser.check_access().await;
    // Without identifiers, a page's picture has the same name in every run.
    let parts = path
        .split(['/', '?', '='])
        .filter(|part| uuid::Uuid::parse_str(part).is_err());
    let name: Vec<_> = std::iter::once("page")
        .chain(parts.filter(|part| !part.is_empty()))
        .collect();
    browser.picture(&name.join("-")).await;
}
