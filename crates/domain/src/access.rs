//! Who may do what. Decides; never reads tokens or requests.

/// What a holder of a token is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// May do everything, also make tokens.
    Admin,
    /// Publishes config, stages releases, runs campaigns.
    Engineer,
    /// Takes reports, restores single sites, writes updates.
    Support,
    /// An agent on a host: reads the repository, sends ACKs, results and outcomes of its own sites.
    Agent,
    /// A site, or whoever counts its sign-ins: sends outcomes.
    Site,
}

/// What an endpoint asks of its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// See the console and everything in it.
    SeeConsole,
    /// Change fleet, products, releases and documents.
    ChangeDelivery,
    /// Plan, start and stop campaigns over many sites.
    RunCampaigns,
    /// Record what a drill showed.
    RecordDrills,
    /// Act on one site.
    RestoreSite,
    /// Accept incidents and tell customers.
    TellCustomers,
    /// Say who is paged.
    ChangeOnCall,
    /// Acknowledge pages.
    AcknowledgePages,
    /// Make and withdraw tokens, accounts, client secrets and the keys that sign.
    ManageAccess,
    /// Speak as an agent.
    SpeakAsAgent,
    /// Send sign-in outcomes of any site.
    SendOutcomes,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 5] = [
        Self::Admin,
        Self::Engineer,
        Self::Support,
        Self::Agent,
        Self::Site,
    ];

    /// Whether this role carries `permission`.
    #[must_use]
    pub fn may(self, permission: Permission) -> bool {
        use Permission as P;
        match self {
            // Not even an administrator poses as an agent: an ACK must come from a host.
            Self::Admin => permission != P::SpeakAsAgent,
            Self::Engineer => !matches!(permission, P::SpeakAsAgent | P::ManageAccess),
            Self::Support => {
                matches!(
                    permission,
                    P::SeeConsole | P::RestoreSite | P::TellCustomers | P::AcknowledgePages
                )
            }
            // Its own endpoint takes the outcomes of its own sites, and of no others.
            Self::Agent => permission == P::SpeakAsAgent,
            Self::Site => permission == P::SendOutcomes,
        }
    }

    /// The word it is stored and shown as.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Engineer => "engineer",
            Self::Support => "support",
            Self::Agent => "agent",
            Self::Site => "site",
        }
    }

    /// Reads the word it is stored as.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_speaks_for_few_sites_may_not_speak_for_all() {
        for (role, permission, may) in [
            (Role::Agent, Permission::SpeakAsAgent, true),
            (Role::Agent, Permission::SendOutcomes, false),
            (Role::Site, Permission::SendOutcomes, true),
            (Role::Site, Permission::SpeakAsAgent, false),
            (Role::Support, Permission::SendOutcomes, false),
            (Role::Engineer, Permission::RecordDrills, true),
            (Role::Support, Permission::RecordDrills, false),
        ] {
            assert_eq!(role.may(permission), may, "{role:?} {permission:?}");
        }
    }
}
