//! Browsers that are signed in at the provider: their cookie, and sessions made by the vendor.

use axum::http::{HeaderMap, HeaderValue, header};
use cookie::{Cookie, SameSite};
use domain::sign_in::Email;
use jiff::{SignedDuration, Timestamp};
use store::{Account, Session, StoreError};

use crate::provider::{CanarySession, after};
use crate::{Provider, SignInError, secret};

/// The cookie of a browser that is signed in at the provider.
pub const SESSION_COOKIE: &str = "lamplighter-session";
/// The cookie that ties a sign-in form to the browser that it was shown to.
pub(crate) const FORM_COOKIE: &str = "lamplighter-form";
const PATH: &str = "/oidc";
const SESSIONS_PER_CALL_MAX: usize = 1_000;

/// The value of a cookie that a browser sent.
pub(crate) fn cookie_value(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| Cookie::split_parse(value.to_owned()))
        .filter_map(Result::ok)
        .find(|cookie| cookie.name() == name)
        .map(|cookie| cookie.value().to_owned())
        .filter(|value| secret::is_secret(value))
}

impl Provider {
    /// A `Set-Cookie` value, out of reach of scripts and of other sites' requests; for this browser
    /// session only without `lifetime`.
    pub(crate) fn cookie(
        &self,
        name: &'static str,
        value: &str,
        lifetime: Option<SignedDuration>,
    ) -> Option<HeaderValue> {
        let mut cookie = Cookie::build((name, value))
            .path(PATH)
            .http_only(true)
            .same_site(SameSite::Lax)
            .secure(self.settings().issuer.starts_with("https://"));
        if let Some(lifetime) = lifetime {
            cookie = cookie.max_age(cookie::time::Duration::seconds(lifetime.as_secs()));
        }
        HeaderValue::from_str(&cookie.to_string()).ok()
    }

    /// The session that a browser holds, unless it ended.
    pub(crate) async fn session_of(
        &self,
        headers: &HeaderMap,
    ) -> Result<Option<Session>, StoreError> {
        let Some(cookie) = cookie_value(headers, SESSION_COOKIE) else {
            return Ok(None);
        };
        self.store()
            .session(&secret::hash(&cookie), self.now())
            .await
    }

    /// Makes a session for each address, at most 1,000, and gives the values of their cookies: so
    /// that residents who were signed in at another provider stay signed in.
    ///
    /// # Errors
    /// When an address has no account, there are too many, or the store fails.
    pub async fn mint_sessions(
        &self,
        emails: &[Email],
        who: &str,
    ) -> Result<Vec<String>, SignInError> {
        if emails.len() > SESSIONS_PER_CALL_MAX {
            let reason = format!("at most {SESSIONS_PER_CALL_MAX} sessions are made at once");
            return Err(SignInError::refused("emails", reason));
        }
        let fresh = |_: &Email| secret::fresh();
        let cookies = emails.iter().map(fresh).collect::<Result<Vec<_>, _>>()?;
        let hashes = cookies.iter().map(|cookie| secret::hash(cookie));
        let sessions: Vec<_> = emails.iter().cloned().zip(hashes).collect();
        let what = format!("{} sessions", sessions.len());
        let audit = self.audit(who, "made sessions for residents", &what);
        let expires_at = after(self.now(), self.settings().remembered_lifetime);
        match self
            .store()
            .add_sessions(&sessions, expires_at, &audit)
            .await
        {
            Err(StoreError::Conflict { .. }) => Err(self.name_unknown(emails).await?),
            done => done.map(|()| cookies).map_err(SignInError::from),
        }
    }

    async fn name_unknown(&self, emails: &[Email]) -> Result<SignInError, SignInError> {
        for (at, email) in emails.iter().enumerate() {
            if self.store().account_by_email(email).await?.is_none() {
                let reason = format!("{email} has no account");
                return Ok(SignInError::refused(format!("emails[{at}]"), reason));
            }
        }
        Ok(SignInError::refused(
            "emails",
            "an account was removed meanwhile",
        ))
    }

    /// The cookie value of a session of the canary account, for probes: one session, renewed when
    /// half its time has passed. Makes the account where there is none.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn canary_session(&self, now: Timestamp) -> Result<String, SignInError> {
        let mut kept = self.inner().canary.lock().await;
        if let Some(session) = kept.as_ref().filter(|session| now < session.renew_at) {
            return Ok(session.cookie.clone());
        }
        let account = self.canary().await?;
        let cookie = secret::fresh()?;
        let lifetime = self.settings().session_lifetime;
        let session = Session {
            token_hash: secret::hash(&cookie),
            account: account.id,
            signed_in_at: now,
            expires_at: after(now, lifetime),
        };
        self.store().add_session(&session).await?;
        *kept = Some(CanarySession {
            cookie: cookie.clone(),
            renew_at: after(now, lifetime / 2),
        });
        Ok(cookie)
    }

    async fn canary(&self) -> Result<Account, SignInError> {
        if let Some(account) = self.store().canary_account().await? {
            return Ok(account);
        }
        // `.invalid` receives no mail (RFC 2606).
        let email = Email::parse("canary@lamplighter.invalid")
            .map_err(|reason| SignInError::refused("canary", reason))?;
        let account = Account {
            id: self.clock().id(),
            email,
            password: None,
            canary: true,
        };
        let audit = self.audit("probes", "made an account", account.email.as_str());
        match self
            .store()
            .add_accounts(std::slice::from_ref(&account), &audit)
            .await
        {
            // Another node was faster.
            Err(StoreError::Conflict { .. }) => {
                let found = self.store().canary_account().await?;
                found.ok_or_else(|| SignInError::refused("canary", "the canary's address is taken"))
            }
            done => done.map(|()| account).map_err(SignInError::from),
        }
    }
}
