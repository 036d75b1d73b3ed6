//! What really happened, as the simulator saw it: the drill believes these books, not Lamplighter.
//! Only counts. Never decides.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::drill::{Course, Point};
use domain::id::CampaignId;
use jiff::Timestamp;

/// The books of one act.
#[derive(Default)]
pub struct Books(Mutex<Entries>);

#[derive(Default)]
struct Entries {
    sign_ins: u64,
    passwords: u64,
    failures: BTreeMap<String, u64>,
    /// Sites whose last sign-in failed.
    failing: HashSet<usize>,
    course: Course,
    first_report_at: Option<Timestamp>,
    reports: u64,
    reports_refused: u64,
    /// Caches really cleared, by campaign and site.
    clears: HashMap<(CampaignId, u32), u32>,
    /// Requests to clear that changed nothing, because the site had acted before.
    repeats: u64,
    last_refill_at: Option<Timestamp>,
    refills: u64,
}

/// The books' sums.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Sign-ins that were begun and ended.
    pub sign_ins: u64,
    /// Those for which a password was typed.
    pub passwords: u64,
    /// Those that failed, by code.
    pub failures: BTreeMap<String, u64>,
    /// When the first customer's report about sign-in was accepted.
    pub first_report_at: Option<Timestamp>,
    /// Reports that were accepted.
    pub reports: u64,
    /// Reports that were not accepted.
    pub reports_refused: u64,
    /// Sites whose cache was cleared.
    pub sites_cleared: u64,
    /// Sites whose cache one campaign cleared more than once.
    pub sites_done_twice: u64,
    /// Requests to clear that changed nothing.
    pub repeats: u64,
    /// Caches refilled.
    pub refills: u64,
    /// When the last cache was refilled.
    pub last_refill_at: Option<Timestamp>,
}

impl Sums {
    /// Sign-ins that failed, whatever the code.
    #[must_use]
    pub fn failed_sign_ins(&self) -> u64 {
        self.failures.values().sum()
    }
}

impl Books {
    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A sign-in ended at a site; `failure` holds its code.
    pub fn sign_in(&self, site: usize, failure: Option<&str>) {
        let mut entries = self.entries();
        entries.sign_ins += 1;
        if let Some(code) = failure {
            *entries.failures.entry(code.to_owned()).or_default() += 1;
            entries.failing.insert(site);
        } else {
            entries.failing.remove(&site);
        }
    }

    /// Sites whose last sign-in failed.
    #[must_use]
    pub fn failing(&self) -> usize {
        self.entries().failing.len()
    }

    /// How the sites are, if a point of this minute is due: they are counted only then.
    pub fn look(&self, minute: f64, count: impl FnOnce() -> Point) {
        if self.entries().course.is_due(minute) {
            let point = count();
            self.entries().course.note(point);
        }
    }

    /// How the sites are at a moment that matters.
    pub fn look_anyway(&self, point: Point) {
        self.entries().course.note_anyway(point);
    }

    /// How the sites were.
    #[must_use]
    pub fn course(&self) -> Course {
        self.entries().course.clone()
    }

    /// Somebody typed a password.
    pub fn password(&self) {
        self.entries().passwords += 1;
    }

    /// A report was answered at this time.
    pub fn report(&self, at: Timestamp, accepted: bool, about_sign_in: bool) {
        let mut entries = self.entries();
        if !accepted {
            entries.reports_refused += 1;
            return;
        }
        entries.reports += 1;
        if about_sign_in {
            entries.first_report_at.get_or_insert(at);
        }
    }

    /// A site's cache was cleared.
    pub fn clear(&self, campaign: CampaignId, site: u32) {
        *self.entries().clears.entry((campaign, site)).or_default() += 1;
    }

    /// A site was asked to clear what it had cleared before.
    pub fn repeat(&self) {
        self.entries().repeats += 1;
    }

    /// A site's cache was refilled.
    pub fn refill(&self, at: Timestamp) {
        let mut entries = self.entries();
        entries.refills += 1;
        entries.last_refill_at = entries.last_refill_at.max(Some(at));
    }

    /// Adds everything up.
    #[must_use]
    pub fn sums(&self) -> Sums {
        let entries = self.entries();
        let sites: HashSet<_> = entries.clears.keys().map(|(_, site)| *site).collect();
        let twice: HashSet<_> = entries
            .clears
            .iter()
            .filter(|(_, n)| **n > 1)
            .map(|((_, site), _)| *site)
            .collect();
        Sums {
            sign_ins: entries.sign_ins,
            passwords: entries.passwords,
            failures: entries.failures.clone(),
            first_report_at: entries.first_report_at,
            reports: entries.reports,
            reports_refused: entries.reports_refused,
            sites_cleared: sites.len() as u64,
            sites_done_twice: twice.len() as u64,
            repeats: entries.repeats,
            refills: entries.refills,
            last_refill_at: entries.last_refill_at,
        }
    }
}
