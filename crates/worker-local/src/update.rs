//! Whether there is a newer worker.

use serde::{Deserialize, Serialize};
use studio_protocol::Timestamp;

/// `GET /api/v1/update`, and the answer to `POST /api/v1/update/check`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UpdateView {
    /// The version that runs.
    pub current: String,
    /// How far an update is.
    pub state: UpdateState,
    /// The newest version that the feed has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latest: Option<String>,
    /// When the feed was read last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked_at: Option<Timestamp>,
    /// Why the feed could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

/// How far an update is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum UpdateState {
    /// Nobody has looked yet, or no feed is set.
    #[default]
    Unknown,
    /// This is the newest.
    Current,
    /// There is a newer one.
    Available,
}
