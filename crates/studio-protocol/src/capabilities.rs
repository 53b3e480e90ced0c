//! What a worker says of itself (protocol section 4).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::nulls::null_as_default;
use crate::{FeatureSet, TaskKind};

/// Whether somebody sits at the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum UserPresence {
    /// Nobody touched it for a while.
    Idle,
    /// Somebody works on it.
    Active,
}

/// The `capabilities` object; every key may be absent.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct Capabilities {
    /// The host name.
    #[serde(deserialize_with = "null_as_default")]
    pub machine_name: String,
    /// The account that the worker runs under.
    #[serde(deserialize_with = "null_as_default")]
    pub username: String,
    /// The worker's version.
    #[serde(deserialize_with = "null_as_default")]
    pub agent_version: String,
    /// `multi` for ours.
    #[serde(deserialize_with = "null_as_default")]
    pub engine: String,
    /// Device memory in GiB, 0 when unknown.
    #[serde(deserialize_with = "null_as_default")]
    pub vram_total_gb: f64,
    /// What of it jobs may use, GiB.
    #[serde(deserialize_with = "null_as_default")]
    pub vram_threshold_gb: f64,
    /// Takes offers (not paused).
    #[serde(deserialize_with = "null_as_default")]
    pub auto_enabled: bool,
    /// Starts with the machine.
    #[serde(deserialize_with = "null_as_default")]
    pub auto_start: bool,
    /// Updates itself.
    #[serde(deserialize_with = "null_as_default")]
    pub auto_update: bool,
    /// Starts without a window.
    #[serde(deserialize_with = "null_as_default")]
    pub start_minimised: bool,
    /// Takes offers only while nobody sits at the machine.
    #[serde(deserialize_with = "null_as_default")]
    pub only_when_idle: bool,
    /// Absent while unknown, or when the word is one that this build does not know.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "known_presence")]
    pub user_presence: Option<UserPresence>,
    /// Sorted and without duplicates; `sd-cpp:*` for an engine that takes any model.
    #[serde(deserialize_with = "null_as_default")]
    pub supported_models: Vec<String>,
    /// Words of [`TaskKind`]; others may come from newer workers.
    #[serde(deserialize_with = "null_as_default")]
    pub task_kinds: Vec<String>,
    /// The models of each kind.
    #[serde(deserialize_with = "null_as_default")]
    pub supported_models_per_kind: BTreeMap<String, Vec<String>>,
    /// The engines that this build can run.
    #[serde(deserialize_with = "null_as_default")]
    pub model_engines: Vec<String>,
    /// Announced extensions.
    pub features: FeatureSet,
    /// Slots for each kind (extension `slots`).
    #[serde(skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "null_as_default")]
    pub slots: BTreeMap<String, u32>,
    /// Models in memory now: their next job starts at once (extension `options`).
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_as_default")]
    pub loaded_models: Vec<String>,
    /// Models whose files are complete on this worker's disk (extension `options`).
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_as_default")]
    pub present_models: Vec<String>,
    /// Measured units of work a second for each model, see [`crate::Task::work`] (extension `options`).
    #[serde(skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "null_as_default")]
    pub model_speeds: BTreeMap<String, f64>,
    /// What the machine has and what of it is used, looked at now and then (extension `options`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
    /// Which jobs its owner lets in, beyond the kinds; absent: all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accept: Option<AcceptRules>,
}

/// Which jobs a worker's owner lets in.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct AcceptRules {
    /// Of these projects only; empty: of all.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_as_default")]
    pub projects: Vec<String>,
    /// The largest picture or video frame, width times height.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_pixels: Option<u64>,
}

impl AcceptRules {
    /// Whether jobs of this project are let in.
    pub fn takes_project(&self, project: &str) -> bool {
        self.projects.is_empty() || self.projects.iter().any(|known| known == project)
    }

    /// Whether a job of this size is let in; jobs without a picture have none.
    pub fn takes_pixels(&self, pixels: Option<u64>) -> bool {
        self.max_pixels.zip(pixels).is_none_or(|(most, pixels)| pixels <= most)
    }
}

/// What a machine has and what of it is used; a value that is unknown is absent.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct Resources {
    /// Room on the disk that holds the models, GiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk_free_gb: Option<f64>,
    /// All of that disk, GiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk_total_gb: Option<f64>,
    /// Memory of the GPU that is used, by whomever, GiB; all of it is `vramTotalGb`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vram_used_gb: Option<f64>,
    /// The system's memory that is used, GiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ram_used_gb: Option<f64>,
    /// All of the system's memory, GiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ram_total_gb: Option<f64>,
    /// The GPU's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu: Option<String>,
}

impl Capabilities {
    /// Whether `kind` is among the task kinds.
    pub fn takes_kind(&self, kind: TaskKind) -> bool {
        self.task_kinds.iter().any(|word| word == kind.as_str())
    }
}

fn known_presence<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<UserPresence>, D::Error> {
    Ok(match Option::<String>::deserialize(deserializer)?.as_deref() {
        Some("idle") => Some(UserPresence::Idle),
        Some("active") => Some(UserPresence::Active),
        _ => None,
    })
}
