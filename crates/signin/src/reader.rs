//! Readers of the vendor's own pages: the provider is its own client, so that customers sign in
//! there as they do on their sites. Authorization code flow with PKCE, without the wire in between.

use domain::language::Language;
use domain::name::Hostname;
use store::{Exchange, Exchanged, NewAccessToken, Reader};
use url::form_urlencoded::Serializer;

use crate::provider::after;
use crate::{ClientPolicy, Provider, SignInError, secret};

/// Where a browser comes back to with its code, on the vendor's own pages.
pub const READER_RETURNS_TO: &str = "/reader/signed-in";
/// Names the pages where their host is no host name, such as on a developer's machine.
const NAMELESS: &str = "status.lamplighter.invalid";

/// A sign-in that was begun: the browser goes to `url`, and keeps `kept` until it comes back.
#[derive(Debug)]
pub struct ReaderFlow {
    /// The provider's authorization endpoint with what is asked.
    pub url: String,
    /// Ties the answer to this browser: `state.verifier`.
    pub kept: String,
}

impl Provider {
    /// Begins the sign-in of a reader, in a language; `anew` when the provider shall ask who it is even
    /// if it knows.
    ///
    /// # Errors
    /// When no secret can be drawn.
    pub fn begin_reader(&self, language: Language, anew: bool) -> Result<ReaderFlow, SignInError> {
        let client = self.own_client()?;
        let (state, verifier) = (secret::fresh()?, secret::fresh()?);
        let challenge = secret::encode(&secret::hash(&verifier));
        let mut query = Serializer::new(String::new());
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", client.as_str())
            .append_pair("redirect_uri", &self.reader_returns_to())
            .append_pair("scope", "openid email")
            .append_pair("state", &state)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256")
            .append_pair("ui_locales", language.tag());
        if anew {
            query.append_pair("prompt", "login");
        }
        let query = query.finish();
        Ok(ReaderFlow {
            url: format!("/oidc/authorize?{query}"),
            kept: format!("{state}.{verifier}"),
        })
    }

    /// Ends the sign-in of a reader: the value of the cookie that the browser shows from now on.
    /// None when the answer does not belong to this browser, or its code is spent or too old.
    ///
    /// # Errors
    /// When no secret can be drawn or the store fails.
    pub async fn finish_reader(
        &self,
        kept: &str,
        (state, code): (&str, &str),
    ) -> Result<Option<String>, SignInError> {
        let Some((expected, verifier)) = kept.split_once('.') else {
            return Ok(None);
        };
        if !secret::same(expected.as_bytes(), state.as_bytes()) {
            return Ok(None);
        }
        let (client_id, returns_to) = (self.own_client()?, self.reader_returns_to());
        let challenge = secret::encode(&secret::hash(verifier));
        let now = self.now();
        // Nobody is given the access token: it ends at once.
        let unused = NewAccessToken {
            token_hash: secret::hash(&secret::fresh()?),
            expires_at: now,
        };
        let exchange = Exchange {
            code_hash: &secret::hash(code),
            client_id: &client_id,
            redirect_uri: &returns_to,
            challenge: Some(&challenge),
        };
        let exchanged = self.store().exchange_code(exchange, &unused, now).await?;
        let Exchanged::Done(code, _) = exchanged else {
            return Ok(None);
        };
        let cookie = secret::fresh()?;
        let ends_at = after(now, self.settings().session_lifetime);
        let hash = secret::hash(&cookie);
        let added = self
            .store()
            .add_reader_session(&hash, code.account, ends_at);
        added.await?;
        Ok(Some(cookie))
    }

    /// Who shows a reader's cookie, unless the session ended.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn reader(&self, cookie: &str) -> Result<Option<Reader>, SignInError> {
        if !secret::is_secret(cookie) {
            return Ok(None);
        }
        Ok(self
            .store()
            .reader(&secret::hash(cookie), self.now())
            .await?)
    }

    /// Ends a reader's session; doing it twice is fine.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn end_reader(&self, cookie: &str) -> Result<(), SignInError> {
        Ok(self
            .store()
            .end_reader_session(&secret::hash(cookie))
            .await?)
    }

    /// The rules for a client: the provider's own pages, or a site.
    pub(crate) fn policy(&self, client: &Hostname) -> Option<ClientPolicy> {
        if self.own_client().is_ok_and(|own| own == *client) {
            return Some(ClientPolicy {
                redirect_uris: vec![self.reader_returns_to()],
                pkce_required: true,
                signing_kid: None,
            });
        }
        self.clients().policy(client, self.now())
    }

    fn reader_returns_to(&self) -> String {
        format!("{}{READER_RETURNS_TO}", self.settings().issuer)
    }

    fn own_client(&self) -> Result<Hostname, SignInError> {
        let issuer = &self.settings().issuer;
        let host = issuer.split_once("://").map_or(&**issuer, |(_, host)| host);
        let host = host.split(['/', ':']).next().unwrap_or(host);
        Hostname::parse(host)
            .or_else(|_| Hostname::parse(NAMELESS))
            .map_err(|reason| SignInError::refused("issuer", reason))
    }
}
