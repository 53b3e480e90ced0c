//! What workers say about jobs.

use std::time::Instant;

use studio_protocol::{
    Accept, CloseCode, CompleteJson, Delta, Fail, Feature, JobId, Preview, Progress, Reject, RejectCode,
    Release, TaskKind, WorkerId,
};

use super::{Claim, ClaimState, Coordinator};
use crate::{Effect, GiveBack, SessionId, StoreOp};

impl Coordinator {
    /// The worker of a session that is open; frames of others are late and change nothing.
    ///
    /// Clears an attempt that the session did not agree to name.
    fn speaker(&mut self, now: Instant, session: SessionId, attempt: &mut Option<u32>) -> Option<WorkerId> {
        let state = self.sessions.get_mut(&session)?;
        state.last_frame = now;
        if !state.has(Feature::Lease) {
            *attempt = None;
        }
        Some(state.worker.clone())
    }

    /// The claim of `worker` on `job`, when the frame is about the current attempt.
    fn claim_of(&mut self, worker: &WorkerId, job: &JobId, attempt: Option<u32>) -> Option<&mut Claim> {
        self.claims.get_mut(job).filter(|claim| claim.worker == *worker && claim.is_about(attempt))
    }

    /// Whether an extension frame may count; one that was not agreed on is ignored.
    fn agreed(&self, session: SessionId, feature: Feature) -> bool {
        self.sessions.get(&session).is_some_and(|state| state.has(feature))
    }

    pub(super) fn accept(&mut self, now: Instant, session: SessionId, mut frame: Accept) {
        let Some(worker) = self.speaker(now, session, &mut frame.attempt) else { return };
        match self.claim_of(&worker, &frame.job_id, frame.attempt) {
            Some(claim) => {
                claim.confirmed = now;
                if claim.state == ClaimState::Offered {
                    self.accepted(&frame.job_id);
                }
            }
            None => self.store(StoreOp::WasHeld { session, worker, job: frame.job_id }),
        }
    }

    pub(super) fn reject(&mut self, now: Instant, session: SessionId, mut frame: Reject) {
        let Some(worker) = self.speaker(now, session, &mut frame.attempt) else { return };
        let claim = self.claim_of(&worker, &frame.job_id, frame.attempt);
        let offered = claim.filter(|claim| claim.state == ClaimState::Offered);
        if let Some(model) = offered.map(|claim| claim.job.model.clone()) {
            self.note_refusal(now, session, &frame);
            if let Some(state) = self.sessions.get_mut(&session) {
                // It does not load it either.
                state.resident.take_if(|resident| *resident == model);
            }
            self.give_back(&frame.job_id, GiveBack::Rejected, frame.reason);
        }
        self.free_again(now, session, &frame.job_id);
    }

    fn note_refusal(&mut self, now: Instant, session: SessionId, frame: &Reject) {
        let until = now + self.timing.refused;
        let Some(state) = self.sessions.get_mut(&session) else { return };
        match frame.code {
            Some(RejectCode::Busy | RejectCode::Paused) => state.blocked = true,
            Some(RejectCode::InsufficientMemory) => {
                state.refused.insert(frame.job_id.clone(), None);
            }
            None => {
                state.refused.insert(frame.job_id.clone(), Some(until));
            }
        }
    }

    pub(super) fn complete_json(&mut self, now: Instant, session: SessionId, mut frame: CompleteJson) {
        let Some(worker) = self.speaker(now, session, &mut frame.attempt) else { return };
        if let Some(claim) = self.claim_of(&worker, &frame.job_id, frame.attempt) {
            let kind = claim.job.kind;
            if !kind.result_is_json() {
                let message =
                    format!("completeJson for {}: results of kind {kind} are uploaded", frame.job_id);
                return self.close(now, session, CloseCode::ProtocolViolation, message);
            }
            claim.finishing();
        }
        let job = frame.job_id.clone();
        self.store(StoreOp::CompleteJson { session, worker, result: frame });
        self.free_again(now, session, &job);
    }

    pub(super) fn fail(&mut self, now: Instant, session: SessionId, mut frame: Fail) {
        let Some(worker) = self.speaker(now, session, &mut frame.attempt) else { return };
        if let Some(claim) = self.claim_of(&worker, &frame.job_id, frame.attempt) {
            claim.finishing();
        }
        let job = frame.job_id.clone();
        if let Some(state) = self.sessions.get_mut(&session).filter(|_| frame.retryable) {
            state.refused.insert(job.clone(), Some(now + self.timing.failed_here));
        }
        self.store(StoreOp::Fail { session, worker, fail: frame });
        self.free_again(now, session, &job);
    }

    pub(super) fn release(&mut self, now: Instant, session: SessionId, mut frame: Release) {
        let Some(worker) = self.speaker(now, session, &mut frame.attempt) else { return };
        if !self.agreed(session, Feature::Release) {
            return;
        }
        if let Some(state) = self.sessions.get_mut(&session) {
            // It is on its way out, or paused: its next heartbeat tells.
            state.blocked = true;
        }
        let state = self.claim_of(&worker, &frame.job_id, frame.attempt).map(|claim| claim.state);
        if let Some(ClaimState::Offered | ClaimState::Running) = state {
            self.give_back(&frame.job_id, GiveBack::Released, frame.reason);
        }
        self.free_again(now, session, &frame.job_id);
    }

    pub(super) fn progress(&mut self, now: Instant, session: SessionId, mut frame: Progress) {
        let Some(worker) = self.speaker(now, session, &mut frame.attempt) else { return };
        if !self.agreed(session, Feature::Progress) {
            return;
        }
        if let Some(claim) = self.claim_of(&worker, &frame.job_id, frame.attempt) {
            claim.confirmed = now;
            self.out.push(Effect::Progress(frame));
        }
    }

    pub(super) fn preview(&mut self, now: Instant, session: SessionId, frame: Preview) {
        let Some(worker) = self.speaker(now, session, &mut None) else { return };
        if self.agreed(session, Feature::Preview) && self.claim_of(&worker, &frame.job_id, None).is_some() {
            self.out.push(Effect::Preview(frame));
        }
    }

    pub(super) fn delta(&mut self, now: Instant, session: SessionId, mut frame: Delta) {
        let Some(worker) = self.speaker(now, session, &mut frame.attempt) else { return };
        if !self.agreed(session, Feature::Stream) {
            return;
        }
        if let Some(claim) = self.claim_of(&worker, &frame.job_id, frame.attempt) {
            claim.confirmed = now;
            let is_text = matches!(claim.job.kind, TaskKind::Llm | TaskKind::AudioStt);
            frame.attempt = Some(claim.attempt);
            if is_text && claim.state == ClaimState::Running {
                self.out.push(Effect::Delta(frame));
            }
        }
    }

    /// The worker is done with `job`, whatever it was to us: its slot is free.
    pub(super) fn free_again(&mut self, now: Instant, session: SessionId, job: &JobId) {
        if let Some(state) = self.sessions.get_mut(&session) {
            state.winding_down.remove(job);
            state.foreign.take_if(|foreign| foreign == job);
        }
        self.freed(now, session);
    }
}
