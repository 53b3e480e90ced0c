//! Artefacts: what jobs made.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use studio_protocol::{TaskKind, Timestamp};
use utoipa::ToSchema;

/// The bytes that a job made; `GET /api/v1/artefacts/{id}` answers with them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ArtefactSummary {
    /// `art-...`
    pub id: String,
    /// Length.
    pub bytes: u64,
    /// The file format.
    pub ext: String,
    /// Goes with `ext`.
    pub mime: String,
    /// Lowercase hex, also the ETag.
    pub sha256: String,
}

/// An artefact and where it comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Artefact {
    /// The bytes.
    #[serde(flatten)]
    pub summary: ArtefactSummary,
    /// The job that made it.
    pub job: String,
    /// The batch of that job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<String>,
    /// Whose it is.
    pub project: String,
    /// What sort of thing it is.
    pub kind: TaskKind,
    /// The name of the thing that was made.
    pub asset_name: String,
    /// When it was stored.
    pub created_at: Timestamp,
    /// How it was made, as the worker said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Value>,
}
