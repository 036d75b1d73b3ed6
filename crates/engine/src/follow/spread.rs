//! Spreads what was posted over the followers it concerns: each gets a notification, in the same
//! commit as the cursor that passes it. Never sends anything.

use std::collections::HashMap;
use std::sync::Arc;

use domain::follower::{About, Channel, Follower};
use domain::id::{FollowerId, NotificationId, OrganizationId};
use domain::incident::{Incident, Scope};
use domain::name::ProductName;
use domain::site::Site;
use store::{Announcement, Lane};
use tokio_util::sync::CancellationToken;

use super::may_be_told;
use crate::{Engine, EngineError, Fleet, Signal, outbox};

/// Followers looked at in one commit.
const PAGE: u32 = 1_000;

/// Spreads what was posted until it is stopped.
pub(crate) async fn spread(engine: Engine, stop: CancellationToken) {
    outbox::run(engine, stop, |engine| async move {
        while let Some(announcement) = engine.store().next_announcement().await? {
            spread_page(&engine, &announcement).await?;
        }
        Ok(outbox::wait_until(&engine, None))
    })
    .await;
}

async fn spread_page(engine: &Engine, announcement: &Announcement) -> Result<(), EngineError> {
    let store = engine.store();
    let page = store.followers_after(announcement.follower, PAGE).await?;
    let until = page.last().map(|last| last.id);
    let told = match store.incident(announcement.incident).await? {
        Some(incident) => told(engine, announcement, &incident, &page).await?,
        None => vec![],
    };
    let until = until.filter(|_| page.len() == PAGE as usize);
    let now = engine.clock().now();
    store.spread(announcement, &told, until, now).await?;
    engine.signal(Signal::OutboxChanged);
    Ok(())
}

/// Those of a page of followers that are told of an incident.
async fn told(
    engine: &Engine,
    announcement: &Announcement,
    incident: &Incident,
    page: &[Follower],
) -> Result<Vec<(NotificationId, FollowerId, Lane)>, EngineError> {
    let concerned = Concerned::of(&engine.fleet(), incident.scope.clone());
    let ends = page.first().zip(page.last());
    let heard = match ends.filter(|_| announcement.only_new) {
        Some((first, last)) => {
            let ends = (first.id, last.id);
            engine.store().followers_told(incident.id, ends).await?
        }
        None => vec![],
    };
    let mut told = vec![];
    for follower in page {
        let wants = follower.confirmed_at.is_some() && concerned.includes(&follower.about);
        let is_new = !heard.contains(&follower.id);
        if wants && is_new && may_be_told(engine, incident, follower).await? {
            told.push((engine.clock().id(), follower.id, lane(&follower.channel)));
        }
    }
    Ok(told)
}

/// The sites of an incident, looked up once for a page of followers: a scan of the fleet for each
/// would take an hour for those of a large fleet.
struct Concerned {
    scope: Scope,
    fleet: Arc<Fleet>,
    by_organization: HashMap<OrganizationId, Vec<Arc<Site>>>,
    /// One site of each product.
    by_product: HashMap<ProductName, Arc<Site>>,
}

impl Concerned {
    fn of(fleet: &Arc<Fleet>, scope: Scope) -> Self {
        let mut concerned = Self {
            scope,
            fleet: Arc::clone(fleet),
            by_organization: HashMap::new(),
            by_product: HashMap::new(),
        };
        for (_, site) in fleet.sites() {
            if concerned.scope.holds(&site) {
                let own = concerned.by_organization.entry(site.organization);
                own.or_default().push(Arc::clone(&site));
                let product = concerned.by_product.entry(site.product.clone());
                product.or_insert(site);
            }
        }
        concerned
    }

    fn includes(&self, about: &About) -> bool {
        let sites: Vec<_> = match (about.site, about.organization, &about.product) {
            (Some(id), _, _) => {
                let index = self.fleet.index(id);
                let site = index.and_then(|index| self.fleet.site(index));
                site.into_iter().collect()
            }
            (None, Some(id), _) => self.by_organization.get(&id).cloned().unwrap_or_default(),
            (None, None, Some(name)) => self.by_product.get(name).cloned().into_iter().collect(),
            (None, None, None) => vec![],
        };
        about.concerns(&self.scope, sites)
    }
}

fn lane(channel: &Channel) -> Lane {
    match channel {
        Channel::Email(_) => Lane::Mail,
        Channel::Webhook { .. } => Lane::Webhook,
    }
}
