//! The signed repository for staff: what is in it, so that a mirror can be made.

use axum::Json as JsonBody;
use axum::body::Bytes;
use axum::extract::State;
use domain::access::Permission;

use crate::App;
use crate::access::Access;
use crate::error::ApiError;
use crate::extract::Path;
use crate::reply::{AnyJson, Raw};
use crate::routes::{Api, Route};

pub(crate) fn routes() -> Vec<Route> {
    let see = Access::Holder(Permission::SeeConsole);
    vec![
        Api::get(
            "/api/v1/repository",
            see,
            "List the signed repository",
            list,
        )
        .about("The files of its newest version, for a mirror of it."),
        Api::get(
            "/api/v1/repository/metadata/{file}",
            see,
            "Read a metadata file of the signed repository",
            metadata,
        ),
        Api::get(
            "/api/v1/repository/targets/{*file}",
            see,
            "Read a document of the signed repository",
            target,
        )
        .about("The file is named as the list names it; its name may have slashes."),
    ]
}

/// The files of the newest version of the signed repository.
#[derive(serde::Serialize, schemars::JsonSchema)]
#[schemars(rename = "SignedRepository")]
struct Listing {
    /// The version.
    version: u64,
    /// Metadata files; the timestamp, which names the others, is the last.
    metadata: Vec<String>,
    /// Documents, by the names that consistent snapshots have.
    targets: Vec<TargetFile>,
}

/// A document of the signed repository.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct TargetFile {
    /// Its name.
    file: String,
    /// How long it is.
    bytes: usize,
}

async fn list(State(app): State<App>) -> JsonBody<Listing> {
    let repository = app.engine().repository();
    let targets = repository.target_files().map(|(file, bytes)| TargetFile {
        file: file.into(),
        bytes,
    });
    JsonBody(Listing {
        version: repository.version(),
        metadata: repository.metadata_files(),
        targets: targets.collect(),
    })
}

async fn metadata(
    State(app): State<App>,
    Path(file): Path<String>,
) -> Result<Raw<AnyJson>, ApiError> {
    found(app.engine().repository_file(&file), &file)
}

async fn target(
    State(app): State<App>,
    Path(file): Path<String>,
) -> Result<Raw<AnyJson>, ApiError> {
    found(app.engine().target_file(&file), &file)
}

pub(super) fn found(bytes: Option<Bytes>, file: &str) -> Result<Raw<AnyJson>, ApiError> {
    let bytes = bytes.map(Raw::new);
    bytes.ok_or_else(|| ApiError::not_found(format!("the repository has no {file}")))
}
