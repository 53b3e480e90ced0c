//! What clients bring for their jobs.

use studio_protocol::{ProjectId, Timestamp};

use crate::InputId;

/// An input whose bytes are in the artefact store already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewInput {
    /// Fresh, drawn by the caller.
    pub id: InputId,
    /// Whose; only jobs of the same project may name it.
    pub project: ProjectId,
    /// Its place in the artefact store.
    pub key: String,
    /// Lowercase hex.
    pub sha256: String,
    /// Size.
    pub bytes: u64,
    /// Its MIME type.
    pub mime: String,
}

/// A stored input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// As it came.
    pub new: NewInput,
    /// When it came.
    pub created_at: Timestamp,
}
