//! Workers, and requests to become one.

use serde::{Deserialize, Serialize};
use studio_protocol::{Capabilities, Timestamp};
use studio_store::RegistrationState;
use utoipa::ToSchema;

/// A worker, whether it is there or not.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Worker {
    /// `w-...`
    pub id: String,
    /// For people.
    pub name: String,
    /// Gets no offers by an operator's decision.
    pub paused: bool,
    /// Has a session now.
    pub online: bool,
    /// Approval.
    pub created_at: Timestamp,
    /// The latest sign of life.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen_at: Option<Timestamp>,
    /// When its session began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connected_at: Option<Timestamp>,
    /// Jobs that it holds; only when one worker is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jobs: Option<Vec<String>>,
    /// As it last described itself.
    pub capabilities: Capabilities,
}

/// A change to a worker.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct WorkerPatch {
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether it gets offers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<bool>,
}

/// A worker's request to join.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Registration {
    /// `rr-...`
    pub id: String,
    /// Where it is.
    pub status: RegistrationState,
    /// The worker's own identity.
    pub install_id: String,
    /// Who asks, by its own word.
    pub machine_name: String,
    /// Program and version.
    pub user_agent: String,
    /// Where the request came from.
    pub source_addr: String,
    /// When it first asked.
    pub created_at: Timestamp,
    /// The decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<Timestamp>,
    /// The worker that it became.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<String>,
    /// Why it was rejected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// As it described itself.
    pub capabilities: Capabilities,
}

/// An approval.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct Approve {
    /// The worker's name; its machine's name when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// What a join code is to be.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewJoinCode {
    /// A quarter of an hour when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 86_400)]
    pub ttl_seconds: Option<u64>,
    /// One when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1000)]
    pub uses: Option<u32>,
}

/// A join code, shown once.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JoinCode {
    /// For `studio-worker join`.
    pub code: String,
    /// Refused from then on.
    pub expires_at: Timestamp,
    /// Workers that it lets in.
    pub uses: u32,
}

impl std::fmt::Debug for JoinCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JoinCode")
            .field("expires_at", &self.expires_at)
            .field("uses", &self.uses)
            .finish_non_exhaustive()
    }
}
