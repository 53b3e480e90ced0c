//! The frames of a session (protocol sections 3 and 9), as types.

mod studio;
mod worker;

use serde::Serialize;

pub use studio::{BadOffer, Cancel, ErrorFrame, JobAck, ModelCommand, Offer, OfferRaw, Welcome};
pub use worker::{
    Accept, CompleteJson, Delta, Fail, Goodbye, Heartbeat, Hello, LogBatch, LogEntry, LogLevel, Preview,
    Progress, Reject, RejectCode, Release, Stage,
};

/// What a worker says.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum WorkerFrame {
    /// First, once.
    Hello(Box<Hello>),
    /// After `welcome`, then every 5 s.
    Heartbeat(Box<Heartbeat>),
    /// An offer was taken.
    Accept(Accept),
    /// An offer was refused.
    Reject(Reject),
    /// A result that is JSON.
    CompleteJson(CompleteJson),
    /// A job could not be done.
    Fail(Fail),
    /// What was logged lately.
    LogBatch(LogBatch),
    /// Taken by a studio, never sent by our worker.
    ReadyForMore,
    /// Extension `progress`.
    Progress(Progress),
    /// Extension `preview`.
    Preview(Preview),
    /// Extension `stream`.
    Delta(Delta),
    /// Extension `release`.
    Release(Release),
    /// Extension `goodbye`.
    Goodbye(Goodbye),
}

/// What a studio says.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum StudioFrame {
    /// `hello` was accepted.
    Welcome(Welcome),
    /// A job.
    Offer(Box<Offer>),
    /// A job, with its task passed on unread; only ever written.
    #[serde(rename = "offer")]
    OfferRaw(Box<OfferRaw>),
    /// An offer that could be read no further than its job id; only ever read, so that the job can be failed by name.
    #[serde(skip)]
    BadOffer(BadOffer),
    /// One per heartbeat.
    HeartbeatAck,
    /// A JSON result is stored.
    CompleteAck(JobAck),
    /// A failure is stored.
    FailAck(JobAck),
    /// The session ends.
    Error(ErrorFrame),
    /// Extension `cancel`.
    Cancel(Cancel),
    /// Extension `control`: take no more offers.
    Pause,
    /// Extension `control`: take offers again.
    Resume,
    /// Extension `control`: finish what runs, then stop.
    Drain,
    /// Extension `control`.
    LoadModel(ModelCommand),
    /// Extension `control`.
    UnloadModel(ModelCommand),
    /// Extension `control`.
    UpdateNow,
}
