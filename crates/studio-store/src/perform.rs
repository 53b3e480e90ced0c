//! Carries out what the coordinator decided: one [`StoreOp`], one outcome.

use serde_json::value::RawValue;
use studio_protocol::Timestamp;
use studio_scheduler::{ClaimedJob, StoreError as Refused, StoreOp, Stored};

use crate::{ClaimOutcome, Db, GivenBack, Result, StoreError};

impl Db {
    /// Changes what `op` asks for at `now`.
    ///
    /// An error is not an outcome yet: [`refused`] makes it one, also for an error of the commit.
    pub fn perform(&mut self, op: StoreOp, now: Timestamp) -> Result<Stored> {
        Ok(match op {
            StoreOp::Claim { session, ticket, job, worker } => {
                let outcome = Ok(claimed(self.claim(&job, &worker, now)?)?);
                Stored::Claim { session, ticket, job, worker, outcome }
            }
            StoreOp::Accept { job, worker, attempt } => {
                let outcome = Ok(self.accept(&job, &worker, Some(attempt), now)?);
                Stored::Accept { job, worker, outcome }
            }
            StoreOp::GiveBack { job, worker, attempt, how, reason } => {
                let outcome = match self.give_back(&job, &worker, Some(attempt), how, &reason, now)? {
                    GivenBack::Requeued(job) => Ok(Some(job)),
                    GivenBack::NotHeld => Ok(None),
                };
                Stored::GiveBack { job, attempt, outcome }
            }
            StoreOp::CompleteJson { session, worker, result } => {
                let (job, json, prompt) = (result.job_id, result.result.get(), result.prompt.as_deref());
                let outcome = Ok(self.complete_json(&job, &worker, result.attempt, json, prompt, now)?);
                Stored::CompleteJson { session, job, outcome }
            }
            StoreOp::Fail { session, worker, fail } => {
                let job = fail.job_id;
                let outcome = Ok(self.fail(&job, &worker, fail.attempt, &fail.error, fail.retryable, now)?);
                Stored::Fail { session, job, outcome }
            }
            StoreOp::Lose { job, worker, attempt, reason } => {
                let outcome = Ok(self.lose(&job, &worker, Some(attempt), &reason, now)?);
                Stored::Lose { job, attempt, outcome }
            }
            StoreOp::WasHeld { session, worker, job } => {
                let outcome = Ok(self.attempt_of(&job, &worker)?);
                Stored::WasHeld { session, job, outcome }
            }
        })
    }
}

fn claimed(outcome: ClaimOutcome) -> Result<Option<Box<ClaimedJob>>> {
    let ClaimOutcome::Claimed(claimed) = outcome else { return Ok(None) };
    let raw = |column: &'static str, json: String| {
        RawValue::from_string(json).map_err(|error| StoreError::BadRow {
            table: "jobs",
            column,
            row: claimed.job.to_string(),
            value: error.to_string(),
        })
    };
    let (task, source) = (raw("task", claimed.task_json)?, raw("source", claimed.source_json)?);
    Ok(Some(Box::new(ClaimedJob {
        attempt: claimed.attempt,
        kind: claimed.kind,
        created_at: claimed.created_at,
        trace: claimed.trace,
        project: claimed.project,
        asset_name: claimed.asset_name,
        model: claimed.model,
        vram_gb: claimed.vram_gb,
        task,
        source,
    })))
}

/// What becomes of an op that the store could not carry out, or not commit: call it before handing the op over.
pub fn refused(op: &StoreOp) -> Box<dyn FnOnce(Refused) -> Stored + Send> {
    match op {
        StoreOp::Claim { session, ticket, job, worker } => {
            let (session, ticket, job, worker) = (*session, *ticket, job.clone(), worker.clone());
            Box::new(move |why| Stored::Claim { session, ticket, job, worker, outcome: Err(why) })
        }
        StoreOp::Accept { job, worker, .. } => {
            let (job, worker) = (job.clone(), worker.clone());
            Box::new(move |why| Stored::Accept { job, worker, outcome: Err(why) })
        }
        StoreOp::GiveBack { job, attempt, .. } => {
            let (job, attempt) = (job.clone(), *attempt);
            Box::new(move |why| Stored::GiveBack { job, attempt, outcome: Err(why) })
        }
        StoreOp::CompleteJson { session, result, .. } => {
            let (session, job) = (*session, result.job_id.clone());
            Box::new(move |why| Stored::CompleteJson { session, job, outcome: Err(why) })
        }
        StoreOp::Fail { session, fail, .. } => {
            let (session, job) = (*session, fail.job_id.clone());
            Box::new(move |why| Stored::Fail { session, job, outcome: Err(why) })
        }
        StoreOp::Lose { job, attempt, .. } => {
            let (job, attempt) = (job.clone(), *attempt);
            Box::new(move |why| Stored::Lose { job, attempt, outcome: Err(why) })
        }
        StoreOp::WasHeld { session, job, .. } => {
            let (session, job) = (*session, job.clone());
            Box::new(move |why| Stored::WasHeld { session, job, outcome: Err(why) })
        }
    }
}
