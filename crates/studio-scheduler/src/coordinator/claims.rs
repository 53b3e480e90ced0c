//! Claims end: given back, lost, cancelled, or overdue.

use std::time::Instant;

use studio_protocol::{Cancel, Feature, JobId, StudioFrame, WorkerId};

use super::{Claim, ClaimState, Coordinator, Return};
use crate::{GiveBack, QueuedJob, SessionId, StoreOp};

impl Coordinator {
    /// The worker took the offer.
    pub(super) fn accepted(&mut self, job: &JobId) {
        let Some(claim) = self.claims.get_mut(job) else { return };
        claim.state = ClaimState::Running;
        claim.unrecorded = false;
        let (worker, attempt) = (claim.worker.clone(), claim.attempt);
        self.store(StoreOp::Accept { job: job.clone(), worker, attempt });
    }

    /// Asks the store to put a job back; it waits again once the store did.
    pub(super) fn give_back(&mut self, job: &JobId, how: GiveBack, reason: impl Into<String>) {
        self.send_back(job, Return { how: Some(how), reason: reason.into(), named: false, again_at: None });
    }

    /// Asks the store to put back a job whose worker vanished.
    pub(super) fn lose(&mut self, job: &JobId, reason: String) {
        self.send_back(job, Return { how: None, reason, named: false, again_at: None });
    }

    fn send_back(&mut self, job: &JobId, going: Return) {
        let Some(claim) = self.claims.get_mut(job) else { return };
        claim.state = ClaimState::Returning;
        let (worker, attempt, job, reason) =
            (claim.worker.clone(), claim.attempt, job.clone(), going.reason.clone());
        let op = match going.how {
            Some(how) => StoreOp::GiveBack { job, worker, attempt, how, reason },
            None => StoreOp::Lose { job, worker, attempt, reason },
        };
        claim.going = Some(going);
        self.store(op);
    }

    /// Asks again what the store could not do.
    pub(super) fn send_back_again(&mut self, now: Instant) {
        let is_due = |claim: &Claim| {
            claim.going.as_ref().and_then(|going| going.again_at).is_some_and(|again_at| again_at <= now)
        };
        let mut due: Vec<JobId> =
            self.claims.iter().filter(|(_, claim)| is_due(claim)).map(|(id, _)| id.clone()).collect();
        // As in `return_overdue`.
        due.sort();
        for job in due {
            let going = self.claims.get_mut(&job).and_then(|claim| claim.going.take());
            if let Some(going) = going {
                self.send_back(&job, Return { again_at: None, ..going });
            }
        }
    }

    /// Forgets a claim; its worker may be offered something else.
    pub(super) fn drop_claim(&mut self, job: &JobId) -> Option<QueuedJob> {
        let claim = self.claims.remove(job)?;
        self.count_out(&claim.job.project);
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
            // Before the first heartbeat of a session nobody knows what its worker has.
            let in_service =
                worker.session.is_some_and(|id| self.sessions.get(&id).is_some_and(|state| state.in_service));
            let is_unconfirmed = in_service && now.duration_since(claim.confirmed) >= patience;
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
            self.give_back(job, GiveBack::Unanswered, why);
        } else {
            self.lose(job, why);
        }
    }
}
