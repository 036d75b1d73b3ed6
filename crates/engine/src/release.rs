//! Releases: staged when config covers them, activated where verified config waits for them.
//!
//! The gate: a site may run a release only when its agent has acknowledged the documents that the
//! release needs. Never switches a site's code; the site's platform does.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use domain::campaign::{Action, Campaign, State};
use domain::document::{Document, DocumentKey, check_coverage};
use domain::id::{AgentId, SiteId};
use domain::name::{Hostname, ProductName};
use domain::release::{Release, ReleaseState};
use domain::site::Site;
use jiff::{SignedDuration, Timestamp};
use protocol::delivery::{Activation, Held, Readiness, UnreadySite};
use semver::Version;
use store::StoreError;

use crate::banner::is_banners;
use crate::delivery::Repository;
use crate::fleet::AuditOf;
use crate::publish::{check_why, check_why_at, outlines};
use crate::reader::{Nothing, Reader};
use crate::{Engine, EngineError, SiteIndex};

/// Sites that an answer names; the rest is counted.
const SITES_NAMED_MAX: usize = 50;

/// Why a site may not run a release yet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotReady {
    /// The product has no document at all.
    #[error("the product has no documents yet")]
    NoDocuments,
    /// The product has documents, and none of them accepts the release.
    #[error("no document of the product accepts release {0}")]
    NoDocument(Version),
    /// No agent serves the site.
    #[error("no agent serves it")]
    NoAgent,
    /// Its agent never acknowledged anything.
    #[error("its agent on {0} has not acknowledged any document yet")]
    Silent(Arc<str>),
    /// The only version that accepts the release is on its way, and not given to the site yet.
    #[error("the version of document {0} that accepts it is not given to this site yet")]
    NotItsTurn(DocumentKey),
    /// A layer of the site has no version that accepts the release.
    #[error("document {0} has no version that accepts it")]
    NotAccepted(DocumentKey),
    /// Agents were not told yet which layers are the site's.
    #[error("agents were not told yet which layers of config it has")]
    NotTold,
    /// Its agent lacks a document.
    #[error("its agent on {host} has not acknowledged document {} version {}", held.key, held.version)]
    Behind {
        /// The agent's host.
        host: Arc<str>,
        /// The document.
        held: Held,
    },
}

/// Which sites of a product.
#[derive(Clone, Debug)]
pub enum Sites {
    /// All of them.
    All,
    /// These.
    These(Vec<Hostname>),
}

/// An activation, as it is asked for.
#[derive(Clone, Debug)]
pub struct Activate {
    /// The product.
    pub product: ProductName,
    /// The release.
    pub version: Version,
    /// Where.
    pub sites: Sites,
    /// Activates also where no config waits, for this reason. It is written into the audit.
    pub bypass: Option<String>,
}

/// Of the newest; older ones are long over.
const CAMPAIGNS_LOOKED_AT: u32 = 1_000;
/// An agent may do what it was asked this long after it was asked, whatever became of the campaign. It is asked again each
/// minute while it is silent, and its site's platform may take its time.
pub const ASKED_MINUTES_MAX: i64 = 15;

impl Engine {
    /// Stages a release: agents fetch what it needs, no site may run it yet.
    ///
    /// # Errors
    /// When a document of the product has no version that accepts it, or the product has none; when
    /// some site could not read a document on it with the site's layers; when the release is there already, or somebody
    /// publishes meanwhile; when the store fails.
    pub async fn stage_release(
        &self,
        product: &ProductName,
        version: &Version,
        who: &str,
    ) -> Result<(), EngineError> {
        self.stage(product, version, None, who).await
    }

    /// As [`Engine::stage_release`], also when documents have no version that accepts it, for this reason: a document
    /// that was published past that check must not keep sites from a release that does without it.
    ///
    /// # Errors
    /// As there; and when the reason does not fit.
    pub async fn stage_uncovered_release(
        &self,
        product: &ProductName,
        version: &Version,
        why: &str,
        who: &str,
    ) -> Result<(), EngineError> {
        check_why(why)?;
        self.stage(product, version, Some(why), who).await
    }

    async fn stage(
        &self,
        product: &ProductName,
        version: &Version,
        bypass: Option<&str>,
        who: &str,
    ) -> Result<(), EngineError> {
        if self.fleet().product(product).is_none() {
            return Err(EngineError::not_found("product", product));
        }
        let known = self.find_release(product, version).await?;
        if let Some(known) = known.filter(|one| one.state != ReleaseState::Retired) {
            let state = known.state.as_str();
            return Err(EngineError::conflict(format!(
                "release {version} of {product} is {state} already"
            )));
        }
        // Before the lock: heartbeats wait for it, too.
        let fitted = self.fit_release(product, version).await?;
        let _alone = self.0.delivery.publishing.lock().await;
        let repository = self.repository();
        if let Some(key) = fitted.changed(&repository, product) {
            let reason = format!("somebody else published {key} just now; try again");
            return Err(EngineError::conflict(reason));
        }
        let documents = outlines(&repository, product);
        if documents.is_empty() {
            let reason = format!(
                "product {product} has no documents: publish one that accepts {version} first"
            );
            return Err(EngineError::refused_at("version", reason));
        }
        if bypass.is_none() {
            check_coverage(&documents, std::slice::from_ref(version)).map_err(|uncovered| {
                let all: Vec<_> = uncovered.iter().map(ToString::to_string).collect();
                EngineError::refused_at("version", all.join("; "))
            })?;
        }
        let act = match bypass {
            Some(_) => "staged a release, bypassing the check of documents",
            None => "staged a release",
        };
        let audit = (act, bypass.unwrap_or_default(), who);
        self.save_release(product, version, ReleaseState::Staged, audit)
            .await
    }

    /// As [`Engine::readiness`], of a release that sites may run: of another one, nothing is known.
    ///
    /// # Errors
    /// When there is no such product or release, or the store fails.
    pub async fn release_readiness(
        &self,
        product: &ProductName,
        version: &Version,
    ) -> Result<Readiness, EngineError> {
        let readiness = self.readiness(product, version)?;
        if self.is_runnable(product, version).await? {
            return Ok(readiness);
        }
        let name = format!("{product} {version}; stage it first");
        Err(EngineError::not_found("staged or live release", name))
    }

    /// How ready the sites of a product are for a version of its code.
    ///
    /// # Errors
    /// When there is no such product.
    pub fn readiness(
        &self,
        product: &ProductName,
        version: &Version,
    ) -> Result<Readiness, EngineError> {
        if self.fleet().product(product).is_none() {
            return Err(EngineError::not_found("product", product));
        }
        let mut gate = Gate::new(self, product, version);
        let mut readiness = Readiness {
            sites: 0,
            ready: 0,
            unready: vec![],
        };
        let mut unready = vec![];
        for (_, site) in self
            .fleet()
            .sites()
            .filter(|(_, site)| site.product == *product)
        {
            readiness.sites += 1;
            match gate.check(&site) {
                Ok(()) => readiness.ready += 1,
                Err(reason) => unready.push((site, reason)),
            }
        }
        readiness.unready = first_named(unready);
        Ok(readiness)
    }

    /// Whether a site may run a release of its product.
    ///
    /// # Errors
    /// Says what is missing.
    pub fn is_ready(&self, site: SiteIndex, version: &Version) -> Result<(), NotReady> {
        let site = self.fleet().site(site).ok_or(NotReady::NoAgent)?;
        Gate::new(self, &site.product, version).check(&site)
    }

    /// Records that sites run a release from now on. Those that are not ready are refused, each for
    /// its reason, unless the gate is bypassed.
    ///
    /// # Errors
    /// When the release is not staged or live, a site is unknown or of another product, a bypass
    /// gives no reason, or the store fails.
    pub async fn activate(
        &self,
        activate: &Activate,
        who: &str,
    ) -> Result<Activation, EngineError> {
        let Activate {
            product, version, ..
        } = activate;
        if let Some(why) = &activate.bypass {
            check_why_at("reason", why)?;
        }
        if !self.is_runnable(product, version).await? {
            let name = format!("{product} {version}");
            return Err(EngineError::not_found("staged or live release", name));
        }
        let sites = self.sites_of(product, &activate.sites)?;
        let mut gate = Gate::new(self, product, version);
        let (mut admitted, mut refused) = (vec![], vec![]);
        for site in sites {
            match gate.check(&site) {
                Err(reason) if activate.bypass.is_none() => refused.push((site, reason)),
                _ => admitted.push(site.id),
            }
        }
        self.save_activation(activate, &admitted, who).await?;
        Ok(Activation {
            activated: admitted.len(),
            refused: refused.len(),
            refusals: first_named(refused),
        })
    }

    /// Retires a release: nothing needs documents for it any more.
    ///
    /// # Errors
    /// When a site runs it or may go back to it, a campaign activates it or did so just now, there is no such release, or
    /// the store fails.
    pub async fn retire_release(
        &self,
        product: &ProductName,
        version: &Version,
        who: &str,
    ) -> Result<(), EngineError> {
        let needing = self.sites_needing(product, version);
        if needing > 0 {
            let reason = format!("{needing} sites run release {version} or may go back to it");
            return Err(EngineError::conflict(reason));
        }
        self.check_activations(product, version).await?;
        let known = self.find_release(product, version).await?;
        known
            .filter(|one| one.state != ReleaseState::Retired)
            .ok_or_else(|| EngineError::not_found("release", format!("{product} {version}")))?;
        let audit = ("retired a release", "", who);
        self.save_release(product, version, ReleaseState::Retired, audit)
            .await
    }

    /// Checks that no site may be switched to a release at any moment, because a campaign asked its agent: also one that
    /// is over, which calls no agent back.
    async fn check_activations(
        &self,
        product: &ProductName,
        version: &Version,
    ) -> Result<(), EngineError> {
        let lately = SignedDuration::from_mins(ASKED_MINUTES_MAX);
        let lately = self.clock().now().saturating_sub(lately);
        let lately = lately.unwrap_or(Timestamp::MIN);
        let activates = |one: &Campaign| {
            one.order.selection.product == *product
                && matches!(&one.order.action, Action::ActivateRelease { version: to } if to == version)
        };
        let campaigns = self.store().campaigns(CAMPAIGNS_LOOKED_AT).await?;
        for campaign in campaigns.iter().filter(|one| activates(one)) {
            let reason = match campaign.state {
                State::Running | State::Paused | State::Halted { .. } => format!(
                    "a campaign activates release {version}: let it end, or abort it, first"
                ),
                _ => match self.store().sites_asked_since(campaign.id, lately).await? {
                    0 => continue,
                    sites => format!(
                        "{sites} sites were asked to run release {version} and may still do it: try again {ASKED_MINUTES_MAX} minutes after the campaign"
                    ),
                },
            };
            return Err(EngineError::conflict(reason));
        }
        Ok(())
    }

    /// The releases of all products that are staged or live.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn releases(&self) -> Result<Vec<Release>, EngineError> {
        let mut all = self.store().releases().await?;
        all.retain(|one| one.state != ReleaseState::Retired);
        Ok(all)
    }

    /// Whether sites may run a release: it is staged or live, or sites run it, or may go back to it, because it came with
    /// an import of the fleet.
    pub(crate) async fn is_runnable(
        &self,
        product: &ProductName,
        version: &Version,
    ) -> Result<bool, EngineError> {
        match self.find_release(product, version).await? {
            Some(known) => Ok(known.state != ReleaseState::Retired),
            None => Ok(self.sites_needing(product, version) > 0),
        }
    }

    /// How many sites run a release, or may go back to it.
    fn sites_needing(&self, product: &ProductName, version: &Version) -> usize {
        let needs = |site: &Site| {
            site.product == *product
                && (site.running == *version || site.ran_before.as_ref() == Some(version))
        };
        self.fleet().sites().filter(|(_, site)| needs(site)).count()
    }

    async fn find_release(
        &self,
        product: &ProductName,
        version: &Version,
    ) -> Result<Option<Release>, EngineError> {
        let releases = self.store().releases().await?;
        Ok(releases
            .into_iter()
            .find(|one| one.product == *product && one.version == *version))
    }

    async fn save_release(
        &self,
        product: &ProductName,
        version: &Version,
        state: ReleaseState,
        (act, detail, who): (&str, &str, &str),
    ) -> Result<(), EngineError> {
        let release = Release {
            product: product.clone(),
            version: version.clone(),
            state,
        };
        let audit = self.audit(who, act, &format!("{product} {version}"), detail);
        Ok(self
            .store()
            .save_release(&release, self.clock().now(), &audit)
            .await?)
    }

    async fn save_activation(
        &self,
        activate: &Activate,
        sites: &[SiteId],
        who: &str,
    ) -> Result<(), EngineError> {
        if sites.is_empty() {
            return Ok(());
        }
        let what = format!(
            "{} {} on {} sites",
            activate.product,
            activate.version,
            sites.len()
        );
        let (act, detail) = match &activate.bypass {
            Some(reason) => ("activated a release, bypassing the gate", reason.as_str()),
            None => ("activated a release", ""),
        };
        let audit = AuditOf {
            who,
            act,
            what: &what,
            detail,
        };
        let release = (&activate.product, &activate.version);
        self.set_running(sites, release, &audit).await
    }

    /// Makes a release live when it is staged: sites are about to run it.
    pub(crate) async fn make_live(
        &self,
        product: &ProductName,
        version: &Version,
        who: &str,
    ) -> Result<(), EngineError> {
        let known = self.find_release(product, version).await?;
        if known.is_none_or(|release| release.state != ReleaseState::Staged) {
            return Ok(());
        }
        let what = format!("{product} {version}");
        let audit = self.audit(who, "made a release live", &what, "");
        let made = self.store().make_release_live(product, version, &audit);
        match made.await {
            // Another site was the first, a moment ago.
            Err(StoreError::Conflict { .. }) => Ok(()),
            done => Ok(done?),
        }
    }

    fn sites_of(
        &self,
        product: &ProductName,
        sites: &Sites,
    ) -> Result<Vec<Arc<Site>>, EngineError> {
        let fleet = self.fleet();
        let Sites::These(hostnames) = sites else {
            let own = fleet
                .sites()
                .map(|(_, site)| site)
                .filter(|site| site.product == *product);
            return Ok(own.collect());
        };
        hostnames
            .iter()
            .collect::<BTreeSet<_>>()
            .into_iter()
            .map(|hostname| {
                let site = fleet.site_at(hostname);
                site.filter(|site| site.product == *product)
                    .ok_or_else(|| EngineError::not_found("site of this product", hostname))
            })
            .collect()
    }
}

/// Answers for many sites. What a release needs is worked out once for all sites that read the same
/// versions, and each agent is judged once for these.
struct Gate<'a> {
    engine: &'a Engine,
    version: &'a Version,
    repository: Arc<Repository>,
    /// The documents of the product that the release needs.
    asked: Vec<DocumentKey>,
    has_documents: bool,
    verdicts: HashMap<(AgentId, Vec<Held>), Result<(), NotReady>>,
}

impl<'a> Gate<'a> {
    fn new(engine: &'a Engine, product: &ProductName, version: &'a Version) -> Self {
        let repository = engine.repository();
        let has_documents = own_documents(&repository, product).next().is_some();
        Self {
            engine,
            version,
            asked: documents_for(&repository, product, version),
            has_documents,
            repository,
            verdicts: HashMap::new(),
        }
    }

    fn check(&mut self, site: &Site) -> Result<(), NotReady> {
        if self.asked.is_empty() {
            return Err(match self.has_documents {
                true => NotReady::NoDocument(self.version.clone()),
                false => NotReady::NoDocuments,
            });
        }
        let agents = self.engine.0.delivery.agents.load();
        let agent = *agents.by_site.get(&site.id).ok_or(NotReady::NoAgent)?;
        let reader = self.engine.reader(site);
        let needed = needed(&self.repository, &self.asked, self.version, &reader)?;
        let verdict = (agent, needed);
        if let Some(verdict) = self.verdicts.get(&verdict) {
            return verdict.clone();
        }
        let host = agents
            .hosts
            .get(&agent)
            .cloned()
            .unwrap_or_else(|| "an unknown host".into());
        let acks = self.engine.0.delivery.acks.load();
        let judged = judge(&verdict.1, acks.get(&agent).map(|held| &**held), host);
        self.verdicts.insert(verdict, judged.clone());
        judged
    }
}

/// The documents of a product that a release needs: those of which some version accepts it.
#[must_use]
pub fn documents_for(
    repository: &Repository,
    product: &ProductName,
    version: &Version,
) -> Vec<DocumentKey> {
    let own = own_documents(repository, product);
    let needed = own.filter(|(_, all)| all.iter().any(|one| one.accepts.matches(version)));
    needed.map(|(key, _)| key.clone()).collect()
}

/// What sites of a product read, each with its versions; banners are nothing that code needs.
fn own_documents<'a>(
    repository: &'a Repository,
    product: &'a ProductName,
) -> impl Iterator<Item = (&'a DocumentKey, &'a [Arc<Document>])> {
    let all = repository.documents().iter();
    let own = all.filter(|(key, _)| key.product == *product && key.layer.is_base());
    let own = own.filter(|(key, _)| !is_banners(key));
    own.map(|(key, all)| (key, &all[..]))
}

/// What the agent of a site must hold before the site runs a release: all pieces of all that the site
/// reads then.
///
/// # Errors
/// When the site would read nothing of a document.
pub fn needed(
    repository: &Repository,
    documents: &[DocumentKey],
    version: &Version,
    reader: &Reader,
) -> Result<Vec<Held>, NotReady> {
    let mut needed = Vec::with_capacity(documents.len());
    for key in documents {
        let read = reader.read(repository, key, version, |one| reader.gets(one));
        let answer = read.map_err(|nothing| match nothing {
            Nothing::ItsTurnComes(key) => NotReady::NotItsTurn(key),
            Nothing::Unaccepted(key) => NotReady::NotAccepted(key),
            Nothing::Untold => NotReady::NotTold,
        })?;
        needed.extend(answer.pieces().iter().map(|one| Held {
            key: one.key.clone(),
            version: one.version,
        }));
    }
    Ok(needed)
}

/// Whether an agent that holds these may serve a site that needs those.
///
/// # Errors
/// Names what is missing on `host`.
pub fn judge(
    needed: &[Held],
    held: Option<&HashSet<Held>>,
    host: Arc<str>,
) -> Result<(), NotReady> {
    let Some(held) = held else {
        return Err(NotReady::Silent(host));
    };
    match needed.iter().find(|one| !held.contains(*one)) {
        Some(missing) => Err(NotReady::Behind {
            host,
            held: missing.clone(),
        }),
        None => Ok(()),
    }
}

fn first_named(mut sites: Vec<(Arc<Site>, NotReady)>) -> Vec<UnreadySite> {
    sites.sort_by(|(a, _), (b, _)| a.hostname.cmp(&b.hostname));
    sites
        .into_iter()
        .take(SITES_NAMED_MAX)
        .map(|(site, reason)| UnreadySite {
            site: site.hostname.clone(),
            reason: reason.to_string(),
        })
        .collect()
}
