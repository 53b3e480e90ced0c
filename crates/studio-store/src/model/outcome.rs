//! What became of an operation on a job; the scheduler's shell acts on these.

use studio_protocol::{JobId, ProjectId, TaskKind, Timestamp, TraceParent, WorkerId};
use studio_scheduler::QueuedJob;

use super::JobState;

/// What became of [`crate::Db::claim`].
#[derive(Debug, Clone, PartialEq)]
pub enum ClaimOutcome {
    /// The worker holds it; offer it.
    Claimed(Box<Claimed>),
    /// It does not wait (any more).
    NotQueued,
}

/// All that an offer needs.
#[derive(Debug, Clone, PartialEq)]
pub struct Claimed {
    /// Which.
    pub job: JobId,
    /// What sort of thing it makes.
    pub kind: TaskKind,
    /// When it was submitted.
    pub created_at: Timestamp,
    /// The span of the request that submitted it.
    pub trace: Option<TraceParent>,
    /// Whose.
    pub project: ProjectId,
    /// The name of the thing to make.
    pub asset_name: String,
    /// The registry's name of its model.
    pub model: String,
    /// Device memory that it needs, GiB.
    pub vram_gb: f64,
    /// JSON of a [`studio_protocol::Task`].
    pub task_json: String,
    /// JSON of a [`studio_protocol::ModelSource`].
    pub source_json: String,
    /// The number of this try, from 1.
    pub attempt: u32,
}

/// What became of [`crate::Db::give_back`].
#[derive(Debug, Clone, PartialEq)]
pub enum GivenBack {
    /// It waits again, in its old place.
    Requeued(QueuedJob),
    /// That claim is not current.
    NotHeld,
}

/// What became of a cancellation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CancelOutcome {
    /// It is cancelled; whoever held it should stop.
    Cancelled {
        /// The worker and its attempt.
        held: Option<(WorkerId, u32)>,
    },
    /// It had ended before; nothing changed.
    AlreadyEnded(JobState),
    /// There is no such job.
    NotFound,
}
