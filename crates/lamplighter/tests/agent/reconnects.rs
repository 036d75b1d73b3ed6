//! A network that breaks and heals: all agents come back at once, and are let in one after another.

use jiff::SignedDuration;
use web::{Clients, Rate};

use super::origins::Gate;
use super::*;

const AGENTS: usize = 30;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agents_that_come_back_together_are_let_in_under_a_cap_and_all_of_them() {
    // Of the clock: one in two seconds.
    let agents = Rate {
        burst: 2.0,
        per_minute: 30.0,
    };
    let plane = Plane::start_with(Clients {
        agents,
        ..Clients::default()
    })
    .await;
    plane.publish("^5", r#"{"n":1}"#).await.unwrap();
    let gate = Gate::before(&plane).await;
    let stop = CancellationToken::new();
    let mut all = vec![];
    for n in 0..AGENTS {
        all.push(started(&plane, n, &gate.url, stop.clone()).await);
    }
    let let_in = |since: Timestamp| {
        let followed = plane.losses.followed.lock().unwrap();
        let since = followed.iter().filter(|(at, _)| *at >= since);
        let good = since.filter(|(_, status)| *status == StatusCode::OK);
        good.map(|(at, _)| *at).collect::<Vec<_>>()
    };
    let start = Timestamp::UNIX_EPOCH;
    plane
        .until("all follow", || let_in(start).len() >= AGENTS)
        .await;
    gate.close();
    plane.clock.sleep(Duration::from_secs(60)).await;
    let broken_at = plane.clock.now();
    gate.open();
    plane
        .until("all are back", || let_in(broken_at).len() >= AGENTS)
        .await;
    let took = plane.clock.now().duration_since(broken_at).as_secs();
    let back = let_in(broken_at);
    // 28 at one in two seconds; and what backing off took before, 32 s at the most.
    assert!((40..180).contains(&took), "all were back after {took} s");
    for from in &back {
        let until = *from + SignedDuration::from_secs(20);
        let count = back.iter().filter(|at| (*from..until).contains(at)).count();
        assert!(count <= 12, "{count} came in 20 s");
    }
    let tries = {
        let followed = plane.losses.followed.lock().unwrap();
        followed.iter().filter(|(at, _)| *at >= broken_at).count()
    };
    println!("{AGENTS} agents were back after {took} s, in {tries} tries");
    assert!(
        (AGENTS + 1..6 * AGENTS).contains(&tries),
        "{tries} tries of {AGENTS} agents"
    );
    plane.publish("^5", r#"{"n":2}"#).await.unwrap();
    plane
        .until("all read what came after", || {
            all.iter().all(|agent| origins::reads(agent, r#"{"n":2}"#))
        })
        .await;
    stop.cancel();
    for agent in all {
        agent.wait().await;
    }
    plane.stop.cancel();
}

/// No sign-in and no operator would get in any more, if agents had all connections.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agents_leave_connections_for_requests_and_the_last_one_asks_instead() {
    let plane = Plane::start_with(Clients {
        streams_max: 1,
        ..Clients::default()
    })
    .await;
    plane.publish("^5", r#"{"n":1}"#).await.unwrap();
    let [first_stop, stop] = [(), ()].map(|()| CancellationToken::new());
    let first = started(&plane, 1, &plane.url, first_stop.clone()).await;
    let answered = |status: StatusCode| {
        let followed = plane.losses.followed.lock().unwrap();
        followed.iter().filter(|(_, one)| *one == status).count()
    };
    plane
        .until("one follows", || answered(StatusCode::OK) == 1)
        .await;
    let second = started(&plane, 2, &plane.url, stop.clone()).await;
    plane
        .until("the other finds no place", || {
            answered(StatusCode::SERVICE_UNAVAILABLE) >= 1
        })
        .await;
    plane.publish("^5", r#"{"n":2}"#).await.unwrap();
    plane
        .until("both read what came after", || {
            [&first, &second]
                .iter()
                .all(|agent| origins::reads(agent, r#"{"n":2}"#))
        })
        .await;
    assert_eq!(answered(StatusCode::OK), 1);
    first_stop.cancel();
    first.wait().await;
    plane
        .until("the other has its place", || answered(StatusCode::OK) == 2)
        .await;
    stop.cancel();
    second.wait().await;
    plane.stop.cancel();
}

async fn started(plane: &Plane, n: usize, url: &Url, stop: CancellationToken) -> Agent {
    let settings = AgentSettings {
        enrolment_token: Some(
            plane
                .engine
                .make_enrolment(&Bounds::default(), "a test")
                .await
                .unwrap(),
        ),
        sites: vec![host("a.example")],
        ..AgentSettings::new(
            vec![url.clone()],
            plane.folder.path().join(format!("agent-{n}")),
        )
    };
    let agent = Agent::start(settings, plane.clock.clone(), stop);
    agent.await.unwrap()
}
