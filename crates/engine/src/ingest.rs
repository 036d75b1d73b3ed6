//! Takes what comes in: customers' reports and sign-in outcomes. Durable before it answers.
//! Never concludes; `detect` does. Rates per client are limited at the door, in `web`.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};

use domain::detection::allowance::Allowance;
use domain::detection::{Alarm, Cell, Counts, SiteCounts};
use domain::id::{HolderId, ReportId, SiteId};
use domain::name::Hostname;
use domain::report::{BadReport, Channel, Contact, Report, ReportText};
use domain::site::Site;
use domain::site::state::Evidence;
use jiff::{SignedDuration, Timestamp};
use protocol::outcome::{ATTEMPTS_MAX, Outcomes, SITES_MAX, SiteOutcomes};
use store::{OutcomeBatch, SiteMinute, StoredReport};

use crate::{Engine, EngineError, Signal};

/// The longest idempotency key, in characters.
const KEY_CHARS_MAX: usize = 128;
/// The most error codes of one site in one message.
const CODES_MAX: usize = 32;
/// The longest error code, in characters.
const CODE_CHARS_MAX: usize = 64;
/// Outcomes may come this late, or carry a clock this far ahead.
const LATE_SECONDS_MAX: i64 = 3_600;
/// The most reports that an answer about one alarm names.
const REPORTS_OF_ALARM_MAX: u32 = 5_000;

/// A report as a customer sends it.
#[derive(Clone, Debug)]
pub struct NewReport<'a> {
    /// The site it is about.
    pub site: &'a Hostname,
    /// What the customer wrote, unchecked.
    pub text: &'a str,
    /// Where to answer, unchecked; may be empty.
    pub contact: &'a str,
    /// How it came.
    pub channel: Channel,
    /// The sender's own key for this report: the same key twice, for one site, is the same report.
    pub idempotency_key: Option<&'a str>,
}

/// Sign-in outcomes that the detector has not seen yet, and what each site may still add.
#[derive(Default)]
pub(crate) struct Pending(Mutex<(Allowance, HashMap<SiteId, SiteCounts>)>);

impl Pending {
    /// The part of the rows that counts.
    fn grant(&self, known: &[(Arc<Site>, &SiteOutcomes)], now: Timestamp) -> Vec<SiteCounts> {
        let (allowance, _) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let granted = known.iter().map(|(site, row)| {
            let (attempts, failures) = (row.attempts, row.failures.clone());
            SiteCounts {
                site: site.id,
                cell: Cell::from(&**site),
                counts: allowance.grant(site.id, Counts { attempts, failures }, now),
            }
        });
        granted.collect()
    }

    fn add(&self, counted: Vec<SiteCounts>) {
        let (_, sites) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for one in counted {
            match sites.entry(one.site) {
                Entry::Vacant(place) => drop(place.insert(one)),
                Entry::Occupied(mut known) => known.get_mut().counts.add(&one.counts),
            }
        }
    }

    pub(crate) fn take(&self) -> Vec<SiteCounts> {
        let (_, sites) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sites.drain().map(|(_, counts)| counts).collect()
    }
}

impl Engine {
    /// Takes a report; it is durable when this returns its identifier.
    ///
    /// # Errors
    /// When there is no such site, the text or contact breaks a rule, the key was used for another
    /// report about the site, or the store fails.
    pub async fn take_report(&self, new: &NewReport<'_>) -> Result<ReportId, EngineError> {
        let fleet = self.fleet();
        let unknown = || EngineError::NotFound {
            noun: "site",
            name: new.site.to_string(),
        };
        let index = fleet.find(new.site).ok_or_else(unknown)?;
        let site = fleet.site(index).ok_or_else(unknown)?;
        let report = Report {
            id: self.clock().id(),
            site: site.id,
            text: ReportText::parse(new.text).map_err(|e| refused(&e))?,
            contact: Contact::parse(new.contact).map_err(|e| refused(&e))?,
            channel: new.channel,
            at: self.clock().now(),
        };
        check_key(new.idempotency_key)?;
        let stored = StoredReport {
            report,
            running: site.running.clone(),
        };
        let known = self
            .store()
            .add_report(&stored, new.idempotency_key)
            .await?;
        let id = known.report.id;
        if !known.report.says_the_same_as(&stored.report) {
            let reason = format!(
                "this key was used for another report about {}; send a new report with a new key",
                site.hostname
            );
            return Err(EngineError::refused_at("idempotency-key", reason));
        }
        if id == stored.report.id {
            tracing::info!(site = %site.hostname, report = %id, "took report {id} about {}", site.hostname);
            self.learn([index], Evidence::Reported);
            self.signal(Signal::ReportTaken(id));
        }
        Ok(id)
    }

    /// Takes sign-in outcomes of many sites; durable when this returns. Gives how many rows named
    /// a site that is not in the fleet: those are left out. A batch that `sender` sent before
    /// counts nothing. Of a site with more than its allowance, a part counts.
    ///
    /// # Errors
    /// When the message breaks a limit, which leaves all of it out, or the store fails.
    pub async fn take_outcomes(
        &self,
        outcomes: &Outcomes,
        sender: HolderId,
    ) -> Result<usize, EngineError> {
        let at = self.check_outcomes(outcomes)?;
        let fleet = self.fleet();
        let known: Vec<(Arc<Site>, &SiteOutcomes)> = outcomes
            .rows
            .iter()
            .filter_map(|row| Some((fleet.site_at(&row.site)?, row)))
            .collect();
        let counted = self.0.pending.grant(&known, self.clock().now());
        let minutes: Vec<SiteMinute> = counted.iter().map(minute).collect();
        let batch = outcomes.batch.map(|batch| OutcomeBatch {
            sender,
            series: batch.series,
            number: batch.number,
        });
        let unknown = outcomes.rows.len() - known.len();
        if !self
            .store()
            .add_outcomes(&minutes, at, batch.as_ref())
            .await?
        {
            tracing::info!(sender.id = %sender, "a batch of outcomes of {sender} came again; it counts once");
            return Ok(unknown);
        }
        self.0.pending.add(counted);
        self.learn_from_outcomes(&known);
        self.signal(Signal::OutcomesTaken);
        Ok(unknown)
    }

    /// Reports before `(at, id)`, newest first, at most `limit`; of one site when it is given.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn reports_before(
        &self,
        before: (Timestamp, Option<ReportId>),
        site: Option<SiteId>,
        limit: u32,
    ) -> Result<Vec<StoredReport>, EngineError> {
        Ok(self.store().reports_before(before, site, limit).await?)
    }

    /// The reports that an alarm counts: those since its likeliest start from sites that its best
    /// explanation holds, oldest first, at most 5,000.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn reports_of(&self, alarm: &Alarm) -> Result<Vec<StoredReport>, EngineError> {
        let since = alarm
            .evidence
            .since
            .saturating_sub(SignedDuration::from_millis(1));
        let since = since.unwrap_or(alarm.evidence.since);
        let reports = self
            .store()
            .reports_after(since, None, REPORTS_OF_ALARM_MAX)
            .await?;
        let fleet = self.fleet();
        let holds = |stored: &StoredReport| {
            let site = fleet
                .index(stored.report.site)
                .and_then(|index| fleet.site(index));
            let best = alarm.localisation.explanations.first();
            site.is_some_and(|site| best.is_none_or(|best| best.holds_cell(&cell(&site, stored))))
        };
        Ok(reports.into_iter().filter(holds).collect())
    }

    fn check_outcomes(&self, outcomes: &Outcomes) -> Result<Timestamp, EngineError> {
        if outcomes.rows.len() > SITES_MAX {
            let (rows, max) = (outcomes.rows.len(), SITES_MAX);
            return Err(EngineError::refused_at(
                "rows",
                format!("{rows} rows; {max} are allowed"),
            ));
        }
        let mut rows = HashMap::new();
        for (number, row) in outcomes.rows.iter().enumerate() {
            let refused = |rule| EngineError::refused_at(&format!("rows[{number}]"), rule);
            check_row(row).map_err(refused)?;
            if let Some(before) = rows.insert(&row.site, number) {
                let site = &row.site;
                return Err(refused(format!(
                    "names {site} again, after rows[{before}]; a site has one row in a message"
                )));
            }
        }
        let now = self.clock().now();
        let at = Timestamp::from_millisecond(outcomes.at_ms).ok();
        at.filter(|at| at.duration_since(now).as_secs().abs() <= LATE_SECONDS_MAX)
            .ok_or_else(|| {
                EngineError::refused_at(
                    "at_ms",
                    "is more than an hour away from this server's clock",
                )
            })
    }

    /// Two of three failed, and at least three, darken a lamp; a success without failures lights it.
    fn learn_from_outcomes(&self, known: &[(Arc<Site>, &SiteOutcomes)]) {
        let fleet = self.fleet();
        let (mut failed, mut worked) = (vec![], vec![]);
        for (site, row) in known {
            let failures: u32 = row.failures.values().sum();
            let Some(index) = fleet.index(site.id) else {
                continue;
            };
            if failures >= 3 && u64::from(failures) * 3 >= u64::from(row.attempts) * 2 {
                failed.push(index);
            } else if failures == 0 && row.attempts > 0 {
                worked.push(index);
            }
        }
        self.learn(failed, Evidence::Failed);
        self.learn(worked, Evidence::Worked);
    }
}

/// The kind of site that sent a report, when it did.
pub(crate) fn cell(site: &Site, stored: &StoredReport) -> Cell {
    Cell {
        release: stored.running.clone(),
        ..Cell::from(site)
    }
}

fn minute(one: &SiteCounts) -> SiteMinute {
    SiteMinute {
        site: one.site,
        product: one.cell.product.clone(),
        zone: one.cell.zone.clone(),
        attempts: one.counts.attempts,
        failures: one
            .counts
            .failures
            .iter()
            .map(|(code, count)| (code.clone(), *count))
            .collect(),
    }
}

fn check_row(row: &SiteOutcomes) -> Result<(), String> {
    if row.attempts > ATTEMPTS_MAX {
        let (site, attempts) = (&row.site, row.attempts);
        return Err(format!(
            "{attempts} attempts of {site}; a site has at most {ATTEMPTS_MAX} in one message"
        ));
    }
    let failed: u64 = row.failures.values().map(|count| u64::from(*count)).sum();
    if failed > u64::from(row.attempts) {
        return Err(format!("{failed} failures of {} attempts", row.attempts));
    }
    if row.failures.len() > CODES_MAX {
        return Err(format!(
            "{} error codes; {CODES_MAX} are allowed",
            row.failures.len()
        ));
    }
    let plain = |code: &String| {
        (1..=CODE_CHARS_MAX).contains(&code.chars().count()) && !code.chars().any(char::is_control)
    };
    if row.failures.keys().all(plain) {
        Ok(())
    } else {
        Err(format!(
            "an error code has 1 to {CODE_CHARS_MAX} characters, none of them control"
        ))
    }
}

fn check_key(key: Option<&str>) -> Result<(), EngineError> {
    let fits = |key: &str| {
        (1..=KEY_CHARS_MAX).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic())
    };
    if key.is_none_or(fits) {
        return Ok(());
    }
    let rule = format!("has 1 to {KEY_CHARS_MAX} visible ASCII characters");
    Err(EngineError::refused_at("idempotency-key", rule))
}

fn refused(error: &BadReport) -> EngineError {
    EngineError::refused_at(error.part, error.to_string())
}
