//! Models on this machine: on the disk, on their way, in memory.

use serde::{Deserialize, Serialize};
use studio_protocol::{ModelSource, Timestamp};

/// `GET /api/v1/models`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Models {
    /// By name.
    pub models: Vec<ModelView>,
    /// What they take.
    pub disk: DiskUse,
}

/// Bytes on the disk of the models.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DiskUse {
    /// Where.
    pub folder: String,
    /// Of all models.
    pub used_bytes: u64,
    /// What they may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap_bytes: Option<u64>,
    /// What the disk has left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub free_bytes: Option<u64>,
}

/// Where a model is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ModelPlace {
    /// Needs no files, or the files are not here.
    Absent,
    /// Its files are on their way.
    Downloading,
    /// Its files are complete.
    Present,
    /// On its way into memory.
    Loading,
    /// In memory.
    Loaded,
    /// On its way out of memory.
    Unloading,
}

/// One model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelView {
    /// The registry's name.
    pub model: String,
    /// Which engine runs it.
    pub engine: String,
    /// Where it is.
    pub place: ModelPlace,
    /// Bytes of its files.
    pub file_bytes: u64,
    /// Its files.
    #[serde(default)]
    pub files: Vec<ModelFile>,
    /// Bytes that it takes in memory, while it is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// The owner wants it kept in memory.
    #[serde(default)]
    pub resident: bool,
    /// A job holds it.
    #[serde(default)]
    pub in_use: bool,
    /// When a job used it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_at: Option<Timestamp>,
    /// Why it could not be fetched or loaded last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

/// One file of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelFile {
    /// Its name in the model's folder.
    pub name: String,
    /// What it is to the engine.
    pub role: String,
    /// Its size.
    pub bytes: u64,
    /// Of its content, lowercase hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// A download that runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Download {
    /// Of which model.
    pub model: String,
    /// The file that is on its way.
    pub file: String,
    /// Bytes of the whole model that are here.
    pub bytes: u64,
    /// Bytes of the whole model; 0 when unknown.
    pub total_bytes: u64,
    /// Lately.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_per_second: Option<u64>,
}

/// `POST /api/v1/models`: fetch a model, for local programs or ahead of its first job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AddModel {
    /// What it will be called here.
    pub model: String,
    /// Its engine, files and defaults.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<ModelSource>,
    /// Instead of `source`: `hf:OWNER/NAME[@REV][:FILE]`, an address, or the path of a file on this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

/// `POST /api/v1/models/{model}/load`: all optional.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct LoadModel {
    /// What it needs, GiB, where the engine cannot say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vram_gb: Option<f64>,
    /// Keep it in memory from now on.
    pub resident: bool,
}
