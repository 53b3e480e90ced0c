//! The task that owns one engine: one process at a time, its jobs, and the decision what it does next.

mod advance;
mod ends;
mod listen;
mod preload;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use engine_protocol::{Command, Description};
use studio_protocol::JobId;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until};

use super::crashes::Crashes;
use super::lane::Load as LaneLoad;
use super::outbox::Outbox;
use super::process::{Notice, Process};
use super::stderr::FloodGate;
use super::{
    DescribeError, EngineJob, EngineProgram, EngineSettings, EngineSnapshot, EngineState, JobEvent, STOPPED,
};
pub(super) use preload::Preload;

/// From `shutdown` to the end of a process that nobody waits for.
const STOP_GRACE: Duration = Duration::from_secs(2);

/// What a handle asks.
#[derive(Debug)]
pub(super) enum Ask {
    Run(Box<EngineJob>),
    Cancel(JobId),
    Describe(oneshot::Sender<Result<Arc<Description>, DescribeError>>),
    /// Brings a model into memory without a job.
    Load(Box<Preload>),
    /// Ends the process as soon as it has nothing to do.
    Free,
    /// How long it may idle from now on.
    IdleTtl(Duration),
    /// Ends the process whatever it does; jobs are taken again afterwards.
    Abort {
        grace: Duration,
        done: oneshot::Sender<()>,
    },
    Stop {
        grace: Duration,
        done: oneshot::Sender<()>,
    },
}

/// Owns one engine.
pub(super) struct Actor {
    name: String,
    program: EngineProgram,
    settings: Arc<EngineSettings>,
    asks: mpsc::Receiver<Ask>,
    outbox: Outbox,
    publish: watch::Sender<EngineSnapshot>,
    state: State,
    waiting: VecDeque<EngineJob>,
    running: Vec<Running>,
    preload: Option<Box<Preload>>,
    /// The process is to end once it has nothing to do.
    free: bool,
    load: LaneLoad,
    describing: Vec<oneshot::Sender<Result<Arc<Description>, DescribeError>>>,
    description: Option<Arc<Description>>,
    crashes: Crashes,
    /// Processes in a row that did not live to finish a job.
    failures: u32,
    gate: FloodGate,
    /// No more jobs are taken.
    closed: bool,
    starts: u64,
    loads: u64,
    /// What the loaded model takes.
    memory_bytes: Option<u64>,
}

/// Where the process stands.
enum State {
    Stopped { not_before: Option<Instant> },
    Starting { process: Process, until: Instant },
    Up { process: Process, slots: usize, model: Model, idle_since: Instant },
}

/// What is in the engine's memory.
enum Model {
    Nothing,
    Loading { name: String, silent_until: Instant },
    Unloading { until: Instant },
    Loaded(String),
}

struct Running {
    job: Box<EngineJob>,
    /// When the engine got it.
    since: Instant,
    silent_until: Instant,
    /// It was cancelled, and this is the end of its grace.
    kill_at: Option<Instant>,
}

impl Actor {
    pub(super) fn new(
        name: String,
        program: EngineProgram,
        settings: Arc<EngineSettings>,
        asks: mpsc::Receiver<Ask>,
        events: mpsc::Sender<JobEvent>,
        publish: watch::Sender<EngineSnapshot>,
        load: LaneLoad,
    ) -> Self {
        Self {
            name,
            program,
            settings,
            asks,
            outbox: Outbox::new(events, load.clone()),
            preload: None,
            free: false,
            load,
            publish,
            state: State::Stopped { not_before: None },
            waiting: VecDeque::new(),
            running: Vec::new(),
            describing: Vec::new(),
            description: None,
            crashes: Crashes::default(),
            failures: 0,
            gate: FloodGate::new(Instant::now().into_std()),
            closed: false,
            starts: 0,
            loads: 0,
            memory_bytes: None,
        }
    }

    /// Lives until the last handle is dropped.
    pub(super) async fn run(mut self) {
        loop {
            self.advance().await;
            self.publish();
            let deadline = self.deadline();
            let listening = self.outbox.has_room();
            tokio::select! {
                ask = self.asks.recv() => match ask {
                    Some(ask) => self.asked(ask).await,
                    None => break,
                },
                notice = next_notice(&mut self.state), if listening => self.noticed(notice).await,
                () = self.outbox.flush_one(), if !self.outbox.is_empty() => {}
                () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => self.overdue().await,
            }
        }
        self.stop_process(STOP_GRACE).await;
    }

    async fn asked(&mut self, ask: Ask) {
        match ask {
            Ask::Run(job) if self.closed => self.fail(job.job_id, STOPPED.to_owned(), true),
            Ask::Run(job) => {
                self.free = false;
                self.waiting.push_back(*job);
            }
            Ask::Cancel(job_id) => self.cancel(&job_id),
            Ask::Load(preload) => self.take_preload(preload),
            Ask::Free => self.free = true,
            Ask::IdleTtl(ttl) => Arc::make_mut(&mut self.settings).idle_ttl = ttl,
            Ask::Abort { grace, done } => {
                self.abort(grace, "the owner wants the memory").await;
                let _ = done.send(());
            }
            Ask::Describe(answer) => match &self.description {
                Some(description) => drop(answer.send(Ok(description.clone()))),
                None if self.closed => drop(answer.send(Err(DescribeError::Start(STOPPED.to_owned())))),
                None => self.describing.push(answer),
            },
            Ask::Stop { grace, done } => {
                self.close(grace).await;
                let _ = done.send(());
            }
        }
    }

    fn cancel(&mut self, job_id: &JobId) {
        if let Some(at) = self.waiting.iter().position(|job| job.job_id == *job_id) {
            self.waiting.remove(at);
            return self.outbox.post(JobEvent::Stopped { job_id: job_id.clone() });
        }
        let Some(running) = self.running.iter_mut().find(|running| running.job.job_id == *job_id) else {
            return;
        };
        if running.kill_at.is_some() {
            return;
        }
        running.kill_at = Some(Instant::now() + engine_protocol::CANCEL_GRACE);
        if let State::Up { process, .. } = &mut self.state {
            let _ = process.say(&Command::Cancel(engine_protocol::CancelJob { job_id: job_id.clone() }));
        }
    }

    fn fail(&mut self, job_id: JobId, error: String, retryable: bool) {
        self.outbox.post(JobEvent::Failed { job_id, error, retryable });
    }

    /// The next moment at which something is overdue.
    fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Stopped { not_before } => not_before.filter(|_| self.has_reason_to_start()),
            State::Starting { until, .. }
            | State::Up {
                model: Model::Loading { silent_until: until, .. } | Model::Unloading { until },
                ..
            } => Some(*until),
            State::Up { model: Model::Nothing | Model::Loaded(_), idle_since, .. }
                if self.running.is_empty() =>
            {
                Some(*idle_since + self.settings.idle_ttl)
            }
            State::Up { .. } => {
                self.running.iter().map(|running| running.kill_at.unwrap_or(running.silent_until)).min()
            }
        }
    }

    fn has_reason_to_start(&self) -> bool {
        !self.waiting.is_empty() || !self.describing.is_empty() || self.preload.is_some()
    }

    /// A device with memory of its own is what its models are loaded into.
    fn is_on_device(&self) -> bool {
        let known = self.description.as_deref().or(self.program.known.as_ref());
        known.is_some_and(|known| known.devices.iter().any(|device| device.memory_bytes.is_some()))
    }

    fn publish(&self) {
        let (state, pid, model) = match &self.state {
            State::Stopped { .. } => (EngineState::Stopped, None, None),
            State::Starting { process, .. } => (EngineState::Starting, process.pid(), None),
            State::Up { process, model, .. } => match model {
                Model::Nothing => (EngineState::Ready, process.pid(), None),
                Model::Loading { .. } | Model::Unloading { .. } => (EngineState::Busy, process.pid(), None),
                Model::Loaded(name) if self.running.is_empty() => {
                    (EngineState::Ready, process.pid(), Some(name))
                }
                Model::Loaded(name) => (EngineState::Busy, process.pid(), Some(name)),
            },
        };
        let snapshot = EngineSnapshot {
            state,
            pid,
            model: model.cloned(),
            running: self.running.len(),
            waiting: self.waiting.len(),
            starts: self.starts,
            loads: self.loads,
            memory_bytes: self.memory_bytes.filter(|_| model.is_some()),
            on_device: self.is_on_device(),
            refused: self.crashes.refusals(),
        };
        let changed = self.publish.send_if_modified(|old| {
            let changed = *old != snapshot;
            *old = snapshot;
            changed
        });
        if changed {
            self.load.changed.notify_one();
        }
    }
}

async fn next_notice(state: &mut State) -> Notice {
    match state {
        State::Stopped { .. } => std::future::pending().await,
        State::Starting { process, .. } | State::Up { process, .. } => process.next().await,
    }
}
