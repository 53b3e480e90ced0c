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

/// How long a signed address is to be good.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewArtefactLink {
    /// From 1 to a week of seconds; an hour unless stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_seconds: Option<u64>,
}

/// An address of an artefact that needs no other credential.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ArtefactLink {
    /// The whole address.
    pub url: String,
    /// From then on it opens nothing.
    pub expires_at: Timestamp,
}

/// What a client brought for its jobs.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    /// `in-...`
    pub id: String,
    /// `studio:///inputs/<id>`: how a task of the same project names it, wherever it takes an address.
    pub url: String,
    /// Length.
    pub bytes: u64,
    /// Its type.
    pub mime: String,
    /// Lowercase hex.
    pub sha256: String,
    /// Whose it is.
    pub project: String,
    /// When it came.
    pub created_at: Timestamp,
    /// It is kept at least until then, and longer while a job may want it.
    pub kept_until: Timestamp,
}
