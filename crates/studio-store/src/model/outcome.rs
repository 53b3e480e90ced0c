//! What became of an operation on a job; the scheduler's shell acts on these.

use studio_protocol::{JobId, ProjectId, WorkerId};
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

/// Why a claim ends without a result or a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GiveBack {
    /// The worker did not want it; leaves no trace.
    Rejected,
    /// The worker had it and gives it back; kept in the history.
    Released,
    /// The offer was not answered; kept in the history, because a late result may still come.
    Unanswered,
    /// The offer never left; leaves no trace.
    NeverSent,
}

/// What became of [`crate::Db::give_back`].
#[derive(Debug, Clone, PartialEq)]
pub enum GivenBack {
    /// It waits again, in its old place.
    Requeued(QueuedJob),
    /// That claim is not current.
    NotHeld,
}

/// What became of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitOutcome {
    /// Stored; the job is done.
    Committed,
    /// This worker's result for that attempt was stored before; nothing changed.
    Again,
    /// The worker once had it, but that claim is not current; nothing changed.
    Stale,
    /// The worker never had it; nothing changed.
    NeverHeld,
}

/// What became of a reported failure.
#[derive(Debug, Clone, PartialEq)]
pub enum FailOutcome {
    /// It waits for another try.
    Requeued(QueuedJob),
    /// No more tries.
    Failed,
    /// The worker once had it, but that claim is not current; nothing changed.
    Stale,
    /// The worker never had it; nothing changed.
    NeverHeld,
}

/// What became of a job whose worker vanished.
#[derive(Debug, Clone, PartialEq)]
pub enum LoseOutcome {
    /// It waits for another worker.
    Requeued(QueuedJob),
    /// It was lost too often; an operator has to look at it.
    Quarantined,
    /// That claim is not current; nothing changed.
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
