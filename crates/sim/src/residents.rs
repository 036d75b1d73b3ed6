//! The people of the fleet's cities: they sign in, and some of those who cannot write a report.
//!
//! They see what people see: pages, redirects, forms. Never call an API that people cannot call.

mod browser;
mod complaint;

use std::sync::Arc;
use std::time::Duration;

use clock::Clock;
use tokio_util::sync::CancellationToken;

use crate::books::Books;
use crate::chance::Chance;
use crate::fleet::Fleet;
use crate::scenario::{ReportsPlan, ResidentsPlan};
pub use browser::{Browser, Network};

/// Somebody's e-mail address and password.
#[derive(Clone, Debug)]
pub struct Account {
    /// The address.
    pub email: String,
    /// The password.
    pub password: String,
}

/// Everybody.
#[derive(Clone)]
pub struct Residents(Arc<Inner>);

struct Inner {
    clock: Clock,
    fleet: Arc<Fleet>,
    books: Arc<Books>,
    network: Network,
    plan: ResidentsPlan,
    reports: ReportsPlan,
    per_second: f64,
    browsers: Vec<Browser>,
    seed: u64,
}

/// What the residents are made of.
pub struct Parts {
    /// The time.
    pub clock: Clock,
    /// Where they sign in.
    pub fleet: Arc<Fleet>,
    /// Where what happened is written down.
    pub books: Arc<Books>,
    /// How they reach sites and the provider.
    pub network: Network,
    /// How often they sign in.
    pub plan: ResidentsPlan,
    /// How they complain.
    pub reports: ReportsPlan,
    /// Scenario seconds in a second of the machine.
    pub speed: f64,
    /// Who they are.
    pub accounts: Vec<Account>,
    /// The seed.
    pub seed: u64,
}

impl Residents {
    /// People with no sessions yet.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let per_second = parts.plan.per_second(parts.fleet.len(), parts.speed);
        Self(Arc::new(Inner {
            clock: parts.clock,
            fleet: parts.fleet,
            books: parts.books,
            network: parts.network,
            plan: parts.plan,
            reports: parts.reports,
            per_second,
            browsers: parts.accounts.into_iter().map(Browser::new).collect(),
            seed: parts.seed,
        }))
    }

    /// Sign-ins of everybody in a second of scenario time.
    #[must_use]
    pub fn per_second(&self) -> f64 {
        self.0.per_second
    }

    /// Somebody signs in at a site, off the books, to see whether it works.
    ///
    /// # Errors
    /// The failure's code.
    pub async fn try_site(&self, site: usize) -> Result<(), String> {
        let browser = &self.0.browsers[site % self.0.browsers.len()];
        browser
            .sign_in(&self.0.network, self.hostname(site))
            .await
            .map(|_| ())
    }

    /// Lets people sign in until `stop`: a Poisson stream over sites weighted by population. Waits
    /// for those on their way before it returns.
    pub async fn live(self, stop: CancellationToken) {
        let mut chance = Chance::new(self.0.seed, "residents");
        let mut people = tokio::task::JoinSet::new();
        let mut next = self.0.clock.now();
        loop {
            let gap = Duration::from_secs_f64(chance.exponential(1.0 / self.0.per_second));
            next = next.saturating_add(gap).unwrap_or(next);
            let waiting = self.0.clock.sleep_until(next);
            if stop.run_until_cancelled(waiting).await.is_none() {
                break;
            }
            let visit = self.visit(&mut chance);
            let (residents, stop) = (self.clone(), stop.clone());
            people.spawn(async move { residents.make(visit, stop).await });
            while people.try_join_next().is_some() {}
        }
        while people.join_next().await.is_some() {}
    }

    /// Lets people complain about other things until `stop`.
    pub async fn complain_about_other_things(self, stop: CancellationToken) {
        let mut chance = Chance::new(self.0.seed, "other reports");
        #[expect(
            clippy::cast_precision_loss,
            reason = "fleets are far smaller than 2^52"
        )]
        let per_second = self.0.reports.other_per_site_day * self.0.fleet.len() as f64 / 86_400.0;
        loop {
            let gap = Duration::from_secs_f64(chance.exponential(1.0 / per_second).min(1e8));
            if stop
                .run_until_cancelled(self.0.clock.sleep(gap))
                .await
                .is_none()
            {
                return;
            }
            let site = self.0.fleet.somebodys(&mut chance);
            self.complain(site, complaint::other(&mut chance), false)
                .await;
        }
    }

    fn visit(&self, chance: &mut Chance) -> Visit {
        let reports = &self.0.reports;
        let more = chance.log_normal(reports.delay_minutes_mean_more, reports.delay_spread);
        Visit {
            site: self.0.fleet.somebodys(chance),
            browser: self.somebody(chance),
            forgotten: chance.happens(self.0.plan.password_share),
            report: chance
                .happens(reports.probability(self.0.per_second))
                .then(|| Duration::from_secs_f64((reports.delay_minutes_min + more) * 60.0)),
            words: complaint::about_sign_in(chance),
        }
    }

    /// Somebody who is not signing in already, if there is anybody.
    fn somebody(&self, chance: &mut Chance) -> usize {
        let (first, count) = (chance.below(self.0.browsers.len()), self.0.browsers.len());
        let others = (0..count).map(|step| (first + step) % count);
        others
            .into_iter()
            .find(|at| self.0.browsers[*at].is_free())
            .unwrap_or(first)
    }

    async fn make(&self, visit: Visit, stop: CancellationToken) {
        let failed = self.sign_in(&visit).await;
        let (Err(_), Some(delay)) = (failed, visit.report) else {
            return;
        };
        if stop
            .run_until_cancelled(self.0.clock.sleep(delay))
            .await
            .is_none()
        {
            return;
        }
        // Who writes a complaint tries once more first.
        if self.sign_in(&visit).await.is_err() {
            self.complain(visit.site, visit.words, true).await;
        }
    }

    async fn sign_in(&self, visit: &Visit) -> Result<(), String> {
        let browser = &self.0.browsers[visit.browser];
        if visit.forgotten {
            browser.forget();
        }
        let hostname = self.hostname(visit.site);
        let result = browser.sign_in(&self.0.network, hostname).await;
        match &result {
            Ok(typed) => {
                self.0.books.sign_in(visit.site, None);
                if *typed {
                    self.0.books.password();
                }
            }
            Err(code) => self.0.books.sign_in(visit.site, Some(code)),
        }
        result.map(|_| ())
    }

    async fn complain(&self, site: usize, words: &str, about_sign_in: bool) {
        let accepted = complaint::send(&self.0.network, self.hostname(site), words).await;
        self.0
            .books
            .report(self.0.clock.now(), accepted, about_sign_in);
    }

    fn hostname(&self, site: usize) -> &str {
        self.0.fleet.sites()[site].hostname.as_str()
    }
}

/// One person's wish to sign in, and what they do if they cannot.
struct Visit {
    site: usize,
    browser: usize,
    /// Whether their session is gone, so that they type their password.
    forgotten: bool,
    /// After how long they report a failure, if at all.
    report: Option<Duration>,
    words: &'static str,
}
