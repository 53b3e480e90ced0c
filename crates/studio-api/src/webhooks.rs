//! Webhooks: who is told of what, and what became of it.

use serde::{Deserialize, Serialize};
use studio_protocol::Timestamp;
use utoipa::ToSchema;

/// An address that is told what happens, signed as <https://www.standardwebhooks.com> says.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Webhook {
    /// `hook-...`
    pub id: String,
    /// Where it is posted.
    pub url: String,
    /// Of what: `job.done`, `job.failed`, `job.cancelled`, `job.quarantined`, `batch.finished`, `worker.online`,
    /// `worker.offline`, `registration.pending`.
    pub events: Vec<String>,
    /// Only of this project's jobs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Nothing is sent.
    pub disabled: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A webhook to be made.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWebhook {
    /// Where it is posted: https to a public machine, unless the studio's owner allows more.
    pub url: String,
    /// At least one.
    pub events: Vec<String>,
    /// Only of this project's jobs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
}

/// A new webhook, its secret shown once.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct CreatedWebhook {
    /// The webhook.
    #[serde(flatten)]
    pub webhook: Webhook,
    /// `whsec_...`, what deliveries are signed with.
    pub secret: String,
}

/// What deliveries of a webhook are signed with.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct WebhookSecret {
    /// `whsec_...`
    pub secret: String,
}

/// Asks for a webhook's secret.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RotateSecret {
    /// For a new one: what is sent from now on is signed with it.
    #[serde(default)]
    pub rotate: bool,
}

/// A change to a webhook.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookPatch {
    /// Where it is posted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Of what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<Vec<String>>,
    /// Whether nothing is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
}

/// One thing that a webhook is told.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// `msg-...`; the header `webhook-id` of every try.
    pub id: String,
    /// What happened.
    pub event: String,
    /// Where it stands.
    pub state: DeliveryState,
    /// Tries so far.
    pub attempts: u32,
    /// The answer to the last try.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Why the last try failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// When it happened.
    pub created_at: Timestamp,
    /// When it is tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<Timestamp>,
}

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum DeliveryState {
    /// To be tried, or tried again.
    Waiting,
    /// Answered with success.
    Delivered,
    /// Given up.
    Failed,
}
