//! Telling followers while things go wrong: a server that is busy, silent or slow, a crash, and people
//! who never answer.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "follow/receivers.rs"]
mod receivers;
mod support;

use std::collections::HashSet;
use std::time::Duration;

use domain::access::Role;
use domain::follower::{About, Channel, Email, Follower, Shape};
use domain::id::IncidentId;
use engine::{Engine, FOLLOWINGS_MAX, Mail, Opening};
use receivers::{Takes, mail_server, webhook_server};
use support::Plane;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::sync::CancellationToken;

/// What has not come after so many looks does not come.
const PASSES_MAX: u32 = 10_000;

async fn plane(server: &str, per_minute: u32) -> Plane {
    let plane = Plane::with_fleet().await;
    plane.engine.set_mail(mail(server, per_minute));
    plane
}

fn mail(server: &str, per_minute: u32) -> Mail {
    Mail::new(server, "Status <status@vendor.example>", per_minute).unwrap()
}

async fn add(plane: &Plane, channel: Channel, confirmed: bool) -> Follower {
    plane.follow(channel, About::default(), confirmed).await
}

async fn add_mailboxes(plane: &Plane, count: u32) {
    for number in 0..count {
        let address = format!("clerk{number}@city.example");
        let channel = Channel::Email(Email::parse(&address).unwrap());
        add(plane, channel, true).await;
    }
}

async fn open(plane: &Plane) -> IncidentId {
    let opening = serde_json::json!({"title": "Sign-in fails"});
    let opening: Opening = serde_json::from_value(opening).unwrap();
    plane.engine.open_incident("a test", opening).await.unwrap()
}

async fn pass(plane: &Plane, by: Duration) {
    plane.hand.advance(by);
    clock::Clock::system().sleep(Duration::from_millis(2)).await;
}

/// Waits until so many are delivered and none waits; time passes meanwhile.
async fn delivered(plane: &Plane, incident: IncidentId, count: u64, by: Duration) {
    for _ in 0..PASSES_MAX {
        let told = plane.engine.told_followers(incident).await.unwrap();
        if (told.delivered, told.waiting) == (count, 0) {
            return;
        }
        pass(plane, by).await;
    }
    let told = plane.engine.told_followers(incident).await.unwrap();
    panic!("{told:?}");
}

fn message_ids(mails: &mut UnboundedReceiver<String>) -> Vec<String> {
    let mut ids = vec![];
    while let Ok(mail) = mails.try_recv() {
        let id = mail.lines().find(|line| line.starts_with("Message-ID:"));
        ids.push(id.unwrap().to_owned());
    }
    ids
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_never_says_yes_is_forgotten_after_a_week() {
    let plane = plane("smtp://127.0.0.1:9", 600).await;
    let mailbox = |name: &str| Channel::Email(Email::parse(name).unwrap());
    let stays = add(&plane, mailbox("yes@city.example"), true).await;
    add(&plane, mailbox("silent@city.example"), false).await;
    let stop = CancellationToken::new();
    let _workers = plane.engine.run_workers(&stop);
    let all = async || plane.store.followers_after(None, 10).await.unwrap();
    let days = |days: u64| Duration::from_secs(days * 86_400);
    for _ in 0..6 {
        pass(&plane, days(1)).await;
    }
    for _ in 0..50 {
        pass(&plane, Duration::from_secs(60)).await;
    }
    assert_eq!(all().await.len(), 2, "a week has not passed");
    for _ in 0..PASSES_MAX {
        if all().await.len() == 1 {
            break;
        }
        pass(&plane, Duration::from_secs(600)).await;
    }
    assert_eq!(all().await, [stays]);
    stop.cancel();
}

#[tokio::test]
async fn an_address_follows_at_most_so_many_things() {
    let plane = plane("smtp://127.0.0.1:9", 600).await;
    let fleet = plane.engine.fleet();
    let sites = fleet.sites().map(|(_, site)| site.id);
    for site in sites.take(FOLLOWINGS_MAX as usize + 3) {
        let about = About {
            site: Some(site),
            ..About::default()
        };
        let asked = plane.engine.ask_to_follow(
            "clerk@city.example",
            about,
            domain::language::Language::English,
        );
        asked.await.unwrap();
        // Who says yes may be asked about more.
        let known = plane.store.followers_at("clerk@city.example", 100).await;
        let now = plane.engine.clock().now();
        for follower in known.unwrap() {
            plane
                .store
                .confirm_follower(follower.id, now)
                .await
                .unwrap();
        }
        plane.hand.advance(Duration::from_secs(601));
    }
    let known = plane.store.followers_at("clerk@city.example", 100).await;
    assert_eq!(known.unwrap().len(), FOLLOWINGS_MAX as usize);
    let token = plane.token(Role::Support).await;
    let page = plane.send("GET", "/console/followers", Some(&token), "");
    let lines = page.await.text.matches("c…@city.example</th>").count();
    assert_eq!(lines, FOLLOWINGS_MAX as usize);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_receiver_holds_nobody_up_and_is_told_later() {
    let plane = plane("smtp://127.0.0.1:9", 600).await;
    let (server, mut hooks) = webhook_server().await;
    let hook = |path: &str| Channel::Webhook {
        url: format!("{server}{path}"),
        shape: Shape::Statuspage,
        secret: None,
    };
    add(&plane, hook("/slow"), true).await;
    for number in 0..200 {
        add(&plane, hook(&format!("/ok?{number}")), true).await;
    }
    let stop = CancellationToken::new();
    let _workers = plane.engine.run_workers(&stop);
    let incident = open(&plane).await;
    let mut arrived = 0;
    for _ in 0..2_000 {
        while hooks.try_recv().is_ok() {
            arrived += 1;
        }
        if arrived == 200 {
            break;
        }
        pass(&plane, Duration::from_millis(1)).await;
    }
    assert_eq!(arrived, 200, "the slow one holds the others up");
    let told = plane.engine.told_followers(incident).await.unwrap();
    assert!(told.waiting >= 1, "{told:?}");
    // Its time runs out on the machine's clock, within ten seconds.
    for _ in 0..PASSES_MAX {
        let told = plane.engine.told_followers(incident).await.unwrap();
        if !told.failures.is_empty() {
            assert_eq!((told.delivered, told.waiting), (200, 1), "{told:?}");
            break;
        }
        pass(&plane, Duration::from_millis(1)).await;
    }
    delivered(&plane, incident, 201, Duration::from_millis(20)).await;
    assert!(hooks.try_recv().is_ok(), "it was not told again");
    stop.cancel();
}

/// The server has taken the mail, and the process dies before it hears so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_between_sending_and_writing_it_down_loses_nothing() {
    let (silent, mut taken) = mail_server(Takes::Silently).await;
    let plane = plane(&silent, 600_000).await;
    add_mailboxes(&plane, 5).await;
    let mut workers = plane.engine.run_workers(&CancellationToken::new());
    let incident = open(&plane).await;
    let mut first = HashSet::new();
    for _ in 0..PASSES_MAX {
        first.extend(message_ids(&mut taken));
        if first.len() == 5 {
            break;
        }
        pass(&plane, Duration::from_millis(1)).await;
    }
    assert_eq!(first.len(), 5);
    workers.shutdown().await;
    let told = plane.engine.told_followers(incident).await.unwrap();
    assert_eq!((told.waiting, told.delivered), (5, 0));

    let (server, mut mails) = mail_server(Takes::All).await;
    let (clock, settings) = (
        plane.engine.clock().clone(),
        plane.engine.settings().clone(),
    );
    let next = Engine::open(plane.store.clone(), clock, settings)
        .await
        .unwrap();
    let sign_in = signin::Settings::new(&next.settings().base_url);
    let provider = web::open_provider(&next, sign_in, web::ACTIVATION_OVERLAP);
    let _app = web::App::new(next.clone(), provider.await.unwrap());
    next.set_mail(mail(&server, 600_000));
    let stop = CancellationToken::new();
    let _workers = next.run_workers(&stop);
    delivered(&plane, incident, 5, Duration::from_millis(100)).await;
    let second = message_ids(&mut mails);
    assert_eq!(second.len(), 5, "{second:?}");
    let second: HashSet<_> = second.into_iter().collect();
    assert_eq!(second, first, "readers cannot tell the doubles");
    stop.cancel();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_puts_mails_off_gets_them_later() {
    let (server, mut mails) = mail_server(Takes::AfterPuttingOff(25)).await;
    let plane = plane(&server, 6_000).await;
    add_mailboxes(&plane, 40).await;
    let stop = CancellationToken::new();
    let _workers = plane.engine.run_workers(&stop);
    let incident = open(&plane).await;
    delivered(&plane, incident, 40, Duration::from_millis(20)).await;
    let ids = message_ids(&mut mails);
    assert_eq!(ids.len(), 40);
    assert_eq!(ids.into_iter().collect::<HashSet<_>>().len(), 40);
    stop.cancel();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_gets_no_more_than_was_allowed() {
    let (server, mut mails) = mail_server(Takes::All).await;
    let plane = plane(&server, 60).await;
    add_mailboxes(&plane, 30).await;
    let stop = CancellationToken::new();
    let _workers = plane.engine.run_workers(&stop);
    let incident = open(&plane).await;
    for _ in 0..1_000 {
        pass(&plane, Duration::from_millis(10)).await;
    }
    let count = message_ids(&mut mails).len();
    assert!((5..=11).contains(&count), "{count} mails in ten seconds");
    delivered(&plane, incident, 30, Duration::from_millis(20)).await;
    stop.cancel();
}
