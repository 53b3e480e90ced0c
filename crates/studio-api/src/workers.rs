//! Workers, and requests to become one.

use serde::{Deserialize, Serialize};
use studio_protocol::{Capabilities, LogLevel, Timestamp};
use studio_store::{RegistrationState, WorkerLimits};
use utoipa::ToSchema;

use crate::Job;

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
    /// Finishes what it has and gets no offers, until an operator has it resume.
    #[serde(default)]
    pub draining: bool,
    /// Its program is older than the newest one that this studio knows of.
    #[serde(default)]
    pub outdated: bool,
    /// What an operator lets it have.
    #[serde(default)]
    pub limits: WorkerLimits,
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
    /// The same with their progress, as far as the caller may see them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub current_jobs: Vec<Job>,
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
    /// What it may have, all of it at once: what is absent is no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<WorkerLimits>,
}

/// A line of a worker's log.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkerLog {
    /// Grows from line to line; hand the last one in as `after` for those that came since.
    pub seq: u64,
    /// By the worker's clock.
    pub ts: Timestamp,
    /// How bad.
    pub level: LogLevel,
    /// The part of the worker that speaks.
    pub category: String,
    /// What it says.
    pub message: String,
    /// The job that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
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
    pub ttl_seconds: Option<u64>,
    /// One when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
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
