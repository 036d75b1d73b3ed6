//! Act 1, as it happened: sites with the old kind of cache; Lamplighter detects and restores.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use clock::{Clock, Pace};
use domain::drill::Point;
use domain::text::grouped;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use sim::api::Api;
use sim::books::Books;
use sim::chance::Chance;
use sim::engineer::{self, Engineer, Handled, Pager, Step};
use sim::listen::Port;
use sim::origin::Origin;
use sim::platform::{Parts, Platform, Source};
use sim::residents::{self, Network, Residents};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::sync::CancellationToken;

use super::figures::ActOne;
use super::process::Server;
use super::setup::{self, Addresses, PAGER_SECRET, WEBHOOK_SECRET, World};
use super::{Drill, Teller, seconds, sites};
use crate::output::Failure;

/// An engineer who is not done by then is not coming, in scenario time after the release.
const HOURS_MAX: u64 = 8;
/// Sites at which somebody really signs in at the end, at most.
const SITES_TRIED_MAX: usize = 300;
/// How often the display looks, in the machine's time.
const LOOK: Duration = Duration::from_millis(100);

/// The simulated vendor of this act.
struct Stage<'a> {
    drill: &'a Drill,
    teller: &'a Teller,
    zone: TimeZone,
    clock: Clock,
    pace: Pace,
    books: Arc<Books>,
    platform: Platform,
    origin: Origin,
    network: Network,
    world: World,
    stop: CancellationToken,
}

/// Plays the act; the server still runs afterwards.
pub(super) async fn play(
    drill: &Drill,
    folder: &Path,
    teller: &Teller,
) -> Result<(ActOne, Server), Failure> {
    teller.say("Act 1, as it happened: sites keep their config until somebody clears it.");
    let (platform, origin, pager) = (
        Port::take().await?,
        Port::take().await?,
        Port::take().await?,
    );
    let addresses = Addresses {
        platform: platform.address(),
        origin: origin.url(),
        pager: format!("{}/pages", pager.url()),
    };
    let postgres = drill.postgres.as_ref().map(|url| url.replace("{act}", "1"));
    let before = setup::pace_before(drill);
    let mut server = Server::start(folder.join("act-1"), postgres, &drill.scenario, before).await?;
    let http = setup::http()?;
    let world = setup::set_up(drill, &server, &http, &addresses, true).await?;
    let (clock, pace) = Clock::starting_at(drill.scenario.start, drill.speed);
    server.kill_and_start(pace).await?;
    let stop = CancellationToken::new();
    let _stopped = stop.clone().drop_guard();
    let stage = Stage::set(
        drill,
        teller,
        world,
        &addresses,
        (clock, pace),
        &http,
        stop,
        &server,
    );
    let (page, pages) = Pager::new(stage.clock.clone(), PAGER_SECRET);
    platform.serve(stage.platform.router(), &stage.stop);
    origin.serve(stage.origin.router(), &stage.stop);
    pager.serve(page.router(), &stage.stop);
    let act = stage.play(&mut server, pages).await?;
    server.sample_memory();
    Ok((act, server))
}

impl<'a> Stage<'a> {
    #[expect(
        clippy::too_many_arguments,
        reason = "what one function wires together, once"
    )]
    fn set(
        drill: &'a Drill,
        teller: &'a Teller,
        world: World,
        addresses: &Addresses,
        (clock, pace): (Clock, Pace),
        http: &reqwest::Client,
        stop: CancellationToken,
        server: &Server,
    ) -> Self {
        let (scenario, books) = (&drill.scenario, Arc::new(Books::default()));
        let document = document_address(&server.url(), scenario.product.as_str());
        let sites = drill.fleet.len();
        let origin = Origin::new(
            &scenario.origin,
            sites,
            clock.clone(),
            drill.seed,
            document,
            http.clone(),
        );
        let source = Source::Legacy {
            origin: addresses.origin.clone(),
            webhook_secret: WEBHOOK_SECRET.into(),
        };
        let platform = Platform::new(Parts {
            clock: clock.clone(),
            http: http.clone(),
            fleet: drill.fleet.clone(),
            books: books.clone(),
            releases: scenario.release.clone(),
            source,
        });
        for (hostname, secret) in &world.secrets {
            platform.set_secret(hostname, secret);
        }
        let network = Network {
            http: http.clone(),
            platform: format!("http://{}", addresses.platform),
            lamplighter: server.url(),
        };
        let zone = scenario.zone.rules();
        Self {
            drill,
            teller,
            zone,
            clock,
            pace,
            books,
            platform,
            origin,
            network,
            world,
            stop,
        }
    }

    async fn play(
        self,
        server: &mut Server,
        mut pages: UnboundedReceiver<engineer::Page>,
    ) -> Result<ActOne, Failure> {
        self.fill_caches().await?;
        self.origin.run(self.drill.seed, &self.stop);
        let residents = self.residents();
        let quiet = self.stop.child_token();
        let living = tokio::spawn(residents.clone().live(quiet.clone()));
        tokio::spawn(residents.clone().complain_about_other_things(quiet.clone()));
        let (told, steps) = tokio::sync::mpsc::unbounded_channel();
        let engineer = Engineer {
            clock: self.clock.clone(),
            api: self.world.engineer.clone(),
            colleague: self.world.colleague.clone(),
            plan: self.drill.scenario.engineer,
            written: self.drill.scenario.written.clone(),
            told,
        };
        let limit = self.drill.scenario.release_at + Duration::from_secs(HOURS_MAX * 3_600);
        let handled = tokio::select! {
            handled = engineer.handle(&mut pages) => handled?,
            failed = self.release_and_tell(server, steps) => return Err(failed),
            () = self.clock.sleep_until(limit) => return Err(Failure::new(
                format!("nobody restored the fleet within {HOURS_MAX} hours of the release"))),
        };
        self.say("Completed; the incident report is posted");
        quiet.cancel();
        // People on their way end soon: sockets have their limits.
        living
            .await
            .map_err(|e| Failure::new(format!("the residents stopped: {e}")))?;
        self.figures(&residents, &handled).await
    }

    async fn fill_caches(&self) -> Result<(), Failure> {
        let scenario = &self.drill.scenario;
        let address = document_address("", scenario.product.as_str());
        let from = &scenario.release.from;
        let body = self
            .world
            .admin
            .get_text(&format!("{address}?code={from}"))
            .await?;
        self.platform.fill_caches(body.into()).map_err(Failure::new)
    }

    fn residents(&self) -> Residents {
        Residents::new(residents::Parts {
            clock: self.clock.clone(),
            fleet: self.drill.fleet.clone(),
            books: self.books.clone(),
            network: self.network.clone(),
            plan: self.drill.scenario.residents,
            reports: self.drill.scenario.reports,
            speed: self.drill.speed,
            accounts: self.world.accounts.clone(),
            seed: self.drill.seed,
        })
    }

    /// Releases when it is time, shows what happens, and kills the server if asked to. Ends only
    /// with a failure.
    async fn release_and_tell(
        &self,
        server: &mut Server,
        mut steps: UnboundedReceiver<Step>,
    ) -> Failure {
        let running = async {
            self.release().await?;
            let mut campaign = None;
            let mut kill_at = self.drill.kill_server_at;
            let mut seen = Seen::default();
            loop {
                self.look(&mut seen).await;
                while let Ok(step) = steps.try_recv() {
                    if let Step::Started { campaign: started } = &step {
                        campaign = Some(started.clone());
                    }
                    self.tell(&step);
                }
                if let Some(id) = &campaign
                    && self.campaign_percent(id).await >= kill_at.map_or(u64::MAX, u64::from)
                {
                    kill_at = None;
                    self.say("the server is killed (kill -9) and started again");
                    server.kill_and_start(self.pace).await?;
                }
                server.sample_memory();
                Clock::system().sleep(LOOK).await;
            }
        };
        let result: Result<std::convert::Infallible, Failure> = running.await;
        match result {
            Err(failure) => failure,
            Ok(never) => match never {},
        }
    }

    async fn release(&self) -> Result<(), Failure> {
        let scenario = &self.drill.scenario;
        self.say(&format!(
            "{} sites on {}, {:.2} sign-ins per second",
            grouped(self.drill.fleet.len() as u64),
            scenario.release.from,
            self.residents().per_second()
        ));
        self.books.look_anyway(self.point());
        self.clock.sleep_until(scenario.release_at).await;
        let (product, to) = (scenario.product.as_str(), &scenario.release.to);
        self.books.look_anyway(self.point());
        self.platform.run_new_code_everywhere();
        self.books.look_anyway(self.point());
        let body = json!({"all": true, "bypass_gate": true,
            "reason": "security enhancements, tested in development for eight weeks"});
        let path = format!("/api/v1/releases/{product}/{to}/activate");
        self.world.admin.post(&path, &body).await?;
        self.say(&format!("release {to} is rolled out to every site"));
        Ok(())
    }

    /// How the sites are now, whatever Lamplighter believes.
    fn point(&self) -> Point {
        let failing = self.platform.broken().len();
        let renewed = self.platform.sites_on_new_code().saturating_sub(failing);
        Point {
            minute: self.minute(),
            failing: sites(failing),
            renewed: sites(renewed),
        }
    }

    /// Scenario minutes after the release.
    fn minute(&self) -> f64 {
        seconds(self.drill.scenario.release_at, self.clock.now()) / 60.0
    }

    /// Notices firsts: the first failure, report and alarm; and how the sites are.
    async fn look(&self, seen: &mut Seen) {
        self.books.look(self.minute(), || self.point());
        let sums = self.books.sums();
        if !seen.failure
            && self.clock.now() > self.drill.scenario.release_at
            && sums.failed_sign_ins() > 0
        {
            seen.failure = true;
            let codes: Vec<_> = sums.failures.keys().cloned().collect();
            self.say(&format!("sign-ins fail: {}", codes.join(", ")));
        }
        if let (false, Some(at)) = (seen.report, sums.first_report_at) {
            seen.report = true;
            self.teller
                .at(&self.zone, at, "a customer reports that sign-in fails");
        }
        if !seen.alarm
            && seen.report
            && let Ok(Some((at, words))) =
                first_alarm(&self.world.admin, self.drill.scenario.release_at).await
        {
            seen.alarm = true;
            self.teller.at(&self.zone, at, &format!("alarm: {words}"));
        }
    }

    /// How much of a campaign is proved; shows it.
    async fn campaign_percent(&self, id: &str) -> u64 {
        let Ok(seen) = self
            .world
            .admin
            .get(&format!("/api/v1/campaigns/{id}"))
            .await
        else {
            return 0;
        };
        let done = engineer::count(&seen, "verified") + engineer::count(&seen, "failed");
        let all = self.drill.fleet.len() as u64;
        let rate = seen["rate_per_second"].as_f64().unwrap_or(0.0);
        let words = format!(
            "{} of {} sites proved, {rate:.1} per second",
            grouped(done),
            grouped(all)
        );
        self.teller.progress("restoring", done, all, &words);
        done * 100 / all.max(1)
    }

    fn tell(&self, step: &Step) {
        match step {
            Step::Paged { words } => self.say(&format!("the engineer is paged: {words}")),
            Step::Accepted { .. } => self.say("the engineer accepts the incident"),
            Step::Started { .. } => self.say("the engineer starts the proposed campaign"),
            Step::Resumed { reason } => self.say(&format!("the campaign had halted: {reason}")),
            Step::Looked { campaign } if engineer::state(campaign) == "finished" => {
                self.say("the campaign has finished");
            }
            Step::Looked { .. } | Step::Completed => {}
        }
    }

    async fn figures(&self, residents: &Residents, handled: &Handled) -> Result<ActOne, Failure> {
        let (sums, release_at) = (self.books.sums(), self.drill.scenario.release_at);
        self.books.look_anyway(self.point());
        let lost = self.lost(residents).await;
        let alarm = first_alarm(&self.world.admin, release_at).await?;
        let (started, finished) = self.campaign_times(handled).await?;
        let score = self.origin.score(started, finished);
        let first_report = sums.first_report_at;
        let to_alarm = first_report
            .zip(alarm)
            .map(|(report, (alarm, _))| seconds(report, alarm));
        let restored = sums
            .last_refill_at
            .map_or(finished, |refill| refill.max(finished));
        tracing::debug!(?score, ?sums, size = ?self.origin.size(), "act 1 is over");
        Ok(ActOne {
            first_report_seconds: first_report.map_or(f64::INFINITY, |at| seconds(release_at, at)),
            first_report_to_alarm_seconds: to_alarm.unwrap_or(f64::INFINITY),
            campaign_seconds: seconds(started, finished),
            release_to_restored_seconds: seconds(release_at, restored),
            time_over_bound: score.map_or(f64::INFINITY, |score| score.time_over_bound),
            seconds_over_promise_share: score.map_or(1.0, |score| score.seconds_over_promise_share),
            sites_done_twice: sums.sites_done_twice,
            sites_lost: lost,
            sign_ins: sums.sign_ins,
            failed_sign_ins: sums.failed_sign_ins(),
            course: self.books.course(),
        })
    }

    /// Sites that still fail: by their caches, and by really signing in at some of the others.
    async fn lost(&self, residents: &Residents) -> u64 {
        let broken = self.platform.broken();
        let mut chance = Chance::new(self.drill.seed, "sites tried");
        let mut sites: Vec<_> = (0..self.drill.fleet.len())
            .filter(|at| !broken.contains(at))
            .collect();
        while sites.len() > SITES_TRIED_MAX {
            sites.swap_remove(chance.below(sites.len()));
        }
        let mut lost = broken.len() as u64;
        for site in sites {
            if let Err(code) = residents.try_site(site).await {
                tracing::warn!(
                    "sign-in still fails at {}: {code}",
                    self.drill.fleet.sites()[site].hostname
                );
                lost += 1;
            }
        }
        lost
    }

    async fn campaign_times(&self, handled: &Handled) -> Result<(Timestamp, Timestamp), Failure> {
        let seen = self
            .world
            .admin
            .get(&format!("/api/v1/campaigns/{}", handled.campaign))
            .await?;
        let time = |value: &Value| value.as_str().and_then(|text| text.parse().ok());
        let started = time(&seen["started_at"]).unwrap_or(handled.campaign_started_at);
        Ok((started, handled.campaign_finished_at))
    }

    fn say(&self, line: &str) {
        self.teller.at(&self.zone, self.clock.now(), line);
    }
}

#[derive(Default)]
struct Seen {
    failure: bool,
    report: bool,
    alarm: bool,
}

fn document_address(server: &str, product: &str) -> String {
    format!("{server}/api/v1/config/{product}/sign-in/client")
}

/// The first alarm after `since`, with its sentence.
async fn first_alarm(
    admin: &Api,
    since: Timestamp,
) -> Result<Option<(Timestamp, String)>, Failure> {
    let listed = admin
        .get(&format!("/api/v1/alarms?since={since}&limit=500"))
        .await?;
    let alarms = listed["alarms"].as_array().into_iter().flatten();
    let dated = alarms.filter_map(|alarm| {
        let at = alarm["at"].as_str()?.parse::<Timestamp>().ok()?;
        Some((
            at,
            alarm["sentence"].as_str().unwrap_or_default().to_owned(),
        ))
    });
    Ok(dated.filter(|(at, _)| *at >= since).min())
}
