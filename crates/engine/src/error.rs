//! Why a capability did not do what was asked, in words for a caller.

use store::StoreError;

/// Why a capability did not do what was asked. Displays what a caller may read.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// There is no such thing.
    #[error("there is no {noun} {name}")]
    NotFound {
        /// What kind of thing.
        noun: &'static str,
        /// Which one.
        name: String,
    },
    /// The request breaks a rule.
    #[error("{reason}")]
    Refused {
        /// Which rule and how; says what to do next.
        reason: String,
        /// Which part of the request.
        at: Option<String>,
    },
    /// The thing is in a state that does not allow it, or somebody was faster.
    #[error("{reason}")]
    Conflict {
        /// What state it is in.
        reason: String,
    },
    /// Too much at once; try again later.
    #[error("too much is being done at once; try again in {retry_after_seconds} s")]
    Overloaded {
        /// When to try again.
        retry_after_seconds: u32,
    },
    /// Another server did not answer as it should.
    #[error("could not {act}: {source}")]
    Remote {
        /// What was tried.
        act: &'static str,
        /// What went wrong.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The stored state failed.
    #[error("could not use the stored state: {0}")]
    Store(#[from] StoreError),
}

/// The kinds of errors, as HTTP and exit codes tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// No such thing.
    NotFound,
    /// The request breaks a rule.
    Refused,
    /// The state does not allow it now.
    Conflict,
    /// Try again later.
    Overloaded,
    /// The disk is full or fails: nothing is saved until somebody makes room or mends it.
    Disk,
    /// Our fault.
    Internal,
}

impl EngineError {
    /// What kind of error it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::NotFound { .. } => Kind::NotFound,
            Self::Refused { .. } => Kind::Refused,
            Self::Conflict { .. } | Self::Store(StoreError::Conflict { .. }) => Kind::Conflict,
            Self::Overloaded { .. } | Self::Store(StoreError::Overloaded) => Kind::Overloaded,
            Self::Store(error) if error.is_disk() => Kind::Disk,
            Self::Remote { .. } | Self::Store(_) => Kind::Internal,
        }
    }

    /// The request breaks a rule.
    #[must_use]
    pub fn refused(reason: impl ToString) -> Self {
        Self::Refused {
            reason: reason.to_string(),
            at: None,
        }
    }

    /// The part `at` of the request breaks a rule.
    #[must_use]
    pub fn refused_at(at: &str, reason: impl ToString) -> Self {
        Self::Refused {
            reason: reason.to_string(),
            at: Some(at.into()),
        }
    }

    /// The state does not allow it.
    #[must_use]
    pub fn conflict(reason: impl ToString) -> Self {
        Self::Conflict {
            reason: reason.to_string(),
        }
    }

    /// There is no such thing.
    #[must_use]
    pub fn not_found(noun: &'static str, name: impl ToString) -> Self {
        Self::NotFound {
            noun,
            name: name.to_string(),
        }
    }

    pub(crate) fn remote(act: &'static str, source: &dyn std::error::Error) -> Self {
        Self::Remote {
            act,
            source: source.to_string().into(),
        }
    }
}
