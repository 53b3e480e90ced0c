//! Jobs that this worker ran, newest first.

use serde::{Deserialize, Serialize};
use studio_protocol::{TaskKind, Timestamp};

/// Who asked for a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Origin {
    /// The studio.
    #[default]
    Studio,
    /// A program on this machine, through the local API.
    Local,
}

/// How a job ended here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum JobEnd {
    /// Its result is made.
    Done,
    /// It could not be done here.
    Failed,
    /// Somebody called it off.
    Cancelled,
    /// It went back to the studio undone: a pause, an end of the worker.
    Released,
}

/// Which jobs are listed: `GET /api/v1/jobs?before=&limit=&kind=&end=&origin=&day=&search=`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct JobFilter {
    /// Older than the record of this number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<u64>,
    /// How many, 1 to 1,000; 100 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Of this kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<TaskKind>,
    /// That ended so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<JobEnd>,
    /// Asked for by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// Of one day, `YYYY-MM-DD` in this machine's time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub day: Option<String>,
    /// Whose id, model, name or prompt contains this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub search: Option<String>,
}

/// One page of the history.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobPage {
    /// Newest first.
    pub jobs: Vec<JobRecord>,
    /// For `before` of the next page; absent at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
}

/// One job in the history; running ones are in the [`Status`](crate::Status).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobRecord {
    /// Rises with each record.
    pub seq: u64,
    /// The studio's id, or `local-...`.
    pub id: String,
    /// Who asked.
    pub origin: Origin,
    /// What sort of thing it makes.
    pub kind: TaskKind,
    /// With which model.
    pub model: String,
    /// Of which project; empty for local ones.
    #[serde(default)]
    pub project: String,
    /// The name of the thing to make; may be empty.
    #[serde(default)]
    pub name: String,
    /// The beginning of its prompt.
    #[serde(default)]
    pub prompt: String,
    /// When this worker took it.
    pub started_at: Timestamp,
    /// When it ended here.
    pub ended_at: Timestamp,
    /// The day of `ended_at`, `YYYY-MM-DD` in this machine's time.
    pub day: String,
    /// How it ended.
    pub end: JobEnd,
    /// Why it failed, or what became of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether `GET /api/v1/jobs/{id}/thumbnail` has a picture.
    #[serde(default)]
    pub has_thumbnail: bool,
}

/// One line of a job's log: `GET /api/v1/jobs/{id}/log`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobLine {
    /// When.
    pub ts: Timestamp,
    /// `info`, `warn` or `error`.
    pub level: String,
    /// `worker` or `engine`.
    pub category: String,
    /// What.
    pub message: String,
}

/// One day of the history: `GET /api/v1/jobs/days`, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobDay {
    /// `YYYY-MM-DD`.
    pub day: String,
    /// Jobs that ended on it.
    pub jobs: u64,
    /// Of them, how many failed.
    pub failed: u64,
}
