//! The daemon's side of the engines: starts them, gives them jobs, watches over them, and outlives whatever they do.
//!
//! ```text
//! stopped -> starting -> ready <-> busy -> stopping -> stopped
//!            any of them -> crashed -> starting (backoff); a model that crashed its engine three times is refused
//! ```
//!
//! A host decides which models are in memory. Each of them has a lane: one task that owns one process of its engine, and
//! nothing else touches it. A dropped task takes its process group with it.

mod actor;
mod admission;
mod crashes;
mod event;
mod host;
mod lane;
mod memory;
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
use studio_protocol::{JobId, ModelSource};
use studio_runtime::Tasks;
use tokio::sync::{mpsc, oneshot, watch};

pub use event::{EngineJob, JobEvent, Output};
pub use host::Tuning;
use host::{Host, HostAsk, LoadWish};
pub use memory::{FreeMemory, Probe};
pub use settings::{DEFAULT_MAX_LANES, DEFAULT_RESERVE, EngineProgram, EngineSettings};
pub use snapshot::{EngineSnapshot, EngineState, LaneSnapshot};

/// Jobs and questions that may wait for the host: more than a worker has slots, so that asking never waits.
const MAILBOX: usize = 1_024;

/// A cheap handle to every engine; the last one that is dropped stops them.
#[derive(Debug, Clone)]
pub struct Engines {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    known: BTreeMap<String, Option<Arc<Description>>>,
    asks: mpsc::Sender<HostAsk>,
    board: watch::Receiver<Vec<LaneSnapshot>>,
    events: mpsc::Sender<JobEvent>,
    tasks: Tasks,
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
        let known = settings
            .programs
            .iter()
            .map(|(name, program)| (name.clone(), program.known.clone().map(Arc::new)))
            .collect();
        let (asks, asked) = mpsc::channel(MAILBOX);
        let (publish, board) = watch::channel(Vec::new());
        let host = Host::new(Arc::new(settings), asked, events.clone(), tasks.clone(), publish);
        tasks.spawn(host.run());
        Self { shared: Arc::new(Shared { known, asks, board, events, tasks: tasks.clone() }) }
    }

    /// The engines that this worker can run, sorted.
    pub fn names(&self) -> Vec<String> {
        self.shared.known.keys().cloned().collect()
    }

    /// What an engine can do: known, or asked by starting it and then remembered.
    pub async fn describe(&self, engine: &str) -> Result<Arc<Description>, DescribeError> {
        if let Some(Some(known)) = self.shared.known.get(engine) {
            return Ok(known.clone());
        }
        let (answer, answered) = oneshot::channel();
        let _ = self.shared.asks.send(HostAsk::Describe { engine: engine.to_owned(), answer }).await;
        answered.await.unwrap_or_else(|_| Err(DescribeError::Start(STOPPED.to_owned())))
    }

    /// Queues a job and returns; what becomes of it comes as [`JobEvent`]s.
    pub async fn run(&self, job: EngineJob) {
        if let Err(mpsc::error::SendError(HostAsk::Run(job))) =
            self.shared.asks.send(HostAsk::Run(Box::new(job))).await
        {
            self.fail(JobEvent::Failed { job_id: job.job_id, error: STOPPED.to_owned(), retryable: true });
        }
    }

    /// Asks the engine to stop a job, and kills its process group a second later.
    ///
    /// The job ends with [`JobEvent::Stopped`]; one that has ended already gets no further event.
    pub async fn cancel(&self, job_id: &JobId) {
        let _ = self.shared.asks.send(HostAsk::Cancel(job_id.clone())).await;
    }

    /// Brings a model into memory before a job wants it; the error says in words why it is not there.
    pub async fn load(&self, model: &str, source: ModelSource, vram_gb: f64) -> Result<(), String> {
        let (answer, answered) = oneshot::channel();
        let wish = LoadWish { model: model.to_owned(), source, vram_gb, answer };
        let _ = self.shared.asks.send(HostAsk::Load(Box::new(wish))).await;
        answered.await.unwrap_or_else(|_| Err(STOPPED.to_owned()))
    }

    /// Asks a model to leave memory as soon as its jobs are done.
    pub async fn unload(&self, model: &str) -> Result<(), String> {
        let (answer, answered) = oneshot::channel();
        let _ = self.shared.asks.send(HostAsk::Unload { model: model.to_owned(), answer }).await;
        answered.await.unwrap_or_else(|_| Err(STOPPED.to_owned()))
    }

    /// Takes up what the owner changed.
    pub async fn tune(&self, tuning: Tuning) {
        let _ = self.shared.asks.send(HostAsk::Tune(Box::new(tuning))).await;
    }

    /// Gives the memory of every model back: at once, whatever runs (jobs end with [`JobEvent::Stopped`]), or as soon as a
    /// model has nothing to do. Until [`Engines::use_memory`] models are loaded for jobs only.
    pub async fn free_memory(&self, at_once: bool) {
        let _ = self.shared.asks.send(HostAsk::FreeMemory { at_once }).await;
    }

    /// Models may be loaded without a job again.
    pub async fn use_memory(&self) {
        let _ = self.shared.asks.send(HostAsk::UseMemory).await;
    }

    /// Stops every engine within `grace` and returns when no process is left.
    ///
    /// Jobs end with [`JobEvent::Stopped`]; later ones fail.
    pub async fn stop_all(&self, grace: Duration) {
        let (done, stopped) = oneshot::channel();
        let _ = self.shared.asks.send(HostAsk::Stop { grace, done }).await;
        let _ = stopped.await;
    }

    /// Every lane, for display; follows the lanes with a short delay.
    pub fn lanes(&self) -> Vec<LaneSnapshot> {
        self.shared.board.borrow().clone()
    }

    /// Changes when a lane does.
    pub fn watch_lanes(&self) -> watch::Receiver<Vec<LaneSnapshot>> {
        self.shared.board.clone()
    }

    /// What an engine is doing now, over all of its lanes.
    pub fn snapshot(&self, engine: &str) -> Option<EngineSnapshot> {
        self.shared.known.contains_key(engine).then(|| {
            let board = self.shared.board.borrow();
            EngineSnapshot::merged(
                board.iter().filter(|lane| lane.engine == engine).map(|lane| &lane.process),
            )
        })
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
