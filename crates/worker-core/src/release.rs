//! Jobs that go back to the studio undone, for somebody else to do.

use studio_protocol::{Feature, JobId, LogLevel, Release, WorkerFrame};

use crate::jobs::Job;
use crate::{Effect, JobEnd, Worker};

/// Told to the studio when the owner called a job off.
pub(crate) const OWNER_RELEASES: &str = "the worker's owner gave it back";

impl Worker {
    /// Stops a job, which goes back once its engine has let go of it; one that is done meanwhile counts.
    pub(crate) fn release(&mut self, id: &JobId, reason: &str) {
        // A result that is being written has the last word.
        if self.outbox.get(id).is_some() {
            return;
        }
        let Some(job) = self.jobs.get_mut(id).filter(|job| !job.cancelled && job.released.is_none()) else {
            return;
        };
        job.released = Some(reason.to_owned());
        self.log(LogLevel::Info, format!("goes back: {reason}"), Some(id));
        self.push(Effect::Stop(id.clone()));
    }

    /// Its engine has let go of it.
    pub(crate) fn hand_back(&mut self, job: &Job, reason: &str) {
        self.push(Effect::Ended { job: job.id.clone(), end: JobEnd::Released(reason.to_owned()) });
        // Without a session nothing is said: a claim that no heartbeat names, or whose session is over, comes back by itself.
        if self.link.open().is_some() {
            if self.link.uses(Feature::Release) {
                let attempt = job.attempt.filter(|_| self.link.uses(Feature::Lease));
                let release = Release { job_id: job.id.clone(), reason: reason.to_owned(), attempt };
                self.send(WorkerFrame::Release(release));
            } else {
                self.fail(&job.id, job.attempt, reason.to_owned(), true, job.accepted_on);
            }
        }
        self.push(Effect::Forget(job.id.clone()));
    }
}
