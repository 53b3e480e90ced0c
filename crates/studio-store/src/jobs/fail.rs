//! Things go wrong: reported failures, and workers that vanish with a job.

use rusqlite::params;
use studio_protocol::{JobId, Timestamp, WorkerId};

use super::give_back::requeue;
use super::standing::{Claim, Standing, end_attempt, standing};
use crate::db::Db;
use crate::text::clipped;
use crate::{AttemptOutcome, FailOutcome, JobState, LoseOutcome, Result, WebhookEvent};

/// Workers that a job may take down before it is set aside.
const MAX_LOST_WORKERS: usize = 2;
/// Losses in all, for a fleet of one worker that restarts each time.
const MAX_LOSSES: u32 = 5;
/// Characters of an error that are kept: an engine's last words, not its whole log.
const MAX_ERROR_CHARS: usize = 4_000;

impl Db {
    /// Ends the attempt as failed; the job gets another try when it is worth one and has one left.
    pub fn fail(
        &mut self,
        job: &JobId,
        worker: &WorkerId,
        attempt: Option<u32>,
        error: &str,
        retryable: bool,
        now: Timestamp,
    ) -> Result<FailOutcome> {
        let error = clipped(error, MAX_ERROR_CHARS);
        self.atomically(|db| {
            let mut claim = match standing(db, job, worker, attempt)? {
                Standing::Current(claim) => claim,
                Standing::Done | Standing::Past => return Ok(FailOutcome::Stale),
                Standing::Never => return Ok(FailOutcome::NeverHeld),
            };
            end_attempt(db, &claim, AttemptOutcome::Failed, Some(&error), now)?;
            claim.failures += 1;
            if retryable && claim.failures < claim.max_attempts {
                return requeue(db, &claim, Some(&error)).map(FailOutcome::Requeued);
            }
            end_job(db, &claim, JobState::Failed, &error, now)?;
            db.announce_end(claim.seq, WebhookEvent::JobFailed, now)?;
            Ok(FailOutcome::Failed)
        })
    }

    /// Ends the attempt of a worker that vanished; a job that was lost too often is set aside for an operator.
    pub fn lose(
        &mut self,
        job: &JobId,
        worker: &WorkerId,
        attempt: Option<u32>,
        reason: &str,
        now: Timestamp,
    ) -> Result<LoseOutcome> {
        let reason = clipped(reason, MAX_ERROR_CHARS);
        self.atomically(|db| {
            let Standing::Current(mut claim) = standing(db, job, worker, attempt)? else {
                return Ok(LoseOutcome::NotHeld);
            };
            end_attempt(db, &claim, AttemptOutcome::Lost, Some(&reason), now)?;
            claim.losses += 1;
            let losses = losses_that_count(db, &claim)?;
            if distinct_workers(&losses) < MAX_LOST_WORKERS && claim.losses < MAX_LOSSES {
                return requeue(db, &claim, Some(&reason)).map(LoseOutcome::Requeued);
            }
            end_job(db, &claim, JobState::Quarantined, &describe(&losses), now)?;
            db.announce_end(claim.seq, WebhookEvent::JobQuarantined, now)?;
            Ok(LoseOutcome::Quarantined)
        })
    }
}

fn end_job(db: &Db, claim: &Claim, state: JobState, error: &str, now: Timestamp) -> Result<()> {
    const SQL: &str = "\
        UPDATE jobs SET state = ?2, finished_at = ?3, error = ?4, failures = ?5, losses = ?6 WHERE seq = ?1";
    db.statement(SQL)?.execute(params![
        claim.seq,
        state.as_str(),
        now.as_millis(),
        error,
        claim.failures,
        claim.losses
    ])?;
    db.count(&claim.project, Some(claim.state), Some(state), 1);
    Ok(())
}

struct Loss {
    number: u32,
    worker: String,
    reason: String,
}

fn losses_that_count(db: &Db, claim: &Claim) -> Result<Vec<Loss>> {
    const SQL: &str = "\
        SELECT number, worker, coalesce(error, '') FROM attempts \
        WHERE job = ?1 AND number > ?2 AND outcome = 'lost' ORDER BY number";
    let mut select = db.statement(SQL)?;
    let losses = select.query_map(params![claim.seq, claim.counted_from], |row| {
        Ok(Loss { number: row.get(0)?, worker: row.get(1)?, reason: row.get(2)? })
    })?;
    Ok(losses.collect::<rusqlite::Result<_>>()?)
}

fn distinct_workers(losses: &[Loss]) -> usize {
    let mut workers: Vec<&str> = losses.iter().map(|loss| loss.worker.as_str()).collect();
    workers.sort_unstable();
    workers.dedup();
    workers.len()
}

fn describe(losses: &[Loss]) -> String {
    let each: Vec<String> = losses
        .iter()
        .map(|loss| format!("attempt {} on {}: {}", loss.number, loss.worker, loss.reason))
        .collect();
    clipped(&format!("lost with its worker {} times: {}", losses.len(), each.join("; ")), MAX_ERROR_CHARS)
        .into_owned()
}
