//! Who this worker is to its studio (protocol section 7).

use std::fmt;

use studio_protocol::{RequestId, WorkerId};

/// A text that never appears in logs.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes the text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the wire and the config file only.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<secret>")
    }
}

/// The registration, as the config file keeps it.
///
/// ```text
/// Pristine -(POST ok)-> Pending -(approved)-> Approved
///    ^                   |    \-(rejected)-> Rejected -(reset)-> Pristine
///    \------(404)--------/
/// Pristine, Pending, Rejected -(POST with a join code ok)-> Pending
/// any of them -(reset)-> Pristine with a new install id
/// Approved -(404 at the upgrade, 4004, worker_deleted)-> Pristine with a new install id
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// Not asked yet.
    Pristine {
        /// Drawn before the first request, kept while it is retried.
        install_id: Option<String>,
    },
    /// Asked; no decision yet.
    Pending {
        /// Of this install.
        install_id: String,
        /// Under which the decision is found.
        request_id: RequestId,
        /// Proves that the one who polls is the one who asked.
        secret: Secret,
    },
    /// Joined.
    Approved {
        /// Of this install.
        install_id: String,
        /// Who the worker is.
        worker_id: WorkerId,
        /// Opens its sessions.
        auth_token: Secret,
    },
    /// Refused; left only by a reset.
    Rejected {
        /// Of this install.
        install_id: String,
        /// In the operator's words, may be empty.
        reason: String,
    },
}

impl Identity {
    /// The install id, once drawn.
    pub fn install_id(&self) -> Option<&str> {
        match self {
            Self::Pristine { install_id } => install_id.as_deref(),
            Self::Pending { install_id, .. }
            | Self::Approved { install_id, .. }
            | Self::Rejected { install_id, .. } => Some(install_id),
        }
    }

    /// The worker id of an approved worker.
    pub fn worker_id(&self) -> Option<&WorkerId> {
        match self {
            Self::Approved { worker_id, .. } => Some(worker_id),
            Self::Pristine { .. } | Self::Pending { .. } | Self::Rejected { .. } => None,
        }
    }

    /// The request of a worker that waits for a decision.
    pub fn request_id(&self) -> Option<&RequestId> {
        match self {
            Self::Pending { request_id, .. } => Some(request_id),
            Self::Pristine { .. } | Self::Approved { .. } | Self::Rejected { .. } => None,
        }
    }

    /// The state's word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Pristine { .. } => "pristine",
            Self::Pending { .. } => "pending",
            Self::Approved { .. } => "approved",
            Self::Rejected { .. } => "rejected",
        }
    }
}
