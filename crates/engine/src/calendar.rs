//! Business calendars: kept by name in memory, counted on by promises, filled from iCalendar files.

mod holidays;

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use domain::calendar::{BusinessCalendar, Calendar, DEFAULT_NAME};
use domain::incident::template::Template;
use jiff::civil::Date;
use store::{AuditEntry, ScheduledUpdate, Store, StoreError};

pub use holidays::FILE_BYTES_MAX as HOLIDAYS_BYTES_MAX;

use crate::{Engine, EngineError, IncidentView, NewUpdate};

/// The most calendars.
pub const CALENDARS_MAX: usize = 50;

/// The most days of an import that the audit names.
const AUDITED_MAX: usize = 100;

/// The calendars in memory, by name.
#[derive(Default)]
pub(crate) struct Calendars {
    all: ArcSwap<BTreeMap<String, BusinessCalendar>>,
    /// Held while one is changed: two imports at once add up.
    changing: tokio::sync::Mutex<()>,
}

impl Calendars {
    pub(crate) async fn load(store: &Store) -> Result<Self, StoreError> {
        Ok(Self {
            all: ArcSwap::from_pointee(store.calendars().await?),
            ..Self::default()
        })
    }
}

/// What an import of holidays did.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct ImportedHolidays {
    /// The days that are free from now on.
    #[schemars(with = "Vec<domain::schema::Day>")]
    pub added: Vec<Date>,
    /// How many were free already.
    pub already_there: usize,
    /// Events that were left out, and why.
    pub skipped: Vec<SkippedEvent>,
}

/// An event that is no holiday.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct SkippedEvent {
    /// Its name.
    pub name: String,
    /// Why it is left out.
    pub reason: String,
}

impl Engine {
    /// The calendars by name, the default one among them.
    #[must_use]
    pub fn calendars(&self) -> BTreeMap<String, BusinessCalendar> {
        let mut all = BTreeMap::clone(&self.kept_calendars());
        all.entry(DEFAULT_NAME.into())
            .or_insert_with(|| BusinessCalendar::in_zone(self.settings().home_zone.clone()));
        all
    }

    /// The calendar that promises are counted on unless they name one: the kept one of the name
    /// "default", or 7:00 to 19:00 on weekdays in the home zone.
    #[must_use]
    pub fn calendar(&self) -> Calendar {
        let kept = self.kept_calendars();
        let kept = kept.get(DEFAULT_NAME).and_then(|one| one.calendar().ok());
        kept.unwrap_or_else(|| Calendar::in_zone(self.settings().home_zone.clone()))
    }

    /// The calendar of a name; the default one without a name.
    pub(crate) fn calendar_of(&self, name: Option<&str>) -> Result<Calendar, EngineError> {
        let Some(name) = name.filter(|name| *name != DEFAULT_NAME) else {
            return Ok(self.calendar());
        };
        let kept = self.kept_calendars();
        let calendar = kept.get(name).and_then(|one| one.calendar().ok());
        calendar.ok_or_else(|| {
            let names: Vec<_> = self.calendars().into_keys().collect();
            let rule = format!(
                "there is no calendar {name:?}; there are {}",
                names.join(", ")
            );
            EngineError::refused_at("calendar", rule)
        })
    }

    /// The calendar of a name as it is now, the default one where it is gone: what was promised on it is
    /// still recalled.
    pub(crate) fn calendar_now(&self, name: &str) -> Calendar {
        self.calendar_of(Some(name))
            .unwrap_or_else(|_| self.calendar())
    }

    /// Saves a calendar; it replaces one of its name. Promises that were made keep their moment.
    ///
    /// # Errors
    /// When it breaks a rule, there are too many, or the store fails.
    pub async fn save_calendar(
        &self,
        name: &str,
        calendar: BusinessCalendar,
        who: &str,
    ) -> Result<BusinessCalendar, EngineError> {
        let _turn = self.0.calendars.changing.lock().await;
        let federal = match calendar.federal_holidays {
            true => ", without US federal holidays",
            false => "",
        };
        let detail = format!(
            "{} to {} in {}{federal}, {} holidays of its own",
            calendar.opens,
            calendar.closes,
            calendar.zone,
            calendar.holidays.len()
        );
        let audit = self.audit(who, "saved a calendar", name, &detail);
        self.keep_calendar(name, calendar, &audit).await
    }

    async fn keep_calendar(
        &self,
        name: &str,
        calendar: BusinessCalendar,
        audit: &AuditEntry,
    ) -> Result<BusinessCalendar, EngineError> {
        let calendar = calendar
            .check(name)
            .map_err(|bad| EngineError::refused_at(bad.at(), bad))?;
        let kept = self.kept_calendars();
        if kept.len() >= CALENDARS_MAX && !kept.contains_key(name) {
            let reason = format!("there are {CALENDARS_MAX} calendars already; remove one first");
            return Err(EngineError::conflict(reason));
        }
        self.store().save_calendar(name, &calendar, audit).await?;
        self.look_at_calendars().await?;
        Ok(calendar)
    }

    /// Removes a calendar; the default one is as it was at the start then. What was promised on it
    /// keeps its moment, and is recalled by the default one.
    ///
    /// # Errors
    /// When there is none of that name, a template or an update that waits promises by it, or the
    /// store fails.
    pub async fn remove_calendar(&self, name: &str, who: &str) -> Result<(), EngineError> {
        // The default one is there also when it is removed.
        if name != DEFAULT_NAME {
            self.check_unused(name)?;
        }
        let audit = self.audit(who, "removed a calendar", name, "");
        match self.store().remove_calendar(name, &audit).await {
            Err(StoreError::Conflict { .. }) => Err(EngineError::not_found("calendar", name)),
            done => {
                done?;
                self.look_at_calendars().await
            }
        }
    }

    fn check_unused(&self, name: &str) -> Result<(), EngineError> {
        let templates = self.templates();
        let promises_by_it = |one: &&Template| one.calendar() == Some(name);
        if let Some(template) = templates.iter().find(promises_by_it) {
            let reason = format!(
                "the template {:?} promises by this calendar; choose another one there first",
                template.name
            );
            return Err(EngineError::conflict(reason));
        }
        let incidents = self.all_incidents();
        let waits = |one: &ScheduledUpdate| names_calendar(one, name);
        let promised = |view: &&Arc<IncidentView>| view.scheduled.iter().any(waits);
        if let Some(view) = incidents.iter().find(promised) {
            let reason = format!(
                "an update of the incident {:?} waits for its moment and promises by this calendar; cancel it first",
                view.incident.title
            );
            return Err(EngineError::conflict(reason));
        }
        Ok(())
    }

    /// Adds the whole-day events of an iCalendar file to a calendar's holidays.
    ///
    /// # Errors
    /// When there is no such calendar, the file is too large or none, there are too many holidays, or
    /// the store fails.
    pub async fn import_holidays(
        &self,
        name: &str,
        file: &[u8],
        who: &str,
    ) -> Result<ImportedHolidays, EngineError> {
        let _turn = self.0.calendars.changing.lock().await;
        let mut calendars = self.calendars();
        let mut calendar = calendars
            .remove(name)
            .ok_or_else(|| EngineError::not_found("calendar", name))?;
        if file.len() > HOLIDAYS_BYTES_MAX {
            let rule = format!("a file has {HOLIDAYS_BYTES_MAX} bytes at most");
            return Err(EngineError::refused_at("file", rule));
        }
        let text = std::str::from_utf8(file)
            .map_err(|_| EngineError::refused_at("file", "an iCalendar file is UTF-8"))?;
        let read = holidays::read(text).map_err(|bad| EngineError::refused_at("file", bad))?;
        let mut imported = ImportedHolidays {
            added: vec![],
            already_there: 0,
            skipped: vec![],
        };
        let mut changes = vec![];
        for (day, why) in read.days {
            let before = calendar.holidays.insert(day, why.clone());
            match &before {
                None => imported.added.push(day),
                Some(_) => imported.already_there += 1,
            }
            match before {
                Some(before) if before == why => {}
                Some(before) => changes.push(format!("{day} {why}, was {before}")),
                None => changes.push(format!("{day} {why}")),
            }
        }
        let skipped = read.skipped.into_iter().map(|(name, reason)| SkippedEvent {
            name,
            reason: reason.into(),
        });
        imported.skipped = skipped.collect();
        let mut detail = match changes.as_slice() {
            [] => "nothing new".to_owned(),
            changes => changes[..changes.len().min(AUDITED_MAX)].join("; "),
        };
        if changes.len() > AUDITED_MAX {
            let more = changes.len() - AUDITED_MAX;
            detail = format!("{detail}; and {more} more");
        }
        let audit = self.audit(who, "imported holidays", name, &detail);
        self.keep_calendar(name, calendar, &audit).await?;
        Ok(imported)
    }

    fn kept_calendars(&self) -> Arc<BTreeMap<String, BusinessCalendar>> {
        self.0.calendars.all.load_full()
    }

    async fn look_at_calendars(&self) -> Result<(), EngineError> {
        let all = self.store().calendars().await?;
        self.0.calendars.all.store(Arc::new(all));
        Ok(())
    }
}

/// Whether an update that waits counts its promises on a calendar.
fn names_calendar(scheduled: &ScheduledUpdate, name: &str) -> bool {
    let asked: Result<NewUpdate, _> = serde_json::from_str(&scheduled.asked);
    asked.is_ok_and(|asked| asked.calendar.as_deref() == Some(name))
}
