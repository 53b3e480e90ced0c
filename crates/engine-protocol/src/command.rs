//! What the daemon says to an engine.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use studio_protocol::{JobId, ModelSource, Task};

use crate::Failure;

/// One command; an engine ignores the types that it does not know.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum Command {
    /// First, once; answered with `ready`.
    Hello(Hello),
    /// Brings a model into memory; answered with `loading` any number of times, then `loaded` or `failed`.
    Load(Box<Load>),
    /// Answered with `progress`, `preview`, `delta`, `heartbeat` any number of times, then `done` or `failed`.
    Run(Box<Run>),
    /// Stops a job; answered with its `failed` of class `cancelled`, or with what it had come to meanwhile.
    Cancel(CancelJob),
    /// Frees a model's memory; answered with `unloaded`.
    Unload(Unload),
    /// Answered with `stats`.
    Stats,
    /// Finishes nothing more and ends the process with exit code 0.
    Shutdown,
}

/// Who speaks, and which versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hello {
    /// The engine picks the highest that it knows.
    pub protocols: Vec<u32>,
    /// `studio-worker/<version>`, for the engine's log.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub host: String,
}

/// A model to bring into memory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Load {
    /// The registry's name.
    pub model: String,
    /// Its files and defaults.
    pub source: ModelSource,
    /// The folder that holds the files; absent when the model has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dir: Option<String>,
}

/// A job for a loaded model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// Names the job in every event about it.
    pub job_id: JobId,
    /// A model that is loaded.
    pub model: String,
    /// What to make.
    pub task: Task,
    /// An existing folder for the result's file; absent for kinds whose result is JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub out_dir: Option<String>,
    /// What the task names by address, fetched already: the address as the task has it, and the absolute path of the file.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub inputs: BTreeMap<String, String>,
    /// Whether `delta` events are wanted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stream: bool,
    /// Whether `preview` events are wanted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub preview: bool,
    /// The span of this try, as W3C Trace Context writes it: for the engine's own log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
}

impl Run {
    /// The file that the daemon fetched for an address of the task.
    pub fn input(&self, address: &str) -> Result<&Path, Failure> {
        let missing = || Failure::internal(format!("the daemon did not fetch the input `{address}`"));
        self.inputs.get(address).map(Path::new).ok_or_else(missing)
    }
}

/// A job to stop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CancelJob {
    /// One that may have ended meanwhile: then the command does nothing.
    pub job_id: JobId,
}

/// A model to free.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unload {
    /// One that may not be loaded: the answer is `unloaded` all the same.
    pub model: String,
}
