//! Act 2, as it should be: the same release under Lamplighter's agents; nothing breaks.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use clock::{Clock, Pace};
use domain::drill::Point;
use domain::text::grouped;
use jiff::Timestamp;
use serde_json::json;
use sim::books::Books;
use sim::engineer;
use sim::listen::Port;
use sim::origin::Origin;
use sim::platform::{Parts, Platform, Source, send_outcomes};
use sim::residents::{self, Network, Residents};
use tokio_util::sync::CancellationToken;

use super::figures::ActTwo;
use super::process::{Process, Server};
use super::setup::{self, Addresses, World, text};
use super::{Drill, Teller, seconds, sites, until};
use crate::output::Failure;

/// How long agents may take to hold the config of both releases, in the machine's time.
const READY_SECONDS_MAX: u64 = 120;
/// A rollout that is not done by then is not coming, in scenario time.
const ROLLOUT_HOURS_MAX: u64 = 8;
/// How often sites tell their agents how sign-ins ended, in scenario time.
const OUTCOMES_EVERY: Duration = Duration::from_secs(15);

/// Plays the act; the server still runs afterwards.
pub(super) async fn play(
    drill: &Drill,
    folder: &Path,
    teller: &Teller,
) -> Result<(ActTwo, Server), Failure> {
    teller.say("Act 2, as it should be: agents hold config for every release before it runs.");
    let (platform, origin) = (Port::take().await?, Port::take().await?);
    let addresses = Addresses {
        platform: platform.address(),
        origin: origin.url(),
        pager: format!("{}/pages", origin.url()),
    };
    let postgres = drill.postgres.as_ref().map(|url| url.replace("{act}", "2"));
    let before = setup::pace_before(drill);
    let folder = folder.join("act-2");
    let mut server = Server::start(folder.clone(), postgres, &drill.scenario, before).await?;
    let http = setup::http()?;
    let world = setup::set_up(drill, &server, &http, &addresses, false).await?;
    let (clock, pace) = Clock::starting_at(drill.scenario.start, drill.speed);
    server.kill_and_start(pace).await?;
    let stop = CancellationToken::new();
    let _stopped = stop.clone().drop_guard();
    let agents = agents(drill, &world, &server, &folder, &addresses, pace).await?;
    let books = Arc::new(Books::default());
    let vendor = Platform::new(Parts {
        clock: clock.clone(),
        http: http.clone(),
        fleet: drill.fleet.clone(),
        books: books.clone(),
        releases: drill.scenario.release.clone(),
        source: Source::Agents {
            agents: agents
                .iter()
                .map(|agent| format!("http://{}", agent.address))
                .collect(),
        },
    });
    for (hostname, secret) in &world.secrets {
        vendor.set_secret(hostname, secret);
    }
    let plan = &drill.scenario.origin;
    let busy = Origin::new(
        plan,
        drill.fleet.len(),
        clock.clone(),
        drill.seed,
        String::new(),
        http.clone(),
    );
    busy.run(drill.seed, &stop);
    platform.serve(vendor.router(), &stop);
    origin.serve(busy.router(), &stop);
    tokio::spawn(
        stop.clone()
            .run_until_cancelled_owned(send_outcomes(vendor.clone(), OUTCOMES_EVERY)),
    );
    let network = Network {
        http,
        platform: format!("http://{}", addresses.platform),
        lamplighter: server.url(),
    };
    let residents = Residents::new(residents::Parts {
        clock: clock.clone(),
        fleet: drill.fleet.clone(),
        books: books.clone(),
        network,
        plan: drill.scenario.residents,
        reports: drill.scenario.reports,
        speed: drill.speed,
        accounts: world.accounts.clone(),
        seed: drill.seed,
    });
    let act = Act {
        drill,
        teller,
        clock,
        world,
        vendor,
        books,
    };
    let rollout_seconds = act.play(residents, &mut server).await?;
    for mut agent in agents {
        agent.kill().await;
    }
    let sums = act.books.sums();
    tracing::debug!(?sums, "act 2 is over");
    let sites_left = drill.fleet.len() - act.vendor.sites_on_new_code();
    let (sign_ins, failed_sign_ins) = (sums.sign_ins, sums.failed_sign_ins());
    if failed_sign_ins > 0 {
        teller.say(&format!("  sign-ins failed: {:?}", sums.failures));
    }
    Ok((
        ActTwo {
            sign_ins,
            failed_sign_ins,
            sites_left: sites_left as u64,
            rollout_seconds,
            course: act.books.course(),
        },
        server,
    ))
}

/// Starts the agents, each with its share of the sites.
async fn agents(
    drill: &Drill,
    world: &World,
    server: &Server,
    folder: &Path,
    addresses: &Addresses,
    pace: Pace,
) -> Result<Vec<Process>, Failure> {
    let count = drill.scenario.rollout.agents;
    let mut agents = Vec::with_capacity(count);
    for host in 0..count {
        // As the platform divides them: site N is on host N modulo the number of agents.
        let sites = drill.fleet.sites().iter().skip(host).step_by(count);
        let names: Vec<_> = sites.map(|site| site.hostname.as_str()).collect();
        let list = folder.join(format!("sites-{host}"));
        std::fs::write(&list, names.join("\n"))?;
        let made = world
            .admin
            .post("/api/v1/agents/enrolments", &json!({}))
            .await?;
        let hook = format!("http://{}/hooks/activate", addresses.platform);
        let home = folder.join(format!("agent-{host}"));
        let arguments = [
            ("agent", String::new()),
            ("run", String::new()),
            ("--server", server.url()),
            ("--enrolment-token", text(&made["token"])?.to_owned()),
            ("--sites", list.display().to_string()),
            ("--host", format!("host-{host}")),
            ("--folder", home.display().to_string()),
            ("--listen", "127.0.0.1:0".to_owned()),
            ("--activate-hook", hook),
            ("--pace", pace.to_string()),
        ];
        let arguments: Vec<String> = arguments
            .into_iter()
            .flat_map(|(flag, value)| [flag.to_owned(), value])
            .filter(|argument| !argument.is_empty())
            .collect();
        let (ready, log) = (
            folder.join(format!("ready-{host}")),
            folder.join(format!("log-{host}")),
        );
        agents.push(Process::start(&arguments, &ready, &log).await?);
    }
    Ok(agents)
}

struct Act<'a> {
    drill: &'a Drill,
    teller: &'a Teller,
    clock: Clock,
    world: World,
    vendor: Platform,
    books: Arc<Books>,
}

impl Act<'_> {
    /// Rolls the release out while people sign in; says how long it took.
    async fn play(&self, residents: Residents, server: &mut Server) -> Result<f64, Failure> {
        self.wait_until_ready().await?;
        let quiet = CancellationToken::new();
        let _quiet = quiet.clone().drop_guard();
        let living = tokio::spawn(residents.live(quiet.clone()));
        self.settle().await;
        self.say("every site's agent holds config for the new release; the rollout starts");
        let started = self.clock.now();
        self.books.look_anyway(self.point(started));
        let finished = self.roll_out(server, started).await?;
        self.say("every site runs the new release");
        self.settle().await;
        self.books.look_anyway(self.point(started));
        quiet.cancel();
        living
            .await
            .map_err(|e| Failure::new(format!("the residents stopped: {e}")))?;
        Ok(seconds(started, finished))
    }

    async fn wait_until_ready(&self) -> Result<(), Failure> {
        let scenario = &self.drill.scenario;
        let (product, to) = (scenario.product.as_str(), &scenario.release.to);
        let path = format!("/api/v1/releases/{product}/{to}/readiness");
        until(
            "every site's agent is ready for the release",
            READY_SECONDS_MAX,
            || async {
                let readiness = self.world.engineer.get(&path).await?;
                let (ready, sites) = (readiness["ready"].as_u64(), readiness["sites"].as_u64());
                self.teller.progress(
                    "agents",
                    ready.unwrap_or(0),
                    sites.unwrap_or(0),
                    "sites ready",
                );
                Ok(ready == sites && ready == Some(self.drill.fleet.len() as u64))
            },
        )
        .await
    }

    /// Runs the rollout campaign to its end; says when that was.
    async fn roll_out(
        &self,
        server: &mut Server,
        started: Timestamp,
    ) -> Result<Timestamp, Failure> {
        let (scenario, api) = (&self.drill.scenario, &self.world.engineer);
        let order = json!({
            "action": {"activate_release": {"version": scenario.release.to}},
            "selection": {"product": scenario.product, "all": true},
        });
        let made = api.post("/api/v1/campaigns", &order).await?;
        let id = text(&made["id"])?;
        api.post(&format!("/api/v1/campaigns/{id}/start"), &json!({}))
            .await?;
        let give_up = self.clock.now() + Duration::from_secs(ROLLOUT_HOURS_MAX * 3_600);
        loop {
            let seen = api.get(&format!("/api/v1/campaigns/{id}")).await?;
            let (done, all) = (
                engineer::count(&seen, "verified"),
                self.drill.fleet.len() as u64,
            );
            self.teller.progress(
                "rolling out",
                done,
                all,
                &format!("{} of {} sites proved", grouped(done), grouped(all)),
            );
            match engineer::state(&seen) {
                "finished" => break,
                "planned" | "running" if self.clock.now() < give_up => {}
                state => {
                    let why = seen["halted"]["reason"]
                        .as_str()
                        .unwrap_or("no reason given");
                    return Err(Failure::new(format!("the rollout is {state}: {why}")));
                }
            }
            self.books
                .look(self.minute(started), || self.point(started));
            server.sample_memory();
            Clock::system().sleep(Duration::from_millis(100)).await;
        }
        Ok(self.clock.now())
    }

    /// How the sites are now. No cache of theirs can be looked into, so that people say where it fails.
    fn point(&self, started: Timestamp) -> Point {
        let failing = self.books.failing();
        let renewed = self.vendor.sites_on_new_code().saturating_sub(failing);
        Point {
            minute: self.minute(started),
            failing: sites(failing),
            renewed: sites(renewed),
        }
    }

    /// Scenario minutes after the rollout began.
    fn minute(&self, started: Timestamp) -> f64 {
        seconds(started, self.clock.now()) / 60.0
    }

    async fn settle(&self) {
        self.clock
            .sleep(Duration::from_secs_f64(self.drill.scenario.rollout.settle))
            .await;
    }

    fn say(&self, line: &str) {
        self.teller
            .at(&self.drill.scenario.zone.rules(), self.clock.now(), line);
    }
}
