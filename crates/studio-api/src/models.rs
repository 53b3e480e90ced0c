//! Models: entries of the registry, and where their files are.

use serde::{Deserialize, Serialize};
use studio_protocol::{ModelSource, TaskKind};
use utoipa::ToSchema;

pub use studio_store::Model;

/// A model as it is put into the registry.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
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
    #[serde(deserialize_with = "studio_protocol::object::one")]
    pub source: ModelSource,
}

/// A model to be found on a hub.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AddModel {
    /// The name of its first repository when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `hf:OWNER/REPO`, perhaps `@REVISION` and `:FILE`, perhaps a role before it like `vae=hf:...`.
    pub sources: Vec<String>,
    /// What its files make when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<TaskKind>,
    /// What runs such files when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<String>,
    /// A little more than its files when absent, GiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vram_gb: Option<f64>,
}

/// A change to a model.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ModelPatch {
    /// Whether jobs may name it.
    pub enabled: bool,
}

/// A model, and where its files are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ModelDetail {
    /// The entry.
    #[serde(flatten)]
    pub model: Model,
    /// Its files, in the order of the entry.
    pub files: Vec<ModelFileState>,
    /// Workers that are connected.
    pub workers: ModelWorkers,
    /// The latest fetch since the studio started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fetch: Option<ModelFetch>,
}

/// A file of a model, as the studio sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ModelFileState {
    /// Its name in the entry.
    pub filename: String,
    /// Whether the entry states its hash, so that nobody can pass off another file.
    pub pinned: bool,
    /// Whether the studio has it and hands it to workers.
    pub present: bool,
    /// Its length, when it is present.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// The hash that the studio computed, when it is present.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// Connected workers that have a model; base workers do not tell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ModelWorkers {
    /// On their disks.
    pub present: u64,
    /// In memory: their next job starts at once.
    pub loaded: u64,
}

/// How far the studio is with fetching a model's files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ModelFetch {
    /// Where it is.
    pub state: FetchState,
    /// Bytes that are there, of all files.
    pub bytes: u64,
    /// Of how many, as far as it is known; 0 when it is not.
    pub total_bytes: u64,
    /// The file that came last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Where a fetch is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum FetchState {
    /// Bytes are coming.
    Running,
    /// Every file is there.
    Done,
    /// It ended early; asking again goes on where it ended.
    Failed,
}
