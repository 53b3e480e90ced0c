//! What a worker wants done.

use std::sync::Arc;

use studio_protocol::{
    Capabilities, JobId, LogLevel, ModelCommand, OfferClaim, RequestId, WorkerClose, WorkerFrame, WorkerId,
};

use crate::{Identity, Secret, SpoolEntry};

/// One thing to do; effects are carried out in the order in which they were returned.
#[derive(Debug)]
pub enum Effect {
    /// `POST` a registration; answered by `Input::Registered`.
    Register {
        /// Of this install.
        install_id: String,
        /// Its SHA-256 goes on the wire.
        secret: Secret,
        /// What the worker can do.
        capabilities: Box<Capabilities>,
        /// Approves it without an operator.
        join_code: Option<Secret>,
    },
    /// Ask for the decision; answered by `Input::Polled`.
    Poll {
        /// Under which id.
        request_id: RequestId,
        /// The bearer.
        secret: Secret,
    },
    /// Write the registration to the config file before anything that follows.
    SaveIdentity(Identity),
    /// Write to the config file that an operator paused the worker until somebody says otherwise, or that a pause is over.
    SavePaused(bool),
    /// Give the memory of every model back: end engines at once, or as soon as they have nothing to do.
    FreeMemory {
        /// Without waiting for anything.
        at_once: bool,
    },
    /// Load what the owner wants in memory; at the start, and after [`Effect::FreeMemory`] once jobs are taken again.
    LoadResidents,
    /// Open a connection, in place of any other; answered by `Input::Socket` with this number.
    Connect {
        /// Its number.
        socket: u64,
        /// Who connects.
        worker_id: WorkerId,
        /// The bearer.
        auth_token: Secret,
    },
    /// Send on the open connection, at once.
    Send(WorkerFrame),
    /// Close the connection, or give up on opening it, without waiting; nothing more is heard of it.
    Close(WorkerClose),
    /// Start the engine for an accepted job.
    Run {
        /// Its claim.
        claim: Box<OfferClaim>,
        /// Whether [`EngineEvent::Delta`](crate::EngineEvent::Delta) is wanted.
        stream: bool,
        /// Whether [`EngineEvent::Preview`](crate::EngineEvent::Preview) is wanted.
        preview: bool,
    },
    /// Stop a running job; answered by `EngineEvent::Stopped`, or by the end that overtook it.
    Stop(JobId),
    /// Write a result to disk, in place of any older one of the job; answered by `Input::Spooled`.
    Spool(Arc<SpoolEntry>),
    /// Look whether the disk takes results; answered by `Input::SpoolChecked`.
    CheckSpool,
    /// Upload a result's bytes, in place of any upload of the job that still runs; answered by `Input::Uploaded`.
    Upload(Arc<SpoolEntry>),
    /// Delete all that is kept of a job, and break off its upload.
    Forget(JobId),
    /// A job that ran is over, for the owner's history; what is kept of it is still there.
    Ended {
        /// Which.
        job: JobId,
        /// How.
        end: JobEnd,
    },
    /// An operator wants a model fetched and loaded before a job needs it; nothing waits for the end of it.
    LoadModel(Box<ModelCommand>),
    /// An operator wants the memory of a model back once no job uses it.
    UnloadModel(String),
    /// Tell the log; an entry about a job comes back as `Input::Log`, with the time, for the studio.
    Log {
        /// How grave.
        level: LogLevel,
        /// What.
        message: String,
        /// About which job.
        job: Option<JobId>,
    },
    /// End the process once everything sent has left; nothing follows.
    Exit(ExitReason),
}

/// How a job ended on this worker.
#[derive(Debug, Clone)]
pub enum JobEnd {
    /// Its result is made, and on disk unless that is full.
    Done(Arc<SpoolEntry>),
    /// It could not be done here, in words.
    Failed(String),
    /// The studio wanted it no more.
    Cancelled,
    /// It went back to the studio, in words.
    Released(String),
}

/// Why a worker ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitReason {
    /// A signal, or an operator's drain.
    Stopped,
    /// The studio refused the token.
    AuthFailed,
    /// Another worker holds this worker id.
    DuplicateWorker,
    /// The reconnect attempts that the owner allowed are spent.
    ReconnectsSpent,
}
