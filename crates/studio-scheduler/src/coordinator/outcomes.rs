//! What the store decided.

use std::time::Instant;

use studio_protocol::{
    Cancel, CloseCode, Feature, JobAck, JobId, LEASE, OfferClaimRaw, OfferRaw, StudioFrame, WorkerId,
};

use super::{Claim, ClaimState, Coordinator};
use crate::{
    ClaimedJob, CommitOutcome, FailOutcome, GiveBack, LoseOutcome, QueuedJob, SessionId, StoreError, StoreOp,
    Stored,
};

/// What the span of a try is named after, so that a studio that was started again names it the same.
pub fn attempt_span(job: &JobId, attempt: u32) -> String {
    format!("{job}/{attempt}")
}

impl Coordinator {
    pub(super) fn stored(&mut self, now: Instant, stored: Stored) {
        match stored {
            Stored::Claim { session, ticket, job, worker, outcome } => {
                self.claim_stored(now, session, ticket, &job, worker, outcome);
            }
            Stored::Accept { job, worker, outcome } => {
                // A refusal needs no action: the news of what took the claim away is on its way in.
                let is_error = outcome.is_err();
                if let Some(claim) =
                    self.claims.get_mut(&job).filter(|claim| claim.worker == worker && is_error)
                {
                    claim.unrecorded = true;
                }
            }
            Stored::GiveBack { job, attempt, outcome } => self.returned(now, &job, attempt, outcome),
            Stored::Lose { job, attempt, outcome } => {
                let requeued = outcome.map(|lost| match lost {
                    LoseOutcome::Requeued(job) => Some(job),
                    LoseOutcome::Quarantined | LoseOutcome::NotHeld => None,
                });
                self.returned(now, &job, attempt, requeued);
            }
            Stored::CompleteJson { session, job, outcome } => {
                self.complete_stored(now, session, &job, outcome);
            }
            Stored::Fail { session, job, outcome } => self.fail_stored(now, session, &job, outcome),
            Stored::WasHeld { session, job, outcome } => self.was_held(now, session, job, outcome),
        }
    }

    fn claim_stored(
        &mut self,
        now: Instant,
        session: SessionId,
        ticket: u64,
        job: &JobId,
        worker: WorkerId,
        outcome: Result<Option<Box<ClaimedJob>>, StoreError>,
    ) {
        let Some(claim) = self.claims.get_mut(job).filter(|claim| claim.ticket == ticket) else {
            // Nobody waits for it any more. If the store made the claim after all, it goes back.
            if let Ok(Some(claimed)) = outcome {
                let (how, reason) = (GiveBack::NeverSent, "the offer was withdrawn".to_owned());
                self.store(StoreOp::GiveBack {
                    job: job.clone(),
                    worker,
                    attempt: claimed.attempt,
                    how,
                    reason,
                });
            }
            return;
        };
        match outcome {
            Ok(Some(claimed)) => {
                claim.attempt = claimed.attempt;
                claim.state = ClaimState::Offered;
                claim.confirmed = now;
                if self.is_held {
                    self.give_back(job, GiveBack::NeverSent, "the queue is held");
                } else if self.sessions.contains_key(&session) {
                    self.send_offer(session, job, *claimed);
                } else {
                    self.give_back(job, GiveBack::NeverSent, "the session ended before the offer left");
                }
            }
            Ok(None) => {
                self.drop_claim(job);
                self.freed(now, session);
            }
            Err(_) => {
                if let Some(state) = self.sessions.get_mut(&session) {
                    // Not at once again: whatever ails the store needs a moment.
                    state.blocked = true;
                }
                let job = self.drop_claim(job);
                self.queued(now, job.into_iter().collect());
            }
        }
    }

    fn send_offer(&mut self, session: SessionId, job: &JobId, claimed: ClaimedJob) {
        let has_lease = self.tells_attempts(session);
        let span = claimed.trace.map(|trace| trace.child(&attempt_span(job, claimed.attempt)));
        let claim = OfferClaimRaw {
            traceparent: span.map(|span| span.to_string()),
            job_id: job.clone(),
            project: claimed.project,
            asset_name: claimed.asset_name,
            model: claimed.model,
            vram_gb_estimate: claimed.vram_gb,
            task: claimed.task,
            model_source: claimed.source,
            attempt: has_lease.then_some(claimed.attempt),
            lease_ms: has_lease.then_some(LEASE.as_millis() as u64),
        };
        self.send(session, StudioFrame::OfferRaw(Box::new(OfferRaw { claim })));
    }

    fn returned(
        &mut self,
        now: Instant,
        job: &JobId,
        attempt: u32,
        outcome: Result<Option<QueuedJob>, StoreError>,
    ) {
        let is_ours = |claim: &&mut Claim| claim.state == ClaimState::Returning && claim.attempt == attempt;
        match (self.claims.get_mut(job).filter(is_ours), outcome) {
            (Some(_), Ok(requeued)) => {
                self.drop_claim(job);
                self.queued(now, requeued.into_iter().collect());
            }
            (Some(claim), Err(_)) => {
                if claim.going.take_if(|going| going.named).is_some() {
                    // Meanwhile its worker showed that it has it.
                    (claim.state, claim.unrecorded) = (ClaimState::Running, true);
                } else if let Some(going) = &mut claim.going {
                    going.again_at = Some(now + self.timing.store_again);
                }
            }
            (None, Ok(requeued)) => self.queued(now, requeued.into_iter().collect()),
            (None, Err(_)) => {}
        }
    }

    fn complete_stored(
        &mut self,
        now: Instant,
        session: SessionId,
        job: &JobId,
        outcome: Result<CommitOutcome, StoreError>,
    ) {
        let stale = match outcome {
            Ok(CommitOutcome::Committed | CommitOutcome::Again) => false,
            Ok(CommitOutcome::Stale) => self.tells_attempts(session),
            Ok(CommitOutcome::NeverHeld) => return self.violation(now, session, "completeJson", job),
            Err(error) => return self.not_stored(now, session, job, &error),
        };
        self.drop_finishing(job);
        self.send(session, StudioFrame::CompleteAck(JobAck { job_id: job.clone(), stale }));
    }

    fn fail_stored(
        &mut self,
        now: Instant,
        session: SessionId,
        job: &JobId,
        outcome: Result<FailOutcome, StoreError>,
    ) {
        let (stale, requeued) = match outcome {
            Ok(FailOutcome::Requeued(queued)) => (false, Some(queued)),
            Ok(FailOutcome::Failed) => (false, None),
            Ok(FailOutcome::Stale) => (self.tells_attempts(session), None),
            Ok(FailOutcome::NeverHeld) => return self.violation(now, session, "fail", job),
            Err(error) => return self.not_stored(now, session, job, &error),
        };
        self.drop_finishing(job);
        self.send(session, StudioFrame::FailAck(JobAck { job_id: job.clone(), stale }));
        self.queued(now, requeued.into_iter().collect());
    }

    fn drop_finishing(&mut self, job: &JobId) {
        if self.claims.get(job).is_some_and(|claim| claim.state == ClaimState::Finishing) {
            self.drop_claim(job);
        }
    }

    /// Nothing was acknowledged and nothing has changed: the worker tries again after a reconnect.
    fn not_stored(&mut self, now: Instant, session: SessionId, job: &JobId, error: &StoreError) {
        if let Some(claim) = self.claims.get_mut(job).filter(|claim| claim.state == ClaimState::Finishing) {
            claim.state = ClaimState::Running;
            claim.confirmed = now;
        }
        if self.sessions.contains_key(&session) {
            self.close(
                now,
                session,
                CloseCode::Normal,
                format!("could not store the end of {job}: {}", error.0),
            );
        }
    }

    fn tells_attempts(&self, session: SessionId) -> bool {
        self.sessions.get(&session).is_some_and(|state| state.has(Feature::Lease))
    }

    fn violation(&mut self, now: Instant, session: SessionId, frame: &str, job: &JobId) {
        if self.sessions.contains_key(&session) {
            let message = format!("{frame} for job {job}, which this worker does not hold");
            self.close(now, session, CloseCode::ProtocolViolation, message);
        }
    }

    /// An offer was accepted that is not out any more: late by a moment, or never made.
    fn was_held(&mut self, now: Instant, id: SessionId, job: JobId, outcome: Result<bool, StoreError>) {
        match outcome {
            Ok(true) => {
                let Some(session) = self.sessions.get_mut(&id) else { return };
                if self.claims.get(&job).is_some_and(|claim| claim.worker == session.worker) {
                    return; // An old attempt was named, but the worker holds the job again.
                }
                session.winding_down.insert(job.clone());
                let can_cancel = session.has(Feature::Cancel);
                self.rank(id);
                if can_cancel {
                    let reason = "the offer was taken back".to_owned();
                    self.send(id, StudioFrame::Cancel(Cancel { job_id: job, reason }));
                }
            }
            Ok(false) => self.violation(now, id, "accept", &job),
            Err(error) => self.not_stored(now, id, &job, &error),
        }
    }
}
