//! What a worker's frames carry.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{Capabilities, JobId, Timestamp};

/// Who connects.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hello {
    /// The token of the approved poll.
    pub auth_token: String,
    /// What the worker can do.
    #[serde(deserialize_with = "crate::object::one")]
    pub capabilities: Capabilities,
}

impl std::fmt::Debug for Hello {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hello").field("capabilities", &self.capabilities).finish_non_exhaustive()
    }
}

/// The worker is there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Heartbeat {
    /// Rebuilt each time.
    #[serde(deserialize_with = "crate::object::one")]
    pub capabilities: Capabilities,
    /// Only while a studio job runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_job_id: Option<JobId>,
    /// Every job that the worker holds, results that wait for their acknowledgement included (extension `resume`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_jobs: Option<Vec<JobId>>,
}

impl Heartbeat {
    /// Every job that the heartbeat names.
    pub fn held(&self) -> impl Iterator<Item = &JobId> {
        self.current_job_id.iter().chain(self.held_jobs.iter().flatten())
    }
}

/// An offer was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Accept {
    /// The job.
    pub job_id: JobId,
    /// Of the offer (extension `lease`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
}

/// Why an offer was refused, where the studio can act on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RejectCode {
    /// No free slot.
    Busy,
    /// The owner paused the worker.
    Paused,
    /// The job does not fit the device memory.
    InsufficientMemory,
}

/// An offer was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reject {
    /// The job.
    pub job_id: JobId,
    /// In words.
    pub reason: String,
    /// Absent, or a word that this build does not know: offered elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "known_reject_code")]
    pub code: Option<RejectCode>,
    /// Of the offer (extension `lease`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
}

fn known_reject_code<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<RejectCode>, D::Error> {
    Ok(match Option::<String>::deserialize(deserializer)?.as_deref() {
        Some("busy") => Some(RejectCode::Busy),
        Some("paused") => Some(RejectCode::Paused),
        Some("insufficient_memory") => Some(RejectCode::InsufficientMemory),
        _ => None,
    })
}

/// A result that is JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CompleteJson {
    /// The job.
    pub job_id: JobId,
    /// Kept as it was written.
    pub result: Box<RawValue>,
    /// The last message, or the input's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// Of the offer (extension `lease`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
}

/// A job could not be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fail {
    /// The job.
    pub job_id: JobId,
    /// What went wrong, for a person.
    pub error: String,
    /// Whether another try may succeed.
    pub retryable: bool,
    /// Of the offer (extension `lease`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
}

/// How grave a log entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// For the record.
    Info,
    /// Somebody should look.
    Warn,
    /// Something failed.
    Error,
}

/// One line of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogEntry {
    /// When.
    pub ts: Timestamp,
    /// How grave.
    pub level: LogLevel,
    /// Which part of the worker.
    pub category: String,
    /// What.
    pub message: String,
    /// About which job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_id: Option<JobId>,
}

/// What was logged lately.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogBatch {
    /// At most [`crate::MAX_LOG_ENTRIES`].
    #[serde(deserialize_with = "crate::object::many")]
    pub entries: Vec<LogEntry>,
}

/// What a running job is busy with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Waits for the engine.
    Queued,
    /// Fetches the model or an input.
    Downloading,
    /// Brings the model into memory.
    Loading,
    /// Computes.
    Running,
    /// Sends the result.
    Uploading,
}

/// Extension `progress`, at most 4 a second for a job.
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
    /// What it is busy with; absent for a word that this build does not know.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "known_stage")]
    pub stage: Option<Stage>,
    /// Bytes moved in this stage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Bytes to move in this stage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_bytes: Option<u64>,
    /// Of the offer (extension `lease`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
}

fn known_stage<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Stage>, D::Error> {
    Ok(match Option::<String>::deserialize(deserializer)?.as_deref() {
        Some("queued") => Some(Stage::Queued),
        Some("downloading") => Some(Stage::Downloading),
        Some("loading") => Some(Stage::Loading),
        Some("running") => Some(Stage::Running),
        Some("uploading") => Some(Stage::Uploading),
        _ => None,
    })
}

/// Extension `preview`, at most one a second for a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Preview {
    /// The job.
    pub job_id: JobId,
    /// Of the picture.
    pub mime: String,
    /// Base64, at most [`crate::MAX_PREVIEW_BYTES`].
    pub data: String,
}

/// Extension `stream`: tokens of a running job.
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
    /// Of the offer (extension `lease`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
}

/// Extension `release`: the job goes back, no attempt counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Release {
    /// The job.
    pub job_id: JobId,
    /// In words.
    pub reason: String,
    /// Of the offer (extension `lease`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
}

/// Extension `goodbye`: the worker is about to close on purpose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Goodbye {
    /// In words.
    pub reason: String,
}
