//! What a request to sign in comes to: for fuzzing, which sends any. Only with the feature `trial`, which
//! nothing of the product turns on.

use domain::name::Hostname;

use crate::ClientPolicy;
use crate::params::Params;

/// What a request comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A sign-in begins. The resident is sent back there; asking at the address asks for the same again.
    Begins {
        /// Who asks.
        client: Hostname,
        /// Where the resident is sent back to.
        redirect_uri: String,
        /// Whether the code will need its verifier.
        with_challenge: bool,
        /// The same request, as a link.
        address: String,
    },
    /// The site is told at this address, with a state and why.
    Told {
        /// The address.
        uri: String,
        /// The state that goes with it.
        state: Option<String>,
        /// Why.
        description: String,
    },
    /// The resident is shown a page.
    Shown,
}

/// Checks a request, given as a query or a form.
pub fn ask(encoded: &[u8], policy: impl FnOnce(&Hostname) -> Option<ClientPolicy>) -> Asked {
    crate::authorize::asked_for(&Params::parse(encoded), policy)
}
