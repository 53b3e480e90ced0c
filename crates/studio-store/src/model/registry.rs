//! Entries of the model registry.

use serde::{Deserialize, Serialize};
use studio_protocol::{ModelSource, TaskKind};

/// A model that jobs may name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Model {
    /// The name that jobs use.
    pub id: String,
    /// What sort of thing it makes.
    pub kind: TaskKind,
    /// Device memory that it needs, GiB.
    pub vram_gb: f64,
    /// A disabled model takes no new jobs.
    pub enabled: bool,
    /// How to run it.
    pub source: ModelSource,
}
