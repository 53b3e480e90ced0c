//! Projects: whose jobs they are, and how much of the fleet is theirs.

use serde::{Deserialize, Serialize};
use studio_protocol::Timestamp;
use utoipa::ToSchema;

use crate::Counts;

/// Whose jobs they are.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Project {
    /// Its name.
    pub id: String,
    /// Its share of a busy fleet, against the weights of the others; 1 unless changed.
    pub weight: f64,
    /// The most jobs that may wait; a submission beyond it is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_queued: Option<u64>,
    /// The most jobs that may be held by workers at once; others wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_running: Option<u64>,
    /// Days after which the artefacts of ended jobs are deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_artefacts_days: Option<u32>,
    /// Days after which ended jobs are deleted with everything about them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_jobs_days: Option<u32>,
    /// Its jobs by state.
    #[schema(value_type = std::collections::BTreeMap<studio_store::JobState, u64>)]
    pub counts: Counts,
    /// When its first job came, or it was made.
    pub created_at: Timestamp,
}

/// A project made or changed; `null` takes a limit away, what is absent stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProjectPatch {
    /// Its share, above 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<f64>,
    /// The most jobs that may wait.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "stated")]
    pub max_queued: Option<Option<u64>>,
    /// The most jobs that may be held by workers at once.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "stated")]
    pub max_running: Option<Option<u64>>,
    /// Days for artefacts.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "stated")]
    pub keep_artefacts_days: Option<Option<u32>>,
    /// Days for jobs.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "stated")]
    pub keep_jobs_days: Option<Option<u32>>,
}

/// Tells `null` from an absent value.
#[expect(clippy::option_option, reason = "absent, null and a value are three things")]
fn stated<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::<T>::deserialize(deserializer).map(Some)
}
