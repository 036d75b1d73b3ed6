//! Incidents in memory, as pages show them: reads take no lock and no database, so that public
//! pages stay up when the database does not.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use domain::comment::Comment;
use domain::id::{AlarmId, IncidentId};
use domain::incident::{
    Affected, FollowUp, Incident, Promise, PromiseKind, Scope, Update, UpdateKind,
};
use jiff::{SignedDuration, Timestamp};
use store::{Reminded, ScheduledUpdate, Store, StoreError};

use crate::{Engine, EngineError, SiteIndex};

/// How many incidents are kept in memory, newest first. Older ones are read from the store.
const KEPT: u32 = 200;
/// The most incidents beside them that are watched because something waits under them.
const OWING_MAX: u32 = 10_000;
/// How many comments an incident's page shows.
const COMMENTS_KEPT: u32 = 5;
/// How long a count of a scope's sites stands, in seconds.
const COUNT_SECONDS: i64 = 1;

/// An incident as pages show it.
pub struct IncidentView {
    /// Its state, scope, title.
    pub incident: Incident,
    /// Its posts, newest first, the official comment among them.
    pub updates: Vec<Update>,
    /// What its posts promised, soonest first.
    pub promises: Vec<Promise>,
    /// The alarms that belong to it.
    pub alarms: Vec<AlarmId>,
    /// Posts that wait for their moment, the soonest first.
    pub scheduled: Vec<ScheduledUpdate>,
    /// Whom its promises were recalled to, in order.
    pub reminders: Vec<Reminded>,
    /// What will be done after it, the soonest first.
    pub follow_ups: Vec<FollowUp>,
    /// The newest comments that are shown, the newest first.
    pub comments: Vec<Comment>,
    /// How many are shown in all.
    pub comments_total: u64,
    /// When it began to be read, counted in readings: grows with time.
    reading: u64,
    /// The last count of its sites, and when.
    counted: ArcSwap<Option<(Timestamp, Affected)>>,
}

/// The incidents in memory.
#[derive(Default)]
pub(crate) struct Incidents {
    views: ArcSwap<HashMap<IncidentId, Arc<IncidentView>>>,
    /// Held while an alarm is taken, and while a view is replaced.
    pub(crate) proposing: tokio::sync::Mutex<()>,
    /// Held while posts that wait are counted and one is added.
    pub(crate) scheduling: tokio::sync::Mutex<()>,
    /// How many views were begun to be read.
    readings: AtomicU64,
}

impl IncidentView {
    /// The official comment, if one was posted; the newest of several.
    #[must_use]
    pub fn official_comment(&self) -> Option<&Update> {
        self.updates
            .iter()
            .find(|update| update.kind == UpdateKind::OfficialComment)
    }

    /// When the next promise of a kind falls due; `None` when none is open.
    #[must_use]
    pub fn due_at(&self, kind: PromiseKind) -> Option<Timestamp> {
        let open = |promise: &&Promise| promise.kind == kind && promise.kept_at.is_none();
        self.promises
            .iter()
            .find(open)
            .map(|promise| promise.due_at)
    }

    /// Whether time alone may change it.
    fn may_change(&self) -> bool {
        let owes = self
            .promises
            .iter()
            .any(|promise| promise.kept_at.is_none());
        self.incident.is_open() || owes || !self.scheduled.is_empty()
    }

    /// Reads what belongs to an incident; `reading` was taken before anything of it was read.
    async fn load(store: &Store, incident: Incident, reading: u64) -> Result<Self, StoreError> {
        let id = incident.id;
        Ok(Self {
            updates: store.updates(id).await?,
            promises: store.promises(id).await?,
            alarms: store.incident_alarms(id).await?,
            scheduled: store.scheduled(id).await?,
            reminders: store.reminders(id).await?,
            follow_ups: store.follow_ups(id).await?,
            comments: store.shown_comments(id, None, COMMENTS_KEPT).await?,
            comments_total: store.count_comments(id).await?,
            incident,
            reading,
            counted: ArcSwap::default(),
        })
    }
}

impl Incidents {
    pub(crate) async fn load(store: &Store) -> Result<Self, StoreError> {
        let mut incidents = store.incidents(KEPT).await?;
        incidents.extend(store.open_incidents(1_000).await?);
        incidents.extend(store.owing_incidents(OWING_MAX).await?);
        let mut views = HashMap::new();
        for incident in incidents {
            if let Entry::Vacant(place) = views.entry(incident.id) {
                place.insert(Arc::new(IncidentView::load(store, incident, 0).await?));
            }
        }
        Ok(Self {
            views: ArcSwap::from_pointee(views),
            ..Self::default()
        })
    }

    /// Incidents and planned work, in no order.
    pub(crate) fn all(&self) -> Vec<Arc<IncidentView>> {
        self.views.load().values().cloned().collect()
    }

    /// Incidents that go on, without planned work.
    pub(crate) fn open(&self) -> Vec<Arc<IncidentView>> {
        let mut open = self.all();
        open.retain(|view| view.incident.is_open() && view.incident.maintenance.is_none());
        open
    }

    /// The number of a reading that begins now.
    fn begin_reading(&self) -> u64 {
        self.readings.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Puts a view in its place, unless a newer one stands there already. Comments, follow-ups and posts
    /// that wait do not raise the version: of one version, the view stands that began to be read last, which
    /// holds all that was saved before.
    fn put(&self, view: &Arc<IncidentView>) {
        self.views.rcu(|views| {
            let mut views = HashMap::clone(views);
            let id = view.incident.id;
            let age = |view: &IncidentView| (view.incident.version, view.reading);
            let is_newer = |old: &Arc<IncidentView>| age(old) > age(view);
            if !views.get(&id).is_some_and(is_newer) {
                views.insert(id, Arc::clone(view));
            }
            forget_old(&mut views);
            views
        });
    }
}

/// Keeps as many as a start would load, and what time may still change: a history of thousands must
/// not stay in memory, where every page reads it.
fn forget_old(views: &mut HashMap<IncidentId, Arc<IncidentView>>) {
    if views.len() <= KEPT as usize {
        return;
    }
    let place = |view: &IncidentView| (view.incident.started_at, view.incident.id);
    let mut places: Vec<_> = views.values().map(|view| place(view)).collect();
    places.sort_unstable();
    let oldest = places[places.len() - KEPT as usize];
    views.retain(|_, view| place(view) >= oldest || view.may_change());
}

impl Engine {
    /// Incidents that everybody may read, newest first, without planned work. From memory.
    #[must_use]
    pub fn public_incidents(&self) -> Vec<Arc<IncidentView>> {
        self.all_incidents()
            .into_iter()
            .filter(|view| view.incident.is_public())
            .collect()
    }

    /// Incidents with proposals and dismissed ones, newest first, without planned work. From memory.
    #[must_use]
    pub fn all_incidents(&self) -> Vec<Arc<IncidentView>> {
        let mut all = self.incidents().all();
        all.retain(|view| view.incident.maintenance.is_none());
        all.sort_by_key(|view| std::cmp::Reverse((view.incident.started_at, view.incident.id)));
        all
    }

    /// Incidents and planned work that their audience may read, newest first. From memory.
    #[must_use]
    pub fn told_incidents(&self) -> Vec<Arc<IncidentView>> {
        let mut told = self.incidents().all();
        told.retain(|view| view.incident.is_told());
        told.sort_by_key(|view| std::cmp::Reverse((view.incident.started_at, view.incident.id)));
        told
    }

    /// Planned work, the last to begin first. From memory.
    #[must_use]
    pub fn maintenances(&self) -> Vec<Arc<IncidentView>> {
        let mut all = self.incidents().all();
        all.retain(|view| view.incident.maintenance.is_some());
        all.sort_by_key(|view| std::cmp::Reverse((view.incident.started_at, view.incident.id)));
        all
    }

    /// Planned work that everybody may read of, the last to begin first. From memory.
    #[must_use]
    pub fn public_maintenances(&self) -> Vec<Arc<IncidentView>> {
        let mut public = self.maintenances();
        public.retain(|view| view.incident.is_public());
        public
    }

    /// The same that is not over, the first to begin first. From memory.
    #[must_use]
    pub fn coming_maintenances(&self) -> Vec<Arc<IncidentView>> {
        let mut coming = self.public_maintenances();
        coming.retain(|view| view.incident.is_open());
        coming.reverse();
        coming
    }

    /// An incident in memory: the open ones and the newest others. A page for customers must ask
    /// [`Engine::may_read`].
    #[must_use]
    pub fn incident_view(&self, id: IncidentId) -> Option<Arc<IncidentView>> {
        self.incidents().views.load().get(&id).cloned()
    }

    /// Any incident, from memory or else from the store.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find_incident(
        &self,
        id: IncidentId,
    ) -> Result<Option<Arc<IncidentView>>, EngineError> {
        if let Some(view) = self.incident_view(id) {
            return Ok(Some(view));
        }
        match self.store().incident(id).await? {
            Some(incident) => Ok(Some(Arc::new(
                IncidentView::load(self.store(), incident, 0).await?,
            ))),
            None => Ok(None),
        }
    }

    /// The sites of an incident, counted by their lamps; at most a second old.
    #[must_use]
    pub fn affected_by(&self, view: &IncidentView) -> Affected {
        let now = self.clock().now();
        let fresh = |(at, _): &(Timestamp, Affected)| {
            now.duration_since(*at) < SignedDuration::from_secs(COUNT_SECONDS)
        };
        if let Some((_, affected)) = view
            .counted
            .load()
            .as_ref()
            .as_ref()
            .filter(|counted| fresh(counted))
        {
            return *affected;
        }
        let affected = self.affected(&view.incident.scope);
        view.counted.store(Arc::new(Some((now, affected))));
        affected
    }

    /// The sites of a scope, counted by their lamps now.
    #[must_use]
    pub fn affected(&self, scope: &Scope) -> Affected {
        let fleet = self.fleet();
        let held = fleet.sites().filter(|(_, site)| scope.holds(site));
        Affected::count(held.map(|(index, _)| fleet.state(index)))
    }

    /// The sites of a scope.
    #[must_use]
    pub fn sites_in(&self, scope: &Scope) -> Vec<SiteIndex> {
        let fleet = self.fleet();
        let held = fleet.sites().filter(|(_, site)| scope.holds(site));
        held.map(|(index, _)| index).collect()
    }

    pub(crate) async fn reload_incident(&self, id: IncidentId) -> Result<(), EngineError> {
        let reading = self.incidents().begin_reading();
        if let Some(incident) = self.store().incident(id).await? {
            let view = IncidentView::load(self.store(), incident, reading).await?;
            self.incidents().put(&Arc::new(view));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use domain::incident::Impact;

    use super::*;

    fn view(version: u64, reading: u64, comments_total: u64) -> Arc<IncidentView> {
        let at = "2023-07-11T21:00:00Z".parse().unwrap();
        let id = IncidentId::from_bytes(&[1; 16]).unwrap();
        let what = ("Sign-in fails".into(), Scope::default(), Impact::Minor);
        Arc::new(IncidentView {
            incident: Incident {
                version,
                ..Incident::open(id, what, at, at)
            },
            updates: vec![],
            promises: vec![],
            alarms: vec![],
            scheduled: vec![],
            reminders: vec![],
            follow_ups: vec![],
            comments: vec![],
            comments_total,
            reading,
            counted: ArcSwap::default(),
        })
    }

    #[test]
    fn a_slower_reading_does_not_replace_a_later_one() {
        let incidents = Incidents::default();
        let (slow, fast) = (incidents.begin_reading(), incidents.begin_reading());
        let stands = |view: &Arc<IncidentView>| {
            incidents.put(view);
            incidents.all()[0].comments_total
        };
        // A comment was hidden between the two.
        assert_eq!(stands(&view(1, fast, 0)), 0);
        assert_eq!(stands(&view(1, slow, 1)), 0, "it shows what was hidden");
        // A newer version is newer, whenever it began to be read.
        assert_eq!(stands(&view(2, slow, 7)), 7);
        assert_eq!(stands(&view(1, fast, 0)), 7);
        assert_eq!(stands(&view(2, incidents.begin_reading(), 8)), 8);
    }
}
