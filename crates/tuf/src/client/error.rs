//! Why metadata or a target is not believed.

use jiff::Timestamp;

/// Why an update was not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// The bytes are not metadata of this role.
    #[error("{file} does not parse: {reason}")]
    Parse {
        /// The file.
        file: String,
        /// What the parser said.
        reason: String,
    },
    /// Too few valid signatures.
    #[error("{file} is not signed as its role demands: {reason}")]
    Signature {
        /// The file.
        file: String,
        /// Which demand failed.
        reason: String,
    },
    /// A version that is not the one expected, or older than the trusted one.
    #[error("{file} has version {found}, but {expected} is expected")]
    Version {
        /// The file.
        file: String,
        /// What it has.
        found: u64,
        /// What would be believed, such as "at least 7".
        expected: String,
    },
    /// Past its expiry: an old repository is being replayed, or nobody signs any more.
    #[error("{file} expired at {at}")]
    Expired {
        /// The file.
        file: String,
        /// When.
        at: Timestamp,
    },
    /// Length or hash differ from what signed metadata promises.
    #[error("{file} is not what the signed metadata describes")]
    Mismatch {
        /// The file.
        file: String,
    },
    /// Larger than it may be.
    #[error("{file} has {found} bytes; at most {limit} are accepted")]
    TooLarge {
        /// The file.
        file: String,
        /// Bytes it has.
        found: u64,
        /// Bytes it may have.
        limit: u64,
    },
    /// A file that must be there is not.
    #[error("{file} is missing")]
    Missing {
        /// The file.
        file: String,
    },
    /// A search went through too many delegated roles.
    #[error("a search visits at most {limit} delegated roles; this tree has more on the way")]
    TooManyRoles {
        /// Roles it may visit.
        limit: usize,
    },
    /// A role lists a target that is not its own, or that does not read as a document.
    #[error("{file} lists {target}, which it must not")]
    Target {
        /// The file.
        file: String,
        /// The name of the target.
        target: String,
    },
}
