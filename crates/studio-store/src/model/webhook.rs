//! Webhooks and what they are told.

use studio_protocol::{ProjectId, Timestamp};

use super::word_enum;
use crate::WebhookId;

word_enum! {
    /// What a webhook may be told of.
    WebhookEvent {
        /// A job's result is stored.
        JobDone = "job.done",
        /// A job has no try left.
        JobFailed = "job.failed",
        /// A job was called off.
        JobCancelled = "job.cancelled",
        /// A job was set aside.
        JobQuarantined = "job.quarantined",
        /// The last open job of a batch ended.
        BatchFinished = "batch.finished",
        /// A worker has a session.
        WorkerOnline = "worker.online",
        /// A worker has none any more.
        WorkerOffline = "worker.offline",
        /// A machine asks to join.
        RegistrationPending = "registration.pending",
        /// Somebody wants to see whether it works; nobody subscribes to it.
        Test = "webhook.test",
    }
}

word_enum! {
    /// Where a delivery stands.
    DeliveryState {
        /// To be tried, or tried again.
        Waiting = "waiting",
        /// Answered with success.
        Delivered = "delivered",
        /// Given up.
        Failed = "failed",
    }
}

/// Who is told of what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Which.
    pub id: WebhookId,
    /// Where it is posted.
    pub url: String,
    /// Of what.
    pub events: Vec<WebhookEvent>,
    /// Only of this project.
    pub project: Option<ProjectId>,
    /// Nothing is recorded nor sent.
    pub disabled: bool,
    /// Counts its secrets.
    pub secret_version: u32,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A webhook to be stored.
#[derive(Debug, Clone)]
pub struct NewWebhook {
    /// Fresh, drawn by the caller.
    pub id: WebhookId,
    /// Where it is posted; checked by the caller.
    pub url: String,
    /// At least one.
    pub events: Vec<WebhookEvent>,
    /// Only of this project.
    pub project: Option<ProjectId>,
}

/// What is to be changed of a webhook.
#[derive(Debug, Clone, Default)]
pub struct WebhookChange {
    /// Where it is posted.
    pub url: Option<String>,
    /// Of what.
    pub events: Option<Vec<WebhookEvent>>,
    /// Whether it is left alone.
    pub disabled: Option<bool>,
    /// The secret is another one from now on.
    pub rotate: bool,
}

/// One thing that a webhook is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// `msg-...`, the same for every try.
    pub id: String,
    /// Of what.
    pub event: WebhookEvent,
    /// Where it stands.
    pub state: DeliveryState,
    /// Tries so far.
    pub attempts: u32,
    /// The answer to the last try.
    pub status: Option<u16>,
    /// Why the last try failed.
    pub error: Option<String>,
    /// When it happened.
    pub created_at: Timestamp,
    /// When it is tried next.
    pub next_at: Option<Timestamp>,
}

/// A delivery whose time has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueDelivery {
    /// `msg-...`
    pub id: String,
    /// To whom.
    pub webhook: WebhookId,
    /// Where.
    pub url: String,
    /// Which secret signs it.
    pub secret_version: u32,
    /// The body.
    pub payload: String,
    /// Tries before this one.
    pub attempts: u32,
}

/// What became of a try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// The answer, if there was one.
    pub status: Option<u16>,
    /// Why it did not work; absent when it did.
    pub error: Option<String>,
    /// When to try again; absent when this was the last try.
    pub next_at: Option<Timestamp>,
    /// The receiver wants no more of this webhook.
    pub disable: bool,
}
