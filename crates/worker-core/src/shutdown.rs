//! How a worker ends (protocol section 10): nothing more is taken, what runs gets its grace, the rest goes back.

use std::sync::Arc;
use std::time::Instant;

use studio_protocol::{Fail, Feature, Goodbye, LogLevel, Release, WorkerClose, WorkerFrame};

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
        self.give_back();
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

    /// What still runs goes to another worker.
    fn give_back(&mut self) {
        let open = self.link.open().is_some();
        let (release, lease) = (self.link.uses(Feature::Release), self.link.uses(Feature::Lease));
        for job in self.jobs.take_all() {
            let end = match self.outbox.get(&job.id) {
                _ if job.cancelled => JobEnd::Cancelled,
                Some(entry) => JobEnd::Done(Arc::clone(entry)),
                None => JobEnd::Released(REASON.to_owned()),
            };
            self.push(Effect::Stop(job.id.clone()));
            self.push(Effect::Ended { job: job.id.clone(), end });
            self.push(Effect::Forget(job.id.clone()));
            self.log(LogLevel::Info, "given back: the worker ends".to_owned(), Some(&job.id));
            if !open || job.cancelled || self.outbox.get(&job.id).is_some() {
                continue;
            }
            let (job_id, attempt) = (job.id, job.attempt.filter(|_| lease));
            self.send(if release {
                WorkerFrame::Release(Release { job_id, reason: REASON.to_owned(), attempt })
            } else {
                WorkerFrame::Fail(Fail { job_id, error: REASON.to_owned(), retryable: true, attempt })
            });
        }
    }
}
