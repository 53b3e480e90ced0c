//! The daemon's latest log lines.

use serde::{Deserialize, Serialize};
use studio_protocol::Timestamp;

/// `GET /api/v1/logs?after=&level=&limit=&waitMs=`: lines in their order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogPage {
    /// Oldest first.
    pub lines: Vec<LogLine>,
    /// For `after` of the next request: the number of the last line that there is, whether shown or not.
    pub last: u64,
    /// Lines between `after` and the first of these were dropped to make room.
    #[serde(default)]
    pub gap: bool,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogLine {
    /// From 1, without a gap, since the daemon's start.
    pub seq: u64,
    /// When.
    pub ts: Timestamp,
    /// How grave.
    pub level: LogSeverity,
    /// Which part spoke, like `studio_worker::engine`.
    pub target: String,
    /// What, with its fields.
    pub message: String,
    /// About which job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
}

/// From the most to the least grave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogSeverity {
    /// Something was lost or has to be done.
    Error,
    /// Something is not as it should be.
    Warn,
    /// What an owner may want to know.
    Info,
    /// What helps to find a fault.
    Debug,
    /// Everything.
    Trace,
}
