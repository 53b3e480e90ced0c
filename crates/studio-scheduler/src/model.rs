//! What the scheduler knows of jobs: enough to match them, nothing to run them with.

use std::sync::Arc;

use studio_protocol::{JobId, ProjectId, TaskKind, WorkerId};

/// A job that waits.
#[derive(Debug, Clone, PartialEq)]
pub struct QueuedJob {
    /// Which.
    pub id: JobId,
    /// Order of submission.
    pub seq: i64,
    /// Where it waits among the jobs of its project and priority, see [`first_place`]; a job that comes back keeps it.
    pub place: i64,
    /// Whose.
    pub project: ProjectId,
    /// What sort of thing it makes.
    pub kind: TaskKind,
    /// Which engine runs its model.
    pub engine: Arc<str>,
    /// The registry's name of its model.
    pub model: Arc<str>,
    /// Device memory that it needs, GiB.
    pub vram_gb: f64,
    /// Higher goes first.
    pub priority: i32,
    /// Its task states what only a worker with the extension `options` understands.
    pub needs_options: bool,
}

/// Places between two jobs that came one after the other: thirty moves to the same spot find room.
const PLACE_BITS: u32 = 30;

/// The place of a job that nobody moved.
pub const fn first_place(seq: i64) -> i64 {
    seq << PLACE_BITS
}

/// A job that a worker holds.
#[derive(Debug, Clone, PartialEq)]
pub struct HeldClaim {
    /// Which.
    pub job: QueuedJob,
    /// By whom.
    pub worker: WorkerId,
    /// The number of this try, from 1.
    pub attempt: u32,
    /// Whether the worker took the offer.
    pub accepted: bool,
}

/// One WebSocket session, numbered by the studio in the order in which sockets are let in, before they say hello;
/// never reused by a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u64);
