//! Jobs: as they are submitted, listed and looked at.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use studio_protocol::{LogLevel, Stage, TaskKind, Timestamp};
use studio_store::{AttemptOutcome, JobState};
use utoipa::ToSchema;

use crate::{ArtefactSummary, Counts};

/// One job as it is submitted.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewJob {
    /// A name of the registry.
    pub model: String,
    /// A task of the worker protocol; what it leaves out, the model's defaults decide.
    #[schema(value_type = studio_protocol::Task)]
    pub task: Box<RawValue>,
    /// `default` when absent, or the project of the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// The name of the thing to make; the job's id when absent.
    #[schema(min_length = 1, max_length = 500)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asset_name: Option<String>,
    /// Higher goes first, 0 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = -1000, maximum = 1000)]
    pub priority: Option<i32>,
    /// Failures that end the job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 100)]
    pub max_attempts: Option<u32>,
    /// As many jobs as this, 1 to 1000: a seed that the task states goes up by one from job to job, and the asset
    /// name gets the job's number. A submission with it is answered as a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1000)]
    pub count: Option<u32>,
}

/// Several jobs at once, all or none.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct NewJobs {
    /// At least one.
    #[serde(deserialize_with = "studio_protocol::object::many")]
    #[schema(min_items = 1, max_items = 10_000)]
    pub jobs: Vec<NewJob>,
}

/// The jobs of one submission.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Jobs {
    /// In the order of the submission.
    pub jobs: Vec<Job>,
}

/// A job without its task.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Job {
    /// `job-...`
    pub id: String,
    /// Where it is in its life.
    pub state: JobState,
    /// What sort of thing it makes.
    pub kind: TaskKind,
    /// The registry's name of its model.
    pub model: String,
    /// Whose it is.
    pub project: String,
    /// The name of the thing to make.
    pub asset_name: String,
    /// The batch that it was submitted with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<String>,
    /// Higher goes first.
    pub priority: i32,
    /// Tries that counted: those that failed or are under way.
    pub attempts: u32,
    /// Failures that end the job.
    pub max_attempts: u32,
    /// Who holds it now, or made its result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<String>,
    /// Why the last try failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Submission.
    pub created_at: Timestamp,
    /// The current or last try.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// The end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// What its worker last said while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<JobProgress>,
    /// The bytes that it made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artefact: Option<ArtefactSummary>,
}

/// A page of a list of jobs.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobPage {
    /// Newest first.
    pub items: Vec<Job>,
    /// Hand it in as `cursor` for the next page; null on the last one.
    pub next_cursor: Option<String>,
    /// How many jobs of the filter, its states aside, are in each state; absent where that would have to be counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<std::collections::BTreeMap<JobState, u64>>)]
    pub counts: Option<Counts>,
}

/// How far a running job is.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobProgress {
    /// Steps done.
    pub step: u32,
    /// Of how many.
    pub steps: u32,
    /// Milliseconds that the worker expects to need yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eta_ms: Option<u64>,
    /// What the worker is busy with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<Stage>,
    /// Bytes moved in this stage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Of how many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_bytes: Option<u64>,
}

/// A job with its task, its tries and its result.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobDetail {
    /// All that a list shows too.
    #[serde(flatten)]
    pub job: Job,
    /// As it was submitted.
    pub task: Value,
    /// Every try, oldest first.
    pub history: Vec<Attempt>,
    /// The result of a job that answers with JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Value>,
}

/// One try at a job.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// From 1.
    pub number: u32,
    /// Who held the job.
    pub worker: String,
    /// The offer.
    pub started_at: Timestamp,
    /// Absent while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<AttemptOutcome>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A line of a job's log.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobLog {
    /// By the worker's clock.
    pub ts: Timestamp,
    /// How bad.
    pub level: LogLevel,
    /// The part of the worker that speaks.
    pub category: String,
    /// What it says.
    pub message: String,
}

/// A change to a job.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct JobPatch {
    /// Higher goes first.
    #[schema(minimum = -1000, maximum = 1000)]
    pub priority: i32,
}

/// Where a waiting job goes among the jobs of its project and priority: one of the two.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MoveJob {
    /// Right before this job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// To the front or the back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<MoveEnd>,
}

/// An end of the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum MoveEnd {
    /// First.
    Front,
    /// Last.
    Back,
}

/// One action on many jobs: on those that are named, or on those that a filter finds.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct JobActions {
    /// What to do.
    pub action: ActionTaken,
    /// To these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ids: Option<Vec<String>>,
    /// To the newest that it finds, of those that the action can change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<ActionFilter>,
    /// For `priority`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<i32>,
    /// For `cancel`: told to the workers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What can be done to many jobs at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ActionTaken {
    /// Call off.
    Cancel,
    /// Make wait again.
    Retry,
    /// Change the priority.
    Priority,
}

/// Which jobs are meant; as the parameters of the list.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ActionFilter {
    /// In one of these states.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub state: Vec<JobState>,
    /// Of this kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<TaskKind>,
    /// Of this model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Of this batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<String>,
    /// Of this project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// That this worker holds or ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<String>,
    /// With this in their asset name, or as their id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub q: Option<String>,
}

/// What came of an action.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ActionResults {
    /// One for each job, in the order of the request.
    pub items: Vec<ActionResult>,
    /// How many jobs were changed.
    pub changed: u64,
    /// The filter finds more than are changed at once: send it again.
    pub more: bool,
}

/// What came of an action for one job.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ActionResult {
    /// Which.
    pub id: String,
    /// Whether it was changed.
    pub changed: bool,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// Why something is ended, or refused.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct Reason {
    /// Told to whom it concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 1000)]
    pub reason: Option<String>,
}
