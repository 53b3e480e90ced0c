//! What must be true of every job: the rules of the protocol, applied to each change as it is committed.
//!
//! Written anew from the rules, so that a mistake in the store does not hide itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use studio_protocol::{JobId, ProjectId, TaskKind, WorkerId};
use studio_scheduler::{CommitOutcome, FailOutcome, GiveBack, LoseOutcome, StoreOp, Stored};
use studio_store::{AttemptOutcome, CancelOutcome, JobState};

/// A job that was lost on so many workers is set aside.
const LOST_WORKERS: usize = 2;
/// Losses in all after which it is set aside.
const LOSSES: usize = 5;

/// What a job is like, known to the simulation alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Can be done.
    Good,
    /// Fails so many times first.
    Flaky(u32),
    /// Can never be done.
    Hopeless,
    /// Takes its worker down.
    Poison,
}

/// A job as it was submitted.
#[derive(Debug, Clone)]
pub(crate) struct Spec {
    pub kind: TaskKind,
    pub engine: &'static str,
    pub model: &'static str,
    pub vram_gb: f64,
    /// States what base workers do not understand.
    pub needs_options: bool,
    pub max_attempts: u32,
    pub fate: Fate,
}

#[derive(Debug)]
pub(crate) struct Entry {
    pub spec: Spec,
    pub project: ProjectId,
    pub state: JobState,
    pub worker: Option<WorkerId>,
    /// The latest number that was given out.
    pub attempt: u32,
    pub priority: i32,
    /// The run whose output was committed.
    pub run: Option<u64>,
    /// Every claim there ever was.
    pub claims: BTreeSet<(WorkerId, u32)>,
    /// The numbered tries that the history shows.
    pub history: Vec<(u32, WorkerId, AttemptOutcome)>,
    counted_from: u32,
    failures: u32,
    losses: u32,
}

/// What a change must lead to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Expect {
    Claim(Option<u32>),
    Accept(bool),
    GiveBack(bool),
    Complete(CommitOutcome),
    /// `None`: one of the two that change nothing, as the flag says: whether the worker ever had it.
    Fail(Option<JobState>, bool),
    /// `None`: not held.
    Lose(Option<JobState>),
    WasHeld(bool),
}

/// How a worker stands to a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Current,
    Done,
    Past,
    Never,
}

impl Entry {
    pub fn new(spec: Spec, project: ProjectId, priority: i32) -> Self {
        Self {
            spec,
            project,
            state: JobState::Queued,
            worker: None,
            attempt: 0,
            priority,
            run: None,
            claims: BTreeSet::new(),
            history: Vec::new(),
            counted_from: 0,
            failures: 0,
            losses: 0,
        }
    }

    fn standing(&self, worker: &WorkerId, attempt: Option<u32>) -> Standing {
        if self.worker.as_ref() == Some(worker) {
            return match attempt {
                Some(number) if number != self.attempt => Standing::Past,
                _ if self.state.is_held() => Standing::Current,
                _ if self.state == JobState::Done => Standing::Done,
                _ => Standing::Past,
            };
        }
        let had = self.history.iter().any(|(_, holder, _)| holder == worker);
        if had { Standing::Past } else { Standing::Never }
    }

    fn end_attempt(&mut self, outcome: AttemptOutcome) {
        if let Some(worker) = self.worker.clone() {
            self.history.push((self.attempt, worker, outcome));
        }
    }

    fn requeue(&mut self) {
        self.state = JobState::Queued;
        self.worker = None;
    }

    pub fn claim(&mut self, worker: &WorkerId) -> Option<u32> {
        if self.state != JobState::Queued {
            return None;
        }
        self.attempt += 1;
        self.state = JobState::Offered;
        self.worker = Some(worker.clone());
        self.claims.insert((worker.clone(), self.attempt));
        Some(self.attempt)
    }

    fn accept(&mut self, worker: &WorkerId, attempt: u32) -> bool {
        let is_current = self.standing(worker, Some(attempt)) == Standing::Current;
        if is_current {
            self.state = JobState::Running;
        }
        is_current
    }

    fn give_back(&mut self, worker: &WorkerId, attempt: u32, how: GiveBack) -> bool {
        if self.standing(worker, Some(attempt)) != Standing::Current {
            return false;
        }
        match how {
            GiveBack::Released => self.end_attempt(AttemptOutcome::Released),
            GiveBack::Unanswered => self.end_attempt(AttemptOutcome::Unanswered),
            GiveBack::Rejected | GiveBack::NeverSent => {}
        }
        self.requeue();
        true
    }

    pub fn complete(&mut self, worker: &WorkerId, attempt: Option<u32>, run: u64) -> CommitOutcome {
        match self.standing(worker, attempt) {
            Standing::Current => {
                self.state = JobState::Done;
                self.run = Some(run);
                CommitOutcome::Committed
            }
            Standing::Done => CommitOutcome::Again,
            Standing::Past => CommitOutcome::Stale,
            Standing::Never => CommitOutcome::NeverHeld,
        }
    }

    fn fail(&mut self, worker: &WorkerId, attempt: Option<u32>, retryable: bool) -> Expect {
        match self.standing(worker, attempt) {
            Standing::Current => {}
            Standing::Done | Standing::Past => return Expect::Fail(None, true),
            Standing::Never => return Expect::Fail(None, false),
        }
        self.end_attempt(AttemptOutcome::Failed);
        self.failures += 1;
        if retryable && self.failures < self.spec.max_attempts {
            self.requeue();
        } else {
            self.state = JobState::Failed;
        }
        Expect::Fail(Some(self.state), true)
    }

    fn lose(&mut self, worker: &WorkerId, attempt: u32) -> Expect {
        if self.standing(worker, Some(attempt)) != Standing::Current {
            return Expect::Lose(None);
        }
        self.end_attempt(AttemptOutcome::Lost);
        self.losses += 1;
        let counted = self
            .history
            .iter()
            .filter(|(number, _, outcome)| *outcome == AttemptOutcome::Lost && *number > self.counted_from);
        let workers: BTreeSet<&WorkerId> = counted.map(|(_, worker, _)| worker).collect();
        if workers.len() < LOST_WORKERS && (self.losses as usize) < LOSSES {
            self.requeue();
        } else {
            self.state = JobState::Quarantined;
        }
        Expect::Lose(Some(self.state))
    }

    /// Calls it off when it is open; returns what the store must answer.
    pub fn cancel(&mut self) -> CancelOutcome {
        if !self.state.is_open() {
            return CancelOutcome::AlreadyEnded(self.state);
        }
        let held = self.worker.clone().filter(|_| self.state.is_held()).map(|worker| (worker, self.attempt));
        if held.is_some() {
            self.end_attempt(AttemptOutcome::Cancelled);
        }
        self.state = JobState::Cancelled;
        CancelOutcome::Cancelled { held }
    }

    pub fn retry(&mut self) -> bool {
        if self.state.is_open() || self.state == JobState::Done {
            return false;
        }
        self.requeue();
        (self.failures, self.losses, self.counted_from) = (0, 0, self.attempt);
        true
    }

    /// Its worker was removed.
    pub fn take_back(&mut self) {
        self.end_attempt(AttemptOutcome::Released);
        self.requeue();
    }
}

/// Every job.
#[derive(Debug, Default)]
pub(crate) struct Ledger(pub BTreeMap<JobId, Entry>);

impl Ledger {
    /// Applies a change, and says what the store must answer.
    pub fn apply(&mut self, op: &StoreOp) -> Expect {
        let entry = self.0.get_mut(job_of(op));
        match op {
            StoreOp::Claim { worker, .. } => Expect::Claim(entry.and_then(|entry| entry.claim(worker))),
            StoreOp::Accept { worker, attempt, .. } => {
                Expect::Accept(entry.is_some_and(|entry| entry.accept(worker, *attempt)))
            }
            StoreOp::GiveBack { worker, attempt, how, .. } => {
                Expect::GiveBack(entry.is_some_and(|entry| entry.give_back(worker, *attempt, *how)))
            }
            StoreOp::CompleteJson { worker, result, .. } => {
                let run = run_of_json(result.result.get());
                Expect::Complete(entry.map_or(CommitOutcome::NeverHeld, |entry| {
                    entry.complete(worker, result.attempt, run.unwrap_or_default())
                }))
            }
            StoreOp::Fail { worker, fail, .. } => entry
                .map_or(Expect::Fail(None, false), |entry| entry.fail(worker, fail.attempt, fail.retryable)),
            StoreOp::Lose { worker, attempt, .. } => {
                entry.map_or(Expect::Lose(None), |entry| entry.lose(worker, *attempt))
            }
            StoreOp::WasHeld { worker, .. } => {
                Expect::WasHeld(entry.is_some_and(|entry| entry.standing(worker, None) != Standing::Never))
            }
        }
    }
}

/// Compares what the store answered with what the rules say; an error of the store is no answer.
pub(crate) fn agrees(expect: &Expect, stored: &Stored) -> bool {
    match (expect, stored) {
        (Expect::Claim(attempt), Stored::Claim { outcome: Ok(claimed), .. }) => {
            *attempt == claimed.as_ref().map(|claimed| claimed.attempt)
        }
        (Expect::Accept(current), Stored::Accept { outcome: Ok(accepted), .. }) => current == accepted,
        (Expect::GiveBack(requeued), Stored::GiveBack { outcome: Ok(job), .. }) => *requeued == job.is_some(),
        (Expect::Complete(what), Stored::CompleteJson { outcome: Ok(committed), .. }) => what == committed,
        (Expect::Fail(state, had), Stored::Fail { outcome: Ok(failed), .. }) => match failed {
            FailOutcome::Requeued(_) => *state == Some(JobState::Queued),
            FailOutcome::Failed => *state == Some(JobState::Failed),
            FailOutcome::Stale => state.is_none() && *had,
            FailOutcome::NeverHeld => state.is_none() && !had,
        },
        (Expect::Lose(state), Stored::Lose { outcome: Ok(lost), .. }) => match lost {
            LoseOutcome::Requeued(_) => *state == Some(JobState::Queued),
            LoseOutcome::Quarantined => *state == Some(JobState::Quarantined),
            LoseOutcome::NotHeld => state.is_none(),
        },
        (Expect::WasHeld(had), Stored::WasHeld { outcome: Ok(held), .. }) => had == held,
        _ => false,
    }
}

pub(crate) fn job_of(op: &StoreOp) -> &JobId {
    match op {
        StoreOp::Claim { job, .. }
        | StoreOp::Accept { job, .. }
        | StoreOp::GiveBack { job, .. }
        | StoreOp::Lose { job, .. }
        | StoreOp::WasHeld { job, .. } => job,
        StoreOp::CompleteJson { result, .. } => &result.job_id,
        StoreOp::Fail { fail, .. } => &fail.job_id,
    }
}

/// The engine run that made a JSON result.
pub(crate) fn run_of_json(json: &str) -> Option<u64> {
    serde_json::from_str::<serde_json::Value>(json).ok()?.get("run")?.as_u64()
}

/// A change in one line.
pub(crate) struct Line<'a>(pub &'a StoreOp);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            StoreOp::Claim { job, worker, session, .. } => {
                write!(f, "claim {job} for {worker} s{}", session.0)
            }
            StoreOp::Accept { job, worker, attempt } => write!(f, "accept {job}#{attempt} by {worker}"),
            StoreOp::GiveBack { job, worker, attempt, how, reason } => {
                write!(f, "give back {job}#{attempt} of {worker}: {how:?}, {reason}")
            }
            StoreOp::CompleteJson { worker, result, .. } => {
                write!(f, "complete {}#{:?} by {worker}", result.job_id, result.attempt)
            }
            StoreOp::Fail { worker, fail, .. } => {
                write!(f, "fail {}#{:?} by {worker}: {}", fail.job_id, fail.attempt, fail.error)
            }
            StoreOp::Lose { job, worker, attempt, reason } => {
                write!(f, "lose {job}#{attempt} of {worker}: {reason}")
            }
            StoreOp::WasHeld { job, worker, .. } => write!(f, "was {job} held by {worker}?"),
        }
    }
}
