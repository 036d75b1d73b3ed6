//! Checks orders for campaigns against what exists. Never plans, never stores.

use domain::campaign::pace::Pace;
use domain::campaign::{Action, Order};
use domain::name::{Hostname, ProductName};
use domain::site::Site;
use semver::Version;

use crate::{Engine, EngineError};

/// Host names that an error names; the rest is counted.
const HOSTNAMES_NAMED_MAX: usize = 3;

impl Engine {
    /// Checks that the product's sites can be paced like this.
    pub(super) fn check_pace(&self, name: &ProductName, pace: &Pace) -> Result<(), EngineError> {
        let refused = |reason: &dyn std::fmt::Display| EngineError::refused_at("pace", reason);
        pace.check().map_err(|e| refused(&e))?;
        let product = self.fleet().product(name);
        let product = product.ok_or_else(|| EngineError::not_found("product", name))?;
        if *pace == Pace::Adaptive && product.settings.telemetry_url.is_none() {
            let reason = format!(
                "product {name} has no telemetry_url to pace by; set one, or choose a fixed pace"
            );
            return Err(refused(&reason));
        }
        Ok(())
    }

    /// Checks that there is what an order names. A mistyped host name or release would otherwise be
    /// noticed when its sites stay broken.
    pub(super) async fn check_exists(&self, order: &Order) -> Result<(), EngineError> {
        if let Some(id) = order.incident {
            let incident = self.store().incident(id).await?;
            incident.ok_or_else(|| EngineError::not_found("incident", id))?;
        }
        let product = &order.selection.product;
        self.check_hostnames(product, &order.selection.hostnames)?;
        match &order.action {
            Action::ActivateRelease { version } => self.check_runnable(product, version).await,
            Action::ClearCache | Action::Refresh => Ok(()),
        }
    }

    fn check_hostnames(
        &self,
        product: &ProductName,
        hostnames: &[Hostname],
    ) -> Result<(), EngineError> {
        let fleet = self.fleet();
        let is_known = |hostname: &&Hostname| {
            let site = fleet.site_at(hostname);
            site.is_some_and(|site| site.product == *product)
        };
        let unknown: Vec<_> = hostnames.iter().filter(|one| !is_known(one)).collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let named: Vec<_> = unknown.iter().take(HOSTNAMES_NAMED_MAX).collect();
        let named: Vec<_> = named.iter().map(ToString::to_string).collect();
        let more = match unknown.len() - named.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let reason = format!("{product} has no site {}{more}", named.join(", "));
        Err(EngineError::refused_at("selection.hostnames", reason))
    }

    /// A release that a site runs or ran needs no staging: a way back is always open.
    async fn check_runnable(
        &self,
        product: &ProductName,
        version: &Version,
    ) -> Result<(), EngineError> {
        let knows = |site: &Site| {
            site.product == *product
                && (site.running == *version || site.ran_before.as_ref() == Some(version))
        };
        if self.is_runnable(product, version).await?
            || self.fleet().sites().any(|(_, site)| knows(&site))
        {
            return Ok(());
        }
        let reason =
            format!("release {version} of {product} is neither staged nor live; stage it first");
        Err(EngineError::refused_at("action", reason))
    }
}
