//! How a worker ends (protocol section 10): nothing more is taken, what runs gets its grace, the rest goes back.

use std::sync::Arc;
use std::time::Instant;

use studio_protocol::{Feature, Goodbye, LogLevel, WorkerClose, WorkerFrame};

use crate::link::Link;
use crate::{Effect, ExitReason, JobEnd, Worker};

const REASON: &str = "the worker is shutting down";

impl Worker {
    pub(crate) fn begin_shutdown(&mut self, now: Instant) {
        if self.stopping.is_none() {
            self.stopping = Some(now + self.settings.shutdown_grace);
            let grace = self.settings.shutdown_grace.as_secs_f64();
            self.log(LogLevel::Info, format!("ending within {grace} s; no new jobs are taken"), None);
            if let Link::Open(open) = &mut self.link
                && !self.jobs.is_empty()
            {
                // The studio hears at once that offers are no use any more; without a job this is the end anyway.
                open.next_heartbeat = now;
            }
        }
    }

    pub(crate) fn begin_drain(&mut self) {
        self.draining = true;
    }

    /// Ends as soon as nothing is left to wait for.
    pub(crate) fn settle(&mut self, now: Instant) {
        if self.cautious && self.outbox.is_empty() {
            self.cautious = false;
        }
        if self.has_ended() || !self.is_ending() {
            return;
        }
        let grace_over = self.stopping.is_some_and(|end| end <= now);
        let told = self.outbox.is_empty() && self.fails.is_empty();
        // Without a session a signal need not wait: results are in the spool, and the studio keeps their claims.
        let nobody_to_tell = self.stopping.is_some() && self.link.open().is_none();
        // A drain is patient with everybody, a signal with the studio's jobs alone.
        let local_done = self.stopping.is_some() || self.machine.local_jobs.is_empty();
        if grace_over || (self.jobs.is_empty() && local_done && (told || nobody_to_tell)) {
            self.end();
        }
    }

    fn end(&mut self) {
        self.give_back(REASON);
        for job in self.jobs.take_all() {
            let done = self.outbox.get(&job.id).filter(|_| !job.cancelled).map(Arc::clone);
            self.push(Effect::Ended { job: job.id, end: done.map_or(JobEnd::Cancelled, JobEnd::Done) });
        }
        match self.link {
            Link::Open(_) => {
                // A goodbye gives every claim back, so it is not said while a result waits in the spool.
                if self.link.uses(Feature::Goodbye) && self.outbox.is_empty() {
                    self.send(WorkerFrame::Goodbye(Goodbye { reason: REASON.to_owned() }));
                }
                self.push(Effect::Close(WorkerClose::SessionEnded));
            }
            Link::Connecting { .. } | Link::Greeting { .. } => {
                self.push(Effect::Close(WorkerClose::SessionEnded));
            }
            Link::Off | Link::Waiting { .. } => {}
        }
        self.exit(ExitReason::Stopped);
    }
}
