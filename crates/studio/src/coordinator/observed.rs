//! What became of offers and tries, for the numbers, the log and the traces: it decides nothing.

mod spans;

use std::collections::HashMap;
use std::time::{Duration, Instant, SystemTime};

use studio_protocol::{JobId, Progress, Stage, TaskKind, Timestamp, TraceParent, WorkerId};
use studio_runtime::Traces;
use studio_scheduler::{
    ClaimedJob, CommitOutcome, FailOutcome, GiveBack, HeldClaim, Input, LoseOutcome, StoreOp, Stored,
};

use crate::metrics::Metrics;
use spans::Try;

/// Stages of one try that are kept: a worker tells each of them once or twice.
const MAX_STAGES: usize = 32;

/// Follows the jobs that workers hold, from what the coordinator hears anyway.
#[derive(Debug)]
pub(super) struct Observed {
    metrics: Metrics,
    traces: Traces,
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
    /// Neither is known of a try that began before the studio did.
    claimed: Option<SystemTime>,
    accepted: Option<(Instant, SystemTime)>,
    request: Option<TraceParent>,
    stages: Vec<(Stage, SystemTime)>,
}

impl Held {
    fn trace(&self) -> Option<String> {
        self.request.map(TraceParent::trace_id)
    }

    fn as_try<'a>(&'a self, job: &'a JobId) -> Option<Try<'a>> {
        Some(Try {
            job,
            worker: &self.worker,
            attempt: self.attempt,
            request: self.request?,
            created_at: self.created_at,
            claimed: self.claimed,
            accepted: self.accepted.map(|(_, at)| at),
            stages: &self.stages,
        })
    }
}

impl Observed {
    pub fn new(metrics: Metrics, traces: Traces) -> Self {
        Self { metrics, traces, held: HashMap::new(), giving: HashMap::new() }
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

    /// What was open when the studio started, and which of it has a trace since when.
    pub fn restored(&mut self, held: &[HeldClaim], traces: Vec<(JobId, TraceParent, Timestamp)>) {
        let mut traces: HashMap<JobId, (TraceParent, Timestamp)> =
            traces.into_iter().map(|(job, trace, at)| (job, (trace, at))).collect();
        for claim in held {
            let trace = traces.remove(&claim.job.id);
            let held = Held {
                kind: claim.job.kind,
                worker: claim.worker.clone(),
                attempt: claim.attempt,
                created_at: trace.map_or_else(Timestamp::now, |(_, at)| at),
                claimed: None,
                accepted: None,
                request: trace.map(|(trace, _)| trace),
                stages: Vec::new(),
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
            Input::Cancelled { job, .. } => self.ended(job, "cancelled", Some("cancelled")),
            Input::Removed { requeued, .. } => {
                for job in requeued {
                    self.ended(&job.id, "worker_removed", None);
                }
            }
            Input::Stored(stored) => self.stored(stored),
            _ => {}
        }
    }

    /// A worker says what it is busy with.
    pub fn progress(&mut self, progress: &Progress) {
        let (Some(held), Some(stage)) = (self.held.get_mut(&progress.job_id), progress.stage) else { return };
        let is_new = held.stages.last().is_none_or(|(last, _)| *last != stage);
        if held.request.is_some() && is_new && held.stages.len() < MAX_STAGES {
            held.stages.push((stage, SystemTime::now()));
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
                self.ended(job, "failed", None);
            }
            Stored::Fail { job, outcome: Ok(FailOutcome::Failed), .. } => {
                self.ended(job, "failed", Some("failed"));
            }
            Stored::Lose { job, outcome: Ok(LoseOutcome::Requeued(_)), .. } => self.ended(job, "lost", None),
            Stored::Lose { job, outcome: Ok(LoseOutcome::Quarantined), .. } => {
                self.ended(job, "lost", Some("quarantined"));
            }
            Stored::GiveBack { job, outcome, .. } => {
                let how = self.giving.remove(job).unwrap_or("released");
                if let Ok(Some(_)) = outcome {
                    self.ended(job, how, None);
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
            claimed: Some(SystemTime::now()),
            accepted: None,
            request: claimed.trace,
            stages: Vec::new(),
        };
        tracing::debug!(%job, %worker, attempt = held.attempt, trace = held.trace(), "offered");
        self.held.insert(job.clone(), held);
    }

    fn accepted(&mut self, job: &JobId) {
        let Some(held) = self.held.get_mut(job).filter(|held| held.accepted.is_none()) else { return };
        held.accepted = Some((Instant::now(), SystemTime::now()));
        if held.attempt == 1 {
            let wait = Timestamp::now().as_millis() - held.created_at.as_millis();
            self.metrics.waited(held.kind, Duration::from_millis(wait.max(0).unsigned_abs()));
        }
        tracing::debug!(%job, worker = %held.worker, attempt = held.attempt, trace = held.trace(), "running");
    }

    fn done(&mut self, job: &JobId) {
        let run = self.held.get(job).and_then(|held| Some((held.kind, held.accepted?.0.elapsed())));
        if let Some((kind, run)) = run {
            self.metrics.ran(kind, run);
        }
        self.ended(job, "done", Some("done"));
    }

    /// A try ended; with `end`, its job too.
    fn ended(&mut self, job: &JobId, outcome: &'static str, end: Option<&'static str>) {
        if let Some(end) = end {
            self.metrics.job_ended(end);
        }
        let Some(held) = self.held.remove(job) else { return };
        self.metrics.attempt_ended(outcome);
        tracing::debug!(
            %job, worker = %held.worker, attempt = held.attempt, trace = held.trace(), outcome, end, "attempt ended"
        );
        let Some(one) = held.as_try(job).filter(|_| self.traces.is_on()) else { return };
        one.attempt_ended(&self.traces, outcome);
        if let Some(end) = end {
            one.job_ended(&self.traces, end);
        }
    }
}
