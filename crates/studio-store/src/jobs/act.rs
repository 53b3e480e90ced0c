//! One action on many jobs, in one transaction; each job's own outcome is told.

use studio_protocol::{JobId, ProjectId, Timestamp};

use super::cancel::cancel_one;
use super::retry::{prioritise_one, retry_one};
use super::standing::Claim;
use crate::db::Db;
use crate::{ActionOutcome, CancelOutcome, JobAction, Result, StoreError};

impl Db {
    /// Does `action` to each of the jobs; `project`: those of others do not exist.
    pub fn act(
        &mut self,
        jobs: &[JobId],
        action: &JobAction,
        project: Option<&ProjectId>,
        now: Timestamp,
    ) -> Result<Vec<(JobId, ActionOutcome)>> {
        self.atomically(|db| {
            jobs.iter().map(|job| Ok((job.clone(), act_on(db, job, action, project, now)?))).collect()
        })
    }
}

fn act_on(
    db: &Db,
    job: &JobId,
    action: &JobAction,
    project: Option<&ProjectId>,
    now: Timestamp,
) -> Result<ActionOutcome> {
    if let Some(project) = project
        && Claim::find(db, job)?.is_none_or(|found| found.project != *project)
    {
        return Ok(ActionOutcome::NotFound);
    }
    let outcome = match action {
        JobAction::Cancel { reason } => cancel_one(db, job, reason, now).map(|outcome| match outcome {
            CancelOutcome::Cancelled { .. } => ActionOutcome::Cancelled,
            CancelOutcome::AlreadyEnded(state) => ActionOutcome::Refused(format!("is {state} already")),
            CancelOutcome::NotFound => ActionOutcome::NotFound,
        }),
        JobAction::Retry => retry_one(db, job).map(ActionOutcome::Waits),
        JobAction::Priority(priority) => prioritise_one(db, job, *priority).map(|queued| match queued {
            Some(queued) => ActionOutcome::Waits(queued),
            None => ActionOutcome::Changed,
        }),
    };
    match outcome {
        // Both say so before they have changed anything.
        Err(StoreError::NotFound { .. }) => Ok(ActionOutcome::NotFound),
        Err(StoreError::Conflict { problem, .. }) => Ok(ActionOutcome::Refused(problem)),
        other => other,
    }
}
