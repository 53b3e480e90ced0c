//! Joining a studio (protocol sections 2.1 and 2.2).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Capabilities, RequestId, WorkerId};

/// `POST /workers/register-request`.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegisterRequest {
    /// UUID text, stable per install.
    pub install_id: String,
    /// Lowercase hex SHA-256 of the hex text of the secret.
    pub registration_secret_hash: String,
    /// What the worker can do.
    #[serde(deserialize_with = "crate::object::one")]
    pub capabilities: Capabilities,
    /// `studio-worker/<version>`.
    pub user_agent: String,
    /// Approves the worker without a click; ours, ignored by a base studio.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub join_code: Option<String>,
}

impl fmt::Debug for RegisterRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegisterRequest").field("install_id", &self.install_id).finish_non_exhaustive()
    }
}

/// The answer to a [`RegisterRequest`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegisterResponse {
    /// Ask for the decision under this id.
    pub request_id: RequestId,
    /// `pending`.
    pub status: String,
}

/// `GET /workers/register-requests/{requestId}`, tagged by `status`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "lowercase", rename_all_fields = "camelCase")]
pub enum RegistrationStatus {
    /// No decision yet.
    Pending,
    /// An operator, or a join code, said yes.
    Approved {
        /// Who the worker is from now on.
        worker_id: WorkerId,
        /// Fresh with each poll; the former one is refused from then on.
        auth_token: String,
    },
    /// An operator said no.
    Rejected {
        /// In words, may be empty.
        #[serde(default, deserialize_with = "crate::nulls::null_as_default")]
        reason: String,
    },
}

impl fmt::Debug for RegistrationStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pending => f.write_str("Pending"),
            Self::Approved { worker_id, .. } => {
                f.debug_struct("Approved").field("worker_id", worker_id).finish_non_exhaustive()
            }
            Self::Rejected { reason } => f.debug_struct("Rejected").field("reason", reason).finish(),
        }
    }
}
