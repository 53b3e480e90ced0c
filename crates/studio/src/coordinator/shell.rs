//! The task that owns the coordinator.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Instant;

use studio_protocol::{JobId, StudioFrame, Timestamp, WorkerId};
use studio_runtime::{Tasks, Traces};
use studio_scheduler::{
    CommitOutcome, Coordinator, Effect, FailOutcome, Input, LoseOutcome, SessionId, StoreError, StoreOp,
    Stored, Timing,
};
use studio_store::{Db, JobState, Store, refused};
use tokio::sync::mpsc;

use super::handle::Letter;
use super::observed::Observed;
use super::{CoordinatorHandle, INBOX, Outgoing, TICK, TOUCH_INTERVAL};
use crate::events::{Events, StudioEvent};
use crate::live::{Live, LiveWorker};
use crate::metrics::Metrics;

/// Inputs that are taken before anything else happens: enough to make use of a wake-up, few enough to stay fair.
const INPUTS_AT_ONCE: usize = 256;

struct Shell {
    coordinator: Coordinator,
    store: Store,
    events: Events,
    live: Live,
    observed: Observed,
    outboxes: HashMap<SessionId, Session>,
    /// The session that speaks for each worker.
    current: HashMap<WorkerId, SessionId>,
    news: mpsc::UnboundedSender<Input>,
}

struct Session {
    worker: WorkerId,
    outbox: mpsc::Sender<Outgoing>,
}

/// Restores what the store knows and starts the task; it ends with the last handle, or at the hard step.
pub(crate) async fn spawn(
    tasks: &Tasks,
    store: Store,
    events: Events,
    live: Live,
    metrics: Metrics,
    traces: Traces,
) -> Result<CoordinatorHandle, studio_store::StoreError> {
    let rules =
        store.read(|db| Ok((db.project_rules()?, db.worker_limits()?, db.queue_paused_at()?))).await?;
    let (queued, held) = store.read(Db::open_work).await?;
    let held_traces = store.read(Db::held_traces).await?;
    tracing::info!(queued = queued.len(), held = held.len(), "open work restored");
    let (inbox, letters) = mpsc::channel(INBOX);
    // Unbounded, because the store's writer must never wait for us. What is in it is bounded by the changes that
    // are out: a few for each session, one for each request.
    let (news, committed) = mpsc::unbounded_channel();
    let mut shell = Shell {
        coordinator: Coordinator::new(Timing::default()),
        store,
        events,
        live,
        observed: Observed::new(metrics, traces),
        outboxes: HashMap::new(),
        current: HashMap::new(),
        news: news.clone(),
    };
    let (projects, limits, paused_at) = rules;
    shell.handle(Input::Projects(projects));
    for (worker, limits) in limits {
        shell.handle(Input::Limits { worker, limits: limits.rules() });
    }
    shell.handle(Input::Held(paused_at.is_some()));
    shell.observed.restored(&held, held_traces);
    shell.handle(Input::Restored { queued, held });
    tasks.spawn(shell.run(letters, committed));
    Ok(CoordinatorHandle { news, inbox, sessions: Arc::new(AtomicU64::new(1)) })
}

impl Shell {
    async fn run(
        mut self,
        mut letters: mpsc::Receiver<Letter>,
        mut committed: mpsc::UnboundedReceiver<Input>,
    ) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut touch = tokio::time::interval(TOUCH_INTERVAL);
        let mut batch = Vec::with_capacity(INPUTS_AT_ONCE);
        loop {
            tokio::select! {
                biased; // Commits first: they free what new inputs want.
                Some(input) = committed.recv() => {
                    self.note(&input);
                    self.handle(input);
                }
                taken = letters.recv_many(&mut batch, INPUTS_AT_ONCE) => {
                    if taken == 0 {
                        return;
                    }
                    for letter in batch.drain(..) {
                        self.read(letter);
                    }
                }
                _ = tick.tick() => self.handle(Input::Tick),
                _ = touch.tick() => self.touch(),
            }
        }
    }

    fn read(&mut self, letter: Letter) {
        let input = match letter {
            Letter::Input(input) => input,
            Letter::Open { input, session, outbox } => {
                self.opened(&input, session, outbox);
                input
            }
        };
        self.note(&input);
        self.handle(input);
    }

    /// What others see of an input.
    #[expect(clippy::wildcard_enum_match_arm, reason = "most inputs are seen by nobody")]
    fn note(&mut self, input: &Input) {
        self.observed.heard(input);
        match input {
            Input::Closed { session } => self.forget(*session),
            Input::Heartbeat(session, _, capabilities) => {
                if let Some(state) = self.outboxes.get(session) {
                    self.live.heartbeat(&state.worker, Timestamp::now(), capabilities.clone());
                }
            }
            Input::Uploaded { worker, job } => self.job_changed(job, JobState::Done, Some(worker)),
            Input::Removed { requeued, .. } => {
                for job in requeued {
                    self.live.job_changed(&job.id, JobState::Queued);
                }
            }
            Input::Cancelled { job, .. } => self.job_changed(job, JobState::Cancelled, None),
            _ => {}
        }
    }

    fn opened(&mut self, input: &Input, session: SessionId, outbox: mpsc::Sender<Outgoing>) {
        let Input::Opened { worker, capabilities, .. } = input else { return };
        let now = Timestamp::now();
        let features = capabilities.features.intersection(Timing::default().features);
        let capabilities = capabilities.clone();
        let live = LiveWorker { connected_at: now, last_seen_at: now, capabilities, features };
        self.outboxes.insert(session, Session { worker: worker.clone(), outbox });
        if self.current.get(worker).is_some_and(|current| *current > session) {
            return; // A late hello on an older socket: the coordinator ends it.
        }
        self.current.insert(worker.clone(), session);
        self.live.versions().note(&live.capabilities.agent_version);
        self.live.set_worker(worker.clone(), live);
        self.worker_changed(worker, true);
    }

    fn forget(&mut self, session: SessionId) {
        let Some(gone) = self.outboxes.remove(&session) else { return };
        if self.current.get(&gone.worker) == Some(&session) {
            self.current.remove(&gone.worker);
            self.live.remove_worker(&gone.worker);
            self.worker_changed(&gone.worker, false);
        }
    }

    fn handle(&mut self, input: Input) {
        for effect in self.coordinator.handle(Instant::now(), input) {
            match effect {
                Effect::Send(session, frame) => self.send(session, frame),
                Effect::Close { session, code, message } => {
                    tracing::info!(session = session.0, code = code.as_u16(), "closing session: {message}");
                    self.post(session, Outgoing::Close { code, message });
                    self.forget(session);
                }
                Effect::Store(op) => self.change(op),
                Effect::Progress(progress) => {
                    self.observed.progress(&progress);
                    self.events.publish(StudioEvent::Progress(progress.clone()));
                    self.live.set_progress(progress);
                }
                Effect::Preview(preview) => self.live.look(preview),
                Effect::Delta(delta) => self.live.grow(&delta),
            }
        }
    }

    fn send(&mut self, session: SessionId, mut frame: StudioFrame) {
        if let StudioFrame::Welcome(welcome) = &mut frame {
            welcome.server_time = Timestamp::now();
        }
        self.post(session, Outgoing::Frame(frame));
    }

    /// A socket that does not keep up loses its outbox, which ends it.
    fn post(&mut self, session: SessionId, outgoing: Outgoing) {
        let Some(state) = self.outboxes.get(&session) else { return };
        if state.outbox.try_send(outgoing).is_err() {
            tracing::warn!(worker = %state.worker, session = session.0, "the worker does not read its frames");
            self.forget(session);
        }
    }

    fn change(&mut self, op: StoreOp) {
        self.observed.asked(&op);
        let refused = refused(&op);
        let (news, events, live) = (self.news.clone(), self.events.clone(), self.live.clone());
        let worker = worker_of(&op);
        self.store.write_then(
            move |db| db.perform(op, Timestamp::now()),
            move |outcome| {
                let stored = outcome.unwrap_or_else(|error| {
                    tracing::error!("the store refused a change: {error}");
                    refused(StoreError(error.to_string()))
                });
                publish(&events, &live, &stored, worker);
                // An error says that the studio is stopping; the store has the truth.
                let _ = news.send(Input::Stored(stored));
            },
        );
    }

    fn job_changed(&self, job: &JobId, state: JobState, worker: Option<&WorkerId>) {
        self.live.job_changed(job, state);
        self.events.publish(StudioEvent::Job { id: job.clone(), state, worker: worker.cloned() });
    }

    fn worker_changed(&self, worker: &WorkerId, online: bool) {
        self.events.publish(StudioEvent::Worker { id: worker.clone(), online });
        let told = worker.clone();
        self.store.write_then(
            move |db| db.announce_worker(&told, online, Timestamp::now()),
            |outcome| {
                if let Err(error) = outcome {
                    tracing::warn!("could not note for webhooks that a worker came or went: {error}");
                }
            },
        );
    }

    fn touch(&self) {
        let seen: Vec<_> = self.live.seen().into_iter().map(|worker| (worker, None)).collect();
        if !seen.is_empty() {
            self.store.write_then(
                move |db| db.touch_workers(&seen, Timestamp::now()),
                |outcome| {
                    if let Err(error) = outcome {
                        tracing::warn!("could not note that workers are there: {error}");
                    }
                },
            );
        }
    }
}

fn worker_of(op: &StoreOp) -> Option<WorkerId> {
    match op {
        StoreOp::Claim { worker, .. }
        | StoreOp::Accept { worker, .. }
        | StoreOp::CompleteJson { worker, .. } => Some(worker.clone()),
        StoreOp::GiveBack { .. } | StoreOp::Fail { .. } | StoreOp::Lose { .. } | StoreOp::WasHeld { .. } => {
            None
        }
    }
}

fn publish(events: &Events, live: &Live, stored: &Stored, worker: Option<WorkerId>) {
    let Some((job, state)) = state_after(stored) else { return };
    // First, so that a watcher that hears of the change finds no more than counts.
    live.job_changed(job, state);
    events.publish(StudioEvent::Job { id: job.clone(), state, worker });
}

/// The state that a change has put a job in; `None` when it changed nothing.
fn state_after(stored: &Stored) -> Option<(&JobId, JobState)> {
    let (job, state) = match stored {
        Stored::Claim { job, outcome, .. } => {
            (job, matches!(outcome, Ok(Some(_))).then_some(JobState::Offered))
        }
        Stored::Accept { job, outcome, .. } => {
            (job, matches!(outcome, Ok(true)).then_some(JobState::Running))
        }
        Stored::GiveBack { job, outcome, .. } => {
            (job, matches!(outcome, Ok(Some(_))).then_some(JobState::Queued))
        }
        Stored::CompleteJson { job, outcome, .. } => {
            (job, matches!(outcome, Ok(CommitOutcome::Committed)).then_some(JobState::Done))
        }
        Stored::Fail { job, outcome, .. } => match outcome {
            Ok(FailOutcome::Requeued(_)) => (job, Some(JobState::Queued)),
            Ok(FailOutcome::Failed) => (job, Some(JobState::Failed)),
            Ok(FailOutcome::Stale | FailOutcome::NeverHeld) | Err(_) => (job, None),
        },
        Stored::Lose { job, outcome, .. } => match outcome {
            Ok(LoseOutcome::Requeued(_)) => (job, Some(JobState::Queued)),
            Ok(LoseOutcome::Quarantined) => (job, Some(JobState::Quarantined)),
            Ok(LoseOutcome::NotHeld) | Err(_) => (job, None),
        },
        Stored::WasHeld { job, .. } => (job, None),
    };
    state.map(|state| (job, state))
}
