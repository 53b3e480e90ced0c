//! Projects: whose jobs they are, how much of the fleet is theirs, what is kept of them.

use studio_protocol::{ProjectId, Timestamp};
use studio_scheduler::ProjectRules;

use super::StateCounts;

/// A project as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Project {
    /// Its name.
    pub id: ProjectId,
    /// Its share of a busy fleet, against the weights of the others.
    pub weight: f64,
    /// The most jobs that may wait.
    pub max_queued: Option<u64>,
    /// The most jobs that workers may hold at once.
    pub max_running: Option<u64>,
    /// Days for artefacts of ended jobs.
    pub keep_artefacts_days: Option<u32>,
    /// Days for ended jobs.
    pub keep_jobs_days: Option<u32>,
    /// Its jobs by state.
    pub counts: StateCounts,
    /// When its first job came, or it was made.
    pub created_at: Timestamp,
}

impl Project {
    /// What of it the scheduler honours.
    pub fn rules(&self) -> ProjectRules {
        ProjectRules { weight: self.weight, max_running: self.max_running }
    }
}

/// A change to a project; what is absent stays.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ProjectChange {
    /// Its share.
    pub weight: Option<f64>,
    /// The most jobs that may wait; `Some(None)`: as many as come.
    pub max_queued: Option<Option<u64>>,
    /// The most jobs that workers may hold at once; as above.
    pub max_running: Option<Option<u64>>,
    /// Days for artefacts; `Some(None)`: for ever.
    pub keep_artefacts_days: Option<Option<u32>>,
    /// Days for ended jobs; as above.
    pub keep_jobs_days: Option<Option<u32>>,
}
