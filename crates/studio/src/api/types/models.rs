//! Models: entries of the registry.

use serde::{Deserialize, Serialize};
use studio_protocol::{ModelSource, TaskKind};

pub use studio_store::Model;

/// A model as it is put into the registry.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PutModel {
    /// What sort of thing it makes.
    pub kind: TaskKind,
    /// Device memory that a job needs, GiB.
    pub vram_gb: f64,
    /// True when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Engine, files, defaults.
    pub source: ModelSource,
}

/// A change to a model.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ModelPatch {
    /// Whether jobs may name it.
    pub enabled: bool,
}
