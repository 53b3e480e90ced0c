//! What changed, told to whoever watches: the API's event stream and, through it, every client.

use std::sync::Arc;

use serde::Serialize;
use studio_protocol::{JobId, Preview, Progress, RequestId, WorkerId};
use studio_store::JobState;
use tokio::sync::broadcast;

/// Events that a slow watcher may fall behind by; beyond it the watcher is told to look again from the start.
const EVENT_BACKLOG: usize = 4096;

/// One change. The store is the truth: an event says where to look.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum StudioEvent {
    /// A job is in another state.
    Job {
        /// Which.
        id: JobId,
        /// The state that it is in now.
        state: JobState,
        /// Who holds it, while somebody does.
        #[serde(skip_serializing_if = "Option::is_none")]
        worker: Option<WorkerId>,
    },
    /// A running job got further.
    Progress(Progress),
    /// A running picture can be seen; read from the live streams, never published.
    Preview(Preview),
    /// A running text grew; as above.
    Delta {
        /// Which job's.
        job_id: JobId,
        /// Of which try.
        attempt: u32,
        /// What was said since the last one.
        text: String,
        /// What was thought since the last one.
        #[serde(skip_serializing_if = "Option::is_none")]
        reasoning: Option<String>,
        /// What was told before belongs to a try that is lost: discard it.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        reset: bool,
        /// Something before this is left out, because it is too long ago.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        truncated: bool,
    },
    /// A worker came, went, or is described differently.
    Worker {
        /// Which.
        id: WorkerId,
        /// Whether it has a session.
        online: bool,
    },
    /// A registration came, or was decided.
    Registration {
        /// Which.
        id: RequestId,
    },
    /// Jobs were submitted.
    Submitted {
        /// How many.
        jobs: usize,
    },
    /// Something that is seldom changed was.
    Changed {
        /// What.
        what: Area,
    },
}

/// What an operator or admin may change, apart from jobs and workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Area {
    /// The registry.
    Models,
    /// Whether the queue is held.
    Queue,
    /// Accounts.
    Users,
    /// API keys.
    Keys,
    /// Projects, with their limits.
    Projects,
    /// Webhooks.
    Webhooks,
    /// What a webhook was told.
    Deliveries,
    /// Artefacts were deleted.
    Artefacts,
    /// A minute of the overview is over.
    Overview,
}

impl StudioEvent {
    /// The event's name in the stream: its `type`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Job { .. } => "job",
            Self::Progress(_) => "progress",
            Self::Preview(_) => "preview",
            Self::Delta { .. } => "delta",
            Self::Worker { .. } => "worker",
            Self::Registration { .. } => "registration",
            Self::Submitted { .. } => "submitted",
            Self::Changed { .. } => "changed",
        }
    }
}

/// Hands every event to every watcher; clones share the watchers.
#[derive(Debug, Clone)]
pub struct Events(broadcast::Sender<Arc<StudioEvent>>);

impl Default for Events {
    fn default() -> Self {
        Self(broadcast::Sender::new(EVENT_BACKLOG))
    }
}

impl Events {
    /// Tells everybody who watches now.
    pub fn publish(&self, event: StudioEvent) {
        if self.0.receiver_count() > 0 {
            // An error says that the last watcher has just left.
            let _ = self.0.send(Arc::new(event));
        }
    }

    /// How many watch now.
    pub fn watchers(&self) -> usize {
        self.0.receiver_count()
    }

    /// Watches from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<StudioEvent>> {
        self.0.subscribe()
    }
}
