//! How config reaches agents, and what they say about it.

use std::collections::BTreeMap;

use domain::document::DocumentKey;
use domain::id::AgentId;
use domain::name::{Hostname, ProductName};

/// The most sites that one agent serves.
pub const AGENT_SITES_MAX: usize = 20_000;
/// The most document versions of one message of what is held; an agent that holds more says so in parts.
pub const HELD_PER_PART_MAX: usize = 10_000;
/// The most parts: enough for ten versions on each of the sites.
pub const HELD_PARTS_MAX: u32 = 20;
/// The most refusals of one message of what is held; an agent that keeps more says so in parts.
pub const REFUSED_PER_PART_MAX: usize = 1_000;
/// The most refusals that an agent keeps and tells: what comes in all parts, and one for each of the most sites. A
/// version that is bad for one site is bad for all of them, often enough.
pub const REFUSED_MAX: usize = 20_000;
/// The longest reason of a refusal, in characters.
pub const REASON_CHARACTERS_MAX: usize = 300;
/// Documents up to this many bytes travel inside a push: each agent needs them all the same, and twenty
/// thousand that come back for one at the same moment cost more than the bytes.
pub const INLINE_BYTES_MAX: usize = 128 << 10;
/// How long a timestamp is good from the moment when it is signed, so that its expiry tells that moment. Long
/// enough to restart a server; agents say STALE long before.
pub const TIMESTAMP_LIFE_SECONDS: i64 = 3_600;
/// The name of the server-sent event that carries a [`Push`]; its id is the repository version.
pub const EVENT_REPOSITORY: &str = "repository";
/// The name of the server-sent event that carries a [`Push`] with nothing but a fresh timestamp.
pub const EVENT_HEARTBEAT: &str = "heartbeat";
/// The name of the server-sent event that says: actions wait, come and get them.
pub const EVENT_ACTIONS: &str = "actions";
/// The name of the server-sent event that says: events were left out, look again.
pub const EVENT_LOOK_AGAIN: &str = "look-again";

/// A host asks to become an agent: `POST /agent/v1/enrol`.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Enrol {
    /// A token that works once.
    pub token: String,
    /// The agent's own token, for everything after this: it draws one and keeps it before it asks. Whoever asks again
    /// with the same two is told the same again, because the first answer may have been lost.
    pub secret: String,
    /// What the host is called, for people.
    pub host: String,
    /// The sites it serves; at most [`AGENT_SITES_MAX`].
    pub sites: Vec<Hostname>,
}

/// What an agent is told when it is enrolled.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Enrolled {
    /// Who it is now.
    pub agent: AgentId,
    /// The root file it trusts from now on: JSON.
    pub root: String,
    /// Its sites, and the product of each.
    pub sites: Vec<AgentSite>,
}

/// A site of an agent.
#[derive(
    Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
pub struct AgentSite {
    /// The site.
    pub site: Hostname,
    /// The product it runs.
    pub product: ProductName,
}

/// New metadata and small documents, pushed. Only a hint: agents verify it like anything else.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Push {
    /// The repository version.
    pub version: u64,
    /// Metadata files by name, as JSON text.
    pub metadata: BTreeMap<String, String>,
    /// Bodies of small documents, by file name below the folder of targets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub documents: BTreeMap<String, String>,
}

/// What an agent holds verified on its disk: `POST /agent/v1/acks`. Replaces what it said before.
#[derive(
    Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
pub struct Acks {
    /// The repository version it has verified.
    pub repository: u64,
    /// Every version of every document it holds; at most [`HELD_PER_PART_MAX`] in one message.
    pub held: Vec<Held>,
    /// Versions that its sites refused; at most [`REFUSED_PER_PART_MAX`] in one message.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<Refused>,
    /// Where one message is not enough: which part of it this is. They count together, when the last one came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<Part>,
}

/// One of several messages that together say what is held and refused, sent in order.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
pub struct Part {
    /// Counts from 1.
    pub number: u32,
    /// How many there are; at most [`HELD_PARTS_MAX`].
    pub of: u32,
}

/// A version that a site refused: it is not given to the site any more, and its rollout is halted.
#[derive(
    Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
pub struct Refused {
    /// The site.
    pub site: Hostname,
    /// What it refused.
    #[serde(flatten)]
    pub held: Held,
    /// Why, in the site's words; at most [`REASON_CHARACTERS_MAX`] characters.
    pub reason: String,
}

/// One version of a document.
#[derive(
    Clone,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
pub struct Held {
    /// Where it belongs.
    #[serde(flatten)]
    pub key: DocumentKey,
    /// Its version.
    pub version: u64,
}

/// How ready a product's sites are for a release.
#[derive(
    Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
pub struct Readiness {
    /// Sites of the product.
    pub sites: usize,
    /// Those whose agent holds verified config for the release.
    pub ready: usize,
    /// The first of the others, by host name, with the reason.
    pub unready: Vec<UnreadySite>,
}

/// A site that may not run a release yet.
#[derive(
    Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
pub struct UnreadySite {
    /// The site.
    pub site: Hostname,
    /// Why not.
    pub reason: String,
}

/// What an activation did: `POST /api/v1/releases/{product}/{version}/activate`.
#[derive(
    Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
pub struct Activation {
    /// Sites that run the release from now on.
    pub activated: usize,
    /// Sites that were refused: how many.
    pub refused: usize,
    /// The first of them, by host name, with the reason.
    pub refusals: Vec<UnreadySite>,
}
