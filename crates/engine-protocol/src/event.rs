//! What an engine says to the daemon.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use studio_protocol::JobId;

use crate::{Description, Failure, FailureClass};

/// One event; the daemon ignores the types that it does not know.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum Event {
    /// The answer to `hello`.
    Ready(Box<Ready>),
    /// A model is on its way into memory.
    Loading(Loading),
    /// A model is in memory.
    Loaded(Loaded),
    /// A job has come this far.
    Progress(Progress),
    /// What a picture looks like so far.
    Preview(Preview),
    /// The next piece of a text.
    Delta(Delta),
    /// A job is done.
    Done(Done),
    /// A job, or a model, could not be done.
    Failed(Failed),
    /// A model's memory is free again.
    Unloaded(Unloaded),
    /// Counters.
    Stats(Stats),
    /// Work goes on, though nothing can be counted; said by the working code itself, never by a timer.
    Heartbeat(Heartbeat),
}

/// The answer to `hello`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ready {
    /// The version that the engine picked.
    pub protocol: u32,
    /// What it is and can do.
    pub engine: Description,
}

/// A model is on its way into memory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Loading {
    /// The model.
    pub model: String,
    /// Parts done.
    pub step: u32,
    /// Parts in all, 0 when unknown.
    pub steps: u32,
}

/// A model is in memory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Loaded {
    /// The model.
    pub model: String,
    /// What it takes of the device's memory, where the engine knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
}

/// A job has come this far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// The job.
    pub job_id: JobId,
    /// Steps done.
    pub step: u32,
    /// Steps in all, 0 when unknown.
    pub steps: u32,
    /// Estimated time left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eta_ms: Option<u64>,
}

/// What a picture looks like so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Preview {
    /// The job.
    pub job_id: JobId,
    /// Of the picture.
    pub mime: String,
    /// Base64, at most [`studio_protocol::MAX_PREVIEW_BYTES`]; a larger one is dropped.
    pub data: String,
}

/// The next piece of a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Delta {
    /// The job.
    pub job_id: JobId,
    /// From 0, without a gap.
    pub index: u64,
    /// What was said since the last one.
    pub text: String,
    /// What was thought since the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<String>,
}

/// A job is done: `result` for kinds whose result is JSON, `file` and `ext` for all others.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Done {
    /// The job.
    pub job_id: JobId,
    /// Kept as it was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Box<RawValue>>,
    /// An absolute path inside of the job's `outDir`; complete and closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The extension that the task asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ext: Option<String>,
}

/// A job or a model could not be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Failed {
    /// The job; absent when it is about a `load` or about the engine itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_id: Option<JobId>,
    /// The model of a `load`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What kind of failure.
    pub class: FailureClass,
    /// For a person.
    pub message: String,
    /// Whether another try may succeed.
    pub retryable: bool,
}

impl Failed {
    /// About a job.
    pub fn job(job_id: JobId, failure: Failure) -> Self {
        let Failure { class, message, retryable } = failure;
        Self { job_id: Some(job_id), model: None, class, message, retryable }
    }

    /// About a model that could not be loaded.
    pub fn model(model: impl Into<String>, failure: Failure) -> Self {
        let Failure { class, message, retryable } = failure;
        Self { job_id: None, model: Some(model.into()), class, message, retryable }
    }

    /// About the engine itself.
    pub fn engine(failure: Failure) -> Self {
        let Failure { class, message, retryable } = failure;
        Self { job_id: None, model: None, class, message, retryable }
    }
}

/// A model's memory is free again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unloaded {
    /// The model.
    pub model: String,
}

/// Counters since the process started.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stats {
    /// Models brought into memory.
    #[serde(default)]
    pub loads: u64,
    /// Jobs done.
    #[serde(default)]
    pub done: u64,
    /// Jobs failed, cancelled ones included.
    #[serde(default)]
    pub failed: u64,
    /// What is in memory now.
    #[serde(default)]
    pub models: Vec<String>,
    /// What the engine holds of the device's memory, where it knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
}

/// Work goes on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Heartbeat {
    /// The job; absent while a model loads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_id: Option<JobId>,
}
