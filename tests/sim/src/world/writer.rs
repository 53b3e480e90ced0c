//! The store's writer: changes in order, some at a time, each either committed or not when the studio dies.

use std::fmt;
use std::time::Duration;

use studio_protocol::{JobId, WorkerId};
use studio_scheduler::{Input, StoreError, StoreOp};
use studio_store::{
    CancelOutcome, CommitOutcome, Idempotency, KeyId, NewArtefact, NewJob, Submission, refused,
};

use super::requests::{Answer, ReqId};
use super::{Event, World};
use crate::checker::Line;
use crate::trace::note;

/// Changes of one turn; a crash falls between turns.
const MAX_TURN: usize = 4;
/// With a full disk, this share of the changes is refused.
const FULL_SHARE: f64 = 0.8;

/// Something to commit.
#[derive(Debug)]
pub(crate) enum Change {
    /// The scheduler's; what is suspicious about it, if it counts.
    Op {
        op: StoreOp,
        suspicion: Option<String>,
    },
    /// An upload whose bytes are there.
    Artefact {
        req: ReqId,
        worker: WorkerId,
        job: JobId,
        attempt: Option<u32>,
        run: u64,
        ext: String,
    },
    /// The client's.
    Submit {
        req: ReqId,
        index: usize,
    },
    Cancel {
        req: ReqId,
        job: JobId,
    },
    Retry {
        req: ReqId,
        job: JobId,
    },
    Priority {
        req: ReqId,
        job: JobId,
        priority: i32,
    },
    /// An operator's.
    Pause {
        req: ReqId,
        worker: WorkerId,
        paused: bool,
    },
    Remove {
        req: ReqId,
        worker: WorkerId,
    },
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Op { op, .. } => Line(op).fmt(f),
            Self::Artefact { worker, job, attempt, .. } => write!(f, "upload {job}#{attempt:?} by {worker}"),
            Self::Submit { index, .. } => write!(f, "submission {index}"),
            Self::Cancel { job, .. } => write!(f, "cancel {job}"),
            Self::Retry { job, .. } => write!(f, "retry {job}"),
            Self::Priority { job, priority, .. } => write!(f, "priority {priority} for {job}"),
            Self::Pause { worker, paused, .. } => write!(f, "pause {worker}: {paused}"),
            Self::Remove { worker, .. } => write!(f, "remove {worker}"),
        }
    }
}

impl World {
    pub(super) fn wake_writer(&mut self) {
        if self.studio.is_writing || !self.studio.is_up() || self.studio.changes.is_empty() {
            return;
        }
        self.studio.is_writing = true;
        let fsync = self.dice.micros(200, 9_000);
        let at = (self.now + fsync).max(self.studio.stalled_until);
        self.at(at, Event::WriterTurn { life: self.studio.life });
    }

    pub(super) fn writer_turn(&mut self, life: u32) {
        if self.studio.life != life || !self.studio.is_up() {
            return;
        }
        self.studio.is_writing = false;
        let count = 1 + self.dice.below(MAX_TURN);
        for _ in 0..count {
            let Some(change) = self.studio.changes.pop_front() else { break };
            self.commit(change);
        }
        if !self.is_calm && self.dice.chance(self.climate.crash_after_commit) {
            self.faults += 1;
            return self.crash_studio();
        }
        self.wake_writer();
    }

    /// A studio that stops leaves nothing unwritten; nobody hears of it any more.
    pub(super) fn write_all(&mut self) {
        while let Some(change) = self.studio.changes.pop_front() {
            self.commit(change);
        }
    }

    fn is_store_full(&mut self) -> bool {
        self.studio.full_until > self.now && self.dice.chance(FULL_SHARE)
    }

    fn commit(&mut self, change: Change) {
        let is_full = self.is_store_full();
        let fate = if is_full { "refused, disk full" } else { "committed" };
        note!(self, "store: {change}: {fate}");
        match change {
            Change::Op { op, suspicion } => self.commit_op(op, suspicion, is_full),
            Change::Artefact { req, .. }
            | Change::Submit { req, .. }
            | Change::Cancel { req, .. }
            | Change::Retry { req, .. }
            | Change::Priority { req, .. }
            | Change::Pause { req, .. }
            | Change::Remove { req, .. }
                if is_full =>
            {
                self.answer(req, Answer::Status(507));
            }
            Change::Artefact { req, worker, job, attempt, run, ext } => {
                self.commit_artefact(req, worker, job, attempt, run, ext);
            }
            Change::Submit { req, index } => self.commit_submission(req, index),
            Change::Cancel { req, job } => self.commit_cancel(req, job),
            Change::Retry { req, job } => {
                let may = self.checker.ledger.0.get_mut(&job).is_some_and(crate::checker::Entry::retry);
                match self.db.retry(&job, self.wall()) {
                    Ok(queued) => self.publish(Input::Queued(vec![queued])),
                    Err(error) if may => {
                        self.checker.broken(format!("{job} could not be tried again: {error}"));
                    }
                    Err(_) => {}
                }
                self.answer(req, Answer::Status(200));
            }
            Change::Priority { req, job, priority } => {
                if let Ok(queued) = self.db.set_priority(&job, priority) {
                    if let Some(entry) = self.checker.ledger.0.get_mut(&job) {
                        entry.priority = priority;
                    }
                    if let Some(job) = queued {
                        self.publish(Input::Reprioritised(job));
                    }
                }
                self.answer(req, Answer::Status(200));
            }
            Change::Pause { req, worker, paused } => {
                if self.db.set_worker_paused(&worker, paused).is_ok() {
                    self.checker.watch.operator_decided(self.now, &worker, paused);
                    self.publish(Input::Paused { worker, paused });
                }
                self.answer(req, Answer::Status(200));
            }
            Change::Remove { req, worker } => self.commit_removal(req, worker),
        }
    }

    fn commit_op(&mut self, op: StoreOp, suspicion: Option<String>, is_full: bool) {
        let refuse = refused(&op);
        let stored = if is_full {
            refuse(StoreError("the disk under the database is full".to_owned()))
        } else {
            let line = Line(&op).to_string();
            let expect = self.checker.expect(self.now, &op, suspicion);
            let wall = self.wall();
            match self.db.perform(op, wall) {
                Ok(stored) => {
                    self.checker.changed(&expect, &line, &stored);
                    stored
                }
                Err(error) => {
                    self.checker.broken(format!("the store refused `{line}`: {error}"));
                    refuse(StoreError(error.to_string()))
                }
            }
        };
        self.publish(Input::Stored(stored));
    }

    /// The scheduler hears of commits a moment later, in their order.
    fn publish(&mut self, input: Input) {
        let moment = self.dice.micros(10, 1_500);
        self.studio.last_news = self.studio.last_news.max(self.now + moment);
        let (at, life) = (self.studio.last_news, self.studio.life);
        self.at(at, Event::News { life, input: Box::new(input) });
    }

    fn commit_artefact(
        &mut self,
        req: ReqId,
        worker: WorkerId,
        job: JobId,
        attempt: Option<u32>,
        run: u64,
        ext: String,
    ) {
        let artefact = NewArtefact {
            id: format!("art-{}", req.0).into(),
            key: format!("{job}/{}", req.0),
            sha256: run.to_string(),
            bytes: 1,
            mime: "image/webp".to_owned(),
            ext,
            meta: None,
        };
        let number = attempt.filter(|_| !self.has_mutation(crate::Mutation::LateUpload));
        match self.db.complete_artefact(&job, &worker, number, &artefact, self.wall()) {
            Ok(outcome) => {
                note!(self, "store: the upload is {outcome:?}");
                self.checker.uploaded(&job, &worker, attempt, run, outcome);
                let status = if outcome == CommitOutcome::Committed { 200 } else { 409 };
                if status == 200 {
                    self.checker.upload_acked(&job);
                    self.publish(Input::Uploaded { worker, job });
                }
                self.answer(req, Answer::Status(status));
            }
            Err(error) => self.checker.broken(format!("the store refused the upload of {job}: {error}")),
        }
    }

    fn commit_submission(&mut self, req: ReqId, index: usize) {
        let order = &self.client.orders[index];
        let idempotency = Idempotency {
            key_id: KeyId::from("key-1"),
            key: format!("order {index}"),
            body_sha256: [u8::try_from(index % 256).unwrap_or_default(); 32],
        };
        let specs = order.specs.clone();
        let jobs: Vec<NewJob> =
            specs.iter().enumerate().map(|(n, spec)| Self::new_job(req, index, n, spec)).collect();
        let repeats = self.has_mutation(crate::Mutation::RepeatedSubmission);
        let submission =
            Submission { batch: None, jobs, idempotency: Some(idempotency).filter(|_| !repeats) };
        match self.db.submit(submission, self.wall()) {
            Ok(submitted) => {
                let ids = match &submitted.replayed {
                    Some(replayed) => replayed.jobs.clone(),
                    None => submitted.jobs.iter().map(|job| job.id.clone()).collect(),
                };
                if let Some(known) = &self.client.orders[index].committed
                    && *known != ids
                {
                    let problem =
                        format!("order {index} made {known:?} at first, {ids:?} when it was repeated");
                    self.checker.broken(problem);
                }
                self.client.orders[index].committed = Some(ids.clone());
                if !submitted.jobs.is_empty() {
                    self.checker.submitted(&submitted.jobs, &specs);
                    self.plan_jobs(&ids, &specs);
                    self.publish(Input::Queued(submitted.jobs));
                }
                self.answer(req, Answer::Jobs(ids));
            }
            Err(error) => self.checker.broken(format!("order {index} was refused: {error}")),
        }
    }

    fn commit_cancel(&mut self, req: ReqId, job: JobId) {
        let expect = self
            .checker
            .ledger
            .0
            .get_mut(&job)
            .map_or(CancelOutcome::NotFound, crate::checker::Entry::cancel);
        let reason = "not wanted any more".to_owned();
        match self.db.cancel(&job, &reason, self.wall()) {
            Ok(outcome) => {
                if outcome != expect {
                    let problem =
                        format!("cancelling {job} led to {outcome:?}; by the rules it is {expect:?}");
                    self.checker.broken(problem);
                }
                if let CancelOutcome::Cancelled { .. } = outcome {
                    self.publish(Input::Cancelled { job, reason });
                }
            }
            Err(error) => self.checker.broken(format!("{job} could not be cancelled: {error}")),
        }
        self.answer(req, Answer::Status(200));
    }

    fn commit_removal(&mut self, req: ReqId, worker: WorkerId) {
        if let Ok(requeued) = self.db.remove_worker(&worker, self.wall()) {
            let held = self
                .checker
                .ledger
                .0
                .values_mut()
                .filter(|entry| entry.state.is_held() && entry.worker.as_ref() == Some(&worker));
            let mut count = 0;
            for entry in held {
                entry.take_back();
                count += 1;
            }
            if count != requeued.len() {
                self.checker
                    .broken(format!("{worker} was removed with {count} jobs, {requeued:?} were requeued"));
            }
            self.checker.holds.identity_gone(&worker);
            self.checker.watch.operator_decided(self.now, &worker, true);
            self.publish(Input::Removed { worker, requeued });
        }
        self.answer(req, Answer::Status(200));
    }

    /// Any trouble of the store excuses waiting.
    pub(super) fn trouble_store(&mut self, until: Duration) {
        self.checker.watch.store_trouble = self.checker.watch.store_trouble.max(until);
    }
}
