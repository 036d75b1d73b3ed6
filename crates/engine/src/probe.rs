//! Probes: a real sign-in of the canary account over a site's real path. Their result is the
//! evidence for "verified". Never acts on a site.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use domain::product::ProductSettings;
use domain::site::Site;
use domain::site::state::Evidence;
use reqwest::{Response, StatusCode, header};
use url::Url;

use crate::{Engine, SiteIndex};

/// A sign-in takes five: the site, the provider, its consent, the callback, the page.
const HOPS_MAX: usize = 8;
/// The longest page that is read to its end, so that the connection can be used again.
const BODY_BYTES_MAX: usize = 64 << 10;
/// A sign-in that takes longer than this, and than some requests at the promised latency, does not
/// work for people either.
const PROBE_SECONDS_MAX: f64 = 20.0;
/// A sign-in of a site with an empty cache waits for its refill, and for the pages around it.
const PROBE_REQUESTS: f64 = 4.0;
/// However fast the clock runs, sockets need some of the machine's time.
const MACHINE_SECONDS_MIN: u64 = 2;
/// A site that ends a sign-in well says so in this header of the last answer; the value is the
/// subject that signed in.
pub const SIGNED_IN_HEADER: &str = "lamplighter-signed-in";
/// A site that ends a sign-in badly gives its error code in this header.
pub const ERROR_HEADER: &str = "sign-in-error";

/// Gives the `Cookie` header (`name=value`) of a session of the canary account at the provider.
pub type CanarySession =
    Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<String, String>> + Send>> + Send + Sync>;

/// What a probe found.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum Probe {
    /// The canary account signed in.
    Works {
        /// How long it took, by the clock.
        in_seconds: f64,
    },
    /// The site, or the provider, refused the sign-in.
    Fails {
        /// The site's error code, or `http_` and the status.
        code: String,
    },
    /// No answer could be had.
    Unreachable {
        /// Why.
        reason: String,
    },
}

impl std::fmt::Display for Probe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Works { in_seconds } => write!(f, "sign-in works, in {in_seconds:.1} s"),
            Self::Fails { code } => write!(f, "sign-in fails: {code}"),
            Self::Unreachable { reason } => write!(f, "no answer: {reason}"),
        }
    }
}

impl Engine {
    /// Says where probes get their session from. Once; later calls change nothing.
    pub fn set_canary_session(&self, session: CanarySession) {
        let _ = self.0.canary.set(session);
    }

    /// Signs the canary account in at a site, and lights its lamp by what happened.
    pub async fn probe(&self, index: SiteIndex) -> Probe {
        let Some(site) = self.fleet().site(index) else {
            return Probe::Unreachable {
                reason: "there is no such site".into(),
            };
        };
        let probe = self.sign_in(&site).await;
        match &probe {
            Probe::Works { .. } => self.learn([index], Evidence::Worked),
            Probe::Fails { .. } => self.learn([index], Evidence::Failed),
            // No answer may be our own network's fault: it is no evidence about sign-in.
            Probe::Unreachable { .. } => {}
        }
        probe
    }

    async fn sign_in(&self, site: &Site) -> Probe {
        let unreachable = |reason: &str| Probe::Unreachable {
            reason: reason.into(),
        };
        let Some(product) = self.fleet().product(&site.product) else {
            return unreachable("its product is not known");
        };
        let Some(session) = self.0.canary.get() else {
            return unreachable("probes have no canary session: sign-in is not running here");
        };
        let cookie = match session().await {
            Ok(cookie) => cookie,
            Err(reason) => return unreachable(&format!("no canary session: {reason}")),
        };
        let (Some(walk), Some(start)) = (
            Walk::new(self, site, &product.settings, cookie),
            start(site, &product.settings),
        ) else {
            return unreachable("its address, or the provider's, is not a URL");
        };
        let begun = self.clock().now();
        let promise = product.settings.promise_p95_seconds;
        let limit = PROBE_SECONDS_MAX + PROBE_REQUESTS * promise;
        let limit = self.machine_limit(Duration::from_secs_f64(limit));
        match tokio::time::timeout(limit, walk.follow(start)).await {
            Ok(Ok(())) => {
                let took = self.clock().now().duration_since(begun);
                Probe::Works {
                    in_seconds: took.as_secs_f64(),
                }
            }
            Ok(Err(probe)) => probe,
            Err(_) => Probe::Fails {
                code: "timeout".into(),
            },
        }
    }

    /// A limit in the clock's time as one for sockets, which count in the machine's time.
    pub(crate) fn machine_limit(&self, limit: Duration) -> Duration {
        let scaled = self.clock().on_machine(limit);
        scaled.max(Duration::from_secs(MACHINE_SECONDS_MIN))
    }
}

fn start(site: &Site, settings: &ProductSettings) -> Option<Url> {
    // An override reaches a listener beside us, which speaks plain HTTP.
    let scheme = if settings.connect.is_some() {
        "http"
    } else {
        "https"
    };
    Url::parse(&format!(
        "{scheme}://{}{}",
        site.hostname, settings.sign_in_path
    ))
    .ok()
}

/// A browser's way through a sign-in: redirects, and cookies of each host.
struct Walk<'a> {
    engine: &'a Engine,
    site: &'a Site,
    connect: Option<(String, u16)>,
    provider: Url,
    canary: String,
    site_cookies: Vec<(String, String)>,
    met_provider: bool,
}

impl<'a> Walk<'a> {
    fn new(
        engine: &'a Engine,
        site: &'a Site,
        settings: &ProductSettings,
        canary: String,
    ) -> Option<Self> {
        let connect = match &settings.connect {
            None => None,
            Some(address) => {
                let (host, port) = address.rsplit_once(':')?;
                Some((host.to_owned(), port.parse().ok()?))
            }
        };
        let provider = Url::parse(&engine.settings().base_url).ok()?;
        let (site_cookies, met_provider) = (vec![], false);
        Some(Self {
            engine,
            site,
            connect,
            provider,
            canary,
            site_cookies,
            met_provider,
        })
    }

    async fn follow(mut self, start: Url) -> Result<(), Probe> {
        let mut url = start;
        for _ in 0..HOPS_MAX {
            let response = self.get(&url).await?;
            self.keep_cookies(&url, &response);
            let Some(next) = redirect(&response) else {
                return self.judge(&url, response).await;
            };
            url = url.join(&next).map_err(|_| fails("bad_redirect"))?;
            // The canary's session may be shown to nobody but the provider, and a site may send
            // a browser nowhere else: a probe is no way to reach the vendor's other machines.
            if !self.is_site(&url) && !self.is_provider(&url) {
                return Err(fails("redirect_elsewhere"));
            }
        }
        Err(fails("too_many_redirects"))
    }

    async fn get(&mut self, url: &Url) -> Result<Response, Probe> {
        let mut target = url.clone();
        let mut host = None;
        if let Some((address, port)) = self.connect.as_ref().filter(|_| self.is_site(url)) {
            host = url.host_str();
            let there = target.set_host(Some(address)).is_ok();
            if !there || target.set_port(Some(*port)).is_err() {
                let reason = "the connect address is wrong".into();
                return Err(Probe::Unreachable { reason });
            }
        }
        let mut request = self
            .engine
            .http()
            .get(target)
            .header(header::ACCEPT, "text/html");
        if let Some(host) = host {
            request = request.header(header::HOST, host);
        }
        if self.is_provider(url) {
            self.met_provider = true;
            request = request.header(header::COOKIE, &self.canary);
        } else if !self.site_cookies.is_empty() {
            let pairs: Vec<_> = self
                .site_cookies
                .iter()
                .map(|(n, v)| format!("{n}={v}"))
                .collect();
            request = request.header(header::COOKIE, pairs.join("; "));
        }
        request.send().await.map_err(|e| Probe::Unreachable {
            reason: reason_of(&e),
        })
    }

    fn keep_cookies(&mut self, url: &Url, response: &Response) {
        if !self.is_site(url) {
            return;
        }
        for set in response.headers().get_all(header::SET_COOKIE) {
            let pair = set
                .to_str()
                .ok()
                .and_then(|text| text.split(';').next()?.split_once('='));
            if let Some((name, value)) = pair {
                self.site_cookies.retain(|(known, _)| known != name.trim());
                self.site_cookies
                    .push((name.trim().to_owned(), value.trim().to_owned()));
            }
        }
    }

    /// A sign-in worked when the site itself says who signed in, after the provider was asked.
    async fn judge(&self, url: &Url, response: Response) -> Result<(), Probe> {
        let status = response.status();
        let text = |name: &str| {
            let value = response
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok());
            value
                .filter(|value| !value.is_empty())
                .map(|value| value.chars().take(80).collect())
        };
        let (signed_in, error): (Option<String>, Option<String>) =
            (text(SIGNED_IN_HEADER), text(ERROR_HEADER));
        let at_site = self.is_site(url);
        drain(response).await;
        if status == StatusCode::OK && at_site && self.met_provider && signed_in.is_some() {
            return Ok(());
        }
        let code = error.unwrap_or_else(|| match (status, at_site, self.met_provider) {
            (StatusCode::OK, true, true) => "not_signed_in".into(),
            (StatusCode::OK, true, false) => "provider_not_asked".into(),
            (StatusCode::OK, false, _) => "stuck_at_provider".into(),
            (status, true, _) => format!("http_{}", status.as_u16()),
            (status, false, _) => format!("provider_http_{}", status.as_u16()),
        });
        Err(Probe::Fails { code })
    }

    fn is_site(&self, url: &Url) -> bool {
        url.host_str() == Some(self.site.hostname.as_str())
    }

    fn is_provider(&self, url: &Url) -> bool {
        url.origin() == self.provider.origin()
    }
}

fn fails(code: &str) -> Probe {
    Probe::Fails { code: code.into() }
}

fn redirect(response: &Response) -> Option<String> {
    let location = response.headers().get(header::LOCATION)?.to_str().ok()?;
    response
        .status()
        .is_redirection()
        .then(|| location.to_owned())
}

/// Reads a body to its end, within limits: a connection whose body is dropped cannot be used again.
async fn drain(mut response: Response) {
    let mut read = 0;
    while let Ok(Some(chunk)) = response.chunk().await {
        read += chunk.len();
        if read > BODY_BYTES_MAX {
            break;
        }
    }
}

pub(crate) fn reason_of(error: &reqwest::Error) -> String {
    let kind = if error.is_timeout() {
        "timed out"
    } else if error.is_connect() {
        "could not connect"
    } else {
        "the connection broke"
    };
    kind.into()
}
