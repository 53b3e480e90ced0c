//! Which job is offered to which session, and when it comes back.
//!
//! Pure: no runtime, no SQL, no clock of its own. The [`Coordinator`] takes [`Input`]s with the time that it
//! is, and returns [`Effect`]s; a shell carries them out and brings the outcomes of [`StoreOp`]s back. The
//! store is the truth: the coordinator only remembers enough of it to decide quickly, and every claim,
//! result and failure is decided by the store in one transaction.
//!
//! ```text
//! job       queued -> offering -> offered -> running -> finishing -> gone from here
//! session   opened -> (first heartbeat) in service -> closed; its worker's claims are kept for a while
//! ```

mod coordinator;
mod model;
mod order;
mod queue;
mod rules;
mod session;
mod speed;
mod timing;

pub use coordinator::{Coordinator, attempt_span};
pub use model::{HeldClaim, QueuedJob, SessionId, first_place};
pub use order::{
    ClaimedJob, CommitOutcome, Control, Effect, FailOutcome, GiveBack, Input, LoseOutcome, StoreError,
    StoreOp, Stored,
};
pub use rules::{MAX_WEIGHT, MIN_WEIGHT, ProjectRules, WorkerLimits};
pub use timing::{SPEED_RATIO, Timing};
