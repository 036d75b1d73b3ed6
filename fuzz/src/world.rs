//! What targets stand on: keys that are the same in each run, a repository that was really signed with them,
//! and an agent whose disk, network and clock are in memory.

mod agent;
mod repository;

pub(crate) use self::agent::{Disk, Host, held, wait};
pub(crate) use self::repository::{Repository, key, keys, pinned, signer, sites, told};

use jiff::Timestamp;

/// The time of all targets.
pub(crate) fn now() -> Timestamp {
    "2023-07-11T21:00:00Z".parse().unwrap_or_default()
}
