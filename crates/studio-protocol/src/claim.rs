//! What an offer carries (protocol section 5).

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::{JobId, ProjectId, Task};

/// The `claim` of an `offer`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OfferClaim {
    /// The job.
    pub job_id: JobId,
    /// The project.
    #[serde(rename = "gameId")]
    pub project: ProjectId,
    /// The name of the thing to make.
    pub asset_name: String,
    /// The registry's name of the model.
    pub model: String,
    /// Device memory that the job needs, GiB.
    pub vram_gb_estimate: f64,
    /// What to make.
    pub task: Task,
    /// How to run the model.
    #[serde(deserialize_with = "crate::object::one")]
    pub model_source: ModelSource,
    /// The number of this try, from 1 (extension `lease`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// How long a heartbeat renews the claim for (extension `lease`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_ms: Option<u64>,
    /// The span of this try, as W3C Trace Context writes it; workers that do not know it ignore it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
}

/// The same, with the stored JSON of task and source put in as it is: a studio need not parse what it passes on.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OfferClaimRaw {
    /// The job.
    pub job_id: JobId,
    /// The project.
    #[serde(rename = "gameId")]
    pub project: ProjectId,
    /// The name of the thing to make.
    pub asset_name: String,
    /// The registry's name of the model.
    pub model: String,
    /// Device memory that the job needs, GiB.
    pub vram_gb_estimate: f64,
    /// JSON of a [`Task`].
    pub task: Box<RawValue>,
    /// JSON of a [`ModelSource`].
    pub model_source: Box<RawValue>,
    /// The number of this try, from 1 (extension `lease`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// How long a heartbeat renews the claim for (extension `lease`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lease_ms: Option<u64>,
    /// The span of this try, as W3C Trace Context writes it; workers that do not know it ignore it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
}

/// Which engine runs a model, from which files, with which defaults.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ModelSource {
    /// `sd-cpp`, `llama-cpp`, `synthetic`, ...
    pub engine: String,
    /// What to download.
    #[serde(deserialize_with = "crate::object::many")]
    pub files: Vec<ModelFile>,
    /// Used where the job states nothing.
    pub cli_defaults: CliDefaults,
}

/// What a file is to its engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileRole {
    /// The denoiser.
    DiffusionModel,
    /// Reads the prompt.
    TextEncoder,
    /// Reads pictures.
    TextEncoderVision,
    /// Latents to pixels and back.
    Vae,
    /// A fine-tune on top.
    Lora,
    /// The whole model.
    Model,
    /// Names of classes.
    Labels,
    /// A role of a newer studio.
    #[serde(untagged)]
    Other(String),
}

/// One file of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ModelFile {
    /// What it is to the engine.
    pub role: FileRole,
    /// Where it comes from: https, http on a loopback host, or the studio itself.
    pub url: String,
    /// Asked before `url`, in this order; the hash decides whether their bytes are the right ones.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "crate::nulls::null_as_default"
    )]
    pub mirrors: Vec<String>,
    /// A plain name; path parts are refused by [`ModelFile::has_plain_name`].
    pub filename: String,
    /// For progress and the free-space check.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approx_bytes: Option<u64>,
    /// Lowercase hex, checked while streaming.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

impl ModelFile {
    /// Whether the name stays inside of its folder on every platform.
    pub fn has_plain_name(&self) -> bool {
        let name = self.filename.as_str();
        !name.is_empty()
            && name != "."
            && name != ".."
            && !name.contains(['/', '\\', ':', '\0'])
            && !name.chars().any(char::is_control)
    }
}

/// A model's defaults; keys that are not named here are kept in `more`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct CliDefaults {
    /// Classifier-free guidance.
    pub cfg_scale: f64,
    /// Denoising steps.
    pub steps: u32,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// `samplingMethod flowShift zeroCondT offloadToCpu contextSize chatTemplateKwargs mmap ...`
    #[serde(flatten)]
    pub more: Map<String, Value>,
}
