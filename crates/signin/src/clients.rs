//! Clients: which rules hold for a site, asked of the outside; and their secrets.

use std::pin::Pin;

use domain::document::DocumentKey;
use domain::name::Hostname;
use jiff::Timestamp;

use crate::{Provider, SignInError, secret};

const CLIENTS_PER_CALL_MAX: usize = 20_000;

/// Knows the clients and the rules that hold for each at a moment.
pub trait Clients: Send + Sync + 'static {
    /// The rules for a client; `None` for one that is unknown or has no settings.
    fn policy(&self, client_id: &Hostname, now: Timestamp) -> Option<ClientPolicy>;

    /// The first settings that name a key to sign with, among those that sites read or may go back to:
    /// the document and its version.
    fn settings_that_name(&self, kid: &str) -> Option<(DocumentKey, u64)>;

    /// Waits until nobody publishes settings; nobody does until what it gives is dropped.
    fn hold_settings(&self) -> Pin<Box<dyn Future<Output = HeldSettings<'_>> + Send + '_>>;
}

/// Settings that stay as they are while this is kept.
pub type HeldSettings<'a> = Box<dyn Send + 'a>;

/// What the provider holds a client to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientPolicy {
    /// Where residents may be sent back to; compared character by character.
    pub redirect_uris: Vec<String>,
    /// Whether a sign-in without PKCE is refused.
    pub pkce_required: bool,
    /// The key that signs; the newest active one without it.
    pub signing_kid: Option<String>,
}

/// A client's fresh secret. The only time that it can be read.
#[derive(Clone, Debug, serde::Serialize, schemars::JsonSchema)]
pub struct ClientSecret {
    /// The client: a site's host name.
    pub client_id: Hostname,
    /// 43 characters.
    pub client_secret: String,
}

impl Provider {
    /// Issues a secret to each client, at most 20,000 at once; it replaces an earlier one.
    ///
    /// # Errors
    /// When there are too many clients, or the store fails.
    pub async fn issue_secrets(
        &self,
        clients: &[Hostname],
        who: &str,
    ) -> Result<Vec<ClientSecret>, SignInError> {
        if clients.len() > CLIENTS_PER_CALL_MAX {
            let reason = format!("at most {CLIENTS_PER_CALL_MAX} secrets are issued at once");
            return Err(SignInError::refused("limit", reason));
        }
        let issue = |client_id: &Hostname| {
            Ok(ClientSecret {
                client_id: client_id.clone(),
                client_secret: secret::fresh()?,
            })
        };
        let issued = clients
            .iter()
            .map(issue)
            .collect::<Result<Vec<_>, SignInError>>()?;
        let hash = |one: &ClientSecret| (one.client_id.clone(), secret::hash(&one.client_secret));
        let hashes: Vec<_> = issued.iter().map(hash).collect();
        let what = match clients {
            [one] => one.to_string(),
            many => format!("{} clients", many.len()),
        };
        let audit = self.audit(who, "issued client secrets", &what);
        self.store().replace_client_secrets(&hashes, &audit).await?;
        Ok(issued)
    }
}
