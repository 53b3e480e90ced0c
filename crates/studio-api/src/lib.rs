//! Requests and answers of `/api/v1`, as both sides read and write them.
//!
//! JSON keys are camelCase, absent values are left out, unknown keys are ignored.

mod access;
mod artefacts;
mod batches;
mod jobs;
mod keys;
mod models;
mod overview;
mod projects;
mod webhooks;
mod workers;

pub use access::{
    AuditEntry, ChangePassword, CreatedUser, NewUser, Session, SetUp, SetUpLink, SignIn, User, UserPatch,
};
pub use artefacts::{Artefact, ArtefactLink, ArtefactSummary, Input, NewArtefactLink};
pub use batches::{Batch, BatchChange, BatchJob, Counts, NewBatch};
pub use jobs::{
    ActionFilter, ActionResult, ActionResults, ActionTaken, Attempt, Job, JobActions, JobDetail, JobLog,
    JobPage, JobPatch, JobProgress, Jobs, MoveEnd, MoveJob, NewJob, NewJobs, Reason,
};
pub use keys::{CreatedKey, Key, NewKey};
pub use models::{
    AddModel, FetchState, Model, ModelDetail, ModelFetch, ModelFileState, ModelPatch, ModelWorkers, PutModel,
};
pub use overview::{Overview, QueuePatch, QueueState};
pub use projects::{Project, ProjectPatch};
pub use webhooks::{
    CreatedWebhook, Delivery, DeliveryState, NewWebhook, RotateSecret, Webhook, WebhookPatch, WebhookSecret,
};
pub use workers::{Approve, JoinCode, NewJoinCode, Registration, Worker, WorkerLog, WorkerPatch};

pub use studio_store::{Minute, WorkerLimits};

use serde::{Deserialize, Serialize};
use studio_protocol::Timestamp;
use utoipa::ToSchema;

/// A page of a list.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Items<T> {
    /// Newest first.
    pub items: Vec<T>,
    /// Hand it in as `cursor` for the next page; null on the last one.
    pub next_cursor: Option<String>,
}

/// What the studio is doing.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// Of the studio.
    pub version: String,
    /// Of the studio's machine.
    pub time: Timestamp,
    /// Every job by state.
    #[schema(value_type = std::collections::BTreeMap<studio_store::JobState, u64>)]
    pub jobs: Counts,
    /// Workers with a session.
    pub workers_online: u64,
    /// Workers that were approved.
    pub workers: u64,
    /// Registrations that wait for a decision.
    pub registrations_pending: u64,
}
