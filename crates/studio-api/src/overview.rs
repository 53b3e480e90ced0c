//! The fleet at a glance.

use serde::{Deserialize, Serialize};
use studio_protocol::Timestamp;
use utoipa::ToSchema;

/// What the last minutes were like and whether the queue moves.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Overview {
    /// Oldest first, at most a day; minutes in which the studio did not run are missing.
    pub minutes: Vec<Minute>,
    /// The queue.
    pub queue: QueueState,
    /// Bytes that are free on the studio's disk.
    pub disk_free_bytes: u64,
    /// Bytes of the studio's disk.
    pub disk_total_bytes: u64,
}

/// One minute of the studio.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Minute {
    /// Its begin, milliseconds since the Unix epoch.
    pub at: i64,
    /// Jobs that came.
    pub submitted: u64,
    /// Jobs that were done.
    pub done: u64,
    /// Jobs that failed for good or were quarantined.
    pub failed: u64,
    /// Jobs that were called off.
    pub cancelled: u64,
    /// Jobs that waited at its end.
    pub queued: u64,
    /// Jobs that ran at its end.
    pub running: u64,
    /// Workers that were there at its end.
    pub online: u64,
    /// Median wait from submission to the start of jobs that started in it, milliseconds.
    pub wait_p50_ms: u64,
    /// The 95th percentile of the same.
    pub wait_p95_ms: u64,
}

/// Whether the queue gives out jobs.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct QueueState {
    /// An operator holds it: jobs are taken in, none is offered.
    pub paused: bool,
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused_at: Option<Timestamp>,
}

/// A change to the queue.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct QueuePatch {
    /// Whether it is held.
    pub paused: bool,
}
