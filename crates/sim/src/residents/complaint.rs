//! What people write, and the form they write it in.

use super::browser::Network;
use crate::chance::Chance;

const ABOUT_SIGN_IN: &[&str] = &[
    "I get an error message when I try to sign in to our website.",
    "Cannot log in to the site, it says it could not sign me in.",
    "None of our staff can sign in since this afternoon. Please help, the council agenda is due.",
    "Sign in is broken. Error after I click sign in.",
    "We are unable to log in to edit our pages, the login page shows an error.",
    "login not working",
];

const OTHER: &[&str] = &[
    "The calendar shows the wrong month on our home page.",
    "How do I change the photo in the banner?",
    "A form does not send its confirmation e-mail.",
    "Our news list is missing an item from yesterday.",
];

/// A complaint about signing in.
pub(super) fn about_sign_in(chance: &mut Chance) -> &'static str {
    ABOUT_SIGN_IN[chance.below(ABOUT_SIGN_IN.len())]
}

/// A complaint about something else.
pub(super) fn other(chance: &mut Chance) -> &'static str {
    OTHER[chance.below(OTHER.len())]
}

/// Sends a report, signed out, as the form's page and other clients do; says whether it was taken.
pub(super) async fn send(network: &Network, hostname: &str, words: &str) -> bool {
    let address = format!("{}/api/v1/reports", network.lamplighter);
    let report = serde_json::json!({"site": hostname, "text": words});
    match network.http.post(address).json(&report).send().await {
        Ok(response) if response.status().is_success() => true,
        Ok(response) => {
            tracing::warn!(
                "a report about {hostname} was answered with {}",
                response.status()
            );
            false
        }
        Err(e) => {
            tracing::debug!("a report about {hostname} could not be sent: {e}");
            false
        }
    }
}
