//! Where a sign-in begins: checks what a site asks for, then sends the resident back with a code,
//! or shows the form (OpenID Connect Core 1.0, section 3.1.2).

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::language::Language;
use domain::name::Hostname;
use jiff::{SignedDuration, Timestamp};
use store::{Code, Session};

use crate::language::asked;
use crate::page::ProblemPage;
use crate::params::{Params, with_query};
use crate::provider::after;
use crate::{ClientPolicy, Provider, SignInError, secret, sign_in};

const NONCE_CHARACTERS_MAX: usize = 512;
const STATE_CHARACTERS_MAX: usize = 2_048;
/// The only scopes there are; others are ignored (OpenID Connect Core 1.0, section 3.1.2.1).
const SCOPES: [&str; 2] = ["openid", "email"];

/// A sign-in that a site began: checked, with the rules that held when it began.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Authorization {
    pub(crate) client_id: Hostname,
    pub(crate) redirect_uri: String,
    state: Option<String>,
    scope: String,
    nonce: Option<String>,
    challenge: Option<String>,
    signing_kid: Option<String>,
    prompt: Prompt,
    max_age_seconds: Option<i64>,
    pub(crate) login_hint: Option<String>,
}

/// Whether the form must or must not be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
enum Prompt {
    IfNeeded,
    Always,
    Never,
}

/// Why a request was refused.
#[derive(Debug)]
enum Refusal {
    /// It is not certain who asks: the resident is told.
    Page(ProblemPage),
    /// The site is told.
    Redirect {
        uri: String,
        state: Option<String>,
        error: &'static str,
        description: String,
    },
}

pub(crate) async fn by_get(
    State(provider): State<Provider>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    authorize(
        &provider,
        &headers,
        &Params::parse(query.unwrap_or_default().as_bytes()),
    )
    .await
}

pub(crate) async fn by_post(
    State(provider): State<Provider>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    authorize(&provider, &headers, &Params::parse(&body)).await
}

async fn authorize(provider: &Provider, headers: &HeaderMap, params: &Params) -> Response {
    let language = asked(headers, params, provider.settings().language);
    let policy = |client: &Hostname| provider.policy(client);
    let asked = match check(params, policy) {
        Ok(asked) => asked,
        Err(refusal) => return refusal.respond(provider, language),
    };
    match go_on(provider, (headers, language), asked).await {
        Ok(response) => response,
        Err(error) => ProblemPage::from(error).show(language),
    }
}

async fn go_on(
    provider: &Provider,
    (headers, language): (&HeaderMap, Language),
    asked: Authorization,
) -> Result<Response, SignInError> {
    let now = provider.now();
    let session = provider.session_of(headers).await?;
    if let Some(session) = session.filter(|session| asked.is_content_with(session, now)) {
        let (code, url) = asked.code(provider, &session)?;
        provider.store().add_code(&code).await?;
        return Ok(redirect(&url));
    }
    if asked.prompt == Prompt::Never {
        let description = "the resident is not signed in at the provider";
        return Ok(asked
            .refusal("login_required", description)
            .respond(provider, language));
    }
    sign_in::begin(provider, (headers, language), &asked)
}

impl Authorization {
    fn is_content_with(&self, session: &Session, now: Timestamp) -> bool {
        let age = now.duration_since(session.signed_in_at);
        let fresh = |seconds| age <= SignedDuration::from_secs(seconds);
        self.prompt != Prompt::Always && self.max_age_seconds.is_none_or(fresh)
    }

    /// A code for this sign-in, and the URL that carries it to the site.
    pub(crate) fn code(
        &self,
        provider: &Provider,
        session: &Session,
    ) -> Result<(Code, String), SignInError> {
        let plain = secret::fresh()?;
        let code = Code {
            code_hash: secret::hash(&plain),
            client_id: self.client_id.clone(),
            redirect_uri: self.redirect_uri.clone(),
            account: session.account,
            scope: self.scope.clone(),
            nonce: self.nonce.clone(),
            challenge: self.challenge.clone(),
            signing_kid: self.signing_kid.clone(),
            signed_in_at: session.signed_in_at,
            expires_at: after(provider.now(), provider.settings().code_lifetime),
        };
        let url = answer(
            provider,
            &self.redirect_uri,
            self.state.as_deref(),
            &[("code", &plain)],
        );
        Ok((code, url))
    }

    /// Asks for the same in a language.
    pub(crate) fn address(&self, language: Language) -> String {
        let max_age = self.max_age_seconds.map(|seconds| seconds.to_string());
        let method = self.challenge.as_ref().map(|_| "S256");
        let prompt = (self.prompt == Prompt::Always).then_some("login");
        let all = [
            ("response_type", Some("code")),
            ("client_id", Some(self.client_id.as_str())),
            ("redirect_uri", Some(&*self.redirect_uri)),
            ("scope", Some(&*self.scope)),
            ("state", self.state.as_deref()),
            ("nonce", self.nonce.as_deref()),
            ("code_challenge", self.challenge.as_deref()),
            ("code_challenge_method", method),
            ("prompt", prompt),
            ("max_age", max_age.as_deref()),
            ("login_hint", self.login_hint.as_deref()),
            ("ui_locales", Some(language.tag())),
        ];
        let given = all
            .iter()
            .filter_map(|(name, value)| Some((*name, (*value)?)));
        with_query("/oidc/authorize", &given.collect::<Vec<_>>())
    }

    fn refusal(self, error: &'static str, description: &str) -> Refusal {
        let (uri, state) = (self.redirect_uri, self.state);
        Refusal::Redirect {
            uri,
            state,
            error,
            description: description.into(),
        }
    }
}

/// Checks a request; the client and its redirect URI first, because nothing may be sent to a place
/// that is not the client's.
fn check(
    params: &Params,
    policy: impl FnOnce(&Hostname) -> Option<ClientPolicy>,
) -> Result<Authorization, Refusal> {
    let (client_id, policy) = known_client(params, policy)?;
    let redirect_uri = known_redirect(params, &policy)?;
    let state = params.get("state").map(str::to_owned);
    let refuse = |error, description: String| Refusal::Redirect {
        uri: redirect_uri.clone(),
        // A state that is too long would come back as a URL that is too long.
        state: state
            .clone()
            .filter(|state| state.len() <= STATE_CHARACTERS_MAX),
        error,
        description,
    };
    let invalid = |description: &str| refuse("invalid_request", description.into());
    if let Some(name) = params.repeated() {
        return Err(refuse(
            "invalid_request",
            format!("the parameter {name:?} comes twice"),
        ));
    }
    if state
        .as_ref()
        .is_some_and(|state| state.len() > STATE_CHARACTERS_MAX)
    {
        return Err(invalid("state is longer than 2048 characters"));
    }
    if params
        .get("nonce")
        .is_some_and(|nonce| nonce.len() > NONCE_CHARACTERS_MAX)
    {
        return Err(invalid("nonce is longer than 512 characters"));
    }
    check_flow(params).map_err(|(error, description)| refuse(error, description.into()))?;
    let challenge = challenge(params, policy.pkce_required).map_err(invalid)?;
    Ok(Authorization {
        scope: scope(params).ok_or_else(|| refuse("invalid_scope", "scope lacks openid".into()))?,
        prompt: prompt(params)
            .ok_or_else(|| invalid("prompt is none, login, select_account or consent"))?,
        max_age_seconds: max_age(params).map_err(invalid)?,
        nonce: params.get("nonce").map(str::to_owned),
        login_hint: params.get("login_hint").map(str::to_owned),
        signing_kid: policy.signing_kid,
        challenge,
        client_id,
        state,
        redirect_uri,
    })
}

fn known_client(
    params: &Params,
    policy: impl FnOnce(&Hostname) -> Option<ClientPolicy>,
) -> Result<(Hostname, ClientPolicy), Refusal> {
    let page = |says| ProblemPage::bad_request("unknown-site-title", says);
    let twice = ["client_id", "redirect_uri"].contains(&params.repeated().unwrap_or_default());
    let text = params.get("client_id").filter(|_| !twice);
    let text = text.ok_or_else(|| Refusal::Page(page("no-site-named")))?;
    let client = Hostname::parse(text).ok();
    let policy = client.as_ref().and_then(policy);
    client.zip(policy).ok_or_else(|| {
        let text: String = text.chars().take(80).collect();
        Refusal::Page(page("unknown-site").about(format!("{text:?}")))
    })
}

fn known_redirect(params: &Params, policy: &ClientPolicy) -> Result<String, Refusal> {
    let asked = params.get("redirect_uri");
    let known = policy
        .redirect_uris
        .iter()
        .find(|known| asked == Some(known.as_str()));
    known.cloned().ok_or_else(|| {
        let page = ProblemPage::bad_request("wrong-return-title", "wrong-return");
        Refusal::Page(page)
    })
}

fn check_flow(params: &Params) -> Result<(), (&'static str, &'static str)> {
    match params.get("response_type") {
        Some("code") => {}
        Some(_) => {
            return Err((
                "unsupported_response_type",
                "only response_type=code is offered",
            ));
        }
        None => return Err(("invalid_request", "response_type is missing")),
    }
    if params
        .get("response_mode")
        .is_some_and(|mode| mode != "query")
    {
        return Err(("invalid_request", "only response_mode=query is offered"));
    }
    if params.get("request").is_some() {
        return Err(("request_not_supported", "request objects are not offered"));
    }
    if params.get("request_uri").is_some() {
        return Err(("request_uri_not_supported", "request_uri is not offered"));
    }
    Ok(())
}

fn challenge(params: &Params, required: bool) -> Result<Option<String>, &'static str> {
    let method = params.get("code_challenge_method");
    match params.get("code_challenge") {
        None if required => Err("this site must use PKCE: code_challenge is missing"),
        None if method.is_some() => Err("code_challenge_method comes without code_challenge"),
        None => Ok(None),
        Some(_) if method != Some("S256") => Err("only code_challenge_method=S256 is offered"),
        Some(text) if !secret::is_secret(text) => {
            Err("code_challenge is not 43 characters of base64url")
        }
        Some(text) => Ok(Some(text.into())),
    }
}

fn scope(params: &Params) -> Option<String> {
    let asked: Vec<_> = params.get("scope").unwrap_or_default().split(' ').collect();
    let granted = SCOPES.into_iter().filter(|scope| asked.contains(scope));
    asked
        .contains(&"openid")
        .then(|| granted.collect::<Vec<_>>().join(" "))
}

fn prompt(params: &Params) -> Option<Prompt> {
    let words: Vec<_> = params
        .get("prompt")
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    let known = |word: &&str| ["login", "select_account", "consent"].contains(word);
    match &words[..] {
        ["none"] => Some(Prompt::Never),
        // Consent is the vendor's to give: sites and sign-in belong together.
        [] | ["consent"] => Some(Prompt::IfNeeded),
        words => words.iter().all(known).then_some(Prompt::Always),
    }
}

fn max_age(params: &Params) -> Result<Option<i64>, &'static str> {
    let Some(text) = params.get("max_age") else {
        return Ok(None);
    };
    let seconds = text
        .parse::<u32>()
        .map_err(|_| "max_age is not a number of seconds")?;
    Ok(Some(seconds.into()))
}

impl Refusal {
    fn respond(self, provider: &Provider, language: Language) -> Response {
        match self {
            Self::Page(page) => page.show(language),
            Self::Redirect {
                uri,
                state,
                error,
                description,
            } => {
                let parameters = [("error", error), ("error_description", &*description)];
                redirect(&answer(provider, &uri, state.as_deref(), &parameters))
            }
        }
    }
}

/// `iss` lets a client that uses several providers tell who answers (RFC 9207).
fn answer(
    provider: &Provider,
    uri: &str,
    state: Option<&str>,
    parameters: &[(&str, &str)],
) -> String {
    let state = state.map(|state| ("state", state));
    let issuer = ("iss", &*provider.settings().issuer);
    let all: Vec<_> = parameters
        .iter()
        .copied()
        .chain(state)
        .chain([issuer])
        .collect();
    with_query(uri, &all)
}

/// 303, so that a form with a password is never sent on to the site (RFC 9700, section 4.12).
pub(crate) fn redirect(url: &str) -> Response {
    let Ok(location) = HeaderValue::from_str(url) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let no_store = HeaderValue::from_static("no-store");
    let headers = [
        (header::LOCATION, location),
        (header::CACHE_CONTROL, no_store),
    ];
    (StatusCode::SEE_OTHER, headers).into_response()
}

/// What a request comes to, without a provider.
#[cfg(feature = "trial")]
pub(crate) fn asked_for(
    params: &Params,
    policy: impl FnOnce(&Hostname) -> Option<ClientPolicy>,
) -> crate::trial::Asked {
    use crate::trial::Asked;
    match check(params, policy) {
        Ok(asked) => Asked::Begins {
            address: asked.address(Language::English),
            with_challenge: asked.challenge.is_some(),
            client: asked.client_id,
            redirect_uri: asked.redirect_uri,
        },
        Err(Refusal::Page(_)) => Asked::Shown,
        Err(Refusal::Redirect {
            uri,
            state,
            description,
            ..
        }) => Asked::Told {
            uri,
            state,
            description,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "client_id=a.gov&redirect_uri=https://a.gov/cb&response_type=code\
        &scope=openid+email+phone&state=s&nonce=n";
    const CHALLENGE: &str = "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn outcome(query: &str, pkce_required: bool) -> String {
        let policy = |client: &Hostname| {
            (client.as_str() == "a.gov").then(|| ClientPolicy {
                redirect_uris: vec!["https://a.gov/cb".into()],
                pkce_required,
                signing_kid: None,
            })
        };
        match check(&Params::parse(query.as_bytes()), policy) {
            Ok(asked) => format!("{} {:?}", asked.scope, asked.prompt),
            Err(Refusal::Page(page)) => format!("{page:?}"),
            Err(Refusal::Redirect {
                error, description, ..
            }) => format!("{error}: {description}"),
        }
    }

    #[test]
    fn requests_are_refused_with_a_reason() {
        let with = |more: &str| format!("{GOOD}{more}");
        let without = |part: &str| GOOD.replace(part, "");
        let long = "x".repeat(513);
        for (query, expected) in [
            (with(""), "openid email IfNeeded"),
            (with("&prompt=login"), "openid email Always"),
            (with("&prompt=none"), "openid email Never"),
            (with("&prompt=none+login"), "prompt is"),
            (with("&max_age=soon"), "max_age"),
            (with("&state=t"), "\"state\" comes twice"),
            (with("&client_id=b.gov"), "no-site-named"),
            (
                with("&code_challenge_method=S256"),
                "without code_challenge",
            ),
            (with(CHALLENGE), "S256"),
            (
                with(&format!("{CHALLENGE}&code_challenge_method=plain")),
                "S256",
            ),
            (
                with(&format!("{CHALLENGE}&code_challenge_method=S256")),
                "openid email IfNeeded",
            ),
            (
                with("&code_challenge=short&code_challenge_method=S256"),
                "43 characters",
            ),
            (with("&response_mode=fragment"), "response_mode"),
            (with("&request=x"), "request_not_supported"),
            (with("&request_uri=x"), "request_uri_not_supported"),
            (without("client_id=a.gov"), "no-site-named"),
            (GOOD.replace("a.gov&", "b.gov&"), "b.gov"),
            (GOOD.replace("/cb", "/cb/"), "wrong-return-title"),
            (GOOD.replace("https:", "http:"), "wrong-return-title"),
            (without("&response_type=code"), "response_type is missing"),
            (GOOD.replace("=code", "=token"), "unsupported_response_type"),
            (GOOD.replace("openid+", ""), "invalid_scope"),
            (
                GOOD.replace("nonce=n", &format!("nonce={long}")),
                "nonce is longer",
            ),
            (String::new(), "no-site-named"),
        ] {
            let found = outcome(&query, false);
            assert!(found.contains(expected), "{query}\n{found}");
        }
        assert!(outcome(GOOD, true).contains("must use PKCE"));
    }
}
