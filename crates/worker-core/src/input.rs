//! What can happen to a worker.

use std::collections::BTreeMap;

use studio_protocol::{
    Capabilities, CloseCode, JobId, LogEntry, RegistrationStatus, RequestId, Stage, StudioFrame, TaskKind,
};

use crate::{Output, Pause, Rules, Secret, Seen, Settings};

/// One thing that happened.
#[derive(Debug)]
pub enum Input {
    /// Time passed; also the first input of all.
    Tick,
    /// Something about the connection that `Effect::Connect` numbered `socket`; late news of older ones are ignored.
    Socket {
        /// The number of the connection.
        socket: u64,
        /// What happened.
        event: SocketEvent,
    },
    /// The answer to `Effect::Register`.
    Registered(PostAnswer),
    /// The answer to `Effect::Poll`.
    Polled(PollAnswer),
    /// News of a running job.
    Engine(EngineEvent),
    /// The answer to `Effect::Spool`.
    Spooled {
        /// Of which job.
        job: JobId,
        /// Whether it is on disk.
        outcome: SpoolOutcome,
    },
    /// The answer to `Effect::CheckSpool`.
    SpoolChecked {
        /// Whether the disk takes results again.
        writable: bool,
    },
    /// The end of `Effect::Upload`.
    Uploaded {
        /// Of which job.
        job: JobId,
        /// The attempt that the uploaded entry named.
        attempt: Option<u32>,
        /// How it ended.
        outcome: UploadOutcome,
    },
    /// What the machine is and has now.
    Machine(Box<Machine>),
    /// The owner changed settings; pause and rules of them are not looked at.
    Settings(Box<Settings>),
    /// The studio has another address, which the shell uses from now on.
    StudioMoved,
    /// The owner wants to be another worker: the registration is forgotten, and a new one begins at once.
    ResetRegistration,
    /// The owner has a code that approves this worker; a worker that has joined already ignores it.
    Join(Secret),
    /// The owner pauses the worker, in place of any pause before.
    Pause(Pause),
    /// The owner ends the pause; rules that hold go on.
    Resume,
    /// The owner's rules are these from now on.
    Rules(Box<Rules>),
    /// A look at the machine, for the rules and for a pause until nobody uses it.
    Seen(Box<Seen>),
    /// Something for the studio's log.
    Log(LogEntry),
    /// The first signal: end within the grace.
    Shutdown,
    /// The owner wants a running job to go back to the studio.
    Release(JobId),
    /// The owner wants the end of what runs, and then of the worker.
    Drain,
}

/// What the machine is and has now.
#[derive(Debug, Clone, Default)]
pub struct Machine {
    /// What the worker says of itself; `autoEnabled`, `features` and `slots` are filled in by the core.
    pub capabilities: Capabilities,
    /// Device memory that a job could have, GiB: what is free, and what idle models would give back; `None` when no GPU
    /// can be read.
    pub free_vram_gb: Option<f64>,
    /// Why nothing can be taken now, for a person: offers are refused as `busy` with these words.
    pub busy_reason: Option<String>,
    /// Jobs that programs of this machine asked for; they hold slots that no studio knows of.
    pub local_jobs: BTreeMap<TaskKind, u32>,
}

/// What happened to a connection.
#[derive(Debug)]
pub enum SocketEvent {
    /// The upgrade was answered with 101.
    Opened,
    /// No connection: refused, reset, unresolvable, TLS.
    Failed(String),
    /// The upgrade was answered with another status.
    Refused {
        /// The status.
        status: u16,
        /// The first characters of the body.
        body: String,
    },
    /// A frame.
    Frame(Box<StudioFrame>),
    /// A frame of a type that this build does not know.
    UnknownFrame(String),
    /// A text that is no frame, or a known frame with wrong fields.
    Unreadable(String),
    /// A close frame, or without a code the cut of the socket.
    Closed(Option<CloseCode>),
}

/// The answer to a registration request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PostAnswer {
    /// Ask for the decision under this id.
    Taken(RequestId),
    /// Anything else, in words.
    Failed(String),
}

/// The answer to a poll.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PollAnswer {
    /// A decision, or `pending`.
    Status(RegistrationStatus),
    /// 404: the studio does not know the request.
    Unknown,
    /// Anything else, in words.
    Failed(String),
}

/// News of a running job.
#[derive(Debug)]
pub enum EngineEvent {
    /// It goes on.
    Progress {
        /// Which.
        job: JobId,
        /// How far.
        report: ProgressReport,
    },
    /// The text grows; dropped when `Effect::Run` did not ask for it.
    Delta {
        /// Which.
        job: JobId,
        /// What was said since the last one.
        text: String,
        /// What was thought since the last one.
        reasoning: Option<String>,
    },
    /// What the picture looks like so far; dropped when `Effect::Run` did not ask for it.
    Preview {
        /// Which.
        job: JobId,
        /// Of the picture.
        mime: String,
        /// Base64, at most [`studio_protocol::MAX_PREVIEW_BYTES`].
        data: String,
    },
    /// It is done.
    Finished {
        /// Which.
        job: JobId,
        /// What it made.
        output: Output,
    },
    /// It cannot be done here.
    Failed {
        /// Which.
        job: JobId,
        /// For a person.
        error: String,
        /// Whether another try may succeed.
        retryable: bool,
    },
    /// It does not fit the memory that is free: another worker, or this one later, may have room.
    OutOfMemory {
        /// Which.
        job: JobId,
        /// For a person; names what was needed and what was there.
        error: String,
    },
    /// It ended because of `Effect::Stop`.
    Stopped {
        /// Which.
        job: JobId,
    },
}

impl EngineEvent {
    /// The job whose last event this is.
    pub(crate) fn ended(&self) -> Option<&JobId> {
        match self {
            Self::Finished { job, .. }
            | Self::Failed { job, .. }
            | Self::OutOfMemory { job, .. }
            | Self::Stopped { job } => Some(job),
            Self::Progress { .. } | Self::Delta { .. } | Self::Preview { .. } => None,
        }
    }
}

/// How far a job is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProgressReport {
    /// Steps done.
    pub step: u32,
    /// Steps in all, 0 when unknown.
    pub steps: u32,
    /// Estimated time left.
    pub eta_ms: Option<u64>,
    /// What it is busy with.
    pub stage: Option<Stage>,
    /// Bytes moved in this stage.
    pub bytes: Option<u64>,
    /// Bytes to move in this stage.
    pub total_bytes: Option<u64>,
}

/// Whether a result is on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SpoolOutcome {
    /// It is.
    Written,
    /// It is not, and why; it stays in memory.
    NotWritten(String),
}

/// How an upload ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UploadOutcome {
    /// 2xx.
    Taken,
    /// 4xx: refused for good.
    Refused {
        /// The status.
        status: u16,
        /// The first characters of the body.
        body: String,
    },
    /// 5xx, refused, reset, timeout.
    TryAgain(String),
    /// The bytes are gone or not what was written.
    PayloadLost(String),
}
