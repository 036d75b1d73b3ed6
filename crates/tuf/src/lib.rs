//! The signed repository: built by the control plane, verified by agents.
//!
//! Owns file names, keys, signing and the client workflow of The Update Framework (specification
//! 1.0, sections 5.3 to 5.7). Bytes and a time in, bytes and verdicts out: never does IO, never
//! reads a clock. What is built is written with the types of `tough`; what is read, and why its
//! client is not used, is told in docs/decisions/0002-tuf-client.md.

mod build;
mod client;
mod entry;
mod key;
mod listing;
mod paths;
mod roster;
mod schema;
mod shard;
mod sign;
#[cfg(test)]
mod tests;
#[cfg(feature = "trial")]
pub mod trial;
mod verify;

pub use build::{
    BuildError, Keys, MetadataFile, delegated, delegated_shards, root, snapshot, targets,
    timestamp, unsigned_root,
};
pub use client::{
    Found, Interest, ROLES_PER_SEARCH_MAX, RoleBytes, Trust, TrustError, Update, Want,
};
pub use entry::{Entry, role_name, role_product, target_file, target_name};
pub use key::{KeyError, SigningKey};
pub use listing::Listing;
pub use roster::{RoleSays, RootSays};
pub use schema::role_file;
pub use shard::{LEVEL_MAX, Places, Shard, ShardEntry, ShardRole, level_for};
pub use sign::{DetachedSignature, PublicKey, SIGNERS_MAX, Signers, Unsigned};

/// The largest metadata file that is accepted, in bytes.
pub const METADATA_BYTES_MAX: u64 = 8 << 20;
/// The largest root or timestamp file that is accepted, in bytes: neither grows with the fleet.
pub const SMALL_METADATA_BYTES_MAX: u64 = 256 << 10;

const SPEC_VERSION: &str = "1.0.33";

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    let mut out = [0; 32];
    out.copy_from_slice(digest.as_ref());
    out
}
