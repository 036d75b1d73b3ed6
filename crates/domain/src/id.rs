//! Identifiers: one type for each noun, so that a report cannot be looked up as an incident.
//! Never makes identifiers: chance comes from the outside (`clock::Clock::id`).

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[serde(transparent)]
        pub struct $name(uuid::Uuid);

        impl $name {
            /// Sorts after every other.
            pub const MAX: Self = Self(uuid::Uuid::max());

            /// The sixteen bytes it is stored as.
            #[must_use]
            pub fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }

            /// Reads the sixteen bytes it is stored as; `None` for another length.
            #[must_use]
            pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
                uuid::Uuid::from_slice(bytes).ok().map(Self)
            }
        }

        impl From<uuid::Uuid> for $name {
            fn from(id: uuid::Uuid) -> Self {
                Self(id)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                text.parse().map(Self)
            }
        }
    )+};
}

id! {
    /// A customer.
    OrganizationId,
    /// A customer's website.
    SiteId,
    /// An agent: the cache beside the sites of one host.
    AgentId,
    /// A customer's complaint.
    ReportId,
    /// A statistical alarm.
    AlarmId,
    /// An incident.
    IncidentId,
    /// A dated entry of an incident.
    UpdateId,
    /// An entry of an incident's timeline.
    EntryId,
    /// A campaign.
    CampaignId,
    /// A page to the people on call.
    PageId,
    /// A message on its way to somebody.
    DeliveryId,
    /// An account that signs in.
    AccountId,
    /// A member of the vendor's staff, or a machine of the vendor's, as the audit names it.
    HolderId,
    /// A series of batches of outcomes, as their sender numbers them.
    SeriesId,
    /// An entry of the audit.
    AuditId,
    /// A banner.
    BannerId,
    /// Something to be done after an incident.
    FollowUpId,
    /// Somebody who is told of incidents.
    FollowerId,
    /// Something that a customer wrote under an incident.
    CommentId,
    /// Something posted that followers are told.
    AnnouncementId,
    /// A message to one follower.
    NotificationId,
    /// A drill that was run.
    DrillId,
}
