//! How the rest of the studio speaks to the coordinator.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use studio_protocol::{CloseCode, JobId, ProjectId, StudioFrame, WorkerId};
use studio_scheduler::{Control, Input, ProjectRules, QueuedJob, SessionId, WorkerLimits};
use tokio::sync::mpsc;

/// What a session's socket is told.
#[derive(Debug)]
pub(crate) enum Outgoing {
    /// Send it.
    Frame(StudioFrame),
    /// Say why, close, and end.
    Close {
        /// With which code.
        code: CloseCode,
        /// In words.
        message: String,
    },
}

/// What a socket tells.
#[derive(Debug)]
pub(crate) enum Letter {
    /// Something happened.
    Input(Input),
    /// A session is there; its frames go to `outbox`.
    Open { input: Input, session: SessionId, outbox: mpsc::Sender<Outgoing> },
}

/// Speaks to the coordinator; clones speak to the same one.
///
/// The public methods bring news of committed changes. They are called on the store's writer thread, in the
/// order of commits, and therefore never wait.
#[derive(Debug, Clone)]
pub struct CoordinatorHandle {
    pub(super) news: mpsc::UnboundedSender<Input>,
    pub(super) inbox: mpsc::Sender<Letter>,
    pub(super) sessions: Arc<AtomicU64>,
}

impl CoordinatorHandle {
    /// Jobs were stored as queued.
    pub fn queued(&self, jobs: Vec<QueuedJob>) {
        if !jobs.is_empty() {
            self.news(Input::Queued(jobs));
        }
    }

    /// A job was cancelled in the store; its worker is told why.
    pub fn cancelled(&self, job: JobId, reason: String) {
        self.news(Input::Cancelled { job, reason });
    }

    /// A waiting job has another priority.
    pub fn reprioritised(&self, job: QueuedJob) {
        self.news(Input::Reprioritised(job));
    }

    /// An operator paused a worker, or let it go on.
    pub fn worker_paused(&self, worker: WorkerId, paused: bool) {
        self.news(Input::Paused { worker, paused });
    }

    /// An operator removed a worker; its jobs are queued again in the store.
    pub fn worker_removed(&self, worker: WorkerId, requeued: Vec<QueuedJob>) {
        self.news(Input::Removed { worker, requeued });
    }

    /// A project has other rules.
    pub fn project_ruled(&self, project: ProjectId, rules: ProjectRules) {
        self.news(Input::Projects(vec![(project, rules)]));
    }

    /// An operator holds the queue, or lets it go on.
    pub fn queue_held(&self, is_held: bool) {
        self.news(Input::Held(is_held));
    }

    /// An operator lets a worker have other things.
    pub fn worker_limited(&self, worker: WorkerId, limits: WorkerLimits) {
        self.news(Input::Limits { worker, limits });
    }

    /// An operator asks something of a worker that has a session which agreed to it.
    pub fn control(&self, worker: WorkerId, control: Control) {
        self.news(Input::Control { worker, control });
    }

    /// An upload was committed.
    pub fn uploaded(&self, worker: WorkerId, job: JobId) {
        self.news(Input::Uploaded { worker, job });
    }

    fn news(&self, input: Input) {
        // An error says that the studio is stopping; what is in the store is found again at the next start.
        let _ = self.news.send(input);
    }

    pub(crate) fn next_session(&self) -> SessionId {
        SessionId(self.sessions.fetch_add(1, Ordering::Relaxed))
    }

    /// Brings what a socket heard; waits while the coordinator is behind, so that the socket is read no further.
    pub(crate) async fn post(&self, letter: Letter) {
        // As above.
        let _ = self.inbox.send(letter).await;
    }
}
