//! What operators decide about projects and workers, as far as matching has to honour it.

use studio_protocol::{ProjectId, TaskKind};

/// The smallest share that a project may have: below it, its jobs would wait for days behind one other project.
pub const MIN_WEIGHT: f64 = 0.001;
/// The largest: beyond it the steps of the fair queue could not tell two shares apart.
pub const MAX_WEIGHT: f64 = 1_000.0;

/// How much of the fleet is a project's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ProjectRules {
    /// Its share of a busy fleet, against the weights of the others; from [`MIN_WEIGHT`] to [`MAX_WEIGHT`].
    pub weight: f64,
    /// The most of its jobs that workers may hold at once.
    pub max_running: Option<u64>,
}

impl Default for ProjectRules {
    fn default() -> Self {
        Self { weight: 1.0, max_running: None }
    }
}

/// What a worker is given, beside what it says that it can do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkerLimits {
    /// Only jobs of these kinds.
    pub kinds: Option<Vec<TaskKind>>,
    /// Only jobs of these projects.
    pub projects: Option<Vec<ProjectId>>,
    /// At most this many jobs at once, whatever its slots say.
    pub max_jobs: Option<u32>,
}

impl WorkerLimits {
    /// Whether it is given jobs of this kind.
    pub fn takes_kind(&self, kind: TaskKind) -> bool {
        self.kinds.as_ref().is_none_or(|kinds| kinds.contains(&kind))
    }

    /// Whether it is given jobs of this project.
    pub fn takes_project(&self, project: &ProjectId) -> bool {
        self.projects.as_ref().is_none_or(|projects| projects.contains(project))
    }

    /// Whether it may get another job while it has `jobs`.
    pub fn has_room(&self, jobs: usize) -> bool {
        self.max_jobs.is_none_or(|most| jobs < most as usize)
    }
}
