//! What an engine says of itself in `ready`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What an engine is and what it can do; unknown kinds may come from newer engines and are kept as words.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Description {
    /// The word of `modelSource.engine` that it answers to.
    pub name: String,
    /// Of the program.
    pub version: String,
    /// The task kinds that it serves.
    pub kinds: Vec<String>,
    /// The file extensions that it can write, for each kind whose result is a file.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub formats: BTreeMap<String, Vec<String>>,
    /// The models that it serves: names, or patterns with one `*` at the end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<String>,
    /// What it computes on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<Device>,
    /// How it was built, for a person: libraries, back ends.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub build: String,
    /// Jobs of one model that it runs at the same time.
    #[serde(default = "one_slot", skip_serializing_if = "is_one_slot")]
    pub slots: u32,
}

/// One device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Device {
    /// `cpu`, `NVIDIA GeForce RTX 4090`, ...
    pub name: String,
    /// Of its own; absent when unknown or shared with the system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
}

impl Description {
    /// Whether the engine claims to serve `model`.
    pub fn serves_model(&self, model: &str) -> bool {
        self.models.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(start) => model.starts_with(start),
            None => model == pattern,
        })
    }
}

fn one_slot() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_one_slot(slots: &u32) -> bool {
    *slots == 1
}
