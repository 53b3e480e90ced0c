//! What goes into the coordinator and what comes out of it.

use std::sync::Arc;

use serde_json::value::RawValue;
use studio_protocol::{
    Accept, Capabilities, CloseCode, CompleteJson, Delta, Fail, Heartbeat, JobId, ModelCommand, Preview,
    Progress, ProjectId, Reject, Release, StudioFrame, TaskKind, Timestamp, TraceParent, WorkerId,
};

use crate::{HeldClaim, ProjectRules, QueuedJob, SessionId, WorkerLimits};

/// Something that happened.
#[derive(Debug)]
pub enum Input {
    /// The studio started; what the store says of open work.
    Restored {
        /// Jobs that wait.
        queued: Vec<QueuedJob>,
        /// Jobs that workers held when the studio went down.
        held: Vec<HeldClaim>,
    },
    /// `hello` was accepted.
    Opened {
        /// The new session.
        session: SessionId,
        /// Whose.
        worker: WorkerId,
        /// As `hello` said.
        capabilities: Arc<Capabilities>,
        /// Whether an operator paused the worker.
        paused: bool,
    },
    /// The socket is gone, for whatever reason.
    Closed {
        /// Whose socket.
        session: SessionId,
    },
    /// A heartbeat.
    Heartbeat(SessionId, Box<Heartbeat>, Arc<Capabilities>),
    /// An offer was taken.
    Accept(SessionId, Accept),
    /// An offer was refused.
    Reject(SessionId, Reject),
    /// A JSON result.
    CompleteJson(SessionId, CompleteJson),
    /// A job could not be done.
    Fail(SessionId, Fail),
    /// A job is given back.
    Release(SessionId, Release),
    /// A job got further.
    Progress(SessionId, Progress),
    /// A running picture.
    Preview(SessionId, Preview),
    /// A running text.
    Delta(SessionId, Delta),
    /// The worker is about to close on purpose.
    Goodbye(SessionId),
    /// A frame without a job of its own (`logBatch`, `readyForMore`): the worker is there.
    Seen(SessionId),
    /// An upload was committed by the store.
    Uploaded {
        /// Who sent it.
        worker: WorkerId,
        /// Which job it finished.
        job: JobId,
    },
    /// Jobs were stored as queued: submitted, tried again, or put back.
    Queued(Vec<QueuedJob>),
    /// A job was cancelled in the store.
    Cancelled {
        /// Which.
        job: JobId,
        /// Told to the worker that holds it.
        reason: String,
    },
    /// A waiting job has another priority now.
    Reprioritised(QueuedJob),
    /// An operator paused a worker, or let it go on.
    Paused {
        /// Which.
        worker: WorkerId,
        /// Whether it is paused now.
        paused: bool,
    },
    /// An operator removed a worker; the store has put its jobs back.
    Removed {
        /// Which.
        worker: WorkerId,
        /// Its jobs.
        requeued: Vec<QueuedJob>,
    },
    /// An operator asks something of a worker; lost when it has no session that agreed to `control`.
    Control {
        /// Which.
        worker: WorkerId,
        /// What.
        control: Control,
    },
    /// Projects have these rules from now on; others keep theirs.
    Projects(Vec<(ProjectId, ProjectRules)>),
    /// The queue is held (jobs are taken in and none is offered), or goes on.
    Held(bool),
    /// A worker has these limits from now on, in every session.
    Limits {
        /// Which.
        worker: WorkerId,
        /// What it is given.
        limits: WorkerLimits,
    },
    /// The outcome of a [`StoreOp`], in the order of the ops.
    Stored(Stored),
    /// Time passed.
    Tick,
}

/// Something to do, in this order.
#[derive(Debug)]
pub enum Effect {
    /// Send a frame.
    Send(SessionId, StudioFrame),
    /// Send an `error` frame and close; the session is forgotten already.
    Close {
        /// Which.
        session: SessionId,
        /// With which code.
        code: CloseCode,
        /// In words.
        message: String,
    },
    /// Change the store, and bring the outcome back.
    Store(StoreOp),
    /// Tell watchers how far a job is.
    Progress(Progress),
    /// Show watchers a running picture.
    Preview(Preview),
    /// Show watchers a running text; `attempt` is always that of the claim.
    Delta(Delta),
}

/// What an operator may ask of a worker (extension `control`).
#[derive(Debug, Clone, PartialEq)]
pub enum Control {
    /// Take no more jobs.
    Pause,
    /// Take jobs again.
    Resume,
    /// End once what runs is done.
    Drain,
    /// Fetch and load a model before a job needs it.
    Load(ModelCommand),
    /// Give a model's memory back.
    Unload(ModelCommand),
    /// Look for an update now.
    Update,
}

impl Control {
    /// As it is said on the wire.
    pub fn frame(self) -> StudioFrame {
        match self {
            Self::Pause => StudioFrame::Pause,
            Self::Resume => StudioFrame::Resume,
            Self::Drain => StudioFrame::Drain,
            Self::Load(model) => StudioFrame::LoadModel(model),
            Self::Unload(model) => StudioFrame::UnloadModel(model),
            Self::Update => StudioFrame::UpdateNow,
        }
    }
}

/// How a claim ends without an outcome of the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GiveBack {
    /// The worker refused the offer.
    Rejected,
    /// The worker gave the job back.
    Released,
    /// The worker did not answer the offer.
    Unanswered,
    /// The offer did not leave the studio.
    NeverSent,
}

/// A change of the store, decided there in one transaction.
#[derive(Debug)]
pub enum StoreOp {
    /// Give a waiting job to a worker.
    Claim {
        /// Which session will be offered it.
        session: SessionId,
        /// Comes back with the outcome.
        ticket: u64,
        /// Which job.
        job: JobId,
        /// Whose session.
        worker: WorkerId,
    },
    /// The worker took the offer.
    Accept {
        /// Which job.
        job: JobId,
        /// Who.
        worker: WorkerId,
        /// Of the claim.
        attempt: u32,
    },
    /// Put a job back, nothing counted.
    GiveBack {
        /// Which job.
        job: JobId,
        /// Who held it.
        worker: WorkerId,
        /// Of the claim.
        attempt: u32,
        /// How.
        how: GiveBack,
        /// In words.
        reason: String,
    },
    /// Commit a JSON result.
    CompleteJson {
        /// Who waits for the acknowledgement.
        session: SessionId,
        /// Whose session.
        worker: WorkerId,
        /// The result.
        result: CompleteJson,
    },
    /// Record a failure.
    Fail {
        /// Who waits for the acknowledgement.
        session: SessionId,
        /// Whose session.
        worker: WorkerId,
        /// The failure.
        fail: Fail,
    },
    /// A worker vanished with a job.
    Lose {
        /// Which job.
        job: JobId,
        /// Who held it.
        worker: WorkerId,
        /// Of the claim.
        attempt: u32,
        /// In words.
        reason: String,
    },
    /// Whether a worker that accepts a job that it does not hold ever had it.
    WasHeld {
        /// Who.
        session: SessionId,
        /// Whose session.
        worker: WorkerId,
        /// Which job.
        job: JobId,
    },
}

/// A claim as the store made it, with what the offer needs.
#[derive(Debug, Clone)]
pub struct ClaimedJob {
    /// The number of this try, from 1.
    pub attempt: u32,
    /// What sort of thing it makes.
    pub kind: TaskKind,
    /// When it was submitted.
    pub created_at: Timestamp,
    /// The span of the request that submitted it.
    pub trace: Option<TraceParent>,
    /// Whose job.
    pub project: ProjectId,
    /// The name of the thing to make.
    pub asset_name: String,
    /// The registry's name of the model.
    pub model: String,
    /// Device memory that the job needs, GiB.
    pub vram_gb: f64,
    /// JSON of the task, unread.
    pub task: Box<RawValue>,
    /// JSON of the model source, unread.
    pub source: Box<RawValue>,
}

/// What became of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitOutcome {
    /// It is the job's result now.
    Committed,
    /// It was already.
    Again,
    /// It is of a claim that no longer counts.
    Stale,
    /// This worker never had the job.
    NeverHeld,
}

/// What became of a failure.
#[derive(Debug, Clone, PartialEq)]
pub enum FailOutcome {
    /// The job waits for another try.
    Requeued(QueuedJob),
    /// The job failed for good.
    Failed,
    /// It is of a claim that no longer counts.
    Stale,
    /// This worker never had the job.
    NeverHeld,
}

/// What became of a job whose worker vanished.
#[derive(Debug, Clone, PartialEq)]
pub enum LoseOutcome {
    /// The job waits for another try.
    Requeued(QueuedJob),
    /// The job took too many workers down.
    Quarantined,
    /// The claim was not current any more.
    NotHeld,
}

/// Why the store did not do it; nothing has changed then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreError(pub String);

/// The outcome of a [`StoreOp`].
#[derive(Debug)]
pub enum Stored {
    /// Of `Claim`; `None`: the job is not waiting any more.
    Claim {
        /// As in the op.
        session: SessionId,
        /// As in the op.
        ticket: u64,
        /// As in the op.
        job: JobId,
        /// As in the op.
        worker: WorkerId,
        /// The claim.
        outcome: Result<Option<Box<ClaimedJob>>, StoreError>,
    },
    /// Of `Accept`: whether the claim was current.
    Accept {
        /// As in the op.
        job: JobId,
        /// As in the op.
        worker: WorkerId,
        /// Whether it was.
        outcome: Result<bool, StoreError>,
    },
    /// Of `GiveBack`; `None`: the claim was not current any more.
    GiveBack {
        /// As in the op.
        job: JobId,
        /// As in the op.
        attempt: u32,
        /// The waiting job.
        outcome: Result<Option<QueuedJob>, StoreError>,
    },
    /// Of `CompleteJson`.
    CompleteJson {
        /// As in the op.
        session: SessionId,
        /// As in the op.
        job: JobId,
        /// What became of it.
        outcome: Result<CommitOutcome, StoreError>,
    },
    /// Of `Fail`.
    Fail {
        /// As in the op.
        session: SessionId,
        /// As in the op.
        job: JobId,
        /// What became of it.
        outcome: Result<FailOutcome, StoreError>,
    },
    /// Of `Lose`.
    Lose {
        /// As in the op.
        job: JobId,
        /// As in the op.
        attempt: u32,
        /// What became of it.
        outcome: Result<LoseOutcome, StoreError>,
    },
    /// Of `WasHeld`.
    WasHeld {
        /// As in the op.
        session: SessionId,
        /// As in the op.
        job: JobId,
        /// Whether it ever had it.
        outcome: Result<bool, StoreError>,
    },
}
