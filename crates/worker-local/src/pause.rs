//! The owner takes the machine back, and gives it again.

use serde::{Deserialize, Serialize};
use studio_protocol::Timestamp;

/// `POST /api/v1/pause`; the answer is the new [`Status`](crate::Status).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct PauseAsk {
    /// How long.
    pub until: PauseUntil,
    /// What happens to what runs.
    pub when: PauseWhen,
    /// Whether engines are stopped, so that their memory is free: at once, or after the job that runs.
    pub free_memory: bool,
}

/// When work goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum PauseUntil {
    /// When the owner says so.
    #[default]
    Resumed,
    /// After some time; a day's worth of minutes at most a week.
    Minutes {
        /// How many, 1 to 10,080.
        minutes: u32,
    },
    /// At a moment of the clock on the wall.
    At {
        /// Which.
        at: Timestamp,
    },
    /// Once nobody uses the machine.
    Idle,
}

/// What happens to jobs that run when a pause begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PauseWhen {
    /// They go back to the studio at once, which gives them to somebody else.
    Now,
    /// They are finished first.
    #[default]
    AfterJob,
}

/// A pause that holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PauseView {
    /// When it ends by itself; absent: when the owner resumes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// It ends once nobody uses the machine.
    #[serde(default)]
    pub until_idle: bool,
}
