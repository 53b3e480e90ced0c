//! What workers really have, seen from outside: jobs that they accepted, and results that they keep.

use std::collections::BTreeMap;
use std::time::Duration;

use studio_protocol::{JobId, WorkerId};

/// A worker has a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Held {
    /// `None` for base workers, which are told none.
    pub attempt: Option<u32>,
    pub since: Duration,
    /// Its result is on disk.
    pub on_disk: bool,
    /// Its engine is done.
    pub finished: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Holds(BTreeMap<WorkerId, BTreeMap<JobId, Held>>);

impl Holds {
    pub fn accepted(&mut self, now: Duration, worker: &WorkerId, job: &JobId, attempt: Option<u32>) {
        let held = Held { attempt, since: now, on_disk: false, finished: false };
        self.0.entry(worker.clone()).or_default().insert(job.clone(), held);
    }

    /// Its engine finished; `on_disk` once the spool has it.
    pub fn finished(&mut self, worker: &WorkerId, job: &JobId, on_disk: bool) {
        if let Some(held) = self.0.get_mut(worker).and_then(|held| held.get_mut(job)) {
            held.finished = true;
            held.on_disk |= on_disk;
        }
    }

    /// It gave the job up, or was told that it may.
    pub fn ended(&mut self, worker: &WorkerId, job: &JobId) {
        if let Some(held) = self.0.get_mut(worker) {
            held.remove(job);
        }
    }

    /// The process is gone: what is on disk stays.
    pub fn process_gone(&mut self, worker: &WorkerId) {
        if let Some(held) = self.0.get_mut(worker) {
            held.retain(|_, held| held.on_disk);
        }
    }

    pub fn identity_gone(&mut self, worker: &WorkerId) {
        self.0.remove(worker);
    }

    pub fn find(&self, worker: &WorkerId, job: &JobId, attempt: u32) -> Option<&Held> {
        let held = self.0.get(worker)?.get(job)?;
        held.attempt.is_none_or(|number| number == attempt).then_some(held)
    }

    pub fn is_finished(&self, worker: &WorkerId, job: &JobId, attempt: u32) -> bool {
        self.find(worker, job, attempt).is_some_and(|held| held.finished)
    }
}
