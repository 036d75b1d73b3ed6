//! A person's browser: keeps the provider's cookies, follows redirects, fills in the sign-in form.
//! Never runs scripts.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use http::{StatusCode, header};
use url::Url;

use super::Account;
use crate::platform::ERROR_HEADER;

/// A sign-in that takes more redirects than this goes in circles.
const STEPS_MAX: usize = 12;

/// How browsers reach sites and the provider.
#[derive(Clone)]
pub struct Network {
    /// A pooled client that follows no redirects.
    pub http: reqwest::Client,
    /// Every site answers at this address, told apart by the Host header; without a slash.
    pub platform: String,
    /// Lamplighter, which is also the provider; without a slash.
    pub lamplighter: String,
}

/// One person's browser.
pub struct Browser {
    account: Account,
    /// The provider's cookies.
    cookies: Mutex<BTreeMap<String, String>>,
    /// Held during a sign-in: one person fills in one form at a time.
    busy: tokio::sync::Mutex<()>,
}

impl Browser {
    pub(super) fn new(account: Account) -> Self {
        Self {
            account,
            cookies: Mutex::default(),
            busy: tokio::sync::Mutex::default(),
        }
    }

    /// Drops the provider's cookies: the next sign-in asks for the password.
    pub(super) fn forget(&self) {
        self.jar().clear();
    }

    /// Whether nobody signs in with it at the moment.
    pub(super) fn is_free(&self) -> bool {
        self.busy.try_lock().is_ok()
    }

    /// Signs in to a site; says whether a password was typed.
    ///
    /// # Errors
    /// The site's error code, or where the way was lost.
    pub async fn sign_in(&self, network: &Network, hostname: &str) -> Result<bool, String> {
        let _turn = self.busy.lock().await;
        let mut typed = false;
        let mut step = Step::Get(parse(&format!("http://{hostname}/sign-in"))?);
        for _ in 0..STEPS_MAX {
            typed |= matches!(step, Step::Post(..));
            step = self.take(network, step).await?;
            if matches!(step, Step::Done) {
                return Ok(typed);
            }
        }
        Err("too_many_redirects".into())
    }

    /// Makes one request and says what a browser does next.
    async fn take(&self, network: &Network, step: Step) -> Result<Step, String> {
        let (address, form) = match step {
            Step::Get(address) => (address, None),
            Step::Post(address, form) => (address, Some(form)),
            Step::Done => return Ok(Step::Done),
        };
        let provider = address.as_str().starts_with(&network.lamplighter);
        let mut request = if provider {
            let method = if form.is_some() {
                http::Method::POST
            } else {
                http::Method::GET
            };
            let request = network.http.request(method, address.clone());
            let cookies = self.cookie_header();
            if cookies.is_empty() {
                request
            } else {
                request.header(header::COOKIE, cookies)
            }
        } else {
            let host = address.host_str().unwrap_or_default().to_owned();
            let path = &address[url::Position::BeforePath..url::Position::AfterQuery];
            network
                .http
                .get(format!("{}{path}", network.platform))
                .header(header::HOST, host)
        };
        if let Some(form) = &form {
            request = request
                .header(header::ORIGIN, &network.lamplighter)
                .form(form);
        }
        let lost = if provider {
            "provider_unreachable"
        } else {
            "site_unreachable"
        };
        let response = request.send().await.map_err(|_| lost.to_owned())?;
        if provider {
            self.keep_cookies(response.headers());
        }
        self.next(response, &address, provider).await
    }

    async fn next(
        &self,
        response: reqwest::Response,
        address: &Url,
        provider: bool,
    ) -> Result<Step, String> {
        let status = response.status();
        if let Some(code) = response.headers().get(ERROR_HEADER) {
            return Err(code.to_str().unwrap_or("error").to_owned());
        }
        if status.is_redirection() {
            let location = response.headers().get(header::LOCATION);
            let location = location
                .and_then(|value| value.to_str().ok())
                .ok_or("no_location")?;
            return Ok(Step::Get(
                address.join(location).map_err(|_| "bad_location")?,
            ));
        }
        if !provider {
            return if status.is_success() {
                Ok(Step::Done)
            } else {
                Err(format!("site_{}", status.as_u16()))
            };
        }
        if status != StatusCode::OK {
            return Err(format!("provider_{}", status.as_u16()));
        }
        let page = response.text().await.map_err(|_| "provider_unreachable")?;
        let form = Form::find(&page).ok_or("provider_page_without_form")?;
        if page.contains("role=\"alert\"") {
            return Err("password_refused".into());
        }
        let action = address.join(&form.action).map_err(|_| "bad_location")?;
        Ok(Step::Post(action, form.fill(&self.account)))
    }

    fn cookie_header(&self) -> String {
        let pairs = self
            .jar()
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect::<Vec<_>>();
        pairs.join("; ")
    }

    fn keep_cookies(&self, headers: &header::HeaderMap) {
        for cookie in headers.get_all(header::SET_COOKIE) {
            let pair = cookie.to_str().ok().and_then(|text| text.split(';').next());
            if let Some((name, value)) = pair.and_then(|pair| pair.split_once('=')) {
                self.jar().insert(name.trim().into(), value.trim().into());
            }
        }
    }

    fn jar(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, String>> {
        self.cookies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Step {
    Get(Url),
    Post(Url, Vec<(String, String)>),
    /// The site says that the person is signed in.
    Done,
}

fn parse(address: &str) -> Result<Url, String> {
    Url::parse(address).map_err(|_| "bad_location".into())
}

/// A form as a page holds it.
#[derive(Debug, PartialEq, Eq)]
struct Form {
    action: String,
    fields: Vec<(String, String)>,
}

impl Form {
    /// The first form of a page that is posted.
    fn find(page: &str) -> Option<Self> {
        let mut rest = page;
        loop {
            let (tag, after) = next_tag(rest, "<form")?;
            let end = after.find("</form").unwrap_or(after.len());
            if attribute(tag, "method").is_some_and(|method| method.eq_ignore_ascii_case("post")) {
                let action = attribute(tag, "action").unwrap_or_default();
                return Some(Self {
                    action,
                    fields: Self::fields(&after[..end]),
                });
            }
            rest = &after[end..];
        }
    }

    fn fields(mut body: &str) -> Vec<(String, String)> {
        let mut fields = Vec::new();
        while let Some((tag, after)) = next_tag(body, "<input") {
            let unchecked = attribute(tag, "type").is_some_and(|kind| kind == "checkbox");
            if let Some(name) = attribute(tag, "name").filter(|_| !unchecked) {
                fields.push((name, attribute(tag, "value").unwrap_or_default()));
            }
            body = after;
        }
        fields
    }

    fn fill(self, account: &Account) -> Vec<(String, String)> {
        let fill = |(name, value): (String, String)| {
            let value = match name.as_str() {
                "email" => account.email.clone(),
                "password" => account.password.clone(),
                _ => value,
            };
            (name, value)
        };
        self.fields.into_iter().map(fill).collect()
    }
}

/// The next tag that begins with `start`, and what follows it.
fn next_tag<'a>(text: &'a str, start: &str) -> Option<(&'a str, &'a str)> {
    let begin = text.find(start)?;
    let tag = &text[begin..];
    let end = tag.find('>')?;
    Some((&tag[..end], &tag[end + 1..]))
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let start = tag.find(&format!(" {name}=\""))? + name.len() + 3;
    let value = &tag[start..];
    let value = &value[..value.find('"')?];
    let plain = [
        ("&#38;", "&"),
        ("&#34;", "\""),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&#60;", "<"),
        ("&#62;", ">"),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&amp;", "&"),
    ];
    Some(
        plain
            .iter()
            .fold(value.to_owned(), |value, (escaped, plain)| {
                value.replace(escaped, plain)
            }),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_posted_form_is_found_with_its_fields() {
        let page = r#"<form method="get" action="/search"><input name="q"></form>
            <form class="x" method="post" action="/oidc/sign-in?a=1&amp;b=2">
            <input type="hidden" name="request" value="r&#34;1"><input name="email"> <input
            name="remember" type="checkbox" value="yes"><input type="password" name="password" required></form>"#;
        let form = Form::find(page).unwrap();
        assert_eq!(form.action, "/oidc/sign-in?a=1&b=2");
        let account = Account {
            email: "e@x.example".into(),
            password: "p".into(),
        };
        let filled = form.fill(&account);
        let pairs: Vec<_> = filled
            .iter()
            .map(|(n, v)| (n.as_str(), v.as_str()))
            .collect();
        assert_eq!(
            pairs,
            [
                ("request", "r\"1"),
                ("email", "e@x.example"),
                ("password", "p")
            ]
        );
    }
}
