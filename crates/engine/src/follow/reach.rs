//! Where followers' webhooks may lead: to the public internet, unless the operator allows more. Support
//! staff write their addresses, and must not learn or ask anything inside the vendor's network by them.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use domain::network::is_public;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

const NOT_PUBLIC: &str =
    "the address lies in a private network, where followers' webhooks are not sent";

/// Whether private networks are allowed; names are judged when they are resolved, each time.
#[derive(Clone, Default)]
pub(crate) struct Reach(Arc<AtomicBool>);

impl Reach {
    pub(crate) fn allow_private(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn holds(&self, address: IpAddr) -> bool {
        is_public(address) || self.0.load(Ordering::Relaxed)
    }

    /// An address that needs no name to be resolved.
    pub(super) fn check(&self, url: &str) -> Result<(), &'static str> {
        let url = url::Url::parse(url).map_err(|_| "this is no address")?;
        let address = match url.host() {
            Some(url::Host::Ipv4(v4)) => IpAddr::V4(v4),
            Some(url::Host::Ipv6(v6)) => IpAddr::V6(v6),
            _ => return Ok(()),
        };
        self.holds(address).then_some(()).ok_or(NOT_PUBLIC)
    }
}

impl Resolve for Reach {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> = found.filter(|one| reach.holds(one.ip())).collect();
            if allowed.is_empty() {
                return Err(NOT_PUBLIC.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_webhook_leads_into_no_private_network_unless_it_may() {
        let reach = Reach::default();
        let inside = [
            "http://127.0.0.1/x",
            "http://[::1]/x",
            "http://[::ffff:127.0.0.1]/x",
            "http://0x7f000001/x",
            "http://2130706433/x",
            "http://127.1/x",
            "http://169.254.169.254/latest",
            "https://user:pw@10.0.0.1/x",
        ];
        for url in inside {
            assert_eq!(reach.check(url), Err(NOT_PUBLIC), "{url}");
        }
        reach.check("https://1.1.1.1/x").unwrap();
        let name = || "localhost".parse::<Name>().unwrap();
        let refused = reach.resolve(name()).await.err().unwrap();
        assert_eq!(refused.to_string(), NOT_PUBLIC);
        reach.allow_private();
        for url in inside {
            reach.check(url).unwrap();
        }
        let found = reach.resolve(name()).await.unwrap();
        assert!(found.count() > 0);
    }
}
