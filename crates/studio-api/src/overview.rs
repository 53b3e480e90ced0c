//! The fleet at a glance.

use serde::{Deserialize, Serialize};
use studio_protocol::Timestamp;
use studio_store::Minute;
use utoipa::ToSchema;

/// What the last minutes were like and whether the queue moves.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Overview {
    /// Oldest first, at most a day; the last one is under way, and minutes in which the studio did not run are missing.
    pub minutes: Vec<Minute>,
    /// The queue.
    pub queue: QueueState,
    /// Bytes that are free on the studio's disk.
    pub disk_free_bytes: u64,
    /// Bytes of the studio's disk.
    pub disk_total_bytes: u64,
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
#[serde(deny_unknown_fields)]
pub struct QueuePatch {
    /// Whether it is held.
    pub paused: bool,
}
