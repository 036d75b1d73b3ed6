//! What can go wrong in an agent. None of it stops reads.

use protocol::delivery::REFUSED_MAX;

/// What can go wrong in an agent.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// No origin was given, or none could be used.
    #[error("no origin to ask: name at least one server")]
    NoOrigin,
    /// An origin did not answer.
    #[error("{url} did not answer: {reason}")]
    Silent {
        /// What was asked.
        url: String,
        /// What went wrong.
        reason: String,
    },
    /// An origin answered with an error.
    #[error("{url} answered {status}: {body}")]
    Answer {
        /// What was asked.
        url: String,
        /// The status.
        status: u16,
        /// The start of the body.
        body: String,
    },
    /// An origin is there, and has no time yet.
    #[error("{url} is busy, and asks to come back in {} s", after.as_secs())]
    Busy {
        /// What was asked.
        url: String,
        /// When it has time.
        after: std::time::Duration,
    },
    /// An origin sent more than the file may have.
    #[error("{url} sends more than {limit} bytes")]
    TooLarge {
        /// What was asked.
        url: String,
        /// Bytes that were allowed.
        limit: u64,
    },
    /// More mirrors than an agent asks.
    #[error("an agent asks at most {limit} mirrors; {found} were named")]
    TooManyMirrors {
        /// How many were named.
        found: usize,
        /// How many may be.
        limit: usize,
    },
    /// More files than one look takes from one origin.
    #[error("one look takes at most {limit} files from one origin; the next goes on")]
    TooManyFiles {
        /// How many it takes.
        limit: usize,
    },
    /// What came does not pass the checks.
    #[error(transparent)]
    Trust(#[from] tuf::TrustError),
    /// A document is not what the signed metadata promises.
    #[error("document {file} is not what the signed metadata promises")]
    Document {
        /// Its file.
        file: String,
    },
    /// Signed metadata does not list the target.
    #[error("no role that may speak for {target:?} lists it")]
    NoTarget {
        /// Its name.
        target: String,
    },
    /// A target is not what the signed metadata promises, or its name cannot be a file's.
    #[error("target {target:?} {reason}")]
    Target {
        /// Its name.
        target: String,
        /// What is wrong.
        reason: String,
    },
    /// The folder of a client holds no root, or holds one already.
    #[error("{folder} {reason}")]
    Folder {
        /// Where.
        folder: String,
        /// What is wrong, and what to do.
        reason: &'static str,
    },
    /// Another agent uses the folder.
    #[error(
        "another agent uses the folder {folder}: stop that one, or give this one a folder of its own"
    )]
    InUse {
        /// Where.
        folder: String,
    },
    /// The disk or a socket failed.
    #[error("could not {act} ({what}): {source}")]
    Disk {
        /// What was tried.
        act: &'static str,
        /// On what.
        what: String,
        /// Why not.
        source: std::io::Error,
    },
    /// The machine gives no chance to draw a secret from.
    #[error("this machine gives no random bytes: an agent cannot draw its secret")]
    NoChance,
    /// Sites refused more versions than an agent keeps.
    #[error(
        "this agent keeps at most {REFUSED_MAX} refusals; publish versions that its sites take"
    )]
    TooManyRefusals,
    /// Not enrolled, and no way to enrol.
    #[error("this agent is not enrolled: give it an enrolment token and its sites")]
    NotEnrolled,
    /// It could enrol, and would serve nobody.
    #[error("this agent is not enrolled, and no site was named: name the sites that it serves")]
    NoSites,
    /// Who it is cannot be read, and there is no way to enrol anew.
    #[error(
        "{file} does not say who this agent is ({reason}): restore the file, or remove it and enrol anew"
    )]
    Identity {
        /// Its file.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl AgentError {
    /// Whether the control plane knows this agent no more, or not yet: no wait mends that.
    pub(crate) fn turns_away(&self) -> bool {
        matches!(self, Self::Answer { status, .. } if [401, 403].contains(status))
    }

    /// When the control plane wants to be asked again, as it says.
    pub(crate) fn turn(&self) -> Option<std::time::Duration> {
        match self {
            Self::Busy { after, .. } => Some(*after),
            _ => None,
        }
    }

    pub(crate) fn disk(
        act: &'static str,
        what: &impl std::fmt::Debug,
        source: std::io::Error,
    ) -> Self {
        Self::Disk {
            act,
            what: format!("{what:?}"),
            source,
        }
    }
}
