//! Claims end: given back, lost, cancelled, or overdue.

use std::time::Instant;

use studio_protocol::{Cancel, Feature, JobId, StudioFrame, WorkerId};

use super::{ClaimState, Coordinator};
use crate::{GiveBack, QueuedJob, SessionId, StoreOp};

impl Coordinator {
    /// The worker took the offer.
    pub(super) fn accepted(&mut self, job: &JobId) {
        let Some(claim) = self.claims.get_mut(job) else { return };
        claim.state = ClaimState::Running;
        let (worker, attempt) = (claim.worker.clone(), claim.attempt);
        self.store(StoreOp::Accept { job: job.clone(), worker, attempt });
    }

    /// Asks the store to put a job back; it waits again once the store did.
    pub(super) fn give_back(&mut self, now: Instant, job: &JobId, how: GiveBack, reason: impl Into<String>) {
        let Some(claim) = self.claims.get_mut(job) else { return };
        claim.state = ClaimState::Returning;
        claim.confirmed = now;
        let (worker, attempt) = (claim.worker.clone(), claim.attempt);
        self.store(StoreOp::GiveBack { job: job.clone(), worker, attempt, how, reason: reason.into() });
    }

    /// Asks the store to put back a job whose worker vanished.
    pub(super) fn lose(&mut self, job: &JobId, reason: String) {
        let Some(claim) = self.claims.get_mut(job) else { return };
        claim.state = ClaimState::Returning;
        let (worker, attempt) = (claim.worker.clone(), claim.attempt);
        self.store(StoreOp::Lose { job: job.clone(), worker, attempt, reason });
    }

    /// Forgets a claim; its worker may be offered something else.
    pub(super) fn drop_claim(&mut self, job: &JobId) -> Option<QueuedJob> {
        let claim = self.claims.remove(job)?;
        if let Some(worker) = self.workers.get_mut(&claim.worker) {
            worker.claims.remove(job);
            match worker.session {
                Some(session) => self.rank(session),
                None if worker.claims.is_empty() => {
                    self.workers.remove(&claim.worker);
                }
                None => {}
            }
        }
        Some(claim.job)
    }

    pub(super) fn session_of(&self, worker: &WorkerId) -> Option<SessionId> {
        self.workers.get(worker).and_then(|state| state.session)
    }

    pub(super) fn uploaded(&mut self, now: Instant, worker: &WorkerId, job: &JobId) {
        if self.claims.get(job).is_some_and(|claim| claim.worker == *worker) {
            self.drop_claim(job);
        }
        if let Some(session) = self.session_of(worker) {
            self.free_again(now, session, job);
        }
    }

    pub(super) fn cancelled(&mut self, now: Instant, job: &JobId, reason: String) {
        self.queue.remove(job);
        let Some(claim) = self.claims.get(job) else { return };
        let may_run = matches!(claim.state, ClaimState::Offered | ClaimState::Running);
        let session = self.session_of(&claim.worker);
        self.drop_claim(job);
        let Some(session) = session else { return };
        if !may_run {
            return self.freed(now, session);
        }
        let Some(state) = self.sessions.get_mut(&session) else { return };
        state.winding_down.insert(job.clone());
        if state.has(Feature::Cancel) {
            self.send(session, StudioFrame::Cancel(Cancel { job_id: job.clone(), reason }));
        }
        self.rank(session);
    }

    /// A waiting job is described anew; it may fit other sessions now.
    pub(super) fn reprioritised(&mut self, now: Instant, job: QueuedJob) {
        self.queued(now, vec![job]);
    }

    /// Claims of workers that are gone, offers without an answer, jobs that no heartbeat names.
    pub(super) fn return_overdue(&mut self, now: Instant) {
        let mut overdue: Vec<(JobId, ClaimState, String)> = Vec::new();
        for (id, claim) in &self.claims {
            let Some(patience) = self.patience(claim.state) else { continue };
            let Some(worker) = self.workers.get(&claim.worker) else { continue };
            let is_unconfirmed = now.duration_since(claim.confirmed) >= patience;
            let why = match worker.session {
                None if worker.keep_until.is_some_and(|until| now >= until) => "is gone",
                Some(_) if is_unconfirmed && claim.state == ClaimState::Offered => "did not answer the offer",
                Some(_) if is_unconfirmed => "names it in no heartbeat",
                _ => continue,
            };
            overdue.push((id.clone(), claim.state, format!("worker {} {why}", claim.worker)));
        }
        // The order of a hash map must not decide anything: a simulation has to replay.
        overdue.sort_by(|a, b| a.0.cmp(&b.0));
        for (job, state, why) in overdue {
            self.take_away(now, &job, state, why);
        }
    }

    fn take_away(&mut self, now: Instant, job: &JobId, state: ClaimState, why: String) {
        let Some(claim) = self.claims.get(job) else { return };
        let session = self.session_of(&claim.worker).and_then(|session| self.sessions.get_mut(&session));
        if let Some(session) = session {
            // It may be running after all, or take the offer late.
            session.winding_down.insert(job.clone());
            session.refused.insert(job.clone(), Some(now + self.timing.refused));
        }
        if state == ClaimState::Offered {
            self.give_back(now, job, GiveBack::Unanswered, why);
        } else {
            self.lose(job, why);
        }
    }
}
