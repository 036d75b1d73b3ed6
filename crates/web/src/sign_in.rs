//! Binds the OpenID Connect provider to the fleet: a site is a client, held to the settings
//! document of the release it runs. Never signs anybody in.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use domain::document::{Document, DocumentKey};
use domain::name::{Hostname, ProductName};
use domain::rollout::Rollout;
use domain::sign_in::{
    ClientSettings, CodeHistory, Pkce, Rules, SettingsVersion, is_settings, rules_at, settings_of,
};
use domain::site::Site;
use engine::{Answer, Engine, Repository};
use jiff::{SignedDuration, Timestamp};
use semver::{Version, VersionReq};
use signin::{ClientPolicy, Clients, HeldSettings, Provider, SignInError};

/// How long after an activation a sign-in may go on as it was begun, under the release before.
pub const ACTIVATION_OVERLAP: SignedDuration = SignedDuration::from_secs(60);

/// Opens the provider for the sites of the engine's fleet.
///
/// # Errors
/// When the signing keys cannot be loaded or made.
pub async fn open_provider(
    engine: &Engine,
    settings: signin::Settings,
    overlap: SignedDuration,
) -> Result<Provider, SignInError> {
    let clients = FleetClients {
        engine: engine.clone(),
        overlap,
        read: ArcSwapOption::empty(),
    };
    Provider::open(
        engine.store().clone(),
        engine.clock().clone(),
        settings,
        clients,
    )
    .await
}

struct FleetClients {
    engine: Engine,
    overlap: SignedDuration,
    /// The documents of one state of the repository, read once: parsing at each sign-in would cost
    /// more than the sign-in.
    read: ArcSwapOption<Read>,
}

struct Read {
    of: Arc<Repository>,
    settings: HashMap<ProductName, Vec<SettingsVersion>>,
}

impl Clients for FleetClients {
    fn policy(&self, client_id: &Hostname, now: Timestamp) -> Option<ClientPolicy> {
        let fleet = self.engine.fleet();
        let site = fleet.site_at(client_id)?;
        let read = self.read();
        let versions = read.settings.get(&site.product)?;
        let key = settings_of(site.product.clone())?;
        let code = CodeHistory {
            running: &site.running,
            ran_before: site.ran_before.as_ref(),
            activated_at: site.activated_at,
        };
        let rules = if read.of.has_layers(&key) {
            let given = self.merged(&site, |code| {
                self.engine.document_for(&key, code, Some(&site))
            });
            let held = self.merged(&site, |code| {
                self.engine.held_document_for(&key, code, &site)
            });
            let (given, held) = (given.iter().collect(), held.iter().collect());
            self.rules(code, (given, held), now)?
        } else {
            self.rules(code, self.given_and_held(&site, &key, versions), now)?
        };
        let private_network = fleet.product(&site.product)?.settings.connect.is_some();
        Some(policy(&site, rules, private_network))
    }

    fn settings_that_name(&self, kid: &str) -> Option<(DocumentKey, u64)> {
        let read = self.read();
        let all = read.settings.iter();
        let mut all = all.flat_map(|(product, all)| all.iter().map(move |one| (product, one)));
        let (product, one) = all.find(|(_, one)| one.settings.signing_kid == kid)?;
        Some((settings_of(product.clone())?, one.version))
    }

    fn hold_settings(&self) -> Pin<Box<dyn Future<Output = HeldSettings<'_>> + Send + '_>> {
        Box::pin(async { Box::new(self.engine.hold_publishing().await) as HeldSettings<'_> })
    }
}

impl FleetClients {
    /// The rules by the versions that a site's agent said it holds: the provider asks for nothing that the
    /// site was not told. The agent may hold what the site is given and not have said so yet; people whom
    /// the site sends by that are brought back as well.
    fn rules(
        &self,
        code: CodeHistory<'_>,
        (given, held): (Vec<&SettingsVersion>, Vec<&SettingsVersion>),
        now: Timestamp,
    ) -> Option<Rules> {
        let mut rules = rules_at(code, &held, self.overlap, now)?;
        let coming = rules_at(code, &given, self.overlap, now);
        for path in coming.into_iter().flat_map(|one| one.redirect_paths) {
            if !rules.redirect_paths.contains(&path) {
                rules.redirect_paths.push(path);
            }
        }
        Some(rules)
    }

    /// The versions that a site is given, and those of them that its agent holds; all of them where it
    /// holds none for the release that the site runs.
    fn given_and_held<'a>(
        &self,
        site: &Site,
        key: &DocumentKey,
        versions: &'a [SettingsVersion],
    ) -> (Vec<&'a SettingsVersion>, Vec<&'a SettingsVersion>) {
        let reader = self.engine.reader(site);
        let given = versions
            .iter()
            .filter(|one| reader.is_given(key, one.version, &one.rollout));
        let given: Vec<_> = given.collect();
        let held: Vec<_> = given
            .iter()
            .filter(|one| reader.holds(key, one.version))
            .copied()
            .collect();
        let is_covered = held.iter().any(|one| one.accepts.matches(&site.running));
        let held = if is_covered { held } else { given.clone() };
        (given, held)
    }

    /// What a site reads with its layers, on the release that it runs and on the one before.
    fn merged(
        &self,
        site: &Site,
        read: impl Fn(&Version) -> Option<Answer>,
    ) -> Vec<SettingsVersion> {
        let codes = site.ran_before.iter().chain([&site.running]);
        let settings = codes.zip(1..).filter_map(|(code, version)| {
            let answer = read(code)?;
            let parsed = ClientSettings::parse(&answer.body());
            let settings = parsed.inspect_err(|error| {
                tracing::error!("settings for {} are left out: {error}", site.hostname);
            });
            Some(SettingsVersion {
                version,
                rollout: Rollout::everywhere(),
                accepts: VersionReq::parse(&format!("={code}")).ok()?,
                settings: settings.ok()?,
            })
        });
        settings.collect()
    }

    fn read(&self) -> Arc<Read> {
        let repository = self.engine.repository();
        if let Some(read) = self
            .read
            .load_full()
            .filter(|read| Arc::ptr_eq(&read.of, &repository))
        {
            return read;
        }
        let read = Arc::new(Read {
            settings: settings(&repository),
            of: repository,
        });
        self.read.store(Some(Arc::clone(&read)));
        read
    }
}

fn settings(repository: &Repository) -> HashMap<ProductName, Vec<SettingsVersion>> {
    let mut settings: HashMap<_, Vec<_>> = HashMap::new();
    for (key, documents) in repository.documents() {
        if is_settings(key) && key.layer.is_base() {
            let versions = documents.iter().filter_map(|document| version(document));
            settings
                .entry(key.product.clone())
                .or_default()
                .extend(versions);
        }
    }
    settings
}

fn version(document: &Document) -> Option<SettingsVersion> {
    let parsed = ClientSettings::parse(&document.body);
    let settings = parsed.inspect_err(|error| {
        // Sites refuse it as well; the version before goes on deciding.
        tracing::error!(
            "{} version {} is left out: {error}",
            document.key,
            document.version
        );
    });
    Some(SettingsVersion {
        version: document.version,
        rollout: document.rollout.clone(),
        accepts: document.accepts.clone(),
        settings: settings.ok()?,
    })
}

/// Residents are sent back over https; over plain http only where the vendor reaches the sites of
/// the product at an address of its own, behind which the connection is private.
fn policy(site: &Site, rules: Rules, private_network: bool) -> ClientPolicy {
    let mut redirect_uris = vec![];
    for path in &rules.redirect_paths {
        redirect_uris.push(format!("https://{}{path}", site.hostname));
        if private_network {
            redirect_uris.push(format!("http://{}{path}", site.hostname));
        }
    }
    ClientPolicy {
        redirect_uris,
        pkce_required: rules.pkce == Pkce::Required,
        signing_kid: Some(rules.signing_kid),
    }
}
