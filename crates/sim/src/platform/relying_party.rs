//! One site's sign-in: code flow, with PKCE where its settings ask for it and its code knows how.
//!
//! The provider's metadata and keys come from the site's config document; nothing is discovered.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use openidconnect::core::{CoreAuthenticationFlow, CoreClient};
use openidconnect::{
    AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, CsrfToken, EndpointNotSet,
    EndpointSet, HttpRequest, HttpResponse, Nonce, PkceCodeChallenge, PkceCodeVerifier,
    RedirectUrl, RequestTokenError, SignatureVerificationError, TokenResponse,
};

use super::settings::{ClientSettings, Pkce};
use super::{ERROR_HEADER, Platform};

/// A sign-in that is not finished after this long is forgotten, in minutes.
const PENDING_MINUTES_MAX: i64 = 15;
/// Forgetting is done when this many are under way.
const PENDING_SWEEP: usize = 4_096;

type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
    EndpointNotSet,
>;

/// A sign-in under way.
pub(super) struct Pending {
    site: usize,
    nonce: Nonce,
    verifier: Option<PkceCodeVerifier>,
    at: Timestamp,
}

/// Why a sign-in failed, with its code.
type Failed = (StatusCode, String);

/// `GET /sign-in`: sends the person to the provider.
pub(super) async fn begin(State(platform): State<Platform>, headers: HeaderMap) -> Response {
    let Some(site) = platform.host(&headers) else {
        return no_such_site();
    };
    match platform.begin(site).await {
        Ok(address) => (StatusCode::FOUND, [(header::LOCATION, address)]).into_response(),
        Err(failed) => platform.fail(site, failed),
    }
}

/// What the provider sends people back with.
#[derive(serde::Deserialize)]
pub(super) struct Answer {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
}

/// `GET /sign-in/callback`: the person is back, with a code or an error.
pub(super) async fn finish(
    State(platform): State<Platform>,
    headers: HeaderMap,
    Query(answer): Query<Answer>,
) -> Response {
    let Some(site) = platform.host(&headers) else {
        return no_such_site();
    };
    match platform.finish(site, answer).await {
        Ok(subject) => {
            platform.0.ended.note(site, None);
            (
                [("lamplighter-signed-in", "1")],
                format!("Signed in as {subject}.\n"),
            )
                .into_response()
        }
        Err(failed) => platform.fail(site, failed),
    }
}

fn no_such_site() -> Response {
    (StatusCode::MISDIRECTED_REQUEST, "no such site here").into_response()
}

impl Platform {
    fn host(&self, headers: &HeaderMap) -> Option<usize> {
        self.find(headers.get(header::HOST)?.to_str().ok()?)
    }

    fn fail(&self, site: usize, (status, code): Failed) -> Response {
        self.0.ended.note(site, Some(&code));
        let words = "We could not sign you in.\n";
        (status, [(ERROR_HEADER, code)], words).into_response()
    }

    async fn begin(&self, site: usize) -> Result<String, Failed> {
        let settings = self.settings(site).await.map_err(unavailable)?;
        let client = self.client(site, &settings)?;
        let flow = CoreAuthenticationFlow::AuthorizationCode;
        let request = client
            .authorize_url(flow, CsrfToken::new_random, Nonce::new_random)
            .add_scopes(
                settings
                    .scopes
                    .iter()
                    .filter(|scope| scope.as_str() != "openid")
                    .cloned(),
            );
        let (request, verifier) = if self.sends_pkce(site, &settings) {
            let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
            (request.set_pkce_challenge(challenge), Some(verifier))
        } else {
            (request, None)
        };
        let (address, state, nonce) = request.url();
        self.remember(
            state.into_secret(),
            Pending {
                site,
                nonce,
                verifier,
                at: self.0.clock.now(),
            },
        );
        Ok(address.into())
    }

    /// The old code does not know PKCE: settings that ask for it are not for that code.
    fn sends_pkce(&self, site: usize, settings: &ClientSettings) -> bool {
        settings.pkce == Pkce::Required && *self.code(&self.0.sites[site]) == self.0.releases.to
    }

    fn remember(&self, state: String, pending: Pending) {
        let mut all = self.pending();
        if all.len() >= PENDING_SWEEP {
            let oldest = pending.at.as_second() - PENDING_MINUTES_MAX * 60;
            all.retain(|_, pending| pending.at.as_second() >= oldest);
        }
        all.insert(state, pending);
    }

    /// The subject that signed in.
    async fn finish(&self, site: usize, answer: Answer) -> Result<String, Failed> {
        let state = answer.state.unwrap_or_default();
        let pending = self
            .pending()
            .remove(&state)
            .filter(|pending| pending.site == site);
        if let Some(error) = answer.error {
            return Err((StatusCode::FORBIDDEN, tidy(&error)));
        }
        let pending = pending.ok_or_else(|| refused("unknown_state"))?;
        let code = answer.code.ok_or_else(|| refused("no_code"))?;
        let settings = self.settings(site).await.map_err(unavailable)?;
        let client = self.client(site, &settings)?;
        let exchange = client.exchange_code(AuthorizationCode::new(code));
        let exchange = match pending.verifier {
            Some(verifier) => exchange.set_pkce_verifier(verifier),
            None => exchange,
        };
        let http = |request| send(self.0.http.clone(), request);
        let tokens = exchange
            .request_async(&http)
            .await
            .map_err(|error| match error {
                RequestTokenError::ServerResponse(response) => {
                    refused(&tidy(response.error().as_ref()))
                }
                RequestTokenError::Request(_) => unavailable("provider_unreachable"),
                RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
                    refused("bad_token_answer")
                }
            })?;
        let token = tokens.id_token().ok_or_else(|| refused("no_id_token"))?;
        let now = u64::try_from(self.0.clock.now().as_second()).unwrap_or(0);
        let now = move || (SystemTime::UNIX_EPOCH + Duration::from_secs(now)).into();
        let verifier = client.id_token_verifier().set_time_fn(now);
        let claims = token
            .claims(&verifier, &pending.nonce)
            .map_err(|error| match error {
                ClaimsVerificationError::SignatureVerification(
                    SignatureVerificationError::NoMatchingKey,
                ) => refused("unknown_key"),
                _ => refused("bad_id_token"),
            })?;
        Ok(claims.subject().to_string())
    }

    fn client(&self, site: usize, settings: &Arc<ClientSettings>) -> Result<Client, Failed> {
        let hostname = self.hostname(site);
        let secret = self.0.sites[site]
            .secret
            .get()
            .ok_or_else(|| unavailable("no_secret"))?;
        let back = RedirectUrl::new(format!("http://{hostname}{}", settings.redirect_path))
            .map_err(|_| unavailable("bad_config"))?;
        let id = ClientId::new(hostname.to_owned());
        Ok(
            CoreClient::new(id, settings.issuer.clone(), settings.jwks.clone())
                .set_client_secret(ClientSecret::new(secret.to_string()))
                .set_auth_uri(settings.authorization_endpoint.clone())
                .set_token_uri(settings.token_endpoint.clone())
                .set_redirect_uri(back),
        )
    }
}

fn unavailable(code: &str) -> Failed {
    (StatusCode::SERVICE_UNAVAILABLE, code.to_owned())
}

fn refused(code: &str) -> Failed {
    (StatusCode::FORBIDDEN, code.to_owned())
}

/// A provider's error as a header may hold it.
fn tidy(error: &str) -> String {
    error
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '_')
        .take(40)
        .collect()
}

async fn send(http: reqwest::Client, request: HttpRequest) -> Result<HttpResponse, reqwest::Error> {
    let response = http.execute(request.try_into()?).await?;
    let (status, headers) = (response.status(), response.headers().clone());
    let body = response.bytes().await?.to_vec();
    let mut answer = HttpResponse::new(body);
    *answer.status_mut() = status;
    *answer.headers_mut() = headers;
    Ok(answer)
}
