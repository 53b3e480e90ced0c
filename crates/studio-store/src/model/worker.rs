//! Workers, and requests to become one.

use serde::{Deserialize, Serialize};
use studio_protocol::{ProjectId, RequestId, TaskKind, Timestamp, WorkerId};

use super::{raw_json, word_enum};
use crate::SecretHash;

/// A request to join.
#[derive(Debug, Clone)]
pub struct NewRegistration {
    /// Fresh, drawn by the caller; not used when the install already waits.
    pub request_id: RequestId,
    /// Stable per install.
    pub install_id: String,
    /// Of the secret that the worker polls with.
    pub secret_hash: SecretHash,
    /// JSON of [`studio_protocol::Capabilities`].
    pub capabilities_json: String,
    /// `studio-worker/<version>`.
    pub user_agent: String,
    /// Where it came from.
    pub source_addr: String,
}

/// What became of a request to join.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// Ask for the decision under this id.
    pub request_id: RequestId,
    /// Whether a join code decided it at once.
    pub approved: bool,
}

/// The answer to a worker that asks for the decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Poll {
    /// No such request.
    Unknown,
    /// Somebody else asks; nothing changed.
    WrongSecret,
    /// No decision yet.
    Pending,
    /// Welcome; the fresh token is the only good one from now on.
    Approved {
        /// Who it is.
        worker_id: WorkerId,
    },
    /// An operator said no.
    Rejected {
        /// In words, may be empty.
        reason: String,
    },
}

word_enum! {
    /// Where a registration is.
    RegistrationState {
        /// Waits for a decision.
        Pending = "pending",
        /// Became a worker.
        Approved = "approved",
        /// Was refused.
        Rejected = "rejected",
    }
}

/// A request to join, as operators see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RegistrationRecord {
    /// Which.
    pub id: RequestId,
    /// Stable per install.
    pub install_id: String,
    /// Where it is.
    pub status: RegistrationState,
    /// JSON of [`studio_protocol::Capabilities`].
    #[serde(rename = "capabilities", serialize_with = "raw_json")]
    pub capabilities_json: String,
    /// `studio-worker/<version>`.
    pub user_agent: String,
    /// Where it came from.
    pub source_addr: String,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The worker that it became.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worker_id: Option<WorkerId>,
    /// When it came in.
    pub created_at: Timestamp,
    /// When it was decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<Timestamp>,
}

/// What an operator lets a worker have; absent values are no limits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WorkerLimits {
    /// Only jobs of these kinds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kinds: Option<Vec<TaskKind>>,
    /// Only jobs of these projects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(value_type = Option<Vec<String>>))]
    pub projects: Option<Vec<ProjectId>>,
    /// At most this many jobs at once, whatever its slots say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_jobs: Option<u32>,
    /// Words for people: where it stands, whose it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
}

impl WorkerLimits {
    /// What of them the scheduler honours.
    pub fn rules(&self) -> studio_scheduler::WorkerLimits {
        let Self { kinds, projects, max_jobs, .. } = self.clone();
        studio_scheduler::WorkerLimits { kinds, projects, max_jobs }
    }
}

/// An approved worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkerRecord {
    /// Which.
    pub id: WorkerId,
    /// For people.
    pub name: String,
    /// Of the token that it connects with; absent until it fetched one.
    #[serde(skip)]
    pub token_hash: Option<SecretHash>,
    /// Whether an operator paused it.
    pub paused: bool,
    /// Whether an operator lets it finish what it has and go.
    pub draining: bool,
    /// What an operator lets it have.
    pub limits: WorkerLimits,
    /// What it said last: JSON of [`studio_protocol::Capabilities`].
    #[serde(rename = "capabilities", serialize_with = "raw_json")]
    pub capabilities_json: String,
    /// When it was approved.
    pub created_at: Timestamp,
    /// When it was last heard of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_seen_at: Option<Timestamp>,
}
