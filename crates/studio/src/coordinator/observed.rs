//! What became of offers and tries, for the numbers and the log: it decides nothing.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use studio_protocol::{JobId, TaskKind, Timestamp, WorkerId};
use studio_scheduler::{
    ClaimedJob, CommitOutcome, FailOutcome, GiveBack, HeldClaim, Input, LoseOutcome, StoreOp, Stored,
};

use crate::metrics::Metrics;

/// Follows the jobs that workers hold, from what the coordinator hears anyway.
#[derive(Debug)]
pub(super) struct Observed {
    metrics: Metrics,
    held: HashMap<JobId, Held>,
    /// How jobs are being given back.
    giving: HashMap<JobId, &'static str>,
}

#[derive(Debug)]
struct Held {
    kind: TaskKind,
    worker: WorkerId,
    attempt: u32,
    created_at: Timestamp,
    /// Not known of a try that began before the studio did.
    accepted: Option<Instant>,
}

impl Observed {
    pub fn new(metrics: Metrics) -> Self {
        Self { metrics, held: HashMap::new(), giving: HashMap::new() }
    }

    /// A change that the store is about to be asked for.
    pub fn asked(&mut self, op: &StoreOp) {
        if let StoreOp::GiveBack { job, how, .. } = op {
            let how = match how {
                GiveBack::Rejected => "rejected",
                GiveBack::Released => "released",
                GiveBack::Unanswered => "unanswered",
                GiveBack::NeverSent => "never_sent",
            };
            self.giving.insert(job.clone(), how);
        }
    }

    /// What was open when the studio started.
    pub fn restored(&mut self, held: &[HeldClaim]) {
        for claim in held {
            let held = Held {
                kind: claim.job.kind,
                worker: claim.worker.clone(),
                attempt: claim.attempt,
                created_at: Timestamp::now(),
                accepted: None,
            };
            self.held.insert(claim.job.id.clone(), held);
        }
    }

    /// Something that happened.
    #[expect(clippy::wildcard_enum_match_arm, reason = "most inputs change no job")]
    pub fn heard(&mut self, input: &Input) {
        match input {
            Input::Queued(jobs) => jobs.iter().for_each(|job| self.metrics.queued(job.kind)),
            Input::Opened { .. } => self.metrics.session_opened(),
            Input::Uploaded { job, .. } => self.done(job),
            Input::Cancelled { job, .. } => {
                self.metrics.job_ended("cancelled");
                self.ended(job, "cancelled");
            }
            Input::Removed { requeued, .. } => {
                for job in requeued {
                    self.ended(&job.id, "worker_removed");
                }
            }
            Input::Stored(stored) => self.stored(stored),
            _ => {}
        }
    }

    fn stored(&mut self, stored: &Stored) {
        match stored {
            Stored::Claim { job, worker, outcome: Ok(Some(claimed)), .. } => {
                self.claimed(job, worker, claimed);
            }
            Stored::Accept { job, outcome: Ok(true), .. } => self.accepted(job),
            Stored::CompleteJson { job, outcome: Ok(CommitOutcome::Committed), .. } => self.done(job),
            Stored::Fail { job, outcome: Ok(FailOutcome::Requeued(_)), .. } => {
                self.ended(job, "failed");
            }
            Stored::Fail { job, outcome: Ok(FailOutcome::Failed), .. } => {
                self.metrics.job_ended("failed");
                self.ended(job, "failed");
            }
            Stored::Lose { job, outcome: Ok(LoseOutcome::Requeued(_)), .. } => self.ended(job, "lost"),
            Stored::Lose { job, outcome: Ok(LoseOutcome::Quarantined), .. } => {
                self.metrics.job_ended("quarantined");
                self.ended(job, "lost");
            }
            Stored::GiveBack { job, outcome, .. } => {
                let how = self.giving.remove(job).unwrap_or("released");
                if let Ok(Some(_)) = outcome {
                    self.ended(job, how);
                }
            }
            Stored::Claim { .. }
            | Stored::Accept { .. }
            | Stored::CompleteJson { .. }
            | Stored::Fail { .. }
            | Stored::Lose { .. }
            | Stored::WasHeld { .. } => {}
        }
    }

    fn claimed(&mut self, job: &JobId, worker: &WorkerId, claimed: &ClaimedJob) {
        self.metrics.offered();
        let held = Held {
            kind: claimed.kind,
            worker: worker.clone(),
            attempt: claimed.attempt,
            created_at: claimed.created_at,
            accepted: None,
        };
        tracing::debug!(%job, %worker, attempt = held.attempt, "offered");
        self.held.insert(job.clone(), held);
    }

    fn accepted(&mut self, job: &JobId) {
        let Some(held) = self.held.get_mut(job).filter(|held| held.accepted.is_none()) else { return };
        held.accepted = Some(Instant::now());
        if held.attempt == 1 {
            let wait = Timestamp::now().as_millis() - held.created_at.as_millis();
            self.metrics.waited(held.kind, Duration::from_millis(wait.max(0).unsigned_abs()));
        }
        tracing::debug!(%job, worker = %held.worker, attempt = held.attempt, "running");
    }

    fn done(&mut self, job: &JobId) {
        self.metrics.job_ended("done");
        let run = self.held.get(job).and_then(|held| Some((held.kind, held.accepted?.elapsed())));
        if let Some((kind, run)) = run {
            self.metrics.ran(kind, run);
        }
        self.ended(job, "done");
    }

    fn ended(&mut self, job: &JobId, outcome: &'static str) {
        let Some(held) = self.held.remove(job) else { return };
        self.metrics.attempt_ended(outcome);
        tracing::debug!(%job, worker = %held.worker, attempt = held.attempt, outcome, "attempt ended");
    }
}
