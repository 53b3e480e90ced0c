//! The bytes that a job made: where they are and what they are.

use serde::Serialize;
use studio_protocol::{JobId, ProjectId, TaskKind, Timestamp};

use super::raw_json_option;
use crate::{ArtefactId, BatchId};

/// An artefact whose bytes are in the artefact store already.
#[derive(Debug, Clone)]
pub struct NewArtefact {
    /// Fresh, drawn by the caller.
    pub id: ArtefactId,
    /// Its place in the artefact store.
    pub key: String,
    /// Lowercase hex.
    pub sha256: String,
    /// Size.
    pub bytes: u64,
    /// Without the dot.
    pub ext: String,
    /// Its MIME type.
    pub mime: String,
    /// JSON of the upload's `generationMeta`.
    pub meta: Option<String>,
}

/// A stored artefact.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Artefact {
    /// Which.
    pub id: ArtefactId,
    /// The job that made it.
    pub job: JobId,
    /// The batch of that job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<BatchId>,
    /// Whose.
    pub project: ProjectId,
    /// What sort of thing it is.
    pub kind: TaskKind,
    /// The name of the thing that was made.
    pub asset_name: String,
    /// Its place in the artefact store; nobody else's business.
    #[serde(skip)]
    pub key: String,
    /// Lowercase hex.
    pub sha256: String,
    /// Size.
    pub bytes: u64,
    /// Without the dot.
    pub ext: String,
    /// Its MIME type.
    pub mime: String,
    /// How it was made, as the worker said.
    #[serde(serialize_with = "raw_json_option", skip_serializing_if = "Option::is_none")]
    pub meta: Option<String>,
    /// When it was stored.
    pub created_at: Timestamp,
}

/// Which artefacts a list shows; all conditions hold together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ArtefactFilter {
    /// Only of this batch.
    pub batch: Option<BatchId>,
    /// Only of this project.
    pub project: Option<ProjectId>,
    /// Only of this model's jobs.
    pub model: Option<String>,
    /// Only of this kind.
    pub kind: Option<TaskKind>,
}

/// What a job's entry in a list says of its artefact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ArtefactSummary {
    /// Which.
    pub id: ArtefactId,
    /// Size.
    pub bytes: u64,
    /// Without the dot.
    pub ext: String,
    /// Its MIME type.
    pub mime: String,
    /// Lowercase hex.
    pub sha256: String,
}
