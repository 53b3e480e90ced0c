//! Who may call the API.

use serde::Serialize;
use studio_protocol::{ProjectId, Timestamp};

use super::word_enum;
use crate::{KeyId, SecretHash};

word_enum! {
    /// What a key or a user may do; each role may do all that the ones before it may.
    Role {
        /// Look.
        Viewer = "viewer",
        /// Submit and cancel jobs.
        Submitter = "submitter",
        /// Steer workers, registrations and models.
        Operator = "operator",
        /// Decide who else may.
        Admin = "admin",
    }
}

/// A key to be stored.
#[derive(Debug, Clone)]
pub struct NewApiKey {
    /// Fresh, drawn by the caller.
    pub id: KeyId,
    /// For people.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Of the key itself.
    pub hash: SecretHash,
    /// Set when it is good for one project only.
    pub project: Option<ProjectId>,
    /// Refused from then on.
    pub expires_at: Option<Timestamp>,
}

/// A key that is good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiKey {
    /// Which.
    pub id: KeyId,
    /// For people.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Set when it is good for one project only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Refused from then on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// The latest use, to within a few minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Timestamp>,
}

impl ApiKey {
    /// Whether its time is over.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| now >= end)
    }
}
