//! Sessions come, say that they are there, and go.

use std::sync::Arc;
use std::time::{Duration, Instant};

use studio_protocol::{
    Cancel, Capabilities, CloseCode, Feature, Heartbeat, JobId, MAX_HELD_JOBS, StudioFrame, Timestamp,
    Welcome, WorkerId,
};

use super::{ClaimState, Coordinator, Decided};
use crate::session::Session;
use crate::{Control, Effect, GiveBack, QueuedJob, SessionId};

impl Coordinator {
    pub(super) fn opened(
        &mut self,
        now: Instant,
        session: SessionId,
        worker: WorkerId,
        capabilities: Arc<Capabilities>,
        paused: bool,
    ) {
        let paused = match self.decided.get(&worker) {
            Some(Decided::Removed) => {
                let message = format!("worker {worker} was removed by an operator");
                return self.out.push(Effect::Close { session, code: CloseCode::WorkerDeleted, message });
            }
            Some(Decided::Paused(paused)) => *paused,
            None => paused,
        };
        if let Some(current) = self.workers.get(&worker).and_then(|state| state.session) {
            let message = format!("another session was opened for worker {worker}: this one ends for good");
            if current > session {
                // Its hello was held up on the way: this is the older socket.
                let code = CloseCode::DuplicateWorker;
                return self.out.push(Effect::Close { session, code, message });
            }
            self.close(now, current, CloseCode::DuplicateWorker, message);
        }
        let mut opened = Session::new(now, worker.clone(), capabilities, self.timing.features);
        if let Some(limits) = self.limits.get(&worker) {
            opened.limits = limits.clone();
        }
        let features = opened.features;
        self.sessions.insert(session, opened);
        let state = self.workers.entry(worker.clone()).or_default();
        state.session = Some(session);
        state.keep_until = None;
        state.paused = paused;
        // The shell that sends it puts its clock in: time of day decides nothing here.
        let server_time = Timestamp::from_millis(0);
        self.send(session, StudioFrame::Welcome(Welcome { worker_id: worker, server_time, features }));
    }

    pub(super) fn closed(&mut self, now: Instant, session: SessionId) {
        self.ended(session, now + self.timing.keep);
    }

    fn ended(&mut self, session: SessionId, keep_until: Instant) {
        self.withdraw(session);
        let Some(ended) = self.sessions.remove(&session) else { return };
        let Some(worker) = self.workers.get_mut(&ended.worker) else { return };
        if worker.session == Some(session) {
            worker.session = None;
            worker.keep_until = Some(keep_until);
            if worker.claims.is_empty() {
                self.workers.remove(&ended.worker);
            }
        }
    }

    pub(super) fn seen(&mut self, now: Instant, session: SessionId) {
        if let Some(session) = self.sessions.get_mut(&session) {
            session.last_frame = now;
        }
    }

    pub(super) fn heartbeat(
        &mut self,
        now: Instant,
        id: SessionId,
        heartbeat: &Heartbeat,
        capabilities: Arc<Capabilities>,
    ) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let is_first = !std::mem::replace(&mut session.in_service, true);
        session.last_frame = now;
        let held = self.workers.get(&session.worker).map(|worker| &worker.claims);
        let holds = |model: &str| {
            let claims = held.into_iter().flatten().filter_map(|job| self.claims.get(job));
            claims.filter(|claim| claim.takes_a_slot()).any(|claim| *claim.job.model == *model)
        };
        session.describe(capabilities, holds);
        session.blocked = false;
        session.refused.retain(|_, until| until.is_some());
        let names_all = session.has(Feature::Resume);
        let held = heartbeat.held_jobs.iter().flatten().filter(|_| names_all);
        let named: Vec<JobId> =
            heartbeat.current_job_id.iter().chain(held).take(MAX_HELD_JOBS).cloned().collect();
        // A job that was taken away and is no longer named does not take a slot any more.
        session.winding_down.retain(|job| named.contains(job));
        let worker = session.worker.clone();
        self.send(id, StudioFrame::HeartbeatAck);
        for job in &named {
            self.confirm(now, id, &worker, job);
        }
        if is_first {
            self.give_back_unnamed(&worker, &named);
        }
        self.note_foreign(id, heartbeat.current_job_id.as_ref());
        self.rank(id);
        self.dispatch_session(now, id);
    }

    /// A heartbeat names a job: the claim is alive.
    fn confirm(&mut self, now: Instant, session: SessionId, worker: &WorkerId, job: &JobId) {
        let Some(claim) = self.claims.get_mut(job).filter(|claim| claim.worker == *worker) else { return };
        claim.confirmed = now;
        claim.session = Some(session);
        // It was to go back, but the store could not do that yet, and now the worker has it after all.
        let stays = claim.going.take_if(|going| going.again_at.is_some()).is_some();
        claim.going.iter_mut().for_each(|going| going.named = true);
        let is_running = claim.state == ClaimState::Running;
        if stays || claim.state == ClaimState::Offered || (is_running && claim.unrecorded) {
            // Its `accept` was cut off with the former connection.
            self.accepted(job);
        }
    }

    /// The first heartbeat tells what the worker still has: what it does not name, it lost.
    fn give_back_unnamed(&mut self, worker: &WorkerId, named: &[JobId]) {
        let Some(state) = self.workers.get(worker) else { return };
        let missing: Vec<JobId> = state.claims.iter().filter(|job| !named.contains(job)).cloned().collect();
        for job in missing {
            match self.claims.get(&job).map(|claim| claim.state) {
                Some(ClaimState::Offered) => {
                    self.give_back(&job, GiveBack::Unanswered, "the worker came back without it");
                }
                Some(ClaimState::Running) => self.lose(&job, format!("worker {worker} came back without it")),
                Some(ClaimState::Offering | ClaimState::Finishing | ClaimState::Returning) | None => {}
            }
        }
    }

    /// The worker runs a job that it does not hold (it was cancelled or given away meanwhile): tell it to stop.
    fn note_foreign(&mut self, id: SessionId, current: Option<&JobId>) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let worker = &session.worker;
        let foreign = current.filter(|job| self.claims.get(job).is_none_or(|claim| claim.worker != *worker));
        let is_news = session.foreign.as_ref() != foreign;
        session.foreign = foreign.cloned();
        let can_cancel = session.has(Feature::Cancel);
        if let Some(job_id) = foreign.filter(|_| is_news && can_cancel).cloned() {
            let reason = "the job is not held by this worker any more".to_owned();
            self.send(id, StudioFrame::Cancel(Cancel { job_id, reason }));
        }
    }

    pub(super) fn goodbye(&mut self, now: Instant, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.last_frame = now;
        if !session.has(Feature::Goodbye) {
            return;
        }
        session.leaving = true;
        let worker = session.worker.clone();
        self.withdraw(id);
        let held = self.workers.get(&worker).map(|worker| worker.claims.clone()).unwrap_or_default();
        for job in held {
            match self.claims.get(&job).map(|claim| claim.state) {
                Some(ClaimState::Offered | ClaimState::Running) => {
                    self.give_back(&job, GiveBack::Released, "the worker said goodbye");
                }
                Some(ClaimState::Offering | ClaimState::Finishing | ClaimState::Returning) | None => {}
            }
        }
    }

    pub(super) fn paused(&mut self, now: Instant, worker: &WorkerId, paused: bool) {
        self.decided.insert(worker.clone(), Decided::Paused(paused));
        let Some(state) = self.workers.get_mut(worker) else { return };
        state.paused = paused;
        if let Some(session) = state.session {
            self.rank(session);
            self.dispatch_session(now, session);
        }
    }

    /// What an operator asks goes out at once; a worker that did not agree to it is not asked.
    pub(super) fn control(&mut self, worker: &WorkerId, control: Control) {
        let Some(id) = self.session_of(worker) else { return };
        if self.sessions.get(&id).is_some_and(|session| session.has(Feature::Control)) {
            self.send(id, control.frame());
        }
    }

    pub(super) fn removed(&mut self, now: Instant, worker: &WorkerId, requeued: Vec<QueuedJob>) {
        self.decided.insert(worker.clone(), Decided::Removed);
        self.limits.remove(worker);
        if let Some(state) = self.workers.remove(worker) {
            for job in &state.claims {
                if let Some(claim) = self.claims.remove(job) {
                    self.count_out(&claim.job.project);
                }
            }
            if let Some(session) = state.session {
                let message = format!("worker {worker} was removed by an operator");
                self.close(now, session, CloseCode::WorkerDeleted, message);
            }
        }
        self.queued(now, requeued);
    }

    /// Sessions that are silent for too long are gone; the claims of those that are gone for too long come back.
    pub(super) fn tick(&mut self, now: Instant) {
        let silence = self.timing.stale;
        let is_stale = |session: &Session| now.duration_since(session.last_frame) >= silence;
        let stale: Vec<SessionId> =
            self.sessions.iter().filter(|(_, session)| is_stale(session)).map(|(id, _)| *id).collect();
        for session in stale {
            let message = format!("no frame for {:.1} s", silence.as_secs_f32());
            self.out.push(Effect::Close { session, code: CloseCode::Normal, message });
            // Its claims were kept for this long already.
            self.ended(session, now);
        }
        self.send_back_again(now);
        self.return_overdue(now);
        self.forgive(now);
    }

    fn forgive(&mut self, now: Instant) {
        let refusing = self.sessions.iter_mut().filter(|(_, session)| !session.refused.is_empty());
        let forgiven: Vec<SessionId> =
            refusing.filter_map(|(id, session)| session.forgive(now).then_some(*id)).collect();
        for session in forgiven {
            self.dispatch_session(now, session);
        }
    }

    /// How long a claim may go unconfirmed while its worker has a session.
    pub(super) fn patience(&self, state: ClaimState) -> Option<Duration> {
        match state {
            ClaimState::Offered => Some(self.timing.offer_answer),
            ClaimState::Running => Some(self.timing.unnamed),
            ClaimState::Offering | ClaimState::Finishing | ClaimState::Returning => None,
        }
    }
}
