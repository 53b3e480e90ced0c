//! API keys.

use serde::{Deserialize, Serialize};
use studio_protocol::Timestamp;
use studio_store::Role;
use utoipa::ToSchema;

/// What an API key is to be.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct NewKey {
    /// For people.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Limits it to one project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
}

/// An API key without its secret.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Key {
    /// `key-...`
    pub id: String,
    /// For people.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// The only project that it sees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A new API key, the secret shown once.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct CreatedKey {
    /// All that a list shows too.
    #[serde(flatten)]
    pub key: Key,
    /// For `Authorization: Bearer`.
    pub secret: String,
}

impl std::fmt::Debug for CreatedKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CreatedKey").field("key", &self.key).finish_non_exhaustive()
    }
}
