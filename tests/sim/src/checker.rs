//! The independent observer: it sees every commit, offer, acknowledgement and crash, and remembers them itself.

mod ending;
mod holds;
mod ledger;
mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use studio_protocol::{CloseCode, Delta, JobId, ProjectId, WorkerId};
use studio_scheduler::{CommitOutcome, GiveBack, HeldClaim, QueuedJob, StoreOp, Stored};
use studio_store::JobState;

pub(crate) use ledger::{Entry, Fate, Line, Spec, job_of, run_of_json};
pub(crate) use watch::Look;

use holds::Holds;
use ledger::{Expect, Ledger};
use watch::Watch;

/// An output of an engine.
#[derive(Debug)]
pub(crate) struct Run {
    pub job: JobId,
    pub worker: WorkerId,
}

#[derive(Debug, Default)]
pub(crate) struct Checker {
    pub ledger: Ledger,
    pub holds: Holds,
    pub watch: Watch,
    /// The project that may not have more than so many jobs at workers.
    pub limit: Option<(ProjectId, usize)>,
    /// The first rule that was broken.
    pub violation: Option<String>,
    /// Every output of an engine, by number.
    pub runs: BTreeMap<u64, Run>,
    /// Jobs whose submission was acknowledged.
    acknowledged: BTreeSet<JobId>,
    /// Results that a worker was told are stored.
    promised: BTreeSet<JobId>,
    offers: BTreeSet<(JobId, u32)>,
    /// The pieces of every attempt's text that watchers were shown.
    texts: BTreeMap<(JobId, u32), Vec<String>>,
    /// Workers of which two processes were started on purpose.
    pub twins: BTreeSet<WorkerId>,
}

impl Checker {
    pub fn with_limit(limit: Option<(ProjectId, usize)>) -> Self {
        Self { limit, ..Self::default() }
    }

    pub fn broken(&mut self, rule: impl Into<String>) {
        self.violation.get_or_insert_with(|| rule.into());
    }

    pub fn submitted(&mut self, jobs: &[QueuedJob], specs: &[Spec]) {
        for (job, spec) in jobs.iter().zip(specs) {
            if self
                .ledger
                .0
                .insert(job.id.clone(), Entry::new(spec.clone(), job.project.clone(), job.priority))
                .is_some()
            {
                self.broken(format!("{} was submitted twice", job.id));
            }
        }
    }

    /// Watchers are shown a piece: each in its place, and the same whenever it is told again.
    pub fn text(&mut self, delta: &Delta) {
        let Some(attempt) = delta.attempt else {
            return self.broken(format!("a piece of {} is of no attempt", delta.job_id));
        };
        let run = delta.text.split('.').next().and_then(|run| run.parse().ok());
        let is_its_own =
            run.and_then(|run| self.runs.get(&run)).is_some_and(|run: &Run| run.job == delta.job_id);
        let pieces = self.texts.entry((delta.job_id.clone(), attempt)).or_default();
        let known = usize::try_from(delta.index).unwrap_or(usize::MAX);
        let problem = match pieces.get(known) {
            _ if !is_its_own => "of another job",
            Some(before) if *before == delta.text => return,
            Some(_) => "another than before",
            None if known == pieces.len() => return pieces.push(delta.text.clone()),
            None => "after a gap",
        };
        self.broken(format!("piece {known} of {}#{attempt} is {problem}: {}", delta.job_id, delta.text));
    }

    pub fn needs_options(&self, job: &JobId) -> bool {
        self.ledger.0.get(job).is_some_and(|entry| entry.spec.needs_options)
    }

    pub fn submission_acknowledged(&mut self, jobs: &[JobId]) {
        self.acknowledged.extend(jobs.iter().cloned());
    }

    /// A change is about to be made; returns what must come of it.
    pub fn expect(&mut self, now: Duration, op: &StoreOp, suspicion: Option<String>) -> Expect {
        let expect = self.ledger.apply(op);
        let job = job_of(op);
        match (&expect, op) {
            (Expect::Complete(CommitOutcome::Committed), StoreOp::CompleteJson { worker, result, .. }) => {
                let run = run_of_json(result.result.get());
                self.check_run(job, worker, run);
            }
            (Expect::Fail(Some(JobState::Failed), _), StoreOp::Fail { fail, .. }) => {
                let fate = self.ledger.0.get(job).map(|entry| entry.spec.fate);
                if !fail.retryable && fate != Some(Fate::Hopeless) {
                    self.broken(format!("{job} can be done, but failed for good: {}", fail.error));
                }
            }
            (Expect::Lose(Some(_)) | Expect::GiveBack(true), _) => {
                if let Some(suspicion) = suspicion {
                    self.broken(suspicion);
                }
                self.watch.came_back(now, op);
            }
            _ => {}
        }
        if let (Expect::Claim(Some(_)), Some((project, most))) = (&expect, &self.limit) {
            let held = self.held_of(project);
            if held > *most {
                self.broken(format!("{project} may have {most} jobs at workers and has {held}"));
            }
        }
        if let (Expect::Fail(Some(_), _), StoreOp::Fail { worker, .. }) = (&expect, op) {
            self.watch.failed_here(now, worker, job);
        }
        expect
    }

    fn held_of(&self, project: &ProjectId) -> usize {
        let jobs = self.ledger.0.values();
        jobs.filter(|entry| entry.state.is_held() && entry.project == *project).count()
    }

    /// Whether no more jobs of the project may be given to workers.
    fn is_at_its_limit(&self, project: &ProjectId) -> bool {
        let limit = self.limit.as_ref().filter(|(limited, _)| limited == project);
        limit.is_some_and(|(_, most)| self.held_of(project) >= *most)
    }

    /// A change was made.
    pub fn changed(&mut self, expect: &Expect, op: &str, stored: &Stored) {
        if !ledger::agrees(expect, stored) {
            self.broken(format!("the store decided `{op}` as {stored:?}; by the rules it is {expect:?}"));
        }
    }

    /// An upload is committed.
    pub fn uploaded(
        &mut self,
        job: &JobId,
        worker: &WorkerId,
        attempt: Option<u32>,
        run: u64,
        outcome: CommitOutcome,
    ) {
        let Some(entry) = self.ledger.0.get_mut(job) else {
            return self.broken(format!("an upload for {job}, which nobody submitted"));
        };
        let expect = entry.complete(worker, attempt, run);
        if expect != outcome {
            self.broken(format!(
                "the upload of {job}#{attempt:?} by {worker} was {outcome:?}; by the rules it is {expect:?}"
            ));
        }
        if outcome == CommitOutcome::Committed {
            self.check_run(job, worker, Some(run));
        }
    }

    /// A result must come from an engine that ran this job for this worker.
    fn check_run(&mut self, job: &JobId, worker: &WorkerId, run: Option<u64>) {
        let made = run.and_then(|run| self.runs.get(&run));
        if !made.is_some_and(|made| made.job == *job && made.worker == *worker) {
            self.broken(format!("the result {run:?} of {job} by {worker} was made by nobody: {made:?}"));
        }
    }

    /// What a studio that starts is told must be what was committed.
    pub fn restored(&mut self, queued: &[QueuedJob], held: &[HeldClaim]) {
        let told: BTreeMap<&JobId, _> = queued
            .iter()
            .map(|job| (&job.id, (JobState::Queued, None, 0)))
            .chain(held.iter().map(|claim| {
                let state = if claim.accepted { JobState::Running } else { JobState::Offered };
                (&claim.job.id, (state, Some(&claim.worker), claim.attempt))
            }))
            .collect();
        let open = self.ledger.0.iter().filter(|(_, entry)| entry.state.is_open());
        let known: BTreeMap<&JobId, _> = open
            .map(|(job, entry)| {
                let attempt = if entry.state.is_held() { entry.attempt } else { 0 };
                (job, (entry.state, entry.worker.as_ref(), attempt))
            })
            .collect();
        if told != known {
            let (told, known) = (format!("{told:?}"), format!("{known:?}"));
            self.broken(format!("the store restored {told}, committed was {known}"));
        }
    }

    /// An offer leaves the studio.
    pub fn offered(&mut self, worker: &WorkerId, job: &JobId, attempt: u32) {
        let is_claimed =
            self.ledger.0.get(job).is_some_and(|entry| entry.claims.contains(&(worker.clone(), attempt)));
        if !is_claimed {
            self.broken(format!("{job}#{attempt} was offered to {worker} without a claim"));
        }
        if !self.offers.insert((job.clone(), attempt)) {
            self.broken(format!("{job}#{attempt} was offered twice"));
        }
        self.watch.offered(worker);
    }

    /// A result is acknowledged; `has_lease`: the worker can be told that it was stale.
    pub fn complete_acked(&mut self, worker: &WorkerId, job: &JobId, stale: bool, has_lease: bool) {
        let Some(entry) = self.ledger.0.get(job) else {
            return self.broken(format!("a result of {job} was acknowledged, which nobody submitted"));
        };
        // A base worker cannot be told that its result came too late.
        if stale || !has_lease {
            return;
        }
        if entry.state == JobState::Done {
            self.promised.insert(job.clone());
        } else {
            let now = entry.state;
            self.broken(format!("{worker} was told that its result of {job} is stored; the job is {now}"));
        }
    }

    /// An upload is answered with success.
    pub fn upload_acked(&mut self, job: &JobId) {
        self.promised.insert(job.clone());
    }

    /// The scheduler ends a session.
    pub fn closed(&mut self, worker: &WorkerId, code: CloseCode, message: &str) {
        match code {
            CloseCode::ProtocolViolation | CloseCode::AuthFailed => {
                self.broken(format!("a session of {worker}, which did nothing wrong, was closed: {message}"));
            }
            CloseCode::Normal
            | CloseCode::DuplicateWorker
            | CloseCode::WorkerDeleted
            | CloseCode::Other(_) => {}
        }
    }

    /// Whether the studio is about to take a job from a worker that has it and is there.
    pub fn suspicion(&self, now: Duration, op: &StoreOp) -> Option<String> {
        let (job, worker, attempt) = match op {
            StoreOp::Lose { job, worker, attempt, .. }
            | StoreOp::GiveBack { job, worker, attempt, how: GiveBack::Unanswered, .. } => {
                (job, worker, *attempt)
            }
            StoreOp::GiveBack { how: GiveBack::Released, job, worker, attempt, .. }
                if self.holds.is_finished(worker, job, *attempt) =>
            {
                (job, worker, *attempt)
            }
            StoreOp::GiveBack { .. }
            | StoreOp::Claim { .. }
            | StoreOp::Accept { .. }
            | StoreOp::CompleteJson { .. }
            | StoreOp::Fail { .. }
            | StoreOp::WasHeld { .. } => return None,
        };
        if self.twins.contains(worker) {
            return None;
        }
        let held = self.holds.find(worker, job, attempt)?;
        let why = self.watch.is_too_early(now, worker, held.since)?;
        Some(format!("`{}`, although the worker has it ({held:?}) and {why}", Line(op)))
    }
}
