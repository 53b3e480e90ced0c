//! The daemon's side of the engines: starts them, gives them jobs, watches over them, and outlives whatever they do.
//!
//! ```text
//! stopped -> starting -> ready <-> busy -> stopping -> stopped
//!            any of them -> crashed -> starting (backoff); a model that crashed its engine three times is refused
//! ```
//!
//! One task owns each engine's process, and nothing else touches it. A dropped task takes its process group with it.

mod actor;
mod crashes;
mod event;
mod outbox;
mod output;
mod process;
mod settings;
mod snapshot;
mod stderr;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use engine_protocol::Description;
use studio_protocol::JobId;
use studio_runtime::Tasks;
use tokio::sync::{mpsc, oneshot, watch};

use actor::{Actor, Ask};
pub use event::{EngineJob, JobEvent, Output};
pub use settings::{EngineProgram, EngineSettings};
pub use snapshot::{EngineSnapshot, EngineState};

/// Jobs and questions that may wait for an engine's task: more than a worker has slots, so that asking never waits.
const MAILBOX: usize = 1_024;

/// A cheap handle to every engine; the last one that is dropped stops them.
#[derive(Debug, Clone)]
pub struct Engines {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    engines: BTreeMap<String, Handle>,
    events: mpsc::Sender<JobEvent>,
    tasks: Tasks,
}

#[derive(Debug)]
struct Handle {
    mailbox: mpsc::Sender<Ask>,
    snapshot: watch::Receiver<EngineSnapshot>,
    known: Option<Arc<Description>>,
}

/// Why an engine could not say what it can do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DescribeError {
    /// No such engine on this worker.
    #[error("engine `{0}` is not on this worker")]
    Unknown(String),
    /// It did not start, in words.
    #[error("{0}")]
    Start(String),
}

impl Engines {
    /// Starts no process yet; `tasks` owns the tasks, `events` gets what happens to jobs.
    ///
    /// Called inside of a runtime whose threads live as long as the process: engines end with the thread that started them.
    pub fn new(tasks: &Tasks, settings: EngineSettings, events: mpsc::Sender<JobEvent>) -> Self {
        let settings = Arc::new(settings);
        let start = |(name, program): (&String, &EngineProgram)| {
            let (mailbox, asks) = mpsc::channel(MAILBOX);
            let (publish, snapshot) = watch::channel(EngineSnapshot::default());
            let actor =
                Actor::new(name.clone(), program.clone(), settings.clone(), asks, events.clone(), publish);
            tasks.spawn(actor.run());
            (name.clone(), Handle { mailbox, snapshot, known: program.known.clone().map(Arc::new) })
        };
        let engines = settings.programs.iter().map(start).collect();
        Self { shared: Arc::new(Shared { engines, events, tasks: tasks.clone() }) }
    }

    /// The engines that this worker can run, sorted.
    pub fn names(&self) -> Vec<String> {
        self.shared.engines.keys().cloned().collect()
    }

    /// What an engine can do: known, or asked by starting it and then remembered.
    pub async fn describe(&self, engine: &str) -> Result<Arc<Description>, DescribeError> {
        let unknown = || DescribeError::Unknown(engine.to_owned());
        let handle = self.shared.engines.get(engine).ok_or_else(unknown)?;
        if let Some(known) = &handle.known {
            return Ok(known.clone());
        }
        let (answer, answered) = oneshot::channel();
        let _ = handle.mailbox.send(Ask::Describe(answer)).await;
        answered.await.unwrap_or_else(|_| Err(DescribeError::Start("the engines were stopped".to_owned())))
    }

    /// Queues a job and returns; what becomes of it comes as [`JobEvent`]s.
    pub async fn run(&self, job: EngineJob) {
        let Some(handle) = self.shared.engines.get(&job.engine) else {
            let error = format!("engine `{}` is not on this worker", job.engine);
            return self.fail(JobEvent::Failed { job_id: job.job_id, error, retryable: true });
        };
        if let Err(mpsc::error::SendError(Ask::Run(job))) = handle.mailbox.send(Ask::Run(Box::new(job))).await
        {
            self.fail(JobEvent::Failed { job_id: job.job_id, error: STOPPED.to_owned(), retryable: true });
        }
    }

    /// Asks the engine to stop a job, and kills its process group a second later.
    ///
    /// The job ends with [`JobEvent::Stopped`]; one that has ended already gets no further event.
    pub async fn cancel(&self, job_id: &JobId) {
        for handle in self.shared.engines.values() {
            let _ = handle.mailbox.send(Ask::Cancel(job_id.clone())).await;
        }
    }

    /// Stops every engine within `grace` and returns when no process is left.
    ///
    /// Jobs end with [`JobEvent::Stopped`]; later ones fail.
    pub async fn stop_all(&self, grace: Duration) {
        let mut stopping = Vec::new();
        for handle in self.shared.engines.values() {
            let (done, stopped) = oneshot::channel();
            let _ = handle.mailbox.send(Ask::Stop { grace, done }).await;
            stopping.push(stopped);
        }
        for stopped in stopping {
            let _ = stopped.await;
        }
    }

    /// What an engine is doing now, for display.
    pub fn snapshot(&self, engine: &str) -> Option<EngineSnapshot> {
        self.shared.engines.get(engine).map(|handle| handle.snapshot.borrow().clone())
    }

    /// Delivers the end of a job that no engine ever saw, without making its sender wait.
    fn fail(&self, event: JobEvent) {
        let events = self.shared.events.clone();
        self.shared.tasks.spawn(async move {
            let _ = events.send(event).await;
        });
    }
}

/// Told to jobs that come too late.
const STOPPED: &str = "the engines of this worker were stopped";
