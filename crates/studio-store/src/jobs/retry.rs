//! What an operator changes on a job: another chance, another priority.

use rusqlite::params;
use studio_protocol::{JobId, Timestamp};
use studio_scheduler::QueuedJob;

use super::rows::queued_job;
use super::standing::Claim;
use crate::db::Db;
use crate::{JobState, Result, StoreError};

impl Db {
    /// Makes a job that ended without a result wait again, all its tries back; attempt numbers go on.
    pub fn retry(&mut self, job: &JobId, _now: Timestamp) -> Result<QueuedJob> {
        self.atomically(|db| retry_one(db, job))
    }

    /// Changes the order in which a job waits; gives it back when it still does.
    pub fn set_priority(&mut self, job: &JobId, priority: i32) -> Result<Option<QueuedJob>> {
        self.atomically(|db| prioritise_one(db, job, priority))
    }
}

/// The same, as a part of a transaction that is under way.
pub(super) fn prioritise_one(db: &Db, job: &JobId, priority: i32) -> Result<Option<QueuedJob>> {
    let claim = Claim::find(db, job)?.ok_or_else(|| StoreError::not_found("job", job.as_str()))?;
    if !claim.state.is_open() {
        return Err(StoreError::conflict("job", job.as_str(), format!("is {} already", claim.state)));
    }
    db.statement("UPDATE jobs SET priority = ?2 WHERE seq = ?1")?.execute(params![claim.seq, priority])?;
    (claim.state == JobState::Queued).then(|| queued_job(db, claim.seq)).transpose()
}

/// The same as [`Db::retry`], as a part of a transaction that is under way.
pub(crate) fn retry_one(db: &Db, job: &JobId) -> Result<QueuedJob> {
    const SQL: &str = "\
        UPDATE jobs SET state = 'queued', worker = NULL, failures = 0, losses = 0, counted_from = attempt, \
            error = NULL, claimed_at = NULL, started_at = NULL, finished_at = NULL \
        WHERE seq = ?1";
    let claim = Claim::find(db, job)?.ok_or_else(|| StoreError::not_found("job", job.as_str()))?;
    if claim.state.is_open() || claim.state == JobState::Done {
        let problem = format!("is {}: only failed, cancelled and quarantined jobs are retried", claim.state);
        return Err(StoreError::conflict("job", job.as_str(), problem));
    }
    let enabled = db.statement("SELECT 1 FROM models WHERE id = ?1 AND enabled")?.exists([&claim.model])?;
    if !enabled {
        let problem =
            format!("needs the model `{}`, which is disabled or gone: bring it back first", claim.model);
        return Err(StoreError::conflict("job", job.as_str(), problem));
    }
    db.statement(SQL)?.execute([claim.seq])?;
    db.count(&claim.project, Some(claim.state), Some(JobState::Queued), 1);
    queued_job(db, claim.seq)
}
