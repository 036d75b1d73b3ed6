//! Banners: kept in memory for pages, and published to the sites as a document, so that a site can
//! show what stands while the control plane is down.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arc_swap::ArcSwap;
use domain::banner::{Area, BadBanner, Banner, PLACES_MAX, Severity, room};
use domain::document::{DOCUMENT_BYTES_MAX, DocumentKey, Lane};
use domain::id::BannerId;
use domain::name::{DocumentName, ProductName, ServiceName};
use domain::site::Site;
use jiff::{SignedDuration, Timestamp};
use protocol::banner::{DOCUMENT, SERVICE, Standing};
use semver::VersionReq;
use store::{Store, StoreError};
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use crate::{Engine, EngineError, How, NewDocument, Signal};

/// The most banners that stand or will stand, and the most of the past that lists show.
const BANNERS_MAX: u32 = 200;
/// How often the published banners are compared with the kept ones when no signal says so.
const LOOK_SECONDS: u64 = 60;
/// Over for so long, a banner is left out of what is published: clocks of sites may be late.
const LATE: SignedDuration = SignedDuration::from_hours(1);

/// A banner, as somebody wants it.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewBanner {
    /// What it says: Markdown.
    pub text: String,
    /// How urgent it is.
    pub severity: Severity,
    /// The sites it is about; all without one.
    #[serde(default)]
    pub area: Area,
    /// From when it stands; now without one.
    #[serde(default)]
    #[schemars(with = "Option<domain::schema::Moment>")]
    pub from: Option<Timestamp>,
    /// Until when; none until somebody ends it.
    #[serde(default)]
    #[schemars(with = "Option<domain::schema::Moment>")]
    pub until: Option<Timestamp>,
}

type LeftOut = BTreeMap<BannerId, BTreeSet<ProductName>>;

/// The banners in memory: those that stand or will stand, and the last of the past.
#[derive(Default)]
pub(crate) struct Banners {
    all: ArcSwap<Vec<Arc<Banner>>>,
    /// Those that a document had no room for, with the products whose sites do without them.
    left_out: ArcSwap<LeftOut>,
    /// Held while they are changed, so that memory follows the store.
    changing: tokio::sync::Mutex<()>,
}

impl Banners {
    pub(crate) async fn load(store: &Store, now: Timestamp) -> Result<Self, StoreError> {
        let banners = Self::default();
        banners.reload(store, now).await?;
        Ok(banners)
    }

    async fn reload(&self, store: &Store, now: Timestamp) -> Result<(), StoreError> {
        let all = store.banners(now, BANNERS_MAX).await?;
        self.all
            .store(Arc::new(all.into_iter().map(Arc::new).collect()));
        Ok(())
    }
}

impl Engine {
    /// Those that stand or will stand, oldest first, then the last of the past.
    #[must_use]
    pub fn banners(&self) -> Arc<Vec<Arc<Banner>>> {
        self.0.banners.all.load_full()
    }

    /// Those that stand now, the most urgent first.
    #[must_use]
    pub fn standing_banners(&self) -> Vec<Arc<Banner>> {
        let now = self.clock().now();
        let all = self.banners();
        let mut standing: Vec<_> = all.iter().filter(|one| one.stands(now)).cloned().collect();
        standing.sort_by_key(|one| std::cmp::Reverse(one.severity));
        standing
    }

    /// Those that stand now on a site's pages, the most urgent first.
    #[must_use]
    pub fn banners_of(&self, site: &Site) -> Vec<Arc<Banner>> {
        let mut standing = self.standing_banners();
        standing.retain(|one| one.area.holds(site));
        standing
    }

    /// The products whose sites do not show a banner on their own pages: together with it, their banners
    /// would be longer than sites read. Our pages show it all the same.
    #[must_use]
    pub fn left_out_of(&self, id: BannerId) -> BTreeSet<ProductName> {
        let left_out = self.0.banners.left_out.load();
        left_out.get(&id).cloned().unwrap_or_default()
    }

    /// How many sites lie in an area.
    #[must_use]
    pub fn sites_in_area(&self, area: &Area) -> usize {
        let fleet = self.fleet();
        fleet.sites().filter(|(_, site)| area.holds(site)).count()
    }

    /// How many sites could lie in an area as far as its products, and have no point on the map: they
    /// lie in no drawn area.
    #[must_use]
    pub fn sites_without_point(&self, area: &Area) -> usize {
        let fleet = self.fleet();
        let unknown = |site: &Site| {
            let is_of = area.products.is_empty() || area.products.contains(&site.product);
            is_of && site.area.point.is_none()
        };
        fleet.sites().filter(|(_, site)| unknown(site)).count()
    }

    /// What [`Engine::add_banner`] would add; changes nothing.
    ///
    /// # Errors
    /// When it says nothing or too much, ends before it begins, no site lies in its area, or the sites would
    /// have more to read than they do.
    pub fn preview_banner(&self, new: NewBanner) -> Result<Banner, EngineError> {
        let banner = Banner {
            id: self.clock().id(),
            version: 1,
            text: new.text.trim().to_owned(),
            severity: new.severity,
            area: new.area,
            from: new.from.unwrap_or_else(|| self.clock().now()),
            until: new.until,
        };
        self.checked(banner)
    }

    /// Adds a banner.
    ///
    /// # Errors
    /// As [`Engine::preview_banner`]; when too many stand already; when the store fails.
    pub async fn add_banner(&self, new: NewBanner, who: &str) -> Result<Banner, EngineError> {
        let banner = self.preview_banner(new)?;
        let _turn = self.0.banners.changing.lock().await;
        let now = self.clock().now();
        let left = self.banners();
        if left.iter().filter(|one| !one.is_over(now)).count() >= BANNERS_MAX as usize {
            let reason = format!("{BANNERS_MAX} banners stand or will stand; end one first");
            return Err(EngineError::conflict(reason));
        }
        let audit = self.audit_banner(who, "added a banner", &banner);
        self.store().add_banner(&banner, &audit).await?;
        self.banners_changed().await?;
        Ok(banner)
    }

    /// Gives a banner another text, area or window; a `from` that is left out stays.
    ///
    /// # Errors
    /// As [`Engine::preview_banner`]; when there is no such banner, it is over, `version` is given and
    /// is not its version any more, or the store fails.
    pub async fn change_banner(
        &self,
        id: BannerId,
        version: Option<u64>,
        new: NewBanner,
        who: &str,
    ) -> Result<Banner, EngineError> {
        let _turn = self.0.banners.changing.lock().await;
        let before = self.left_banner(id)?;
        if version.is_some_and(|version| version != before.version) {
            return Err(EngineError::conflict(
                "Somebody else changed this banner; look at it again, then try again.",
            ));
        }
        let banner = self.checked(Banner {
            id,
            version: before.version + 1,
            text: new.text.trim().to_owned(),
            severity: new.severity,
            area: new.area,
            from: new.from.unwrap_or(before.from),
            until: new.until,
        })?;
        let audit = self.audit_banner(who, "changed a banner", &banner);
        self.store().save_banner(&banner, &audit).await?;
        self.banners_changed().await?;
        Ok(banner)
    }

    /// Takes a banner down. One that has not begun never stands.
    ///
    /// # Errors
    /// When there is no such banner, it is over already, or the store fails.
    pub async fn end_banner(&self, id: BannerId, who: &str) -> Result<Banner, EngineError> {
        let _turn = self.0.banners.changing.lock().await;
        let banner = Banner::clone(&*self.left_banner(id)?).end(self.clock().now());
        let audit = self.audit_banner(who, "ended a banner", &banner);
        self.store().save_banner(&banner, &audit).await?;
        self.banners_changed().await?;
        Ok(banner)
    }

    fn left_banner(&self, id: BannerId) -> Result<Arc<Banner>, EngineError> {
        let all = self.banners();
        let found = all.iter().find(|one| one.id == id);
        let found = found.ok_or_else(|| EngineError::not_found("banner", id))?;
        if found.is_over(self.clock().now()) {
            return Err(EngineError::conflict(
                "This banner is over; add another one.",
            ));
        }
        Ok(Arc::clone(found))
    }

    fn checked(&self, banner: Banner) -> Result<Banner, EngineError> {
        let refused = |bad: BadBanner| EngineError::refused_at(bad.at(), bad);
        let banner = banner.check().map_err(refused)?;
        let area = &banner.area;
        if !area.is_everywhere() && self.sites_in_area(area) == 0 {
            let mut rule = format!("no site of the fleet lies in {area}");
            let unknown = self.sites_without_point(area);
            if !area.polygon.is_empty() && unknown > 0 {
                rule += &format!(
                    "; {unknown} sites have no coordinates and cannot be inside a drawn area"
                );
            }
            return Err(EngineError::refused_at("area", rule));
        }
        // Its words can be changed whatever the fleet has grown to.
        let is_drawn_anew = || {
            let all = self.banners();
            let same = |one: &Arc<Banner>| one.id == banner.id && one.area == *area;
            !all.iter().any(same)
        };
        if area.needs_points() && is_drawn_anew() {
            let fleet = self.fleet();
            let named = area.by_name(fleet.sites().map(|(_, site)| site));
            let count = named.map_or(0, |named| named.sites.len());
            if count > PLACES_MAX {
                let rule = format!(
                    "{count} sites lie in its counties and its drawn area, and are named to the sites; at most {PLACES_MAX} can be: name states or time zones instead"
                );
                return Err(EngineError::refused_at("area", rule));
            }
        }
        self.check_room(&banner)?;
        Ok(banner)
    }

    /// Sites read the banners of their product whole or not at all. A change that makes them no longer is
    /// taken in any case: a fleet that grew may have made them too long.
    fn check_room(&self, banner: &Banner) -> Result<(), EngineError> {
        let (now, all) = (self.clock().now(), self.banners());
        let left = || all.iter().filter(|one| !one.is_over(now));
        let before: Vec<_> = left().map(|one| &**one).collect();
        let others = left().filter(|one| one.id != banner.id).map(|one| &**one);
        let after: Vec<_> = others.chain([banner]).collect();
        let fleet = self.fleet();
        for product in fleet.products().map(|one| &one.name) {
            let bytes = room::bytes(&self.of_product(product, &after));
            if bytes <= DOCUMENT_BYTES_MAX
                || bytes <= room::bytes(&self.of_product(product, &before))
            {
                continue;
            }
            let rule = format!(
                "with it, the banners of {product} are {bytes} bytes long with the names of their sites, and sites read at most {DOCUMENT_BYTES_MAX}: name states or time zones instead, or end another banner first"
            );
            return Err(EngineError::refused_at("area", rule));
        }
        Ok(())
    }

    /// Banners as the sites of a product learn of them.
    ///
    /// Agents do not know where sites are: they get counties and drawn areas as names of sites, which
    /// agents from before there were any read too.
    fn of_product(&self, product: &ProductName, banners: &[&Banner]) -> Vec<Banner> {
        let fleet = self.fleet();
        let sites: Vec<_> = fleet
            .sites()
            .map(|(_, site)| site)
            .filter(|site| site.product == *product)
            .collect();
        let is_of = |area: &Area| area.products.is_empty() || area.products.contains(product);
        let named = |one: &&Banner| {
            Some(Banner {
                area: one.area.by_name(sites.iter().cloned())?,
                ..Banner::clone(one)
            })
        };
        let banners = banners.iter().filter(|one| is_of(&one.area));
        banners.filter_map(named).collect()
    }

    fn audit_banner(&self, who: &str, act: &str, banner: &Banner) -> store::AuditEntry {
        let what = format!("{} for {}", banner.id, banner.area);
        self.audit(who, act, &what, &banner.text)
    }

    async fn banners_changed(&self) -> Result<(), EngineError> {
        let now = self.clock().now();
        self.0.banners.reload(self.store(), now).await?;
        self.told();
        self.signal(Signal::BannersChanged);
        Ok(())
    }

    /// Publishes the banners whenever they differ from what is published, until it is stopped.
    pub(crate) async fn publish_banners(self, stop: CancellationToken) {
        let mut signals = self.signals();
        loop {
            if let Err(error) = self.publish_standing().await {
                tracing::warn!("could not publish the banners to the sites: {error}");
            }
            let changed = async {
                loop {
                    match signals.recv().await {
                        Ok(Signal::BannersChanged | Signal::FleetChanged)
                        | Err(RecvError::Lagged(_)) => return,
                        Ok(_) => {}
                        Err(RecvError::Closed) => std::future::pending().await,
                    }
                }
            };
            let look = std::time::Duration::from_secs(LOOK_SECONDS);
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.clock().sleep(look) => {}
                () = changed => {}
            }
        }
    }

    async fn publish_standing(&self) -> Result<(), EngineError> {
        let products: Vec<_> = self
            .fleet()
            .products()
            .map(|one| one.name.clone())
            .collect();
        let (mut left_out, mut new) = (LeftOut::new(), vec![]);
        for product in products {
            let (document, without) = self.standing_document(&product);
            new.extend(document);
            for banner in without {
                left_out.entry(banner).or_default().insert(product.clone());
            }
        }
        self.tell_left_out(left_out);
        for document in new {
            self.publish(document, None, "banners").await?;
        }
        Ok(())
    }

    fn tell_left_out(&self, now: LeftOut) {
        let before = self.0.banners.left_out.swap(Arc::new(now.clone()));
        if *before == now {
            return;
        }
        for (banner, products) in &now {
            let products: Vec<_> = products.iter().map(ProductName::as_str).collect();
            tracing::warn!(
                "banner {banner} does not reach the sites of {}: with the names of its sites their banners would be longer than sites read",
                products.join(", ")
            );
        }
    }

    /// The document of a product's banners, unless the published one says the same, and the banners that
    /// it has no room for. Before its first banner a product has none.
    fn standing_document(&self, product: &ProductName) -> (Option<NewDocument>, Vec<BannerId>) {
        let now = self.clock().now();
        let late = now.saturating_sub(LATE).unwrap_or(Timestamp::MIN);
        let all = self.banners();
        let left = all.iter().filter(|one| !one.is_over(late));
        let left: Vec<_> = left.map(|one| &**one).collect();
        let mut banners = self.of_product(product, &left);
        // Each had room when it was saved, but the fleet grows: without the least needed, the others go on
        // to change and to end on the sites.
        let left_out = room::make_room(&mut banners, now, DOCUMENT_BYTES_MAX);
        (
            self.unless_published(product, Standing { banners }),
            left_out,
        )
    }

    fn unless_published(&self, product: &ProductName, standing: Standing) -> Option<NewDocument> {
        let key = banners_key(product.clone())?;
        let repository = self.repository();
        let published = repository.documents().get(&key);
        let newest = published.and_then(|all| all.iter().max_by_key(|one| one.version));
        let known: Option<Standing> = newest.and_then(|one| serde_json::from_slice(&one.body).ok());
        if known.unwrap_or_default() == standing {
            return None;
        }
        Some(NewDocument {
            key,
            accepts: VersionReq::STAR,
            lane: Some(Lane::Other),
            schema: None,
            body: serde_json::to_vec(&standing).ok()?,
            how: How::default(),
        })
    }
}

/// Where a product's banners are published.
fn banners_key(product: ProductName) -> Option<DocumentKey> {
    Some(DocumentKey::base(
        product,
        ServiceName::parse(SERVICE).ok()?,
        DocumentName::parse(DOCUMENT).ok()?,
    ))
}

/// Whether a document only carries banners: no code needs it, so that no release waits for it.
pub(crate) fn is_banners(key: &DocumentKey) -> bool {
    key.service.as_str() == SERVICE
}
