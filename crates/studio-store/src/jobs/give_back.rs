//! A claim ends without a result and without a failure: the job waits again, in its old place.

use rusqlite::params;
use studio_protocol::{JobId, Timestamp, WorkerId};
use studio_scheduler::QueuedJob;

use super::rows::queued_job;
use super::standing::{Claim, Standing, end_attempt, standing};
use crate::db::Db;
use crate::{AttemptOutcome, GiveBack, GivenBack, JobState, Result};

impl Db {
    /// Puts a held job back; nothing is counted against it.
    pub fn give_back(
        &mut self,
        job: &JobId,
        worker: &WorkerId,
        attempt: Option<u32>,
        how: GiveBack,
        reason: &str,
        now: Timestamp,
    ) -> Result<GivenBack> {
        self.atomically(|db| {
            let Standing::Current(claim) = standing(db, job, worker, attempt)? else {
                return Ok(GivenBack::NotHeld);
            };
            let outcome = match how {
                GiveBack::Released => Some(AttemptOutcome::Released),
                GiveBack::Unanswered => Some(AttemptOutcome::Unanswered),
                GiveBack::Rejected | GiveBack::NeverSent => None,
            };
            if let Some(outcome) = outcome {
                end_attempt(db, &claim, outcome, Some(reason), now)?;
            }
            requeue(db, &claim, None).map(GivenBack::Requeued)
        })
    }
}

/// Makes a held job wait again, with the claim's counts; a former error stays when there is no newer one.
pub(crate) fn requeue(db: &Db, claim: &Claim, error: Option<&str>) -> Result<QueuedJob> {
    const SQL: &str = "\
        UPDATE jobs SET state = 'queued', worker = NULL, claimed_at = NULL, started_at = NULL, \
            failures = ?2, losses = ?3, error = coalesce(?4, error) \
        WHERE seq = ?1";
    db.statement(SQL)?.execute(params![claim.seq, claim.failures, claim.losses, error])?;
    db.count(&claim.project, Some(claim.state), Some(JobState::Queued), 1);
    queued_job(db, claim.seq)
}
