//! Jobs that were submitted together, and how many are where.

use serde::Serialize;
use studio_protocol::{ProjectId, TaskKind, Timestamp};

use super::JobState;
use crate::BatchId;

/// A batch to be stored with its jobs.
#[derive(Debug, Clone)]
pub struct NewBatch {
    /// Fresh, drawn by the caller.
    pub id: BatchId,
    /// For people.
    pub name: Option<String>,
    /// Whose.
    pub project: ProjectId,
}

/// A batch and how far it is.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Batch {
    /// Which.
    pub id: BatchId,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whose.
    pub project: ProjectId,
    /// When it was submitted.
    pub created_at: Timestamp,
    /// How many jobs it has.
    pub total: u64,
    /// How many are where.
    pub counts: StateCounts,
    /// When its last job ended; absent while work is still to come.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
}

/// How many jobs are in each state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StateCounts {
    /// See [`JobState::Queued`].
    pub queued: u64,
    /// See [`JobState::Offered`].
    pub offered: u64,
    /// See [`JobState::Running`].
    pub running: u64,
    /// See [`JobState::Done`].
    pub done: u64,
    /// See [`JobState::Failed`].
    pub failed: u64,
    /// See [`JobState::Cancelled`].
    pub cancelled: u64,
    /// See [`JobState::Quarantined`].
    pub quarantined: u64,
}

/// How many jobs of a sort are where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenJobs {
    /// Where.
    pub state: JobState,
    /// What sort of thing they make.
    pub kind: TaskKind,
    /// The registry's name of their model.
    pub model: String,
    /// Whose.
    pub project: ProjectId,
    /// How many.
    pub jobs: i64,
}

impl StateCounts {
    /// The number for one state.
    pub fn of(&self, state: JobState) -> u64 {
        match state {
            JobState::Queued => self.queued,
            JobState::Offered => self.offered,
            JobState::Running => self.running,
            JobState::Done => self.done,
            JobState::Failed => self.failed,
            JobState::Cancelled => self.cancelled,
            JobState::Quarantined => self.quarantined,
        }
    }

    /// Jobs with work still to come.
    pub fn open(&self) -> u64 {
        self.queued + self.offered + self.running
    }

    /// All jobs.
    pub fn total(&self) -> u64 {
        JobState::ALL.iter().map(|state| self.of(*state)).sum()
    }
}
