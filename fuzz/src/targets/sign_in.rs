//! Requests to sign in, as anybody sends them.

use domain::name::Hostname;
use signin::ClientPolicy;
use signin::trial::{Asked, ask};

use crate::parts::texts;

const RETURNS: &str = "https://a.gov/cb";

fn policy(pkce_required: bool) -> impl Fn(&Hostname) -> Option<ClientPolicy> {
    move |client| {
        (client.as_str() == "a.gov").then(|| ClientPolicy {
            redirect_uris: vec![RETURNS.into()],
            pkce_required,
            signing_kid: None,
        })
    }
}

/// Nobody is sent anywhere but where the site said before; PKCE cannot be left out where it must be; and the link
/// to the same request in another language asks for the same.
pub(crate) fn run(data: &[u8]) {
    for required in [false, true] {
        match ask(data, policy(required)) {
            Asked::Begins {
                client,
                redirect_uri,
                with_challenge,
                address,
            } => {
                assert_eq!((client.as_str(), &*redirect_uri), ("a.gov", RETURNS));
                assert!(with_challenge || !required);
                let (_, query) = address.split_once('?').expect("a query");
                let again = ask(query.as_bytes(), policy(required));
                let expected = Asked::Begins {
                    client,
                    redirect_uri,
                    with_challenge,
                    address: address.clone(),
                };
                assert_eq!(again, expected);
            }
            Asked::Told {
                uri,
                state,
                description,
            } => {
                assert_eq!(uri, RETURNS);
                assert!(state.is_none_or(|state| state.len() <= 2_048));
                assert!(description.len() <= 16 << 10, "{} bytes", description.len());
            }
            Asked::Shown => {}
        }
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let good = "client_id=a.gov&redirect_uri=https://a.gov/cb&response_type=code&scope=openid+email+phone&state=s&nonce=n";
    let challenge =
        "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";
    texts(&[
        good,
        &format!(
            "{good}{challenge}&prompt=login&max_age=60&login_hint=a%40b.example&ui_locales=es"
        ),
        &format!("{good}&prompt=none&response_mode=query&request=x"),
        &format!("{good}&state=t&prompt=consent+select_account"),
    ])
}
