//! The studio's past, a minute at a time.

use serde::{Deserialize, Serialize};

/// One minute of the studio.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
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
