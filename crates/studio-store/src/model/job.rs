//! Jobs as they are submitted, listed and looked at.

use serde::Serialize;
use studio_protocol::{JobId, LogLevel, ProjectId, TaskKind, Timestamp, WorkerId};
use studio_scheduler::QueuedJob;

use super::{ArtefactSummary, NewBatch, raw_json, raw_json_option, word_enum};
use crate::{BatchId, KeyId};

word_enum! {
    /// Where a job is in its life.
    JobState {
        /// Waits for a worker.
        Queued = "queued",
        /// Proposed to a worker that did not answer yet.
        Offered = "offered",
        /// A worker took it.
        Running = "running",
        /// Its result is stored.
        Done = "done",
        /// Attempts spent, or not worth another.
        Failed = "failed",
        /// Somebody called it off.
        Cancelled = "cancelled",
        /// It took workers down.
        Quarantined = "quarantined",
    }
}

impl JobState {
    /// Whether work is still to come.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Queued | Self::Offered | Self::Running)
    }

    /// Whether a worker has a claim on it.
    pub fn is_held(self) -> bool {
        matches!(self, Self::Offered | Self::Running)
    }
}

/// What comes in with one request.
#[derive(Debug, Clone)]
pub struct Submission {
    /// Set when the jobs belong together.
    pub batch: Option<NewBatch>,
    /// In the order in which they wait.
    pub jobs: Vec<NewJob>,
    /// Makes a repeated request harmless.
    pub idempotency: Option<Idempotency>,
}

/// A job to be stored; the caller checked its task.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// Fresh, drawn by the caller.
    pub id: JobId,
    /// Whose.
    pub project: ProjectId,
    /// The name of the thing to make.
    pub asset_name: String,
    /// The registry's name of its model.
    pub model: String,
    /// What sort of thing it makes.
    pub kind: TaskKind,
    /// JSON of a [`studio_protocol::Task`].
    pub task_json: String,
    /// Higher goes first.
    pub priority: i32,
    /// Failures after which it is failed for good; at least 1.
    pub max_attempts: u32,
    /// What [`studio_protocol::states_options`] says of its task.
    pub needs_options: bool,
}

/// An `Idempotency-Key` with what it was used for.
#[derive(Debug, Clone)]
pub struct Idempotency {
    /// Keys of different clients never meet.
    pub key_id: KeyId,
    /// As the client sent it.
    pub key: String,
    /// Tells a repetition from another request under the same key.
    pub body_sha256: [u8; 32],
}

/// What became of a [`Submission`].
#[derive(Debug, Clone)]
pub struct Submitted {
    /// Newly waiting, for the scheduler; empty when replayed.
    pub jobs: Vec<QueuedJob>,
    /// The new batch.
    pub batch: Option<BatchId>,
    /// Set when the same request was taken before: answer with these.
    pub replayed: Option<Replayed>,
}

/// What the first request under an `Idempotency-Key` made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replayed {
    /// In the order of that request.
    pub jobs: Vec<JobId>,
    /// Its batch.
    pub batch: Option<BatchId>,
}

/// A job as lists show it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Job {
    /// Which.
    pub id: JobId,
    /// Where it is.
    pub state: JobState,
    /// What sort of thing it makes.
    pub kind: TaskKind,
    /// The registry's name of its model.
    pub model: String,
    /// Whose.
    pub project: ProjectId,
    /// The name of the thing to make.
    pub asset_name: String,
    /// The batch that it came with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<BatchId>,
    /// Higher goes first.
    pub priority: i32,
    /// Tries that count: those that failed, and the one that runs or made the result.
    pub attempts: u32,
    /// Failures after which it is failed for good.
    pub max_attempts: u32,
    /// Who holds it, or who had it last when it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worker: Option<WorkerId>,
    /// The last thing that went wrong; absent once it is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// When it was submitted.
    pub created_at: Timestamp,
    /// When the worker that has it, or had it last, took it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// What it made, when that is bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artefact: Option<ArtefactSummary>,
}

/// Everything about one job.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JobDetail {
    /// As lists show it; its keys stand beside the others in JSON.
    #[serde(flatten)]
    pub job: Job,
    /// The task.
    #[serde(rename = "task", serialize_with = "raw_json")]
    pub task_json: String,
    /// Every try, oldest first; the one that is under way has no end.
    pub history: Vec<Attempt>,
    /// What it made, when that is JSON.
    #[serde(rename = "result", serialize_with = "raw_json_option", skip_serializing_if = "Option::is_none")]
    pub result_json: Option<String>,
}

word_enum! {
    /// How a try ended.
    AttemptOutcome {
        /// Its result is stored.
        Done = "done",
        /// The worker reported a failure.
        Failed = "failed",
        /// The worker gave it back, or was removed.
        Released = "released",
        /// The offer was never answered.
        Unanswered = "unanswered",
        /// The worker vanished.
        Lost = "lost",
        /// Somebody called the job off.
        Cancelled = "cancelled",
    }
}

/// One numbered try.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// From 1; numbers of offers that came to nothing are left out.
    pub number: u32,
    /// Whose.
    pub worker: WorkerId,
    /// When the worker took it; the time of the offer when it did not.
    pub started_at: Timestamp,
    /// Absent while it is under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Absent while it is under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<AttemptOutcome>,
    /// What went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Which jobs a list shows; all conditions hold together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobFilter {
    /// Only in one of these states; in any when there is none.
    pub states: Vec<JobState>,
    /// Only of this kind.
    pub kind: Option<TaskKind>,
    /// Only of this model.
    pub model: Option<String>,
    /// Only of this batch.
    pub batch: Option<BatchId>,
    /// Only of this project.
    pub project: Option<ProjectId>,
    /// Only what this worker holds or ended.
    pub worker: Option<WorkerId>,
    /// Part of the asset name, or the whole id.
    pub text: Option<String>,
}

/// Where a waiting job is to wait among the jobs of its project and priority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MoveTo {
    /// First.
    Front,
    /// Last; jobs that come later still wait behind it.
    Back,
    /// Right before another one.
    Before(JobId),
}

/// What is to be done to each of several jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobAction {
    /// Call it off.
    Cancel {
        /// Told to the worker that holds it.
        reason: String,
    },
    /// Make it wait again, when it ended without a result.
    Retry,
    /// Change its priority, while it is open.
    Priority(i32),
}

/// What came of it for one job.
#[derive(Debug, Clone, PartialEq)]
pub enum ActionOutcome {
    /// It is called off.
    Cancelled,
    /// It waits, as this.
    Waits(QueuedJob),
    /// It is changed, and does not wait.
    Changed,
    /// Its state does not allow that; in words.
    Refused(String),
    /// There is no such job.
    NotFound,
}

/// What a job made, when that is JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobResult {
    /// As the worker sent it.
    pub json: String,
    /// What the worker says that it was asked.
    pub prompt: Option<String>,
}

/// A line for a job's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJobLog {
    /// Whose.
    pub job: JobId,
    /// The line.
    pub entry: JobLog,
}

/// A line of a job's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JobLog {
    /// When, by the worker's clock.
    pub ts: Timestamp,
    /// How bad.
    pub level: LogLevel,
    /// Which part of the worker says so.
    pub category: String,
    /// What.
    pub message: String,
}
