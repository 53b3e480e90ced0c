//! Calling jobs off.

use rusqlite::params;
use studio_protocol::{JobId, Timestamp};

use super::standing::{Claim, end_attempt};
use crate::db::Db;
use crate::{AttemptOutcome, CancelOutcome, JobState, Result, WebhookEvent};

impl Db {
    /// Calls a job off; tells who held it, so that they can be told to stop.
    pub fn cancel(&mut self, job: &JobId, reason: &str, now: Timestamp) -> Result<CancelOutcome> {
        self.atomically(|db| cancel_one(db, job, reason, now))
    }
}

/// The same, as a part of a transaction that is under way.
pub(crate) fn cancel_one(db: &Db, job: &JobId, reason: &str, now: Timestamp) -> Result<CancelOutcome> {
    const SQL: &str = "UPDATE jobs SET state = 'cancelled', finished_at = ?2, error = ?3 WHERE seq = ?1";
    let Some(claim) = Claim::find(db, job)? else { return Ok(CancelOutcome::NotFound) };
    if !claim.state.is_open() {
        return Ok(CancelOutcome::AlreadyEnded(claim.state));
    }
    if claim.state.is_held() {
        end_attempt(db, &claim, AttemptOutcome::Cancelled, Some(reason), now)?;
    }
    db.statement(SQL)?.execute(params![claim.seq, now.as_millis(), reason])?;
    db.announce_end(claim.seq, WebhookEvent::JobCancelled, now)?;
    db.count(&claim.project, Some(claim.state), Some(JobState::Cancelled), 1);
    Ok(CancelOutcome::Cancelled { held: claim.worker.map(|worker| (worker, claim.attempt)) })
}
