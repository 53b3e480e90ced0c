//! Batches: jobs that belong together.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use studio_protocol::Timestamp;
use studio_store::JobState;
use utoipa::ToSchema;

/// Jobs submitted together, with what they share.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewBatch {
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Of every job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Of the jobs that state none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = -1000, maximum = 1000)]
    pub priority: Option<i32>,
    /// Of the jobs that state none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// At least one.
    #[serde(deserialize_with = "studio_protocol::object::many")]
    #[schema(min_items = 1, max_items = 10_000)]
    pub jobs: Vec<BatchJob>,
}

/// A job of a batch: [`NewJob`](super::NewJob) without what the batch says for all.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BatchJob {
    /// The batch's model when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// As in [`NewJob`](super::NewJob).
    #[schema(value_type = studio_protocol::Task)]
    pub task: Box<RawValue>,
    /// As in [`NewJob`](super::NewJob).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asset_name: Option<String>,
    /// The batch's priority when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = -1000, maximum = 1000)]
    pub priority: Option<i32>,
    /// As in [`NewJob`](super::NewJob).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 100)]
    pub max_attempts: Option<u32>,
    /// As in [`NewJob`](super::NewJob).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1000)]
    pub count: Option<u32>,
}

/// How many jobs are in each state; a state without jobs stands with 0.
pub type Counts = BTreeMap<JobState, u64>;

/// Jobs that were submitted together.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Batch {
    /// `batch-...`
    pub id: String,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whose it is.
    pub project: String,
    /// Submission.
    pub created_at: Timestamp,
    /// Jobs in it.
    pub total: u64,
    /// Its jobs by state.
    #[schema(value_type = std::collections::BTreeMap<JobState, u64>)]
    pub counts: Counts,
    /// When its last job ended; absent while one can still run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
}

/// What cancelling or retrying a batch did.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BatchChange {
    /// Jobs whose state changed.
    pub changed: u64,
    /// The batch afterwards.
    pub batch: Batch,
}
