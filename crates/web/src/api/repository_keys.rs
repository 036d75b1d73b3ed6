//! The keys that sign config: shown, rotated, and root's kept elsewhere.

use axum::Extension;
use axum::extract::State;
use domain::access::Permission;
use engine::{DetachedSignature, Draft, Ending, Ends, KeyRole, KeysView, NewRoot, Rotated};
use jiff::Timestamp;

use crate::App;
use crate::access::{Access, Caller};
use crate::error::ApiError;
use crate::extract::Json;
use crate::reply::Created;
use crate::routes::{Api, Route};

/// A root with as many keys as it may have, and a signature by each of them.
const ROOT_BYTES_MAX: usize = 512 << 10;

pub(crate) fn routes() -> Vec<Route> {
    let manage = Access::Holder(Permission::ManageAccess);
    vec![
        Api::get(
            "/api/v1/repository/keys",
            Access::Holder(Permission::SeeConsole),
            "Show who signs config",
            show,
        )
        .about("The keys of each role, which of them are on this server, and until when what they signed is good."),
        Api::post(
            "/api/v1/repository/keys",
            manage,
            "Rotate a key that signs config",
            rotate,
        )
        .about("Where root is signed elsewhere, the new key waits for a root that names it, which is drafted."),
        Api::post(
            "/api/v1/repository/roots/drafts",
            manage,
            "Draft a root",
            draft,
        )
        .about("To be signed elsewhere. Changes nothing.")
        .body_max(ROOT_BYTES_MAX),
        Api::post(
            "/api/v1/repository/roots",
            manage,
            "Publish a root",
            publish,
        )
        .about("One that agents would not follow is refused. A private key of root that it does not name is forgotten.")
        .body_max(ROOT_BYTES_MAX),
    ]
}

/// Who signs config.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct ConfigKeys {
    /// The version of the root.
    root_version: u64,
    /// Until when the root is good; agents take no config after that.
    #[schemars(with = "domain::schema::Moment")]
    root_expires: Timestamp,
    /// Whether root is signed elsewhere.
    root_elsewhere: bool,
    /// Whether somebody should sign a new root soon. One that is signed here is signed anew by itself.
    root_expires_soon: bool,
    /// What ends soon, or is over, and needs a person: agents take no config after that.
    endings: Vec<ConfigEnding>,
    /// Who signs what.
    roles: Vec<ConfigRole>,
    /// The newest file of each other role. They are signed anew by themselves.
    files: Vec<SignedFile>,
}

/// Something of signed config that was not signed anew in time.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct ConfigEnding {
    /// What.
    what: Ends,
    /// Until when it is good.
    #[schemars(with = "domain::schema::Moment")]
    until: Timestamp,
}

/// Who signs a role.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct ConfigRole {
    /// The role.
    role: KeyRole,
    /// How many of its keys must sign.
    threshold: u64,
    /// Its keys.
    keys: Vec<ConfigKey>,
    /// The id of a key that waits for a root that names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting: Option<String>,
}

/// A key that signs config.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct ConfigKey {
    /// Its id.
    id: String,
    /// Whether its private half is on this server.
    here: bool,
}

/// A signed file, and until when it is good.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct SignedFile {
    /// The role that signed it.
    role: String,
    /// Its version.
    version: u64,
    /// Until when it is good.
    #[schemars(with = "Option<domain::schema::Moment>")]
    expires: Option<Timestamp>,
}

impl From<KeysView> for ConfigKeys {
    fn from(view: KeysView) -> Self {
        let roles = view.roles.into_iter().map(|one| ConfigRole {
            role: one.role,
            threshold: one.threshold,
            keys: one
                .keys
                .into_iter()
                .map(|(id, here)| ConfigKey { id, here })
                .collect(),
            waiting: one.waiting,
        });
        let endings = view.endings.into_iter();
        let endings = endings.map(|Ending { what, until }| ConfigEnding { what, until });
        let files = view.files.into_iter();
        let files = files.map(|(role, version, expires)| SignedFile {
            role,
            version,
            expires,
        });
        Self {
            root_version: view.root_version,
            root_expires: view.root_expires,
            root_elsewhere: view.root_elsewhere,
            root_expires_soon: view.root_expires_soon,
            endings: endings.collect(),
            roles: roles.collect(),
            files: files.collect(),
        }
    }
}

async fn show(State(app): State<App>) -> Result<axum::Json<ConfigKeys>, ApiError> {
    let view = app.engine().signing_keys().await?;
    Ok(axum::Json(view.into()))
}

/// A key that gives way to a new one.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Rotation {
    /// The role.
    role: KeyRole,
    /// The id of its key now: if it is another by then, nothing is changed.
    replaces: String,
}

/// What came of a rotation.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct RotationDone {
    /// The id of the new key; it signs from now on.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// The version of the root that names it.
    root_version: u64,
    /// The root that is to be signed elsewhere before the new key signs.
    #[serde(skip_serializing_if = "Option::is_none")]
    draft: Option<String>,
}

async fn rotate(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Json(Rotation { role, replaces }): Json<Rotation>,
) -> Result<Created<RotationDone>, ApiError> {
    let engine = app.engine();
    let done = match engine.rotate_key(role, &replaces, caller.name()).await? {
        Rotated::Done { key, root_version } => RotationDone {
            key: Some(key),
            root_version,
            draft: None,
        },
        Rotated::Drafted(Draft { version, payload }) => RotationDone {
            key: None,
            root_version: version,
            draft: Some(payload),
        },
    };
    Ok(Created(done))
}

/// Who shall sign root, and until when.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewDraft {
    /// Public keys, as `lamplighter keys create` writes them; none for those that sign it now.
    #[serde(default)]
    keys: Vec<serde_json::Value>,
    /// How many of them must sign; needed with keys.
    #[serde(default)]
    threshold: Option<u64>,
    /// For how many days it is good; 365 if nothing is said.
    #[serde(default)]
    days: Option<u32>,
}

/// A root that is not signed yet.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct RootDraft {
    /// Its version.
    version: u64,
    /// What is to be signed, to the byte.
    draft: String,
}

async fn draft(
    State(app): State<App>,
    Json(new): Json<NewDraft>,
) -> Result<Created<RootDraft>, ApiError> {
    let new = NewRoot {
        keys: new.keys,
        threshold: new.threshold,
        days: new.days,
    };
    let Draft { version, payload } = app.engine().draft_root(new).await?;
    Ok(Created(RootDraft {
        version,
        draft: payload,
    }))
}

/// A root, and what was signed elsewhere.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct SignedRoot {
    /// The draft, to the byte.
    draft: String,
    /// Signatures over it, as `lamplighter keys root sign` makes them.
    signatures: Vec<RootSignature>,
}

/// A signature over a root.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct RootSignature {
    /// The id of the key.
    keyid: String,
    /// The signature, in hex.
    sig: String,
}

/// A root that was published.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct RootPublished {
    /// Its version.
    root_version: u64,
}

async fn publish(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Json(SignedRoot { draft, signatures }): Json<SignedRoot>,
) -> Result<Created<RootPublished>, ApiError> {
    let signatures = signatures.into_iter();
    let signatures: Vec<_> = signatures
        .map(|RootSignature { keyid, sig }| DetachedSignature { keyid, sig })
        .collect();
    let published = app
        .engine()
        .publish_root(&draft, &signatures, caller.name());
    let root_version = published.await?;
    Ok(Created(RootPublished { root_version }))
}
