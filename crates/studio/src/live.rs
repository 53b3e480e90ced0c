//! What is known only while it happens: who is connected, how far the running jobs are, and what they show.

mod logs;
mod meter;
mod seats;
mod streams;
mod versions;
mod watcher;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use studio_protocol::{Capabilities, Delta, FeatureSet, JobId, Preview, Progress, Timestamp, WorkerId};
use studio_store::JobState;

pub use logs::WorkerLogs;
pub use meter::Meter;
pub use seats::{Place, Seats};
pub use streams::Streams;
pub use versions::Versions;
pub use watcher::Watcher;

/// A worker's session as others see it.
#[derive(Debug, Clone)]
pub struct LiveWorker {
    /// When `hello` was accepted.
    pub connected_at: Timestamp,
    /// The latest frame.
    pub last_seen_at: Timestamp,
    /// As the latest heartbeat said.
    pub capabilities: Arc<Capabilities>,
    /// What the session uses.
    pub features: FeatureSet,
}

/// Shared by the coordinator, which writes it, and the API, which reads it; clones share.
#[derive(Debug, Clone, Default)]
pub struct Live {
    state: Arc<Mutex<State>>,
    streams: Streams,
    seats: Seats,
    meter: Arc<Meter>,
    logs: WorkerLogs,
    versions: Versions,
}

#[derive(Debug, Default)]
struct State {
    workers: HashMap<WorkerId, LiveWorker>,
    progress: HashMap<JobId, Progress>,
}

impl Live {
    /// The session of `worker`, while it has one.
    pub fn worker(&self, worker: &WorkerId) -> Option<LiveWorker> {
        self.state().workers.get(worker).cloned()
    }

    /// How many workers have a session.
    pub fn online(&self) -> usize {
        self.state().workers.len()
    }

    /// Looks at every session, until `found` is content.
    pub fn any_worker(&self, found: impl FnMut(&LiveWorker) -> bool) -> bool {
        self.state().workers.values().any(found)
    }

    /// The latest progress of a running job.
    pub fn progress(&self, job: &JobId) -> Option<Progress> {
        self.state().progress.get(job).cloned()
    }

    pub(crate) fn set_worker(&self, worker: WorkerId, live: LiveWorker) {
        self.state().workers.insert(worker, live);
    }

    pub(crate) fn heartbeat(&self, worker: &WorkerId, now: Timestamp, capabilities: Arc<Capabilities>) {
        if let Some(live) = self.state().workers.get_mut(worker) {
            live.last_seen_at = now;
            live.capabilities = capabilities;
        }
    }

    pub(crate) fn remove_worker(&self, worker: &WorkerId) {
        self.state().workers.remove(worker);
    }

    pub(crate) fn seen(&self) -> Vec<WorkerId> {
        self.state().workers.keys().cloned().collect()
    }

    pub(crate) fn set_progress(&self, progress: Progress) {
        let job = progress.job_id.clone();
        self.state().progress.insert(job.clone(), progress);
        self.seats.ring(&job);
    }

    /// A text grows.
    pub(crate) fn grow(&self, delta: &Delta) {
        self.streams.grow(delta);
        self.seats.ring(&delta.job_id);
    }

    /// A picture can be seen.
    pub(crate) fn look(&self, preview: Preview) {
        let job = preview.job_id.clone();
        self.streams.look(preview);
        self.seats.ring(&job);
    }

    /// Clients that wait for their jobs.
    pub fn seats(&self) -> &Seats {
        &self.seats
    }

    /// Texts and pictures of running jobs.
    pub fn streams(&self) -> &Streams {
        &self.streams
    }

    /// What happened within this minute.
    pub fn meter(&self) -> &Meter {
        &self.meter
    }

    /// What workers last said of themselves.
    pub fn logs(&self) -> &WorkerLogs {
        &self.logs
    }

    /// The newest version of the worker's program.
    pub fn versions(&self) -> &Versions {
        &self.versions
    }

    /// A job is in another state: what was said of it before may count no more.
    pub(crate) fn job_changed(&self, job: &JobId, state: JobState) {
        self.meter.job_changed(job, state, Timestamp::now());
        if !state.is_held() {
            self.state().progress.remove(job);
            if state == JobState::Queued {
                self.streams.forget(job);
            } else {
                self.streams.end(job);
            }
        }
        self.seats.changed(job, state);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The maps are whole after every statement, so a panic elsewhere leaves nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
