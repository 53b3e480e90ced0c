//! Claims: taking an offer, taking a job up again, giving it up on request.

use std::time::Instant;

use studio_protocol::{
    Accept, BadOffer, Cancel, Feature, JobId, LogLevel, OfferClaim, Reject, TaskKind, WorkerFrame,
};

use crate::jobs::Job;
use crate::offers::{Answer, Gate};
use crate::settings::MemoryRule;
use crate::stream::{Looks, Stream};
use crate::{Effect, Worker};

impl Worker {
    pub(crate) fn offered(&mut self, now: Instant, socket: u64, claim: OfferClaim) {
        let attempt = claim.attempt.filter(|_| self.link.uses(Feature::Lease));
        if self.take_up_again(socket, &claim.job_id, attempt) {
            return;
        }
        // It was given away meanwhile: what was to be said of the former claim is stale.
        self.unsaid.retain(|release| release.job_id != claim.job_id);
        match self.gate(&claim).answer(&claim) {
            Answer::Accept => {
                let kind = claim.task.kind();
                let (stream, preview) = (self.wants_stream(kind), self.wants_preview(kind));
                let mut job = Job::new(&claim, attempt, socket, now);
                job.stream = stream.then(|| Stream::new(now, socket));
                job.looks = preview.then(|| Looks::new(now));
                self.jobs.insert(job);
                self.send(WorkerFrame::Accept(Accept { job_id: claim.job_id.clone(), attempt }));
                self.push(Effect::Run { claim: Box::new(claim), stream, preview });
            }
            Answer::Reject { code, reason } => {
                let job_id = claim.job_id;
                self.send(WorkerFrame::Reject(Reject { job_id, reason, code: Some(code), attempt }));
            }
            Answer::Fail { error, retryable } => {
                self.log(LogLevel::Error, error.clone(), Some(&claim.job_id));
                self.fail(&claim.job_id, attempt, error, retryable, socket);
            }
        }
    }

    /// An offer of a job that is here already: the work counts for the new claim instead of being done twice.
    fn take_up_again(&mut self, socket: u64, id: &JobId, attempt: Option<u32>) -> bool {
        let running = match self.jobs.get_mut(id) {
            Some(job) if job.cancelled => return false,
            Some(job) => {
                if job.attempt != attempt
                    && let Some(stream) = &mut job.stream
                {
                    stream.again();
                }
                job.attempt = attempt;
                job.accepted_on = socket;
                true
            }
            None => false,
        };
        let stored = self.outbox.adopt(id, attempt, socket);
        if !running && stored.is_none() {
            return false;
        }
        self.send(WorkerFrame::Accept(Accept { job_id: id.clone(), attempt }));
        if let Some(entry) = stored {
            self.push(Effect::Spool(entry));
        }
        true
    }

    fn gate(&self, claim: &OfferClaim) -> Gate<'_> {
        let kind = claim.task.kind();
        let taken = if self.settings.has_slots() { self.jobs.of_kind(kind) } else { self.jobs.len() };
        let is_loaded = self.machine.capabilities.loaded_models.contains(&claim.model)
            || self.jobs.iter().any(|job| job.model == claim.model);
        let weighs = self.settings.memory == MemoryRule::Weigh && !is_loaded;
        let duplicate =
            self.jobs.iter().any(|job| job.id == claim.job_id) || self.winding_down.contains(&claim.job_id);
        let closed = if self.is_ending() {
            Some("the worker is about to end")
        } else if self.spool_check.is_some() {
            Some("the disk for results is full")
        } else if self.outbox.is_full() {
            Some("too many results wait for their acknowledgement")
        } else {
            self.machine.busy_reason.as_deref()
        };
        Gate {
            paused: self.pause.is_some(),
            closed,
            held: self.owner.first_reason(),
            presence: self.presence(),
            capabilities: &self.machine.capabilities,
            free_vram_gb: self.machine.free_vram_gb.filter(|_| weighs),
            vram_reserve_gb: self.settings.vram_reserve_gb,
            slot_free: !duplicate && self.local_jobs_leave_room(kind, taken),
        }
    }

    /// A session that does not speak of slots knows of one job at a time, whoever asked for it.
    fn local_jobs_leave_room(&self, kind: TaskKind, taken: usize) -> bool {
        let local = &self.machine.local_jobs;
        let all: u32 = local.values().sum();
        if !self.link.uses(Feature::Slots) && all > 0 {
            return false;
        }
        let local = if self.settings.has_slots() { local.get(&kind).copied().unwrap_or(0) } else { all };
        taken + (local as usize) < self.settings.slots_of(kind) as usize
    }

    pub(crate) fn bad_offer(&mut self, socket: u64, offer: BadOffer) {
        self.log(LogLevel::Error, offer.problem.clone(), Some(&offer.job_id));
        let attempt = offer.attempt.filter(|_| self.link.uses(Feature::Lease));
        self.fail(&offer.job_id, attempt, offer.problem, true, socket);
    }

    pub(crate) fn cancel(&mut self, socket: u64, cancel: &Cancel) {
        if !self.link.uses(Feature::Cancel) {
            self.log(LogLevel::Warn, "ignored: `cancel` was not announced".to_owned(), Some(&cancel.job_id));
            return;
        }
        let id = &cancel.job_id;
        if let Some(job) = self.jobs.get_mut(id) {
            if !std::mem::replace(&mut job.cancelled, true) {
                self.log(LogLevel::Info, format!("cancelled: {}", cancel.reason), Some(id));
                self.push(Effect::Stop(id.clone()));
            }
        } else if !self.outbox.in_flight(id, socket) {
            self.drop_cancelled(id);
        }
    }

    /// A result that the studio wants no more.
    pub(crate) fn drop_cancelled(&mut self, id: &JobId) {
        let Some(attempt) = self.outbox.get(id).map(|entry| entry.attempt) else { return };
        self.forget_result(id);
        self.fail(id, attempt, "cancelled".to_owned(), false, self.sockets);
    }
}
