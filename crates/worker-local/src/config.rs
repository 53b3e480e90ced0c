//! The owner's settings over the local API.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// `GET /api/v1/config`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfigView {
    /// The file.
    pub path: String,
    /// Every setting, in the file's order; the registration's keys are not among them.
    pub settings: Vec<Setting>,
    /// Changed in the file, but not in use before a restart.
    #[serde(default)]
    pub restart_needed: Vec<String>,
}

/// One setting: its value and what a form needs to ask for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Setting {
    /// As in the file, `vram_threshold_gb`.
    pub key: String,
    /// The heading that it stands under.
    pub section: String,
    /// A few words for people.
    pub label: String,
    /// What it does, one or two sentences.
    pub help: String,
    /// Which values it takes.
    pub kind: SettingKind,
    /// In use, or as it will be after a restart; absent when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// What holds when it is unset, in words or as a value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// A variable of the environment wins over the file, so that a change would have no effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overridden_by: Option<String>,
    /// A running daemon takes a change up by itself.
    pub live: bool,
}

/// Which values a setting takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "type")]
pub enum SettingKind {
    /// Yes or no.
    Flag,
    /// A whole number.
    Integer {
        /// The least.
        min: i64,
        /// The greatest.
        max: i64,
    },
    /// A number.
    Float {
        /// The least.
        min: f64,
        /// The greatest.
        max: f64,
        /// What it counts, like `GiB`.
        unit: String,
    },
    /// One line of text.
    Text,
    /// A file or a folder.
    Path,
    /// Several texts.
    List,
    /// One of several words.
    Choice {
        /// Which.
        words: Vec<String>,
    },
}

/// `PUT /api/v1/config`: all of it or nothing.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConfigChange {
    /// New values; null unsets.
    pub changes: BTreeMap<String, Value>,
}

/// Why one value was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfigProblem {
    /// Which setting.
    pub key: String,
    /// What is wrong with it, and what would be right.
    pub problem: String,
}
