//! The model host: which models are in memory, and which job goes where.
//!
//! Every model has a lane, a process of its engine that holds nothing else. A job of a model that is in memory
//! goes to its lane at once; for any other one the host makes room first, or says in words why there is none.

mod place;
mod tune;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use engine_protocol::Description;
use studio_protocol::{JobId, ModelSource};
use studio_runtime::Tasks;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::sleep;

use super::actor::{Actor, Ask};
use super::lane::{Lane, LaneKey, Load};
use super::outbox::Outbox;
pub use tune::Tuning;

use super::{DescribeError, EngineJob, EngineSettings, EngineSnapshot, JobEvent, LaneSnapshot, STOPPED};

/// Jobs and questions that may wait for a lane: more than a worker has slots, so that handing over never waits.
const MAILBOX: usize = 1_024;
/// How often free memory is measured again while a job waits for it: other programs do not tell.
const RECHECK: Duration = Duration::from_secs(1);
/// Lanes without a process that are remembered, for their counts.
const REMEMBERED: usize = 64;

/// What an engine gets to end by itself when its owner wants the memory at once.
const ABORT_GRACE: Duration = Duration::from_millis(500);
/// Told to whoever wants a model loaded meanwhile.
const WANTED_BACK: &str = "the owner wants the memory: it is loaded when the worker takes jobs again";

/// What a handle asks.
#[derive(Debug)]
pub(super) enum HostAsk {
    Run(Box<EngineJob>),
    Cancel(JobId),
    Describe { engine: String, answer: oneshot::Sender<Result<Arc<Description>, DescribeError>> },
    Load(Box<LoadWish>),
    Unload { model: String, answer: oneshot::Sender<Result<(), String>> },
    Tune(Box<Tuning>),
    FreeMemory { at_once: bool },
    UseMemory,
    Stop { grace: Duration, done: oneshot::Sender<()> },
}

/// A model that somebody wants in memory.
#[derive(Debug)]
pub(super) struct LoadWish {
    pub(super) model: String,
    pub(super) source: ModelSource,
    pub(super) vram_gb: f64,
    pub(super) answer: oneshot::Sender<Result<(), String>>,
}

/// What waits for room.
#[derive(Debug)]
enum Waiting {
    Job(Box<EngineJob>),
    Load(Box<LoadWish>),
}

impl Waiting {
    fn key(&self) -> LaneKey {
        match self {
            Self::Job(job) => (job.engine.clone(), job.model.clone()),
            Self::Load(load) => (load.source.engine.clone(), load.model.clone()),
        }
    }

    fn source(&self) -> (&ModelSource, f64) {
        match self {
            Self::Job(job) => (&job.source, job.vram_gb),
            Self::Load(load) => (&load.source, load.vram_gb),
        }
    }
}

/// Owns the lanes.
pub(super) struct Host {
    settings: Arc<EngineSettings>,
    asks: mpsc::Receiver<HostAsk>,
    events: mpsc::Sender<JobEvent>,
    outbox: Outbox,
    tasks: Tasks,
    lanes: BTreeMap<LaneKey, Lane>,
    waiting: VecDeque<Waiting>,
    /// What models took when they were loaded last.
    measured: HashMap<LaneKey, u64>,
    load: Load,
    board: watch::Sender<Vec<LaneSnapshot>>,
    uses: u64,
    /// The owner wants the memory: nothing is loaded ahead of a job.
    wanted_back: bool,
    closed: bool,
}

impl Host {
    pub(super) fn new(
        settings: Arc<EngineSettings>,
        asks: mpsc::Receiver<HostAsk>,
        events: mpsc::Sender<JobEvent>,
        tasks: Tasks,
        board: watch::Sender<Vec<LaneSnapshot>>,
    ) -> Self {
        let load = Load::default();
        Self {
            settings,
            asks,
            outbox: Outbox::new(events.clone(), load.clone()),
            events,
            tasks,
            lanes: BTreeMap::new(),
            waiting: VecDeque::new(),
            measured: HashMap::new(),
            load,
            board,
            uses: 0,
            wanted_back: false,
            closed: false,
        }
    }

    /// Lives until the last handle is dropped.
    pub(super) async fn run(mut self) {
        let changed = self.load.changed.clone();
        loop {
            self.note_memory();
            self.publish();
            self.place_waiting().await;
            self.publish();
            tokio::select! {
                ask = self.asks.recv() => match ask {
                    Some(ask) => self.asked(ask).await,
                    None => return,
                },
                () = changed.notified() => {}
                () = self.outbox.flush_one(), if !self.outbox.is_empty() => {}
                () = sleep(RECHECK), if !self.waiting.is_empty() => {}
            }
        }
    }

    async fn asked(&mut self, ask: HostAsk) {
        match ask {
            HostAsk::Run(job) if self.closed => self.fail(job.job_id, STOPPED.to_owned(), true),
            HostAsk::Run(job) if !self.settings.programs.contains_key(&job.engine) => {
                let error = format!("engine `{}` is not on this worker", job.engine.escape_debug());
                self.fail(job.job_id, error, true);
            }
            HostAsk::Run(job) => self.waiting.push_back(Waiting::Job(job)),
            HostAsk::Cancel(job_id) => self.cancel(&job_id).await,
            HostAsk::Describe { engine, answer } => self.describe(engine, answer).await,
            HostAsk::Load(load) if self.closed => drop(load.answer.send(Err(STOPPED.to_owned()))),
            HostAsk::Load(load) if self.wanted_back => drop(load.answer.send(Err(WANTED_BACK.to_owned()))),
            HostAsk::Load(load) if !self.settings.programs.contains_key(&load.source.engine) => {
                let problem = format!("engine `{}` is not on this worker", load.source.engine.escape_debug());
                let _ = load.answer.send(Err(problem));
            }
            HostAsk::Load(load) => self.waiting.push_back(Waiting::Load(load)),
            HostAsk::Unload { model, answer } => {
                let _ = answer.send(self.unload(&model).await);
            }
            HostAsk::Tune(tuning) => self.tune(*tuning).await,
            HostAsk::FreeMemory { at_once } => self.free_memory(at_once).await,
            HostAsk::UseMemory => self.wanted_back = false,
            HostAsk::Stop { grace, done } => {
                self.stop(grace).await;
                let _ = done.send(());
            }
        }
    }

    async fn cancel(&mut self, job_id: &JobId) {
        let is_it = |waiting: &Waiting| matches!(waiting, Waiting::Job(job) if job.job_id == *job_id);
        if let Some(at) = self.waiting.iter().position(is_it) {
            self.waiting.remove(at);
            return self.outbox.post(JobEvent::Stopped { job_id: job_id.clone() });
        }
        for lane in self.lanes.values() {
            let _ = lane.mailbox.send(Ask::Cancel(job_id.clone())).await;
        }
    }

    async fn describe(
        &mut self,
        engine: String,
        answer: oneshot::Sender<Result<Arc<Description>, DescribeError>>,
    ) {
        if self.closed {
            return drop(answer.send(Err(DescribeError::Start(STOPPED.to_owned()))));
        }
        if !self.settings.programs.contains_key(&engine) {
            return drop(answer.send(Err(DescribeError::Unknown(engine))));
        }
        let lane = self.lane(&(engine, String::new()));
        let _ = lane.mailbox.send(Ask::Describe(answer)).await;
    }

    /// The model's lane ends its process once its jobs are done.
    async fn unload(&mut self, model: &str) -> Result<(), String> {
        let live = self.lanes.iter_mut().filter(|((_, name), lane)| name == model && lane.is_live());
        let mut found = false;
        for (_, lane) in live {
            found = true;
            lane.leaving = true;
            let _ = lane.mailbox.send(Ask::Free).await;
        }
        if found { Ok(()) } else { Err(format!("model `{}` is not in memory", model.escape_debug())) }
    }

    /// Every model leaves memory; what is waiting for room leaves with them when there is no time to lose.
    async fn free_memory(&mut self, at_once: bool) {
        self.wanted_back = true;
        let waiting = std::mem::take(&mut self.waiting);
        for waiting in waiting {
            match waiting {
                Waiting::Load(load) => drop(load.answer.send(Err(WANTED_BACK.to_owned()))),
                Waiting::Job(job) if at_once => self.outbox.post(JobEvent::Stopped { job_id: job.job_id }),
                job @ Waiting::Job(_) => self.waiting.push_back(job),
            }
        }
        let mut ending = Vec::new();
        for ((engine, model), lane) in &mut self.lanes {
            if model.is_empty() || !lane.is_live() {
                continue;
            }
            tracing::info!(engine, model, at_once, "leaves memory: its owner wants it back");
            let (done, ended) = oneshot::channel();
            let ask = if at_once { Ask::Abort { grace: ABORT_GRACE, done } } else { Ask::Free };
            lane.leaving = true;
            let _ = lane.mailbox.send(ask).await;
            ending.push(ended);
        }
        for ended in ending {
            let _ = ended.await;
        }
    }

    async fn stop(&mut self, grace: Duration) {
        self.closed = true;
        for waiting in std::mem::take(&mut self.waiting) {
            match waiting {
                Waiting::Job(job) => self.outbox.post(JobEvent::Stopped { job_id: job.job_id }),
                Waiting::Load(load) => drop(load.answer.send(Err(STOPPED.to_owned()))),
            }
        }
        let mut stopping = Vec::new();
        for lane in self.lanes.values() {
            let (done, stopped) = oneshot::channel();
            let _ = lane.mailbox.send(Ask::Stop { grace, done }).await;
            stopping.push(stopped);
        }
        for stopped in stopping {
            let _ = stopped.await;
        }
    }

    /// The lane of a model, made when it is new.
    fn lane(&mut self, key: &LaneKey) -> &mut Lane {
        self.uses += 1;
        let uses = self.uses;
        if !self.lanes.contains_key(key) {
            self.forget_lanes();
            let lane = self.make_lane(key);
            self.lanes.insert(key.clone(), lane);
        }
        let lane = self.lanes.get_mut(key).expect("it was put there if it was not there");
        lane.used = uses;
        lane
    }

    fn make_lane(&self, key: &LaneKey) -> Lane {
        let program = self.settings.programs[&key.0].clone();
        let resident = self.settings.resident.contains(&key.1);
        let mut settings = (*self.settings).clone();
        settings.idle_ttl = self.idle_ttl(key);
        let (mailbox, asks) = mpsc::channel(MAILBOX);
        let (publish, snapshot) = watch::channel(EngineSnapshot::default());
        let load = self.load.fresh();
        let actor = Actor::new(
            key.0.clone(),
            program,
            Arc::new(settings),
            asks,
            self.events.clone(),
            publish,
            load.clone(),
        );
        self.tasks.spawn(actor.run());
        Lane { mailbox, snapshot, load, need: 0, group: None, resident, used: 0, leaving: false }
    }

    /// Lanes without a process are kept for their counts, but not for ever.
    fn forget_lanes(&mut self) {
        let mut idle: Vec<(u64, LaneKey)> = self
            .lanes
            .iter()
            .filter(|((_, model), lane)| !model.is_empty() && lane.is_forgettable())
            .map(|(key, lane)| (lane.used, key.clone()))
            .collect();
        idle.sort_unstable();
        let surplus = idle.len().saturating_sub(REMEMBERED);
        for (_, key) in idle.into_iter().take(surplus) {
            self.lanes.remove(&key);
        }
    }

    /// What models really take is remembered for their next load.
    fn note_memory(&mut self) {
        for (key, lane) in &mut self.lanes {
            let (state, loaded) = {
                let snapshot = lane.snapshot.borrow();
                (snapshot.state, snapshot.model.as_ref().and(snapshot.memory_bytes))
            };
            if let Some(bytes) = loaded {
                self.measured.insert(key.clone(), bytes);
            }
            if state == super::EngineState::Stopped {
                lane.leaving = false;
            }
        }
    }

    fn fail(&mut self, job_id: JobId, error: String, retryable: bool) {
        self.outbox.post(JobEvent::Failed { job_id, error, retryable });
    }

    fn publish(&self) {
        let lanes: Vec<_> = self.lanes.iter().map(|(key, lane)| lane.shown(key)).collect();
        self.board.send_if_modified(|old| {
            let changed = *old != lanes;
            *old = lanes;
            changed
        });
    }
}
